//! What isolates tell each other of rests, what a new configuration keeps, and what one request may ask of the router.

use serde_json::{Value, json};
use tollgate::config::Config;
use tollgate::gateway::Gateway;

use super::host::{Got, Script, Stage, answer};

/// Two groups of two deployments each, and one that the first falls back to.
pub(super) fn config(router: &Value) -> Value {
    let entry = |group: &str, id: &str| {
        let params =
            json!({"model": "openai/gpt-4o", "api_key": "sk-upstream", "api_base": format!("http://{id}.test/v1")});
        json!({"model_name": group, "litellm_params": params, "model_info": {"id": id}})
    };
    let list = [entry("a", "a0"), entry("a", "a1"), entry("b", "b0"), entry("b", "b1"), entry("spare", "s")];
    json!({"model_list": list, "router_settings": router})
}

fn gateway(router: &Value, stage: &Stage) -> Gateway {
    Gateway::new(Config::read(&config(router).to_string()).unwrap(), &stage.host)
}

pub(super) fn whole() -> Script {
    let choices = json!([{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]);
    answer(
        200,
        &json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices}).to_string(),
    )
}

pub(super) fn refusal(status: u16) -> Script {
    answer(status, r#"{"error":{"message":"boom"}}"#)
}

/// Every deployment answers but those that are named, which fail with 429.
pub(super) fn fail(stage: &Stage, ids: &'static [&str]) {
    stage.host.play.replace(Some(Box::new(move |request, _| {
        let failing = ids.iter().any(|id| request.url.contains(&format!("//{id}.test")));
        if failing { refusal(429) } else { whole() }
    })));
}

pub(super) fn ask(stage: &Stage, model: &str, rest: &Value) -> Got {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    stage.chat(&body)
}

/// Asks until the deployment has been tried, and failed.
fn find_out(stage: &Stage, model: &str, id: &str) {
    let tried = |stage: &Stage| stage.host.sent.borrow().iter().any(|sent| sent.url.contains(&format!("//{id}.test")));
    for _ in 0..40 {
        if tried(stage) {
            return;
        }
        assert_eq!(ask(stage, model, &json!({})).status, 200);
    }
    panic!("{id} was never tried");
}

/// Who answers forty calls, and how many more were sent for them.
fn answering(stage: &Stage, model: &str) -> (Vec<String>, usize) {
    let before = stage.host.sent.borrow().len();
    let id = |got: Got| got.headers.get("x-litellm-model-id").unwrap_or_default().to_owned();
    let mut all: Vec<String> = (0..40).map(|_| id(ask(stage, model, &json!({})))).collect();
    all.sort();
    all.dedup();
    (all, stage.host.sent.borrow().len() - before - 40)
}

fn board(stage: &Stage) -> Vec<Value> {
    let board = stage.host.board.borrow();
    let list: Value = board.as_ref().map_or(Value::Null, |(bytes, _)| serde_json::from_slice(bytes).unwrap());
    list.as_array().cloned().unwrap_or_default()
}

const SHUFFLE: &str = r#"{"routing_strategy": "simple-shuffle", "cooldown_time": 60}"#;

#[test]
fn isolates_merge_what_they_know_of_rests() {
    let router: Value = serde_json::from_str(SHUFFLE).unwrap();
    let mut stage = Stage::new(&config(&router), vec![]);
    // One isolate has read the list while it was empty, and does not read it again for 2 s.
    fail(&stage, &[]);
    ask(&stage, "b", &json!({}));
    stage.host.sent.borrow_mut().clear();
    fail(&stage, &["a0", "b0"]);
    let first = gateway(&router, &stage);
    let second = std::mem::replace(&mut stage.gateway, first);
    find_out(&stage, "a", "a0");
    // What it then finds out about `b0` it writes beside `a0`.
    let first = std::mem::replace(&mut stage.gateway, second);
    find_out(&stage, "b", "b0");
    let mut listed: Vec<String> = board(&stage).iter().map(|rest| rest[0].as_str().unwrap().to_owned()).collect();
    listed.sort();
    assert_eq!(listed, ["a0", "b0"]);
    assert_eq!(answering(&stage, "a"), (vec!["a1".to_owned()], 0), "it never tries what the first one has found out");
    // And the first one hears of `b0`, at the latest after one attempt of its own.
    stage.gateway = first;
    stage.host.world.now.set(stage.host.world.now.get() + 2_000);
    ask(&stage, "a", &json!({}));
    assert_eq!(answering(&stage, "b"), (vec!["b1".to_owned()], 0));
}

#[test]
fn without_the_list_each_isolate_finds_out_for_itself() {
    let router: Value = serde_json::from_str(SHUFFLE).unwrap();
    let mut stage = Stage::new(&config(&router), vec![]);
    fail(&stage, &["a0"]);
    find_out(&stage, "a", "a0");
    stage.host.board.replace(None);
    stage.gateway = gateway(&router, &stage);
    let (all, more) = answering(&stage, "a");
    assert_eq!((all, more), (vec!["a1".to_owned()], 1), "one failure, and its rest is told again");
    assert_eq!(board(&stage).len(), 1);
}

#[test]
fn a_list_that_nobody_can_have_written_changes_nothing() {
    let router: Value = serde_json::from_str(SHUFFLE).unwrap();
    for bytes in [&b"not json"[..], b"{}", b"[[]]", b"[[7,8,9]]", b"[[\"a0\",\"soon\",429]]", b"[[\"a0\"]]"] {
        let stage = Stage::new(&config(&router), vec![]);
        fail(&stage, &[]);
        stage.host.board.replace(Some((bytes.to_vec(), u64::MAX)));
        assert_eq!(answering(&stage, "a"), (vec!["a0".to_owned(), "a1".to_owned()], 0));
    }
    // A time far off is believed for an hour.
    let stage = Stage::new(&config(&router), vec![]);
    fail(&stage, &[]);
    stage.host.board.replace(Some((format!("[[\"a0\",{},429]]", u64::MAX).into_bytes(), u64::MAX)));
    ask(&stage, "b", &json!({}));
    assert_eq!(answering(&stage, "a"), (vec!["a1".to_owned()], 0));
    stage.host.board.replace(None);
    stage.host.world.now.set(stage.host.world.now.get() + 3_601_000);
    assert_eq!(answering(&stage, "a").0, ["a0", "a1"]);
}

#[test]
fn a_new_configuration_keeps_what_is_known_of_deployments() {
    let router: Value = serde_json::from_str(SHUFFLE).unwrap();
    let mut stage = Stage::new(&config(&router), vec![]);
    fail(&stage, &["a0"]);
    find_out(&stage, "a", "a0");
    // Not by the list of isolates: nobody has it.
    stage.host.board.replace(None);
    let mut next = gateway(&json!({"routing_strategy": "least-busy"}), &stage);
    next.keep_data_of(&stage.gateway);
    stage.gateway = next;
    assert_eq!(answering(&stage, "a"), (vec!["a1".to_owned()], 0));
    stage.host.world.now.set(stage.host.world.now.get() + 60_000);
    fail(&stage, &[]);
    assert_eq!(answering(&stage, "a").0, ["a0", "a1"], "its rest ends when it would have");
}

#[test]
fn a_request_names_its_strategy() {
    let mut router = json!({"routing_strategy": "cost-based-routing"});
    let mut config = config(&router);
    config["model_list"][0]["litellm_params"]["input_cost_per_token"] = json!(0.000_000_001);
    config["model_list"][0]["litellm_params"]["output_cost_per_token"] = json!(0.000_000_001);
    let stage = Stage::new(&config, vec![]);
    fail(&stage, &[]);
    let all = |rest: &Value| {
        let id = |got: Got| got.headers.get("x-litellm-model-id").unwrap().to_owned();
        let mut all: Vec<String> = (0..40).map(|_| id(ask(&stage, "a", rest))).collect();
        all.sort();
        all.dedup();
        all
    };
    assert_eq!(all(&json!({})), ["a0"], "the cheaper one");
    assert_eq!(all(&json!({"routing_strategy": "simple-shuffle"})), ["a0", "a1"]);
    assert!(stage.sent().iter().all(|body| body.get("routing_strategy").is_none()), "it does not go upstream");
    let got = ask(&stage, "a", &json!({"routing_strategy": "cheapest"}));
    assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some("routing_strategy")));
    router["routing_strategy"] = json!("simple-shuffle");
    config["router_settings"] = router;
    let stage = Stage::new(&config, vec![]);
    fail(&stage, &[]);
    for _ in 0..40 {
        let got = ask(&stage, "a", &json!({"routing_strategy": "cost-based-routing"}));
        assert_eq!(got.headers.get("x-litellm-model-id"), Some("a0"), "prices are known where a request asks for them");
    }
}

