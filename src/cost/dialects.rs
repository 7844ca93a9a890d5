//! Usage objects as providers write them, brought to the canonical form.

use serde_json::{Map, Value};

use super::unit::Unit;
use super::usage::{Buckets, number};
use crate::openai::{CacheCreation, CompletionDetails, PromptDetails, ServerToolUse, Usage};

impl Buckets {
    /// Reads a usage object of any dialect: `OpenAI`'s chat and responses, Anthropic's, Gemini's, Bedrock's, and those
    /// that count characters, pages or seconds. The dialect is told by its field names; what is none counts as nothing.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::{Buckets, Unit};
    ///
    /// let anthropic = serde_json::json!({"input_tokens": 50, "output_tokens": 400, "cache_read_input_tokens": 8000});
    /// let buckets = Buckets::read(&anthropic);
    /// assert_eq!((buckets.get(Unit::Input), buckets.get(Unit::CacheRead), buckets.tokens()), (50, 8000, 8450));
    /// ```
    pub fn read(usage: &Value) -> Self {
        let Some(map) = usage.as_object() else { return Self::default() };
        let mut buckets = Self::from(&canonical(map));
        for (field, unit) in [
            ("characters", Unit::CharacterIn),
            ("pages_processed", Unit::Page),
            ("search_units", Unit::Query),
            ("seconds", Unit::SecondIn),
        ] {
            if map.contains_key(field) {
                buckets.set(unit, number(map, field));
            }
        }
        buckets
    }
}

/// A usage object of any dialect as canonical usage.
pub fn canonical(map: &Map<String, Value>) -> Usage {
    let has = |field: &str| map.contains_key(field);
    if has("promptTokenCount") || has("candidatesTokenCount") {
        return by_modality(map);
    }
    if has("inputTokens") || has("outputTokens") {
        return camel_case(map);
    }
    if !has("prompt_tokens") && (has("input_tokens") || has("output_tokens")) {
        let whole = has("input_tokens_details") || has("output_tokens_details");
        return if whole { responses(map) } else { cache_beside(map) };
    }
    serde_json::from_value(Value::Object(map.clone())).unwrap_or_default()
}

fn object(map: &Map<String, Value>, field: &str) -> Map<String, Value> {
    map.get(field).and_then(Value::as_object).cloned().unwrap_or_default()
}

fn totalled(mut usage: Usage) -> Usage {
    usage.total_tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    usage
}

/// `OpenAI`'s responses and images: the details are part of the counts.
fn responses(map: &Map<String, Value>) -> Usage {
    let details = |field: &str| Value::Object(object(map, field));
    totalled(Usage {
        prompt_tokens: number(map, "input_tokens"),
        completion_tokens: number(map, "output_tokens"),
        prompt_tokens_details: serde_json::from_value(details("input_tokens_details")).ok(),
        completion_tokens_details: serde_json::from_value(details("output_tokens_details")).ok(),
        extra: map.clone(),
        ..Usage::default()
    })
}

/// Anthropic's: cache reads and writes stand beside the input.
fn cache_beside(map: &Map<String, Value>) -> Usage {
    let (read, written) = (number(map, "cache_read_input_tokens"), number(map, "cache_creation_input_tokens"));
    let by_time = object(map, "cache_creation");
    let hour = number(&by_time, "ephemeral_1h_input_tokens");
    let tools = map.get("server_tool_use").map(|_| ServerToolUse {
        web_search_requests: number(&object(map, "server_tool_use"), "web_search_requests"),
        ..ServerToolUse::default()
    });
    totalled(Usage {
        prompt_tokens: number(map, "input_tokens").saturating_add(read).saturating_add(written),
        completion_tokens: number(map, "output_tokens"),
        prompt_tokens_details: Some(PromptDetails {
            cached_tokens: read,
            cache_creation_tokens: written,
            cache_creation_token_details: Some(CacheCreation {
                ephemeral_5m_input_tokens: written.saturating_sub(hour),
                ephemeral_1h_input_tokens: hour,
            }),
            ..PromptDetails::default()
        }),
        server_tool_use: tools,
        extra: map.clone(),
        ..Usage::default()
    })
}

