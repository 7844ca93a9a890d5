//! Reads a streamed answer: each line a piece of the message, the last one with the counts.

use serde_json::{Value, json};

use super::answer;
use super::think_tags::ThinkTags;
use crate::error::Result;
use crate::frame::Event;
use crate::openai::{ChatChunk, ChunkWriter, Delta, ToolCallDelta};
use crate::provider::{ChatStream, Notes};

/// A streamed answer.
pub(super) struct Stream {
    notes: Notes,
    tags: ThinkTags,
    has_begun: bool,
    calls: u64,
}

impl Stream {
    pub(super) fn new(notes: Notes) -> Self {
        Self { notes, tags: ThinkTags::default(), has_begun: false, calls: 0 }
    }

    fn delta(&mut self, said: &Value) -> Delta {
        let mut reasoning = answer::text(said, "thinking");
        let (thought, content) = self.tags.push(&answer::text(said, "content"));
        reasoning.push_str(&thought);
        let mut tool_calls = Vec::new();
        for call in answer::list(said, "tool_calls") {
            let call = answer::tool_call(&self.notes, call, self.calls);
            let function = &call.function;
            tool_calls.push(ToolCallDelta::start(self.calls, &call.id, &function.name, &function.arguments));
            self.calls += 1;
        }
        Delta {
            content: Some(content).filter(|content| !content.is_empty()),
            reasoning_content: Some(reasoning).filter(|reasoning| !reasoning.is_empty()),
            tool_calls,
            ..Delta::default()
        }
    }

    fn write(&mut self, mut delta: Delta, logprobs: Option<&Value>, out: &mut ChunkWriter) {
        let is_empty = delta.content.is_none() && delta.reasoning_content.is_none() && delta.tool_calls.is_empty();
        if is_empty && logprobs.is_none() && self.has_begun {
            return;
        }
        delta.role = (!self.has_begun).then_some("assistant");
        self.has_begun = true;
        let mut chunk = ChatChunk::delta(delta);
        if let (Some(choice), Some(logprobs)) = (chunk.choices.first_mut(), logprobs) {
            choice.logprobs = Some(json!({"content": logprobs}));
        }
        out.chunk(&chunk);
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let value: Value = serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        answer::refuse(&self.notes, &value, event.data.as_bytes())?;
        out.identify(None, value.get("model").and_then(Value::as_str));
        let logprobs = value.get("logprobs").filter(|logprobs| logprobs.is_array());
        if let Some(said) = value.get("message") {
            let delta = self.delta(said);
            self.write(delta, logprobs, out);
        }
        if value.get("done") != Some(&Value::Bool(true)) {
            return Ok(());
        }
        let (reasoning, content) = self.tags.finish();
        let rest = Delta {
            content: Some(content).filter(|content| !content.is_empty()),
            reasoning_content: Some(reasoning).filter(|reasoning| !reasoning.is_empty()),
            ..Delta::default()
        };
        self.write(rest, None, out);
        out.chunk(&ChatChunk::finish(answer::finish_reason(&value, self.calls > 0)));
        if let Some(usage) = answer::usage(&value) {
            out.usage(usage);
        }
        out.end();
        Ok(())
    }
}
