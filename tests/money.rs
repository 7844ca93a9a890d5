//! Questions about money on the scripted host: what they answer, exactly, and what they keep to themselves.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "gateway/host.rs"]
#[expect(dead_code, reason = "nothing goes upstream here")]
mod host;
#[path = "money/listings.rs"]
mod listings;
#[path = "money/prices.rs"]
mod prices;
#[path = "money/quotes.rs"]
mod quotes;
#[path = "money/tokens.rs"]
mod tokens;
#[path = "money/upstream.rs"]
mod upstream;

use host::{Got, Stage};
use serde_json::{Value, json};

fn stage() -> Stage {
    let deployment = |name: &str, params: Value, info: Value| json!({"model_name": name, "litellm_params": params, "model_info": info});
    let list = json!([
        deployment("gpt", json!({"model": "openai/gpt-4o", "rpm": 10, "tpm": 1000}), json!({"id": "gpt-1"})),
        deployment("gpt", json!({"model": "openai/gpt-4o-mini", "rpm": 5}), json!({"id": "gpt-2"})),
        deployment("claude", json!({"model": "anthropic/claude-sonnet-4-5", "api_key": "sk-ant-REDACTED"}), json!({})),
        deployment(
            "own",
            json!({
                "model": "openai/my-own", "api_base": "https://me:hidden-password@own.example.com/v1?token=hidden-token",
                "api_key": "own-secret-key", "input_cost_per_token": "0.000000000123", "output_cost_per_token": 0.000_002,
                "extra_headers": {"x-company-auth": "hidden-header"}, "temperature": 0.25,
            }),
            json!({"id": "own-1", "mode": "chat", "team": "blue"}),
        ),
        deployment("priceless", json!({"model": "openai/nobody-knows"}), json!({})),
        deployment("azure", json!({"model": "azure/my-deployment"}), json!({"base_model": "azure/gpt-4o"})),
        deployment("vectors", json!({"model": "openai/text-embedding-3-small"}), json!({})),
        deployment("anything/*", json!({"model": "groq/*"}), json!({"id": "wild"})),
    ]);
    Stage::new(&json!({"model_list": list, "router_settings": {"model_group_alias": {"alias": "gpt"}}}), vec![])
}

fn post(path: &str, body: &Value) -> Got {
    stage().ask("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

fn get(path: &str) -> Got {
    stage().ask("GET", path, &[], b"")
}
