//! Adapts messages and tools to what a provider takes; where it takes them as they are, their bytes are not touched.

use memchr::memmem;
use serde_json::{Map, Value};

use super::super::Facts;
use super::OpenAi;
use crate::error::Result;
use crate::openai::Fields;

/// Adapts `messages`, `tools` and `tool_choice`.
pub(super) fn adapt(dialect: &OpenAi, facts: Facts, fields: &mut Fields) -> Result<()> {
    let roles = roles(dialect, facts);
    let renamed = |bytes: &[u8]| roles.iter().any(|(from, _)| has(bytes, &format!("\"{from}\"")));
    let listed = |bytes: &[u8]| !dialect.text_parts && has(bytes, "\"type\"");
    let called = |bytes: &[u8]| dialect.short_tool_ids && has(bytes, "\"tool_call");
    if needs(dialect, fields, "messages", |bytes| renamed(bytes) || listed(bytes) || called(bytes)) {
        edit(fields, "messages", |message| adapt_message(dialect, roles, message))?;
    }
    if needs(dialect, fields, "tools", |bytes| !dialect.strict_tools && has(bytes, "\"strict\"")) {
        edit(fields, "tools", |tool| adapt_tool(dialect, tool))?;
    }
    let choice = fields.raw("tool_choice").map(serde_json::value::RawValue::get);
    if matches!(choice, Some("\"required\"" | "\"any\"")) {
        fields.set("tool_choice", dialect.required_tool);
    }
    Ok(())
}

/// Roles that the provider or the model does not take, and what they become.
fn roles(dialect: &OpenAi, facts: Facts) -> &'static [(&'static str, &'static str)] {
    match (facts.system_messages, dialect.developer_role) {
        (Some(false), _) => &[("developer", "user"), ("system", "user")],
        (_, false) => &[("developer", "system")],
        (_, true) => &[],
    }
}

/// Whether a field has to be read at all: a name that has to go stands in it, or `more` says so.
fn needs(dialect: &OpenAi, fields: &Fields, name: &str, more: impl Fn(&[u8]) -> bool) -> bool {
    let Some(raw) = fields.raw(name) else { return false };
    let bytes = raw.get().as_bytes();
    more(bytes) || dialect.strips.iter().any(|name| has(bytes, name))
}

fn has(bytes: &[u8], word: &str) -> bool {
    memmem::find(bytes, word.as_bytes()).is_some()
}

fn edit(fields: &mut Fields, name: &str, change: impl Fn(&mut Map<String, Value>)) -> Result<()> {
    let mut items: Vec<Value> = fields.get(name)?.unwrap_or_default();
    items.iter_mut().filter_map(Value::as_object_mut).for_each(change);
    fields.set(name, &items);
    Ok(())
}

fn adapt_message(dialect: &OpenAi, roles: &[(&str, &str)], message: &mut Map<String, Value>) {
    strip(dialect, message);
    if dialect.short_tool_ids {
        shorten_ids(message);
    }
    if let Some(role) = message.get_mut("role")
        && let Some((_, to)) = roles.iter().find(|(from, _)| *role == *from)
    {
        *role = (*to).into();
    }
    for list in ["content", "tool_calls"] {
        let items = message.get_mut(list).and_then(Value::as_array_mut);
        items.into_iter().flatten().filter_map(Value::as_object_mut).for_each(|item| strip(dialect, item));
    }
    if !dialect.text_parts
        && let Some(content) = message.get_mut("content")
        && let Some(text) = only_text(content)
    {
        *content = text.into();
    }
}

/// Gives calls of another provider an id that is taken here: the same one wherever the id stands.
fn shorten_ids(message: &mut Map<String, Value>) {
    let short = |id: &mut Value| {
        if let Value::String(text) = id
            && !(text.len() == SHORT_ID && text.bytes().all(|byte| byte.is_ascii_alphanumeric()))
        {
            *text = short_id(text);
        }
    };
    message.get_mut("tool_call_id").into_iter().for_each(short);
    let calls = message.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten();
    calls.filter_map(|call| call.get_mut("id")).for_each(short);
}

const SHORT_ID: usize = 9;

/// Nine letters and digits out of an id, by a hash (FNV-1a): two calls of one conversation do not meet.
fn short_id(id: &str) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, mix);
    let mut next = || {
        let digit = DIGITS.get((hash % 62) as usize).copied().unwrap_or(b'0');
        hash /= 62;
        char::from(digit)
    };
    (0..SHORT_ID).map(|_| next()).collect()
}

fn adapt_tool(dialect: &OpenAi, tool: &mut Map<String, Value>) {
    strip(dialect, tool);
    if let Some(function) = tool.get_mut("function").and_then(Value::as_object_mut) {
        strip(dialect, function);
        if !dialect.strict_tools {
            function.shift_remove("strict");
        }
    }
}

fn strip(dialect: &OpenAi, object: &mut Map<String, Value>) {
    for name in dialect.strips {
        object.shift_remove(*name);
    }
}

/// The text of a list of parts that holds nothing else.
fn only_text(content: &Value) -> Option<String> {
    let parts = content.as_array()?;
    parts.iter().map(|part| if part["type"] == "text" { part["text"].as_str() } else { None }).collect()
}
