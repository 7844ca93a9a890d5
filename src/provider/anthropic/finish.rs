//! Why an answer ended, and what is said of it beyond OpenAI's words.

use serde_json::{Map, Value};

/// Anthropic's reasons that OpenAI's four words tell without loss.
const PLAIN: &[&str] = &["end_turn", "stop_sequence", "max_tokens", "tool_use"];

/// OpenAI's reason for one of Anthropic's
/// (<https://platform.claude.com/docs/en/build-with-claude/handling-stop-reasons>).
///
/// `calls` tells whether the client has a tool to run, `json_only` whether the only call was the answer itself.
pub(super) fn reason(stop_reason: Option<&str>, calls: bool, json_only: bool) -> &'static str {
    match stop_reason {
        Some("tool_use") if json_only => "stop",
        Some("tool_use") => "tool_calls",
        Some("max_tokens" | "model_context_window_exceeded" | "compaction") => "length",
        // The last two are Bedrock's.
        Some("refusal" | "sensitive" | "guardrail_intervened" | "content_filtered") => "content_filter",
        None if calls => "tool_calls",
        _ => "stop",
    }
}

/// What a whole answer, or the delta that ends a stream, says of its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Ending {
    /// The refusal in words.
    pub(super) refusal: Option<String>,
    /// What OpenAI's shape has no place for.
    pub(super) fields: Map<String, Value>,
}

/// Reads an ending out of each of `sources` (the message, or the delta and its event).
pub(super) fn ending(sources: &[&Value]) -> Ending {
    let field = |name: &str| sources.iter().find_map(|source| source.get(name).filter(|value| !value.is_null()));
    let mut out = Ending::default();
    for name in ["stop_sequence", "stop_details", "container", "context_management"] {
        if let Some(value) = field(name) {
            out.fields.insert(name.to_owned(), value.clone());
        }
    }
    // A paused turn is to be sent again as it is: the client must be able to tell it from one that is over.
    if let Some(reason) = field("stop_reason").and_then(Value::as_str).filter(|reason| !PLAIN.contains(reason)) {
        out.fields.insert("stop_reason".to_owned(), reason.into());
    }
    let explanation = field("stop_details").and_then(|details| details.get("explanation")).and_then(Value::as_str);
    out.refusal = explanation.map(str::to_owned);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_become_openais() {
        for (stop_reason, calls, json_only, want) in [
            (Some("end_turn"), false, false, "stop"),
            (Some("stop_sequence"), false, false, "stop"),
            (Some("pause_turn"), false, false, "stop"),
            (Some("max_tokens"), true, false, "length"),
            (Some("model_context_window_exceeded"), false, false, "length"),
            (Some("tool_use"), true, false, "tool_calls"),
            (Some("tool_use"), false, true, "stop"),
            (Some("refusal"), false, false, "content_filter"),
            (Some("something_new"), false, false, "stop"),
            (None, true, false, "tool_calls"),
        ] {
            assert_eq!(reason(stop_reason, calls, json_only), want, "{stop_reason:?}");
        }
    }
}
