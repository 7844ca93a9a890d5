//! Fallbacks of names that stand for several groups, what errors say of fallbacks, and the region that answered.

use serde_json::{Value, json};

use super::host::Stage;
use super::rests::{ask, config, fail, refusal};

const ALL_DOWN: &[&str] = &["a0", "a1", "b0", "b1"];

/// `auto` leads to `a`, and `outer` to `auto`.
fn routed(fallbacks: &Value) -> Value {
    let tasks = json!({"auto": [{"model": "a"}], "outer": [{"model": "auto"}], "second": [{"model": "b"}]});
    json!({"num_retries": 0, "task_routing": tasks, "fallbacks": fallbacks})
}

fn answered(stage: &Stage, model: &str) -> String {
    let got = ask(stage, model, &json!({}));
    match got.status {
        200 => got.headers.get("x-litellm-model-id").unwrap().to_owned(),
        status => status.to_string(),
    }
}

#[test]
fn fallbacks_of_a_name_act_for_the_group_that_it_leads_to() {
    for (rule, fallbacks, model, wanted) in [
        ("the name's", json!([{"auto": ["spare"]}]), "auto", "s"),
        ("not for the group itself", json!([{"auto": ["spare"]}]), "a", "429"),
        ("the outer name's", json!([{"outer": ["spare"]}]), "outer", "s"),
        ("the group's own come first", json!([{"auto": ["b"]}, {"a": ["spare"]}]), "auto", "s"),
        ("the nearer name's come first", json!([{"outer": ["b"]}, {"auto": ["spare"]}]), "outer", "s"),
        ("before the ones of all", json!([{"*": ["b"]}, {"auto": ["spare"]}]), "auto", "s"),
        ("of a name that is fallen back to", json!([{"a": ["second"]}, {"second": ["spare"]}]), "a", "s"),
    ] {
        let stage = Stage::new(&config(&routed(&fallbacks)), vec![]);
        fail(&stage, ALL_DOWN);
        assert_eq!(answered(&stage, model), wanted, "{rule}");
    }
}

#[test]
fn an_alias_has_the_fallbacks_of_its_group() {
    for fallbacks in [json!([{"a": ["spare"]}]), json!([{"nick": ["spare"]}, {"a": ["b"]}])] {
        let router = json!({"num_retries": 0, "model_group_alias": {"nick": "a"}, "fallbacks": fallbacks});
        let stage = Stage::new(&config(&router), vec![]);
        fail(&stage, ALL_DOWN);
        assert_eq!(answered(&stage, "nick"), "s");
    }
}

#[test]
fn a_budget_pays_for_what_follows_behind_a_name() {
    // `spare` is the dearest, and a request comes to it by a name, by a fallback to a name, or by what follows behind one.
    for (fallbacks, model) in [
        (json!([{"auto": ["spare"]}]), "auto"),
        (json!([{"a": ["second"]}, {"second": ["spare"]}]), "a"),
        (json!([{"a": ["second"]}, {"b": ["spare"]}]), "a"),
    ] {
        let mut config = config(&routed(&fallbacks));
        for entry in config["model_list"].as_array_mut().unwrap() {
            let price = if entry["model_name"] == "spare" { 1.0 } else { 0.000_001 };
            entry["litellm_params"]["output_cost_per_token"] = json!(price);
            entry["litellm_params"]["input_cost_per_token"] = json!(0.000_001);
        }
        config["general_settings"] = json!({"master_key": "sk-master"});
        let stage = Stage::new(&config, vec![]);
        fail(&stage, &[]);
        let key = stage.add_key(&json!({"max_budget": 100}));
        let body = json!({"model": model, "max_tokens": 50, "messages": [{"role": "user", "content": "hi"}]});
        assert_eq!(stage.chat_as(&key, &body).status, 200);
        let mut most = Vec::new();
        stage.host.books.borrow_mut().each(|entry| most.push(entry.reserved.dollars()));
        assert!(most[0] >= 50.0, "{most:?} for {fallbacks}: the dearest that may answer is reserved for");
    }
}

#[test]
fn an_error_says_what_became_of_the_fallbacks() {
    let message = |stage: &Stage, model: &str, rest: &Value| {
        let text = ask(stage, model, rest).json()["error"]["message"].as_str().unwrap().to_owned();
        text.split_once("\n\n").map(|(_, told)| told.to_owned())
    };
    let lead = "LiteLLM: model group 'a' failed with the error above.";
    let some = json!({"num_retries": 0, "fallbacks": [{"a": ["b", "nowhere"]}], "disable_cooldowns": true});
    let stage = Stage::new(&config(&some), vec![]);
    fail(&stage, ALL_DOWN);
    let failed = format!("{lead} Fallbacks failed too: b (RateLimitError), nowhere (NotFoundError).");
    assert_eq!(message(&stage, "a", &json!({})), Some(failed));
    let none = format!("{lead} No fallback was attempted.");
    assert_eq!(message(&stage, "a", &json!({"disable_fallbacks": true})), Some(none.clone()));
    stage.host.play.replace(Some(Box::new(|_, _| refusal(400))));
    assert_eq!(message(&stage, "a", &json!({})), Some(none), "its client's own mistake");

    let mut hidden = config(&some);
    hidden["litellm_settings"] = json!({"expose_router_debug_in_errors": false});
    let told = Stage::new(&hidden, vec![]);
    fail(&told, ALL_DOWN);
    assert_eq!(message(&told, "a", &json!({})), None, "where it is turned off");
    let bare = Stage::new(&config(&json!({"num_retries": 0})), vec![]);
    fail(&bare, ALL_DOWN);
    assert_eq!(message(&bare, "a", &json!({})), None, "where there are none to speak of");
}

#[test]
fn the_region_that_answers_is_told() {
    let mut config = config(&json!({}));
    config["model_list"][4]["litellm_params"]["region_name"] = json!("eu");
    let stage = Stage::new(&config, vec![]);
    fail(&stage, &[]);
    let region = |model| ask(&stage, model, &json!({})).headers.get("x-litellm-model-region").map(str::to_owned);
    assert_eq!((region("spare"), region("a")), (Some("eu".to_owned()), None));
}
