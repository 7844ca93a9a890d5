//! Records that go through [`Value`]: messages and rows, whose readers and writers should be small rather than fast.
//!
//! What serde derives for a type costs 2 to 8 KB of wasm, and once more for each place that reads it; a [`record`] of
//! ten fields costs a tenth. The JSON is that of the derived code: structs are objects, enums are tagged outside.

use serde_json::{Map, Value};

use crate::money::Money;

/// A type that is made from a JSON value and becomes one.
pub(crate) trait Record: Sized {
    /// The value.
    fn to_value(&self) -> Value;
    /// Reads a value; `None` where it is not one of these. An absent field is `null`.
    fn of_value(value: Value) -> Option<Self>;
}

impl Record for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
    fn of_value(value: Value) -> Option<Self> {
        Some(value)
    }
}

impl Record for u64 {
    fn to_value(&self) -> Value {
        Value::from(*self)
    }
    fn of_value(value: Value) -> Option<Self> {
        value.as_u64()
    }
}

impl Record for bool {
    fn to_value(&self) -> Value {
        Value::Bool(*self)
    }
    fn of_value(value: Value) -> Option<Self> {
        value.as_bool()
    }
}

impl Record for String {
    fn to_value(&self) -> Value {
        Value::String(self.clone())
    }
    fn of_value(value: Value) -> Option<Self> {
        if let Value::String(text) = value { Some(text) } else { None }
    }
}

/// As a decimal string of pico-dollars: no amount is too large for it, or rounded by who reads it.
impl Record for Money {
    fn to_value(&self) -> Value {
        Value::String(self.pico().to_string())
    }
    fn of_value(value: Value) -> Option<Self> {
        value.as_str()?.parse().ok().map(Self::from_pico)
    }
}

impl<T: Record> Record for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
    fn of_value(value: Value) -> Option<Self> {
        if value.is_null() { Some(None) } else { T::of_value(value).map(Some) }
    }
}

impl<T: Record> Record for Box<T> {
    fn to_value(&self) -> Value {
        T::to_value(self)
    }
    fn of_value(value: Value) -> Option<Self> {
        T::of_value(value).map(Self::new)
    }
}

impl<T: Record> Record for Vec<T> {
    fn to_value(&self) -> Value {
        let mut values = Vec::with_capacity(self.len());
        for one in self {
            values.push(one.to_value());
        }
        Value::Array(values)
    }
    fn of_value(value: Value) -> Option<Self> {
        let Value::Array(values) = value else { return None };
        let mut all = Self::with_capacity(values.len());
        for value in values {
            all.push(T::of_value(value)?);
        }
        Some(all)
    }
}

impl<A: Record, B: Record> Record for (A, B) {
    fn to_value(&self) -> Value {
        Value::Array(vec![self.0.to_value(), self.1.to_value()])
    }
    fn of_value(value: Value) -> Option<Self> {
        let Value::Array(mut values) = value else { return None };
        let (second, first) = (values.pop()?, values.pop()?);
        if values.is_empty() { Some((A::of_value(first)?, B::of_value(second)?)) } else { None }
    }
}

/// Takes a field out of an object; `null` where there is none.
pub(crate) fn take(object: &mut Value, name: &str) -> Value {
    object.get_mut(name).map(Value::take).unwrap_or_default()
}

/// Adds a field to an object.
pub(crate) fn put(object: &mut Map<String, Value>, name: &str, value: Value) {
    object.insert(name.to_owned(), value);
}

/// An enum's variant: its name, or an object of its name and what it holds.
pub(crate) fn tag(name: &str, held: Option<Value>) -> Value {
    let Some(held) = held else { return Value::String(name.to_owned()) };
    let mut object = Map::new();
    put(&mut object, name, held);
    Value::Object(object)
}

/// The name of an enum's variant, and what it holds.
pub(crate) fn untag(value: Value) -> Option<(String, Value)> {
    match value {
        Value::String(name) => Some((name, Value::Null)),
        Value::Object(object) if object.len() == 1 => object.into_iter().next(),
        _ => None,
    }
}

/// [`Record`] and serde's traits for a struct, by its fields. After `default`, absent fields are those of the default.
macro_rules! record {
    (default $name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::json::Record for $name {
            $crate::json::record!(@to $name { $($field),* });
            fn of_value(mut value: serde_json::Value) -> Option<Self> {
                let mut record = value.is_object().then(Self::default)?;
                $(
                    let field = $crate::json::take(&mut value, stringify!($field));
                    if !field.is_null() {
                        record.$field = $crate::json::Record::of_value(field)?;
                    }
                )*
                Some(record)
            }
        }
        $crate::json::through_record!($name);
    };
    ($name:ident { $($field:ident),* $(,)? }) => {
        impl $crate::json::Record for $name {
            $crate::json::record!(@to $name { $($field),* });
            fn of_value(mut value: serde_json::Value) -> Option<Self> {
                Some(Self {
                    $($field: $crate::json::Record::of_value($crate::json::take(&mut value, stringify!($field)))?),*
                })
            }
        }
        $crate::json::through_record!($name);
    };
    (@to $name:ident { $($field:ident),* }) => {
        fn to_value(&self) -> serde_json::Value {
            let mut object = serde_json::Map::new();
            $($crate::json::put(&mut object, stringify!($field), $crate::json::Record::to_value(&self.$field));)*
            serde_json::Value::Object(object)
        }
    };
}
pub(crate) use record;

