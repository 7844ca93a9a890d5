//! A call's place in the ledger: asked for before anything goes upstream, and ended once, however the call ends.

use std::cell::Cell;
use std::rc::Rc;

use super::asked::Asked;
use super::bound::UsageBound;
use super::host::Host;
use super::records::From;
use super::settle::call_type;
use super::tariff::Tariff;
use super::{Gateway, attempt::Request};
use crate::config::GeneralSettings;
use crate::error::{Error, Kind, Result};
use crate::http::Headers;
use crate::keys::admission::Caller as Identity;
use crate::keys::directory::RecordKind;
use crate::keys::ledger::{Ask, Closed, Grant, Limits, Message, Outcome, Refusal, Reply, ScopeId, ScopeKind, Subject};
use crate::keys::{CustomerRecord, KeyRecord, TeamRecord, UserRecord};
use crate::money::Money;

/// Tokens of an answer below which it is not worth asking: near the end of a budget a call is refused rather than cut
/// shorter than this.
const LEAST_ANSWER: u64 = 256;

/// How long a reservation is held after its owner was last heard of, in ms, where the configuration sets nothing.
const HOLD_MS: u64 = 120_000;

/// Who calls, with the records of all that belongs to the key.
pub(super) struct Known {
    key: Rc<KeyRecord>,
    team: Option<Rc<TeamRecord>>,
    user: Option<Rc<UserRecord>>,
    customer: Option<Rc<CustomerRecord>>,
}

impl Known {
    /// Reads the records.
    ///
    /// # Errors
    ///
    /// The directory cannot be reached.
    pub(super) async fn read<H: Host>(gateway: &Gateway, host: &H, key: Rc<KeyRecord>, asked: &Asked) -> Result<Self> {
        let records = &gateway.records;
        let team = match &key.team_id {
            Some(id) => records.teams.find(host, RecordKind::Team, id, From::Anywhere).await?,
            None => None,
        };
        let user = match &key.user_id {
            Some(id) => records.users.find(host, RecordKind::User, id, From::Anywhere).await?,
            None => None,
        };
        let customer = match &asked.customer {
            Some(id) => records.customers.find(host, RecordKind::Customer, id, From::Index).await?,
            None => None,
        };
        Ok(Self { key, team, user, customer })
    }

    pub(super) fn identity(&self) -> Identity<'_> {
        let (team, user, customer) = (self.team.as_deref(), self.user.as_deref(), self.customer.as_deref());
        Identity { key: &self.key, team, user, customer }
    }

    /// The key's record as it is now, whatever the isolate remembers.
    ///
    /// # Errors
    ///
    /// The directory cannot be reached.
    pub(super) async fn refreshed<H: Host>(&self, gateway: &Gateway, host: &H) -> Result<Option<Rc<KeyRecord>>> {
        gateway.records.keys.find(host, RecordKind::Key, &self.key.token, From::Directory).await
    }

    /// Whether the key, its team or its user has any limit.
    pub(super) fn is_limited(&self) -> bool {
        let of_team = self.team.iter().flat_map(|team| team.scopes());
        let of_user = self.user.iter().flat_map(|user| user.scopes());
        let mut scopes = self.key.scopes(None).into_iter().chain(of_team).chain(of_user);
        self.key.budget_id.is_some() || scopes.any(|(_, limits)| limits.is_limited())
    }

    /// The key's team.
    pub(super) fn team_id(&self) -> Option<&str> {
        self.key.team_id.as_deref()
    }

    /// Tags of the request, its key and its team.
    pub(super) fn tags(&self, asked: &Asked) -> Vec<String> {
        let mut tags = asked.tags.clone();
        let team = self.team.iter().flat_map(|team| team.tags.iter());
        for tag in self.key.tags.iter().chain(team) {
            if !tags.contains(tag) {
                tags.push(tag.clone());
            }
        }
        tags
    }
}

/// What a call needs to know before it is admitted: the model group, and the most that it can cost and use.
#[derive(Clone)]
pub(super) struct Wanted {
    /// The model group.
    pub(super) group: String,
    /// The most that any deployment of the call can cost; `None` where one has no price.
    pub(super) bound: Option<Money>,
    /// The same with the shortest answer that is worth asking for.
    pub(super) least: Money,
    /// The most tokens that it can use, and the same with the shortest answer.
    pub(super) tokens: (u64, u64),
}

