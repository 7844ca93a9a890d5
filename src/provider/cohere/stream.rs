//! Reads a streamed answer (<https://docs.cohere.com/docs/streaming>).

use serde_json::{Map, Value, json};

use super::answer::{self, text};
use crate::error::Result;
use crate::frame::Event;
use crate::openai::{ChatChunk, ChunkWriter, Delta, ToolCallDelta};
use crate::provider::{ChatStream, Notes, errors};

/// A streamed answer.
pub(super) struct Stream {
    notes: Notes,
    has_begun: bool,
    calls: u64,
}

impl Stream {
    pub(super) fn new(notes: Notes) -> Self {
        Self { notes, has_begun: false, calls: 0 }
    }

    fn write(&mut self, mut delta: Delta, out: &mut ChunkWriter) {
        delta.role = (!self.has_begun).then_some("assistant");
        self.has_begun = true;
        out.chunk(&ChatChunk::delta(delta));
    }

    /// A piece of text or of thinking.
    fn content(&mut self, value: &Value, out: &mut ChunkWriter) {
        let content = value.pointer("/delta/message/content").unwrap_or(&Value::Null);
        let some = |name: &str| Some(text(content, name).to_owned()).filter(|text| !text.is_empty());
        let (words, thought) = (some("text"), some("thinking"));
        let logprobs = value.get("logprobs").filter(|logprobs| logprobs.is_object());
        if words.is_none() && thought.is_none() {
            return;
        }
        let mut chunk = ChatChunk::delta(Delta {
            role: (!self.has_begun).then_some("assistant"),
            content: words,
            reasoning_content: thought,
            ..Delta::default()
        });
        if let (Some(choice), Some(logprobs)) = (chunk.choices.first_mut(), logprobs) {
            choice.logprobs = Some(answer::logprobs(std::slice::from_ref(logprobs)));
        }
        self.has_begun = true;
        out.chunk(&chunk);
    }

    /// What OpenAI's shape has no place for.
    fn own(&mut self, name: &str, value: Value, annotations: Vec<Value>, out: &mut ChunkWriter) {
        let provider_specific_fields = Map::from_iter([(name.to_owned(), value)]);
        self.write(Delta { annotations, provider_specific_fields, ..Delta::default() }, out);
    }

    fn end(&mut self, value: &Value, out: &mut ChunkWriter) -> Result<()> {
        let delta = value.get("delta").unwrap_or(&Value::Null);
        if let Some(usage) = delta.get("usage").and_then(answer::usage) {
            out.usage(usage);
        }
        let reason = text(delta, "finish_reason");
        answer::fail(&self.notes, reason, delta)?;
        out.chunk(&ChatChunk::finish(answer::finish_reason(reason, self.calls > 0)));
        out.end();
        Ok(())
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if event.data == "[DONE]" {
            return Ok(());
        }
        let value: Value = serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        let kind = text(&value, "type");
        match if kind.is_empty() { event.name } else { kind } {
            "message-start" => {
                out.identify(value.get("id").and_then(Value::as_str), None);
                self.write(Delta::default(), out);
            }
            "content-start" | "content-delta" => self.content(&value, out),
            "tool-plan-delta" => {
                let plan = value.pointer("/delta/message/tool_plan").and_then(Value::as_str).unwrap_or_default();
                if !plan.is_empty() {
                    self.own("tool_plan", plan.into(), Vec::new(), out);
                }
            }
            "tool-call-start" => {
                let call = value.pointer("/delta/message/tool_calls").unwrap_or(&Value::Null);
                let function = call.get("function").unwrap_or(&Value::Null);
                let (id, name) = (text(call, "id"), text(function, "name"));
                let start = ToolCallDelta::start(self.calls, id, name, text(function, "arguments"));
                self.calls += 1;
                self.write(Delta { tool_calls: vec![start], ..Delta::default() }, out);
            }
            "tool-call-delta" => {
                let piece = value.pointer("/delta/message/tool_calls/function/arguments").and_then(Value::as_str);
                if let (Some(piece), Some(index)) = (piece, self.calls.checked_sub(1)) {
                    let piece = ToolCallDelta::arguments(index, piece);
                    self.write(Delta { tool_calls: vec![piece], ..Delta::default() }, out);
                }
            }
            "citation-start" => {
                if let Some(citation) = value.pointer("/delta/message/citations") {
                    self.own("citations", json!([citation]), answer::annotations(citation), out);
                }
            }
            "message-end" => self.end(&value, out)?,
            // An error without a type of its own.
            "" => return Err(errors::from_value(&self.notes.provider, 0, &value, event.data.as_bytes())),
            // Ends of parts say nothing new, and what is new one day passes by.
            _ => {}
        }
        Ok(())
    }
}
