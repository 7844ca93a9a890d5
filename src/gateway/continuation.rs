//! Goes on with a stream that broke in its midst: another deployment is told how far the answer came, and finishes it.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};

use super::asked::Asked;
use super::attempt::{Answered, Progress, Request, Source, attempt, cancel};
use super::bound::{UsageBound, is_bounded, with_output_bound};
use super::call::{Call, note_target};
use super::flight::Flight;
use super::hold::Hold;
use super::host::{Host, Sink};
use super::race::{First, race};
use super::record::Record;
use super::seat::Seat;
use super::settle::{Ending, Used};
use super::splice::Splice;
use super::tariff::Tariff;
use super::tokens::Tokens;
use super::{edits, media, resolve};
use crate::config::{BrokenStreams, Config, Match};
use crate::cost::PriceTable;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::money::Money;
use crate::openai::Fields;
use crate::provider::StreamReader;
use crate::router::{Candidate, Health, Rest};
use crate::secret::Secret;

/// How long the next deployment may take to begin, in ms: its client waits in the midst of an answer.
const LONGEST_WAIT_MS: u64 = 30_000;

/// The most deployments that one stream may come to after its first.
const MOST_TARGETS: usize = 5;

/// What the next deployment is told behind the answer so far. A last turn of the user's own works with every provider; few
/// go on with an assistant's turn that is left open.
const GO_ON: &str =
    "Your answer was cut off. Continue it exactly where it ends, without repeating or mentioning anything.";

/// Who may go on with a stream.
#[derive(Debug)]
pub(super) struct Continuation {
    config: Rc<Config>,
    prices: Rc<PriceTable>,
    tokens: Rc<Tokens>,
    health: Rc<RefCell<Health>>,
    asked: Asked,
    request: Request,
    /// In the order in which they are asked.
    targets: Vec<Target>,
    /// What attempts have cost that the client left.
    pub(super) lost: Money,
    /// What the client has read.
    pub(super) splice: Splice,
}

/// A deployment that may go on.
#[derive(Debug)]
struct Target {
    group: String,
    found: Match,
    candidate: Candidate,
    overrides: Fields,
}

/// A stream that goes on.
pub(super) struct Onward<B> {
    pub(super) reader: Box<StreamReader>,
    pub(super) body: Source<B>,
    pub(super) running: Option<HttpRequest>,
    pub(super) ending: Ending,
    pub(super) flight: Rc<Flight>,
    pub(super) seat: Rc<Seat>,
    pub(super) secrets: Vec<Secret>,
    /// The chunk that tells the client.
    pub(super) mark: Vec<u8>,
}

impl<H: Host> Call<'_, H> {
    /// Who may go on with the stream that `record` is of, where the configuration wants it and the request allows it.
    pub(super) fn continuation(&self, request: &Request, record: &Record) -> Option<Box<Continuation>> {
        let gateway = self.gateway;
        let config = &gateway.config;
        if config.router.broken_streams == BrokenStreams::End || self.asked.disable_fallbacks || !goes_on(request) {
            return None;
        }
        let known = self.known();
        let fitting = self.fitting(known.as_deref());
        let mut targets: Vec<Target> = Vec::new();
        let mut add = |group: &str, overrides: &Fields| {
            let matches = config.deployments_of(group, fitting.whose());
            if self.may_use(group, &matches).is_err() {
                return;
            }
            let (candidates, _) = fitting.candidates(group, &matches, request, overrides);
            for (found, candidate) in matches.into_iter().zip(candidates) {
                let id = &found.deployment.id;
                let taken = *id == record.deployment || targets.iter().any(|target| target.found.deployment.id == *id);
                if candidate.filtered.is_none() && !taken && targets.len() < MOST_TARGETS {
                    let (group, overrides) = (group.to_owned(), overrides.clone());
                    targets.push(Target { group, found, candidate, overrides });
                }
            }
        };
        add(&record.group, &Fields::default());
        let model = request.model();
        let behind =
            |name: &str| -> Vec<String> { config.groups_behind(name).into_iter().map(str::to_owned).collect() };
        for hop in self.fallbacks_of(model).reachable(model, &behind) {
            for group in config.groups_behind(&hop.model) {
                add(group, &hop.overrides);
            }
        }
        (!targets.is_empty()).then(|| {
            Box::new(Continuation {
                config: config.clone(),
                prices: gateway.prices.clone(),
                tokens: gateway.tokens.clone(),
                health: gateway.health.clone(),
                asked: self.asked.clone(),
                request: request.clone(),
                targets,
                lost: Money::ZERO,
                splice: Splice::default(),
            })
        })
    }
}

/// Whether a request's answer can be gone on with at all: one answer, in plain text.
pub(super) fn goes_on(request: &Request) -> bool {
    let Request::Chat(chat) = request else { return false };
    let plain = |name: &str, wanted: &[&str]| chat.raw(name).is_none_or(|raw| wanted.contains(&raw.get()));
    let format: Option<Value> = chat.fields().get("response_format").ok().flatten();
    let text = format.is_none_or(|format| format.is_null() || format.get("type").is_some_and(|kind| kind == "text"));
    chat.stream() && text && plain("n", &["1", "null"]) && plain("modalities", &["[\"text\"]", "null"])
}

