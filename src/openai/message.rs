//! Messages, their parts, tools and tool calls, typed for the dialects that translate them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::invalid;
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

/// The content of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts in order.
    Parts(Vec<Part>),
}

impl Content {
    /// All text, joined.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| if let Part::Text { text, .. } = part { Some(text.as_str()) } else { None })
                .collect(),
        }
    }

    /// The parts; plain text is one.
    pub fn into_parts(self) -> Vec<Part> {
        match self {
            Self::Text(text) => vec![Part::Text { text, cache_control: None, extra: Map::new() }],
            Self::Parts(parts) => parts,
        }
    }
}

/// A part of a message's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// A prompt cache mark.
        cache_control: Option<Value>,
        /// Everything else of the part.
        extra: Map<String, Value>,
    },
    /// An image.
    Image {
        /// `https:` or `data:` URL.
        url: String,
        /// `low`, `high` or `auto`.
        detail: Option<String>,
        /// MIME type that overrides the URL's (LiteLLM's name).
        format: Option<String>,
        /// A prompt cache mark.
        cache_control: Option<Value>,
    },
    /// Audio.
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3`, …
        format: String,
    },
    /// A file, such as a PDF.
    File {
        /// An id or URL of an uploaded file.
        file_id: Option<String>,
        /// A `data:` URL, or base64.
        file_data: Option<String>,
        /// Its name.
        filename: Option<String>,
        /// MIME type (LiteLLM's name).
        format: Option<String>,
        /// A prompt cache mark.
        cache_control: Option<Value>,
        /// Everything else of the part: `title`, `context`, `citations`.
        extra: Map<String, Value>,
    },
    /// A part that OpenAI does not have: the dialect decides whether it knows it.
    Other {
        /// Its `type`.
        kind: String,
        /// The whole part.
        value: Map<String, Value>,
    },
}

/// A call of a tool by the model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// What the tool's answer refers to; may be empty from sloppy clients.
    #[serde(default)]
    pub id: String,
    /// `function`.
    #[serde(rename = "type", default = "function_kind")]
    pub kind: String,
    /// Name and arguments.
    #[serde(default)]
    pub function: FunctionCall,
    /// Everything else: `provider_specific_fields`, `cache_control`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn function_kind() -> String {
    "function".to_owned()
}

/// Name and arguments of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionCall {
    /// The function.
    #[serde(default)]
    pub name: String,
    /// JSON text, as the model wrote it: it may be invalid. An object from sloppy clients is turned into text.
    #[serde(default, deserialize_with = "arguments")]
    pub arguments: String,
}

fn arguments<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

impl FunctionCall {
    /// The arguments as an object; invalid JSON and anything but an object is an empty one, as LiteLLM does.
    pub fn arguments_object(&self) -> Map<String, Value> {
        serde_json::from_str(&self.arguments).unwrap_or_default()
    }
}

/// A tool that the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// `function`, or the name of a tool that the provider runs.
    pub kind: String,
    /// The function, where `kind` is `function`.
    pub function: Option<Function>,
    /// The whole tool.
    pub value: Map<String, Value>,
}

/// A function that the model may call.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Function {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// JSON schema of its arguments.
    pub parameters: Option<Value>,
    /// Whether arguments must follow the schema.
    pub strict: Option<bool>,
    /// Everything else: `cache_control`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

/// Which tool the model shall call.
#[derive(Clone, Debug, PartialEq)]
pub enum ToolChoice {
    /// As it likes.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Function(String),
    /// Something else (`allowed_tools`, `custom`): the dialect decides whether it knows it.
    Other(Value),
}

#[derive(Deserialize)]
struct MessageWire {
    role: String,
    content: Option<Box<RawValue>>,
    name: Option<String>,
    tool_calls: Option<Vec<ToolCall>>,
    function_call: Option<FunctionCall>,
    tool_call_id: Option<String>,
    reasoning_content: Option<String>,
    thinking_blocks: Option<Vec<Value>>,
    cache_control: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
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
        let wire: MessageWire = serde_json::from_str(raw.get()).map_err(|error| invalid(at, &error))?;
        let role = match wire.role.as_str() {
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
        let mut tool_calls = wire.tool_calls.unwrap_or_default();
        if let Some(function) = wire.function_call {
            tool_calls.push(ToolCall { id: function.name.clone(), kind: function_kind(), function, extra: Map::new() });
        }
        let content = wire.content.map(|raw| read_content(&raw, &format!("{at}.content"))).transpose()?.flatten();
        Ok(Self {
            role,
            content,
            name: wire.name,
            tool_calls,
            tool_call_id: wire.tool_call_id,
            reasoning_content: wire.reasoning_content,
            thinking_blocks: wire.thinking_blocks.unwrap_or_default(),
            cache_control: wire.cache_control,
            extra: wire.extra,
        })
    }
}

fn read_content(raw: &RawValue, at: &str) -> Result<Option<Content>> {
    match raw.get().bytes().next() {
        Some(b'n') => Ok(None),
        Some(b'"') => {
            serde_json::from_str(raw.get()).map(|text| Some(Content::Text(text))).map_err(|error| invalid(at, &error))
        }
        Some(b'[') => {
            let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(|error| invalid(at, &error))?;
            let parts = items.iter().enumerate().map(|(index, item)| read_part(item, &format!("{at}[{index}]")));
            Ok(Some(Content::Parts(parts.collect::<Result<_>>()?)))
        }
        _ => Err(Error::bad_request(at, format!("`{at}` must be a string or a list of parts"))),
    }
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Url {
    Text(String),
    Object { url: String, detail: Option<String>, format: Option<String> },
}

#[derive(Deserialize)]
struct PartWire {
    text: Option<String>,
    image_url: Option<Url>,
    input_audio: Option<AudioWire>,
    file: Option<FileWire>,
    cache_control: Option<Value>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

#[derive(Deserialize)]
struct AudioWire {
    data: String,
    format: String,
}

#[derive(Deserialize)]
struct FileWire {
    file_id: Option<String>,
    file_data: Option<String>,
    filename: Option<String>,
    format: Option<String>,
    #[serde(flatten)]
    extra: Map<String, Value>,
}

fn read_part(raw: &RawValue, at: &str) -> Result<Part> {
    #[derive(Deserialize)]
    struct Kind {
        #[serde(rename = "type")]
        kind: Option<String>,
    }
    let text = raw.get();
    if text.starts_with('"') {
        let text = serde_json::from_str(text).map_err(|error| invalid(at, &error))?;
        return Ok(Part::Text { text, cache_control: None, extra: Map::new() });
    }
    let kind = serde_json::from_str::<Kind>(text).map_err(|error| invalid(at, &error))?.kind;
    let missing = |field: &str, shape: &str| {
        let at = format!("{at}.{field}");
        Error::bad_request(&at, format!("`{at}` is missing: give {shape}"))
    };
    let kind = kind.ok_or_else(|| missing("type", "\"text\", \"image_url\", \"input_audio\" or \"file\""))?;
    if !matches!(kind.as_str(), "text" | "image_url" | "input_audio" | "file") {
        let value = serde_json::from_str(text).map_err(|error| invalid(at, &error))?;
        return Ok(Part::Other { kind, value });
    }
    let mut wire: PartWire = serde_json::from_str(text).map_err(|error| invalid(at, &error))?;
    wire.extra.remove("type");
    let cache_control = wire.cache_control;
    match kind.as_str() {
        "text" => {
            let text = wire.text.ok_or_else(|| missing("text", "a string"))?;
            Ok(Part::Text { text, cache_control, extra: wire.extra })
        }
        "image_url" => Ok(match wire.image_url.ok_or_else(|| missing("image_url", "{\"url\": …}"))? {
            Url::Text(url) => Part::Image { url, detail: None, format: None, cache_control },
            Url::Object { url, detail, format } => Part::Image { url, detail, format, cache_control },
        }),
        "input_audio" => {
            let audio = wire.input_audio.ok_or_else(|| missing("input_audio", "{\"data\": …, \"format\": …}"))?;
            Ok(Part::Audio { data: audio.data, format: audio.format })
        }
        _ => {
            let file = wire.file.ok_or_else(|| missing("file", "{\"file_id\": …} or {\"file_data\": …}"))?;
            let mut extra = wire.extra;
            extra.extend(file.extra);
            let (file_id, file_data, filename, format) = (file.file_id, file.file_data, file.filename, file.format);
            Ok(Part::File { file_id, file_data, filename, format, cache_control, extra })
        }
    }
}

impl Tool {
    pub(super) fn read_all(tools: Option<&RawValue>, functions: Option<&RawValue>) -> Result<Vec<Self>> {
        let mut out = Vec::new();
        if let Some(tools) = tools {
            let items: Vec<&RawValue> = serde_json::from_str(tools.get()).map_err(|error| invalid("tools", &error))?;
            for (index, item) in items.iter().enumerate() {
                out.push(Self::read(item, &format!("tools[{index}]"))?);
            }
        }
        if let Some(functions) = functions {
            let items: Vec<Value> =
                serde_json::from_str(functions.get()).map_err(|error| invalid("functions", &error))?;
            for (index, item) in items.into_iter().enumerate() {
                let at = format!("functions[{index}]");
                let function = serde_json::from_value(item.clone()).map_err(|error| invalid(&at, &error))?;
                let value =
                    [("type".to_owned(), "function".into()), ("function".to_owned(), item)].into_iter().collect();
                out.push(Self { kind: function_kind(), function: Some(function), value });
            }
        }
        Ok(out)
    }

    fn read(raw: &RawValue, at: &str) -> Result<Self> {
        let value: Map<String, Value> = serde_json::from_str(raw.get()).map_err(|error| invalid(at, &error))?;
        let kind = value.get("type").and_then(Value::as_str).unwrap_or("function").to_owned();
        let function = match value.get("function") {
            Some(function) if kind == "function" => {
                let at = format!("{at}.function");
                Some(serde_json::from_value(function.clone()).map_err(|error| invalid(&at, &error))?)
            }
            None if kind == "function" => {
                let at = format!("{at}.function");
                return Err(Error::bad_request(&at, format!("`{at}` is missing: give {{\"name\", \"parameters\"}}")));
            }
            _ => None,
        };
        Ok(Self { kind, function, value })
    }
}

impl ToolChoice {
    pub(super) fn read(raw: Option<&RawValue>) -> Result<Option<Self>> {
        let Some(raw) = raw else { return Ok(None) };
        let value: Value = serde_json::from_str(raw.get()).map_err(|error| invalid("tool_choice", &error))?;
        let name = value.pointer("/function/name").or_else(|| value.get("name")).and_then(Value::as_str);
        Ok(Some(match value.as_str() {
            Some("auto") => Self::Auto,
            Some("none") => Self::None,
            // `any` is Anthropic's and Mistral's word for it.
            Some("required" | "any") => Self::Required,
            Some(other) => {
                let message =
                    format!("`tool_choice` is unknown: `{other}`; give \"auto\", \"none\", \"required\" or a function");
                return Err(Error::bad_request("tool_choice", message));
            }
            None if !value.is_object() => {
                let message = "`tool_choice` must be \"auto\", \"none\", \"required\" or {\"type\": \"function\", …}";
                return Err(Error::bad_request("tool_choice", message));
            }
            None => match name {
                Some(name) => Self::Function(name.to_owned()),
                None => Self::Other(value),
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::super::ChatRequest;
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
