//! Reads a whole answer.

use serde_json::{Map, Value, json};

use super::{finish, usage};
use crate::error::Result;
use crate::openai::{ChatResponse, Choice, FunctionCall, ResponseMessage, ToolCall};
use crate::provider::{Notes, errors};

/// Reads the body of an answer with a 2xx status.
///
/// # Errors
///
/// No message, or an error that came with a good status.
pub(in crate::provider) fn read(notes: &Notes, body: &[u8]) -> Result<ChatResponse> {
    let message: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    read_message(notes, &message, body)
}

/// Reads a message; `body` is what it came in.
///
/// # Errors
///
/// As [`read`].
pub(in crate::provider) fn read_message(notes: &Notes, message: &Value, body: &[u8]) -> Result<ChatResponse> {
    if message.get("type").and_then(Value::as_str) == Some("error") {
        return Err(errors::from_value(&notes.provider, 200, message, body));
    }
    let Some(blocks) = message.get("content").and_then(Value::as_array) else {
        return Err(notes.not_understood(&"`content` is missing"));
    };
    let mut reading = Reading::new(notes);
    for block in blocks {
        reading.block(block);
    }
    let stop_reason = message.get("stop_reason").and_then(Value::as_str);
    let json_only = reading.has_json && reading.tool_calls.is_empty();
    let finish_reason = finish::reason(stop_reason, !reading.tool_calls.is_empty(), json_only);
    let text = |name: &str| message.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let ending = finish::ending(&[message]);
    let choice =
        Choice { finish_reason: finish_reason.to_owned(), message: reading.into_message(ending), ..Choice::default() };
    Ok(ChatResponse {
        id: text("id").unwrap_or(&notes.id).to_owned(),
        object: "chat.completion",
        created: notes.created,
        model: text("model").unwrap_or(&notes.model).to_owned(),
        choices: vec![choice],
        usage: message.get("usage").and_then(Value::as_object).map(usage::read),
        extra: Map::new(),
    })
}

struct Reading<'a> {
    notes: &'a Notes,
    text: String,
    /// Characters of `text`: what OpenAI's annotations count in.
    characters: usize,
    has_json: bool,
    reasoning: Option<String>,
    thinking_blocks: Vec<Value>,
    tool_calls: Vec<ToolCall>,
    annotations: Vec<Value>,
    fields: Map<String, Value>,
}

impl<'a> Reading<'a> {
    fn new(notes: &'a Notes) -> Self {
        Self {
            notes,
            text: String::new(),
            characters: 0,
            has_json: false,
            reasoning: None,
            thinking_blocks: Vec::new(),
            tool_calls: Vec::new(),
            annotations: Vec::new(),
            fields: Map::new(),
        }
    }

    fn block(&mut self, block: &Value) {
        let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
        match text("type") {
            "text" => {
                let start = self.characters;
                self.push_text(text("text"));
                self.cite(block, text("text"), start);
            }
            "thinking" => {
                if !text("thinking").is_empty() {
                    self.reasoning.get_or_insert_default().push_str(text("thinking"));
                }
                self.thinking_blocks.push(block.clone());
            }
            "redacted_thinking" => self.thinking_blocks.push(block.clone()),
            "tool_use" if self.notes.json_tool == Some(text("name")) => {
                self.has_json = true;
                let input = block.get("input").cloned().unwrap_or_else(|| json!({}));
                self.push_text(&input.to_string());
            }
            "tool_use" => self.tool_calls.push(tool_call(self.notes, block)),
            kind => {
                if let Some(list) = list_of(kind) {
                    let list = self.fields.entry(list).or_insert_with(|| json!([]));
                    if let Some(list) = list.as_array_mut() {
                        list.push(block.clone());
                    }
                }
            }
        }
    }

    fn push_text(&mut self, text: &str) {
        self.characters += text.chars().count();
        self.text.push_str(text);
    }

