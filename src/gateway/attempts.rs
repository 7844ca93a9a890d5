//! Attempts of a call: choose, write, send, read; with retries and fallbacks in between, until one succeeds or none is left.

use serde_json::{Value, json};

use super::admit::facts;
use super::attempt::Request;
use super::call::Call;
use super::fit::Fitting;
use super::hold::Hold;
use super::host::Host;
use super::leg::{Failed, Round, Success};
use super::models;
use super::record::Record;
use super::records::FALLBACKS;
use super::tariff::Tariff;
use crate::config::Match;
use crate::error::Result;
use crate::router::{Fallbacks, Hop, Plan, RetryRules, Step};

/// Longest message, in characters, of an error that was fallen back from: headers have bounds.
const LONGEST_FALLBACK_ERROR: usize = 300;

impl<H: Host> Call<'_, H> {
    /// Attempts until one succeeds or the plan gives up.
    pub(super) async fn attempts(
        &self,
        request: &Request,
        hold: Option<&Hold>,
        record: &mut Record,
    ) -> Result<Success<H::Body>> {
        let config = &self.gateway.config;
        let known = self.known();
        let fitting = self.fitting(known.as_deref());
        let (model, mut matches) = fitting.served(request.model());
        if matches.is_empty() {
            return Err(models::unknown(config, model));
        }
        let mut overrides = self.overrides.take();
        let (candidates, refusal) = fitting.candidates(model, &matches, request, &overrides);
        let picking = fitting.picking(model, &matches, request);
        let router = &config.router;
        let mut plan = Plan::new(model, candidates, self.retry_rules(), self.fallbacks_of(model));
        plan = plan.with(picking, router.weighted_failover, !router.hide_debug);
        if let Some(error) = self.asked.mocks.group_error(model) {
            plan.abandon(error);
        } else if let Some(error) = refusal {
            plan.failed(error);
        }
        loop {
            let step = plan.next(&self.gateway.health.borrow(), self.host.now_ms(), self.host.random());
            (record.retries, record.fallbacks) = (plan.attempted_retries(), plan.attempted_fallbacks());
            record.max_retries = plan.max_retries();
            match step {
                Step::Attempt(index) => {
                    let (overrides, matches) = (&overrides, matches.as_slice());
                    let most = fitting.picking_args(plan.group()).1.most_latencies;
                    let round = Round { request, overrides, matches, most, hold, first: record.fallbacks == 0 };
                    match self.attempt(&round, index, &mut plan, record).await {
                        Ok(success) => {
                            let (id, health) = (&success.deployment_id, &self.gateway.health);
                            plan.answered(id, &mut health.borrow_mut(), self.host.now_ms());
                            record.fallback_errors =
                                self.asked.include_fallback_errors.then(|| errors(&plan)).flatten();
                            return Ok(success);
                        }
                        Err(Failed::Upstream(error)) => plan.failed(error),
                        Err(Failed::Full(reason)) => plan.full(reason),
                    }
                }
                Step::Wait(ms) => {
                    self.host.sleep(ms).await;
                    record.upstream_ms += ms;
                }
                Step::Enter(mut hop) => {
                    self.follow(&fitting, request, &mut hop, &mut plan);
                    matches = config.deployments_of(&hop.model, fitting.whose());
                    if hold.is_some_and(Hold::is_bounded) {
                        matches.retain(|found| Tariff::plain(&self.gateway.prices, found).entry(None).is_some());
                    }
                    if let Err(error) = self.may_use(&hop.model, &matches) {
                        plan.pass_over(&hop.model, &error);
                        continue;
                    }
                    let (candidates, refusal) = fitting.candidates(&hop.model, &matches, request, &hop.overrides);
                    plan.enter(&hop.model, candidates, fitting.picking(&hop.model, &matches, request));
                    if let Some(error) = refusal {
                        plan.failed(error);
                    }
                    overrides = hop.overrides;
                }
                Step::GiveUp(error) => return Err(error),
            }
        }
    }

    /// Whether a fallback may be gone to: it exists, and the key may use it.
    pub(super) fn may_use(&self, model: &str, matches: &[Match]) -> Result<()> {
        let config = &self.gateway.config;
        if matches.is_empty() {
            return Err(models::unknown(config, model));
        }
        let Some(known) = self.known() else { return Ok(()) };
        let facts = facts(config, model, matches);
        known.identity().admit(self.route, model, Some(&facts), self.host.now_ms())
    }

    /// Where a fallback leads that names several model groups; one that leads nowhere is left as it is.
    fn follow(&self, fitting: &Fitting<'_>, request: &Request, hop: &mut Hop, plan: &mut Plan) {
        let Ok(destination) = fitting.destination(&hop.model, request, self.headers, || self.host.random()) else {
            return;
        };
        hop.model = destination.model;
        for (name, value) in destination.overrides.iter() {
            if hop.overrides.raw(name).is_none() {
                hop.overrides.set_raw(name, value.to_owned());
            }
        }
        for turn in destination.turns.iter().rev() {
            plan.came_by(&hop.model, &turn.name);
        }
        self.turns.borrow_mut().extend(destination.turns);
    }

    pub(super) fn retry_rules(&self) -> RetryRules {
        let router = &self.gateway.config.router;
        let mut rules = RetryRules {
            request: self.asked.num_retries,
            policy: router.retry_policy.clone(),
            group_policies: router.group_policies.clone(),
            per_request: router.retries_per_request,
            router: router.num_retries,
            retry_after_ms: router.retry_after_ms,
        };
        self.asked.routing.borrow().lay_retries(&mut rules);
        rules
    }

    pub(super) fn fallbacks(&self) -> Fallbacks {
        let mut fallbacks = self.gateway.configured_fallbacks();
        if let Some(changed) = self.gateway.records.settings.present(FALLBACKS) {
            fallbacks.change(&changed);
        }
        self.asked.routing.borrow().lay_fallbacks(&mut fallbacks);
        fallbacks.disabled = self.asked.disable_fallbacks;
        fallbacks.client.clone_from(&self.asked.fallbacks);
        fallbacks
    }
}

/// The errors that a request has fallen back from, as a header can carry them.
fn errors(plan: &Plan) -> Option<String> {
    let error = |(message, class, status): (&str, &str, u16)| {
        let message: String = message.chars().take(LONGEST_FALLBACK_ERROR).collect();
        json!({"message": message, "type": class, "param": null, "code": status.to_string()})
    };
    let list: Vec<Value> = plan.fallback_errors().take(10).map(error).collect();
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    (!list.is_empty()).then(|| Value::from(list).to_string().chars().map(plain).collect())
}
