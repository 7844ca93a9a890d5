//! How much a model thinks: the client's effort in the provider's own words, and what a model that thinks refuses.

use serde_json::{Value, json};

use super::super::params::unsupported;
use super::super::{Facts, Notes, Target};
use super::OpenAi;
use crate::error::{Error, Kind, Result};
use crate::openai::Fields;

/// How a provider is told an effort.
#[derive(Clone, Copy, Debug)]
pub enum Effort {
    /// By OpenAI's words.
    Words,
    /// By OpenAI's words but for some: OpenAI's and its own.
    Renamed(&'static [(&'static str, &'static str)]),
    /// Thinking has a switch, `thinking: {"type": …}`, beside the effort
    /// (<https://api-docs.deepseek.com/guides/thinking_mode>).
    Switch,
    /// The same switch by another name, `reasoning: {"enabled": …}`, and `low`, `medium` and `high` alone
    /// (<https://docs.together.ai/docs/inference/chat/reasoning>).
    Enabled,
}

/// Fields of sampling that OpenAI's models refuse while they think (<https://platform.openai.com/docs/guides/latest-model>),
/// and the value that says nothing.
const SAMPLING: &[(&str, f64)] = &[("temperature", 1.0), ("top_p", 1.0), ("top_logprobs", 0.0)];

/// Writes `reasoning_effort` as the provider takes it.
///
/// # Errors
///
/// An effort that the price data says the model has not, without `drop_params`.
pub(super) fn apply(dialect: &OpenAi, target: &Target<'_>, fields: &mut Fields, notes: &mut Notes) -> Result<()> {
    flatten(fields);
    let Ok(Some(word)) = fields.get::<String>("reasoning_effort") else { return Ok(()) };
    if is_refused(dialect, target, &word) {
        if target.settings.drop_params {
            fields.remove("reasoning_effort");
            notes.dropped.push("reasoning_effort".to_owned());
            return Ok(());
        }
        if knows(dialect, target) == Some(false) {
            return Err(unsupported(target.provider, &["reasoning_effort".to_owned()], "reasoning_effort"));
        }
        let message = format!("`{}` has no `reasoning_effort` \"{word}\": give another, or leave it out", target.model);
        return Err(Error::new(Kind::UnsupportedParams, message).with_param("reasoning_effort"));
    }
    match dialect.effort {
        Effort::Words => {}
        Effort::Renamed(words) => rename(fields, words, &word),
        Effort::Switch => {
            if !fields.contains("thinking") {
                let kind = if word == "none" { "disabled" } else { "enabled" };
                fields.set("thinking", &json!({"type": kind}));
            }
            if word == "none" {
                fields.remove("reasoning_effort");
            }
        }
        Effort::Enabled if word == "none" && !fields.contains("reasoning") => {
            fields.set("reasoning", &json!({"enabled": false}));
            fields.remove("reasoning_effort");
        }
        Effort::Enabled => rename(fields, &[("minimal", "low"), ("xhigh", "high"), ("max", "high")], &word),
    }
    Ok(())
}

fn rename(fields: &mut Fields, words: &[(&str, &str)], word: &str) {
    if let Some((_, own)) = words.iter().find(|(name, _)| *name == word) {
        fields.set("reasoning_effort", own);
    }
}

/// OpenAI's rules for its models that reason: the bound of an answer has its newer name, and sampling is the model's own
/// (<https://platform.openai.com/docs/guides/reasoning>). Call it after [`apply`].
///
/// # Errors
///
/// A temperature and the like, without `drop_params`.
pub(super) fn reasoning_model(target: &Target<'_>, fields: &mut Fields, notes: &mut Notes) -> Result<()> {
    if !reasons(target) {
        return Ok(());
    }
    fields.rename("max_tokens", "max_completion_tokens");
    let effort: Option<String> = fields.get("reasoning_effort").ok().flatten();
    // From gpt-5.1 on, a model that does not think takes a temperature.
    if target.facts.sampling_params == Some(true) || effort.as_deref() == Some("none") {
        return Ok(());
    }
    // Some of those think only when they are asked to: which, the price data do not say, so the model's word counts.
    let may_rest = effort.is_none() && target.facts.none_effort == Some(true) && !target.settings.drop_params;
    for (name, idle) in SAMPLING {
        let allowed = target.settings.allowed_openai_params.iter().any(|allowed| allowed == name);
        let value: Option<f64> = fields.get(name)?;
        if allowed || may_rest || value.is_none_or(|value| (value - idle).abs() < f64::EPSILON) {
            continue;
        }
        if target.settings.drop_params {
            fields.remove(name);
            notes.dropped.push((*name).to_owned());
            continue;
        }
        let message = format!(
            "`{name}` must be {idle} for `{}`, which reasons: leave it out, or set `drop_params: true`",
            target.model
        );
        return Err(Error::new(Kind::UnsupportedParams, message).with_param(*name));
    }
    Ok(())
}

/// Writes `{"effort": …, "summary": …}`, the form of OpenAI's other API that LiteLLM takes here too, as the word alone.
fn flatten(fields: &mut Fields) {
    let effort = fields.get::<Fields>("reasoning_effort").ok().flatten();
    if let Some(word) = effort.and_then(|effort| effort.raw("effort").map(ToOwned::to_owned)) {
        fields.set_raw("reasoning_effort", word);
    }
}

/// Whether the price data say that the model has not this effort, or none at all.
fn is_refused(dialect: &OpenAi, target: &Target<'_>, word: &str) -> bool {
    let allowed = target.settings.allowed_openai_params.iter().any(|allowed| allowed == "reasoning_effort");
    !allowed && (knows(dialect, target) == Some(false) || has(&target.facts, word) == Some(false))
}

/// Whether the price data say that a model has an effort; not every model that thinks has a word on each.
pub(in crate::provider) fn has(facts: &Facts, word: &str) -> Option<bool> {
    match word {
        "none" => facts.none_effort,
        "minimal" => facts.minimal_effort,
        "low" => facts.low_effort,
        "xhigh" => facts.xhigh_effort,
        "max" => facts.max_effort,
        _ => None,
    }
}

/// Whether the model takes an effort at all, where that is known: of OpenAI's own models, those that are listed without
/// reasoning refuse it.
fn knows(dialect: &OpenAi, target: &Target<'_>) -> Option<bool> {
    let listed = dialect.openai_models && target.facts != Facts::default();
    if listed { Some(reasons(target)) } else { target.facts.reasoning.filter(|reasons| !reasons) }
}

/// Whether one of OpenAI's models reasons: by the price data, else by its name.
fn reasons(target: &Target<'_>) -> bool {
    let name = target.model.rsplit('/').next().unwrap_or(target.model);
    // The models of ChatGPT and of its search are listed as reasoning, and steer it themselves.
    if name.contains("-chat") || name.contains("-search") {
        return false;
    }
    let o_series = name.strip_prefix('o').and_then(|rest| rest.chars().next()).is_some_and(|c| c.is_ascii_digit());
    target.facts.reasoning.unwrap_or(o_series || name.starts_with("gpt-5"))
}

/// Keeps of `thinking` what a provider with a switch knows: its `type`. Anthropic's budget means nothing to it.
pub(super) fn trim_switch(dialect: &OpenAi, fields: &mut Fields) {
    if !matches!(dialect.effort, Effort::Switch) {
        return;
    }
    let Ok(Some(Value::Object(thinking))) = fields.get("thinking") else { return };
    let kind = match thinking.get("type").and_then(Value::as_str) {
        Some("disabled") => "disabled",
        _ => "enabled",
    };
    fields.set("thinking", &json!({"type": kind}));
}
