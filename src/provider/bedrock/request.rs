//! Writes a chat request for Converse:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html>.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::model::{Family, Model};
use super::{blocks, media};
use crate::error::{Error, Result};
use crate::openai::{ChatRequest, is_openai_param};
use crate::provider::anthropic::betas::Betas;
use crate::provider::anthropic::options;
use crate::provider::anthropic::request::{self, Plan};
use crate::provider::anthropic::response_format::{Format, JSON_TOOL};
use crate::provider::openai::effort::has;
use crate::provider::params::unsupported;
use crate::provider::{Notes, Params, Target};

/// OpenAI's parameters that have a counterpart. `user` has none; LiteLLM takes it, and leaves it out.
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

/// Converse's own fields, which go on as they came.
const OWN: &[&str] = &[
    "guardrailConfig",
    "performanceConfig",
    "requestMetadata",
    "additionalModelResponseFieldPaths",
    "promptVariables",
    "serviceTier",
    "outputConfig",
];

/// Fields that are read here; every other one that OpenAI does not have goes to the model itself.
const READ: &[&str] = &[
    "thinking",
    "reasoning_config",
    "top_k",
    "system",
    "stop_sequences",
    "betas",
    "anthropic_beta",
    "output_config",
    "output_format",
    "inferenceConfig",
    "additionalModelRequestFields",
    "mcp_servers",
    "context_management",
];

/// Claude's own tools that it has at AWS too; the client runs them.
const CLAUDES_TOOLS: &[&str] = &["bash_", "computer_", "memory_", "text_editor_"];

/// The longest name of a tool, in characters: `[a-zA-Z0-9_-]{1,64}`.
const LONGEST_NAME: usize = 64;

/// How many tokens an answer may have besides the budget of its thinking, where the client sets no bound (LiteLLM's).
const BESIDE_THINKING: u64 = 4096;

/// What a body is written from.
struct Writer<'a> {
    target: &'a Target<'a>,
    chat: &'a ChatRequest,
    model: Model<'a>,
    dropped: Vec<String>,
    /// `additionalModelRequestFields`.
    more: Map<String, Value>,
}

/// Writes the body, and what the reader of the answer must know.
///
/// # Errors
///
/// A field, part or tool that Converse cannot express, unless the settings say to leave it out.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest, model: Model<'_>) -> Result<(Map<String, Value>, Notes)> {
    let (chat, mut dropped) = request::taken(target, chat, TAKEN)?;
    let mut messages = chat.messages()?;
    media::convert(&mut messages)?;
    if chat.raw("user").is_some() {
        dropped.push("user".to_owned());
    }
    let mut writer = Writer { target, chat: &chat, model, dropped, more: Map::new() };
    let effort = writer.effort()?;
    // What is Claude's own must not be read for another model; a search is none of Claude's here.
    let gone = ["web_search_options", "reasoning_effort", "thinking"];
    let gone = if model.family == Family::Claude { gone.get(..1) } else { Some(&gone[..]) }.unwrap_or_default();
    let rest = if gone.iter().any(|name| chat.raw(name).is_some()) {
        Cow::Owned(chat.with(|fields| gone.iter().for_each(|name| fields.remove(name)))?)
    } else {
        Cow::Borrowed(&*chat)
    };
    let mut betas = Betas::default();
    // Others take a choice or not: one that the client has not asked for must not be their undoing.
    let is_free = chat.raw("tool_choice").is_none() && !matches!(model.family, Family::Claude | Family::Nova);
    let mut choosing = *target;
    if is_free && choosing.facts.forced_tool_use.is_none() {
        choosing.facts.forced_tool_use = Some(false);
    }
    let plan = request::plan(&choosing, &rest, (messages, LONGEST_NAME), &mut betas, &mut writer.dropped)?;
    let mut notes = Notes::new(target);
    model.name.clone_into(&mut notes.model);
    notes.json_tool = matches!(plan.format, Format::Tool(_)).then_some(JSON_TOOL);
    writer.more.extend(effort);
    let body = writer.body(plan, betas, &mut notes)?;
    notes.dropped = writer.dropped;
    Ok((body, notes))
}

