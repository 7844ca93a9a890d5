//! How much a model thinks: budgets up to Gemini 2.5, levels from Gemini 3 on.
//!
//! <https://ai.google.dev/gemini-api/docs/thinking>; the budgets of the efforts are LiteLLM's.

use serde_json::{Map, Value, json};

use super::generation::Generation;
use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::Target;

/// Fields that steer thinking.
pub(super) const FIELDS: &[&str] =
    &["reasoning_effort", "thinking", "thinking_config", "thinkingConfig", "thinking_level"];

/// The lowest budget of Gemini 2.5 Pro, which cannot stop thinking.
const PRO_MINIMUM: u64 = 128;

/// The `thinkingConfig` that `chat` asks for, if it asks.
///
/// # Errors
///
/// An unknown effort, or two fields that contradict each other.
pub(super) fn config(target: &Target<'_>, chat: &ChatRequest) -> Result<Option<Value>> {
    let mut given = FIELDS.iter().filter(|name| chat.raw(name).is_some());
    let (Some(name), other) = (given.next(), given.next()) else { return Ok(None) };
    if let Some(other) = other {
        let message = format!("`{name}` and `{other}` both say how much to think: give one of them");
        return Err(Error::bad_request(other, message));
    }
    let model = Model::of(target.model, target.facts.minimal_effort);
    let value: Value = chat.get(name)?.unwrap_or_default();
    match *name {
        "reasoning_effort" => model.effort(&value).map(Some),
        "thinking" => model.thinking(&value).map(Some),
        "thinking_level" => Ok(Some(json!({"thinkingLevel": value, "includeThoughts": true}))),
        _ => Ok(Some(value)),
    }
}

/// Whether the target's model does not think, and takes none of [`FIELDS`].
pub(super) fn is_unsupported(target: &Target<'_>) -> bool {
    let thinks = || Generation::of(target.model).thinks() || target.model.contains("thinking");
    !target.facts.reasoning.unwrap_or_else(thinks)
}

struct Model<'a> {
    name: &'a str,
    generation: Generation,
    /// Whether it has the level `minimal`.
    has_minimal: bool,
}

impl<'a> Model<'a> {
    /// A model; `minimal` is whether it is known to have that level.
    fn of(name: &'a str, minimal: Option<bool>) -> Self {
        let generation = Generation::of(name);
        let has_minimal = minimal.unwrap_or_else(|| generation.has_minimal_flash() && name.contains("flash"));
        Self { name, generation, has_minimal }
    }

    /// `reasoning_effort`: a word, or the object of OpenAI's Responses API.
    fn effort(&self, value: &Value) -> Result<Value> {
        let effort = value.as_str().or_else(|| value.get("effort")?.as_str()).unwrap_or_default();
        let budget = match effort {
            "none" | "disable" => return Ok(self.off()),
            "minimal" => self.lowest_budget(),
            "low" => 1024,
            "medium" => 2048,
            "high" => 4096,
            _ => {
                let given = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let known = "\"none\", \"minimal\", \"low\", \"medium\" or \"high\"";
                let message = format!("`reasoning_effort` must be {known} for this provider: {given}");
                return Err(Error::bad_request("reasoning_effort", message));
            }
        };
        Ok(if self.generation.is_three() {
            let level = if effort == "minimal" { self.lowest_level() } else { effort };
            json!({"thinkingLevel": level, "includeThoughts": true})
        } else {
            json!({"thinkingBudget": budget, "includeThoughts": true})
        })
    }

    /// `thinking` in Anthropic's shape.
    fn thinking(&self, value: &Value) -> Result<Value> {
        let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
        if !matches!(kind, "enabled" | "adaptive" | "disabled") {
            let message = "`thinking.type` must be \"enabled\", \"adaptive\" or \"disabled\"";
            return Err(Error::bad_request("thinking.type", message));
        }
        let budget = match value.get("budget_tokens").filter(|budget| !budget.is_null()) {
            None => None,
            Some(budget) => Some(budget.as_i64().ok_or_else(|| {
                let message = "`thinking.budget_tokens` must be a whole number of tokens";
                Error::bad_request("thinking.budget_tokens", message)
            })?),
        };
        if kind == "disabled" || budget == Some(0) {
            return Ok(self.off());
        }
        let mut config = Map::from_iter([("includeThoughts".to_owned(), true.into())]);
        // Gemini 3 has levels and no budget: it decides by itself.
        if let Some(budget) = budget.filter(|_| !self.generation.is_three()) {
            config.insert("thinkingBudget".to_owned(), budget.into());
        }
        Ok(config.into())
    }

