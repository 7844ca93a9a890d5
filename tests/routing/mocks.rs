//! Failures and delays that a client asks for.

use serde_json::{Value, json};

use crate::host::Stage;
use crate::{chat, config, ok, served_by};

fn allowed(routing: &Value) -> Value {
    config(&json!({
        "general_settings": {"dangerously_allow_mock_testing_request_params": true},
        "router_settings": routing,
    }))
}

#[test]
fn by_default_they_are_refused() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    for name in [
        "mock_testing_fallbacks",
        "mock_testing_context_fallbacks",
        "mock_testing_content_policy_fallbacks",
        "mock_testing_rate_limit_error",
        "mock_timeout",
    ] {
        let got = chat(&stage, "m", &json!({name: true}));
        assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some(name)), "{}", got.text());
    }
    assert_eq!(chat(&stage, "m", &json!({"mock_delay": 1})).status, 400);
    assert!(stage.sent().is_empty());
    served_by(&chat(&stage, "m", &json!({})));
}

#[test]
fn each_kind_of_fallback_is_gone_to_without_an_attempt() {
    let routing = json!({
        "num_retries": 2,
        "fallbacks": [{"m": ["spare"]}],
        "context_window_fallbacks": [{"m": ["big"]}],
        "content_policy_fallbacks": [{"m": ["big"]}],
    });
    for (name, served) in [
        ("mock_testing_fallbacks", "openai/spare"),
        ("mock_testing_context_fallbacks", "openai/big"),
        ("mock_testing_content_policy_fallbacks", "openai/big"),
    ] {
        let stage = Stage::new(&allowed(&routing), vec![ok()]);
        let got = chat(&stage, "m", &json!({name: true}));
        assert_eq!(served_by(&got), served, "{name}");
        assert_eq!((stage.sent().len(), got.headers.get("x-litellm-attempted-retries")), (1, Some("0")), "{name}");
        assert!(stage.sent()[0].get(name).is_none(), "it does not go upstream");
    }
    let stage = Stage::new(&allowed(&json!({})), vec![]);
    let got = chat(&stage, "m", &json!({"mock_testing_fallbacks": true}));
    assert_eq!(got.status, 500);
    assert!(got.text().contains("This is a mock exception for model=m"), "{}", got.text());
}

#[test]
fn a_rate_limit_error_is_retried() {
    let stage = Stage::new(&allowed(&json!({"num_retries": 1})), vec![ok()]);
    let got = chat(&stage, "m", &json!({"mock_testing_rate_limit_error": true}));
    assert_eq!(served_by(&got), "openai/own");
    assert_eq!((stage.sent().len(), got.headers.get("x-litellm-attempted-retries")), (1, Some("1")));
}

#[test]
fn a_timeout_takes_its_time_and_falls_back() {
    let stage = Stage::new(&allowed(&json!({"fallbacks": [{"m": ["spare"]}]})), vec![ok()]);
    let got = chat(&stage, "m", &json!({"mock_timeout": true, "timeout": 3}));
    assert_eq!(served_by(&got), "openai/spare");
    assert!((3_000..4_000).contains(&got.ms), "{}", got.ms);
    let alone = Stage::new(&allowed(&json!({})), vec![]);
    assert_eq!(chat(&alone, "m", &json!({"mock_timeout": true, "timeout": 3})).status, 408);
}

#[test]
fn a_delay_holds_a_mock_answer_back() {
    let stage = Stage::new(&allowed(&json!({})), vec![]);
    let got = chat(&stage, "m", &json!({"mock_response": "hi", "mock_delay": 2.5}));
    assert_eq!((got.status, got.ms), (200, 2_500));
}
