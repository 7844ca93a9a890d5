//! Thinking: OpenAI's efforts as Anthropic's budgets or, where the model chooses by itself, as its efforts.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::{Facts, Target, params};

/// The smallest budget that the API takes, in tokens.
const SMALLEST_BUDGET: u64 = 1024;

/// The efforts, from little to much: the budget in tokens of each (LiteLLM's defaults), and Anthropic's own word.
const EFFORTS: &[(&str, u64, &str)] = &[
    ("minimal", 1024, "low"),
    ("low", 1024, "low"),
    ("medium", 2048, "medium"),
    ("high", 4096, "high"),
    ("xhigh", 8192, "xhigh"),
    ("max", 16_384, "max"),
];

/// How a request thinks.
#[derive(Clone, Debug, Default, PartialEq)]
pub(in crate::provider) struct Thinking {
    /// `thinking`.
    pub(in crate::provider) config: Option<Value>,
    /// `output_config.effort`.
    pub(in crate::provider) effort: Option<&'static str>,
}

impl Thinking {
    /// Whether the model thinks before it answers.
    pub(in crate::provider) fn is_on(&self) -> bool {
        matches!(self.kind(), Some("enabled" | "adaptive"))
    }

    /// The budget in tokens, where there is one.
    pub(in crate::provider) fn budget(&self) -> Option<u64> {
        self.config.as_ref()?.get("budget_tokens")?.as_u64()
    }

    /// Whether it thinks within a budget.
    pub(super) fn has_budget(&self) -> bool {
        self.kind() == Some("enabled")
    }

    fn kind(&self) -> Option<&str> {
        self.config.as_ref()?.get("type")?.as_str()
    }
}

/// Reads `thinking` and `reasoning_effort`; the first wins where both are there. `max_tokens` is the client's bound of
/// the answer. What the model cannot do is added to `dropped`.
///
/// # Errors
///
/// An effort that is unknown or that the model has not; thinking on a model that cannot, without `drop_params`.
pub(super) fn read(
    target: &Target<'_>,
    chat: &ChatRequest,
    max_tokens: Option<u64>,
    dropped: &mut Vec<String>,
) -> Result<Thinking> {
    let native = chat.get::<Map<String, Value>>("thinking")?;
    let effort = effort(chat)?;
    let is_asked = |config: &Map<String, Value>| config.get("type").and_then(Value::as_str) != Some("disabled");
    let (name, asked) = match &native {
        Some(config) => ("thinking", is_asked(config)),
        None => ("reasoning_effort", effort.is_some()),
    };
    if asked && target.facts.reasoning == Some(false) {
        if !target.settings.drop_params {
            return Err(params::unsupported(target.provider, &[name.to_owned()], name));
        }
        dropped.push(name.to_owned());
        return Ok(Thinking::default());
    }
    match native {
        Some(config) => native_thinking(&target.facts, config, effort, max_tokens),
        None => effort.map_or_else(|| Ok(Thinking::default()), |effort| by_effort(&target.facts, effort, max_tokens)),
    }
}

/// The index in [`EFFORTS`] of the client's effort; `none` is none.
fn effort(chat: &ChatRequest) -> Result<Option<usize>> {
    let value = match chat.get::<Value>("reasoning_effort")? {
        // The shape of OpenAI's Responses API.
        Some(Value::Object(reasoning)) => reasoning.get("effort").cloned().unwrap_or_default(),
        value => value.unwrap_or_default(),
    };
    match value.as_str() {
        None if value.is_null() => Ok(None),
        Some("none") => Ok(None),
        name => {
            let known = EFFORTS.iter().position(|(effort, ..)| Some(*effort) == name);
            known.map(Some).ok_or_else(|| {
                let names = "\"none\", \"minimal\", \"low\", \"medium\", \"high\", \"xhigh\" or \"max\"";
                Error::bad_request("reasoning_effort", format!("`reasoning_effort` must be {names}, not {value}"))
            })
        }
    }
}

