//! Embeddings without an upstream: unit vectors that depend on nothing but the input.

use serde_json::{Value, json};

use super::super::Notes;
use super::{head, tokens};
use crate::error::{Error, Result};
use crate::http::HttpHead;
use crate::openai::EmbeddingRequest;

/// Numbers of an embedding where the request does not say, and the most that it may say.
const DIMENSIONS: (u64, u64) = (8, 4096);

/// Answers an embedding request with unit vectors that depend on nothing but the input.
///
/// # Errors
///
/// `dimensions` out of range; an input that is no list.
pub fn embeddings(notes: &Notes, request: &EmbeddingRequest) -> Result<(HttpHead, Vec<u8>)> {
    let (usual, most) = DIMENSIONS;
    let dimensions = request.fields().get::<u64>("dimensions")?.unwrap_or(usual);
    if !(1..=most).contains(&dimensions) {
        let message = format!("`dimensions` must be 1 to {most} for a mock, not {dimensions}");
        return Err(Error::bad_request("dimensions", message));
    }
    let inputs = inputs(request)?;
    let base64 = request.fields().get::<String>("encoding_format")?.as_deref() == Some("base64");
    let data: Vec<Value> = (0_u64..)
        .zip(&inputs)
        .map(|(index, input)| {
            let vector = unit_vector(input, dimensions);
            let embedding = if base64 { json!(packed(&vector)) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let count: u64 = inputs.iter().map(|input| tokens(input.len())).sum();
    let usage = json!({"prompt_tokens": count, "total_tokens": count});
    let body = json!({"object": "list", "data": data, "model": notes.model, "usage": usage});
    Ok((head("application/json"), body.to_string().into_bytes()))
}

/// The texts of a request; lists of tokens count as their JSON.
fn inputs(request: &EmbeddingRequest) -> Result<Vec<String>> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    match request.fields().get::<Value>("input")? {
        Some(Value::Array(items)) if items.first().is_some_and(Value::is_number) => {
            Ok(vec![Value::Array(items).to_string()])
        }
        Some(Value::Array(items)) => Ok(items.iter().map(text).collect()),
        Some(value @ Value::String(_)) => Ok(vec![text(&value)]),
        _ => Err(Error::bad_request("input", "`input` must be a string or a list")),
    }
}

/// A vector of length 1 from a hash of the text (FNV-1a, then xorshift for each number).
fn unit_vector(text: &str, dimensions: u64) -> Vec<f32> {
    let seed = text
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut state = seed | 1;
    let numbers: Vec<f64> = (0..dimensions)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
        })
        .collect();
    let length = numbers.iter().map(|number| number * number).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    numbers.iter().map(|number| (number / length) as f32).collect()
}

/// Little-endian floats in base64, as OpenAI's `encoding_format: base64` has them.
fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
    crate::base64::encode(&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn embeddings_are_unit_vectors_of_the_input_alone() {
        let notes = Notes { model: "e".to_owned(), ..Notes::default() };
        let embed = |rest: &str| -> Result<Value> {
            let body = format!(r#"{{"model":"mock/e","input":["a","b","a"]{rest}}}"#);
            let request = EmbeddingRequest::parse(body.as_bytes())?;
            Ok(serde_json::from_slice(&embeddings(&notes, &request)?.1).unwrap())
        };
        let body = embed("").unwrap();
        let vector: Vec<f64> = serde_json::from_value(body["data"][0]["embedding"].clone()).unwrap();
        assert_eq!(vector.len(), 8);
        assert!((vector.iter().map(|number| number * number).sum::<f64>() - 1.0).abs() < 1e-6);
        assert_eq!(body["data"][0]["embedding"], body["data"][2]["embedding"]);
        assert_ne!(body["data"][0]["embedding"], body["data"][1]["embedding"]);
        assert_eq!(body["usage"]["prompt_tokens"], 3);
        let base64 = embed(r#","dimensions":2,"encoding_format":"base64""#).unwrap();
        assert_eq!(base64["data"][0]["embedding"].as_str().unwrap().len(), 12);
        assert_eq!(embed(r#","dimensions":0"#).unwrap_err().param(), Some("dimensions"));
    }

    #[test]
    fn floats_are_packed_as_openai_packs_them() {
        // 1.0 and -2.0 are 00 00 80 3f and 00 00 00 c0.
        assert_eq!(packed(&[1.0, -2.0]), "AACAPwAAAMA=");
    }
}
