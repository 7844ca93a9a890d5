//! Chunks of a streamed answer, and the writer that every dialect writes them to.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::usage::Usage;
use crate::error::Error;
use crate::money::Money;

/// A chunk of an answer, without the head that all chunks of a stream share.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChatChunk {
    /// What is new.
    pub choices: Vec<StreamChoice>,
    /// Everything else of the chunk.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

impl ChatChunk {
    /// A chunk with news of the first answer.
    pub fn delta(delta: Delta) -> Self {
        Self { choices: vec![StreamChoice { delta, ..StreamChoice::default() }], extra: Map::new() }
    }

    /// The chunk that ends the first answer.
    pub fn finish(reason: &str) -> Self {
        let finish_reason = Some(reason.to_owned());
        Self { choices: vec![StreamChoice { finish_reason, ..StreamChoice::default() }], extra: Map::new() }
    }
}

/// News of one of the answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct StreamChoice {
    /// From 0.
    pub index: u64,
    /// What is new.
    pub delta: Delta,
    /// Why it ended, on its last chunk.
    pub finish_reason: Option<String>,
    /// Log probabilities in OpenAI's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// What is new in an answer.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Delta {
    /// `assistant`, on the first chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<&'static str>,
    /// Text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content: Option<String>,
    /// A refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Reasoning text (LiteLLM's name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Reasoning with its signatures, in Anthropic's shape (LiteLLM's name).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thinking_blocks: Vec<Value>,
    /// Calls of tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCallDelta>,
    /// Citations of the web in OpenAI's shape.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Value>,
    /// Generated images (LiteLLM's name).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Value>,
    /// Generated audio in OpenAI's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Value>,
    /// What OpenAI's shape has no place for (LiteLLM's name).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub provider_specific_fields: Map<String, Value>,
}

/// News of a call of a tool.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ToolCallDelta {
    /// Which call, from 0, counting calls only.
    pub index: u64,
    /// Its id, on its first chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `function`, on its first chunk.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// Name, on its first chunk, and a piece of the arguments.
    pub function: FunctionDelta,
    /// What OpenAI's shape has no place for (LiteLLM's name).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub provider_specific_fields: Map<String, Value>,
}

/// A piece of a call.
#[derive(Clone, Debug, Default, Serialize)]
pub struct FunctionDelta {
    /// The function, on the first chunk.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The next piece of the arguments' JSON text.
    pub arguments: String,
}

impl ToolCallDelta {
    /// The first chunk of a call.
    pub fn start(index: u64, id: &str, name: &str, arguments: &str) -> Self {
        let function = FunctionDelta { name: Some(name.to_owned()), arguments: arguments.to_owned() };
        Self { index, id: Some(id.to_owned()), kind: Some("function"), function, provider_specific_fields: Map::new() }
    }

    /// A further piece of a call's arguments.
    pub fn arguments(index: u64, piece: &str) -> Self {
        let function = FunctionDelta { name: None, arguments: piece.to_owned() };
        Self { index, function, ..Self::default() }
    }
}

/// Collects what the client gets of a stream, as server-sent events, and what the gateway learns from it.
///
/// A dialect writes chunks (or hands events on raw), tells usage, and says when the upstream's own terminal event came.
/// The tail of the stream, usage and `[DONE]`, is the gateway's to write: only it knows the cost, and whether the stream
/// was whole.
#[derive(Clone, Debug, Default)]
pub struct ChunkWriter {
    bytes: Vec<u8>,
    id: String,
    created: u64,
    model: String,
    include_usage: bool,
    usage: Option<Usage>,
    /// A raw usage event of the upstream that is held back for the tail.
    held: Vec<u8>,
    meaningful: bool,
    ended: bool,
    text_bytes: u64,
}

impl ChunkWriter {
    /// A writer for one stream: `id` stands where the upstream gives none, `created` is in Unix seconds, and
    /// `include_usage` is whether the client asked for the usage chunk.
    pub fn new(id: &str, created: u64, model: &str, include_usage: bool) -> Self {
        Self { id: id.to_owned(), created, model: model.to_owned(), include_usage, ..Self::default() }
    }

