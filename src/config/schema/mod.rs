//! LiteLLM's known settings as data: where each stands, what it holds, and whether this version acts on it.
//!
//! A setting that begins to act moves to a group with [`ACTS`]. The names are those of LiteLLM 1.106.2.

mod general;
mod litellm;
mod params;
mod router;

use serde_json::Value;

pub(super) use general::GENERAL;
pub(super) use litellm::LITELLM;
pub(super) use params::{MODEL_INFO, PARAMS};
pub(super) use router::{ROOT, ROUTER};

/// What a setting holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One of several types, or a type that is checked where it is read.
    Any,
    /// A string.
    Text,
    /// A number, or one in a string.
    Number,
    /// `true` or `false`.
    Flag,
    /// A list.
    List,
    /// A map.
    Map,
}

impl Kind {
    /// Whether a value is of this kind. `null` and a reference to a variable are of every kind.
    pub(super) fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _) | (_, Value::Null) => true,
            (_, Value::String(text)) if text.starts_with(super::section::ENVIRON) => true,
            (Self::Number, Value::String(text)) => crate::json::number(text).is_some(),
            (Self::Flag, Value::String(text)) => ["true", "false"].contains(&text.to_ascii_lowercase().as_str()),
            (Self::Text, _) => value.is_string(),
            (Self::Number, _) => value.is_number(),
            (Self::Flag, _) => value.is_boolean(),
            (Self::List, _) => value.is_array(),
            (Self::Map, _) => value.is_object(),
        }
    }

    /// In words, with its article.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Text => "a string",
            Self::Number => "a number",
            Self::Flag => "true or false",
            Self::List => "a list",
            Self::Map => "a map",
        }
    }
}

/// Whether this version acts on a setting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    /// It does.
    Acts,
    /// A later version will; what holds meanwhile.
    Later(&'static str),
    /// No version will; why.
    Never(&'static str),
}

/// Settings of one kind and status.
pub(super) struct Group {
    pub(super) status: Status,
    pub(super) kind: Kind,
    /// Their names, parted by spaces: a tenth of what a table with one row a name weighs.
    names: &'static str,
}

impl Group {
    /// The names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.names.split_ascii_whitespace()
    }
}

const fn group(status: Status, kind: Kind, names: &'static str) -> Group {
    Group { status, kind, names }
}

const ACTS: Status = Status::Acts;
const ALERTING: Status = Status::Later("no alerts are sent");
const BUDGETS: Status = Status::Later("this budget is not counted");
const CACHE: Status = Status::Later("answers are not cached");
const ENDPOINTS: Status = Status::Later("there is no such endpoint");
const GUARDRAILS: Status = Status::Later("requests and answers are not screened");
const HEALTH: Status = Status::Later("it has no effect on health checks yet");
const KEYS: Status = Status::Later("it does not act on keys, users or teams yet");
const LIMITS: Status = Status::Later("deployments and the gateway as a whole are not limited");
const LOGGING: Status = Status::Later("nothing is sent to logging services");
const OTHER: Status = Status::Later("it has no effect yet");
/// What holds for every price.
pub(super) const PRICE: Status = ACTS;
const PROVIDERS: Status = Status::Later("it is neither used nor sent upstream");
const TAGS: Status = Status::Later("requests are not routed by tag");
const DATABASE: Status = Status::Never("there is no database and no Redis to set up");
const NETWORK: Status = Status::Never("the platform makes the connections");
const PROCESS: Status = Status::Never("it belongs to LiteLLM's Python process");

/// A setting of a section.
pub(super) fn find(section: &[Group], name: &str) -> Option<(Kind, Status)> {
    let group = section.iter().find(|group| group.names().any(|known| known == name))?;
    Some((group.kind, group.status))
}

