//! The ledger's rules one by one.

use tollgate::http::Headers;
use tollgate::keys::calendar::parse_time;
use tollgate::keys::duration::Span;
use tollgate::keys::ledger::{
    Ask, Budget, Change, Closed, Crossing, Grant, Handle, Ledger, Limits, Outcome, Refusal, ScopeId, ScopeKind,
    Settings, State,
};
use tollgate::money::Money;

use crate::disk::Disk;

const NOW: u64 = 1_700_000_000_000;
const DAY: u64 = 86_400_000;

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn key() -> ScopeId {
    ScopeId::new(ScopeKind::Key, "k")
}

fn ledger(limits: Limits) -> Ledger {
    let mut ledger = Ledger::new(Settings::default());
    let _ = ledger.configure(&key(), limits, NOW);
    ledger
}

fn budget(max: &str) -> Limits {
    Limits { max_budget: Some(money(max)), ..Limits::default() }
}

fn ask(id: u64, bound: &str) -> Ask {
    let bound = money(bound);
    Ask {
        request_id: id.to_string(),
        scopes: vec![key()],
        bound: Some(bound),
        least: bound,
        hold_ms: 1_000,
        ..Ask::default()
    }
}

fn reserve(ledger: &mut Ledger, ask: Ask) -> Result<Grant, Refusal> {
    ledger.reserve(ask, NOW).value
}

fn cost(amount: &str) -> Outcome {
    Outcome { cost: Some(money(amount)), status: "success".to_owned(), ..Outcome::default() }
}

#[test]
fn of_a_hundred_requests_at_once_a_budget_for_eight_admits_eight() {
    let mut ledger = ledger(budget("0.8"));
    let admitted = (0..100).filter(|id| reserve(&mut ledger, ask(*id, "0.1")).is_ok()).count();
    assert_eq!(admitted, 8);
    for seq in 1..=8 {
        assert!(matches!(ledger.settle(Handle::Seq(seq), cost("0.1"), NOW).value, Closed::Done { .. }));
    }
    let error = reserve(&mut ledger, ask(100, "0.1")).unwrap_err().to_error(429, NOW);
    assert_eq!(error.message(), "Budget has been exceeded! Key=k Current cost: 0.8, Max budget: 0.8");
    assert_eq!((error.status(), error.to_json()["error"]["type"].as_str()), (429, Some("budget_exceeded")));
}

#[test]
fn twenty_keys_share_one_teams_budget() {
    let mut ledger = Ledger::new(Settings::default());
    let team = ScopeId::new(ScopeKind::Team, "t");
    let _ = ledger.configure(&team, budget("1"), NOW);
    let mut admitted = 0;
    for id in 0..100 {
        let key = ScopeId::new(ScopeKind::Key, format!("k{}", id % 20));
        let _ = ledger.configure(&key, budget("1"), NOW);
        let request = Ask { scopes: vec![key, team.clone()], ..ask(id, "0.15") };
        admitted += u32::from(reserve(&mut ledger, request).is_ok());
    }
    assert_eq!(admitted, 6);
}

#[test]
fn near_the_limit_a_request_is_granted_what_is_left() {
    let mut ledger = ledger(budget("1"));
    let first = reserve(&mut ledger, ask(1, "0.7")).unwrap();
    assert_eq!(first.granted, money("0.7"));
    let clamped = reserve(&mut ledger, Ask { least: money("0.1"), ..ask(2, "0.7") }).unwrap();
    assert_eq!(clamped.granted, money("0.3"));
    let refused = reserve(&mut ledger, Ask { least: money("0.1"), ..ask(3, "0.7") }).unwrap_err();
    let error = refused.to_error(429, NOW);
    assert!(error.message().contains("Open requests hold 1 of it"), "{}", error.message());
    assert_eq!(error.retry_after_ms(), Some(1_000));
}

