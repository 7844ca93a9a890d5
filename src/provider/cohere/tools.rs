//! Tools, and the choice among them: Cohere knows a forced call, but not of which function.

use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::openai::{ChatRequest, ToolChoice};

/// What a request says of tools.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) declared: Vec<Value>,
    /// `tool_choice` in Cohere's words; `None` leaves the model free.
    pub(super) choice: Option<&'static str>,
    /// Whether every function is strict: Cohere has one word for all.
    pub(super) strict: bool,
}

/// Writes the tools of `chat`. A choice of one function is a forced call with no other function to be had.
///
/// # Errors
///
/// A tool that is no function, or a choice that Cohere cannot express.
pub(super) fn write(chat: &ChatRequest) -> Result<Tools> {
    let mut out = Tools { strict: true, ..Tools::default() };
    let choice = chat.tool_choice()?;
    for (index, tool) in chat.tools()?.into_iter().enumerate() {
        let Some(function) = tool.function else {
            let at = format!("tools[{index}]");
            let message = format!("`{at}` is no tool of this provider: `{}`; give a function", tool.kind);
            return Err(Error::bad_request(&at, message));
        };
        if matches!(&choice, Some(ToolChoice::Function(name)) if *name != function.name) {
            continue;
        }
        out.strict &= function.strict == Some(true);
        let parameters = function.parameters.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
        let mut sent = json!({"name": function.name, "parameters": parameters});
        if let (Some(description), Some(sent)) = (function.description, sent.as_object_mut()) {
            sent.insert("description".to_owned(), description.into());
        }
        out.declared.push(json!({"type": "function", "function": sent}));
    }
    out.strict &= !out.declared.is_empty();
    out.choice = match choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => (!out.declared.is_empty()).then_some("NONE"),
        Some(ToolChoice::Required | ToolChoice::Function(_)) if out.declared.is_empty() => {
            let message = "`tool_choice` asks for a call of a function that `tools` does not have";
            return Err(Error::bad_request("tool_choice", message));
        }
        Some(ToolChoice::Required | ToolChoice::Function(_)) => Some("REQUIRED"),
        Some(ToolChoice::Other(_)) => {
            let message = "`tool_choice` must be \"auto\", \"none\", \"required\" or a function for this provider";
            return Err(Error::bad_request("tool_choice", message));
        }
    };
    Ok(out)
}
