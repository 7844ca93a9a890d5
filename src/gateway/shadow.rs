//! Shadow traffic: a copy of a request that a second group answers for nobody, when the client has its own answer.
//!
//! A copy is one attempt, written from the client's original request. Its answer is read to the end and dropped. It steers
//! nothing: it rests no deployment, its latency counts for none, and no key pays for it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::json;

use super::asked::Asked;
use super::attempt::{Answered, Outcome, Progress, Request, attempt, cancel};
use super::call::{Call, call_id, note_target};
use super::flight::Flight;
use super::host::Host;
use super::race::{First, race};
use super::record::Record;
use super::seat::Seat;
use super::settle::{Ending, Note, Used, enter_shadow};
use super::tariff::Tariff;
use super::tokens::Tokens;
use super::{batches, edits, media, resolve};
use crate::config::{Config, Match};
use crate::cost::PriceTable;
use crate::error::{Error, Kind, Result};
use crate::openai::Fields;
use crate::router::{Candidate, Fallbacks, Health, Plan, Rest, RetryRules, Step};

/// How long a copy may take, in ms. Cloudflare gives what goes on after an answer 30 s: the rest is for the books.
const LONGEST_MS: u64 = 25_000;

/// Most copies under way in an isolate.
const MOST_AT_ONCE: u32 = 16;

/// The longest request, in bytes, that is copied: an isolate of 128 MB keeps them all beside its clients' own.
const LONGEST_REQUEST: usize = 1 << 20;

/// What an isolate's copies share.
pub(super) type Running = Rc<Cell<u32>>;

/// A copy that is still to be sent.
#[derive(Debug)]
pub(super) struct Shadow {
    config: Rc<Config>,
    prices: Rc<PriceTable>,
    tokens: Rc<Tokens>,
    health: Rc<RefCell<Health>>,
    running: Running,
    found: Match,
    candidate: Candidate,
    asked: Asked,
    request: Request,
    record: Record,
    /// The call id of the client's request.
    of: String,
}

/// A copy under way, which counts as long as this lives.
struct Place(Running);

impl Place {
    fn take(running: &Running) -> Option<Self> {
        (running.get() < MOST_AT_ONCE).then(|| {
            running.set(running.get() + 1);
            Self(running.clone())
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.set(self.0.get().saturating_sub(1));
    }
}

impl<H: Host> Call<'_, H> {
    /// The copy of a request that was answered, where its group has a shadow and the lot falls on it.
    pub(super) fn shadow(&self, request: &Request, of: &str) -> Option<Box<Note>> {
        let gateway = self.gateway;
        let config = &gateway.config;
        let group = config.group_of(request.model());
        let rule = config.router.shadows.iter().find(|rule| rule.from == group)?;
        // 53 bits, all that a double holds: 100 takes every request, and 0 none.
        let lot = (self.host.random() >> 11) as f64 / (1_u64 << 53) as f64 * 100.0;
        if lot >= rule.percent {
            return None;
        }
        let bytes: usize = request.fields().iter().map(|(name, value)| name.len() + value.get().len()).sum();
        if bytes > LONGEST_REQUEST {
            dropped(self.host, &rule.to, "the request is over 1 MiB");
            return None;
        }
        let known = self.known();
        let fitting = self.fitting(known.as_deref());
        let matches = config.deployments_of(&rule.to, fitting.whose());
        let (candidates, _) = fitting.candidates(&rule.to, &matches, request, &Fields::default());
        let mut plan = Plan::new(&rule.to, candidates, RetryRules::default(), Fallbacks::default());
        plan = plan.with(fitting.picking(&rule.to, &matches, request), false, false);
        let step = plan.next(&gateway.health.borrow(), self.host.now_ms(), self.host.random());
        let Step::Attempt(index) = step else {
            dropped(self.host, &rule.to, "no deployment may serve it");
            return None;
        };
        let (found, candidate) = (matches.get(index)?.clone(), plan.candidates().get(index)?.clone());
        let mut record = Record {
            id: call_id(self.host.random(), self.host.random()),
            call: "shadow",
            asked_model: rule.to.clone(),
            stream: request.stream(),
            attempts: 1,
            ..Record::default()
        };
        note_target(&mut record, &rule.to, &found);
        Some(Note::of_shadow(Box::new(Shadow {
            config: gateway.config.clone(),
            prices: gateway.prices.clone(),
            tokens: gateway.tokens.clone(),
            health: gateway.health.clone(),
            running: gateway.shadows.clone(),
            found,
            candidate,
            asked: self.asked.clone(),
            request: request.clone(),
            record,
            of: of.to_owned(),
        })))
    }
}

impl Shadow {
    /// Sends the copy, reads its answer, and enters what it has cost.
    pub(super) async fn run<H: Host>(mut self, host: &H) {
        let group = &self.record.group;
        let Some(_place) = Place::take(&self.running) else {
            return dropped(host, group, "16 copies are under way");
        };
        self.record.started = host.now_ms();
        // The one request that may test a deployment after its rest is a client's.
        if self.health.borrow().rest(&self.found.deployment.id, self.record.started) != Rest::Up {
            return dropped(host, group, "the deployment rests");
        }
        let (status, end, used, error) = match self.answer(host).await {
            Ok(used) => (200, "ok", used, None),
            Err((error, used)) => (error.status(), "error", used, Some(error)),
        };
        self.record.charge.clone_from(&used.charge);
        self.record.write(host, status, end, used.usage.as_ref(), error.as_ref());
        if !self.config.general.disable_spend_logs {
            enter_shadow(host, &self.record, &used, &self.of, error.is_none()).await;
        }
    }

