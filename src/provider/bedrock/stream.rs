//! Reads streams: Converse's events as those of Claude's dialect, and Claude's own events out of their wrapping.

use serde_json::{Map, Value, json};

use super::answer;
use crate::base64::decode;
use crate::error::Result;
use crate::frame::{Event, FAILURE};
use crate::openai::{ChatChunk, ChunkWriter, Delta};
use crate::provider::anthropic::stream as claude;
use crate::provider::{ChatStream, Notes, aws};

/// What is remembered of a stream.
pub(super) struct Stream {
    notes: Notes,
    claude: claude::Stream,
    /// The kind of the block that is open, and its index: Converse tells of the start of calls alone.
    open: Option<(&'static str, u64)>,
    /// Whether the message has ended; its usage comes after, and is AWS's last word.
    is_over: bool,
    /// The tokens of thinking, which come before the rest of the usage.
    details: Option<Value>,
}

impl Stream {
    pub(super) fn new(notes: &Notes) -> Self {
        Self { notes: notes.clone(), claude: claude::Stream::new(notes), open: None, is_over: false, details: None }
    }

    /// Hands an event of Claude's dialect on.
    fn tell(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        self.claude.read(value, event, out)
    }

    fn close(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if self.open.take().is_some() {
            self.tell(&json!({"type": "content_block_stop"}), event, out)?;
        }
        Ok(())
    }

    /// Opens a block of that kind, unless it is open.
    fn open(&mut self, kind: &'static str, index: u64, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if self.open == Some((kind, index)) {
            return Ok(());
        }
        self.close(event, out)?;
        self.tell(&json!({"type": "content_block_start", "content_block": {"type": kind}}), event, out)?;
        self.open = Some((kind, index));
        Ok(())
    }

    fn start_block(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let Some(call) = value.pointer("/start/toolUse") else { return Ok(()) };
        self.close(event, out)?;
        let part = |name: &str| call.get(name).cloned().unwrap_or_default();
        let kind = if part("type") == "server_tool_use" { "server_tool_use" } else { "tool_use" };
        let block = json!({"type": kind, "id": part("toolUseId"), "name": part("name"), "input": {}});
        self.tell(&json!({"type": "content_block_start", "content_block": block}), event, out)?;
        self.open = Some((kind, index(value)));
        Ok(())
    }

    fn delta(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let Some(delta) = value.get("delta") else { return Ok(()) };
        let index = index(value);
        let (kind, told) = if let Some(text) = delta.get("text") {
            ("text", json!({"type": "text_delta", "text": text}))
        } else if let Some(citation) = delta.get("citation") {
            ("text", json!({"type": "citations_delta", "citation": answer::citation(citation)}))
        } else if let Some(reasoning) = delta.get("reasoningContent") {
            if let Some(data) = reasoning.get("redactedContent") {
                self.close(event, out)?;
                let block = json!({"type": "redacted_thinking", "data": data});
                return self.tell(&json!({"type": "content_block_start", "content_block": block}), event, out);
            }
            match (reasoning.get("text"), reasoning.get("signature")) {
                (Some(text), _) => ("thinking", json!({"type": "thinking_delta", "thinking": text})),
                (None, Some(signature)) => ("thinking", json!({"type": "signature_delta", "signature": signature})),
                (None, None) => return Ok(()),
            }
        } else if let Some(input) = delta.pointer("/toolUse/input") {
            let told = json!({"type": "input_json_delta", "partial_json": input});
            return self.tell(&json!({"type": "content_block_delta", "delta": told}), event, out);
        } else {
            return Ok(());
        };
        self.open(kind, index, event, out)?;
        self.tell(&json!({"type": "content_block_delta", "delta": told}), event, out)
    }

    fn stop_message(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        self.close(event, out)?;
        self.is_over = true;
        self.details = value.pointer("/additionalModelResponseFields/usage/output_tokens_details").cloned();
        if let Some(fields) = answer::more(value) {
            hand_on(fields, out);
        }
        let reason = json!({"stop_reason": value.get("stopReason")});
        self.tell(&json!({"type": "message_delta", "delta": reason}), event, out)
    }

    fn metadata(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let mut usage = answer::usage(value).unwrap_or_default();
        if let (Some(usage), Some(details)) = (usage.as_object_mut(), self.details.take()) {
            usage.insert("output_tokens_details".to_owned(), details);
        }
        self.tell(&json!({"type": "message_delta", "usage": usage}), event, out)?;
        if let Some(trace) = value.get("trace").filter(|trace| !trace.is_null()) {
            hand_on([("trace".to_owned(), trace.clone())].into_iter().collect(), out);
        }
        if self.is_over { self.tell(&json!({"type": "message_stop"}), event, out) } else { Ok(()) }
    }

    /// A piece of the model's own stream, in base64 within JSON.
    fn chunk(&mut self, value: &Value, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let bytes = value.get("bytes").and_then(Value::as_str).and_then(decode);
        let bytes = bytes.ok_or_else(|| self.notes.not_understood(&"a chunk without `bytes` in base64"))?;
        let mut own: Value = serde_json::from_slice(&bytes).map_err(|error| self.notes.not_understood(&error))?;
        if let Some(message) = own.get_mut("message").and_then(Value::as_object_mut) {
            // Claude calls itself by a name that AWS's prices do not know.
            message.remove("model");
        }
        self.tell(&own, event, out)
    }
}

fn index(value: &Value) -> u64 {
    value.get("contentBlockIndex").and_then(Value::as_u64).unwrap_or_default()
}

fn hand_on(provider_specific_fields: Map<String, Value>, out: &mut ChunkWriter) {
    out.chunk(&ChatChunk::delta(Delta { provider_specific_fields, ..Delta::default() }));
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if let Some(name) = event.name.strip_prefix(FAILURE) {
            return Err(aws::of_event(&self.notes, name, event.data));
        }
        let value: Value = serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        match event.name {
            "messageStart" => self.tell(&json!({"type": "message_start"}), event, out),
            "contentBlockStart" => self.start_block(&value, event, out),
            "contentBlockDelta" => self.delta(&value, event, out),
            "contentBlockStop" => self.close(event, out),
            "messageStop" => self.stop_message(&value, event, out),
            "metadata" => self.metadata(&value, event, out),
            "chunk" => self.chunk(&value, event, out),
            // Whatever AWS adds.
            _ => Ok(()),
        }
    }
}
