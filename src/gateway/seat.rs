//! A place within a deployment's own limits: taken before an attempt is sent, and given back or settled at its end.
//!
//! The books of these limits are ledgers too: one for each deployment that has limits, or one for its whole provider where
//! that has a budget, so that one question answers for both. A deployment without limits asks nobody.

use std::rc::Rc;

use super::bound::{UsageBound, is_bounded, with_output_bound};
use super::hold::{Hold, Wanted};
use super::host::Host;
use super::settle::{Ending, Used};
use crate::config::{Config, Match};
use crate::error::Result;
use crate::keys::ledger::{Ask, Limits, Outcome, Refusal, RefusalKind, ScopeId, ScopeKind};
use crate::money::Money;
use crate::router::Filtered;

/// After how long it makes sense to ask again, in ms, where only open requests stand in the way.
const OPEN_RETRY_MS: u64 = 1_000;

/// The same where nothing tells when there is room again: a budget without a period, an unknown price.
const FAR_RETRY_MS: u64 = 60_000;

/// A place at a deployment; one without limits has room for everybody, and asks nobody.
#[derive(Default)]
pub(super) struct Seat {
    hold: Option<Hold>,
}

impl Seat {
    /// Takes a place for what `ending` may use.
    ///
    /// # Errors
    ///
    /// [`Filtered::Limit`]: the deployment is full, and the next one's turn comes.
    pub(super) async fn take<H: Host>(
        config: &Config,
        host: &H,
        found: &Match,
        ending: &Ending,
    ) -> Result<Self, Filtered> {
        let limits = limits(config, found);
        let Some((root, _)) = limits.last().cloned() else { return Ok(Self::default()) };
        let counts = |of: fn(&Limits) -> bool| limits.iter().any(|(_, limits)| of(limits));
        let (budget, tpm) = (counts(Limits::has_budget), counts(|limits| limits.tpm.is_some()));
        let mut wanted = Wanted::new(&found.deployment.model_name);
        if budget || tpm {
            wanted.include(&ending.tariff, &ending.request);
        }
        let ask = Ask {
            // Each attempt has its own: the call's would be answered with the place that it had before.
            request_id: format!("{:016x}{:016x}", host.random(), host.random()),
            scopes: limits.iter().map(|(scope, _)| scope.clone()).collect(),
            bound: if budget { wanted.bound } else { Some(Money::ZERO) },
            least: wanted.least,
            // An answer without a bound of its own is counted when it is there: with the longest that a model can give,
            // one request would take the whole minute.
            tokens: if is_bounded(&ending.request) { wanted.tokens.0 } else { wanted.tokens.1 },
            ..Ask::default()
        };
        match Hold::ask(&config.general, host, root, ask, limits).await {
            Ok(Ok(hold)) => Ok(Self { hold: Some(hold) }),
            Ok(Err(refusal)) => Err(filtered(&refusal, host, found)),
            // Fails closed, as keys with limits do.
            Err(_) => Err(Filtered::Limit { limit: "limits", retry_after_ms: OPEN_RETRY_MS }),
        }
    }

    /// Bounds the answer to what the budget still pays.
    ///
    /// # Errors
    ///
    /// What [`with_output_bound`] refuses; the place is given back.
    pub(super) async fn clamp<H: Host>(&self, host: &H, ending: &mut Ending) -> Result<()> {
        let Some(hold) = self.hold.as_ref().filter(|hold| hold.is_bounded()) else { return Ok(()) };
        let most = UsageBound::of(&ending.tariff, &ending.request);
        match most.affordable_output_tokens(&ending.tariff, hold.granted().granted) {
            Some(tokens) if tokens < most.output_tokens => match with_output_bound(&ending.request, tokens.max(1)) {
                Ok(request) => ending.request = Rc::new(request),
                Err(error) => {
                    self.release(host).await;
                    return Err(error);
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// What is held, where anything is.
    pub(super) fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Gives the place back: the attempt has used nothing.
    pub(super) async fn release<H: Host>(&self, host: &H) {
        if let Some(hold) = &self.hold {
            hold.release(host, Outcome { status: "failure".to_owned(), ..Outcome::default() }).await;
        }
    }

    /// Says what the attempt has used.
    pub(super) async fn settle<H: Host>(&self, host: &H, used: &Used) {
        let Some(hold) = &self.hold else { return };
        let usage = used.usage.as_ref();
        let outcome = Outcome {
            prompt_tokens: usage.map_or(0, |usage| usage.prompt_tokens),
            completion_tokens: usage.map_or(0, |usage| usage.completion_tokens),
            total_tokens: usage.map_or(0, |usage| usage.total_tokens),
            cost: used.charge.as_ref().map(|_| used.own),
            estimated: used.estimated,
            status: "success".to_owned(),
            ..Outcome::default()
        };
        hold.settle(host, outcome).await;
    }
}

/// The limits of a deployment, each with its scope; the last one's scope is the root that keeps the books.
fn limits(config: &Config, found: &Match) -> Vec<(ScopeId, Limits)> {
    let mut limits = Vec::new();
    let deployment = &found.deployment;
    if deployment.limits.is_limited() {
        limits.push((ScopeId::new(ScopeKind::Deployment, &deployment.id), deployment.limits.clone()));
    }
    let budgets = config.router.provider_budgets.iter();
    if let Some((name, budget)) = budgets.into_iter().find(|(name, _)| name == found.provider.name()) {
        limits.push((ScopeId::new(ScopeKind::Provider, name), budget.clone()));
    }
    limits
}

fn filtered<H: Host>(refusal: &Refusal, host: &H, found: &Match) -> Filtered {
    let until = |at_ms: u64| at_ms.saturating_sub(host.now_ms()).max(1);
    let budget = if refusal.scope.kind == ScopeKind::Provider { "provider_budget_config" } else { "max_budget" };
    let (limit, retry_after_ms) = match &refusal.kind {
        RefusalKind::Requests { reset_at_ms, .. } => ("rpm", until(*reset_at_ms)),
        RefusalKind::Tokens { reset_at_ms, .. } => ("tpm", until(*reset_at_ms)),
        RefusalKind::Parallel { .. } => ("max_parallel_requests", OPEN_RETRY_MS),
        RefusalKind::Budget(short) if short.spent < short.max => (budget, OPEN_RETRY_MS),
        RefusalKind::Budget(short) => (budget, short.reset_at_ms.map_or(FAR_RETRY_MS, until)),
        RefusalKind::Unpriced => {
            // A budget that cannot count would never hold.
            let line = serde_json::json!({"event": "unpriced", "deployment": found.deployment.id, "limit": budget});
            host.log(&line.to_string());
            (budget, FAR_RETRY_MS)
        }
        _ => ("limits", FAR_RETRY_MS),
    };
    Filtered::Limit { limit, retry_after_ms }
}
