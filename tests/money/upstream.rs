//! The upstream request that would be sent, and the parameters that it can have.

use serde_json::{Value, json};

use crate::host::Got;
use crate::{get, post};

fn transform(call_type: &str, body: &Value) -> Got {
    post("/utils/transform_request", &json!({"call_type": call_type, "request_body": body}))
}

#[test]
fn the_upstream_request_is_shown_as_it_would_be_sent() {
    let body = json!({"model": "claude", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "max_tokens": 5, "num_retries": 3});
    let answer = transform("completion", &body).json();
    assert_eq!(answer["raw_request_api_base"], "https://api.anthropic.com/v1/messages");
    assert_eq!(answer["raw_request_headers"]["x-api-key"], "***");
    assert_eq!(answer["raw_request_headers"]["content-type"], "application/json");
    assert_eq!(answer["error"], Value::Null);
    let sent = &answer["raw_request_body"];
    assert_eq!((sent["model"].as_str(), sent["max_tokens"].as_u64()), (Some("claude-sonnet-4-5"), Some(5)));
    assert_eq!((sent["system"].is_null(), sent["num_retries"].is_null()), (false, true));
    let vectors = transform("embedding", &json!({"model": "vectors", "input": "hi"})).json();
    assert_eq!(vectors["raw_request_api_base"], "https://api.openai.com/v1/embeddings");
    assert_eq!(vectors["raw_request_body"], json!({"model": "text-embedding-3-small", "input": "hi"}));
}

#[test]
fn a_transformed_request_keeps_credentials_to_itself() {
    let got = transform("completion", &json!({"model": "own", "messages": [{"role": "user", "content": "hi"}]}));
    let answer = got.json();
    assert_eq!(answer["raw_request_body"]["temperature"], 0.25, "{answer}");
    assert_eq!(answer["raw_request_headers"]["authorization"], "Bearer ***");
    assert_eq!(answer["raw_request_headers"]["x-company-auth"], "***");
    assert!(!got.text().contains("own-secret-key") && !got.text().contains("hidden-"), "{}", got.text());
}

#[test]
fn what_cannot_be_sent_cannot_be_transformed() {
    let hi = json!([{"role": "user", "content": "hi"}]);
    for (call_type, body, param) in [
        ("image_generation", json!({"model": "gpt", "messages": hi}), "call_type"),
        ("completion", json!({"model": "gpt"}), "messages"),
        ("completion", json!({"model": "nobody", "messages": hi}), "model"),
        ("completion", json!({"model": "gpt", "messages": hi, "api_base": "http://x"}), "api_base"),
        ("completion", json!({"model": "claude", "messages": hi, "logit_bias": {"1": 1}}), "logit_bias"),
    ] {
        let got = transform(call_type, &body);
        assert_eq!(got.json()["error"]["param"].as_str(), Some(param), "{}", got.text());
    }
}

#[test]
fn supported_params_are_those_that_the_dialect_takes() {
    let params = |model: &str| {
        let answer = get(&format!("/utils/supported_openai_params?model={model}")).json();
        let list = answer["supported_openai_params"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        list.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let has = |model: &str, name: &str| params(model).iter().any(|param| param == name);
    for name in ["temperature", "max_tokens", "tools", "tool_choice", "stream", "response_format"] {
        assert!(has("gpt", name) && has("claude", name) && has("gemini/gemini-2.5-pro", name), "{name}");
    }
    assert!(has("gpt", "logit_bias") && !has("claude", "logit_bias"));
    assert!(has("claude", "thinking"));
    // Each that is listed is taken by a call, and each that is not is refused.
    let refused = transform(
        "completion",
        &json!({"model": "claude", "messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 1}}),
    );
    assert_eq!(refused.status, 400);
    assert_eq!(get("/utils/supported_openai_params?model=nobody").status, 404);
    assert_eq!(get("/utils/supported_openai_params").status, 400);
}
