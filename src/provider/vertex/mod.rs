//! Vertex AI: the models of Google and its partners in a project of Google Cloud, each in the dialect of its maker
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/inference>).

mod address;
mod predict;

use super::exchange::Exchange;
use super::google::{Credentials, refused};
use super::openai::{self, OpenAi, quirks};
use super::{Call, ChatStream, Notes, Provider, Target, anthropic, gemini};
use crate::error::{Error, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};
use crate::secret::Secret;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Vertex;

/// The version of Anthropic's API that Vertex AI serves, in the body.
const ANTHROPIC_VERSION: &str = "vertex-2023-10-16";

/// What an access token of a user's own starts with; it is no API key, and travels as a bearer token.
const ACCESS_TOKEN: &str = "ya29.";

/// The header by which a request is put into another tier
/// (<https://docs.cloud.google.com/vertex-ai/generative-ai/docs/flex-paygo>).
const TIER: &str = "x-vertex-ai-llm-shared-request-type";

/// Partner models on the endpoint that speaks OpenAI's protocol.
const OPEN_API: OpenAi = OpenAi { strips: openai::STRICT, ..quirks::MAX_TOKENS };

/// Whose dialect a model speaks, by its name as LiteLLM writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Maker {
    /// Gemini, and tuned models: `gemini-…`, `gemini/{endpoint}`, an endpoint's number.
    Google,
    /// `claude-…`: Anthropic's Messages by `rawPredict`.
    Anthropic,
    /// `mistral-…`, `codestral-…`: Mistral's own by `rawPredict`.
    Mistral,
    /// `jamba-…`: AI21's own by `rawPredict`.
    Ai21,
    /// `meta/…`, `deepseek-ai/…`, `qwen/…`, …: OpenAI's on the endpoint `openapi`.
    OpenApi,
    /// `openai/{endpoint}`: OpenAI's on an endpoint of one's own.
    Endpoint,
}

impl Maker {
    fn of(model: &str) -> Self {
        let starts = |words: &[&str]| words.iter().any(|word| model.starts_with(word));
        match model.split_once('/') {
            Some(("gemini", _)) => Self::Google,
            Some(("openai", id)) if is_number(id) => Self::Endpoint,
            Some(_) => Self::OpenApi,
            None if starts(&["claude"]) => Self::Anthropic,
            None if starts(&["mistral", "codestral"]) => Self::Mistral,
            None if starts(&["jamba"]) => Self::Ai21,
            None => Self::Google,
        }
    }

