//! Schemas for models before Gemini 2.0: the OpenAPI subset that `parameters` and `responseSchema` take.
//!
//! They refuse every keyword outside of <https://ai.google.dev/api/caching#Schema>, so a JSON schema is rewritten.

use serde_json::{Map, Value, json};

use super::schema::{BYTES_PER_NODE, DEEPEST_REFERENCE, MOST_NODES};
use crate::error::{Error, Result};

/// What the OpenAPI subset takes as it is. `type`, `enum`, `format` and what has a schema inside is handled apart.
const KEPT: &[&str] = &[
    "title",
    "description",
    "nullable",
    "minItems",
    "maxItems",
    "required",
    "minProperties",
    "maxProperties",
    "minLength",
    "maxLength",
    "pattern",
    "propertyOrdering",
    "minimum",
    "maximum",
];

/// A JSON schema in the OpenAPI subset; `None` where it is an object without properties, which Google refuses.
///
/// # Errors
///
/// A schema that grows over [`MOST_NODES`]; the error names `at`.
pub(super) fn write(schema: &Value, at: &str) -> Result<Option<Value>> {
    let mut writer = OpenApi { root: schema, nodes: 0 };
    let written = writer.node(schema, 0);
    if writer.nodes > MOST_NODES {
        let message =
            format!("`{at}` grows over {MOST_NODES} schemas when its references are followed: make it smaller");
        return Err(Error::bad_request(at, message));
    }
    Ok((!is_empty_object(&written)).then_some(written))
}

fn is_empty_object(schema: &Value) -> bool {
    let list_of = |name: &str| schema.get(name).is_some();
    schema.get("type").and_then(Value::as_str) == Some("OBJECT") && !list_of("properties") && !list_of("anyOf")
}

struct OpenApi<'a> {
    root: &'a Value,
    nodes: usize,
}

impl<'a> OpenApi<'a> {
    fn node(&mut self, schema: &Value, references: usize) -> Value {
        self.nodes += 1;
        let mut out = Map::new();
        if self.nodes > MOST_NODES {
            return out.into();
        }
        // `true`, `{}`: anything goes.
        let Some(object) = schema.as_object() else { return out.into() };
        if let Some(reference) = object.get("$ref").and_then(Value::as_str) {
            let root: &'a Value = self.root;
            let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
            return match target {
                Some(target) if references < DEEPEST_REFERENCE => {
                    let mut out = self.node(target, references + 1);
                    if let (Some(out), Some(description)) = (out.as_object_mut(), object.get("description")) {
                        out.insert("description".to_owned(), description.clone());
                    }
                    out
                }
                _ => Value::Object(Map::from_iter([("type".to_owned(), "STRING".into())])),
            };
        }
        self.types(object, &mut out);
        for name in KEPT {
            if let Some(value) = object.get(*name) {
                self.nodes += weight(value);
                out.insert((*name).to_owned(), value.clone());
            }
        }
        self.nodes += object.get("enum").map_or(0, weight);
        values(object, &mut out);
        if let Some(Value::Object(properties)) = object.get("properties") {
            self.properties(properties, references, &mut out);
        }
        if let Some(items) = object.get("items") {
            let items = self.node(items, references);
            out.insert("items".to_owned(), items);
        } else if out.get("type").and_then(Value::as_str) == Some("ARRAY") {
            // A list without a word on its items is refused.
            out.insert("items".to_owned(), json!({"type": "STRING"}));
        }
        for union in ["anyOf", "oneOf"] {
            if let Some(Value::Array(branches)) = object.get(union) {
                self.union(branches, references, &mut out);
            }
        }
        if let Some(Value::Array(parts)) = object.get("allOf") {
            for part in parts {
                let part = self.node(part, references);
                merge(&mut out, part);
            }
        }
        out.into()
    }

    /// `type`: upper-case; a list with `null` is nullable, a list of several is a union.
    fn types(&mut self, object: &Map<String, Value>, out: &mut Map<String, Value>) {
        let names: Vec<&str> = match object.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if object.contains_key("properties") => vec!["object"],
            _ => return,
        };
        if names.contains(&"null") {
            out.insert("nullable".to_owned(), true.into());
        }
        let names: Vec<String> =
            names.into_iter().filter(|name| *name != "null").map(str::to_ascii_uppercase).collect();
        match names.as_slice() {
            [] => {}
            [one] => {
                out.insert("type".to_owned(), one.as_str().into());
            }
            several => {
                let branches = several.iter().map(|name| Map::from_iter([("type".to_owned(), name.as_str().into())]));
                out.insert("anyOf".to_owned(), branches.map(Value::Object).collect());
                self.nodes += several.len();
            }
        }
    }

    /// Properties without the empty objects among them, and `required` without their names.
    fn properties(&mut self, properties: &Map<String, Value>, references: usize, out: &mut Map<String, Value>) {
        let written = properties.iter().map(|(name, schema)| (name.clone(), self.node(schema, references)));
        let written: Map<String, Value> = written.filter(|(_, schema)| !is_empty_object(schema)).collect();
        if let Some(Value::Array(required)) = out.get_mut("required") {
            required.retain(|name| name.as_str().is_some_and(|name| written.contains_key(name)));
            if required.is_empty() {
                out.remove("required");
            }
        }
        if !written.is_empty() {
            out.insert("properties".to_owned(), written.into());
        }
    }

    /// A union; the branch `null` makes the others nullable, and one branch alone needs no union.
    fn union(&mut self, branches: &[Value], references: usize, out: &mut Map<String, Value>) {
        let is_null = |branch: &&Value| branch.get("type").and_then(Value::as_str) == Some("null");
        let nullable = branches.iter().any(|branch| is_null(&branch));
        let mut written: Vec<Value> =
            branches.iter().filter(|branch| !is_null(branch)).map(|branch| self.node(branch, references)).collect();
        if let [one] = written.as_mut_slice() {
            merge(out, std::mem::take(one));
        } else if !written.is_empty() {
            out.insert("anyOf".to_owned(), written.into());
        }
        if nullable {
            out.insert("nullable".to_owned(), true.into());
        }
    }
}

