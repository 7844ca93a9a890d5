//! `GET /health` on a scripted host: whom it asks, what it sends, tells and logs.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::needless_pass_by_value, reason = "a story writes its JSON where it needs it")]

#[allow(dead_code, clippy::expect_used, clippy::panic, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

use std::cell::Cell;
use std::rc::Rc;

use host::{Got, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::keys::ledger::{ScopeId, ScopeKind};

const MASTER: &str = "sk-master";
const UPSTREAM_KEY: &str = "sk-upstream-secret-key";

fn entry(group: &str, id: &str, params: Value, info: Value) -> Value {
    let mut all = json!({"api_key": UPSTREAM_KEY, "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    let mut model_info = json!({"id": id});
    model_info.as_object_mut().unwrap().extend(info.as_object().unwrap().clone());
    json!({"model_name": group, "litellm_params": all, "model_info": model_info})
}

fn stage(entries: &[Value], general: Value, scripts: Vec<Script>) -> Stage {
    let mut settings = json!({"master_key": MASTER});
    settings.as_object_mut().unwrap().extend(general.as_object().unwrap().clone());
    Stage::new(&json!({"model_list": entries, "general_settings": settings}), scripts)
}

fn health(stage: &Stage, key: &str, query: &str) -> Got {
    let bearer = format!("Bearer {key}");
    stage.ask("GET", &format!("/health{query}"), &[("authorization", &bearer)], b"")
}

fn chat() -> Script {
    let choices = json!([{"index": 0, "message": {"role": "assistant", "content": "2"}, "finish_reason": "stop"}]);
    let usage = json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30});
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "own", "choices": choices, "usage": usage});
    Script { headers: vec![("x-ratelimit-remaining-requests", "99")], ..answer(200, &body.to_string()) }
}

fn wrong_key() -> Script {
    let message = format!("Incorrect API key provided: {UPSTREAM_KEY}. {}", "long ".repeat(200));
    answer(401, &json!({"error": {"message": message, "code": "invalid_api_key"}}).to_string())
}

fn silent() -> Script {
    Script { delay_ms: None, ..answer(200, "") }
}

#[test]
fn each_deployment_is_asked_and_told_as_healthy_or_not() {
    let base = "http://user:pass@upstream.test/v1?token=abc";
    let entries = [
        entry("m", "good", json!({"model": "openai/a", "api_base": base}), json!({})),
        entry("m", "refused", json!({"model": "openai/b"}), json!({})),
        entry("n", "slow", json!({"model": "openai/c", "timeout": 1}), json!({"health_check_timeout": 2.5})),
    ];
    let stage = stage(&entries, json!({}), vec![chat(), wrong_key(), silent()]);
    let got = health(&stage, MASTER, "");
    assert_eq!((got.status, got.ms), (200, 2_500), "{}", got.text());
    let told = got.json();
    assert_eq!((told["healthy_count"].as_u64(), told["unhealthy_count"].as_u64()), (Some(1), Some(2)));
    let want = json!({"model": "openai/a", "custom_llm_provider": "openai", "model_id": "good",
        "api_base": "http://upstream.test/v1", "mode": "chat", "x-ratelimit-remaining-requests": "99"});
    assert_eq!(told["healthy_endpoints"], json!([want]));
    let [refused, slow] = told["unhealthy_endpoints"].as_array().unwrap().as_slice() else { unreachable!() };
    assert_eq!((refused["model_id"].as_str(), refused["exception_status"].as_u64()), (Some("refused"), Some(401)));
    let error = refused["error"].as_str().unwrap();
    assert!(error.contains("Incorrect API key") && error.chars().count() == 300, "{error}");
    assert_eq!((slow["model_id"].as_str(), slow["exception_status"].as_u64()), (Some("slow"), Some(408)));
    assert!(slow["error"].as_str().unwrap().contains("2500 ms"), "{slow}");
    for secret in [UPSTREAM_KEY, "user:pass", "token=abc"] {
        assert!(!got.text().contains(secret), "{secret} in {}", got.text());
    }
    let sent = stage.sent();
    assert_eq!((&sent[0]["max_tokens"], &sent[0]["model"]), (&json!(16), &json!("a")));
}

#[test]
fn what_was_spent_is_logged_as_a_call_of_its_own_type() {
    let stage = stage(&[entry("m", "a", json!({"model": "openai/a"}), json!({}))], json!({}), vec![chat()]);
    assert_eq!(health(&stage, MASTER, "").status, 200);
    let mut logged = Vec::new();
    stage.host.books.borrow().each(|entry| {
        let subject = &entry.subject;
        logged.push((subject.call_type.clone(), subject.key.clone(), subject.model_group.clone()));
    });
    assert_eq!(logged, [("health_check".to_owned(), String::new(), "m".to_owned())]);
    let spent = stage.host.books.borrow_mut().ledger(&ScopeId::global()).ledger.view(&ScopeId::global()).unwrap();
    assert_eq!(spent.windows[0].spent.to_string(), "0.05");
}

