//! The router's rules, one row each: `tests/router/rules.txt` says what upstreams answer, and what must come of it.
//!
//! A row is `rule | dialect | deployments | settings | request | answers | expected`. Answers to one request are separated by
//! spaces, requests by `;`. What is expected speaks of the last request, but `sent`, which
//! counts all.

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

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use host::{Got, Piece, Script, Stage, answer, unreachable_upstream};
use serde_json::{Value, json};

/// The fewest rows that the table has to have.
const LEAST_ROWS: usize = 300;

struct Row {
    line: usize,
    cells: Vec<String>,
}

impl Row {
    fn cell(&self, at: usize) -> &str {
        &self.cells[at]
    }

    fn json(&self, at: usize) -> Value {
        match self.cell(at) {
            "-" => json!({}),
            text => serde_json::from_str(text).unwrap_or_else(|error| panic!("line {}: {error}: {text}", self.line)),
        }
    }
}

fn rows() -> Vec<Row> {
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/router/rules.txt")).unwrap();
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
    let row = |(at, line): (usize, &str)| {
        let cells: Vec<String> = line.split(" | ").map(|cell| cell.trim().to_owned()).collect();
        assert_eq!(cells.len(), 7, "line {}: {line}", at + 1);
        Row { line: at + 1, cells }
    };
    lines.map(row).collect()
}

fn model(dialect: &str) -> &'static str {
    match dialect {
        "openai" => "openai/gpt-4o",
        "anthropic" => "anthropic/claude-sonnet-4-5",
        "gemini" => "gemini/gemini-2.5-flash",
        other => panic!("unknown dialect {other}"),
    }
}

/// What an upstream answers to a request that it takes.
fn success(dialect: &str) -> Value {
    match dialect {
        "anthropic" => json!({"id": "m", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
            "content": [{"type": "text", "text": "hello"}], "stop_reason": "end_turn",
            "usage": {"input_tokens": 3, "output_tokens": 1}}),
        "gemini" => {
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "finishReason": "STOP",
            "index": 0}], "usageMetadata": {"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4},
            "modelVersion": "gemini-2.5-flash"})
        }
        _ => json!({"id": "1", "object": "chat.completion", "created": 1, "model": "gpt-4o", "choices": [{"index": 0,
            "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}}),
    }
}

/// What an upstream says when it refuses.
fn refusal(dialect: &str, status: u16, about: &str) -> Value {
    let message = match (about, dialect) {
        ("", _) => "boom",
        ("context", "anthropic") => "prompt is too long: 210000 tokens > 200000 maximum",
        ("context", "gemini") => {
            "The input token count (1048577) exceeds the maximum number of tokens allowed (1048576)."
        }
        ("context", _) => "This model's maximum context length is 128000 tokens.",
        ("policy", "anthropic") => "Output blocked by content filtering policy",
        ("policy", "gemini") => "The response was blocked.",
        ("policy", _) => "Your request was rejected as a result of our safety system.",
        ("key", _) => "API key not valid. Please pass a valid API key.",
        ("credit", _) => "Your credit balance is too low to access the API.",
        (other, _) => panic!("unknown reason {other}"),
    };
    match dialect {
        "anthropic" => json!({"type": "error", "error": {"type": anthropic_type(status), "message": message}}),
        "gemini" => json!({"error": {"code": status, "message": message, "status": "UNKNOWN"}}),
        _ => json!({"error": {"message": message, "type": null, "param": null, "code": null}}),
    }
}

/// Anthropic's `error.type` of a status, from its list of errors.
fn anthropic_type(status: u16) -> &'static str {
    match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        500.. => "api_error",
        _ => "invalid_request_error",
    }
}

/// `500`, `400:context`, `429@7` (with `retry-after: 7`), `down` (not reachable), `never`; `spare` before it: from OpenAI.
fn script(dialect: &str, word: &str) -> Script {
    let (dialect, word) = word.strip_prefix("spare:").map_or((dialect, word), |word| ("openai", word));
    match word {
        "down" => return unreachable_upstream(),
        "never" => return Script { delay_ms: None, ..answer(200, "") },
        "early" => {
            let event = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
            return Script { pieces: vec![Piece::Bytes(event.into())], ..answer(200, "") };
        }
        _ => {}
    }
    let (word, after) = word.split_once('@').map_or((word, None), |(word, after)| (word, Some(after)));
    let (status, about) = word.split_once(':').unwrap_or((word, ""));
    let status: u16 = status.parse().unwrap_or_else(|_| panic!("unknown answer {word}"));
    let body = if status == 200 { success(dialect) } else { refusal(dialect, status, about) };
    let headers = after.map(|after| ("retry-after", &*after.to_owned().leak()));
    Script { headers: headers.into_iter().collect(), ..answer(status, &body.to_string()) }
}

/// `500*3` is three scripts.
fn scripts(dialect: &str, text: &str) -> Vec<Script> {
    let many = |word: &str| {
        let (word, count) = word.split_once('*').map_or((word, 1), |(word, count)| (word, count.parse().unwrap()));
        vec![script(dialect, word); count]
    };
    text.split_whitespace().flat_map(many).collect()
}

/// The requests of a row: what upstreams answer to each, or for how many ms nobody asks anything (`wait:6000`). `500 #3` is
/// three requests with that answer; `none`: nothing may be sent.
fn requests(dialect: &str, text: &str) -> Vec<Result<Vec<Script>, u64>> {
    let one = |text: &str| -> Vec<Result<Vec<Script>, u64>> {
        if let Some(ms) = text.strip_prefix("wait:") {
            return vec![Err(ms.parse().unwrap())];
        }
        let (text, count) = text.split_once('#').map_or((text, 1), |(text, count)| (text, count.parse().unwrap()));
        vec![Ok(if text == "none" { Vec::new() } else { scripts(dialect, text) }); count]
    };
    text.split(';').flat_map(|text| one(text.trim())).collect()
}

