//! The request of every fixture through the whole spine, on a host whose clock stands still: what promise 8 is about.
//!
//! With `PARITY_OUT` the outcomes are written to that file, a line of JSON each; `tests/npm/parity.test.mjs` runs the same
//! requests through the npm package and the Worker, and compares. `PARITY_NOW` is the time of the clock, in Unix ms.

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
    params.extend(settings["params"].as_object().cloned().unwrap_or_else(Map::new));
    params.insert("model".to_owned(), model.into());
    if let Some(key) = case.key() {
        params.insert("api_key".to_owned(), key.expose().into());
    }
    if let Some(base) = settings["api_base"].as_str() {
        params.insert("api_base".to_owned(), base.into());
    }
    json!({
        "model_list": [{"model_name": model, "litellm_params": params}],
        // A Worker of the test meets many cases: what one does to a deployment is not to reach the next.
        "router_settings": {"num_retries": 0, "disable_cooldowns": true},
    })
}

/// Text that lives as long as the test: scripts hold names and values of headers that way.
fn kept(text: &str) -> &'static str {
    Box::leak(text.to_owned().into_boxed_str())
}

/// When the scripted host's clock begins, in Unix ms.
const NOW_MS: u64 = 1_700_000_000_000;

/// What an identity provider answers.
const TOKEN: &[u8] = br#"{"access_token": "test-token", "token_type": "Bearer", "expires_in": 3600}"#;

/// Cases whose token is asked for with a signature: the scripted host signs nothing, a platform would.
const SIGNED: [&str; 1] = ["vertex_ai/login-service-account"];

fn script(status: u16, headers: &Headers, body: &[u8]) -> Script {
    let headers = headers.iter().map(|(name, value)| (kept(name), kept(value))).collect();
    Script { status, headers, delay_ms: Some(0), pieces: vec![Piece::Bytes(body.to_vec())] }
}

/// One case through the spine at a time in Unix ms; the outcome says what was asked, what went upstream, and what came back.
fn outcome(case: &Case, now_ms: u64) -> Value {
    let body = case.read("request.json").unwrap();
    let request: Value = serde_json::from_slice(&body).unwrap();
    let config = config(case, request["model"].as_str().unwrap());
    let (status, headers, answer) = match case.upstream_response() {
        Some((head, body)) => (head.status, head.headers, body),
        None => (500, Headers::new(), b"{}".to_vec()),
    };
    // Where a token is asked for first, there is one. The last answer is given again to whoever asks again.
    let token = case.read("exchange.http").map(|_| (200, Headers::new(), TOKEN.to_vec()));
    let upstream: Vec<_> = token.into_iter().chain([(status, headers, answer)]).collect();
    let mut scripts: Vec<Script> =
        upstream.iter().map(|(status, headers, body)| script(*status, headers, body)).collect();
    scripts.extend(std::iter::repeat_n(scripts[scripts.len() - 1].clone(), 3));
    let stage = Stage::new(&config, scripts);
    stage.host.world.now.set(now_ms - NOW_MS);
    let path = match case.name.split('-').next() {
        Some("embeddings") => "/v1/embeddings",
        Some("rerank") => "/v1/rerank",
        _ => "/v1/chat/completions",
    };
    let got = stage.ask("POST", path, &[("content-type", "application/json")], &body);
    let sent = stage.host.sent.borrow();
    let sent = sent.iter().map(|request| {
        json!({"method": request.method, "url": request.url, "headers": pairs(&request.headers), "body": hex(&request.body)})
    });
    json!({
        "name": format!("{}/{}", case.provider, case.name),
        "now_ms": now_ms,
        "config": config,
        "path": path,
        "request": String::from_utf8(body).unwrap(),
        "upstream": upstream.iter().map(|(status, headers, body)| {
            json!({"status": status, "headers": pairs(headers), "body": hex(body)})
        }).collect::<Vec<_>>(),
        "sent": sent.collect::<Vec<_>>(),
        "status": got.status,
        "headers": pairs(&got.headers),
        "body": hex(&got.body),
    })
}

#[test]
fn every_fixture_goes_through_the_spine() {
    let now_ms = std::env::var_os("PARITY_NOW").map_or(NOW_MS, |text| text.to_str().unwrap().parse().unwrap());
    let signed = |case: &Case| SIGNED.contains(&format!("{}/{}", case.provider, case.name).as_str());
    let outcomes: Vec<Value> = cases().iter().filter(|case| !signed(case)).map(|case| outcome(case, now_ms)).collect();
    for outcome in &outcomes {
        let went = !outcome["sent"].as_array().unwrap().is_empty();
        assert!(went || outcome["status"] != 200, "{}: nothing was asked", outcome["name"]);
    }
    let sent = outcomes.iter().filter(|outcome| outcome["sent"][0].is_object()).count();
    assert!(sent * 10 > outcomes.len() * 9, "only {sent} of {} fixtures reach their upstream", outcomes.len());
    if let Some(path) = std::env::var_os("PARITY_OUT") {
        let lines: String = outcomes.iter().fold(String::new(), |text, outcome| text + &outcome.to_string() + "\n");
        std::fs::write(path, lines).unwrap();
    }
}
