//! A chat request as Cohere takes it (<https://docs.cohere.com/reference/chat>).

use serde_json::{Map, Value, json};

use super::{messages, tools};
use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::params::unsupported;
use crate::provider::{Notes, Params, Target};

/// What the dialect takes: OpenAI's fields, LiteLLM's, and Cohere's own.
#[rustfmt::skip]
const PARAMS: Params = Params(&[
    "citation_options", "documents", "frequency_penalty", "function_call", "functions", "k", "logprobs",
    "max_completion_tokens", "max_tokens", "metadata", "p", "parallel_tool_calls", "presence_penalty", "priority",
    "reasoning_effort", "response_format", "safety_mode", "seed", "stop", "stop_sequences", "strict_tools",
    "temperature", "thinking", "tool_choice", "tools", "top_k", "top_p", "user",
]);

/// Fields that are handed on as they are, and what Cohere calls them.
#[rustfmt::skip]
const AS_THEY_ARE: &[(&str, &str)] = &[
    ("temperature", "temperature"), ("top_p", "p"), ("p", "p"), ("top_k", "k"), ("k", "k"), ("seed", "seed"),
    ("frequency_penalty", "frequency_penalty"), ("presence_penalty", "presence_penalty"), ("logprobs", "logprobs"),
    ("documents", "documents"), ("citation_options", "citation_options"), ("safety_mode", "safety_mode"),
    ("priority", "priority"), ("stop_sequences", "stop_sequences"),
];

/// Budgets of thinking for an effort, in tokens; `high` is Cohere's own default, which has none. LiteLLM's figures.
const LOW_EFFORT: u64 = 1_024;
const MEDIUM_EFFORT: u64 = 2_048;

/// The body for `chat`, and what its answer's reader must know.
///
/// # Errors
///
/// A field, part or tool that Cohere cannot express.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest) -> Result<(Value, Notes)> {
    let mut notes = Notes::new(target);
    let mut fields = chat.fields().clone();
    // One answer is what everybody gets.
    if fields.raw("n").is_some_and(|n| n.get() == "1") {
        fields.remove("n");
    }
    let single = chat.with(|own| *own = fields.clone())?;
    notes.dropped = PARAMS.check(target, &single)?;
    // The model decides how many calls it makes at once.
    let is_single = single.get("parallel_tool_calls")? == Some(false) && !single.tools()?.is_empty();
    if is_single && !notes.dropped.iter().any(|name| name == "parallel_tool_calls") {
        let name = "parallel_tool_calls".to_owned();
        if !target.settings.drop_params {
            return Err(unsupported(target.provider, std::slice::from_ref(&name), &name));
        }
        notes.dropped.push(name);
    }
    let is_own = |name: &&String| !matches!(name.as_str(), "model" | "messages" | "stream");
    notes.dropped.iter().filter(is_own).for_each(|name| fields.remove(name));
    let chat = ChatRequest::from_fields(fields)?;
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    body.insert("messages".to_owned(), messages::write(target, chat.messages()?)?.into());
    body.insert("stream".to_owned(), chat.stream().into());
    for (name, sent) in AS_THEY_ARE {
        if let Some(value) = chat.get(name)? {
            body.insert((*sent).to_owned(), value);
        }
    }
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("max_tokens", chat.max_output_tokens()?.map(Value::from));
    let stops = chat.stop()?;
    put("stop_sequences", (!stops.is_empty()).then(|| stops.into()));
    put("response_format", response_format(&chat)?);
    put("thinking", thinking(target, &chat, &mut notes.dropped)?);
    let tools = tools::write(&chat)?;
    put("strict_tools", chat.get("strict_tools")?.or(tools.strict.then(|| true.into())));
    put("tools", (!tools.declared.is_empty()).then(|| tools.declared.into()));
    put("tool_choice", tools.choice.map(Value::from));
    Ok((body.into(), notes))
}

/// `response_format`: Cohere has one JSON type, with a schema or without
/// (<https://docs.cohere.com/docs/structured-outputs>).
fn response_format(chat: &ChatRequest) -> Result<Option<Value>> {
    let Some(format) = chat.get::<Value>("response_format")? else { return Ok(None) };
    let schema = match format.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => return Ok(None),
        // Cohere's own form, and LiteLLM's.
        "json_object" => format.get("json_schema").or_else(|| format.get("response_schema")),
        "json_schema" => Some(format.pointer("/json_schema/schema").ok_or_else(|| {
            let at = "response_format.json_schema.schema";
            Error::bad_request(at, format!("`{at}` is missing: give a JSON schema"))
        })?),
        other => {
            let at = "response_format.type";
            let message = format!("`{at}` must be \"text\", \"json_object\" or \"json_schema\": {other}");
            return Err(Error::bad_request(at, message));
        }
    };
    Ok(Some(match schema {
        Some(schema) => json!({"type": "json_object", "json_schema": schema}),
        None => json!({"type": "json_object"}),
    }))
}

/// `thinking`, from its own form or Anthropic's, else from an effort (<https://docs.cohere.com/docs/reasoning>).
fn thinking(target: &Target<'_>, chat: &ChatRequest, dropped: &mut Vec<String>) -> Result<Option<Value>> {
    let (given, effort) = (chat.get::<Value>("thinking")?, chat.get::<Value>("reasoning_effort")?);
    let name = if given.is_some() { "thinking" } else { "reasoning_effort" };
    let thinking = match (given, effort) {
        (None, None) => return Ok(None),
        (Some(given), _) => {
            let kind = given.get("type").cloned().unwrap_or_else(|| "enabled".into());
            match given.get("token_budget").or_else(|| given.get("budget_tokens")) {
                Some(budget) if kind == "enabled" => json!({"type": kind, "token_budget": budget}),
                _ => json!({"type": kind}),
            }
        }
        (None, Some(effort)) => match effort.as_str().or_else(|| effort.get("effort")?.as_str()) {
            Some("none" | "disable") => json!({"type": "disabled"}),
            Some("minimal" | "low") => json!({"type": "enabled", "token_budget": LOW_EFFORT}),
            Some("medium") => json!({"type": "enabled", "token_budget": MEDIUM_EFFORT}),
            Some("high" | "xhigh" | "max") => json!({"type": "enabled"}),
            _ => {
                let message = "`reasoning_effort` must be \"none\", \"low\", \"medium\" or \"high\"";
                return Err(Error::bad_request("reasoning_effort", message));
            }
        },
    };
    if target.facts.reasoning != Some(false) {
        return Ok(Some(thinking));
    }
    // A model that does not think does what `disabled` asks.
    if thinking.get("type").is_some_and(|kind| kind == "disabled") {
        return Ok(None);
    }
    if !target.settings.drop_params {
        return Err(unsupported(target.provider, &[name.to_owned()], name));
    }
    dropped.push(name.to_owned());
    Ok(None)
}
