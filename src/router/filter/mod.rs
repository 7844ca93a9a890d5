//! Which deployments of a model group may serve a request, and why the others may not: LiteLLM's filters, in its order.
//!
//! All of it is about facts that stand still while a request runs. What changes (cooldowns, limits) is the plan's.

mod needs;
mod regex;
mod tags;

use std::fmt;

pub use needs::{Need, TOOLS, VISION, WEB_SEARCH, needs, searches};
pub use regex::Regex;
pub(super) use regex::is_word;
pub use tags::{RequestTags, TagRules, Tagged};

use crate::error::{Error, Kind};

/// What the filters look at in a deployment, for one request.
#[derive(Clone, Debug, Default)]
pub struct Facts<'a> {
    /// `model_info.blocked`.
    pub blocked: bool,
    /// It belongs to a team (`model_info.team_id`) that is not the caller's.
    pub foreign: bool,
    /// The caller may call the group through an access group alone, and the deployment is not in it.
    pub outside: bool,
    /// `region_name`.
    pub region: Option<&'a str>,
    /// Tokens of the prompt, and the most that the model takes; `None` where either is not known.
    pub prompt: Option<(u64, u64)>,
    /// What the request needs and the deployment's data say it cannot do.
    pub lacks: Option<Need>,
    /// A field of the request that its dialect does not take.
    pub unsupported: Option<String>,
    /// Its tags.
    pub tagged: Option<&'a Tagged>,
}

/// What the filters look at in a request.
#[derive(Clone, Debug, Default)]
pub struct Asked<'a> {
    /// `allowed_model_region`.
    pub region: Option<&'a str>,
    /// Its tags, and the client.
    pub tags: RequestTags,
}

/// Why a deployment may not serve a request.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfit {
    /// It is blocked.
    Blocked,
    /// It is another team's.
    Team,
    /// It is in none of the access groups by which the caller may call the group.
    AccessGroup,
    /// The prompt is longer than the model takes.
    ContextWindow {
        /// Tokens of the prompt.
        tokens: u64,
        /// The most that the model takes.
        most: u64,
    },
    /// It stands in another region, or nobody knows in which.
    Region(String),
    /// Its model cannot do what the request needs.
    Lacks(Need),
    /// Its dialect does not take a field of the request.
    Unsupported(String),
    /// The tags are not for it.
    Tags,
}

impl Unfit {
    /// A word for it, for programs.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Blocked => "blocked",
            Self::Team => "team",
            Self::AccessGroup => "access_group",
            Self::ContextWindow { .. } => "context_window",
            Self::Region(_) => "region",
            Self::Lacks(need) => need.name,
            Self::Unsupported(_) => "unsupported_params",
            Self::Tags => "tags",
        }
    }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blocked => f.write_str("`model_info.blocked` is set"),
            Self::Team => f.write_str("`model_info.team_id` names another team"),
            Self::AccessGroup => f.write_str("the key's access groups do not hold it"),
            Self::ContextWindow { tokens, most } => write!(f, "the prompt has {tokens} tokens, and it takes {most}"),
            Self::Region(wanted) => write!(f, "its `region_name` is not `{wanted}`"),
            Self::Lacks(need) => write!(f, "its model does not support {}", need.words),
            Self::Unsupported(field) => write!(f, "its provider does not take `{field}`"),
            Self::Tags => f.write_str("the tags of the request are not for it"),
        }
    }
}

