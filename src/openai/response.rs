//! A whole answer in OpenAI's shape, as the dialects that translate write it.

use serde::Serialize;
use serde_json::{Map, Value};

use super::tool::ToolCall;
use super::usage::Usage;

/// A chat completion.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ChatResponse {
    /// The upstream's id, or the gateway's where it has none.
    pub id: String,
    /// Always `chat.completion`.
    pub object: &'static str,
    /// Unix seconds.
    pub created: u64,
    /// The model that answered, as the upstream names it.
    pub model: String,
    /// The answers.
    pub choices: Vec<Choice>,
    /// Tokens, where the upstream told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Everything else: `service_tier`, `system_fingerprint`, what a provider adds.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// One of the answers.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Choice {
    /// From 0.
    pub index: u64,
    /// What the model said.
    pub message: ResponseMessage,
    /// `stop`, `length`, `tool_calls` or `content_filter`.
    pub finish_reason: String,
    /// Log probabilities in OpenAI's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logprobs: Option<Value>,
}

/// What the model said.
#[derive(Clone, Debug, Serialize)]
pub struct ResponseMessage {
    /// Always `assistant`.
    pub role: &'static str,
    /// Text; `null` where there is only a call.
    pub content: Option<String>,
    /// A refusal in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<String>,
    /// Reasoning text (LiteLLM's name).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_content: Option<String>,
    /// Reasoning with its signatures, in Anthropic's shape (LiteLLM's name).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub thinking_blocks: Vec<Value>,
    /// Calls of tools.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Citations of the web in OpenAI's shape.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub annotations: Vec<Value>,
    /// Generated images (LiteLLM's name).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub images: Vec<Value>,
    /// Generated audio in OpenAI's shape.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audio: Option<Value>,
    /// What OpenAI's shape has no place for (LiteLLM's name).
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub provider_specific_fields: Map<String, Value>,
}

impl Default for ResponseMessage {
    fn default() -> Self {
        Self {
            role: "assistant",
            content: None,
            refusal: None,
            reasoning_content: None,
            thinking_blocks: Vec::new(),
            tool_calls: Vec::new(),
            annotations: Vec::new(),
            images: Vec::new(),
            audio: None,
            provider_specific_fields: Map::new(),
        }
    }
}

/// What a dialect reads out of a whole answer.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    /// The body for the client.
    pub body: Vec<u8>,
    /// Tokens, where the upstream told.
    pub usage: Option<Usage>,
    /// The model that answered, as the upstream names it.
    pub model: Option<String>,
}

impl From<ChatResponse> for Answer {
    fn from(response: ChatResponse) -> Self {
        // Strings, numbers and string-keyed maps always serialise.
        let body = serde_json::to_vec(&response).unwrap_or_default();
        Self { body, usage: response.usage, model: Some(response.model) }
    }
}
