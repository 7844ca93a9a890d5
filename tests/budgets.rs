//! The spine with virtual keys on a scripted host: what is admitted, what is reserved, and what is charged in every ending.

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

use host::{Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::keys::ledger::{ScopeId, ScopeKind, State};
use tollgate::keys::token;
use tollgate::money::Money;

const DOWN: &str = r#"{"error":{"message":"down","type":"server_error"}}"#;

/// Prices that make sums plain: a milli-dollar a token in, two out.
fn config(rest: &Value) -> Value {
    let priced = |name: &str, model: &str| {
        let params = json!({"model": model, "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
        json!({"model_name": name, "litellm_params": params})
    };
    let unpriced = json!({"model_name": "unpriced", "litellm_params": {"model": "openai/nobody-knows"}});
    let list = json!([priced("m", "openai/own"), priced("spare", "openai/spare"), unpriced]);
    let mut config = json!({"model_list": list, "general_settings": {"master_key": "sk-master"}, "router_settings": {"num_retries": 0}});
    for (name, value) in rest.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn ask(model: &str) -> Value {
    json!({"model": model, "max_tokens": 100, "messages": [{"role": "user", "content": "hi"}]})
}

fn ok() -> Script {
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "own",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}});
    answer(200, &body.to_string())
}

fn stream(texts: &[&str], end: bool) -> Script {
    let chunk = |delta: Value, finish: Value| json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "own", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
    let mut events: Vec<String> =
        texts.iter().map(|text| format!("data: {}\n\n", chunk(json!({"content": text}), Value::Null))).collect();
    if end {
        events.push(format!("data: {}\n\n", chunk(json!({}), json!("stop"))));
        events.push("data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":20,\"total_tokens\":30}}\n\ndata: [DONE]\n\n".to_owned());
    }
    let pieces = events.into_iter().map(|event| Piece::Bytes(event.into_bytes())).collect();
    Script { pieces, headers: vec![("content-type", "text/event-stream")], ..answer(200, "") }
}

/// What a key without team and user has spent and holds, and the states of its rows.
fn books(stage: &Stage, key: &str) -> (Money, Money, Vec<State>) {
    let scope = ScopeId::new(ScopeKind::Key, token::hash(key));
    let mut books = stage.host.books.borrow_mut();
    let home = books.ledger(&scope);
    let view = home.ledger.view(&scope).unwrap();
    (view.windows[0].spent, view.reserved, home.rows.values().map(|row| row.state).collect())
}

fn cents(cents: i128) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

#[test]
fn a_call_is_charged_what_it_used_and_tells_what_is_left() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    let key = stage.add_key(&json!({"max_budget": 1.0, "rpm_limit": 5}));
    let got = stage.chat_as(&key, &ask("m"));
    assert_eq!(got.status, 200, "{}", got.text());
    // 10 tokens in and 20 out.
    assert_eq!(books(&stage, &key), (cents(5), Money::ZERO, vec![State::Settled]));
    for (name, value) in [
        ("x-litellm-response-cost", "0.05"),
        ("x-litellm-key-spend", "0.05"),
        ("x-litellm-key-max-budget", "1"),
        ("x-ratelimit-limit-requests", "5"),
        ("x-ratelimit-remaining-requests", "4"),
    ] {
        assert_eq!(got.headers.get(name), Some(value), "{name}");
    }
}

#[test]
fn a_spent_budget_refuses_before_anything_goes_upstream() {
    let stage = Stage::new(&config(&json!({})), vec![ok(), ok()]);
    let key = stage.add_key(&json!({"max_budget": 0.15}));
    let small = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
    assert_eq!(stage.chat_as(&key, &small).status, 200);
    let second = stage.chat_as(&key, &small);
    assert_eq!(second.status, 200, "{}", second.text());
    let third = stage.chat_as(&key, &small);
    assert_eq!((third.status, third.json()["error"]["type"].as_str()), (429, Some("budget_exceeded")));
    assert!(third.text().contains("Budget has been exceeded!"), "{}", third.text());
    assert_eq!(stage.sent().len(), 2);
}

#[test]
fn the_status_of_a_spent_budget_can_be_litellms() {
    let settings = json!({"litellm_settings": {"budget_exceeded_status_code": 422}});
    let stage = Stage::new(&config(&settings), vec![]);
    let key = stage.add_key(&json!({"max_budget": 0.0}));
    assert_eq!(stage.chat_as(&key, &ask("m")).status, 422);
}

