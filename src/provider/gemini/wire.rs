//! A `GenerateContentResponse` as Google writes it, in both of its spellings.

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// Reads a field where an upstream sends `null` or another type than the document says.
fn lenient<'de, D: Deserializer<'de>, T: Default + serde::de::DeserializeOwned>(
    deserializer: D,
) -> Result<T, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).unwrap_or_default())
}

/// An answer, or a chunk of one.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Response {
    /// The answers, or what is new of them.
    #[serde(deserialize_with = "nullable")]
    pub(super) candidates: Vec<Candidate>,
    /// Why the prompt was refused, if it was.
    #[serde(alias = "prompt_feedback")]
    pub(super) prompt_feedback: Option<Value>,
    /// Tokens so far; the last word counts.
    #[serde(alias = "usage_metadata")]
    pub(super) usage_metadata: Option<Usage>,
    /// The model that answers.
    #[serde(alias = "model_version", deserialize_with = "lenient")]
    pub(super) model_version: Option<String>,
    /// The answer's id.
    #[serde(rename = "responseId", alias = "response_id", deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    /// An error in place of an answer.
    pub(super) error: Option<Value>,
}

/// Reads a list where `null` stands for an empty one.
fn nullable<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// One of the answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Candidate {
    /// Left out for the first.
    #[serde(deserialize_with = "lenient")]
    pub(super) index: u64,
    pub(super) content: Option<Content>,
    #[serde(alias = "finish_reason", deserialize_with = "lenient")]
    pub(super) finish_reason: Option<String>,
    #[serde(alias = "finish_message", deserialize_with = "lenient")]
    pub(super) finish_message: Option<String>,
    #[serde(alias = "grounding_metadata")]
    pub(super) grounding_metadata: Option<Value>,
    #[serde(alias = "url_context_metadata")]
    pub(super) url_context_metadata: Option<Value>,
    #[serde(alias = "citation_metadata")]
    pub(super) citation_metadata: Option<Value>,
    #[serde(alias = "safety_ratings")]
    pub(super) safety_ratings: Option<Value>,
    #[serde(alias = "logprobs_result")]
    pub(super) logprobs_result: Option<Value>,
}

/// What a candidate says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Content {
    #[serde(deserialize_with = "nullable")]
    pub(super) parts: Vec<Part>,
}

/// A part of what a candidate says.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Part {
    pub(super) text: Option<String>,
    /// Whether it is reasoning.
    #[serde(deserialize_with = "lenient")]
    pub(super) thought: bool,
    #[serde(alias = "thought_signature", deserialize_with = "lenient")]
    pub(super) thought_signature: Option<String>,
    #[serde(alias = "function_call")]
    pub(super) function_call: Option<FunctionCall>,
    #[serde(alias = "inline_data")]
    pub(super) inline_data: Option<Blob>,
    /// `executableCode`, `codeExecutionResult`, `toolCall`, `toolResponse`, `fileData`, and what is new.
    #[serde(flatten)]
    pub(super) other: Map<String, Value>,
}

/// A call of a client's function.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct FunctionCall {
    #[serde(deserialize_with = "lenient")]
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) args: Option<Value>,
}

/// Bytes.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Blob {
    #[serde(alias = "mime_type")]
    pub(super) mime_type: String,
    /// Base64.
    pub(super) data: String,
}

/// `usageMetadata` (<https://ai.google.dev/api/generate-content#UsageMetadata>); counts that are zero are left out.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Usage {
    #[serde(alias = "prompt_token_count", deserialize_with = "lenient")]
    pub(super) prompt_token_count: u64,
    #[serde(alias = "candidates_token_count", deserialize_with = "lenient")]
    pub(super) candidates_token_count: u64,
    #[serde(alias = "total_token_count", deserialize_with = "lenient")]
    pub(super) total_token_count: u64,
    #[serde(alias = "thoughts_token_count", deserialize_with = "lenient")]
    pub(super) thoughts_token_count: u64,
    #[serde(alias = "tool_use_prompt_token_count", deserialize_with = "lenient")]
    pub(super) tool_use_prompt_token_count: u64,
    #[serde(alias = "cached_content_token_count", deserialize_with = "lenient")]
    pub(super) cached_content_token_count: u64,
    #[serde(alias = "prompt_tokens_details", deserialize_with = "lenient")]
    pub(super) prompt_tokens_details: Vec<Modality>,
    #[serde(alias = "cache_tokens_details", deserialize_with = "lenient")]
    pub(super) cache_tokens_details: Vec<Modality>,
    #[serde(alias = "candidates_tokens_details", deserialize_with = "lenient")]
    pub(super) candidates_tokens_details: Vec<Modality>,
}

/// Tokens of a modality.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Modality {
    pub(super) modality: String,
    #[serde(alias = "token_count", deserialize_with = "lenient")]
    pub(super) token_count: u64,
}
