//! `POST /utils/token_counter`: the tokens of messages, a prompt or contents, counted here without asking a provider.

use std::rc::Rc;

use serde_json::{Map, Value, json};

use super::required;
use crate::cost::tokens::{self, Counter, Encoding, Method, TokenCount, Vocabulary};
use crate::error::{Error, Result};
use crate::gateway::{Gateway, Host};
use crate::openai::{ChatRequest, Fields};

/// Answers with `LiteLLM`'s fields, and `error_percent`: the error to expect of the count, 0 where it is exact.
///
/// # Errors
///
/// A model that is missing, nothing to count, or messages that are none.
pub(super) async fn answer<H: Host>(gateway: &Gateway, host: &H, fields: &Fields) -> Result<Fields> {
    let model = required(fields, "model", "name the model whose tokens are to be counted")?;
    let count = count(gateway, host, fields, &model).await?;
    let (_, used) = counted_as(gateway, &model);
    let mut out = Fields::default();
    out.set("total_tokens", &count.value);
    out.set("request_model", &model);
    out.set("model_used", &used);
    let exact = count.method == Method::Exact;
    out.set("tokenizer_type", if exact { "openai_tokenizer" } else { "estimate" });
    // LiteLLM's word for every count that no provider made.
    out.set("count_source", "local_estimate");
    out.set("error_percent", &count.error_percent);
    out.set("original_response", &Value::Null);
    out.set("error", &false);
    out.set("error_message", &Value::Null);
    out.set("status_code", &Value::Null);
    Ok(out)
}

/// The provider and the model that `model` is counted as.
fn counted_as(gateway: &Gateway, model: &str) -> (String, String) {
    match gateway.config.deployments_for(model).into_iter().next() {
        Some(found) => {
            let base = found.deployment.model_info.get("base_model").and_then(Value::as_str).map(str::to_owned);
            (found.provider.name().to_owned(), base.unwrap_or(found.model))
        }
        None => (String::new(), model.to_owned()),
    }
}

/// The vocabulary of an encoding, loaded at the first question; `None` where the host has none, or a damaged one, of which
/// the log tells.
async fn vocabulary<H: Host>(gateway: &Gateway, host: &H, encoding: Encoding) -> Option<Rc<Vocabulary>> {
    let loaded = || gateway.vocabularies.borrow().iter().find(|own| own.encoding() == encoding).cloned();
    if let Some(vocabulary) = loaded() {
        return Some(vocabulary);
    }
    match Vocabulary::load(encoding, &host.vocabulary(encoding).await?) {
        Ok(vocabulary) => gateway.take_vocabulary(vocabulary),
        Err(error) => host.log(&format!("tokens are estimated: {error}")),
    }
    loaded()
}

/// Counts what a request holds: `messages`, else `prompt`, else Gemini's `contents`, with `tools` and `system`.
///
/// # Errors
///
/// Nothing to count, or what [`tokens::count_chat`] refuses.
pub(super) async fn count<H: Host>(gateway: &Gateway, host: &H, fields: &Fields, model: &str) -> Result<TokenCount> {
    let (provider, used) = counted_as(gateway, model);
    let vocabulary = match tokens::encoding_of(&provider, &used) {
        Some(encoding) => vocabulary(gateway, host, encoding).await,
        None => None,
    };
    let counter = match &vocabulary {
        Some(vocabulary) => Counter::Exact(vocabulary),
        None => Counter::Estimate(tokens::family_of(&provider, &used)),
    };
    if fields.raw("messages").is_none()
        && fields.raw("contents").is_none()
        && let Some(prompt) = fields.get::<String>("prompt")?
    {
        return Ok(counter.count(&prompt));
    }
    tokens::count_chat(&chat(fields, &used)?, &used, counter)
}

/// The request as a chat.
fn chat(fields: &Fields, model: &str) -> Result<ChatRequest> {
    let mut messages: Vec<Value> = match fields.get("messages")? {
        Some(messages) => messages,
        None => contents(fields)?,
    };
    if let Some(system) = fields.get::<Value>("system")? {
        messages.insert(0, json!({"role": "system", "content": system}));
    }
    let mut request = Fields::default();
    request.set("model", model);
    request.set("messages", &messages);
    if let Some(tools) = fields.get::<Vec<Map<String, Value>>>("tools")? {
        request.set("tools", &tools.into_iter().flat_map(openai_tools).collect::<Vec<_>>());
    }
    ChatRequest::from_fields(request)
}

/// Gemini's `contents` as messages.
fn contents(fields: &Fields) -> Result<Vec<Value>> {
    let Some(contents) = fields.get::<Vec<Map<String, Value>>>("contents")? else {
        return Err(Error::bad_request("messages", "`messages` is missing: give `messages`, `prompt` or `contents`"));
    };
    let message = |content: &Map<String, Value>| {
        let role = if content.get("role").and_then(Value::as_str) == Some("model") { "assistant" } else { "user" };
        let parts = content.get("parts").and_then(Value::as_array).into_iter().flatten();
        json!({"role": role, "content": parts.map(part).collect::<Vec<_>>()})
    };
    Ok(contents.iter().map(message).collect())
}

/// Gemini's part as one of OpenAI's: text, data, or else whatever stands there.
fn part(part: &Value) -> Value {
    let inline = part.get("inlineData").or_else(|| part.get("inline_data")).cloned();
    let field = |value: &Value, names: [&str; 2]| {
        names.iter().find_map(|name| value.get(name)?.as_str()).unwrap_or_default().to_owned()
    };
    match (part.get("text"), inline) {
        (Some(text), _) => json!({"type": "text", "text": text}),
        (None, Some(inline)) => {
            let (mime, data) = (field(&inline, ["mimeType", "mime_type"]), field(&inline, ["data", "data"]));
            match mime.split('/').next() {
                Some("image") => {
                    json!({"type": "image_url", "image_url": {"url": format!("data:{mime};base64,{data}")}})
                }
                Some("audio") => json!({"type": "input_audio", "input_audio": {"data": data, "format": mime}}),
                _ => json!({"type": "file", "file": {"file_data": format!("data:{mime};base64,{data}")}}),
            }
        }
        // Calls of functions and their results are read as the text that they are.
        (None, None) => json!({"type": "text", "text": part.to_string()}),
    }
}

/// A tool in OpenAI's shape, from its own, from Anthropic's, or from Gemini's list of declarations.
fn openai_tools(tool: Map<String, Value>) -> Vec<Value> {
    let declarations = ["functionDeclarations", "function_declarations"];
    if let Some(list) = declarations.iter().find_map(|name| tool.get(*name)?.as_array()) {
        return list.iter().map(|function| json!({"type": "function", "function": function})).collect();
    }
    match (tool.get("input_schema"), tool.get("name")) {
        (Some(schema), Some(name)) => {
            let description = tool.get("description").cloned().unwrap_or_default();
            let function = json!({"name": name, "description": description, "parameters": schema});
            vec![json!({"type": "function", "function": function})]
        }
        _ => vec![Value::Object(tool)],
    }
}
