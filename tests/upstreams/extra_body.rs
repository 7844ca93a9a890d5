//! `extra_body`: fields of the request itself for every dialect that is not OpenAI's.

use serde_json::{Value, json};

use super::ask;
use super::host::{Stage, answer};

fn stage(model: &str, body: &str) -> Stage {
    let params = json!({"model": model, "api_key": "k", "api_base": "https://h.example"});
    Stage::new(&json!({"model_list": [{"model_name": "m", "litellm_params": params}]}), vec![answer(200, body)])
}

#[test]
fn its_fields_are_translated_with_the_others() {
    let claude = r#"{"id":"m","type":"message","role":"assistant","model":"c","content":[{"type":"text","text":"hi"}],
        "stop_reason":"end_turn","usage":{"input_tokens":1,"output_tokens":1}}"#;
    let gemini = r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"hi"}]},"finishReason":"STOP"}]}"#;
    let ollama = r#"{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop"}"#;
    for (model, body, extra, at, wanted) in [
        ("anthropic/claude-sonnet-4-5", claude, json!({"container": "c-1"}), "/container", json!("c-1")),
        ("anthropic/claude-sonnet-4-5", claude, json!({"top_k": 5}), "/top_k", json!(5)),
        ("gemini/gemini-2.5-flash", gemini, json!({"top_p": 0.5}), "/generationConfig/topP", json!(0.5)),
        ("ollama/llama3", ollama, json!({"num_ctx": 4096}), "/options/num_ctx", json!(4096)),
    ] {
        let stage = stage(model, body);
        let mut request = ask("m");
        request["extra_body"] = extra;
        let got = stage.chat(&request);
        assert_eq!(got.status, 200, "{model}: {}", got.text());
        let sent: Value = serde_json::from_slice(&stage.host.sent.borrow()[0].body).unwrap();
        assert_eq!(sent.pointer(at), Some(&wanted), "{model}: {sent}");
        assert!(sent.get("extra_body").is_none(), "{model}");
    }
}

#[test]
fn it_does_not_reach_around_what_the_gateway_counts_on() {
    for model in ["anthropic/claude-sonnet-4-5", "openai/gpt-4o"] {
        let stage = stage(model, "{}");
        let mut request = ask("m");
        request["extra_body"] = json!({"max_tokens": 100_000});
        let got = stage.chat(&request);
        assert_eq!((got.status, &got.json()["error"]["param"]), (400, &json!("extra_body.max_tokens")), "{model}");
        assert!(stage.host.sent.borrow().is_empty(), "{model}");
    }
}
