//! The plan of one request: attempts within a model group, then the groups after it.

use super::fallback::{Fallbacks, Hop};
use super::retry::{RetryRules, backoff_ms};
use super::{Candidate, Filtered, Health, strategy};
use crate::error::{Error, Kind};

/// What to do next.
#[derive(Clone, Debug)]
pub enum Step {
    /// Send the request to this deployment of the current group.
    Attempt(usize),
    /// Wait so many ms, then ask again.
    Wait(u64),
    /// Go to this model group: resolve it, and say so by [`Plan::enter`] or [`Plan::no_such_group`].
    Enter(Hop),
    /// Answer the client with this error.
    GiveUp(Error),
}

/// A deployment within the current group, and what became of it in this request.
#[derive(Clone, Debug)]
struct Tried {
    candidate: Candidate,
    attempts: u32,
}

impl Tried {
    fn is_out(&self) -> bool {
        self.candidate.filtered.is_some()
    }
}

/// The plan of one request.
///
/// The gateway asks [`Plan::next`], does what it says, and tells what came of it; a success needs no telling.
#[derive(Clone, Debug)]
pub struct Plan {
    retries: RetryRules,
    fallbacks: Fallbacks,
    /// The current group, and the deployments in it.
    group: String,
    deployments: Vec<Tried>,
    /// Groups still to go to, in order, and those entered or queued before.
    queue: Vec<Hop>,
    seen: Vec<String>,
    hops: u32,
    /// Retries in the current group, and in all groups.
    retried: u32,
    retried_in_all: u32,
    /// The deployment of the last attempt.
    last: usize,
    /// What the last attempt came to, until the next step is decided.
    failure: Option<Error>,
    /// The first group's last error: what the client gets when nothing helps.
    original: Option<Error>,
    /// The error that ended each later group.
    later: Vec<(String, Kind)>,
    waited: bool,
}

impl Plan {
    /// A plan that starts in `group`.
    pub fn new(group: &str, candidates: Vec<Candidate>, retries: RetryRules, fallbacks: Fallbacks) -> Self {
        let mut plan = Self {
            retries,
            fallbacks,
            group: String::new(),
            deployments: Vec::new(),
            queue: Vec::new(),
            seen: vec![group.to_owned()],
            hops: 0,
            retried: 0,
            retried_in_all: 0,
            last: 0,
            failure: None,
            original: None,
            later: Vec::new(),
            waited: false,
        };
        plan.enter(group, candidates);
        plan
    }

    /// Says that the current group is now `group`, with these deployments.
    pub fn enter(&mut self, group: &str, candidates: Vec<Candidate>) {
        group.clone_into(&mut self.group);
        self.deployments = candidates.into_iter().map(|candidate| Tried { candidate, attempts: 0 }).collect();
        self.retried = 0;
        self.waited = false;
    }

    /// Says that a group to go to does not exist.
    pub fn no_such_group(&mut self, group: &str) {
        self.later.push((group.to_owned(), Kind::NotFound));
        self.deployments.clear();
    }

    /// Says that the last attempt failed.
    pub fn failed(&mut self, error: Error) {
        self.failure = Some(error);
    }

    /// Says that the deployment which was to be attempted had no room: nothing was sent, and the next one's turn comes at
    /// once, without a retry being used.
    pub fn full(&mut self, reason: Filtered) {
        if let Some(tried) = self.deployments.get_mut(self.last) {
            tried.attempts = tried.attempts.saturating_sub(1);
            tried.candidate.filtered = Some(reason);
        }
    }