fn by_effort(facts: &Facts, effort: usize, max_tokens: Option<u64>) -> Result<Thinking> {
    if facts.adaptive_thinking == Some(true) {
        // Without a word on it, newer models leave the text of their thinking out.
        let config = json!({"type": "adaptive", "display": "summarized"});
        return Ok(Thinking { config: Some(config), effort: own_effort(facts, effort)? });
    }
    let budget = EFFORTS.get(effort).map_or(SMALLEST_BUDGET, |(_, budget, _)| *budget);
    Ok(Thinking { config: within(budget, max_tokens), effort: None })
}

/// Anthropic's word for an effort.
fn own_effort(facts: &Facts, effort: usize) -> Result<Option<&'static str>> {
    let own = EFFORTS.get(effort).map(|(_, _, own)| *own);
    let known = match own {
        Some("xhigh") => facts.xhigh_effort,
        Some("max") => facts.max_effort,
        _ => None,
    };
    if known == Some(false) {
        let message =
            format!("`reasoning_effort` is too much for this model: `{}`; give \"high\"", own.unwrap_or_default());
        return Err(Error::bad_request("reasoning_effort", message));
    }
    Ok(own)
}

/// A budget below the bound of the answer; `None` where not even the smallest fits.
fn within(budget: u64, max_tokens: Option<u64>) -> Option<Value> {
    let budget = match max_tokens {
        Some(max_tokens) if max_tokens <= SMALLEST_BUDGET => return None,
        Some(max_tokens) => budget.min(max_tokens - 1),
        None => budget,
    };
    Some(json!({"type": "enabled", "budget_tokens": budget}))
}

/// The client's own `thinking`, translated only where the model would refuse its kind.
fn native_thinking(
    facts: &Facts,
    config: Map<String, Value>,
    effort: Option<usize>,
    max_tokens: Option<u64>,
) -> Result<Thinking> {
    let adaptive = facts.adaptive_thinking;
    let kind = config.get("type").and_then(Value::as_str).unwrap_or_default();
    // The models that took the sampling parameters away took budgets away with them.
    let without_budgets = facts.thinking_always_on == Some(true) || facts.sampling_params == Some(false);
    match kind {
        "adaptive" if adaptive == Some(false) => {
            let medium = EFFORTS.iter().position(|(name, ..)| *name == "medium").unwrap_or_default();
            by_effort(facts, effort.unwrap_or(medium), max_tokens)
        }
        "enabled" if adaptive == Some(true) && without_budgets => {
            let budget = config.get("budget_tokens").and_then(Value::as_u64).unwrap_or_default();
            let mut config = config;
            config.remove("budget_tokens");
            config.insert("type".to_owned(), "adaptive".into());
            let own = match effort {
                Some(effort) => own_effort(facts, effort)?,
                None => Some(effort_of(budget)),
            };
            Ok(Thinking { config: Some(Value::Object(config)), effort: own })
        }
        "disabled" if facts.thinking_always_on == Some(true) => Ok(Thinking::default()),
        _ => {
            let own = match effort {
                Some(effort) if adaptive == Some(true) => own_effort(facts, effort)?,
                _ => None,
            };
            Ok(Thinking { config: Some(Value::Object(config)), effort: own })
        }
    }
}

