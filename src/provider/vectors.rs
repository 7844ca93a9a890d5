//! Embeddings as OpenAI's clients want them, from the vectors that an upstream answers.

use std::fmt::Write as _;

use serde_json::json;
use serde_json::value::RawValue;

use super::Notes;
use crate::error::{Error, Result};
use crate::openai::{Answer, Fields, Usage};

/// Whether the client wants vectors in base64 (`encoding_format`), which its own SDK asks for.
///
/// # Errors
///
/// A format that OpenAI does not have.
pub(super) fn wants_base64(fields: &Fields) -> Result<bool> {
    match fields.get::<String>("encoding_format")?.as_deref() {
        None | Some("float") => Ok(false),
        Some("base64") => Ok(true),
        Some(other) => {
            let message = format!("`encoding_format` must be \"float\" or \"base64\": {other}");
            Err(Error::bad_request("encoding_format", message))
        }
    }
}

/// An answer of these vectors, as they came but for their packing; with their type where it is not `float`.
///
/// # Errors
///
/// No vector at all, or one that has to be packed and is no list of numbers.
pub(super) fn answer(notes: &Notes, vectors: &[(&str, Box<RawValue>)], usage: Option<Usage>) -> Result<Answer> {
    if vectors.is_empty() {
        return Err(notes.not_understood(&"it has no embedding"));
    }
    let mut body = String::from("{\"object\":\"list\",\"data\":[");
    let (mut index, mut last) = (0, vectors.first().map_or("", |(kind, _)| kind));
    for (at, (kind, vector)) in vectors.iter().enumerate() {
        // Each type counts its own vectors.
        index = if at == 0 || *kind != last { 0 } else { index + 1 };
        last = kind;
        body.push_str(if at > 0 { ",{" } else { "{" });
        if *kind != "float" {
            let _ = write!(body, "\"type\":{},", json!(kind));
        }
        let _ = write!(body, "\"object\":\"embedding\",\"index\":{index},\"embedding\":");
        if notes.base64_embeddings && *kind == "float" {
            let values: Vec<f64> = serde_json::from_str(vector.get()).map_err(|error| notes.not_understood(&error))?;
            let _ = write!(body, "\"{}\"", base64_of(&values));
        } else {
            body.push_str(vector.get());
        }
        body.push('}');
    }
    // OpenAI's clients insist on usage, where some upstreams tell none.
    let told = usage.as_ref().map_or(0, |usage| usage.prompt_tokens);
    let usage_told = json!({"prompt_tokens": told, "total_tokens": told});
    let _ = write!(body, "],\"model\":{},\"usage\":{usage_told}}}", json!(notes.model));
    Ok(Answer { body: body.into_bytes(), usage, model: Some(notes.model.clone()) })
}

/// Usage of so many tokens of prompt.
pub(super) fn usage_of(prompt_tokens: u64) -> Usage {
    Usage { prompt_tokens, total_tokens: prompt_tokens, ..Usage::default() }
}

/// Numbers as OpenAI packs them: 32-bit floats, little-endian, in base64.
pub(super) fn base64_of(values: &[f64]) -> String {
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