#[test]
fn near_the_end_of_a_budget_the_answer_is_clamped_to_what_is_left() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let mut body = ask("m");
    body["max_tokens"] = json!(10_000);
    let got = stage.chat_as(&key, &body);
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = stage.sent()[0]["max_tokens"].as_u64().unwrap();
    assert!((256..500).contains(&sent), "a dollar pays for under 500 tokens of answer: {sent}");
}

#[test]
fn a_failed_call_costs_nothing() {
    let stage = Stage::new(&config(&json!({})), vec![answer(500, DOWN)]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    assert_eq!(stage.chat_as(&key, &ask("m")).status, 500);
    assert_eq!(books(&stage, &key), (Money::ZERO, Money::ZERO, vec![State::Released]));
}

#[test]
fn a_fallback_is_paid_by_the_one_reservation() {
    let settings = json!({"router_settings": {"num_retries": 0, "fallbacks": [{"m": ["unpriced", "spare"]}]}});
    let stage = Stage::new(&config(&settings), vec![answer(500, DOWN), ok()]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let got = stage.chat_as(&key, &ask("m"));
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(stage.sent()[1]["model"], "spare", "a fallback without a price is passed over");
    assert_eq!(books(&stage, &key), (cents(5), Money::ZERO, vec![State::Settled]));
}

#[test]
fn a_stream_is_charged_when_it_is_whole() {
    let stage = Stage::new(&config(&json!({})), vec![stream(&["hello"], true)]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let mut body = ask("m");
    body["stream"] = json!(true);
    let got = stage.chat_as(&key, &body);
    assert!(got.text().ends_with("data: [DONE]\n\n"), "{}", got.text());
    assert_eq!(books(&stage, &key), (cents(5), Money::ZERO, vec![State::Settled]));
}

#[test]
fn a_client_that_leaves_pays_for_what_was_delivered() {
    let mut script = stream(&["four byte", "s a token"], false);
    script.pieces.push(Piece::Forever);
    let mut stage = Stage::new(&config(&json!({})), vec![script]);
    stage.leaves_after = Some(2);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let mut body = ask("m");
    body["stream"] = json!(true);
    stage.chat_as(&key, &body);
    let (spent, reserved, states) = books(&stage, &key);
    // 18 bytes of answer are 5 tokens, beside the prompt.
    assert!(spent > cents(1) && spent < cents(4), "{spent}");
    assert_eq!((reserved, states), (Money::ZERO, vec![State::Settled]));
    let books = &mut *stage.host.books.borrow_mut();
    let row = &books.ledger(&ScopeId::new(ScopeKind::Key, token::hash(&key))).rows[&1];
    assert!(row.outcome.estimated && row.outcome.completion_tokens == 5 && row.outcome.status == "failure", "{row:?}");
}

#[test]
fn a_cut_stream_pays_for_what_was_delivered() {
    let mut script = stream(&["hello"], false);
    script.pieces.push(Piece::Break);
    let stage = Stage::new(&config(&json!({})), vec![script]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let mut body = ask("m");
    body["stream"] = json!(true);
    assert!(!stage.chat_as(&key, &body).text().contains("[DONE]"));
    let (spent, reserved, states) = books(&stage, &key);
    assert!(spent > Money::ZERO);
    assert_eq!((reserved, states), (Money::ZERO, vec![State::Settled]));
}

#[test]
fn a_long_stream_tells_the_ledger_that_it_lives() {
    let mut script = stream(&["a", "b", "c"], true);
    for at in [1, 3, 5] {
        script.pieces.insert(at, Piece::Wait(50_000));
    }
    let settings = json!({"general_settings": {"master_key": "sk-master", "reservation_hold_seconds": 60}});
    let stage = Stage::new(&config(&settings), vec![script]);
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let mut body = ask("m");
    body["stream"] = json!(true);
    stage.chat_as(&key, &body);
    let books = &mut *stage.host.books.borrow_mut();
    let row = &books.ledger(&ScopeId::new(ScopeKind::Key, token::hash(&key))).rows[&1];
    assert!(row.progress.is_some() && row.state == State::Settled, "{row:?}");
}

#[test]
fn an_unpriced_model_is_refused_where_a_budget_is_and_served_where_none_is() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    let bounded = stage.add_key(&json!({"max_budget": 1.0}));
    let got = stage.chat_as(&bounded, &ask("unpriced"));
    assert_eq!((got.status, got.json()["error"]["type"].as_str()), (403, Some("model_cost_map_missing")));
    let free = stage.add_key(&json!({}));
    assert_eq!(stage.chat_as(&free, &ask("unpriced")).status, 200);
}

#[test]
fn a_key_calls_the_models_of_its_list_alone() {
    let stage = Stage::new(&config(&json!({})), vec![ok(), ok()]);
    let key = stage.add_key(&json!({"models": ["m"], "aliases": {"fast": "spare"}}));
    assert_eq!(stage.chat_as(&key, &ask("m")).status, 200);
    let denied = stage.chat_as(&key, &ask("spare"));
    assert_eq!((denied.status, denied.json()["error"]["type"].as_str()), (403, Some("key_model_access_denied")));
    assert_eq!(stage.chat_as(&key, &ask("fast")).status, 200, "an alias is a model that the key was given");
    assert_eq!(stage.sent()[1]["model"], "spare");
}

#[test]
fn requests_over_the_rate_are_refused_with_a_hint() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    let key = stage.add_key(&json!({"rpm_limit": 1}));
    assert_eq!(stage.chat_as(&key, &ask("m")).status, 200);
    let got = stage.chat_as(&key, &ask("m"));
    assert_eq!(got.status, 429);
    assert!(
        got.headers.get("retry-after").is_some() && got.text().contains("Rate limit exceeded for api_key"),
        "{}",
        got.text()
    );
}

#[test]
fn a_key_that_nobody_made_is_refused() {
    let stage = Stage::new(&config(&json!({})), vec![]);
    let genuine = token::generate(&[9; 24], &tollgate::secret::Secret::new("sk-master"));
    let got = stage.chat_as(&genuine, &ask("m"));
    assert_eq!((got.status, got.json()["error"]["type"].as_str()), (401, Some("token_not_found_in_db")));
}

#[test]
fn tags_and_the_customer_are_in_the_log() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    let key = stage.add_key(&json!({"tags": ["team-a"]}));
    let mut body = ask("m");
    body["metadata"] = json!({"tags": ["variant-b"]});
    body["user"] = json!("customer-7");
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str()), ("x-litellm-tags", "from-header")];
    stage.ask("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes());
    let books = &mut *stage.host.books.borrow_mut();
    let row = &books.ledger(&ScopeId::new(ScopeKind::Key, token::hash(&key))).rows[&1];
    assert_eq!(row.subject.tags, ["variant-b", "from-header", "team-a"]);
    assert_eq!((row.subject.customer.as_deref(), row.outcome.total_tokens), (Some("customer-7"), 30));
    assert!(stage.sent()[0].get("metadata").is_none(), "metadata is the gateway's own unless it is stored");
}

