//! `/fallback`, and `/provider/budgets`.

use serde_json::{Value, json};
use tollgate::config::Config;
use tollgate::gateway::Gateway;

use crate::host::{Stage, answer};
use crate::{DOWN, call, chat, config, ok, served_by};

fn set(stage: &Stage, body: &Value) -> (u16, Value) {
    let got = call(stage, "POST", "/fallback", body);
    (got.status, got.json())
}

#[test]
fn fallbacks_are_set_read_and_deleted_and_act_at_once() {
    let scripts = vec![answer(500, DOWN), answer(500, DOWN), ok(), answer(500, DOWN)];
    let stage = Stage::new(&config(&json!({})), scripts);
    assert_eq!(chat(&stage, "m", &json!({})).status, 500);
    let (status, made) = set(&stage, &json!({"model": "m", "fallback_models": ["spare"]}));
    assert_eq!(status, 200, "{made}");
    assert_eq!(
        made,
        json!({"model": "m", "fallback_models": ["spare"], "fallback_type": "general",
            "message": "Fallback configuration created successfully"})
    );
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/spare");
    let read = call(&stage, "GET", "/fallback/m?fallback_type=general", &Value::Null).json();
    assert_eq!(read, json!({"model": "m", "fallback_models": ["spare"], "fallback_type": "general"}));
    let deleted = call(&stage, "DELETE", "/fallback/m", &Value::Null).json();
    assert_eq!(deleted["message"], "Fallback configuration deleted successfully");
    assert_eq!(call(&stage, "GET", "/fallback/m", &Value::Null).status, 404);
    assert_eq!(call(&stage, "DELETE", "/fallback/m", &Value::Null).status, 404);
    assert_eq!(chat(&stage, "m", &json!({})).status, 500);
}

#[test]
fn the_configurations_own_can_be_changed_and_deleted() {
    let routing = json!({"router_settings": {"fallbacks": [{"m": ["spare"]}], "default_fallbacks": ["big"]}});
    let stage = Stage::new(&config(&routing), vec![answer(500, DOWN), ok(), answer(500, DOWN), ok()]);
    let (_, made) = set(&stage, &json!({"model": "m", "fallback_models": ["big"]}));
    assert_eq!(made["message"], "Fallback configuration updated successfully");
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/big");
    assert_eq!(call(&stage, "DELETE", "/fallback/m", &Value::Null).status, 200);
    let default = call(&stage, "GET", "/fallback/m", &Value::Null).json();
    assert_eq!(default["fallback_models"], json!(["big"]), "the default is left");
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/big");
}

#[test]
fn each_type_has_a_list_of_its_own() {
    let long = r#"{"error":{"message":"maximum context length is 8 tokens","code":"context_length_exceeded"}}"#;
    let stage = Stage::new(&config(&json!({})), vec![answer(400, long), ok(), answer(500, DOWN)]);
    let kind = json!({"model": "m", "fallback_models": ["big"], "fallback_type": "context_window"});
    assert_eq!(set(&stage, &kind).0, 200);
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/big");
    assert_eq!(chat(&stage, "m", &json!({})).status, 500, "not for other errors");
    assert_eq!(call(&stage, "GET", "/fallback/m", &Value::Null).status, 404);
    assert_eq!(call(&stage, "GET", "/fallback/m?fallback_type=context_window", &Value::Null).status, 200);
}

#[test]
fn another_instance_takes_them_over_within_half_a_minute_and_a_new_one_at_once() {
    let configured = config(&json!({}));
    let down = || answer(500, DOWN);
    let mut stage = Stage::new(&configured, vec![down(), down(), down(), ok(), down(), ok()]);
    let instance = |stage: &Stage| Gateway::new(Config::read(&configured.to_string()).unwrap(), &stage.host);
    let other = instance(&stage);
    let changing = std::mem::replace(&mut stage.gateway, other);
    assert_eq!(chat(&stage, "m", &json!({})).status, 500, "it has read that there is nothing");
    let other = std::mem::replace(&mut stage.gateway, changing);
    assert_eq!(set(&stage, &json!({"model": "m", "fallback_models": ["spare"]})).0, 200);
    stage.gateway = other;
    assert_eq!(chat(&stage, "m", &json!({})).status, 500, "it still goes by what it has read");
    stage.host.world.now.set(stage.host.world.now.get() + 30_000);
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/spare");
    stage.gateway = instance(&stage);
    assert_eq!(served_by(&chat(&stage, "m", &json!({}))), "openai/spare", "after a restart");
}

#[test]
fn what_is_wrong_is_refused_and_others_may_not() {
    let stage = Stage::new(&config(&json!({})), vec![]);
    for (body, status, param) in [
        (json!({"model": "nobody", "fallback_models": ["m"]}), 404, "model"),
        (json!({"model": "m", "fallback_models": ["nobody"]}), 400, "fallback_models"),
        (json!({"model": "m", "fallback_models": ["m"]}), 400, "fallback_models"),
        (json!({"model": "m", "fallback_models": ["spare", "spare"]}), 400, "fallback_models"),
        (json!({"model": "m", "fallback_models": []}), 400, "fallback_models"),
        (json!({"model": "m", "fallback_models": ["spare"], "fallback_type": "other"}), 400, "fallback_type"),
        (json!({"fallback_models": ["spare"]}), 400, "model"),
    ] {
        let (got, error) = set(&stage, &body);
        assert_eq!((got, error["error"]["param"].as_str()), (status, Some(param)), "{body}: {error}");
    }
    let key = stage.add_key(&json!({"models": ["m"]}));
    let bearer = format!("Bearer {key}");
    let body = json!({"model": "m", "fallback_models": ["spare"]}).to_string();
    let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    assert_eq!(stage.ask("POST", "/fallback", &headers, body.as_bytes()).status, 403);
    assert_eq!(stage.ask("GET", "/provider/budgets", &headers, b"").status, 403);
}

#[test]
fn budgets_of_providers_tell_what_was_spent() {
    let routing = json!({"router_settings": {"provider_budget_config": {
        "openai": {"budget_limit": 100, "time_period": "1d"}, "groq": {"budget_limit": 0.5, "time_period": "30d"}}}});
    let mut configured = config(&routing);
    configured["model_list"][0]["litellm_params"]["input_cost_per_token"] = json!(0.001);
    configured["model_list"][0]["litellm_params"]["output_cost_per_token"] = json!(0.002);
    let stage = Stage::new(&configured, vec![ok()]);
    served_by(&chat(&stage, "m", &json!({"max_tokens": 20})));
    let told = call(&stage, "GET", "/provider/budgets", &Value::Null).json();
    let openai = &told["providers"]["openai"];
    assert_eq!((&openai["budget_limit"], &openai["time_period"]), (&json!(100.0), &json!("1d")), "{told}");
    assert_eq!(openai["spend"], json!(0.05));
    assert!(openai["budget_reset_at"].as_str().unwrap().ends_with("00:00:00Z"), "{told}");
    assert_eq!(told["providers"]["groq"]["spend"], json!(0.0));
    let none = Stage::new(&config(&json!({})), vec![]);
    assert_eq!(call(&none, "GET", "/provider/budgets", &Value::Null).status, 400);
}