    /// Takes the upstream's own id and model, where it has them.
    pub fn identify(&mut self, id: Option<&str>, model: Option<&str>) {
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            id.clone_into(&mut self.id);
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            model.clone_into(&mut self.model);
        }
    }

    /// Writes a chunk.
    pub fn chunk(&mut self, chunk: &ChatChunk) {
        for choice in &chunk.choices {
            let delta = &choice.delta;
            let text = [&delta.content, &delta.reasoning_content, &delta.refusal];
            let text: usize = text.into_iter().flatten().map(String::len).sum();
            let calls: usize = delta.tool_calls.iter().map(|call| call.function.arguments.len()).sum();
            self.delivered((text + calls) as u64);
            let news = text + calls > 0
                || choice.finish_reason.is_some()
                || !(delta.tool_calls.is_empty() && delta.thinking_blocks.is_empty() && delta.images.is_empty())
                || delta.audio.is_some();
            self.meaningful |= news;
        }
        self.event(&chunk.choices, &chunk.extra, None);
    }

    fn event(&mut self, choices: &[StreamChoice], extra: &Map<String, Value>, usage: Option<&Value>) {
        #[derive(Serialize)]
        struct Event<'a> {
            id: &'a str,
            object: &'static str,
            created: u64,
            model: &'a str,
            choices: &'a [StreamChoice],
            #[serde(skip_serializing_if = "Option::is_none")]
            usage: Option<&'a Value>,
            #[serde(flatten)]
            extra: &'a Map<String, Value>,
        }
        let (id, created, model) = (&self.id, self.created, &self.model);
        let event = Event { id, object: "chat.completion.chunk", created, model, choices, usage, extra };
        self.bytes.extend_from_slice(b"data: ");
        // Strings, numbers and string-keyed maps always serialise.
        let _ = serde_json::to_writer(&mut self.bytes, &event);
        self.bytes.extend_from_slice(b"\n\n");
    }

    /// Hands an event of an upstream that speaks OpenAI's dialect on as it came.
    pub fn raw(&mut self, event: &[u8]) {
        self.bytes.extend_from_slice(event);
    }

    /// Says that something came that a client can use: from here on a failure can no longer fall back.
    pub fn mark_meaningful(&mut self) {
        self.meaningful = true;
    }

    /// Counts bytes of text that were delivered, for streams that end without usage.
    pub fn delivered(&mut self, bytes: u64) {
        self.text_bytes = self.text_bytes.saturating_add(bytes);
    }

    /// Takes usage: later figures replace earlier ones.
    pub fn usage(&mut self, usage: Usage) {
        self.usage = Some(usage);
    }

    /// Takes usage that stands for the upstream's own, which is not handed on.
    pub fn replace_usage(&mut self, usage: Usage) {
        self.held.clear();
        self.usage = Some(usage);
    }

    /// Holds the upstream's raw usage event back: it becomes the tail's where the client asked for usage.
    pub fn hold(&mut self, event: &[u8]) {
        self.held = event.to_vec();
    }

    /// Says that the upstream's own terminal event came: the stream is whole.
    pub fn end(&mut self) {
        self.ended = true;
        self.meaningful = true;
    }

    /// Writes the tail of a whole stream: usage where the client asked for it, with its cost, and `[DONE]`.
    pub fn write_tail(&mut self, cost: Option<Money>) {
        if self.include_usage {
            let held = std::mem::take(&mut self.held);
            if held.is_empty() {
                let mut usage = self.usage.as_ref().map_or_else(|| json!({}), |usage| json!(usage));
                if let (Some(cost), Some(usage)) = (cost, usage.as_object_mut()) {
                    usage.insert("cost".to_owned(), json!(cost));
                }
                if self.usage.is_some() {
                    self.event(&[], &Map::new(), Some(&usage));
                }
            } else {
                self.bytes.extend_from_slice(&with_cost(&held, cost));
            }
        }
        self.bytes.extend_from_slice(b"data: [DONE]\n\n");
    }

    /// Writes an error event in OpenAI's shape: the stream is broken, and no `[DONE]` follows.
    pub fn write_error(&mut self, error: &Error) {
        self.bytes.extend_from_slice(b"data: ");
        let _ = serde_json::to_writer(&mut self.bytes, &error.to_json());
        self.bytes.extend_from_slice(b"\n\n");
    }

    /// Takes the bytes written so far.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.bytes)
    }

    /// Whether something came that a client can use.
    pub fn is_meaningful(&self) -> bool {
        self.meaningful
    }

    /// Whether the upstream's terminal event came.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Usage, where the upstream told.
    pub fn told_usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }

    /// The model that answers, as the upstream names it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Bytes of text delivered so far.
    pub fn text_bytes(&self) -> u64 {
        self.text_bytes
    }
}

