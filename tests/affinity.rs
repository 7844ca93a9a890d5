//! Requests that go to the deployment which answered one like them: sessions, keys, cached prompts, on a scripted host.

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

use std::collections::BTreeSet;

use host::{Got, Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::error::{Error, Kind};
use tollgate::router::{Candidate, CooldownRules, Fallbacks, Filtered, Health, Picking, Plan, RetryRules, Step, Tie};

const MASTER: &str = "sk-master";
const MINUTE: u64 = 60_000;

/// Eight deployments of one group: by chance, a dozen requests would never go to the same one.
fn config(router: &Value) -> Value {
    let deployment = |at: usize| {
        let params = json!({"model": "openai/gpt-4o", "api_key": "k"});
        json!({"model_name": "m", "litellm_params": params, "model_info": {"id": format!("m{at}")}})
    };
    let list: Vec<Value> = (0..8).map(deployment).collect();
    json!({"model_list": list, "router_settings": router, "general_settings": {"master_key": MASTER}})
}

fn stage(router: &Value) -> Stage {
    Stage::new(&config(router), Vec::new())
}

fn checks(names: &[&str]) -> Value {
    json!({"optional_pre_call_checks": names})
}

fn ok() -> Script {
    let choices = json!([{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": choices, "usage": usage});
    answer(200, &body.to_string())
}

fn ask(stage: &Stage, key: &str, headers: &[(&str, &str)], body: &Value) -> Got {
    let bearer = format!("Bearer {key}");
    let headers = [headers, &[("authorization", &*bearer)]].concat();
    let mut whole = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    stage.host.give(vec![ok()]);
    stage.ask("POST", "/v1/chat/completions", &headers, whole.to_string().as_bytes())
}

fn served_by(got: &Got) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    got.headers.get("x-litellm-model-id").unwrap().to_owned()
}

/// Who answers a dozen such requests.
fn dozen(stage: &Stage, key: &str, headers: &[(&str, &str)], body: &Value) -> BTreeSet<String> {
    (0..12).map(|_| served_by(&ask(stage, key, headers, body))).collect()
}

#[test]
fn a_session_is_known_by_any_of_its_names_and_sessions_spread() {
    let stage = stage(&checks(&["session_affinity"]));
    let mut seen = BTreeSet::new();
    for session in 0..12 {
        let body = json!({"metadata": {"session_id": format!("session-{session}")}});
        let own = dozen(&stage, MASTER, &[], &body);
        assert_eq!(own.len(), 1, "{own:?}");
        let name = format!("session-{session}");
        for (headers, body) in [
            (vec![], json!({"litellm_session_id": name})),
            (vec![], json!({"litellm_metadata": {"session_id": name}})),
            (vec![("x-litellm-session-id", &*name)], json!({})),
            (vec![("X-Claude-Code-Session-Id", &*name)], json!({})),
        ] {
            assert!(own.contains(&served_by(&ask(&stage, MASTER, &headers, &body))), "{headers:?} {body}");
        }
        seen.extend(own);
    }
    assert!(seen.len() > 3, "{seen:?}");
    assert!(dozen(&stage, MASTER, &[], &json!({})).len() > 3, "no session, no tie");
}

#[test]
fn a_session_is_its_keys_own() {
    let stage = stage(&checks(&["session_affinity"]));
    let body = json!({"metadata": {"session_id": "shared-name"}});
    let of = |key: &str| dozen(&stage, key, &[], &body);
    let all: Vec<BTreeSet<String>> = (0..6).map(|_| of(&stage.add_key(&json!({})))).collect();
    assert!(all.iter().all(|own| own.len() == 1), "{all:?}");
    assert!(all.iter().flatten().collect::<BTreeSet<_>>().len() > 1, "{all:?}");
}

#[test]
fn a_key_stays_with_a_deployment_and_the_master_key_is_one() {
    let stage = stage(&checks(&["deployment_affinity"]));
    let keys: Vec<String> = (0..8).map(|_| stage.add_key(&json!({}))).chain([MASTER.to_owned()]).collect();
    let all: Vec<BTreeSet<String>> = keys.iter().map(|key| dozen(&stage, key, &[], &json!({"user": "u"}))).collect();
    assert!(all.iter().all(|own| own.len() == 1), "{all:?}");
    assert!(all.iter().flatten().collect::<BTreeSet<_>>().len() > 2, "{all:?}");
    let hour = 60 * MINUTE;
    let mut later = BTreeSet::new();
    for _ in 0..12 {
        stage.host.world.now.set(stage.host.world.now.get() + hour);
        later.insert(served_by(&ask(&stage, MASTER, &[], &json!({}))));
    }
    assert!(later.len() > 3, "an hour without a request ends it: {later:?}");
}

#[test]
fn a_new_session_starts_where_its_key_is() {
    let stage = stage(&checks(&["deployment_affinity", "session_affinity"]));
    let by_key = dozen(&stage, MASTER, &[], &json!({}));
    let session = json!({"metadata": {"session_id": "s"}});
    assert_eq!(dozen(&stage, MASTER, &[], &session), by_key);
}

/// A system prompt of some 3,000 tokens with a mark, then what changes.
fn marked(tail: &str) -> Value {
    let long = "All work and no play makes a dull prompt. ".repeat(300);
    let system = json!([{"type": "text", "text": long, "cache_control": {"type": "ephemeral"}}]);
    json!({"messages": [{"role": "system", "content": system}, {"role": "user", "content": tail}]})
}

#[test]
fn a_cached_prefix_is_asked_for_where_it_is_cached() {
    let stage = stage(&checks(&["prompt_caching"]));
    let first = served_by(&ask(&stage, MASTER, &[], &marked("0")));
    for turn in 1..12 {
        let key = stage.add_key(&json!({}));
        stage.host.world.now.set(stage.host.world.now.get() + 4 * MINUTE);
        assert_eq!(
            served_by(&ask(&stage, &key, &[], &marked(&turn.to_string()))),
            first,
            "whoever asks, and keeps it warm"
        );
    }
    let mut unmarked = marked("1");
    unmarked["messages"][0]["content"][0].as_object_mut().unwrap().remove("cache_control");
    assert!(dozen(&stage, MASTER, &[], &unmarked).len() > 3);
    let short = json!([{"type": "text", "text": "short", "cache_control": {"type": "ephemeral"}}]);
    let short = json!({"messages": [{"role": "user", "content": short}]});
    assert!(dozen(&stage, MASTER, &[], &short).len() > 3, "providers do not cache it");
    let mut middling = marked("1");
    middling["messages"][0]["content"][0]["text"] = json!("All work and no play makes a dull prompt. ".repeat(70));
    assert!(dozen(&stage, MASTER, &[], &middling).len() > 3, "its tokens count, not the bound on them");
    let mut later = BTreeSet::new();
    for _ in 0..12 {
        stage.host.world.now.set(stage.host.world.now.get() + 5 * MINUTE);
        later.insert(served_by(&ask(&stage, MASTER, &[], &marked("z"))));
    }
    assert!(later.len() > 3, "after five minutes it is cached nowhere: {later:?}");
}

#[test]
fn a_conversation_whose_mark_moves_on_stays() {
    let stage = stage(&checks(&["prompt_caching"]));
    let mut body = marked("first");
    let first = served_by(&ask(&stage, MASTER, &[], &body));
    for turn in 0..6 {
        let messages = body["messages"].as_array_mut().unwrap();
        for message in messages.iter_mut() {
            if let Some(block) = message["content"].get_mut(0) {
                block.as_object_mut().unwrap().remove("cache_control");
            }
        }
        messages.push(json!({"role": "assistant", "content": format!("answer {turn}")}));
        let text = json!({"type": "text", "text": format!("and {turn}?"), "cache_control": {"type": "ephemeral"}});
        messages.push(json!({"role": "user", "content": [text]}));
        assert_eq!(served_by(&ask(&stage, MASTER, &[], &body)), first, "turn {turn}");
    }
}

#[test]
fn a_stream_ties_from_its_first_event_on() {
    let stage = stage(&checks(&["session_affinity"]));
    let chunk = json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": "hel"}}]});
    let pieces = vec![Piece::Bytes(format!("data: {chunk}\n\n").into_bytes()), Piece::Forever];
    stage.host.give(vec![Script { pieces, ..answer(200, "") }]);
    let mut body = json!({"model": "m", "stream": true, "metadata": {"session_id": "s"}});
    body["messages"] = json!([{"role": "user", "content": "hi"}]);
    let bearer = format!("Bearer {MASTER}");
    let headers = [("authorization", &*bearer)];
    let reply = stage.begin("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes());
    let own = reply.headers.get("x-litellm-model-id").unwrap().to_owned();
    assert_eq!(dozen(&stage, MASTER, &[], &json!({"metadata": {"session_id": "s"}})), BTreeSet::from([own]));
}

#[test]
fn a_dry_run_tells_who_is_preferred_and_by_what() {
    let stage = stage(&checks(&["session_affinity"]));
    let body = json!({"metadata": {"session_id": "s"}});
    let own = served_by(&ask(&stage, MASTER, &[], &body));
    let mut whole = body;
    whole["model"] = json!("m");
    whole["messages"] = json!([{"role": "user", "content": "hi"}]);
    let bearer = format!("Bearer {MASTER}");
    let got = stage.ask("POST", "/utils/route", &[("authorization", &bearer)], whole.to_string().as_bytes());
    let told: Value = serde_json::from_slice(&got.body).unwrap();
    for deployment in told["deployments"].as_array().unwrap() {
        let is_own = deployment["id"] == *own;
        assert_eq!(deployment["preferred_by"], if is_own { json!("session_affinity") } else { Value::Null }, "{told}");
        assert_eq!(deployment["probability"], json!(if is_own { 1.0 } else { 0.0 }), "{told}");
    }
}

#[test]
fn a_routing_group_of_several_models_ties_no_session_and_priorities_tie_nothing() {
    let mut config = config(&checks(&["session_affinity", "prompt_caching"]));
    for at in 0..4 {
        config["model_list"][at]["model_name"] = json!("n");
    }
    config["router_settings"]["routing_groups"] =
        json!([{"group_name": "both", "models": ["m", "n"], "routing_strategy": "simple-shuffle"}]);
    let mut body = json!({"model": "both", "metadata": {"session_id": "s"}});
    assert!(dozen(&Stage::new(&config, Vec::new()), MASTER, &[], &body).len() > 3);
    body["messages"] = marked("a")["messages"].clone();
    assert_eq!(dozen(&Stage::new(&config, Vec::new()), MASTER, &[], &body).len(), 1, "a prefix is cached all the same");
    config["router_settings"]["routing_groups"][0]["routing_strategy"] = json!("priority");
    config["router_settings"]["routing_groups"][0]["model_priorities"] = json!({"m": 1, "n": 1});
    assert!(dozen(&Stage::new(&config, Vec::new()), MASTER, &[], &body).len() > 3);
}

fn plan(ties: &[(u128, bool)]) -> Plan {
    let candidates = ["a", "b", "c"].map(|id| Candidate { id: id.to_owned(), ..Candidate::default() });
    let plan = Plan::new("m", candidates.to_vec(), RetryRules::default(), Fallbacks::default());
    let tie = |(key, moves): &(u128, bool)| Tie { check: "t", keys: vec![*key, 99], ttl_ms: 10_000, moves: *moves };
    plan.with(Picking { ties: ties.iter().map(tie).collect(), ..Picking::default() }, false, true)
}

fn tied() -> Plan {
    plan(&[(1, false)])
}

/// Who is asked first: without a tie the last one that may be picked.
fn first(plan: &mut Plan, health: &Health, now_ms: u64) -> String {
    match plan.next(health, now_ms, u64::MAX) {
        Step::Attempt(at) => plan.candidates()[at].id.clone(),
        step => panic!("{step:?}"),
    }
}

fn rest(health: &mut Health, id: &str, now_ms: u64) {
    let candidate = Candidate { id: id.to_owned(), ..Candidate::default() };
    let slow = Error::upstream(Kind::RateLimit, "p", 429, "slow");
    health.failed(&candidate, &slow, (3, 10), &CooldownRules::default(), now_ms);
}

#[test]
fn of_several_first_requests_at_once_the_first_answer_decides() {
    let mut health = Health::default();
    assert_eq!(first(&mut tied(), &health, 0), "c");
    tied().answered("a", &mut health, 0);
    tied().answered("b", &mut health, 10);
    assert_eq!(first(&mut tied(), &health, 20), "a");
    plan(&[(1, true)]).answered("b", &mut health, 30);
    assert_eq!(first(&mut tied(), &health, 40), "b", "a prompt is cached where it was answered last");
    assert_eq!(first(&mut tied(), &health, 10_030), "c", "a pin holds for its time");
}

#[test]
fn the_first_tie_decides_and_the_next_where_its_deployment_is_out() {
    let mut health = Health::default();
    plan(&[(1, false)]).answered("a", &mut health, 0);
    plan(&[(2, false)]).answered("b", &mut health, 0);
    let both = || plan(&[(1, false), (2, false)]);
    assert_eq!(first(&mut both(), &health, 10), "a");
    assert_eq!(first(&mut plan(&[(2, false), (1, false)]), &health, 10), "b");
    rest(&mut health, "a", 20);
    assert_eq!(first(&mut both(), &health, 30), "b");
}

#[test]
fn a_tie_moves_when_its_deployment_is_out_and_stays_there() {
    let mut health = Health::default();
    tied().answered("a", &mut health, 0);
    rest(&mut health, "a", 0);
    let mut plan = tied();
    assert_eq!(first(&mut plan, &health, 10), "c");
    plan.answered("b", &mut health, 20);
    assert_eq!(first(&mut tied(), &health, 6_000), "b", "the rest of the other one is over");
}

#[test]
fn what_a_request_has_tried_it_is_not_tied_to() {
    let mut health = Health::default();
    tied().answered("a", &mut health, 0);
    let mut plan = tied();
    assert_eq!(first(&mut plan, &health, 10), "a");
    plan.failed(Error::upstream(Kind::ServiceUnavailable, "p", 503, "down"));
    assert_eq!(first(&mut plan, &health, 20), "c");
    plan.answered("b", &mut health, 30);
    assert_eq!(first(&mut tied(), &health, 40), "b", "it has failed, so another one took over");
}

#[test]
fn a_deployment_that_is_gone_or_has_no_room_ties_nobody() {
    let mut health = Health::default();
    tied().answered("gone", &mut health, 0);
    assert_eq!(first(&mut tied(), &health, 10), "c");
    tied().answered("a", &mut health, 20);
    let mut plan = tied();
    assert_eq!(first(&mut plan, &health, 30), "a");
    plan.full(Filtered::Limit { limit: "rpm", retry_after_ms: 1_000 });
    assert_eq!(first(&mut plan, &health, 40), "c");
}
