//! The plan of one request: attempts within a model group, then the groups after it.

use super::cooldown::{rule_status, should_retry};
use super::fallback::{Fallbacks, Hop};
use super::retry::{RetryRules, backoff_ms};
use super::{Candidate, Filtered, Health, Picking, Rest, Strategy, exhausted};
use crate::error::{Error, Kind};
use crate::sorted;
use ended::Ended;

/// The most groups that a request may be taken to, whatever its lists say.
const MOST_HOPS: u32 = 50;

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send the request to this deployment of the current group.
    Attempt(usize),
    /// Wait so many ms, then ask again.
    Wait(u64),
    /// Go to this model group: resolve it, and say so by [`Plan::enter`] or [`Plan::pass_over`].
    Enter(Hop),
    /// Answer the client with this error.
    GiveUp(Error),
}

/// A group to go to.
#[derive(Clone, Debug, Default)]
struct Target {
    hop: Hop,
    /// How deep it is: 1 for a fallback of the first group.
    depth: u32,
    /// Deployments of a lower `order` are passed over.
    least_order: u64,
}

/// The plan of one request.
///
/// The gateway asks [`Plan::next`], does what it says, and tells what came of it; a success needs no telling.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    retries: RetryRules,
    fallbacks: Fallbacks,
    /// `enable_weighted_failover`.
    failover: bool,
    /// `expose_router_debug_in_errors`.
    exposed: bool,
    /// The current group, how it is picked from, its deployments, and how often each was attempted.
    current: Target,
    picking: Picking,
    candidates: Vec<Candidate>,
    attempts: Vec<u32>,
    /// Groups still to go to, in order, and those entered or queued before.
    queue: Vec<Target>,
    seen: Vec<String>,
    hops: u32,
    /// Attempts in all groups.
    tries: u32,
    /// Retries in the current group, and in all groups.
    retried: u32,
    retried_in_all: u32,
    /// The deployment of the last attempt.
    last: usize,
    /// What the last attempt came to, until the next step is decided.
    failure: Option<Error>,
    /// What the attempt before came to, in this group.
    before: Option<Error>,
    /// The first group's last error: what the client gets when nothing helps.
    original: Option<Error>,
    /// The error that ended each group.
    ended: Vec<Ended>,
    waited: bool,
}

impl Plan {
    /// A plan that starts in `group`.
    pub fn new(group: &str, candidates: Vec<Candidate>, retries: RetryRules, fallbacks: Fallbacks) -> Self {
        let mut plan = Self { retries, fallbacks, exposed: true, seen: vec![group.to_owned()], ..Self::default() };
        plan.enter(group, candidates, Picking::default());
        plan
    }

    /// Says how deployments are picked in the first group, whether `enable_weighted_failover` is on, and whether errors
    /// tell what the router did.
    #[must_use]
    pub fn with(mut self, picking: Picking, failover: bool, exposed: bool) -> Self {
        (self.picking, self.failover, self.exposed) = (picking, failover, exposed);
        self
    }

    /// Says that the current group is now `group`, with these deployments.
    pub fn enter(&mut self, group: &str, candidates: Vec<Candidate>, picking: Picking) {
        group.clone_into(&mut self.current.hop.model);
        self.attempts = vec![0; candidates.len()];
        (self.candidates, self.picking) = (candidates, picking);
        (self.retried, self.waited, self.failure, self.before) = (0, false, None, None);
    }

    /// Says that a request came to `group` by this name: its fallbacks act too.
    pub fn came_by(&mut self, group: &str, name: &str) {
        self.fallbacks.known_as.push((group.to_owned(), name.to_owned()));
    }

    /// Says that a group to go to is out of the question: it does not exist, or the key may not use it.
    pub fn pass_over(&mut self, group: &str, error: &Error) {
        self.note_end(group, error);
        self.candidates.clear();
        self.current.hop.model.clear();
    }

    /// Says that the last attempt failed.
    pub fn failed(&mut self, error: Error) {
        self.failure = Some(error);
    }

    /// Leaves the current group with this error, without an attempt.
    pub fn abandon(&mut self, error: Error) {
        let falls = error.falls_back();
        self.leave_group(error, falls);
        self.candidates.clear();
        self.current.hop.model.clear();
    }

    /// Says that the deployment which was to be attempted had no room: nothing was sent, and the next one's turn comes at
    /// once, without a retry being used.
    pub fn full(&mut self, reason: Filtered) {
        self.tries = self.tries.saturating_sub(1);
        if let Some(attempts) = self.attempts.get_mut(self.last) {
            *attempts = attempts.saturating_sub(1);
        }
        self.out(self.last, reason);
    }

    /// Says why a deployment may not be picked for the rest of this request.
    pub fn out(&mut self, index: usize, reason: Filtered) {
        if let Some(candidate) = self.candidates.get_mut(index) {
            candidate.filtered.get_or_insert(reason);
        }
    }

