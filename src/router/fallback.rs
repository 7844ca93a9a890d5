//! Fallbacks: which model groups come after one that failed.

use serde_json::{Map, Value};

use crate::error::Kind;
use crate::openai::Fields;

/// LiteLLM's `max_fallbacks` where nothing sets it.
const DEFAULT_MOST: u32 = 5;

/// A model group to go to, with the fields that a client's own fallback changes for it.
#[derive(Clone, Debug, Default)]
pub struct Hop {
    /// The model group, or `provider/model`.
    pub model: String,
    /// Fields that replace the request's: `messages`, `temperature`, …
    pub overrides: Fields,
}

impl Hop {
    /// A hop that changes nothing but the model.
    pub fn to(model: &str) -> Self {
        Self { model: model.to_owned(), overrides: Fields::default() }
    }
}

/// The fallbacks that hold for a request.
#[derive(Clone, Debug, Default)]
pub struct Fallbacks {
    /// `disable_fallbacks` of the request.
    pub disabled: bool,
    /// The client's own list: used as it is, instead of the configuration's.
    pub client: Option<Vec<Hop>>,
    /// `fallbacks`: group (or `*`) to groups.
    pub groups: Vec<(String, Vec<String>)>,
    /// `default_fallbacks`.
    pub default: Vec<String>,
    /// `context_window_fallbacks`; `None` where not set.
    pub context_window: Option<Vec<(String, Vec<String>)>>,
    /// `content_policy_fallbacks`; `None` where not set.
    pub content_policy: Option<Vec<(String, Vec<String>)>>,
    /// `max_fallbacks`.
    pub most: Option<u32>,
}

/// The lists of fallbacks that the configuration has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FallbackList {
    /// `fallbacks`.
    General,
    /// `context_window_fallbacks`.
    ContextWindow,
    /// `content_policy_fallbacks`.
    ContentPolicy,
}

impl FallbackList {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::General, Self::ContextWindow, Self::ContentPolicy];

    /// LiteLLM's `fallback_type`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::ContextWindow => "context_window",
            Self::ContentPolicy => "content_policy",
        }
    }

    /// The setting that holds it.
    pub const fn field(self) -> &'static str {
        match self {
            Self::General => "fallbacks",
            Self::ContextWindow => "context_window_fallbacks",
            Self::ContentPolicy => "content_policy_fallbacks",
        }
    }
}

impl Fallbacks {
    /// Takes over what was changed since the configuration was read: by the name of a list and of a model group, the
    /// groups after it, or `null` where those of the configuration are taken away.
    pub fn change(&mut self, changed: &Map<String, Value>) {
        for list in FallbackList::ALL {
            let Some(Value::Object(groups)) = changed.get(list.field()) else { continue };
            for (group, models) in groups {
                let rules = match list {
                    FallbackList::General => &mut self.groups,
                    FallbackList::ContextWindow => self.context_window.get_or_insert_default(),
                    FallbackList::ContentPolicy => self.content_policy.get_or_insert_default(),
                };
                rules.retain(|(other, _)| other != group);
                if let Value::Array(models) = models {
                    let models = models.iter().filter_map(Value::as_str).map(str::to_owned);
                    rules.push((group.clone(), models.collect()));
                }
            }
        }
    }

    fn rules(&self, list: FallbackList) -> &[(String, Vec<String>)] {
        match list {
            FallbackList::General => &self.groups,
            FallbackList::ContextWindow => self.context_window.as_deref().unwrap_or_default(),
            FallbackList::ContentPolicy => self.content_policy.as_deref().unwrap_or_default(),
        }
    }

    /// The groups that a list names for exactly this one.
    pub fn rule(&self, list: FallbackList, group: &str) -> Option<&[String]> {
        self.rules(list).iter().find(|(own, _)| own == group).map(|(_, models)| models.as_slice())
    }

    /// The groups that come after this one by a list, whichever rule says so.
    pub fn listed(&self, list: FallbackList, group: &str) -> Option<&[String]> {
        let default = (list == FallbackList::General).then_some(self.default.as_slice());
        lookup(self.rules(list), group).or(default)
    }

    /// How deep fallbacks of fallbacks may go.
    pub fn most(&self) -> u32 {
        self.most.unwrap_or(DEFAULT_MOST)
    }

