//! Google's `generateContent` dialect, as the Gemini API speaks it: <https://ai.google.dev/api/generate-content>.

mod answer;
mod contents;
mod embeddings;
mod generation;
mod grounding;
mod media;
mod open_api;
mod request;
mod schema;
mod signature;
mod stream;
mod thinking;
mod tool_names;
mod tools;
mod usage;
mod wire;

use serde_json::Value;

use super::{Call, ChatStream, Notes, Provider, Target, errors};
pub(super) use embeddings::{Embedded, fields as embedding_fields, numbers, read as read_embeddings};

use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Gemini;

impl Provider for Gemini {
    fn needs_bytes(&self, model: &str, url: &str) -> bool {
        media::needs_bytes(model, url)
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let (body, notes) = request::write(target, chat)?;
        let mut url = method_url(target, if chat.stream() { "streamGenerateContent" } else { "generateContent" })?;
        if chat.stream() {
            // Without it the stream is one JSON list, cut anywhere.
            url.push(if url.contains('?') { '&' } else { '?' });
            url.push_str("alt=sse");
        }
        Ok(Call { http: post(target, url, &body), notes })
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::read(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes.clone()))
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        let error = errors::read(&notes.provider, head, body);
        // Google answers a bad key with 400, which would blame the caller's request.
        if error.kind() == Kind::Authentication { error.with_status(401) } else { error }
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        embeddings::write(target, request)
    }

    /// As `batchEmbedContents` bounds it (<https://ai.google.dev/api/embeddings>).
    fn embeddings_batch(&self, _model: &str) -> Option<usize> {
        Some(100)
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        embeddings::read(notes, body)
    }
}

/// The URL of a method of the target's model.
fn method_url(target: &Target<'_>, method: &str) -> Result<String> {
    let endpoint = format!("models/{}:{method}", target.model_segment()?);
    // An `api_base` with a whole endpoint names one method: a stream and embeddings have others beside it.
    let base = target.api_base.and_then(|base| {
        let (base, rest) = base.split_once("/models/")?;
        let (_, query) = rest.split_once('?').unwrap_or((rest, ""));
        rest.contains(':').then(|| if query.is_empty() { base.to_owned() } else { format!("{base}?{query}") })
    });
    Target { api_base: base.as_deref().or(target.api_base), ..*target }.url("v1beta", false, &endpoint)
}

/// The body of a chat request, and what the reader of its answer must know.
///
/// # Errors
///
/// As [`Provider::chat`].
pub(super) fn body(target: &Target<'_>, chat: &ChatRequest) -> Result<(Value, Notes)> {
    request::write(target, chat)
}

/// A request with the target's key and headers.
pub(super) fn post(target: &Target<'_>, url: String, body: &Value) -> HttpRequest {
    // Strings, numbers and string-keyed maps always serialise.
    let mut http = HttpRequest::post_json(url, serde_json::to_vec(body).unwrap_or_default());
    if let Some(key) = target.key {
        http.headers.push("x-goog-api-key", key.expose());
    }
    for (name, value) in target.settings.extra_headers.iter() {
        http.headers.set(name, value);
    }
    http
}

/// A target as the dialect's tests want it.
#[cfg(test)]
fn target_for<'a>(model: &'a str, settings: &'a super::Settings) -> Target<'a> {
    Target {
        provider: "gemini",
        api_base: None,
        default_base: "https://h/v1beta",
        model,
        key: None,
        token: None,
        settings,
        facts: super::Facts::default(),
        call_id: "c",
        now: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;
    use crate::secret::Secret;

    #[test]
    fn requests_carry_the_key_and_the_headers_of_the_configuration() {
        let headers = [("x-goog-user-project", "p"), ("content-type", "application/json; charset=utf-8")];
        let settings = Settings { extra_headers: headers.into_iter().collect(), ..Settings::default() };
        let key = Secret::new("k");
        let target =
            Target { key: Some(&key), api_base: Some("https://proxy/?a=b"), ..target_for("gemini-x", &settings) };
        let chat = |stream: bool| {
            let body = format!(r#"{{"model":"m","stream":{stream},"messages":[{{"role":"user","content":"x"}}]}}"#);
            Gemini.chat(&target, &ChatRequest::parse(body.as_bytes()).unwrap()).unwrap().http
        };
        let http = chat(true);
        assert_eq!(http.url, "https://proxy/v1beta/models/gemini-x:streamGenerateContent?a=b&alt=sse");
        assert_eq!(http.headers.get("x-goog-api-key"), Some("k"));
        assert_eq!(http.headers.get("x-goog-user-project"), Some("p"));
        assert_eq!(http.headers.get("content-type"), Some("application/json; charset=utf-8"));
        assert_eq!(chat(false).url, "https://proxy/v1beta/models/gemini-x:generateContent?a=b");
    }
}
