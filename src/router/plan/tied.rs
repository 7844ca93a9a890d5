//! What of a plan comes of affinity: the deployment that a request is tied to, and what is remembered of an answer.

use super::Plan;
use crate::router::{Filtered, Health, Tie};

impl Plan {
    /// The deployment that answered a request like this one, and the check that asks for it again: where it may be picked,
    /// and this request has not tried it. As in LiteLLM it comes before any order, but where a higher one stands in.
    pub fn tied(&self, health: &Health, now_ms: u64) -> Option<(usize, &'static str)> {
        self.tied_of(&self.states(health, now_ms), health, now_ms)
    }

    pub(super) fn tied_of(
        &self,
        states: &[Option<Filtered>],
        health: &Health,
        now_ms: u64,
    ) -> Option<(usize, &'static str)> {
        if self.current.least_order > 0 {
            return None;
        }
        let pinned = |tie: &Tie| tie.keys.iter().find_map(|key| health.pins.get(*key, now_ms));
        let tied = |tie: &Tie| Some((self.untried(states, pinned(tie)?)?, tie.check));
        self.picking.ties.iter().find_map(tied)
    }

    /// Where a deployment is that may be picked, and that this request has not tried.
    fn untried(&self, states: &[Option<Filtered>], id: &str) -> Option<usize> {
        let at = self.candidates.iter().position(|candidate| candidate.id == id)?;
        (states.get(at) == Some(&None) && self.attempts.get(at) == Some(&0)).then_some(at)
    }

    /// Says that the deployment `id` answers: requests like this one go there again. One that another deployment answered
    /// before stays with that one as long as it could have been asked: of several first requests at once, one decides.
    pub fn answered(&self, id: &str, health: &mut Health, now_ms: u64) {
        if self.picking.ties.is_empty() {
            return;
        }
        let states = self.states(health, now_ms);
        for tie in &self.picking.ties {
            let Some(key) = tie.keys.first() else { continue };
            let other = health.pins.get(*key, now_ms).filter(|other| !tie.moves && *other != id);
            if other.and_then(|other| self.untried(&states, other)).is_none() {
                health.pins.set(*key, id, tie.ttl_ms, now_ms);
            }
        }
    }
}
