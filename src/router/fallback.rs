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
    /// Other names by which a request came to a group, the nearest one first: those of task routing, and the group of an
    /// alias. Fallbacks that are configured for them act too.
    pub known_as: Vec<(String, String)>,
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
        lookup(self.rules(list), &[group]).or(default)
    }

    /// How deep fallbacks of fallbacks may go.
    pub fn most(&self) -> u32 {
        self.most.unwrap_or(DEFAULT_MOST)
    }

    /// Whether any are set, for whatever group.
    pub(super) fn is_set(&self) -> bool {
        let maps = self.context_window.is_some() || self.content_policy.is_some();
        maps || self.client.is_some() || !self.groups.is_empty() || !self.default.is_empty()
    }

    /// The names of a group: its own first.
    fn names<'a>(&'a self, model: &'a str) -> Vec<&'a str> {
        let others = self.known_as.iter().filter(|(group, _)| group == model).map(|(_, name)| name.as_str());
        std::iter::once(model).chain(others).collect()
    }

    /// Every hop that a request for `model` may come to, whatever fails: for bounds that have to hold for all of them.
    /// `behind` tells the groups that a name stands for.
    pub fn reachable(&self, model: &str, behind: &dyn Fn(&str) -> Vec<String>) -> Vec<Hop> {
        if self.disabled {
            return Vec::new();
        }
        if let Some(client) = &self.client {
            return client.clone();
        }
        let (mut names, mut found) = (vec![model.to_owned()], Vec::new());
        let mut next = 0;
        while let Some(model) = names.get(next).cloned() {
            next += 1;
            let maps = [Some(&self.groups), self.context_window.as_ref(), self.content_policy.as_ref()];
            let own = self.names(&model);
            let listed = maps.into_iter().flatten().filter_map(|map| lookup(map, &own));
            let listed: Vec<&String> = listed.chain([self.default.as_slice()]).flatten().collect();
            found.extend(listed.iter().map(|other| (*other).clone()));
            for other in listed.into_iter().cloned().chain(behind(&model)) {
                if !names.contains(&other) {
                    names.push(other);
                }
            }
        }
        names.iter().skip(1).filter(|name| found.contains(name)).map(|name| Hop::to(name)).collect()
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
            Some(map) => lookup(map, &self.names(model)).unwrap_or_default(),
            None => lookup(&self.groups, &self.names(model)).unwrap_or(&self.default),
        };
        models.iter().map(|model| Hop::to(model)).collect()
    }
}

/// The entry for the first of the names that has one; else that of `*`, which stands behind all of them.
fn lookup<'a>(map: &'a [(String, Vec<String>)], names: &[&str]) -> Option<&'a [String]> {
    let bare = |name: &str| name.split_once('/').map_or(name.to_owned(), |(_, rest)| rest.to_owned());
    let own = |name: &str| {
        let exact = map.iter().find(|(key, _)| key == name);
        exact.or_else(|| map.iter().find(|(key, _)| *key == bare(name) || bare(key) == name))
    };
    let found = names.iter().find_map(|name| own(name)).or_else(|| map.iter().find(|(key, _)| key == "*"));
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
        let alone = |_: &str| Vec::new();
        assert_eq!(models(&fallbacks.reachable("m", &alone)), ["a", "d", "b", "big"]);
        let behind = |name: &str| if name == "d" { vec!["e".to_owned()] } else { Vec::new() };
        let mut wider = fallbacks.clone();
        wider.groups.push(("e".to_owned(), vec!["f".to_owned()]));
        assert_eq!(models(&wider.reachable("m", &behind)), ["a", "d", "b", "big", "f"], "`d` may lead to `e`");
        assert!(Fallbacks { disabled: true, ..fallbacks }.reachable("m", &alone).is_empty());
    }

    #[test]
    fn names_by_which_a_request_came_have_fallbacks_too() {
        let mut fallbacks = Fallbacks {
            groups: map(&[("auto", &["a"]), ("outer", &["o"]), ("*", &["star"])]),
            known_as: vec![("m".to_owned(), "auto".to_owned()), ("m".to_owned(), "outer".to_owned())],
            ..Fallbacks::default()
        };
        let down = Kind::ServiceUnavailable;
        assert_eq!(models(&fallbacks.after("m", down)), ["a"], "the nearest name, before `*`");
        assert_eq!(models(&fallbacks.after("n", down)), ["star"], "another group does not have them");
        assert_eq!(models(&fallbacks.reachable("m", &|_| Vec::new())), ["a", "star"]);
        fallbacks.groups.push(("m".to_owned(), vec!["own".to_owned()]));
        assert_eq!(models(&fallbacks.after("m", down)), ["own"], "its own first");
    }

    #[test]
    fn a_request_may_turn_fallbacks_off() {
        let fallbacks = Fallbacks { default: vec!["d".to_owned()], disabled: true, ..Fallbacks::default() };
        assert!(fallbacks.after("m", Kind::InternalServer).is_empty());
    }
}
