//! Tests of the plan: steps in order, with every attempt failing.

use super::*;

fn down() -> Error {
    Error::upstream(Kind::ServiceUnavailable, "p", 503, "down")
}

fn plan(deployments: usize, retries: u32, fallbacks: Fallbacks) -> Plan {
    let rules = RetryRules { router: Some(retries), ..RetryRules::default() };
    Plan::new("m", vec![Candidate::default(); deployments], rules, fallbacks)
}

/// Fails every attempt with `error` and writes the steps down.
fn run(plan: &mut Plan, error: &Error) -> Vec<String> {
    let mut steps = Vec::new();
    for _ in 0..200 {
        match plan.next(&Health::default(), 0, 0) {
            Step::Attempt(index) => {
                steps.push(format!("{}{index}", plan.group()));
                plan.failed(error.clone());
            }
            Step::Wait(ms) => steps.push(format!("wait{ms}")),
            Step::Enter(hop) if hop.model == "nowhere" => plan.pass_over("nowhere", &Error::new(Kind::NotFound, "no")),
            Step::Enter(hop) => plan.enter(&hop.model, vec![Candidate::default()], Picking::default()),
            Step::GiveUp(error) => {
                steps.push(format!("{error}"));
                return steps;
            }
        }
    }
    panic!("endless: {steps:?}");
}

#[test]
fn one_deployment_is_retried_after_waits() {
    let steps = run(&mut plan(1, 2, Fallbacks::default()), &down());
    assert_eq!(steps, ["m0", "wait500", "m0", "wait1000", "m0", "ServiceUnavailableError: down"]);
}

#[test]
fn another_deployment_is_tried_at_once() {
    let steps = run(&mut plan(2, 2, Fallbacks::default()), &down());
    assert_eq!(steps, ["m0", "m1", "m0", "ServiceUnavailableError: down"]);
}

#[test]
fn a_wrong_credential_only_goes_elsewhere() {
    let wrong = Error::upstream(Kind::Authentication, "p", 401, "no");
    assert_eq!(run(&mut plan(1, 5, Fallbacks::default()), &wrong), ["m0", "AuthenticationError: no"]);
    assert_eq!(run(&mut plan(2, 5, Fallbacks::default()), &wrong), ["m0", "m1", "AuthenticationError: no"]);
}

#[test]
fn a_clients_mistake_ends_it() {
    let fallbacks = Fallbacks { default: vec!["f".to_owned()], ..Fallbacks::default() };
    let wrong = Error::upstream(Kind::BadRequest, "p", 400, "no");
    let end = "BadRequestError: no\n\nLiteLLM: model group 'm' failed with the error above. No fallback was attempted.";
    assert_eq!(run(&mut plan(3, 5, fallbacks.clone()), &wrong), ["m0", end]);
    let mut silent = plan(3, 5, fallbacks).with(Picking::default(), false, false);
    assert_eq!(run(&mut silent, &wrong), ["m0", "BadRequestError: no"], "expose_router_debug_in_errors: false");
    assert_eq!(run(&mut plan(3, 5, Fallbacks::default()), &wrong), ["m0", "BadRequestError: no"], "there are none");
}

#[test]
fn fallbacks_follow_each_other_once_and_the_first_error_stays() {
    let groups = vec![
        ("m".to_owned(), vec!["a".to_owned(), "nowhere".to_owned()]),
        ("a".to_owned(), vec!["m".to_owned(), "b".to_owned()]),
    ];
    let mut plan = plan(1, 0, Fallbacks { groups, ..Fallbacks::default() });
    let steps = run(&mut plan, &down());
    let end = "ServiceUnavailableError: down\n\nLiteLLM: model group 'm' failed with the error above. Fallbacks failed too: \
               a (ServiceUnavailableError), b (ServiceUnavailableError), nowhere (NotFoundError).";
    assert_eq!(steps, ["m0", "a0", "b0", end]);
    assert_eq!(plan.attempted_fallbacks(), 3);
}

#[test]
fn fallbacks_of_fallbacks_are_bounded_in_depth_and_lists_in_length() {
    let next = |n: u32| (format!("f{n}"), vec![format!("f{}", n + 1)]);
    let groups = [("m".to_owned(), vec!["f1".to_owned()])].into_iter().chain((1..9).map(next)).collect();
    let mut deep = plan(1, 0, Fallbacks { groups, ..Fallbacks::default() });
    assert_eq!(run(&mut deep, &down())[..6], ["m0", "f10", "f20", "f30", "f40", "f50"]);
    assert_eq!(deep.attempted_fallbacks(), 5);
    let default: Vec<String> = (0..90).map(|n| format!("f{n}")).collect();
    let mut long = plan(1, 0, Fallbacks { default, ..Fallbacks::default() });
    run(&mut long, &down());
    assert_eq!(long.attempted_fallbacks(), MOST_HOPS);
}

fn ordered(orders: &[Option<u64>]) -> Vec<Candidate> {
    let candidate =
        |(at, order): (usize, &Option<u64>)| Candidate { id: format!("d{at}"), order: *order, ..Candidate::default() };
    orders.iter().enumerate().map(candidate).collect()
}

