//! What the spine does for a provider's sake, on the scripted host: providers of a configuration, media.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "upstreams/custom.rs"]
mod custom;
#[path = "upstreams/embeddings.rs"]
mod embeddings;
#[path = "upstreams/extra_body.rs"]
mod extra_body;
#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;
#[path = "upstreams/media.rs"]
mod media;
#[path = "upstreams/replicate.rs"]
mod replicate;

use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,
    "message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;

fn ask(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}
