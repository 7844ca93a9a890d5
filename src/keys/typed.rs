//! Records whose fields are read by name and type, with an error for people where one is wrong.
//!
//! What serde derives for a record is 5 to 20 KB of wasm; here a field costs a call. A field's reader gets the value as the
//! client wrote it, and its error says what it should have been. Messages and rows between our own parts are
//! [`crate::json::Record`]s instead: they hold money as exact text, and need no words for what is wrong.

use serde_json::{Map, Value};

use super::duration::Span;
use super::ledger::ScopeId;
use crate::json::Record;
use crate::money::Money;
use crate::sorted::SortedMap;

/// A field's value: made from JSON, and written as JSON.
pub trait Typed: Sized {
    /// Reads a value.
    ///
    /// # Errors
    ///
    /// What it should have been, as the end of a sentence that names the field.
    fn read(value: Value) -> Result<Self, String>;

    /// Writes the value.
    fn write(&self) -> Value;
}

/// Says what a value should have been, and what it is.
pub(super) fn expected(what: &str, value: &Value) -> String {
    let found = match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    };
    format!("expected {what}, found {found}")
}

impl Typed for String {
    fn read(value: Value) -> Result<Self, String> {
        if let Value::String(text) = value { Ok(text) } else { Err(expected("a string", &value)) }
    }

    fn write(&self) -> Value {
        Value::String(self.clone())
    }
}

impl Typed for bool {
    fn read(value: Value) -> Result<Self, String> {
        value.as_bool().ok_or_else(|| expected("true or false", &value))
    }

    fn write(&self) -> Value {
        Value::Bool(*self)
    }
}

impl Typed for u64 {
    fn read(value: Value) -> Result<Self, String> {
        value.as_u64().ok_or_else(|| expected("a whole number from 0 up", &value))
    }

    fn write(&self) -> Value {
        Value::from(*self)
    }
}

impl Typed for Map<String, Value> {
    fn read(value: Value) -> Result<Self, String> {
        if let Value::Object(object) = value { Ok(object) } else { Err(expected("an object", &value)) }
    }

    fn write(&self) -> Value {
        Value::Object(self.clone())
    }
}

/// As a JSON number of dollars.
impl Typed for Money {
    fn read(value: Value) -> Result<Self, String> {
        let dollars = value.as_f64().ok_or_else(|| expected("an amount of USD", &value))?;
        Self::from_dollars(dollars).ok_or_else(|| "the amount of USD is too large".to_owned())
    }

    fn write(&self) -> Value {
        serde_json::json!(self)
    }
}

impl Typed for Span {
    fn read(value: Value) -> Result<Self, String> {
        let text = String::read(value)?;
        Self::parse(&text, "duration").map_err(|error| error.message().to_owned())
    }

    fn write(&self) -> Value {
        Value::String(self.to_string())
    }
}

impl<T: Typed> Typed for Option<T> {
    fn read(value: Value) -> Result<Self, String> {
        if value.is_null() { Ok(None) } else { T::read(value).map(Some) }
    }

    fn write(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::write)
    }
}

impl<T: Typed> Typed for Vec<T> {
    fn read(value: Value) -> Result<Self, String> {
        let Value::Array(values) = value else { return Err(expected("a list", &value)) };
        let mut all = Self::with_capacity(values.len());
        for value in values {
            all.push(T::read(value)?);
        }
        Ok(all)
    }

    fn write(&self) -> Value {
        let mut all = Vec::with_capacity(self.len());
        for one in self {
            all.push(one.write());
        }
        Value::Array(all)
    }
}

impl<T: Typed> Typed for SortedMap<String, T> {
    fn read(value: Value) -> Result<Self, String> {
        let Value::Object(object) = value else { return Err(expected("an object", &value)) };
        let mut map = Self::new();
        for (name, value) in object {
            map.insert(name, T::read(value)?);
        }
        Ok(map)
    }

    fn write(&self) -> Value {
        let mut object = Map::new();
        for (name, value) in self {
            object.insert(name.clone(), value.write());
        }
        Value::Object(object)
    }
}

/// A budget root, as the ledger's rows write it.
impl Typed for ScopeId {
    fn read(value: Value) -> Result<Self, String> {
        Record::of_value(value).ok_or_else(|| "expected a budget root".to_owned())
    }

    fn write(&self) -> Value {
        self.to_value()
    }
}

/// Reads a field of an object, and takes it out; an absent one stays as it is.
pub(super) fn take<T: Typed>(object: &mut Map<String, Value>, name: &str, field: &mut T) -> Result<(), String> {
    if let Some(value) = object.shift_remove(name) {
        *field = T::read(value)?;
    }
    Ok(())
}

/// [`Typed`] for a struct with defaults, by its fields in the order of its JSON. `(flat f)` is a struct
/// whose fields stand beside its own, `(unless_empty f)` a list that is left out when it is empty, and `(rest f)`, as the
/// last one, a map of all other fields.
macro_rules! typed {
    (@take $object:ident $record:ident (flat $field:ident)) => { $record.$field.take_fields($object)? };
    (@take $object:ident $record:ident (rest $field:ident)) => { $record.$field = std::mem::take($object) };
    (@take $object:ident $record:ident (unless_empty $field:ident)) => {
        $crate::keys::typed::take($object, stringify!($field), &mut $record.$field)?
    };
    (@take $object:ident $record:ident $field:ident) => {
        $crate::keys::typed::take($object, stringify!($field), &mut $record.$field)?
    };
    (@put $object:ident $record:ident (flat $field:ident)) => {
        if let serde_json::Value::Object(fields) = $record.$field.write() {
            $object.extend(fields);
        }
    };
    (@put $object:ident $record:ident (rest $field:ident)) => { $object.extend($record.$field.clone()) };
    (@put $object:ident $record:ident (unless_empty $field:ident)) => {
        if !$record.$field.is_empty() {
            $crate::keys::typed::typed!(@put $object $record $field);
        }
    };
    (@put $object:ident $record:ident $field:ident) => {
        drop($object.insert(stringify!($field).to_owned(), $crate::keys::typed::Typed::write(&$record.$field)))
    };
    ($name:ident { $($field:tt),* $(,)? }) => {
        impl $name {
            pub(super) fn take_fields(&mut self, object: &mut serde_json::Map<String, serde_json::Value>) -> Result<(), String> {
                $($crate::keys::typed::typed!(@take object self $field);)*
                Ok(())
            }
        }

        impl $crate::keys::typed::Typed for $name {
            fn read(value: serde_json::Value) -> Result<Self, String> {
                let mut record = Self::default();
                record.take_fields(&mut $crate::keys::typed::Typed::read(value)?)?;
                Ok(record)
            }

            fn write(&self) -> serde_json::Value {
                let mut object = serde_json::Map::new();
                $($crate::keys::typed::typed!(@put object self $field);)*
                serde_json::Value::Object(object)
            }
        }
    };
}
pub(super) use typed;

/// [`Typed`] for an enum of names.
macro_rules! named {
    ($name:ident { $($text:literal => $variant:ident),* $(,)? }) => {
        impl $crate::keys::typed::Typed for $name {
            fn read(value: serde_json::Value) -> Result<Self, String> {
                match value.as_str() {
                    $(Some($text) => Ok(Self::$variant),)*
                    _ => Err(concat!("expected one of", $(" `", $text, "`"),*).to_owned()),
                }
            }

            fn write(&self) -> serde_json::Value {
                let text = match self { $(Self::$variant => $text),* };
                serde_json::Value::String(text.to_owned())
            }
        }
    };
}
pub(super) use named;