    fn cite(&mut self, block: &Value, text: &str, start: usize) {
        let Some(citations) = block.get("citations").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
            return;
        };
        self.annotations.extend(citations.iter().filter_map(|citation| annotation(citation, start, self.characters)));
        let supported = citations.iter().map(|citation| supported(citation, text)).collect();
        let list = self.fields.entry("citations").or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(supported);
        }
    }

    fn into_message(self, ending: finish::Ending) -> ResponseMessage {
        let mut fields = self.fields;
        fields.extend(ending.fields);
        // `null` stands for "nothing but a call", or a refusal.
        let is_silent = self.text.is_empty() && (!self.tool_calls.is_empty() || ending.refusal.is_some());
        ResponseMessage {
            content: (!is_silent).then_some(self.text),
            refusal: ending.refusal,
            reasoning_content: self.reasoning,
            thinking_blocks: self.thinking_blocks,
            tool_calls: self.tool_calls,
            annotations: self.annotations,
            provider_specific_fields: fields,
            ..ResponseMessage::default()
        }
    }
}

/// Where a block that OpenAI's shape has no place for is kept (LiteLLM's names where it has one). Calls of tools that
/// the provider ran are not among `tool_calls`: a client would run them again.
pub(super) fn list_of(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "server_tool_use" | "mcp_tool_use" => "server_tool_use",
        "web_search_tool_result" | "web_fetch_tool_result" => "web_search_results",
        "compaction" => "compaction_blocks",
        kind if kind.ends_with("_tool_result") => "tool_results",
        "container_upload" => "container_uploads",
        "mcp_tool_listing" => "mcp_tool_listings",
        _ => return None,
    })
}

fn tool_call(notes: &Notes, block: &Value) -> ToolCall {
    let text = |name: &str| block.get(name).and_then(Value::as_str).unwrap_or_default();
    let arguments =
        block.get("input").filter(|input| !input.is_null()).map_or_else(|| "{}".to_owned(), Value::to_string);
    let name = notes.client_tool_name(text("name")).to_owned();
    let mut extra = Map::new();
    if let Some(caller) = caller(block) {
        extra.insert("provider_specific_fields".to_owned(), Value::Object(caller));
    }
    ToolCall {
        id: text("id").to_owned(),
        kind: "function".to_owned(),
        function: FunctionCall { name, arguments },
        extra,
    }
}

/// Who called a tool, where it was not the model itself: code that it runs must get the result back.
pub(super) fn caller(block: &Value) -> Option<Map<String, Value>> {
    let caller = block.get("caller")?;
    let is_direct = caller.get("type").and_then(Value::as_str).is_none_or(|kind| kind == "direct");
    (!is_direct).then(|| [("caller".to_owned(), caller.clone())].into_iter().collect())
}

/// A citation with the text that it supports (LiteLLM's shape).
pub(super) fn supported(citation: &Value, text: &str) -> Value {
    let mut citation = citation.clone();
    if let Some(fields) = citation.as_object_mut() {
        fields.insert("supported_text".to_owned(), text.into());
    }
    citation
}

/// OpenAI's annotation for a citation of a web page; `start` and `end` count characters of the content.
pub(super) fn annotation(citation: &Value, start: usize, end: usize) -> Option<Value> {
    let url = citation.get("url").and_then(Value::as_str)?;
    let title = citation.get("title").and_then(Value::as_str).unwrap_or_default();
    let place = json!({"start_index": start, "end_index": end, "url": url, "title": title});
    Some(json!({"type": "url_citation", "url_citation": place}))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn what_is_no_message_is_an_error_of_the_upstream() {
        for (body, kind, status) in [
            ("", Kind::BadGateway, 502),
            ("[]", Kind::BadGateway, 502),
            (r#"{"type":"message"}"#, Kind::BadGateway, 502),
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Kind::InternalServer,
                529,
            ),
        ] {
            let error = read(&Notes::default(), body.as_bytes()).unwrap_err();
            assert_eq!((error.kind(), error.status()), (kind, status), "{body}");
        }
    }

    #[test]
    fn blocks_that_are_odd_are_passed_over() {
        let body = r#"{"content":[7,null,{"type":"hologram"},{"type":"text"},
            {"type":"text","text":"hi","citations":[1]},{"type":"tool_use"}],"stop_reason":5,"usage":[]}"#;
        let response = read(&Notes { id: "id".to_owned(), ..Notes::default() }, body.as_bytes()).unwrap();
        let message = &response.choices[0].message;
        assert_eq!((response.id.as_str(), message.content.as_deref()), ("id", Some("hi")));
        assert_eq!(message.tool_calls[0].function.arguments, "{}");
        assert_eq!(response.choices[0].finish_reason, "tool_calls");
    }
}
