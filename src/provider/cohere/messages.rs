//! Messages as Cohere has them: OpenAI's, with plans, thinking and citations of its own.

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::openai::{Content, Message, Part, Role};
use crate::provider::Target;

/// Writes a conversation.
///
/// # Errors
///
/// A part that Cohere does not take.
pub(super) fn write(target: &Target<'_>, messages: Vec<Message>) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(messages.len());
    for (index, message) in messages.into_iter().enumerate() {
        out.push(one(target, message, &format!("messages[{index}]"))?.into());
    }
    Ok(out)
}

fn one(target: &Target<'_>, mut message: Message, at: &str) -> Result<Map<String, Value>> {
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool | Role::Function => "tool",
    };
    let mut out = Map::from_iter([("role".to_owned(), role.into())]);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            out.insert(name.to_owned(), value);
        }
    };
    let thought = message.reasoning_content.take().filter(|_| target.facts.reasoning != Some(false));
    put("content", content(message.content, thought, at)?);
    if role == "tool" {
        // Old functions answer by name.
        put("tool_call_id", message.tool_call_id.or(message.name).map(Value::from));
    }
    let calls: Vec<Value> = message
        .tool_calls
        .into_iter()
        .map(|call| json!({"id": call.id, "type": "function", "function": call.function}))
        .collect();
    put("tool_calls", (!calls.is_empty()).then(|| calls.into()));
    // What an earlier answer brought goes back as it came.
    let own = message.extra.remove("provider_specific_fields").unwrap_or_default();
    for name in ["tool_plan", "citations"] {
        put(name, own.get(name).filter(|_| role == "assistant").cloned());
    }
    Ok(out)
}

/// Text as a string, where there is nothing else; `None` where there is nothing at all.
fn content(content: Option<Content>, thought: Option<String>, at: &str) -> Result<Option<Value>> {
    let mut out = Vec::new();
    if let Some(thought) = thought {
        out.push(json!({"type": "thinking", "thinking": thought}));
    }
    let parts = match content {
        Some(Content::Text(text)) if out.is_empty() => return Ok(Some(text.into())),
        content => content.map(Content::into_parts).unwrap_or_default(),
    };
    for (index, part) in parts.into_iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        match part {
            Part::Text { text, .. } => out.push(json!({"type": "text", "text": text})),
            Part::Image { url, detail, .. } => {
                let mut image = json!({"url": url});
                if let (Some(detail), Some(image)) = (detail, image.as_object_mut()) {
                    image.insert("detail".to_owned(), detail.into());
                }
                out.push(json!({"type": "image_url", "image_url": image}));
            }
            // A result of a tool that can be cited.
            Part::Other { kind, value } if kind == "document" || kind == "thinking" => out.push(value.into()),
            other => return Err(other.unsupported(&at)),
        }
    }
    Ok((!out.is_empty()).then(|| out.into()))
}
