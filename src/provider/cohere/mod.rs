//! Cohere's own dialect, version 2: chat, embed and rerank (<https://docs.cohere.com/reference/chat>).

mod answer;
mod embeddings;
mod messages;
mod request;
mod stream;
mod tools;

use super::post::{post, without_ending};
use super::{Call, ChatStream, Notes, Provider, Rerank, Target, errors};
use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest, RerankRequest};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Cohere;

impl Provider for Cohere {
    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let (body, notes) = request::write(target, chat)?;
        Ok(Call { http: send(target, "chat", &body)?, notes })
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::read(notes, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes.clone()))
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        let error = errors::read(&notes.provider, head, body);
        // 498: a filter held the prompt or the answer back (https://docs.cohere.com/reference/errors).
        match head.status {
            498 => Error::upstream(Kind::ContentPolicyViolation, &notes.provider, 400, error.message()),
            _ => error,
        }
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let (body, notes) = embeddings::write(target, request)?;
        Ok(Call { http: send(target, "embed", &body)?, notes })
    }

    fn embeddings_batch(&self, _model: &str) -> Option<usize> {
        Some(embeddings::MOST_TEXTS)
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        embeddings::read(notes, body)
    }

    fn rerank(&self, target: &Target<'_>, request: &RerankRequest) -> Result<Call> {
        let (body, notes) = Rerank::Cohere.write(target, request)?;
        Ok(Call { http: send(target, "rerank", &body)?, notes })
    }
}

/// What people write behind the address: endpoints, and the versions of Cohere's API with other forms.
const ENDINGS: &[&str] =
    &["/v2/chat", "/v1/chat", "/v2/embed", "/v1/embed", "/v2/rerank", "/v1/rerank", "/compatibility/v1", "/v2", "/v1"];

fn send(target: &Target<'_>, endpoint: &str, body: &serde_json::Value) -> Result<HttpRequest> {
    let api_base = target.api_base.map(|base| without_ending(base, ENDINGS));
    let url = Target { api_base, ..*target }.url("v2", false, endpoint)?;
    post(target, url, body.to_string().into_bytes(), false)
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn every_version_of_its_address_is_the_second() {
        let settings = Settings::default();
        for base in ["http://h", "http://h/", "http://h/v1", "http://h/v2/chat", "http://h/compatibility/v1/"] {
            let target = Target { api_base: Some(base), ..Target::of_test("cohere", &settings) };
            let http = send(&target, "embed", &serde_json::json!({})).unwrap();
            assert_eq!(http.url, "http://h/v2/embed", "{base}");
        }
    }
}