#[test]
fn a_wildcard_is_asked_for_the_model_that_its_entry_names() {
    let wild = |id: &str, info: Value| entry("openai/*", id, json!({"model": "openai/*"}), info);
    let entries = [
        wild("named", json!({"health_check_model": "openai/gpt-4o-mini", "health_check_max_tokens": 1})),
        wild("nameless", json!({})),
        entry("*", "any", json!({"model": "*"}), json!({"health_check_model": "groq/llama-3.1-8b-instant"})),
    ];
    let stage = stage(&entries, json!({}), vec![chat(), chat()]);
    let told = health(&stage, MASTER, "").json();
    assert_eq!(told["healthy_count"], 2, "{told}");
    let models: Vec<&Value> = told["healthy_endpoints"].as_array().unwrap().iter().map(|one| &one["model"]).collect();
    assert_eq!(models, ["openai/gpt-4o-mini", "groq/llama-3.1-8b-instant"]);
    let nameless = &told["unhealthy_endpoints"][0];
    assert_eq!(nameless["model_id"], "nameless");
    assert!(nameless["error"].as_str().unwrap().contains("model_info.health_check_model"), "{nameless}");
    let sent = stage.sent();
    assert_eq!((&sent[0]["model"], &sent[0]["max_tokens"]), (&json!("gpt-4o-mini"), &json!(1)));
    assert!(stage.host.sent.borrow()[1].url.contains("groq.com"), "it goes to the model's own provider");
}

#[test]
fn a_model_is_asked_for_what_it_does() {
    let entries = [
        entry("e", "e", json!({"model": "openai/text-embedding-3-small"}), json!({})),
        entry("own", "own", json!({"model": "openai/own"}), json!({"mode": "embedding"})),
        entry("r", "r", json!({"model": "cohere/rerank-v3.5"}), json!({"mode": "rerank"})),
        entry("i", "i", json!({"model": "openai/dall-e-3"}), json!({"mode": "image_generation"})),
    ];
    let vectors = json!({"object": "list", "model": "e", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
        "usage": {"prompt_tokens": 2, "total_tokens": 2}});
    let ranks = json!({"id": "r", "results": [{"index": 0, "relevance_score": 0.5}],
        "meta": {"billed_units": {"search_units": 1}}});
    let vectors = answer(200, &vectors.to_string());
    let stage = stage(&entries, json!({}), vec![vectors.clone(), vectors, answer(200, &ranks.to_string())]);
    let told = health(&stage, MASTER, "").json();
    let modes: Vec<&Value> = told["healthy_endpoints"].as_array().unwrap().iter().map(|one| &one["mode"]).collect();
    assert_eq!(modes, ["embedding", "embedding", "rerank"], "{told}");
    assert!(told["unhealthy_endpoints"][0]["error"].as_str().unwrap().contains("image_generation"), "{told}");
    assert!(stage.sent().iter().all(|body| body.get("max_tokens").is_none()));
}

