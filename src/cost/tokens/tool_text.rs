//! Tools as the TypeScript that OpenAI's models seem to see, which LiteLLM counts.

use std::fmt::Write;

use serde_json::{Map, Value};

use crate::openai::Tool;

/// Schemas that nest deeper than this are `any`; OpenAI's own bound is 10.
const DEEPEST: usize = 32;

/// Writes the declarations of all tools.
pub(super) fn render(tools: &[Tool]) -> String {
    let mut out = String::from("namespace functions {\n\n");
    for tool in tools {
        match (&tool.function, tool.value.get("function_declarations")) {
            (Some(function), _) => {
                let description = function.description.as_deref().unwrap_or_default();
                declare(&mut out, &function.name, description, function.parameters.as_ref());
            }
            (None, Some(Value::Array(declarations))) => {
                declarations.iter().filter_map(Value::as_object).for_each(|value| declare_raw(&mut out, value));
            }
            (None, _) => declare_raw(&mut out, &tool.value),
        }
    }
    out.push_str("} // namespace functions");
    out
}

/// A tool in Anthropic's or Gemini's shape.
fn declare_raw(out: &mut String, value: &Map<String, Value>) {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
    declare(out, text("name"), text("description"), value.get("input_schema").or_else(|| value.get("parameters")));
}

fn declare(out: &mut String, name: &str, description: &str, parameters: Option<&Value>) {
    if name.is_empty() {
        return;
    }
    if !description.is_empty() {
        line(out, format_args!("// {description}"));
    }
    let schema = parameters.and_then(Value::as_object).filter(|schema| has_properties(schema));
    match schema {
        Some(schema) => {
            line(out, format_args!("type {name} = (_: {{"));
            properties(out, schema, 0);
            line(out, format_args!("\n}}) => any;\n"));
        }
        None => line(out, format_args!("type {name} = () => any;\n")),
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{text}");
}

fn has_properties(schema: &Map<String, Value>) -> bool {
    schema.get("properties").and_then(Value::as_object).is_some_and(|properties| !properties.is_empty())
}

/// One line a property and one a description; nested objects are indented by two more, their closing brace is not.
fn properties(out: &mut String, schema: &Map<String, Value>, depth: usize) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    let required = schema.get("required").and_then(Value::as_array);
    let indent = " ".repeat(depth * 2);
    for (index, (key, property)) in properties.iter().enumerate() {
        if index > 0 {
            out.push('\n');
        }
        let description = property.get("description").and_then(Value::as_str).unwrap_or_default();
        if !description.is_empty() {
            line(out, format_args!("{indent}// {description}"));
        }
        let mark = if required.is_some_and(|names| names.iter().any(|name| name == key)) { "" } else { "?" };
        let _ = write!(out, "{indent}{key}{mark}: ");
        type_of(out, property, depth);
        out.push(',');
    }
}

fn type_of(out: &mut String, schema: &Value, depth: usize) {
    match schema.get("type").and_then(Value::as_str) {
        _ if depth >= DEEPEST => out.push_str("any"),
        Some(kind @ ("string" | "integer" | "number")) => match schema.get("enum").and_then(Value::as_array) {
            Some(items) => choices(out, items),
            None => out.push_str(if kind == "string" { "string" } else { "number" }),
        },
        Some("array") => {
            type_of(out, schema.get("items").unwrap_or(&Value::Null), depth);
            out.push_str("[]");
        }
        Some("object") => {
            out.push_str("{\n");
            if let Some(schema) = schema.as_object() {
                properties(out, schema, depth + 1);
            }
            out.push_str("\n}");
        }
        Some("boolean") => out.push_str("boolean"),
        Some("null") => out.push_str("null"),
        _ => out.push_str("any"),
    }
}

fn choices(out: &mut String, items: &[Value]) {
    for (index, item) in items.iter().enumerate() {
        let separator = if index > 0 { " | " } else { "" };
        let _ = match item {
            Value::String(text) => write!(out, "{separator}\"{text}\""),
            other => write!(out, "{separator}\"{other}\""),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;

    fn tools(json: &str) -> Vec<Tool> {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],"tools":{json}}}"#);
        ChatRequest::parse(body.as_bytes()).unwrap().tools().unwrap()
    }

    #[test]
    fn a_nested_tool_is_declared_line_by_line() {
        let tools = tools(
            r#"[{"type":"function","function":{"name":"show","description":"Shows","parameters":{"type":"object",
                "required":["one"],"properties":{"one":{"type":"object","description":"An object","properties":{
                "kind":{"type":"string","enum":["a","b"]},"n":{"type":"integer","description":"How many"}}},
                "list":{"type":"array","items":{"type":"boolean"}}}}}},
                {"type":"function","function":{"name":"empty"}}]"#,
        );
        let lines = [
            "namespace functions {",
            "",
            "// Shows",
            "type show = (_: {",
            "// An object",
            "one: {",
            "  kind?: \"a\" | \"b\",",
            "  // How many",
            "  n?: number,",
            "},",
            "list?: boolean[],",
            "}) => any;",
            "",
            "type empty = () => any;",
            "",
            "} // namespace functions",
        ];
        assert_eq!(render(&tools), lines.join("\n"));
    }

    #[test]
    fn endless_arrays_end() {
        let schema = (0..300).fold(Value::Null, |items, _| serde_json::json!({"type": "array", "items": items}));
        let mut out = String::new();
        type_of(&mut out, &schema, 0);
        assert!(out.starts_with("any"), "{}", out.len());
    }
}
