//! OpenAI's chat completions and embeddings, and everybody who copies them: one dialect, its quirks as fields.
//!
//! Where nothing must change, bytes pass: a request keeps its fields in order, and an answer is handed on as it came.
//! What an upstream sends in another shape (`reasoning`, a list of thinking parts) is mended where it is really there,
//! whoever sends it: only what must be known *before* an answer comes is a field of [`OpenAi`].

mod address;
mod answer;
mod chunk;
pub mod effort;
pub mod login;
mod messages;
pub mod quirks;
mod reasoning;
mod request;
mod stream;
mod usage;

use super::exchange::Exchange;
use super::{Call, ChatStream, Notes, Provider, Rerank, Target};
use crate::error::Result;
use crate::http::HttpHead;
use crate::openai::{Answer, ChatRequest, EmbeddingRequest, RerankRequest};

pub use address::Address;
pub use effort::Effort;
pub use login::Login;

/// The dialect of a provider who speaks OpenAI's language, and where it departs from it.
#[derive(Clone, Copy, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is one quirk, and a row names those that it has")]
pub struct OpenAi {
    /// How URLs are made.
    pub address: Address,
    /// How it is logged in to.
    pub login: Login,
    /// The header that carries the key; `authorization` takes it as a bearer token.
    pub key_header: &'static str,
    /// Whether it can be asked without a key.
    pub keyless: bool,
    /// Parameters that it refuses.
    pub drops: &'static [&'static str],
    /// Parameters that its models refuse which think, by the price data.
    pub thinkers_drop: &'static [&'static str],
    /// Parameters with another name: OpenAI's and its own.
    pub renames: &'static [(&'static str, &'static str)],
    /// Fields of messages, parts and tools that it refuses: LiteLLM's own, which OpenAI's form does not have.
    pub strips: &'static [&'static str],
    /// Whether it knows the role `developer`; else it gets `system`.
    pub developer_role: bool,
    /// Whether it takes lists of parts as content; else a list of nothing but text becomes a string.
    pub text_parts: bool,
    /// Whether it fetches images; else their bytes are sent.
    pub fetches_images: bool,
    /// Whether ids of tool calls must be nine letters or digits.
    pub short_tool_ids: bool,
    /// Whether it takes `strict` in a function.
    pub strict_tools: bool,
    /// Its word for the tool choice `required`.
    pub required_tool: &'static str,
    /// Whether it takes `stream_options`; else it tells its usage unasked, or never.
    pub stream_options: bool,
    /// The highest `temperature` that it takes, as JSON; higher ones are lowered to it.
    pub temperature_max: Option<f64>,
    /// How it is told how much to think.
    pub effort: Effort,
    /// Most inputs of an embedding request, where its documents name a bound.
    pub embeddings_batch: Option<usize>,
    /// Whether its models follow OpenAI's rules for reasoning models (o-series, gpt-5).
    pub openai_models: bool,
    /// Whether a chunk with a finish reason ends its streams, since it never sends `[DONE]`.
    pub ends_at_finish: bool,
    /// The same, but usage comes after that chunk: the stream is whole when it is closed after both.
    pub ends_at_close: bool,
    /// Whether `provider/organisation/model` is Hugging Face's way to ask its router for that provider.
    pub hub_models: bool,
    /// Its form of reranking, where it has that.
    pub rerank: Option<Rerank>,
    /// Where its embeddings depart from OpenAI's.
    pub embedding: Embedding,
}

/// Where embeddings depart from OpenAI's.
#[derive(Clone, Copy, Debug)]
pub struct Embedding {
    /// Parameters with another name: OpenAI's and its own.
    pub renames: &'static [(&'static str, &'static str)],
    /// Whether `encoding_format: float` would be refused: numbers are what comes unasked.
    pub unsaid_float: bool,
    /// Whether it gives numbers alone; base64 is made here then.
    pub only_float: bool,
}

/// OpenAI's embeddings.
pub const EMBEDDING: Embedding = Embedding { renames: &[], unsaid_float: false, only_float: false };

/// Names of LiteLLM in messages, parts and tools that no copy of OpenAI knows.
const FOREIGN: &[&str] = &["cache_control", "thinking_blocks", "provider_specific_fields"];

/// A provider that copies OpenAI faithfully: every row starts from it.
pub const COMPATIBLE: OpenAi = OpenAi {
    address: Address::Endpoint,
    login: Login::Key,
    key_header: "authorization",
    keyless: false,
    drops: &[],
    thinkers_drop: &[],
    renames: &[],
    strips: FOREIGN,
    developer_role: false,
    text_parts: true,
    fetches_images: true,
    short_tool_ids: false,
    strict_tools: true,
    required_tool: "required",
    stream_options: true,
    temperature_max: None,
    effort: Effort::Words,
    embeddings_batch: None,
    openai_models: false,
    ends_at_finish: false,
    ends_at_close: false,
    hub_models: false,
    rerank: None,
    embedding: EMBEDDING,
};

