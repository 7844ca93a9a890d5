//! Models, deployments and groups with what they take and cost.

use serde_json::{Value, json};

use crate::get;
use crate::host::Stage;

#[test]
fn deployments_are_listed_with_facts_and_without_secrets() {
    let got = get("/model/info");
    let data = got.json()["data"].as_array().unwrap().clone();
    assert_eq!(data.len(), 8);
    let gpt = &data[0];
    assert_eq!(
        (gpt["model_name"].as_str(), gpt["litellm_params"]["model"].as_str()),
        (Some("gpt"), Some("openai/gpt-4o"))
    );
    let info = &gpt["model_info"];
    assert_eq!(
        (info["id"].as_str(), info["key"].as_str(), info["mode"].as_str()),
        (Some("gpt-1"), Some("gpt-4o"), Some("chat"))
    );
    assert_eq!((info["max_input_tokens"].as_u64(), info["max_output_tokens"].as_u64()), (Some(128_000), Some(16_384)));
    assert_eq!((&info["input_cost_per_token"], &info["supports_vision"]), (&json!(2.5e-6), &json!(true)));
    let own = data.iter().find(|item| item["model_name"] == "own").unwrap();
    assert_eq!(own["litellm_params"]["api_base"], "https://own.example.com/v1");
    assert_eq!(
        (own["model_info"]["team"].as_str(), &own["model_info"]["input_cost_per_token"]),
        (Some("blue"), &json!(1.23e-10))
    );
    let priceless = data.iter().find(|item| item["model_name"] == "priceless").unwrap();
    assert_eq!(priceless["model_info"]["input_cost_per_token"], Value::Null);
    assert_eq!(data.iter().find(|item| item["model_name"] == "azure").unwrap()["model_info"]["key"], "azure/gpt-4o");
    for secret in ["sk-", "own-secret-key", "hidden-", "api_key", "?"] {
        assert!(!got.text().contains(secret), "{secret}: {}", got.text());
    }
    assert_eq!(get("/v1/model/info").text(), got.text());
    let one = get("/model/info?litellm_model_id=gpt-2").json();
    assert_eq!(
        (one["data"].as_array().unwrap().len(), &one["data"][0]["model_info"]["key"]),
        (1, &json!("gpt-4o-mini"))
    );
    assert_eq!(get("/model/info?litellm_model_id=none").status, 400);
}

#[test]
fn the_second_version_has_pages_and_filters() {
    let answer = get("/v2/model/info?page=2&size=3").json();
    assert_eq!(answer["data"].as_array().unwrap().len(), 3);
    let numbers = ["total_count", "current_page", "total_pages", "size"].map(|name| answer[name].as_u64().unwrap());
    assert_eq!(numbers, [8, 2, 3, 3]);
    assert_eq!(get("/v2/model/info?model=gpt").json()["total_count"], 2);
    assert_eq!(get("/v2/model/info?search=CLAU").json()["total_count"], 1);
    assert_eq!(get("/v2/model/info?modelId=own-1").json()["total_count"], 1);
    assert_eq!(get("/v2/model/info?page=99999999999999").json()["data"], json!([]));
    assert_eq!(get("/v2/model/info?size=0").status, 400);
}

#[test]
fn a_group_is_the_most_of_its_deployments() {
    let all = get("/model_group/info").json();
    let groups: Vec<&str> =
        all["data"].as_array().unwrap().iter().map(|group| group["model_group"].as_str().unwrap()).collect();
    assert_eq!(groups, ["gpt", "claude", "own", "priceless", "azure", "vectors", "alias"]);
    let gpt = &get("/model_group/info?model_group=gpt").json()["data"][0];
    assert_eq!((&gpt["providers"], &gpt["mode"]), (&json!(["openai"]), &json!("chat")));
    assert_eq!((&gpt["rpm"], &gpt["tpm"], &gpt["input_cost_per_token"]), (&json!(15), &json!(1000), &json!(2.5e-6)));
    assert_eq!((&gpt["supports_vision"], &gpt["supports_reasoning"]), (&json!(true), &json!(false)));
    assert!(gpt["supported_openai_params"].as_array().unwrap().contains(&json!("temperature")));
    assert_eq!(get("/model_group/info?model_group=nobody").json(), json!({"data": []}));
    let wild = get("/model_group/info?model_group=anything/llama-3.1-8b-instant").json();
    assert_eq!(wild["data"][0]["providers"], json!(["groq"]));
}

