//! Upstreams that fail, stall, cut, limit and recover, by a plan that a seed has drawn.

use serde_json::{Value, json};

use crate::host::{Piece, Script, answer};

/// What an upstream does in a span of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// It answers.
    Well,
    /// It answers after two seconds: within every time-out.
    Slow,
    /// 500, 503 or the like.
    Fails(u16),
    /// 429 with `retry-after`, in seconds.
    Limits(&'static str),
    /// It never answers.
    Stalls,
    /// A stream breaks after its first text; a whole answer never comes.
    Cuts,
    /// 200 with an error in its first event; a whole answer is a 502.
    FailsEarly,
    /// The connection breaks before the head.
    Unreachable,
}

/// The protocol of an upstream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    OpenAi,
    Anthropic,
    Gemini,
}

/// A number of the gateway's clients is in the prompt: `r17`.
pub(crate) fn number_of(body: &Value) -> usize {
    let text = body.to_string();
    let at = text.find("question r").expect("every request has its number") + "question r".len();
    text[at..].chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap()
}

/// Whether every upstream refuses the request as its client's mistake.
pub(crate) fn is_wrong(body: &Value) -> bool {
    body.to_string().contains("a wrong one")
}

/// What an upstream does with a request.
pub(crate) fn play(dialect: Dialect, mode: Mode, body: &Value, stream: bool) -> Script {
    if is_wrong(body) {
        return refusal(dialect, 400);
    }
    match mode {
        Mode::Well => success(dialect, stream, 10),
        Mode::Slow => success(dialect, stream, 2_000),
        Mode::Fails(status) => refusal(dialect, status),
        Mode::Limits(after) => Script { headers: vec![("retry-after", after)], ..refusal(dialect, 429) },
        Mode::Stalls => Script { delay_ms: None, ..answer(200, "") },
        Mode::Cuts if stream => {
            let mut script = success(dialect, true, 10);
            script.pieces.truncate(if dialect == Dialect::Gemini { 1 } else { 3 });
            script.pieces.push(Piece::Break);
            script
        }
        Mode::FailsEarly if stream => {
            let event = match dialect {
                Dialect::Anthropic => {
                    "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n"
                }
                _ => "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n",
            };
            Script { pieces: vec![Piece::Bytes(event.into())], ..answer(200, "") }
        }
        Mode::Cuts => Script { pieces: vec![Piece::Break], ..answer(200, "") },
        Mode::FailsEarly => refusal(dialect, 502),
        Mode::Unreachable => crate::host::unreachable_upstream(),
    }
}

fn refusal(dialect: Dialect, status: u16) -> Script {
    let body = match dialect {
        Dialect::Anthropic => json!({"type": "error", "error": {"type": "api_error", "message": "boom"}}),
        Dialect::Gemini => json!({"error": {"code": status, "message": "boom", "status": "UNKNOWN"}}),
        Dialect::OpenAi => json!({"error": {"message": "boom"}}),
    };
    answer(status, &body.to_string())
}

/// An answer of 3 tokens in and 1 token out.
fn success(dialect: Dialect, stream: bool, delay_ms: u64) -> Script {
    let event = |value: Value| format!("data: {value}\n\n");
    let named = |value: Value| format!("event: {}\ndata: {value}\n\n", value["type"].as_str().unwrap());
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        event(json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices}))
    };
    let usage = json!({"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4});
    let gemini = |finish: Value, usage: bool| {
        let mut value =
            json!({"candidates": [{"content": {"role": "model", "parts": [{"text": "hello"}]}, "index": 0}]});
        if usage {
            value["candidates"][0]["finishReason"] = finish;
            value["usageMetadata"] = json!({"promptTokenCount": 3, "candidatesTokenCount": 1, "totalTokenCount": 4});
        }
        value
    };
    let pieces: Vec<String> = match (dialect, stream) {
        (Dialect::OpenAi, false) => {
            let message = json!({"role": "assistant", "content": "hello"});
            let choices = json!([{"index": 0, "message": message, "finish_reason": "stop"}]);
            vec![json!({"id": "1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}).to_string()]
        }
        (Dialect::OpenAi, true) => vec![
            chunk(json!({"role": "assistant", "content": ""}), Value::Null),
            chunk(json!({"content": "hello"}), Value::Null),
            chunk(json!({}), json!("stop")),
            event(json!({"id": "1", "choices": [], "usage": usage})),
            "data: [DONE]\n\n".to_owned(),
        ],
        (Dialect::Anthropic, false) => vec![
            json!({"id": "m", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                "content": [{"type": "text", "text": "hello"}], "usage": {"input_tokens": 3, "output_tokens": 1}})
            .to_string(),
        ],
        (Dialect::Anthropic, true) => vec![
            named(json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
                "model": "m", "content": [], "usage": {"input_tokens": 3, "output_tokens": 1}}})),
            named(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}})),
            named(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "hello"}})),
            named(json!({"type": "content_block_stop", "index": 0})),
            named(
                json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 1}}),
            ),
            named(json!({"type": "message_stop"})),
        ],
        (Dialect::Gemini, false) => vec![gemini(json!("STOP"), true).to_string()],
        (Dialect::Gemini, true) => vec![event(gemini(Value::Null, false)), event(gemini(json!("STOP"), true))],
    };
    let pieces = pieces.into_iter().map(|text| Piece::Bytes(text.into_bytes())).collect();
    Script { pieces, delay_ms: Some(delay_ms), ..answer(200, "") }
}
