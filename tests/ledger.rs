//! The ledger against a trivial reference model, step by step, over a disk that crashes.
//!
//! `LEDGER_SEED=<seed> cargo test --test ledger` replays one run; `LEDGER_RUNS=<n>` makes more of them.

#[path = "ledger/disk.rs"]
mod disk;
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

use run::Run;

/// Runs of one seed each; together they are the steps that the promise is tried with.
const RUNS: u64 = 500;
const STEPS: u64 = 600;

#[expect(clippy::disallowed_methods, reason = "a test may be told which seed to replay")]
fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn the_ledger_agrees_with_its_model_and_never_breaks_a_budget() {
    if let Some(seed) = variable("LEDGER_SEED") {
        Run::new(seed).steps(STEPS);
        return;
    }
    let mut tally = run::Tally::default();
    for seed in 1..=variable("LEDGER_RUNS").unwrap_or(RUNS) {
        let result = std::panic::catch_unwind(|| Run::new(seed).steps(STEPS));
        match result {
            Ok(done) => tally.add(&done),
            Err(_) => panic!("replay with LEDGER_SEED={seed} cargo test --test ledger"),
        }
    }
    println!("{tally:?}");
    assert!(tally.steps >= 200_000);
    // A run that never comes near its subject proves nothing.
    for (what, count) in tally.kinds() {
        assert!(count > 100, "{what}: {count}");
    }
}
