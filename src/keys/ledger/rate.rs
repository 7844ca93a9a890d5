//! The rate window of a scope: requests and tokens in fixed windows of 60 s that start at the first hit, as LiteLLM's
//! do.

/// Length of a rate window in ms.
pub const RATE_WINDOW_MS: u64 = 60_000;

/// Requests and tokens of the present window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RateWindow {
    /// When it started, in ms.
    pub start_ms: u64,
    /// The reservation that started it; 0 before the first.
    pub first_seq: u64,
    /// Requests admitted in it.
    pub requests: u64,
    /// Tokens reserved or used by them.
    pub tokens: u64,
}

crate::json::record!(RateWindow { start_ms, first_seq, requests, tokens });

impl RateWindow {
    /// The window that a hit at `now_ms` would fall into.
    ///
    /// A clock that jumped back by more than a window starts a new one: else a window could last for hours.
    #[must_use]
    pub(super) fn at(self, now_ms: u64) -> Self {
        let fresh = self.first_seq == 0 || self.start_ms.abs_diff(now_ms) >= RATE_WINDOW_MS;
        if fresh { Self { start_ms: now_ms, ..Self::default() } } else { self }
    }

    /// Counts an admitted request.
    pub(super) fn hit(&mut self, seq: u64, tokens: u64, now_ms: u64) {
        *self = self.at(now_ms);
        if self.first_seq == 0 {
            self.first_seq = seq;
        }
        self.requests += 1;
        self.tokens = self.tokens.saturating_add(tokens);
    }

    /// Replaces the tokens that request `seq` reserved by those that it used, where it was counted in this window.
    pub(super) fn correct(&mut self, seq: u64, reserved: u64, used: u64) {
        if self.first_seq != 0 && seq >= self.first_seq {
            self.tokens = self.tokens.saturating_sub(reserved).saturating_add(used);
        }
    }

    /// When the window ends, in ms.
    pub const fn ends_ms(self) -> u64 {
        self.start_ms.saturating_add(RATE_WINDOW_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_starts_at_its_first_hit_and_lasts_a_minute() {
        let mut window = RateWindow::default();
        window.hit(1, 100, 5_000);
        window.hit(2, 50, 64_999);
        assert_eq!((window.start_ms, window.requests, window.tokens), (5_000, 2, 150));
        window.hit(3, 7, 65_000);
        assert_eq!((window.start_ms, window.requests, window.tokens), (65_000, 1, 7));
        window.correct(2, 50, 10);
        assert_eq!(window.tokens, 7, "a request of the window before changes nothing");
        window.correct(3, 7, 20);
        assert_eq!(window.tokens, 20);
    }

    #[test]
    fn a_clock_that_jumps_back_does_not_hold_the_window_open() {
        let mut window = RateWindow::default();
        window.hit(1, 0, 10_000_000);
        assert_eq!(window.at(9_990_000).requests, 1, "ten seconds back: the same window");
        assert_eq!(window.at(5_000_000).requests, 0);
    }
}
