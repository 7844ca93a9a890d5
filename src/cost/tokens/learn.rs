//! Corrects estimates by what providers reported: one factor a model.

use super::{Method, TokenCount};

/// Tokens of prior belief that the estimate is right.
const PRIOR: u64 = 2_000;
/// Estimated tokens after which the past weighs half, so that a factor follows a changed model.
const MEMORY: u64 = 1_000_000;
/// No factor is below or above, in percent: a usage that says otherwise counts something else.
const LEAST: u64 = 50;
const MOST: u64 = 200;
/// No learnt estimate claims less error than this, in percent.
const LEAST_ERROR: u64 = 3;

/// The running ratio of actual to estimated tokens. Pure: the caller keeps one for each model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Factor {
    estimated: u64,
    actual: u64,
    /// Sum of the distances of actual tokens from what the factor of the time said.
    missed: u64,
}

impl Factor {
    /// Takes in a call: what was estimated before any factor, and what the provider reported.
    pub fn observe(&mut self, estimated: u64, actual: u64) {
        // Tiny calls are mostly overhead; absurd ones are another thing than tokens of this text.
        if estimated < 16 || actual < estimated / 4 || actual / 4 > estimated || estimated > MEMORY * 100 {
            return;
        }
        self.missed += self.scale(estimated).abs_diff(actual);
        self.estimated += estimated;
        self.actual += actual;
        while self.estimated > MEMORY {
            (self.estimated, self.actual, self.missed) = (self.estimated / 2, self.actual / 2, self.missed / 2);
        }
    }

    /// The ratio in 1/10,000.
    pub fn ratio(&self) -> u64 {
        let ratio = (self.actual + PRIOR) * 10_000 / (self.estimated + PRIOR);
        ratio.clamp(LEAST * 100, MOST * 100)
    }

    fn scale(&self, tokens: u64) -> u64 {
        (u128::from(tokens) * u128::from(self.ratio())).div_ceil(10_000) as u64
    }

    /// Corrects an estimate; an exact count stays.
    #[must_use]
    pub fn apply(&self, count: TokenCount) -> TokenCount {
        if count.method == Method::Exact {
            return count;
        }
        // Twice the mean miss, weighed against the stated error until as much is known as the prior holds.
        let learnt = (self.missed * 200 / self.estimated.max(1)).max(LEAST_ERROR);
        let stated = u64::from(count.error_percent);
        let error = (learnt * self.estimated + stated * PRIOR * 5) / (self.estimated + PRIOR * 5);
        TokenCount { value: self.scale(count.value), error_percent: error as u32, ..count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guess(value: u64) -> TokenCount {
        TokenCount { value, method: Method::Estimated, error_percent: 20 }
    }

    #[test]
    fn a_factor_nears_the_true_ratio_and_its_error_shrinks() {
        let mut factor = Factor::default();
        assert_eq!(factor.apply(guess(1_000)), guess(1_000));
        for _ in 0..200 {
            factor.observe(1_000, 1_300);
        }
        let learnt = factor.apply(guess(1_000));
        assert!((1_290..=1_300).contains(&learnt.value), "{learnt:?}");
        assert!(learnt.error_percent < 6, "{learnt:?}");
    }

    #[test]
    fn absurd_reports_change_little_and_the_factor_is_bounded() {
        let mut factor = Factor::default();
        factor.observe(1_000, 1_000_000);
        factor.observe(1_000, 0);
        factor.observe(u64::MAX, u64::MAX);
        assert_eq!(factor, Factor::default());
        (0..10_000).for_each(|_| factor.observe(1_000, 3_900));
        assert_eq!(factor.ratio(), 20_000);
    }

    #[test]
    fn a_changed_model_is_followed() {
        let mut factor = Factor::default();
        (0..2_000).for_each(|_| factor.observe(1_000, 1_000));
        (0..3_000).for_each(|_| factor.observe(1_000, 1_400));
        assert!((13_900..=14_000).contains(&factor.ratio()), "{}", factor.ratio());
    }

    #[test]
    fn exact_counts_are_not_corrected() {
        let mut factor = Factor::default();
        (0..100).for_each(|_| factor.observe(1_000, 1_500));
        let exact = TokenCount { value: 7, method: Method::Exact, error_percent: 0 };
        assert_eq!(factor.apply(exact), exact);
    }
}