#[test]
fn a_free_request_passes_a_spent_budget_and_an_unpriced_one_does_not_pass_any() {
    let mut ledger = ledger(budget("0"));
    assert!(reserve(&mut ledger, ask(1, "0")).is_ok());
    assert!(reserve(&mut ledger, ask(2, "0.1")).is_err());
    let refused = reserve(&mut ledger, Ask { bound: None, ..ask(3, "0") }).unwrap_err();
    let error = refused.to_error(429, NOW);
    assert_eq!((error.status(), error.param()), (403, Some("model")));
    let _ = ledger.configure(&key(), Limits::default(), NOW);
    assert!(reserve(&mut ledger, Ask { bound: None, ..ask(4, "0") }).is_ok(), "no budget, no need of a price");
}

#[test]
fn a_second_settlement_is_a_no_op_that_says_so() {
    let mut ledger = ledger(budget("1"));
    let seq = reserve(&mut ledger, ask(1, "0.5")).unwrap().seq;
    let done = ledger.settle(Handle::Seq(seq), cost("0.75"), NOW);
    assert_eq!(done.value, Closed::Done { charged: money("0.75"), over_bound: true, spend: money("0.75") });
    for answer in
        [ledger.settle(Handle::Seq(seq), cost("0.5"), NOW), ledger.release(Handle::Request("1"), cost("0"), NOW)]
    {
        assert_eq!(answer.value, Closed::Already);
        assert!(answer.changes.is_empty() && answer.events.is_empty());
    }
    assert_eq!(ledger.settle(Handle::Seq(99), cost("0.5"), NOW).value, Closed::Unknown);
    assert_eq!(ledger.view(&key()).unwrap().total, money("0.75"));
}

#[test]
fn a_silent_owner_is_charged_what_it_held_or_last_reported() {
    let mut ledger = ledger(budget("10"));
    for id in 1..=3 {
        reserve(&mut ledger, ask(id, "1")).unwrap();
    }
    let _ = ledger.checkpoint(Handle::Seq(2), money("0.25"), 1_000, NOW);
    let _ = ledger.checkpoint(Handle::Seq(3), money("0.5"), 60_000, NOW + 900);
    assert_eq!(ledger.next_deadline_ms(), Some(NOW + 1_000));
    let answer = ledger.expire(NOW + 1_000);
    assert_eq!(answer.value, [1, 2]);
    let charges = answer.changes.iter().filter_map(|change| match change {
        Change::Close(closing) if closing.state == State::Expired => Some((closing.charged, closing.outcome.estimated)),
        _ => None,
    });
    assert_eq!(charges.collect::<Vec<_>>(), [(money("1"), true), (money("0.25"), true)]);
    assert_eq!(ledger.open(), 1);
}

#[test]
fn lines_that_are_crossed_are_told_once() {
    let mut ledger = ledger(Limits { soft_budget: Some(money("0.5")), ..budget("1") });
    let mut told = Vec::new();
    for id in 1..=10 {
        let seq = reserve(&mut ledger, ask(id, "0.1")).unwrap().seq;
        let events = ledger.settle(Handle::Seq(seq), cost("0.1"), NOW).events;
        told.extend(events.into_iter().map(|event| (id, event.crossing)));
    }
    assert_eq!(told, [(5, Crossing::SoftBudget), (8, Crossing::EightyPercent), (10, Crossing::Exhausted)]);
}

#[test]
fn several_windows_hold_at_once_and_start_anew_each_at_its_time() {
    let span = |text| Some(Span::parse(text, "budget_duration").unwrap());
    let day = Budget { max: money("1"), span: span("1d") };
    let mut ledger = ledger(Limits { budget_duration: span("30d"), more: vec![day], ..budget("2") });
    let noon = parse_time("2023-11-15T12:00:00Z").unwrap();
    let mut spend = |id, at| {
        let grant = ledger.reserve(ask(id, "0.6"), at).value?;
        let _ = ledger.settle(Handle::Seq(grant.seq), cost("0.6"), at);
        Ok::<_, Refusal>(())
    };
    assert!(spend(1, noon).is_ok());
    let error = spend(2, noon).unwrap_err().to_error(429, noon);
    assert!(error.message().starts_with("ExceededBudget: Key over 1d budget. Spend=$0.6, Limit=$1"), "{error}");
    assert!(spend(3, noon + DAY).is_ok());
    assert!(spend(4, noon + 2 * DAY).is_ok());
    let error = spend(5, noon + 3 * DAY).unwrap_err().to_error(429, noon);
    assert!(error.message().starts_with("Budget has been exceeded! Key=k Current cost: 1.8"), "{error}");
    assert!(spend(6, parse_time("2023-12-01T00:00:00Z").unwrap()).is_ok());
}

