//! JSON schemas as Anthropic takes them: of a tool's input, and of an answer that must follow one.

use serde_json::{Map, Value, json};

/// Keywords that structured outputs refuse, with the words that tell the model of them instead
/// (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs#json-schema-limitations>).
const REFUSED: &[(&str, &str)] = &[
    ("minItems", "minimum number of items"),
    ("maxItems", "maximum number of items"),
    ("uniqueItems", "all items must be unique"),
    ("contains", "an item must match"),
    ("minContains", "minimum number of matching items"),
    ("maxContains", "maximum number of matching items"),
    ("prefixItems", "the first items must match, in order"),
    ("minimum", "minimum value"),
    ("maximum", "maximum value"),
    ("exclusiveMinimum", "exclusive minimum value"),
    ("exclusiveMaximum", "exclusive maximum value"),
    ("multipleOf", "must be a multiple of"),
    ("minLength", "minimum length"),
    ("maxLength", "maximum length"),
    ("minProperties", "minimum number of properties"),
    ("maxProperties", "maximum number of properties"),
    ("patternProperties", "properties by the pattern of their name"),
    ("propertyNames", "names of properties must match"),
    ("dependentRequired", "properties that require others"),
    ("dependentSchemas", "properties that require a schema"),
    ("unevaluatedProperties", "other properties must match"),
    ("if", "if it matches"),
    ("then", "then it must match"),
    ("else", "else it must match"),
    ("not", "must not match"),
];

/// Formats of strings that structured outputs take.
const FORMATS: &[&str] = &["date-time", "time", "date", "duration", "email", "hostname", "uri", "ipv4", "ipv6", "uuid"];

/// The schema of a tool's input: an object, whatever the client sent.
pub(super) fn of_input(schema: Option<Value>) -> Value {
    let mut schema = match schema {
        Some(Value::Object(schema)) => schema,
        _ => Map::new(),
    };
    if let Some(choice) = ["anyOf", "oneOf", "allOf"].into_iter().find(|keyword| schema.contains_key(*keyword)) {
        flatten(&mut schema, choice);
    }
    if schema.get("type").and_then(Value::as_str) != Some("object") {
        schema.insert("type".to_owned(), "object".into());
    }
    if !schema.get("properties").is_some_and(Value::is_object) {
        schema.insert("properties".to_owned(), json!({}));
    }
    Value::Object(schema)
}

/// Makes one object of a choice at the root, which the API refuses: the properties of all branches; required is what
/// every branch requires (with `allOf`: any branch).
fn flatten(schema: &mut Map<String, Value>, choice: &str) {
    let branches = schema.remove(choice);
    let branches: Vec<&Map<String, Value>> =
        branches.as_ref().and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect();
    let mut properties = schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    for branch in &branches {
        for (name, property) in branch.get("properties").and_then(Value::as_object).into_iter().flatten() {
            properties.entry(name.clone()).or_insert_with(|| property.clone());
        }
    }
    let requires = |branch: &&Map<String, Value>, name: &Value| {
        branch.get("required").and_then(Value::as_array).is_some_and(|required| required.contains(name))
    };
    let mut required = schema.get("required").and_then(Value::as_array).cloned().unwrap_or_default();
    for name in properties.keys().map(|name| Value::from(name.as_str())) {
        let needed = match choice {
            "allOf" => branches.iter().any(|branch| requires(branch, &name)),
            _ => !branches.is_empty() && branches.iter().all(|branch| requires(branch, &name)),
        };
        if needed && !required.contains(&name) {
            required.push(name);
        }
    }
    schema.insert("properties".to_owned(), Value::Object(properties));
    if !required.is_empty() {
        schema.insert("required".to_owned(), Value::Array(required));
    }
}

