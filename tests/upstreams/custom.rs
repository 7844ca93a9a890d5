//! `custom_providers`: a provider that no build knows, listed, by a wildcard and by its name alone.

use serde_json::json;

use super::host::{Stage, answer};
use super::{ANSWER, ask};

fn stage(provider: &serde_json::Value, answers: usize) -> Stage {
    let config = json!({
        "custom_providers": {"mine": provider},
        "environment_variables": {"MINE_KEY": "sk-of-mine"},
        "model_list": [
            {"model_name": "listed", "litellm_params": {"model": "mine/org/m", "extra_headers": {"x-team": "b"}}},
            {"model_name": "all/*", "litellm_params": {"model": "mine/*"}},
            {"model_name": "any/*", "litellm_params": {"model": "*"}},
            {"model_name": "priced", "litellm_params": {"model": "mine/m", "input_cost_per_token": 0.001,
                "output_cost_per_token": 0.002}},
        ],
    });
    Stage::new(&config, vec![answer(200, ANSWER); answers])
}

#[test]
fn a_provider_of_the_configuration_is_asked_with_its_own_words() {
    let stage = stage(
        &json!({
            "api_base": "https://h.example/api", "api_key": "os.environ/MINE_KEY",
            "quirks": ["max_tokens", "string_content", "no_strict_tools"], "unsupported_params": ["seed"],
            "param_mappings": {"top_k": "k"}, "temperature_max": 1, "extra_headers": {"x-team": "a", "x-app": "c"},
        }),
        3,
    );
    for (model, upstream) in [("listed", "org/m"), ("all/x/y", "x/y"), ("mine/z", "z")] {
        let mut body = ask(model);
        body["max_completion_tokens"] = json!(9);
        body["top_k"] = json!(4);
        body["temperature"] = json!(1.7);
        body["messages"][0]["content"] = json!([{"type": "text", "text": "hi"}]);
        let got = stage.chat(&body);
        assert_eq!(got.status, 200, "{model}: {}", got.text());
        let sent = stage.host.sent.borrow().last().unwrap().clone();
        assert_eq!(sent.url, "https://h.example/api/chat/completions");
        assert_eq!(sent.headers.get("authorization"), Some("Bearer sk-of-mine"));
        assert_eq!(sent.headers.get("x-app"), Some("c"));
        assert_eq!(sent.headers.get("x-team"), Some(if model == "listed" { "b" } else { "a" }), "{model}");
        let wanted = json!({"model": upstream, "messages": [{"role": "user", "content": "hi"}], "max_tokens": 9, "k": 4,
            "temperature": 1.0});
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&sent.body).unwrap(), wanted, "{model}");
    }
    let mut body = ask("listed");
    body["seed"] = json!(1);
    let got = stage.chat(&body);
    assert_eq!((got.status, &got.json()["error"]["code"]), (400, &json!("unsupported_parameter")));
    assert!(got.text().contains("mine does not support parameters: `seed`"), "{}", got.text());
}

#[test]
fn it_may_speak_another_dialect_and_stays_itself() {
    let provider = json!({"api_base": "https://h.example", "api_key": "k", "dialect": "anthropic"});
    let stage = stage(&provider, 1);
    let mut body = ask("mine/claude");
    body["num_retries"] = json!(0);
    let got = stage.chat(&body);
    assert_eq!(got.status, 502, "an answer of OpenAI is none of Anthropic's");
    assert!(got.text().contains("litellm.BadGatewayError: mine - "), "{}", got.text());
    let sent = stage.host.sent.borrow()[0].clone();
    assert_eq!((sent.url.as_str(), sent.headers.get("x-api-key")), ("https://h.example/v1/messages", Some("k")));
}

#[test]
fn its_price_is_unknown_until_the_configuration_states_it() {
    let stage = stage(&json!({"api_base": "https://h.example"}), 2);
    assert_eq!(stage.chat(&ask("listed")).headers.get("x-litellm-response-cost"), None);
    assert_eq!(stage.chat(&ask("priced")).headers.get("x-litellm-response-cost"), Some("0.005"));
    assert!(stage.host.sent.borrow()[0].headers.get("authorization").is_none(), "no key, no header");
}