/// What a value counts for beside its schema, so that long texts cannot be multiplied without end.
fn weight(value: &Value) -> usize {
    value.to_string().len() / BYTES_PER_NODE
}

/// `enum`, `const` and `format`: values are strings, and only strings with two formats are known.
fn values(object: &Map<String, Value>, out: &mut Map<String, Value>) {
    let values = match (object.get("enum"), object.get("const")) {
        (Some(Value::Array(values)), _) => values.clone(),
        (None, Some(value)) => vec![value.clone()],
        _ => Vec::new(),
    };
    if values.iter().any(Value::is_null) {
        out.insert("nullable".to_owned(), true.into());
    }
    let texts: Vec<Value> = values
        .iter()
        .filter(|value| !value.is_null())
        .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned).into())
        .collect();
    if !texts.is_empty() {
        out.insert("type".to_owned(), "STRING".into());
        out.insert("enum".to_owned(), texts.into());
    }
    let is_text = out.get("type").and_then(Value::as_str) == Some("STRING");
    if let Some(format) = object.get("format").and_then(Value::as_str)
        && (!is_text || matches!(format, "enum" | "date-time"))
    {
        out.insert("format".to_owned(), format.into());
    }
}

/// Puts the words of `part` beside those of `out`; properties and required names of both count.
fn merge(out: &mut Map<String, Value>, part: Value) {
    let Value::Object(part) = part else { return };
    for (name, value) in part {
        match (out.get_mut(&name), value) {
            (Some(Value::Object(old)), Value::Object(new)) if name == "properties" => old.extend(new),
            (Some(Value::Array(old)), Value::Array(new)) if name == "required" => old.extend(new),
            (Some(_), _) => {}
            (None, value) => {
                out.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(schema: &Value) -> Value {
        write(schema, "tools[0]").unwrap().unwrap()
    }

    #[test]
    fn references_are_written_out_and_foreign_words_left_out() {
        let schema = json!({"type": "object", "additionalProperties": false, "$schema": "x",
            "properties": {"unit": {"$ref": "#/$defs/unit", "description": "which"}, "level": {"enum": [1, 2]},
                "when": {"type": "string", "format": "date"}, "at": {"type": "string", "format": "date-time"}},
            "$defs": {"unit": {"type": "string", "enum": ["c", "f"]}}, "required": ["unit"]});
        assert_eq!(
            open(&schema),
            json!({"type": "OBJECT", "required": ["unit"], "properties": {
                "unit": {"type": "STRING", "enum": ["c", "f"], "description": "which"},
                "level": {"type": "STRING", "enum": ["1", "2"]},
                "when": {"type": "STRING"}, "at": {"type": "STRING", "format": "date-time"}}})
        );
    }

    #[test]
    fn null_in_a_union_makes_the_rest_nullable() {
        let one = json!({"anyOf": [{"type": "integer"}, {"type": "null"}]});
        assert_eq!(open(&one), json!({"type": "INTEGER", "nullable": true}));
        let list = json!({"type": ["string", "null"]});
        assert_eq!(open(&list), json!({"nullable": true, "type": "STRING"}));
        let several = json!({"oneOf": [{"type": "integer"}, {"type": "string"}, {"type": "null"}]});
        let want = json!({"anyOf": [{"type": "INTEGER"}, {"type": "STRING"}], "nullable": true});
        assert_eq!(open(&several), want);
        let parts = json!({"allOf": [{"properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"properties": {"b": {"type": "number"}}, "required": ["b"]}]});
        let want = json!({"type": "OBJECT", "required": ["a", "b"],
            "properties": {"a": {"type": "STRING"}, "b": {"type": "NUMBER"}}});
        assert_eq!(open(&parts), want);
    }

    #[test]
    fn empty_objects_go() {
        assert_eq!(write(&json!({"type": "object", "properties": {}}), "t").unwrap(), None);
        let inner = json!({"type": "object", "required": ["a", "b"],
            "properties": {"a": {"type": "object"}, "b": {"type": "string"}}});
        let want = json!({"type": "OBJECT", "required": ["b"], "properties": {"b": {"type": "STRING"}}});
        assert_eq!(open(&inner), want);
    }

    #[test]
    fn recursion_and_growth_have_an_end() {
        let tree = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object",
            "properties": {"name": {"type": "string"}, "child": {"$ref": "#/$defs/node"}}}}});
        let written = open(&tree).to_string();
        assert_eq!(written.matches("child").count(), DEEPEST_REFERENCE);
        let wide: Map<String, Value> = (0..9).map(|n| (format!("p{n}"), json!({"$ref": "#/$defs/node"}))).collect();
        let bomb = json!({"$ref": "#/$defs/node", "$defs": {"node": {"type": "object", "properties": wide}}});
        assert_eq!(write(&bomb, "tools[0]").unwrap_err().param(), Some("tools[0]"));
        let uses: Vec<Value> = (0..99).map(|_| json!({"$ref": "#/$defs/long"})).collect();
        let long = json!({"anyOf": uses, "$defs": {"long": {"type": "string", "description": "x".repeat(99_999)}}});
        assert_eq!(write(&long, "tools[0]").unwrap_err().param(), Some("tools[0]"));
        assert_eq!(open(&json!({"$ref": "http://elsewhere"})), json!({"type": "STRING"}));
    }
}
