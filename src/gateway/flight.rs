//! An attempt under way: the deployment counts as busy while this lives, and learns how it ended.

use std::cell::{Cell, RefCell};
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
    /// When the head of an answer came, and the first that a client can use.
    head_ms: Cell<Option<u64>>,
    first_ms: Cell<Option<u64>>,
    landed: Cell<bool>,
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
        Self {
            health,
            rules,
            candidate,
            peers,
            most,
            started_ms: now_ms,
            head_ms: Cell::default(),
            first_ms: Cell::default(),
            landed: Cell::default(),
        }
    }

    /// Notes that the head of an answer came at this time.
    pub(super) fn note_head(&self, at_ms: u64) {
        self.head_ms.set(Some(at_ms));
    }

    /// Notes that a client has something to read from now on.
    pub(super) fn note_first(&self, now_ms: u64) {
        self.first_ms.set(Some(now_ms));
    }

    /// Says that it has brought a whole answer.
    pub(super) fn succeeded(&self, usage: Option<&Usage>, now_ms: u64) {
        let since = |moment: u64| moment.saturating_sub(self.started_ms);
        let sample = Sample {
            ms: since(now_ms),
            head_ms: self.head_ms.get().map(since),
            first_ms: since(self.first_ms.get().unwrap_or(now_ms)),
            stream: self.first_ms.get().is_some(),
            completion_tokens: usage.map_or(0, |usage| usage.completion_tokens),
            total_tokens: usage.map_or(0, |usage| usage.total_tokens),
        };
        self.health.borrow_mut().succeeded(&self.candidate.id, sample, self.most, now_ms);
        self.land(now_ms);
    }

    /// Says that it has failed. Answers whether the deployment rests from now on.
    pub(super) fn failed(&self, error: &Error, now_ms: u64) -> bool {
        // A stream that was gone on with elsewhere is judged once.
        let rests = !self.landed.get() && !is_callers(error) && {
            let counts = (self.peers, self.most);
            self.health.borrow_mut().failed(&self.candidate, error, counts, &self.rules, now_ms).is_some()
        };
        self.land(now_ms);
        rests
    }

    /// Says that another attempt was faster.
    pub(super) fn lost(&self, stream: bool, now_ms: u64) {
        let ms = now_ms.saturating_sub(self.started_ms);
        self.health.borrow_mut().lost(&self.candidate.id, stream, ms, now_ms);
        self.land(now_ms);
    }

    /// Says that it is over, and nothing more.
    pub(super) fn land(&self, now_ms: u64) {
        if !self.landed.replace(true) {
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
