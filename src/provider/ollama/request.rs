//! A chat request as `/api/chat` takes it: what samples goes into `options`.

use serde_json::{Map, Value, json};

use super::messages;
use crate::error::{Error, Result};
use crate::openai::{ChatRequest, Fields, ToolChoice};
use crate::provider::params::unsupported;
use crate::provider::{Notes, Params, Target};

/// What the dialect takes beside [`OPTIONS`] and [`AS_THEY_ARE`].
const PARAMS: Params = Params(&[
    "function_call",
    "functions",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "options",
    "reasoning_effort",
    "response_format",
    "thinking",
    "tool_choice",
    "tools",
    "user",
]);

/// Fields that Ollama has at the top level under the same name.
const AS_THEY_ARE: &[&str] = &["format", "keep_alive", "logprobs", "shift", "think", "top_logprobs", "truncate"];

/// Ollama's options: those that OpenAI has too, and its own (<https://docs.ollama.com/modelfile#parameter>).
#[rustfmt::skip]
pub(super) const OPTIONS: &[&str] = &[
    "frequency_penalty", "main_gpu", "min_p", "mirostat", "mirostat_eta", "mirostat_tau", "num_batch", "num_ctx",
    "num_gpu", "num_keep", "num_predict", "num_thread", "penalize_newline", "presence_penalty", "repeat_last_n",
    "repeat_penalty", "seed", "stop", "temperature", "tfs_z", "top_k", "top_p", "typical_p", "use_mlock", "use_mmap",
];

/// The body for `chat`, and what its answer's reader must know.
///
/// # Errors
///
/// A field, part or tool that Ollama cannot express.
pub(super) fn chat(target: &Target<'_>, chat: &ChatRequest) -> Result<(Value, Notes)> {
    let mut notes = Notes::new(target);
    let mut fields = chat.fields().clone();
    notes.dropped = check(PARAMS, target, &mut fields)?;
    choose(target, chat, &mut fields, &mut notes.dropped)?;
    let chat = ChatRequest::from_fields(fields)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    body.insert("messages".to_owned(), messages::write(chat.messages()?)?.into());
    // Without it Ollama streams.
    body.insert("stream".to_owned(), chat.stream().into());
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("tools", tools(&chat)?);
    put("format", format(&chat)?);
    put("think", think(target.model, &chat)?);
    for name in AS_THEY_ARE {
        put(name, chat.get(name)?);
    }
    let mut options = options(chat.fields())?;
    if let Some(bound) = chat.max_output_tokens()? {
        options.insert("num_predict".to_owned(), bound.into());
    }
    let stops = chat.stop()?;
    if !stops.is_empty() {
        options.insert("stop".to_owned(), stops.into());
    }
    put("options", (!options.is_empty()).then(|| options.into()));
    Ok((body.into(), notes))
}

/// Takes out of `fields` what is to be left out, and gives its names.
///
/// # Errors
///
/// What Ollama cannot express, unless the settings say to drop it.
pub(super) fn check(params: Params, target: &Target<'_>, fields: &mut Fields) -> Result<Vec<String>> {
    let mut others = fields.clone();
    let is_dropped = |name: &str| target.settings.additional_drop_params.iter().any(|dropped| dropped == name);
    for name in OPTIONS.iter().chain(AS_THEY_ARE).filter(|name| !is_dropped(name)) {
        others.remove(name);
    }
    // One answer is what everybody gets.
    if fields.raw("n").is_some_and(|n| n.get() == "1") {
        others.remove("n");
    }
    // Ollama calls as many tools at once as its model likes.
    if fields.raw("parallel_tool_calls").is_some_and(|parallel| parallel.get() == "true") {
        others.remove("parallel_tool_calls");
    }
    let dropped = params.check_fields(target, &others)?;
    dropped.iter().filter(|name| !matches!(name.as_str(), "model" | "messages")).for_each(|name| fields.remove(name));
    Ok(dropped)
}

