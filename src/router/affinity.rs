//! Which deployment a caller, a session or a cached prompt was answered by, so that the next request may go there again.
//!
//! Kept by keys that are digests: neither prompts nor names of sessions stay in memory. No clock: `now_ms` is an argument.

use crate::sorted;

/// The most pins that an isolate remembers.
const MOST_PINS: usize = 4_096;

/// What binds a request to the deployment that answered one like it.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// The entry of `optional_pre_call_checks` that asks for it.
    pub check: &'static str,
    /// Digests by which a pin is looked for, in this order; an answer is pinned by the first.
    pub keys: Vec<u128>,
    /// How long a pin holds after the last answer that it led to, in ms.
    pub ttl_ms: u64,
    /// Whether every answer moves the pin; else the first one holds while its deployment can be asked.
    pub moves: bool,
}

/// The pins of an isolate, sorted by key.
#[derive(Clone, Debug, Default)]
pub struct Pins(Vec<Pin>);

#[derive(Clone, Debug)]
struct Pin {
    key: u128,
    /// The deployment's id.
    id: String,
    /// Until when it holds, and when it was last set, in Unix ms.
    until_ms: u64,
    set_ms: u64,
}

impl Pins {
    /// The deployment that is pinned by `key`.
    pub fn get(&self, key: u128, now_ms: u64) -> Option<&str> {
        let pin = self.0.get(self.place(key).ok()?)?;
        (pin.until_ms > now_ms).then_some(pin.id.as_str())
    }

    /// Pins the deployment `id` by `key` for `ttl_ms`.
    pub fn set(&mut self, key: u128, id: &str, ttl_ms: u64, now_ms: u64) {
        let pin = Pin { key, id: id.to_owned(), until_ms: now_ms.saturating_add(ttl_ms), set_ms: now_ms };
        if let Some(own) = self.place(key).ok().and_then(|at| self.0.get_mut(at)) {
            *own = pin;
            return;
        }
        if self.0.len() >= MOST_PINS {
            self.keep(now_ms, 0);
        }
        if self.0.len() >= MOST_PINS {
            // Half of them, those that were set longest ago: not one at a time, since each is a search.
            let mut set: Vec<u64> = self.0.iter().map(|pin| pin.set_ms).collect();
            sorted::sort(&mut set);
            self.keep(now_ms, set.get(set.len() / 2).map_or(0, |middle| middle + 1));
        }
        let (Ok(at) | Err(at)) = self.place(key);
        self.0.insert(at, pin);
    }

    /// Where the pin of a key is, or belongs.
    fn place(&self, key: u128) -> Result<usize, usize> {
        self.0.binary_search_by(|pin| pin.key.cmp(&key))
    }

    /// Keeps those that hold still and were set no earlier than `since_ms`.
    fn keep(&mut self, now_ms: u64, since_ms: u64) {
        self.0.retain(|pin| pin.until_ms > now_ms && pin.set_ms >= since_ms);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_holds_for_its_time_and_each_answer_sets_it_anew() {
        let mut pins = Pins::default();
        pins.set(7, "a", 1_000, 0);
        pins.set(3, "b", 1_000, 10);
        assert_eq!((pins.get(7, 999), pins.get(7, 1_000), pins.get(8, 5)), (Some("a"), None, None));
        pins.set(7, "c", 1_000, 500);
        assert_eq!((pins.get(7, 1_499), pins.get(3, 20), pins.0.len()), (Some("c"), Some("b"), 2));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_what_is_over_goes_first() {
        let mut pins = Pins::default();
        for key in 0..u128::from(u16::MAX) {
            pins.set(key.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_000_003, "a", 1_000_000, key as u64);
            assert!(pins.0.len() <= MOST_PINS);
        }
        assert!(pins.0.is_sorted_by(|a, b| a.key < b.key));
        let mut pins = Pins::default();
        pins.set(1, "old", 1_000_000, 0);
        for key in 2..=MOST_PINS as u128 {
            pins.set(key, "brief", 10, 1);
        }
        pins.set(9_999, "new", 10, 20);
        assert_eq!((pins.get(1, 20), pins.get(9_999, 20), pins.0.len()), (Some("old"), Some("new"), 2));
    }

    #[test]
    fn many_pins_of_one_moment_make_room_too() {
        let mut pins = Pins::default();
        for key in 0..=MOST_PINS as u128 {
            pins.set(key, "a", 10, 5);
        }
        assert_eq!((pins.0.len(), pins.get(MOST_PINS as u128, 5)), (1, Some("a")));
    }
}
