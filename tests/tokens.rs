//! Token counts against references: recorded ones, tiktoken-rs and LiteLLM.

#[path = "tokens/exact.rs"]
mod exact;
#[path = "tokens/unicode.rs"]
mod unicode;
