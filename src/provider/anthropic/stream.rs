//! Reads a streamed answer: <https://platform.claude.com/docs/en/build-with-claude/streaming>.

use serde_json::{Map, Value, json};

use super::{finish, response, usage};
use crate::error::Result;
use crate::frame::Event;
use crate::openai::{ChatChunk, ChunkWriter, Delta, ToolCallDelta};
use crate::provider::{ChatStream, Notes, errors};

/// What is remembered of a stream.
pub(in crate::provider) struct Stream {
    notes: Notes,
    block: Block,
    /// Calls of the client's tools so far. OpenAI counts calls only, Anthropic every block.
    calls: u64,
    has_json: bool,
    /// Why it ended, told only when it has: a stream that is cut after the reason must not look whole.
    stop_reason: Option<String>,
    /// Characters of content so far: what OpenAI's annotations count in.
    characters: usize,
    usage: Map<String, Value>,
}

/// The block that is open, with what must be known of it when it ends.
enum Block {
    /// None, or one of which nothing must be known.
    Closed,
    Text {
        start: usize,
        text: String,
        citations: Vec<Value>,
    },
    Thinking {
        thinking: String,
        signature: String,
    },
    Call {
        index: u64,
        is_empty: bool,
    },
    Json {
        is_empty: bool,
    },
    /// A block that is handed on whole, and the JSON of its input so far.
    Whole {
        block: Value,
        input: String,
    },
}

impl Stream {
    pub(in crate::provider) fn new(notes: &Notes) -> Self {
        Self {
            notes: notes.clone(),
            block: Block::Closed,
            calls: 0,
            has_json: false,
            stop_reason: None,
            characters: 0,
            usage: Map::new(),
        }
    }

    fn start_message(&mut self, event: &Value, out: &mut ChunkWriter) {
        let message = event.get("message").unwrap_or(&Value::Null);
        let text = |name: &str| message.get(name).and_then(Value::as_str);
        out.identify(text("id"), text("model"));
        self.take_usage(message, out);
        let content = Some(String::new());
        out.chunk(&ChatChunk::delta(Delta { role: Some("assistant"), content, ..Delta::default() }));
    }

    fn take_usage(&mut self, holder: &Value, out: &mut ChunkWriter) {
        if let Some(later) = holder.get("usage").and_then(Value::as_object) {
            usage::merge(&mut self.usage, later);
            out.usage(usage::read(&self.usage));
        }
    }

    fn start_block(&mut self, block: &Value, out: &mut ChunkWriter) {
        // A block may come whole in its start: what it holds already is news.
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        self.block = match text("type") {
            "text" => {
                let citations = block.get("citations").and_then(Value::as_array).cloned().unwrap_or_default();
                Block::Text { start: self.characters, text: String::new(), citations }
            }
            "thinking" => Block::Thinking { thinking: String::new(), signature: text("signature").to_owned() },
            "redacted_thinking" => {
                let thinking_blocks = vec![block.clone()];
                out.chunk(&ChatChunk::delta(Delta { thinking_blocks, ..Delta::default() }));
                Block::Closed
            }
            "tool_use" if self.notes.json_tool == Some(text("name")) => {
                self.has_json = true;
                Block::Json { is_empty: true }
            }
            "tool_use" => {
                let index = self.calls;
                self.calls += 1;
                let mut call = ToolCallDelta::start(index, text("id"), self.notes.client_tool_name(text("name")), "");
                call.provider_specific_fields = response::caller(block).unwrap_or_default();
                out.chunk(&ChatChunk::delta(Delta { tool_calls: vec![call], ..Delta::default() }));
                Block::Call { index, is_empty: true }
            }
            kind if response::list_of(kind).is_some() => Block::Whole { block: block.clone(), input: String::new() },
            _ => Block::Closed,
        };
        self.push_text(text("text"), out);
        self.push_thinking(text("thinking"), out);
        let input = block.get("input").filter(|input| input.as_object().is_some_and(|input| !input.is_empty()));
        if let Some(input) = input {
            self.push_json(&input.to_string(), out);
        }
    }