#[test]
fn deployments_of_a_higher_order_stand_in_before_other_groups() {
    let rules = RetryRules { router: Some(0), ..RetryRules::default() };
    let fallbacks = Fallbacks { default: vec!["f".to_owned()], ..Fallbacks::default() };
    let orders = [Some(2), Some(1), None];
    let mut plan = Plan::new("m", ordered(&orders), rules, fallbacks);
    let mut steps = Vec::new();
    loop {
        match plan.next(&Health::default(), 0, 0) {
            Step::Attempt(index) => {
                steps.push(format!("{}{index}", plan.group()));
                plan.failed(down());
            }
            Step::Enter(hop) if hop.model == "m" => plan.enter("m", ordered(&orders), Picking::default()),
            Step::Enter(hop) => plan.enter(&hop.model, vec![Candidate::default()], Picking::default()),
            Step::GiveUp(_) => break,
            Step::Wait(_) => panic!("nothing to wait for"),
        }
    }
    assert_eq!(steps, ["m1", "m0", "m2", "f0"]);
}

#[test]
fn a_group_at_rest_gives_way_to_its_fallbacks_and_else_says_when() {
    let (mut health, rules) = (Health::default(), crate::router::CooldownRules::default());
    let limited = Error::upstream(Kind::RateLimit, "p", 429, "slow");
    let deployments = ordered(&[None, None]);
    for candidate in &deployments {
        health.failed(candidate, &limited, (2, 10), &rules, 1_000);
    }
    let plan = |fallbacks| Plan::new("m", deployments.clone(), RetryRules::default(), fallbacks);
    let Step::GiveUp(error) = plan(Fallbacks::default()).next(&health, 1_500, 0) else { panic!("it rests") };
    assert_eq!((error.status(), error.retry_after_ms()), (429, Some(4_500)));
    assert!(error.message().starts_with("No deployments available for selected model, Try again in 5 seconds."));
    assert!(error.message().contains("after status 429"), "{error}");
    let default = vec!["f".to_owned()];
    let mut plan = plan(Fallbacks { default, ..Fallbacks::default() });
    assert!(matches!(plan.next(&health, 1_500, 0), Step::Enter(hop) if hop.model == "f"));
}

#[test]
fn a_full_deployment_passes_the_request_on_without_a_retry() {
    let mut plan = plan(2, 0, Fallbacks::default());
    let full = |limit| Filtered::Limit { limit, retry_after_ms: 700 };
    let Step::Attempt(first) = plan.next(&Health::default(), 0, 0) else { panic!("an attempt") };
    plan.full(full("rpm"));
    let Step::Attempt(second) = plan.next(&Health::default(), 0, 0) else { panic!("an attempt") };
    assert_ne!(first, second);
    plan.full(full("tpm"));
    let Step::GiveUp(error) = plan.next(&Health::default(), 0, 0) else { panic!("both are full") };
    assert_eq!((error.status(), error.retry_after_ms(), plan.attempted_retries()), (429, Some(700), 0));
}

#[test]
fn attempts_of_a_whole_request_may_be_bounded() {
    let rules = RetryRules { router: Some(5), per_request: Some(3), ..RetryRules::default() };
    let fallbacks = Fallbacks { default: vec!["f".to_owned()], ..Fallbacks::default() };
    let mut plan = Plan::new("m", vec![Candidate::default(); 2], rules, fallbacks);
    assert_eq!(run(&mut plan, &down()).len(), 4, "three attempts and the error");
}

#[test]
fn weighted_failover_tries_what_is_left_of_the_group_first() {
    let mut plan = plan(3, 0, Fallbacks { default: vec!["f".to_owned()], ..Fallbacks::default() });
    plan = plan.with(Picking::default(), true, true);
    let steps = run(&mut plan, &down());
    assert_eq!(steps[..4], ["m0", "m1", "m2", "f0"]);
}

#[test]
fn an_empty_group_gives_up_with_a_reason() {
    let steps = run(&mut plan(0, 2, Fallbacks::default()), &down());
    assert_eq!(steps, ["ServiceUnavailableError: model group `m` has no deployment that may be used"]);
}

#[test]
fn what_failed_its_health_check_is_asked_where_no_other_is_left() {
    let mut health = Health::default();
    health.heed(vec!["m1".to_owned()], 10_000);
    let fresh = || {
        let candidates = ["m0", "m1"].map(|id| Candidate { id: id.to_owned(), ..Candidate::default() }).to_vec();
        Plan::new("m", candidates, RetryRules::default(), Fallbacks::default())
    };
    let mut once = fresh();
    let step = |health: &Health, plan: &mut Plan, now_ms| match plan.next(health, now_ms, u64::MAX) {
        Step::Attempt(at) => plan.candidates()[at].id.clone(),
        other => format!("{other:?}"),
    };
    assert_eq!(step(&health, &mut once, 0), "m0");
    once.failed(down());
    assert_eq!(step(&health, &mut once, 0), "Wait(749)", "rather the healthy one again than the other");
    assert_eq!(step(&health, &mut once, 749), "m0");
    assert_eq!(step(&health, &mut fresh(), 10_000), "m1", "what is too old says nothing");
    health.heed(vec!["m0".to_owned(), "m1".to_owned()], 10_000);
    assert!(matches!(fresh().next(&health, 0, 0), Step::Attempt(0)));
}
