//! How fast a deployment is: the last latencies, and a decaying peak.

/// Seconds that a time-out counts as in a list of latencies, as in LiteLLM.
const TIMEOUT_SECONDS: f64 = 1_000.0;

/// After so many ms a peak or a failure counts half.
const HALF_LIFE_MS: f64 = 10_000.0;

/// How many times to the head of an answer are remembered.
const MOST_HEADS: usize = 64;

/// What an answer has measured.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sample {
    /// From the start of the attempt to the end of the answer, in ms.
    pub ms: u64,
    /// From the start to the head of the answer, in ms; `None` where it was not seen.
    pub head_ms: Option<u64>,
    /// From the start to the first that a client can use: a stream's first event, else the head; in ms.
    pub first_ms: u64,
    /// Whether the answer was a stream.
    pub stream: bool,
    /// Tokens of the answer; 0 where nobody told.
    pub completion_tokens: u64,
    /// Tokens in all.
    pub total_tokens: u64,
}

/// The latencies of one deployment.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Seconds for a token of the answer, or for all of it where tokens are not known; with the time of each, in Unix ms.
    spans: Vec<(u64, f64)>,
    /// Seconds to a stream's first event.
    firsts: Vec<(u64, f64)>,
    /// The peak of the ms to the first that a client can use, of whole answers and of streams.
    peaks: [Decaying; 2],
    /// The ms to the head, of whole answers and of streams.
    heads: [Vec<u32>; 2],
    /// Failures, each of them 1 at first.
    faults: Decaying,
}

impl Pace {
    /// Notes an answer; lists hold `most` latencies.
    pub(super) fn note(&mut self, sample: Sample, most: usize, now_ms: u64) {
        let seconds = sample.ms as f64 / 1000.0;
        push(&mut self.spans, most, now_ms, seconds / sample.completion_tokens.max(1) as f64);
        if sample.stream {
            push(&mut self.firsts, most, now_ms, sample.first_ms as f64 / 1000.0);
        }
        let [whole, streamed] = &mut self.peaks;
        if sample.stream { streamed } else { whole }.meet(sample.first_ms as f64, now_ms);
        if let Some(ms) = sample.head_ms {
            self.note_head(sample.stream, ms);
        }
    }

    /// Notes an attempt that was left after so many ms: its answer would have begun later still.
    pub(super) fn note_lost(&mut self, stream: bool, ms: u64, now_ms: u64) {
        let [whole, streamed] = &mut self.peaks;
        let peak = if stream { streamed } else { whole };
        if ms as f64 > peak.at(now_ms) {
            peak.meet(ms as f64, now_ms);
        }
        self.note_head(stream, ms);
    }

    fn note_head(&mut self, stream: bool, ms: u64) {
        let [whole, streamed] = &mut self.heads;
        let heads = if stream { streamed } else { whole };
        if heads.len() >= MOST_HEADS {
            heads.remove(0);
        }
        heads.push(u32::try_from(ms).unwrap_or(u32::MAX));
    }

    /// The ms within which this share of answers begins; `None` where fewer than `least` are known.
    pub(super) fn head_at(&self, stream: bool, share: f64, least: usize) -> Option<u64> {
        let [whole, streamed] = &self.heads;
        let heads = if stream { streamed } else { whole };
        if heads.len() < least.max(1) {
            return None;
        }
        let heads = heads.iter().map(|ms| f64::from(*ms)).collect();
        Some(at_share(heads, share) as u64)
    }

    /// Notes a failure; a time-out counts as a very long answer.
    pub(super) fn note_failure(&mut self, timeout: bool, most: usize, now_ms: u64) {
        if timeout {
            push(&mut self.spans, most, now_ms, TIMEOUT_SECONDS);
            push(&mut self.firsts, most, now_ms, TIMEOUT_SECONDS);
        }
        self.faults = Decaying { value: self.faults.at(now_ms) + 1.0, at_ms: now_ms };
    }

    /// LiteLLM's latency: the mean seconds for a token, or the mean (or percentile) to the first event for streams; 0 for
    /// a deployment that was not used within `ttl_ms`, which is tried first.
    pub(super) fn latency(&self, stream: bool, percentile: Option<f64>, ttl_ms: u64, now_ms: u64) -> f64 {
        let fresh = |list: &[(u64, f64)]| -> Vec<f64> {
            let young = list.iter().filter(|(at, _)| now_ms.saturating_sub(*at) < ttl_ms);
            young.map(|(_, seconds)| *seconds).collect()
        };
        let firsts = if stream { fresh(&self.firsts) } else { Vec::new() };
        if firsts.is_empty() {
            return mean(&fresh(&self.spans));
        }
        percentile.map_or_else(|| mean(&firsts), |share| at_share(firsts.clone(), share))
    }

    /// What peak-EWMA weighs: the decaying peak in ms times the attempts under way, failures counting as more of them.
    /// 0 for an idle deployment of which nothing is known: it is tried once.
    pub(super) fn score(&self, stream: bool, in_flight: usize, now_ms: u64) -> f64 {
        // Of nothing known, a second to the first byte: as slow as most upstreams.
        const UNKNOWN_MS: f64 = 1_000.0;
        let [whole, streamed] = &self.peaks;
        let peak = if stream { streamed } else { whole };
        let faults = self.faults.at(now_ms);
        let busy = in_flight as f64 + 4.0 * faults;
        if peak.at_ms == 0 {
            return UNKNOWN_MS * busy;
        }
        peak.at(now_ms).max(1.0) * (busy + 1.0)
    }
}

