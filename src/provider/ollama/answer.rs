//! A whole answer, and what answers and lines of a stream have in common.

use serde_json::{Map, Value, json};

use super::think_tags::ThinkTags;
use crate::error::{Error, Result};
use crate::openai::{Answer, ChatResponse, Choice, FunctionCall, ResponseMessage, ToolCall, Usage};
use crate::provider::{Notes, errors};

/// Reads a whole answer.
///
/// # Errors
///
/// Not what Ollama answers, or an error inside of it.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    refuse(notes, &value, body)?;
    let Some(said) = value.get("message").filter(|message| message.is_object()) else {
        return Err(notes.not_understood(&"it has no `message`"));
    };
    let mut calls = Vec::new();
    for call in list(said, "tool_calls") {
        calls.push(tool_call(notes, call, calls.len() as u64));
    }
    let (mut reasoning, mut content) = (text(said, "thinking"), text(said, "content"));
    if reasoning.is_empty() {
        let mut tags = ThinkTags::default();
        let (thought, words) = tags.push(&content);
        let (rest_thought, rest_words) = tags.finish();
        (reasoning, content) = (thought + &rest_thought, words + &rest_words);
    }
    let finish_reason = finish_reason(&value, !calls.is_empty()).to_owned();
    let message = ResponseMessage {
        content: Some(content).filter(|content| !content.is_empty() || calls.is_empty()),
        reasoning_content: Some(reasoning).filter(|reasoning| !reasoning.is_empty()),
        tool_calls: calls,
        ..ResponseMessage::default()
    };
    let logprobs = value.get("logprobs").filter(|list| list.is_array()).map(|list| json!({"content": list}));
    let model = text(&value, "model");
    let response = ChatResponse {
        id: notes.id.clone(),
        object: "chat.completion",
        created: notes.created,
        model: if model.is_empty() { notes.model.clone() } else { model },
        choices: vec![Choice { index: 0, message, finish_reason, logprobs }],
        usage: usage(&value),
        extra: Map::new(),
    };
    Ok(response.into())
}

/// The error that stands in place of an answer, if one does: it has no status there.
pub(super) fn refuse(notes: &Notes, value: &Value, body: &[u8]) -> Result<(), Error> {
    match value.get("error").filter(|error| !error.is_null()) {
        Some(_) => Err(errors::from_value(&notes.provider, 0, value, body)),
        None => Ok(()),
    }
}

/// The text of a field; empty where there is none.
pub(super) fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// A call; `number` tells it from the others of the answer where it has no id.
pub(super) fn tool_call(notes: &Notes, call: &Value, number: u64) -> ToolCall {
    let id = text(call, "id");
    let function = call.get("function").unwrap_or(&Value::Null);
    let arguments = match function.get("arguments") {
        None | Some(Value::Null) => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(arguments) => arguments.to_string(),
    };
    ToolCall {
        // The core has no random numbers: the answer's own id makes these unique.
        id: if id.is_empty() { format!("call_{}_{number}", notes.id) } else { id },
        kind: "function".to_owned(),
        function: FunctionCall { name: text(function, "name"), arguments },
        extra: Map::new(),
    }
}

/// OpenAI's word for why an answer ended: `done_reason` is `stop`, `length`, `load` or `unload`, of calls too.
pub(super) fn finish_reason(value: &Value, has_calls: bool) -> &'static str {
    match value.get("done_reason").and_then(Value::as_str) {
        _ if has_calls => "tool_calls",
        Some("length") => "length",
        _ => "stop",
    }
}

/// Tokens by Ollama's counts; a prompt that it had evaluated before may have none.
pub(super) fn usage(value: &Value) -> Option<Usage> {
    let count = |name: &str| value.get(name).and_then(Value::as_u64);
    let (prompt, answer) = (count("prompt_eval_count"), count("eval_count"));
    if prompt.is_none() && answer.is_none() {
        return None;
    }
    let (prompt_tokens, completion_tokens) = (prompt.unwrap_or(0), answer.unwrap_or(0));
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Some(Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() })
}
