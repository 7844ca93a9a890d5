//! A chat request as a client sends it: checked once, immutable, and raw where nobody acts on a field.

use serde_json::value::RawValue;

use super::fields::Fields;
use super::message::Message;
use super::tool::{Tool, ToolChoice};
use crate::error::{Error, Result};

/// The JSON type that a known field must have.
#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Bool,
    Number,
    Integer,
    Text,
    List,
    Object,
    /// Several are right: whoever acts on the field checks it.
    Any,
}

/// OpenAI's parameters of a chat completion and the type of each
/// (<https://platform.openai.com/docs/api-reference/chat/create>).
#[rustfmt::skip]
const PARAMS: &[(&str, Shape)] = &[
    ("audio", Shape::Object), ("frequency_penalty", Shape::Number), ("function_call", Shape::Any), ("functions", Shape::List),
    ("logit_bias", Shape::Object), ("logprobs", Shape::Bool), ("max_completion_tokens", Shape::Integer),
    ("max_tokens", Shape::Integer), ("messages", Shape::List), ("metadata", Shape::Object), ("modalities", Shape::List),
    ("model", Shape::Text), ("n", Shape::Integer), ("parallel_tool_calls", Shape::Bool), ("prediction", Shape::Object),
    ("presence_penalty", Shape::Number), ("prompt_cache_key", Shape::Text), ("prompt_cache_retention", Shape::Text),
    ("reasoning_effort", Shape::Any), ("response_format", Shape::Object), ("safety_identifier", Shape::Text),
    ("seed", Shape::Integer), ("service_tier", Shape::Text), ("stop", Shape::Any), ("store", Shape::Bool),
    ("stream", Shape::Bool), ("stream_options", Shape::Object), ("temperature", Shape::Number), ("tool_choice", Shape::Any),
    ("tools", Shape::List), ("top_logprobs", Shape::Integer), ("top_p", Shape::Number), ("user", Shape::Text),
    ("verbosity", Shape::Text), ("web_search_options", Shape::Object),
];

/// Whether `name` is a parameter of OpenAI's chat completions.
pub fn is_openai_param(name: &str) -> bool {
    PARAMS.iter().any(|(param, _)| *param == name)
}

/// A chat request.
///
/// Every attempt, retry and fallback translates from this one; nothing changes it. A variant with other fields is a new
/// request ([`ChatRequest::with`]).
#[derive(Clone, Debug)]
pub struct ChatRequest {
    fields: Fields,
    model: String,
    stream: bool,
    include_usage: bool,
}

