//! Claude's blocks as Converse's: text, calls, results, thinking and cache points.

use serde_json::{Map, Value, json};

use super::media::BLOCK;
use crate::error::{Error, Result};

/// The longest id of a call, in characters.
const LONGEST_ID: usize = 64;

/// What stands where AWS wants words and a tool has given none.
const PLACEHOLDER: &str = ".";

/// Turns messages of Claude's dialect into Converse's.
///
/// # Errors
///
/// A block that Converse does not have.
pub(super) fn messages(messages: Vec<Value>, points: bool) -> Result<Vec<Value>> {
    let turn = |message: Value| {
        let Value::Object(mut message) = message else { return Ok(message) };
        let content = match message.remove("content") {
            Some(Value::Array(content)) => content,
            _ => Vec::new(),
        };
        message.insert("content".to_owned(), list(content, points)?.into());
        Ok(Value::Object(message))
    };
    messages.into_iter().map(turn).collect()
}

/// Turns blocks into Converse's; `points` is whether the model takes cache points.
///
/// # Errors
///
/// As [`messages`].
pub(super) fn list(blocks: Vec<Value>, points: bool) -> Result<Vec<Value>> {
    let mut out = Vec::with_capacity(blocks.len());
    for block in blocks {
        let Value::Object(mut block) = block else { continue };
        let mut mark = block.remove("cache_control");
        let block = self::block(block, &mut mark)?;
        out.push(block);
        if let Some(mark) = mark.filter(|_| points) {
            out.push(cache_point(&mark));
        }
    }
    Ok(out)
}

/// The point behind what is to be cached. Five minutes is what AWS does unasked, and not all models know the word.
pub(super) fn cache_point(mark: &Value) -> Value {
    match mark.get("ttl").and_then(Value::as_str) {
        Some("1h") => json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
        _ => json!({"cachePoint": {"type": "default"}}),
    }
}

fn block(mut block: Map<String, Value>, mark: &mut Option<Value>) -> Result<Value> {
    if let Some(block) = block.remove(BLOCK) {
        return Ok(block);
    }
    let mut take = |name: &str| block.remove(name).unwrap_or_default();
    let kind = take("type");
    let id =
        |id: Value| -> Value { id.as_str().unwrap_or_default().chars().take(LONGEST_ID).collect::<String>().into() };
    Ok(match kind.as_str().unwrap_or_default() {
        "text" => one("text", take("text")),
        "thinking" => {
            let text = json!({"text": take("thinking"), "signature": take("signature")});
            json!({"reasoningContent": {"reasoningText": text}})
        }
        "redacted_thinking" => json!({"reasoningContent": {"redactedContent": take("data")}}),
        "tool_use" => json!({"toolUse": {"toolUseId": id(take("id")), "name": take("name"), "input": take("input")}}),
        "tool_result" => {
            let content = match take("content") {
                Value::Array(blocks) => {
                    let mut content = Vec::new();
                    for block in blocks {
                        let Value::Object(mut block) = block else { continue };
                        // A point stands behind the whole result, and not in it.
                        *mark = mark.take().or(block.remove("cache_control"));
                        content.push(self::block(block, &mut None)?);
                    }
                    content
                }
                Value::String(text) => vec![one("text", text.into())],
                _ => vec![one("text", PLACEHOLDER.into())],
            };
            let mut result = Map::new();
            result.insert("toolUseId".to_owned(), id(take("tool_use_id")));
            result.insert("content".to_owned(), content.into());
            if take("is_error") == true {
                result.insert("status".to_owned(), "error".into());
            }
            one("toolResult", Value::Object(result))
        }
        kind => {
            let message =
                format!("a part of type `{kind}` is not known to Bedrock's Converse: leave it out of `messages`");
            return Err(Error::bad_request("messages", message));
        }
    })
}

/// An object with one field, without a copy of the value.
fn one(name: &str, value: Value) -> Value {
    Value::Object([(name.to_owned(), value)].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_a_point_behind_its_block() {
        let mark = json!({"type": "ephemeral"});
        let text = json!({"type": "text", "text": "a", "cache_control": mark});
        let long = json!({"type": "text", "text": "b", "cache_control": {"type": "ephemeral", "ttl": "1h"}});
        let result = json!({"type": "tool_result", "tool_use_id": "t", "content": [text], "is_error": true});
        let point = json!({"cachePoint": {"type": "default"}});
        let want = [
            json!({"text": "a"}),
            point.clone(),
            json!({"text": "b"}),
            json!({"cachePoint": {"type": "default", "ttl": "1h"}}),
            json!({"toolResult": {"toolUseId": "t", "content": [{"text": "a"}], "status": "error"}}),
            point,
        ];
        assert_eq!(list(vec![text.clone(), long, result], true).unwrap(), want);
        assert_eq!(list(vec![text], false).unwrap(), [json!({"text": "a"})]);
    }

    #[test]
    fn ids_keep_within_their_bound_and_unknown_blocks_are_named() {
        let long = "x".repeat(90);
        let call = json!({"type": "tool_use", "id": long, "name": "f", "input": {}});
        let result = json!({"type": "tool_result", "tool_use_id": long});
        let out = list(vec![call, result], true).unwrap();
        assert_eq!(out[0]["toolUse"]["toolUseId"], out[1]["toolResult"]["toolUseId"]);
        assert_eq!(out[0]["toolUse"]["toolUseId"].as_str().unwrap().len(), 64);
        let error = list(vec![json!({"type": "search_result"})], true).unwrap_err();
        assert!(error.message().contains("search_result"), "{error}");
    }
}
