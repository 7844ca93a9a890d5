//! Whole requests: LiteLLM's numbers, and bounds that hold for every family.

use serde_json::{Value, json};
use tollgate::cost::tokens::{
    Counter, Encoding, Family, Method, Vocabulary, chat_upper_bound, count_chat, encoding_of, family_of,
};
use tollgate::openai::ChatRequest;

use crate::exact::{Random, vocabulary};

fn request(body: &Value) -> ChatRequest {
    ChatRequest::parse(body.to_string().as_bytes()).unwrap()
}

fn recorded() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/chat_counts.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn vocabularies() -> [Vocabulary; 2] {
    [Encoding::O200kBase, Encoding::Cl100kBase].map(vocabulary)
}

/// The file holds requests and what `litellm.token_counter` 1.106.2 says of each; LiteLLM's own fixtures are among them
/// (a short system message is 12, a tool 66, without choice 67, named 75).
#[test]
fn messages_and_tools_cost_what_litellm_says() {
    let [o200k, cl100k] = vocabularies();
    let rows = recorded();
    assert_eq!(rows.len(), 46);
    for row in &rows {
        let request = request(&row["request"]);
        let ours = match encoding_of("openai", request.model()) {
            Some(Encoding::O200kBase) => &o200k,
            _ => &cl100k,
        };
        let count = count_chat(&request, request.model(), Counter::Exact(ours)).unwrap();
        assert_eq!(count.value, row["tokens"].as_u64().unwrap(), "{row}");
    }
}

#[test]
fn plain_messages_are_exact_and_tools_are_not() {
    let [o200k, _] = vocabularies();
    let count = |body: Value| count_chat(&request(&body), "gpt-4o", Counter::Exact(&o200k)).unwrap();
    let messages = json!([{"role": "user", "content": "hi"}]);
    let plain = count(json!({"model": "x", "messages": messages}));
    assert_eq!((plain.value, plain.method, plain.error_percent), (8, Method::Exact, 0));
    let tools = json!([{"type": "function", "function": {"name": "f"}}]);
    let with_tools = count(json!({"model": "x", "messages": messages, "tools": tools}));
    assert_eq!(with_tools.method, Method::Estimated);
    assert!((1..=5).contains(&with_tools.error_percent), "{with_tools:?}");
}

