//! A whole gateway (spine, router, ledger) against upstreams that fail and recover: thousands of seeded runs on a virtual
//! clock. `SEED=n cargo test --test simulation` runs one seed alone; a failure tells which. `RUNS=n` runs more of them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

#[allow(dead_code, reason = "each test uses a part of the host")]
#[path = "../gateway/host.rs"]
mod host;
mod upstream;

use std::cell::RefCell;
use std::rc::Rc;

use host::{Got, Stage};
use serde_json::{Value, json};
use tollgate::gateway::Host;
use tollgate::http::HttpRequest;
use tollgate::keys::ledger::Entry;
use tollgate::money::Money;
use upstream::{Dialect, Mode, is_wrong, number_of, play};

/// Runs that are made where nothing else is said.
const RUNS: u64 = 3_000;

/// How long a run's requests come in, in ms.
const SPAN_MS: u64 = 120_000;

/// How long a deployment has to have been well before it must answer, in ms: a stalled attempt of before (8 s) may end in a
/// rest (10 s at most), and a test of it may stall as long again.
const SETTLED_MS: u64 = 30_000;

/// A small generator: the runs need no more (splitmix64).
struct Draws(u64);

impl Draws {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn of<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
}

/// A deployment of a run.
#[derive(Clone, Debug)]
struct Deployment {
    id: String,
    group: &'static str,
    dialect: Dialect,
    /// From when on it does what, in ms.
    modes: Vec<(u64, Mode)>,
}

impl Deployment {
    fn mode(&self, at: u64) -> Mode {
        self.modes.iter().rev().find(|(from, _)| *from <= at).map_or(Mode::Well, |(_, mode)| *mode)
    }

    /// Whether it was well all the time.
    fn is_well(&self, from: u64, until: u64) -> bool {
        let well = |mode: Mode| matches!(mode, Mode::Well | Mode::Slow);
        well(self.mode(from)) && self.modes.iter().all(|(at, mode)| *at < from || *at > until || well(*mode))
    }