/// A number that loses its weight with time.
#[derive(Clone, Copy, Debug, Default)]
struct Decaying {
    value: f64,
    /// When it was last changed, in Unix ms; 0: never.
    at_ms: u64,
}

impl Decaying {
    /// Its value now. Hyperbolic, not exponential: it needs no mathematics that the wasm would have to carry.
    fn at(self, now_ms: u64) -> f64 {
        self.value * self.kept(now_ms)
    }

    fn kept(self, now_ms: u64) -> f64 {
        HALF_LIFE_MS / (HALF_LIFE_MS + now_ms.saturating_sub(self.at_ms) as f64)
    }

    /// Meets a new value: a higher one counts at once, a lower one by and by.
    fn meet(&mut self, value: f64, now_ms: u64) {
        let kept = self.kept(now_ms);
        let decayed = self.at(now_ms);
        // Values that come in one after the other, without time between them, must count too: a tenth at least.
        let share = (1.0 - kept).max(0.1);
        self.value = if self.at_ms == 0 || value > decayed { value } else { decayed + (value - decayed) * share };
        self.at_ms = now_ms.max(1);
    }
}

fn push(list: &mut Vec<(u64, f64)>, most: usize, now_ms: u64, value: f64) {
    list.push((now_ms, value));
    let over = list.len().saturating_sub(most.max(1));
    list.drain(..over);
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() { 0.0 } else { values.iter().sum::<f64>() / values.len() as f64 }
}

/// The value below which `share` of the values lie, themselves included.
fn at_share(mut values: Vec<f64>, share: f64) -> f64 {
    crate::sorted::sort_by(&mut values, f64::total_cmp);
    let rank = (values.len() as f64 * share).ceil() as usize;
    values.get(rank.saturating_sub(1).min(values.len().saturating_sub(1))).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: u64 = 3_600_000;

    fn whole(ms: u64, completion_tokens: u64) -> Sample {
        Sample { ms, first_ms: ms, completion_tokens, ..Sample::default() }
    }

    #[test]
    fn whole_answers_count_by_their_tokens_and_streams_by_their_first_event() {
        let mut pace = Pace::default();
        pace.note(whole(2000, 10), 10, 1);
        pace.note(whole(4000, 10), 10, 2);
        assert!((pace.latency(false, None, HOUR, 3) - 0.3).abs() < 1e-9);
        assert!((pace.latency(true, None, HOUR, 3) - 0.3).abs() < 1e-9, "no stream yet: what there is");
        pace.note(Sample { ms: 9000, first_ms: 500, stream: true, ..Sample::default() }, 10, 4);
        assert!((pace.latency(true, None, HOUR, 5) - 0.5).abs() < 1e-9);
        assert!(pace.latency(true, None, HOUR, HOUR + 5).abs() < 1e-9, "too old: as if never used");
    }

    #[test]
    fn lists_hold_the_last_latencies_and_time_outs_weigh_a_thousand_seconds() {
        let mut pace = Pace::default();
        for (at, ms) in [(1, 8000), (2, 1000), (3, 3000)] {
            pace.note(whole(ms, 1), 2, at);
        }
        assert!((pace.latency(false, None, HOUR, 4) - 2.0).abs() < 1e-9);
        pace.note_failure(true, 2, 5);
        assert!((pace.latency(false, None, HOUR, 6) - 501.5).abs() < 1e-9);
        pace.note_failure(false, 2, 7);
        assert!((pace.latency(false, None, HOUR, 8) - 501.5).abs() < 1e-9, "other failures have no latency");
    }

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = [4.0, 1.0, 3.0, 2.0].to_vec();
        for (share, wanted) in [(0.01, 1.0), (0.25, 1.0), (0.5, 2.0), (0.9, 4.0), (1.0, 4.0)] {
            assert!((at_share(values.clone(), share) - wanted).abs() < 1e-9, "{share}");
        }
    }

    #[test]
    fn a_peak_counts_at_once_and_is_forgotten_slowly() {
        let mut pace = Pace::default();
        assert!(pace.score(false, 0, 1).abs() < 1e-9, "unknown and idle: try it");
        assert!(pace.score(false, 1, 1) > 0.0, "unknown and busy: one is enough");
        pace.note(whole(100, 1), 10, 1);
        assert!((pace.score(false, 0, 1) - 100.0).abs() < 1e-9);
        assert!((pace.score(false, 3, 1) - 400.0).abs() < 1e-9);
        pace.note(whole(900, 1), 10, 2);
        let peak = pace.score(false, 0, 2);
        assert!((peak - 900.0).abs() < 1e-9);
        pace.note(whole(100, 1), 10, 3);
        let after = pace.score(false, 0, 3);
        assert!(after < peak && after > 700.0, "{after}");
        assert!(pace.score(false, 0, 10_003) < after / 1.9);
        pace.note_failure(false, 10, 10_003);
        assert!(pace.score(false, 0, 10_003) > after * 2.0);
    }
}
