//! Quotes before a call and costs after it.

use serde_json::{Value, json};

use crate::post;

#[test]
fn an_estimate_is_itemised_and_projected_with_every_digit() {
    let got = post(
        "/cost/estimate",
        &json!({
            "model": "gpt", "input_tokens": 2000, "output_tokens": 300, "cache_read_input_tokens": 1536,
            "reasoning_tokens": 100, "num_requests_per_day": 7, "num_requests_per_month": 1_000_000,
        }),
    );
    assert_eq!(got.status, 200, "{}", got.text());
    // 464 × 2.50 + 1,536 × 1.25 + 300 × 10 dollars a million.
    for part in [
        "\"cost_per_request\":0.00608",
        "\"input_cost_per_request\":0.00308",
        "\"output_cost_per_request\":0.003",
        "\"margin_cost_per_request\":0.0",
        "\"cache_read_cost_per_request\":0.00192",
        "\"cache_creation_cost_per_request\":0.0",
        "\"reasoning_cost_per_request\":0.001",
        "\"daily_cost\":0.04256",
        "\"monthly_cost\":6080.0",
        "\"monthly_reasoning_cost\":1000.0",
        "\"input_cost_per_token\":0.0000025",
        "\"cache_read_input_token_cost\":0.00000125",
        "\"output_cost_per_reasoning_token\":null",
        "\"provider\":\"openai\"",
        "\"exactness\":\"exact\"",
    ] {
        assert!(
            got.text().contains(&format!("{part},")) || got.text().ends_with(&format!("{part}}}")),
            "{part}: {}",
            got.text()
        );
    }
}

#[test]
fn no_digit_of_a_large_projection_is_lost() {
    let body =
        json!({"model": "own", "input_tokens": 1_000_000_007, "output_tokens": 3, "num_requests_per_day": 1_000_003});
    let text = post("/cost/estimate", &body).text();
    // 1,000,000,007 × 123 pico-dollars, and 3 × 2 micro-dollars: 18 digits a day, of which a float keeps 15.
    assert!(text.contains("\"cost_per_request\":0.123006000861,"), "{text}");
    assert!(text.contains("\"daily_cost\":123006.369879002583,"), "{text}");
}

#[test]
fn without_a_number_of_requests_there_is_no_projection() {
    let answer = post("/cost/estimate", &json!({"model": "gpt", "input_tokens": 1, "output_tokens": 1})).json();
    assert_eq!((&answer["daily_cost"], &answer["monthly_input_cost"]), (&Value::Null, &Value::Null));
    assert_eq!(answer["num_requests_per_day"], Value::Null);
}

#[test]
fn an_unknown_price_is_null_and_an_unknown_model_is_not_found() {
    let asked = |model: &str| post("/cost/estimate", &json!({"model": model, "input_tokens": 5, "output_tokens": 5}));
    let priceless = asked("priceless");
    assert_eq!(priceless.status, 200);
    for name in
        ["cost_per_request", "input_cost_per_request", "margin_cost_per_request", "input_cost_per_token", "exactness"]
    {
        assert_eq!(priceless.json()[name], Value::Null, "{name}");
    }
    let unknown = asked("clade");
    let error = &unknown.json()["error"];
    assert_eq!((unknown.status, error["code"].as_str()), (404, Some("model_not_found")));
    assert!(error["message"].as_str().unwrap().contains("did you mean `claude`?"), "{error}");
    // Models of the price table can be quoted before anyone deploys them.
    assert_eq!(asked("gpt-4.1-nano").json()["provider"], "openai");
    assert_eq!(asked("groq/llama-3.1-8b-instant").json()["provider"], "groq");
    assert_eq!(asked("azure").json()["cost_per_request"], json!(0.000_062_5));
    assert_eq!(asked("alias").json()["cost_per_request"], json!(0.000_062_5));
}

#[test]
fn impossible_estimates_are_refused() {
    for (extra, param) in [
        (json!({"input_tokens": 5}), "output_tokens"),
        (json!({"input_tokens": -5, "output_tokens": 1}), "input_tokens"),
        (json!({"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 6}), "cache_read_input_tokens"),
        (json!({"input_tokens": 5, "output_tokens": 1, "reasoning_tokens": 2}), "reasoning_tokens"),
    ] {
        let mut body = json!({"model": "gpt"});
        extra.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let got = post("/cost/estimate", &body);
        assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some(param)), "{}", got.text());
    }
}

#[test]
fn an_answer_is_priced_by_its_usage_whatever_its_dialect() {
    let cost = |body: Value| post("/spend/calculate", &body).json();
    let openai = json!({"model": "gpt-4o-2024-08-06", "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}});
    assert_eq!(cost(json!({"completion_response": openai})), json!({"cost": 0.003_5, "exactness": "exact"}));
    let anthropic = json!({"usage": {"input_tokens": 50, "output_tokens": 400, "cache_read_input_tokens": 8000}});
    let expected = (50.0 * 3.0 + 400.0 * 15.0 + 8000.0 * 0.3) / 1e6;
    assert_eq!(cost(json!({"model": "claude", "completion_response": anthropic}))["cost"], json!(expected));
    let own = json!({"model": "my-own", "usage": {"prompt_tokens": 1000, "completion_tokens": 1}});
    let text = post("/spend/calculate", &json!({"model": "own", "completion_response": own})).text();
    assert_eq!(text, r#"{"cost":0.000002123,"exactness":"exact"}"#);
    let nobody = json!({"usage": {"prompt_tokens": 1000, "completion_tokens": 1}});
    assert_eq!(cost(json!({"model": "priceless", "completion_response": nobody}))["cost"], Value::Null);
}

#[test]
fn a_request_is_priced_by_its_prompt() {
    let got = post(
        "/spend/calculate",
        &json!({"model": "gpt", "messages": [{"role": "user", "content": "Hey, how's it going?"}]}),
    );
    let cost = got.json()["cost"].as_f64().unwrap();
    // It has 14 tokens.
    assert!((cost / 0.000_002_5 - 14.0).abs() < 3.0, "{}", got.text());
    assert_eq!(got.json()["exactness"], "estimated");
    for (body, param) in [
        (json!({}), "model"),
        (json!({"model": "gpt"}), "messages"),
        (json!({"completion_response": {"model": "gpt"}}), "completion_response.usage"),
        (json!({"completion_response": {"usage": {}}}), "completion_response.model"),
    ] {
        let got = post("/spend/calculate", &body);
        assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some(param)), "{}", got.text());
    }
}