#[test]
fn one_model_or_one_deployment_is_asked_alone() {
    let entries = [
        entry("m", "1", json!({"model": "openai/a"}), json!({})),
        entry("m", "2", json!({"model": "openai/b"}), json!({})),
        entry("n", "3", json!({"model": "openai/c"}), json!({})),
    ];
    let down = || answer(500, r#"{"error":{"message":"down"}}"#);
    for (query, scripts, asked, status) in [
        ("?model=m", vec![chat(), down()], vec!["a", "b"], 200),
        ("?model=openai%2Fc", vec![chat()], vec!["c"], 200),
        ("?model=n", vec![down()], vec!["c"], 503),
        ("?model_id=2", vec![chat()], vec!["b"], 200),
        ("?model_id=2&model=n", vec![down()], vec!["b"], 503),
        ("?model=nobody", vec![], vec![], 404),
        ("?model_id=9", vec![], vec![], 404),
    ] {
        let stage = stage(&entries, json!({}), scripts);
        let got = health(&stage, MASTER, query);
        assert_eq!(got.status, status, "{query}: {}", got.text());
        let models: Vec<Value> = stage.sent().into_iter().map(|body| body["model"].clone()).collect();
        assert_eq!(models, asked, "{query}");
    }
}

#[test]
fn only_the_proxy_admin_may_ask() {
    let stage = stage(&[entry("m", "a", json!({"model": "openai/a"}), json!({}))], json!({}), vec![]);
    let key = stage.add_key(&json!({"models": ["m"]}));
    assert_eq!(health(&stage, &key, "").status, 403);
    assert_eq!(stage.ask("GET", "/health", &[], b"").status, 401);
    assert_eq!(stage.sent().len(), 0);
}

#[test]
fn an_opted_out_deployment_is_left_out_where_the_configuration_says_so() {
    let opted_out = json!({"disable_background_health_check": true});
    let entries = [
        entry("m", "a", json!({"model": "openai/a"}), opted_out),
        entry("m", "b", json!({"model": "openai/b"}), json!({})),
    ];
    for (skip, asked) in [(false, vec!["a", "b"]), (true, vec!["b"])] {
        let general = json!({"health_check_skip_disabled_background_models": skip});
        let stage = stage(&entries, general, vec![chat(), chat()]);
        assert_eq!(health(&stage, MASTER, "").json()["healthy_count"], asked.len());
        let models: Vec<Value> = stage.sent().into_iter().map(|body| body["model"].clone()).collect();
        assert_eq!(models, asked);
    }
}

#[test]
fn a_check_counts_within_the_deployments_own_limits() {
    let limited = json!({"model": "openai/a", "max_budget": 0.3, "max_parallel_requests": 1});
    let stage = stage(&[entry("m", "a", limited, json!({}))], json!({}), (0..8).map(|_| chat()).collect());
    let told: Vec<Value> = (0..8).map(|_| health(&stage, MASTER, "").json()).collect();
    let healthy = told.iter().filter(|told| told["healthy_count"] == 1).count();
    assert!((1..=6).contains(&healthy), "{told:?}");
    assert_eq!(told[7]["unhealthy_endpoints"][0]["exception_status"], 429, "{}", told[7]);
    assert_eq!(stage.sent().len(), healthy, "nothing is sent to a full one");
    let scope = ScopeId::new(ScopeKind::Deployment, "a");
    let view = stage.host.books.borrow_mut().ledger(&scope).ledger.view(&scope).unwrap();
    assert_eq!((view.open, view.windows[0].spent.pico()), (0, healthy as i128 * 50_000_000_000));
}

#[test]
fn eight_are_asked_at_a_time() {
    let entries: Vec<Value> =
        (0..20).map(|n| entry("m", &n.to_string(), json!({"model": format!("openai/{n}")}), json!({}))).collect();
    let stage = stage(&entries, json!({}), vec![]);
    let at: Rc<Cell<Vec<u64>>> = Rc::default();
    let seen = at.clone();
    stage.host.play.replace(Some(Box::new(move |_, now| {
        let mut times = seen.take();
        times.push(now);
        seen.set(times);
        Script { delay_ms: Some(1_000), ..chat() }
    })));
    let got = health(&stage, MASTER, "");
    assert_eq!((got.ms, &got.json()["healthy_count"]), (3_000, &json!(20)));
    let times = at.take();
    let asked_at = |ms: u64| times.iter().filter(|at| **at == ms).count();
    assert_eq!((asked_at(0), asked_at(1_000), asked_at(2_000)), (8, 8, 4));
    let ids: Vec<String> = got.json()["healthy_endpoints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["model_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, (0..20).map(|n| n.to_string()).collect::<Vec<_>>(), "in the order of the configuration");
}

fn background(more: Value) -> Value {
    let mut general = json!({"background_health_checks": true, "health_check_interval": 60});
    general.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    general
}

fn two(info: Value) -> [Value; 2] {
    [entry("m", "a", json!({"model": "openai/a"}), json!({})), entry("m", "b", json!({"model": "openai/b"}), info)]
}

fn ids(told: &Value, list: &str) -> Vec<String> {
    told[list].as_array().unwrap().iter().map(|told| told["model_id"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn background_checks_are_told_without_a_question_until_the_next_one() {
    let stage = stage(&two(json!({})), background(json!({})), vec![chat(), wrong_key()]);
    assert_eq!(stage.gateway.check_interval_ms(), Some(60_000));
    assert!(stage.check());
    for _ in 0..2 {
        let got = health(&stage, MASTER, "");
        let told = got.json();
        assert_eq!(
            (ids(&told, "healthy_endpoints"), ids(&told, "unhealthy_endpoints")),
            (vec!["a".into()], vec!["b".into()])
        );
        assert_eq!((told["healthy_count"].as_u64(), told["unhealthy_count"].as_u64()), (Some(1), Some(1)));
        assert_eq!(told["checked_at"], "2023-11-14T22:13:20Z");
    }
    assert_eq!(health(&stage, MASTER, "?model_id=b").status, 503, "narrowed to what was named");
    assert_eq!(health(&stage, MASTER, "?model_id=a").status, 200);
    assert_eq!(stage.sent().len(), 2, "nobody is asked for an answer that is there");
    stage.host.world.now.set(29_000);
    assert!(!stage.check(), "another instance has just asked");
    stage.host.world.now.set(31_000);
    stage.host.give(vec![chat(), chat()]);
    assert!(stage.check());
    assert_eq!(ids(&health(&stage, MASTER, "").json(), "healthy_endpoints"), ["a", "b"]);
}

#[test]
fn without_background_checks_nothing_is_asked_or_kept() {
    let stage = stage(&two(json!({})), json!({"health_check_interval": 60}), vec![chat(); 4]);
    assert!(!stage.check());
    for asked in [2, 4] {
        assert_eq!(health(&stage, MASTER, "").json()["checked_at"], Value::Null);
        assert_eq!(stage.sent().len(), asked);
    }
}

#[test]
fn a_deployment_opts_out_and_groups_are_named() {
    let stage = stage(&two(json!({"disable_background_health_check": true})), background(json!({})), vec![chat()]);
    assert!(stage.check());
    assert_eq!(ids(&health(&stage, MASTER, "").json(), "healthy_endpoints"), ["a"]);
    let entries = [two(json!({}))[0].clone(), entry("n", "c", json!({"model": "openai/c"}), json!({}))];
    let general = background(json!({"background_health_check_model_groups": ["n"]}));
    let stage = self::stage(&entries, general, vec![chat()]);
    assert!(stage.check());
    assert_eq!(ids(&health(&stage, MASTER, "").json(), "healthy_endpoints"), ["c"]);
}

/// Who answers a dozen calls.
fn served(stage: &Stage) -> std::collections::BTreeSet<String> {
    let one = |_| {
        stage.host.give(vec![chat()]);
        let bearer = format!("Bearer {MASTER}");
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]}).to_string();
        let got = stage.ask("POST", "/v1/chat/completions", &[("authorization", &bearer)], body.as_bytes());
        assert_eq!(got.status, 200, "{}", got.text());
        got.headers.get("x-litellm-model-id").unwrap().to_owned()
    };
    (0..12).map(one).collect()
}

#[test]
fn routing_passes_over_the_unhealthy_while_that_is_fresh() {
    let routing = json!({"enable_health_check_routing": true, "health_check_staleness_threshold": 100});
    let first = stage(&two(json!({})), background(routing), vec![]);
    assert_eq!(served(&first).len(), 2, "nothing is known yet");
    first.host.give(vec![chat(), wrong_key()]);
    first.check();
    assert_eq!(served(&first), ["a".to_owned()].into());
    first.host.world.now.set(first.host.world.now.get() + 101_000);
    assert_eq!(served(&first).len(), 2, "what is too old says nothing");
    let off = stage(&two(json!({})), background(json!({})), vec![chat(), wrong_key()]);
    off.check();
    assert_eq!(served(&off).len(), 2, "it is switched on by a setting of its own");
}

#[test]
fn where_all_are_unhealthy_they_are_asked_all_the_same() {
    let routing = background(json!({"enable_health_check_routing": true}));
    let stage = stage(&two(json!({})), routing, vec![wrong_key(), wrong_key()]);
    stage.check();
    assert_eq!(served(&stage).len(), 2);
}

#[test]
fn transient_errors_and_policies_of_cooldowns_leave_routing_alone() {
    let limited = || answer(429, r#"{"error":{"message":"slow down"}}"#);
    for (general, router, whole) in [
        (json!({}), json!({}), false),
        (json!({"health_check_ignore_transient_errors": true}), json!({}), true),
        (json!({}), json!({"allowed_fails_policy": {"RateLimitErrorAllowedFails": 9}}), true),
        (
            json!({"background_health_check_model_groups": ["m"]}),
            json!({"allowed_fails_policy": {"RateLimitErrorAllowedFails": 9}}),
            false,
        ),
    ] {
        let mut settings = background(general.clone());
        settings["master_key"] = json!(MASTER);
        settings["enable_health_check_routing"] = json!(true);
        let entries = two(json!({}));
        let config = json!({"model_list": entries, "general_settings": settings, "router_settings": router});
        let stage = Stage::new(&config, vec![chat(), limited()]);
        stage.check();
        assert_eq!(served(&stage).len() == 2, whole, "{general} {router}");
    }
}

#[test]
fn another_instance_hears_of_it() {
    let routing = background(json!({"enable_health_check_routing": true}));
    let one = stage(&two(json!({})), routing.clone(), vec![chat(), wrong_key()]);
    one.check();
    let mut other = stage(&two(json!({})), routing, vec![]);
    other.host = one.host;
    let mut seen = served(&other);
    // The first call hears of it beside its attempt, for the next one's sake.
    seen.clear();
    seen.extend(served(&other));
    assert_eq!(seen, ["a".to_owned()].into());
}
