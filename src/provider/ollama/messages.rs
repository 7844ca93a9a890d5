//! Messages as Ollama has them: text is one string, images stand beside it in base64, arguments are objects.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::{Content, Message, Part, Role};

/// Writes a conversation.
///
/// # Errors
///
/// A part that Ollama does not take.
pub(super) fn write(messages: Vec<Message>) -> Result<Vec<Value>> {
    let mut names: Vec<(String, String)> = Vec::new();
    let mut out = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        out.push(one(message, &format!("messages[{index}]"), &mut names)?.into());
    }
    Ok(out)
}

/// Writes a message; `names` remembers which call was of which function.
fn one(message: Message, at: &str, names: &mut Vec<(String, String)>) -> Result<Map<String, Value>> {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool | Role::Function => "tool",
    };
    let mut out = Map::from_iter([("role".to_owned(), role.into())]);
    let (text, images) = content(message.content, at)?;
    out.insert("content".to_owned(), text.into());
    if !images.is_empty() {
        out.insert("images".to_owned(), images.into());
    }
    if let Some(reasoning) = message.reasoning_content {
        out.insert("thinking".to_owned(), reasoning.into());
    }
    if role == "tool" {
        let id = message.tool_call_id.unwrap_or_default();
        let called = names.iter().rev().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        if let Some(name) = called.or(message.name) {
            out.insert("tool_name".to_owned(), name.into());
        }
        if !id.is_empty() {
            out.insert("tool_call_id".to_owned(), id.into());
        }
    }
    let mut calls = Vec::new();
    for call in message.tool_calls {
        let function = json!({"name": call.function.name, "arguments": call.function.arguments_object()});
        calls.push(json!({"id": call.id, "function": function}));
        names.push((call.id, call.function.name));
    }
    if !calls.is_empty() {
        out.insert("tool_calls".to_owned(), calls.into());
    }
    Ok(out)
}

/// Text and images, each in base64.
fn content(content: Option<Content>, at: &str) -> Result<(String, Vec<Value>)> {
    let (mut text, mut images) = (String::new(), Vec::new());
    let parts = content.map(Content::into_parts).unwrap_or_default();
    for (index, part) in parts.into_iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        match part {
            Part::Text { text: piece, .. } => text.push_str(&piece),
            Part::Image { url, .. } => images.push(image(&url, &at)?.into()),
            other => return Err(other.unsupported(&at)),
        }
    }
    Ok((text, images))
}

/// An image in base64, out of a `data:` URL or as it is.
fn image<'a>(url: &'a str, at: &str) -> Result<&'a str> {
    if let Some((_, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,")) {
        return Ok(data);
    }
    if url.contains(':') {
        let message = format!("`{at}` must be a data: URL in base64: this provider fetches nothing");
        return Err(Error::bad_request(at, message));
    }
    Ok(url)
}
