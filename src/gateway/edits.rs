//! What a configuration changes in a request whatever its provider speaks: nested fields are left out
//! (`additional_drop_params: ["tools[*].x"]`), and marks of prompt caches set (`cache_control_injection_points`).

use serde_json::{Map, Value, json};

use super::attempt::{Request, Resolved};
use crate::config::Match;
use crate::error::{Error, Result};
use crate::openai::Fields;

/// LiteLLM's name for where marks of prompt caches are set.
const POINTS: &str = "cache_control_injection_points";

/// `request` as a deployment gets it: with its defaults, with what the way to it changes, and edited.
///
/// # Errors
///
/// As [`edited`].
pub(super) fn request_for(
    request: &Request,
    found: &Match,
    deployment: &Resolved,
    overrides: &Fields,
) -> Result<Request> {
    let request = request.with(&found.deployment.defaults, overrides)?;
    edited(request, &deployment.settings.additional_drop_params)
}

/// `request` with its nested `drops` left out and its marks set.
///
/// # Errors
///
/// Points that are none, and what the changed request is refused for.
pub(super) fn edited(request: Request, drops: &[String]) -> Result<Request> {
    let Request::Chat(chat) = &request else { return Ok(request) };
    let nested: Vec<&String> = drops.iter().filter(|path| path.contains(['.', '['])).collect();
    let marked = chat.fields().contains(POINTS);
    if nested.is_empty() && !marked {
        return Ok(request);
    }
    let points: Vec<Map<String, Value>> = chat.fields().get(POINTS).ok().flatten().unwrap_or_default();
    if marked && points.is_empty() && chat.fields().raw(POINTS).is_some_and(|raw| raw.get() != "[]") {
        let message =
            format!("`{POINTS}` must be a list such as [{{\"location\": \"message\", \"role\": \"system\"}}]");
        return Err(Error::bad_request(POINTS, message));
    }
    let mut changes = Fields::default();
    let mut change = |name: &str, act: &dyn Fn(&mut Value)| {
        let source = if changes.contains(name) { &changes } else { chat.fields() };
        if let Ok(Some(mut value)) = source.get::<Value>(name) {
            act(&mut value);
            changes.set(name, &value);
        }
    };
    for path in nested {
        let end = path.find(['.', '[']).unwrap_or(path.len());
        let (name, rest) = path.split_at(end);
        change(name, &|value| leave_out(value, rest));
    }
    for point in &points {
        let mark = point.get("control").cloned().unwrap_or_else(|| json!({"type": "ephemeral"}));
        match point.get("location").and_then(Value::as_str) {
            Some("message") => change("messages", &|messages| mark_messages(messages, point, &mark)),
            Some("tool_config") => change("tools", &|tools| {
                if let Some(tool) =
                    tools.as_array_mut().and_then(|tools| tools.last_mut()).and_then(Value::as_object_mut)
                {
                    tool.insert("cache_control".to_owned(), mark.clone());
                }
            }),
            _ => {
                let message = format!("`{POINTS}` have a `location`: \"message\" or \"tool_config\"");
                return Err(Error::bad_request(POINTS, message));
            }
        }
    }
    let edited = chat.with(|fields| {
        for (name, value) in changes.iter() {
            fields.set_raw(name, value.to_owned());
        }
        fields.remove(POINTS);
    })?;
    Ok(Request::Chat(edited))
}

/// Leaves out what a path such as `[*].function.x` leads to; where it leads nowhere, nothing changes.
fn leave_out(value: &mut Value, path: &str) {
    if let Some(rest) = path.strip_prefix('[') {
        let Some((index, rest)) = rest.split_once(']') else { return };
        let Some(items) = value.as_array_mut() else { return };
        match index.parse::<usize>() {
            Ok(at) if rest.is_empty() && at < items.len() => drop(items.remove(at)),
            Ok(at) => items.get_mut(at).into_iter().for_each(|item| leave_out(item, rest)),
            Err(_) if index == "*" => items.iter_mut().for_each(|item| leave_out(item, rest)),
            Err(_) => {}
        }
        return;
    }
    let path = path.strip_prefix('.').unwrap_or(path);
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    let Some(map) = value.as_object_mut() else { return };
    if rest.is_empty() {
        map.shift_remove(name);
    } else if let Some(inner) = map.get_mut(name) {
        leave_out(inner, rest);
    }
}

