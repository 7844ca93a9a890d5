//! Writes a chat request as the body of `POST /v1/messages`.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::betas::Betas;
use super::messages::Conversation;
use super::names::Names;
use super::response_format::{self, Format, JSON_TOOL};
use super::thinking::{self, Thinking};
use super::tool_choice::{self, Wish};
use super::tools::{self, Tools};
use super::{messages, names, options};
use crate::error::Result;
use crate::openai::{ChatRequest, Message, is_openai_param};
use crate::provider::{Notes, Params, Target};
use crate::sorted;

/// OpenAI's parameters that have a counterpart.
const TAKEN: Params = Params(&[
    "function_call",
    "functions",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "parallel_tool_calls",
    "reasoning_effort",
    "response_format",
    "service_tier",
    "stop",
    "temperature",
    "tool_choice",
    "tools",
    "top_p",
    "user",
    "web_search_options",
]);

/// Values that ask for what happens anyway: the parameter has no counterpart, and needs none.
const IDLE: &[(&str, &[&str])] = &[
    ("n", &["1"]),
    ("frequency_penalty", &["0", "0.0"]),
    ("presence_penalty", &["0", "0.0"]),
    ("logprobs", &["false"]),
    ("store", &["false"]),
    ("logit_bias", &["{}"]),
    ("modalities", &["[\"text\"]"]),
];

/// Anthropic's own fields that this module reads; every other one goes on as it came.
const READ: &[&str] =
    &["thinking", "top_k", "system", "mcp_servers", "output_config", "output_format", "stop_sequences", "betas"];

/// The bound of the answer where neither client nor price data know one, in tokens (LiteLLM's).
const DEFAULT_MAX_TOKENS: u64 = 4096;

/// What is decided before the body is written.
pub(in crate::provider) struct Plan {
    pub(in crate::provider) names: Names,
    pub(in crate::provider) conversation: Conversation,
    pub(in crate::provider) tools: Tools,
    pub(in crate::provider) choice: Option<Value>,
    pub(in crate::provider) thinking: Thinking,
    pub(in crate::provider) format: Format,
}

/// Writes the body, with the beta features that it needs, and what the reader of the answer must know.
///
/// # Errors
///
/// A field, part or tool that the API cannot express, unless the settings say to leave it out.
pub(in crate::provider) fn write(
    target: &Target<'_>,
    chat: &ChatRequest,
) -> Result<(Map<String, Value>, Betas, Notes)> {
    let (chat, mut dropped) = taken(target, chat, TAKEN)?;
    let chat = chat.as_ref();
    let mut betas = Betas::default();
    let plan = plan(target, chat, (chat.messages()?, names::LONGEST), &mut betas, &mut dropped)?;
    let mut notes = Notes::new(target);
    notes.json_tool = matches!(plan.format, Format::Tool(_)).then_some(JSON_TOOL);
    let (body, names) = body(target, chat, plan, &mut dropped)?;
    for name in chat.get::<Vec<String>>("betas")?.unwrap_or_default() {
        betas.add(&name);
    }
    betas.add_for(&body);
    notes.tool_names = names.into_pairs();
    notes.dropped = dropped;
    Ok((body, betas, notes))
}

