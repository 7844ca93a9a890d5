//! An attempt under way: the deployment counts as busy while this lives, and learns how it ended.

use std::cell::RefCell;
use std::rc::Rc;

use crate::error::{Blame, Error, Kind};
use crate::openai::Usage;
use crate::router::{Candidate, CooldownRules, Health, Sample};

/// An attempt under way. Dropped, it is over.
pub(super) struct Flight {
    health: Rc<RefCell<Health>>,
    rules: Rc<CooldownRules>,
    candidate: Candidate,
    /// Deployments of its group.
    peers: usize,
    /// How many latencies are remembered.
    most: usize,
    started_ms: u64,
    /// When the first came that a client can use.
    first_ms: Option<u64>,
    landed: bool,
}

impl Flight {
    /// Starts one at a deployment whose group has so many `peers`.
    pub(super) fn start(
        health: &Rc<RefCell<Health>>,
        rules: &Rc<CooldownRules>,
        candidate: Candidate,
        (peers, most): (usize, usize),
        now_ms: u64,
    ) -> Self {
        health.borrow_mut().start(&candidate.id, now_ms);
        let (health, rules) = (health.clone(), rules.clone());
        Self { health, rules, candidate, peers, most, started_ms: now_ms, first_ms: None, landed: false }
    }

    /// Notes that a client has something to read from now on.
    pub(super) fn note_first(&mut self, now_ms: u64) {
        self.first_ms = Some(now_ms);
    }

    /// Says that it has brought a whole answer.
    pub(super) fn succeeded(&mut self, usage: Option<&Usage>, now_ms: u64) {
        let since = |moment: u64| moment.saturating_sub(self.started_ms);
        let sample = Sample {
            ms: since(now_ms),
            first_ms: since(self.first_ms.unwrap_or(now_ms)),
            stream: self.first_ms.is_some(),
            completion_tokens: usage.map_or(0, |usage| usage.completion_tokens),
            total_tokens: usage.map_or(0, |usage| usage.total_tokens),
        };
        self.health.borrow_mut().succeeded(&self.candidate.id, sample, self.most, now_ms);
        self.land(now_ms);
    }

    /// Says that it has failed. Answers whether the deployment rests from now on.
    pub(super) fn failed(&mut self, error: &Error, now_ms: u64) -> bool {
        let rests = !is_callers(error) && {
            let counts = (self.peers, self.most);
            self.health.borrow_mut().failed(&self.candidate, error, counts, &self.rules, now_ms).is_some()
        };
        self.land(now_ms);
        rests
    }

    /// Says that it is over, and nothing more.
    pub(super) fn land(&mut self, now_ms: u64) {
        if !std::mem::replace(&mut self.landed, true) {
            self.health.borrow_mut().finish(&self.candidate.id, self.started_ms, now_ms);
        }
    }
}

/// Whether a failure says nothing of the deployment. A wrong request is its client's; but a policy of the deployment's
/// own may count it all the same, so those that come from upstream are told.
fn is_callers(error: &Error) -> bool {
    error.kind() == Kind::ClientClosedRequest || (error.blame() == Blame::Client && error.provider().is_none())
}

impl Drop for Flight {
    fn drop(&mut self) {
        // When is not known any more, and does not matter: it only ceases to count.
        self.land(self.started_ms);
    }
}
