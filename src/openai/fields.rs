//! The top-level fields of a JSON body, in order and raw, so that what we do not know passes through untouched.

use std::fmt;

use serde::de::{DeserializeOwned, Deserializer, MapAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use crate::error::{Error, Result};

/// How deep a body may nest: deeper ones are built to break parsers. OpenAI's own schemas nest 10 deep at most.
pub(crate) const DEEPEST: usize = 100;

/// Fields that a gateway counts on: `extra_body` may not reach around its checks, its prices and its budgets.
const COUNTED_ON: &[&str] =
    &["model", "messages", "input", "stream", "stream_options", "n", "max_tokens", "max_completion_tokens"];

/// The fields of a JSON object, each name once, each value as the bytes that came.
#[derive(Clone, Debug, Default)]
pub struct Fields(Vec<(String, Box<RawValue>)>);

impl Fields {
    /// Lays the fields of the object `extra_body` over the others.
    ///
    /// # Errors
    ///
    /// No object, or a field in it that the gateway counts on.
    pub fn lay_extra_body(&mut self) -> Result<()> {
        let Some(extra) = self.get::<Self>("extra_body")? else {
            self.remove("extra_body");
            return Ok(());
        };
        self.remove("extra_body");
        for (name, value) in extra.iter() {
            if COUNTED_ON.contains(&name) {
                let at = format!("extra_body.{name}");
                return Err(Error::bad_request(&at, format!("`{at}` is not taken: set `{name}` at the top level")));
            }
            self.set_raw(name, value.to_owned());
        }
        Ok(())
    }

    /// Reads a request body.
    ///
    /// # Errors
    ///
    /// Empty, not UTF-8, not JSON, not an object, a name twice, or nested deeper than [`DEEPEST`].
    pub fn parse(body: &[u8]) -> Result<Self> {
        let wrong = |message: String| Error::bad_request("request_body", message);
        let text = std::str::from_utf8(body).map_err(|error| {
            wrong(format!("the body is not UTF-8 (byte {}): send JSON encoded as UTF-8", error.valid_up_to()))
        })?;
        if text.trim().is_empty() {
            return Err(wrong("the body is empty: send a JSON object".to_owned()));
        }
        if nesting(body) > DEEPEST {
            return Err(wrong(format!("the body nests deeper than {DEEPEST} levels: flatten it")));
        }
        serde_json::from_str(text).map_err(|error| {
            let message = error.to_string();
            match message.strip_prefix("duplicate field ") {
                Some(rest) => {
                    let name = rest.split('`').nth(1).unwrap_or_default();
                    Error::bad_request(name, format!("`{name}` is given twice: send it once"))
                }
                None if error.is_eof() => wrong(format!("the body is cut off: {message}")),
                None => wrong(format!("the body is not a JSON object: {message}")),
            }
        })
    }

    /// The raw value of a field; a JSON `null` counts as absent.
    pub fn raw(&self, name: &str) -> Option<&RawValue> {
        let (_, value) = self.0.iter().find(|(field, _)| field == name)?;
        (value.get() != "null").then_some(value)
    }

    /// Reads a field as a `T`; absent and `null` are `None`.
    ///
    /// # Errors
    ///
    /// Another type than `T`; the error names the field.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>> {
        self.raw(name).map(|value| serde_json::from_str(value.get()).map_err(|error| invalid(name, &error))).transpose()
    }

    /// Sets a field, in its old place or at the end. A value that cannot be JSON (a map with odd keys) is left out.
    pub fn set<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) {
        if let Ok(raw) = serde_json::value::to_raw_value(value) {
            self.set_raw(name, raw);
        }
    }

    /// Sets a field to raw JSON, in its old place or at the end.
    pub fn set_raw(&mut self, name: &str, value: Box<RawValue>) {
        match self.0.iter_mut().find(|(field, _)| field == name) {
            Some(field) => field.1 = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Gives a field another name, in its place; where the new name is taken already, the old field just goes.
    pub fn rename(&mut self, from: &str, to: &str) {
        if self.contains(to) {
            self.remove(from);
        } else if let Some(field) = self.0.iter_mut().find(|(field, _)| field == from) {
            to.clone_into(&mut field.0);
        }
    }

    /// Takes a field out.
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(field, _)| field != name);
    }

    /// Whether a field is there, be it `null`.
    pub fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(field, _)| field == name)
    }

    /// Whether there is no field.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and raw values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &RawValue)> {
        self.0.iter().map(|(name, value)| (name.as_str(), &**value))
    }

    /// The object as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let length = self.0.iter().map(|(name, value)| name.len() + value.get().len() + 4).sum::<usize>() + 2;
        let mut out = Vec::with_capacity(length);
        out.push(b'{');
        for (index, (name, value)) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            // A string always serialises.
            let _ = serde_json::to_writer(&mut out, name);
            out.push(b':');
            out.extend_from_slice(value.get().as_bytes());
        }
        out.push(b'}');
        out
    }
}

/// An error about a field whose value has another shape than it must.
pub(crate) fn invalid(name: &str, error: &serde_json::Error) -> Error {
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    Error::bad_request(name, format!("`{name}` is not valid: {message}"))
}

/// How deep objects and arrays nest in JSON text, by brackets outside of strings.
fn nesting(text: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0_usize, 0, false, false);
    for &byte in text {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    if fields.contains(&name) {
                        return Err(serde::de::Error::custom(format!("duplicate field `{name}`")));
                    }
                    fields.0.push((name, value));
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_of_values_survive() {
        let body = br#"{"model":"m","temperature":1.0,"x": {"b" : 1, "a":2e0}, "n":null}"#;
        let mut fields = Fields::parse(body).unwrap();
        fields.set("model", "other");
        fields.rename("temperature", "temp");
        let out = String::from_utf8(fields.to_bytes()).unwrap();
        assert_eq!(out, r#"{"model":"other","temp":1.0,"x":{"b" : 1, "a":2e0},"n":null}"#);
        assert_eq!(fields.get::<u32>("n").unwrap(), None);
    }

    #[test]
    fn bad_bodies_name_field_and_mend() {
        let deep = [vec![b'['; 101], vec![b']'; 101]].concat();
        let bomb = [br#"{"a":"#.as_slice(), &deep, b"}"].concat();
        for (body, param, words) in [
            (b"".as_slice(), "request_body", "empty"),
            (b"not json", "request_body", "not a JSON object"),
            (b"[1]", "request_body", "not a JSON object"),
            (br#"{"a":1"#, "request_body", "cut off"),
            (br#"{"a":NaN}"#, "request_body", "not a JSON object"),
            (b"{\"a\":\"\xff\"}", "request_body", "UTF-8"),
            (br#"{"a":1,"b":2,"a":3}"#, "a", "twice"),
            (&bomb, "request_body", "nests deeper"),
        ] {
            let error = Fields::parse(body).unwrap_err();
            assert_eq!(error.param(), Some(param), "{error}");
            assert!(error.message().contains(words), "{error}");
        }
        let fields = Fields::parse(br#"{"temperature":"hot"}"#).unwrap();
        let error = fields.get::<f64>("temperature").unwrap_err();
        assert_eq!(error.message(), "`temperature` is not valid: invalid type: string \"hot\", expected f64");
    }

    #[test]
    fn brackets_in_strings_do_not_nest() {
        assert_eq!(nesting(br#"{"a":"[[[\"[","b":[{}]}"#), 3);
    }
}