impl ChatRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    ///
    /// What [`Fields::parse`] refuses; `model` or `messages` missing or of another type; a known field of another type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::from_fields(Fields::parse(body)?)
    }

    /// Checks fields that were read already.
    ///
    /// # Errors
    ///
    /// As [`ChatRequest::parse`].
    pub fn from_fields(fields: Fields) -> Result<Self> {
        check_shapes(&fields)?;
        let model: String = fields.get("model")?.unwrap_or_default();
        if model.is_empty() {
            return Err(Error::bad_request("model", "`model` is missing: name a model, GET /v1/models lists them"));
        }
        check_messages(&fields)?;
        let stream = fields.get("stream")?.unwrap_or(false);
        let include_usage = fields
            .get::<Fields>("stream_options")?
            .map(|options| options.get("include_usage"))
            .transpose()?
            .flatten()
            .unwrap_or(false);
        Ok(Self { fields, model, stream, include_usage })
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the client wants a stream.
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the client asked for a usage chunk at the end of the stream.
    pub fn include_usage(&self) -> bool {
        self.include_usage
    }

    /// All fields, raw.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The raw value of a field; `null` counts as absent.
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        self.fields.raw(name)
    }

    /// Reads a field as a `T`; absent and `null` are `None`.
    ///
    /// # Errors
    ///
    /// Another type than `T`; the error names the field.
    pub fn get<T: serde::de::DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.fields.get(name)
    }

    /// The messages, typed.
    ///
    /// # Errors
    ///
    /// A message that is not one; the error names it (`messages[2].role`).
    pub fn messages(&self) -> Result<Vec<Message>> {
        Message::read_all(self.fields.raw("messages"))
    }

    /// The tools, typed; `functions` of old clients are among them.
    ///
    /// # Errors
    ///
    /// A tool that is not one; the error names it (`tools[0].function.name`).
    pub fn tools(&self) -> Result<Vec<Tool>> {
        Tool::read_all(self.fields.raw("tools"), self.fields.raw("functions"))
    }

    /// The choice of tool; `function_call` of old clients counts too.
    ///
    /// # Errors
    ///
    /// A choice that is none.
    pub fn tool_choice(&self) -> Result<Option<ToolChoice>> {
        ToolChoice::read(self.fields.raw("tool_choice").or_else(|| self.fields.raw("function_call")))
    }

    /// The bound of the answer in tokens: `max_completion_tokens`, else `max_tokens`.
    ///
    /// # Errors
    ///
    /// Not a number.
    pub fn max_output_tokens(&self) -> Result<Option<u64>> {
        for name in ["max_completion_tokens", "max_tokens"] {
            if let Some(bound) = self.get::<f64>(name)? {
                // LiteLLM's clients send floats too; at least one token.
                return Ok(Some(bound.round().max(1.0) as u64));
            }
        }
        Ok(None)
    }

    /// `stop` as a list; one string is a list of one.
    ///
    /// # Errors
    ///
    /// Neither a string nor a list of strings.
    pub fn stop(&self) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Stop {
            One(String),
            Many(Vec<String>),
        }
        match self.get::<Stop>("stop") {
            Ok(None) => Ok(Vec::new()),
            Ok(Some(Stop::One(stop))) => Ok(vec![stop]),
            Ok(Some(Stop::Many(stops))) => Ok(stops),
            Err(_) => Err(Error::bad_request("stop", "`stop` must be a string or a list of strings")),
        }
    }

    /// This request with `edit` applied to a copy of its fields, checked again.
    ///
    /// # Errors
    ///
    /// As [`ChatRequest::parse`], when the edit broke it.
    pub fn with(&self, edit: impl FnOnce(&mut Fields)) -> Result<Self> {
        let mut fields = self.fields.clone();
        edit(&mut fields);
        Self::from_fields(fields)
    }
}

/// Refuses known fields of another type, by the first byte of each.
fn check_shapes(fields: &Fields) -> Result<()> {
    for (name, value) in fields.iter() {
        let Some((_, shape)) = PARAMS.iter().find(|(param, _)| *param == name) else { continue };
        let got = match value.get().bytes().next() {
            Some(b'"') => "a string",
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => continue,
            _ => "a number",
        };
        let want = match shape {
            Shape::Bool => "a boolean",
            Shape::Number | Shape::Integer => "a number",
            Shape::Text => "a string",
            Shape::List => "a list",
            Shape::Object => "an object",
            Shape::Any => continue,
        };
        if got != want {
            return Err(Error::bad_request(name, format!("`{name}` must be {want}, not {got}")));
        }
        if want == "a number" {
            let number: f64 = crate::json::number(value.get()).unwrap_or(f64::INFINITY);
            // OpenAI's integers have 64 bits.
            let whole_too_large = *shape == Shape::Integer && number.abs() >= 9_223_372_036_854_775_808.0;
            if !number.is_finite() || whole_too_large {
                return Err(Error::bad_request(name, format!("`{name}` is out of range: {}", short(value.get()))));
            }
            if *shape == Shape::Integer && number.fract() != 0.0 {
                return Err(Error::bad_request(name, format!("`{name}` must be a whole number, not {number}")));
            }
        }
    }
    Ok(())
}

fn short(text: &str) -> &str {
    text.get(..40).unwrap_or(text)
}

