//! Which deployment answers, and what a client is told when none may: filters through the whole gateway.

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
#[path = "filters/tasks.rs"]
mod tasks;

use host::{Got, Stage};
use serde_json::{Value, json};

/// A deployment that answers by itself.
fn entry(group: &str, id: &str, params: &Value, info: &Value) -> Value {
    let mut entry = json!({
        "model_name": group,
        "litellm_params": {"model": "openai/own-model", "mock_response": "ok"},
        "model_info": {"id": id},
    });
    for (part, more) in [("litellm_params", params), ("model_info", info)] {
        entry[part].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    }
    entry
}

fn stage(list: impl Into<Vec<Value>>, router: &Value) -> Stage {
    let list: Vec<Value> = list.into();
    let config = json!({
        "model_list": list,
        "router_settings": router,
        "general_settings": {"master_key": "sk-master"},
    });
    Stage::new(&config, vec![])
}

const MASTER: &[(&str, &str)] = &[("authorization", "Bearer sk-master")];

fn ask(model: &str, rest: &Value) -> Value {
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": "hi"}]});
    body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
    body
}

fn chat(stage: &Stage, headers: &[(&str, &str)], body: &Value) -> Got {
    let headers = [MASTER, headers].concat();
    stage.ask("POST", "/v1/chat/completions", &headers, body.to_string().as_bytes())
}

/// The deployment that answered, or the status and the code of the refusal.
fn answered(got: &Got) -> String {
    match got.status {
        200 => got.headers.get("x-litellm-model-id").unwrap().to_owned(),
        status => format!("{status} {}", got.json()["error"]["code"].as_str().unwrap()),
    }
}

/// Thirty calls: every deployment that answers one of them.
fn answering(stage: &Stage, headers: &[(&str, &str)], body: &Value) -> Vec<String> {
    let mut all: Vec<String> = (0..30).map(|_| answered(&chat(stage, headers, body))).collect();
    all.sort();
    all.dedup();
    all
}

fn image() -> Value {
    let parts = json!([{"type": "text", "text": "what is it?"}, {"type": "image_url", "image_url": {"url": "https://x/y.png"}}]);
    json!({"messages": [{"role": "user", "content": parts}]})
}

#[test]
fn pre_call_checks_leave_out_what_cannot_serve_the_request() {
    let none = json!({});
    let list = || {
        vec![
            entry("m", "small", &json!({"region_name": "eu"}), &json!({"max_input_tokens": 100})),
            entry("m", "large", &json!({"region_name": "us"}), &json!({"max_input_tokens": 100_000})),
            entry("blind", "blind", &none, &json!({"supports_vision": false})),
            entry("blind", "seeing", &none, &json!({"supports_vision": true})),
            entry("mixed", "no-tools", &none, &json!({"supports_function_calling": false})),
            entry("mixed", "unknown", &none, &none),
        ]
    };
    let long = json!({"messages": [{"role": "user", "content": "a word and another. ".repeat(300)}]});
    let tools = json!({"tools": [{"type": "function", "function": {"name": "f"}}]});
    let (on, off) = (json!({"enable_pre_call_checks": true}), json!({}));
    for (rule, router, model, rest, wanted) in [
        ("a prompt that fits both", &on, "m", &none, &["large", "small"][..]),
        ("a prompt too long for one", &on, "m", &long, &["large"]),
        ("not looked at without the setting", &off, "m", &long, &["large", "small"]),
        ("a region", &on, "m", &json!({"allowed_model_region": "eu"}), &["small"]),
        ("a region that none has", &on, "m", &json!({"allowed_model_region": "mars"}), &["400 400"]),
        (
            "regions are not looked at without the setting",
            &off,
            "m",
            &json!({"allowed_model_region": "mars"}),
            &["large", "small"],
        ),
        ("an image", &on, "blind", &image(), &["seeing"]),
        ("an image without the setting", &off, "blind", &image(), &["blind", "seeing"]),
        ("what is not known stays", &on, "mixed", &tools, &["unknown"]),
    ] {
        assert_eq!(answering(&stage(list(), router), &[], &ask(model, rest)), wanted, "{rule}");
    }
}

