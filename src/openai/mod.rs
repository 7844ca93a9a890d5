//! The canonical form: OpenAI's types, typed where this gateway acts and raw everywhere else.

mod chat;
mod chunk;
mod embeddings;
mod fields;
mod message;
mod response;
mod usage;

pub use chat::{ChatRequest, is_openai_param};
pub use chunk::{ChatChunk, ChunkWriter, Delta, StreamChoice, ToolCallDelta};
pub use embeddings::EmbeddingRequest;
pub use fields::Fields;
pub use message::{Content, Function, FunctionCall, Message, Part, Role, Tool, ToolCall, ToolChoice};
pub use response::{Answer, ChatResponse, Choice, ResponseMessage};
pub use usage::{CacheCreation, CompletionDetails, PromptDetails, ServerToolUse, Usage};
