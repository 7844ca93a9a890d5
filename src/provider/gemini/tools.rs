//! Tools: the client's functions, those that Google runs itself, and which of them to call.

use serde_json::{Map, Value, json};

use super::generation::Generation;
use super::{open_api, schema, tool_names};
use crate::error::{Error, Result};
use crate::openai::{ChatRequest, Function, ToolChoice};
use crate::provider::{Notes, Target};

/// The tools that the Gemini API runs: its name, and the names that clients know them by
/// (<https://ai.google.dev/api/caching#Tool>).
const HOSTED: &[(&str, &[&str])] = &[
    ("googleSearch", &["googleSearch", "google_search", "web_search", "web_search_preview"]),
    ("googleSearchRetrieval", &["googleSearchRetrieval", "google_search_retrieval"]),
    ("urlContext", &["urlContext", "url_context"]),
    ("codeExecution", &["codeExecution", "code_execution", "code_interpreter"]),
    ("googleMaps", &["googleMaps", "google_maps"]),
    ("computerUse", &["computerUse", "computer_use"]),
    ("fileSearch", &["fileSearch"]),
];

/// Tools that cannot stand beside functions unless the client asks for the calls that Google makes.
const SEARCHES: &[&str] = &["googleSearch", "googleSearchRetrieval", "urlContext"];

/// What a request says of tools.
#[derive(Debug, Default)]
pub(super) struct Tools {
    /// `tools`.
    pub(super) tools: Vec<Value>,
    /// `toolConfig`.
    pub(super) config: Map<String, Value>,
}

/// Writes the tools of `chat`; `notes` learn of names that were changed and of searches that were left out.
///
/// # Errors
///
/// A tool that Google does not run, a choice that it does not know, or a schema that is too large.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest, notes: &mut Notes) -> Result<Tools> {
    let mut out = Tools::default();
    let mut hosted = Vec::new();
    let mut functions = Vec::new();
    for (index, tool) in chat.get::<Vec<Value>>("tools")?.unwrap_or_default().into_iter().enumerate() {
        match read_hosted(&tool, &format!("tools[{index}]"))? {
            Some(tool) => hosted.push(tool),
            None => functions.push(tool),
        }
    }
    if chat.raw("web_search_options").is_some() {
        hosted.push(("googleSearch", Map::new()));
    }
    let chat = chat.with(|fields| fields.set("tools", &functions))?;
    let generation = Generation::of(target.model);
    let mut declarations = Vec::new();
    for (index, tool) in chat.tools()?.into_iter().enumerate() {
        if let Some(function) = tool.function {
            let sent = tool_names::to_send(&function.name);
            declarations.push(declare(generation, &function, &sent, index)?);
            if sent != function.name {
                notes.tool_names.push((sent, function.name));
            }
        }
    }
    let mixes: bool = chat.get("include_server_side_tool_invocations")?.unwrap_or(false);
    if mixes {
        out.config.insert("includeServerSideToolInvocations".to_owned(), true.into());
    }
    if !declarations.is_empty() {
        out.tools.push(json!({"functionDeclarations": declarations}));
        if !mixes {
            notes.dropped.extend(
                hosted.iter().filter(|(name, _)| SEARCHES.contains(name)).map(|(name, _)| format!("tools.{name}")),
            );
            hosted.retain(|(name, _)| !SEARCHES.contains(name));
        }
    }
    for (name, mut config) in hosted {
        if name == "googleMaps"
            && let Some(place) = take_place(&mut config)
        {
            out.config.insert("retrievalConfig".to_owned(), place);
        }
        let tool = Value::Object(Map::from_iter([(name.to_owned(), config.into())]));
        if !out.tools.contains(&tool) {
            out.tools.push(tool);
        }
    }
    if let Some(choice) = choose(&chat, declarations.is_empty())? {
        out.config.insert("functionCallingConfig".to_owned(), choice);
    }
    Ok(out)
}

/// How many functions `chat` declares, or a rough count where they are not well-formed.
pub(super) fn functions(chat: &ChatRequest) -> usize {
    let count = |name: &str| chat.get::<Vec<Value>>(name).ok().flatten().unwrap_or_default();
    count("tools").iter().filter(|tool| tool.get("function").is_some()).count() + count("functions").len()
}