#[test]
fn what_a_provider_of_the_users_own_refuses_is_seen_before_a_deployment_is_chosen() {
    let own = |id: &str, model: &str| entry("m", id, &json!({"model": model}), &json!({}));
    let config = json!({
        "model_list": [own("strict", "strict/own-model"), own("renames", "renames/own-model")],
        "router_settings": {"enable_pre_call_checks": true},
        "general_settings": {"master_key": "sk-master"},
        "custom_providers": {
            "strict": {"api_base": "https://strict.example/v1", "unsupported_params": ["seed"]},
            "renames": {"api_base": "https://renames.example/v1", "param_mappings": {"seed": "random_seed"}},
        },
    });
    let stage = Stage::new(&config, vec![]);
    assert_eq!(answering(&stage, &[], &ask("m", &json!({}))), ["renames", "strict"]);
    assert_eq!(answering(&stage, &[], &ask("m", &json!({"seed": 7}))), ["renames"]);
    let dropped = json!({"seed": 7, "drop_params": true});
    assert_eq!(answering(&stage, &[], &ask("m", &dropped)), ["renames", "strict"]);
}

#[test]
fn a_prompt_that_no_deployment_takes_goes_to_context_window_fallbacks() {
    let none = json!({});
    let list = || {
        vec![
            entry("m", "small", &none, &json!({"max_input_tokens": 100})),
            entry("big", "big", &none, &json!({"max_input_tokens": 100_000})),
            entry("other", "other", &none, &none),
        ]
    };
    let long = ask("m", &json!({"messages": [{"role": "user", "content": "a word and another. ".repeat(300)}]}));
    let router = json!({
        "enable_pre_call_checks": true,
        "context_window_fallbacks": [{"m": ["big"]}],
        "fallbacks": [{"m": ["other"]}],
    });
    let fallen = stage(list(), &router);
    let got = chat(&fallen, &[], &long);
    assert_eq!((answered(&got).as_str(), got.headers.get("x-litellm-attempted-fallbacks")), ("big", Some("1")));
    let refused = chat(&stage(list(), &json!({"enable_pre_call_checks": true})), &[], &long);
    let error = &refused.json()["error"];
    assert_eq!((refused.status, error["code"].as_str()), (400, Some("context_length_exceeded")));
    assert!(error["message"].as_str().unwrap().contains("takes more than 100"), "{error}");
}

#[test]
fn what_no_deployment_can_do_is_named_unless_a_fallback_can() {
    let list = || {
        vec![
            entry("blind", "blind", &json!({}), &json!({"supports_vision": false})),
            entry("seeing", "seeing", &json!({}), &json!({})),
        ]
    };
    let router = json!({"enable_pre_call_checks": true});
    let got = chat(&stage(list(), &router), &[], &ask("blind", &image()));
    let error = &got.json()["error"];
    assert_eq!((got.status, error["param"].as_str()), (400, Some("messages")));
    assert_eq!(error["message"], "no deployment of `blind` supports images in the prompt: name a model that does");
    let router = json!({"enable_pre_call_checks": true, "fallbacks": [{"blind": ["seeing"]}]});
    assert_eq!(answered(&chat(&stage(list(), &router), &[], &ask("blind", &image()))), "seeing");
}

#[test]
fn price_data_says_what_a_model_cannot_do() {
    let table = tollgate::cost::PriceTable::embedded();
    assert_eq!(table.find("openai", "o3-mini").unwrap().supports("vision"), Some(false), "the rows rest on it");
    let list = || {
        vec![
            entry("m", "o3-mini", &json!({"model": "openai/o3-mini"}), &json!({})),
            entry("m", "told", &json!({"model": "openai/o3-mini"}), &json!({"supports_vision": true})),
            entry("m", "unknown", &json!({}), &json!({})),
        ]
    };
    let on = json!({"enable_pre_call_checks": true});
    assert_eq!(answering(&stage(list(), &on), &[], &ask("m", &image())), ["told", "unknown"]);
    assert_eq!(answering(&stage(list(), &on), &[], &ask("m", &json!({}))), ["o3-mini", "told", "unknown"]);
}

