//! Shadow traffic on a scripted host: who gets a copy, that its client sees nothing of it, and who pays.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "gateway/answers.rs"]
mod answers;
#[allow(dead_code, reason = "each test file uses a part of the host")]
#[path = "gateway/host.rs"]
mod host;

use answers::{ask, deployment, ok, stream};
use host::{Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::keys::ledger::{Entry, ScopeId, ScopeKind};
use tollgate::keys::token;
use tollgate::money::Money;

const DOWN: &str = r#"{"error":{"message":"down","type":"server_error"}}"#;

/// Requests for `m` go to `own`, and copies of them to `canary`, which is `new`; a milli-dollar a token in, two out.
fn stage(percent: f64, more: &Value) -> Stage {
    let none = json!({});
    let mut list = vec![
        deployment("m", "openai/own", &none),
        deployment("canary", "openai/new", more.get("canary").unwrap_or(&none)),
        deployment("spare", "openai/spare", &none),
    ];
    if more.get("second").is_some() {
        let mut second = deployment("canary", "openai/new", &none);
        second["model_info"]["id"] = json!("second");
        list.push(second);
    }
    let router = json!({"num_retries": 0, "fallbacks": [{"m": ["spare"]}],
        "shadow_traffic": {"m": {"to": "canary", "percent": percent}}});
    Stage::new(&json!({"model_list": list, "router_settings": router}), vec![])
}

/// What each model does with a request; the copy's is called `new`.
fn play(stage: &Stage, copy: Script) {
    stage.host.play.replace(Some(Box::new(move |request, _| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        match (body["model"].as_str(), body["stream"] == json!(true)) {
            (Some("new"), _) => copy.clone(),
            (_, true) => stream(vec![], true),
            _ => ok("hello"),
        }
    })));
}

fn copies(stage: &Stage) -> usize {
    stage.sent().iter().filter(|body| body["model"] == "new").count()
}

/// The spend log's rows of copies.
fn rows(stage: &Stage) -> Vec<Entry> {
    let mut rows = Vec::new();
    stage.host.books.borrow().each(|entry| rows.push(entry.clone()));
    rows.retain(|row| row.subject.call_type == "shadow");
    rows
}

fn cents(cents: i128) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

#[test]
fn the_share_is_copied_and_nothing_else() {
    for (percent, least, most) in [(0.0, 0, 0), (25.0, 70, 130), (100.0, 400, 400)] {
        let stage = stage(percent, &json!({}));
        play(&stage, ok("copy"));
        for _ in 0..400 {
            let got = stage.chat(&ask("m"));
            assert_eq!(got.json()["choices"][0]["message"]["content"], "hello");
        }
        let copied = copies(&stage);
        assert!((least..=most).contains(&copied), "{percent} %: {copied}");
        assert_eq!(stage.sent().len(), 400 + copied);
        stage.chat(&ask("spare"));
        stage.chat(&ask("canary"));
        assert_eq!(stage.sent().len(), 402 + copied, "other groups have no shadow");
    }
}

#[test]
fn a_copy_is_the_clients_own_request_and_goes_out_after_the_answer() {
    let stage = stage(100.0, &json!({"canary": {"temperature": 0.5}}));
    play(&stage, ok("copy"));
    let mut body = ask("m");
    body["top_p"] = json!(0.1);
    let reply = stage.begin("POST", "/v1/chat/completions", &[], body.to_string().as_bytes());
    assert_eq!(stage.sent().len(), 1, "not before the answer");
    stage.finish(reply, 0);
    let mut wanted = body.clone();
    (wanted["model"], wanted["temperature"]) = (json!("new"), json!(0.5));
    assert_eq!(stage.sent()[1], wanted);
    assert!(stage.sent()[0].get("temperature").is_none());
}

#[test]
fn a_copy_is_edited_as_its_deployment_wants_it() {
    let stage = stage(100.0, &json!({"canary": {"additional_drop_params": ["tools[*].function.strict"]}}));
    play(&stage, ok("copy"));
    let mut body = ask("m");
    let tool = |strict: Option<bool>| {
        let mut function = json!({"name": "f", "parameters": {"type": "object", "properties": {}}});
        if let Some(strict) = strict {
            function["strict"] = json!(strict);
        }
        json!([{"type": "function", "function": function}])
    };
    body["tools"] = tool(Some(true));
    stage.chat(&body);
    let sent = stage.sent();
    assert_eq!((&sent[0]["tools"], &sent[1]["tools"]), (&tool(Some(true)), &tool(None)));
}

#[test]
fn a_copy_of_a_stream_is_read_to_its_end() {
    let stage = stage(100.0, &json!({}));
    play(&stage, stream(vec![Piece::Wait(50)], true));
    let mut body = ask("m");
    body["stream"] = json!(true);
    let got = stage.chat(&body);
    assert!(got.text().ends_with("data: [DONE]\n\n") && got.ms < 50, "{}", got.ms);
    let [row] = rows(&stage).try_into().expect("one row");
    assert_eq!((row.outcome.status.as_str(), row.outcome.cost), ("success", Some(cents(5))));
    assert_eq!(stage.host.world.open_bodies.get(), 0);
}

