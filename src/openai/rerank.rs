//! A rerank request as a client sends it, in Cohere's form, which is LiteLLM's too; checked once and raw elsewhere.

use serde_json::Value;

use super::fields::Fields;
use crate::error::{Error, Result};

/// A rerank request.
#[derive(Clone, Debug)]
pub struct RerankRequest {
    fields: Fields,
    model: String,
    query: String,
    documents: Vec<Value>,
}

impl RerankRequest {
    /// Reads and checks a body.
    ///
    /// # Errors
    ///
    /// What [`Fields::parse`] refuses; `model`, `query` or `documents` missing, empty or of another type.
    pub fn parse(body: &[u8]) -> Result<Self> {
        Self::from_fields(Fields::parse(body)?)
    }

    /// Checks fields that were read already.
    ///
    /// # Errors
    ///
    /// As [`RerankRequest::parse`].
    pub fn from_fields(fields: Fields) -> Result<Self> {
        let model: String = fields.get("model")?.unwrap_or_default();
        if model.is_empty() {
            return Err(Error::bad_request("model", "`model` is missing: name a model, GET /v1/models lists them"));
        }
        let query: String = fields.get("query")?.unwrap_or_default();
        if query.is_empty() {
            return Err(Error::bad_request("query", "`query` is missing: give the text that documents are ranked by"));
        }
        let documents: Vec<Value> = match fields.get("documents")? {
            Some(Value::Array(documents)) if !documents.is_empty() => documents,
            _ => return Err(Error::bad_request("documents", "`documents` must be a list of strings or objects")),
        };
        if let Some(at) = documents.iter().position(|document| !(document.is_string() || document.is_object())) {
            let at = format!("documents[{at}]");
            return Err(Error::bad_request(&at, format!("`{at}` must be a string or an object")));
        }
        let most: Option<f64> = fields.get("top_n")?;
        if most.is_some_and(|most| most < 1.0 || most.fract() != 0.0) {
            return Err(Error::bad_request("top_n", "`top_n` must be a whole number, at least 1"));
        }
        fields.get::<bool>("return_documents")?;
        fields.get::<Vec<String>>("rank_fields")?;
        Ok(Self { fields, model, query, documents })
    }

    /// The model as the client named it.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// All fields, raw.
    pub fn fields(&self) -> &Fields {
        &self.fields
    }

    /// What documents are ranked by.
    pub fn query(&self) -> &str {
        &self.query
    }

    /// The documents as they came: strings or objects; at least one.
    pub fn documents(&self) -> &[Value] {
        &self.documents
    }

    /// How many of the best are wanted.
    pub fn top_n(&self) -> Option<u64> {
        self.fields.get::<f64>("top_n").ok().flatten().map(|most| most as u64)
    }

    /// Whether the client wants the documents back.
    pub fn wants_documents(&self) -> bool {
        self.fields.get("return_documents").ok().flatten().unwrap_or(false)
    }

    /// The documents as texts: of an object the fields that `rank_fields` names, else its `text`, else all of it as JSON.
    pub fn texts(&self) -> Vec<String> {
        let named: Vec<String> = self.fields.get("rank_fields").ok().flatten().unwrap_or_default();
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let read = |document: &Value| {
            let lines: Vec<String> =
                named.iter().filter_map(|name| Some(format!("{name}: {}", text(document.get(name)?)))).collect();
            match document.get("text") {
                _ if !lines.is_empty() => lines.join("\n"),
                Some(Value::String(text)) => text.clone(),
                _ => text(document),
            }
        };
        self.documents.iter().map(read).collect()
    }

    /// This request with `edit` applied to a copy of its fields, checked again.
    ///
    /// # Errors
    ///
    /// As [`RerankRequest::parse`], when the edit broke it.
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
    fn requests_are_checked_field_by_field() {
        for (body, param) in [
            (r#"{"query":"q","documents":["a"]}"#, "model"),
            (r#"{"model":"m","documents":["a"]}"#, "query"),
            (r#"{"model":"m","query":"q"}"#, "documents"),
            (r#"{"model":"m","query":"q","documents":[]}"#, "documents"),
            (r#"{"model":"m","query":"q","documents":["a",1]}"#, "documents[1]"),
            (r#"{"model":"m","query":"q","documents":["a"],"top_n":0}"#, "top_n"),
            (r#"{"model":"m","query":"q","documents":["a"],"return_documents":"yes"}"#, "return_documents"),
        ] {
            assert_eq!(RerankRequest::parse(body.as_bytes()).unwrap_err().param(), Some(param), "{body}");
        }
    }

    #[test]
    fn objects_are_texts() {
        let texts = |rest: &str| {
            let body =
                format!(r#"{{"model":"m","query":"q","documents":["a",{{"text":"b","title":"t"}},{{"x":1}}]{rest}}}"#);
            RerankRequest::parse(body.as_bytes()).unwrap().texts()
        };
        assert_eq!(texts(""), ["a", "b", r#"{"x":1}"#]);
        assert_eq!(texts(r#","rank_fields":["title","text"]"#), ["a", "title: t\ntext: b", r#"{"x":1}"#]);
    }
}
