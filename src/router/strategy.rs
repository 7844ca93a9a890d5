//! Strategies: which of several deployments is picked. Each knows what its isolate has seen, and asks nobody.

use super::{Candidate, Health, Tie};

/// A routing strategy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// LiteLLM's default: at random, by weight.
    #[default]
    SimpleShuffle,
    /// The fewest attempts under way.
    LeastBusy,
    /// The lowest latency.
    Latency,
    /// The fewest tokens in this minute.
    Usage,
    /// The lowest price.
    Cost,
    /// Tollgate's own: the better one of two at random, by latency, load and failures.
    PeakEwma,
}

/// The names of strategies.
const NAMES: &[(&str, Strategy)] = &[
    ("simple-shuffle", Strategy::SimpleShuffle),
    ("least-busy", Strategy::LeastBusy),
    ("latency-based-routing", Strategy::Latency),
    ("usage-based-routing", Strategy::Usage),
    ("usage-based-routing-v2", Strategy::Usage),
    ("cost-based-routing", Strategy::Cost),
    ("peak-ewma", Strategy::PeakEwma),
];

impl Strategy {
    /// The strategy of that name.
    pub fn named(name: &str) -> Option<Self> {
        NAMES.iter().find(|(own, _)| *own == name).map(|(_, strategy)| *strategy)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        NAMES.iter().find(|(_, strategy)| *strategy == self).map_or("", |(name, _)| name)
    }

    /// All names.
    pub fn names() -> impl Iterator<Item = &'static str> + Clone {
        NAMES.iter().map(|(name, _)| *name)
    }

    /// Whether it passes over deployments that have used up their `rpm` or `tpm`, as far as the isolate has seen.
    pub fn minds_limits(self) -> bool {
        matches!(self, Self::Latency | Self::Usage | Self::Cost)
    }
}

/// `routing_strategy_args`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StrategyArgs {
    /// `ttl` of latencies, in ms.
    pub ttl_ms: u64,
    /// `lowest_latency_buffer`: how much slower than the fastest one counts as fast, as a share.
    pub buffer: f64,
    /// `max_latency_list_size`.
    pub most_latencies: usize,
    /// `ttft_percentile`: streams are compared by it instead of the mean.
    pub ttft_percentile: Option<f64>,
}

impl Default for StrategyArgs {
    fn default() -> Self {
        Self { ttl_ms: 3_600_000, buffer: 0.0, most_latencies: 10, ttft_percentile: None }
    }
}

/// How deployments of a group are picked for one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Picking {
    /// The strategy.
    pub strategy: Strategy,
    /// Its arguments.
    pub args: StrategyArgs,
    /// Whether a stream is asked for.
    pub stream: bool,
    /// Tokens of the prompt, where a strategy needs to know.
    pub input_tokens: u64,
    /// What binds the request to a deployment, whatever the strategy: the first that is known and may be picked.
    pub ties: Vec<Tie>,
}

impl Picking {
    /// The limit that a deployment has used up in this minute, if the strategy minds.
    pub(super) fn over(&self, candidate: &Candidate, health: &Health, now_ms: u64) -> Option<&'static str> {
        if !self.strategy.minds_limits() || (candidate.rpm.is_none() && candidate.tpm.is_none()) {
            return None;
        }
        let (requests, tokens) = health.get(&candidate.id).map_or((0, 0), |vitals| vitals.used(now_ms));
        let over = |used: u64, limit: Option<u64>| limit.is_some_and(|limit| used > limit);
        if over(requests.saturating_add(1), candidate.rpm) {
            return Some("rpm");
        }
        over(tokens.saturating_add(self.input_tokens), candidate.tpm).then_some("tpm")
    }

    /// Picks one of `choices`, which are indices into `candidates`; `random` is uniform over all of `u64`. `None` when
    /// there is no choice.
    pub fn pick(
        &self,
        candidates: &[Candidate],
        choices: &[usize],
        health: &Health,
        now_ms: u64,
        random: u64,
    ) -> Option<usize> {
        let vitals = |choice: usize| candidates.get(choice).and_then(|candidate| health.get(&candidate.id));
        let busy = |choice: usize| vitals(choice).map_or(0, |vitals| vitals.in_flight(now_ms)) as f64;
        let cost = |choice: usize| {
            // LiteLLM's price of a deployment without one: dearer than any.
            candidates.get(choice).and_then(|candidate| candidate.cost).unwrap_or(5.0)
        };
        match self.strategy {
            Strategy::SimpleShuffle => shuffle(candidates, choices, random),
            Strategy::LeastBusy => lowest(choices, 0.0, random, busy),
            Strategy::Latency => lowest(choices, self.args.buffer, random, |choice| {
                let StrategyArgs { ttl_ms, ttft_percentile, .. } = self.args;
                vitals(choice).map_or(0.0, |vitals| vitals.pace().latency(self.stream, ttft_percentile, ttl_ms, now_ms))
            }),
            Strategy::Usage => {
                lowest(choices, 0.0, random, |choice| vitals(choice).map_or(0, |vitals| vitals.used(now_ms).1) as f64)
            }
            Strategy::Cost => lowest(choices, 0.0, random, cost),
            Strategy::PeakEwma => {
                let score = |choice: usize| {
                    let score = vitals(choice)
                        .map_or(0.0, |vitals| vitals.pace().score(self.stream, vitals.in_flight(now_ms), now_ms));
                    let weight = candidates.get(choice).and_then(|candidate| candidate.weight);
                    score / weight.filter(|weight| *weight > 0.0).unwrap_or(1.0)
                };
                lowest(&two_of(choices, random), 0.0, random.rotate_left(32), score)
            }
        }
    }
}

