//! Usage: Anthropic's disjoint counts as OpenAI's totals, nothing lost that a price depends on.

use serde_json::{Map, Value, json};

use crate::openai::{CacheCreation, CompletionDetails, PromptDetails, Usage};

/// Reads a `usage` object. Its counts are disjoint; `iterations`, where there are any, are all that is billed, with the
/// compactions that the totals leave out (<https://platform.claude.com/docs/en/build-with-claude/compaction#usage>).
pub(super) fn read(usage: &Map<String, Value>) -> Usage {
    let iterations: Vec<&Map<String, Value>> =
        usage.get("iterations").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    let parts = if iterations.is_empty() { vec![usage] } else { iterations };
    let sum = |name: &str| parts.iter().map(|part| count(part.get(name))).fold(0, u64::saturating_add);
    let (text_in, read, written) =
        (sum("input_tokens"), sum("cache_read_input_tokens"), sum("cache_creation_input_tokens"));
    let prompt_tokens = text_in.saturating_add(read).saturating_add(written);
    let completion_tokens = sum("output_tokens");
    let mut extra = Map::new();
    for name in ["service_tier", "inference_geo", "speed", "iterations"] {
        if let Some(value) = usage.get(name).filter(|value| !value.is_null()) {
            extra.insert(name.to_owned(), value.clone());
        }
    }
    Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
        prompt_tokens_details: Some(PromptDetails {
            cached_tokens: read,
            cache_creation_tokens: written,
            cache_creation_token_details: lifetimes(usage, &parts, written),
            text_tokens: text_in,
            ..PromptDetails::default()
        }),
        completion_tokens_details: thinking_tokens(usage, &parts).map(|told| {
            let reasoning_tokens = told.min(completion_tokens);
            let text_tokens = completion_tokens - reasoning_tokens;
            CompletionDetails { reasoning_tokens, text_tokens, ..CompletionDetails::default() }
        }),
        cache_creation_input_tokens: written,
        cache_read_input_tokens: read,
        server_tool_use: usage
            .get("server_tool_use")
            .filter(|tools| tools.is_object())
            .and_then(|tools| serde_json::from_value(tools.clone()).ok()),
        extra,
    }
}

/// A count of tokens; `null`, a negative number and anything else is 0.
fn count(value: Option<&Value>) -> u64 {
    let value = value.unwrap_or(&Value::Null);
    value.as_u64().unwrap_or_else(|| value.as_f64().map_or(0, |number| number.max(0.0) as u64))
}

/// How long the written tokens are kept; what no split tells of is kept for 5 minutes, the API's default.
fn lifetimes(usage: &Map<String, Value>, parts: &[&Map<String, Value>], written: u64) -> Option<CacheCreation> {
    let told = |part: &&Map<String, Value>| part.get("cache_creation").and_then(Value::as_object).cloned();
    let mut splits: Vec<Map<String, Value>> = parts.iter().filter_map(told).collect();
    if splits.is_empty() {
        splits.extend(told(&usage));
    }
    if splits.is_empty() || written == 0 {
        return None;
    }
    let sum = |name: &str| splits.iter().map(|split| count(split.get(name))).fold(0, u64::saturating_add);
    let ephemeral_1h_input_tokens = sum("ephemeral_1h_input_tokens");
    let split = sum("ephemeral_5m_input_tokens").saturating_add(ephemeral_1h_input_tokens);
    let ephemeral_5m_input_tokens = sum("ephemeral_5m_input_tokens").saturating_add(written.saturating_sub(split));
    Some(CacheCreation { ephemeral_5m_input_tokens, ephemeral_1h_input_tokens })
}

/// Tokens of thinking, where the upstream told them.
fn thinking_tokens(usage: &Map<String, Value>, parts: &[&Map<String, Value>]) -> Option<u64> {
    let told = |part: &Map<String, Value>| {
        let tokens = part.get("output_tokens_details")?.get("thinking_tokens")?;
        (!tokens.is_null()).then(|| count(Some(tokens)))
    };
    let each: Vec<u64> = parts.iter().filter_map(|part| told(part)).collect();
    if each.len() == parts.len() { Some(each.into_iter().fold(0, u64::saturating_add)) } else { told(usage) }
}

/// Takes later figures of a stream into earlier ones. They are cumulative, and may leave out what was told before:
/// of two counts the greater one is the later one, and `null` tells nothing.
pub(super) fn merge(into: &mut Map<String, Value>, later: &Map<String, Value>) {
    for (name, value) in later {
        match (into.get_mut(name), value) {
            (_, Value::Null) => {}
            (Some(Value::Object(there)), Value::Object(value)) => merge(there, value),
            (Some(there @ Value::Number(_)), Value::Number(_)) => {
                *there = json!(count(Some(&*there)).max(count(Some(value))));
            }
            _ => drop(into.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn totals_include_the_cache_and_nulls_are_nothing() {
        let usage = read(&object(json!({
            "input_tokens": 10, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 5, "output_tokens": 7,
            "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 3},
            "output_tokens_details": {"thinking_tokens": 4}, "service_tier": "standard", "inference_geo": null,
        })));
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (115, 7, 122));
        let details = usage.prompt_tokens_details.unwrap();
        assert_eq!((details.text_tokens, details.cached_tokens, details.cache_creation_tokens), (10, 100, 5));
        let split = details.cache_creation_token_details.unwrap();
        assert_eq!((split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens), (2, 3));
        assert_eq!(usage.completion_tokens_details.unwrap().reasoning_tokens, 4);
        assert_eq!(usage.extra, object(json!({"service_tier": "standard"})));
        let nulls = read(&object(json!({"input_tokens": null, "output_tokens": 1, "cache_read_input_tokens": null})));
        assert_eq!((nulls.prompt_tokens, nulls.completion_tokens_details), (0, None));
    }

    #[test]
    fn iterations_are_summed_for_the_totals_leave_compactions_out() {
        let usage = read(&object(json!({
            "input_tokens": 20, "output_tokens": 5,
            "iterations": [
                {"type": "compaction", "input_tokens": 180, "output_tokens": 3, "cache_creation_input_tokens": 4,
                 "cache_creation": {"ephemeral_1h_input_tokens": 1}},
                {"type": "message", "input_tokens": 20, "output_tokens": 5, "cache_read_input_tokens": 6},
            ],
        })));
        assert_eq!((usage.prompt_tokens, usage.completion_tokens), (210, 8));
        let split = usage.prompt_tokens_details.unwrap().cache_creation_token_details.unwrap();
        assert_eq!((split.ephemeral_5m_input_tokens, split.ephemeral_1h_input_tokens), (3, 1));
        assert_eq!(usage.extra["iterations"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn later_figures_keep_what_they_do_not_tell() {
        let mut usage = object(json!({"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 1,
            "cache_creation": {"ephemeral_1h_input_tokens": 2}}));
        merge(&mut usage, &object(json!({"input_tokens": 0, "cache_read_input_tokens": null, "output_tokens": 8})));
        let want = json!({"input_tokens": 9, "cache_read_input_tokens": 3, "output_tokens": 8,
            "cache_creation": {"ephemeral_1h_input_tokens": 2}});
        assert_eq!(Value::Object(usage), want);
    }
}