#[test]
fn errors_that_were_fallen_back_from_are_told_where_they_are_asked_for() {
    let router = json!({"num_retries": 0, "fallbacks": [{"a": ["b", "spare"]}]});
    let failing = |asked: &Value| {
        let long = format!("b\u{e9}\n{}", "x".repeat(1_000));
        let refused = answer(500, &json!({"error": {"message": long}}).to_string());
        let stage = Stage::new(&config(&router), vec![refusal(503), refused, whole()]);
        let got = ask(&stage, "a", asked);
        assert_eq!((got.status, got.headers.get("x-litellm-attempted-fallbacks")), (200, Some("2")));
        got.headers.get("x-litellm-fallback-errors").map(str::to_owned)
    };
    let header = failing(&json!({"include_fallback_errors": true})).unwrap();
    assert!(header.chars().all(|char| (' '..='~').contains(&char)), "{header}");
    let errors: Value = serde_json::from_str(&header).unwrap();
    let kinds: Vec<(&str, &str)> = errors
        .as_array()
        .unwrap()
        .iter()
        .map(|error| (error["type"].as_str().unwrap(), error["code"].as_str().unwrap()))
        .collect();
    assert_eq!(kinds, [("ServiceUnavailableError", "503"), ("InternalServerError", "500")]);
    assert!(errors[0]["message"].as_str().unwrap().contains("boom"));
    assert!(errors[1]["message"].as_str().unwrap().chars().count() <= 300);
    assert_eq!(failing(&json!({})), None, "nobody has asked");
}
