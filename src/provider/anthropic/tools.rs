//! Tools: the client's functions, and the tools that Anthropic knows by itself or runs.

use serde_json::{Map, Value, json};

use super::names::Names;
use super::schema;
use crate::error::{Error, Result};
use crate::openai::{Function, Tool};
use crate::provider::Target;

/// Fields of a tool that stand beside its name, in OpenAI's wrapper or in the function itself.
const CARRIED: &[&str] =
    &["cache_control", "defer_loading", "allowed_callers", "input_examples", "eager_input_streaming"];

/// Tools that Anthropic knows: how their type starts, and the name that the API wants for them
/// (<https://platform.claude.com/docs/en/agents-and-tools/tool-use/tool-reference>).
const KNOWN: &[(&str, &str)] = &[
    ("web_search_", "web_search"),
    ("web_fetch_", "web_fetch"),
    ("code_execution_", "code_execution"),
    ("bash_", "bash"),
    ("text_editor_20241022", "str_replace_editor"),
    ("text_editor_20250124", "str_replace_editor"),
    ("text_editor_", "str_replace_based_edit_tool"),
    ("memory_", "memory"),
    ("computer_toolset_", ""),
    ("browser_toolset_", ""),
    ("computer_", "computer"),
    ("tool_search_tool_regex", "tool_search_tool_regex"),
    ("tool_search_tool_bm25", "tool_search_tool_bm25"),
    ("advisor_", "advisor"),
    ("mcp_toolset", ""),
];

/// What a request's tools become.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::provider) struct Tools {
    /// `tools`.
    pub(in crate::provider) tools: Vec<Value>,
    /// `mcp_servers`.
    pub(in crate::provider) servers: Vec<Value>,
}

/// Writes the tools.
///
/// # Errors
///
/// A tool that Anthropic does not know, or one without what it needs.
pub(super) fn write(target: &Target<'_>, tools: Vec<Tool>, names: &Names) -> Result<Tools> {
    let mut out = Tools::default();
    for (index, tool) in tools.into_iter().enumerate() {
        let at = format!("tools[{index}]");
        let Tool { kind, function, value } = tool;
        match (kind.as_str(), function) {
            (_, Some(function)) => out.tools.push(function_tool(target, &value, function, names)),
            ("custom", None) if value.contains_key("input_schema") => {
                let mut value = value;
                rename(&mut value, names);
                out.tools.push(Value::Object(value));
            }
            ("mcp", None) => out.add_server(&from_openai_server(&value, &at)?),
            ("url", None) => out.add_server(&value),
            (kind, None) => out.tools.push(known_tool(kind, value, &at)?),
        }
    }
    Ok(out)
}

/// The name of a tool that the client calls and that must be one that Anthropic takes.
pub(super) fn client_name(tool: &Tool) -> Option<&str> {
    match &tool.function {
        Some(function) => Some(&function.name),
        None if tool.kind == "custom" => tool.value.get("name").and_then(Value::as_str),
        None => None,
    }
}

fn rename(value: &mut Map<String, Value>, names: &Names) {
    if let Some(name) = value.get_mut("name") {
        let sent = name.as_str().map(|name| names.sent(name).to_owned());
        *name = sent.map_or(Value::Null, Value::from);
    }
}

fn function_tool(target: &Target<'_>, tool: &Map<String, Value>, function: Function, names: &Names) -> Value {
    let mut out = Map::new();
    out.insert("name".to_owned(), names.sent(&function.name).into());
    if let Some(description) = function.description {
        out.insert("description".to_owned(), description.into());
    }
    let mut input = schema::of_input(function.parameters);
    // Strict tools came with structured outputs, and take the same schemas: a model that has not the one refuses both.
    let strict = function.strict == Some(true) && target.facts.native_json_schema == Some(true);
    if strict {
        input = schema::of_answer(&input);
    }
    out.insert("input_schema".to_owned(), input);
    out.insert("type".to_owned(), "custom".into());
    if strict {
        out.insert("strict".to_owned(), true.into());
    }
    for name in CARRIED {
        if let Some(value) = tool.get(*name).or_else(|| function.extra.get(*name)).filter(|value| !value.is_null()) {
            out.insert((*name).to_owned(), value.clone());
        }
    }
    Value::Object(out)
}

