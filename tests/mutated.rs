//! Damaged bytes: every dialect is fed what its fixtures hold, changed at random, and answers or refuses; it never panics.
//!
//! `MUTATIONS=N cargo test --test mutated` makes N changes of each fixture, `MUTATION_SEED=N` other ones. A failure names its
//! fixture and seed. `fuzz/` looks deeper, guided by coverage.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

#[path = "ledger/random.rs"]
#[expect(dead_code, reason = "a part of the generator is used")]
mod random;
#[expect(dead_code, reason = "nothing is compared with a file here")]
mod shared;

use std::panic::{AssertUnwindSafe, catch_unwind};

use random::Random;
use serde::Deserialize;
use serde_json::value::RawValue;
use shared::{Case, cases};
use tollgate::openai::{ChatRequest, EmbeddingRequest};
use tollgate::provider::registry::{self, Row};
use tollgate::provider::{Call, Notes, Provider, StreamReader, Target};
use tollgate::secret::Secret;

/// Changes of each fixture in a plain run.
const MUTATIONS: u64 = 40;

/// Bytes that mean something to a reader of JSON, SSE, HTTP, or of a binary frame.
const MARKS: &[u8] = b"\"\\{}[]:,0-9.eEtfn\n\r \0\x01\x7f\x80\xc3\xff";

/// What is held of every answer: a client may be strict about more, and is told by the upstream itself.
#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow, rename = "choices")]
    _choices: Vec<&'a RawValue>,
}

/// What a number is replaced by.
const OTHERS: &[&[u8]] = &[b"-1", b"1e309", b"18446744073709551616", b"null", b"[[]]", b"\"\xf0\x9f\x92\xa9\""];

fn from_environment(name: &str) -> Option<u64> {
    std::env::var_os(name)?.to_str()?.parse().ok()
}

/// Calls `read` with each change of `bytes`, and names the case where it panics.
fn each_change(case: &Case, file: &str, bytes: &[u8], read: impl Fn(&[u8], &mut Random)) {
    let first = from_environment("MUTATION_SEED").unwrap_or(0);
    for seed in first..first + from_environment("MUTATIONS").unwrap_or(MUTATIONS) {
        // Another sequence for each case, and the same one however many cases there are.
        let name = case.provider.bytes().chain(case.name.bytes()).chain(file.bytes());
        let mut random = Random::new(name.fold(seed, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte))));
        let changed = changed(bytes, &mut random);
        let run = catch_unwind(AssertUnwindSafe(|| read(&changed, &mut random)));
        assert!(
            run.is_ok(),
            "{}/{}/{file}: panics with MUTATION_SEED={seed} MUTATIONS=1, on:\n{}",
            case.provider,
            case.name,
            String::from_utf8_lossy(&changed)
        );
    }
}

/// `bytes` with one to four changes: a byte replaced, a cut, a piece repeated, a piece gone, a number blown up.
fn changed(bytes: &[u8], random: &mut Random) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for _ in 0..=random.below(4) {
        if bytes.is_empty() {
            break;
        }
        let at = random.below(bytes.len() as u64) as usize;
        let end = (at + random.below(60) as usize).min(bytes.len());
        match random.below(6) {
            0 => bytes[at] = *random.pick(MARKS),
            1 => bytes.truncate(at),
            2 => {
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            3 => drop(bytes.drain(at..end)),
            4 => bytes[at] ^= 1 << random.below(8),
            _ => {
                let digit = bytes.iter().skip(at).position(u8::is_ascii_digit).map_or(at, |after| at + after);
                let other = *random.pick(OTHERS);
                bytes.splice(digit..=digit, other.iter().copied());
            }
        }
    }
    bytes
}

fn call(case: &Case, row: &Row, body: &[u8]) -> Option<(Call, Option<ChatRequest>)> {
    let (settings, facts, api_base) = case.settings();
    let key = Secret::new("sk-test-key");
    let target = |model| Target {
        provider: row.name,
        api_base: api_base.as_deref(),
        default_base: row.base,
        model,
        key: Some(&key),
        token: None,
        settings: &settings,
        facts,
        call_id: "chatcmpl-test",
        now: 1_700_000_000,
    };
    let upstream = |model: &str| model.split_once('/').map_or(model, |(_, model)| model).to_owned();
    if case.name.starts_with("embeddings") {
        let request = EmbeddingRequest::parse(body).ok()?;
        let model = upstream(request.model());
        return Some((row.dialect.embeddings(&target(&model), &request).ok()?, None));
    }
    let chat = ChatRequest::parse(body).ok()?;
    let model = upstream(chat.model());
    let call = row.dialect.chat(&target(&model), &chat).ok()?;
    Some((call, Some(chat)))
}

/// Every case of a dialect with something to damage.
fn each_case(act: impl Fn(&Case, &Row)) {
    let cases = cases();
    assert!(cases.len() > 100);
    for case in &cases {
        act(case, registry::find(&case.provider).unwrap_or_else(|| panic!("no provider {}", case.provider)));
    }
}

#[test]
fn a_damaged_answer_is_an_answer_or_an_error() {
    each_case(|case, row| {
        let Some((head, body)) = case.upstream_response() else { return };
        let Some((call, chat)) = call(case, row, &case.read("request.json").unwrap()) else { return };
        each_change(case, "upstream-response.http", &body, |bytes, random| {
            if !head.is_success() {
                let error = row.dialect.refusal(&call.notes, &head, bytes);
                assert!((400..600).contains(&error.status()));
                return;
            }
            let Some(chat) = &chat else {
                drop(row.dialect.embeddings_answer(&call.notes, &head, bytes));
                return;
            };
            if chat.stream() {
                return read_stream(row.dialect, &call.notes, chat, bytes, random);
            }
            if let Ok(answer) = row.dialect.chat_answer(&call.notes, &head, bytes) {
                serde_json::from_slice::<Whole<'_>>(&answer.body).expect("an answer is JSON, and has choices");
            }
        });
    });
}

/// Reads a stream in pieces of random length.
fn read_stream(dialect: &dyn Provider, notes: &Notes, chat: &ChatRequest, bytes: &[u8], random: &mut Random) {
    let mut reader = StreamReader::new(dialect, notes, chat.include_usage());
    let mut rest = bytes;
    let mut end = Ok(());
    while !rest.is_empty() && end.is_ok() {
        let (piece, after) = rest.split_at((1 + random.below(200) as usize).min(rest.len()));
        end = reader.push(piece);
        rest = after;
    }
    match end.and_then(|()| reader.finish()) {
        Ok(()) => {
            assert!(reader.out().is_ended(), "a stream that is whole has ended");
            reader.out().write_tail(None);
        }
        Err(error) => reader.out().write_error(&error),
    }
    let out = reader.out().take();
    assert!(out.len() < (bytes.len() + 1000) * 64, "a stream does not grow without a bound");
}

#[test]
fn a_damaged_request_is_written_or_refused() {
    each_case(|case, row| {
        let Some(request) = case.read("request.json") else { return };
        each_change(case, "request.json", &request, |bytes, _| {
            if let Some((call, _)) = call(case, row, bytes) {
                assert!(call.http.url.starts_with("http"), "{}", call.http.url);
            }
        });
    });
}
