//! What an isolate knows of its deployments: who is busy, how fast each is, and who rests.
//!
//! One value for all requests of an isolate, in a list that is sorted by deployment id. It reads no clock: `now_ms` is an
//! argument. A request whose client has left may never be told of again, so whatever is counted runs out by itself.

/// The most deployments that are remembered: a client may name any `provider/model`, and an isolate has 128 MB.
const MOST_ENTRIES: usize = 2_048;

/// The longest that an attempt counts as under way, in ms: one whose end nobody told is forgotten then.
const LONGEST_FLIGHT_MS: u64 = 600_000;

/// What is known of every deployment that was used.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Sorted by id.
    entries: Vec<Vitals>,
}

/// What is known of one deployment. Times are Unix ms.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    id: String,
    /// When each attempt that is under way was started.
    flights: Vec<u64>,
    /// When it was last used.
    used_at: u64,
}

impl Health {
    /// What is known of a deployment; `None` for one that was never used.
    pub fn get(&self, id: &str) -> Option<&Vitals> {
        let at = self.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok()?;
        self.entries.get(at)
    }

    /// Notes that an attempt is under way.
    pub fn start(&mut self, id: &str, now_ms: u64) {
        self.edit(id, now_ms, |entry| {
            entry.flights.retain(|started| now_ms.saturating_sub(*started) < LONGEST_FLIGHT_MS);
            entry.flights.push(now_ms);
        });
    }

    /// Notes that the attempt which was started at `started_ms` is over, however it ended.
    pub fn finish(&mut self, id: &str, started_ms: u64, now_ms: u64) {
        self.edit(id, now_ms, |entry| {
            if let Some(at) = entry.flights.iter().position(|started| *started == started_ms) {
                entry.flights.swap_remove(at);
            }
        });
    }

    /// Changes what is known of a deployment.
    fn edit(&mut self, id: &str, now_ms: u64, change: impl FnOnce(&mut Vitals)) {
        let at = match self.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)) {
            Ok(at) => at,
            Err(_) => self.insert(id),
        };
        if let Some(entry) = self.entries.get_mut(at) {
            entry.used_at = now_ms;
            change(entry);
        }
    }

    fn insert(&mut self, id: &str) -> usize {
        if self.entries.len() >= MOST_ENTRIES {
            // Half of them, the ones that were not used for longest: not one at a time, since each is a search.
            let mut used: Vec<u64> = self.entries.iter().map(|entry| entry.used_at).collect();
            used.sort_unstable();
            let middle = used.get(used.len() / 2).copied().unwrap_or_default();
            self.entries.retain(|entry| entry.used_at > middle);
        }
        let at = self.entries.partition_point(|entry| entry.id.as_str() < id);
        self.entries.insert(at, Vitals { id: id.to_owned(), ..Vitals::default() });
        at
    }
}

impl Vitals {
    /// Attempts that are under way.
    pub fn in_flight(&self, now_ms: u64) -> usize {
        self.flights.iter().filter(|started| now_ms.saturating_sub(**started) < LONGEST_FLIGHT_MS).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_under_way_are_counted_and_run_out() {
        let mut health = Health::default();
        for (id, now) in [("b", 1), ("a", 2), ("b", 3)] {
            health.start(id, now);
        }
        let busy = |health: &Health, id, now| health.get(id).map(|vitals| vitals.in_flight(now));
        assert_eq!((busy(&health, "a", 5), busy(&health, "b", 5), busy(&health, "c", 5)), (Some(1), Some(2), None));
        health.finish("b", 1, 6);
        health.finish("b", 77, 6);
        assert_eq!(busy(&health, "b", 6), Some(1));
        assert_eq!(busy(&health, "b", LONGEST_FLIGHT_MS + 3), Some(0), "its end was never told");
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut health = Health::default();
        for n in 0..5_000_u64 {
            health.start(&format!("m{n}"), n);
        }
        assert!(health.entries.len() <= MOST_ENTRIES && health.get("m4999").is_some() && health.get("m0").is_none());
        assert!(health.entries.is_sorted_by(|a, b| a.id < b.id));
    }
}
