//! What a request needs of a model, as far as price data tells what models can do.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::openai::ChatRequest;

/// Something that not every model can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// Its name in price data and in `model_info`, without `supports_`.
    pub name: &'static str,
    /// In words.
    pub words: &'static str,
    /// The field of the request that needs it.
    pub param: &'static str,
}

const fn need(name: &'static str, words: &'static str, param: &'static str) -> Need {
    Need { name, words, param }
}

/// Images in the prompt.
pub const VISION: Need = need("vision", "images in the prompt", "messages");
/// Functions to call.
pub const TOOLS: Need = need("function_calling", "tools", "tools");
/// A search by the provider.
pub const WEB_SEARCH: Need = need("web_search", "web search", "tools");
const AUDIO_INPUT: Need = need("audio_input", "audio in the prompt", "messages");
const PDF: Need = need("pdf_input", "PDF files in the prompt", "messages");
const JSON_SCHEMA: Need = need("response_schema", "answers by a JSON schema", "response_format");
const REASONING: Need = need("reasoning", "reasoning", "reasoning_effort");
const AUDIO_OUTPUT: Need = need("audio_output", "audio in the answer", "modalities");

/// Everything that `request` needs.
pub fn needs(request: &ChatRequest) -> Vec<Need> {
    let mut needs = Vec::new();
    let value = |name: &str| request.get::<Value>(name).ok().flatten().unwrap_or_default();
    media(request.raw("messages"), &mut needs);
    let tools = value("tools");
    let tools = tools.as_array().map(Vec::as_slice).unwrap_or_default();
    let kind = |tool: &Value| tool.get("type").and_then(Value::as_str).unwrap_or("function").to_owned();
    if tools.iter().any(|tool| kind(tool) == "function") || request.raw("functions").is_some() {
        needs.push(TOOLS);
    }
    if searches(request) || request.raw("web_search_options").is_some() {
        needs.push(WEB_SEARCH);
    }
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    if text(&value("response_format"), "type") == "json_schema" {
        needs.push(JSON_SCHEMA);
    }
    let effort = value("reasoning_effort");
    let asks_effort = !effort.is_null() && !matches!(effort.as_str(), Some("none" | "default"));
    if asks_effort || matches!(text(&value("thinking"), "type").as_str(), "enabled" | "adaptive") {
        needs.push(REASONING);
    }
    let modalities = value("modalities");
    if modalities.as_array().is_some_and(|list| list.iter().any(|it| it == "audio")) {
        needs.push(AUDIO_OUTPUT);
    }
    needs
}

/// Whether the request has one of the tools by which LiteLLM tells a web search.
pub fn searches(request: &ChatRequest) -> bool {
    // Most tools are functions, and need not be read for this.
    if !request.raw("tools").is_some_and(|tools| tools.get().contains("web_search")) {
        return false;
    }
    let tools = request.get::<Vec<Value>>("tools").ok().flatten().unwrap_or_default();
    tools
        .iter()
        .any(|tool| matches!(tool.get("type").and_then(Value::as_str), Some("web_search" | "web_search_preview")))
}

/// What the parts of messages need. Text is passed over: most requests have nothing else.
fn media(messages: Option<&RawValue>, needs: &mut Vec<Need>) {
    let Some(raw) = messages.map(RawValue::get) else { return };
    if !["image", "audio", "file"].iter().any(|word| raw.contains(word)) {
        return;
    }
    let messages: Vec<Value> = serde_json::from_str(raw).unwrap_or_default();
    let parts = messages.iter().filter_map(|message| message.get("content")?.as_array()).flatten();
    for part in parts {
        let need = match part.get("type").and_then(Value::as_str) {
            Some("image_url" | "input_image" | "image") => VISION,
            Some("input_audio") => AUDIO_INPUT,
            Some("file" | "document") if is_pdf(part) => PDF,
            _ => continue,
        };
        if !needs.contains(&need) {
            needs.push(need);
        }
    }
}

fn is_pdf(part: &Value) -> bool {
    let file = part.get("file").unwrap_or(part);
    let text = |name: &str| file.get(name).and_then(Value::as_str).unwrap_or_default();
    let named = text("filename").to_ascii_lowercase().ends_with(".pdf")
        || text("file_id").to_ascii_lowercase().ends_with(".pdf");
    named || text("format") == "application/pdf" || text("file_data").starts_with("data:application/pdf")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(body: &Value) -> Vec<&'static str> {
        let mut all = json!({"model": "m", "messages": [{"role": "user", "content": "an image_url, a file"}]});
        for (name, value) in body.as_object().unwrap() {
            all[name] = value.clone();
        }
        needs(&ChatRequest::parse(all.to_string().as_bytes()).unwrap()).iter().map(|need| need.name).collect()
    }

    #[test]
    fn each_field_needs_what_it_asks_for() {
        let part =
            |part: Value| json!({"messages": [{"role": "user", "content": [part, {"type": "text", "text": "x"}]}]});
        for (body, wanted) in [
            (json!({}), &[][..]),
            (part(json!({"type": "image_url", "image_url": {"url": "https://x/y.png"}})), &["vision"]),
            (part(json!({"type": "input_audio", "input_audio": {"data": "", "format": "wav"}})), &["audio_input"]),
            (part(json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,"}})), &["pdf_input"]),
            (part(json!({"type": "file", "file": {"filename": "A.PDF", "file_data": "x"}})), &["pdf_input"]),
            (part(json!({"type": "file", "file": {"file_data": "data:text/plain;base64,"}})), &[]),
            (json!({"tools": [{"type": "function", "function": {"name": "f"}}]}), &["function_calling"]),
            (json!({"functions": [{"name": "f"}]}), &["function_calling"]),
            (json!({"tools": [{"type": "web_search"}]}), &["web_search"]),
            (json!({"web_search_options": {}}), &["web_search"]),
            (json!({"response_format": {"type": "json_schema", "json_schema": {}}}), &["response_schema"]),
            (json!({"response_format": {"type": "json_object"}}), &[]),
            (json!({"reasoning_effort": "high"}), &["reasoning"]),
            (json!({"reasoning_effort": "none"}), &[]),
            (json!({"thinking": {"type": "enabled", "budget_tokens": 1024}}), &["reasoning"]),
            (json!({"thinking": {"type": "disabled"}}), &[]),
            (json!({"modalities": ["text", "audio"]}), &["audio_output"]),
        ] {
            assert_eq!(names(&body), wanted, "{body}");
        }
    }
}