/// Puts the cost into a raw usage event, unless the provider told its own.
fn with_cost(event: &[u8], cost: Option<Money>) -> Vec<u8> {
    let mark = b"\"usage\":{";
    let at = memchr::memmem::find(event, mark).map(|at| at + mark.len());
    match (cost, at.and_then(|at| event.split_at_checked(at))) {
        (Some(cost), Some((head, tail))) if memchr::memmem::find(tail, b"\"cost\":").is_none() => {
            let cost = format!("\"cost\":{},", json!(cost));
            [head, cost.as_bytes(), tail].concat()
        }
        _ => event.to_vec(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn text(writer: &mut ChunkWriter) -> String {
        String::from_utf8(writer.take()).unwrap()
    }

    #[test]
    fn chunks_share_a_head_and_end_with_usage_and_done() {
        let mut writer = ChunkWriter::new("id", 7, "m", true);
        writer.chunk(&ChatChunk::delta(Delta { role: Some("assistant"), ..Delta::default() }));
        assert!(!writer.is_meaningful(), "a role alone is no news");
        writer.chunk(&ChatChunk::delta(Delta { content: Some("hi".to_owned()), ..Delta::default() }));
        assert!(writer.is_meaningful());
        assert_eq!(writer.text_bytes(), 2);
        writer.usage(Usage { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2, ..Usage::default() });
        writer.end();
        writer.write_tail(Some(Money::from_pico(1_500_000)));
        let out = text(&mut writer);
        let head = r#"data: {"id":"id","object":"chat.completion.chunk","created":7,"model":"m","choices":["#;
        assert_eq!(out.matches(head).count(), 3);
        assert!(
            out.contains(r#""choices":[],"usage":{"prompt_tokens":1,"#) && out.contains(r#""cost":1.5e-6"#),
            "{out}"
        );
        assert!(out.ends_with("data: [DONE]\n\n"));
    }

    #[test]
    fn usage_stays_away_where_it_was_not_asked_for() {
        let mut writer = ChunkWriter::new("id", 7, "m", false);
        writer.usage(Usage::default());
        writer.hold(b"data: {\"usage\":{\"a\":1}}\n\n");
        writer.write_tail(None);
        assert_eq!(text(&mut writer), "data: [DONE]\n\n");
    }

    #[test]
    fn a_raw_usage_event_gets_its_cost_and_keeps_the_providers() {
        let mut writer = ChunkWriter::new("id", 7, "m", true);
        writer.hold(b"data: {\"choices\":[],\"usage\":{\"a\":1}}\n\n");
        writer.write_tail(Some(Money::DOLLAR));
        assert_eq!(text(&mut writer), "data: {\"choices\":[],\"usage\":{\"cost\":1.0,\"a\":1}}\n\ndata: [DONE]\n\n");
        writer.hold(b"data: {\"usage\":{\"cost\":2}}\n\n");
        writer.write_tail(Some(Money::DOLLAR));
        assert!(text(&mut writer).contains("{\"cost\":2}"));
    }

    #[test]
    fn a_broken_stream_has_no_done() {
        let mut writer = ChunkWriter::new("id", 7, "m", true);
        writer.write_error(&Error::new(Kind::ApiConnection, "cut"));
        assert!(!text(&mut writer).contains("[DONE]"));
    }
}