#[test]
fn the_list_of_models_has_limits_prices_and_owners() {
    let list = get("/v1/models").json();
    let model = |id: &str| list["data"].as_array().unwrap().iter().find(|model| model["id"] == id).unwrap().clone();
    let expected = json!({
        "id": "gpt", "object": "model", "created": 1_677_610_602, "owned_by": "openai", "mode": "chat",
        "max_input_tokens": 128_000, "max_output_tokens": 16_384, "input_cost_per_token": 2.5e-6,
        "output_cost_per_token": 1e-5, "cache_read_input_token_cost": 1.25e-6,
    });
    assert_eq!(model("gpt"), expected);
    assert_eq!(
        (model("claude")["owned_by"].as_str(), model("vectors")["mode"].as_str()),
        (Some("anthropic"), Some("embedding"))
    );
    assert_eq!(model("priceless")["input_cost_per_token"], Value::Null);
    assert_eq!(get("/v1/models/gpt").json(), expected);
    assert_eq!(get("/v1/models/nobody").status, 404);
}

#[test]
fn the_cost_map_is_public_and_the_rest_is_not() {
    let got = get("/public/litellm_model_cost_map");
    let map = got.json();
    assert_eq!(
        (&map["gpt-4o"]["input_cost_per_token"], &map["gpt-4o"]["litellm_provider"]),
        (&json!(2.5e-6), &json!("openai"))
    );
    let guarded = Stage::new(&json!({"model_list": [], "general_settings": {"master_key": "sk-master"}}), vec![]);
    let status =
        |method: &str, path: &str| guarded.ask(method, path, &[("content-type", "application/json")], b"{}").status;
    assert_eq!(status("GET", "/public/litellm_model_cost_map"), 200);
    for (method, path) in [
        ("POST", "/cost/estimate"),
        ("POST", "/spend/calculate"),
        ("POST", "/utils/token_counter"),
        ("POST", "/utils/transform_request"),
        ("GET", "/utils/supported_openai_params"),
        ("GET", "/model/info"),
        ("GET", "/v2/model/info"),
        ("GET", "/model_group/info"),
        ("GET", "/v1/models"),
    ] {
        assert_eq!(status(method, path), 401, "{path}");
    }
    assert_eq!(status("GET", "/cost/estimate"), 405);
}

#[test]
fn a_key_sees_the_models_that_it_may_call() {
    let deployment = |name: &str, model: &str| json!({"model_name": name, "litellm_params": {"model": model, "api_base": "https://own.example.com/v1"}});
    let list = [deployment("a", "openai/gpt-4o"), deployment("b", "openai/gpt-4o-mini")];
    let stage = Stage::new(&json!({"model_list": list, "general_settings": {"master_key": "sk-master"}}), vec![]);
    let key = stage.add_key(&json!({"models": ["a"]}));
    let ask = |key: &str, path: &str| stage.ask("GET", path, &[("authorization", &format!("Bearer {key}"))], b"");
    for (path, name) in [
        ("/v1/models", "id"),
        ("/model/info", "model_name"),
        ("/v2/model/info", "model_name"),
        ("/model_group/info", "model_group"),
    ] {
        let names = |key: &str| {
            let answer = ask(key, path).json();
            answer["data"].as_array().unwrap().iter().map(|item| item[name].clone()).collect::<Vec<_>>()
        };
        assert_eq!((names(&key), names("sk-master")), (vec![json!("a")], vec![json!("a"), json!("b")]), "{path}");
    }
    assert_eq!((ask(&key, "/v1/models/a").status, ask(&key, "/v1/models/b").status), (200, 404));
    assert!(!ask(&key, "/model/info").text().contains("own.example.com"));
    assert!(ask("sk-master", "/model/info").text().contains("own.example.com"));
    let blocked = stage.add_key(&json!({"blocked": true}));
    assert_eq!(ask(&blocked, "/v1/models").status, 401);
    assert_eq!(ask(&blocked, "/model/info").status, 401);
}
