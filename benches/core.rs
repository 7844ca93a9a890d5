//! Speed of the core's steps, natively: `cargo bench --bench core`. `CARGO_PROFILE_BENCH_OPT_LEVEL=3` is the speed of a
//! build that is not made for size.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, times and may fail"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use serde_json::json;
use tollgate::cost::{Buckets, Context, PriceTable, charge};
use tollgate::openai::{ChatRequest, Usage};
use tollgate::provider::{Facts, Notes, Provider, Settings, StreamReader, Target, registry};
use tollgate::router::{Candidate, Fallbacks, Health, Plan, RetryRules};
use tollgate::secret::Secret;

fn main() {
    let dialects = ["openai", "anthropic", "gemini"].map(|name| registry::find(name).expect("a row"));
    for bytes in [300, 100_000] {
        let text = "lorem ipsum ".repeat(bytes / 12);
        let body = json!({"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 100});
        let body = body.to_string().into_bytes();
        tell(&format!("parse a request of {} bytes", body.len()), || ChatRequest::parse(&body).is_ok());
        let chat = ChatRequest::parse(&body).expect("a request");
        for row in dialects {
            let what = format!("write {} bytes for {}", body.len(), row.name);
            with_target(row.name, |target| tell(&what, || row.dialect.chat(target, &chat).is_ok()));
        }
    }
    let openai = concat!(
        r#"data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1700000000,"model":"gpt-4o-mini","#,
        r#""choices":[{"index":0,"delta":{"content":"word "},"finish_reason":null}]}"#,
        "\n\n"
    );
    let anthropic = concat!(
        "event: content_block_delta\n",
        r#"data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word "}}"#,
        "\n\n"
    );
    for (row, event) in dialects.iter().zip([openai, anthropic]) {
        events(row.name, row.dialect, event);
    }
    prices();
    plan();
}

fn events(name: &str, dialect: &dyn Provider, event: &str) {
    let mut reader = StreamReader::new(dialect, &Notes::default(), false);
    tell(&format!("an event of a stream of {name}'s"), || {
        reader.push(event.as_bytes()).expect("an event");
        reader.out().take()
    });
}

fn prices() {
    let table = PriceTable::embedded();
    tell("open the price table", PriceTable::embedded);
    tell("find a model's prices", || table.find("openai", black_box("gpt-4o-mini")).is_some());
    let entry = table.find("openai", "gpt-4o-mini").expect("a model");
    let usage = Usage { prompt_tokens: 1_000, completion_tokens: 500, total_tokens: 1_500, ..Usage::default() };
    let context = Context::default();
    tell("price a call", || charge(&entry, &Buckets::from(&usage), &context));
}

fn plan() {
    let candidate = Candidate { rpm: Some(100), ..Candidate::default() };
    for count in [1, 10] {
        tell(&format!("choose one of {count} deployments"), || {
            let candidates = (0..count).map(|_| candidate.clone()).collect();
            Plan::new("group", candidates, RetryRules::default(), Fallbacks::default()).next(
                &Health::default(),
                0,
                black_box(7),
            )
        });
    }
}

fn with_target(provider: &str, work: impl FnOnce(&Target<'_>)) {
    let (settings, key) = (Settings::default(), Secret::new("sk".to_owned()));
    work(&Target {
        provider,
        api_base: Some("https://upstream.example/v1"),
        default_base: "",
        model: "m",
        key: Some(&key),
        token: None,
        settings: &settings,
        facts: Facts::default(),
        call_id: "id",
        now: 0,
    });
}

/// Prints the time of a run: the fastest of the batches that fit in a fifth of a second.
fn tell<T>(what: &str, mut run: impl FnMut() -> T) {
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < Duration::from_millis(200) {
        let batch = Instant::now();
        for _ in 0..100 {
            black_box(run());
        }
        best = best.min(batch.elapsed() / 100);
    }
    println!("{what:<44} {:>9.2} µs", best.as_secs_f64() * 1e6);
}