impl Wanted {
    /// Nothing but a model group.
    pub(super) fn new(group: &str) -> Self {
        Self { group: group.to_owned(), bound: Some(Money::ZERO), least: Money::ZERO, tokens: (0, 0) }
    }

    /// Counts a deployment in.
    pub(super) fn include(&mut self, tariff: &Tariff, request: &Request) {
        let most = UsageBound::of(tariff, request);
        let least = UsageBound { output_tokens: most.output_tokens.min(LEAST_ANSWER), ..most };
        self.bound = match (self.bound, most.cost(tariff)) {
            (Some(bound), Some(cost)) => Some(bound.max(cost)),
            _ => None,
        };
        self.least = self.least.max(least.cost(tariff).unwrap_or_default());
        self.tokens = (self.tokens.0.max(tokens(&most)), self.tokens.1.max(tokens(&least)));
    }

    /// Counts what a second attempt may want in, which is not worth having where the first would have to be shorter for it.
    pub(super) fn add_second(&mut self, second: &Self) {
        self.bound = self.bound.zip(second.bound).map(|(one, other)| one + other);
        self.tokens.0 = self.tokens.0.saturating_add(second.tokens.0);
    }
}

/// The most tokens that a request can use.
pub(super) fn tokens(bound: &UsageBound) -> u64 {
    bound.input_tokens.saturating_add(bound.output_tokens.saturating_mul(bound.answers))
}

/// A reservation.
pub(super) struct Hold {
    root: ScopeId,
    grant: Grant,
    /// How long it is held after the ledger last heard of it, in ms.
    silence_ms: u64,
    /// When the ledger last heard of it, in Unix ms.
    told_at: Cell<u64>,
    ended: Cell<bool>,
}

impl Hold {
    /// Reserves what a call may cost in all of its scopes, or says which of them said no.
    ///
    /// # Errors
    ///
    /// LiteLLM's refusals; 503 when the ledger cannot be reached.
    pub(super) async fn reserve<H: Host>(
        gateway: &Gateway,
        host: &H,
        known: &Known,
        asked: &Asked,
        wanted: &Wanted,
        (call_id, call): (&str, &str),
    ) -> Result<Self> {
        let general = &gateway.config.general;
        let tags = known.tags(asked);
        let scopes = known.identity().scopes(&wanted.group, asked.customer.as_deref(), &tags);
        let ask = Ask {
            request_id: call_id.to_owned(),
            scopes,
            bound: wanted.bound,
            least: wanted.least,
            tokens: wanted.tokens.0,
            tokens_least: wanted.tokens.1,
            subject: Subject {
                call_type: call_type(call).to_owned(),
                model_group: wanted.group.clone(),
                ..subject(Some(&known.key), asked, tags)
            },
            ..Ask::default()
        };
        let shared = shared_limits(known, general, &ask.subject.tags);
        let root = known.key.root();
        Self::ask(general, host, root, ask, shared).await?.map_err(|refusal| refused(&refusal, gateway, host))
    }

    /// Asks the ledger of a root; `ask.hold_ms` is the configuration's.
    ///
    /// # Errors
    ///
    /// 503 when the ledger cannot be reached.
    pub(super) async fn ask<H: Host>(
        general: &GeneralSettings,
        host: &H,
        root: ScopeId,
        ask: Ask,
        shared: Vec<(ScopeId, Limits)>,
    ) -> Result<std::result::Result<Self, Refusal>> {
        let silence_ms = general.reservation_hold_ms.unwrap_or(HOLD_MS);
        let ask = Ask { hold_ms: silence_ms, ..ask };
        match host.ledger(&root, &Message::Reserve { ask: Box::new(ask), shared }).await? {
            Reply::Granted(grant) => {
                let told_at = Cell::new(host.now_ms());
                Ok(Ok(Self { root, grant: *grant, silence_ms, told_at, ended: Cell::new(false) }))
            }
            Reply::Refused(refusal) => Ok(Err(*refusal)),
            _ => Err(Error::new(Kind::InternalServer, "the ledger gave another answer than it was asked for")),
        }
    }

