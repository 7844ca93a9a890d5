//! A row of the spend log: one request, from its reservation to its settlement.

use super::change::{Closing, Progress};
use super::scope::ScopeId;
use crate::money::Money;

/// Where a reservation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// The request is under way.
    #[default]
    Open,
    /// Settled by its owner.
    Settled,
    /// Ended by its owner, with nothing used.
    Released,
    /// Its owner was not heard of again: charged what it held or had last reported.
    Expired,
}

crate::json::variants!(State {
    "open" => Open,
    "settled" => Settled,
    "released" => Released,
    "expired" => Expired,
});

/// A row of `request`: the reservation and the spend log in one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// The primary key.
    pub seq: u64,
    /// The gateway's own id of the request.
    pub request_id: String,
    /// Where it stands.
    pub state: State,
    /// The number of its closing; 0 while open.
    pub closing: u64,
    /// When it was reserved, in ms.
    pub start_ms: u64,
    /// When it ended, in ms; 0 while open.
    pub end_ms: u64,
    /// When it is taken for dead, in ms.
    pub deadline_ms: u64,
    /// What it holds, or held.
    pub reserved: Money,
    /// What it had cost when its owner last reported.
    pub progress: Option<Money>,
    /// Tokens that it reserved.
    pub tokens_reserved: u64,
    /// What every scope was charged.
    pub charged: Money,
    /// Whether that is more than was reserved.
    pub over_bound: bool,
    /// The scopes that it counts against.
    pub scopes: Vec<ScopeId>,
    /// Who asked for what.
    pub subject: Subject,
    /// What came of it.
    pub outcome: Outcome,
}

crate::json::record!(Entry {
    seq,
    request_id,
    state,
    closing,
    start_ms,
    end_ms,
    deadline_ms,
    reserved,
    progress,
    tokens_reserved,
    charged,
    over_bound,
    scopes,
    subject,
    outcome
});

/// Who asked for what: known at the reservation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Subject {
    /// `acompletion`, `aembedding`, …: LiteLLM's `call_type`.
    pub call_type: String,
    /// The key's hash.
    pub key: String,
    /// `team_id`.
    pub team: Option<String>,
    /// `user_id`.
    pub user: Option<String>,
    /// `end_user`.
    pub customer: Option<String>,
    /// `organization_id`.
    pub organization: Option<String>,
    /// `request_tags`.
    pub tags: Vec<String>,
    /// The model group that was asked for.
    pub model_group: String,
    /// `session_id`.
    pub session_id: Option<String>,
    /// The request's `metadata`, as JSON text; empty for none.
    pub metadata: String,
}

crate::json::record!(default Subject { call_type, key, team, user, customer, organization, tags, model_group, session_id, metadata });

/// What came of a request: known at the settlement.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// The model that answered, as its provider names it.
    pub model: String,
    /// The deployment (`model_id`).
    pub model_id: String,
    /// The provider (`custom_llm_provider`).
    pub provider: String,
    /// Tokens in, all kinds.
    pub prompt_tokens: u64,
    /// Tokens out, all kinds.
    pub completion_tokens: u64,
    /// Both, as reported.
    pub total_tokens: u64,
    /// Of the tokens in: read from the provider's cache.
    pub cache_read_tokens: u64,
    /// Of the tokens in: written to the provider's cache.
    pub cache_write_tokens: u64,
    /// What it cost; `None` where the price is not known, which is not 0.
    pub cost: Option<Money>,
    /// Whether tokens or cost are an estimate.
    pub estimated: bool,
    /// Whether the answer came from the gateway's own cache.
    pub cache_hit: bool,
    /// `success` or `failure`.
    pub status: String,
}

crate::json::record!(default Outcome { model, model_id, provider, prompt_tokens, completion_tokens, total_tokens, cache_read_tokens, cache_write_tokens, cost, estimated, cache_hit, status });

impl Entry {
    /// Takes what an owner reported: for homes that keep rows in memory.
    pub fn progress(&mut self, progress: &Progress) {
        self.progress = Some(progress.cost);
        self.reserved = progress.reserved;
        self.deadline_ms = progress.deadline_ms;
    }

    /// Takes how it ended: for homes that keep rows in memory.
    pub fn close(&mut self, closing: Closing) {
        self.state = closing.state;
        self.closing = closing.closing;
        self.charged = closing.charged;
        self.over_bound = closing.over_bound;
        self.end_ms = closing.end_ms;
        self.outcome = closing.outcome;
    }
}
