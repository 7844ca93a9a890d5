//! What an isolate knows of its deployments: who is busy, how fast each is, and who rests.
//!
//! One value for all requests of an isolate, in a list that is sorted by deployment id. It reads no clock: `now_ms` is an
//! argument. A request whose client has left may never be told of again, so whatever is counted runs out by itself.

use super::cooldown::{CooldownRules, rule_status};
use super::pace::{Pace, Sample};
use super::{Candidate, Pins};
use crate::error::{Error, Kind};
use crate::sorted;

/// The most deployments that are remembered: a client may name any `provider/model`, and an isolate has 128 MB.
const MOST_ENTRIES: usize = 2_048;

/// The longest that an attempt counts as under way, in ms: one whose end nobody told is forgotten then.
const LONGEST_FLIGHT_MS: u64 = 600_000;

/// The longest that a test after a rest keeps other requests away, in ms.
const LONGEST_TRIAL_MS: u64 = 60_000;

/// What is known of every deployment that was used.
#[derive(Clone, Debug, Default)]
pub struct Health {
    /// Sorted by id.
    entries: Vec<Vitals>,
    /// Which of them is to be asked again.
    pub(super) pins: Pins,
    /// Those that a health check has found unhealthy, sorted, and until when that counts, in Unix ms.
    unhealthy: (Vec<String>, u64),
}

/// What is known of one deployment. Times are Unix ms.
#[derive(Clone, Debug, Default)]
pub struct Vitals {
    id: String,
    /// When each attempt that is under way was started.
    flights: Vec<u64>,
    /// When it was last used.
    used_at: u64,
    /// The minute that the four counts are of.
    minute: u64,
    successes: u32,
    failures: u32,
    requests: u64,
    tokens: u64,
    /// Failures that are allowed: by class, and until when they count.
    counts: Vec<(&'static str, u32, u64)>,
    pace: Pace,
    /// Second attempts that its first ones have earned.
    pub(super) saved: f64,
    /// Until when it rests; 0: it is up. From then on it is on trial, until one request succeeds.
    rests_until: u64,
    /// Why it rests: the status of its last failure.
    reason: u16,
    /// When the request that tests it was started; 0: none is under way.
    tested_at: u64,
}

/// Whether a deployment may be picked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It may.
    Up,
    /// It rests until then, in Unix ms, after this status.
    Cooling(u64, u16),
    /// It has rested, and one request may test it.
    OnTrial,
    /// It has rested, and a request tests it now.
    Tested,
}

impl Health {
    /// What is known of a deployment; `None` for one that was never used.
    pub fn get(&self, id: &str) -> Option<&Vitals> {
        let at = self.entries.binary_search_by(|entry| entry.id.as_str().cmp(id)).ok()?;
        self.entries.get(at)
    }

    /// Whether a deployment may be picked.
    pub fn rest(&self, id: &str, now_ms: u64) -> Rest {
        self.get(id).map_or(Rest::Up, |vitals| vitals.rest(now_ms))
    }

    /// Notes that an attempt is under way.
    pub fn start(&mut self, id: &str, now_ms: u64) {
        self.edit(id, now_ms, |entry| {
            entry.flights.retain(|started| now_ms.saturating_sub(*started) < LONGEST_FLIGHT_MS);
            entry.flights.push(now_ms);
            entry.turn(now_ms);
            entry.requests += 1;
            if entry.is_on_trial(now_ms) && entry.rest(now_ms) == Rest::OnTrial {
                entry.tested_at = now_ms;
            }
        });
    }

    /// Notes that the attempt which was started at `started_ms` is over, however it ended.
    pub fn finish(&mut self, id: &str, started_ms: u64, now_ms: u64) {
        self.edit(id, now_ms, |entry| {
            if let Some(at) = entry.flights.iter().position(|started| *started == started_ms) {
                entry.flights.swap_remove(at);
            }
            if entry.tested_at == started_ms {
                entry.tested_at = 0;
            }
        });
    }