fn known_tool(kind: &str, mut out: Map<String, Value>, at: &str) -> Result<Value> {
    let Some((_, name)) = KNOWN.iter().find(|(start, _)| kind.starts_with(start)) else {
        let at = format!("{at}.type");
        let message = format!("`{at}` is not known to Anthropic: `{kind}`; give \"function\" or one of its own tools");
        return Err(Error::bad_request(&at, message));
    };
    // OpenAI's wrapper around a tool of Anthropic's: its fields stand beside the type.
    if let Some(Value::Object(function)) = out.remove("function") {
        if let Some(name) = function.get("name") {
            out.insert("name".to_owned(), name.clone());
        }
        out.extend(function.get("parameters").and_then(Value::as_object).cloned().unwrap_or_default());
    }
    if !name.is_empty() && !out.contains_key("name") {
        out.insert("name".to_owned(), (*name).into());
    }
    if *name == "computer" {
        for field in ["display_width_px", "display_height_px"] {
            if !out.get(field).is_some_and(Value::is_u64) {
                let at = format!("{at}.{field}");
                return Err(Error::bad_request(&at, format!("`{at}` is missing: give the display's size in pixels")));
            }
        }
    }
    Ok(Value::Object(out))
}

/// OpenAI's description of an MCP server as Anthropic's older one, which [`Tools::add_server`] takes.
fn from_openai_server(value: &Map<String, Value>, at: &str) -> Result<Map<String, Value>> {
    let text = |name: &str| {
        value.get(name).filter(|text| text.is_string()).cloned().ok_or_else(|| {
            let at = format!("{at}.{name}");
            Error::bad_request(&at, format!("`{at}` is missing: give a string"))
        })
    };
    let mut out = Map::new();
    out.insert("type".to_owned(), "url".into());
    out.insert("url".to_owned(), text("server_url")?);
    out.insert("name".to_owned(), text("server_label")?);
    let header = value.get("headers").and_then(|headers| headers.get("Authorization").or(headers.get("authorization")));
    if let Some(token) = header.or_else(|| value.get("authorization")).and_then(Value::as_str) {
        let token = token.strip_prefix("Bearer ").unwrap_or(token);
        out.insert("authorization_token".to_owned(), token.into());
    }
    if let Some(allowed) = value.get("allowed_tools").filter(|allowed| allowed.is_array()) {
        out.insert("tool_configuration".to_owned(), json!({"allowed_tools": allowed}));
    }
    Ok(out)
}

impl Tools {
    /// Adds a server, and the toolset that the API wants beside it since `mcp-client-2025-11-20`; what the older form
    /// said of its tools (`tool_configuration`) stands there now.
    fn add_server(&mut self, server: &Map<String, Value>) {
        let mut server = server.clone();
        let configuration = server.remove("tool_configuration").unwrap_or_default();
        let mut toolset = Map::new();
        toolset.insert("type".to_owned(), "mcp_toolset".into());
        toolset.insert("mcp_server_name".to_owned(), server.get("name").cloned().unwrap_or_default());
        if let Some(allowed) = configuration.get("allowed_tools").and_then(Value::as_array) {
            let configs: Map<String, Value> = allowed
                .iter()
                .filter_map(Value::as_str)
                .map(|name| (name.to_owned(), json!({"enabled": true})))
                .collect();
            toolset.insert("default_config".to_owned(), json!({"enabled": false}));
            toolset.insert("configs".to_owned(), Value::Object(configs));
        } else if let Some(enabled) = configuration.get("enabled").filter(|enabled| enabled.is_boolean()) {
            toolset.insert("default_config".to_owned(), json!({"enabled": enabled}));
        }
        if let Some(mark) = server.remove("cache_control") {
            toolset.insert("cache_control".to_owned(), mark);
        }
        self.servers.push(Value::Object(server));
        self.tools.push(Value::Object(toolset));
    }