    /// What is granted.
    pub(super) fn granted(&self) -> &Grant {
        &self.grant
    }

    /// Whether a budget bounds the call.
    pub(super) fn is_bounded(&self) -> bool {
        !self.grant.budgets.is_empty()
    }

    /// How often a call that takes long says that it lives, in ms.
    pub(super) fn checkpoint_ms(&self) -> u64 {
        self.silence_ms / 2
    }

    /// Says that the call lives, and what it has cost so far; at most once in half of the time that it is held.
    pub(super) async fn checkpoint<H: Host>(&self, host: &H, cost: &dyn Fn() -> Money) {
        let now = host.now_ms();
        if self.ended.get() || now.saturating_sub(self.told_at.get()) < self.checkpoint_ms() {
            return;
        }
        self.told_at.set(now);
        let message = Message::Checkpoint { seq: self.grant.seq, cost: cost(), hold_ms: self.silence_ms };
        // What cannot be told now is told at the end; else the ledger settles at what it holds.
        let _ = host.ledger(&self.root, &message).await;
    }

    /// Ends the reservation with what the call has used. `None`: the ledger could not be told, and will settle by itself.
    pub(super) async fn settle<H: Host>(&self, host: &H, outcome: Outcome) -> Option<Money> {
        self.end(host, Message::Settle { seq: self.grant.seq, outcome }).await
    }

    /// Ends the reservation of a call that has used nothing.
    pub(super) async fn release<H: Host>(&self, host: &H, outcome: Outcome) {
        self.end(host, Message::Release { seq: self.grant.seq, outcome }).await;
    }

    async fn end<H: Host>(&self, host: &H, message: Message) -> Option<Money> {
        if self.ended.replace(true) {
            return None;
        }
        for wait_ms in [0, 100, 500] {
            if wait_ms > 0 {
                host.sleep(wait_ms).await;
            }
            if let Ok(Reply::Closed(closed)) = host.ledger(&self.root, &message).await {
                return match closed {
                    Closed::Done { spend, .. } => Some(spend),
                    Closed::Already | Closed::Unknown => None,
                };
            }
        }
        None
    }

    /// Adds what the key has left to an answer's headers.
    pub(super) fn add_headers(&self, headers: &mut Headers, spend: Option<Money>) {
        self.grant.write_headers(headers);
        let budget = self.grant.key_budget();
        if let Some(spend) = spend.or(budget.map(|budget| budget.spent)) {
            headers.set("x-litellm-key-spend", spend.to_string());
        }
        if let Some(budget) = budget {
            headers.set("x-litellm-key-max-budget", budget.max.to_string());
        }
    }
}

/// Limits of scopes that have no record in this root: the customer's, and those that the configuration gives tags.
fn shared_limits(known: &Known, general: &GeneralSettings, tags: &[String]) -> Vec<(ScopeId, Limits)> {
    let mut shared = known.customer.as_ref().map(|record| record.scopes(None)).unwrap_or_default();
    for (tag, limits) in general.tag_budgets.iter().filter(|(tag, _)| tags.contains(tag)) {
        shared.push((ScopeId::new(ScopeKind::Tag, tag), limits.clone()));
    }
    shared
}

fn refused<H: Host>(refusal: &Refusal, gateway: &Gateway, host: &H) -> Error {
    refusal.to_error(gateway.config.general.budget_exceeded_status.unwrap_or(429), host.now_ms())
}

/// Whether a refusal means that the record which was acted on is out of date.
pub(super) fn is_stale(error: &Error) -> bool {
    error.kind() == Kind::Authentication
}

/// Who asks for what, for the spend log; the kind of call and the model group are the caller's to add.
pub(super) fn subject(key: Option<&KeyRecord>, asked: &Asked, tags: Vec<String>) -> Subject {
    Subject {
        call_type: String::new(),
        key: key.map(|key| key.token.clone()).unwrap_or_default(),
        team: key.and_then(|key| key.team_id.clone()),
        user: key.and_then(|key| key.user_id.clone()),
        customer: asked.customer.clone(),
        organization: None,
        tags,
        model_group: String::new(),
        session_id: asked.session_id.clone(),
        metadata: asked.metadata.clone(),
    }
}