#[test]
fn a_copy_that_fails_is_unseen_and_rests_no_deployment() {
    let cases = [
        ("down", answer(500, DOWN), "0"),
        ("limited", answer(429, DOWN), "0"),
        ("unreachable", host::unreachable_upstream(), "0"),
        ("silent", Script { delay_ms: None, ..ok("late") }, "prompt"),
        ("stalls", stream(vec![Piece::Forever], false), "part"),
        ("cut", stream(vec![Piece::Break], false), "part"),
    ];
    for (name, copy, cost) in cases {
        let stage = stage(100.0, &json!({}));
        play(&stage, copy);
        let mut body = ask("m");
        body["stream"] = json!(cost == "part");
        for round in 1..=2 {
            let started = stage.host.world.now.get();
            let got = stage.chat(&body);
            assert_eq!((got.status, got.headers.get("x-litellm-model-group")), (200, Some("m")), "{name}");
            assert!(got.ms <= 20, "{name}: {}", got.ms);
            assert!(stage.host.world.now.get() - started <= 26_000, "{name}: bounded");
            assert_eq!(copies(&stage), round, "{name}: one attempt, and no rest");
        }
        for row in rows(&stage) {
            assert_eq!(row.outcome.status, "failure", "{name}");
            let spent = row.outcome.cost.unwrap_or_default();
            assert_eq!(spent == Money::ZERO, cost == "0", "{name}: {spent}");
            assert!(spent < cents(5), "{name}: {spent}");
        }
        assert_eq!((rows(&stage).len(), stage.host.world.open_bodies.get()), (2, 0), "{name}");
    }
}

#[test]
fn no_key_pays_for_a_copy() {
    let config = json!({
        "model_list": [
            {"model_name": "m", "litellm_params": {"model": "openai/own", "input_cost_per_token": 0.001, "output_cost_per_token": 0.002}},
            {"model_name": "canary", "litellm_params": {"model": "openai/new", "input_cost_per_token": 0.001, "output_cost_per_token": 0.002}},
        ],
        "general_settings": {"master_key": "sk-master"},
        "router_settings": {"shadow_traffic": {"m": {"to": "canary", "percent": 100}}},
    });
    let stage = Stage::new(&config, vec![]);
    play(&stage, ok("copy"));
    let key = stage.add_key(&json!({"max_budget": 1.0, "models": ["m"]}));
    let got = stage.chat_as(&key, &ask("m"));
    assert_eq!((got.status, copies(&stage)), (200, 1), "{}", got.text());
    let scope = ScopeId::new(ScopeKind::Key, token::hash(&key));
    let view = stage.host.books.borrow_mut().ledger(&scope).ledger.view(&scope).unwrap();
    assert_eq!((view.windows[0].spent, view.reserved), (cents(5), Money::ZERO), "its own call alone");
    let [row] = rows(&stage).try_into().expect("one row");
    assert_eq!(row.outcome.cost, Some(cents(5)));
    assert_eq!(
        (row.subject.key.as_str(), &row.subject.tags[..], row.subject.model_group.as_str()),
        ("", &["shadow".to_owned()][..], "canary")
    );
    let id = got.headers.get("x-litellm-call-id").unwrap();
    assert_eq!(row.subject.metadata, json!({"shadow_of": id}).to_string());
    assert_ne!(row.request_id, id);
    // A call that is refused has no shadow.
    let refused = stage.chat_as(&key, &ask("canary"));
    assert_eq!((refused.status >= 400, stage.sent().len()), (true, 2), "{}", refused.text());
}

#[test]
fn limits_of_the_deployment_hold_for_copies() {
    let stage = stage(100.0, &json!({"canary": {"max_budget": 0.1}}));
    play(&stage, ok("copy"));
    for _ in 0..3 {
        assert_eq!(stage.chat(&ask("m")).status, 200);
    }
    assert_eq!(copies(&stage), 1, "the second does not fit in what is left");
    let scope = ScopeId::new(ScopeKind::Deployment, "openai/new");
    let view = stage.host.books.borrow_mut().ledger(&scope).ledger.view(&scope).unwrap();
    assert_eq!((view.windows[0].spent, view.reserved, view.open), (cents(5), Money::ZERO, 0));
}

#[test]
fn sixteen_copies_run_at_once_and_the_rest_is_dropped() {
    let stage = stage(100.0, &json!({}));
    play(&stage, Script { delay_ms: Some(1_000), ..ok("copy") });
    let visits: Vec<_> = (0..20).map(|n| (n, None, ask("m"))).collect();
    let got = stage.visits(&visits);
    assert!(got.iter().all(|got| got.status == 200 && got.ms < 1_000));
    assert_eq!(copies(&stage), 16);
    let dropped = stage.host.lines.borrow().iter().filter(|line| line.contains("shadow_dropped")).count();
    assert_eq!(dropped, 4);
    stage.chat(&ask("m"));
    assert_eq!(copies(&stage), 17, "their places are free again");
}

#[test]
fn a_long_request_and_a_resting_deployment_get_no_copy() {
    let long = stage(100.0, &json!({}));
    play(&long, ok("copy"));
    let mut body = ask("m");
    body["messages"][0]["content"] = json!("x".repeat(1 << 20));
    assert_eq!((long.chat(&body).status, copies(&long)), (200, 0));

    let resting = stage(100.0, &json!({"second": true}));
    play(&resting, answer(429, DOWN));
    // Clients' own calls send both deployments to rest.
    for _ in 0..2 {
        resting.chat(&ask("canary"));
    }
    let sent = |stage: &Stage| (stage.chat(&ask("m")).status, copies(stage));
    assert_eq!(sent(&resting), (200, 2));
    // The one test after a rest is a client's, and not the copy's.
    resting.host.world.now.set(resting.host.world.now.get() + 60_000);
    assert_eq!(sent(&resting), (200, 2));
}