/// A schema that structured outputs take: what they refuse becomes words in the description, `oneOf` becomes `anyOf`,
/// and every object is closed. References stay: local ones are taken.
pub(super) fn of_answer(schema: &Value) -> Value {
    let Some(schema) = schema.as_object() else { return schema.clone() };
    let mut out = Map::new();
    let mut hints = Vec::new();
    for (name, value) in schema {
        if let Some(words) = refused(name, value) {
            hints.extend(hint(words, value));
            continue;
        }
        match (name.as_str(), value) {
            ("properties" | "$defs" | "definitions", Value::Object(children)) => {
                let children: Map<String, Value> =
                    children.iter().map(|(child, schema)| (child.clone(), of_answer(schema))).collect();
                out.insert(name.clone(), Value::Object(children));
            }
            ("items", value) => {
                out.insert(name.clone(), of_answer(value));
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(branches)) => {
                let name = if name == "oneOf" { "anyOf" } else { name };
                let branches = branches.iter().map(of_answer);
                match out.get_mut(name).and_then(Value::as_array_mut) {
                    Some(there) => there.extend(branches),
                    None => drop(out.insert(name.to_owned(), branches.collect())),
                }
            }
            _ => drop(out.insert(name.clone(), value.clone())),
        }
    }
    if !hints.is_empty() {
        let note = format!("Note: {}.", hints.join(", "));
        let text = match out.get("description").and_then(Value::as_str) {
            Some(text) if !text.is_empty() => format!("{text} {note}"),
            _ => note,
        };
        out.insert("description".to_owned(), text.into());
    }
    let is_object = match out.get("type") {
        Some(Value::String(kind)) => kind == "object",
        Some(Value::Array(kinds)) => kinds.iter().any(|kind| kind == "object"),
        _ => out.contains_key("properties"),
    };
    if is_object {
        out.insert("additionalProperties".to_owned(), false.into());
    }
    Value::Object(out)
}

/// The words for a keyword that must go; `None` for one that is taken.
fn refused(name: &str, value: &Value) -> Option<&'static str> {
    match name {
        // 0 and 1 are taken.
        "minItems" if matches!(value.as_u64(), Some(0 | 1)) => None,
        "format" if value.as_str().is_some_and(|format| !FORMATS.contains(&format)) => Some("format"),
        name => REFUSED.iter().find(|(refused, _)| *refused == name).map(|(_, words)| *words),
    }
}

/// What a refused keyword asks for, in words; `None` where it asks for nothing.
fn hint(words: &str, value: &Value) -> Option<String> {
    match value {
        Value::Bool(false) => None,
        Value::Bool(true) => Some(words.to_owned()),
        Value::String(text) => Some(format!("{words}: {text}")),
        value => Some(format!("{words}: {value}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_input_is_always_an_object() {
        let empty = json!({"type": "object", "properties": {}});
        assert_eq!(of_input(None), empty);
        assert_eq!(of_input(Some(json!(null))), empty);
        assert_eq!(of_input(Some(json!({"type": ["object", "null"]})))["type"], "object");
        let defs =
            json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}});
        assert_eq!(of_input(Some(defs.clone())), defs);
    }

    #[test]
    fn a_choice_at_the_root_becomes_one_object() {
        let branches = json!([
            {"properties": {"a": {"type": "string"}, "c": {}}, "required": ["a", "c"]},
            {"properties": {"b": {"type": "string"}, "c": {}}, "required": ["b", "c"]},
        ]);
        let any = of_input(Some(json!({"anyOf": branches})));
        assert_eq!(any["required"], json!(["c"]));
        assert_eq!(any["properties"].as_object().unwrap().len(), 3);
        let all = of_input(Some(json!({"allOf": branches})));
        assert_eq!(all["required"], json!(["a", "c", "b"]));
        assert!(any.get("anyOf").is_none() && all.get("allOf").is_none());
    }

    #[test]
    fn refused_keywords_become_words_and_objects_are_closed() {
        let schema = json!({
            "type": "object",
            "properties": {
                "minimum": {"type": "integer", "minimum": 1, "description": "A number."},
                "list": {"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": false,
                    "items": {"type": "object"}},
                "either": {"oneOf": [{"type": "string", "format": "iban"}, {"type": "null"}]},
                "day": {"type": "string", "format": "date"},
            },
        });
        assert_eq!(
            of_answer(&schema),
            json!({
                "type": "object",
                "properties": {
                    "minimum": {"type": "integer", "description": "A number. Note: minimum value: 1."},
                    "list": {
                        "type": "array", "minItems": 1, "items": {"type": "object", "additionalProperties": false},
                        "description": "Note: maximum number of items: 3.",
                    },
                    "either": {"anyOf": [{"type": "string", "description": "Note: format: iban."}, {"type": "null"}]},
                    "day": {"type": "string", "format": "date"},
                },
                "additionalProperties": false,
            })
        );
    }
}