#[test]
fn a_field_that_a_provider_does_not_take_leaves_it_out() {
    let list = || {
        vec![
            entry("m", "claude", &json!({"model": "anthropic/claude-haiku-4-5"}), &json!({})),
            entry("m", "own", &json!({}), &json!({})),
        ]
    };
    let (on, penalty) = (json!({"enable_pre_call_checks": true}), json!({"frequency_penalty": 0.5}));
    assert_eq!(answering(&stage(list(), &on), &[], &ask("m", &penalty)), ["own"]);
    let dropping = json!({"frequency_penalty": 0.5, "drop_params": true});
    assert_eq!(answering(&stage(list(), &on), &[], &ask("m", &dropping)), ["claude", "own"]);
}

#[test]
fn a_web_search_needs_no_setting_to_pass_over_those_that_say_no() {
    let list = vec![
        entry("m", "no", &json!({}), &json!({"supports_web_search": false})),
        entry("m", "unknown", &json!({}), &json!({})),
    ];
    let stage = stage(list, &json!({}));
    let search = json!({"tools": [{"type": "web_search"}]});
    assert_eq!(answering(&stage, &[], &ask("m", &search)), ["unknown"]);
    assert_eq!(answering(&stage, &[], &ask("m", &json!({}))), ["no", "unknown"]);
}

#[test]
fn what_is_blocked_serves_nobody_and_is_not_listed() {
    let blocked = json!({"blocked": true});
    let list = vec![
        entry("m", "off", &json!({}), &blocked),
        entry("m", "on", &json!({}), &json!({})),
        entry("all-off", "all-off", &json!({}), &blocked),
    ];
    let stage = stage(list, &json!({}));
    assert_eq!(answering(&stage, &[], &ask("m", &json!({}))), ["on"]);
    let got = chat(&stage, &[], &ask("all-off", &json!({})));
    assert_eq!(
        (got.status, got.json()["error"]["message"].as_str().unwrap()),
        (503, "Model 'all-off' is currently paused and cannot accept requests.")
    );
    let listed = stage.ask("GET", "/v1/models", MASTER, b"").json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["m"]);
}

#[test]
fn tags_of_request_header_key_and_client_choose_the_deployment() {
    let list = || {
        vec![
            entry("m", "free", &json!({"tags": ["free"]}), &json!({})),
            entry("m", "paid", &json!({"tags": ["paid"]}), &json!({})),
            entry("m", "claude", &json!({"tag_regex": ["^User-Agent: claude-code/"]}), &json!({})),
            entry("m", "default", &json!({"tags": ["default"]}), &json!({})),
        ]
    };
    let tagged = stage(list(), &json!({"enable_tag_filtering": true}));
    let none = json!({});
    for (rule, headers, rest, wanted) in [
        ("metadata.tags", &[][..], json!({"metadata": {"tags": ["free"]}}), &["free"][..]),
        ("tags", &[], json!({"tags": ["paid"]}), &["paid"]),
        ("both", &[], json!({"tags": ["paid", "free"]}), &["free", "paid"]),
        ("the header", &[("x-litellm-tags", "free, x")], none.clone(), &["free"]),
        ("the client", &[("user-agent", "claude-code/1.0")], none.clone(), &["claude"]),
        ("another client", &[("user-agent", "curl/8")], none.clone(), &["default"]),
        ("none", &[], none.clone(), &["default"]),
        ("without", &[], json!({"tags": ["!default"]}), &["401 no_deployments_with_tag_routing"]),
        ("must", &[], json!({"tags": ["&free", "&paid"]}), &["401 no_deployments_with_tag_routing"]),
    ] {
        assert_eq!(answering(&tagged, headers, &ask("m", &rest)), wanted, "{rule}");
    }
    let key = tagged.add_key(&json!({"tags": ["paid"]}));
    assert_eq!(answered(&tagged.chat_as(&key, &ask("m", &none))), "paid", "the key's tags count");
    let off = stage(list(), &none);
    assert_eq!(answering(&off, &[], &ask("m", &json!({"tags": ["free"]}))).len(), 4, "not without the setting");
}

