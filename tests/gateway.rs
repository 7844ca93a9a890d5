//! The spine on a scripted host: what a client gets, what goes upstream, and when.

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
#[path = "gateway/tokens.rs"]
mod tokens;

use host::{Piece, Script, Stage, answer, unreachable_upstream};
use serde_json::{Value, json};

const ANSWER: &str = r#"{"id":"1","object":"chat.completion","created":1,"model":"gpt-4o-2024-08-06","choices":[{"index":0,
    "message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}],
    "usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}"#;

fn events(texts: &[&str]) -> Vec<String> {
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        format!(
            "data: {}\n\n",
            json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o", "choices": choices})
        )
    };
    let mut events = vec![chunk(json!({"role": "assistant", "content": ""}), Value::Null)];
    events.extend(texts.iter().map(|text| chunk(json!({"content": text}), Value::Null)));
    events.push(chunk(json!({}), json!("stop")));
    events.push("data: {\"id\":\"1\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n".to_owned());
    events.push("data: [DONE]\n\n".to_owned());
    events
}

fn stream(events: &[String]) -> Script {
    let pieces = events.iter().map(|event| Piece::Bytes(event.clone().into_bytes())).collect();
    Script { pieces, headers: vec![("content-type", "text/event-stream")], ..answer(200, "") }
}

fn group(name: &str, models: &[&str]) -> Vec<Value> {
    models.iter().map(|model| json!({"model_name": name, "litellm_params": {"model": model}})).collect()
}

fn config(rest: &Value) -> Value {
    let mut list = group("m", &["openai/gpt-4o"]);
    list.extend(group("pair", &["openai/gpt-a", "openai/gpt-b"]));
    list.extend(group("spare", &["openai/gpt-spare"]));
    let mut config = json!({"model_list": list});
    for (name, value) in rest.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn ask(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "hi"}]})
}

fn ask_stream(model: &str) -> Value {
    json!({"model": model, "stream": true, "messages": [{"role": "user", "content": "hi"}]})
}

const DOWN: &str = r#"{"error":{"message":"down","type":"server_error"}}"#;

