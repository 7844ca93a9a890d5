//! Streams that break in their midst and are gone on with, on a scripted host: what the client reads, and what is paid.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test file uses a part of them")]
#[path = "gateway/answers.rs"]
mod answers;
#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

use answers::{ask, deployment};
use host::{Got, Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::keys::ledger::{ScopeId, ScopeKind, ScopeView};
use tollgate::money::Money;

const MASTER: &str = "sk-master";

fn chunk(id: &str, delta: &Value, finish: &Value) -> String {
    let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
    let chunk = json!({"id": id, "object": "chat.completion.chunk", "created": 1, "model": "own", "choices": choices});
    format!("data: {chunk}\n\n")
}

/// The beginning of a stream of OpenAI's protocol, word by word.
fn begun(id: &str, words: &[&str]) -> String {
    let role = chunk(id, &json!({"role": "assistant", "content": ""}), &Value::Null);
    words.iter().fold(role, |text, word| text + &chunk(id, &json!({"content": word}), &Value::Null))
}

/// A whole one: 10 tokens in, 20 out.
fn words(id: &str, words: &[&str]) -> String {
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
    let usage = json!({"id": id, "choices": [], "usage": usage});
    begun(id, words) + &chunk(id, &json!({}), &json!("stop")) + &format!("data: {usage}\n\ndata: [DONE]\n\n")
}

fn stream(text: &str, end: Option<Piece>) -> Script {
    let pieces = std::iter::once(Piece::Bytes(text.as_bytes().to_vec())).chain(end).collect();
    Script { pieces, headers: vec![("content-type", "text/event-stream")], ..answer(200, "") }
}

/// One that breaks after "one two".
fn broken() -> Script {
    stream(&begun("a", &["one", " two"]), Some(Piece::Break))
}

fn rest() -> Script {
    stream(&words("b", &[" three", " four"]), None)
}

/// Two deployments with books of their own; `a` is always the first choice.
fn stage(router: &Value, scripts: Vec<Script>) -> Stage {
    let deployments = [
        deployment("m", "openai/a", &json!({"weight": 1, "max_budget": 100})),
        deployment("m", "openai/b", &json!({"weight": 0, "max_budget": 100})),
    ];
    of(&deployments, router, scripts)
}

fn of(deployments: &[Value], router: &Value, scripts: Vec<Script>) -> Stage {
    let mut routing = json!({"num_retries": 0, "mid_stream_fallbacks": true});
    routing.as_object_mut().unwrap().extend(router.as_object().unwrap().clone());
    let general = json!({"master_key": MASTER});
    Stage::new(&json!({"model_list": deployments, "router_settings": routing, "general_settings": general}), scripts)
}

fn request() -> Value {
    let mut body = ask("m");
    body["stream"] = json!(true);
    body["stream_options"] = json!({"include_usage": true});
    body
}

/// What a client's SDK would make of a stream.
struct Read {
    text: String,
    chunks: Vec<Value>,
    /// The notes of those that went on.
    marks: Vec<Value>,
    usage: Value,
    done: bool,
}

fn read(got: &Got) -> Read {
    assert_eq!(got.status, 200, "{}", got.text());
    let mut read = Read { text: String::new(), chunks: Vec::new(), marks: Vec::new(), usage: Value::Null, done: false };
    for event in got.text().split_terminator("\n\n") {
        assert!(!read.done, "nothing follows the end: {event}");
        let data = event.strip_prefix("data: ").unwrap_or_else(|| panic!("no event: {event:?}"));
        if data == "[DONE]" {
            read.done = true;
            continue;
        }
        let chunk: Value = serde_json::from_str(data).unwrap();
        read.text += chunk["choices"][0]["delta"]["content"].as_str().unwrap_or_default();
        let mark = &chunk["provider_specific_fields"]["mid_stream_fallback"];
        read.marks.extend((!mark.is_null()).then(|| mark.clone()));
        if !chunk["usage"].is_null() {
            read.usage = chunk["usage"].clone();
        }
        read.chunks.push(chunk);
    }
    read
}

fn view(stage: &Stage, model: &str) -> ScopeView {
    let scope = ScopeId::new(ScopeKind::Deployment, model);
    stage.host.books.borrow_mut().ledger(&scope).ledger.view(&scope).expect("a scope that was used")
}

fn spent(stage: &Stage, model: &str) -> Money {
    let view = view(stage, model);
    assert_eq!((view.open, view.reserved), (0, Money::ZERO), "{model}");
    view.windows[0].spent
}

fn cents(cents: i128) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

#[test]
fn another_deployment_finishes_what_one_has_begun() {
    let stage = stage(&json!({}), vec![broken(), rest()]);
    let key = stage.add_key(&json!({"max_budget": 10}));
    let got = read(&stage.chat_as(&key, &request()));
    assert_eq!((got.text.as_str(), got.done), ("one two three four", true));
    // One answer to its client: one id, one role, one end; and the place where it was gone on with is marked.
    assert!(got.chunks.iter().all(|chunk| chunk["id"] == "a" || chunk["choices"] == json!([])), "{:?}", got.chunks);
    let roles = got.chunks.iter().filter(|chunk| chunk["choices"][0]["delta"]["role"] == "assistant").count();
    let ends = got.chunks.iter().filter(|chunk| chunk["choices"][0]["finish_reason"] == "stop").count();
    assert_eq!((roles, ends), (1, 1));
    assert_eq!(got.marks, [json!({"model_id": "openai/b", "error": {"type": "APIConnectionError", "code": 502}})]);
    // The next one is told from the client's own request, with the answer so far.
    let sent = stage.sent();
    let messages = sent[1]["messages"].as_array().unwrap();
    assert_eq!(messages[0], json!({"role": "user", "content": "hi"}));
    assert_eq!(messages[1], json!({"role": "assistant", "content": "one two"}));
    assert_eq!((messages.len(), &messages[2]["role"]), (3, &json!("user")));
    assert_eq!((&sent[0]["max_tokens"], &sent[1]["max_tokens"]), (&json!(20), &json!(18)), "7 bytes were two tokens");
    // Both are paid: the first by estimate.
    let (a, b) = (spent(&stage, "openai/a"), spent(&stage, "openai/b"));
    assert!(a > Money::ZERO && a < cents(5), "{a}");
    assert_eq!((b, stage.charged_to_keys()), (cents(5), a + cents(5)));
    assert_eq!(Money::parse(&got.usage["cost"].to_string()), Some(a + b));
    assert!(got.usage["prompt_tokens"].as_u64().unwrap() > 10 && got.usage["completion_tokens"] == 22, "{}", got.usage);
    let line = stage.last_line();
    assert_eq!((&line["continued"], &line["attempts"], &line["end"]), (&json!(1), &json!(2), &json!("ok")));
    assert_eq!((&line["deployment"], &line["completion_tokens"]), (&json!("openai/b"), &json!(22)));
}

#[test]
fn every_way_to_break_is_gone_on_from() {
    let begun = begun("a", &["one", " two"]);
    let error = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    for (name, script) in [
        ("reset", stream(&begun, Some(Piece::Break))),
        ("ended too early", stream(&begun, None)),
        ("an error inside", stream(&begun, Some(Piece::Bytes(error.into())))),
        ("not its protocol", stream(&begun, Some(Piece::Bytes(b"data: {\n\n".to_vec())))),
    ] {
        let stage = stage(&json!({}), vec![script, rest()]);
        let got = read(&stage.chat_as(MASTER, &request()));
        assert_eq!((got.text.as_str(), got.done, got.marks.len()), ("one two three four", true, 1), "{name}");
    }
}

#[test]
fn a_cut_at_every_byte_gives_one_whole_answer() {
    let whole = begun("a", &["one", " two", " thr\u{e9}e"]);
    // Before the first word it would fall back.
    let first = begun("a", &["one"]).len();
    for at in first..whole.len() {
        let pieces = vec![Piece::Bytes(whole.as_bytes()[..at].to_vec()), Piece::Break];
        let cut = Script { pieces, headers: vec![("content-type", "text/event-stream")], ..answer(200, "") };
        let stage = stage(&json!({}), vec![cut, rest()]);
        let got = read(&stage.chat_as(MASTER, &request()));
        let sent = stage.sent();
        assert_eq!(sent.len(), 2, "cut at {at}");
        let told = sent[1]["messages"][1]["content"].as_str().unwrap().to_owned();
        assert!("one two thr\u{e9}e".starts_with(&told) && told.len() >= 3, "cut at {at}: {told}");
        assert_eq!((got.text, got.done), (format!("{told} three four"), true), "cut at {at}");
    }
}

#[test]
fn where_it_is_not_wanted_or_not_possible_the_stream_ends_with_its_error() {
    let call = json!({"tool_calls": [{"index": 0, "id": "c", "type": "function", "function": {"name": "f", "arguments": "{"}}]});
    let of_tool = stream(&chunk("a", &call, &Value::Null), Some(Piece::Break));
    let ended = stream(&(chunk("a", &json!({"content": "x"}), &json!("stop"))), Some(Piece::Break));
    let schema = json!({"type": "json_object"});
    let cases: [(&str, Value, &str, Value, Script); 6] = [
        ("off", json!({"mid_stream_fallbacks": false}), "user", json!("u"), broken()),
        ("the client wants none", json!({}), "disable_fallbacks", json!(true), broken()),
        ("several answers", json!({}), "n", json!(2), broken()),
        ("JSON", json!({}), "response_format", schema, broken()),
        ("a call of a tool", json!({}), "user", json!("u"), of_tool),
        ("ended, but for its last word", json!({}), "user", json!("u"), ended),
    ];
    for (name, router, field, value, script) in cases {
        let stage = stage(&router, vec![script]);
        let mut body = request();
        body[field] = value;
        let got = read(&stage.chat_as(MASTER, &body));
        assert!(!got.done && got.marks.is_empty(), "{name}");
        assert!(got.chunks.last().unwrap()["error"]["message"].is_string(), "{name}");
        assert_eq!((stage.sent().len(), &stage.last_line()["continued"]), (1, &Value::Null), "{name}");
    }
}

#[test]
fn fallbacks_follow_the_group_and_a_key_comes_to_its_own_models_alone() {
    let deployments =
        [deployment("m", "anthropic/a", &json!({"api_key": "sk-own"})), deployment("spare", "openai/b", &json!({}))];
    let events = [
        json!({"type": "message_start", "message": {"id": "msg", "type": "message", "role": "assistant", "model": "own",
            "content": [], "usage": {"input_tokens": 10, "output_tokens": 1}}}),
        json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "one two"}}),
        json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ];
    let event = |event: &Value| format!("event: {}\ndata: {event}\n\n", event["type"].as_str().unwrap());
    let pieces: Vec<Piece> = events.iter().map(|value| Piece::Bytes(event(value).into_bytes())).collect();
    for (models, whole) in [(json!(["m", "spare"]), true), (json!(["m"]), false)] {
        let fallbacks = json!({"fallbacks": [{"m": ["spare"]}]});
        let stage = of(&deployments, &fallbacks, vec![Script { pieces: pieces.clone(), ..stream("", None) }, rest()]);
        let key = stage.add_key(&json!({"models": models}));
        let got = read(&stage.chat_as(&key, &request()));
        assert_eq!((got.done, stage.sent().len()), (whole, if whole { 2 } else { 1 }), "{models}");
        assert_eq!(got.text, if whole { "one two three four" } else { "one two" });
        if whole {
            let cost = Money::parse(&got.usage["cost"].to_string()).unwrap();
            assert!(cost >= cents(6) && cost < cents(8), "ten tokens of the first's prompt, and some answer: {cost}");
            assert_eq!((cost, got.marks[0]["model_id"].as_str()), (stage.charged_to_keys(), Some("openai/b")));
        }
    }
}

