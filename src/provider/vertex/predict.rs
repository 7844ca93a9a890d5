//! Embeddings by `predict` (<https://cloud.google.com/vertex-ai/generative-ai/docs/model-reference/text-embeddings-api>), and
//! by `embedContent` for the models that have nothing else.

use serde_json::{Map, Value, json};

use super::super::gemini::{self, Embedded};
use super::super::{Call, Notes, Target};
use super::address;
use crate::error::{Error, Result};
use crate::openai::{Answer, EmbeddingRequest};

/// Writes `request`.
///
/// # Errors
///
/// As the Gemini API's; several texts for a model that takes one.
pub(super) fn write(target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
    let (mut shared, texts, notes) = gemini::embedding_fields(target, request)?;
    let (method, body) = if target.model.starts_with("gemini-embedding-2") {
        let [text] = texts.as_slice() else {
            let message = format!("`{}` embeds one text a request here: send `input` as one string", target.model);
            return Err(Error::bad_request("input", message));
        };
        shared.insert("content".to_owned(), json!({"parts": [{"text": text}]}));
        ("embedContent", Value::Object(shared))
    } else {
        let mut parameters = Map::new();
        for name in ["outputDimensionality", "autoTruncate"] {
            if let Some(value) = shared.remove(name) {
                parameters.insert(name.to_owned(), value);
            }
        }
        let task = shared.remove("taskType");
        let instance = |text: &String| {
            let mut instance = Map::from_iter([("content".to_owned(), text.as_str().into())]);
            for (name, value) in [("task_type", task.as_ref()), ("title", shared.get("title"))] {
                if let Some(value) = value {
                    instance.insert(name.to_owned(), value.clone());
                }
            }
            Value::Object(instance)
        };
        let instances: Vec<Value> = texts.iter().map(instance).collect();
        ("predict", json!({"instances": instances, "parameters": parameters}))
    };
    let url = address::method(target, "google", method)?;
    Ok(Call { http: gemini::post(&Target { key: None, ..*target }, url, &body), notes })
}

/// Reads an answer.
///
/// # Errors
///
/// Not what Vertex AI answers.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let Some(predictions) = value.get("predictions").and_then(Value::as_array) else {
        return gemini::read_embeddings(notes, body);
    };
    let mut embedded = Embedded::default();
    for prediction in predictions {
        let values = prediction.pointer("/embeddings/values").and_then(Value::as_array);
        let values = values.ok_or_else(|| notes.not_understood(&"a prediction has no embedding"))?;
        embedded.vectors.push(gemini::numbers(values));
        let told = prediction.pointer("/embeddings/statistics/token_count").and_then(Value::as_f64).unwrap_or_default();
        embedded.tokens = Some(embedded.tokens.unwrap_or_default().saturating_add(told as u64));
    }
    embedded.answer(notes)
}
