//! Deployments with plain prices, and what their upstreams answer: 10 tokens in, 20 out.

use serde_json::{Value, json};

use super::host::{Piece, Script, answer};

/// A deployment with plain prices: a milli-dollar a token in, two out. What [`ok`] answers costs 5 cents.
pub(crate) fn deployment(group: &str, model: &str, more: &Value) -> Value {
    let mut params = json!({"model": model, "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
    params.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({"model_name": group, "litellm_params": params, "model_info": {"id": model}})
}

/// A request for at most 20 tokens.
pub(crate) fn ask(model: &str) -> Value {
    json!({"model": model, "max_tokens": 20, "messages": [{"role": "user", "content": "hi"}]})
}

fn usage() -> Value {
    json!({"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30})
}

/// A whole answer: 10 tokens in, 20 out.
pub(crate) fn ok(text: &str) -> Script {
    let choices = json!([{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]);
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "own", "choices": choices, "usage": usage()});
    answer(200, &body.to_string())
}

/// A stream that says one word, then the pieces, then its end where it has one.
pub(crate) fn stream(pieces: Vec<Piece>, ends: bool) -> Script {
    let chunk = |delta: Value, finish: Value| {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        let chunk =
            json!({"id": "1", "object": "chat.completion.chunk", "created": 1, "model": "own", "choices": choices});
        Piece::Bytes(format!("data: {chunk}\n\n").into_bytes())
    };
    let mut all = vec![chunk(json!({"role": "assistant", "content": "four"}), Value::Null)];
    all.extend(pieces);
    if ends {
        all.push(chunk(json!({}), json!("stop")));
        let end = json!({"id": "1", "choices": [], "usage": usage()});
        all.push(Piece::Bytes(format!("data: {end}\n\ndata: [DONE]\n\n").into_bytes()));
    }
    Script { pieces: all, headers: vec![("content-type", "text/event-stream")], ..answer(200, "") }
}
