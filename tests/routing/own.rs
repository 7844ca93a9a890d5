//! `router_settings` of keys and teams: the request's word comes first, then the key's, then its team's.

use serde_json::{Value, json};

use super::{DOWN, call, chat, config, ok};
use crate::host::{Got, Stage, answer};

fn stage(rest: &Value) -> Stage {
    Stage::new(&config(rest), Vec::new())
}

fn post(stage: &Stage, path: &str, body: &Value) -> Value {
    let got = call(stage, "POST", path, body);
    assert_eq!(got.status, 200, "{path}: {}", got.text());
    got.json()
}

/// A key with these fields, and one of a team with the settings `team`.
fn key(stage: &Stage, body: &Value) -> String {
    post(stage, "/key/generate", body)["key"].as_str().unwrap().to_owned()
}

fn team(stage: &Stage, settings: &Value) -> String {
    post(stage, "/team/new", &json!({"router_settings": settings}))["team_id"].as_str().unwrap().to_owned()
}

fn ask(stage: &Stage, key: &str, more: &Value) -> Got {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    stage.chat_as(key, &body)
}

fn group(got: &Got) -> String {
    format!("{} {}", got.status, got.headers.get("x-litellm-model-group").unwrap_or_default())
}

fn dry(stage: &Stage, key: &str, more: &Value) -> Value {
    let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let bearer = format!("Bearer {key}");
    let got = stage.ask("POST", "/utils/route", &[("authorization", &bearer)], body.to_string().as_bytes());
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()
}

#[test]
fn fallbacks_are_the_keys_then_the_teams_then_the_configurations() {
    let stage = stage(&json!({"router_settings": {"fallbacks": [{"m": ["big"]}], "disable_cooldowns": true}}));
    let team = team(&stage, &json!({"fallbacks": [{"m": ["spare"]}]}));
    let to = |models: &[&str]| json!({"fallbacks": [{"m": models}]});
    let of_team = key(&stage, &json!({"team_id": team}));
    let own = key(&stage, &json!({"team_id": team, "router_settings": to(&["big"])}));
    let plain = key(&stage, &json!({}));
    let elsewhere = key(&stage, &json!({"router_settings": {"fallbacks": [{"other": ["spare"]}]}}));
    let barred = key(&stage, &json!({"models": ["m"], "router_settings": to(&["spare"])}));
    for (key, served, why) in [
        (&of_team, "200 spare", "the team's"),
        (&own, "200 big", "the key's"),
        (&plain, "200 big", "the configuration's"),
        (&elsewhere, "503 m", "a list stands for the whole of the configuration's"),
        (&barred, "503 m", "what the key may not call is no fallback of it"),
    ] {
        let falls = served.starts_with("200");
        stage.host.give(vec![answer(503, DOWN)].into_iter().chain(falls.then(ok)).collect());
        assert_eq!(group(&ask(&stage, key, &json!({}))), served, "{why}");
    }
    stage.host.give(vec![answer(503, DOWN), ok()]);
    assert_eq!(group(&ask(&stage, &of_team, &json!({"fallbacks": ["big"]}))), "200 big", "the request's own");
    assert_eq!(dry(&stage, &of_team, &json!({}))["fallbacks"]["fallbacks"], json!(["spare"]));
}

#[test]
fn a_key_with_settings_takes_none_of_its_teams() {
    let stage = stage(&json!({}));
    let team = team(&stage, &json!({"num_retries": 3, "routing_strategy": "least-busy"}));
    let own = key(&stage, &json!({"team_id": team, "router_settings": {"timeout": 9}}));
    assert_eq!(dry(&stage, &own, &json!({}))["routing_strategy"], "simple-shuffle", "as in LiteLLM");
}

