//! Usage in tokens, in OpenAI's fields with LiteLLM's additions: what a call is paid by.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// Reads a count of tokens where providers send `null`, a float, or nothing.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let value = Option::<Value>::deserialize(deserializer)?.unwrap_or(Value::Null);
    Ok(value.as_u64().unwrap_or_else(|| value.as_f64().map_or(0, |number| number.max(0.0) as u64)))
}

/// Reads an object where providers send `null`, a string, or something else of their own.
fn object<'de, D: Deserializer<'de>, T: Default + serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(if value.is_object() { serde_json::from_value(value).ok() } else { None })
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Tokens of a call. `prompt_tokens` includes cache reads and writes; `completion_tokens` includes reasoning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// All tokens of the prompt.
    #[serde(deserialize_with = "count")]
    pub prompt_tokens: u64,
    /// All tokens of the answer.
    #[serde(deserialize_with = "count")]
    pub completion_tokens: u64,
    /// Both.
    #[serde(deserialize_with = "count")]
    pub total_tokens: u64,
    /// What the prompt consists of.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub prompt_tokens_details: Option<PromptDetails>,
    /// What the answer consists of.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub completion_tokens_details: Option<CompletionDetails>,
    /// Tokens written to a prompt cache (LiteLLM's name, after Anthropic).
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_creation_input_tokens: u64,
    /// Tokens read from a prompt cache (LiteLLM's name, after Anthropic).
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_read_input_tokens: u64,
    /// Calls of tools that the provider runs.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub server_tool_use: Option<ServerToolUse>,
    /// Everything else: `cost`, `service_tier`, `inference_geo`, `speed`, what a provider adds.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// What the tokens of a prompt are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PromptDetails {
    /// Read from a prompt cache.
    #[serde(deserialize_with = "count")]
    pub cached_tokens: u64,
    /// Written to a prompt cache (LiteLLM's name).
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_creation_tokens: u64,
    /// Written to a prompt cache (OpenAI's name).
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub cache_write_tokens: u64,
    /// How long the written ones are kept.
    #[serde(deserialize_with = "object", skip_serializing_if = "Option::is_none")]
    pub cache_creation_token_details: Option<CacheCreation>,
    /// Of audio.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub audio_tokens: u64,
    /// Of text.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub text_tokens: u64,
    /// Of images.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub image_tokens: u64,
    /// Of video.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub video_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Tokens written to Anthropic's prompt cache, by how long they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CacheCreation {
    /// For 5 minutes.
    #[serde(deserialize_with = "count")]
    pub ephemeral_5m_input_tokens: u64,
    /// For an hour.
    #[serde(deserialize_with = "count")]
    pub ephemeral_1h_input_tokens: u64,
}

/// What the tokens of an answer are.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompletionDetails {
    /// Of reasoning that may not be shown.
    #[serde(deserialize_with = "count")]
    pub reasoning_tokens: u64,
    /// Of audio.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub audio_tokens: u64,
    /// Of text.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub text_tokens: u64,
    /// Of images.
    #[serde(deserialize_with = "count", skip_serializing_if = "is_zero")]
    pub image_tokens: u64,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Calls of tools that the provider runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServerToolUse {
    /// Web searches.
    #[serde(deserialize_with = "count")]
    pub web_search_requests: u64,
    /// Everything else.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_and_odd_shapes_count_as_nothing() {
        let usage: Usage = serde_json::from_str(
            r#"{"prompt_tokens":12,"completion_tokens":null,"total_tokens":12.0,"prompt_tokens_details":null,
                "completion_tokens_details":"none","cost":0.1}"#,
        )
        .unwrap();
        assert_eq!((usage.prompt_tokens, usage.completion_tokens, usage.total_tokens), (12, 0, 12));
        assert_eq!(usage.extra["cost"], 0.1);
        assert!(usage.prompt_tokens_details.is_none() && usage.completion_tokens_details.is_none());
    }
}
