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
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ToolCall {
    /// What the tool's answer refers to; may be empty from sloppy clients.
    pub id: String,
    /// `function`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Name and arguments.
    pub function: FunctionCall,
    /// Everything else: `provider_specific_fields`, `cache_control`.
    #[serde(flatten)]
    pub extra: Map<String, Value>,
}

fn function_kind() -> String {
    "function".to_owned()
}

/// Name and arguments of a call.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct FunctionCall {
    /// The function.
    pub name: String,
    /// JSON text, as the model wrote it: it may be invalid. An object from sloppy clients is turned into text.
    pub arguments: String,
}

impl ToolCall {
    fn read(value: Value, at: &str) -> Result<Self> {
        let mut object = Object::read(value, at)?;
        Ok(Self {
            id: object.text("id")?.unwrap_or_default(),
            kind: object.text("type")?.unwrap_or_else(function_kind),
            function: match object.take("function") {
                Some(function) => FunctionCall::read(function, &object.at("function"))?,
                None => FunctionCall::default(),
            },
            extra: object.fields,
        })
    }
}

impl<'de> Deserialize<'de> for ToolCall {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Value::deserialize(deserializer)?;
        Self::read(value, "tool_call").map_err(|error| serde::de::Error::custom(error.message()))
    }
}

impl FunctionCall {
    fn read(value: Value, at: &str) -> Result<Self> {
        let mut object = Object::read(value, at)?;
        let name = object.text("name")?.unwrap_or_default();
        let arguments = match object.take("arguments") {
            Some(Value::String(text)) => text,
            None => String::new(),
            Some(other) => other.to_string(),
        };
        Ok(Self { name, arguments })
    }
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
#[derive(Clone, Debug, Default, PartialEq)]
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

/// An object of a request that is read field by field, and where it stands.
struct Object<'a> {
    fields: Map<String, Value>,
    at: &'a str,
}

impl<'a> Object<'a> {
    fn read(value: Value, at: &'a str) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self { fields, at }),
            _ => Err(wrong(at, "an object")),
        }
    }

    fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    /// Takes a field out; `null` counts as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes a string out.
    fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(&self.at(name), "a string")),
        }
    }

    /// Takes a list out; an empty one where there is none.
    fn list(&mut self, name: &str) -> Result<Vec<Value>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(wrong(&self.at(name), "a list")),
        }
    }

    /// An error about a field that must be there.
    fn missing(&self, name: &str, shape: &str) -> Error {
        let at = self.at(name);
        Error::bad_request(&at, format!("`{at}` is missing: give {shape}"))
    }
}

#[cold]
fn wrong(at: &str, shape: &str) -> Error {
    Error::bad_request(at, format!("`{at}` is not valid: it must be {shape}"))
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

fn read_content(content: Value, at: &str) -> Result<Content> {
    match content {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                parts.push(read_part(item, &format!("{at}[{index}]"))?);
            }
            Ok(Content::Parts(parts))
        }
        _ => Err(Error::bad_request(at, format!("`{at}` must be a string or a list of parts"))),
    }
}

fn read_part(value: Value, at: &str) -> Result<Part> {
    if let Value::String(text) = value {
        return Ok(Part::Text { text, cache_control: None, extra: Map::new() });
    }
    let mut part = Object::read(value, at)?;
    let kind = match part.fields.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        None | Some(Value::Null) => {
            return Err(part.missing("type", "\"text\", \"image_url\", \"input_audio\" or \"file\""));
        }
        Some(_) => return Err(wrong(&part.at("type"), "a string")),
    };
    if !matches!(kind.as_str(), "text" | "image_url" | "input_audio" | "file") {
        return Ok(Part::Other { kind, value: part.fields });
    }
    part.take("type");
    let cache_control = part.take("cache_control");
    let text = part.text("text")?;
    let image = part.take("image_url");
    let [audio, file] = ["input_audio", "file"].map(|name| part.take(name));
    match kind.as_str() {
        "text" => {
            let text = text.ok_or_else(|| part.missing("text", "a string"))?;
            Ok(Part::Text { text, cache_control, extra: part.fields })
        }
        "image_url" => match image.ok_or_else(|| part.missing("image_url", "{\"url\": …}"))? {
            Value::String(url) => Ok(Part::Image { url, detail: None, format: None, cache_control }),
            image => {
                let at = part.at("image_url");
                let mut image = Object::read(image, &at)?;
                let url = image.text("url")?.ok_or_else(|| image.missing("url", "an `https:` or `data:` URL"))?;
                Ok(Part::Image { url, detail: image.text("detail")?, format: image.text("format")?, cache_control })
            }
        },
        "input_audio" => {
            let audio = audio.ok_or_else(|| part.missing("input_audio", "{\"data\": …, \"format\": …}"))?;
            let at = part.at("input_audio");
            let mut audio = Object::read(audio, &at)?;
            let data = audio.text("data")?.ok_or_else(|| audio.missing("data", "base64"))?;
            let format = audio.text("format")?.ok_or_else(|| audio.missing("format", "\"wav\" or \"mp3\""))?;
            Ok(Part::Audio { data, format })
        }
        _ => {
            let file = file.ok_or_else(|| part.missing("file", "{\"file_id\": …} or {\"file_data\": …}"))?;
            let at = part.at("file");
            let mut file = Object::read(file, &at)?;
            let [file_id, file_data] = [file.text("file_id")?, file.text("file_data")?];
            let [filename, format] = [file.text("filename")?, file.text("format")?];
            let mut extra = part.fields;
            extra.extend(file.fields);
            Ok(Part::File { file_id, file_data, filename, format, cache_control, extra })
        }
    }
}

impl Function {
    fn read(value: Value, at: &str) -> Result<Self> {
        let mut object = Object::read(value, at)?;
        Ok(Self {
            name: object.text("name")?.ok_or_else(|| object.missing("name", "the function's name"))?,
            description: object.text("description")?,
            parameters: object.take("parameters"),
            strict: match object.take("strict") {
                None => None,
                Some(Value::Bool(strict)) => Some(strict),
                Some(_) => return Err(wrong(&object.at("strict"), "true or false")),
            },
            extra: object.fields,
        })
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
                let function = Function::read(item.clone(), &at)?;
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
                Some(Function::read(function.clone(), &at)?)
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