#[test]
fn retries_time_outs_and_strategies_are_the_requests_then_the_keys_then_the_teams() {
    let stage = stage(&json!({"router_settings": {"timeout": 60, "disable_cooldowns": true, "retry_after": 0}}));
    let settings = |retries: u32| {
        json!({"num_retries": retries, "timeout": f64::from(retries), "routing_strategy": "least-busy",
            "model_group_retry_policy": {"m": {"ServiceUnavailableErrorRetries": 5}}})
    };
    let team = team(&stage, &settings(2));
    let of_team = key(&stage, &json!({"team_id": team}));
    let own = key(&stage, &json!({"team_id": team, "router_settings": settings(1)}));
    let plain = key(&stage, &json!({}));
    for (key, more, attempts, ms, strategy) in [
        (&plain, json!({}), 1, 60_000, "simple-shuffle"),
        (&of_team, json!({}), 3, 2_000, "least-busy"),
        (&own, json!({}), 2, 1_000, "least-busy"),
        (
            &own,
            json!({"num_retries": 0, "timeout": 0.5, "routing_strategy": "cost-based-routing"}),
            1,
            500,
            "cost-based-routing",
        ),
    ] {
        assert_eq!(dry(&stage, key, &more)["routing_strategy"], strategy, "{more}");
        let before = stage.host.sent.borrow().len();
        stage.host.give(vec![answer(503, DOWN); attempts]);
        assert_eq!(ask(&stage, key, &more).status, 503);
        assert_eq!(stage.host.sent.borrow().len() - before, attempts, "{more}");
        let mut once = more.clone();
        once["num_retries"] = json!(0);
        stage.host.give(vec![crate::host::Script { delay_ms: None, ..answer(200, "") }]);
        let late = ask(&stage, key, &once);
        assert_eq!((late.status, late.ms), (408, ms), "{more}");
    }
    let policy = key(&stage, &json!({"router_settings": {"retry_policy": {"ServiceUnavailableErrorRetries": 2}}}));
    let before = stage.host.sent.borrow().len();
    stage.host.give(vec![answer(503, DOWN); 3]);
    assert_eq!(ask(&stage, &policy, &json!({})).status, 503);
    assert_eq!(stage.host.sent.borrow().len() - before, 3);
}

#[test]
fn weights_aliases_and_tags_are_the_keys() {
    let deployment = |group: &str, id: &str, tags: &[&str]| {
        let params = json!({"model": "openai/x", "api_key": "k", "tags": tags, "mock_response": "ok"});
        json!({"model_name": group, "litellm_params": params, "model_info": {"id": id}})
    };
    let list = [deployment("m", "a", &["red"]), deployment("m", "b", &["blue"]), deployment("n", "c", &[])];
    let mut config = config(&json!({"router_settings": {"weights": {"m": {"a": 1, "b": 1}}}}));
    config["model_list"] = json!(list);
    let stage = Stage::new(&config, Vec::new());
    let with = |settings: Value| key(&stage, &json!({"router_settings": settings}));
    let served = |key: &str, more: Value| {
        let got = ask(&stage, key, &more);
        let id = got.headers.get("x-litellm-model-id").unwrap_or_default();
        if got.status == 200 { id.to_owned() } else { format!("{}", got.status) }
    };
    let weighted = with(json!({"weights": {"m": {"a": 0, "b": 2}}}));
    assert!((0..12).all(|_| served(&weighted, json!({})) == "b"));
    let tagged = with(json!({"enable_tag_filtering": true}));
    assert!((0..12).all(|_| served(&tagged, json!({"tags": ["red"]})) == "a"));
    let plain = with(json!({"enable_tag_filtering": false}));
    assert!((0..30).any(|_| served(&plain, json!({"tags": ["red"]})) == "b"));
    let alias = with(json!({"model_group_alias": {"mine": "n", "yours": {"model": "n", "hidden": true}}}));
    assert_eq!(
        (served(&alias, json!({"model": "mine"})), served(&alias, json!({"model": "yours"}))),
        ("c".into(), "c".into())
    );
    assert_eq!(served(&plain, json!({"model": "mine"})), "404");
    let barred = json!({"models": ["m"], "router_settings": {"model_group_alias": {"mine": "n"}}});
    assert_eq!(served(&key(&stage, &barred), json!({"model": "mine"})), "403", "the alias of what it may not call");
}

#[test]
fn settings_are_shown_changed_taken_back_and_refused_by_name() {
    let stage = stage(&json!({}));
    let own = key(&stage, &json!({"router_settings": {"num_retries": 1, "allowed_fails": null}}));
    let shown =
        || call(&stage, "GET", &format!("/key/info?key={own}"), &Value::Null).json()["info"]["router_settings"].clone();
    assert_eq!(shown(), json!({"num_retries": 1}));
    post(&stage, "/key/update", &json!({"key": own, "router_settings": {"timeout": 5}}));
    assert_eq!(shown(), json!({"timeout": 5}), "a new object takes the place of the old one");
    post(&stage, "/key/update", &json!({"key": own, "router_settings": null}));
    assert_eq!(shown(), Value::Null);
    for (path, settings, words) in [
        ("/key/generate", json!({"allowed_fails": 3}), "`allowed_fails` has no effect on a key or a team"),
        ("/team/new", json!({"routing_strategy": "luck"}), "`routing_strategy`: expected the name of a strategy"),
    ] {
        let got = call(&stage, "POST", path, &json!({"router_settings": settings}));
        let error = &got.json()["error"];
        assert_eq!((got.status, &error["param"]), (400, &json!("router_settings")), "{error}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
    assert_eq!(chat(&stage, "m", &json!({"mock_response": "ok"})).status, 200);
}
