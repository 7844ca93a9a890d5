//! A whole answer, and what answers and streams have in common.

use serde_json::{Map, Value, json};

use crate::error::{Error, Kind, Result};
use crate::openai::{Answer, ChatResponse, Choice, FunctionCall, PromptDetails, ResponseMessage, ToolCall, Usage};
use crate::provider::{Notes, errors};

/// Reads a whole answer.
///
/// # Errors
///
/// Not what Cohere answers, or an error inside of it.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let Some(said) = value.get("message").filter(|message| message.is_object()) else {
        if value.get("message").is_some() {
            return Err(errors::from_value(&notes.provider, 0, &value, body));
        }
        return Err(notes.not_understood(&"it has no `message`"));
    };
    let reason = text(&value, "finish_reason");
    fail(notes, reason, &value)?;
    let (mut content, mut reasoning) = (String::new(), String::new());
    for part in list(said, "content") {
        content.push_str(text(part, "text"));
        reasoning.push_str(text(part, "thinking"));
    }
    let calls: Vec<ToolCall> = list(said, "tool_calls").iter().map(tool_call).collect();
    let mut message = ResponseMessage {
        content: Some(content).filter(|content| !content.is_empty() || calls.is_empty()),
        reasoning_content: Some(reasoning).filter(|reasoning| !reasoning.is_empty()),
        tool_calls: calls,
        ..ResponseMessage::default()
    };
    for citation in list(said, "citations") {
        message.annotations.extend(annotations(citation));
    }
    for name in ["tool_plan", "citations"] {
        if let Some(own) = said.get(name).filter(|own| !own.is_null()) {
            message.provider_specific_fields.insert(name.to_owned(), own.clone());
        }
    }
    let finish_reason = finish_reason(reason, !message.tool_calls.is_empty()).to_owned();
    let logprobs = value.get("logprobs").map(|list| logprobs(list.as_array().map(Vec::as_slice).unwrap_or_default()));
    let id = text(&value, "id");
    let response = ChatResponse {
        id: if id.is_empty() { notes.id.clone() } else { id.to_owned() },
        object: "chat.completion",
        created: notes.created,
        model: notes.model.clone(),
        choices: vec![Choice { index: 0, message, finish_reason, logprobs }],
        usage: value.get("usage").and_then(usage),
        extra: Map::new(),
    };
    Ok(response.into())
}

/// The text of a field; empty where there is none.
pub(super) fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(super) fn list<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn tool_call(call: &Value) -> ToolCall {
    let function = call.get("function").unwrap_or(&Value::Null);
    let arguments = text(function, "arguments");
    ToolCall {
        id: text(call, "id").to_owned(),
        kind: "function".to_owned(),
        function: FunctionCall {
            name: text(function, "name").to_owned(),
            arguments: if arguments.is_empty() { "{}" } else { arguments }.to_owned(),
        },
        extra: Map::new(),
    }
}

/// The error of an answer that Cohere could not finish; `value` may say why.
pub(super) fn fail(notes: &Notes, reason: &str, value: &Value) -> Result<(), Error> {
    let (kind, status, words) = match reason {
        "ERROR" => (Kind::InternalServer, 500, "the generation failed"),
        "TIMEOUT" => (Kind::Timeout, 504, "the generation took too long"),
        "ERROR_TOXIC" => (Kind::ContentPolicyViolation, 400, "the answer was held back as toxic"),
        _ => return Ok(()),
    };
    let told = Some(text(value, "error")).filter(|told| !told.is_empty());
    Err(Error::upstream(kind, &notes.provider, status, told.unwrap_or(words)))
}

/// OpenAI's word for why an answer ended.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> &'static str {
    match reason {
        "MAX_TOKENS" | "ERROR_LIMIT" => "length",
        "TOOL_CALL" => "tool_calls",
        _ if has_calls => "tool_calls",
        _ => "stop",
    }
}

/// What Cohere bills, which is less than what its models read; where it does not tell that, what they read.
pub(super) fn usage(usage: &Value) -> Option<Usage> {
    let count = |at: &str| usage.pointer(at).and_then(Value::as_f64).map(|count| count.max(0.0) as u64);
    let billed = |name: &str| count(&format!("/billed_units/{name}")).or_else(|| count(&format!("/tokens/{name}")));
    let (prompt, answer) = (billed("input_tokens"), billed("output_tokens"));
    if prompt.is_none() && answer.is_none() {
        return None;
    }
    let (prompt_tokens, completion_tokens) = (prompt.unwrap_or(0), answer.unwrap_or(0));
    let cached = count("/cached_tokens").filter(|cached| *cached > 0);
    let details =
        cached.map(|cached| PromptDetails { cached_tokens: cached.min(prompt_tokens), ..PromptDetails::default() });
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Some(Usage { prompt_tokens, completion_tokens, total_tokens, prompt_tokens_details: details, ..Usage::default() })
}

/// The sources of a citation that have an address, in OpenAI's shape.
pub(super) fn annotations(citation: &Value) -> Vec<Value> {
    let source = |source: &Value| {
        let document = source.get("document").or_else(|| source.get("tool_output"))?;
        let url = document.get("url")?.as_str()?;
        let place = json!({"start_index": citation.get("start"), "end_index": citation.get("end"), "url": url,
            "title": document.get("title").and_then(Value::as_str).unwrap_or_default()});
        Some(json!({"type": "url_citation", "url_citation": place}))
    };
    list(citation, "sources").iter().filter_map(source).collect()
}

/// Log probabilities in OpenAI's shape: Cohere tells text and figures, and no alternatives.
pub(super) fn logprobs(items: &[Value]) -> Value {
    let mut content = Vec::new();
    for item in items {
        let words = text(item, "text");
        for logprob in list(item, "logprobs") {
            content.push(json!({"token": words, "logprob": logprob, "bytes": words.as_bytes(), "top_logprobs": []}));
        }
    }
    json!({"content": content})
}
