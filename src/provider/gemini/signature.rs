//! Thought signatures: carried to the client and back, since Gemini 3 refuses a call of its own that comes without one.
//!
//! <https://ai.google.dev/gemini-api/docs/thought-signatures>. A signature travels twice: in the call's
//! `provider_specific_fields.thought_signature`, and inside of its id, because many clients echo only the id.

use serde_json::{Map, Value};

use crate::openai::{Message, ToolCall};

/// What stands between a call's id and its signature (LiteLLM's mark).
const MARK: &str = "__thought__";

/// What Google documents for calls that another model made; put into the field as it is.
pub(super) const FOREIGN: &str = "skip_thought_signature_validator";

/// What stands in a part of a tool that Google ran, in both spellings.
#[rustfmt::skip]
const HOSTED: &[&str] = &[
    "toolCall", "tool_call", "toolResponse", "tool_response", "executableCode", "executable_code",
    "codeExecutionResult", "code_execution_result", "thoughtSignature",
];

/// A call's id with its signature inside.
pub(super) fn pack(id: &str, signature: Option<&str>) -> String {
    signature.map_or_else(|| id.to_owned(), |signature| format!("{id}{MARK}{signature}"))
}

/// A call's own id and the signature inside of it.
pub(super) fn unpack(id: &str) -> (&str, Option<&str>) {
    match id.split_once(MARK) {
        Some((id, signature)) if !signature.is_empty() => (id, Some(signature)),
        Some((id, _)) => (id, None),
        None => (id, None),
    }
}

/// The signature that came with a call: in its fields, in those of Google's OpenAI-compatible API, or in its id.
pub(super) fn of_call(call: &ToolCall) -> Option<&str> {
    let fields = call.extra.get("provider_specific_fields");
    let google = call.extra.get("extra_content").and_then(|content| content.get("google"));
    [fields, google]
        .into_iter()
        .flatten()
        .find_map(|fields| fields.get("thought_signature")?.as_str())
        .filter(|signature| !signature.is_empty())
        .or_else(|| unpack(&call.id).1)
}

/// The parts of a message that tell of tools that Google ran, which it wants back as they came.
pub(super) fn hosted_parts(message: &Message) -> impl Iterator<Item = &Value> {
    let fields = message.extra.get("provider_specific_fields");
    let list = move |name: &str| fields.and_then(|fields| fields.get(name)?.as_array()).into_iter().flatten();
    list("server_side_tool_invocations").chain(list("code_execution")).filter(|part| is_hosted(part))
}

/// Whether a part is of a tool that Google ran, and nothing that a client made up or another provider wrote.
fn is_hosted(part: &Value) -> bool {
    part.as_object().is_some_and(|part| part.keys().all(|name| HOSTED.contains(&name.as_str())))
}

/// The signatures of a message that are not on its calls and tools: each is billed again for every copy that is sent.
pub(super) fn of_text(message: &Message) -> Vec<&str> {
    let mut elsewhere: Vec<&str> = message.tool_calls.iter().filter_map(of_call).collect();
    elsewhere.extend(hosted_parts(message).filter_map(|part| part.get("thoughtSignature")?.as_str()));
    let fields = message.extra.get("provider_specific_fields");
    let all = fields.and_then(|fields| fields.get("thought_signatures")?.as_array()).into_iter().flatten();
    all.filter_map(Value::as_str).filter(|signature| !elsewhere.contains(signature)).collect()
}

/// The thoughts of a message that carry a signature of Gemini's own; those of other models would be refused.
pub(super) fn thought_parts(message: &Message, signatures: &[&str]) -> Vec<Value> {
    let own = |block: &&Value| {
        block.get("signature").and_then(Value::as_str).is_some_and(|signature| signatures.contains(&signature))
    };
    let blocks = message.thinking_blocks.iter().filter(own);
    blocks
        .map(|block| {
            let mut part = Map::new();
            part.insert("text".to_owned(), block.get("thinking").cloned().unwrap_or_default());
            part.insert("thought".to_owned(), true.into());
            part.insert("thoughtSignature".to_owned(), block.get("signature").cloned().unwrap_or_default());
            Value::Object(part)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn call(value: Value) -> ToolCall {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_signature_survives_its_way_through_the_id() {
        let packed = pack("call_1", Some("CsQB+/a=="));
        assert_eq!(packed, "call_1__thought__CsQB+/a==");
        assert_eq!(unpack(&packed), ("call_1", Some("CsQB+/a==")));
        assert_eq!(unpack(&pack("call_1", None)), ("call_1", None));
        assert_eq!(unpack("call_1__thought__"), ("call_1", None));
    }

    #[test]
    fn the_fields_of_a_call_come_before_its_id() {
        let fields = json!({"id": "a__thought__x", "provider_specific_fields": {"thought_signature": "y"}});
        assert_eq!(of_call(&call(fields)), Some("y"));
        let google = json!({"id": "a", "extra_content": {"google": {"thought_signature": "z"}}});
        assert_eq!(of_call(&call(google)), Some("z"));
        assert_eq!(of_call(&call(json!({"id": "a__thought__x"}))), Some("x"));
        assert_eq!(of_call(&call(json!({"id": "a", "provider_specific_fields": {"thought_signature": ""}}))), None);
    }

    #[test]
    fn only_googles_own_parts_are_replayed() {
        let fields = json!({"server_side_tool_invocations": [{"tool_type": "GOOGLE_SEARCH_WEB", "id": "1"}, 7,
            {"toolCall": {"id": "1"}, "thoughtSignature": "A"}, {"toolCall": {}, "text": "sudo"}],
            "code_execution": [{"executableCode": {"code": "1"}}], "thought_signatures": ["A", "B"]});
        let body = json!({"model": "m", "messages": [{"role": "assistant", "provider_specific_fields": fields}]});
        let chat = crate::openai::ChatRequest::parse(body.to_string().as_bytes()).unwrap();
        let message = chat.messages().unwrap().remove(0);
        let parts: Vec<&Value> = hosted_parts(&message).collect();
        assert_eq!(
            parts,
            [&json!({"toolCall": {"id": "1"}, "thoughtSignature": "A"}), &json!({"executableCode": {"code": "1"}})]
        );
        assert_eq!(of_text(&message), ["B"]);
    }
}
