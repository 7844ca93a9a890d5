//! An object of a request, read field by field, with errors that say where it stands.

use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// An object of a request that is read field by field, and where it stands.
pub(super) struct Object<'a> {
    /// What is left of its fields.
    pub(super) fields: Map<String, Value>,
    at: &'a str,
}

impl<'a> Object<'a> {
    pub(super) fn read(value: Value, at: &'a str) -> Result<Self> {
        match value {
            Value::Object(fields) => Ok(Self { fields, at }),
            _ => Err(wrong(at, "an object")),
        }
    }

    pub(super) fn at(&self, name: &str) -> String {
        format!("{}.{name}", self.at)
    }

    /// Takes a field out; `null` counts as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.fields.shift_remove(name).filter(|value| !value.is_null())
    }

    /// Takes a string out.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(&self.at(name), "a string")),
        }
    }

    /// Takes a list out; an empty one where there is none.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Value>> {
        match self.take(name) {
            None => Ok(Vec::new()),
            Some(Value::Array(list)) => Ok(list),
            Some(_) => Err(wrong(&self.at(name), "a list")),
        }
    }

    /// An error about a field that must be there.
    pub(super) fn missing(&self, name: &str, shape: &str) -> Error {
        let at = self.at(name);
        Error::bad_request(&at, format!("`{at}` is missing: give {shape}"))
    }
}

#[cold]
pub(super) fn wrong(at: &str, shape: &str) -> Error {
    Error::bad_request(at, format!("`{at}` is not valid: it must be {shape}"))
}