/// [`Record`] and serde's traits for an enum: each variant's name in JSON, and what it holds.
macro_rules! variants {
    (@to) => { None };
    (@to ($held:ident)) => { Some($crate::json::Record::to_value($held)) };
    (@to { $($field:ident),* }) => {{
        let mut object = serde_json::Map::new();
        $($crate::json::put(&mut object, stringify!($field), $crate::json::Record::to_value($field));)*
        Some(serde_json::Value::Object(object))
    }};
    (@of $value:ident $name:ident $variant:ident) => { $name::$variant };
    (@of $value:ident $name:ident $variant:ident ($held:ident)) => {
        $name::$variant($crate::json::Record::of_value($value)?)
    };
    (@of $value:ident $name:ident $variant:ident { $($field:ident),* }) => {{
        let mut object = $value;
        $name::$variant {
            $($field: $crate::json::Record::of_value($crate::json::take(&mut object, stringify!($field)))?),*
        }
    }};
    ($name:ident { $($tag:literal => $variant:ident $(($held:ident))? $({ $($field:ident),* })?),* $(,)? }) => {
        impl $crate::json::Record for $name {
            fn to_value(&self) -> serde_json::Value {
                let (tag, held) = match self {
                    $(Self::$variant $(($held))? $({ $($field),* })? => {
                        ($tag, $crate::json::variants!(@to $(($held))? $({ $($field),* })?))
                    })*
                };
                $crate::json::tag(tag, held)
            }
            fn of_value(value: serde_json::Value) -> Option<Self> {
                let (tag, _held) = $crate::json::untag(value)?;
                Some(match tag.as_str() {
                    $($tag => $crate::json::variants!(
                        @of _held $name $variant $(($held))? $({ $($field),* })?
                    ),)*
                    _ => return None,
                })
            }
        }
        $crate::json::through_record!($name);
    };
}
pub(crate) use variants;

/// serde's traits for a type that is a [`Record`].
macro_rules! through_record {
    ($name:ident) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::json::Record::to_value(self).serialize(serializer)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let value = serde_json::Value::deserialize(deserializer)?;
                $crate::json::Record::of_value(value)
                    .ok_or_else(|| serde::de::Error::custom(concat!("not a ", stringify!($name))))
            }
        }
    };
}
pub(crate) use through_record;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Point {
        x: u64,
        name: Option<String>,
        paid: Money,
    }
    record!(default Point { x, name, paid });

    #[derive(Debug, PartialEq)]
    enum Shape {
        Nothing,
        Dot(Point),
        Line { from: Box<Point>, ends: Vec<(u64, bool)> },
    }
    variants!(Shape { "nothing" => Nothing, "dot" => Dot(point), "line" => Line { from, ends } });

    #[test]
    fn json_is_what_serde_would_derive() {
        let point = || Point { x: 7, name: None, paid: Money::DOLLAR };
        let as_json = json!({"x": 7, "name": null, "paid": "1000000000000"});
        for (shape, value) in [
            (Shape::Nothing, json!("nothing")),
            (Shape::Dot(point()), json!({"dot": as_json})),
            (
                Shape::Line { from: Box::new(point()), ends: vec![(1, true)] },
                json!({"line": {"from": as_json, "ends": [[1, true]]}}),
            ),
        ] {
            let text = serde_json::to_string(&shape).unwrap();
            assert_eq!(text, value.to_string());
            assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
        }
    }

    #[test]
    fn absent_fields_have_their_default_and_wrong_ones_are_an_error() {
        assert_eq!(serde_json::from_str::<Point>("{}").unwrap(), Point::default());
        for wrong in [r#"{"x": -1}"#, r#"{"paid": 1}"#, "[]", "null"] {
            assert_eq!(serde_json::from_str::<Point>(wrong).unwrap_err().to_string(), "not a Point", "{wrong}");
        }
        for wrong in [r#""dash""#, r#"{"dot": 1}"#, r#"{"nothing": null, "dot": {}}"#, r#"{"line": {}}"#] {
            assert!(serde_json::from_str::<Shape>(wrong).is_err(), "{wrong}");
        }
    }
}