/// Every name of a section.
pub(super) fn names(section: &'static [Group]) -> impl Iterator<Item = &'static str> {
    section.iter().flat_map(Group::names)
}

/// Whether a field of `litellm_params` steers the gateway, so that it never goes upstream.
pub(super) fn is_param(name: &str) -> bool {
    is_price(name) || find(PARAMS, name).is_some()
}

/// Whether a field of `litellm_params` or `model_info` is one of LiteLLM's 150 prices (`input_cost_per_token`, …).
pub(super) fn is_price(name: &str) -> bool {
    name.split('_').any(|word| word == "cost")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use serde_json::json;

    use super::*;
    use crate::config::{Severity, check};

    const ALL: &[(&str, &[Group])] = &[
        ("", ROOT),
        ("general_settings", GENERAL),
        ("router_settings", ROUTER),
        ("litellm_settings", LITELLM),
        ("litellm_params", PARAMS),
        ("model_info", MODEL_INFO),
    ];

    /// A value of a kind.
    fn value(name: &str, kind: Kind) -> Value {
        match kind {
            Kind::Text | Kind::Any if name.ends_with("budget_duration") => json!("1d"),
            Kind::Number => json!(1),
            Kind::Any if name.ends_with("max_budget") => json!(1),
            Kind::Any | Kind::Text => json!("text"),
            Kind::Flag => json!(true),
            Kind::List => json!([]),
            Kind::Map => json!({}),
        }
    }

    /// A configuration that holds one setting.
    fn holding(section: &str, name: &str, value: &Value) -> (String, Value) {
        let entry = |params: Value, info: Value| {
            let entry = json!({"model_name": "m", "litellm_params": params, "model_info": info});
            json!({"model_list": [entry]})
        };
        match section {
            "" => (name.to_owned(), json!({name: value})),
            "litellm_params" => {
                let params = json!({"model": "openai/m", name: value});
                (format!("model_list[0].litellm_params.{name}"), entry(params, json!({})))
            }
            "model_info" => {
                let info = entry(json!({"model": "openai/m"}), json!({name: value}));
                (format!("model_list[0].model_info.{name}"), info)
            }
            _ => (format!("{section}.{name}"), json!({section: {name: value}})),
        }
    }

    #[test]
    fn a_setting_stands_in_one_group_of_its_section() {
        for (section, groups) in ALL {
            let mut seen = HashSet::new();
            for name in groups.iter().flat_map(Group::names) {
                assert!(seen.insert(name), "{section}.{name} stands twice");
            }
            assert!(seen.len() > 5, "{section}");
        }
    }

    #[test]
    fn every_setting_that_does_not_act_is_exactly_one_warning() {
        for (section, groups) in ALL {
            for group in groups.iter().filter(|group| group.status != Status::Acts) {
                for name in group.names() {
                    let (path, config) = holding(section, name, &value(name, group.kind));
                    let findings = check(&config.to_string());
                    assert_eq!(findings.len(), 1, "{path}: {findings:?}");
                    assert_eq!((findings[0].severity, &findings[0].path), (Severity::Warning, &path));
                    assert!(findings[0].message.contains(name), "{findings:?}");
                }
            }
        }
    }

    #[test]
    fn a_setting_of_another_type_is_one_error() {
        for (section, groups) in ALL {
            let typed = |group: &&Group| group.status != Status::Acts && group.kind != Kind::Any;
            for group in groups.iter().filter(typed) {
                let wrong = if group.kind == Kind::List { json!({}) } else { json!([]) };
                for name in group.names() {
                    let (path, config) = holding(section, name, &wrong);
                    let findings = check(&config.to_string());
                    assert_eq!(findings.len(), 1, "{path}: {findings:?}");
                    assert_eq!((findings[0].severity, &findings[0].path), (Severity::Error, &path));
                }
            }
        }
    }

    #[test]
    fn prices_steer_and_are_told_by_their_name() {
        assert!(is_param("input_cost_per_token") && is_param("cache_read_input_token_cost_above_200k_tokens"));
        assert!(!is_param("temperature") && !is_param("costume"));
    }
}
