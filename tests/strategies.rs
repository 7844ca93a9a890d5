//! Which deployment a strategy picks, and how often: seeded draws, with bounds that a wrong share breaks.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;
#[path = "strategies/names.rs"]
mod names;
#[path = "strategies/rests.rs"]
mod rests;

use tollgate::error::{Error, Kind};
use tollgate::router::{
    Candidate, CooldownRules, Fallbacks, Health, Picking, Plan, RetryRules, Sample, Step, Strategy, StrategyArgs,
};

/// Draws for each distribution.
const DRAWS: u64 = 20_000;

/// The start of a minute, in Unix ms.
const NOW: u64 = 1_700_000_040_000;

const MINUTE: u64 = 60_000;

/// A number that looks like chance: the same for the same draw (splitmix64).
fn random(draw: u64) -> u64 {
    let mut z = draw.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn named(ids: &[&str]) -> Vec<Candidate> {
    ids.iter().map(|id| Candidate { id: (*id).to_owned(), ..Candidate::default() }).collect()
}

fn by(strategy: Strategy) -> Picking {
    Picking { strategy, ..Picking::default() }
}

/// How often each candidate is the first to be attempted.
fn counts(picking: &Picking, candidates: &[Candidate], health: &Health, now_ms: u64) -> Vec<u64> {
    let mut counts = vec![0; candidates.len()];
    for draw in 0..DRAWS {
        match plan(picking, candidates).next(health, now_ms, random(draw)) {
            Step::Attempt(index) => counts[index] += 1,
            step => panic!("{step:?}"),
        }
    }
    counts
}

fn plan(picking: &Picking, candidates: &[Candidate]) -> Plan {
    let plan = Plan::new("m", candidates.to_vec(), RetryRules::default(), Fallbacks::default());
    plan.with(picking.clone(), false, true)
}

/// Pearson's chi-square of counts against shares.
fn chi_square(counts: &[u64], shares: &[f64]) -> f64 {
    let (all, whole) = (counts.iter().sum::<u64>() as f64, shares.iter().sum::<f64>());
    let part = |(count, share): (&u64, &f64)| {
        let expected = all * share / whole;
        (*count as f64 - expected).powi(2) / expected
    };
    counts.iter().zip(shares).filter(|(_, share)| **share > 0.0).map(part).sum()
}

/// Counts that chance brings about in 999 of 1000 cases, none of them where the share is 0.
fn assert_shares(counts: &[u64], shares: &[f64], rule: &str) {
    for (count, _) in counts.iter().zip(shares).filter(|(_, share)| **share <= 0.0) {
        assert_eq!(*count, 0, "{rule}: {counts:?}");
    }
    let freedom = shares.iter().filter(|share| **share > 0.0).count() - 1;
    let bound = [0.0, 10.83, 13.82, 16.27][freedom];
    let own = chi_square(counts, shares);
    assert!(own <= bound, "{rule}: chi-square is {own}, over {bound}: {counts:?} for {shares:?}");
}

#[test]
fn the_bound_tells_shares_from_their_neighbours() {
    let counts = counts(&by(Strategy::SimpleShuffle), &weighted(&[3.0, 2.0, 1.0]), &Health::default(), NOW);
    assert!(chi_square(&counts, &[3.0, 2.0, 1.0]) <= 13.82);
    assert!(chi_square(&counts, &[3.2, 2.0, 1.0]) > 13.82, "{counts:?}");
    assert!(chi_square(&counts, &[3.0, 2.0, 1.1]) > 13.82, "{counts:?}");
}

fn weighted(weights: &[f64]) -> Vec<Candidate> {
    weights.iter().map(|weight| Candidate { weight: Some(*weight), ..Candidate::default() }).collect()
}

#[test]
fn simple_shuffle_follows_weight_then_rpm_then_tpm_then_nothing() {
    let rpm = |rpm| Candidate { rpm: Some(rpm), tpm: Some(7), ..Candidate::default() };
    let tpm = |tpm| Candidate { tpm: Some(tpm), ..Candidate::default() };
    let (heavy, bare) = (Candidate { weight: Some(2.0), ..rpm(1) }, Candidate::default());
    for (rule, candidates, shares) in [
        ("weight", weighted(&[0.5, 0.3, 0.2]), &[5.0, 3.0, 2.0][..]),
        ("weight 0 is never picked", weighted(&[9.0, 0.0, 1.0]), &[9.0, 0.0, 1.0]),
        ("a weight counts before rpm", vec![heavy, rpm(1_000)], &[1.0, 0.0]),
        ("rpm", vec![rpm(600), rpm(300), rpm(100)], &[6.0, 3.0, 1.0]),
        ("tpm", vec![tpm(100_000), tpm(20_000), bare.clone()], &[5.0, 1.0, 0.0]),
        ("all alike", vec![bare; 4], &[1.0; 4]),
    ] {
        let counts = counts(&by(Strategy::SimpleShuffle), &candidates, &Health::default(), NOW);
        assert_shares(&counts, shares, rule);
    }
}

#[test]
fn least_busy_takes_the_fewest_under_way_and_chance_among_equals() {
    let (candidates, mut health) = (named(&["a", "b", "c"]), Health::default());
    for id in ["a", "a", "b", "c"] {
        health.start(id, NOW);
    }
    let busy = by(Strategy::LeastBusy);
    assert_shares(&counts(&busy, &candidates, &health, NOW), &[0.0, 1.0, 1.0], "a is the busiest");
    health.finish("a", NOW, NOW);
    assert_shares(&counts(&busy, &candidates, &health, NOW), &[1.0; 3], "all have one");
    health.finish("c", NOW, NOW);
    assert_shares(&counts(&busy, &candidates, &health, NOW), &[0.0, 0.0, 1.0], "c is idle");
    assert_shares(&counts(&busy, &candidates, &health, NOW + 600_000), &[1.0; 3], "an end that nobody told");
    // Requests that stay fill all alike, whatever chance says.
    let mut health = Health::default();
    for draw in 0..30 {
        let Step::Attempt(index) = plan(&busy, &candidates).next(&health, NOW, random(draw)) else { panic!("a pick") };
        health.start(&candidates[index].id, NOW);
    }
    assert!(["a", "b", "c"].iter().all(|id| health.get(id).unwrap().in_flight(NOW) == 10));
}

/// An answer of one token, so that a latency is the whole time.
fn whole(ms: u64) -> Sample {
    Sample { ms, first_ms: ms, completion_tokens: 1, total_tokens: 1, ..Sample::default() }
}

fn paced(times: &[(&str, u64)]) -> Health {
    let mut health = Health::default();
    for (id, ms) in times {
        health.succeeded(id, whole(*ms), 10, NOW);
    }
    health
}

#[test]
fn latency_takes_the_fastest_and_those_within_the_buffer() {
    let candidates = named(&["a", "b", "c", "d"]);
    let health = paced(&[("a", 1_000), ("b", 1_100), ("c", 1_490), ("d", 1_510)]);
    let picking =
        |buffer| Picking { args: StrategyArgs { buffer, ..StrategyArgs::default() }, ..by(Strategy::Latency) };
    assert_shares(&counts(&picking(0.0), &candidates, &health, NOW), &[1.0, 0.0, 0.0, 0.0], "no buffer");
    assert_shares(&counts(&picking(0.1), &candidates, &health, NOW), &[1.0, 1.0, 0.0, 0.0], "a tenth");
    assert_shares(&counts(&picking(0.5), &candidates, &health, NOW), &[1.0, 1.0, 1.0, 0.0], "half");
    let unused = paced(&[("a", 1_000), ("b", 10), ("d", 20)]);
    assert_shares(
        &counts(&picking(0.5), &candidates, &unused, NOW),
        &[0.0, 0.0, 1.0, 0.0],
        "the unused one is explored",
    );
}

#[test]
fn latency_counts_tokens_of_answers_and_the_first_event_of_streams() {
    let (candidates, mut health) = (named(&["a", "b"]), Health::default());
    // `a` is faster for a token, `b` is faster to begin.
    let streamed = Sample { ms: 9_000, stream: true, ..Sample::default() };
    health.succeeded("a", Sample { completion_tokens: 90, first_ms: 800, ..streamed }, 10, NOW);
    health.succeeded("b", Sample { completion_tokens: 30, first_ms: 200, ..streamed }, 10, NOW);
    let latency = by(Strategy::Latency);
    assert_shares(&counts(&latency, &candidates, &health, NOW), &[1.0, 0.0], "seconds for a token");
    let stream = Picking { stream: true, ..latency.clone() };
    assert_shares(&counts(&stream, &candidates, &health, NOW), &[0.0, 1.0], "seconds to the first event");
    // One slow start of `b` among nine fast ones: the mean sees it, the median does not.
    for at in 0..9 {
        health.succeeded("b", Sample { first_ms: if at == 0 { 20_000 } else { 200 }, ..streamed }, 10, NOW);
    }
    assert_shares(&counts(&stream, &candidates, &health, NOW), &[1.0, 0.0], "the mean");
    let args = StrategyArgs { ttft_percentile: Some(0.5), ..StrategyArgs::default() };
    assert_shares(&counts(&Picking { args, ..stream.clone() }, &candidates, &health, NOW), &[0.0, 1.0], "the median");
}

#[test]
fn latencies_run_out_and_lists_are_bounded() {
    let candidates = named(&["a", "b"]);
    let mut health = paced(&[("a", 100), ("b", 900)]);
    let args = StrategyArgs { ttl_ms: 10_000, ..StrategyArgs::default() };
    let picking = Picking { args, ..by(Strategy::Latency) };
    assert_shares(&counts(&picking, &candidates, &health, NOW + 9_999), &[1.0, 0.0], "within the ttl");
    assert_shares(&counts(&picking, &candidates, &health, NOW + 10_000), &[1.0, 1.0], "after it both are unknown");
    health.succeeded("a", whole(100), 10, NOW + 5_000);
    assert_shares(&counts(&picking, &candidates, &health, NOW + 10_000), &[0.0, 1.0], "b alone is unknown");
    let mut health = paced(&[("a", 900), ("b", 300)]);
    for _ in 0..3 {
        health.succeeded("a", whole(100), 3, NOW);
    }
    assert_shares(&counts(&by(Strategy::Latency), &candidates, &health, NOW), &[1.0, 0.0], "the oldest is forgotten");
}

#[test]
fn a_time_out_costs_its_deployment_the_traffic_and_another_failure_does_not() {
    let candidates = named(&["a", "b"]);
    let rules = CooldownRules { disabled: true, ..CooldownRules::default() };
    for (kind, status, shares) in [(Kind::Timeout, 408, [0.0, 1.0]), (Kind::InternalServer, 500, [1.0, 0.0])] {
        let mut health = paced(&[("a", 100), ("b", 900)]);
        health.failed(&candidates[0], &Error::upstream(kind, "p", status, "x"), (2, 10), &rules, NOW);
        assert_shares(&counts(&by(Strategy::Latency), &candidates, &health, NOW), &shares, "after a failure");
        for _ in 0..10 {
            health.succeeded("a", whole(100), 10, NOW);
        }
        assert_shares(&counts(&by(Strategy::Latency), &candidates, &health, NOW), &[1.0, 0.0], "ten answers later");
    }
}

#[test]
fn usage_takes_the_fewest_tokens_of_the_minute_and_passes_over_the_full() {
    // Both versions of LiteLLM's are one here: nothing is asked of another process.
    for name in ["usage-based-routing", "usage-based-routing-v2"] {
        let usage = by(Strategy::named(name).unwrap());
        let (mut candidates, mut health) = (named(&["a", "b", "c"]), Health::default());
        let mut use_up = |id: &str, tokens| {
            health.start(id, NOW);
            health.finish(id, NOW, NOW);
            health.succeeded(id, Sample { total_tokens: tokens, ..Sample::default() }, 10, NOW);
            health.clone()
        };
        let health = [("a", 500), ("b", 300), ("c", 300)].map(|(id, tokens)| use_up(id, tokens))[2].clone();
        assert_shares(&counts(&usage, &candidates, &health, NOW), &[0.0, 1.0, 1.0], "the fewest tokens");
        assert_shares(&counts(&usage, &candidates, &health, NOW + MINUTE), &[1.0; 3], "a new minute");
        candidates[1].rpm = Some(1);
        assert_shares(&counts(&usage, &candidates, &health, NOW), &[0.0, 0.0, 1.0], "b has had its request");
        candidates[2].tpm = Some(310);
        let short = Picking { input_tokens: 10, ..usage.clone() };
        assert_shares(&counts(&short, &candidates, &health, NOW), &[0.0, 0.0, 1.0], "the prompt just fits");
        let long = Picking { input_tokens: 11, ..usage.clone() };
        assert_shares(&counts(&long, &candidates, &health, NOW), &[1.0, 0.0, 0.0], "a token more does not");
        candidates[0].rpm = Some(1);
        let Step::GiveUp(error) = plan(&long, &candidates).next(&health, NOW + 20_000, 0) else {
            panic!("all are full")
        };
        assert_eq!((error.status(), error.retry_after_ms()), (429, Some(40_000)), "room comes with the next minute");
    }
}

#[test]
fn cost_takes_the_cheapest_that_has_room_and_the_unpriced_last() {
    let (mut candidates, mut health) = (named(&["a", "b", "c", "unknown"]), Health::default());
    for (at, cost) in [(0, 0.000_02), (1, 0.000_01), (2, 0.000_01)] {
        candidates[at].cost = Some(cost);
    }
    let cost = by(Strategy::Cost);
    assert_shares(&counts(&cost, &candidates, &health, NOW), &[0.0, 1.0, 1.0, 0.0], "the cheapest");
    for at in [1, 2] {
        candidates[at].rpm = Some(1);
        health.start(&candidates[at].id.clone(), NOW);
    }
    assert_shares(&counts(&cost, &candidates, &health, NOW), &[1.0, 0.0, 0.0, 0.0], "the next one");
    candidates[0].cost = Some(5.01);
    assert_shares(&counts(&cost, &candidates, &health, NOW), &[0.0, 0.0, 0.0, 1.0], "no price counts as 5 dollars");
}

#[test]
fn peak_ewma_takes_the_better_one_of_two_at_random() {
    let candidates = named(&["a", "b", "c", "d"]);
    let health = paced(&[("a", 100), ("b", 200), ("c", 300), ("d", 400)]);
    let ewma = by(Strategy::PeakEwma);
    // Of six pairs the best one is in three, the second is the better one of two, the third of one.
    assert_shares(&counts(&ewma, &candidates, &health, NOW), &[3.0, 2.0, 1.0, 0.0], "four");
    assert_shares(&counts(&ewma, &candidates[..2], &health, NOW), &[1.0, 0.0], "two: always the better one");
    let mut busy = health.clone();
    for _ in 0..4 {
        busy.start("a", NOW);
    }
    assert_shares(&counts(&ewma, &candidates, &busy, NOW), &[0.0, 3.0, 2.0, 1.0], "load counts like latency");
    let rules = CooldownRules { disabled: true, ..CooldownRules::default() };
    let mut failing = health.clone();
    failing.failed(&candidates[0], &Error::upstream(Kind::InternalServer, "p", 500, "x"), (4, 10), &rules, NOW);
    assert_shares(&counts(&ewma, &candidates, &failing, NOW), &[0.0, 3.0, 2.0, 1.0], "so does a failure");
    assert_shares(&counts(&ewma, &candidates, &failing, NOW + 60_000), &[3.0, 2.0, 1.0, 0.0], "which is forgotten");
    let mut heavy = candidates;
    heavy[3].weight = Some(5.0);
    assert_shares(&counts(&ewma, &heavy, &health, NOW), &[2.0, 1.0, 0.0, 3.0], "a weight makes it that much better");
}

#[test]
fn peak_ewma_evens_out_what_upstreams_can_take() {
    // Each deployment is as slow as it is busy: shares come out by speed, and nobody starves.
    let (candidates, mut health) = (named(&["fast", "slow"]), Health::default());
    let mut counts = [0_u64; 2];
    let mut ends: Vec<(u64, usize, u64)> = Vec::new();
    for draw in 0..4_000 {
        let now = NOW + draw * 10;
        ends.retain(|(end, index, start)| {
            let over = *end <= now;
            if over {
                health.succeeded(&candidates[*index].id, whole(end - start), 10, *end);
                health.finish(&candidates[*index].id, *start, *end);
            }
            !over
        });
        let Step::Attempt(index) = plan(&by(Strategy::PeakEwma), &candidates).next(&health, now, random(draw)) else {
            panic!("a pick")
        };
        health.start(&candidates[index].id, now);
        let load = 1 + ends.iter().filter(|(_, other, _)| *other == index).count() as u64;
        ends.push((now + [20, 60][index] * load, index, now));
        counts[index] += 1;
    }
    let share = counts[0] as f64 / 4_000.0;
    assert!((0.55..0.97).contains(&share), "{counts:?}");
}
