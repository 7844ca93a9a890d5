//! From the deployments that may serve a request to the router's candidates, with what filters say of each.

use super::attempt::Request;
use super::call::Call;
use super::host::Host;
use super::tariff::Tariff;
use crate::config::Match;
use crate::money::Money;
use crate::openai::Fields;
use crate::router::Candidate;

impl<H: Host> Call<'_, H> {
    /// The candidates of a group, one for each match and in the same order. A filter sets [`Candidate::filtered`]: the
    /// router passes over the candidate, and a dry run tells the reason.
    pub(super) fn candidates(&self, matches: &[Match], _request: &Request, _overrides: &Fields) -> Vec<Candidate> {
        let by_cost = self.gateway.config.router.strategy.as_deref() == Some("cost-based-routing");
        let prices = &self.gateway.prices;
        let cost = |found: &Match| Tariff::plain(prices, found).bound(1, 1, 1).map(Money::dollars);
        let candidate = |found: &Match| Candidate { cost: by_cost.then(|| cost(found)).flatten(), ..candidate(found) };
        matches.iter().map(candidate).collect()
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
        ..Candidate::default()
    }
}
