//! What a call has used, and the books that are told of it: once, however it ended.

use std::cell::RefCell;
use std::rc::Rc;

use super::asked::Asked;
use super::attempt::{Request, cancel};
use super::caller::Caller;
use super::hold::{Hold, subject};
use super::host::Host;
use super::race::both;
use super::record::Record;
use super::seat::Seat;
use super::shadow::Shadow;
use super::tariff::Tariff;
use crate::config::GeneralSettings;
use crate::cost::tokens::{Counter, count_chat, estimate, family_of};
use crate::cost::{Charge, Exactness};
use crate::error::{Error, Kind};
use crate::http::{Headers, HttpRequest};
use crate::keys::ledger::{Ask, Message, Outcome, Reply, ScopeId, Subject};
use crate::money::Money;
use crate::openai::{Answer, ChunkWriter, Usage};

/// Bytes of delivered text that count as a token where nobody told usage: right for English, and too many tokens for
/// most other text.
const BYTES_A_TOKEN: u64 = 4;

/// What a call's answer is priced by.
#[derive(Clone, Debug)]
pub(super) struct Ending {
    /// The deployment's prices.
    pub(super) tariff: Tariff,
    /// The request as it was sent.
    pub(super) request: Rc<Request>,
    /// What other attempts of the call have cost, whose answers nobody got.
    pub(super) beside: Money,
    /// What of its cost is in its deployment's books already.
    pub(super) entered: Money,
}

/// What a call has used.
#[derive(Clone, Debug, Default)]
pub(super) struct Used {
    /// Tokens, told or estimated.
    pub(super) usage: Option<Usage>,
    /// What they cost; `None` where nobody knows a price.
    pub(super) charge: Option<Charge>,
    /// What of it is not in the answering deployment's books yet.
    pub(super) own: Money,
    /// The model that answered, as the upstream names it.
    pub(super) model: Option<String>,
    /// Whether tokens are an estimate.
    pub(super) estimated: bool,
}

impl Ending {
    /// Of a call that has cost nothing so far.
    pub(super) fn new(tariff: Tariff, request: Rc<Request>) -> Self {
        Self { tariff, request, beside: Money::ZERO, entered: Money::ZERO }
    }

    /// What an attempt has used that told so.
    pub(super) fn of_usage(&self, usage: Usage) -> Used {
        self.used(usage, None, false)
    }

    /// What a whole answer has used.
    pub(super) fn of_answer(&self, answer: &Answer) -> Used {
        match &answer.usage {
            Some(usage) => self.used(usage.clone(), answer.model.as_deref(), false),
            // The body's frame counts too: an estimate may be above what was used, and never far below.
            None => self.used(self.estimate(answer.body.len() as u64), answer.model.as_deref(), true),
        }
    }

    /// What a stream has used so far.
    pub(super) fn of_stream(&self, out: &ChunkWriter) -> Used {
        let model = Some(out.model());
        match out.told_usage() {
            Some(usage) if out.is_ended() => self.used(usage.clone(), model, false),
            told => {
                let mut usage = self.estimate(out.text_bytes());
                if let Some(told) = told {
                    // A provider that tells usage as it goes has counted its prompt, and perhaps not yet its answer.
                    let delivered = usage.completion_tokens;
                    usage = told.clone();
                    usage.completion_tokens = usage.completion_tokens.max(delivered);
                    usage.total_tokens = usage.prompt_tokens.saturating_add(usage.completion_tokens);
                }
                self.used(usage, model, true)
            }
        }
    }

    /// What a call has used of whose attempts only others than the last have used anything.
    fn of_others(&self) -> Used {
        let mut charge = Charge::reported(Money::ZERO, None);
        charge.add_estimate(self.beside);
        Used { charge: Some(charge), estimated: true, ..Used::default() }
    }

    /// What a call has used whose answer nobody saw: its prompt.
    pub(super) fn of_nothing(&self) -> Used {
        self.used(self.estimate(0), None, true)
    }

