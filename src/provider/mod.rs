//! Dialects: pure functions from OpenAI's form to what a provider speaks, and back.

pub mod anthropic;
mod aws;
pub mod azure_ai;
pub mod bedrock;
pub mod cohere;
pub mod credentials;
pub mod errors;
pub mod exchange;
pub mod gemini;
mod google;
pub mod job;
pub(crate) mod litellm;
pub mod mock;
pub mod ollama;
pub mod openai;
mod params;
mod post;
mod reader;
pub mod registry;
pub mod replicate;
mod rerank;
mod retry_hint;
pub mod sagemaker;
pub mod snowflake;
mod target;
mod vectors;
mod vendor;
pub mod vertex;
pub mod watsonx;
pub mod workers_ai;

pub use params::Params;
pub use reader::StreamReader;
pub use rerank::Rerank;
pub use target::{Facts, Settings, Target, is_safe_segment};
pub use vendor::{Dialect, Own, PLAIN, Vendor};

use crate::error::{Error, Kind, Result};
use crate::frame::{Event, Framing};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, ChunkWriter, EmbeddingRequest, RerankRequest};
use openai::OpenAi;

/// A dialect. Every method is a pure function of its arguments.
pub trait Provider: Sync {
    /// How the target's credential becomes a token, where it has to: asked before a request is written, which then finds the
    /// token in [`Target::token`].
    ///
    /// # Errors
    ///
    /// A credential that is missing, or that cannot be read.
    fn exchange(&self, _target: &Target<'_>) -> Result<Option<exchange::Exchange>> {
        Ok(None)
    }

    /// Whether it lays `extra_body` over what it has written, past its own list of fields. For all others its fields are those
    /// of the request itself, and are translated with them.
    fn lays_extra_body(&self) -> bool {
        false
    }

    /// Writes `chat` as the upstream request.
    ///
    /// # Errors
    ///
    /// A field or part that the dialect cannot express, unless the target's settings say to drop it.
    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call>;

    /// Reads a whole answer with a 2xx status.
    ///
    /// # Errors
    ///
    /// Not what the dialect answers, or an error inside of it.
    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer>;

    /// Starts reading a streamed answer.
    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream>;

    /// The dialect as a value, where it is OpenAI's: what a provider of the user's own may depart from.
    fn as_openai(&self) -> Option<OpenAi> {
        None
    }

    /// Whether an `http:` or `https:` address of an image or a document has to be sent to `model` as bytes: the provider
    /// fetches none, or not this one.
    fn needs_bytes(&self, _model: &str, _url: &str) -> bool {
        false
    }

    /// Whether an answer with this head (2xx) is a job, to be read by [`Provider::job`], and not yet the answer.
    fn is_job(&self, _head: &HttpHead) -> bool {
        false
    }

    /// What a job has come to; `asked` is how many requests were sent for it, the first one among them.
    ///
    /// # Errors
    ///
    /// A job that failed, or is none.
    fn job(&self, _notes: &Notes, _asked: u32, body: &[u8]) -> Result<job::Job> {
        Ok(job::Job::Done(body.to_vec()))
    }

    /// How the upstream cuts a stream into events.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Reads a refusal: an answer with a status outside 2xx.
    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        errors::read(&notes.provider, head, body)
    }

    /// Writes an embedding request.
    ///
    /// # Errors
    ///
    /// As [`Provider::chat`]; by default the dialect has none.
    fn embeddings(&self, target: &Target<'_>, _request: &EmbeddingRequest) -> Result<Call> {
        Err(unsupported(target, "embeddings"))
    }

    /// Most inputs that `model` takes in one embedding request; `None` where the provider names no bound. Longer requests
    /// are sent in parts.
    fn embeddings_batch(&self, _model: &str) -> Option<usize> {
        None
    }

    /// Reads a whole answer to an embedding request.
    ///
    /// # Errors
    ///
    /// As [`Provider::chat_answer`].
    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, _body: &[u8]) -> Result<Answer> {
        Err(Error::new(Kind::BadRequest, format!("{} has no embeddings", notes.provider)))
    }

    /// Writes a rerank request.
    ///
    /// # Errors
    ///
    /// As [`Provider::chat`]; by default the dialect has none.
    fn rerank(&self, target: &Target<'_>, _request: &RerankRequest) -> Result<Call> {
        Err(unsupported(target, "reranking"))
    }

    /// Reads a whole answer to a rerank request.
    ///
    /// # Errors
    ///
    /// As [`Provider::chat_answer`].
    fn rerank_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        rerank::read(notes, body)
    }
}

fn unsupported(target: &Target<'_>, what: &str) -> Error {
    let message = format!("provider `{}` has no {what}: choose another model", target.provider);
    Error::bad_request("model", message)
}

/// Turns upstream events into chunks, remembering only what the dialect forces it to.
pub trait ChatStream {
    /// Reads one event. Events without data (comments) are not given.
    ///
    /// The upstream's own terminal event is told by [`ChunkWriter::end`]; without it the stream counts as broken.
    ///
    /// # Errors
    ///
    /// An error inside of the stream, or an event that is not the dialect's.
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()>;

    /// Says that the upstream has ended its stream, after its last event.
    ///
    /// For dialects without a terminal event: here they call [`ChunkWriter::end`] where what came was whole. Events
    /// after that call are not read, so a dialect whose usage may come last has to wait for this.
    fn finish(&mut self, _out: &mut ChunkWriter) {}
}

/// An upstream request, and what the reader of its answer must know of it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The request to send.
    pub http: HttpRequest,
    /// What the reader of the answer must know.
    pub notes: Notes,
}

/// What the reader of an answer must know of the request.
#[derive(Clone, Debug, Default)]
pub struct Notes {
    /// The provider's name.
    pub provider: String,
    /// The id of the answer where the upstream gives none.
    pub id: String,
    /// When the request was made, in Unix seconds.
    pub created: u64,
    /// The model that was asked, as the upstream names it.
    pub model: String,
    /// Names of tools that the dialect refuses: what was sent, and what the client calls it.
    pub tool_names: Vec<(String, String)>,
    /// The name of a tool that stands for `response_format`: its call is the answer's content.
    pub json_tool: Option<&'static str>,
    /// Fields that the dialect cannot express and that were left out.
    pub dropped: Vec<String>,
    /// Whether the client wants embeddings in base64, where the upstream sends numbers.
    pub base64_embeddings: bool,
    /// How many results of a reranking the client wants.
    pub top_n: Option<u64>,
    /// The documents of a reranking, where the client wants them back.
    pub documents: Vec<serde_json::Value>,
    /// Whether the client wants a stream; told where a job hangs on it.
    pub stream: bool,
    /// The first request of a job, without its body: others follow to its address, and with its headers.
    pub follow: Option<Box<HttpRequest>>,
}

impl Notes {
    /// Notes on a request to `target`.
    pub fn new(target: &Target<'_>) -> Self {
        Self {
            provider: target.provider.to_owned(),
            id: target.call_id.to_owned(),
            created: target.now,
            model: target.model.to_owned(),
            ..Self::default()
        }
    }

    /// The client's name of a tool that was sent as `sent`.
    pub fn client_tool_name<'a>(&'a self, sent: &'a str) -> &'a str {
        self.tool_names.iter().find(|(name, _)| name == sent).map_or(sent, |(_, original)| original)
    }

    /// An error for an answer that is not what the dialect answers.
    pub fn not_understood(&self, error: &impl std::fmt::Display) -> Error {
        Error::upstream(Kind::BadGateway, &self.provider, 502, format!("the answer was not understood: {error}"))
    }
}
