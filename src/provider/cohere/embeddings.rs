//! Embeddings by `/v2/embed` (<https://docs.cohere.com/reference/embed>).

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::{Answer, EmbeddingRequest, Fields, PromptDetails, Usage};
use crate::provider::{Notes, Params, Target, vectors};

const PARAMS: Params = Params(&[
    "dimensions",
    "embedding_types",
    "encoding_format",
    "input",
    "input_type",
    "max_tokens",
    "metadata",
    "output_dimension",
    "priority",
    "truncate",
    "user",
]);

/// The most texts that Cohere takes at once.
pub(super) const MOST_TEXTS: usize = 96;

/// Writes `request`.
///
/// # Errors
///
/// Tokens in place of text, too many texts, or a field that Cohere does not have.
pub(super) fn write(target: &Target<'_>, request: &EmbeddingRequest) -> Result<(Value, Notes)> {
    let mut notes = Notes::new(target);
    notes.dropped = PARAMS.check_fields(target, request.fields())?;
    let mut fields = request.fields().clone();
    let is_own = |name: &&String| !matches!(name.as_str(), "model" | "input");
    notes.dropped.iter().filter(is_own).for_each(|name| fields.remove(name));
    notes.base64_embeddings = vectors::wants_base64(&fields)?;
    let inputs = request.texts()?;
    if inputs.len() > MOST_TEXTS {
        let message = format!("`input` has {} texts: this provider takes {MOST_TEXTS} at once", inputs.len());
        return Err(Error::bad_request("input", message));
    }
    let mut body = Map::from_iter([("model".to_owned(), Value::from(target.model))]);
    // As LiteLLM, a `data:` URL of an image among the inputs is that image.
    let is_image = |input: &String| input.starts_with("data:image/");
    let images = inputs.iter().filter(|input| is_image(input)).count();
    let mut purpose = "search_document";
    if images == 0 {
        body.insert("texts".to_owned(), inputs.into());
    } else if images == inputs.len() {
        body.insert("images".to_owned(), inputs.into());
        purpose = "image";
    } else {
        let part = |input: &String| {
            if is_image(input) {
                json!({"type": "image_url", "image_url": {"url": input}})
            } else {
                json!({"type": "text", "text": input})
            }
        };
        let inputs: Vec<Value> = inputs.iter().map(|input| json!({"content": [part(input)]})).collect();
        body.insert("inputs".to_owned(), inputs.into());
    }
    body.insert("input_type".to_owned(), fields.get("input_type")?.unwrap_or_else(|| purpose.into()));
    body.insert("embedding_types".to_owned(), fields.get("embedding_types")?.unwrap_or_else(|| json!(["float"])));
    let renamed = [("dimensions", "output_dimension"), ("output_dimension", "output_dimension")];
    for (name, sent) in
        [("truncate", "truncate"), ("max_tokens", "max_tokens"), ("priority", "priority")].iter().chain(&renamed)
    {
        if let Some(value) = fields.get(name)? {
            body.insert((*sent).to_owned(), value);
        }
    }
    Ok((body.into(), notes))
}

/// Reads an answer: vectors by their type, or a list of vectors as older models answer.
///
/// # Errors
///
/// Not what Cohere answers.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let fields: Fields = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let list = |raw: &RawValue| serde_json::from_str::<Vec<Box<RawValue>>>(raw.get()).unwrap_or_default();
    let mut embedded: Vec<(&str, Box<RawValue>)> = Vec::new();
    let by_type: Fields = fields.get("embeddings").ok().flatten().unwrap_or_default();
    for (kind, vectors) in by_type.iter() {
        embedded.extend(list(vectors).into_iter().map(|vector| (kind, vector)));
    }
    if by_type.is_empty()
        && let Some(vectors) = fields.raw("embeddings")
    {
        embedded.extend(list(vectors).into_iter().map(|vector| ("float", vector)));
    }
    let meta: Value = fields.get("meta").ok().flatten().unwrap_or_default();
    vectors::answer(notes, &embedded, usage(&meta))
}

/// What Cohere bills: tokens of text, and tokens or pieces of images.
fn usage(meta: &Value) -> Option<Usage> {
    let count = |name: &str| {
        let count = meta.get("billed_units")?.get(name)?.as_f64()?;
        Some(count.max(0.0) as u64)
    };
    let (text, images) = (count("input_tokens"), count("image_tokens"));
    if text.is_none() && images.is_none() {
        return None;
    }
    let mut usage = vectors::usage_of(text.unwrap_or(0).saturating_add(images.unwrap_or(0)));
    usage.prompt_tokens_details = images.map(|image_tokens| PromptDetails { image_tokens, ..PromptDetails::default() });
    Some(usage)
}