/// Decides what the conversation, the tools and the thinking of `chat` become; `longest` bounds names of tools.
///
/// # Errors
///
/// As [`write`].
pub(in crate::provider) fn plan(
    target: &Target<'_>,
    chat: &ChatRequest,
    (messages, longest): (Vec<Message>, usize),
    betas: &mut Betas,
    dropped: &mut Vec<String>,
) -> Result<Plan> {
    let own_tools = chat.tools()?;
    let called = messages.iter().flat_map(|message| &message.tool_calls).map(|call| call.function.name.as_str());
    let called: Vec<&str> = called.collect();
    let names = Names::new(own_tools.iter().filter_map(tools::client_name).chain(called.iter().copied()), longest);
    let called: Vec<String> = called.iter().map(|name| names.sent(name).to_owned()).collect();
    let mut tools = tools::write(target, own_tools, &names)?;
    let conversation = messages::write(target, messages, &names, betas)?;
    let mut thinking = thinking::read(target, chat, chat.max_output_tokens()?, dropped)?;
    if target.settings.modify_params && thinking.has_budget() && conversation.lacks_thinking() {
        thinking = Thinking::default();
    }
    if let Some(options) = chat.get::<Value>("web_search_options")? {
        tools.add_web_search(&options);
    }
    if conversation.has_upload() {
        tools.add_code_execution();
    }
    let format = response_format::read(target, chat)?;
    let other_tools = !tools.tools.is_empty();
    if let Format::Tool(tool) = &format {
        tools.tools.push(tool.clone());
    }
    let mut choice = choose(target, chat, &names, &thinking, (&format, other_tools), dropped)?;
    if tools.tools.is_empty() {
        choice = None;
        if target.settings.modify_params && conversation.has_calls() {
            // The API wants the tools that a conversation speaks of; the client wants none called.
            tools.tools = stand_ins(called);
            choice = Some(json!({"type": "none"}));
        }
    }
    Ok(Plan { names, conversation, tools, choice, thinking, format })
}

fn body(
    target: &Target<'_>,
    chat: &ChatRequest,
    plan: Plan,
    dropped: &mut Vec<String>,
) -> Result<(Map<String, Value>, Names)> {
    let Plan { names, mut conversation, tools, choice, thinking, format } = plan;
    let mut body = Map::new();
    body.insert("model".to_owned(), target.model.into());
    body.insert("max_tokens".to_owned(), max_tokens(target, chat, &thinking)?.into());
    put(&mut body, "system", system(chat, std::mem::take(&mut conversation.system))?);
    body.insert("messages".to_owned(), conversation.into_messages().into());
    put_tools(&mut body, chat, tools)?;
    put(&mut body, "tool_choice", choice);
    put(&mut body, "output_config", output_config(chat, &thinking, format)?);
    options::put_stop(&mut body, target, chat)?;
    options::put_sampling(&mut body, target, chat, thinking.is_on(), dropped)?;
    put(&mut body, "thinking", thinking.config);
    put(&mut body, "metadata", options::metadata(chat, dropped)?);
    put(&mut body, "service_tier", options::service_tier(target, chat, dropped)?);
    put(&mut body, "context_management", options::context_management(chat)?);
    put_rest(&mut body, target, chat);
    if chat.stream() {
        body.insert("stream".to_owned(), true.into());
    }
    Ok((body, names))
}

fn put(body: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value);
    }
}

/// The request without what is left out, and the names of that; `params` are those that have a counterpart.
///
/// # Errors
///
/// A parameter that has none, without `drop_params`.
pub(in crate::provider) fn taken<'a>(
    target: &Target<'_>,
    chat: &'a ChatRequest,
    params: Params,
) -> Result<(Cow<'a, ChatRequest>, Vec<String>)> {
    let allowed = &target.settings.allowed_openai_params;
    let additional = &target.settings.additional_drop_params;
    let is_listed = |list: &[String], name: &str| list.iter().any(|listed| listed == name);
    let is_idle = |name: &str, value: &str| {
        IDLE.iter().any(|(idle, values)| *idle == name && values.contains(&value.replace(' ', "").as_str()))
    };
    let (mut idle, mut passing) = (Vec::new(), Vec::new());
    for (name, value) in chat.fields().iter() {
        if is_listed(additional, name) {
            continue;
        }
        if is_idle(name, value.get()) {
            idle.push(name);
        } else if !is_openai_param(name) || is_listed(allowed, name) {
            passing.push(name);
        }
    }
    let checked = if idle.is_empty() && passing.is_empty() {
        params.check(target, chat)?
    } else {
        let rest = chat.with(|fields| idle.iter().chain(&passing).for_each(|name| fields.remove(name)))?;
        params.check(target, &rest)?
    };
    if idle.is_empty() && checked.is_empty() {
        return Ok((Cow::Borrowed(chat), checked));
    }
    let gone = idle.into_iter().chain(checked.iter().map(String::as_str));
    let chat = chat.with(|fields| gone.for_each(|name| fields.remove(name)))?;
    Ok((Cow::Owned(chat), checked))
}

