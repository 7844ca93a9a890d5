//! `SageMaker` endpoints whose model speaks OpenAI's protocol; in streams its events come in AWS's frames:
//! <https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpointWithResponseStream.html>.

use super::exchange::Exchange;
use super::openai::{COMPATIBLE, OpenAi};
use super::{Call, ChatStream, Notes, Provider, Target, aws};
use crate::error::{Error, Result};
use crate::frame::{Event, FAILURE, Framing};
use crate::http::HttpHead;
use crate::openai::{Answer, ChatRequest, ChunkWriter};

/// A `SageMaker` endpoint.
#[derive(Clone, Copy, Debug)]
pub struct SageMaker;

const SERVICE: aws::Service =
    aws::Service { host: "runtime.sagemaker", signing: "sagemaker", bearer: false, endpoint: "" };

/// What the model behind the endpoint speaks.
const DIALECT: OpenAi = OpenAi { keyless: true, ..COMPATIBLE };

/// The header that names one of several models of an endpoint; LiteLLM's field for it is `model_id`.
const COMPONENT: &str = "x-amzn-sagemaker-inference-component";

impl Provider for SageMaker {
    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        aws::exchange(target, SERVICE.bearer)
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let component = chat.get::<String>("model_id")?;
        let endpoint = target.model_segment()?;
        // The body is OpenAI's; where it goes is AWS's.
        let inner = Target { api_base: Some("https://sagemaker"), key: None, ..*target };
        let Call { http, notes } = DIALECT.chat(&inner, &chat.with(|fields| fields.remove("model_id"))?)?;
        let action = if chat.stream() { "invocations-response-stream" } else { "invocations" };
        let region = aws::region(target, None)?;
        let mut http = aws::post(target, SERVICE, region, &["endpoints", endpoint, action].join("/"), http.body)?;
        if let Some(component) = component {
            if !super::is_safe_segment(&component) {
                return Err(Error::bad_request("model_id", "`model_id` must be the name of an inference component"));
            }
            http.headers.set(COMPONENT, component);
        }
        aws::authorize(target, SERVICE, region, &mut http)?;
        Ok(Call { http, notes })
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        DIALECT.chat_answer(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(Stream { notes: notes.clone(), inner: DIALECT.chat_stream(notes) })
    }

    fn framing(&self) -> Framing {
        Framing::WrappedSse
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        aws::refusal(notes, head, body)
    }
}

/// OpenAI's stream, and AWS's exceptions among its events.
struct Stream {
    notes: Notes,
    inner: Box<dyn ChatStream>,
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        match event.name.strip_prefix(FAILURE) {
            Some(name) => Err(aws::of_event(&self.notes, name, event.data)),
            None => self.inner.event(event, out),
        }
    }

    fn finish(&mut self, out: &mut ChunkWriter) {
        self.inner.finish(out);
    }
}