/// Gemini's: cached tokens are in the prompt, thoughts are beside the candidates, tools' prompts beside the prompt.
fn by_modality(map: &Map<String, Value>) -> Usage {
    let of = |field: &str, modality: &str| {
        let list = map.get(field).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let parts = list.iter().filter_map(Value::as_object);
        let own = parts.filter(|part| part.get("modality").and_then(Value::as_str) == Some(modality));
        own.fold(0u64, |sum, part| sum.saturating_add(number(part, "tokenCount")))
    };
    let prompt =
        |modality: &str| of("promptTokensDetails", modality).saturating_add(of("toolUsePromptTokensDetails", modality));
    let thoughts = number(map, "thoughtsTokenCount");
    let mut cached = Map::new();
    cached.insert("audio_tokens".to_owned(), of("cacheTokensDetails", "AUDIO").into());
    cached.insert("image_tokens".to_owned(), of("cacheTokensDetails", "IMAGE").into());
    let mut details = PromptDetails {
        cached_tokens: number(map, "cachedContentTokenCount"),
        audio_tokens: prompt("AUDIO"),
        image_tokens: prompt("IMAGE"),
        video_tokens: prompt("VIDEO"),
        ..PromptDetails::default()
    };
    details.extra.insert("cached_tokens_details".to_owned(), Value::Object(cached));
    totalled(Usage {
        prompt_tokens: number(map, "promptTokenCount").saturating_add(number(map, "toolUsePromptTokenCount")),
        completion_tokens: number(map, "candidatesTokenCount").saturating_add(thoughts),
        prompt_tokens_details: Some(details),
        completion_tokens_details: Some(CompletionDetails {
            reasoning_tokens: thoughts,
            audio_tokens: of("candidatesTokensDetails", "AUDIO"),
            image_tokens: of("candidatesTokensDetails", "IMAGE"),
            ..CompletionDetails::default()
        }),
        extra: map.clone(),
        ..Usage::default()
    })
}

/// Bedrock Converse's: cache reads and writes stand beside the input.
fn camel_case(map: &Map<String, Value>) -> Usage {
    let (read, written) = (number(map, "cacheReadInputTokens"), number(map, "cacheWriteInputTokens"));
    totalled(Usage {
        prompt_tokens: number(map, "inputTokens").saturating_add(read).saturating_add(written),
        completion_tokens: number(map, "outputTokens"),
        cache_read_input_tokens: read,
        cache_creation_input_tokens: written,
        extra: map.clone(),
        ..Usage::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn geminis_thoughts_are_added_and_its_cache_is_not() {
        let buckets = Buckets::read(&json!({"promptTokenCount": 100, "cachedContentTokenCount": 40,
            "candidatesTokenCount": 10, "thoughtsTokenCount": 30, "toolUsePromptTokenCount": 5,
            "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 20}]}));
        let counts = [Unit::Input, Unit::CacheRead, Unit::InputAudio, Unit::Output, Unit::Reasoning];
        assert_eq!(counts.map(|unit| buckets.get(unit)), [45, 40, 20, 10, 30]);
    }

    #[test]
    fn bedrocks_cache_stands_beside_its_input() {
        let buckets = Buckets::read(&json!({"inputTokens": 10, "outputTokens": 2, "cacheReadInputTokens": 7,
            "cacheWriteInputTokens": 3}));
        assert_eq!((buckets.get(Unit::Input), buckets.prompt_tokens(), buckets.tokens()), (10, 20, 22));
    }

    #[test]
    fn what_is_no_usage_counts_as_nothing() {
        for odd in [json!(null), json!([1]), json!("many"), json!({"tokens": {}}), json!({"prompt_tokens": "x"})] {
            assert_eq!(Buckets::read(&odd), Buckets::default(), "{odd}");
        }
    }
}
