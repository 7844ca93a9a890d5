//! What a reservation and its settlement cost in time, without a disk.

use std::time::Duration;

use tollgate::keys::ledger::{Ask, Handle, Ledger, Limits, Outcome, ScopeId, ScopeKind, Settings};
use tollgate::money::Money;

const PAIRS: u64 = 20_000;

#[expect(clippy::disallowed_methods, reason = "a test may look at the clock")]
fn timed(work: impl FnOnce()) -> Duration {
    let start = std::time::Instant::now();
    work();
    start.elapsed()
}

#[test]
fn a_reservation_and_its_settlement_take_microseconds() {
    let mut ledger = Ledger::new(Settings::default());
    let limits = Limits { max_budget: Some(Money::DOLLAR * 1_000_000), rpm: Some(u64::MAX), ..Limits::default() };
    let mut scopes = Vec::new();
    for kind in [ScopeKind::Key, ScopeKind::Team, ScopeKind::User, ScopeKind::Customer, ScopeKind::Tag] {
        for index in 0..1_000 {
            let scope = ScopeId::new(kind, format!("{index:064}"));
            let _ = ledger.configure(&scope, limits.clone(), 0);
        }
        scopes.push(ScopeId::new(kind, format!("{:064}", 500)));
    }
    let bound = Money::from_pico(1_234_567_891);
    let took = timed(|| {
        for id in 0..PAIRS {
            let request_id = format!("request-{id}");
            let ask = Ask { request_id, scopes: scopes.clone(), bound: Some(bound), least: bound, ..Ask::default() };
            let grant = ledger.reserve(ask, id).value.unwrap();
            let outcome = Outcome { cost: Some(bound), ..Outcome::default() };
            let _ = ledger.settle(Handle::Seq(grant.seq), outcome, id);
        }
    });
    assert_eq!(ledger.view(&scopes[0]).unwrap().total, bound * PAIRS);
    let each = took / u32::try_from(PAIRS).unwrap();
    println!("reserve + settle over 5 scopes of 5,000: {each:?}");
    // Unoptimised builds on a busy machine stay far below this; a scan over all scopes or rows would not.
    assert!(each < Duration::from_micros(500), "{each:?}");
}