    fn entry(&self) -> Value {
        let model = match self.dialect {
            Dialect::OpenAi => "openai/gpt-4o",
            Dialect::Anthropic => "anthropic/claude-sonnet-4-5",
            Dialect::Gemini => "gemini/gemini-2.5-flash",
        };
        let params = json!({"model": model, "api_key": "sk-upstream", "api_base": format!("http://{}.test/v1", self.id),
            "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
        json!({"model_name": self.group, "litellm_params": params, "model_info": {"id": self.id}})
    }
}

fn deployments(draws: &mut Draws) -> Vec<Deployment> {
    let mut all = Vec::new();
    for (group, most) in [("a", 3), ("b", 2), ("c", 1)] {
        for at in 0..=draws.below(most) {
            let dialect = draws.of(&[Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini]);
            let mut modes = Vec::new();
            let mut time = 0;
            while time < SPAN_MS {
                let mode = match draws.below(10) {
                    0..=3 => Mode::Well,
                    4 => Mode::Slow,
                    5 => Mode::Fails(draws.of(&[500, 502, 503, 401, 529])),
                    6 => Mode::Limits(draws.of(&["1", "4", "10"])),
                    7 => Mode::Stalls,
                    8 => draws.of(&[Mode::Cuts, Mode::FailsEarly]),
                    _ => Mode::Unreachable,
                };
                modes.push((time, mode));
                time += 2_000 + draws.below(60_000);
            }
            all.push(Deployment { id: format!("{group}{at}"), group, dialect, modes });
        }
    }
    all
}

fn config(draws: &mut Draws, deployments: &[Deployment]) -> Value {
    let strategies = [
        "simple-shuffle",
        "least-busy",
        "latency-based-routing",
        "usage-based-routing-v2",
        "cost-based-routing",
        "peak-ewma",
    ];
    let mut router = json!({
        "routing_strategy": draws.of(&strategies), "num_retries": 3 + draws.below(2), "timeout": 8,
        "fallbacks": [{"a": ["c", "b"]}],
    });
    if draws.below(3) == 0 {
        router["allowed_fails"] = json!(draws.below(3));
    }
    if draws.below(4) == 0 {
        router["cooldown_time"] = json!(1 + draws.below(9));
    }
    if draws.below(3) == 0 {
        router["hedging"] = json!({"min_samples": 1 + draws.below(3), "max_share": 1, "percentile": 0.5});
    }
    if draws.below(3) == 0 {
        router["mid_stream_fallbacks"] = json!(true);
    }
    let list: Vec<Value> = deployments.iter().map(Deployment::entry).collect();
    json!({"model_list": list, "router_settings": router, "general_settings": {"master_key": "sk-master"}})
}

/// A request whose schema each dialect changes in its own way.
fn request(number: usize, stream: bool, wrong: bool) -> Value {
    let word = if wrong { "a wrong one" } else { "please" };
    let schema = json!({"type": "object", "properties": {"city": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "required": ["city"], "additionalProperties": false});
    let tool = json!({"type": "function", "function": {"name": "weather", "strict": true, "parameters": schema}});
    json!({"model": "a", "stream": stream, "max_tokens": 50, "temperature": 0.5, "tools": [tool],
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": format!("question r{number} {word}")}]})
}

/// An attempt that an upstream saw.
struct Seen {
    deployment: usize,
    number: usize,
    at: u64,
    /// Whether it was known to rest.
    at_rest: bool,
    body: String,
}

/// The deployment that a request is for.
fn deployment_of(request: &HttpRequest, deployments: &[Deployment]) -> usize {
    let host = request.url.split('/').nth(2).unwrap().trim_end_matches(".test");
    deployments.iter().position(|deployment| deployment.id == host).unwrap()
}

/// What a dialect makes of request 0 when nothing has gone wrong before.
fn pristine(dialect: Dialect, stream: bool) -> String {
    let only = Deployment { id: "a0".to_owned(), group: "a", dialect, modes: Vec::new() };
    let stage = Stage::new(&json!({"model_list": [only.entry()]}), Vec::new());
    stage.host.play.replace(Some(Box::new(move |request, _| {
        let body = serde_json::from_slice(&request.body).unwrap();
        play(dialect, Mode::Well, &body, stream)
    })));
    let got = stage.chat(&request(0, stream, false));
    assert_eq!(got.status, 200, "{}", got.text());
    String::from_utf8(stage.host.sent.borrow()[0].body.clone()).unwrap()
}

struct Run {
    deployments: Vec<Deployment>,
    visits: Vec<(u64, Option<String>, Value)>,
}

/// One run: how many calls were hedged, and how many gone on with; the error says which invariant does not hold.
fn run(seed: u64, pristine: &[(Dialect, bool, String)]) -> Result<[usize; 2], String> {
    let mut draws = Draws(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
    let deployments = deployments(&mut draws);
    let config = config(&mut draws, &deployments);
    let stage = Stage::new(&config, Vec::new());
    stage.host.draws.set(draws.next());
    let key = stage.add_key(&json!({"models": ["a", "b"], "max_budget": 1000}));
    let count = 3 + draws.below(22) as usize;
    let mut visits: Vec<(u64, Option<String>, Value)> = (0..count)
        .map(|number| {
            let key = if draws.below(4) == 0 { "sk-master".to_owned() } else { key.clone() };
            (draws.below(SPAN_MS), Some(key), request(number, draws.below(2) == 0, draws.below(12) == 0))
        })
        .collect();
    if draws.below(2) == 0 {
        // All at once, at about the same time.
        for visit in &mut visits {
            visit.0 = visit.0 / 100 + SPAN_MS / 2;
        }
    }
    let seen: Rc<RefCell<Vec<Seen>>> = Rc::default();
    let (log, own, board) = (seen.clone(), deployments.clone(), stage.host.board.clone());
    let start = stage.host.now_ms();
    stage.host.play.replace(Some(Box::new(move |request, at| {
        let deployment = deployment_of(request, &own);
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let stream = body["stream"] == true || request.url.contains("streamGenerateContent");
        let text = String::from_utf8(request.body.clone()).unwrap();
        let rests: Value =
            board.borrow().as_ref().map_or(Value::Null, |(bytes, _)| serde_json::from_slice(bytes).unwrap());
        let rests_now = |rest: &Value| rest[0] == *own[deployment].id && rest[1].as_u64().unwrap() > start + at;
        let at_rest = rests.as_array().is_some_and(|rests| rests.iter().any(rests_now));
        log.borrow_mut().push(Seen { deployment, number: number_of(&body), at, at_rest, body: text });
        play(own[deployment].dialect, own[deployment].mode(at), &body, stream)
    })));
    let got = stage.visits(&visits);
    let run = Run { deployments, visits };
    run.check(&got, &seen.borrow(), pristine)?;
    run.check_books(&stage, &key, &got)?;
    Ok([is_hedged, is_continued].map(|is| got.iter().filter(|got| is(got)).count()))
}

impl Run {
    fn check(&self, got: &[Got], seen: &[Seen], pristine: &[(Dialect, bool, String)]) -> Result<(), String> {
        for (number, ((at, key, body), got)) in self.visits.iter().zip(got).enumerate() {
            let attempts: Vec<&Seen> = seen.iter().filter(|attempt| attempt.number == number).collect();
            let master = key.as_deref() == Some("sk-master");
            let allowed = |deployment: &Deployment| master || deployment.group != "c";
            if let Some(attempt) = attempts.iter().find(|attempt| !allowed(&self.deployments[attempt.deployment])) {
                return Err(format!(
                    "request {number} went to {}, which is forbidden",
                    self.deployments[attempt.deployment].id
                ));
            }
            if is_wrong(body) {
                // One upstream says that it is wrong, and that ends it.
                if attempts.len() > 1 {
                    return Err(format!(
                        "request {number} is its client's mistake, and was sent {} times",
                        attempts.len()
                    ));
                }
                continue;
            }
            let end = at + got.ms;
            let from = at.saturating_sub(SETTLED_MS);
            let well =
                |deployment: &&Deployment| *at >= SETTLED_MS && allowed(deployment) && deployment.is_well(from, end);
            if let Some(deployment) = self.deployments.iter().find(well).filter(|_| got.status != 200) {
                return Err(format!(
                    "request {number} got {}, and {} was well: {}",
                    got.status,
                    deployment.id,
                    got.text()
                ));
            }
            for attempt in attempts {
                if attempt.at_rest {
                    let id = &self.deployments[attempt.deployment].id;
                    return Err(format!("request {number} went to {id} at {}, which rests", attempt.at));
                }
                let dialect = self.deployments[attempt.deployment].dialect;
                let stream = body["stream"] == true;
                let (_, _, wanted) =
                    pristine.iter().find(|(own, streams, _)| (*own, *streams) == (dialect, stream)).unwrap();
                // One that goes on has the answer so far too: tests/continuation.rs looks at it.
                let goes_on = attempt.body.contains("Your answer was cut off");
                if !goes_on && attempt.body != wanted.replace("question r0 ", &format!("question r{number} ")) {
                    return Err(format!("request {number} was not translated from the original: {}", attempt.body));
                }
            }
        }
        Ok(())
    }

    /// What the key has spent is what it was served.
    fn check_books(&self, stage: &Stage, key: &str, got: &[Got]) -> Result<(), String> {
        let mut rows = Vec::new();
        stage.host.books.borrow_mut().each(|entry| rows.push(entry.clone()));
        let calls = self.visits.iter().filter(|(_, own, _)| own.as_deref() == Some(key)).count();
        let keyed = self.visits.iter().zip(got).filter(|((_, own, _), _)| own.as_deref() == Some(key));
        let whole = keyed.clone().filter(|(_, got)| got.status == 200 && is_whole(got)).count();
        let price = Money::parse("0.005").unwrap();
        let rows: Vec<_> = rows.iter().filter(|row| !row.subject.key.is_empty()).collect();
        if rows.len() != calls || rows.iter().any(|row| row.end_ms == 0) {
            return Err(format!("{} rows for {calls} calls, or one is open", rows.len()));
        }
        let served: Vec<_> = rows.iter().filter(|row| row.outcome.status == "success").collect();
        // A second attempt adds what the prompt comes to by estimate, and the text that was read of it.
        let most = Money::parse("0.5").unwrap();
        let right =
            |charged: Money, twice: bool| charged == price || (twice && charged > price && charged < price + most);
        let twice: Vec<&str> = keyed
            .clone()
            .filter(|(_, got)| is_hedged(got) || is_continued(got))
            .filter_map(|(_, got)| got.headers.get("x-litellm-call-id"))
            .collect();
        let wrong = |row: &&&Entry| !right(row.charged, twice.contains(&row.request_id.as_str()));
        if served.len() != whole || served.iter().any(wrong) {
            let charged: Vec<String> = served.iter().map(|row| row.charged.to_string()).collect();
            return Err(format!("{whole} whole answers were served, and charged: {charged:?}"));
        }
        let failed = keyed.filter(|(_, got)| got.status != 200).count();
        let free = rows.iter().filter(|row| row.outcome.status != "success" && row.charged == Money::ZERO).count();
        if free < failed {
            return Err(format!("{failed} calls got no answer, and only {free} were free"));
        }
        Ok(())
    }
}

fn is_hedged(got: &Got) -> bool {
    got.headers.get("x-litellm-hedged").is_some()
}

/// Whether another deployment went on with a stream that broke.
fn is_continued(got: &Got) -> bool {
    got.text().contains("mid_stream_fallback")
}

fn is_whole(got: &Got) -> bool {
    let text = got.text();
    !text.contains("data: ") || text.ends_with("data: [DONE]\n\n")
}

#[test]
fn a_gateway_keeps_its_word_whatever_upstreams_do() {
    let number = |name: &str| std::env::var_os(name).map(|text| text.to_str().unwrap().parse::<u64>().unwrap());
    let seeds: Vec<u64> = match number("SEED") {
        Some(seed) => vec![seed],
        None => (0..number("RUNS").unwrap_or(RUNS)).collect(),
    };
    let mut all = Vec::new();
    for dialect in [Dialect::OpenAi, Dialect::Anthropic, Dialect::Gemini] {
        for stream in [false, true] {
            all.push((dialect, stream, pristine(dialect, stream)));
        }
    }
    let (mut hedged, mut continued, many) = (0, 0, seeds.len() >= 100);
    for seed in seeds {
        match run(seed, &all) {
            Ok([second, onward]) => (hedged, continued) = (hedged + second, continued + onward),
            Err(error) => panic!("{error}\nagain: SEED={seed} cargo test --test simulation"),
        }
    }
    println!("{hedged} calls were hedged, {continued} gone on with");
    assert!(!many || (hedged > 20 && continued > 20), "{hedged} hedged, {continued} gone on with in all of these runs");
}