/// A tool that Google runs, with its settings: `{"googleSearch": {}}` or `{"type": "google_search"}`.
fn read_hosted(tool: &Value, at: &str) -> Result<Option<(&'static str, Map<String, Value>)>> {
    let kind = tool.get("type").and_then(Value::as_str);
    if tool.get("function").is_some() || kind == Some("function") {
        return Ok(None);
    }
    let Some(object) = tool.as_object() else { return Ok(None) };
    for (name, aliases) in HOSTED {
        let key = aliases.iter().find(|alias| object.contains_key(**alias));
        if key.is_some() || kind.is_some_and(|kind| aliases.contains(&kind)) {
            let config = key.or(kind.as_ref()).and_then(|key| object.get(*key)?.as_object());
            return Ok(Some((name, config.cloned().unwrap_or_default())));
        }
    }
    let Some(unknown) = kind.or_else(|| object.keys().next().map(String::as_str)) else { return Ok(None) };
    let known: Vec<&str> = HOSTED.iter().map(|(name, _)| *name).collect();
    let message = format!("`{at}` is no tool of this provider: `{unknown}`; give a function or {}", known.join(", "));
    Err(Error::bad_request(at, message))
}

fn declare(generation: Generation, function: &Function, sent: &str, index: usize) -> Result<Value> {
    let mut out = Map::from_iter([("name".to_owned(), sent.into())]);
    if let Some(description) = &function.description {
        out.insert("description".to_owned(), description.as_str().into());
    }
    // A function without arguments has no schema.
    if let Some(parameters) = function.parameters.as_ref().filter(|schema| takes_arguments(schema)) {
        if generation.takes_json_schema() {
            out.insert("parametersJsonSchema".to_owned(), schema::json_schema(parameters.clone()));
        } else if let Some(schema) = open_api::write(parameters, &format!("tools[{index}].function.parameters"))? {
            out.insert("parameters".to_owned(), schema);
        }
    }
    Ok(out.into())
}

/// Whether a schema says anything about arguments.
fn takes_arguments(schema: &Value) -> bool {
    let Some(schema) = schema.as_object() else { return false };
    schema.iter().any(|(name, value)| match name.as_str() {
        "type" | "title" | "description" | "$schema" | "strict" | "required" | "$defs" | "definitions" => false,
        "additionalProperties" => value.is_object(),
        "properties" => value.as_object().is_some_and(|properties| !properties.is_empty()),
        _ => true,
    })
}

/// `latitude`, `longitude` and `languageCode` of Google Maps, which Google takes beside the tools.
fn take_place(config: &mut Map<String, Value>) -> Option<Value> {
    let mut place = Map::new();
    if let (Some(latitude), Some(longitude)) = (config.remove("latitude"), config.remove("longitude")) {
        place.insert("latLng".to_owned(), json!({"latitude": latitude, "longitude": longitude}));
    }
    for name in ["languageCode", "language_code"] {
        if let Some(language) = config.remove(name) {
            place.insert("languageCode".to_owned(), language);
        }
    }
    (!place.is_empty()).then(|| place.into())
}

