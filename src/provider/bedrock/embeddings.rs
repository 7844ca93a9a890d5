//! Embeddings by `invoke`: Amazon's Titan and Cohere's, each in its own protocol.
//!
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-mm.html>,
//! <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-embed.html>.

use serde_json::{Map, Value, json};

use super::model::Model;
use crate::error::{Error, Result};
use crate::http::HttpHead;
use crate::openai::{Answer, EmbeddingRequest, Usage};
use crate::provider::anthropic::content::data_url;
use crate::provider::params::unsupported;
use crate::provider::vectors::base64_of;
use crate::provider::{Notes, Target};

/// Most texts in one call of Cohere's.
const MOST_TEXTS: usize = 96;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    TitanText,
    TitanText2,
    TitanImage,
    Cohere,
}

fn kind(model: Model<'_>) -> Result<Kind> {
    let own = model.id.rsplit('/').next().unwrap_or_default();
    for (mark, kind) in [
        ("titan-embed-image", Kind::TitanImage),
        ("titan-embed-text-v2", Kind::TitanText2),
        ("titan-embed", Kind::TitanText),
        ("cohere.embed", Kind::Cohere),
    ] {
        if own.contains(mark) {
            return Ok(kind);
        }
    }
    let message = "this model of Bedrock's has no embeddings here: choose one of amazon.titan-embed or cohere.embed";
    Err(Error::bad_request("model", message))
}

/// Writes the body, and what the reader of the answer must know.
///
/// # Errors
///
/// A model without embeddings; tokens in place of text; more texts than it takes; a field that it does not have.
pub(super) fn write(
    target: &Target<'_>,
    request: &EmbeddingRequest,
    model: Model<'_>,
) -> Result<(Map<String, Value>, Notes)> {
    let kind = kind(model)?;
    let mut notes = Notes::new(target);
    model.name.clone_into(&mut notes.model);
    let mut body = Map::new();
    let mut refused = Vec::new();
    for (name, value) in request.fields().iter() {
        if target.settings.additional_drop_params.iter().any(|dropped| dropped == name) {
            notes.dropped.push(name.to_owned());
            continue;
        }
        let told = || request.fields().get::<Value>(name).map(Option::unwrap_or_default);
        match (name, kind) {
            ("model" | "input" | "encoding_format" | "user", _) => {}
            _ if value.get() == "null" => {}
            ("dimensions", Kind::TitanText2) => drop(body.insert("dimensions".to_owned(), told()?)),
            ("dimensions", Kind::TitanImage) => {
                body.insert("embeddingConfig".to_owned(), json!({"outputEmbeddingLength": told()?}));
            }
            ("dimensions", Kind::Cohere) => drop(body.insert("output_dimension".to_owned(), told()?)),
            ("dimensions", _) if target.settings.drop_params => notes.dropped.push(name.to_owned()),
            ("dimensions", _) => refused.push(name.to_owned()),
            _ => drop(body.insert(name.to_owned(), told()?)),
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
    if kind == Kind::Cohere {
        if texts.len() > MOST_TEXTS {
            let message = format!("`input` has {} texts: send at most {MOST_TEXTS}", texts.len());
            return Err(Error::bad_request("input", message));
        }
        body.insert("texts".to_owned(), texts.into());
        // LiteLLM's; the API wants one.
        body.entry("input_type").or_insert_with(|| "search_document".into());
        return Ok((body, notes));
    }
    let [text] = texts.as_slice() else {
        let message = format!("`input` has {} texts: this model takes one in a call", texts.len());
        return Err(Error::bad_request("input", message));
    };
    match data_url(text) {
        Some((_, image)) if kind == Kind::TitanImage => drop(body.insert("inputImage".to_owned(), image.into())),
        _ => drop(body.insert("inputText".to_owned(), text.as_str().into())),
    }
    Ok((body, notes))
}

/// Reads an answer of any of the models.
///
/// # Errors
///
/// An answer without a vector.
pub(super) fn read(notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
    let mut answer: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let vectors = match answer.get_mut("embeddings").map(Value::take) {
        // By type, where a type was asked for.
        Some(Value::Object(by_type)) => {
            by_type.into_iter().find_map(|(_, list)| if let Value::Array(list) = list { Some(list) } else { None })
        }
        Some(Value::Array(list)) => Some(list),
        _ => answer.get_mut("embedding").map(|vector| vec![vector.take()]),
    };
    let vectors = vectors.filter(|vectors| vectors.iter().all(Value::is_array) && !vectors.is_empty());
    let vectors = vectors.ok_or_else(|| notes.not_understood(&"it has no embedding"))?;
    let in_head = head.headers.get("x-amzn-bedrock-input-token-count").and_then(|count| count.parse::<u64>().ok());
    let told = answer.get("inputTextTokenCount").and_then(Value::as_u64).or(in_head);
    let data: Vec<Value> = vectors
        .into_iter()
        .enumerate()
        .map(|(index, vector)| {
            let vector = if notes.base64_embeddings { packed(&vector).into() } else { vector };
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    let count = told.unwrap_or_default();
    let usage = told.map(|count| Usage { prompt_tokens: count, total_tokens: count, ..Usage::default() });
    // OpenAI's clients insist on usage.
    let body = json!({"object": "list", "data": data, "model": notes.model,
        "usage": {"prompt_tokens": count, "total_tokens": count}});
    Ok(Answer { body: body.to_string().into_bytes(), usage, model: Some(notes.model.clone()) })
}

fn packed(vector: &Value) -> String {
    let values = vector.as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<f64>>();
    base64_of(&values)
}