    /// What the copy has used; beside the error, where it failed.
    async fn answer<H: Host>(&mut self, host: &H) -> Result<Used, (Error, Used)> {
        let unsent = |error: Error| (error, Used::default());
        let (config, found, now) = (&self.config, &self.found, host.now_ms());
        let stream = self.request.stream();
        let mut deployment = resolve::deployment(config, host, found, &self.asked, stream).map_err(unsent)?;
        deployment.timeout_ms = deployment.timeout_ms.min(LONGEST_MS);
        let request = edits::request_for(&self.request, found, &deployment, &Fields::default()).map_err(unsent)?;
        let tariff = Tariff::new(&self.prices, found, &request, deployment.api_base.as_deref(), now);
        deployment.facts = tariff.facts();
        let most = deployment.provider.dialect().embeddings_batch(&deployment.model);
        if batches::split(&request, most).map_err(unsent)?.is_some() {
            let message = "the provider takes fewer inputs at once, and a copy is one attempt";
            return Err(unsent(Error::bad_request("input", message)));
        }
        let mut ending = Ending::new(tariff, Rc::new(request));
        let full = |_| unsent(Error::new(Kind::RateLimit, "the deployment is at a limit of its own"));
        let seat = Seat::take(config, host, found, &ending).await.map_err(full)?;
        seat.clamp(host, &mut ending).await.map_err(unsent)?;
        // It counts as busy, and is judged by nothing: dropped, it is over.
        let _flight = Flight::start(&self.health, &config.router.cooldown, self.candidate.clone(), (1, 1), now);
        let progress = Progress::default();
        let sent = async {
            let request = media::inlined(host, &deployment, &ending.request, config.general.remote_media).await?;
            let id = &self.record.id;
            attempt(host, &self.tokens, &mut deployment, &request, id, &progress).await
        };
        let late = || Error::new(Kind::Timeout, "the copy took longer than it may");
        let outcome = match race(sent, host.sleep(LONGEST_MS)).await {
            First::Left(outcome) => outcome,
            First::Right(()) => Err(late()),
        };
        if outcome.is_err() {
            cancel(host, &progress.running).await;
        }
        let (result, used) = match outcome {
            Ok(Outcome { answer: Answered::Whole(answer), headers_at, .. }) => {
                self.record.headers = Some(headers_at);
                (Ok(()), ending.of_answer(&answer))
            }
            Ok(Outcome { answer: Answered::Stream(mut reader, mut body), headers_at, .. }) => {
                (self.record.headers, self.record.first) = (Some(headers_at), Some(host.now_ms()));
                let read = async {
                    loop {
                        drop(reader.out().take());
                        if reader.out().is_ended() {
                            return Ok(());
                        }
                        match body.chunk().await? {
                            Some(bytes) => reader.push(&bytes)?,
                            None => return reader.finish(),
                        }
                    }
                };
                let left_ms = LONGEST_MS.saturating_sub(host.now_ms().saturating_sub(now));
                let result = match race(read, host.sleep(left_ms)).await {
                    First::Left(result) => result,
                    First::Right(()) => Err(late()),
                };
                (result, ending.of_stream(reader.out()))
            }
            // What an upstream did in that time is not known: its prompt is counted.
            Err(error) if error.kind() == Kind::Timeout => (Err(error), ending.of_nothing()),
            Err(error) => {
                seat.release(host).await;
                return Err(unsent(error));
            }
        };
        seat.settle(host, &used).await;
        match result {
            Ok(()) => Ok(used),
            Err(error) => Err((error, used)),
        }
    }
}

/// Says that a copy was not sent.
fn dropped<H: Host>(host: &H, group: &str, reason: &str) {
    host.log(&json!({"event": "shadow_dropped", "group": group, "reason": reason}).to_string());
}
