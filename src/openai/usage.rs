//! Usage in tokens, in OpenAI's fields with LiteLLM's additions: what a call is paid by.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

/// An object of counts.
trait Counts: Sized {
    fn read(object: Map<String, Value>) -> Self;
    fn write(&self) -> Value;
}

/// How a field is read and written.
mod always {
    use serde_json::{Map, Value};

    /// Reads a count of tokens where providers send `null`, a float, or nothing.
    pub(super) fn read(value: Option<Value>) -> u64 {
        let value = value.unwrap_or_default();
        value.as_u64().unwrap_or_else(|| value.as_f64().map_or(0, |number| number.max(0.0) as u64))
    }

    pub(super) fn write(object: &mut Map<String, Value>, name: &str, count: u64) {
        object.insert(name.to_owned(), count.into());
    }
}

mod unless_zero {
    use serde_json::{Map, Value};

    pub(super) use super::always::read;

    pub(super) fn write(object: &mut Map<String, Value>, name: &str, count: u64) {
        if count > 0 {
            super::always::write(object, name, count);
        }
    }
}

mod held {
    use serde_json::{Map, Value};

    use super::Counts;

    /// Reads an object where providers send `null`, a string, or something else of their own.
    pub(super) fn read<T: Counts>(value: Option<Value>) -> Option<T> {
        if let Some(Value::Object(object)) = value { Some(T::read(object)) } else { None }
    }

    pub(super) fn write<T: Counts>(object: &mut Map<String, Value>, name: &str, counts: Option<&T>) {
        if let Some(counts) = counts {
            object.insert(name.to_owned(), counts.write());
        }
    }
}

/// Reader and writer of a struct of counts. Those that serde derives are ten times as large.
macro_rules! counts {
    (@given held $value:expr) => { $value.as_ref() };
    (@given $how:ident $value:expr) => { $value };
    ($name:ident { $($field:ident: $how:ident),* $(, ..$extra:ident)? $(,)? }) => {
        impl Counts for $name {
            fn read(mut object: Map<String, Value>) -> Self {
                Self {
                    $($field: $how::read(object.shift_remove(stringify!($field))),)*
                    $($extra: object)?
                }
            }
            fn write(&self) -> Value {
                let mut object = Map::new();
                $($how::write(&mut object, stringify!($field), counts!(@given $how self.$field));)*
                $(object.extend(self.$extra.clone());)?
                Value::Object(object)
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.write().serialize(serializer)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Map::deserialize(deserializer).map(Self::read)
            }
        }
    };
}

/// Tokens of a call. `prompt_tokens` includes cache reads and writes; `completion_tokens` includes reasoning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    /// All tokens of the prompt.
    pub prompt_tokens: u64,
    /// All tokens of the answer.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// What the prompt consists of.
    pub prompt_tokens_details: Option<PromptDetails>,
    /// What the answer consists of.
    pub completion_tokens_details: Option<CompletionDetails>,
    /// Tokens written to a prompt cache (LiteLLM's name, after Anthropic).
    pub cache_creation_input_tokens: u64,
    /// Tokens read from a prompt cache (LiteLLM's name, after Anthropic).
    pub cache_read_input_tokens: u64,
    /// Calls of tools that the provider runs.
    pub server_tool_use: Option<ServerToolUse>,
    /// Everything else: `cost`, `service_tier`, `inference_geo`, `speed`, what a provider adds.
    pub extra: Map<String, Value>,
}

counts!(Usage {
    prompt_tokens: always,
    completion_tokens: always,
    total_tokens: always,
    prompt_tokens_details: held,
    completion_tokens_details: held,
    cache_creation_input_tokens: unless_zero,
    cache_read_input_tokens: unless_zero,
    server_tool_use: held,
    ..extra
});

/// What the tokens of a prompt are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PromptDetails {
    /// Read from a prompt cache.
    pub cached_tokens: u64,
    /// Written to a prompt cache (LiteLLM's name).
    pub cache_creation_tokens: u64,
    /// Written to a prompt cache (OpenAI's name).
    pub cache_write_tokens: u64,
    /// How long the written ones are kept.
    pub cache_creation_token_details: Option<CacheCreation>,
    /// Of audio.
    pub audio_tokens: u64,
    /// Of text.
    pub text_tokens: u64,
    /// Of images.
    pub image_tokens: u64,
    /// Of video.
    pub video_tokens: u64,
    /// Everything else.
    pub extra: Map<String, Value>,
}

counts!(PromptDetails {
    cached_tokens: always,
    cache_creation_tokens: unless_zero,
    cache_write_tokens: unless_zero,
    cache_creation_token_details: held,
    audio_tokens: unless_zero,
    text_tokens: unless_zero,
    image_tokens: unless_zero,
    video_tokens: unless_zero,
    ..extra
});

/// Tokens written to Anthropic's prompt cache, by how long they are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCreation {
    /// For 5 minutes.
    pub ephemeral_5m_input_tokens: u64,
    /// For an hour.
    pub ephemeral_1h_input_tokens: u64,
}

counts!(CacheCreation { ephemeral_5m_input_tokens: always, ephemeral_1h_input_tokens: always });

/// What the tokens of an answer are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CompletionDetails {
    /// Of reasoning that may not be shown.
    pub reasoning_tokens: u64,
    /// Of audio.
    pub audio_tokens: u64,
    /// Of text.
    pub text_tokens: u64,
    /// Of images.
    pub image_tokens: u64,
    /// Everything else.
    pub extra: Map<String, Value>,
}

counts!(CompletionDetails {
    reasoning_tokens: always,
    audio_tokens: unless_zero,
    text_tokens: unless_zero,
    image_tokens: unless_zero,
    ..extra
});

/// Calls of tools that the provider runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ServerToolUse {
    /// Web searches.
    pub web_search_requests: u64,
    /// Everything else.
    pub extra: Map<String, Value>,
}

counts!(ServerToolUse { web_search_requests: always, ..extra });

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
