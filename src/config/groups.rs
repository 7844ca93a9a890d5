//! From the model that a client asks for to the deployments that may serve it.

use std::rc::Rc;

use super::providers::{ANY, Place, place};
use super::{Config, Deployment, RoutingGroup, Whose, pattern, suggest};
use crate::provider::{Settings, Vendor};
use crate::router::task::Named;

/// A deployment that may serve a request.
#[derive(Clone, Debug)]
pub struct Match {
    /// The deployment. One that the configuration does not hold has the requested model as its group.
    pub deployment: Rc<Deployment>,
    /// Its provider: never missing, even where the requested model had to name it.
    pub provider: Vendor,
    /// The model as the upstream names it, every `*` filled.
    pub model: String,
    /// The `order` that a routing group gives it by `model_priorities`.
    pub order: Option<u64>,
}

impl Config {
    /// The deployments that may serve `model`, in the order of the configuration; empty where there is none. For the
    /// master key: see [`Config::deployments_of`].
    pub fn deployments_for(&self, model: &str) -> Vec<Match> {
        self.deployments_of(model, Whose::Everybodys)
    }

    /// How `name` is resolved, where it stands for several model groups.
    pub fn task(&self, name: &str) -> Option<&Named> {
        let name = self.group_of(name);
        self.router.tasks.iter().find(|named| named.name == name)
    }

    /// The model groups that a request for `model` may come to: all of them that the name stands for, else itself.
    pub fn groups_behind<'a>(&'a self, model: &'a str) -> Vec<&'a str> {
        let mut groups = vec![model];
        let mut next = 0;
        while let Some(model) = groups.get(next).copied() {
            next += 1;
            for target in self.task(model).into_iter().flat_map(|named| named.task.models()) {
                if !groups.contains(&target) {
                    groups.push(target);
                }
            }
        }
        groups
    }

    /// The deployments that may serve `model` to `whose` requests, in the order of the configuration; empty where there
    /// is none. For a name that stands for several model groups, and is none of its own, those of all of them.
    ///
    /// The first of these that knows the model decides, as in LiteLLM's router: a deployment's id, an alias (which
    /// stands for its group from there on), a team's own name for its deployments, a routing group, a group, a wildcard
    /// group (the most specific one, `*` last), a `litellm_params.model` as it is written, and a `provider/model` that
    /// the configuration does not name. A bare name that nothing lists is not guessed: it is most often a slip.
    /// Deployments whose provider this version does not speak are left out: see [`Config::waiting_for`].
    pub fn deployments_of(&self, model: &str, whose: Whose<'_>) -> Vec<Match> {
        let (group, found) = self.find(model, whose);
        if !found.is_empty() {
            let mut matches: Vec<Match> =
                found.into_iter().filter_map(|(deployment, model)| self.matched(deployment, &model)).collect();
            if let Some(routing) = self.called_group(group) {
                for found in &mut matches {
                    found.order = routing.order_of(&found.deployment.model_name);
                }
            }
            return matches;
        }
        if let Some(named) = self.task(group) {
            let groups = named.task.models().into_iter().filter(|model| self.task(model).is_none());
            return groups.flat_map(|model| self.deployments_of(model, whose)).collect();
        }
        if !group.contains('/') {
            return Vec::new();
        }
        let Place::Known(provider, upstream) = self.place(group, None) else { return Vec::new() };
        if upstream.is_empty() || upstream.contains(ANY) {
            return Vec::new();
        }
        let deployment = self.unlisted(group, &provider, upstream);
        vec![Match { deployment: Rc::new(deployment), provider, model: upstream.to_owned(), order: None }]
    }

