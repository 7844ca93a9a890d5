//! Names that stand for several model groups, and the dry run that tells where a request would go.

use serde_json::{Value, json};

use super::host::{Got, Stage};
use super::{MASTER, answered, answering, ask, chat, entry, image, stage};

fn groups(names: &[&str]) -> Vec<Value> {
    names.iter().map(|name| entry(name, name, &json!({}), &json!({}))).collect()
}

fn says(text: &str) -> Value {
    json!({"messages": [{"role": "user", "content": text}]})
}

fn header(got: &Got, name: &str) -> String {
    got.headers.get(name).unwrap_or_default().to_owned()
}

fn route(stage: &Stage, headers: &[(&str, &str)], body: &Value) -> Got {
    stage.ask("POST", "/utils/route", headers, body.to_string().as_bytes())
}

/// The guides' cost-optimised routing: short asks are simple, some words are complex, all else is in between.
fn cost_optimised() -> Stage {
    let router = json!({"task_routing": {"auto": [
        {"model": "vision", "images": true},
        {"model": "small", "max_words": 9, "tools": false},
        {"model": "large", "keywords": ["analyze", "compare", "complex", "detailed"]},
        {"model": "large", "min_tokens": 2000},
        {"model": "medium"},
    ]}});
    stage(groups(&["small", "medium", "large", "vision"]), &router)
}

#[test]
fn the_first_rule_that_holds_names_the_model() {
    let stage = cost_optimised();
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
    let ordinary = "please write me a letter to my landlord about the heating";
    for (rule, rest, wanted) in [
        ("few words", says("what is the time?"), "small"),
        ("few words with tools", tools, "medium"),
        ("a keyword", says(&format!("{ordinary}, and compare two offers")), "large"),
        ("none", says(ordinary), "medium"),
        ("many tokens", says(&ordinary.repeat(300)), "large"),
        ("an image", image(), "vision"),
    ] {
        assert_eq!(answered(&chat(&stage, &[], &ask("auto", &rest))), wanted, "{rule}");
    }
    let got = chat(&stage, &[], &ask("auto", &says("hi")));
    assert_eq!(header(&got, "x-litellm-model-group"), "small");
    assert_eq!(header(&got, "x-litellm-routing-decision"), "auto -> small by rule 2");
    let listed = stage.ask("GET", "/v1/models", MASTER, b"").text();
    assert!(listed.contains("\"auto\""), "{listed}");
    assert_eq!(stage.ask("GET", "/v1/models/auto", MASTER, b"").status, 200);
}

#[test]
fn no_rule_that_holds_is_the_clients_to_know() {
    let stage = stage(groups(&["small"]), &json!({"task_routing": {"auto": [{"model": "small", "images": true}]}}));
    let got = chat(&stage, &[], &ask("auto", &json!({})));
    assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some("model")));
}

#[test]
fn litellms_complexity_router_chooses_a_tier_and_its_parameters() {
    let config = json!({
        "tiers": {
            "SIMPLE": "small", "MEDIUM": ["medium"], "COMPLEX": {"model_name": "large"},
            "REASONING": [{"model_name": "large", "litellm_params": {"reasoning_effort": "high"}}],
        },
        "keyword_tier_rules": [{"keywords": ["invoice"], "tier": "COMPLEX"}],
    });
    let router = json!({"model_name": "smart", "litellm_params": {"model": "auto_router/complexity_router", "complexity_router_config": config}});
    let mut list = groups(&["small", "medium", "large"]);
    list.push(router);
    let stage = stage(list, &json!({}));
    for (text, group, decision) in [
        ("hello", "small", "smart -> small by SIMPLE (score -0.150)"),
        ("Implement a function in python that sorts a list", "medium", "smart -> medium by MEDIUM (score 0.200)"),
        ("an invoice", "large", "smart -> large by COMPLEX (keyword `invoice`)"),
        (
            "Explain your reasoning step by step about whether to buy a house",
            "large",
            "smart -> large by REASONING (score 0.250)",
        ),
    ] {
        let got = chat(&stage, &[], &ask("smart", &says(text)));
        assert_eq!((answered(&got).as_str(), header(&got, "x-litellm-routing-decision").as_str()), (group, decision));
    }
}

#[test]
fn a_key_may_call_the_name_without_its_targets_and_a_budget_holds_for_them() {
    let stage = cost_optimised();
    let key = stage.add_key(&json!({"models": ["auto"]}));
    assert_eq!(answered(&stage.chat_as(&key, &ask("auto", &says("hi")))), "small");
    assert_eq!(stage.chat_as(&key, &ask("small", &says("hi"))).status, 403);
    let other = stage.add_key(&json!({"models": ["small", "openai/*"]}));
    assert_eq!(stage.chat_as(&other, &ask("auto", &says("hi"))).status, 403, "its targets do not stand for it");
    let bounded = stage.add_key(&json!({"models": ["auto"], "max_budget": 1}));
    assert_eq!(stage.chat_as(&bounded, &ask("auto", &says("hi"))).status, 403, "`small` has no price");
}