/// Group `m` of so many deployments; groups `spare` and `last`. `d` of the settings adds to each deployment of `m`, `i` to its
/// `model_info`, `l` is `litellm_settings`, `name` the name of the group; all else is `router_settings`.
fn config(dialect: &str, count: usize, mut settings: Value) -> Value {
    let map = settings.as_object_mut().unwrap();
    let mut part = |name: &str| map.remove(name).unwrap_or(Value::Null);
    let (params, infos, litellm, name) = (part("d"), part("i"), part("l"), part("name"));
    let name = name.as_str().unwrap_or("m");
    let model = if name.ends_with('*') {
        model(dialect).split('/').next().unwrap().to_owned() + "/*"
    } else {
        model(dialect).to_owned()
    };
    let merged = |mut base: Value, more: &Value| {
        for (key, value) in more.as_object().into_iter().flatten() {
            base[key] = value.clone();
        }
        base
    };
    let mut list: Vec<Value> = (0..count)
        .map(|at| {
            let params = merged(json!({"model": model, "api_key": "sk-upstream"}), &params[at]);
            let info = merged(json!({"id": format!("m{at}")}), &infos[at]);
            json!({"model_name": name, "litellm_params": params, "model_info": info})
        })
        .collect();
    for other in ["spare", "last"] {
        let params = json!({"model": "openai/gpt-4o-mini", "api_key": "sk-upstream"});
        list.push(json!({"model_name": other, "litellm_params": params, "model_info": {"id": other}}));
    }
    json!({"model_list": list, "router_settings": settings, "litellm_settings": litellm.as_object().cloned().unwrap_or_default()})
}

/// What is seen after the last request.
fn seen(stage: &Stage, got: &Got, sent: usize) -> BTreeMap<&'static str, String> {
    let header = |name: &str| got.headers.get(name).unwrap_or_default().to_owned();
    let board = stage.host.board.borrow();
    let rests: Value = board.as_ref().map_or(Value::Null, |(bytes, _)| serde_json::from_slice(bytes).unwrap());
    let rests = rests.as_array().cloned().unwrap_or_default();
    let now = 1_700_000_000_000 + stage.host.world.now.get();
    let resting: Vec<&Value> = rests.iter().filter(|rest| rest[1].as_u64().unwrap() > now).collect();
    let answered = if got.status == 200 { header("x-litellm-model-group") } else { "-".to_owned() };
    [
        ("status", got.status.to_string()),
        ("sent", sent.to_string()),
        ("group", answered),
        ("id", header("x-litellm-model-id")),
        ("cool", if resting.is_empty() { "no" } else { "yes" }.to_owned()),
        ("rest", resting.first().map_or(0, |rest| rest[1].as_u64().unwrap() - now).to_string()),
        ("resting", resting.len().to_string()),
        ("ms", got.ms.to_string()),
        ("retries", header("x-litellm-attempted-retries")),
        ("max", header("x-litellm-max-retries")),
        ("hops", header("x-litellm-attempted-fallbacks")),
        ("after", header("retry-after")),
    ]
    .into_iter()
    .collect()
}

fn run(row: &Row) -> Result<(), String> {
    let (dialect, count) = (row.cell(1), row.cell(2).parse().unwrap());
    let config = config(dialect, count, row.json(3));
    let name = config["model_list"][0]["model_name"].as_str().unwrap().replace('*', "gpt-4o");
    let stage = Stage::new(&config, Vec::new());
    let mut last = None;
    for scripts in requests(dialect, row.cell(5)) {
        let scripts = match scripts {
            Ok(scripts) => scripts,
            Err(ms) => {
                stage.host.world.now.set(stage.host.world.now.get() + ms);
                continue;
            }
        };
        stage.host.give(scripts);
        let mut body = json!({"model": name, "messages": [{"role": "user", "content": "hi"}]});
        for (key, value) in row.json(4).as_object().unwrap() {
            body[key] = value.clone();
        }
        last = Some(stage.chat(&body));
    }
    let got = last.unwrap();
    let sent = stage.host.sent.borrow().len();
    let seen = seen(&stage, &got, sent);
    let mut wrong = Vec::new();
    for expectation in row.cell(6).split_whitespace() {
        let (key, wanted) = expectation.split_once('=').unwrap();
        let own = seen.get(key).unwrap_or_else(|| panic!("line {}: unknown expectation {key}", row.line));
        let fits = match wanted.split_once("..") {
            Some((least, most)) => {
                (least.parse().unwrap()..=most.parse().unwrap()).contains(&own.parse::<u64>().unwrap())
            }
            None => own == wanted,
        };
        if !fits {
            wrong.push(format!("{key} is {own}, not {wanted}"));
        }
    }
    if wrong.is_empty() {
        return Ok(());
    }
    Err(format!("line {}: {}: {} ({})", row.line, row.cells.join(" | "), wrong.join(", "), got.text()))
}

#[test]
fn every_rule_holds() {
    let rows = rows();
    assert!(rows.len() >= LEAST_ROWS, "only {} rows", rows.len());
    let wrong: Vec<String> = rows.iter().filter_map(|row| run(row).err()).collect();
    assert!(wrong.is_empty(), "{} of {} rows:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
}

#[test]
fn no_two_rows_say_the_same() {
    let rows = rows();
    for (at, row) in rows.iter().enumerate() {
        let twin = rows[..at].iter().find(|other| other.cells[1..6] == row.cells[1..6]);
        assert!(
            twin.is_none_or(|twin| twin.cells[6] != row.cells[6]),
            "line {} is line {}",
            row.line,
            twin.unwrap().line
        );
    }
}