    fn used(&self, usage: Usage, model: Option<&str>, estimated: bool) -> Used {
        let mut charge = self.tariff.charge(&usage, model);
        let own = charge.as_ref().map_or(Money::ZERO, |charge| charge.total) - self.entered;
        if let Some(charge) = charge.as_mut().filter(|_| self.beside > Money::ZERO) {
            charge.add_estimate(self.beside);
        }
        Used { usage: Some(usage), charge, own, model: model.map(str::to_owned), estimated }
    }

    fn estimate(&self, answer_bytes: u64) -> Usage {
        let (provider, model) = self.tariff.name();
        let family = family_of(provider, model);
        let prompt_tokens = match &*self.request {
            Request::Chat(chat) => count_chat(chat, model, Counter::Estimate(family)).map_or(0, |count| count.value),
            Request::Embeddings(embeddings) => {
                let texts = embeddings.texts().unwrap_or_default();
                texts.iter().map(|text| estimate(text, family).value).sum()
            }
            Request::Rerank(rerank) => {
                let tokens = |text: &str| estimate(text, family).value;
                let query = tokens(rerank.query());
                rerank.texts().iter().map(|text| tokens(text).saturating_add(query)).sum()
            }
        };
        let completion_tokens = match &*self.request {
            Request::Chat(_) => answer_bytes.div_ceil(BYTES_A_TOKEN),
            Request::Embeddings(_) | Request::Rerank(_) => 0,
        };
        let total_tokens = prompt_tokens.saturating_add(completion_tokens);
        let mut usage = Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() };
        if let Request::Rerank(rerank) = &*self.request {
            usage.extra.insert("search_units".to_owned(), (rerank.documents().len() as u64).div_ceil(100).into());
        }
        usage
    }
}

/// The books that a call is entered in: a reservation, or a note that is written when the client has its answer.
pub(super) struct Books {
    hold: Option<Hold>,
    note: Option<Box<Note>>,
    seat: Option<Rc<Seat>>,
}

impl Books {
    /// The books of a call: `hold` where money was reserved for it; else a note in the log, unless the configuration
    /// wants none for the master key's calls.
    pub(super) fn new(caller: &Caller, asked: &Asked, general: &GeneralSettings, hold: Option<Hold>) -> Self {
        let note = match caller {
            _ if hold.is_some() => None,
            Caller::Admin if general.disable_spend_logs => None,
            caller => Some(Box::new(Note::new(caller, asked))),
        };
        Self { hold, note, seat: None }
    }

    /// Takes the place that the answering deployment gave, to be settled with the call.
    pub(super) fn sit(&mut self, seat: Rc<Seat>) {
        self.seat = Some(seat);
    }

    /// Enters what a call has used. Answers what the key has now spent, where the ledger told.
    pub(super) async fn settle<H: Host>(&mut self, host: &H, record: &Record, used: &Used) -> Option<Money> {
        self.enter(host, record, used, "success").await
    }

    /// Enters what a call has used that did not come to its end.
    pub(super) async fn settle_broken<H: Host>(&mut self, host: &H, record: &Record, used: &Used) {
        self.enter(host, record, used, "failure").await;
    }

    async fn enter<H: Host>(&mut self, host: &H, record: &Record, used: &Used, status: &str) -> Option<Money> {
        let seat = self.seat.take();
        let seat = async {
            if let Some(seat) = seat {
                seat.settle(host, used).await;
            }
        };
        let outcome = outcome(record, used, status);
        if let Some(note) = &mut self.note {
            note.fill(record, outcome);
            seat.await;
            return None;
        }
        let hold = self.hold.as_ref();
        let own = async {
            match hold {
                Some(hold) => hold.settle(host, outcome).await,
                None => None,
            }
        };
        both(own, seat).await.0
    }

