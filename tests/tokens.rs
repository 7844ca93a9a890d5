//! Token counts against references: recorded ones, tiktoken-rs, LiteLLM and the bounds.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may fail")]

#[path = "tokens/bounds.rs"]
mod bounds;
#[path = "tokens/chat.rs"]
mod chat;
#[path = "tokens/exact.rs"]
mod exact;
#[path = "tokens/unicode.rs"]
mod unicode;
