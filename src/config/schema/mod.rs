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
            (Self::Number, Value::String(text)) => text.trim().parse::<f64>().is_ok(),
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
const BUDGETS: Status = Status::Later("money is not counted");
const CACHE: Status = Status::Later("answers are not cached");
const COOLDOWN: Status = Status::Later("deployments do not cool down");
const ENDPOINTS: Status = Status::Later("there is no such endpoint");
const GUARDRAILS: Status = Status::Later("requests and answers are not screened");
const HEALTH: Status = Status::Later("deployments are not checked in the background");
const KEYS: Status = Status::Later("there are no virtual keys, users or teams");
const LIMITS: Status = Status::Later("requests are not limited");
const LOGGING: Status = Status::Later("nothing is sent to logging services");
const OTHER: Status = Status::Later("it has no effect yet");
/// What holds for every price.
pub(super) const PRICE: Status = BUDGETS;
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
