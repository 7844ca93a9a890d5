//! Tokens are counted without a provider, and the error is stated.

use serde_json::{Value, json};
use tollgate::cost::tokens::{Encoding, Vocabulary};

use crate::{post, stage};

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
    let stage = stage();
    let mut planes = Vec::new();
    let file = std::fs::File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/www/vocab/o200k_base.bin.gz")).unwrap();
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
