//! What of a plan is about a second attempt beside one that is under way.

use super::Plan;
use crate::error::Error;
use crate::router::cooldown::{rule_status, should_retry};
use crate::router::{Filtered, Health};

impl Plan {
    /// Picks a deployment for a second attempt beside the last one: another that this request has not tried, and the same
    /// one where its group has no other.
    pub fn hedge(&self, health: &Health, now_ms: u64, random: u64) -> Option<usize> {
        if !self.has_tries() {
            return None;
        }
        let states = self.states(health, now_ms);
        if let [state] = states.as_slice() {
            // It may rest by now, for what others found out.
            return state.is_none().then_some(0);
        }
        let order = |at: usize| self.candidates.get(at).and_then(|candidate| candidate.order).unwrap_or(u64::MAX);
        let fits = |(at, state): (usize, &Option<Filtered>)| {
            let free = state.is_none() && order(at) == order(self.last) && self.attempts.get(at) == Some(&0);
            free.then_some(at)
        };
        let choices: Vec<usize> = states.iter().enumerate().filter_map(fits).collect();
        self.picking.pick(&self.candidates, &choices, health, now_ms, random)
    }

    /// Says that the second attempt was sent.
    pub fn hedged(&mut self, index: usize) {
        self.tries += 1;
        if let Some(attempts) = self.attempts.get_mut(index) {
            *attempts += 1;
        }
    }

    /// Says that the second attempt failed.
    pub fn hedge_failed(&mut self, index: usize, error: &Error) {
        if !should_retry(rule_status(error)) && self.candidates.len() > 1 {
            self.out(index, Filtered::Refused);
        }
    }
}