    /// The deployments of the current group, in order, with why each is out.
    pub fn candidates(&self) -> &[Candidate] {
        &self.candidates
    }

    /// Retries so far, in all groups.
    pub fn attempted_retries(&self) -> u32 {
        self.retried_in_all
    }

    /// Retries that an error gets which no policy speaks of.
    pub fn max_retries(&self) -> u32 {
        self.retries.plain(self.candidates.get(self.last).and_then(|candidate| candidate.num_retries))
    }

    /// Groups that were gone to after the first.
    pub fn attempted_fallbacks(&self) -> u32 {
        self.hops
    }

    /// The current group.
    pub fn group(&self) -> &str {
        &self.current.hop.model
    }

    /// Decides the next step; `random` is uniform over all of `u64`.
    pub fn next(&mut self, health: &Health, now_ms: u64, random: u64) -> Step {
        let Some(error) = self.failure.clone() else {
            if let Some(index) = self.pick(health, now_ms, random) {
                return self.attempt(index);
            }
            if !self.group().is_empty() {
                let before = self.before.take();
                let none = || exhausted::error(self.group(), &self.states(health, now_ms), now_ms);
                let error = before.unwrap_or_else(none);
                // No deployment is left: that is a state of upstreams, whatever class it has for the client.
                self.leave_group(error, true);
            }
            return self.next_group();
        };
        if let Some(step) = self.retry(&error, health, now_ms, random) {
            return step;
        }
        self.failure = None;
        let falls = error.falls_back();
        if self.failover && falls && self.has_tries() && self.picking.strategy == Strategy::SimpleShuffle {
            self.note_out(&error);
            let mut choices = self.choices(health, now_ms);
            choices.retain(|at| self.attempts.get(*at) == Some(&0));
            if let Some(index) = self.picking.pick(&self.candidates, &choices, health, now_ms, random) {
                self.before = Some(error);
                return self.attempt(index);
            }
        }
        self.leave_group(error, falls);
        self.next_group()
    }

    /// A retry of the failed attempt, or `None` when this group is done.
    fn retry(&mut self, error: &Error, health: &Health, now_ms: u64, random: u64) -> Option<Step> {
        let own = self.candidates.get(self.last).and_then(|candidate| candidate.num_retries);
        let (allowed, by_policy) = self.retries.allowed(self.group(), error, own);
        // A client's own mistake stays one, whatever a policy says.
        let again = (by_policy && error.falls_back()) || self.should_retry(error);
        if !again || self.retried >= allowed || !self.has_tries() {
            return None;
        }
        self.note_out(error);
        let mut choices = self.choices(health, now_ms);
        let others = choices.iter().any(|at| *at != self.last);
        if choices.is_empty() {
            return None;
        }
        if !others && !self.waited {
            self.waited = true;
            let (hint, least) = (error.retry_after_ms(), self.retries.retry_after_ms);
            return Some(Step::Wait(backoff_ms(self.retried, hint, least, random)));
        }
        if others {
            choices.retain(|at| *at != self.last);
        }
        let index = self.pick_of(&choices, health, now_ms, random)?;
        (self.before, self.waited) = (self.failure.take(), false);
        self.retried += 1;
        self.retried_in_all += 1;
        Some(self.attempt(index))
    }

    /// LiteLLM's `should_retry_this_error`, as far as it does not hang on what is healthy.
    fn should_retry(&self, error: &Error) -> bool {
        let alone = self.candidates.len() <= 1;
        error.is_retryable() && (should_retry(rule_status(error)) || !alone)
    }

    /// A deployment whose answer no retry mends is out for the rest of this request, unless there is no other one.
    fn note_out(&mut self, error: &Error) {
        if !should_retry(rule_status(error)) && self.candidates.len() > 1 {
            self.out(self.last, Filtered::Refused);
        }
    }

    fn has_tries(&self) -> bool {
        self.retries.per_request.is_none_or(|most| self.tries < most.max(1))
    }

    /// Why each deployment may not be picked now.
    pub fn states(&self, health: &Health, now_ms: u64) -> Vec<Option<Filtered>> {
        let state = |candidate: &Candidate| {
            if candidate.filtered.is_some() {
                return candidate.filtered.clone();
            }
            match health.rest(&candidate.id, now_ms) {
                Rest::Cooling(until, status) => Some(Filtered::Cooling(until, status)),
                Rest::Tested => Some(Filtered::Probing),
                Rest::Up | Rest::OnTrial => match self.picking.over(candidate, health, now_ms) {
                    Some(limit) => Some(Filtered::Limit { limit, retry_after_ms: 60_000 - now_ms % 60_000 }),
                    None => health.is_unhealthy(&candidate.id, now_ms).then_some(Filtered::Unhealthy),
                },
            }
        };
        self.candidates.iter().map(state).collect()
    }

