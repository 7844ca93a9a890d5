//! Every fixture, both directions: what the client sends, what we send, what they answered, what the client gets.
//!
//! `BLESS=1 cargo test --test providers` rewrites what we send and what the client gets; read the diff.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod shared;

use shared::{Case, cases, pretty, show};
use tollgate::error::Error;
use tollgate::openai::{ChatRequest, EmbeddingRequest, RerankRequest};
use tollgate::provider::registry::{self, Row};
use tollgate::provider::{Call, StreamReader, Target};
use tollgate::secret::Secret;

/// The request that a case's client sends.
enum Request {
    Chat(ChatRequest),
    Embeddings(EmbeddingRequest),
    Rerank(RerankRequest),
}

impl Request {
    fn model(&self) -> &str {
        match self {
            Self::Chat(chat) => chat.model(),
            Self::Embeddings(embeddings) => embeddings.model(),
            Self::Rerank(rerank) => rerank.model(),
        }
    }
}

fn request(case: &Case) -> Request {
    let body = case.read("request.json").unwrap();
    if case.name.starts_with("embeddings") {
        Request::Embeddings(EmbeddingRequest::parse(&body).unwrap())
    } else if case.name.starts_with("rerank") {
        Request::Rerank(RerankRequest::parse(&body).unwrap())
    } else {
        Request::Chat(ChatRequest::parse(&body).unwrap())
    }
}

/// Writes the request; where a credential is exchanged for a token, that is written too (`exchange.http`).
fn call(case: &Case, row: &Row, request: &Request) -> Result<Call, Error> {
    let (settings, facts, api_base) = case.settings();
    let key = case.key();
    let model = request.model().split_once('/').expect("`provider/model` in request.json").1.to_owned();
    let target = Target {
        provider: row.name,
        api_base: api_base.as_deref(),
        default_base: row.base,
        model: &model,
        key: key.as_ref(),
        token: None,
        settings: &settings,
        facts,
        call_id: "chatcmpl-test",
        now: 1_700_000_000,
    };
    let token = Secret::new("test-token");
    let exchange = row.dialect.exchange(&target)?;
    if let Some(exchange) = &exchange {
        let mut http = exchange.http.clone();
        if let Some(assertion) = &exchange.assertion {
            http.body.extend_from_slice(format!("{}.signature", assertion.signed).as_bytes());
        }
        case.expect("exchange.http", &show(&http));
    }
    let target = Target { token: exchange.is_some().then_some(&token), ..target };
    match request {
        Request::Chat(chat) => row.dialect.chat(&target, chat),
        Request::Embeddings(embeddings) => row.dialect.embeddings(&target, embeddings),
        Request::Rerank(rerank) => row.dialect.rerank(&target, rerank),
    }
}

fn error_body(error: &Error) -> Vec<u8> {
    let mut body = error.to_json();
    body["status"] = error.status().into();
    if let Some(ms) = error.retry_after_ms() {
        body["retry_after_ms"] = ms.into();
    }
    pretty(body.to_string().as_bytes())
}

#[test]
fn every_fixture_translates_both_ways() {
    let cases = cases();
    assert!(!cases.is_empty());
    for case in &cases {
        let row = registry::find(&case.provider).unwrap_or_else(|| panic!("no provider {}", case.provider));
        let request = request(case);
        let call = match call(case, row, &request) {
            Ok(call) => call,
            Err(error) => {
                case.expect("error.json", &error_body(&error));
                continue;
            }
        };
        case.expect("upstream-request.http", &show(&call.http));
        let Some((head, body)) = case.upstream_response() else { continue };
        if !head.is_success() {
            case.expect("error.json", &error_body(&row.dialect.refusal(&call.notes, &head, &body)));
            continue;
        }
        match &request {
            Request::Chat(chat) if chat.stream() => case.expect("response.sse", &stream(row, &call, chat, &[&body])),
            Request::Chat(_) => match row.dialect.chat_answer(&call.notes, &head, &body) {
                Ok(answer) => case.expect("response.json", &pretty(&answer.body)),
                Err(error) => case.expect("error.json", &error_body(&error)),
            },
            Request::Rerank(_) => match row.dialect.rerank_answer(&call.notes, &head, &body) {
                Ok(answer) => case.expect("response.json", &pretty(&answer.body)),
                Err(error) => case.expect("error.json", &error_body(&error)),
            },
            Request::Embeddings(_) => match row.dialect.embeddings_answer(&call.notes, &head, &body) {
                Ok(answer) => case.expect("response.json", &pretty(&answer.body)),
                Err(error) => case.expect("error.json", &error_body(&error)),
            },
        }
    }
}

/// What the client gets of a stream that comes in these pieces, its tail or its error included.
fn stream(row: &Row, call: &Call, chat: &ChatRequest, pieces: &[&[u8]]) -> Vec<u8> {
    let mut reader = StreamReader::new(row.dialect, &call.notes, chat.include_usage());
    let mut end = Ok(());
    for piece in pieces {
        end = reader.push(piece);
        if end.is_err() {
            break;
        }
    }
    match end.and_then(|()| reader.finish()) {
        Ok(()) => reader.out().write_tail(None),
        Err(error) => reader.out().write_error(&error),
    }
    reader.out().take()
}

#[test]
fn every_stream_is_the_same_however_it_is_cut() {
    for case in cases() {
        let Some((head, body)) = case.upstream_response() else { continue };
        let Request::Chat(chat) = request(&case) else { continue };
        if !chat.stream() || !head.is_success() {
            continue;
        }
        let row = registry::find(&case.provider).unwrap();
        let call = call(&case, row, &Request::Chat(chat.clone())).unwrap();
        let whole = stream(row, &call, &chat, &[&body]);
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert!(stream(row, &call, &chat, &bytes) == whole, "{}/{}: byte by byte", case.provider, case.name);
        for at in 0..body.len() {
            let split = stream(row, &call, &chat, &[&body[..at], &body[at..]]);
            assert!(split == whole, "{}/{}: split at {at}", case.provider, case.name);
        }
    }
}

#[test]
fn a_stream_that_is_cut_never_looks_complete() {
    for case in cases() {
        let Some((head, body)) = case.upstream_response() else { continue };
        let Request::Chat(chat) = request(&case) else { continue };
        if !chat.stream() || !head.is_success() {
            continue;
        }
        let row = registry::find(&case.provider).unwrap();
        let call = call(&case, row, &Request::Chat(chat.clone())).unwrap();
        for at in 0..body.len() {
            let mut reader = StreamReader::new(row.dialect, &call.notes, chat.include_usage());
            let end = reader.push(&body[..at]).and_then(|()| reader.finish());
            // The terminal event may stand before trailing blank lines: only then is a cut stream whole.
            assert!(end.is_err() || reader.out().is_ended(), "{}/{}: cut at {at}", case.provider, case.name);
            if end.is_ok() {
                let rest = String::from_utf8_lossy(&body[at..]).into_owned();
                assert!(
                    rest.trim().is_empty() || body.len() - at < 64,
                    "{}/{}: whole at {at}, before {rest:?}",
                    case.provider,
                    case.name
                );
            }
        }
    }
}
