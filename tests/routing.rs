//! What a gateway's operator and its users may ask of routing, on a scripted host.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

#[path = "routing/fallbacks.rs"]
mod fallbacks;
#[path = "routing/mocks.rs"]
mod mocks;
#[path = "routing/own.rs"]
mod own;

use host::{Got, Script, Stage, answer};
use serde_json::{Value, json};

pub(crate) const MASTER: &str = "sk-master";
pub(crate) const DOWN: &str = r#"{"error":{"message":"down","type":"server_error"}}"#;

/// A gateway with three groups of one deployment each, whose ids are their models.
pub(crate) fn config(rest: &Value) -> Value {
    let deployment = |group: &str, model: &str| json!({"model_name": group, "litellm_params": {"model": model}, "model_info": {"id": model}});
    let list =
        json!([deployment("m", "openai/own"), deployment("spare", "openai/spare"), deployment("big", "openai/big")]);
    let mut config = json!({
        "model_list": list,
        "general_settings": {"master_key": MASTER},
        "router_settings": {"num_retries": 0},
    });
    for (section, fields) in rest.as_object().unwrap() {
        for (name, value) in fields.as_object().unwrap() {
            config[section][name] = value.clone();
        }
    }
    config
}

pub(crate) fn ok() -> Script {
    let choices = json!([{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "own", "choices": choices, "usage": usage});
    answer(200, &body.to_string())
}

/// A call with the master key.
pub(crate) fn call(stage: &Stage, method: &str, path: &str, body: &Value) -> Got {
    let bearer = format!("Bearer {MASTER}");
    let body = if body.is_null() { String::new() } else { body.to_string() };
    stage.ask(method, path, &[("authorization", &bearer), ("content-type", "application/json")], body.as_bytes())
}

/// A chat with the master key; `more` are further fields.
pub(crate) fn chat(stage: &Stage, model: &str, more: &Value) -> Got {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    call(stage, "POST", "/v1/chat/completions", &body)
}

pub(crate) fn served_by(got: &Got) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    got.headers.get("x-litellm-model-id").unwrap().to_owned()
}