#[test]
fn an_answer_comes_back_as_it_was() {
    let stage = Stage::new(&config(&json!({})), vec![answer(200, ANSWER)]);
    let got = stage.chat(&ask("m"));
    assert_eq!((got.status, got.text().as_str()), (200, ANSWER));
    let sent = stage.host.sent.borrow();
    assert_eq!(sent[0].url, "https://api.openai.com/v1/chat/completions");
    assert_eq!(sent[0].headers.get("authorization"), Some("Bearer sk-upstream-secret-key"));
    assert_eq!(stage.sent()[0], json!({"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}));
    for (name, value) in [
        ("x-litellm-model-group", "m"),
        ("x-litellm-model-api-base", "https://api.openai.com/v1/chat/completions"),
        ("x-litellm-attempted-retries", "0"),
        ("x-litellm-attempted-fallbacks", "0"),
        ("x-litellm-response-duration-ms", "10"),
        ("x-litellm-overhead-duration-ms", "0"),
    ] {
        assert_eq!(got.headers.get(name), Some(value), "{name}");
    }
    assert_eq!(got.headers.get("x-litellm-call-id").unwrap().len(), 36);
}

#[test]
fn one_log_line_tells_the_call_and_neither_content_nor_secret() {
    let stage = Stage::new(&config(&json!({})), vec![answer(200, ANSWER)]);
    stage.chat(&ask("m"));
    let lines = stage.host.lines.borrow();
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (line["group"].as_str(), line["status"].as_u64(), line["prompt_tokens"].as_u64()),
        (Some("m"), Some(200), Some(3))
    );
    assert!(!lines[0].contains("hi\"") && !lines[0].contains("hello") && !lines[0].contains("secret"), "{}", lines[0]);
}

#[test]
fn a_failing_upstream_is_retried_with_backoff() {
    let stage = Stage::new(&config(&json!({})), vec![answer(500, DOWN), answer(500, DOWN), answer(200, ANSWER)]);
    let got = stage.chat(&ask("m"));
    assert_eq!(got.status, 200);
    assert_eq!(got.headers.get("x-litellm-attempted-retries"), Some("2"));
    assert!((1530..=3030).contains(&got.ms), "0.5 s and 1 s of back-off with jitter: {}", got.ms);
}

#[test]
fn a_retry_after_is_waited_for_and_handed_on() {
    let limited = || Script {
        headers: vec![("retry-after", "7")],
        ..answer(429, r#"{"error":{"message":"slow","code":"rate_limit_exceeded"}}"#)
    };
    let stage = Stage::new(&config(&json!({})), vec![limited(), answer(200, ANSWER)]);
    assert!(stage.chat(&ask("m")).ms >= 7000);
    let stage = Stage::new(&config(&json!({"router_settings": {"num_retries": 0}})), vec![limited()]);
    let got = stage.chat(&ask("m"));
    assert_eq!((got.status, got.headers.get("retry-after")), (429, Some("7")));
    assert_eq!(got.json()["error"]["code"], "rate_limit_exceeded");
}

#[test]
fn a_clients_mistake_is_sent_once() {
    let refused =
        answer(400, r#"{"error":{"message":"bad","type":"invalid_request_error","param":"temperature","code":"x"}}"#);
    let stage = Stage::new(&config(&json!({"router_settings": {"default_fallbacks": ["spare"]}})), vec![refused]);
    let got = stage.chat(&ask("pair"));
    assert_eq!(
        (got.status, got.json()["error"]["param"].as_str(), got.json()["error"]["code"].as_str()),
        (400, Some("temperature"), Some("x"))
    );
    assert_eq!(stage.sent().len(), 1);
}

#[test]
fn another_deployment_of_the_group_is_tried_at_once() {
    let stage = Stage::new(&config(&json!({})), vec![answer(503, DOWN), answer(200, ANSWER)]);
    let got = stage.chat(&ask("pair"));
    assert_eq!((got.status, got.ms), (200, 20));
    let models: Vec<Value> = stage.sent().iter().map(|body| body["model"].clone()).collect();
    assert!(models.contains(&json!("gpt-a")) && models.contains(&json!("gpt-b")), "{models:?}");
}

#[test]
fn a_fallback_group_answers_when_the_first_is_down() {
    let settings = json!({"router_settings": {"num_retries": 0, "fallbacks": [{"m": ["spare"]}]}});
    let stage = Stage::new(&config(&settings), vec![unreachable_upstream(), answer(200, ANSWER)]);
    let got = stage.chat(&ask("m"));
    assert_eq!(got.status, 200);
    assert_eq!(got.headers.get("x-litellm-model-group"), Some("spare"));
    assert_eq!(got.headers.get("x-litellm-attempted-fallbacks"), Some("1"));
}

#[test]
fn a_clients_own_fallbacks_count_alone_and_may_change_fields() {
    let settings = json!({"router_settings": {"num_retries": 0, "default_fallbacks": ["pair"]}});
    let stage = Stage::new(&config(&settings), vec![answer(500, DOWN), answer(200, ANSWER)]);
    let mut body = ask("m");
    body["fallbacks"] = json!([{"model": "spare", "temperature": 0.5}]);
    assert_eq!(stage.chat(&body).status, 200);
    let sent = stage.sent();
    assert_eq!((sent[1]["model"].as_str(), sent[1]["temperature"].as_f64()), (Some("gpt-spare"), Some(0.5)));
    assert!(sent[0].get("temperature").is_none() && sent[0].get("fallbacks").is_none());
}

#[test]
fn when_nothing_helps_the_first_error_comes_back() {
    let settings = json!({"router_settings": {"num_retries": 0, "fallbacks": [{"m": ["spare"]}]}});
    let stage = Stage::new(&config(&settings), vec![answer(503, DOWN), answer(429, r#"{"error":{"message":"slow"}}"#)]);
    let got = stage.chat(&ask("m"));
    assert_eq!(got.status, 503);
    let message = got.json()["error"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("down") && message.contains("Fallbacks failed too: spare (RateLimitError)"), "{message}");
}

#[test]
fn a_silent_upstream_times_out() {
    let never = Script { delay_ms: None, ..answer(200, ANSWER) };
    let settings = json!({"router_settings": {"num_retries": 0, "timeout": 2}});
    let stage = Stage::new(&config(&settings), vec![never]);
    let got = stage.chat(&ask("m"));
    assert_eq!((got.status, got.ms), (408, 2000));
    assert_eq!(stage.host.world.open_bodies.get(), 0);
}

#[test]
fn a_stream_timeout_bounds_the_first_event_only() {
    let mut late = stream(&events(&["a"]));
    late.pieces.insert(1, Piece::Wait(5000));
    let settings = json!({"router_settings": {"num_retries": 0, "stream_timeout": 1}});
    let stage = Stage::new(&config(&settings), vec![late]);
    assert_eq!(stage.chat(&ask_stream("m")).status, 408, "a role alone is no first event");
    let mut slow = stream(&events(&["a", "b"]));
    slow.pieces.insert(2, Piece::Wait(5000));
    let stage = Stage::new(&config(&settings), vec![slow]);
    let got = stage.chat(&ask_stream("m"));
    assert!(got.status == 200 && got.text().ends_with("data: [DONE]\n\n"), "{}", got.text());
}

#[test]
fn a_stream_comes_through_without_the_usage_that_was_not_asked_for() {
    let events = events(&["he", "llo"]);
    let stage = Stage::new(&config(&json!({})), vec![stream(&events)]);
    let got = stage.chat(&ask_stream("m"));
    assert_eq!(stage.sent()[0]["stream_options"], json!({"include_usage": true}));
    let want: String = events.iter().filter(|event| !event.contains("usage")).map(String::as_str).collect();
    assert_eq!(got.text(), want);
    assert_eq!(got.headers.get("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(stage.host.world.open_bodies.get(), 0);
    assert!(stage.host.lines.borrow()[0].contains("\"completion_tokens\":2"));
}

#[test]
fn a_stream_brings_usage_where_it_was_asked_for() {
    let events = events(&["hello"]);
    let stage = Stage::new(&config(&json!({})), vec![stream(&events)]);
    let mut body = ask_stream("m");
    body["stream_options"] = json!({"include_usage": true});
    let with_cost = events.concat().replace("\"usage\":{", "\"usage\":{\"cost\":0.0000275,");
    assert_eq!(stage.chat(&body).text(), with_cost);
}

#[test]
fn an_early_error_inside_of_a_stream_falls_back() {
    let broken = stream(&["data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n".to_owned()]);
    let settings = json!({"router_settings": {"num_retries": 0, "fallbacks": [{"m": ["spare"]}]}});
    let stage = Stage::new(&config(&settings), vec![broken, stream(&events(&["ok"]))]);
    let got = stage.chat(&ask_stream("m"));
    assert!(got.status == 200 && got.text().contains("ok"), "{}", got.text());
    assert_eq!(got.headers.get("x-litellm-attempted-fallbacks"), Some("1"));
}

#[test]
fn a_cut_stream_ends_with_an_error_and_no_done() {
    for end in [Piece::Break, Piece::Bytes(Vec::new())] {
        let mut cut = stream(&events(&["a", "b"])[..3]);
        cut.pieces.push(end);
        let stage = Stage::new(&config(&json!({})), vec![cut]);
        let got = stage.chat(&ask_stream("m")).text();
        assert!(got.contains("\"a\"") && !got.contains("[DONE]"), "{got}");
        let last = got.trim_end().rsplit("data: ").next().unwrap();
        let error: Value = serde_json::from_str(last).unwrap();
        assert!(error["error"]["message"].as_str().unwrap().contains("broke"), "{error}");
        assert!(stage.host.lines.borrow()[0].contains("upstream_broken"));
    }
}

#[test]
fn a_client_that_leaves_closes_the_upstream() {
    let mut endless = stream(&events(&["a", "b"])[..3]);
    endless.pieces.push(Piece::Forever);
    let mut stage = Stage::new(&config(&json!({})), vec![endless]);
    stage.leaves_after = Some(1);
    stage.chat(&ask_stream("m"));
    assert_eq!(stage.host.world.open_bodies.get(), 0);
    assert!(stage.host.lines.borrow()[0].contains("client_gone"));
}

#[test]
fn an_upstream_that_never_ends_its_stream_is_bounded() {
    let mut endless = stream(&events(&["a"])[..2]);
    endless.pieces.push(Piece::Forever);
    let stage = Stage::new(&config(&json!({"litellm_settings": {"request_timeout": 60}})), vec![endless]);
    let got = stage.chat(&ask_stream("m"));
    assert!(got.text().contains("longer than it may") && !got.text().contains("[DONE]"), "{}", got.text());
}

#[test]
fn a_secret_in_an_upstreams_words_is_cut_out() {
    let leaky = answer(400, r#"{"error":{"message":"key sk-upstream-secret-key is odd"}}"#);
    let stage = Stage::new(&config(&json!({})), vec![leaky]);
    let got = stage.chat(&ask("m")).text();
    assert!(got.contains("is odd") && !got.contains("upstream-secret"), "{got}");
}

#[test]
fn a_variable_that_is_not_set_is_named_and_never_sent() {
    let list =
        json!([{"model_name": "x", "litellm_params": {"model": "openai/gpt-4o", "api_key": "os.environ/MISSING_KEY"}}]);
    let stage = Stage::new(&json!({"model_list": list}), vec![]);
    let got = stage.chat(&ask("x"));
    assert_eq!(got.status, 401);
    assert!(got.text().contains("MISSING_KEY") && stage.sent().is_empty(), "{}", got.text());
}

#[test]
fn unknown_models_get_near_names() {
    let stage = Stage::new(&config(&json!({})), vec![]);
    let got = stage.chat(&ask("spar"));
    assert_eq!((got.status, got.json()["error"]["code"].as_str()), (404, Some("model_not_found")));
    assert!(got.text().contains("did you mean `spare`?"), "{}", got.text());
}

#[test]
fn a_provider_and_model_need_no_entry() {
    let stage = Stage::new(&json!({}), vec![answer(200, ANSWER)]);
    assert_eq!(stage.chat(&ask("openai/gpt-4o")).status, 200);
    assert_eq!(stage.sent()[0]["model"], "gpt-4o");
}

#[test]
fn the_path_may_name_the_model() {
    let stage = Stage::new(&config(&json!({})), vec![answer(200, ANSWER)]);
    let body = json!({"messages": [{"role": "user", "content": "hi"}]}).to_string();
    let got = stage.ask("POST", "/openai/deployments/m/chat/completions?api-version=1", &[], body.as_bytes());
    assert_eq!(got.status, 200);
}

#[test]
fn a_deployments_own_fields_yield_to_the_requests() {
    let list =
        json!([{"model_name": "x", "litellm_params": {"model": "openai/gpt-4o", "temperature": 0.1, "seed": 7}}]);
    let stage = Stage::new(&json!({"model_list": list}), vec![answer(200, ANSWER)]);
    let mut body = ask("x");
    body["temperature"] = json!(0.9);
    stage.chat(&body);
    assert_eq!((stage.sent()[0]["temperature"].as_f64(), stage.sent()[0]["seed"].as_u64()), (Some(0.9), Some(7)));
}

#[test]
fn bad_input_is_refused_with_the_field_and_the_mend() {
    let stage = Stage::new(&config(&json!({"general_settings": {"max_request_size_mb": 1}})), vec![]);
    let post = |headers: &[(&str, &str)], body: &[u8]| stage.ask("POST", "/v1/chat/completions", headers, body);
    let big = vec![b'x'; (1 << 20) + 1];
    for (got, status, words) in [
        (post(&[], b""), 400, "empty"),
        (post(&[], b"{\"model\":"), 400, "cut off"),
        (post(&[("content-type", "text/plain")], b"{}"), 415, "application/json"),
        (post(&[], &big), 413, "max_request_size_mb"),
        (post(&[("content-length", "99999999")], b"{}"), 413, "max_request_size_mb"),
        (stage.ask("GET", "/v1/nothing", &[], b""), 404, "unknown route"),
        (stage.ask("DELETE", "/v1/models", &[], b""), 405, "use GET"),
        (stage.ask("GET", "/v1/models", &vec![("x", "y"); 201], b""), 431, "header fields"),
        (
            post(&[], br#"{"model":"m","messages":[{"role":"user","content":"x"}],"api_base":"http://evil"}"#),
            400,
            "may not be set",
        ),
    ] {
        assert_eq!(got.status, status, "{}", got.text());
        let error = &got.json()["error"];
        assert!(error["message"].as_str().unwrap().contains(words) && error["type"].is_string(), "{error}");
    }
    assert!(stage.sent().is_empty());
}

#[test]
fn the_master_key_guards_everything_but_health() {
    let stage =
        Stage::new(&config(&json!({"general_settings": {"master_key": "sk-master"}})), vec![answer(200, ANSWER)]);
    assert_eq!(stage.ask("GET", "/v1/models", &[], b"").status, 401);
    assert_eq!(stage.ask("GET", "/v1/models", &[("authorization", "Bearer sk-master")], b"").status, 200);
    for path in ["/", "/health/liveliness", "/health/liveness", "/health/readiness"] {
        assert_eq!(stage.ask("GET", path, &[], b"").status, 200, "{path}");
    }
    let stage = Stage::new(&config(&json!({"general_settings": {"master_key": "os.environ/NOT_SET"}})), vec![]);
    assert_eq!(stage.chat(&ask("m")).status, 401, "a master key that is named but not set opens nothing");
}

#[test]
fn models_are_listed_and_looked_up() {
    let stage = Stage::new(&config(&json!({})), vec![]);
    let list = stage.ask("GET", "/v1/models", &[], b"").json();
    let ids: Vec<&str> = list["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m", "pair", "spare"]);
    assert_eq!(stage.ask("GET", "/v1/models/pair", &[], b"").json()["id"], "pair");
    assert_eq!(stage.ask("GET", "/v1/models/nope", &[], b"").status, 404);
}

#[test]
fn a_whole_answer_tells_its_cost_item_by_item() {
    let stage = Stage::new(&config(&json!({})), vec![answer(200, ANSWER)]);
    let got = stage.chat(&ask("m"));
    // gpt-4o: 3 tokens at 2.50 and 1 at 10 dollars a million.
    for (name, value) in [
        ("x-litellm-response-cost", "0.0000175"),
        ("x-litellm-response-cost-input", "0.0000075"),
        ("x-litellm-response-cost-output", "0.00001"),
        ("x-litellm-response-cost-cache-read", "0"),
        ("x-litellm-response-cost-exactness", "exact"),
    ] {
        assert_eq!(got.headers.get(name), Some(value), "{name}");
    }
}

#[test]
fn a_stream_tells_its_cost_in_its_last_chunk() {
    let stage = Stage::new(&config(&json!({})), vec![stream(&events(&["hello"]))]);
    let mut body = ask_stream("m");
    body["stream_options"] = json!({"include_usage": true});
    let got = stage.chat(&body).text();
    assert!(got.contains("\"usage\":{\"cost\":0.0000275,"), "{got}");
    assert!(stage.host.lines.borrow()[0].contains("\"cost\":0.0000275"));
}

#[test]
fn an_unknown_price_is_no_price() {
    let list = json!([{"model_name": "x", "litellm_params": {"model": "openai/nobody-knows"}}]);
    let stage = Stage::new(
        &json!({"model_list": list}),
        vec![answer(200, &ANSWER.replace("gpt-4o-2024-08-06", "nobody-knows"))],
    );
    let got = stage.chat(&ask("x"));
    assert_eq!((got.status, got.headers.get("x-litellm-response-cost")), (200, None));
    assert!(!stage.host.lines.borrow()[0].contains("\"cost\""));
}

#[test]
fn prices_of_the_configuration_win() {
    let prices = json!({"model": "openai/gpt-4o", "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
    let list = json!([{"model_name": "x", "litellm_params": prices}]);
    let stage = Stage::new(&json!({"model_list": list}), vec![answer(200, ANSWER)]);
    let got = stage.chat(&ask("x"));
    assert_eq!(got.headers.get("x-litellm-response-cost"), Some("0.005"));
    assert!(stage.sent()[0].get("input_cost_per_token").is_none(), "a price is the gateway's own");
}