/// Why each deployment of a group may not serve a request; `None` where it may.
pub fn filter(rules: &TagRules, group: &[Facts<'_>], asked: &Asked<'_>) -> Vec<Option<Unfit>> {
    let mut verdicts: Vec<Option<Unfit>> = group.iter().map(|facts| unfit(facts, asked)).collect();
    let none = Tagged::default();
    let tagged: Vec<&Tagged> = group.iter().map(|facts| facts.tagged.unwrap_or(&none)).collect();
    let left: Vec<&Tagged> =
        tagged.iter().zip(&verdicts).filter(|(_, verdict)| verdict.is_none()).map(|(tagged, _)| *tagged).collect();
    let by_tags = tags::by_tags(rules, &tagged, &left, &asked.tags);
    for (verdict, kept) in verdicts.iter_mut().filter(|verdict| verdict.is_none()).zip(by_tags) {
        if !kept {
            *verdict = Some(Unfit::Tags);
        }
    }
    verdicts
}

/// What is wrong with one deployment by itself.
fn unfit(facts: &Facts<'_>, asked: &Asked<'_>) -> Option<Unfit> {
    if facts.foreign {
        return Some(Unfit::Team);
    }
    if facts.outside {
        return Some(Unfit::AccessGroup);
    }
    if facts.blocked {
        return Some(Unfit::Blocked);
    }
    if let Some((tokens, most)) = facts.prompt.filter(|(tokens, most)| tokens > most) {
        return Some(Unfit::ContextWindow { tokens, most });
    }
    if let Some(wanted) = asked.region.filter(|wanted| facts.region != Some(wanted)) {
        return Some(Unfit::Region(wanted.to_owned()));
    }
    if let Some(need) = facts.lacks {
        return Some(Unfit::Lacks(need));
    }
    facts.unsupported.clone().map(Unfit::Unsupported)
}

/// What a client is told when `reasons` leave no deployment of `group`. Another model group may be tried, but where the
/// client may not see more than that there is none.
pub fn refusal(group: &str, reasons: &[Unfit], tags: &[String]) -> Error {
    let find = |wanted: fn(&Unfit) -> bool| reasons.iter().find(|reason| wanted(reason));
    let error = |kind, message: String| Error::new(kind, message).for_another_group();
    if let Some(reason) = find(|reason| matches!(reason, Unfit::ContextWindow { .. })) {
        let most = reasons.iter().filter_map(|reason| match reason {
            Unfit::ContextWindow { most, .. } => Some(*most),
            _ => None,
        });
        let most = most.max().unwrap_or_default();
        let Unfit::ContextWindow { tokens, .. } = reason else { return error(Kind::BadRequest, String::new()) };
        let message = format!(
            "the prompt has about {tokens} tokens, and no deployment of `{group}` takes more than {most}: send less, \
             or name a model with a larger context window"
        );
        return error(Kind::ContextWindowExceeded, message).with_param("messages");
    }
    if let Some(Unfit::Lacks(need)) = find(|reason| matches!(reason, Unfit::Lacks(_))) {
        let message = format!("no deployment of `{group}` supports {}: name a model that does", need.words);
        return error(Kind::BadRequest, message).with_param(need.param).with_code("unsupported_capability");
    }
    if let Some(Unfit::Unsupported(field)) = find(|reason| matches!(reason, Unfit::Unsupported(_))) {
        let message = format!("no deployment of `{group}` takes `{field}`: leave it out, or set `drop_params`");
        return error(Kind::UnsupportedParams, message).with_param(field.clone());
    }
    if let Some(Unfit::Region(region)) = find(|reason| matches!(reason, Unfit::Region(_))) {
        let message = format!("no deployment of `{group}` has the `region_name` `{region}`: ask for another region");
        return error(Kind::BadRequest, message).with_param("allowed_model_region");
    }
    if find(|reason| matches!(reason, Unfit::Tags)).is_some() {
        // LiteLLM's words.
        let message =
            format!("Not allowed to access model due to tags configuration. Passed model={group} and tags={tags:?}");
        return error(Kind::Authentication, message).with_code("no_deployments_with_tag_routing");
    }
    if find(|reason| matches!(reason, Unfit::Blocked)).is_some() {
        // LiteLLM's words.
        let message = format!("Model '{group}' is currently paused and cannot accept requests.");
        return error(Kind::ServiceUnavailable, message);
    }
    let message = format!("no deployment of `{group}` is this key's to call");
    Error::new(Kind::PermissionDenied, message).with_param("model")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lacking(need: Need) -> Facts<'static> {
        Facts { lacks: Some(need), ..Facts::default() }
    }

    #[test]
    fn each_reason_takes_a_deployment_out() {
        let good = Facts { region: Some("eu"), prompt: Some((10, 10)), ..Facts::default() };
        let asked = Asked { region: Some("eu"), ..Asked::default() };
        for (rule, facts, name) in [
            ("in order", good.clone(), None),
            ("blocked", Facts { blocked: true, ..good.clone() }, Some("blocked")),
            ("another team's", Facts { foreign: true, blocked: true, ..good.clone() }, Some("team")),
            ("outside of the access groups", Facts { outside: true, ..good.clone() }, Some("access_group")),
            ("one token too many", Facts { prompt: Some((11, 10)), ..good.clone() }, Some("context_window")),
            ("nobody knows the window", Facts { prompt: None, ..good.clone() }, None),
            ("another region", Facts { region: Some("us"), ..good.clone() }, Some("region")),
            ("an unknown region", Facts { region: None, ..good.clone() }, Some("region")),
            ("no images", Facts { lacks: Some(VISION), ..good.clone() }, Some("vision")),
            ("a field", Facts { unsupported: Some("x".to_owned()), ..good.clone() }, Some("unsupported_params")),
        ] {
            let verdicts = filter(&TagRules::default(), &[facts], &asked);
            assert_eq!(verdicts[0].as_ref().map(Unfit::name), name, "{rule}");
        }
    }

    #[test]
    fn tags_choose_among_those_that_are_left() {
        let (own, default) = (
            Tagged { tags: vec!["a".to_owned()], ..Tagged::default() },
            Tagged { tags: vec!["default".to_owned()], ..Tagged::default() },
        );
        let rules = TagRules { enabled: true, ..TagRules::default() };
        let group = [
            Facts { tagged: Some(&own), ..lacking(TOOLS) },
            Facts { tagged: Some(&own), ..Facts::default() },
            Facts { tagged: Some(&default), ..Facts::default() },
        ];
        let tags = RequestTags { all: vec!["a".to_owned()], ..RequestTags::default() };
        let verdicts = filter(&rules, &group, &Asked { tags, ..Asked::default() });
        assert_eq!(verdicts, [Some(Unfit::Lacks(TOOLS)), None, Some(Unfit::Tags)]);
    }

    #[test]
    fn the_reason_that_the_client_can_mend_is_told_first() {
        let long = Unfit::ContextWindow { tokens: 12, most: 10 };
        let longer = Unfit::ContextWindow { tokens: 12, most: 11 };
        let tags = vec!["a".to_owned()];
        for (reasons, status, code, words) in [
            (vec![Unfit::Tags, Unfit::Lacks(VISION), long.clone(), longer], 400, "context_length_exceeded", "than 11"),
            (vec![Unfit::Blocked, Unfit::Lacks(VISION)], 400, "unsupported_capability", "images in the prompt"),
            (vec![Unfit::Unsupported("seed".to_owned())], 400, "unsupported_parameter", "`seed`"),
            (vec![Unfit::Region("eu".to_owned())], 400, "400", "`eu`"),
            (vec![Unfit::Blocked, Unfit::Tags], 401, "no_deployments_with_tag_routing", "tags=[\"a\"]"),
            (vec![Unfit::Blocked, Unfit::Team], 503, "503", "paused"),
        ] {
            let error = refusal("m", &reasons, &tags);
            assert_eq!(
                (error.status(), error.to_json()["error"]["code"].as_str()),
                (status, Some(code)),
                "{reasons:?}"
            );
            assert!(error.message().contains(words), "{error}");
            assert!(error.falls_back() && !error.is_retryable() && !error.cools(), "{error}");
        }
        let foreign = refusal("m", &[Unfit::Team], &[]);
        assert!(foreign.status() == 403 && !foreign.falls_back(), "{foreign}");
    }
}
