//! Which tool the model shall call, and whether several at once.

use serde_json::{Map, Value, json};

use super::names::Names;
use super::response_format::JSON_TOOL;
use crate::error::Result;
use crate::openai::ToolChoice;
use crate::provider::{Target, params};

/// What bears on the choice of a tool.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wish<'a> {
    /// `tool_choice`.
    pub(super) choice: Option<&'a ToolChoice>,
    /// `parallel_tool_calls`.
    pub(super) parallel: Option<bool>,
    /// Whether a tool stands for the answer's format.
    pub(super) json_tool: bool,
    /// Whether there are tools of the client's besides.
    pub(super) other_tools: bool,
    /// Whether the model thinks: it refuses to be forced then.
    pub(super) thinks: bool,
}

/// Writes `tool_choice`; `None` where nothing is asked. A choice that has no counterpart is added to `dropped`.
///
/// # Errors
///
/// A choice that Anthropic has not, without `drop_params`.
pub(super) fn write(
    target: &Target<'_>,
    wish: Wish<'_>,
    names: &Names,
    dropped: &mut Vec<String>,
) -> Result<Option<Value>> {
    let can_force = target.facts.forced_tool_use != Some(false);
    let mut choice = match wish.choice {
        None => None,
        Some(ToolChoice::Auto) => Some(kind("auto")),
        Some(ToolChoice::None) => Some(kind("none")),
        Some(ToolChoice::Required) => Some(kind("any")),
        Some(ToolChoice::Function(name)) => Some(object(json!({"type": "tool", "name": names.sent(name)}))),
        Some(ToolChoice::Other(value)) => match value.get("type").and_then(Value::as_str) {
            Some(own @ ("auto" | "any" | "none")) => Some(kind(own)),
            Some("required") => Some(kind("any")),
            _ if target.settings.drop_params => {
                dropped.push("tool_choice".to_owned());
                None
            }
            _ => return Err(params::unsupported(target.provider, &["tool_choice".to_owned()], "tool_choice")),
        },
    };
    if wish.json_tool {
        choice = for_json(choice, wish, can_force);
    } else if !can_force && is_forced(choice.as_ref()) {
        choice = Some(kind("auto"));
    }
    if let Some(parallel) = wish.parallel {
        let choice = choice.get_or_insert_with(|| kind("auto"));
        if choice.get("type").and_then(Value::as_str) != Some("none") {
            choice.insert("disable_parallel_tool_use".to_owned(), (!parallel).into());
        }
    }
    Ok(choice.map(Value::Object))
}

/// The choice where a tool stands for the answer: it is forced where it is alone, and some tool where the client has
/// its own, so that these can still be called.
fn for_json(choice: Option<Map<String, Value>>, wish: Wish<'_>, can_force: bool) -> Option<Map<String, Value>> {
    if wish.thinks || !can_force {
        return choice.filter(|choice| !is_forced(Some(choice)) && !is_none(choice));
    }
    match choice {
        Some(choice) if is_forced(Some(&choice)) => Some(choice),
        Some(choice) if is_none(&choice) => Some(object(json!({"type": "tool", "name": JSON_TOOL}))),
        _ if wish.other_tools => Some(kind("any")),
        _ => Some(object(json!({"type": "tool", "name": JSON_TOOL}))),
    }
}

fn is_forced(choice: Option<&Map<String, Value>>) -> bool {
    matches!(choice.and_then(|choice| choice.get("type")).and_then(Value::as_str), Some("any" | "tool"))
}

fn is_none(choice: &Map<String, Value>) -> bool {
    choice.get("type").and_then(Value::as_str) == Some("none")
}

fn kind(name: &str) -> Map<String, Value> {
    object(json!({"type": name}))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Facts, Settings};

    fn choose(choice: Option<&ToolChoice>, forced: Option<bool>, edit: impl FnOnce(&mut Wish<'_>)) -> Option<Value> {
        let settings = Settings::default();
        let target = Target {
            facts: Facts { forced_tool_use: forced, ..Facts::default() },
            ..Target::of_test("anthropic", &settings)
        };
        let mut wish = Wish { choice, parallel: None, json_tool: false, other_tools: true, thinks: false };
        edit(&mut wish);
        write(&target, wish, &Names::default(), &mut Vec::new()).unwrap()
    }

    #[test]
    fn parallel_calls_are_said_beside_the_choice() {
        let one = |wish: &mut Wish<'_>| wish.parallel = Some(false);
        assert_eq!(choose(None, None, one), Some(json!({"type": "auto", "disable_parallel_tool_use": true})));
        assert_eq!(
            choose(Some(&ToolChoice::Required), None, one),
            Some(json!({"type": "any", "disable_parallel_tool_use": true}))
        );
        assert_eq!(choose(Some(&ToolChoice::None), None, one), Some(json!({"type": "none"})));
        assert_eq!(choose(None, None, |_| ()), None);
    }

    #[test]
    fn a_model_that_cannot_be_forced_chooses_by_itself() {
        assert_eq!(choose(Some(&ToolChoice::Required), Some(false), |_| ()), Some(json!({"type": "auto"})));
        assert_eq!(
            choose(Some(&ToolChoice::Function("f".to_owned())), Some(false), |_| ()),
            Some(json!({"type": "auto"}))
        );
    }

    #[test]
    fn the_tool_for_json_leaves_room_for_the_clients_own() {
        let json = |wish: &mut Wish<'_>| wish.json_tool = true;
        let alone = |wish: &mut Wish<'_>| (wish.json_tool, wish.other_tools) = (true, false);
        let thinking = |wish: &mut Wish<'_>| (wish.json_tool, wish.thinks) = (true, true);
        let forced = Some(json!({"type": "tool", "name": JSON_TOOL}));
        assert_eq!(choose(None, None, alone), forced);
        assert_eq!(choose(None, None, json), Some(json!({"type": "any"})));
        assert_eq!(choose(Some(&ToolChoice::None), None, json), forced);
        assert_eq!(choose(None, None, thinking), None);
        assert_eq!(choose(None, Some(false), json), None);
    }
}
