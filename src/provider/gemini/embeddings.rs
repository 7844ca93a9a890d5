//! Embeddings: one text by `embedContent`, several by `batchEmbedContents` (<https://ai.google.dev/api/embeddings>).

use serde_json::{Map, Value, json};

use super::{method_url, post};
use crate::error::{Error, Result};
use crate::openai::{Answer, EmbeddingRequest, Usage};
use crate::provider::params::unsupported;
use crate::provider::vectors::base64_of;
use crate::provider::{Call, Notes, Target};

/// The fields that the dialect takes, and what Google calls those that are handed on.
const PARAMS: &[(&str, &str)] = &[
    ("model", ""),
    ("input", ""),
    ("encoding_format", ""),
    ("user", ""),
    ("dimensions", "outputDimensionality"),
    ("outputDimensionality", "outputDimensionality"),
    ("input_type", "taskType"),
    ("task_type", "taskType"),
    ("taskType", "taskType"),
    ("title", "title"),
];

/// Google's most texts in one batch are 100; a bound for what is read.
const MOST_TEXTS: usize = 2048;

/// The fields that are Google's, the texts, and what the reader of the answer must know.
///
/// # Errors
///
/// Tokens in place of text, too many texts, or a field that Google does not have.
pub(in crate::provider) fn fields(
    target: &Target<'_>,
    request: &EmbeddingRequest,
) -> Result<(Map<String, Value>, Vec<String>, Notes)> {
    let mut notes = Notes::new(target);
    let mut shared = Map::new();
    let mut refused = Vec::new();
    for (name, value) in request.fields().iter() {
        let known = PARAMS.iter().find(|(known, _)| *known == name);
        if target.settings.additional_drop_params.iter().any(|dropped| dropped == name) {
            notes.dropped.push(name.to_owned());
        } else if let Some((_, sent)) = known.filter(|_| value.get() != "null") {
            if let (false, Some(value)) = (sent.is_empty(), request.fields().get::<Value>(name)?) {
                shared.insert((*sent).to_owned(), value);
            }
        } else if value.get() != "null" {
            let place = if target.settings.drop_params { &mut notes.dropped } else { &mut refused };
            place.push(name.to_owned());
        }
    }
    if let Some(first) = refused.first() {
        return Err(unsupported(target.provider, &refused, first));
    }
    notes.base64_embeddings = request.wants_base64()?;
    let texts = request.texts()?;
    if texts.len() > MOST_TEXTS {
        let message = format!("`input` has {} texts: send at most {MOST_TEXTS}", texts.len());
        return Err(Error::bad_request("input", message));
    }
    Ok((shared, texts, notes))
}

/// Writes `request`.
///
/// # Errors
///
/// As [`fields`].
pub(super) fn write(target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
    let (shared, texts, notes) = fields(target, request)?;
    let model = format!("models/{}", target.model_segment()?);
    let one = |text: &String| {
        let mut one = Map::from_iter([("model".to_owned(), model.as_str().into())]);
        one.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
        one.extend(shared.clone());
        Value::Object(one)
    };
    let (method, body) = match texts.as_slice() {
        [text] => ("embedContent", one(text)),
        texts => ("batchEmbedContents", json!({"requests": texts.iter().map(one).collect::<Vec<_>>()})),
    };
    Ok(Call { http: post(target, method_url(target, method)?, &body), notes })
}

/// Vectors, and how many tokens they took, where that is told.
#[derive(Default)]
pub(in crate::provider) struct Embedded {
    pub(in crate::provider) vectors: Vec<Vec<f64>>,
    pub(in crate::provider) tokens: Option<u64>,
}

impl Embedded {
    /// OpenAI's answer.
    ///
    /// # Errors
    ///
    /// No vector at all.
    pub(in crate::provider) fn answer(self, notes: &Notes) -> Result<Answer> {
        if self.vectors.is_empty() {
            return Err(notes.not_understood(&"it has no embedding"));
        }
        let data = self.vectors.into_iter().enumerate().map(|(index, values)| {
            let values = if notes.base64_embeddings { base64_of(&values).into() } else { json!(values) };
            json!({"object": "embedding", "index": index, "embedding": values})
        });
        // OpenAI's clients insist on usage, where older models tell none.
        let told = self.tokens.unwrap_or_default();
        let body = json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": notes.model,
            "usage": {"prompt_tokens": told, "total_tokens": told}});
        let usage = self.tokens.map(|told| Usage { prompt_tokens: told, total_tokens: told, ..Usage::default() });
        Ok(Answer { body: body.to_string().into_bytes(), usage, model: Some(notes.model.clone()) })
    }
}

/// Reads an answer to one text or to several.
///
/// # Errors
///
/// Not what Google answers.
pub(in crate::provider) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let told: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let several = told.get("embeddings").and_then(Value::as_array).into_iter().flatten();
    let values = |vector: &Value| vector.get("values").and_then(Value::as_array).map(|values| numbers(values));
    let vectors = told.get("embedding").into_iter().chain(several).filter_map(values).collect();
    let usage = told.get("usageMetadata").or_else(|| told.get("usage_metadata"));
    let count = |usage: &Value| usage.get("promptTokenCount").or_else(|| usage.get("prompt_token_count"))?.as_u64();
    let tokens = usage.map(|usage| count(usage).unwrap_or_default());
    Embedded { vectors, tokens }.answer(notes)
}

/// The numbers of a vector.
pub(in crate::provider) fn numbers(values: &[Value]) -> Vec<f64> {
    values.iter().filter_map(Value::as_f64).collect()
}
