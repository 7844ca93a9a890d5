//! A prediction from its making to its end: asked about until it is done, streamed, and cancelled when nobody waits.

use serde_json::{Value, json};

use super::host::{Got, Piece, Script, Stage, answer, unreachable_upstream};

const MADE: &str = "POST /v1/models/meta/meta-llama-3-8b-instruct/predictions";
const ASKED: &str = "GET /v1/predictions/p";
const CANCELLED: &str = "POST /v1/predictions/p/cancel";

fn stage(params: &Value, scripts: Vec<Script>) -> Stage {
    let mut deployment = json!({"model": "replicate/meta/meta-llama-3-8b-instruct", "api_key": "r8-key",
        "input_cost_per_token": 0.001, "output_cost_per_token": 0.01});
    for (name, value) in params.as_object().unwrap() {
        deployment[name] = value.clone();
    }
    let list = json!([{"model_name": "m", "litellm_params": deployment}]);
    let config = json!({"model_list": list, "general_settings": {"master_key": "sk-master"},
        "router_settings": {"num_retries": 0}});
    Stage::new(&config, scripts)
}

fn prediction(status: &str, output: &Value) -> Script {
    let at = "https://api.replicate.com/v1/predictions/p";
    let urls = json!({"get": at, "cancel": format!("{at}/cancel")});
    let metrics = json!({"input_token_count": 7, "output_token_count": 2});
    answer(201, &json!({"id": "p", "status": status, "output": output, "urls": urls, "metrics": metrics}).to_string())
}

fn working() -> Script {
    prediction("processing", &json!(["he"]))
}

/// A prediction that was made, and its stream.
fn streaming(pieces: Vec<Piece>) -> Vec<Script> {
    let urls = json!({"stream": "https://stream.replicate.com/v1/p",
        "cancel": "https://api.replicate.com/v1/predictions/p/cancel"});
    let made = answer(201, &json!({"id": "p", "status": "starting", "urls": urls}).to_string());
    let headers = vec![("content-type", "text/event-stream")];
    vec![made, Script { status: 200, headers, delay_ms: Some(10), pieces }]
}

fn output(text: &str) -> Piece {
    Piece::Bytes(format!("event: output\nid: 1:0\ndata: {text}\n\n").into())
}

fn ask(stage: &Stage, stream: bool) -> Got {
    let key = stage.add_key(&json!({"max_budget": 1}));
    let mut body = super::ask("m");
    body["stream"] = stream.into();
    body["max_tokens"] = 10.into();
    stage.chat_as(&key, &body)
}

/// Method and path of everything that was sent.
fn sent(stage: &Stage) -> Vec<String> {
    let sent = stage.host.sent.borrow();
    sent.iter().map(|http| format!("{} {}", http.method, http.url.split_once(".com").unwrap().1)).collect()
}

#[test]
fn a_prediction_is_asked_about_until_it_is_done() {
    let done = prediction("succeeded", &json!(["hel", "lo"]));
    let stage = stage(&json!({"timeout": 30}), vec![prediction("starting", &Value::Null), working(), done]);
    let got = ask(&stage, false);
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(got.json()["choices"][0]["message"]["content"], "hello");
    assert_eq!(sent(&stage), [MADE, ASKED, ASKED]);
    let sent = stage.host.sent.borrow();
    assert_eq!((sent[0].headers.get("prefer"), sent[0].headers.get("cancel-after")), (Some("wait=30"), Some("30s")));
    assert_eq!((sent[1].headers.get("prefer"), sent[1].headers.get("content-type")), (None, None));
    assert!(sent.iter().all(|http| http.headers.get("authorization") == Some("Bearer r8-key")));
    assert_eq!(got.ms, 3 * 10 + 500 + 1000, "three answers and two waits");
    assert_eq!(got.headers.get("x-litellm-response-cost"), Some("0.027"));
}

#[test]
fn an_answer_that_is_there_at_once_needs_no_question() {
    let stage = stage(&json!({}), vec![prediction("succeeded", &json!("hello"))]);
    assert_eq!(ask(&stage, false).json()["choices"][0]["message"]["content"], "hello");
    assert_eq!(sent(&stage), [MADE]);
}

#[test]
fn a_question_that_fails_is_asked_again_and_makes_no_second_prediction() {
    let done = prediction("succeeded", &json!("hello"));
    let stage = stage(&json!({}), vec![working(), answer(502, "bad gateway"), unreachable_upstream(), done]);
    let got = ask(&stage, false);
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(sent(&stage), [MADE, ASKED, ASKED, ASKED]);
}

#[test]
fn a_prediction_that_failed_is_an_error_and_needs_no_end() {
    let failed = json!({"id": "p", "status": "failed", "error": "ValueError: no"}).to_string();
    let stage = stage(&json!({}), vec![working(), answer(200, &failed)]);
    let got = ask(&stage, false);
    assert_eq!(got.status, 422);
    assert!(got.text().contains("ValueError: no"), "{}", got.text());
    assert_eq!(sent(&stage), [MADE, ASKED]);
}

#[test]
fn what_takes_too_long_is_cancelled() {
    let stage = stage(&json!({"timeout": 2}), vec![working(), working(), working(), answer(200, "{}")]);
    let got = ask(&stage, false);
    assert_eq!(got.status, 408, "{}", got.text());
    assert_eq!(sent(&stage), [MADE, ASKED, ASKED, CANCELLED]);
    assert_eq!(stage.host.sent.borrow()[3].headers.get("authorization"), Some("Bearer r8-key"));
}

#[test]
fn a_client_that_leaves_ends_its_prediction() {
    let stage = stage(&json!({}), vec![working(), working(), answer(200, "{}")]);
    stage.host.client_leaves_at.set(Some(1_000));
    assert_eq!(ask(&stage, false).status, 499);
    assert_eq!(sent(&stage), [MADE, ASKED, CANCELLED]);
}

#[test]
fn a_stream_comes_from_its_own_address() {
    let done = Piece::Bytes(b"event: done\ndata: {}\n\n".to_vec());
    let stage = stage(&json!({}), streaming(vec![output("hel"), Piece::Wait(20), output("lo"), done]));
    let got = ask(&stage, true);
    let text = got.text();
    assert!(text.contains("\"hel\"") && text.contains("\"lo\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(sent(&stage), [MADE, "GET /v1/p"]);
    let sent = stage.host.sent.borrow();
    assert_eq!((sent[0].headers.get("prefer"), sent[1].headers.get("accept")), (None, Some("text/event-stream")));
    assert_eq!(serde_json::from_slice::<Value>(&sent[0].body).unwrap()["stream"], true);
}

#[test]
fn a_client_that_leaves_a_stream_ends_its_prediction() {
    let mut scripts = streaming(vec![output("hel"), output("lo"), Piece::Forever]);
    scripts.push(answer(200, "{}"));
    let mut stage = stage(&json!({}), scripts);
    stage.leaves_after = Some(1);
    ask(&stage, true);
    assert_eq!(sent(&stage), [MADE, "GET /v1/p", CANCELLED]);
    assert_eq!(stage.host.world.open_bodies.get(), 0);
}

#[test]
fn a_model_without_a_stream_gives_its_answer_as_one_chunk() {
    let stage = stage(&json!({}), vec![working(), prediction("succeeded", &json!(["hel", "lo"]))]);
    let text = ask(&stage, true).text();
    assert!(text.contains("\"content\":\"hello\"") && text.ends_with("data: [DONE]\n\n"), "{text}");
    assert_eq!(sent(&stage), [MADE, ASKED]);
}