fn split(sticky: &Value) -> Value {
    json!({"traffic_split": {"chat": {"sticky": sticky, "variants": [
        {"name": "stable", "model": "chat", "weight": 80}, {"name": "canary", "model": "next", "weight": 20},
    ]}}})
}

#[test]
fn a_split_sends_a_share_to_each_variant_and_a_model_may_keep_its_name() {
    let stage = stage(groups(&["chat", "next"]), &split(&Value::Null));
    let mut canaries = 0;
    for _ in 0..500 {
        let got = chat(&stage, &[], &ask("chat", &json!({})));
        let variant = header(&got, "x-litellm-variant");
        assert_eq!(answered(&got), if variant == "canary" { "next" } else { "chat" });
        canaries += u32::from(variant == "canary");
    }
    assert!((70..130).contains(&canaries), "a fifth of 500: {canaries}");
}

#[test]
fn a_sticky_split_keeps_a_users_variant_or_that_of_a_header() {
    for (sticky, user, headers) in [("user", "u", ""), ("x-session", "", "s")] {
        let stage = stage(groups(&["chat", "next"]), &split(&json!(sticky)));
        let mut seen = Vec::new();
        for number in 0..40 {
            let session = format!("{headers}{number}");
            let rest = if user.is_empty() { json!({}) } else { json!({"user": format!("{user}{number}")}) };
            let variants: Vec<String> = (0..5)
                .map(|_| header(&chat(&stage, &[("x-session", &session)], &ask("chat", &rest)), "x-litellm-variant"))
                .collect();
            assert!(variants.iter().all(|variant| *variant == variants[0]), "{sticky} {number}: {variants:?}");
            seen.push(variants[0].clone());
        }
        assert!(seen.contains(&"canary".to_owned()) && seen.contains(&"stable".to_owned()), "{sticky}: {seen:?}");
    }
}

#[test]
fn the_variant_is_a_tag_in_the_spend_log_and_no_routing_tag() {
    let mut router = split(&Value::Null);
    router["enable_tag_filtering"] = json!(true);
    let stage = stage(groups(&["chat", "next"]), &router);
    let key = stage.add_key(&json!({}));
    let got = stage.chat_as(&key, &ask("chat", &json!({})));
    assert_eq!(got.status, 200, "{}", got.text());
    let variant = format!("variant:chat/{}", header(&got, "x-litellm-variant"));
    let logs = stage.ask("GET", "/spend/logs", MASTER, b"").text();
    assert!(logs.contains(&variant), "{variant} in {logs}");
}

#[test]
fn a_fallback_may_be_such_a_name() {
    let mut list = groups(&["small", "large"]);
    list.push(entry("blind", "blind", &json!({}), &json!({"blocked": true})));
    let router = json!({"task_routing": {"auto": [{"model": "large", "keywords": ["hi"]}, {"model": "small"}]}, "fallbacks": [{"blind": ["auto"]}]});
    assert_eq!(answered(&chat(&stage(list, &router), &[], &ask("blind", &json!({})))), "large");
}

#[test]
fn a_dry_run_tells_what_would_become_of_a_request_and_sends_nothing() {
    let price = |dollars: f64| json!({"input_cost_per_token": dollars, "output_cost_per_token": dollars});
    let weighed = |weight: f64, dollars: f64| {
        let mut params = price(dollars);
        params["weight"] = json!(weight);
        params
    };
    let list = vec![
        entry("m", "a", &weighed(3.0, 0.001), &json!({})),
        entry("m", "b", &weighed(1.0, 0.002), &json!({})),
        entry("m", "c", &weighed(9.0, 1.0), &json!({"blocked": true})),
        entry("spare", "spare", &price(0.001), &json!({})),
        entry("long", "long", &price(0.001), &json!({})),
    ];
    let router = json!({
        "fallbacks": [{"m": ["spare"]}], "context_window_fallbacks": [{"m": ["long"]}],
        "task_routing": {"auto": [{"model": "m"}]},
    });
    let stage = stage(list, &router);
    let got = route(&stage, MASTER, &ask("auto", &json!({"max_tokens": 100})));
    assert_eq!(got.status, 200, "{}", got.text());
    let told = got.json();
    assert_eq!((told["model"].as_str(), told["model_group"].as_str()), (Some("auto"), Some("m")));
    assert_eq!(told["decision"], json!([{"name": "auto", "model": "m", "because": "rule 1", "variant": null}]));
    assert_eq!(told["routing_strategy"], "simple-shuffle");
    let deployments = told["deployments"].as_array().unwrap();
    let of = |index: usize, name: &str| deployments[index][name].clone();
    assert_eq!([of(0, "id"), of(1, "id"), of(2, "id")], ["a", "b", "c"]);
    let probability = |index: usize| of(index, "probability").as_f64().unwrap();
    assert!((0.74..0.76).contains(&probability(0)) && (0.24..0.26).contains(&probability(1)), "{told}");
    assert_eq!((probability(2), of(2, "filtered")["reason"].as_str()), (0.0, Some("blocked")));
    assert_eq!(of(0, "filtered"), Value::Null);
    assert_eq!(of(0, "max_completion_tokens"), 100);
    assert_eq!(told["max_cost"], of(1, "max_cost"), "the dearest that may serve it");
    assert_eq!(told["error"], Value::Null);
    assert_eq!(
        told["fallbacks"],
        json!({"fallbacks": ["spare"], "context_window_fallbacks": ["long"], "content_policy_fallbacks": ["spare"]})
    );
    assert!(stage.host.lines.borrow().is_empty(), "no call was made");
}

