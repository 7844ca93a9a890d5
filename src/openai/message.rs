//! Messages, typed for the dialects that translate them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::content::{Content, read_content};
use super::fields::invalid;
use super::object::Object;
use super::tool::{FunctionCall, ToolCall, function_kind};
use crate::error::{Error, Result};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, in OpenAI's newer word.
    Developer,
    /// The user.
    User,
    /// The model.
    Assistant,
    /// The answer of a tool.
    Tool,
    /// The answer of a function, in OpenAI's older word.
    Function,
}

/// A turn of a conversation.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// What is said, if anything.
    pub content: Option<Content>,
    /// The speaker's or function's name.
    pub name: Option<String>,
    /// Calls of an assistant; `function_call` of old clients is among them.
    pub tool_calls: Vec<ToolCall>,
    /// The call that a tool's message answers.
    pub tool_call_id: Option<String>,
    /// Reasoning text (LiteLLM's name).
    pub reasoning_content: Option<String>,
    /// Reasoning with its signatures, in Anthropic's shape (LiteLLM's name): replayed as it came.
    pub thinking_blocks: Vec<Value>,
    /// A prompt cache mark on the whole message.
    pub cache_control: Option<Value>,
    /// Everything else.
    pub extra: Map<String, Value>,
}

impl Message {
    /// Reads the `messages` of a request.
    pub(super) fn read_all(messages: Option<&RawValue>) -> Result<Vec<Self>> {
        let items: Vec<&RawValue> = match messages {
            Some(messages) => serde_json::from_str(messages.get()).map_err(|error| invalid("messages", &error))?,
            None => Vec::new(),
        };
        items.iter().enumerate().map(|(index, item)| Self::read(item, &format!("messages[{index}]"))).collect()
    }

    fn read(raw: &RawValue, at: &str) -> Result<Self> {
        let value = serde_json::from_str(raw.get()).map_err(|error| invalid(at, &error))?;
        let mut object = Object::read(value, at)?;
        let role = object.text("role")?.ok_or_else(|| object.missing("role", "\"user\", \"assistant\", …"))?;
        let role = match role.as_str() {
            "system" => Role::System,
            "developer" => Role::Developer,
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "tool" => Role::Tool,
            "function" => Role::Function,
            other => {
                let at = format!("{at}.role");
                let roles = "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"";
                return Err(Error::bad_request(&at, format!("`{at}` is unknown: `{other}`; give {roles}")));
            }
        };
        let mut tool_calls = Vec::new();
        for (index, call) in object.list("tool_calls")?.into_iter().enumerate() {
            tool_calls.push(ToolCall::read(call, &format!("{at}.tool_calls[{index}]"))?);
        }
        if let Some(function) = object.take("function_call") {
            let function = FunctionCall::read(function, &object.at("function_call"))?;
            tool_calls.push(ToolCall { id: function.name.clone(), kind: function_kind(), function, extra: Map::new() });
        }
        Ok(Self {
            role,
            content: object.take("content").map(|content| read_content(content, &object.at("content"))).transpose()?,
            name: object.text("name")?,
            tool_calls,
            tool_call_id: object.text("tool_call_id")?,
            reasoning_content: object.text("reasoning_content")?,
            thinking_blocks: object.list("thinking_blocks")?,
            cache_control: object.take("cache_control"),
            extra: object.fields,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{ChatRequest, Part, ToolChoice};
    use super::*;

    fn chat(messages: &str, rest: &str) -> ChatRequest {
        ChatRequest::parse(format!(r#"{{"model":"m","messages":{messages}{rest}}}"#).as_bytes()).unwrap()
    }

    #[test]
    fn parts_and_calls_are_typed() {
        let messages = chat(
            r#"[{"role":"user","content":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},
                {"type":"image_url","image_url":"http://x/y.png"},{"type":"video_url","video_url":{"url":"v"}},
                {"type":"file","file":{"file_data":"data:application/pdf;base64,AA","filename":"f.pdf"},"title":"t"}]},
               {"role":"assistant","content":null,"tool_calls":[{"id":"c","function":{"name":"f","arguments":{"a":1}}}]},
               {"role":"tool","tool_call_id":"c","content":"ok"}]"#,
            "",
        )
        .messages()
        .unwrap();
        let Some(Content::Parts(parts)) = &messages[0].content else { panic!("parts") };
        assert!(matches!(&parts[0], Part::Text { cache_control: Some(_), .. }));
        assert!(matches!(&parts[1], Part::Image { url, .. } if url == "http://x/y.png"));
        assert!(matches!(&parts[2], Part::Other { kind, .. } if kind == "video_url"));
        assert!(matches!(&parts[3], Part::File { extra, .. } if extra["title"] == "t"));
        assert_eq!(messages[1].tool_calls[0].function.arguments, r#"{"a":1}"#);
        assert_eq!(messages[1].content, None);
    }

    #[test]
    fn wrong_messages_are_named() {
        for (messages, param) in [
            (r#"[{"role":"robot","content":"x"}]"#, "messages[0].role"),
            (r#"[{"role":"user","content":5}]"#, "messages[0].content"),
            (r#"[{"role":"user","content":[{"text":"x"}]}]"#, "messages[0].content[0].type"),
            (r#"[{"role":"user","content":[{"type":"text"}]}]"#, "messages[0].content[0].text"),
            (r#"[{"role":"user","content":[{"type":"image_url"}]}]"#, "messages[0].content[0].image_url"),
        ] {
            assert_eq!(chat(messages, "").messages().unwrap_err().param(), Some(param), "{messages}");
        }
    }

    #[test]
    fn old_functions_are_tools() {
        let chat = chat(
            r#"[{"role":"user","content":"x"}]"#,
            r#","functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"}"#,
        );
        assert_eq!(chat.tools().unwrap()[0].function.as_ref().unwrap().name, "f");
        assert_eq!(chat.tool_choice().unwrap(), Some(ToolChoice::Function("f".to_owned())));
    }
}
