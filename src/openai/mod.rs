//! The canonical form: OpenAI's types, typed where this gateway acts and raw everywhere else.

mod chat;
mod chunk;
mod content;
mod embeddings;
mod fields;
mod message;
mod object;
mod rerank;
mod response;
mod tool;
mod usage;

pub use chat::{ChatRequest, is_openai_param};
pub use chunk::{ChatChunk, ChunkWriter, Delta, StreamChoice, ToolCallDelta};
pub use content::{Content, Part};
pub use embeddings::EmbeddingRequest;
pub use fields::Fields;
pub use message::{Message, Role};
pub use rerank::RerankRequest;
pub use response::{Answer, ChatResponse, Choice, ResponseMessage};
pub use tool::{Function, FunctionCall, Tool, ToolCall, ToolChoice};
pub use usage::{CacheCreation, CompletionDetails, PromptDetails, ServerToolUse, Usage};