    /// The provider that `model` waits for: everything that could serve it names providers which this version does not
    /// speak yet. `None` where the model can be served, and where nobody knows it.
    pub fn waiting_for(&self, model: &str) -> Option<String> {
        let (group, found) = self.find(model, Whose::Everybodys);
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

    /// What `/v1/models` lists for the master key: see [`Config::model_ids_of`].
    pub fn model_ids(&self) -> Vec<&str> {
        self.model_ids_of(Whose::Everybodys)
    }

    /// What `/v1/models` lists: every group that can be served to `whose` requests, once and in order, a team's by its
    /// own name; then routing groups, names that stand for several, and every alias that is not hidden. Wildcards, and groups of which all is blocked,
    /// are left out.
    pub fn model_ids_of(&self, whose: Whose<'_>) -> Vec<&str> {
        let mut ids: Vec<&str> = Vec::new();
        let served = self.deployments.iter().filter(|deployment| deployment.is_spoken() && !deployment.gate.blocked);
        let groups = served.filter(|deployment| deployment.gate.opens(whose)).map(|deployment| {
            let own = deployment.gate.public_name.as_ref().filter(|_| deployment.gate.team.is_some());
            own.unwrap_or(&deployment.model_name).as_str()
        });
        let groups = groups.filter(|group| !group.contains(ANY));
        let routing = self.router.groups.iter().map(|group| group.name.as_str());
        let tasks = self.router.tasks.iter().map(|named| named.name.as_str());
        let aliases = self.router.aliases.iter().filter(|alias| !alias.hidden).map(|alias| alias.name.as_str());
        for id in groups.chain(routing).chain(tasks).chain(aliases) {
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

    /// The routing group that may be called by `name`: a model group or an alias of that name comes first.
    fn called_group(&self, name: &str) -> Option<&RoutingGroup> {
        let group = self.router.groups.iter().find(|group| group.name == name)?;
        let is_shadowed = self.group(name).next().is_some() || self.router.aliases.iter().any(|own| own.name == name);
        (!is_shadowed).then_some(group)
    }

    /// The routing group whose strategy holds for `model`: the one that is called by that name, else the one that the
    /// model group is in. Groups that go by priority hold for calls by their own name alone.
    pub fn routing_group(&self, model: &str) -> Option<&RoutingGroup> {
        let model = self.group_of(model);
        let holds = |group: &&RoutingGroup| group.priorities.is_empty() && group.models.iter().any(|own| own == model);
        self.called_group(model).or_else(|| self.router.groups.iter().find(holds))
    }

    fn group<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Rc<Deployment>> {
        self.deployments.iter().filter(move |deployment| deployment.model_name == name)
    }

    /// The configured deployments for `model` with the upstream model of each, and what `model` stands for.
    fn find<'a>(&'a self, model: &'a str, whose: Whose<'_>) -> (&'a str, Vec<(&'a Rc<Deployment>, String)>) {
        let plain = |deployment: &'a Rc<Deployment>| (deployment, deployment.model.clone());
        let open = |deployment: &&'a Rc<Deployment>| deployment.gate.opens(whose);
        if self.group(model).next().is_none()
            && let Some(deployment) = self.deployments.iter().filter(open).find(|deployment| deployment.id == model)
        {
            return (model, vec![plain(deployment)]);
        }
        let group = self.group_of(model);
        let called = |deployment: &&'a Rc<Deployment>| deployment.gate.is_called(group);
        let own: Vec<_> = self.deployments.iter().filter(open).filter(called).map(plain).collect();
        if !own.is_empty() && (matches!(whose, Whose::Key(_)) || self.group(group).next().is_none()) {
            return (group, own);
        }
        if let Some(routing) = self.called_group(group) {
            let members = routing.models.iter().flat_map(|name| self.group(name)).filter(open);
            return (group, members.map(plain).collect());
        }
        let exact: Vec<_> = self.group(group).filter(|_| !group.contains(ANY)).filter(open).map(plain).collect();
        if !exact.is_empty() {
            return (group, exact);
        }
        let mut wild = self.wild(group, whose);
        if wild.is_empty()
            && !group.contains('/')
            && let Place::Known(vendor, upstream) = self.place(group, None)
        {
            wild = self.wild(&format!("{}/{upstream}", vendor.name()), whose);
        }
        if !wild.is_empty() {
            return (group, wild);
        }
        let written = self.deployments.iter().filter(open).filter(|deployment| deployment.written == group);
        (group, written.map(plain).collect())
    }

    /// The deployments of the most specific wildcard group that `model` fits, with the upstream model of each.
    fn wild(&self, model: &str, whose: Whose<'_>) -> Vec<(&Rc<Deployment>, String)> {
        let mut best: Option<(&str, (usize, usize))> = None;
        let open = |deployment: &&Rc<Deployment>| deployment.gate.opens(whose);
        for deployment in self.deployments.iter().filter(open).filter(|own| own.model_name.contains(ANY)) {
            let (name, weight) = (deployment.model_name.as_str(), pattern::specificity(&deployment.model_name));
            if best.is_none_or(|(_, heaviest)| weight > heaviest) && pattern::captures(name, model).is_some() {
                best = Some((name, weight));
            }
        }
        let Some((name, _)) = best else { return Vec::new() };
        let captures = pattern::captures(name, model).unwrap_or_default();
        self.group(name)
            .filter(open)
            .map(|deployment| {
                // A model without a `*` is the same for every name: its provider is known already.
                let fixed = !deployment.written.contains(ANY);
                let filled = || pattern::filled(&deployment.written, &captures, model);
                (deployment, if fixed { deployment.model.clone() } else { filled() })
            })
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

    /// Where a check of `deployment` goes: to `model`, as `litellm_params.model` would name it, else to its own; `None` where
    /// that is no one model of a provider that is spoken.
    pub fn checked_as(&self, deployment: &Rc<Deployment>, model: Option<&str>) -> Option<Match> {
        let (provider, model) = match (model, &deployment.provider) {
            (None, Some(vendor)) => (vendor.clone(), deployment.model.as_str()),
            (None, None) => return None,
            (Some(model), _) => match self.wild_place(deployment, model) {
                Place::Known(vendor, model) => (vendor, model),
                _ => return None,
            },
        };
        if model.is_empty() || model.contains(ANY) {
            return None;
        }
        Some(Match { deployment: Rc::clone(deployment), provider, model: model.to_owned(), order: None })
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
        Some(Match { deployment: Rc::clone(deployment), provider, model: model.to_owned(), order: None })
    }
}

impl Deployment {
    /// Whether this version speaks its provider, or will know it when a model is asked for.
    pub(super) fn is_spoken(&self) -> bool {
        self.provider.is_some() || self.provider_name == ANY
    }
}

#[cfg(test)]
mod tests;