/// Refuses a conversation that no dialect takes, without reading its contents.
fn check_messages(fields: &Fields) -> Result<()> {
    #[derive(serde::Deserialize)]
    struct Head {
        role: Option<serde_json::Value>,
    }
    let missing = || Error::bad_request("messages", "`messages` is missing: give at least one {\"role\", \"content\"}");
    let messages = fields.raw("messages").ok_or_else(missing)?;
    let items: Vec<&RawValue> =
        serde_json::from_str(messages.get()).map_err(|error| super::fields::invalid("messages", &error))?;
    if items.is_empty() {
        return Err(Error::bad_request("messages", "`messages` is empty: give at least one {\"role\", \"content\"}"));
    }
    for (index, item) in items.iter().enumerate() {
        let at = format!("messages[{index}]");
        if !item.get().starts_with('{') {
            return Err(Error::bad_request(&at, format!("`{at}` must be an object with `role` and `content`")));
        }
        let head: Head = serde_json::from_str(item.get()).map_err(|error| super::fields::invalid(&at, &error))?;
        let role = head.role.as_ref().and_then(serde_json::Value::as_str);
        if role.is_none_or(str::is_empty) {
            let at = format!("{at}.role");
            let roles = "\"system\", \"developer\", \"user\", \"assistant\" or \"tool\"";
            return Err(Error::bad_request(&at, format!("`{at}` is missing or not a string: give {roles}")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#""messages":[{"role":"user","content":"hi"}]"#;

    #[test]
    fn what_is_known_is_read_and_what_is_unknown_stays() {
        let body =
            format!(r#"{{"model":"m","stream":true,"stream_options":{{"include_usage":true}},{GOOD},"odd":[1]}}"#);
        let chat = ChatRequest::parse(body.as_bytes()).unwrap();
        assert!(chat.stream() && chat.include_usage());
        assert_eq!(String::from_utf8(chat.fields().to_bytes()).unwrap(), body);
        assert_eq!(chat.stop().unwrap(), Vec::<String>::new());
    }

    #[test]
    fn wrong_fields_are_named_with_the_mend() {
        for (body, param, words) in [
            (format!("{{{GOOD}}}"), "model", "missing"),
            (format!(r#"{{"model":7,{GOOD}}}"#), "model", "must be a string, not a number"),
            (r#"{"model":"m"}"#.to_owned(), "messages", "missing"),
            (r#"{"model":"m","messages":[]}"#.to_owned(), "messages", "empty"),
            (r#"{"model":"m","messages":"hi"}"#.to_owned(), "messages", "must be a list, not a string"),
            (r#"{"model":"m","messages":["hi"]}"#.to_owned(), "messages[0]", "must be an object"),
            (r#"{"model":"m","messages":[{"content":"hi"}]}"#.to_owned(), "messages[0].role", "missing"),
            (format!(r#"{{"model":"m","max_tokens":99999999999999999999999,{GOOD}}}"#), "max_tokens", "out of range"),
            (format!(r#"{{"model":"m","temperature":"hot",{GOOD}}}"#), "temperature", "must be a number, not a string"),
            (format!(r#"{{"model":"m","temperature":1e999,{GOOD}}}"#), "temperature", "out of range"),
            (format!(r#"{{"model":"m","max_tokens":1.5,{GOOD}}}"#), "max_tokens", "whole number"),
            (format!(r#"{{"model":"m","stream":"yes",{GOOD}}}"#), "stream", "must be a boolean"),
            (format!(r#"{{"model":"m","stream_options":{{"include_usage":3}},{GOOD}}}"#), "include_usage", "not valid"),
        ] {
            let error = ChatRequest::parse(body.as_bytes()).unwrap_err();
            assert_eq!(error.param(), Some(param), "{body}");
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn a_variant_leaves_the_original_alone() {
        let chat = ChatRequest::parse(format!(r#"{{"model":"m",{GOOD}}}"#).as_bytes()).unwrap();
        let other = chat.with(|fields| fields.set("model", "n")).unwrap();
        assert_eq!((chat.model(), other.model()), ("m", "n"));
    }
}