impl Writer<'_> {
    /// The fields that ask another model than Claude to think.
    fn effort(&mut self) -> Result<Map<String, Value>> {
        let effort = self.chat.get::<Value>("reasoning_effort")?.filter(|_| self.model.family != Family::Claude);
        let mut out = Map::new();
        let Some(effort) = effort else { return Ok(out) };
        let effort = effort.get("effort").unwrap_or(&effort).clone();
        let name = effort.as_str().unwrap_or_default();
        if has(&self.target.facts, name) == Some(false) {
            self.refuse("reasoning_effort")?;
            return Ok(out);
        }
        match self.model.family {
            Family::Nova => match name {
                "none" => {}
                "low" | "medium" | "high" => {
                    out.insert("reasoningConfig".to_owned(), json!({"type": "enabled", "maxReasoningEffort": name}));
                }
                _ => {
                    let message =
                        format!("`reasoning_effort` must be \"none\", \"low\", \"medium\" or \"high\", not {effort}");
                    return Err(Error::bad_request("reasoning_effort", message));
                }
            },
            Family::Gpt => drop(out.insert("reasoning".to_owned(), json!({"effort": effort}))),
            Family::Effort => drop(out.insert("reasoning_effort".to_owned(), effort)),
            Family::Claude | Family::Other => self.refuse("reasoning_effort")?,
        }
        Ok(out)
    }

    /// Leaves a parameter out, or refuses it.
    fn refuse(&mut self, name: &str) -> Result<()> {
        if self.target.settings.drop_params {
            self.dropped.push(name.to_owned());
            return Ok(());
        }
        Err(unsupported(self.target.provider, &[name.to_owned()], name))
    }

    fn body(&mut self, plan: Plan, mut betas: Betas, notes: &mut Notes) -> Result<Map<String, Value>> {
        let Plan { names, mut conversation, tools, choice, thinking, format } = plan;
        // OpenAI's models cache by themselves, and refuse the point.
        let points = !matches!(self.model.family, Family::Gpt) && !self.model.id.contains("openai.");
        let is_called = conversation.has_calls();
        let hoisted = std::mem::take(&mut conversation.system);
        let mut body = Map::new();
        body.insert("messages".to_owned(), blocks::messages(conversation.into_messages(), points)?.into());
        let system = self.system(blocks::list(hoisted, points)?, points)?;
        put(&mut body, "system", (!system.is_empty()).then_some(system.into()));
        let thinks = thinking.is_on();
        put(&mut body, "inferenceConfig", self.inference(thinking.budget(), thinks)?);
        if let Format::Native(format) = &format {
            body.insert("outputConfig".to_owned(), self.text_format(format)?);
        }
        self.put_output_config(thinking.effort)?;
        put(&mut self.more, "thinking", thinking.config);
        let config = self.tools(tools.tools, choice.as_ref(), is_called, points)?;
        put(&mut body, "toolConfig", config);
        put(&mut self.more, "context_management", options::context_management(self.chat)?);
        self.put_tier(&mut body)?;
        self.put_rest(&mut body)?;
        for name in ["betas", "anthropic_beta"] {
            for beta in self.chat.get::<Vec<String>>(name)?.unwrap_or_default() {
                betas.add(&beta);
            }
        }
        for (_, list) in self.target.settings.extra_headers.iter().filter(|(name, _)| *name == "anthropic-beta") {
            betas.add_list(list);
        }
        betas.add_for(&self.more);
        let betas = betas.names();
        if self.model.family == Family::Claude && !betas.is_empty() {
            self.more.insert("anthropic_beta".to_owned(), betas.into());
        }
        let more = std::mem::take(&mut self.more);
        put(&mut body, "additionalModelRequestFields", (!more.is_empty()).then_some(more.into()));
        notes.tool_names = names.into_pairs();
        Ok(body)
    }

    /// The client's own `system`, then the system messages that were hoisted.
    fn system(&self, hoisted: Vec<Value>, points: bool) -> Result<Vec<Value>> {
        let mut system = match self.chat.get::<Value>("system")? {
            Some(Value::String(text)) => vec![json!({"text": text})],
            // Converse's own blocks have no type.
            Some(Value::Array(list)) if list.iter().all(|block| block.get("type").is_none()) => list,
            Some(Value::Array(list)) => blocks::list(list, points)?,
            _ => Vec::new(),
        };
        system.extend(hoisted);
        Ok(system)
    }

    /// `inferenceConfig`; what it has no place for goes to the model itself.
    fn inference(&mut self, budget: Option<u64>, thinks: bool) -> Result<Option<Value>> {
        let mut told = Map::new();
        options::put_stop(&mut told, self.target, self.chat)?;
        options::put_sampling(&mut told, self.target, self.chat, thinks, &mut self.dropped)?;
        let mut config = self.chat.get::<Map<String, Value>>("inferenceConfig")?.unwrap_or_default();
        let bound = self.chat.max_output_tokens()?.or(budget.map(|budget| budget.saturating_add(BESIDE_THINKING)));
        put(&mut config, "maxTokens", bound.map(Value::from));
        for (name, sent) in [("temperature", "temperature"), ("top_p", "topP")] {
            put(&mut config, sent, told.remove(name));
        }
        if let Some(Value::Array(mut stops)) = told.remove("stop_sequences") {
            stops.retain(|stop| stop.as_str().is_some_and(|stop| !stop.is_empty()));
            put(&mut config, "stopSequences", (!stops.is_empty()).then_some(stops.into()));
        }
        if let Some(top_k) = told.remove("top_k") {
            if self.model.family == Family::Nova {
                self.more.insert("inferenceConfig".to_owned(), json!({"topK": top_k}));
            } else {
                self.more.insert("top_k".to_owned(), top_k);
            }
        }
        Ok((!config.is_empty()).then_some(config.into()))
    }

    /// `outputConfig` for a schema, which AWS wants as text.
    fn text_format(&self, format: &Value) -> Result<Value> {
        let given = self.chat.get::<Value>("response_format")?.unwrap_or_default();
        let mut schema = Map::new();
        let text = format.get("schema").map(Value::to_string).unwrap_or_default();
        schema.insert("schema".to_owned(), text.into());
        for name in ["name", "description"] {
            let told = given.get("json_schema").and_then(|described| described.get(name));
            put(&mut schema, name, told.filter(|told| told.is_string()).cloned());
        }
        Ok(json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}))
    }

    /// Claude's own `output_config`, whose fields win, with the effort.
    fn put_output_config(&mut self, effort: Option<&'static str>) -> Result<()> {
        let mut config = self.chat.get::<Map<String, Value>>("output_config")?.unwrap_or_default();
        if let Some(effort) = effort {
            config.entry("effort").or_insert_with(|| effort.into());
        }
        put(&mut self.more, "output_config", (!config.is_empty()).then_some(config.into()));
        Ok(())
    }

    /// `toolConfig`; Claude's own tools go to the model itself.
    fn tools(
        &mut self,
        tools: Vec<Value>,
        choice: Option<&Value>,
        is_called: bool,
        points: bool,
    ) -> Result<Option<Value>> {
        let (mut specs, mut own) = (Vec::new(), Vec::new());
        for tool in tools {
            let kind = tool.get("type").and_then(Value::as_str).unwrap_or("custom");
            if kind == "custom" {
                let mark = tool.get("cache_control").filter(|_| points).map(blocks::cache_point);
                specs.push(spec(tool));
                specs.extend(mark);
            } else if self.model.family == Family::Claude && CLAUDES_TOOLS.iter().any(|start| kind.starts_with(start)) {
                own.push(tool);
            } else {
                let message = format!("`tools` has a tool that this model of Bedrock's does not know: `{kind}`");
                return Err(Error::bad_request("tools", message));
            }
        }
        if self.chat.raw("web_search_options").is_some() {
            match self.model.family {
                Family::Nova => specs.push(json!({"systemTool": {"name": "nova_grounding"}})),
                _ => self.refuse("web_search_options")?,
            }
        }
        put(&mut self.more, "tools", (!own.is_empty()).then_some(own.into()));
        if specs.is_empty() {
            if is_called && !self.more.contains_key("tools") {
                let message = "Bedrock wants `tools` where `messages` has calls of tools or their results: send the tools again, or set `modify_params: true`";
                return Err(Error::bad_request("tools", message));
            }
            return Ok(None);
        }
        let mut config = Map::new();
        let mut choice = choice.and_then(Value::as_object).cloned().unwrap_or_default();
        let parallel = choice.remove("disable_parallel_tool_use");
        let kind = choice.get("type").and_then(Value::as_str).unwrap_or_default();
        let sent = match kind {
            "none" if !is_called => {
                // Converse has no such choice, and without tools there is none.
                return Ok(None);
            }
            "none" if self.target.settings.modify_params => None,
            "none" => {
                self.refuse("tool_choice")?;
                None
            }
            "tool" => Some(json!({"tool": {"name": choice.get("name")}})),
            "any" => Some(json!({"any": {}})),
            "auto" if self.chat.raw("tool_choice").is_some() => Some(json!({"auto": {}})),
            _ => None,
        };
        if parallel == Some(Value::Bool(true)) {
            if self.model.family == Family::Claude {
                // The type has to come from one place alone.
                let own = if sent.is_some() { json!({}) } else { json!({"type": "auto"}) };
                let mut own = own.as_object().cloned().unwrap_or_default();
                own.insert("disable_parallel_tool_use".to_owned(), true.into());
                self.more.insert("tool_choice".to_owned(), own.into());
            } else {
                self.refuse("parallel_tool_calls")?;
            }
        }
        config.insert("tools".to_owned(), specs.into());
        put(&mut config, "toolChoice", sent);
        Ok(Some(config.into()))
    }

    /// OpenAI's tiers in AWS's words: `auto` is what happens unasked.
    fn put_tier(&self, body: &mut Map<String, Value>) -> Result<()> {
        if let Some(tier) = self.chat.get::<String>("service_tier")? {
            let tier = if matches!(tier.as_str(), "auto" | "standard") { "default" } else { &tier };
            body.insert("serviceTier".to_owned(), json!({"type": tier}));
        }
        Ok(())
    }

    /// What OpenAI does not have: Converse's own fields, and those of the model.
    fn put_rest(&mut self, body: &mut Map<String, Value>) -> Result<()> {
        for (name, value) in self.chat.fields().iter() {
            let allowed = self.target.settings.allowed_openai_params.iter().any(|allowed| allowed == name);
            let passes = !is_openai_param(name) || allowed && !TAKEN.0.contains(&name);
            if !passes || READ.contains(&name) || value.get() == "null" {
                continue;
            }
            let place = if OWN.contains(&name) { &mut *body } else { &mut self.more };
            if let (false, Ok(value)) = (place.contains_key(name), serde_json::from_str(value.get())) {
                place.insert(name.to_owned(), value);
            }
        }
        let own = self.chat.get::<Map<String, Value>>("additionalModelRequestFields")?.unwrap_or_default();
        self.more.extend(own);
        put(&mut self.more, "reasoning_config", self.chat.get("reasoning_config")?);
        Ok(())
    }
}

/// A tool of Claude's dialect as a `toolSpec`.
fn spec(tool: Value) -> Value {
    let Value::Object(mut tool) = tool else { return tool };
    let mut spec = Map::new();
    put(&mut spec, "name", tool.remove("name"));
    put(
        &mut spec,
        "description",
        tool.remove("description").filter(|text| text.as_str().is_some_and(|text| !text.is_empty())),
    );
    spec.insert("inputSchema".to_owned(), json!({"json": tool.remove("input_schema")}));
    put(&mut spec, "strict", tool.remove("strict"));
    json!({"toolSpec": spec})
}

fn put(body: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        body.insert(name.to_owned(), value);
    }
}
