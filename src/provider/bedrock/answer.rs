//! Reads Converse's answers by way of Claude's dialect: the blocks, reasons and counts are the same in other words.

use serde_json::{Map, Value, json};

use crate::error::Result;
use crate::openai::ChatResponse;
use crate::provider::Notes;
use crate::provider::anthropic::response;

/// Reads a whole answer.
///
/// # Errors
///
/// No message.
pub(super) fn read(notes: &Notes, answer: &Value, body: &[u8]) -> Result<ChatResponse> {
    let Some(blocks) = answer.pointer("/output/message/content").and_then(Value::as_array) else {
        return Err(notes.not_understood(&"`output.message.content` is missing"));
    };
    let content: Vec<Value> = blocks.iter().filter_map(block).collect();
    let mut message = Map::new();
    message.insert("content".to_owned(), content.into());
    message.insert("stop_reason".to_owned(), answer.get("stopReason").cloned().unwrap_or_default());
    let usage = usage(answer);
    if let Some(usage) = usage {
        message.insert("usage".to_owned(), usage);
    }
    let mut response = response::read_message(notes, &message.into(), body)?;
    if let Some(tier) = tier(answer) {
        response.extra.insert("service_tier".to_owned(), tier.clone());
    }
    // LiteLLM's place for it.
    if let Some(trace) = answer.get("trace").filter(|trace| !trace.is_null()) {
        response.extra.insert("trace".to_owned(), trace.clone());
    }
    if let (Some(fields), Some(choice)) = (more(answer), response.choices.first_mut()) {
        choice.message.provider_specific_fields.extend(fields);
    }
    Ok(response)
}

/// What OpenAI's shape has no place for, under its own name.
pub(super) fn more(answer: &Value) -> Option<Map<String, Value>> {
    const NAME: &str = "additionalModelResponseFields";
    let fields = answer.get(NAME).filter(|fields| !fields.is_null())?;
    Some([(NAME.to_owned(), fields.clone())].into_iter().collect())
}

fn tier(answer: &Value) -> Option<&Value> {
    answer.get("serviceTier")?.get("type").filter(|tier| tier.is_string())
}

/// A block as Claude's; `None` for one that has no counterpart.
fn block(block: &Value) -> Option<Value> {
    let (kind, value) = block.as_object()?.iter().find(|(_, value)| !value.is_null())?;
    let part = |name: &str| value.get(name).cloned().unwrap_or_default();
    Some(match kind.as_str() {
        "text" => json!({"type": "text", "text": value}),
        "toolUse" => {
            let kind = if part("type") == "server_tool_use" { "server_tool_use" } else { "tool_use" };
            json!({"type": kind, "id": part("toolUseId"), "name": part("name"), "input": part("input")})
        }
        "reasoningContent" => match value.get("reasoningText") {
            Some(text) => {
                let part = |name: &str| text.get(name).and_then(Value::as_str).unwrap_or_default();
                json!({"type": "thinking", "thinking": part("text"), "signature": part("signature")})
            }
            None => json!({"type": "redacted_thinking", "data": part("redactedContent")}),
        },
        "citationsContent" => {
            let texts = value.get("content").and_then(Value::as_array).into_iter().flatten();
            let text: String = texts.filter_map(|part| part.get("text")?.as_str()).collect();
            let citations = value.get("citations").and_then(Value::as_array).into_iter().flatten();
            json!({"type": "text", "text": text, "citations": citations.map(citation).collect::<Vec<_>>()})
        }
        _ => return None,
    })
}

/// A citation with the address of its page where Claude's dialect has it.
pub(super) fn citation(citation: &Value) -> Value {
    let mut out = citation.as_object().cloned().unwrap_or_default();
    if let Some(url) = citation.pointer("/location/web/url").or_else(|| citation.pointer("/location/web/domain")) {
        out.insert("url".to_owned(), url.clone());
    }
    out.into()
}

/// `usage` in Claude's words; `holder` is the answer, or the event that tells of it.
pub(super) fn usage(holder: &Value) -> Option<Value> {
    let told = holder.get("usage").filter(|usage| usage.is_object())?;
    let mut usage = Map::new();
    for (name, sent) in [
        ("inputTokens", "input_tokens"),
        ("outputTokens", "output_tokens"),
        ("cacheReadInputTokens", "cache_read_input_tokens"),
        ("cacheWriteInputTokens", "cache_creation_input_tokens"),
    ] {
        // Some models add `Count` to the names of the cache's.
        let count = told.get(name).or_else(|| told.get([name, "Count"].concat()));
        usage.extend(count.map(|count| (sent.to_owned(), count.clone())));
    }
    if let Some(details) = told.get("cacheDetails").and_then(Value::as_array) {
        let sum = |ttl: &str| {
            let own = details.iter().filter(|detail| detail.get("ttl").and_then(Value::as_str) == Some(ttl));
            own.filter_map(|detail| detail.get("inputTokens")?.as_u64()).fold(0_u64, u64::saturating_add)
        };
        let split = json!({"ephemeral_5m_input_tokens": sum("5m"), "ephemeral_1h_input_tokens": sum("1h")});
        usage.insert("cache_creation".to_owned(), split);
    }
    // Told where the client asks for it by `additionalModelResponseFieldPaths`.
    if let Some(details) = holder.pointer("/additionalModelResponseFields/usage/output_tokens_details") {
        usage.insert("output_tokens_details".to_owned(), details.clone());
    }
    usage.extend(tier(holder).map(|tier| ("service_tier".to_owned(), tier.clone())));
    Some(usage.into())
}