#[test]
fn a_dry_run_tells_the_error_that_the_call_would_get_and_keeps_to_the_keys_rights() {
    let list = vec![entry("m", "a", &json!({"tags": ["a"]}), &json!({})), entry("n", "n", &json!({}), &json!({}))];
    let stage = stage(list, &json!({"enable_tag_filtering": true}));
    let told = route(&stage, MASTER, &ask("m", &json!({"tags": ["b"]}))).json();
    assert_eq!(told["error"]["code"], "no_deployments_with_tag_routing");
    assert_eq!(told["deployments"][0]["filtered"]["reason"], "tags");
    let key = stage.add_key(&json!({"models": ["m"], "tags": ["a"], "max_budget": 0.5}));
    let bearer = format!("Bearer {key}");
    let headers = [("authorization", bearer.as_str())];
    let told = route(&stage, &headers, &ask("m", &json!({}))).json();
    assert_eq!(
        (told["error"].clone(), told["max_cost"].clone()),
        (Value::Null, Value::Null),
        "the key's tag fits; no price"
    );
    assert_eq!(route(&stage, &headers, &ask("n", &json!({}))).status, 403);
    assert_eq!(route(&stage, MASTER, &ask("nobody", &json!({}))).status, 404);
    assert_eq!(route(&stage, &[], &ask("m", &json!({}))).status, 401);
    assert_eq!(route(&stage, MASTER, &json!({"model": "m"})).status, 400);
}

#[test]
fn the_routers_settings_are_the_master_keys_to_see() {
    let router = json!({"enable_tag_filtering": true, "fallbacks": [{"m": ["n"]}], "num_retries": 7});
    let stage = stage(groups(&["m", "n"]), &router);
    let values = stage.ask("GET", "/router/settings", MASTER, b"").json()["current_values"].clone();
    assert_eq!((values["num_retries"].as_u64(), values["enable_tag_filtering"].as_bool()), (Some(7), Some(true)));
    assert_eq!(
        (values["fallbacks"].clone(), values["routing_strategy"].as_str()),
        (json!([{"m": ["n"]}]), Some("simple-shuffle"))
    );
    // What nobody has set holds too, and is told.
    assert_eq!((values["allowed_fails"].as_u64(), values["cooldown_time"].as_f64()), (Some(3), Some(5.0)));
    assert_eq!(values["expose_router_debug_in_errors"], json!(true));
    let router = json!({"weights": {"m": {"m": 3}}, "cooldown_time": 0.5, "allowed_fails_policy": {"TimeoutErrorAllowedFails": 9},
        "routing_strategy_args": {"ttl": 60, "lowest_latency_buffer": 0.25}, "model_group_retry_policy": {"m": {"DefaultRetries": 4}}});
    let set = super::stage(groups(&["m", "n"]), &router);
    let values = set.ask("GET", "/router/settings", MASTER, b"").json()["current_values"].clone();
    assert_eq!((&values["weights"], &values["cooldown_time"]), (&json!({"m": {"m": 3.0}}), &json!(0.5)));
    assert_eq!(values["allowed_fails_policy"], json!({"TimeoutErrorAllowedFails": 9}));
    assert_eq!(values["model_group_retry_policy"], json!({"m": {"DefaultRetries": 4}}));
    let args = &values["routing_strategy_args"];
    assert_eq!((&args["ttl"], &args["lowest_latency_buffer"]), (&json!(60.0), &json!(0.25)));
    let bearer = format!("Bearer {}", stage.add_key(&json!({})));
    assert_eq!(stage.ask("GET", "/router/settings", &[("authorization", &bearer)], b"").status, 403);
}

#[test]
fn an_answering_name_is_used() {
    let stage = cost_optimised();
    assert_eq!(answering(&stage, &[], &ask("small", &json!({}))), ["small"], "a model by its own name stays");
}