fn choose(
    target: &Target<'_>,
    chat: &ChatRequest,
    names: &Names,
    thinking: &Thinking,
    (format, other_tools): (&Format, bool),
    dropped: &mut Vec<String>,
) -> Result<Option<Value>> {
    let choice = chat.tool_choice()?;
    let wish = Wish {
        choice: choice.as_ref(),
        parallel: chat.get("parallel_tool_calls")?,
        json_tool: matches!(format, Format::Tool(_)),
        other_tools,
        thinks: thinking.is_on(),
    };
    tool_choice::write(target, wish, names, dropped)
}

/// Tools for the names that a conversation calls, each once.
fn stand_ins(mut names: Vec<String>) -> Vec<Value> {
    sorted::sort(&mut names);
    names.dedup();
    if names.is_empty() {
        names.push("dummy_tool".to_owned());
    }
    let input = json!({"type": "object", "properties": {}});
    names.iter().map(|name| json!({"name": name, "input_schema": input, "type": "custom"})).collect()
}

/// `max_tokens`, which the API requires; above the budget of the thinking where the client set no bound.
fn max_tokens(target: &Target<'_>, chat: &ChatRequest, thinking: &Thinking) -> Result<u64> {
    if let Some(bound) = chat.max_output_tokens()? {
        return Ok(bound);
    }
    let longest = target.facts.max_output_tokens;
    Ok(match thinking.budget() {
        Some(budget) => {
            let bound = budget.saturating_add(DEFAULT_MAX_TOKENS);
            longest.filter(|longest| *longest > budget).map_or(bound, |longest| bound.min(longest))
        }
        None => longest.unwrap_or(DEFAULT_MAX_TOKENS),
    })
}

/// The client's own `system`, then the system messages that were hoisted.
fn system(chat: &ChatRequest, hoisted: Vec<Value>) -> Result<Option<Value>> {
    let mut blocks = match chat.get::<Value>("system")? {
        Some(Value::String(text)) => vec![json!({"type": "text", "text": text})],
        Some(Value::Array(blocks)) => blocks,
        _ => Vec::new(),
    };
    blocks.extend(hoisted);
    Ok((!blocks.is_empty()).then_some(Value::Array(blocks)))
}

fn put_tools(body: &mut Map<String, Value>, chat: &ChatRequest, tools: Tools) -> Result<()> {
    let mut servers = chat.get::<Vec<Value>>("mcp_servers")?.unwrap_or_default();
    servers.extend(tools.servers);
    if !tools.tools.is_empty() {
        body.insert("tools".to_owned(), tools.tools.into());
    }
    if !servers.is_empty() {
        body.insert("mcp_servers".to_owned(), servers.into());
    }
    Ok(())
}

/// The client's own `output_config`, whose fields win, with the effort and the format.
fn output_config(chat: &ChatRequest, thinking: &Thinking, format: Format) -> Result<Option<Value>> {
    let mut config = chat.get::<Map<String, Value>>("output_config")?.unwrap_or_default();
    if let Some(effort) = thinking.effort {
        config.entry("effort").or_insert_with(|| effort.into());
    }
    // `output_format` is the field's name in the beta; `output_config.format` is what the API documents now.
    let format = if let Format::Native(format) = format { Some(format) } else { chat.get("output_format")? };
    if let Some(format) = format {
        config.entry("format").or_insert(format);
    }
    Ok((!config.is_empty()).then_some(Value::Object(config)))
}

/// What OpenAI does not have goes on as it came: Anthropic's own fields, those of tomorrow too.
fn put_rest(body: &mut Map<String, Value>, target: &Target<'_>, chat: &ChatRequest) {
    let allowed = &target.settings.allowed_openai_params;
    for (name, value) in chat.fields().iter() {
        let passes =
            !is_openai_param(name) || (allowed.iter().any(|listed| listed == name) && !TAKEN.0.contains(&name));
        let is_new = passes && !READ.contains(&name) && !body.contains_key(name) && value.get() != "null";
        if let (true, Ok(value)) = (is_new, serde_json::from_str(value.get())) {
            body.insert(name.to_owned(), value);
        }
    }
}