    /// As little thinking as the model can do, and none of it shown.
    fn off(&self) -> Value {
        if self.generation.is_three() {
            json!({"thinkingLevel": self.lowest_level(), "includeThoughts": false})
        } else {
            let budget = if self.is_pro() { PRO_MINIMUM } else { 0 };
            json!({"thinkingBudget": budget, "includeThoughts": false})
        }
    }

    fn is_pro(&self) -> bool {
        self.name.starts_with("gemini-2.5-pro")
    }

    fn lowest_level(&self) -> &'static str {
        if self.has_minimal { "minimal" } else { "low" }
    }

    fn lowest_budget(&self) -> u64 {
        match self.name {
            name if name.starts_with("gemini-2.5-flash-lite") => 512,
            name if name.starts_with("gemini-2.5-flash") => 1,
            _ => PRO_MINIMUM,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn model(name: &str) -> Model<'_> {
        Model::of(name, None)
    }

    #[test]
    fn efforts_are_budgets_up_to_2_5_and_levels_from_3_on() {
        for (name, effort, config) in [
            ("gemini-2.5-flash", "minimal", json!({"thinkingBudget": 1, "includeThoughts": true})),
            ("gemini-2.5-flash-lite", "minimal", json!({"thinkingBudget": 512, "includeThoughts": true})),
            ("gemini-2.5-pro", "minimal", json!({"thinkingBudget": 128, "includeThoughts": true})),
            ("gemini-2.5-pro", "none", json!({"thinkingBudget": 128, "includeThoughts": false})),
            ("gemini-2.5-flash", "low", json!({"thinkingBudget": 1024, "includeThoughts": true})),
            ("gemini-2.5-flash", "medium", json!({"thinkingBudget": 2048, "includeThoughts": true})),
            ("gemini-2.5-flash", "high", json!({"thinkingBudget": 4096, "includeThoughts": true})),
            ("gemini-2.5-flash", "none", json!({"thinkingBudget": 0, "includeThoughts": false})),
            ("gemini-3-pro-preview", "minimal", json!({"thinkingLevel": "low", "includeThoughts": true})),
            ("gemini-3-pro-preview", "none", json!({"thinkingLevel": "low", "includeThoughts": false})),
            ("gemini-3.5-flash", "minimal", json!({"thinkingLevel": "minimal", "includeThoughts": true})),
            ("gemini-3.8-flash", "minimal", json!({"thinkingLevel": "low", "includeThoughts": true})),
            ("gemini-flash-latest", "none", json!({"thinkingLevel": "low", "includeThoughts": false})),
            ("gemini-3.5-flash", "medium", json!({"thinkingLevel": "medium", "includeThoughts": true})),
            ("gemini-3.5-flash", "disable", json!({"thinkingLevel": "minimal", "includeThoughts": false})),
        ] {
            assert_eq!(model(name).effort(&json!(effort)).unwrap(), config, "{name} {effort}");
        }
        assert_eq!(
            model("gemini-2.5-pro").effort(&json!({"effort": "high"})).unwrap()["thinkingBudget"],
            4096,
            "the object of the Responses API"
        );
        let known = Model::of("gemini-4-flash", Some(true)).effort(&json!("minimal")).unwrap();
        assert_eq!(known["thinkingLevel"], "minimal", "what is known of a model comes before its name");
        for odd in [json!("xhigh"), json!(3), json!({})] {
            assert_eq!(model("gemini-3-pro").effort(&odd).unwrap_err().param(), Some("reasoning_effort"), "{odd}");
        }
    }

    #[test]
    fn a_budget_goes_to_models_that_have_one() {
        let thinking = json!({"type": "enabled", "budget_tokens": 3000});
        let config = |name: &str, thinking: &Value| model(name).thinking(thinking).unwrap();
        assert_eq!(config("gemini-2.5-flash", &thinking), json!({"includeThoughts": true, "thinkingBudget": 3000}));
        assert_eq!(config("gemini-3-flash", &thinking), json!({"includeThoughts": true}));
        let off = json!({"type": "disabled"});
        assert_eq!(config("gemini-2.5-flash", &off), json!({"thinkingBudget": 0, "includeThoughts": false}));
        let zero = json!({"type": "enabled", "budget_tokens": 0});
        assert_eq!(config("gemini-2.5-flash", &zero), json!({"thinkingBudget": 0, "includeThoughts": false}));
        assert_eq!(model("gemini-3-flash").thinking(&json!({})).unwrap_err().param(), Some("thinking.type"));
        let odd = json!({"type": "enabled", "budget_tokens": "many"});
        assert_eq!(model("gemini-2.5-flash").thinking(&odd).unwrap_err().param(), Some("thinking.budget_tokens"));
    }
}
