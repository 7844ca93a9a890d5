//! Reads a whole answer: its bytes are handed on, and only usage and model are looked at.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::vectors::base64_of;
use super::super::{Notes, errors};
use super::{reasoning, usage};
use crate::error::Result;
use crate::openai::Answer;

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, default)]
    model: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    #[serde(borrow, default)]
    choices: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
}

/// Reads a chat completion.
pub(super) fn chat(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let (text, whole) = read(notes, body)?;
    if !whole.choices.is_some_and(|choices| choices.get().starts_with('[')) {
        return Err(notes.not_understood(&"it has no `choices`"));
    }
    let mended = reasoning::may_hold(text).then(|| reasoning::mend(text)).flatten();
    let body = mended.map_or_else(|| body.to_vec(), String::into_bytes);
    Ok(Answer { body, usage: whole.usage.and_then(usage::read), model: whole.model.map(Cow::into_owned) })
}

/// Reads embeddings.
pub(super) fn embeddings(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let (_, whole) = read(notes, body)?;
    if !whole.data.is_some_and(|data| data.get().starts_with('[')) {
        return Err(notes.not_understood(&"it has no `data`"));
    }
    let mut usage = whole.usage.and_then(usage::read);
    // Voyage tells the total alone; all of an embedding's tokens are its prompt's.
    if let Some(usage) = usage.as_mut().filter(|usage| usage.prompt_tokens == 0) {
        usage.prompt_tokens = usage.total_tokens;
    }
    let body = if notes.base64_embeddings { packed(body) } else { None }.unwrap_or_else(|| body.to_vec());
    Ok(Answer { body, usage, model: whole.model.map(Cow::into_owned) })
}

/// An answer with its vectors in base64, as the client asked for them.
fn packed(body: &[u8]) -> Option<Vec<u8>> {
    let mut whole: Value = crate::json::read(body).ok()?;
    for item in whole.get_mut("data")?.as_array_mut()? {
        let Some(vector) = item.get_mut("embedding") else { continue };
        if let Some(values) = vector.as_array() {
            let values: Vec<f64> = values.iter().filter_map(Value::as_f64).collect();
            *vector = base64_of(&values).into();
        }
    }
    Some(whole.to_string().into_bytes())
}

fn read<'a>(notes: &Notes, body: &'a [u8]) -> Result<(&'a str, Whole<'a>)> {
    let text = std::str::from_utf8(body).map_err(|error| notes.not_understood(&error))?;
    let whole: Whole<'a> = serde_json::from_str(text).map_err(|error| notes.not_understood(&error))?;
    // Several providers answer 200 and tell the error in the body.
    if whole.error.is_some() {
        let value: Value = serde_json::from_str(text).unwrap_or(Value::Null);
        return Err(errors::from_value(&notes.provider, 200, &value, body));
    }
    Ok((text, whole))
}