    /// Enters a call that got no answer: nothing was used, unless its client left while an upstream worked for it, or it had
    /// been answered in part; `ending` says what these parts and attempts beside it have cost.
    pub(super) async fn give_up<H: Host>(
        &self,
        host: &H,
        record: &Record,
        error: &Error,
        ending: Option<&Ending>,
        parts: Option<Usage>,
    ) {
        let Some(hold) = &self.hold else { return };
        let used = match (ending, parts) {
            (Some(ending), Some(parts)) => ending.of_usage(parts),
            (Some(ending), None) if error.kind() == Kind::ClientClosedRequest => ending.of_nothing(),
            (Some(ending), None) if ending.beside > Money::ZERO => ending.of_others(),
            _ => return hold.release(host, outcome(record, &Used::default(), "failure")).await,
        };
        hold.settle(host, outcome(record, &used, "failure")).await;
    }

    /// Settles the place at a deployment whose stream is gone on with elsewhere.
    pub(super) async fn leave<H: Host>(&mut self, host: &H, used: &Used) {
        if let Some(seat) = self.seat.take() {
            seat.settle(host, used).await;
        }
    }

    /// The reservation, where there is one.
    pub(super) fn hold(&self) -> Option<&Hold> {
        self.hold.as_ref()
    }

    /// Says that a stream lives, and what it has cost so far.
    pub(super) async fn checkpoint<H: Host>(&self, host: &H, cost: &dyn Fn() -> Money) {
        for hold in [self.hold.as_ref(), self.seat.as_ref().and_then(|seat| seat.hold())].into_iter().flatten() {
            hold.checkpoint(host, cost).await;
        }
    }

    /// Adds what the key has left to an answer's headers.
    pub(super) fn add_headers(&self, headers: &mut Headers, spend: Option<Money>) {
        if let Some(hold) = &self.hold {
            hold.add_headers(headers, spend);
        }
    }

    /// The note that is still to be written.
    pub(super) fn take_note(&mut self) -> Option<Box<Note>> {
        self.note.take().filter(|note| note.outcome.is_some())
    }
}

/// A call for the spend log that nothing was reserved for: one of the master key, or of a key without limits whose ledger
/// could not be reached at the time. It costs the client no wait.
#[derive(Debug)]
pub struct Note {
    root: ScopeId,
    ask: Ask,
    outcome: Option<Outcome>,
    /// What is done after that: a copy for a second group.
    shadow: Option<Box<Shadow>>,
    /// What ends jobs that nobody waits for.
    jobs: Vec<HttpRequest>,
}

impl Note {
    fn new(caller: &Caller, asked: &Asked) -> Self {
        let (root, scopes, key) = match caller {
            Caller::Admin => (ScopeId::global(), vec![ScopeId::global()], None),
            Caller::Key(key) => (key.root(), key.scopes(None).into_iter().map(|(scope, _)| scope).collect(), Some(key)),
        };
        let subject = subject(key.map(AsRef::as_ref), asked, asked.tags.clone());
        let ask = Ask { scopes, bound: Some(Money::ZERO), hold_ms: 60_000, subject, ..Ask::default() };
        Self { root, ask, outcome: None, shadow: None, jobs: Vec::new() }
    }

    /// Nothing to write, and a copy of the request to send.
    pub(super) fn of_shadow(shadow: Box<Shadow>) -> Box<Self> {
        Box::new(Self { shadow: Some(shadow), ..Self::empty() })
    }

    /// Nothing to write, and jobs to end.
    pub(super) fn of_jobs(jobs: Vec<HttpRequest>) -> Option<Box<Self>> {
        (!jobs.is_empty()).then(|| Box::new(Self { jobs, ..Self::empty() }))
    }

    fn empty() -> Self {
        Self { root: ScopeId::global(), ask: Ask::default(), outcome: None, shadow: None, jobs: Vec::new() }
    }