    /// The deployments that may be picked: of the lowest order, and not those that a request tests, where there are others.
    fn choices(&self, health: &Health, now_ms: u64) -> Vec<usize> {
        let states = self.states(health, now_ms);
        if let Some((at, _)) = self.tied_of(&states, health, now_ms) {
            return vec![at];
        }
        let order = |at: &usize| self.candidates.get(*at).and_then(|candidate| candidate.order).unwrap_or(u64::MAX);
        let of = |wanted: Option<&Filtered>| -> Vec<usize> {
            let fits = |(at, state): (usize, &Option<Filtered>)| (state.as_ref() == wanted).then_some(at);
            let least = self.current.least_order;
            states.iter().enumerate().filter_map(fits).filter(|at| order(at) >= least).collect()
        };
        let mut choices = of(None);
        if choices.iter().all(|at| self.attempts.get(*at).is_some_and(|attempts| *attempts > 0)) {
            // Better a second test than a refusal, or than what has failed this request already.
            choices.extend(of(Some(&Filtered::Probing)));
        }
        if choices.is_empty() {
            // A check may be wrong, or over since: better a try than a refusal.
            choices = of(Some(&Filtered::Unhealthy));
        }
        let least = choices.iter().map(order).min();
        choices.retain(|at| Some(order(at)) == least);
        choices
    }

    fn pick(&self, health: &Health, now_ms: u64, random: u64) -> Option<usize> {
        self.pick_of(&self.choices(health, now_ms), health, now_ms, random)
    }

    /// Picks among the choices that were tried least often in this request.
    fn pick_of(&self, choices: &[usize], health: &Health, now_ms: u64, random: u64) -> Option<usize> {
        let tried = |at: &usize| self.attempts.get(*at).copied().unwrap_or_default();
        let least = choices.iter().map(tried).min()?;
        let choices: Vec<usize> = choices.iter().copied().filter(|at| tried(at) == least).collect();
        self.picking.pick(&self.candidates, &choices, health, now_ms, random)
    }

    fn attempt(&mut self, index: usize) -> Step {
        self.last = index;
        self.tries += 1;
        if let Some(attempts) = self.attempts.get_mut(index) {
            *attempts += 1;
        }
        Step::Attempt(index)
    }

    /// Notes the error that ended the current group, and queues what comes after it: the group's own deployments of a
    /// higher order, then its fallbacks.
    fn leave_group(&mut self, error: Error, falls: bool) {
        if falls {
            let mut next = self.higher_orders(error.kind());
            next.append(&mut self.fallback_targets(error.kind()));
            next.append(&mut self.queue);
            self.queue = next;
        } else {
            self.queue.clear();
        }
        let group = self.group().to_owned();
        self.note_end(&group, &error);
        self.original.get_or_insert(error);
    }

    fn higher_orders(&self, kind: Kind) -> Vec<Target> {
        // A longer context or another policy is not what a deployment of the same model has.
        if self.current.least_order > 0 || matches!(kind, Kind::ContextWindowExceeded | Kind::ContentPolicyViolation) {
            return Vec::new();
        }
        let mut orders: Vec<u64> = self.candidates.iter().filter_map(|candidate| candidate.order).collect();
        if !orders.is_empty() && orders.len() < self.candidates.len() {
            orders.push(u64::MAX);
        }
        sorted::sort(&mut orders);
        orders.dedup();
        let depth = self.current.depth + 1;
        let target = |least_order| Target { hop: self.current.hop.clone(), depth, least_order };
        if self.fallbacks.disabled { Vec::new() } else { orders.into_iter().skip(1).map(target).collect() }
    }

    fn fallback_targets(&mut self, kind: Kind) -> Vec<Target> {
        let depth = self.current.depth + 1;
        if depth > self.fallbacks.most() {
            return Vec::new();
        }
        let mut next = self.fallbacks.after(self.group(), kind);
        // A client's own list holds for the whole request: it is gone through once.
        if let Some(list) = &mut self.fallbacks.client {
            list.clear();
        }
        next.retain(|hop| !self.seen.contains(&hop.model));
        self.seen.extend(next.iter().map(|hop| hop.model.clone()));
        next.into_iter().map(|hop| Target { hop, depth, least_order: 0 }).collect()
    }

    fn next_group(&mut self) -> Step {
        if self.queue.is_empty() || self.hops >= MOST_HOPS || !self.has_tries() {
            return Step::GiveUp(self.final_error());
        }
        self.hops += 1;
        self.current = self.queue.remove(0);
        Step::Enter(self.current.hop.clone())
    }
}

mod ended;
mod second;
mod tied;

#[cfg(test)]
mod tests;
