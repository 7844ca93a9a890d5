//! Embeddings of more inputs than a provider takes at once: several calls upstream, one answer, charged once.

use serde_json::{Value, json};

use super::host::{Script, Stage, answer};

/// The answer to one part: a vector for each of these numbers, and two tokens each.
fn vectors(numbers: &[u64]) -> Script {
    let data: Vec<Value> = numbers
        .iter()
        .enumerate()
        .map(|(at, n)| json!({"object": "embedding", "index": at, "embedding": [n]}))
        .collect();
    let tokens = numbers.len() * 2;
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    answer(200, &json!({"object": "list", "model": "text-embedding-v4", "data": data, "usage": usage}).to_string())
}

fn stage(scripts: Vec<Script>) -> Stage {
    let deployment = |model: &str| json!({"model": model, "api_key": "k", "input_cost_per_token": 0.001, "output_cost_per_token": 0});
    let list = json!([
        {"model_name": "m", "litellm_params": deployment("dashscope/text-embedding-v4")},
        {"model_name": "whole", "litellm_params": deployment("mistral/mistral-embed")},
        {"model_name": "cohere", "litellm_params": deployment("cohere/embed-v4.0")},
    ]);
    let config = json!({"model_list": list, "general_settings": {"master_key": "sk-master"}});
    Stage::new(&config, scripts)
}

fn inputs(count: usize) -> Vec<String> {
    (0..count).map(|n| n.to_string()).collect()
}

fn ask(stage: &Stage, key: &str, body: &Value) -> super::host::Got {
    let bearer = format!("Bearer {key}");
    stage.ask("POST", "/v1/embeddings", &[("authorization", &bearer)], body.to_string().as_bytes())
}

#[test]
fn parts_are_merged_in_order_and_charged_once() {
    let numbers: Vec<u64> = (0..23).collect();
    let stage = stage(vec![vectors(&numbers[..10]), vectors(&numbers[10..20]), vectors(&numbers[20..])]);
    let key = stage.add_key(&json!({"max_budget": 1}));
    let body = json!({"model": "m", "input": inputs(23), "dimensions": 64, "encoding_format": "float"});
    let got = ask(&stage, &key, &body);
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = stage.sent();
    assert_eq!(sent.iter().map(|part| part["input"].as_array().unwrap().len()).collect::<Vec<_>>(), [10, 10, 3]);
    assert!(sent.iter().all(|part| part["dimensions"] == 64 && part["encoding_format"] == "float"));
    let answer = got.json();
    for (at, vector) in answer["data"].as_array().unwrap().iter().enumerate() {
        assert_eq!((&vector["index"], &vector["embedding"][0]), (&json!(at), &json!(at)));
    }
    assert_eq!(answer["usage"], json!({"prompt_tokens": 46, "total_tokens": 46}));
    assert_eq!(got.headers.get("x-litellm-response-cost"), Some("0.046"));
    assert_eq!(got.headers.get("x-litellm-key-spend"), Some("0.046"));
}

#[test]
fn a_retry_goes_on_behind_the_parts_that_are_there() {
    let numbers: Vec<u64> = (0..20).collect();
    let stage = stage(vec![vectors(&numbers[..10]), answer(500, "{}"), vectors(&numbers[10..])]);
    let got = ask(&stage, "sk-master", &json!({"model": "m", "input": inputs(20)}));
    assert_eq!((got.status, stage.sent().len()), (200, 3), "{}", got.text());
    assert_eq!(got.json()["data"].as_array().unwrap().len(), 20);
    assert_eq!(got.json()["usage"]["total_tokens"], 40);
}

#[test]
fn what_was_answered_is_paid_for_though_the_rest_failed() {
    let numbers: Vec<u64> = (0..10).collect();
    let refused = answer(400, r#"{"error":{"message":"too long","type":"invalid_request_error"}}"#);
    let stage = stage(vec![vectors(&numbers), refused, vectors(&numbers[..1])]);
    let key = stage.add_key(&json!({"max_budget": 1}));
    let got = ask(&stage, &key, &json!({"model": "m", "input": inputs(20)}));
    assert_eq!(got.status, 400, "{}", got.text());
    let got = ask(&stage, &key, &json!({"model": "m", "input": "0"}));
    assert_eq!(got.headers.get("x-litellm-key-spend"), Some("0.022"), "ten inputs, and then one");
}

#[test]
fn a_part_without_all_its_vectors_is_no_answer() {
    let stage = stage(vec![vectors(&[1]), vectors(&[2])]);
    let got = ask(&stage, "sk-master", &json!({"model": "m", "input": inputs(11), "num_retries": 0}));
    assert_eq!(got.status, 502);
    assert!(got.text().contains("2 vectors came for 11 inputs"), "{}", got.text());
}

#[test]
fn a_dialect_of_its_own_has_its_own_bound() {
    let part = |numbers: std::ops::Range<u64>| {
        let tokens = numbers.end - numbers.start;
        let vectors: Vec<[u64; 1]> = numbers.map(|n| [n]).collect();
        let billed = json!({"billed_units": {"input_tokens": tokens}});
        answer(200, &json!({"id": "e", "embeddings": {"float": vectors}, "texts": [], "meta": billed}).to_string())
    };
    let stage = stage(vec![part(0..96), part(96..192), part(192..200)]);
    let got = ask(&stage, "sk-master", &json!({"model": "cohere", "input": inputs(200)}));
    assert_eq!(got.status, 200, "{}", got.text());
    let texts: Vec<usize> = stage.sent().iter().map(|part| part["texts"].as_array().unwrap().len()).collect();
    assert_eq!(texts, [96, 96, 8]);
    let answer = got.json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 200);
    assert_eq!((&answer["data"][199]["index"], &answer["data"][199]["embedding"][0]), (&json!(199), &json!(199)));
    assert_eq!(answer["usage"]["prompt_tokens"], 200);
    assert_eq!(got.headers.get("x-litellm-response-cost"), Some("0.2"));
}

#[test]
fn no_bound_no_parts() {
    let stage = stage(vec![vectors(&[1])]);
    ask(&stage, "sk-master", &json!({"model": "whole", "input": inputs(500)}));
    assert_eq!(stage.sent()[0]["input"].as_array().unwrap().len(), 500);
}
