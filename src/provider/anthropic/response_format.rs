//! The format of the answer: natively where the model follows schemas, else by a tool whose input is the answer.

use serde_json::{Map, Value, json};

use super::schema;
use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::Target;

/// The name of the tool that stands for `response_format` (LiteLLM's).
pub(in crate::provider) const JSON_TOOL: &str = "json_tool_call";

/// What `response_format` becomes.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::provider) enum Format {
    /// Text.
    Text,
    /// `output_config.format`.
    Native(Value),
    /// This tool.
    Tool(Value),
}

/// Reads `response_format`.
///
/// # Errors
///
/// A format that is unknown.
pub(super) fn read(target: &Target<'_>, chat: &ChatRequest) -> Result<Format> {
    let Some(format) = chat.get::<Map<String, Value>>("response_format")? else { return Ok(Format::Text) };
    match format.get("type").and_then(Value::as_str) {
        Some("text") => return Ok(Format::Text),
        Some("json_schema" | "json_object") => {}
        _ => {
            let message = "`response_format.type` must be \"text\", \"json_object\" or \"json_schema\"";
            return Err(Error::bad_request("response_format.type", message));
        }
    }
    let described = format.get("json_schema");
    let schema = described.and_then(|described| described.get("schema")).or_else(|| format.get("response_schema"));
    let schema = schema.filter(|schema| schema.is_object());
    // Structured outputs need a schema (<https://platform.claude.com/docs/en/build-with-claude/structured-outputs>).
    if let (Some(schema), Some(true)) = (schema, target.facts.native_json_schema) {
        return Ok(Format::Native(json!({"type": "json_schema", "schema": schema::of_answer(schema)})));
    }
    let mut tool = Map::new();
    tool.insert("name".to_owned(), JSON_TOOL.into());
    if let Some(description) =
        described.and_then(|described| described.get("description")).filter(|text| text.is_string())
    {
        tool.insert("description".to_owned(), description.clone());
    }
    let any = json!({"type": "object", "additionalProperties": true, "properties": {}});
    tool.insert("input_schema".to_owned(), schema.map_or(any, |schema| schema::of_input(Some(schema.clone()))));
    Ok(Format::Tool(Value::Object(tool)))
}
