//! From the deployments that may serve a request to the router's candidates, with what filters say of each.

use super::attempt::Request;
use super::fit::Fitting;
use super::tariff::Tariff;
use crate::config::Match;
use crate::error::Error;
use crate::money::Money;
use crate::openai::Fields;
use crate::router::filter::{self, Unfit};
use crate::router::{Candidate, Filtered};

impl Fitting<'_> {
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
        let by_cost = self.gateway.config.router.strategy.as_deref() == Some("cost-based-routing");
        let prices = &self.gateway.prices;
        let cost = |found: &Match| Tariff::plain(prices, found).bound(1, 1, 1).map(Money::dollars);
        // A fallback of the client's own may bring other messages: those are what has to fit.
        let changed = if overrides.is_empty() { None } else { request.with(&Fields::default(), overrides).ok() };
        let verdicts = self.unfit(group, matches, changed.as_ref().unwrap_or(request));
        let reasons: Vec<Unfit> = verdicts.iter().flatten().cloned().collect();
        let refusal = (reasons.len() == matches.len() && !matches.is_empty())
            .then(|| filter::refusal(group, &reasons, &self.tags().all));
        let candidate = |(found, verdict): (&Match, Option<Unfit>)| Candidate {
            cost: by_cost.then(|| cost(found)).flatten(),
            filtered: verdict.map(Filtered::Unfit),
            ..candidate(found)
        };
        (matches.iter().zip(verdicts).map(candidate).collect(), refusal)
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
        order: found.order,
        ..Candidate::default()
    }
}