/// `functionCallingConfig` (<https://ai.google.dev/api/caching#FunctionCallingConfig>).
fn choose(chat: &ChatRequest, no_functions: bool) -> Result<Option<Value>> {
    let Some(choice) = chat.tool_choice()? else { return Ok(None) };
    if no_functions {
        return match choice {
            ToolChoice::Auto | ToolChoice::None => Ok(None),
            _ => Err(Error::bad_request("tool_choice", "`tool_choice` asks for a call, but `tools` has no function")),
        };
    }
    let names = |names: Vec<&str>| names.into_iter().map(tool_names::to_send).collect::<Vec<_>>();
    Ok(Some(match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Required => json!({"mode": "ANY"}),
        ToolChoice::Function(name) => json!({"mode": "ANY", "allowedFunctionNames": names(vec![&name])}),
        ToolChoice::Other(value) => {
            let Some(allowed) = value.get("allowed_tools").unwrap_or(&value).get("tools").and_then(Value::as_array)
            else {
                let message = "`tool_choice` must be \"auto\", \"none\", \"required\", a function or `allowed_tools`";
                return Err(Error::bad_request("tool_choice", message));
            };
            let name = |tool: &'_ Value| tool.pointer("/function/name").or_else(|| tool.get("name")).cloned();
            let allowed: Vec<Value> = allowed.iter().filter_map(name).collect();
            let required = value.pointer("/allowed_tools/mode").or_else(|| value.get("mode"));
            // Only these two modes take a list of names; `VALIDATED` leaves the model free to answer in words.
            let mode = if required.and_then(Value::as_str) == Some("required") { "ANY" } else { "VALIDATED" };
            json!({"mode": mode, "allowedFunctionNames": names(allowed.iter().filter_map(Value::as_str).collect())})
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;
    use crate::provider::gemini::target_for;

    fn write_for(model: &str, rest: &Value) -> (Result<Tools>, Notes) {
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": "x"}]});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        let chat = ChatRequest::parse(body.to_string().as_bytes()).unwrap();
        let settings = Settings::default();
        let target = target_for(model, &settings);
        let mut notes = Notes::new(&target);
        (write(&target, &chat, &mut notes), notes)
    }

    #[test]
    fn hosted_tools_have_many_names_and_one_meaning() {
        for (given, sent) in [
            (json!({"googleSearch": {}}), json!({"googleSearch": {}})),
            (json!({"type": "web_search"}), json!({"googleSearch": {}})),
            (json!({"url_context": {}}), json!({"urlContext": {}})),
            (json!({"type": "code_interpreter", "container": {"type": "auto"}}), json!({"codeExecution": {}})),
            (json!({"googleMaps": {"enableWidget": true}}), json!({"googleMaps": {"enableWidget": true}})),
        ] {
            assert_eq!(write_for("gemini-2.5-flash", &json!({"tools": [given]})).0.unwrap().tools, [sent]);
        }
        let (refused, _) = write_for("gemini-2.5-flash", &json!({"tools": [{"enterpriseWebSearch": {}}]}));
        assert_eq!(refused.unwrap_err().param(), Some("tools[0]"));
    }

    #[test]
    fn a_place_goes_beside_the_tools() {
        let maps = json!({"tools": [{"googleMaps": {"latitude": 1.5, "longitude": 2, "languageCode": "de"}}]});
        let tools = write_for("gemini-2.5-flash", &maps).0.unwrap();
        assert_eq!(tools.tools, [json!({"googleMaps": {}})]);
        let place = json!({"latLng": {"latitude": 1.5, "longitude": 2}, "languageCode": "de"});
        assert_eq!(tools.config["retrievalConfig"], place);
    }

    #[test]
    fn searches_beside_functions_need_the_clients_word() {
        let function = json!({"type": "function", "function": {"name": "f"}});
        let both = json!({"tools": [{"googleSearch": {}}, function, {"codeExecution": {}}]});
        let (tools, notes) = write_for("gemini-3-pro-preview", &both);
        let functions = json!({"functionDeclarations": [{"name": "f"}]});
        assert_eq!(tools.unwrap().tools, [functions.clone(), json!({"codeExecution": {}})]);
        assert_eq!(notes.dropped, ["tools.googleSearch"]);
        let asked = json!({"tools": both["tools"], "include_server_side_tool_invocations": true});
        let (tools, notes) = write_for("gemini-3-pro-preview", &asked);
        let tools = tools.unwrap();
        assert_eq!(tools.tools, [functions, json!({"googleSearch": {}}), json!({"codeExecution": {}})]);
        assert_eq!(tools.config["includeServerSideToolInvocations"], true);
        assert!(notes.dropped.is_empty());
    }

    #[test]
    fn choices_name_functions_as_they_were_sent() {
        let tools = json!([{"type": "function", "function": {"name": "a/b"}}]);
        let sent = tool_names::to_send("a/b");
        for (choice, config) in [
            (json!("auto"), json!({"mode": "AUTO"})),
            (json!("none"), json!({"mode": "NONE"})),
            (json!("required"), json!({"mode": "ANY"})),
            (
                json!({"type": "function", "function": {"name": "a/b"}}),
                json!({"mode": "ANY", "allowedFunctionNames": [sent]}),
            ),
            (
                json!({"type": "allowed_tools", "allowed_tools": {"mode": "auto",
                    "tools": [{"type": "function", "function": {"name": "a/b"}}]}}),
                json!({"mode": "VALIDATED", "allowedFunctionNames": [sent]}),
            ),
        ] {
            let (written, notes) = write_for("gemini-3-pro", &json!({"tools": tools, "tool_choice": choice}));
            assert_eq!(written.unwrap().config["functionCallingConfig"], config);
            assert_eq!(notes.client_tool_name(&sent), "a/b");
        }
        let none = write_for("gemini-3-pro", &json!({"tool_choice": "required"})).0;
        assert_eq!(none.unwrap_err().param(), Some("tool_choice"));
    }
}
