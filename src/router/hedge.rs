//! When a second attempt is worth its price: after the time that a deployment's answers usually take to begin.

use super::Health;

/// The most second attempts that a deployment may have saved up.
const MOST_SAVED: f64 = 10.0;

/// `hedging`.
#[derive(Clone, Debug, PartialEq)]
pub struct HedgeRules {
    /// `percentile`: the share of answers that begin earlier than a second attempt is sent, above 0 and at most 1.
    pub percentile: f64,
    /// `min_samples`: answers of a deployment that have to be known.
    pub least_samples: usize,
    /// `min_delay` in ms: no second attempt is sent earlier.
    pub least_ms: u64,
    /// `max_share`: the most second attempts, as a share of the first ones.
    pub share: f64,
    /// `models`: the model groups that it is for; empty: all.
    pub models: Vec<String>,
}

impl Default for HedgeRules {
    fn default() -> Self {
        Self { percentile: 0.95, least_samples: 20, least_ms: 50, share: 0.1, models: Vec::new() }
    }
}

impl Health {
    /// After how many ms without a head a second attempt is sent beside one at this deployment; `None` while too little is
    /// known of it.
    pub fn hedge_after(&self, id: &str, stream: bool, rules: &HedgeRules) -> Option<u64> {
        let ms = self.get(id)?.pace().head_at(stream, rules.percentile, rules.least_samples)?;
        Some(ms.max(rules.least_ms))
    }

    /// Counts a first attempt, by which a share of a second one is earned.
    pub fn earn_hedge(&mut self, id: &str, rules: &HedgeRules, now_ms: u64) {
        self.edit(id, now_ms, |entry| entry.saved = (entry.saved + rules.share).min(MOST_SAVED));
    }

    /// Takes one second attempt of those that were earned; false where none is left.
    pub fn spend_hedge(&mut self, id: &str, now_ms: u64) -> bool {
        let mut paid = false;
        // A tenth ten times is not quite one.
        self.edit(id, now_ms, |entry| paid = entry.saved > 1.0 - 1e-6);
        if paid {
            self.edit(id, now_ms, |entry| entry.saved -= 1.0);
        }
        paid
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::router::Sample;

    fn after(heads: &[u64], stream: bool, rules: &HedgeRules) -> Option<u64> {
        let mut health = Health::default();
        for ms in heads {
            let sample = Sample { ms: 9_000, head_ms: Some(*ms), stream: true, ..Sample::default() };
            health.succeeded("a", sample, 10, 1_000);
        }
        health.hedge_after("a", stream, rules)
    }

    #[test]
    fn the_delay_is_the_percentile_of_what_is_known() {
        let rules = HedgeRules::default();
        let heads: Vec<u64> = (1..=20).map(|n| n * 100).collect();
        assert_eq!(after(&heads, true, &rules), Some(1_900));
        assert_eq!(after(&heads, false, &rules), None, "whole answers begin when they end");
        assert_eq!(after(&heads[1..], true, &rules), None, "too few");
        assert_eq!(after(&heads, true, &HedgeRules { percentile: 0.5, ..rules.clone() }), Some(1_000));
        assert_eq!(after(&heads, true, &HedgeRules { least_ms: 5_000, ..rules.clone() }), Some(5_000));
        let many: Vec<u64> = (1..=1_000).collect();
        assert_eq!(after(&many, true, &rules), Some(997), "the last 64 of them");
    }

    #[test]
    fn an_attempt_that_was_left_counts_with_the_time_it_had() {
        let mut health = Health::default();
        for ms in [10; 19] {
            health.succeeded("a", Sample { ms, head_ms: Some(ms), ..Sample::default() }, 10, 1_000);
        }
        let rules = HedgeRules { percentile: 1.0, ..HedgeRules::default() };
        assert_eq!(health.hedge_after("a", false, &rules), None);
        health.lost("a", false, 700, 2_000);
        assert_eq!(health.hedge_after("a", false, &rules), Some(700));
    }

    #[test]
    fn second_attempts_are_a_share_of_the_first_ones() {
        let (mut health, rules) = (Health::default(), HedgeRules::default());
        let mut sent = 0;
        for n in 0..1_000 {
            health.earn_hedge("a", &rules, n);
            sent += u32::from(health.spend_hedge("a", n));
        }
        assert_eq!(sent, 100);
        for n in 0..1_000 {
            health.earn_hedge("a", &rules, n);
        }
        let burst = (0..1_000).filter(|n| health.spend_hedge("a", *n)).count();
        assert_eq!(burst, 10, "what is saved up is bounded");
        assert!(!health.spend_hedge("unknown", 0));
    }
}
