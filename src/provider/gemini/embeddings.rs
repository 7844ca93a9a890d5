//! Embeddings: one text by `embedContent`, several by `batchEmbedContents` (<https://ai.google.dev/api/embeddings>).

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{method_url, post, wire};
use crate::error::{Error, Result};
use crate::openai::{Answer, EmbeddingRequest, Usage};
use crate::provider::params::unsupported;
use crate::provider::{Call, Notes, Target};

/// The fields that the dialect takes, and what Google calls those that are handed on.
const PARAMS: &[(&str, &str)] = &[
    ("model", ""),
    ("input", ""),
    ("encoding_format", ""),
    ("user", ""),
    ("dimensions", "outputDimensionality"),
    ("outputDimensionality", "outputDimensionality"),
    ("task_type", "taskType"),
    ("taskType", "taskType"),
    ("title", "title"),
];

/// Google's most texts in one batch are 100; a bound for what is read.
const MOST_TEXTS: usize = 2048;

/// Writes `request`.
///
/// # Errors
///
/// Tokens in place of text, too many texts, or a field that Google does not have.
pub(super) fn write(target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
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
    notes.base64_embeddings = match request.fields().get::<String>("encoding_format")?.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(other) => {
            let message = format!("`encoding_format` must be \"float\" or \"base64\": {other}");
            return Err(Error::bad_request("encoding_format", message));
        }
    };
    let texts = request.texts()?;
    if texts.len() > MOST_TEXTS {
        let message = format!("`input` has {} texts: send at most {MOST_TEXTS}", texts.len());
        return Err(Error::bad_request("input", message));
    }
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Embedded {
    embedding: Option<Vector>,
    #[serde(default)]
    embeddings: Vec<Vector>,
    #[serde(alias = "usage_metadata")]
    usage_metadata: Option<wire::Usage>,
}

#[derive(Deserialize)]
struct Vector {
    #[serde(default)]
    values: Vec<f64>,
}

/// Reads an answer to one text or to several.
///
/// # Errors
///
/// Not what Google answers.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let embedded: Embedded = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let vectors: Vec<Vector> = embedded.embedding.into_iter().chain(embedded.embeddings).collect();
    if vectors.is_empty() {
        return Err(notes.not_understood(&"it has no embedding"));
    }
    let usage = embedded.usage_metadata.map(|told| Usage {
        prompt_tokens: told.prompt_token_count,
        total_tokens: told.prompt_token_count,
        ..Usage::default()
    });
    let data = vectors.into_iter().enumerate().map(|(index, vector)| {
        let values = if notes.base64_embeddings { base64_of(&vector.values).into() } else { json!(vector.values) };
        json!({"object": "embedding", "index": index, "embedding": values})
    });
    let told = usage.as_ref().map_or(0, |usage| usage.prompt_tokens);
    // OpenAI's clients insist on usage, where older models tell none.
    let body = json!({"object": "list", "data": data.collect::<Vec<_>>(), "model": notes.model,
        "usage": {"prompt_tokens": told, "total_tokens": told}});
    Ok(Answer { body: body.to_string().into_bytes(), usage, model: Some(notes.model.clone()) })
}

/// Numbers as OpenAI packs them: 32-bit floats, little-endian, in base64.
pub(in crate::provider) fn base64_of(values: &[f64]) -> String {
    let bytes: Vec<u8> = values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect();
    crate::base64::encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_packed_as_openai_packs_them() {
        for (values, packed) in [
            (&[][..], ""),
            (&[1.0], "AACAPw=="),
            (&[1.0, -2.5], "AACAPwAAIMA="),
            (&[0.0, 1.0, 0.5], "AAAAAAAAgD8AAAA/"),
        ] {
            assert_eq!(base64_of(values), packed);
        }
    }
}