    /// Notes an answer; lists of latencies hold `most`. One that was asked for before the deployment's rest says nothing
    /// about how it is now.
    pub fn succeeded(&mut self, id: &str, sample: Sample, most: usize, now_ms: u64) {
        self.edit(id, now_ms, |entry| {
            entry.turn(now_ms);
            if entry.is_on_trial(now_ms) && now_ms.saturating_sub(sample.ms) >= entry.rests_until {
                (entry.rests_until, entry.tested_at) = (0, 0);
                (entry.failures, entry.counts) = (0, Vec::new());
            }
            entry.successes += 1;
            entry.tokens = entry.tokens.saturating_add(sample.total_tokens);
            entry.pace.note(sample, most, now_ms);
        });
    }

    /// Notes an attempt that was left after so many ms, because another one was faster.
    pub fn lost(&mut self, id: &str, stream: bool, ms: u64, now_ms: u64) {
        self.edit(id, now_ms, |entry| entry.pace.note_lost(stream, ms, now_ms));
    }

    /// Notes a failure, and answers until when the deployment rests if it has to, in Unix ms. `peers` is the size of its
    /// group; lists of latencies hold `most`.
    pub fn failed(
        &mut self,
        candidate: &Candidate,
        error: &Error,
        (peers, most): (usize, usize),
        rules: &CooldownRules,
        now_ms: u64,
    ) -> Option<u64> {
        let mut until = None;
        self.edit(&candidate.id, now_ms, |entry| {
            entry.turn(now_ms);
            entry.failures += 1;
            entry.pace.note_failure(error.kind() == Kind::Timeout, most, now_ms);
            if let Some(ms) = rules.judge(entry, candidate, error, peers, now_ms) {
                entry.rests_until = entry.rests_until.max(now_ms.saturating_add(ms));
                (entry.reason, entry.tested_at) = (rule_status(error), 0);
                until = Some(entry.rests_until);
            }
        });
        until
    }

    /// Who rests: id, until when, after which status.
    pub fn resting(&self, now_ms: u64) -> impl Iterator<Item = (&str, u64, u16)> {
        let resting = self.entries.iter().filter(move |entry| entry.rests_until > now_ms);
        resting.map(|entry| (entry.id.as_str(), entry.rests_until, entry.reason))
    }

    /// Takes over what another isolate has found out.
    pub fn learn(&mut self, id: &str, until_ms: u64, status: u16, now_ms: u64) {
        if until_ms > now_ms {
            self.edit(id, now_ms, |entry| {
                if until_ms > entry.rests_until {
                    (entry.rests_until, entry.reason, entry.tested_at) = (until_ms, status, 0);
                }
            });
        }
    }

    /// Takes over whom health checks have found unhealthy, and until when that counts, in Unix ms.
    pub fn heed(&mut self, mut ids: Vec<String>, until_ms: u64) {
        sorted::sort(&mut ids);
        self.unhealthy = (ids, until_ms);
    }

    /// Whether the last health check has found it unhealthy.
    pub fn is_unhealthy(&self, id: &str, now_ms: u64) -> bool {
        let (ids, until_ms) = &self.unhealthy;
        now_ms < *until_ms && ids.binary_search_by(|own| own.as_str().cmp(id)).is_ok()
    }

