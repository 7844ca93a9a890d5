//! Questions about money on the scripted host: what they answer, exactly, and what they keep to themselves.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "gateway/host.rs"]
#[expect(dead_code, reason = "nothing goes upstream here")]
mod host;

use host::{Got, Stage};
use serde_json::{Value, json};
use tollgate::cost::tokens::{Encoding, Vocabulary};

fn stage() -> Stage {
    let deployment = |name: &str, params: Value, info: Value| json!({"model_name": name, "litellm_params": params, "model_info": info});
    let list = json!([
        deployment("gpt", json!({"model": "openai/gpt-4o", "rpm": 10, "tpm": 1000}), json!({"id": "gpt-1"})),
        deployment("gpt", json!({"model": "openai/gpt-4o-mini", "rpm": 5}), json!({"id": "gpt-2"})),
        deployment("claude", json!({"model": "anthropic/claude-sonnet-4-5", "api_key": "sk-ant-REDACTED"}), json!({})),
        deployment(
            "own",
            json!({
                "model": "openai/my-own", "api_base": "https://me:hidden-password@own.example.com/v1?token=hidden-token",
                "api_key": "own-secret-key", "input_cost_per_token": "0.000000000123", "output_cost_per_token": 0.000_002,
                "extra_headers": {"x-company-auth": "hidden-header"}, "temperature": 0.25,
            }),
            json!({"id": "own-1", "mode": "chat", "team": "blue"}),
        ),
        deployment("priceless", json!({"model": "openai/nobody-knows"}), json!({})),
        deployment("azure", json!({"model": "azure/my-deployment"}), json!({"base_model": "azure/gpt-4o"})),
        deployment("vectors", json!({"model": "openai/text-embedding-3-small"}), json!({})),
        deployment("anything/*", json!({"model": "groq/*"}), json!({"id": "wild"})),
    ]);
    Stage::new(&json!({"model_list": list, "router_settings": {"model_group_alias": {"alias": "gpt"}}}), vec![])
}

fn post(path: &str, body: &Value) -> Got {
    stage().ask("POST", path, &[("content-type", "application/json")], body.to_string().as_bytes())
}

fn get(path: &str) -> Got {
    stage().ask("GET", path, &[], b"")
}

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
        "\"margin_cost_per_request\":0",
        "\"cache_read_cost_per_request\":0.00192",
        "\"cache_creation_cost_per_request\":0",
        "\"reasoning_cost_per_request\":0.001",
        "\"daily_cost\":0.04256",
        "\"monthly_cost\":6080",
        "\"monthly_reasoning_cost\":1000",
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

fn count(body: &Value) -> Value {
    let got = post("/utils/token_counter", body);
    assert_eq!(got.status, 200, "{}", got.text());
    got.json()
}

#[test]
fn tokens_are_counted_and_the_error_is_stated() {
    let messages = json!([{"role": "user", "content": "Hey, how's it going?"}]);
    let answer = count(&json!({"model": "gpt", "messages": messages}));
    let fixed = ["request_model", "model_used", "tokenizer_type", "count_source", "error", "original_response"];
    let values: Vec<&Value> = fixed.iter().map(|name| &answer[*name]).collect();
    assert_eq!(json!(values), json!(["gpt", "gpt-4o", "estimate", "local_estimate", false, null]));
    assert!((10..=16).contains(&answer["total_tokens"].as_u64().unwrap()), "{answer}");
    assert!(answer["error_percent"].as_u64().unwrap() > 0, "nothing here is exact: {answer}");
    let unknown = count(&json!({"model": "a-model-of-tomorrow", "prompt": "hello there"}));
    assert_eq!(unknown["model_used"], "a-model-of-tomorrow");
    assert!(unknown["error_percent"].as_u64() > answer["error_percent"].as_u64());
}

