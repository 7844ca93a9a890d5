//! What a dialect does with the fields of a request: which it takes, and what becomes of the rest.

use super::{Notes, Target};
use crate::error::{Error, Kind, Result};
use crate::openai::{ChatRequest, EmbeddingRequest, Fields};

/// Fields that belong to the canonical form itself and never count as unsupported.
const ALWAYS: &[&str] = &["messages", "model", "stream", "stream_options"];

/// The fields that a dialect takes.
#[derive(Clone, Copy, Debug)]
pub struct Params(pub &'static [&'static str]);

impl Params {
    /// Sorts the fields of `chat`: gives those to leave out.
    ///
    /// A field that the dialect takes never is; one with the value `null` needs no mention; one in
    /// `additional_drop_params` always is; any other is when `drop_params` says so.
    ///
    /// # Errors
    ///
    /// [`Kind::UnsupportedParams`], naming every field that the dialect cannot express, without `drop_params`.
    pub fn check(self, target: &Target<'_>, chat: &ChatRequest) -> Result<Vec<String>> {
        self.check_fields(target, chat.fields())
    }

    /// The same for the fields of any request.
    ///
    /// # Errors
    ///
    /// As [`Params::check`].
    pub fn check_fields(self, target: &Target<'_>, fields: &Fields) -> Result<Vec<String>> {
        let settings = target.settings;
        let mut dropped = Vec::new();
        let mut refused = Vec::new();
        for (name, value) in fields.iter() {
            let listed = |list: &[String]| list.iter().any(|listed| listed == name);
            if listed(&settings.additional_drop_params) {
                dropped.push(name.to_owned());
            } else if ALWAYS.contains(&name) || self.0.contains(&name) || value.get() == "null" {
                // Taken, or nothing to take.
            } else if settings.drop_params {
                dropped.push(name.to_owned());
            } else {
                refused.push(name.to_owned());
            }
        }
        match refused.first() {
            None => Ok(dropped),
            Some(first) => Err(unsupported(target.provider, &refused, first)),
        }
    }
}

/// Notes on an embedding request to a dialect that has nothing but texts and `encoding_format`.
///
/// # Errors
///
/// [`Kind::UnsupportedParams`] for `dimensions`, without `drop_params`; another `encoding_format` than OpenAI's two.
pub(super) fn of_plain_embeddings(target: &Target<'_>, request: &EmbeddingRequest) -> Result<Notes> {
    let mut notes = Notes { base64_embeddings: request.wants_base64()?, ..Notes::new(target) };
    let settings = target.settings;
    let name = "dimensions";
    if request.fields().raw(name).is_some_and(|value| value.get() != "null") {
        let names = vec![name.to_owned()];
        if !settings.drop_params && !settings.additional_drop_params.contains(&names.concat()) {
            return Err(unsupported(target.provider, &names, name));
        }
        notes.dropped = names;
    }
    Ok(notes)
}

/// The error for fields that a provider cannot express.
pub(super) fn unsupported(provider: &str, names: &[String], param: &str) -> Error {
    let list: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let message = format!(
        "{provider} does not support parameters: {}. To drop these, set `drop_params: true` in litellm_settings or in the request",
        list.join(", ")
    );
    Error::new(Kind::UnsupportedParams, message).with_param(param)
}