#[test]
fn the_next_may_break_or_refuse_too() {
    let c = deployment("m", "openai/c", &json!({"weight": 0}));
    let deployments =
        [deployment("m", "openai/a", &json!({"weight": 1})), deployment("m", "openai/b", &json!({"weight": 0})), c];
    let down = answer(500, r#"{"error":{"message":"down"}}"#);
    let again = stream(&begun("b", &[" three"]), Some(Piece::Break));
    let last = || stream(&words("c", &[" four"]), None);
    let stage = of(&deployments, &json!({}), vec![broken(), again, last()]);
    let got = read(&stage.chat_as(MASTER, &request()));
    assert_eq!((got.text.as_str(), got.marks.len()), ("one two three four", 2));
    assert_eq!(stage.sent()[2]["messages"][1]["content"], "one two three");
    assert!(got.chunks.iter().all(|chunk| chunk["id"] == "a" || chunk["choices"] == json!([])));
    let stage = of(&deployments, &json!({}), vec![broken(), down.clone(), last()]);
    let got = read(&stage.chat_as(MASTER, &request()));
    assert_eq!((got.text.as_str(), &got.marks[0]["model_id"]), ("one two four", &json!("openai/c")));
    let stage = of(&deployments, &json!({}), vec![broken(), down.clone(), down]);
    let got = read(&stage.chat_as(MASTER, &request()));
    assert!(!got.done && got.chunks.last().unwrap()["error"]["message"].as_str().unwrap().contains("broke"));
    assert_eq!(stage.last_line()["attempts"], 3);
}

#[test]
fn a_budget_bounds_the_rest_of_the_answer() {
    // What the first attempt may cost at most is 9.6 cents; the next one's prompt is longer by what is asked of it.
    for (budget, whole) in [(0.6, true), (0.23, true), (0.12, false)] {
        let stage = stage(&json!({}), vec![broken(), rest()]);
        let key = stage.add_key(&json!({"max_budget": budget}));
        let got = read(&stage.chat_as(&key, &request()));
        let sent = stage.sent();
        assert_eq!(got.done, sent.len() == 2, "{budget}");
        assert_eq!(got.done, whole, "{budget}: {sent:?}");
        if budget < 0.5 && whole {
            assert!(sent[1]["max_tokens"].as_u64().unwrap() < 18, "{sent:?}");
        }
    }
}

#[test]
fn a_client_that_leaves_while_the_next_one_is_asked_pays_what_it_was_sent() {
    let silent = Script { delay_ms: None, ..rest() };
    let mut stage = stage(&json!({}), vec![broken(), silent]);
    // It reads the role and the text, and is gone when the next one is asked.
    stage.leaves_after = Some(1);
    let key = stage.add_key(&json!({"max_budget": 10}));
    stage.chat_as(&key, &request());
    assert_eq!(stage.sent().len(), 2);
    let (a, b) = (spent(&stage, "openai/a"), spent(&stage, "openai/b"));
    assert!(a > Money::ZERO && b > Money::ZERO, "{a} {b}");
    assert_eq!(stage.charged_to_keys(), a + b);
    assert_eq!((stage.host.world.open_bodies.get(), &stage.last_line()["end"]), (0, &json!("client_gone")));
}

#[test]
fn a_deployment_that_rests_is_passed_over() {
    let deployments = [
        deployment("m", "openai/a", &json!({"weight": 1})),
        deployment("m", "openai/b", &json!({"weight": 0})),
        deployment("m", "openai/c", &json!({"weight": 0})),
    ];
    let stage = of(&deployments, &json!({"num_retries": 1, "disable_cooldowns": false}), vec![]);
    let limited = answer(429, r#"{"error":{"message":"slow down"}}"#);
    // A retry goes to b or c; which of them, the dry seed decides: it rests from then on.
    stage.host.give(vec![answer(500, r#"{"error":{"message":"down"}}"#), limited, broken(), rest()]);
    assert_eq!(stage.chat_as(MASTER, &request()).status, 429);
    let rested = stage.sent()[1]["model"].clone();
    let got = read(&stage.chat_as(MASTER, &request()));
    let other = if rested == "b" { "openai/c" } else { "openai/b" };
    assert_eq!((got.done, &got.marks[0]["model_id"]), (true, &json!(other)));
}