/// One of the choices whose number is the lowest, or above it by no more than its share `buffer`; at random among them.
fn lowest(choices: &[usize], buffer: f64, random: u64, number: impl Fn(usize) -> f64) -> Option<usize> {
    let numbers: Vec<f64> = choices.iter().map(|choice| number(*choice)).collect();
    let least = numbers.iter().copied().min_by(f64::total_cmp)?;
    let most = least + least * buffer;
    let near: Vec<usize> = choices.iter().zip(&numbers).filter(|(_, own)| **own <= most).map(|(at, _)| *at).collect();
    near.get(below(near.len(), random)).copied()
}

/// Two different ones of the choices; all of them where there are no more.
fn two_of(choices: &[usize], random: u64) -> Vec<usize> {
    if choices.len() <= 2 {
        return choices.to_vec();
    }
    let first = below(choices.len(), random);
    let step = 1 + below(choices.len() - 1, random.rotate_left(21).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    [first, (first + step) % choices.len()].iter().filter_map(|at| choices.get(*at)).copied().collect()
}

/// A number below `bound`, by the high bits of `random`.
fn below(bound: usize, random: u64) -> usize {
    ((u128::from(random) * bound as u128) >> 64) as usize
}

/// `simple-shuffle`, LiteLLM's default: weighted by `weight`, else `rpm`, else `tpm`; without any, all alike.
///
/// `choices` are indices into `candidates`; `random` is uniform over all of `u64`. The first metric that a choice has with
/// a value above zero counts for all; a choice without it is never picked, unless no choice has it. `None` when there is
/// no choice.
pub fn shuffle(candidates: &[Candidate], choices: &[usize], random: u64) -> Option<usize> {
    type Metric = fn(&Candidate) -> Option<f64>;
    let metrics: [Metric; 3] = [
        |candidate| candidate.weight,
        |candidate| candidate.rpm.map(|rpm| rpm as f64),
        |candidate| candidate.tpm.map(|tpm| tpm as f64),
    ];
    // 53 bits fill a float in [0, 1) exactly.
    let point = (random >> 11) as f64 / (1_u64 << 53) as f64;
    for metric in metrics {
        let weight =
            |choice: &usize| candidates.get(*choice).and_then(metric).filter(|weight| *weight > 0.0).unwrap_or(0.0);
        let total: f64 = choices.iter().map(weight).sum();
        if total > 0.0 {
            let mut left = point * total;
            for choice in choices {
                left -= weight(choice);
                if left < 0.0 {
                    return Some(*choice);
                }
            }
            return choices.iter().rev().find(|choice| weight(choice) > 0.0).copied();
        }
    }
    let at = (point * choices.len() as f64) as usize;
    choices.get(at.min(choices.len().saturating_sub(1))).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(candidates: &[Candidate]) -> Vec<u32> {
        let choices: Vec<usize> = (0..candidates.len()).collect();
        let mut counts = vec![0; candidates.len()];
        for step in 0..1000_u64 {
            let random = step * (u64::MAX / 1000) + u64::MAX / 2000;
            counts[shuffle(candidates, &choices, random).unwrap()] += 1;
        }
        counts
    }

    #[test]
    fn weights_come_before_rpm_and_rpm_before_tpm() {
        let plain = Candidate::default();
        let weighted = |weight| Candidate { weight: Some(weight), rpm: Some(1), ..plain.clone() };
        assert_eq!(counts(&[weighted(3.0), weighted(1.0), plain.clone()]), [750, 250, 0]);
        let rpm = |rpm| Candidate { rpm: Some(rpm), tpm: Some(1), ..plain.clone() };
        assert_eq!(counts(&[rpm(900), rpm(100)]), [900, 100]);
        let tpm = |tpm| Candidate { tpm: Some(tpm), ..plain.clone() };
        assert_eq!(counts(&[tpm(1), tpm(1)]), [500, 500]);
        assert_eq!(counts(&[plain.clone(), plain.clone(), plain.clone(), plain.clone()]), [250; 4]);
        assert_eq!(counts(&[weighted(0.0), weighted(0.0)]), [500, 500], "no weight above zero: rpm counts");
    }

    #[test]
    fn the_ends_of_the_range_are_safe() {
        let one = [Candidate { weight: Some(0.1), ..Candidate::default() }];
        assert_eq!(shuffle(&one, &[0], u64::MAX), Some(0));
        assert_eq!(shuffle(&one, &[0], 0), Some(0));
        assert_eq!(shuffle(&one, &[], 7), None);
        assert_eq!(shuffle(&[Candidate::default()], &[0], u64::MAX), Some(0));
    }
}