    /// Every hop that a request for `model` may come to, whatever fails: for bounds that have to hold for all of them.
    pub fn reachable(&self, model: &str) -> Vec<Hop> {
        if self.disabled {
            return Vec::new();
        }
        if let Some(client) = &self.client {
            return client.clone();
        }
        let mut seen = vec![model.to_owned()];
        let mut next = 0;
        while let Some(model) = seen.get(next).cloned() {
            next += 1;
            let maps = [Some(&self.groups), self.context_window.as_ref(), self.content_policy.as_ref()];
            let listed = maps.into_iter().flatten().filter_map(|map| lookup(map, &model));
            for other in listed.chain([self.default.as_slice()]).flatten() {
                if !seen.contains(other) {
                    seen.push(other.clone());
                }
            }
        }
        seen.iter().skip(1).map(|model| Hop::to(model)).collect()
    }

    /// Where to go when `model` has failed with an error of that kind that falls back, in order.
    ///
    /// The client's list first and alone; else, for a context window or content policy error, its own map where that is
    /// set; else `fallbacks` by exact name, by the name without its provider, by `*`; else `default_fallbacks`.
    pub fn after(&self, model: &str, kind: Kind) -> Vec<Hop> {
        if self.disabled {
            return Vec::new();
        }
        if let Some(client) = &self.client {
            return client.clone();
        }
        let own = match kind {
            Kind::ContextWindowExceeded => &self.context_window,
            Kind::ContentPolicyViolation => &self.content_policy,
            _ => &None,
        };
        let models = match own {
            Some(map) => lookup(map, model).unwrap_or_default(),
            None => lookup(&self.groups, model).unwrap_or(&self.default),
        };
        models.iter().map(|model| Hop::to(model)).collect()
    }
}

fn lookup<'a>(map: &'a [(String, Vec<String>)], model: &str) -> Option<&'a [String]> {
    let bare = |name: &str| name.split_once('/').map_or(name.to_owned(), |(_, rest)| rest.to_owned());
    let exact = |(key, _): &&(String, Vec<String>)| key == model;
    let stripped = |(key, _): &&(String, Vec<String>)| *key == bare(model) || bare(key) == model;
    let found =
        map.iter().find(exact).or_else(|| map.iter().find(stripped)).or_else(|| map.iter().find(|(key, _)| key == "*"));
    found.map(|(_, models)| models.as_slice())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn models(hops: &[Hop]) -> Vec<&str> {
        hops.iter().map(|hop| hop.model.as_str()).collect()
    }

    fn map(entries: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        entries.iter().map(|(key, models)| ((*key).to_owned(), owned(models))).collect()
    }

    #[test]
    fn the_most_exact_entry_counts() {
        let fallbacks = Fallbacks {
            groups: map(&[("gpt-4", &["a"]), ("*", &["star"])]),
            default: vec!["default".to_owned()],
            ..Fallbacks::default()
        };
        let down = Kind::ServiceUnavailable;
        assert_eq!(models(&fallbacks.after("gpt-4", down)), ["a"]);
        assert_eq!(models(&fallbacks.after("openai/gpt-4", down)), ["a"]);
        assert_eq!(models(&fallbacks.after("other", down)), ["star"]);
        let fallbacks = Fallbacks { groups: map(&[("gpt-4", &["a"])]), ..fallbacks };
        assert_eq!(models(&fallbacks.after("other", down)), ["default"]);
    }

    #[test]
    fn a_set_map_for_the_class_of_error_counts_alone() {
        let long = Kind::ContextWindowExceeded;
        let mut fallbacks = Fallbacks { groups: map(&[("m", &["a"])]), ..Fallbacks::default() };
        assert_eq!(models(&fallbacks.after("m", long)), ["a"], "not set: the ordinary ones");
        fallbacks.context_window = Some(map(&[("other", &["b"])]));
        assert!(fallbacks.after("m", long).is_empty(), "set without a match: none");
        fallbacks.context_window = Some(map(&[("m", &["big"])]));
        assert_eq!(models(&fallbacks.after("m", long)), ["big"]);
    }

    #[test]
    fn all_that_can_be_reached_is_known_beforehand() {
        let fallbacks = Fallbacks {
            groups: map(&[("m", &["a"]), ("a", &["m", "b"])]),
            context_window: Some(map(&[("b", &["big"])])),
            default: vec!["d".to_owned()],
            ..Fallbacks::default()
        };
        assert_eq!(models(&fallbacks.reachable("m")), ["a", "d", "b", "big"]);
        assert!(Fallbacks { disabled: true, ..fallbacks }.reachable("m").is_empty());
    }

    #[test]
    fn a_request_may_turn_fallbacks_off() {
        let fallbacks = Fallbacks { default: vec!["d".to_owned()], disabled: true, ..Fallbacks::default() };
        assert!(fallbacks.after("m", Kind::InternalServer).is_empty());
    }
}