    /// Changes what is known of a deployment.
    pub(super) fn edit(&mut self, id: &str, now_ms: u64, change: impl FnOnce(&mut Vitals)) {
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
            sorted::sort(&mut used);
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

    /// How fast it is.
    pub(super) fn pace(&self) -> &Pace {
        &self.pace
    }

    /// Requests that were started in this minute, and tokens that were used in it, as far as this isolate knows.
    pub fn used(&self, now_ms: u64) -> (u64, u64) {
        if self.minute == now_ms / 60_000 { (self.requests, self.tokens) } else { (0, 0) }
    }

    /// Successes and failures of this minute.
    pub(super) fn minute(&self, now_ms: u64) -> (u32, u32) {
        if self.minute == now_ms / 60_000 { (self.successes, self.failures) } else { (0, 0) }
    }

    /// Counts an allowed failure; the count is forgotten `keep_ms` after the last one.
    pub(super) fn count(&mut self, class: &'static str, keep_ms: u64, now_ms: u64) -> u32 {
        self.counts.retain(|(_, _, until)| *until > now_ms);
        let until = now_ms.saturating_add(keep_ms);
        if let Some(entry) = self.counts.iter_mut().find(|(other, _, _)| *other == class) {
            (entry.1, entry.2) = (entry.1 + 1, until);
            return entry.1;
        }
        self.counts.push((class, 1, until));
        1
    }

    /// Whether it has rested, and no request has succeeded since.
    pub(super) fn is_on_trial(&self, now_ms: u64) -> bool {
        self.rests_until > 0 && self.rests_until <= now_ms
    }

    fn rest(&self, now_ms: u64) -> Rest {
        if self.rests_until > now_ms {
            Rest::Cooling(self.rests_until, self.reason)
        } else if self.rests_until == 0 {
            Rest::Up
        } else if self.tested_at > 0 && now_ms.saturating_sub(self.tested_at) < LONGEST_TRIAL_MS {
            Rest::Tested
        } else {
            Rest::OnTrial
        }
    }

    /// Starts the counts anew when the minute is another one.
    fn turn(&mut self, now_ms: u64) {
        let minute = now_ms / 60_000;
        if self.minute != minute {
            (self.minute, self.successes, self.failures, self.requests, self.tokens) = (minute, 0, 0, 0, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limited() -> Error {
        Error::upstream(Kind::RateLimit, "p", 429, "slow")
    }

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

    #[test]
    fn after_a_rest_one_request_tests_and_its_success_opens_the_door() {
        let (mut health, rules) = (Health::default(), CooldownRules::default());
        let candidate = Candidate { id: "a".to_owned(), ..Candidate::default() };
        health.start("a", 10);
        assert_eq!(health.failed(&candidate, &limited(), (2, 10), &rules, 20), Some(5_020));
        health.finish("a", 10, 20);
        assert_eq!(health.rest("a", 5_019), Rest::Cooling(5_020, 429));
        assert_eq!(health.rest("a", 5_020), Rest::OnTrial);
        health.start("a", 6_000);
        assert_eq!(health.rest("a", 6_001), Rest::Tested);
        // An answer to what was asked before the rest opens nothing.
        health.succeeded("a", Sample { ms: 5_995, ..Sample::default() }, 10, 6_005);
        assert_eq!(health.rest("a", 6_005), Rest::Tested);
        health.succeeded("a", Sample { ms: 10, ..Sample::default() }, 10, 6_010);
        assert_eq!(health.rest("a", 6_010), Rest::Up);
    }

    #[test]
    fn a_failed_test_rests_again_and_a_lost_one_runs_out() {
        let (mut health, rules) = (Health::default(), CooldownRules::default());
        let candidate = Candidate { id: "a".to_owned(), ..Candidate::default() };
        health.failed(&candidate, &limited(), (2, 10), &rules, 0);
        health.start("a", 5_000);
        let down = Error::upstream(Kind::ServiceUnavailable, "p", 503, "x");
        assert_eq!(health.failed(&candidate, &down, (2, 10), &rules, 5_100), Some(10_100), "no share is asked for");
        health.start("a", 11_000);
        assert_eq!(health.rest("a", 11_001), Rest::Tested);
        let wrong = Error::upstream(Kind::BadRequest, "p", 400, "x");
        assert_eq!(health.failed(&candidate, &wrong, (2, 10), &rules, 11_001), None, "the client's own mistake");
        health.finish("a", 11_000, 11_001);
        assert_eq!(health.rest("a", 11_002), Rest::OnTrial);
        health.start("a", 11_003);
        assert_eq!(health.rest("a", 11_003 + LONGEST_TRIAL_MS), Rest::OnTrial, "its end was never told");
    }

    #[test]
    fn what_others_found_out_is_learnt_and_never_shortens_a_rest() {
        let mut health = Health::default();
        health.learn("a", 900, 503, 100);
        health.learn("a", 500, 503, 100);
        health.learn("b", 100, 503, 100);
        assert_eq!(health.resting(100).collect::<Vec<_>>(), [("a", 900, 503)]);
        assert_eq!(health.rest("b", 100), Rest::Up);
    }
}