/// What goes into `options`: the client's own object, and the fields that belong into it.
pub(super) fn options(fields: &Fields) -> Result<Map<String, Value>> {
    let mut options: Map<String, Value> = fields.get("options")?.unwrap_or_default();
    for name in OPTIONS {
        if let Some(value) = fields.get(name)? {
            options.insert((*name).to_owned(), value);
        }
    }
    Ok(options)
}

/// Ollama knows no choice of tool: `none` is a request without tools, and what must be called cannot be said.
fn choose(target: &Target<'_>, chat: &ChatRequest, fields: &mut Fields, dropped: &mut Vec<String>) -> Result<()> {
    if dropped.iter().any(|name| name == "tool_choice") {
        return Ok(());
    }
    match chat.tool_choice()? {
        None | Some(ToolChoice::Auto) => {}
        Some(ToolChoice::None) => ["tools", "functions"].iter().for_each(|name| fields.remove(name)),
        _ if target.settings.drop_params => dropped.push("tool_choice".to_owned()),
        _ => return Err(unsupported(target.provider, &["tool_choice".to_owned()], "tool_choice")),
    }
    Ok(())
}

fn tools(chat: &ChatRequest) -> Result<Option<Value>> {
    let mut tools = Vec::new();
    for (index, tool) in chat.tools()?.into_iter().enumerate() {
        let Some(function) = tool.function else {
            let at = format!("tools[{index}]");
            let message = format!("`{at}` is no tool of this provider: `{}`; give a function", tool.kind);
            return Err(Error::bad_request(&at, message));
        };
        let parameters = function.parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        let description = function.description.unwrap_or_default();
        let function = json!({"name": function.name, "description": description, "parameters": parameters});
        tools.push(json!({"type": "function", "function": function}));
    }
    Ok((!tools.is_empty()).then(|| tools.into()))
}

/// `response_format` as `format`: `json`, or the schema itself (<https://docs.ollama.com/capabilities/structured-outputs>).
fn format(chat: &ChatRequest) -> Result<Option<Value>> {
    let Some(format) = chat.get::<Value>("response_format")? else { return Ok(None) };
    match format.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => Ok(None),
        "json_object" => Ok(Some(format.get("response_schema").cloned().unwrap_or_else(|| "json".into()))),
        "json_schema" => {
            let schema = format.pointer("/json_schema/schema").cloned().ok_or_else(|| {
                let at = "response_format.json_schema.schema";
                Error::bad_request(at, format!("`{at}` is missing: give a JSON schema"))
            });
            schema.map(Some)
        }
        other => {
            let at = "response_format.type";
            let message = format!("`{at}` must be \"text\", \"json_object\" or \"json_schema\": {other}");
            Err(Error::bad_request(at, message))
        }
    }
}

/// `think`: levels for gpt-oss, yes or no for all others (<https://docs.ollama.com/capabilities/thinking>).
fn think(model: &str, chat: &ChatRequest) -> Result<Option<Value>> {
    if let Some(thinking) = chat.get::<Value>("thinking")? {
        return Ok(thinking.get("type").map(|kind| (kind != "disabled").into()));
    }
    let Some(effort) = chat.get::<Value>("reasoning_effort")? else { return Ok(None) };
    let level = match effort.as_str().or_else(|| effort.get("effort")?.as_str()) {
        Some("none" | "disable") => return Ok(Some(false.into())),
        Some("minimal" | "low") => "low",
        Some("medium") => "medium",
        Some("high" | "xhigh" | "max") => "high",
        _ => {
            let message = "`reasoning_effort` must be \"none\", \"low\", \"medium\" or \"high\"";
            return Err(Error::bad_request("reasoning_effort", message));
        }
    };
    let has_levels = model.rsplit('/').next().is_some_and(|name| name.starts_with("gpt-oss"));
    Ok(Some(if has_levels { level.into() } else { true.into() }))
}
