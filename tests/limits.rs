//! Limits of deployments and providers on a scripted host: who is passed over, and what the books say after every ending.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "gateway/answers.rs"]
mod answers;
#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

use answers::{ask, deployment, ok, stream};
use host::{Got, Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::gateway::ReplyBody;
use tollgate::keys::ledger::{ScopeId, ScopeKind, ScopeView};
use tollgate::money::Money;

const DOWN: &str = r#"{"error":{"message":"down","type":"server_error"}}"#;

fn stage(deployments: &[Value], router: &Value, scripts: Vec<Script>) -> Stage {
    let mut routing = json!({"num_retries": 0});
    routing.as_object_mut().unwrap().extend(router.as_object().unwrap().clone());
    Stage::new(&json!({"model_list": deployments, "router_settings": routing}), scripts)
}

fn of_deployment(model: &str) -> ScopeId {
    ScopeId::new(ScopeKind::Deployment, model)
}

fn view(stage: &Stage, root: &ScopeId, scope: &ScopeId) -> ScopeView {
    stage.host.books.borrow_mut().ledger(root).ledger.view(scope).expect("a scope that was used")
}

fn own(stage: &Stage, model: &str) -> ScopeView {
    view(stage, &of_deployment(model), &of_deployment(model))
}

fn cents(cents: i128) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

fn served_by(got: &Got) -> String {
    assert_eq!(got.status, 200, "{}", got.text());
    got.headers.get("x-litellm-model-id").unwrap().to_owned()
}

#[test]
fn weights_ask_no_ledger() {
    let deployments = [deployment("m", "openai/a", &json!({"rpm": 1, "tpm": 1}))];
    let stage = stage(&deployments, &json!({}), vec![ok("hello"), ok("hello")]);
    for _ in 0..2 {
        assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
    }
    assert!(stage.host.books.borrow_mut().ledger(&of_deployment("openai/a")).ledger.views().next().is_none());
}

#[test]
fn a_deployment_over_its_rpm_is_passed_over_until_its_minute_is_over() {
    let deployments = [
        deployment("m", "openai/a", &json!({"rpm": 2, "weight": 1_000_000})),
        deployment("m", "openai/b", &json!({"weight": 1})),
    ];
    let checks = json!({"optional_pre_call_checks": ["enforce_model_rate_limits"]});
    let stage = stage(&deployments, &checks, vec![ok("hello"), ok("hello"), ok("hello"), ok("hello")]);
    let served: Vec<String> = (0..3).map(|_| served_by(&stage.chat(&ask("m")))).collect();
    assert_eq!(served, ["openai/a", "openai/a", "openai/b"]);
    assert_eq!(stage.sent().len(), 3, "nothing was sent to the full one");
    stage.host.world.now.set(stage.host.world.now.get() + 60_000);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
}

#[test]
fn a_group_that_is_full_answers_429_with_the_time_to_wait_and_nothing_cools() {
    let deployments = [deployment("m", "openai/a", &json!({"rpm": 1}))];
    let checks = json!({"optional_pre_call_checks": ["enforce_model_rate_limits"], "num_retries": 2});
    let stage = stage(&deployments, &checks, vec![ok("hello"), ok("hello")]);
    served_by(&stage.chat(&ask("m")));
    let full = stage.chat(&ask("m"));
    assert_eq!((full.status, full.json()["error"]["code"].as_str()), (429, Some("429")), "{}", full.text());
    let seconds: u64 = full.headers.get("retry-after").unwrap().parse().unwrap();
    assert!((1..=60).contains(&seconds), "{seconds}");
    assert_eq!(full.headers.get("x-litellm-attempted-retries"), Some("0"));
    stage.host.world.now.set(stage.host.world.now.get() + 60_000);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
}

#[test]
fn a_group_that_is_full_falls_back() {
    let deployments = [deployment("m", "openai/a", &json!({"rpm": 1})), deployment("spare", "openai/b", &json!({}))];
    let checks = json!({"routing_strategy": "usage-based-routing-v2", "fallbacks": [{"m": ["spare"]}]});
    let stage = stage(&deployments, &checks, vec![ok("hello"), ok("hello")]);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/b");
}

#[test]
fn tokens_of_open_and_of_ended_requests_count() {
    let limits = json!({"tpm": 40, "weight": 1_000_000});
    let deployments = [deployment("m", "openai/a", &limits), deployment("m", "openai/b", &json!({"weight": 1}))];
    let checks = json!({"optional_pre_call_checks": ["enforce_model_rate_limits"]});
    let stage = stage(&deployments, &checks, vec![ok("hello"), ok("hello"), ok("hello")]);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
    assert_eq!(own(&stage, "openai/a").rate.tokens, 30, "what was reserved is replaced by what was used");
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a", "ten tokens are left");
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/b");
}

#[test]
fn an_open_stream_holds_its_place_and_its_end_gives_it_back() {
    let deployments = [
        deployment("m", "openai/a", &json!({"max_parallel_requests": 1, "weight": 1_000_000})),
        deployment("m", "openai/b", &json!({"weight": 1})),
    ];
    let stage = stage(&deployments, &json!({}), vec![stream(vec![], true), ok("hello"), ok("hello")]);
    let mut body = ask("m");
    body["stream"] = json!(true);
    let open = stage.begin("POST", "/v1/chat/completions", &[], body.to_string().as_bytes());
    assert!(matches!(open.body, ReplyBody::Stream(_)));
    assert_eq!(own(&stage, "openai/a").open, 1);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/b");
    let got = stage.finish(open, 0);
    assert!(got.text().ends_with("data: [DONE]\n\n"));
    assert_eq!(own(&stage, "openai/a").open, 0);
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
}

#[test]
fn every_ending_gives_the_place_back_and_charges_what_was_served() {
    let cases: [(&str, Script, Option<usize>, i128); 5] = [
        ("done", stream(vec![], true), None, 5),
        ("cut", stream(vec![Piece::Break], false), None, 0),
        ("gone", stream(vec![Piece::Wait(5), Piece::Forever], false), Some(1), 0),
        ("down", answer(500, DOWN), None, -1),
        ("refused", answer(400, r#"{"error":{"message":"no"}}"#), None, -1),
    ];
    for (name, script, leaves_after, charged) in cases {
        let limits = json!({"max_parallel_requests": 1, "max_budget": 1});
        let mut stage = stage(&[deployment("m", "openai/a", &limits)], &json!({}), vec![script]);
        stage.leaves_after = leaves_after;
        let mut body = ask("m");
        body["stream"] = json!(true);
        stage.chat(&body);
        let view = own(&stage, "openai/a");
        assert_eq!((view.open, view.reserved), (0, Money::ZERO), "{name}");
        let spent = view.windows[0].spent;
        match charged {
            -1 => assert_eq!(spent, Money::ZERO, "{name}: nothing was served"),
            0 => assert!(spent > Money::ZERO && spent < cents(5), "{name}: {spent}"),
            cost => assert_eq!(spent, cents(cost), "{name}"),
        }
    }
}

#[test]
fn a_place_whose_owner_died_comes_back_by_the_alarm() {
    let limits = json!({"max_parallel_requests": 1, "max_budget": 1});
    let stage = stage(&[deployment("m", "openai/a", &limits)], &json!({}), vec![stream(vec![], true), ok("hello")]);
    let mut body = ask("m");
    body["stream"] = json!(true);
    drop(stage.begin("POST", "/v1/chat/completions", &[], body.to_string().as_bytes()));
    let held = own(&stage, "openai/a");
    assert_eq!((held.open, held.windows[0].spent), (1, Money::ZERO));
    let mut books = stage.host.books.borrow_mut();
    let ledger = &mut books.ledger(&of_deployment("openai/a")).ledger;
    let deadline = ledger.next_deadline_ms().unwrap();
    assert_eq!(ledger.expire(deadline).value, [1]);
    drop(books);
    let view = own(&stage, "openai/a");
    assert_eq!((view.open, view.windows[0].spent), (0, held.reserved), "charged what it held");
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
}

#[test]
fn a_budget_is_never_exceeded_and_the_next_deployment_takes_over() {
    let limits = json!({"max_budget": 0.3, "budget_duration": "1d", "weight": 1_000_000});
    let deployments = [deployment("m", "openai/a", &limits), deployment("m", "openai/b", &json!({"weight": 1}))];
    let stage = stage(&deployments, &json!({}), (0..8).map(|_| ok("hello")).collect());
    let served: Vec<String> = (0..8).map(|_| served_by(&stage.chat(&ask("m")))).collect();
    let own = own(&stage, "openai/a");
    let paid = served.iter().take_while(|id| *id == "openai/a").count();
    assert!(paid >= 4 && served[paid..].iter().all(|id| id == "openai/b"), "{served:?}");
    assert_eq!(own.windows[0].spent, cents(5 * paid as i128));
    assert!(own.windows[0].spent <= cents(30));
}

#[test]
fn a_deployment_whose_price_nobody_knows_serves_nothing_on_a_budget() {
    let unpriced = json!({"model_name": "m", "litellm_params": {"model": "openai/nobody-knows", "max_budget": 5}});
    let stage = stage(&[unpriced], &json!({}), vec![]);
    assert_eq!(stage.chat(&ask("m")).status, 429);
    assert!(stage.host.lines.borrow().iter().any(|line| line.contains("\"unpriced\"")), "the operator is told");
}

#[test]
fn a_provider_has_one_budget_for_all_of_its_deployments() {
    let limited = json!({"max_parallel_requests": 7, "weight": 1_000_000});
    let deployments = [
        deployment("m", "openai/a", &limited),
        deployment("n", "openai/b", &json!({})),
        deployment("m", "groq/c", &json!({"weight": 1, "api_key": "k"})),
    ];
    let router = json!({"provider_budget_config": {"openai": {"budget_limit": 0.16, "time_period": "1d"}}});
    let stage = stage(&deployments, &router, (0..4).map(|_| ok("hello")).collect());
    assert_eq!(served_by(&stage.chat(&ask("m"))), "openai/a");
    assert_eq!(served_by(&stage.chat(&ask("n"))), "openai/b");
    assert_eq!(served_by(&stage.chat(&ask("m"))), "groq/c");
    let full = stage.chat(&ask("n"));
    assert_eq!(full.status, 429, "{}", full.text());
    let root = ScopeId::new(ScopeKind::Provider, "openai");
    assert_eq!(view(&stage, &root, &root).windows[0].spent, cents(10));
    let deployment = view(&stage, &root, &of_deployment("openai/a"));
    assert_eq!((deployment.limits.parallel, deployment.windows[0].spent), (Some(7), cents(5)), "its own books beside");
}
