//! What isolates tell each other of deployments that rest: a short list in a cache that they share.
//!
//! Nothing hangs on it: an isolate that does not hear of a rest finds out by one failure of its own.

use serde_json::{Value, json};

use super::Gateway;
use super::host::Host;

/// An isolate reads the list at most once in so many ms: a rest lasts 5 s where nothing else is said.
const FRESH_MS: u64 = 2_000;

/// The longest rest, in ms, that is believed.
const LONGEST_MS: u64 = 3_600_000;

/// The most rests that a list holds.
const MOST: usize = 200;

impl Gateway {
    /// Reads the list, unless that was done a moment ago; and what background checks have found.
    pub(super) async fn read_board<H: Host>(&self, host: &H) {
        self.heed_checks(host).await;
        let now = host.now_ms();
        if now.saturating_sub(self.board_read_at.get()) < FRESH_MS || self.config.router.cooldown.disabled {
            return;
        }
        self.board_read_at.set(now);
        self.learn(host).await;
    }

    /// Writes down who rests, with what others have written.
    pub(super) async fn write_board<H: Host>(&self, host: &H) {
        self.learn(host).await;
        let now = host.now_ms();
        let (list, last) = {
            let health = self.health.borrow();
            let resting: Vec<(&str, u64, u16)> = health.resting(now).take(MOST).collect();
            let last = resting.iter().map(|(_, until, _)| *until).max().unwrap_or(now);
            (json!(resting).to_string(), last)
        };
        host.share_rests(list.into_bytes(), last.saturating_sub(now).div_ceil(1000)).await;
    }

    async fn learn<H: Host>(&self, host: &H) {
        let Some(bytes) = host.shared_rests().await else { return };
        let list: Value = crate::json::read(&bytes).unwrap_or_default();
        let now = host.now_ms();
        let mut health = self.health.borrow_mut();
        for entry in list.as_array().into_iter().flatten().take(MOST) {
            let number = |at: usize| entry.get(at).and_then(Value::as_u64);
            if let (Some(id), Some(until), Some(status)) = (entry.get(0).and_then(Value::as_str), number(1), number(2))
            {
                health.learn(id, until.min(now.saturating_add(LONGEST_MS)), status as u16, now);
            }
        }
    }
}