#[test]
fn a_tags_budget_bounds_what_is_tagged() {
    let settings =
        json!({"litellm_settings": {"tag_budget_config": {"trial": {"max_budget": 0.08, "budget_duration": "1d"}}}});
    let stage = Stage::new(&config(&settings), vec![ok(), ok()]);
    let key = stage.add_key(&json!({}));
    let mut tagged = json!({"model": "m", "max_tokens": 1, "messages": [{"role": "user", "content": "hi"}]});
    tagged["tags"] = json!(["trial"]);
    assert_eq!(stage.chat_as(&key, &tagged).status, 200);
    let refused = stage.chat_as(&key, &tagged);
    assert_eq!((refused.status, refused.json()["error"]["type"].as_str()), (429, Some("budget_exceeded")));
    assert_eq!(stage.chat_as(&key, &ask("m")).status, 200, "without the tag there is no such bound");
}

#[test]
fn calls_of_the_master_key_are_in_the_log_unless_it_is_off() {
    let stage = Stage::new(&config(&json!({})), vec![ok()]);
    stage.chat_as("sk-master", &ask("m"));
    let rows = stage.host.books.borrow_mut().ledger(&ScopeId::global()).rows.len();
    assert_eq!(rows, 1);
    let settings = json!({"general_settings": {"master_key": "sk-master", "disable_spend_logs": true}});
    let stage = Stage::new(&config(&settings), vec![ok()]);
    stage.chat_as("sk-master", &ask("m"));
    assert!(stage.host.books.borrow_mut().ledger(&ScopeId::global()).rows.is_empty());
}