#[test]
fn system_tools_and_other_dialects_count_too() {
    let total = |body: Value| count(&body)["total_tokens"].as_u64().unwrap();
    let plain = total(json!({"model": "claude", "messages": [{"role": "user", "content": "hi"}]}));
    let with_system = total(
        json!({"model": "claude", "messages": [{"role": "user", "content": "hi"}], "system": "Be brief and kind."}),
    );
    let blocks = json!([{"type": "text", "text": "Be brief and kind."}]);
    let with_blocks =
        total(json!({"model": "claude", "messages": [{"role": "user", "content": "hi"}], "system": blocks}));
    assert!(with_system > plain + 4 && with_system == with_blocks);
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    let openai =
        json!([{"type": "function", "function": {"name": "weather", "description": "", "parameters": schema}}]);
    let anthropic = json!([{"name": "weather", "description": "", "input_schema": schema}]);
    let tools =
        |tools: Value| total(json!({"model": "gpt", "messages": [{"role": "user", "content": "hi"}], "tools": tools}));
    assert!(tools(openai.clone()) > plain);
    assert_eq!(tools(openai), tools(anthropic));
    let contents = json!([{"role": "user", "parts": [{"text": "hi"}]}]);
    let gemini = total(json!({"model": "gemini/gemini-2.5-pro", "contents": contents}));
    let same = total(json!({"model": "gemini/gemini-2.5-pro", "messages": [{"role": "user", "content": "hi"}]}));
    assert_eq!(gemini, same);
    let declared = json!([{"functionDeclarations": [{"name": "weather", "parameters": schema}]}]);
    assert!(total(json!({"model": "gemini/gemini-2.5-pro", "contents": contents, "tools": declared})) > gemini);
}

#[test]
fn a_count_of_nothing_is_refused() {
    for (body, param) in [
        (json!({"prompt": "x"}), "model"),
        (json!({"model": "gpt"}), "messages"),
        (json!({"model": "gpt", "messages": 1}), "messages"),
    ] {
        let got = post("/utils/token_counter", &body);
        assert_eq!((got.status, got.json()["error"]["param"].as_str()), (400, Some(param)), "{}", got.text());
    }
}

#[test]
fn with_a_vocabulary_the_count_is_exact() {
    let mut stage = stage();
    let mut planes = Vec::new();
    let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/vocab/o200k_base.bin.gz")).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut planes).unwrap();
    stage.gateway.take_vocabulary(Vocabulary::load(Encoding::O200kBase, &planes).unwrap());
    let messages = json!([{"role": "user", "content": "Hey, how's it going?"}]);
    let body = |model: &str| json!({"model": model, "messages": messages}).to_string();
    let ask = |model: &str| stage.ask("POST", "/utils/token_counter", &[], body(model).as_bytes()).json();
    let answer = ask("gpt");
    // OpenAI's formula: 3 for the answer, 3 for the message, 1 for its role, and 7 of text.
    assert_eq!((&answer["total_tokens"], &answer["error_percent"]), (&json!(14), &json!(0)));
    assert_eq!(answer["tokenizer_type"], "openai_tokenizer");
    assert_eq!(ask("claude")["tokenizer_type"], "estimate");
}