#[test]
fn rate_limits_are_told_in_headers() {
    let mut ledger = ledger(Limits { rpm: Some(2), tpm: Some(1_000), ..Limits::default() });
    let mut headers = Headers::new();
    let tokens = |id, tokens| Ask { tokens, tokens_least: tokens, ..ask(id, "0") };
    let grant = reserve(&mut ledger, tokens(1, 600)).unwrap();
    grant.write_headers(&mut headers);
    assert_eq!(headers.get("x-ratelimit-api_key-remaining-requests"), Some("1"));
    assert_eq!(headers.get("x-ratelimit-remaining-tokens"), Some("400"));
    assert_eq!(headers.get("x-ratelimit-reset-tokens"), Some("60s"));
    let refused = reserve(&mut ledger, tokens(2, 600)).unwrap_err().to_error(429, NOW + 15_000);
    assert!(refused.message().contains("Limit type: tokens. Current limit: 1000, Remaining: 400."), "{refused}");
    assert_eq!(refused.retry_after_ms(), Some(45_000));
    let used = Outcome { total_tokens: 100, ..cost("0") };
    let _ = ledger.settle(Handle::Seq(grant.seq), used, NOW);
    assert!(reserve(&mut ledger, tokens(3, 600)).is_ok(), "what was not used is given back");
    assert!(reserve(&mut ledger, tokens(4, 1)).is_err());
    assert!(ledger.reserve(tokens(5, 1), NOW + 60_000).value.is_ok());
}

#[test]
fn a_place_is_free_again_when_its_request_ends() {
    let mut ledger = ledger(Limits { parallel: Some(1), ..Limits::default() });
    let seq = reserve(&mut ledger, ask(1, "0.1")).unwrap().seq;
    let error = reserve(&mut ledger, ask(2, "0.1")).unwrap_err().to_error(429, NOW);
    assert!(error.message().contains("Limit type: max_parallel_requests"), "{error}");
    let _ = ledger.release(Handle::Seq(seq), Outcome::default(), NOW);
    assert!(reserve(&mut ledger, ask(3, "0.1")).is_ok());
}

#[test]
fn a_deleted_blocked_or_expired_key_admits_nothing_and_still_settles() {
    let mut ledger = ledger(budget("1"));
    let seq = reserve(&mut ledger, ask(1, "0.1")).unwrap().seq;
    let _ = ledger.block(&key(), true, NOW);
    let status = |refused: Result<Grant, Refusal>| refused.unwrap_err().to_error(429, NOW).status();
    assert_eq!(status(reserve(&mut ledger, ask(2, "0.1"))), 401);
    let _ = ledger.configure(&key(), Limits { expires_ms: Some(NOW), ..budget("1") }, NOW);
    let expired = reserve(&mut ledger, ask(3, "0.1")).unwrap_err().to_error(429, NOW);
    assert_eq!(expired.to_json()["error"]["type"], "expired_key");
    let _ = ledger.remove(&key(), NOW);
    assert_eq!(status(reserve(&mut ledger, ask(4, "0.1"))), 401);
    let _ = ledger.settle(Handle::Seq(seq), cost("0.1"), NOW);
    assert_eq!(ledger.view(&key()).unwrap().total, money("0.1"));
}

#[test]
fn invented_customers_and_tags_of_refused_requests_leave_no_trace() {
    let mut ledger = ledger(budget("0.1"));
    for id in 0..1_000 {
        let scopes = vec![ScopeId::new(ScopeKind::Tag, id.to_string()), key()];
        assert!(reserve(&mut ledger, Ask { scopes, ..ask(id, "1") }).is_err());
    }
    assert_eq!(ledger.views().count(), 1);
    let many = (0..33).map(|id| ScopeId::new(ScopeKind::Tag, id.to_string())).collect();
    assert!(reserve(&mut ledger, Ask { scopes: many, ..ask(1, "0") }).is_err());
}

