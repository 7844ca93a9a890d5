//! An embedding request as a client sends it, checked once and raw where nobody acts on a field.

use serde_json::value::RawValue;

use super::fields::Fields;
use crate::error::{Error, Result};

/// An embedding request.
#[derive(Clone, Debug)]
pub struct EmbeddingRequest {
    fields: Fields,
    model: String,
}

impl EmbeddingRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    ///
    /// What [`Fields::parse`] refuses; `model` or `input` missing or empty.
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::from_fields(Fields::parse(body)?)
    }

    /// Checks fields that were read already.
    ///
    /// # Errors
    ///
    /// As [`EmbeddingRequest::parse`].
    pub fn from_fields(fields: Fields) -> Result<Self> {
        let model: String = fields.get("model")?.unwrap_or_default();
        if model.is_empty() {
            return Err(Error::bad_request("model", "`model` is missing: name a model, GET /v1/models lists them"));
        }
        match fields.raw("input").map(RawValue::get) {
            None => Err(Error::bad_request("input", "`input` is missing: give a string or a list of strings")),
            Some("\"\"" | "[]") => {
                Err(Error::bad_request("input", "`input` is empty: give a string or a list of strings"))
            }
            Some(input) if !input.starts_with(['"', '[']) => {
                Err(Error::bad_request("input", "`input` must be a string, a list of strings, or tokens"))
            }
            Some(_) => Ok(Self { fields, model }),
        }
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// All fields, raw.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// The input as a list of texts; one string is a list of one.
    ///
    /// # Errors
    ///
    /// Lists of tokens, which only OpenAI's dialect takes.
    pub fn texts(&self) -> Result<Vec<String>> {
        #[derive(serde::Deserialize)]
        #[serde(untagged)]
        enum Input {
            One(String),
            Many(Vec<String>),
        }
        match self.fields.get::<Input>("input") {
            Ok(Some(Input::One(text))) => Ok(vec![text]),
            Ok(Some(Input::Many(texts))) => Ok(texts),
            _ => Err(Error::bad_request("input", "`input` must be a string or a list of strings for this provider")),
        }
    }

    /// Whether the client wants base64 (`encoding_format`).
    ///
    /// # Errors
    ///
    /// Another word than `float` or `base64`.
    pub fn wants_base64(&self) -> Result<bool> {
        match self.fields.get::<String>("encoding_format")?.as_deref() {
            None | Some("float") => Ok(false),
            Some("base64") => Ok(true),
            Some(other) => {
                let message = format!("`encoding_format` must be \"float\" or \"base64\": {other}");
                Err(Error::bad_request("encoding_format", message))
            }
        }
    }

    /// This request with `edit` applied to a copy of its fields, checked again.
    ///
    /// # Errors
    ///
    /// As [`EmbeddingRequest::parse`], when the edit broke it.
    pub fn with(&self, edit: impl FnOnce(&mut Fields)) -> Result<Self> {
        let mut fields = self.fields.clone();
        edit(&mut fields);
        Self::from_fields(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_checked() {
        let texts = |body: &str| EmbeddingRequest::parse(body.as_bytes()).and_then(|request| request.texts());
        assert_eq!(texts(r#"{"model":"m","input":"a"}"#).unwrap(), ["a"]);
        assert_eq!(texts(r#"{"model":"m","input":["a","b"]}"#).unwrap(), ["a", "b"]);
        for (body, param) in [
            (r#"{"input":"a"}"#, "model"),
            (r#"{"model":"m"}"#, "input"),
            (r#"{"model":"m","input":""}"#, "input"),
            (r#"{"model":"m","input":{}}"#, "input"),
            (r#"{"model":"m","input":[1,2]}"#, "input"),
        ] {
            assert_eq!(texts(body).unwrap_err().param(), Some(param), "{body}");
        }
    }
}