/// The effort that comes nearest to a budget in tokens; never more than `high`, which every model has.
fn effort_of(budget: u64) -> &'static str {
    match budget {
        0..2048 => "low",
        2048..4096 => "medium",
        _ => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;
    use crate::provider::Settings;

    fn think(fields: &str, facts: Facts) -> Result<Thinking> {
        let body = format!(r#"{{"model":"m","messages":[{{"role":"user","content":"x"}}],{fields}}}"#);
        let chat = ChatRequest::parse(body.as_bytes()).unwrap();
        let settings = Settings::default();
        let target = Target { facts, ..Target::of_test("anthropic", &settings) };
        read(&target, &chat, chat.max_output_tokens().unwrap(), &mut Vec::new())
    }

    const ADAPTIVE: Facts = Facts {
        adaptive_thinking: Some(true),
        max_output_tokens: None,
        native_json_schema: None,
        reasoning: None,
        sampling_params: None,
        forced_tool_use: None,
        mid_conversation_system: None,
        thinking_always_on: None,
        minimal_effort: None,
        low_effort: None,
        none_effort: None,
        xhigh_effort: Some(false),
        max_effort: None,
        system_messages: None,
    };

    #[test]
    fn efforts_are_budgets_below_the_bound_of_the_answer() {
        for (fields, budget) in [
            (r#""reasoning_effort":"minimal""#, Some(1024)),
            (r#""reasoning_effort":"low""#, Some(1024)),
            (r#""reasoning_effort":{"effort":"medium","summary":"auto"}"#, Some(2048)),
            (r#""reasoning_effort":"high""#, Some(4096)),
            (r#""reasoning_effort":"xhigh""#, Some(8192)),
            (r#""reasoning_effort":"max""#, Some(16_384)),
            (r#""reasoning_effort":"max","max_tokens":3000"#, Some(2999)),
            (r#""reasoning_effort":"low","max_tokens":1024"#, None),
            (r#""reasoning_effort":"none""#, None),
            (r#""thinking":{"type":"enabled","budget_tokens":5000},"max_tokens":6000"#, Some(5000)),
        ] {
            assert_eq!(think(fields, Facts::default()).unwrap().budget(), budget, "{fields}");
        }
    }

    #[test]
    fn a_model_that_chooses_its_budget_gets_the_effort() {
        let thinking = think(r#""reasoning_effort":"minimal""#, ADAPTIVE).unwrap();
        assert_eq!(thinking.effort, Some("low"));
        assert_eq!(thinking.config, Some(json!({"type": "adaptive", "display": "summarized"})));
        assert_eq!(think(r#""reasoning_effort":"max""#, ADAPTIVE).unwrap().effort, Some("max"));
    }

    #[test]
    fn an_effort_that_is_none_or_too_much_is_the_clients_mistake() {
        for (fields, facts) in [
            (r#""reasoning_effort":"hard""#, Facts::default()),
            (r#""reasoning_effort":3"#, Facts::default()),
            (r#""reasoning_effort":"xhigh""#, ADAPTIVE),
        ] {
            let error = think(fields, facts).unwrap_err();
            assert_eq!((error.kind(), error.param()), (Kind::BadRequest, Some("reasoning_effort")), "{fields}");
        }
        let facts = Facts { reasoning: Some(false), ..Facts::default() };
        assert_eq!(think(r#""reasoning_effort":"low""#, facts).unwrap_err().kind(), Kind::UnsupportedParams);
        assert_eq!(think(r#""reasoning_effort":"none""#, facts).unwrap(), Thinking::default());
    }

    #[test]
    fn the_clients_own_thinking_is_translated_only_where_the_model_refuses_it() {
        let old = Facts { adaptive_thinking: Some(false), ..Facts::default() };
        assert_eq!(think(r#""thinking":{"type":"adaptive"}"#, old).unwrap().budget(), Some(2048));
        let new = Facts { thinking_always_on: Some(true), ..ADAPTIVE };
        let thinking = think(r#""thinking":{"type":"enabled","budget_tokens":9000}"#, new).unwrap();
        assert_eq!((thinking.config, thinking.effort), (Some(json!({"type": "adaptive"})), Some("high")));
        assert_eq!(think(r#""thinking":{"type":"disabled"}"#, new).unwrap(), Thinking::default());
        let between = think(r#""thinking":{"type":"enabled","budget_tokens":9000}"#, ADAPTIVE).unwrap();
        assert_eq!(between.budget(), Some(9000));
    }
}
