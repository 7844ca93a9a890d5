//! The story of one call: parse, admit, reserve, attempt (`attempts.rs`: choose, write, send, read), settle, reply.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use super::asked::Asked;
use super::attempt::{Answered, Request};
use super::batches::Batches;
use super::caller::Caller;
use super::continuation::Continuation;
use super::destination::{self, Turn};
use super::hold::Known;
use super::host::Host;
use super::leg::Success;
use super::record::Record;
use super::records::{FALLBACKS, From};
use super::relay::Relay;
use super::reply::{Reply, ReplyBody};
use super::settle::{Books, Ending, Note};
use super::tariff::add_cost_headers;
use super::{Gateway, resolve};
use crate::config::Match;
use crate::error::{Error, Result};
use crate::http::{Headers, HttpRequest};
use crate::keys::directory::RecordKind;
use crate::money::Money;
use crate::openai::{ChatRequest, EmbeddingRequest, Fields, RerankRequest};

/// Headers of an upstream's answer that say nothing to a client of ours.
const HOP_HEADERS: &[&str] =
    &["connection", "content-encoding", "content-length", "keep-alive", "set-cookie", "transfer-encoding"];

/// `POST /v1/chat/completions`.
pub(super) async fn chat<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
    model: Option<String>,
) -> Result<Reply<H::Body>> {
    let (call, request) = Call::chat(gateway, host, caller, http, model)?;
    call.run(request).await
}

/// `POST /v1/embeddings`.
pub(super) async fn embeddings<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
    model: Option<String>,
) -> Result<Reply<H::Body>> {
    let (fields, asked) = read(http, model)?;
    let request = Request::Embeddings(EmbeddingRequest::from_fields(fields)?);
    Call::new(gateway, host, caller, http, asked).run(request).await
}

/// `POST /v1/rerank`.
pub(super) async fn rerank<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
) -> Result<Reply<H::Body>> {
    let (fields, asked) = read(http, None)?;
    let request = Request::Rerank(RerankRequest::from_fields(fields)?);
    Call::new(gateway, host, caller, http, asked).run(request).await
}

fn read(http: &HttpRequest, model: Option<String>) -> Result<(Fields, Asked)> {
    let mut fields = Fields::parse(&http.body)?;
    if let Some(model) = model {
        fields.set("model", &model);
    }
    let asked = Asked::take(&mut fields, &http.headers)?;
    Ok((fields, asked))
}

/// One call of a client.
pub(super) struct Call<'a, H> {
    pub(super) gateway: &'a Gateway,
    pub(super) host: &'a H,
    pub(super) caller: &'a Caller,
    pub(super) asked: Asked,
    pub(super) route: &'a str,
    /// What the last attempt is priced by.
    pub(super) last: RefCell<Option<Ending>>,
    /// The records of the key, once they are read.
    pub(super) known: RefCell<Option<Rc<Known>>>,
    /// What the last deployment has answered of embeddings in parts.
    pub(super) batches: RefCell<Batches>,
    /// What attempts have cost whose answers nobody got.
    pub(super) beside: Cell<Money>,
    /// What ends the jobs that such attempts have begun.
    pub(super) jobs: RefCell<Vec<HttpRequest>>,
    /// The headers of the request.
    pub(super) headers: &'a Headers,
    /// Names that stand for several model groups, by which the request came to its own.
    pub(super) turns: RefCell<Vec<Turn>>,
    /// Fields that these names change for the first model group.
    pub(super) overrides: RefCell<Fields>,
}

impl<'a, H> Call<'a, H> {
    fn new(gateway: &'a Gateway, host: &'a H, caller: &'a Caller, http: &'a HttpRequest, asked: Asked) -> Self {
        Self {
            gateway,
            host,
            caller,
            asked,
            route: http.path(),
            last: RefCell::default(),
            known: RefCell::default(),
            batches: RefCell::default(),
            beside: Cell::new(Money::ZERO),
            jobs: RefCell::default(),
            headers: &http.headers,
            turns: RefCell::default(),
            overrides: RefCell::default(),
        }
    }

    /// Reads a chat call; `model` is the one that the path names.
    pub(super) fn chat(
        gateway: &'a Gateway,
        host: &'a H,
        caller: &'a Caller,
        http: &'a HttpRequest,
        model: Option<String>,
    ) -> Result<(Self, Request)> {
        let (fields, asked) = read(http, model)?;
        let request = Request::Chat(ChatRequest::from_fields(fields)?);
        Ok((Self::new(gateway, host, caller, http, asked), request))
    }
}

