//! A `GenerateContentResponse` as Google writes it, in both of its spellings.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// What a value of Google's is read as; `null` and absent are the default.
trait Foreign: Default {
    fn read(value: Value) -> Option<Self>;
}

impl Foreign for Value {
    fn read(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl Foreign for u64 {
    fn read(value: Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Foreign for bool {
    fn read(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Foreign for String {
    fn read(value: Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text) } else { None }
    }
}

impl<T: Foreign> Foreign for Option<T> {
    fn read(value: Value) -> Option<Self> {
        T::read(value).map(Some)
    }
}

impl<T: Foreign> Foreign for Vec<T> {
    fn read(value: Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let mut all = Self::with_capacity(values.len());
        for value in values {
            all.push(T::read(value)?);
        }
        Some(all)
    }
}

/// Takes a field out, by either of its names.
fn take(object: &mut Map<String, Value>, camel: &str, snake: &str) -> Value {
    object.shift_remove(camel).or_else(|| object.shift_remove(snake)).unwrap_or_default()
}

/// Reads a field whose type the document promises.
fn strict<T: Foreign>(value: Value) -> Option<T> {
    if value.is_null() { Some(T::default()) } else { T::read(value) }
}

/// Reads a field where an upstream sends another type than the document says.
#[expect(clippy::unnecessary_wraps, reason = "it stands where `strict` may")]
fn lenient<T: Foreign>(value: Value) -> Option<T> {
    Some(T::read(value).unwrap_or_default())
}

/// A reader of a struct, by its fields. One that serde derives is five times as large, and no faster.
macro_rules! foreign {
    ($name:ident { $($field:ident: $how:ident($camel:literal, $snake:literal)),* $(, ..$rest:ident)? $(,)? }) => {
        impl Foreign for $name {
            fn read(value: Value) -> Option<Self> {
                let Value::Object(mut object) = value else { return None };
                Some(Self {
                    $($field: $how(take(&mut object, $camel, $snake))?,)*
                    $($rest: object)?
                })
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = Value::deserialize(deserializer)?;
                Self::read(value).ok_or_else(|| serde::de::Error::custom(concat!("not a ", stringify!($name))))
            }
        }
    };
}

/// An answer, or a chunk of one.
#[derive(Debug, Default)]
pub(super) struct Response {
    /// The answers, or what is new of them.
    pub(super) candidates: Vec<Candidate>,
    /// Why the prompt was refused, if it was.
    pub(super) prompt_feedback: Option<Value>,
    /// Tokens so far; the last word counts.
    pub(super) usage_metadata: Option<Usage>,
    /// The model that answers.
    pub(super) model_version: Option<String>,
    /// The answer's id.
    pub(super) id: Option<String>,
    /// An error in place of an answer.
    pub(super) error: Option<Value>,
}

foreign!(Response {
    candidates: strict("candidates", "candidates"),
    prompt_feedback: strict("promptFeedback", "prompt_feedback"),
    usage_metadata: strict("usageMetadata", "usage_metadata"),
    model_version: lenient("modelVersion", "model_version"),
    id: lenient("responseId", "response_id"),
    error: strict("error", "error"),
});

/// One of the answers.
#[derive(Debug, Default)]
pub(super) struct Candidate {
    /// Left out for the first.
    pub(super) index: u64,
    pub(super) content: Option<Content>,
    pub(super) finish_reason: Option<String>,
    pub(super) finish_message: Option<String>,
    pub(super) grounding_metadata: Option<Value>,
    pub(super) url_context_metadata: Option<Value>,
    pub(super) citation_metadata: Option<Value>,
    pub(super) safety_ratings: Option<Value>,
    pub(super) logprobs_result: Option<Value>,
}

foreign!(Candidate {
    index: lenient("index", "index"),
    content: strict("content", "content"),
    finish_reason: lenient("finishReason", "finish_reason"),
    finish_message: lenient("finishMessage", "finish_message"),
    grounding_metadata: strict("groundingMetadata", "grounding_metadata"),
    url_context_metadata: strict("urlContextMetadata", "url_context_metadata"),
    citation_metadata: strict("citationMetadata", "citation_metadata"),
    safety_ratings: strict("safetyRatings", "safety_ratings"),
    logprobs_result: strict("logprobsResult", "logprobs_result"),
});

/// What a candidate says.
#[derive(Debug, Default)]
pub(super) struct Content {
    pub(super) parts: Vec<Part>,
}

foreign!(Content { parts: strict("parts", "parts") });

/// A part of what a candidate says.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) text: Option<String>,
    /// Whether it is reasoning.
    pub(super) thought: bool,
    pub(super) thought_signature: Option<String>,
    pub(super) function_call: Option<FunctionCall>,
    pub(super) inline_data: Option<Blob>,
    /// `executableCode`, `codeExecutionResult`, `toolCall`, `toolResponse`, `fileData`, and what is new.
    pub(super) other: Map<String, Value>,
}

foreign!(Part {
    text: strict("text", "text"),
    thought: lenient("thought", "thought"),
    thought_signature: lenient("thoughtSignature", "thought_signature"),
    function_call: strict("functionCall", "function_call"),
    inline_data: strict("inlineData", "inline_data"),
    ..other
});

/// A call of a client's function.
#[derive(Debug, Default)]
pub(super) struct FunctionCall {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) args: Option<Value>,
}

foreign!(FunctionCall { id: lenient("id", "id"), name: strict("name", "name"), args: strict("args", "args") });

/// Bytes.
#[derive(Debug, Default)]
pub(super) struct Blob {
    pub(super) mime_type: String,
    /// Base64.
    pub(super) data: String,
}

foreign!(Blob { mime_type: strict("mimeType", "mime_type"), data: strict("data", "data") });

/// `usageMetadata` (<https://ai.google.dev/api/generate-content#UsageMetadata>); counts that are zero are left out.
#[derive(Debug, Default)]
pub(super) struct Usage {
    pub(super) prompt_token_count: u64,
    pub(super) candidates_token_count: u64,
    pub(super) total_token_count: u64,
    pub(super) thoughts_token_count: u64,
    pub(super) tool_use_prompt_token_count: u64,
    pub(super) cached_content_token_count: u64,
    pub(super) prompt_tokens_details: Vec<Modality>,
    pub(super) cache_tokens_details: Vec<Modality>,
    pub(super) candidates_tokens_details: Vec<Modality>,
    /// How Vertex AI served it.
    pub(super) traffic_type: String,
}

foreign!(Usage {
    prompt_token_count: lenient("promptTokenCount", "prompt_token_count"),
    candidates_token_count: lenient("candidatesTokenCount", "candidates_token_count"),
    total_token_count: lenient("totalTokenCount", "total_token_count"),
    thoughts_token_count: lenient("thoughtsTokenCount", "thoughts_token_count"),
    tool_use_prompt_token_count: lenient("toolUsePromptTokenCount", "tool_use_prompt_token_count"),
    cached_content_token_count: lenient("cachedContentTokenCount", "cached_content_token_count"),
    prompt_tokens_details: lenient("promptTokensDetails", "prompt_tokens_details"),
    cache_tokens_details: lenient("cacheTokensDetails", "cache_tokens_details"),
    candidates_tokens_details: lenient("candidatesTokensDetails", "candidates_tokens_details"),
    traffic_type: lenient("trafficType", "traffic_type"),
});

/// Tokens of a modality.
#[derive(Debug, Default)]
pub(super) struct Modality {
    pub(super) modality: String,
    pub(super) token_count: u64,
}

foreign!(Modality { modality: strict("modality", "modality"), token_count: lenient("tokenCount", "token_count") });
