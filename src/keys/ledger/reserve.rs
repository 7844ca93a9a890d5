//! `reserve`: whether one more request is paid for, in every scope at once.

use super::Ledger;
use super::account::Account;
use super::change::{Answer, Change};
use super::entry::{Entry, State, Subject};
use super::figures::{BudgetFigure, RateFigure};
use super::hold::Hold;
use super::refusal::{Refusal, RefusalKind, Shortfall};
use super::scope::{MOST_SCOPES, ScopeId};
use crate::money::Money;

/// What a request wants to reserve.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The gateway's own fresh id of the request, never one that a client chose: asking again with the same id is
    /// answered with the same reservation, so a client's id would let it share one.
    pub request_id: String,
    /// What it counts against, in the order in which to check. At most [`MOST_SCOPES`]; repeated ones count once.
    pub scopes: Vec<ScopeId>,
    /// Most that the request can cost. `Some(ZERO)` is free and skips the budgets; `None` is not known, and is refused
    /// where a scope has a budget.
    pub bound: Option<Money>,
    /// Least that makes sense: the ledger grants anything from here to `bound`. The same as `bound`: all or nothing.
    pub least: Money,
    /// Most tokens that the request can use, for the windows of tokens.
    pub tokens: u64,
    /// Fewest tokens that make sense.
    pub tokens_least: u64,
    /// How long the owner may be silent before it is taken for dead, in ms.
    pub hold_ms: u64,
    /// Who asks for what: goes into the log as it is.
    pub subject: Subject,
}

crate::json::record!(Ask { request_id, scopes, bound, least, tokens, tokens_least, hold_ms, subject });

/// A reservation that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Its sequence number, by which it is settled.
    pub seq: u64,
    /// What is reserved: `bound`, or what is left of the tightest budget. Below `bound`, the gateway clamps the
    /// output so that the request cannot cost more.
    pub granted: Money,
    /// Tokens that are reserved: clamp to these too.
    pub tokens: u64,
    /// Whether this repeats the answer to an earlier `reserve` with the same id.
    pub repeated: bool,
    /// What is left of each rate limit, for `x-ratelimit-…` headers.
    pub rates: Vec<RateFigure>,
    /// What is left of each budget.
    pub budgets: Vec<BudgetFigure>,
}

crate::json::record!(Grant { seq, granted, tokens, repeated, rates, budgets });

impl Ledger {
    /// Reserves money, tokens and a place for one request in all of its scopes, or in none.
    ///
    /// Writes one `request` row when granted. Besides: one `scope` row for each budget window that starts anew.
    pub fn reserve(&mut self, ask: Ask, now_ms: u64) -> Answer<Result<Grant, Refusal>> {
        if let Some(seq) = self.requests.get(&ask.request_id) {
            return Answer::new(self.repeat(*seq, now_ms));
        }
        let known_before = self.next_slot;
        let slots = match self.slots_of(&ask.scopes, now_ms) {
            Ok(slots) => slots,
            Err(refusal) => return Answer::new(Err(refusal)),
        };
        let mut answer = Answer::new(Ok(Grant::empty()));
        for slot in &slots {
            self.roll(*slot, now_ms, &mut answer.changes);
        }
        match self.weigh(&slots, &ask, now_ms) {
            Ok((granted, tokens)) => {
                self.found(&slots, known_before, &mut answer.changes);
                answer.value = Ok(self.admit(ask, slots, (granted, tokens), now_ms, &mut answer.changes));
            }
            Err(refusal) => {
                // What was refused leaves no trace: else invented customers and tags would fill the memory.
                self.forget_from(known_before);
                answer.value = Err(refusal);
            }
        }
        answer
    }

