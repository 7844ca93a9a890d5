//! The ledger against a trivial reference model, step by step, over a disk that crashes.
//!
//! `LEDGER_SEED=<seed> cargo test --test ledger` replays one run; `LEDGER_RUNS=<n>` makes more of them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "ledger/acts.rs"]
mod acts;
#[path = "ledger/disk.rs"]
mod disk;
#[path = "ledger/edits.rs"]
mod edits;
#[path = "ledger/model.rs"]
mod model;
#[path = "ledger/random.rs"]
mod random;
#[path = "ledger/rules.rs"]
mod rules;
#[path = "ledger/run.rs"]
mod run;
#[path = "ledger/speed.rs"]
mod speed;
#[path = "ledger/tally.rs"]
mod tally;

use run::Run;
use tally::Tally;

/// Runs of one seed each; together they are the steps that the promise is tried with.
const RUNS: u64 = 1_320;
const STEPS: u64 = 160;
const THREADS: u64 = 4;

#[expect(clippy::disallowed_methods, reason = "a test may be told which seed to replay")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Every fourth seed from `first + 1` to `runs`.
fn work(first: u64, runs: u64) -> Tally {
    let mut tally = Tally::default();
    for seed in (first + 1..=runs).step_by(THREADS as usize) {
        let done = std::panic::catch_unwind(|| Run::new(seed).steps(STEPS));
        assert!(done.is_ok(), "replay with LEDGER_SEED={seed} cargo test --test ledger");
        tally.add(&done.unwrap_or_default());
    }
    tally
}

#[test]
fn the_ledger_agrees_with_its_model_and_never_breaks_a_budget() {
    if let Some(seed) = variable("LEDGER_SEED") {
        Run::new(seed).steps(STEPS);
        return;
    }
    let runs = variable("LEDGER_RUNS").unwrap_or(RUNS);
    let mut tally = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..THREADS).map(|first| scope.spawn(move || work(first, runs))).collect();
        for worker in workers {
            tally.add(&worker.join().expect("a run failed: its seed is above"));
        }
    });
    println!("{tally:?}");
    assert!(tally.steps >= 200_000);
    // A run that never comes near its subject proves nothing.
    for (what, count) in tally.kinds() {
        assert!(count > 100, "{what}: {count}");
    }
}