/// Marks the message of an `index` (from the end where it is negative), or every one of a `role`.
fn mark_messages(messages: &mut Value, point: &Map<String, Value>, mark: &Value) {
    let Some(messages) = messages.as_array_mut() else { return };
    let count = messages.len();
    let index = point.get("index").and_then(|index| index.as_i64().or_else(|| index.as_str()?.parse().ok()));
    let role = point.get("role").and_then(Value::as_str);
    for (at, message) in messages.iter_mut().enumerate() {
        let here = index.is_none_or(|index| {
            let wanted =
                if index < 0 { count.checked_sub(index.unsigned_abs() as usize) } else { Some(index as usize) };
            wanted == Some(at)
        });
        let is_meant = (index.is_some() || role.is_some()) && role.is_none_or(|role| message["role"] == role);
        if here && is_meant {
            mark_content(message.get_mut("content"), mark);
        }
    }
}

/// Marks the last part of a content; a text becomes a part.
fn mark_content(content: Option<&mut Value>, mark: &Value) {
    match content {
        Some(Value::Array(parts)) => {
            if let Some(part) = parts.last_mut().and_then(Value::as_object_mut) {
                part.insert("cache_control".to_owned(), mark.clone());
            }
        }
        Some(text @ Value::String(_)) => {
            let part = json!({"type": "text", "text": text.take(), "cache_control": mark});
            *text = json!([part]);
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;

    fn edit(body: &Value, drops: &[&str]) -> Result<Value> {
        let request = Request::Chat(ChatRequest::parse(body.to_string().as_bytes()).unwrap());
        let drops: Vec<String> = drops.iter().map(|&path| path.to_owned()).collect();
        edited(request, &drops).map(|request| serde_json::from_slice(&request.fields().to_bytes()).unwrap())
    }

    #[test]
    fn nested_fields_are_left_out_and_no_others() {
        let tool = |extra: Value| json!({"type": "function", "function": {"name": "f", "strict": true}, "x": extra});
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "tools": [tool(json!(1)), tool(json!(2))],
            "metadata": {"a": {"b": 1, "c": 2}}});
        let got = edit(
            &body,
            &[
                "tools[*].x",
                "tools[1].function.strict",
                "metadata.a.b",
                "gone[0].x",
                "metadata[*].a",
                "tools[x].y",
                "user",
            ],
        )
        .unwrap();
        let plain = json!({"type": "function", "function": {"name": "f", "strict": true}});
        assert_eq!(got["tools"], json!([plain, {"type": "function", "function": {"name": "f"}}]));
        assert_eq!(got["metadata"], json!({"a": {"c": 2}}));
        assert_eq!(got["messages"], body["messages"]);
    }

    #[test]
    fn marks_are_set_by_role_and_by_place_and_the_points_stay_here() {
        let body = |points: Value| {
            json!({"model": "m", POINTS: points, "tools": [{"type": "function", "function": {"name": "f"}}], "messages": [
                {"role": "system", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
                {"role": "assistant", "content": null}, {"role": "user", "content": "c"}]})
        };
        let ephemeral = json!({"type": "ephemeral"});
        let got = edit(&body(json!([{"location": "message", "role": "system"}, {"location": "message", "index": -3},
            {"location": "message", "index": 2}, {"location": "message", "index": 9}, {"location": "tool_config", "control": {"type": "ephemeral", "ttl": "1h"}}])), &[]).unwrap();
        assert_eq!(got["messages"][0]["content"], json!([{"type": "text", "text": "s", "cache_control": ephemeral}]));
        assert_eq!(got["messages"][1]["content"][0], json!({"type": "text", "text": "a"}));
        assert_eq!(got["messages"][1]["content"][1]["cache_control"], ephemeral);
        assert_eq!((&got["messages"][2]["content"], &got["messages"][3]["content"]), (&Value::Null, &json!("c")));
        assert_eq!(got["tools"][0]["cache_control"]["ttl"], "1h");
        assert!(got.get(POINTS).is_none());
        for wrong in [json!("system"), json!([{"location": "moon"}]), json!([1])] {
            assert_eq!(edit(&body(wrong), &[]).unwrap_err().param(), Some(POINTS));
        }
    }
}
