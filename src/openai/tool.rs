//! Tools, the choice among them, and calls of them.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::invalid;
use super::object::{Object, wrong};
use crate::error::{Error, Result};

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

pub(super) fn function_kind() -> String {
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
    pub(super) fn read(value: Value, at: &str) -> Result<Self> {
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
    pub(super) fn read(value: Value, at: &str) -> Result<Self> {
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

impl Function {
    pub(super) fn read(value: Value, at: &str) -> Result<Self> {
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