/// OpenAI itself: it refuses what it does not know inside of messages.
///
/// 2048 inputs an embedding request (<https://platform.openai.com/docs/api-reference/embeddings/create>).
pub const OPENAI: OpenAi =
    OpenAi { strips: STRICT, developer_role: true, embeddings_batch: Some(2048), openai_models: true, ..COMPATIBLE };

/// For those who check messages against a schema, reasoning of earlier turns is foreign too.
pub const STRICT: &[&str] = &["cache_control", "thinking_blocks", "provider_specific_fields", "reasoning_content"];

impl Provider for OpenAi {
    fn lays_extra_body(&self) -> bool {
        true
    }

    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        self.login.exchange(target)
    }

    fn as_openai(&self) -> Option<OpenAi> {
        Some(*self)
    }

    fn needs_bytes(&self, _model: &str, _url: &str) -> bool {
        !self.fetches_images
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        request::chat(self, target, chat)
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::chat(notes, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes, self))
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        request::embeddings(self, target, request)
    }

    fn embeddings_batch(&self, _model: &str) -> Option<usize> {
        self.embeddings_batch
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::embeddings(notes, body)
    }

    fn rerank(&self, target: &Target<'_>, request: &RerankRequest) -> Result<Call> {
        let Some(form) = self.rerank else { return Err(super::unsupported(target, "reranking")) };
        let url = match form.url(target)? {
            Some(url) => url,
            None => self.address.url(target, "rerank")?,
        };
        let (body, notes) = form.write(target, request)?;
        Ok(Call { http: request::http_to(self, target, url, body.to_string().into_bytes())?, notes })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Settings, StreamReader};
    use super::*;

    const ANSWER: &str = r#"{"id" :"x",
        "model":"m", "choices":[{"index":0,"message":{"role":"assistant","content":"a\u00e9","reasoning":null}}],
        "usage":{"prompt_tokens":1.0,"total_tokens":3,"completion_tokens":2}}
        "#;

    const STREAM: &str = concat!(
        r#"data: {"id":"x", "choices":[{"delta":{"content":[{"type":"thinking","thinking":"t"}]}}]}"#,
        "\n\n",
        r#"data: {"choices":[{"delta":{"reasoning":"r","tool_calls":[{"function":{"name":"f","arguments":"{}"}}]},"#,
        r#""finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#,
        "\n\ndata: [DONE]\n\n"
    );

    fn notes() -> Notes {
        Notes { provider: "p".to_owned(), ..Notes::default() }
    }

    #[test]
    fn an_answer_is_handed_on_byte_for_byte() {
        let answer = OPENAI.chat_answer(&notes(), &HttpHead::default(), ANSWER.as_bytes()).unwrap();
        assert_eq!(answer.body, ANSWER.as_bytes());
        assert_eq!(answer.model.as_deref(), Some("m"));
        assert_eq!(answer.usage.unwrap().prompt_tokens, 1);
    }

    #[test]
    fn a_request_keeps_order_spelling_and_unknown_fields() {
        let body =
            r#"{"zeta":{"b" : 1.0,"a":2e0},"messages":[ {"role":"user","content":"\u0069"} ],"model":"x/m","n":2}"#;
        let settings = Settings::default();
        let target = Target { api_base: Some("http://h"), ..Target::of_test("p", &settings) };
        let call = COMPATIBLE.chat(&target, &ChatRequest::parse(body.as_bytes()).unwrap()).unwrap();
        assert_eq!(String::from_utf8(call.http.body).unwrap(), body.replace("x/m", "m"));
    }

    #[test]
    fn a_provider_without_its_key_is_not_asked() {
        let settings = Settings::default();
        let target = Target {
            provider: "p",
            api_base: None,
            default_base: "https://h/v1",
            model: "m",
            key: None,
            token: None,
            settings: &settings,
            facts: Facts::default(),
            call_id: "id",
            now: 0,
        };
        let chat = ChatRequest::parse(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        let error = COMPATIBLE.chat(&target, &chat).unwrap_err();
        assert!(error.status() == 401 && error.falls_back(), "{error}");
        assert!(quirks::OWN_SERVER.chat(&target, &chat).is_ok());
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error_and_never_a_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize
        };
        let marks = br#""{}[],:\0e-nt"#;
        for round in 0..20_000 {
            let mut bytes = if round % 2 == 0 { ANSWER } else { STREAM }.as_bytes().to_vec();
            for _ in 0..=random() % 4 {
                let at = random() % bytes.len();
                match random() % 3 {
                    0 => bytes[at] = marks[random() % marks.len()],
                    1 => bytes.truncate(at.max(1)),
                    _ => {
                        let piece: Vec<u8> = bytes[at..].iter().take(random() % 40).copied().collect();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            let _ = OPENAI.chat_answer(&notes(), &HttpHead::default(), &bytes);
            let _ = OPENAI.embeddings_answer(&notes(), &HttpHead::default(), &bytes);
            let mut reader = StreamReader::new(&OPENAI, &notes(), true);
            let _ = reader.push(&bytes).and_then(|()| reader.finish());
        }
    }
}