    fn delta(&mut self, delta: &Value, out: &mut ChunkWriter) {
        let text = |name: &str| delta.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "text_delta" => self.push_text(text("text"), out),
            "thinking_delta" => self.push_thinking(text("thinking"), out),
            "input_json_delta" => self.push_json(text("partial_json"), out),
            "signature_delta" => {
                if let Block::Thinking { signature, .. } = &mut self.block {
                    signature.push_str(text("signature"));
                }
            }
            "citations_delta" => {
                if let (Block::Text { citations, .. }, Some(citation)) = (&mut self.block, delta.get("citation")) {
                    citations.push(citation.clone());
                }
            }
            "compaction_delta" => {
                if let (Block::Whole { block: Value::Object(block), .. }, Some(delta)) =
                    (&mut self.block, delta.as_object())
                {
                    let told = delta.iter().filter(|(name, _)| *name != "type");
                    block.extend(told.map(|(name, value)| (name.clone(), value.clone())));
                }
            }
            _ => {}
        }
    }

    fn push_text(&mut self, piece: &str, out: &mut ChunkWriter) {
        if let Block::Text { text, .. } = &mut self.block
            && !piece.is_empty()
        {
            text.push_str(piece);
            self.content(piece, out);
        }
    }

    fn content(&mut self, piece: &str, out: &mut ChunkWriter) {
        self.characters += piece.chars().count();
        out.chunk(&ChatChunk::delta(Delta { content: Some(piece.to_owned()), ..Delta::default() }));
    }

    fn push_thinking(&mut self, piece: &str, out: &mut ChunkWriter) {
        if let Block::Thinking { thinking, .. } = &mut self.block
            && !piece.is_empty()
        {
            thinking.push_str(piece);
            let reasoning_content = Some(piece.to_owned());
            out.chunk(&ChatChunk::delta(Delta { reasoning_content, ..Delta::default() }));
        }
    }

    fn push_json(&mut self, piece: &str, out: &mut ChunkWriter) {
        if piece.is_empty() {
            return;
        }
        match &mut self.block {
            Block::Call { index, is_empty } => {
                *is_empty = false;
                let tool_calls = vec![ToolCallDelta::arguments(*index, piece)];
                out.chunk(&ChatChunk::delta(Delta { tool_calls, ..Delta::default() }));
            }
            Block::Json { is_empty } => {
                *is_empty = false;
                self.content(piece, out);
            }
            Block::Whole { input, .. } => input.push_str(piece),
            _ => {}
        }
    }

    fn stop_block(&mut self, out: &mut ChunkWriter) {
        match std::mem::replace(&mut self.block, Block::Closed) {
            // A tool without arguments has no delta; clients parse what they get.
            Block::Call { index, is_empty: true } => {
                let tool_calls = vec![ToolCallDelta::arguments(index, "{}")];
                out.chunk(&ChatChunk::delta(Delta { tool_calls, ..Delta::default() }));
            }
            Block::Json { is_empty: true } => self.content("{}", out),
            Block::Thinking { thinking, signature } => {
                // Whole, so that a client can send it back as it came.
                let block = json!({"type": "thinking", "thinking": thinking, "signature": signature});
                out.chunk(&ChatChunk::delta(Delta { thinking_blocks: vec![block], ..Delta::default() }));
            }
            Block::Text { start, text, citations } if !citations.is_empty() => {
                let annotation = |citation| response::annotation(citation, start, self.characters);
                let annotations = citations.iter().filter_map(annotation).collect();
                let list: Value = citations.iter().map(|citation| response::supported(citation, &text)).collect();
                let provider_specific_fields = [("citations".to_owned(), json!([list]))].into_iter().collect();
                out.chunk(&ChatChunk::delta(Delta { annotations, provider_specific_fields, ..Delta::default() }));
            }
            Block::Whole { mut block, input } => {
                if let (Some(fields), Ok(input)) = (block.as_object_mut(), serde_json::from_str::<Value>(&input)) {
                    fields.insert("input".to_owned(), input);
                }
                let kind = block.get("type").and_then(Value::as_str).and_then(response::list_of);
                if let Some(list) = kind {
                    let provider_specific_fields = [(list.to_owned(), json!([block]))].into_iter().collect();
                    out.chunk(&ChatChunk::delta(Delta { provider_specific_fields, ..Delta::default() }));
                }
            }
            _ => {}
        }
    }

    fn delta_of_message(&mut self, event: &Value, out: &mut ChunkWriter) {
        let delta = event.get("delta").unwrap_or(&Value::Null);
        let ending = finish::ending(&[delta, event]);
        if ending.refusal.is_some() || !ending.fields.is_empty() {
            let (refusal, provider_specific_fields) = (ending.refusal, ending.fields);
            out.chunk(&ChatChunk::delta(Delta { refusal, provider_specific_fields, ..Delta::default() }));
        }
        if let Some(reason) = delta.get("stop_reason").and_then(Value::as_str) {
            self.stop_reason = Some(reason.to_owned());
        }
        self.take_usage(event, out);
    }

    fn stop_message(&self, out: &mut ChunkWriter) {
        let json_only = self.has_json && self.calls == 0;
        out.chunk(&ChatChunk::finish(finish::reason(self.stop_reason.as_deref(), self.calls > 0, json_only)));
        out.end();
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let value: Value = serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        self.read(&value, event, out)
    }
}

