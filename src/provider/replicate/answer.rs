//! A prediction as an answer, whole or streamed (<https://replicate.com/docs/topics/predictions/streaming>).

use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::frame::Event;
use crate::openai::{Answer, ChatChunk, ChatResponse, Choice, ChunkWriter, Delta, ResponseMessage, Usage};
use crate::provider::{ChatStream, Notes, errors};

/// Words of failures that are Replicate's own and pass: it says itself to try again.
const PASSING: &[&str] = &["please retry", "please try again", "unexpected error handling prediction"];

/// A prediction.
pub(super) fn read_value(notes: &Notes, body: &[u8]) -> Result<Value> {
    crate::json::read(body).map_err(|error| notes.not_understood(&error))
}

/// `starting`, `processing`, `succeeded`, `failed`, `canceled` or `aborted`.
pub(super) fn status(value: &Value) -> &str {
    value.get("status").and_then(Value::as_str).unwrap_or_default()
}

/// Reads a prediction that is done.
///
/// # Errors
///
/// One that failed, or is none.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let value = read_value(notes, body)?;
    if status(&value) != "succeeded" {
        return Err(failure(notes, &value));
    }
    let message = ResponseMessage { content: Some(output(&value)), ..ResponseMessage::default() };
    let id = value.get("id").and_then(Value::as_str).unwrap_or(&notes.id);
    let response = ChatResponse {
        id: id.to_owned(),
        object: "chat.completion",
        created: notes.created,
        model: model(notes, &value).to_owned(),
        // Replicate does not tell why a model ended.
        choices: vec![Choice { index: 0, message, finish_reason: "stop".to_owned(), logprobs: None }],
        usage: usage(&value),
        extra: Map::new(),
    };
    Ok(response.into())
}

/// The model that answered: a version or a deployment is not its name.
fn model<'a>(notes: &'a Notes, value: &'a Value) -> &'a str {
    let is_name = notes.model.contains('/') && !notes.model.starts_with("deployments/");
    let told = value.get("model").and_then(Value::as_str).filter(|_| !is_name);
    told.filter(|name| !name.is_empty()).unwrap_or(&notes.model)
}

/// The text of a prediction: pieces, a string, or what else a model puts out as JSON.
fn output(value: &Value) -> String {
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    match value.get("output").unwrap_or(&Value::Null) {
        Value::Array(pieces) => pieces.iter().map(text).collect(),
        other => text(other),
    }
}

/// Tokens as models tell them that Replicate bills by token.
fn usage(value: &Value) -> Option<Usage> {
    let count = |name: &str| value.get("metrics")?.get(name)?.as_u64();
    let (prompt_tokens, completion_tokens) = (count("input_token_count")?, count("output_token_count")?);
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Some(Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() })
}

/// The error of a prediction that did not succeed.
pub(super) fn failure(notes: &Notes, value: &Value) -> Error {
    match status(value) {
        "failed" => failed(notes, value.get("error").and_then(Value::as_str).unwrap_or("the prediction failed")),
        // Ended by its deadline, or by somebody.
        ended @ ("canceled" | "aborted") => {
            Error::upstream(Kind::Timeout, &notes.provider, 408, format!("the prediction was {ended}"))
        }
        _ => notes.not_understood(&"it is no prediction with a known `status`"),
    }
}

/// A model's failure is its input's fault (LiteLLM's 422), unless it says otherwise.
fn failed(notes: &Notes, message: &str) -> Error {
    let lowered = message.to_ascii_lowercase();
    let status = if PASSING.iter().any(|words| lowered.contains(words)) { 503 } else { 422 };
    errors::from_value(&notes.provider, status, &json!({"message": message}), b"")
}

/// A streamed answer: `output` in plain text, `error`, and `done` with a reason where it was not whole.
pub(super) struct Stream {
    notes: Notes,
    has_begun: bool,
}

impl Stream {
    pub(super) fn new(notes: Notes) -> Self {
        Self { notes, has_begun: false }
    }

    fn write(&mut self, text: &str, out: &mut ChunkWriter) {
        let role = (!self.has_begun).then_some("assistant");
        self.has_begun = true;
        out.chunk(&ChatChunk::delta(Delta { role, content: Some(text.to_owned()), ..Delta::default() }));
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        match event.name {
            "output" => self.write(event.data, out),
            "error" => {
                let value: Value = crate::json::read(event.data.as_bytes()).unwrap_or_default();
                return Err(failed(&self.notes, value.get("detail").and_then(Value::as_str).unwrap_or(event.data)));
            }
            "done" => {
                let value = read_value(&self.notes, event.data.as_bytes())?;
                match value.get("reason").and_then(Value::as_str) {
                    None => {}
                    Some("error") => return Err(failed(&self.notes, "the prediction failed")),
                    Some(reason) => return Err(failure(&self.notes, &json!({"status": reason}))),
                }
                out.chunk(&ChatChunk::finish("stop"));
                out.end();
            }
            // A model without a stream: the whole prediction, as `follow` writes it.
            "prediction" => {
                let value = read_value(&self.notes, event.data.as_bytes())?;
                out.identify(value.get("id").and_then(Value::as_str), Some(model(&self.notes, &value)));
                self.write(&output(&value), out);
                out.chunk(&ChatChunk::finish("stop"));
                if let Some(usage) = usage(&value) {
                    out.usage(usage);
                }
                out.end();
            }
            _ => {}
        }
        Ok(())
    }
}