#[test]
fn called_functions_and_thinking_count_and_signatures_do_not() {
    let counter = Counter::Estimate(Family::Claude46);
    let count = |message: Value| {
        let body = json!({"model": "x", "messages": [{"role": "user", "content": "hi"}, message]});
        count_chat(&request(&body), "claude-sonnet-4-5", counter).unwrap().value
    };
    let call = |name: &str, arguments: &str| {
        let call = json!({"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}});
        count(json!({"role": "assistant", "content": null, "tool_calls": [call]}))
    };
    assert!(call("get_weather_of_town", "{}") > call("f", "{}"));
    assert!(call("f", "{\"town\": \"Lisbon\"}") > call("f", "{}"));
    let thinking = |text: &str, signature: &str| {
        let block = json!({"type": "thinking", "thinking": text, "signature": signature});
        count(json!({"role": "assistant", "content": "a", "thinking_blocks": [block]}))
    };
    assert_eq!(thinking("Let me see.", "sig"), thinking("Let me see.", &"sig".repeat(500)));
    assert!(thinking("Let me see what is there.", "") > thinking("", ""));
}

#[test]
fn an_image_in_anthropics_shape_is_measured_by_its_header() {
    // PNG, 1,000 by 1,000 pixels: 36 by 36 patches of 28.
    let data = "iVBORw0KGgoAAAANSUhEUgAAA+gAAAPo";
    let image = json!({"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}});
    let remote = json!({"type": "image", "source": {"type": "url", "url": "https://a/b.png"}});
    let count = |part: &Value| {
        let body = json!({"model": "x", "messages": [{"role": "user", "content": [part]}]});
        count_chat(&request(&body), "claude-sonnet-4-5", Counter::Estimate(Family::Claude46)).unwrap().value
    };
    assert_eq!(count(&image) - count(&remote), 36 * 36 - 250);
}

#[test]
fn a_request_of_many_long_texts_is_sampled() {
    let text = "All work and no play. ".repeat(60_000);
    let messages: Vec<Value> = (0..6).map(|_| json!({"role": "user", "content": text})).collect();
    let body = json!({"model": "x", "messages": messages});
    let whole = 6 * (Counter::Estimate(Family::Gemini).count(&text).value + 4) + 3;
    let count = count_chat(&request(&body), "gemini-2.5-pro", Counter::Estimate(Family::Gemini)).unwrap();
    assert!(count.value.abs_diff(whole) * 50 < whole, "{count:?} for {whole}");
    assert!(count.error_percent > 20, "{count:?}");
}

fn random_schema(random: &mut Random, depth: usize) -> Value {
    let mut properties = serde_json::Map::new();
    for _ in 0..random.below(4) {
        let schema = match random.below(if depth > 3 { 4 } else { 6 }) {
            0 => json!({"type": "string", "description": random.text()}),
            1 => json!({"type": "integer", "enum": [1, 2, -3]}),
            2 => json!({"type": "string", "enum": [random.text(), random.text()]}),
            3 => json!({"anyOf": [{"type": "null"}]}),
            4 => random_schema(random, depth + 1),
            _ => json!({"type": "array", "items": random_schema(random, depth + 1)}),
        };
        properties.insert(random.text(), schema);
    }
    json!({"type": "object", "properties": properties, "description": random.text()})
}

fn random_request(random: &mut Random) -> Value {
    let mut messages = Vec::new();
    for _ in 0..=random.below(3) {
        messages.push(match random.below(7) {
            0 => json!({"role": "system", "content": random.text(), "name": random.text()}),
            1 => json!({"role": "user", "content": random.text()}),
            2 => json!({"role": "assistant", "content": null, "reasoning_content": random.text(), "tool_calls": [
                {"id": random.text(), "function": {"name": random.text(), "arguments": random.text()}}]}),
            3 => json!({"role": "tool", "content": random.text(), "tool_call_id": random.text()}),
            4 => json!({"role": "user", "content": [{"type": "text", "text": random.text()},
                {"type": "image_url", "image_url": {"url": "https://a/b.png", "detail": "high"}}]}),
            5 => {
                let audio = json!({"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}});
                let pdf = json!({"file_data": "data:application/pdf;base64,AAAA", "filename": random.text()});
                json!({"role": "user", "content": [audio, {"type": "file", "file": pdf}]})
            }
            _ => json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [
                {"type": "text", "text": random.text()}, {"type": "odd", "x": random.text()}]}]}),
        });
    }
    let mut body = json!({"model": "m", "messages": messages});
    if random.below(2) == 0 {
        let function =
            json!({"name": random.text(), "description": random.text(), "parameters": random_schema(random, 0)});
        body["tools"] = json!([{"type": "function", "function": function}]);
        body["tool_choice"] = json!({"type": "function", "function": {"name": random.text()}});
    }
    body
}

#[test]
fn no_count_is_above_the_bound_of_its_request() {
    let [o200k, cl100k] = vocabularies();
    let mut random = Random(4);
    let bodies: Vec<Value> = (0..600).map(|_| random_request(&mut random)).collect();
    let requests = recorded().into_iter().map(|row| row["request"].clone()).chain(bodies);
    let models =
        ["openai/gpt-4o", "openai/gpt-4", "anthropic/claude-opus-4-7", "gemini/gemini-2.5-pro", "groq/llama-4", "x/y"];
    for (index, body) in requests.enumerate() {
        let request = request(&body);
        for named in models {
            let (provider, model) = named.split_once('/').unwrap();
            let family = family_of(provider, model);
            let bound = chat_upper_bound(&request, model, family).unwrap();
            let estimate = count_chat(&request, model, Counter::Estimate(family)).unwrap().value;
            assert!(estimate <= bound, "{index} {model}: {estimate} above {bound}: {body}");
            let exact = match family {
                Family::OpenAi => count_chat(&request, model, Counter::Exact(&o200k)).unwrap().value,
                Family::OpenAiOld => count_chat(&request, model, Counter::Exact(&cl100k)).unwrap().value,
                _ => continue,
            };
            assert!(exact <= bound, "{index} {model}: {exact} above {bound}: {body}");
        }
    }
}

#[test]
fn wrong_requests_are_named() {
    let body = json!({"model": "m", "messages": [{"role": "robot", "content": "x"}]});
    let error = count_chat(&request(&body), "gpt-4o", Counter::Estimate(Family::OpenAi)).unwrap_err();
    assert_eq!(error.param(), Some("messages[0].role"));
}
