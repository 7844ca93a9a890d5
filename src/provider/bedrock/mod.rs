//! AWS Bedrock: Converse for every model, Claude's own protocol by `invoke/`, and embeddings.

mod answer;
mod blocks;
mod embeddings;
mod media;
mod model;
mod request;
mod stream;

use serde_json::{Map, Value};

use super::anthropic::{request as claude, response};
use super::{Call, ChatStream, Notes, Provider, Target, aws};
use crate::error::{Error, Result};
use crate::frame::Framing;
use crate::http::{HttpHead, percent_encode};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};
use model::Model;

/// The runtime of Bedrock.
#[derive(Clone, Copy, Debug)]
pub struct Bedrock;

const SERVICE: aws::Service = aws::Service {
    host: "bedrock-runtime",
    signing: "bedrock",
    bearer: true,
    endpoint: "aws_bedrock_runtime_endpoint",
};

/// The version of Claude's protocol that AWS speaks:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>.
const CLAUDE_VERSION: &str = "bedrock-2023-05-31";

/// The request for `action` of a model.
fn call(target: &Target<'_>, model: Model<'_>, action: &str, body: &Map<String, Value>, notes: Notes) -> Result<Call> {
    let region = aws::region(target, model.region)?;
    let endpoint = ["model/", &percent_encode(model.id), "/", action].concat();
    // A map with string keys always serialises.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut http = aws::post(target, SERVICE, region, &endpoint, body)?;
    aws::authorize(target, SERVICE, region, &mut http)?;
    Ok(Call { http, notes })
}

impl Provider for Bedrock {
    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let model = Model::of(target)?;
        if !model.invoke {
            let (body, notes) = request::write(target, chat, model)?;
            let action = if chat.stream() { "converse-stream" } else { "converse" };
            return call(target, model, action, &body, notes);
        }
        let (mut body, mut betas, mut notes) = claude::write(target, chat)?;
        model.name.clone_into(&mut notes.model);
        body.remove("model");
        body.remove("stream");
        body.insert("anthropic_version".to_owned(), CLAUDE_VERSION.into());
        for (_, list) in target.settings.extra_headers.iter().filter(|(name, _)| *name == "anthropic-beta") {
            betas.add_list(list);
        }
        let betas = betas.names();
        if !betas.is_empty() {
            body.insert("anthropic_beta".to_owned(), betas.into());
        }
        let action = if chat.stream() { "invoke-with-response-stream" } else { "invoke" };
        call(target, model, action, &body, notes)
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
        if value.get("output").is_some() {
            return answer::read(notes, &value, body).map(Answer::from);
        }
        let mut response = response::read_message(notes, &value, body)?;
        // Claude calls itself by a name that AWS's prices do not know.
        notes.model.clone_into(&mut response.model);
        Ok(Answer::from(response))
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes))
    }

    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        aws::refusal(notes, head, body)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let model = Model::of(target)?;
        let (body, notes) = embeddings::write(target, request, model)?;
        call(target, model, "invoke", &body, notes)
    }

    fn embeddings_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        embeddings::read(notes, head, body)
    }
}