impl Continuation {
    /// The stream that goes on after `error`, when `used` was used of the one before; `None` where nobody does, or the
    /// client has left.
    pub(super) async fn next<H: Host, S: Sink>(
        &mut self,
        host: &H,
        sink: &S,
        hold: Option<&Hold>,
        used: &Used,
        error: &Error,
        record: &mut Record,
    ) -> Option<Onward<H::Body>> {
        while !self.targets.is_empty() {
            let text = self.splice.open()?.to_owned();
            let target = self.targets.remove(0);
            if self.health.borrow().rest(&target.found.deployment.id, host.now_ms()) != Rest::Up {
                continue;
            }
            if let Some(hold) = hold {
                hold.checkpoint(host, &|| used.charge.as_ref().map_or(Money::ZERO, |charge| charge.total)).await;
            }
            let tried = self.attempt(host, sink, hold, &target, (&text, used), record).await;
            let Ok(onward) = tried else {
                if tried.is_err_and(|error| error.kind() == Kind::ClientClosedRequest) {
                    return None;
                }
                continue;
            };
            note_target(record, &target.group, &target.found);
            record.continued += 1;
            let row = error.kind().row();
            let note = json!({"model_id": record.deployment, "error": {"type": row.name, "code": error.status()}});
            let mark = self.splice.go_on(&record.model, &note);
            return Some(Onward { mark, ..onward });
        }
        None
    }

    async fn attempt<H: Host, S: Sink>(
        &mut self,
        host: &H,
        sink: &S,
        hold: Option<&Hold>,
        target: &Target,
        (text, before): (&str, &Used),
        record: &mut Record,
    ) -> Result<Onward<H::Body>> {
        let (config, found) = (self.config.clone(), &target.found);
        let mut deployment = resolve::deployment(&config, host, found, &self.asked, true)?;
        deployment.timeout_ms = deployment.timeout_ms.min(LONGEST_WAIT_MS);
        let request = told(&edits::request_for(&self.request, found, &deployment, &target.overrides)?, text)?;
        let now = host.now_ms();
        let tariff = Tariff::new(&self.prices, found, &request, deployment.api_base.as_deref(), now);
        let request = bounded(request, &tariff, hold, before)?;
        deployment.facts = tariff.facts();
        let mut ending = Ending::new(tariff, Rc::new(request));
        ending.beside = before.charge.as_ref().map_or(Money::ZERO, |charge| charge.total);
        let full = |_| Error::new(Kind::RateLimit, "the deployment is at a limit of its own");
        let seat = Seat::take(&config, host, found, &ending).await.map_err(full)?;
        seat.clamp(host, &mut ending).await?;
        let flight = Flight::start(&self.health, &config.router.cooldown, target.candidate.clone(), (2, 10), now);
        record.attempts += 1;
        let progress = Progress::default();
        let sent = async {
            let request = media::inlined(host, &deployment, &ending.request, config.general.remote_media).await?;
            attempt(host, &self.tokens, &mut deployment, &request, &record.id, &progress).await
        };
        let sent = match race(sent, sink.gone()).await {
            First::Left(sent) => sent,
            First::Right(()) => Err(Error::new(Kind::ClientClosedRequest, "the client left")),
        };
        let stream = sent.and_then(|outcome| match outcome.answer {
            Answered::Stream(reader, body) => Ok((reader, body, outcome.headers_at)),
            Answered::Whole(_) => Err(Error::new(Kind::InternalServer, "a stream was asked for, and none was read")),
        });
        match stream {
            Ok((reader, body, headers_at)) => {
                flight.note_head(headers_at);
                flight.note_first(host.now_ms());
                let (flight, seat) = (Rc::new(flight), Rc::new(seat));
                let (running, secrets) = (progress.running.take(), deployment.secrets);
                Ok(Onward { reader, body, running, ending, flight, seat, secrets, mark: Vec::new() })
            }
            Err(error) => {
                flight.failed(&error, host.now_ms());
                cancel(host, &progress.running).await;
                if error.kind() == Kind::ClientClosedRequest {
                    let used = ending.of_nothing();
                    self.lost += used.own;
                    seat.settle(host, &used).await;
                } else {
                    seat.release(host).await;
                }
                Err(error)
            }
        }
    }
}

/// The request with the answer so far, and what is wanted of the rest of it.
pub(super) fn told(request: &Request, text: &str) -> Result<Request> {
    let Request::Chat(chat) = request else { return Ok(request.clone()) };
    if text.is_empty() {
        return Ok(request.clone());
    }
    let mut messages: Vec<Box<RawValue>> = chat.fields().get("messages")?.unwrap_or_default();
    for (role, content) in [("assistant", text), ("user", GO_ON)] {
        messages.extend(to_raw_value(&json!({"role": role, "content": content})).ok());
    }
    chat.with(|fields| fields.set("messages", &messages)).map(Request::Chat)
}

/// The request with its answer bounded to what the client's own bound, and the key's budget, leave.
fn bounded(request: Request, tariff: &Tariff, hold: Option<&Hold>, before: &Used) -> Result<Request> {
    let most = UsageBound::of(tariff, &request);
    let mut tokens = most.output_tokens;
    if is_bounded(&request) {
        let read = before.usage.as_ref().map_or(0, |usage| usage.completion_tokens);
        tokens = tokens.saturating_sub(read).max(1);
    }
    if let Some(hold) = hold.filter(|hold| hold.is_bounded()) {
        let spent = before.charge.as_ref().map_or(Money::ZERO, |charge| charge.total);
        let left = hold.granted().granted - spent;
        let affordable = if left > Money::ZERO { most.affordable_output_tokens(tariff, left) } else { Some(0) };
        tokens = tokens.min(affordable.unwrap_or_default());
    }
    if tokens == 0 {
        return Err(Error::new(Kind::BudgetExceeded, "the budget does not pay for the rest of the answer"));
    }
    if tokens == most.output_tokens { Ok(request) } else { with_output_bound(&request, tokens) }
}