#[test]
fn tags_that_allow_nobody_are_told_in_litellms_words() {
    let list = vec![entry("m", "a", &json!({"tags": ["a"]}), &json!({}))];
    let stage = stage(list, &json!({"enable_tag_filtering": true}));
    let got = chat(&stage, &[], &ask("m", &json!({"tags": ["b"]})));
    let message = "Not allowed to access model due to tags configuration. Passed model=m and tags=[\"b\"]";
    assert_eq!((got.status, got.json()["error"]["message"].as_str().unwrap()), (401, message));
}

#[test]
fn a_key_with_an_access_group_gets_its_deployments_alone() {
    let list = vec![
        entry("m", "beta", &json!({}), &json!({"access_groups": ["beta-models"]})),
        entry("m", "plain", &json!({}), &json!({})),
    ];
    let stage = stage(list, &json!({}));
    let all = |key: &str| {
        let mut ids: Vec<String> = (0..10).map(|_| answered(&stage.chat_as(key, &ask("m", &json!({}))))).collect();
        ids.sort();
        ids.dedup();
        ids
    };
    assert_eq!(all(&stage.add_key(&json!({"models": ["beta-models"]}))), ["beta"]);
    assert_eq!(all(&stage.add_key(&json!({"models": ["m"]}))), ["beta", "plain"]);
    assert_eq!(all(&stage.add_key(&json!({"models": ["other"], "aliases": {"m": "m"}}))), ["beta", "plain"]);
    assert_eq!(all(&stage.add_key(&json!({"models": ["gamma"]}))), ["403 403"]);
}

#[test]
fn a_team_calls_its_deployments_by_its_own_name_and_nobody_else_does() {
    let team = |id: &str| json!({"team_id": id, "team_public_model_name": "gpt"});
    let list = vec![
        entry("internal-1", "one", &json!({}), &team("t1")),
        entry("internal-2", "two", &json!({}), &team("t2")),
        entry("everybodys", "all", &json!({}), &json!({})),
    ];
    let stage = stage(list, &json!({}));
    for id in ["t1", "t2"] {
        let made = stage.ask("POST", "/team/new", MASTER, json!({"team_id": id}).to_string().as_bytes());
        assert_eq!(made.status, 200, "{}", made.text());
    }
    let [one, two] = ["t1", "t2"].map(|id| stage.add_key(&json!({"team_id": id})));
    let alone = stage.add_key(&json!({}));
    let call = |key: &str, model: &str| answered(&stage.chat_as(key, &ask(model, &json!({}))));
    assert_eq!([call(&one, "gpt"), call(&two, "gpt"), call(&one, "internal-1")], ["one", "two", "one"]);
    assert_eq!(
        [call(&alone, "gpt"), call(&one, "internal-2"), call(&alone, "two")].map(|it| it.starts_with("404")),
        [true; 3]
    );
    assert_eq!(call(&one, "everybodys"), "all");
    let bearer = format!("Bearer {one}");
    let listed = stage.ask("GET", "/v1/models", &[("authorization", &bearer)], b"").json();
    let ids: Vec<&str> = listed["data"].as_array().unwrap().iter().map(|model| model["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["gpt", "everybodys"]);
}

#[test]
fn a_budget_reserves_for_what_may_serve_alone() {
    let price = |dollars: f64| json!({"input_cost_per_token": dollars, "output_cost_per_token": dollars, "tags": [format!("{dollars}")]});
    let list = vec![entry("m", "cheap", &price(0.0001), &json!({})), entry("m", "dear", &price(1.0), &json!({}))];
    let stage = stage(list, &json!({"enable_tag_filtering": true}));
    let key = stage.add_key(&json!({"max_budget": 1.0}));
    let ask = |tag: &str| ask("m", &json!({"max_tokens": 1000, "tags": [tag]}));
    assert_eq!(answered(&stage.chat_as(&key, &ask("0.0001"))), "cheap", "what tags leave out costs nothing");
    assert_eq!(stage.chat_as(&key, &ask("1")).status, 429);
}