fn table(name: &str) -> Vec<u8> {
    std::fs::read(format!("{}/prices/{name}.mpt", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

#[test]
fn a_newer_price_table_is_taken_and_a_bad_one_is_refused() {
    let mut stage = stage();
    let quote = json!({"model": "together_ai/Qwen/Qwen3.5-397B-A17B", "input_tokens": 1_000_000, "output_tokens": 0});
    let cost = |stage: &Stage| stage.ask("POST", "/cost/estimate", &[], quote.to_string().as_bytes()).json();
    let built_in = stage.gateway.prices().len();
    assert_eq!(cost(&stage)["cost_per_request"], Value::Null);
    stage.gateway.take_prices(table("full")).unwrap();
    assert!(stage.gateway.prices().len() > 2 * built_in);
    let known = cost(&stage);
    assert!(known["cost_per_request"].as_f64().unwrap() > 0.0, "{known}");

    let mut damaged = table("full");
    damaged[5_000] ^= 1;
    let mut old = table("core");
    // The day stands behind the checksum: FNV-1a of all from there on.
    old[14..18].copy_from_slice(&20_000_u32.to_le_bytes());
    let sum = old[14..]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    old[6..14].copy_from_slice(&sum.to_le_bytes());
    for (bytes, words) in [
        (damaged, "cut or damaged"),
        (table("full")[..9_000].to_vec(), "cut or damaged"),
        (b"<html>not found</html>".to_vec(), "without its mark"),
        (old, "older than the built-in one"),
        (vec![], "without its mark"),
    ] {
        let error = stage.gateway.take_prices(bytes).unwrap_err();
        assert!(error.message().contains(words), "{error}");
        assert_eq!(cost(&stage), known, "the table before stays");
    }
}

#[test]
fn a_gateway_takes_over_the_prices_of_the_one_before() {
    let mut former = stage();
    former.gateway.take_prices(table("full")).unwrap();
    let mut stage = stage();
    stage.gateway.keep_data_of(&former.gateway);
    assert_eq!(stage.gateway.prices().len(), former.gateway.prices().len());
}

fn transform(call_type: &str, body: &Value) -> Got {
    post("/utils/transform_request", &json!({"call_type": call_type, "request_body": body}))
}

#[test]
fn the_upstream_request_is_shown_as_it_would_be_sent() {
    let body = json!({"model": "claude", "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "hi"}],
        "max_tokens": 5, "num_retries": 3});
    let answer = transform("completion", &body).json();
    assert_eq!(answer["raw_request_api_base"], "https://api.anthropic.com/v1/messages");
    assert_eq!(answer["raw_request_headers"]["x-api-key"], "***");
    assert_eq!(answer["raw_request_headers"]["content-type"], "application/json");
    assert_eq!(answer["error"], Value::Null);
    let sent = &answer["raw_request_body"];
    assert_eq!((sent["model"].as_str(), sent["max_tokens"].as_u64()), (Some("claude-sonnet-4-5"), Some(5)));
    assert_eq!((sent["system"].is_null(), sent["num_retries"].is_null()), (false, true));
    let vectors = transform("embedding", &json!({"model": "vectors", "input": "hi"})).json();
    assert_eq!(vectors["raw_request_api_base"], "https://api.openai.com/v1/embeddings");
    assert_eq!(vectors["raw_request_body"], json!({"model": "text-embedding-3-small", "input": "hi"}));
}

#[test]
fn a_transformed_request_keeps_credentials_to_itself() {
    let got = transform("completion", &json!({"model": "own", "messages": [{"role": "user", "content": "hi"}]}));
    let answer = got.json();
    assert_eq!(answer["raw_request_body"]["temperature"], 0.25, "{answer}");
    assert_eq!(answer["raw_request_headers"]["authorization"], "Bearer ***");
    assert_eq!(answer["raw_request_headers"]["x-company-auth"], "***");
    assert!(!got.text().contains("own-secret-key") && !got.text().contains("hidden-"), "{}", got.text());
}

#[test]
fn what_cannot_be_sent_cannot_be_transformed() {
    let hi = json!([{"role": "user", "content": "hi"}]);
    for (call_type, body, param) in [
        ("image_generation", json!({"model": "gpt", "messages": hi}), "call_type"),
        ("completion", json!({"model": "gpt"}), "messages"),
        ("completion", json!({"model": "nobody", "messages": hi}), "model"),
        ("completion", json!({"model": "gpt", "messages": hi, "api_base": "http://x"}), "api_base"),
        ("completion", json!({"model": "claude", "messages": hi, "logit_bias": {"1": 1}}), "logit_bias"),
    ] {
        let got = transform(call_type, &body);
        assert_eq!(got.json()["error"]["param"].as_str(), Some(param), "{}", got.text());
    }
}

#[test]
fn supported_params_are_those_that_the_dialect_takes() {
    let params = |model: &str| {
        let answer = get(&format!("/utils/supported_openai_params?model={model}")).json();
        let list = answer["supported_openai_params"].as_array().unwrap_or_else(|| panic!("{answer}")).clone();
        list.iter().map(|name| name.as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let has = |model: &str, name: &str| params(model).iter().any(|param| param == name);
    for name in ["temperature", "max_tokens", "tools", "tool_choice", "stream", "response_format"] {
        assert!(has("gpt", name) && has("claude", name) && has("gemini/gemini-2.5-pro", name), "{name}");
    }
    assert!(has("gpt", "logit_bias") && !has("claude", "logit_bias"));
    assert!(has("claude", "thinking"));
    // Each that is listed is taken by a call, and each that is not is refused.
    let refused = transform(
        "completion",
        &json!({"model": "claude", "messages": [{"role": "user", "content": "hi"}], "logit_bias": {"1": 1}}),
    );
    assert_eq!(refused.status, 400);
    assert_eq!(get("/utils/supported_openai_params?model=nobody").status, 404);
    assert_eq!(get("/utils/supported_openai_params").status, 400);
}

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