impl<H: Host> Call<'_, H> {
    async fn run(self, request: Request) -> Result<Reply<H::Body>> {
        let mut record = Record {
            id: call_id(self.host.random(), self.host.random()),
            call: request.name(),
            asked_model: request.model().to_owned(),
            stream: request.stream(),
            started: self.host.now_ms(),
            ..Record::default()
        };
        // An index that cannot be read leaves the fallbacks as they were.
        let settings = &self.gateway.records.settings;
        let _ = settings.find(self.host, RecordKind::Setting, FALLBACKS, From::Index).await;
        let (mut hold, mut shadow, mut onward) = (None, None, None);
        let admitted = match self.asked.mocks.check(&self.gateway.config.general) {
            Ok(()) => self.admit(&request, &record).await,
            Err(error) => Err(error),
        };
        let result = match admitted {
            Ok((request, reserved)) => {
                hold = reserved;
                let result = self.attempts(&request, hold.as_ref(), &mut record).await;
                if result.is_ok() {
                    shadow = self.shadow(&request, &record.id);
                    onward = self.continuation(&request, &record);
                }
                result
            }
            Err(error) => Err(error),
        };
        let books = Books::new(self.caller, &self.logged(), &self.gateway.config.general, hold);
        match result {
            Ok(success) => {
                let mut reply = self.reply(success, record, books, onward).await;
                reply.after = Note::with(reply.after, Note::of_jobs(self.jobs.take()));
                reply.after = Note::with(reply.after, shadow);
                Ok(reply)
            }
            Err(error) => Ok(self.refuse(&error, record, books).await),
        }
    }

    async fn reply(
        &self,
        success: Success<H::Body>,
        mut record: Record,
        mut books: Books,
        onward: Option<Box<Continuation>>,
    ) -> Reply<H::Body> {
        let Success { outcome, deployment_id, secrets, ending, flight, seat, running } = success;
        books.sit(seat);
        record.headers = Some(outcome.headers_at);
        flight.note_head(outcome.headers_at);
        let mut headers = Headers::new();
        headers.push("x-litellm-model-id", deployment_id);
        if !outcome.url.is_empty() {
            headers.push("x-litellm-model-api-base", outcome.url);
        }
        for (name, value) in outcome.head.headers.iter().filter(|(name, _)| !HOP_HEADERS.contains(name)) {
            headers.push(&format!("llm_provider-{name}"), value);
            if name.starts_with("x-ratelimit-") {
                headers.push(name, value);
            }
        }
        match outcome.answer {
            Answered::Whole(answer) => {
                let used = ending.of_answer(&answer);
                flight.succeeded(used.usage.as_ref(), self.host.now_ms());
                record.charge = used.charge.clone();
                if let Some(charge) = &used.charge {
                    add_cost_headers(&mut headers, charge);
                }
                let spend = books.settle(self.host, &record, &used).await;
                books.add_headers(&mut headers, spend);
                record.write(self.host, 200, "ok", used.usage.as_ref(), None);
                headers.push("content-type", "application/json");
                self.add_headers(&mut headers, &record);
                let after = books.take_note();
                Reply { status: 200, headers, body: ReplyBody::Whole(answer.body), after }
            }
            Answered::Stream(reader, body) => {
                record.first = Some(self.host.now_ms());
                flight.note_first(self.host.now_ms());
                headers.push("content-type", "text/event-stream; charset=utf-8");
                headers.push("cache-control", "no-cache, no-transform");
                headers.push("x-accel-buffering", "no");
                books.add_headers(&mut headers, None);
                self.add_headers(&mut headers, &record);
                let longest_ms = resolve::longest_stream_ms(&self.gateway.config);
                let relay = Relay {
                    reader,
                    body,
                    running,
                    record,
                    ending,
                    books,
                    flight,
                    secrets,
                    longest_ms,
                    onward,
                    before: None,
                };
                Reply { status: 200, headers, body: ReplyBody::Stream(Box::new(relay)), after: None }
            }
        }
    }

    /// Answers with an error. A call that never reached its end has used nothing that anybody could bill, unless its
    /// client left while an upstream worked for it.
    async fn refuse(&self, error: &Error, record: Record, books: Books) -> Reply<H::Body> {
        let mut last = self.last.borrow_mut().take();
        if let Some(ending) = &mut last {
            ending.beside = self.beside.get();
        }
        let parts = self.batches.take().usage_since(0);
        books.give_up(self.host, &record, error, last.as_ref(), parts).await;
        record.write(self.host, error.status(), "error", None, Some(error));
        let mut reply = Reply::error(error);
        self.add_headers(&mut reply.headers, &record);
        reply.after = Note::of_jobs(self.jobs.take());
        reply
    }

    /// The headers that every answer has, errors among them.
    fn add_headers(&self, headers: &mut Headers, record: &Record) {
        let now = self.host.now_ms();
        let whole = now.saturating_sub(record.started);
        headers.push("x-litellm-call-id", record.id.clone());
        if !record.group.is_empty() {
            headers.push("x-litellm-model-group", record.group.clone());
        }
        let turns = self.turns.borrow();
        if !turns.is_empty() {
            headers.push("x-litellm-routing-decision", destination::told(&turns));
        }
        if let Some(turn) = turns.iter().find(|turn| turn.chosen.is_variant) {
            headers.push("x-litellm-variant", destination::plain(&turn.chosen.label));
        }
        if !record.region.is_empty() {
            headers.push("x-litellm-model-region", record.region.clone());
        }
        headers.push("x-litellm-version", env!("CARGO_PKG_VERSION"));
        headers.push("x-litellm-attempted-retries", record.retries.to_string());
        headers.push("x-litellm-max-retries", record.max_retries.to_string());
        if let Some(answered) = record.hedged {
            headers.push("x-litellm-hedged", answered);
        }
        if let Some(errors) = &record.fallback_errors {
            headers.push("x-litellm-fallback-errors", errors.clone());
        }
        headers.push("x-litellm-attempted-fallbacks", record.fallbacks.to_string());
        headers.push("x-litellm-response-duration-ms", whole.to_string());
        headers.push("x-litellm-overhead-duration-ms", whole.saturating_sub(record.upstream_ms).to_string());
    }
}

pub(super) fn note_target(record: &mut Record, group: &str, found: &Match) {
    group.clone_into(&mut record.group);
    record.deployment.clone_from(&found.deployment.id);
    found.provider.name().clone_into(&mut record.provider);
    record.model.clone_from(&found.model);
    record.region = destination::plain(found.deployment.gate.region.as_deref().unwrap_or_default());
}

/// A random UUID (version 4): LiteLLM's form of a call id.
pub(super) fn call_id(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
