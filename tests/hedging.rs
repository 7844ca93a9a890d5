//! Hedging on a scripted host: when a second attempt is sent, who answers, and what the books say of both.

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

use std::cell::RefCell;
use std::rc::Rc;

use answers::{ask, deployment, ok, stream};
use host::{Got, Piece, Script, Stage, answer};
use serde_json::{Value, json};
use tollgate::gateway::ReplyBody;
use tollgate::keys::ledger::{ScopeId, ScopeKind, ScopeView};
use tollgate::money::Money;

const MASTER: &str = "sk-master";
const AUTH: (&str, &str) = ("authorization", "Bearer sk-master");

/// What each model's upstream does.
type Doing = Rc<RefCell<Vec<(&'static str, Script)>>>;

/// Two deployments, of which `a` is always the first choice, and what they do; each has books of its own.
struct Scene {
    stage: Stage,
    doing: Doing,
}

impl Scene {
    fn new(router: &Value, more: &[Value]) -> Self {
        let mut deployments = vec![
            deployment("m", "openai/a", &json!({"weight": 1, "max_budget": 100})),
            deployment("m", "openai/b", &json!({"weight": 0, "max_budget": 100})),
        ];
        deployments.extend_from_slice(more);
        Self::of(&deployments, router)
    }

    fn of(deployments: &[Value], router: &Value) -> Self {
        let mut routing = json!({"num_retries": 0, "hedging": true});
        routing.as_object_mut().unwrap().extend(router.as_object().unwrap().clone());
        let general = json!({"master_key": MASTER});
        let config = json!({"model_list": deployments, "router_settings": routing, "general_settings": general});
        let stage = Stage::new(&config, vec![]);
        let doing = Doing::default();
        let plays = doing.clone();
        stage.host.play.replace(Some(Box::new(move |request, _| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            let name = body["model"].as_str().unwrap();
            plays.borrow().iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name} was asked")).1.clone()
        })));
        Self { stage, doing }
    }

    /// What upstreams do from now on.
    fn does(&self, doing: &[(&'static str, Script)]) {
        self.doing.replace(doing.to_vec());
    }

    fn chat(&self, body: &Value) -> Got {
        self.stage.chat_as(MASTER, body)
    }

    /// Twenty answers of `a`, each after 100 ms, so that its pace is known.
    fn warmed(self) -> Self {
        self.does(&[("a", after(100, ok("usual")))]);
        for _ in 0..20 {
            assert_eq!(told(&self.chat(&ask("m"))), ("openai/a", None));
        }
        self.stage.host.sent.borrow_mut().clear();
        self
    }

    fn spent(&self, model: &str) -> Money {
        self.view(model).windows[0].spent
    }

    fn view(&self, model: &str) -> ScopeView {
        let scope = ScopeId::new(ScopeKind::Deployment, model);
        self.stage.host.books.borrow_mut().ledger(&scope).ledger.view(&scope).expect("a scope that was used")
    }

    fn asked(&self) -> Vec<String> {
        let names = self.stage.sent().into_iter().map(|body| body["model"].as_str().unwrap().to_owned());
        let names = names.collect();
        assert_eq!(self.stage.host.world.open_bodies.get(), 0, "a connection stayed open");
        names
    }
}

fn after(ms: u64, script: Script) -> Script {
    Script { delay_ms: Some(ms), ..script }
}

fn silent() -> Script {
    Script { delay_ms: None, ..ok("") }
}

fn down(ms: u64) -> Script {
    after(ms, answer(500, r#"{"error":{"message":"down","type":"server_error"}}"#))
}

/// Who answered, and which of two attempts that was.
fn told(got: &Got) -> (&str, Option<&str>) {
    assert_eq!(got.status, 200, "{}", got.text());
    (got.headers.get("x-litellm-model-id").unwrap(), got.headers.get("x-litellm-hedged"))
}

fn cost(got: &Got) -> Money {
    Money::parse(got.headers.get("x-litellm-response-cost").unwrap()).unwrap()
}

fn cents(cents: i128) -> Money {
    Money::from_pico(cents * 10_000_000_000)
}

#[test]
fn without_a_head_in_its_usual_time_another_deployment_is_asked_too() {
    let scene = Scene::new(&json!({}), &[]).warmed();
    let spent = scene.spent("openai/a");
    scene.does(&[("a", silent()), ("b", after(30, ok("faster")))]);
    let got = scene.chat(&ask("m"));
    assert_eq!(told(&got), ("openai/b", Some("second")));
    assert_eq!(got.ms, 130, "the usual 100 ms, then b's");
    assert!(got.text().contains("faster"));
    assert_eq!(scene.asked(), ["a", "b"]);
    // What a has done is not known: its prompt is charged, to the call and in its own books.
    let beside = scene.spent("openai/a") - spent;
    assert!(beside > Money::ZERO && beside < cents(2), "{beside}");
    assert_eq!(scene.spent("openai/b"), cents(5));
    assert_eq!(cost(&got), cents(5) + beside);
    assert_eq!(got.headers.get("x-litellm-response-cost-exactness"), Some("estimated"));
    assert_eq!((scene.view("openai/a").open, scene.view("openai/b").open), (0, 0));
    let line = scene.stage.last_line();
    assert_eq!((&line["hedged"], &line["attempts"], &line["retries"]), (&json!("second"), &json!(2), &json!(0)));
    assert_eq!((&line["deployment"], &line["upstream_model"]), (&json!("openai/b"), &json!("b")));
}

#[test]
fn the_first_may_still_be_faster() {
    let scene = Scene::new(&json!({}), &[]).warmed();
    let spent = scene.spent("openai/a");
    scene.does(&[("a", after(150, ok("late"))), ("b", after(80, ok("later")))]);
    let got = scene.chat(&ask("m"));
    assert_eq!(told(&got), ("openai/a", Some("first")));
    assert_eq!((got.ms, scene.spent("openai/a") - spent), (150, cents(5)));
    assert_eq!(cost(&got), cents(5) + scene.spent("openai/b"));
    assert!(scene.spent("openai/b") > Money::ZERO);
    assert_eq!(scene.asked(), ["a", "b"]);
}

#[test]
fn an_answer_in_its_usual_time_is_not_hedged_and_neither_is_anything_where_it_is_off() {
    let scene = Scene::new(&json!({}), &[]).warmed();
    assert_eq!(told(&scene.chat(&ask("m"))), ("openai/a", None));
    for off in [json!({"hedging": false}), json!({"hedging": null}), json!({"hedging": {"models": ["other"]}})] {
        let scene = Scene::new(&off, &[deployment("other", "openai/c", &json!({}))]).warmed();
        scene.does(&[("a", after(5_000, ok("slow")))]);
        let got = scene.chat(&ask("m"));
        assert_eq!((told(&got), got.ms), (("openai/a", None), 5_000), "{off}");
    }
}

#[test]
fn nothing_is_hedged_before_the_pace_is_known() {
    let scene = Scene::new(&json!({}), &[]);
    scene.does(&[("a", after(100, ok("usual")))]);
    for _ in 0..19 {
        scene.chat(&ask("m"));
    }
    scene.does(&[("a", after(5_000, ok("slow"))), ("b", ok("faster"))]);
    assert_eq!(told(&scene.chat(&ask("m"))), ("openai/a", None), "19 answers are too few");
    assert_eq!(told(&scene.chat(&ask("m"))), ("openai/b", Some("second")), "20 are not");
    let scene = Scene::new(&json!({"hedging": {"min_samples": 1, "max_share": 1, "min_delay": 2}}), &[]);
    scene.does(&[("a", after(100, ok("usual"))), ("b", ok("faster"))]);
    scene.chat(&ask("m"));
    scene.does(&[("a", silent()), ("b", ok("faster"))]);
    let got = scene.chat(&ask("m"));
    assert_eq!((told(&got), got.ms), (("openai/b", Some("second")), 2_010), "not before `min_delay`");
}

#[test]
fn no_more_than_their_share_are_hedged() {
    let scene = Scene::new(&json!({"hedging": {"max_share": 0.05}}), &[]).warmed();
    scene.does(&[("a", after(400, ok("slow"))), ("b", after(10, ok("faster")))]);
    let hedged: Vec<bool> = (0..3).map(|_| told(&scene.chat(&ask("m"))).1.is_some()).collect();
    assert_eq!(hedged, [true, false, false], "twenty attempts and this one have earned one");
}

#[test]
fn a_stream_whose_head_is_there_is_left_to_its_deployment() {
    let scene = Scene::new(&json!({}), &[]);
    let mut streamed = ask("m");
    streamed["stream"] = json!(true);
    scene.does(&[("a", after(100, stream(vec![], true)))]);
    for _ in 0..20 {
        scene.chat(&streamed);
    }
    let late =
        Script { pieces: [vec![Piece::Wait(3_000)], stream(vec![], true).pieces].concat(), ..stream(vec![], true) };
    scene.does(&[("a", after(90, late))]);
    assert_eq!(told(&scene.chat(&streamed)), ("openai/a", None));
    scene.does(&[("a", silent()), ("b", after(20, stream(vec![Piece::Wait(400)], true)))]);
    scene.stage.host.sent.borrow_mut().clear();
    let got = scene.chat(&streamed);
    assert_eq!(told(&got), ("openai/b", Some("second")));
    assert!(got.text().ends_with("data: [DONE]\n\n"), "{}", got.text());
    assert_eq!((scene.asked(), scene.view("openai/a").open), (vec!["a".to_owned(), "b".to_owned()], 0));
    assert_eq!(scene.spent("openai/b"), cents(5));
    let whole = Money::parse(&scene.stage.last_line()["cost"].to_string()).unwrap();
    assert!(whole > cents(5), "the prompt that a was sent counts: {whole}");
}

#[test]
fn one_that_fails_leaves_the_other_to_answer() {
    for (first, second, wanted) in [
        (down(150), after(200, ok("b")), ("openai/b", "second", 300)),
        (after(250, ok("a")), down(30), ("openai/a", "first", 250)),
    ] {
        let scene = Scene::new(&json!({}), &[]).warmed();
        scene.does(&[("a", first), ("b", second)]);
        let got = scene.chat(&ask("m"));
        assert_eq!((told(&got), got.ms), ((wanted.0, Some(wanted.1)), wanted.2));
        assert_eq!(cost(&got), cents(5), "an attempt that was refused costs nothing");
        assert_eq!(scene.asked(), ["a", "b"]);
        assert_eq!((scene.view("openai/a").open, scene.view("openai/b").open), (0, 0));
    }
}

#[test]
fn when_both_fail_the_plan_goes_on() {
    let router = json!({"fallbacks": [{"m": ["spare"]}]});
    let scene = Scene::new(&router, &[deployment("spare", "openai/c", &json!({}))]).warmed();
    scene.does(&[("a", down(150)), ("b", down(100)), ("c", ok("spare"))]);
    let got = scene.chat(&ask("m"));
    assert_eq!((told(&got).0, got.headers.get("x-litellm-attempted-fallbacks")), ("openai/c", Some("1")));
    assert_eq!(
        (scene.asked(), scene.stage.last_line()["attempts"].clone()),
        (vec!["a".into(), "b".into(), "c".into()], json!(3))
    );
    assert_eq!(cost(&got), cents(5));
    // With a retry left it prefers what was not tried; nothing is left here, so it waits and asks one of them again.
    let scene = Scene::new(&json!({"num_retries": 1, "disable_cooldowns": true}), &[]).warmed();
    scene.does(&[("a", down(150)), ("b", down(100))]);
    let got = scene.chat(&ask("m"));
    assert_eq!((got.status, scene.asked().len()), (500, 3), "{}", got.text());
}

#[test]
fn a_mistake_of_the_client_ends_both() {
    let scene = Scene::new(&json!({}), &[]).warmed();
    let wrong = answer(400, r#"{"error":{"message":"no such voice","type":"invalid_request_error"}}"#);
    scene.does(&[("a", after(150, wrong)), ("b", silent())]);
    let got = scene.chat(&ask("m"));
    assert_eq!((got.status, got.ms, scene.asked().len()), (400, 150, 2), "{}", got.text());
    assert!(scene.spent("openai/b") > Money::ZERO, "what b was sent may be billed");
    assert_eq!((scene.view("openai/a").open, scene.view("openai/b").open), (0, 0));
}

#[test]
fn a_client_that_leaves_pays_for_both_prompts() {
    let scene = Scene::new(&json!({}), &[]);
    let key = scene.stage.add_key(&json!({"max_budget": 10}));
    let scene = scene.warmed();
    let before = (scene.spent("openai/a"), Money::ZERO);
    scene.does(&[("a", silent()), ("b", silent())]);
    scene.stage.host.client_leaves_at.set(Some(scene.stage.host.world.now.get() + 1_000));
    let got = scene.stage.chat_as(&key, &ask("m"));
    assert_eq!(got.status, 499);
    let (a, b) = (scene.spent("openai/a") - before.0, scene.spent("openai/b") - before.1);
    assert!(a > Money::ZERO && a == b, "{a} {b}");
    assert_eq!(scene.stage.charged_to_keys(), a + b);
    assert_eq!(scene.asked(), ["a", "b"]);
}

#[test]
fn a_budget_that_pays_for_one_is_not_stretched_for_two() {
    // With what its prompt may come to at most, one attempt is bounded by 9.6 cents.
    for (budget, hedged) in [(0.4, true), (0.15, false)] {
        let scene = Scene::new(&json!({}), &[]).warmed();
        let key = scene.stage.add_key(&json!({"max_budget": budget}));
        scene.does(&[("a", after(400, ok("slow"))), ("b", ok("faster"))]);
        let got = scene.stage.chat_as(&key, &ask("m"));
        assert_eq!(told(&got).1.is_some(), hedged, "{budget}");
        assert_eq!(scene.stage.charged_to_keys(), cost(&got), "{budget}");
        let asked: Vec<Value> = scene.stage.sent().iter().map(|body| body["max_tokens"].clone()).collect();
        assert!(asked.iter().all(|most| *most == 20), "no answer is cut shorter for a second attempt: {asked:?}");
    }
}

#[test]
fn a_deployment_that_is_full_is_no_second_one() {
    let full = json!({"weight": 0, "max_parallel_requests": 1});
    let deployments = [deployment("m", "openai/a", &json!({"weight": 1})), deployment("m", "openai/b", &full)];
    let scene = Scene::of(&deployments, &json!({})).warmed();
    let mut body = json!({"model": "openai/b", "stream": true, "messages": [{"role": "user", "content": "hi"}]});
    body["max_tokens"] = json!(20);
    scene.does(&[("a", after(400, ok("slow"))), ("b", stream(vec![Piece::Wait(9_000)], true))]);
    let open = scene.stage.begin("POST", "/v1/chat/completions", &[AUTH], body.to_string().as_bytes());
    assert!(matches!(open.body, ReplyBody::Stream(_)));
    let got = scene.chat(&ask("m"));
    assert_eq!((told(&got), got.ms), (("openai/a", None), 400));
    drop(open);
    assert_eq!(scene.asked(), ["b", "a"]);
}

#[test]
fn the_only_deployment_of_a_group_is_asked_twice() {
    let scene = Scene::of(&[deployment("m", "openai/a", &json!({"max_budget": 100}))], &json!({})).warmed();
    let turns = Rc::new(RefCell::new(vec![ok("second"), silent()]));
    scene.stage.host.play.replace(Some(Box::new(move |_, _| turns.borrow_mut().pop().unwrap())));
    let got = scene.chat(&ask("m"));
    assert_eq!((told(&got), scene.asked().len()), (("openai/a", Some("second")), 2));
    assert_eq!(scene.view("openai/a").open, 0);
}

#[test]
fn a_deployment_that_rests_or_has_another_order_is_no_second_one() {
    let later = json!({"order": 2});
    let deployments = [deployment("m", "openai/a", &json!({"order": 1})), deployment("m", "openai/b", &later)];
    let scene = Scene::of(&deployments, &json!({})).warmed();
    scene.does(&[("a", after(400, ok("slow")))]);
    assert_eq!(told(&scene.chat(&ask("m"))), ("openai/a", None));
    let scene = Scene::new(&json!({"num_retries": 1}), &[]).warmed();
    scene.does(&[("a", down(1)), ("b", answer(429, r#"{"error":{"message":"slow down"}}"#))]);
    assert_eq!(scene.chat(&ask("m")).status, 429);
    scene.does(&[("a", after(400, ok("slow")))]);
    assert_eq!(told(&scene.chat(&ask("m"))), ("openai/a", None));
}

/// What an embedding model answers to a request: 10 tokens for each input.
fn vectors(body: &Value) -> Script {
    let inputs = body["input"].as_array().unwrap().len();
    let data = (0..inputs).map(|at| json!({"object": "embedding", "index": at, "embedding": [0.5]}));
    let usage = json!({"prompt_tokens": 10 * inputs, "total_tokens": 10 * inputs});
    let data: Vec<Value> = data.collect();
    answer(200, &json!({"object": "list", "data": data, "model": "own", "usage": usage}).to_string())
}

/// A request for so many vectors.
fn embed(stage: &Stage, inputs: usize) -> Got {
    let request = json!({"model": "m", "input": vec!["x"; inputs]});
    stage.ask("POST", "/v1/embeddings", &[AUTH], request.to_string().as_bytes())
}

#[test]
fn embeddings_are_hedged_too_but_not_in_parts() {
    // DashScope takes ten inputs at once.
    for (inputs, hedged) in [(10, Some("second")), (11, None)] {
        let key = json!({"weight": 1, "api_key": "sk-own"});
        let deployments = [deployment("m", "dashscope/a", &key), deployment("m", "openai/b", &json!({"weight": 0}))];
        let scene = Scene::of(&deployments, &json!({}));
        let slow = Rc::new(RefCell::new(100));
        let wait = slow.clone();
        scene.stage.host.play.replace(Some(Box::new(move |request, _| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            after(if body["model"] == "a" { *wait.borrow() } else { 10 }, vectors(&body))
        })));
        for _ in 0..20 {
            assert_eq!(told(&embed(&scene.stage, inputs)).1, None);
        }
        slow.replace(5_000);
        assert_eq!(told(&embed(&scene.stage, inputs)).1, hedged, "{inputs}");
    }
}

#[test]
fn parts_that_another_deployment_made_good_are_charged_where_they_were_made() {
    let own = json!({"weight": 1, "api_key": "sk-own", "max_budget": 100});
    let deployments =
        [deployment("m", "dashscope/a", &own), deployment("m", "openai/b", &json!({"weight": 0, "max_budget": 100}))];
    // The first part is answered; the second one is not, and the other deployment or the same one makes it good.
    for (retried, a, b) in [(false, 10, 11), (true, 11, 0)] {
        let scene =
            Scene::of(&deployments[..if retried { 1 } else { 2 }], &json!({"num_retries": 1, "hedging": false}));
        let turn = Rc::new(RefCell::new(0));
        scene.stage.host.play.replace(Some(Box::new(move |request, _| {
            let body: Value = serde_json::from_slice(&request.body).unwrap();
            *turn.borrow_mut() += 1;
            if *turn.borrow() == 2 { down(1) } else { vectors(&body) }
        })));
        let got = embed(&scene.stage, 11);
        assert_eq!(got.json()["data"].as_array().unwrap().len(), 11);
        assert_eq!(scene.spent("dashscope/a"), cents(a), "ten tokens of a milli-dollar each an input");
        if b > 0 {
            assert_eq!(scene.spent("openai/b"), cents(b));
        }
        assert_eq!(cost(&got), cents(a + b), "the call pays for all of it");
    }
}
