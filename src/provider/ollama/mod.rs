//! Ollama's own dialect: `/api/chat` and `/api/embed`, streams as lines of JSON (<https://docs.ollama.com/api/chat>).

mod answer;
mod embeddings;
mod messages;
mod request;
mod stream;
mod think_tags;

use super::post::{post, without_ending};
use super::{Call, ChatStream, Notes, Provider, Target};
use crate::error::Result;
use crate::frame::Framing;
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Ollama;

impl Provider for Ollama {
    fn needs_bytes(&self, _model: &str, _url: &str) -> bool {
        true
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let (body, notes) = request::chat(target, chat)?;
        Ok(Call { http: send(target, "chat", &body)?, notes })
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::read(notes, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes.clone()))
    }

    fn framing(&self) -> Framing {
        Framing::JsonLines
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let (body, notes) = embeddings::write(target, request)?;
        Ok(Call { http: send(target, "embed", &body)?, notes })
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        embeddings::read(notes, body)
    }
}

/// What people write behind the address of their server: the endpoints of one API or the other.
const ENDINGS: &[&str] =
    &["/api/chat", "/api/generate", "/api/embed", "/api/embeddings", "/v1/chat/completions", "/api", "/v1"];

fn send(target: &Target<'_>, endpoint: &str, body: &serde_json::Value) -> Result<HttpRequest> {
    let api_base = target.api_base.map(|base| without_ending(base, ENDINGS));
    let url = Target { api_base, ..*target }.url("api", false, endpoint)?;
    post(target, url, body.to_string().into_bytes(), true)
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn a_server_is_found_however_its_address_is_written() {
        let settings = Settings::default();
        for base in ["http://h:1", "http://h:1/", "http://h:1/api", "http://h:1/v1/", "http://h:1/api/chat"] {
            let target = Target { api_base: Some(base), ..Target::of_test("ollama", &settings) };
            let http = send(&target, "embed", &serde_json::json!({})).unwrap();
            assert_eq!(http.url, "http://h:1/api/embed", "{base}");
        }
        let target = Target { api_base: Some("http://h/ollama"), ..Target::of_test("ollama", &settings) };
        assert_eq!(send(&target, "chat", &serde_json::json!({})).unwrap().url, "http://h/ollama/api/chat");
    }
}
