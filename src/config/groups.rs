//! From the model that a client asks for to the deployments that may serve it.

use std::rc::Rc;

use super::providers::{ANY, Place, place};
use super::{Config, Deployment, pattern, suggest};
use crate::provider::{Settings, Vendor};

/// A deployment that may serve a request.
#[derive(Clone, Debug)]
pub struct Match {
    /// The deployment. One that the configuration does not hold has the requested model as its group.
    pub deployment: Rc<Deployment>,
    /// Its provider: never missing, even where the requested model had to name it.
    pub provider: Vendor,
    /// The model as the upstream names it, every `*` filled.
    pub model: String,
}

impl Config {
    /// The deployments that may serve `model`, in the order of the configuration; empty where there is none.
    ///
    /// The first of these that knows the model decides, as in LiteLLM's router: a deployment's id, an alias (which
    /// stands for its group from there on), a group, a wildcard group (the most specific one, `*` last), a
    /// `litellm_params.model` as it is written, and a `provider/model` that the configuration does not name. A bare
    /// name that nothing lists is not guessed: it is most often a slip. Deployments whose provider this version does
    /// not speak are left out: see [`Config::waiting_for`].
    pub fn deployments_for(&self, model: &str) -> Vec<Match> {
        let (group, found) = self.find(model);
        if !found.is_empty() {
            return found.into_iter().filter_map(|(deployment, model)| self.matched(deployment, &model)).collect();
        }
        if !group.contains('/') {
            return Vec::new();
        }
        let Place::Known(provider, upstream) = self.place(group, None) else { return Vec::new() };
        if upstream.is_empty() || upstream.contains(ANY) {
            return Vec::new();
        }
        let deployment = self.unlisted(group, &provider, upstream);
        vec![Match { deployment: Rc::new(deployment), provider, model: upstream.to_owned() }]
    }

    /// The provider that `model` waits for: everything that could serve it names providers which this version does not
    /// speak yet. `None` where the model can be served, and where nobody knows it.
    pub fn waiting_for(&self, model: &str) -> Option<String> {
        let (group, found) = self.find(model);
        let waiting = |place| match place {
            Place::Waiting(provider, _) => Some(provider.to_owned()),
            _ => None,
        };
        if found.is_empty() {
            return group.contains('/').then(|| waiting(self.place(group, None))).flatten();
        }
        if found.iter().any(|(deployment, model)| self.matched(deployment, model).is_some()) {
            return None;
        }
        found.iter().find_map(|(deployment, model)| {
            let named = || Some(deployment.provider_name.clone());
            if deployment.is_spoken() { waiting(self.wild_place(deployment, model)) } else { named() }
        })
    }

    /// Names of groups and aliases that are spelled nearly like `model`, nearest first.
    pub fn near_names(&self, model: &str) -> Vec<String> {
        suggest::near(model, self.model_ids().into_iter()).into_iter().map(str::to_owned).collect()
    }

