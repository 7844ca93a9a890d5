//! What of an entry of `model_list` decides whom it serves: tags, region, team, and whether it is blocked.

use serde_json::{Map, Value};

use super::section::Section;
use crate::router::filter::{Regex, Tagged};

/// Whom a deployment serves.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gate {
    /// `tags`, `tag_regex`, and what `model_info` says of them.
    pub tagged: Tagged,
    /// `region_name`.
    pub region: Option<String>,
    /// `model_info.blocked`.
    pub blocked: bool,
    /// `model_info.team_id`: the team whose keys alone may call it.
    pub team: Option<String>,
    /// `model_info.team_public_model_name`: what that team calls it by.
    pub public_name: Option<String>,
}

/// Whose requests are answered: team deployments are for their team alone, and for the master key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// The master key's.
    Everybodys,
    /// A key's, with its team.
    Key(Option<&'a str>),
}

impl Gate {
    /// Whether the deployment is there at all for `whose` requests.
    pub(super) fn opens(&self, whose: Whose<'_>) -> bool {
        match (whose, &self.team) {
            (Whose::Everybodys, _) | (_, None) => true,
            (Whose::Key(team), Some(own)) => team == Some(own),
        }
    }

    /// Whether a team calls it by `name`.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.team.is_some() && self.public_name.as_deref() == Some(name)
    }
}

/// Reads what `litellm_params` and `model_info` say.
pub(super) fn read(params: &Section<'_>, model_info: &Map<String, Value>) -> Gate {
    let mut regex = Vec::new();
    for (i, pattern) in params.strings("tag_regex").iter().enumerate() {
        match Regex::new(pattern) {
            Ok(pattern) => regex.push(pattern),
            Err(reason) => params.error(&format!("tag_regex[{i}]"), format!("the pattern cannot be read: {reason}")),
        }
    }
    let flag = |name: &str| model_info.get(name).and_then(Value::as_bool);
    let text = |name: &str| model_info.get(name).and_then(Value::as_str).map(str::to_owned);
    Gate {
        tagged: Tagged {
            tags: params.strings("tags"),
            regex,
            enabled: flag("enable_tag_filtering"),
            fail_open: flag("allow_fail_open").unwrap_or_default(),
        },
        region: params.string("region_name"),
        blocked: flag("blocked").unwrap_or_default(),
        team: text("team_id"),
        public_name: text("team_public_model_name"),
    }
}
