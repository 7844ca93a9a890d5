//! Schemas for Google: JSON Schema as it is from Gemini 2.0 on; what came before is [`super::open_api`]'s.
//!
//! `parametersJsonSchema` and `responseJsonSchema` take JSON Schema and pass over what they do not know, so little of
//! the client's schema is lost (<https://ai.google.dev/gemini-api/docs/structured-output>).

use serde_json::{Map, Value};

/// How deep references are followed: one that leads further is recursive in practice, and is left open.
pub(super) const DEEPEST_REFERENCE: usize = 8;

/// How many nodes a schema may grow to when its references are followed.
pub(super) const MOST_NODES: usize = 10_000;

/// How many bytes of words count as a node.
pub(super) const BYTES_PER_NODE: usize = 256;

/// A JSON schema for the fields that take one.
///
/// References are written out, since Google refuses words beside them and pointers to other places than `$defs`. Where
/// that has no end (recursion) or grows too large they stay: Google follows those that it can by itself.
pub(super) fn json_schema(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        // Words about the schema itself, which constrain nothing; OpenAI's clients put `strict` in here too.
        object.retain(|name, value| name != "$schema" && !(name == "strict" && value.is_boolean()));
    }
    let written = Inliner { root: &schema, nodes: 0 }.value(&schema, 0);
    written.unwrap_or(schema)
}

/// Writes out the references of a schema.
struct Inliner<'a> {
    root: &'a Value,
    nodes: usize,
}

impl<'a> Inliner<'a> {
    /// `value` without references; `None` where it has no end, or a reference leads nowhere.
    fn value(&mut self, value: &'a Value, references: usize) -> Option<Value> {
        self.nodes += 1;
        if self.nodes > MOST_NODES || references > DEEPEST_REFERENCE {
            return None;
        }
        match value {
            Value::Object(object) => {
                let mut out = Map::new();
                if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
                    let target = self.root.pointer(reference.strip_prefix('#')?)?;
                    out = self.value(target, references + 1)?.as_object_mut().map(std::mem::take)?;
                }
                // What is only referred to is written where it is used.
                let is_root = std::ptr::eq(value, self.root);
                for (name, value) in object {
                    let is_used = match name.as_str() {
                        "$ref" => !value.is_string(),
                        "$defs" | "definitions" => !is_root,
                        _ => true,
                    };
                    if is_used {
                        out.insert(name.clone(), self.value(value, references)?);
                    }
                }
                Some(out.into())
            }
            Value::Array(values) => values.iter().map(|value| self.value(value, references)).collect(),
            Value::String(text) => {
                self.nodes += text.len() / BYTES_PER_NODE;
                Some(text.as_str().into())
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => Some(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_schema_loses_only_words_about_itself() {
        let schema = json!({"$schema": "x", "strict": true, "type": "object", "additionalProperties": false,
            "properties": {"strict": {"type": ["string", "null"]}}, "$defs": {"a": {"type": "string"}}});
        let want = json!({"type": "object", "additionalProperties": false,
            "properties": {"strict": {"type": ["string", "null"]}}});
        assert_eq!(json_schema(schema), want);
        assert_eq!(json_schema(json!({"strict": {"type": "string"}})), json!({"strict": {"type": "string"}}));
    }

    #[test]
    fn json_schema_has_references_only_where_they_have_no_end() {
        let schema = json!({"type": "object", "definitions": {"seat": {"type": "string", "description": "where"},
                "row": {"type": "array", "items": {"$ref": "#/definitions/seat"}}},
            "properties": {"seat": {"$ref": "#/definitions/seat", "description": "which"},
                "rows": {"$ref": "#/definitions/row"}, "definitions": {"$ref": "#/properties/seat"}}});
        let seat = json!({"type": "string", "description": "which"});
        let rows = json!({"type": "array", "items": {"type": "string", "description": "where"}});
        let want = json!({"type": "object", "properties": {"seat": seat, "rows": rows, "definitions": seat}});
        assert_eq!(json_schema(schema), want);
        let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
            "properties": {"child": {"$ref": "#/$defs/node"}}}}});
        let wide: Vec<Value> = (0..99).map(|_| json!({"$ref": "#/$defs/long"})).collect();
        let wide = json!({"anyOf": wide, "$defs": {"long": {"description": "x".repeat(99_999)}}});
        for schema in [tree, wide, json!({"$ref": "#/$defs/gone"}), json!({"$ref": "https://elsewhere"})] {
            assert_eq!(json_schema(schema.clone()), schema);
        }
    }
}