#[test]
fn one_request_writes_one_row_and_updates_it_once() {
    let mut ledger = ledger(budget("1"));
    let opened = ledger.reserve(ask(1, "0.1"), NOW);
    assert!(matches!(opened.changes.as_slice(), [Change::Open(_)]));
    let settled = ledger.settle(Handle::Seq(1), cost("0.1"), NOW);
    assert!(matches!(settled.changes.as_slice(), [Change::Close(_)]));
    assert!(matches!(ledger.snapshot().changes.as_slice(), [Change::Scope(_), Change::Mark(_)]));
}

#[test]
fn a_deployments_ledger_keeps_no_log_and_loses_no_sum() {
    let deployment = ScopeId::new(ScopeKind::Deployment, "d");
    let mut ledger = Ledger::new(Settings::default());
    let mut disk = Disk::default();
    disk.write(ledger.configure(&deployment, Limits { rpm: Some(3), ..budget("1") }, NOW).changes);
    let at = |id| Ask { scopes: vec![deployment.clone()], ..ask(id, "0.1") };
    for id in 1..=2 {
        let granted = ledger.reserve(at(id), NOW);
        assert!(granted.value.is_ok());
        disk.write(granted.changes);
    }
    disk.write(ledger.settle(Handle::Seq(1), cost("0.1"), NOW).changes);
    let snapshot = ledger.snapshot().changes;
    assert!(matches!(snapshot.last(), Some(Change::Forget(2))), "{snapshot:?}");
    disk.write(snapshot);
    assert_eq!(disk.requests.keys().collect::<Vec<_>>(), [&2], "what is open stays");
    let mut ledger = disk.load(Settings::default(), NOW);
    let view = ledger.view(&deployment).unwrap();
    assert_eq!((view.windows[0].spent, view.open, view.rate.requests), (Money::parse("0.1").unwrap(), 1, 2));
    disk.write(ledger.reserve(at(3), NOW).changes);
    assert!(ledger.reserve(at(4), NOW).value.is_err(), "the third of three was the last");
}

#[test]
fn a_model_that_a_record_names_no_more_loses_its_limit() {
    let mut ledger = ledger(Limits::default());
    let model = ScopeId::key_model("k", "gpt");
    let _ = ledger.apply(&[(key(), budget("5")), (model.clone(), budget("0"))], NOW);
    let scopes = vec![key(), model.clone()];
    assert!(reserve(&mut ledger, Ask { scopes: scopes.clone(), ..ask(1, "1") }).is_err());
    let written = ledger.apply(&[(key(), budget("5"))], NOW).changes.len();
    assert_eq!(written, 1, "the key's own limits are as they were");
    assert!(reserve(&mut ledger, Ask { scopes, ..ask(2, "1") }).is_ok());
    assert!(!ledger.knows(&model) && ledger.knows(&key()));
}

#[test]
fn questions_and_answers_cross_to_another_object_as_json() {
    fn crossed<T: serde::Serialize + serde::de::DeserializeOwned>(value: &T) -> T {
        serde_json::from_str(&serde_json::to_string(value).unwrap()).unwrap()
    }
    let mut ledger = ledger(Limits { rpm: Some(9), ..budget("1.000000000001") });
    let least_above_bound = Ask { least: money("3"), ..ask(1, "0.600000000001") };
    let grant = reserve(&mut ledger, crossed(&least_above_bound)).unwrap();
    assert_eq!(crossed(&grant), grant);
    let refusal = reserve(&mut ledger, crossed(&ask(2, "0.6"))).unwrap_err();
    assert_eq!(crossed(&refusal), refusal);
    let closed = ledger.settle(Handle::Seq(grant.seq), crossed(&cost("0.600000000001")), NOW).value;
    assert_eq!(crossed(&closed), closed);
    assert_eq!(
        closed,
        Closed::Done { charged: money("0.600000000001"), over_bound: false, spend: money("0.600000000001") }
    );
}
