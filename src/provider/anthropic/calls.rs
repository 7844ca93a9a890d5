//! Calls of tools, their results, and the thinking before them, as the API wants them back.

use serde_json::{Map, Value, json};

use super::betas::Betas;
use super::messages::{kind, mark_last, parts};
use super::names::{CallIds, Names};
use crate::error::{Error, Result};
use crate::openai::{Content, Message, Part, ToolCall};

/// The blocks of an assistant's message: thinking first, then what the provider ran, text, and calls.
pub(super) fn assistant(
    mut message: Message,
    at: &str,
    names: &Names,
    ids: &mut CallIds,
    betas: &mut Betas,
) -> Result<Vec<Value>> {
    let specific = match message.extra.remove("provider_specific_fields") {
        Some(Value::Object(specific)) => specific,
        _ => Map::new(),
    };
    let list = |name: &str| specific.get(name).and_then(Value::as_array).cloned().unwrap_or_default();
    let mut blocks = list("compaction_blocks");
    let thinking = if message.thinking_blocks.is_empty() { list("thinking_blocks") } else { message.thinking_blocks };
    blocks.extend(thinking.into_iter().filter_map(replayed));
    blocks.extend(server_calls(&specific, &message.tool_calls));
    let mut own = parts(message.content, at, betas)?;
    if let (true, Some(refusal)) = (own.is_empty(), message.extra.get("refusal").and_then(Value::as_str)) {
        own.extend((!refusal.trim().is_empty()).then(|| json!({"type": "text", "text": refusal})));
    }
    // A client may keep its thinking among the parts instead.
    let first = own.iter().position(|block| !is_thinking(block)).unwrap_or(own.len());
    let rest = own.split_off(first);
    if !blocks.iter().any(is_thinking) {
        blocks.extend(own.into_iter().filter_map(replayed));
    }
    blocks.extend(rest);
    blocks
        .extend(message.tool_calls.iter().filter(|call| !is_server_call(call)).map(|call| tool_use(call, names, ids)));
    mark_last(&mut blocks, message.cache_control);
    Ok(blocks)
}

fn is_thinking(block: &Value) -> bool {
    matches!(kind(block), Some("thinking" | "redacted_thinking"))
}

/// A block of thinking as it came; `None` for one that the API would refuse: it knows its own by their signature.
fn replayed(mut block: Value) -> Option<Value> {
    let has = |name: &str| block.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
    let is_own = match kind(&block) {
        Some("thinking") => has("signature"),
        Some("redacted_thinking") => has("data"),
        _ => false,
    };
    block.as_object_mut()?.remove("cache_control");
    is_own.then_some(block)
}

fn is_server_call(call: &ToolCall) -> bool {
    call.id.starts_with("srvtoolu_")
}

/// Calls of tools that the provider ran, each with its result behind it; a call without one is left out, as is a
/// result without its call.
fn server_calls(specific: &Map<String, Value>, tool_calls: &[ToolCall]) -> Vec<Value> {
    let list = |name: &str| specific.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut calls = list("server_tool_use").to_vec();
    // LiteLLM's answers have them among the calls of the client's tools.
    calls.extend(tool_calls.iter().filter(|call| is_server_call(call)).map(|call| {
        let (name, input) = (&call.function.name, call.function.arguments_object());
        json!({"type": "server_tool_use", "id": call.id, "name": name, "input": input})
    }));
    let results: Vec<&Value> = list("web_search_results").iter().chain(list("tool_results")).collect();
    let mut out = Vec::new();
    for call in calls {
        let result = results.iter().find(|result| result.get("tool_use_id") == call.get("id"));
        if let Some(result) = result {
            out.extend([call, (*result).clone()]);
        }
    }
    out
}

fn tool_use(call: &ToolCall, names: &Names, ids: &mut CallIds) -> Value {
    let input = call.function.arguments_object();
    let name = names.sent(&call.function.name);
    let mut block = Map::new();
    block.insert("type".to_owned(), "tool_use".into());
    block.insert("id".to_owned(), ids.of_call(&call.id).into());
    block.insert("name".to_owned(), name.into());
    block.insert("input".to_owned(), Value::Object(input));
    if let Some(mark) = call.extra.get("cache_control") {
        block.insert("cache_control".to_owned(), mark.clone());
    }
    if let Some(caller) = call.extra.get("provider_specific_fields").and_then(|fields| fields.get("caller")) {
        block.insert("caller".to_owned(), caller.clone());
    }
    Value::Object(block)
}