impl Stream {
    /// Reads one event; `event` is what it came in.
    ///
    /// # Errors
    ///
    /// An error inside of the stream.
    pub(in crate::provider) fn read(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let part = |name: &str| value.get(name).unwrap_or(&Value::Null);
        match value.get("type").and_then(Value::as_str).unwrap_or(event.name) {
            "message_start" => self.start_message(value, out),
            "content_block_start" => self.start_block(part("content_block"), out),
            "content_block_delta" => self.delta(part("delta"), out),
            "content_block_stop" => self.stop_block(out),
            "message_delta" => self.delta_of_message(value, out),
            "message_stop" => self.stop_message(out),
            "error" => return Err(errors::from_value(&self.notes.provider, 0, value, event.data.as_bytes())),
            // `ping`, and whatever the API adds: <https://platform.claude.com/docs/en/api/versioning>.
            _ => {}
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChunkWriter;
    use crate::provider::StreamReader;
    use crate::provider::anthropic::Anthropic;

    /// A stream with a block of each kind that is read.
    const ALL: &str = r#"
data: {"type":"message_start","message":{"id":"msg_1","model":"m","usage":{"input_tokens":5,"output_tokens":1}}}

data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}}

data: {"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"s"}}

data: {"type":"content_block_stop","index":0}

data: {"type":"content_block_start","index":1,"content_block":{"type":"text","text":"","citations":[]}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"citations_delta","citation":{"url":"u","title":"t"}}}

data: {"type":"content_block_delta","index":1,"delta":{"type":"text_delta","text":"hi"}}

data: {"type":"content_block_stop","index":1}

data: {"type":"content_block_start","index":2,"content_block":{"type":"compaction","content":null}}

data: {"type":"content_block_delta","index":2,"delta":{"type":"compaction_delta","content":"summary"}}

data: {"type":"content_block_stop","index":2}

data: {"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"f","input":{"a":1}}}

data: {"type":"content_block_stop","index":3}

data: {"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}}

data: {"type":"message_stop"}

"#;

    fn read(stream: &[u8]) -> Result<String> {
        let mut reader = StreamReader::new(&Anthropic, &Notes::default(), true);
        reader.push(stream)?;
        reader.finish()?;
        Ok(String::from_utf8(reader.out().take()).unwrap())
    }

    #[test]
    fn a_block_that_comes_whole_in_its_start_is_not_lost() {
        let out = read(ALL.as_bytes()).unwrap();
        assert!(out.contains(r#""tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]"#), "{out}");
        assert!(!out.contains(r#"{"arguments":"{}"}"#));
        assert!(out.contains(r#"{"compaction_blocks":[{"type":"compaction","content":"summary"}]}"#), "{out}");
    }

    #[test]
    fn usage_is_told_as_soon_as_it_is_known() {
        let mut reader = StreamReader::new(&Anthropic, &Notes::default(), true);
        let first = ALL.find("\n\n").unwrap() + 2;
        reader.push(&ALL.as_bytes()[..first]).unwrap();
        let told = |out: &mut ChunkWriter| out.told_usage().map(|usage| (usage.prompt_tokens, usage.completion_tokens));
        assert_eq!(told(reader.out()), Some((5, 1)));
        reader.push(&ALL.as_bytes()[first..]).unwrap();
        assert_eq!(told(reader.out()), Some((5, 9)));
    }

    #[test]
    fn broken_bytes_are_an_error_or_ignored_and_never_a_panic() {
        let mut seed = 7_u64;
        let mut draw = |bound: usize| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) as usize % bound
        };
        let odd = ["null", "7", "[]", "{}", "\"x\"", "-1", "1e400"];
        let mut errors = 0;
        for _ in 0..2000 {
            let mut bytes = ALL.as_bytes().to_vec();
            let at = draw(bytes.len());
            match draw(3) {
                0 => bytes[at] = draw(256) as u8,
                1 => bytes.truncate(at),
                // Another value where one stands.
                _ => {
                    let find = |from: usize, marks: &[u8]| {
                        let found = bytes.iter().skip(from).position(|byte| marks.contains(byte));
                        found.map_or(from, |offset| from + offset)
                    };
                    let from = find(at, b":");
                    let (from, to) = (from + 1, find(from, b",}").max(from + 1));
                    bytes.splice(from..to.min(ALL.len()), odd[draw(odd.len())].bytes());
                }
            }
            errors += usize::from(read(&bytes).is_err());
        }
        assert!(errors > 100, "{errors}");
    }
}
