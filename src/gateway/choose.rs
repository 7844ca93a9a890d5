//! From the deployments that may serve a request to the router's candidates, with what filters say of each.

use super::attempt::Request;
use super::bound::UsageBound;
use super::fit::Fitting;
use super::tariff::Tariff;
use crate::config::{Match, RoutingGroup};
use crate::error::Error;
use crate::money::Money;
use crate::openai::Fields;
use crate::router::filter::{self, Unfit};
use crate::router::{Candidate, Filtered, Picking, Strategy, StrategyArgs};

impl<'a> Fitting<'a> {
    /// The group that serves a request for `model`, and its deployments: the first of `default_fallbacks` stands in for a
    /// model that nobody knows, as in LiteLLM.
    pub(super) fn served<'m>(&self, model: &'m str) -> (&'m str, Vec<Match>)
    where
        'a: 'm,
    {
        let gateway = self.gateway;
        let config = &gateway.config;
        let matches = config.deployments_of(model, self.whose());
        let unknown = matches.is_empty() && config.waiting_for(model).is_none();
        match config.router.default_fallbacks.first().filter(|_| unknown && !self.asked.disable_fallbacks) {
            Some(other) => (other, config.deployments_of(other, self.whose())),
            None => (model, matches),
        }
    }

    /// The candidates of a group, one for each match and in the same order, and what the client is told where none of
    /// them may serve the request. A filter sets [`Candidate::filtered`]: the router passes over the candidate, and a dry
    /// run tells the reason.
    pub(super) fn candidates(
        &self,
        group: &str,
        matches: &[Match],
        request: &Request,
        overrides: &Fields,
    ) -> (Vec<Candidate>, Option<Error>) {
        let by_cost = self.picking_args(group).0 == Strategy::Cost;
        let prices = &self.gateway.prices;
        let cost = |found: &Match| Tariff::plain(prices, found).bound(1, 1, 1).map(Money::dollars);
        // A fallback of the client's own may bring other messages: those are what has to fit.
        let changed = if overrides.is_empty() { None } else { request.with(&Fields::default(), overrides).ok() };
        let verdicts = self.unfit(group, matches, changed.as_ref().unwrap_or(request));
        let reasons: Vec<Unfit> = verdicts.iter().flatten().cloned().collect();
        let refusal = (reasons.len() == matches.len() && !matches.is_empty())
            .then(|| filter::refusal(group, &reasons, &self.tags().all));
        let listed = |id: &str| self.gateway.config.deployments.iter().any(|listed| listed.id == id);
        let candidate = |(found, verdict): (&Match, Option<Unfit>)| Candidate {
            cost: by_cost.then(|| cost(found)).flatten(),
            // A wildcard, or a model that only its client has named.
            exempt: found.deployment.model_name.contains('*') || !listed(&found.deployment.id),
            filtered: verdict.map(Filtered::Unfit),
            ..candidate(found)
        };
        let mut candidates: Vec<Candidate> = matches.iter().zip(verdicts).map(candidate).collect();
        self.weigh(group, &mut candidates);
        (candidates, refusal)
    }

    /// `weights` of the key, its team or the router stand before the deployments' own, where any of them counts.
    fn weigh(&self, group: &str, candidates: &mut [Candidate]) {
        let config = &self.gateway.config;
        let group = config.group_of(group);
        let own = self.asked.routing.borrow().weights(group);
        let configured = || config.router.weights.iter().find(|(name, _)| name == group).map(|(_, weights)| weights);
        let Some(weights) = own.as_ref().or_else(configured) else { return };
        let weight = |id: &str| weights.iter().find(|(own, _)| own == id).map_or(0.0, |(_, weight)| *weight);
        if candidates.iter().any(|candidate| weight(&candidate.id) > 0.0) {
            for candidate in candidates {
                candidate.weight = Some(weight(&candidate.id));
            }
        }
    }

    /// How deployments of a group are picked.
    pub(super) fn picking(&self, group: &str, matches: &[Match], request: &Request) -> Picking {
        let (strategy, args) = self.picking_args(group);
        let counts = strategy.minds_limits() && matches.iter().any(|found| found.deployment.tpm.is_some());
        let first = matches.first().filter(|_| counts);
        let bound = first.map(|found| UsageBound::of(&Tariff::plain(&self.gateway.prices, found), request));
        Picking {
            strategy,
            args,
            stream: request.stream(),
            input_tokens: bound.map_or(0, |bound| bound.input_tokens),
            ties: self.ties(group, matches, request),
        }
    }

    /// The strategy of a group: the request's own, else that of its key or team, else its routing group's, else the router's.
    pub(super) fn picking_args(&self, group: &str) -> (Strategy, StrategyArgs) {
        let router = &self.gateway.config.router;
        let (strategy, args) = self
            .routing_group(group)
            .map_or((router.strategy, router.strategy_args), |routing| (routing.strategy, routing.args));
        let own = self.asked.strategy.or_else(|| self.asked.routing.borrow().strategy());
        (own.unwrap_or(strategy), args)
    }

    fn routing_group(&self, group: &str) -> Option<&RoutingGroup> {
        let config = &self.gateway.config;
        let group = config.group_of(group);
        let mut groups = config.router.groups.iter();
        let holds = |routing: &RoutingGroup| !routing.by_priority && routing.models.iter().any(|model| model == group);
        groups.find(|routing| routing.name == group || holds(routing))
    }
}

fn candidate(found: &Match) -> Candidate {
    let deployment = &found.deployment;
    Candidate {
        id: deployment.id.clone(),
        weight: deployment.weight,
        rpm: deployment.rpm,
        tpm: deployment.tpm,
        num_retries: deployment.num_retries,
        order: found.order.or(deployment.order),
        cooldown_ms: deployment.cooldown_ms,
        allowed_fails: deployment.allowed_fails,
        fails_policy: deployment.fails_policy.clone(),
        ..Candidate::default()
    }
}