    /// What `/v1/models` lists: every group that can be served, once and in order, then every alias that is not hidden.
    /// Wildcards are left out.
    pub fn model_ids(&self) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        let served = self.deployments.iter().filter(|deployment| deployment.is_spoken());
        let groups = served.map(|deployment| deployment.model_name.as_str()).filter(|group| !group.contains(ANY));
        let aliases = self.router.aliases.iter().filter(|alias| !alias.hidden).map(|alias| alias.name.as_str());
        for id in groups.chain(aliases) {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    /// What an alias stands for; any other name stands for itself.
    pub fn group_of<'a>(&'a self, model: &'a str) -> &'a str {
        let alias = self.router.aliases.iter().find(|alias| alias.name == model);
        alias.map_or(model, |alias| alias.model.as_str())
    }

    fn group<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Rc<Deployment>> {
        self.deployments.iter().filter(move |deployment| deployment.model_name == name)
    }

    /// The configured deployments for `model` with the upstream model of each, and what `model` stands for.
    fn find<'a>(&'a self, model: &'a str) -> (&'a str, Vec<(&'a Rc<Deployment>, String)>) {
        let plain = |deployment: &'a Rc<Deployment>| (deployment, deployment.model.clone());
        if self.group(model).next().is_none()
            && let Some(deployment) = self.deployments.iter().find(|deployment| deployment.id == model)
        {
            return (model, vec![plain(deployment)]);
        }
        let group = self.group_of(model);
        let exact: Vec<_> = self.group(group).filter(|_| !group.contains(ANY)).map(plain).collect();
        if !exact.is_empty() {
            return (group, exact);
        }
        let mut wild = self.wild(group);
        if wild.is_empty()
            && !group.contains('/')
            && let Place::Known(vendor, upstream) = self.place(group, None)
        {
            wild = self.wild(&format!("{}/{upstream}", vendor.name()));
        }
        if !wild.is_empty() {
            return (group, wild);
        }
        (group, self.deployments.iter().filter(|deployment| deployment.written == group).map(plain).collect())
    }

    /// The deployments of the most specific wildcard group that `model` fits, with the upstream model of each.
    fn wild(&self, model: &str) -> Vec<(&Rc<Deployment>, String)> {
        let mut best: Option<(&str, (usize, usize))> = None;
        for deployment in self.deployments.iter().filter(|deployment| deployment.model_name.contains(ANY)) {
            let (name, weight) = (deployment.model_name.as_str(), pattern::specificity(&deployment.model_name));
            if best.is_none_or(|(_, heaviest)| weight > heaviest) && pattern::captures(name, model).is_some() {
                best = Some((name, weight));
            }
        }
        let Some((name, _)) = best else { return Vec::new() };
        let captures = pattern::captures(name, model).unwrap_or_default();
        self.group(name)
            .map(|deployment| (deployment, pattern::filled(&deployment.written, &captures, model)))
            .collect()
    }

    /// A deployment for a `provider/model` that the configuration does not name.
    fn unlisted(&self, group: &str, provider: &Vendor, model: &str) -> Deployment {
        Deployment {
            model_name: group.to_owned(),
            id: format!("{}/{model}", provider.name()),
            provider: Some(provider.clone()),
            provider_name: provider.name().to_owned(),
            model: model.to_owned(),
            written: group.to_owned(),
            settings: Settings {
                drop_params: self.general.drop_params,
                modify_params: self.general.modify_params,
                ..Settings::default()
            },
            ..Deployment::default()
        }
    }

    fn place<'m>(&self, model: &'m str, named: Option<&'m str>) -> Place<'m> {
        place(model, named, &self.custom_providers)
    }

    /// What of a deployment with a `*` in its model stands for `filled`, its model with every `*` filled.
    fn wild_place<'m>(&self, deployment: &'m Deployment, filled: &'m str) -> Place<'m> {
        let provider = deployment.provider_name.as_str();
        let named = filled.strip_prefix(provider).is_some_and(|rest| rest.starts_with('/'));
        // Filled with what names no provider, or another one, it still goes to its own.
        self.place(filled, (provider != ANY && !named).then_some(provider))
    }

    /// The match of a deployment whose upstream model, filled, is `model`; `None` where nobody speaks it.
    fn matched(&self, deployment: &Rc<Deployment>, model: &str) -> Option<Match> {
        let (provider, model) = match &deployment.provider {
            Some(vendor) if !deployment.written.contains(ANY) => (vendor.clone(), model),
            _ => match self.wild_place(deployment, model) {
                Place::Known(vendor, model) if !model.contains(ANY) => (vendor, model),
                _ => return None,
            },
        };
        Some(Match { deployment: Rc::clone(deployment), provider, model: model.to_owned() })
    }
}

impl Deployment {
    /// Whether this version speaks its provider, or will know it when a model is asked for.
    pub(super) fn is_spoken(&self) -> bool {
        self.provider.is_some() || self.provider_name == ANY
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// Entries of `model_list` as `model_name`, `model`, `id`.
    fn config(entries: &[(&str, &str, &str)], router: &Value) -> Config {
        let list = entries.iter().map(|(name, model, id)| {
            json!({"model_name": name, "litellm_params": {"model": model}, "model_info": {"id": id}})
        });
        let list: Vec<Value> = list.collect();
        Config::read(&json!({"model_list": list, "router_settings": router}).to_string()).unwrap()
    }

    /// The matches for a model as `id provider model`.
    fn matches(config: &Config, model: &str) -> Vec<String> {
        let matches = config.deployments_for(model);
        matches.iter().map(|m| format!("{} {} {}", m.deployment.id, m.provider.name(), m.model)).collect()
    }

    #[test]
    fn the_first_that_knows_the_model_decides() {
        let config = config(
            &[
                ("gpt-4o", "openai/gpt-4o-2024-08-06", "a"),
                ("gpt-4o", "groq/gpt-oss", "b"),
                ("b", "openai/group-named-as-an-id", "c"),
                ("openai/*", "openai/*", "d"),
                ("openai/gpt-4*", "groq/gpt-4*", "e"),
                ("fast", "gpt-4o-mini", "f"),
            ],
            &json!({"model_group_alias": {"gpt-4": "gpt-4o", "a-hidden-one": {"model": "fast", "hidden": true}}}),
        );
        for (model, wanted) in [
            ("a", vec!["a openai gpt-4o-2024-08-06"]),
            ("b", vec!["c openai group-named-as-an-id"]),
            ("gpt-4o", vec!["a openai gpt-4o-2024-08-06", "b groq gpt-oss"]),
            ("gpt-4", vec!["a openai gpt-4o-2024-08-06", "b groq gpt-oss"]),
            ("a-hidden-one", vec!["f openai gpt-4o-mini"]),
            ("openai/o3", vec!["d openai o3"]),
            ("openai/gpt-4.1", vec!["e groq gpt-4.1"]),
            // A bare name is tried with its provider too.
            ("o3-mini", vec!["d openai o3-mini"]),
            ("groq/gpt-oss", vec!["b groq gpt-oss"]),
            ("groq/llama-3.3-70b", vec!["groq/llama-3.3-70b groq llama-3.3-70b"]),
            ("nobody/knows", vec![]),
            ("unknown", vec![]),
            ("openai/*", vec![]),
            ("groq/", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(matches(&config, model), wanted, "{model}");
        }
    }

    #[test]
    fn a_literal_model_is_found_under_another_group() {
        let config = config(&[("fast", "gpt-4o-mini", "a")], &json!({}));
        assert_eq!(matches(&config, "gpt-4o-mini"), ["a openai gpt-4o-mini"]);
    }

    #[test]
    fn a_bare_name_that_nothing_lists_is_unknown_however_familiar() {
        let config = config(&[("gpt-4o-mini", "openai/gpt-4o-mini", "a")], &json!({}));
        assert_eq!(matches(&config, "gpt-4o-minni"), [""; 0]);
        assert_eq!(config.near_names("gpt-4o-minni"), ["gpt-4o-mini"]);
    }

    #[test]
    fn a_star_takes_its_provider_from_the_request() {
        let config = config(&[("*", "*", "any"), ("mine/*", "openrouter/*", "or")], &json!({}));
        assert_eq!(matches(&config, "groq/llama"), ["any groq llama"]);
        assert_eq!(matches(&config, "gpt-4o"), ["any openai gpt-4o"]);
        assert_eq!(matches(&config, "mine/auto"), ["or openrouter openrouter/auto"]);
        assert_eq!(matches(&config, "mine/meta/llama"), ["or openrouter meta/llama"]);
        assert_eq!(matches(&config, "no-provider-at-all"), [""; 0]);
        assert_eq!(config.waiting_for("no-provider-at-all"), None);
    }

    #[test]
    fn more_captures_than_stars_send_the_requested_model_to_the_same_provider() {
        let config = config(&[("*llama3*", "groq/llama3*", "a")], &json!({}));
        assert_eq!(matches(&config, "my-llama3-70b"), ["a groq my-llama3-70b"]);
    }

    #[test]
    fn a_provider_that_waits_is_named_and_never_chosen() {
        let waiting = super::super::providers::names().find(|name| crate::provider::registry::find(name).is_none());
        let waiting = waiting.unwrap();
        let model = format!("{waiting}/m");
        let config = config(&[("mixed", &model, "w"), ("mixed", "openai/m", "s"), ("only", &model, "o")], &json!({}));
        assert_eq!(matches(&config, "mixed"), ["s openai m"]);
        assert_eq!(config.waiting_for("mixed"), None);
        for name in ["only", "o", &model, &format!("{waiting}/other")] {
            assert_eq!(matches(&config, name), [""; 0], "{name}");
            assert_eq!(config.waiting_for(name).as_deref(), Some(waiting), "{name}");
        }
        assert_eq!(config.model_ids(), ["mixed"]);
    }

    #[test]
    fn listed_models_are_groups_once_and_aliases_that_are_not_hidden() {
        let config = config(
            &[("b", "openai/1", "1"), ("a", "openai/2", "2"), ("b", "openai/3", "3"), ("openai/*", "openai/*", "4")],
            &json!({"model_group_alias": {"x": "a", "h": {"model": "a", "hidden": true}, "y": {"model": "b"}}}),
        );
        assert_eq!(config.model_ids(), ["b", "a", "x", "y"]);
    }
}
