//! Answers without an upstream, in OpenAI's dialect, whole and streamed.
//!
//! Everything is a function of the request: the same one gets the same bytes.

mod chat;
mod embeddings;
mod rerank;

pub use chat::{Wanted, chat};
pub use embeddings::embeddings;
pub use rerank::rerank;

use super::Provider;
use super::openai::COMPATIBLE;
use crate::http::HttpHead;

/// The provider that answers without an upstream.
pub const NAME: &str = "mock";

/// What a mock answer is read by, whatever provider it stands for.
pub const DIALECT: &dyn Provider = &COMPATIBLE;

fn head(content_type: &str) -> HttpHead {
    HttpHead { status: 200, headers: [("content-type", content_type)].into_iter().collect() }
}

/// A count of tokens that anyone can check: a quarter of the bytes, at least 1.
fn tokens(bytes: usize) -> u64 {
    (bytes as u64 / 4).max(1)
}