    fn slots_of(&mut self, scopes: &[ScopeId], now_ms: u64) -> Result<Vec<usize>, Refusal> {
        if scopes.len() > MOST_SCOPES {
            let scope = scopes.first().cloned().unwrap_or_else(ScopeId::global);
            return Err(Refusal::new(scope, RefusalKind::TooManyScopes));
        }
        let mut slots = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let slot = self.slot(scope, now_ms);
            if !slots.contains(&slot) {
                slots.push(slot);
            }
        }
        Ok(slots)
    }

    /// The money and tokens that every scope can grant, or the first scope that cannot.
    fn weigh(&self, slots: &[usize], ask: &Ask, now_ms: u64) -> Result<(Money, u64), Refusal> {
        let accounts = || slots.iter().filter_map(|slot| self.accounts.get(slot));
        let mut granted = ask.bound.unwrap_or_default().max(Money::ZERO);
        for account in accounts() {
            account.may_act(now_ms)?;
            granted = granted.min(account.may_spend(ask, granted)?);
        }
        let mut tokens = ask.tokens;
        for account in accounts() {
            tokens = account.may_run(ask, tokens, now_ms)?;
        }
        Ok((granted, tokens))
    }

    /// A new scope whose default budget has a window needs its row at once: the reset must not move at a reload.
    fn found(&mut self, slots: &[usize], known_before: usize, changes: &mut Vec<Change>) {
        for slot in slots.iter().filter(|slot| **slot >= known_before) {
            if let Some(account) = self.accounts.get_mut(slot)
                && account.windows.iter().any(|window| window.reset_at_ms.is_some())
            {
                changes.push(Change::Scope(Box::new(account.row(self.closings, self.next_seq))));
            }
        }
    }

    fn admit(
        &mut self,
        ask: Ask,
        slots: Vec<usize>,
        (granted, tokens): (Money, u64),
        now_ms: u64,
        changes: &mut Vec<Change>,
    ) -> Grant {
        let seq = self.next_seq;
        self.next_seq += 1;
        self.dirty = true;
        for slot in &slots {
            if let Some(account) = self.accounts.get_mut(slot) {
                account.reserved += granted;
                account.open += 1;
                account.rate.hit(seq, tokens, now_ms);
                account.dirty = true;
            }
        }
        let deadline_ms = now_ms.saturating_add(ask.hold_ms);
        let grant = self.grant(seq, granted, tokens, &slots, now_ms);
        self.requests.insert(ask.request_id.clone(), seq);
        let scopes = slots.iter().filter_map(|slot| self.accounts.get(slot)).map(|account| account.scope.clone());
        changes.push(Change::Open(Box::new(Entry {
            seq,
            request_id: ask.request_id.clone(),
            state: State::Open,
            start_ms: now_ms,
            deadline_ms,
            reserved: granted,
            tokens_reserved: tokens,
            scopes: scopes.collect(),
            subject: ask.subject,
            ..Entry::default()
        })));
        let request_id = ask.request_id;
        self.holds.insert(seq, Hold { request_id, slots, reserved: granted, progress: None, tokens, deadline_ms });
        grant
    }

    fn repeat(&self, seq: u64, now_ms: u64) -> Result<Grant, Refusal> {
        match self.holds.get(&seq) {
            Some(hold) => {
                let mut grant = self.grant(seq, hold.reserved, hold.tokens, &hold.slots, now_ms);
                grant.repeated = true;
                Ok(grant)
            }
            None => Err(Refusal::new(ScopeId::global(), RefusalKind::Ended)),
        }
    }

    fn grant(&self, seq: u64, granted: Money, tokens: u64, slots: &[usize], now_ms: u64) -> Grant {
        let accounts = || slots.iter().filter_map(|slot| self.accounts.get(slot));
        let rates = accounts().filter_map(|account| RateFigure::of(account, now_ms)).collect();
        let budgets = accounts().filter_map(BudgetFigure::of).collect();
        Grant { seq, granted, tokens, repeated: false, rates, budgets }
    }

    fn forget_from(&mut self, known_before: usize) {
        if known_before >= self.next_slot {
            return;
        }
        let slots = &mut self.slots;
        self.accounts.retain(|slot, account| {
            let keep = *slot < known_before;
            if !keep {
                slots.remove(&account.scope);
            }
            keep
        });
    }
}

impl Grant {
    const fn empty() -> Self {
        Self { seq: 0, granted: Money::ZERO, tokens: 0, repeated: false, rates: Vec::new(), budgets: Vec::new() }
    }
}

impl Account {
    /// Known, not blocked, not expired.
    fn may_act(&self, now_ms: u64) -> Result<(), Refusal> {
        let refuse = |kind| Err(Refusal::new(self.scope.clone(), kind));
        if !self.known && self.scope.kind.must_be_known() {
            return refuse(RefusalKind::Unknown);
        }
        if self.limits.blocked {
            return refuse(RefusalKind::Blocked);
        }
        match self.limits.expires_ms {
            Some(expires_ms) if now_ms >= expires_ms => refuse(RefusalKind::Expired { expires_ms, now_ms }),
            _ => Ok(()),
        }
    }

    /// What this scope can grant of `wanted`.
    fn may_spend(&self, ask: &Ask, wanted: Money) -> Result<Money, Refusal> {
        if !self.limits.has_budget() || ask.bound == Some(Money::ZERO) {
            return Ok(wanted);
        }
        let Some(bound) = ask.bound else { return Err(Refusal::new(self.scope.clone(), RefusalKind::Unpriced)) };
        let least = ask.least.min(bound).max(Money::from_pico(1));
        let mut granted = wanted;
        for (index, window) in self.windows.iter().enumerate() {
            let Some(max) = window.max else { continue };
            let left = max - window.spent - self.reserved;
            if window.spent >= max || left < least {
                let short = Shortfall {
                    spent: window.spent,
                    reserved: self.reserved,
                    max,
                    wanted: least,
                    // LiteLLM words the budgets of `budget_limits` by their window.
                    window: window.span.filter(|_| index > 0),
                    reset_at_ms: window.reset_at_ms,
                };
                return Err(Refusal::new(self.scope.clone(), RefusalKind::Budget(Box::new(short))));
            }
            granted = granted.min(left);
        }
        Ok(granted)
    }

    /// How many of `wanted` tokens this scope can grant.
    fn may_run(&self, ask: &Ask, wanted: u64, now_ms: u64) -> Result<u64, Refusal> {
        let rate = self.rate.at(now_ms);
        let refuse = |kind| Err(Refusal::new(self.scope.clone(), kind));
        if let Some(limit) = self.limits.rpm
            && rate.requests >= limit
        {
            return refuse(RefusalKind::Requests { limit, reset_at_ms: rate.ends_ms() });
        }
        let mut granted = wanted;
        if let Some(limit) = self.limits.tpm {
            let left = limit.saturating_sub(rate.tokens);
            if left == 0 || left < ask.tokens_least.min(ask.tokens) {
                return refuse(RefusalKind::Tokens { limit, left, reset_at_ms: rate.ends_ms() });
            }
            granted = granted.min(left);
        }
        match self.limits.parallel {
            Some(limit) if self.open >= limit => refuse(RefusalKind::Parallel { limit }),
            _ => Ok(granted),
        }
    }
}
