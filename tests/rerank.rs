//! `POST /v1/rerank` on a scripted host: what is sent, admitted, reserved and charged.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

use host::{Got, Script, Stage, answer};
use serde_json::{Value, json};

fn config() -> Value {
    let group = |name: &str, params: Value| json!({"model_name": name, "litellm_params": params});
    let list = json!([
        group("by-search", json!({"model": "cohere/rerank-v3.5", "api_key": "k"})),
        group("by-token", json!({"model": "jina_ai/jina-reranker-v3", "api_key": "k", "input_cost_per_token": 5e-8})),
        group("unpriced", json!({"model": "hosted_vllm/own", "api_base": "http://h"})),
        group("chat", json!({"model": "openai/gpt-4o", "api_key": "k"})),
        group("mock", json!({"model": "mock/rerank"})),
    ]);
    json!({"model_list": list, "general_settings": {"master_key": "sk-master"}, "router_settings": {"num_retries": 0}})
}

fn rerank(stage: &Stage, key: &str, path: &str, model: &str, documents: usize) -> Got {
    let documents: Vec<String> = (0..documents).map(|number| format!("document {number}")).collect();
    let body = json!({"model": model, "query": "which", "documents": documents, "top_n": 1});
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    stage.ask("POST", path, &headers, body.to_string().as_bytes())
}

fn searched(units: u64) -> Script {
    let meta = json!({"api_version": {"version": "2"}, "billed_units": {"search_units": units}});
    answer(200, &json!({"id": "r", "results": [{"index": 0, "relevance_score": 0.5}], "meta": meta}).to_string())
}

#[test]
fn a_search_unit_is_what_it_costs_on_every_path() {
    let stage = Stage::new(&config(), vec![searched(1), searched(1), searched(2)]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    for (path, documents, cost, spend) in
        [("/v1/rerank", 2, "0.002", "0.002"), ("/rerank", 100, "0.002", "0.004"), ("/v2/rerank", 101, "0.004", "0.008")]
    {
        let got = rerank(&stage, &key, path, "by-search", documents);
        assert_eq!(got.status, 200, "{}", got.text());
        assert_eq!(got.headers.get("x-litellm-response-cost"), Some(cost), "{path}");
        assert_eq!(got.headers.get("x-litellm-key-spend"), Some(spend), "{path}");
        assert_eq!(got.headers.get("x-litellm-response-cost-exactness"), Some("exact"), "{path}");
        assert_eq!(got.json()["results"][0], json!({"index": 0, "relevance_score": 0.5}));
    }
    assert_eq!(stage.sent()[0]["model"], "rerank-v3.5");
}

#[test]
fn tokens_are_what_it_costs_where_they_are_priced() {
    let body = json!({"model": "jina-reranker-v2-base-multilingual", "usage": {"total_tokens": 100},
        "results": [{"index": 1, "relevance_score": 0.9}]});
    let stage = Stage::new(&config(), vec![answer(200, &body.to_string())]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let got = rerank(&stage, &key, "/v1/rerank", "by-token", 2);
    assert_eq!(got.headers.get("x-litellm-response-cost"), Some("0.000005"), "{}", got.text());
}

#[test]
fn a_budget_has_to_pay_for_every_search_unit_before_it_is_sent() {
    let stage = Stage::new(&config(), vec![searched(1)]);
    let key = stage.add_key(&json!({"max_budget": 0.003}));
    // Two units: 101 documents.
    let refused = rerank(&stage, &key, "/v1/rerank", "by-search", 101);
    assert_eq!((refused.status, refused.json()["error"]["type"].as_str()), (429, Some("budget_exceeded")));
    assert_eq!(stage.sent().len(), 0);
    assert_eq!(rerank(&stage, &key, "/v1/rerank", "by-search", 100).status, 200);
}

#[test]
fn a_long_document_counts_as_several() {
    let stage = Stage::new(&config(), vec![searched(1)]);
    let key = stage.add_key(&json!({"max_budget": 0.003}));
    let documents = vec!["word ".repeat(1_000); 60];
    let body = json!({"model": "by-search", "query": "which", "documents": documents}).to_string();
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let got = stage.ask("POST", "/v1/rerank", &headers, body.as_bytes());
    assert_eq!(got.status, 429, "60 documents of 1000 tokens are more than 100 chunks: {}", got.text());
}

#[test]
fn what_has_no_price_or_no_reranking_is_refused() {
    let stage = Stage::new(&config(), vec![]);
    let bounded = stage.add_key(&json!({"max_budget": 1.0}));
    let unpriced = rerank(&stage, &bounded, "/v1/rerank", "unpriced", 1);
    assert!((400..500).contains(&unpriced.status), "{}", unpriced.text());
    let chat = rerank(&stage, "sk-master", "/v1/rerank", "chat", 1);
    assert_eq!((chat.status, chat.json()["error"]["param"].as_str()), (400, Some("model")));
    assert_eq!(stage.sent().len(), 0);
}

#[test]
fn keys_may_be_kept_from_it() {
    let stage = Stage::new(&config(), vec![]);
    let kept = stage.add_key(&json!({"allowed_routes": ["/chat/completions"]}));
    assert_eq!(rerank(&stage, &kept, "/v1/rerank", "mock", 1).status, 403);
    let let_in = stage.add_key(&json!({"allowed_routes": ["llm_api_routes"]}));
    assert_eq!(rerank(&stage, &let_in, "/v2/rerank", "mock", 1).status, 200);
}

#[test]
fn the_mock_ranks_by_shared_words() {
    let stage = Stage::new(&config(), vec![]);
    let body = json!({"model": "mock", "query": "red apple", "documents": ["a car", {"text": "a red apple"}, "red"],
        "return_documents": true, "top_n": 2});
    let headers = [("authorization", "Bearer sk-master"), ("content-type", "application/json")];
    let got = stage.ask("POST", "/v1/rerank", &headers, body.to_string().as_bytes()).json();
    let want = json!([{"index": 1, "relevance_score": 1.0, "document": {"text": "a red apple"}},
        {"index": 2, "relevance_score": 0.5, "document": {"text": "red"}}]);
    assert_eq!(got["results"], want);
}