    /// The deployments of the current group, in order, with why each is out.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        self.deployments.iter().map(|tried| &tried.candidate)
    }

    /// Retries so far, in all groups.
    pub fn attempted_retries(&self) -> u32 {
        self.retried_in_all
    }

    /// Groups that were gone to after the first.
    pub fn attempted_fallbacks(&self) -> u32 {
        self.hops
    }

    /// The current group.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// Decides the next step; `random` is uniform over all of `u64`.
    pub fn next(&mut self, _health: &Health, _now_ms: u64, random: u64) -> Step {
        if let Some(error) = self.failure.clone() {
            if let Some(step) = self.retry(&error, random) {
                return step;
            }
            self.failure = None;
            self.leave_group(error);
            return self.next_group();
        }
        match self.pick(random) {
            Some(index) => self.attempt(index),
            None => self.next_group(),
        }
    }

    /// A retry of the failed attempt, or `None` when this group is done.
    fn retry(&mut self, error: &Error, random: u64) -> Option<Step> {
        let own = self.deployments.get(self.last).and_then(|tried| tried.candidate.num_retries);
        let (allowed, by_policy) = self.retries.allowed(error, own);
        let again = error.is_retryable() || (by_policy && error.falls_back());
        if !again || self.retried >= allowed {
            return None;
        }
        // A wrong credential stays wrong: only another deployment can help.
        if matches!(error.kind(), Kind::Authentication | Kind::PermissionDenied | Kind::PaymentRequired)
            && let Some(tried) = self.deployments.get_mut(self.last)
        {
            tried.candidate.filtered = Some(Filtered::Refused);
        }
        let fresh = self.deployments.iter().any(|tried| tried.attempts == 0 && !tried.is_out());
        if !fresh && !self.waited && self.deployments.iter().any(|tried| !tried.is_out()) {
            self.waited = true;
            return Some(Step::Wait(backoff_ms(
                self.retried,
                error.retry_after_ms(),
                self.retries.retry_after_ms,
                random,
            )));
        }
        let index = self.pick(random)?;
        self.failure = None;
        self.waited = false;
        self.retried += 1;
        self.retried_in_all += 1;
        Some(self.attempt(index))
    }

    /// Picks among the deployments that were tried least often in this request, and are not out.
    fn pick(&self, random: u64) -> Option<usize> {
        let left = || self.deployments.iter().enumerate().filter(|(_, tried)| !tried.is_out());
        let least = left().map(|(_, tried)| tried.attempts).min()?;
        let choices: Vec<usize> = left().filter(|(_, tried)| tried.attempts == least).map(|(index, _)| index).collect();
        let candidates: Vec<Candidate> = self.deployments.iter().map(|tried| tried.candidate.clone()).collect();
        strategy::shuffle(&candidates, &choices, random)
    }

    fn attempt(&mut self, index: usize) -> Step {
        self.last = index;
        if let Some(tried) = self.deployments.get_mut(index) {
            tried.attempts += 1;
        }
        Step::Attempt(index)
    }

    /// Notes the error that ended the current group, and queues the groups that come after it.
    fn leave_group(&mut self, error: Error) {
        let mut next = self.fallbacks.after(&self.group, &error);
        // A client's own list holds for the whole request: it is gone through once.
        if self.fallbacks.client.is_some() && self.hops > 0 {
            next.clear();
        }
        next.retain(|hop| !self.seen.contains(&hop.model));
        self.seen.extend(next.iter().map(|hop| hop.model.clone()));
        if error.falls_back() {
            next.append(&mut self.queue);
            self.queue = next;
        } else {
            self.queue.clear();
        }
        match self.original {
            None => self.original = Some(error),
            Some(_) => self.later.push((self.group.clone(), error.kind())),
        }
    }

    fn next_group(&mut self) -> Step {
        if self.queue.is_empty() || self.hops >= self.fallbacks.most() {
            return Step::GiveUp(self.final_error());
        }
        self.hops += 1;
        Step::Enter(self.queue.remove(0))
    }

    /// The first group's error, with a word on what became of the fallbacks.
    fn final_error(&mut self) -> Error {
        let later: Vec<String> =
            self.later.iter().map(|(group, kind)| format!("`{group}` ({})", kind.row().name)).collect();
        let error = self.original.take().unwrap_or_else(|| {
            Error::new(
                Kind::ServiceUnavailable,
                format!("model group `{}` has no deployment that may be used", self.group),
            )
        });
        if later.is_empty() {
            error
        } else {
            error.map_message(|message| format!("{message} (fallbacks failed too: {})", later.join(", ")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn down() -> Error {
        Error::upstream(Kind::ServiceUnavailable, "p", 503, "down")
    }

    fn plan(deployments: usize, retries: u32, fallbacks: Fallbacks) -> Plan {
        let rules = RetryRules { router: Some(retries), ..RetryRules::default() };
        Plan::new("m", vec![Candidate::default(); deployments], rules, fallbacks)
    }

    /// Fails every attempt with `error` and writes the steps down.
    fn run(plan: &mut Plan, error: &Error) -> Vec<String> {
        let mut steps = Vec::new();
        for _ in 0..100 {
            match plan.next(&Health::default(), 0, 0) {
                Step::Attempt(index) => {
                    steps.push(format!("{}{index}", plan.group()));
                    plan.failed(error.clone());
                }
                Step::Wait(ms) => steps.push(format!("wait{ms}")),
                Step::Enter(hop) if hop.model == "nowhere" => plan.no_such_group("nowhere"),
                Step::Enter(hop) => plan.enter(&hop.model, vec![Candidate::default()]),
                Step::GiveUp(error) => {
                    steps.push(format!("{error}"));
                    return steps;
                }
            }
        }
        panic!("endless: {steps:?}");
    }

    #[test]
    fn one_deployment_is_retried_after_waits() {
        let steps = run(&mut plan(1, 2, Fallbacks::default()), &down());
        assert_eq!(steps, ["m0", "wait500", "m0", "wait1000", "m0", "ServiceUnavailableError: down"]);
    }

    #[test]
    fn another_deployment_is_tried_at_once() {
        let steps = run(&mut plan(2, 2, Fallbacks::default()), &down());
        assert_eq!(steps, ["m0", "m1", "wait1000", "m0", "ServiceUnavailableError: down"]);
    }

    #[test]
    fn a_wrong_credential_only_goes_elsewhere() {
        let wrong = Error::upstream(Kind::Authentication, "p", 401, "no");
        assert_eq!(run(&mut plan(1, 5, Fallbacks::default()), &wrong), ["m0", "AuthenticationError: no"]);
        assert_eq!(run(&mut plan(2, 5, Fallbacks::default()), &wrong), ["m0", "m1", "AuthenticationError: no"]);
    }

    #[test]
    fn a_clients_mistake_ends_it() {
        let fallbacks = Fallbacks { default: vec!["f".to_owned()], ..Fallbacks::default() };
        let wrong = Error::upstream(Kind::BadRequest, "p", 400, "no");
        assert_eq!(run(&mut plan(3, 5, fallbacks), &wrong), ["m0", "BadRequestError: no"]);
    }

    #[test]
    fn fallbacks_follow_each_other_once_and_the_first_error_stays() {
        let groups = vec![
            ("m".to_owned(), vec!["a".to_owned(), "nowhere".to_owned()]),
            ("a".to_owned(), vec!["m".to_owned(), "b".to_owned()]),
        ];
        let mut plan = plan(1, 0, Fallbacks { groups, ..Fallbacks::default() });
        let steps = run(&mut plan, &down());
        let end = "ServiceUnavailableError: down (fallbacks failed too: `a` (ServiceUnavailableError), \
                   `b` (ServiceUnavailableError), `nowhere` (NotFoundError))";
        assert_eq!(steps, ["m0", "a0", "b0", end]);
        assert_eq!(plan.attempted_fallbacks(), 3);
    }

    #[test]
    fn hops_are_bounded() {
        let default: Vec<String> = (0..9).map(|n| format!("f{n}")).collect();
        let mut plan = plan(1, 0, Fallbacks { default, ..Fallbacks::default() });
        assert_eq!(run(&mut plan, &down()).len(), 7);
        assert_eq!(plan.attempted_fallbacks(), 5);
    }

    #[test]
    fn an_empty_group_gives_up_with_a_reason() {
        let steps = run(&mut plan(0, 2, Fallbacks::default()), &down());
        assert_eq!(steps, ["ServiceUnavailableError: model group `m` has no deployment that may be used"]);
    }
}