    /// Both what this one holds and what `other` does, which has nothing to write.
    pub(super) fn with(this: Option<Box<Self>>, other: Option<Box<Self>>) -> Option<Box<Self>> {
        let Some(mut this) = this else { return other };
        if let Some(other) = other {
            this.shadow = other.shadow.or(this.shadow);
            this.jobs.extend(other.jobs);
        }
        Some(this)
    }

    fn fill(&mut self, record: &Record, outcome: Outcome) {
        self.ask.request_id.clone_from(&record.id);
        call_type(record.call).clone_into(&mut self.ask.subject.call_type);
        self.ask.subject.model_group.clone_from(&record.asked_model);
        self.outcome = Some(outcome);
    }

    /// Writes it: for the shell, when the client has its answer.
    pub async fn write<H: Host>(self: Box<Self>, host: &H) {
        let Self { root, ask, outcome, shadow, jobs } = *self;
        for job in jobs {
            cancel(host, &RefCell::new(Some(job))).await;
        }
        if let Some(outcome) = outcome {
            enter(host, &root, ask, outcome).await;
        }
        if let Some(shadow) = shadow {
            shadow.run(host).await;
        }
    }
}

/// Enters a call that nothing was reserved for.
async fn enter<H: Host>(host: &H, root: &ScopeId, ask: Ask, outcome: Outcome) {
    let reserve = Message::Reserve { ask: Box::new(ask), shared: Vec::new() };
    if let Ok(Reply::Granted(grant)) = host.ledger(root, &reserve).await {
        let settle = Message::Settle { seq: grant.seq, outcome };
        if host.ledger(root, &settle).await.is_ok() {
            return;
        }
    }
    host.log(&serde_json::json!({"event": "not_in_spend_log", "root": root.id}).to_string());
}

/// Enters a copy of the call `of`: in the gateway's own books, so that no key pays for it.
pub(super) async fn enter_shadow<H: Host>(host: &H, record: &Record, used: &Used, of: &str, whole: bool) {
    let subject = Subject {
        call_type: call_type(record.call).to_owned(),
        model_group: record.group.clone(),
        metadata: serde_json::json!({"shadow_of": of}).to_string(),
        ..subject(None, &Asked::default(), vec!["shadow".to_owned()])
    };
    let (root, request_id) = (ScopeId::global(), record.id.clone());
    let scopes = vec![root.clone()];
    let ask = Ask { request_id, scopes, bound: Some(Money::ZERO), hold_ms: 60_000, subject, ..Ask::default() };
    enter(host, &root, ask, outcome(record, used, if whole { "success" } else { "failure" })).await;
}

/// LiteLLM's name for a kind of call.
pub(super) fn call_type(call: &str) -> &'static str {
    match call {
        "embeddings" => "aembedding",
        "rerank" => "arerank",
        "health_check" => "health_check",
        "shadow" => "shadow",
        _ => "acompletion",
    }
}

/// What came of a call, for the spend log.
fn outcome(record: &Record, used: &Used, status: &str) -> Outcome {
    let usage = used.usage.clone().unwrap_or_default();
    let details = usage.prompt_tokens_details.unwrap_or_default();
    let estimated = used.charge.as_ref().is_some_and(|charge| charge.exactness == Exactness::Estimated);
    Outcome {
        model: used.model.clone().unwrap_or_else(|| record.model.clone()),
        model_id: record.deployment.clone(),
        provider: record.provider.clone(),
        prompt_tokens: usage.prompt_tokens,
        completion_tokens: usage.completion_tokens,
        total_tokens: usage.total_tokens,
        cache_read_tokens: details.cached_tokens.max(usage.cache_read_input_tokens),
        cache_write_tokens: details
            .cache_creation_tokens
            .max(details.cache_write_tokens)
            .max(usage.cache_creation_input_tokens),
        cost: used.charge.as_ref().map(|charge| charge.total),
        estimated: used.estimated || estimated,
        cache_hit: false,
        status: status.to_owned(),
    }
}