    /// The dialect in which its answers are read.
    fn dialect(self) -> &'static dyn Provider {
        match self {
            Self::Google => &gemini::Gemini,
            Self::Anthropic => &anthropic::Anthropic,
            Self::Mistral => &quirks::MISTRAL,
            Self::Ai21 => &quirks::AI21,
            Self::OpenApi | Self::Endpoint => &OPEN_API,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

impl Provider for Vertex {
    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        if target.key.is_some_and(|key| !key.is_empty()) {
            return Ok(None);
        }
        match Credentials::of(target)? {
            Some(credentials) => credentials.exchange(target).map(Some),
            None => Err(refused(
                target,
                "no credentials: set `vertex_credentials` to the JSON of a service account, or `api_key` for express mode",
            )),
        }
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let maker = Maker::of(target.model);
        let call = match maker {
            Maker::Google => google(target, chat)?,
            Maker::Anthropic => {
                let url = address::method(target, "anthropic", raw_predict(chat))?;
                // Structured outputs are native where the price data say so, and by a tool elsewhere.
                anthropic::call(target, chat, url, anthropic::Host::Predicts(ANTHROPIC_VERSION))?
            }
            Maker::Mistral => {
                let model = target.model.split('@').next().unwrap_or_default();
                let url = address::method(target, "mistralai", raw_predict(chat))?;
                compatible(&quirks::MISTRAL, target, chat, model, url)?
            }
            Maker::Ai21 => {
                let url = address::method(target, "ai21", raw_predict(chat))?;
                compatible(&quirks::AI21, target, chat, target.model, url)?
            }
            // An endpoint of one's own has one model, which its URL names.
            Maker::Endpoint => compatible(&OPEN_API, target, chat, "", address::chat_completions(target, true)?)?,
            Maker::OpenApi => {
                compatible(&OPEN_API, target, chat, target.model, address::chat_completions(target, false)?)?
            }
        };
        Ok(authorised(target, call))
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        Maker::of(&notes.model).dialect().chat_answer(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Maker::of(&notes.model).dialect().chat_stream(notes)
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        Maker::of(&notes.model).dialect().refusal(notes, head, body)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        Ok(authorised(target, predict::write(target, request)?))
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        predict::read(notes, body)
    }
}

fn raw_predict(chat: &ChatRequest) -> &'static str {
    if chat.stream() { "streamRawPredict" } else { "rawPredict" }
}

fn google(target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
    let own = Target { model: target.model.strip_prefix("gemini/").unwrap_or(target.model), ..*target };
    let (mut body, mut notes) = gemini::body(&own, chat)?;
    target.model.clone_into(&mut notes.model);
    let mut url =
        address::method(&own, "google", if chat.stream() { "streamGenerateContent" } else { "generateContent" })?;
    if chat.stream() {
        url.push(if url.contains('?') { '&' } else { '?' });
        url.push_str("alt=sse");
    }
    // What is a field of the Gemini API is a header here.
    let tier = body.as_object_mut().and_then(|body| body.remove("serviceTier"));
    let mut http = gemini::post(&Target { key: None, ..own }, url, &body);
    if let Some(tier) =
        tier.as_ref().and_then(serde_json::Value::as_str).filter(|tier| ["flex", "priority"].contains(tier))
        && http.headers.get(TIER).is_none()
    {
        http.headers.push(TIER, tier);
    }
    Ok(Call { http, notes })
}

/// A request in OpenAI's protocol to a URL that is whole already.
fn compatible(dialect: &OpenAi, target: &Target<'_>, chat: &ChatRequest, model: &str, url: String) -> Result<Call> {
    let own = Target { api_base: Some("https://host/chat/completions"), key: None, model, ..*target };
    let mut call = dialect.chat(&own, chat)?;
    call.http.url = url;
    target.model.clone_into(&mut call.notes.model);
    Ok(call)
}

/// The key of express mode, which needs no project.
fn express_key<'a>(target: &Target<'a>) -> Option<&'a str> {
    target.key.map(Secret::expose).filter(|key| !key.is_empty() && !key.starts_with(ACCESS_TOKEN))
}

/// Puts the token, or the key of express mode, into the headers.
fn authorised(target: &Target<'_>, mut call: Call) -> Call {
    let HttpRequest { headers, .. } = &mut call.http;
    let own = target.key.map(Secret::expose).filter(|key| key.starts_with(ACCESS_TOKEN));
    match (target.token.map(Secret::expose).or(own), express_key(target)) {
        // What the configuration says by `extra_headers` stays.
        _ if headers.get("authorization").is_some() => {}
        (Some(token), _) => headers.push("authorization", format!("Bearer {token}")),
        (None, Some(key)) => headers.push("x-goog-api-key", key),
        (None, None) => {}
    }
    call
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_name_tells_its_maker() {
        for (model, maker) in [
            ("gemini-2.5-flash", Maker::Google),
            ("gemini/4965075652664360960", Maker::Google),
            ("4965075652664360960", Maker::Google),
            ("claude-sonnet-4-5@20250929", Maker::Anthropic),
            ("mistral-large-2411@001", Maker::Mistral),
            ("codestral-2501", Maker::Mistral),
            ("jamba-1.5-mini@001", Maker::Ai21),
            ("meta/llama-3.3-70b-instruct-maas", Maker::OpenApi),
            ("openai/gpt-oss-120b-maas", Maker::OpenApi),
            ("google/gemma-4-26b-a4b-it-maas", Maker::OpenApi),
            ("openai/5464397967697903616", Maker::Endpoint),
        ] {
            assert_eq!(Maker::of(model), maker, "{model}");
        }
    }
}