/// The result of a tool.
///
/// # Errors
///
/// No call that it answers.
pub(super) fn tool_result(message: Message, at: &str, ids: &CallIds, betas: &mut Betas) -> Result<Value> {
    // OpenAI's older functions have a name instead of an id.
    let id = message.tool_call_id.or(message.name).ok_or_else(|| {
        let at = format!("{at}.tool_call_id");
        Error::bad_request(&at, format!("`{at}` is missing: name the call that this message answers"))
    })?;
    let mut block = Map::new();
    block.insert("type".to_owned(), "tool_result".into());
    block.insert("tool_use_id".to_owned(), ids.of_result(&id).into());
    match message.content {
        Some(Content::Text(text)) if text.trim().is_empty() => {}
        Some(Content::Text(text)) => drop(block.insert("content".to_owned(), text.into())),
        Some(Content::Parts(list)) => {
            let only = match list.as_slice() {
                [Part::Text { text, cache_control: None, .. }] if !text.trim().is_empty() => Some(text.clone()),
                _ => None,
            };
            let content = match only {
                Some(text) => Some(Value::from(text)),
                None => {
                    Some(parts(Some(Content::Parts(list)), at, betas)?).filter(|list| !list.is_empty()).map(Value::from)
                }
            };
            if let Some(content) = content {
                block.insert("content".to_owned(), content);
            }
        }
        None => {}
    }
    if let Some(is_error) = message.extra.get("is_error").filter(|is_error| is_error.is_boolean()) {
        block.insert("is_error".to_owned(), is_error.clone());
    }
    if let Some(mark) = message.cache_control {
        block.insert("cache_control".to_owned(), mark);
    }
    Ok(Value::Object(block))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;

    fn blocks(message: &Value) -> Vec<Value> {
        let body = json!({"model": "m", "messages": [message]});
        let mut messages = ChatRequest::parse(body.to_string().as_bytes()).unwrap().messages().unwrap();
        assistant(messages.remove(0), "messages[0]", &Names::default(), &mut CallIds::default(), &mut Betas::default())
            .unwrap()
    }

    #[test]
    fn thinking_of_others_is_not_replayed() {
        let own = json!({"type": "thinking", "thinking": "t", "signature": "s"});
        let foreign = json!({"type": "thinking", "thinking": "t", "signature": ""});
        let marked =
            json!({"type": "thinking", "thinking": "t", "signature": "s", "cache_control": {"type": "ephemeral"}});
        let message = json!({"role": "assistant", "content": "a", "reasoning_content": "t",
            "thinking_blocks": [foreign, marked]});
        assert_eq!(blocks(&message), [own.clone(), json!({"type": "text", "text": "a"})]);
        let among_parts = json!({"role": "assistant", "content": [own, {"type": "text", "text": "a"}]});
        assert_eq!(blocks(&among_parts), blocks(&message));
    }

    #[test]
    fn what_the_provider_ran_goes_back_with_its_result() {
        let call =
            json!({"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {"query": "q"}});
        let lost = json!({"type": "server_tool_use", "id": "srvtoolu_2", "name": "web_search", "input": {}});
        let result = json!({"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []});
        let message = json!({"role": "assistant", "content": "a",
            "provider_specific_fields": {"server_tool_use": [call, lost], "web_search_results": [result]}});
        assert_eq!(blocks(&message), [call.clone(), result.clone(), json!({"type": "text", "text": "a"})]);
        let as_litellm_has_it = json!({"role": "assistant", "content": "a",
            "tool_calls": [{"id": "srvtoolu_1", "function": {"name": "web_search", "arguments": "{\"query\":\"q\"}"}}],
            "provider_specific_fields": {"web_search_results": [result]}});
        assert_eq!(blocks(&as_litellm_has_it), blocks(&message));
    }
}
