//! Reads the usage that an upstream tells, and brings departures from OpenAI's arithmetic back to it.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::openai::{CompletionDetails, PromptDetails, Usage};

/// Reads a `usage` object; what is none, or holds no count at all, is `None`.
pub(super) fn read(raw: &RawValue) -> Option<Usage> {
    let mut usage: Usage = serde_json::from_str(raw.get()).ok()?;
    if usage.prompt_tokens == 0 && usage.completion_tokens == 0 && usage.total_tokens == 0 {
        return None;
    }
    count_reasoning(&mut usage);
    count_cached(&mut usage);
    Some(usage)
}

/// Counts reasoning tokens as part of the answer where the total tells that they are not:
/// xAI reports `total = prompt + completion + reasoning` (<https://docs.x.ai/docs/guides/reasoning>).
fn count_reasoning(usage: &mut Usage) {
    let reasoning = usage.completion_tokens_details.as_ref().map_or(0, |details| details.reasoning_tokens);
    let without = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    if reasoning > 0 && usage.total_tokens == without.saturating_add(reasoning) {
        usage.completion_tokens = usage.completion_tokens.saturating_add(reasoning);
    }
}

/// Finds cached tokens where they are not told OpenAI's way: DeepSeek's `prompt_cache_hit_tokens`
/// (<https://api-docs.deepseek.com/guides/kv_cache>), and Moonshot's and Together's `cached_tokens`.
fn count_cached(usage: &mut Usage) {
    let told = usage.prompt_tokens_details.as_ref().map_or(0, |details| details.cached_tokens);
    let other = ["prompt_cache_hit_tokens", "cached_tokens"];
    let cached = other.iter().find_map(|name| usage.extra.get(*name).and_then(Value::as_u64));
    if let (0, Some(cached @ 1..)) = (told, cached) {
        usage.prompt_tokens_details.get_or_insert_with(PromptDetails::default).cached_tokens = cached;
    }
    // Perplexity and others tell reasoning beside the counts instead of in their details.
    let reasoning = usage.extra.get("reasoning_tokens").and_then(Value::as_u64);
    if let (None, Some(reasoning @ 1..)) = (&usage.completion_tokens_details, reasoning)
        && reasoning <= usage.completion_tokens
    {
        let details = CompletionDetails { reasoning_tokens: reasoning, ..CompletionDetails::default() };
        usage.completion_tokens_details = Some(details);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(text: &str) -> Option<Usage> {
        read(&RawValue::from_string(text.to_owned()).unwrap())
    }

    #[test]
    fn reasoning_is_added_only_where_the_total_says_so() {
        let told = |completion: u64| {
            let details = r#""completion_tokens_details":{"reasoning_tokens":30}"#;
            usage(&format!(r#"{{"prompt_tokens":10,"completion_tokens":{completion},"total_tokens":45,{details}}}"#))
        };
        assert_eq!(told(5).unwrap().completion_tokens, 35, "told apart");
        assert_eq!(told(35).unwrap().completion_tokens, 35, "told within");
    }

    #[test]
    fn cached_tokens_are_found_by_their_other_names() {
        for name in ["prompt_cache_hit_tokens", "cached_tokens"] {
            let text = format!(r#"{{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"{name}":8}}"#);
            assert_eq!(usage(&text).unwrap().prompt_tokens_details.unwrap().cached_tokens, 8);
        }
    }

    #[test]
    fn what_counts_nothing_is_no_usage() {
        assert_eq!(usage("{}"), None);
        assert_eq!(usage("\"free\""), None);
        assert_eq!(usage(r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#), None);
    }
}
