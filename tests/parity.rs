//! The request of every fixture through the whole spine, on a host whose clock stands still: what promise 8 is about.
//!
//! With `PARITY_OUT` the outcomes are written to that file, a line of JSON each; `tests/npm/parity.test.mjs` runs the same
//! requests through the npm package, and compares.

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
#[allow(dead_code, reason = "each test file uses a part of it")]
mod shared;

use std::fmt::Write as _;

use host::{Piece, Script, Stage};
use serde_json::{Map, Value, json};
use shared::{Case, cases};
use tollgate::http::Headers;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn pairs(headers: &Headers) -> Vec<[&str; 2]> {
    headers.iter().map(|(name, value)| [name, value]).collect()
}

/// A configuration under which the gateway meets the case as the case's own runner does.
fn config(case: &Case, model: &str) -> Value {
    let settings: Value =
        case.read("settings.json").map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
    let mut params = settings["settings"].as_object().cloned().unwrap_or_else(Map::new);
    params.insert("model".to_owned(), model.into());
    params.insert("api_key".to_owned(), "sk-test-key".into());
    if let Some(base) = settings["api_base"].as_str() {
        params.insert("api_base".to_owned(), base.into());
    }
    json!({
        "model_list": [{"model_name": model, "litellm_params": params}],
        "router_settings": {"num_retries": 0},
    })
}

/// Text that lives as long as the test: scripts hold names and values of headers that way.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// One case through the spine; the outcome says what was asked, what went upstream, and what came back.
fn outcome(case: &Case) -> Value {
    let body = case.read("request.json").unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let config = config(case, request["model"].as_str().unwrap());
    let (status, headers, answer) = match case.upstream_response() {
        Some((head, body)) => (head.status, head.headers, body),
        None => (500, Headers::new(), b"{}".to_vec()),
    };
    let script = Script {
        status,
        headers: headers.iter().map(|(name, value)| (kept(name), kept(value))).collect(),
        delay_ms: Some(0),
        pieces: vec![Piece::Bytes(answer.clone())],
    };
    let stage = Stage::new(&config, vec![script; 4]);
    let path = if case.name.starts_with("embeddings") { "/v1/embeddings" } else { "/v1/chat/completions" };
    let got = stage.ask("POST", path, &[("content-type", "application/json")], &body);
    let sent = stage.host.sent.borrow();
    let sent = sent.iter().map(|request| {
        json!({"method": request.method, "url": request.url, "headers": pairs(&request.headers), "body": hex(&request.body)})
    });
    json!({
        "name": format!("{}/{}", case.provider, case.name),
        "config": config,
        "path": path,
        "request": String::from_utf8(body).unwrap(),
        "upstream": {"status": status, "headers": pairs(&headers), "body": hex(&answer)},
        "sent": sent.collect::<Vec<_>>(),
        "status": got.status,
        "headers": pairs(&got.headers),
        "body": hex(&got.body),
    })
}

#[test]
fn every_fixture_goes_through_the_spine() {
    let outcomes: Vec<Value> = cases().iter().map(outcome).collect();
    for outcome in &outcomes {
        let went = !outcome["sent"].as_array().unwrap().is_empty();
        assert!(went || outcome["status"] != 200, "{}: nothing was asked", outcome["name"]);
    }
    let sent = outcomes.iter().filter(|outcome| outcome["sent"][0].is_object()).count();
    assert!(sent * 10 > outcomes.len() * 8, "only {sent} of {} fixtures reach their upstream", outcomes.len());
    if let Some(path) = std::env::var_os("PARITY_OUT") {
        let lines: String = outcomes.iter().fold(String::new(), |text, outcome| text + &outcome.to_string() + "\n");
        std::fs::write(path, lines).unwrap();
    }
}
