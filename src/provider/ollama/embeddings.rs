//! Embeddings by `/api/embed` (<https://docs.ollama.com/api/embed>).

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::request::{check, options};
use crate::error::Result;
use crate::openai::{Answer, EmbeddingRequest, Fields};
use crate::provider::{Notes, Params, Target, errors, vectors};

const PARAMS: Params = Params(&["dimensions", "encoding_format", "input", "metadata", "options", "user"]);

/// Writes `request`.
///
/// # Errors
///
/// Tokens in place of text, or a field that Ollama does not have.
pub(super) fn write(target: &Target<'_>, request: &EmbeddingRequest) -> Result<(Value, Notes)> {
    let mut notes = Notes::new(target);
    let mut fields = request.fields().clone();
    notes.dropped = check(PARAMS, target, &mut fields)?;
    notes.base64_embeddings = vectors::wants_base64(&fields)?;
    let mut body = Map::from_iter([("model".to_owned(), Value::from(target.model))]);
    body.insert("input".to_owned(), request.texts()?.into());
    for name in ["truncate", "dimensions", "keep_alive"] {
        if let Some(value) = fields.get(name)? {
            body.insert(name.to_owned(), value);
        }
    }
    let options = options(&fields)?;
    if !options.is_empty() {
        body.insert("options".to_owned(), options.into());
    }
    Ok((body.into(), notes))
}

/// Reads an answer.
///
/// # Errors
///
/// Not what Ollama answers.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let fields: Fields = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    if fields.raw("error").is_some() {
        let value: Value = crate::json::read(body).unwrap_or_default();
        return Err(errors::from_value(&notes.provider, 0, &value, body));
    }
    let embedded: Vec<Box<RawValue>> = fields.get("embeddings").ok().flatten().unwrap_or_default();
    let usage = fields.get::<u64>("prompt_eval_count").ok().flatten().map(vectors::usage_of);
    let embedded: Vec<_> = embedded.into_iter().map(|vector| ("float", vector)).collect();
    vectors::answer(notes, &embedded, usage)
}
