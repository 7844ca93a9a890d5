//! What each model is sent for each effort, model by model, with what the price data know of it.
//!
//! `BLESS=1 cargo test --test effort` rewrites `tests/effort/table.txt`; read the diff.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "gateway/host.rs"]
#[expect(dead_code, reason = "nothing goes upstream here")]
mod host;

use std::fmt::Write as _;
use std::path::Path;

use host::Stage;
use serde_json::{Map, Value, json};

/// Fields of the upstream's request that say how much to think.
const STEERS: &[&str] = &[
    "max_tokens",
    "output_config",
    "reasoning",
    "reasoning_effort",
    "think",
    "thinking",
    "thinkingConfig",
    "maxTokens",
    "reasoningConfig",
];

/// Those of `body`, wherever the provider's form has them.
fn steering(body: &Value, found: &mut Map<String, Value>) {
    for (name, value) in body.as_object().into_iter().flatten() {
        if STEERS.contains(&name.as_str()) {
            found.insert(name.clone(), value.clone());
        } else if ["generationConfig", "inferenceConfig", "additionalModelRequestFields"].contains(&name.as_str()) {
            steering(value, found);
        }
    }
}

/// What the model is sent for an effort, or why it is not.
fn sent(stage: &Stage, model: &str, effort: &str) -> String {
    let (effort, drop) = effort.strip_suffix(",drop").map_or((effort, false), |effort| (effort, true));
    let body = json!({
        "model": model, "reasoning_effort": effort, "drop_params": drop, "messages": [{"role": "user", "content": "x"}],
    });
    let question = json!({"call_type": "completion", "request_body": body}).to_string();
    let got =
        stage.ask("POST", "/utils/transform_request", &[("content-type", "application/json")], question.as_bytes());
    let answer = got.json();
    if got.status != 200 {
        let error = &answer["error"];
        return format!(
            "{} {} {}",
            got.status,
            error["code"].as_str().unwrap_or("-"),
            error["param"].as_str().unwrap_or("-")
        );
    }
    let mut found = Map::new();
    steering(&answer["raw_request_body"], &mut found);
    Value::Object(found).to_string()
}

#[test]
fn every_effort_of_every_listed_model_is_what_the_table_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/effort/table.txt");
    let table = std::fs::read_to_string(&path).unwrap();
    let rows: Vec<&str> = table.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
    assert!(rows.len() >= 80, "{} rows", rows.len());
    let models: Vec<&str> = rows.iter().filter_map(|row| row.split_whitespace().next()).collect();
    let list: Vec<Value> = models
        .iter()
        .map(|model| {
            let params = json!({
                "model": model, "api_key": "k", "api_base": "http://127.0.0.1:9/v1", "aws_region_name": "us-east-1",
                "vertex_project": "p", "vertex_location": "global",
            });
            json!({"model_name": model, "litellm_params": params})
        })
        .collect();
    let stage = Stage::new(&json!({"model_list": list}), vec![]);

    let mut now = String::new();
    for line in table.lines() {
        let mut words = line.split_whitespace();
        let (Some(model), Some(effort)) = (words.next().filter(|word| !word.starts_with('#')), words.next()) else {
            now.push_str(line);
            now.push('\n');
            continue;
        };
        writeln!(now, "{model:<52} {effort:<13} {}", sent(&stage, model, effort)).unwrap();
    }
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, now).unwrap();
        return;
    }
    for (want, got) in table.lines().zip(now.lines()) {
        assert_eq!(want, got);
    }
}