    /// Adds the tool that runs code, which uploads into its container need, unless there is one.
    pub(super) fn add_code_execution(&mut self) {
        let runs_code = |tool: &Value| {
            tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("code_execution_"))
        };
        if !self.tools.iter().any(runs_code) {
            self.tools.push(json!({"type": "code_execution_20250825", "name": "code_execution"}));
        }
    }

    /// Adds the web search that `web_search_options` asks for, unless the client gave one.
    pub(super) fn add_web_search(&mut self, options: &Value) {
        let searches =
            |tool: &Value| tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("web_search_"));
        if self.tools.iter().any(searches) {
            return;
        }
        let mut tool = Map::new();
        tool.insert("type".to_owned(), "web_search_20250305".into());
        tool.insert("name".to_owned(), "web_search".into());
        // Anthropic bounds searches, not the text of each: LiteLLM's figures.
        let max_uses = match options.get("search_context_size").and_then(Value::as_str) {
            Some("low") => Some(1),
            Some("medium") => Some(5),
            Some("high") => Some(10),
            _ => None,
        };
        if let Some(max_uses) = max_uses {
            tool.insert("max_uses".to_owned(), max_uses.into());
        }
        if let Some(place) = options.pointer("/user_location/approximate").and_then(Value::as_object) {
            let mut location = Map::new();
            location.insert("type".to_owned(), "approximate".into());
            for name in ["city", "region", "country", "timezone"] {
                if let Some(value) = place.get(name).filter(|value| !value.is_null()) {
                    location.insert(name.to_owned(), value.clone());
                }
            }
            tool.insert("user_location".to_owned(), Value::Object(location));
        }
        self.tools.push(Value::Object(tool));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;
    use crate::provider::Settings;

    fn tools(tools: &Value) -> Result<Tools> {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "tools": tools});
        let tools = ChatRequest::parse(body.to_string().as_bytes()).unwrap().tools().unwrap();
        let settings = Settings::default();
        let target = Target::of_test("anthropic", &settings);
        let names = Names::new(tools.iter().filter_map(client_name), 128);
        write(&target, tools, &names)
    }

    #[test]
    fn known_tools_get_their_name_and_keep_their_fields() {
        for (tool, want) in [
            (
                json!({"type": "bash_20250124", "cache_control": {"type": "ephemeral"}}),
                json!({"type": "bash_20250124", "cache_control": {"type": "ephemeral"}, "name": "bash"}),
            ),
            (
                json!({"type": "text_editor_20250124"}),
                json!({"type": "text_editor_20250124", "name": "str_replace_editor"}),
            ),
            (
                json!({"type": "text_editor_20250728", "max_characters": 9}),
                json!({"type": "text_editor_20250728", "max_characters": 9, "name": "str_replace_based_edit_tool"}),
            ),
            (
                json!({"type": "tool_search_tool_regex_20251119"}),
                json!({"type": "tool_search_tool_regex_20251119", "name": "tool_search_tool_regex"}),
            ),
            (
                json!({"type": "computer_20250124", "function": {"name": "computer",
                    "parameters": {"display_width_px": 1, "display_height_px": 2}}}),
                json!({"type": "computer_20250124", "name": "computer", "display_width_px": 1, "display_height_px": 2}),
            ),
            (json!({"type": "computer_toolset_20260801"}), json!({"type": "computer_toolset_20260801"})),
        ] {
            assert_eq!(tools(&json!([tool])).unwrap().tools, [want]);
        }
    }

    #[test]
    fn unknown_and_incomplete_tools_are_named() {
        for (tool, param) in [
            (json!({"type": "file_search"}), "tools[0].type"),
            (json!({"type": "computer_20250124", "display_width_px": 1}), "tools[0].display_height_px"),
            (json!({"type": "mcp", "server_label": "a"}), "tools[0].server_url"),
        ] {
            assert_eq!(tools(&json!([tool])).unwrap_err().param(), Some(param));
        }
    }

    #[test]
    fn a_server_of_mcp_tools_comes_with_its_toolset() {
        let out = tools(&json!([{
            "type": "mcp", "server_label": "docs", "server_url": "https://mcp.example.com", "require_approval": "never",
            "headers": {"Authorization": "Bearer t"}, "allowed_tools": ["find"],
        }]))
        .unwrap();
        let server =
            json!({"type": "url", "url": "https://mcp.example.com", "name": "docs", "authorization_token": "t"});
        assert_eq!(out.servers, [server]);
        assert_eq!(
            out.tools,
            [json!({"type": "mcp_toolset", "mcp_server_name": "docs", "default_config": {"enabled": false},
                "configs": {"find": {"enabled": true}}})]
        );
    }
}
