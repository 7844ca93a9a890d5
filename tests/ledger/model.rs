//! The reference: a list of everything that happened, and every figure summed up from it anew.

use std::collections::BTreeMap;

use tollgate::keys::calendar::Calendar;
use tollgate::keys::duration::Span;
use tollgate::keys::ledger::{Ask, Limits, RATE_WINDOW_MS, ScopeId, ScopeKind};
use tollgate::money::Money;

/// A reservation, for ever.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) seq: u64,
    pub(crate) id: String,
    pub(crate) scopes: Vec<ScopeId>,
    pub(crate) reserved: Money,
    pub(crate) progress: Option<Money>,
    pub(crate) deadline: u64,
    pub(crate) at: u64,
    /// Tokens that count: reserved, and once it ended, used.
    pub(crate) tokens: u64,
    pub(crate) open: bool,
}

/// A budget of a scope: what was charged to it from the charge `since` on, above `start`.
#[derive(Clone, Debug)]
pub(crate) struct Purse {
    pub(crate) max: Option<Money>,
    pub(crate) span: Option<Span>,
    pub(crate) start: Money,
    pub(crate) since: usize,
    pub(crate) reset: Option<u64>,
}

#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) known: bool,
    pub(crate) limits: Limits,
    pub(crate) purses: Vec<Purse>,
}

#[derive(Default)]
pub(crate) struct Model {
    pub(crate) calendar: Calendar,
    pub(crate) customer: Limits,
    pub(crate) made: Vec<Made>,
    /// Every charge of each scope.
    pub(crate) charges: BTreeMap<ScopeId, Vec<Money>>,
    pub(crate) holders: BTreeMap<ScopeId, Holder>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Granted(Money, u64),
    Refused(ScopeId, &'static str),
}

impl Model {
    pub(crate) fn holder(&mut self, scope: &ScopeId, now: u64) -> &mut Holder {
        if !self.holders.contains_key(scope) {
            let limits = if scope.kind == ScopeKind::Customer { self.customer.clone() } else { Limits::default() };
            self.holders.insert(scope.clone(), Holder { known: false, limits: limits.clone(), purses: Vec::new() });
            self.limit(scope, limits, now);
        }
        self.holders.get_mut(scope).unwrap()
    }

    pub(crate) fn limit(&mut self, scope: &ScopeId, limits: Limits, now: u64) {
        let (calendar, since) = (self.calendar, self.charged(scope).len());
        let holder = self.holders.get_mut(scope).unwrap();
        let mut wanted = vec![(limits.max_budget, limits.budget_duration)];
        wanted.extend(limits.more.iter().map(|budget| (Some(budget.max), budget.span)));
        let old = std::mem::take(&mut holder.purses);
        for (index, (max, span)) in wanted.into_iter().enumerate() {
            let kept = if index == 0 { old.first() } else { old.iter().skip(1).find(|purse| purse.span == span) };
            let mut purse = kept.cloned().unwrap_or(Purse { max, span: None, start: Money::ZERO, since, reset: None });
            if kept.is_none() || purse.span != span {
                purse.reset = span.map(|span| span.next_reset(now, calendar));
            }
            (purse.max, purse.span) = (max, span);
            holder.purses.push(purse);
        }
        holder.limits = limits;
    }

    pub(crate) fn roll(&mut self, scope: &ScopeId, now: u64) {
        let (calendar, since) = (self.calendar, self.charged(scope).len());
        let Some(holder) = self.holders.get_mut(scope) else { return };
        for purse in &mut holder.purses {
            if purse.reset.is_some_and(|reset| now >= reset) {
                purse.reset = purse.span.map(|span| span.next_reset(now, calendar));
                (purse.start, purse.since) = (Money::ZERO, since);
            }
        }
    }

    pub(crate) fn charged(&self, scope: &ScopeId) -> &[Money] {
        self.charges.get(scope).map_or(&[], Vec::as_slice)
    }

    pub(crate) fn spent(&self, scope: &ScopeId, purse: &Purse) -> Money {
        purse.start + self.charged(scope)[purse.since..].iter().copied().sum::<Money>()
    }

    pub(crate) fn total(&self, scope: &ScopeId) -> Money {
        self.charged(scope).iter().copied().sum()
    }

    pub(crate) fn reserved(&self, scope: &ScopeId) -> Money {
        self.open(scope).map(|made| made.reserved).sum()
    }

    pub(crate) fn open<'a>(&'a self, scope: &'a ScopeId) -> impl Iterator<Item = &'a Made> {
        self.made.iter().filter(move |made| made.open && made.scopes.contains(scope))
    }

    /// Requests and tokens of the rate window that holds `now`: windows found by walking through every hit there was.
    pub(crate) fn rate(&self, scope: &ScopeId, now: u64) -> (u64, u64) {
        let mut window: Option<(u64, u64, u64)> = None;
        for made in self.made.iter().filter(|made| made.scopes.contains(scope)) {
            window = match window {
                Some((start, requests, tokens)) if start.abs_diff(made.at) < RATE_WINDOW_MS => {
                    Some((start, requests + 1, tokens + made.tokens))
                }
                _ => Some((made.at, 1, made.tokens)),
            };
        }
        match window {
            Some((start, requests, tokens)) if start.abs_diff(now) < RATE_WINDOW_MS => (requests, tokens),
            _ => (0, 0),
        }
    }

    /// What the ledger must answer to `ask`.
    pub(crate) fn judge(&mut self, ask: &Ask, now: u64) -> Verdict {
        let mut scopes: Vec<ScopeId> = Vec::new();
        for scope in &ask.scopes {
            if !scopes.contains(scope) {
                scopes.push(scope.clone());
            }
        }
        let before = self.holders.clone();
        for scope in &scopes {
            self.holder(scope, now);
            self.roll(scope, now);
        }
        let verdict = self.weigh(&scopes, ask, now);
        if matches!(verdict, Verdict::Refused(..)) {
            self.holders.retain(|scope, _| before.contains_key(scope));
        }
        verdict
    }

    fn weigh(&self, scopes: &[ScopeId], ask: &Ask, now: u64) -> Verdict {
        let (mut money, mut tokens) = (ask.bound.unwrap_or_default(), ask.tokens);
        for scope in scopes {
            let Holder { known, limits, purses } = &self.holders[scope];
            let no = |why| Verdict::Refused(scope.clone(), why);
            if !known && matches!(scope.kind, ScopeKind::Key | ScopeKind::Team) {
                return no("unknown");
            }
            if limits.blocked {
                return no("blocked");
            }
            if limits.expires_ms.is_some_and(|at| now >= at) {
                return no("expired");
            }
            for purse in purses {
                let Some(max) = purse.max else { continue };
                match ask.bound {
                    Some(Money::ZERO) => {}
                    None => return no("unpriced"),
                    Some(_) => {
                        let left = max - self.spent(scope, purse) - self.reserved(scope);
                        if left <= Money::ZERO || left < ask.least {
                            return no("budget");
                        }
                        money = money.min(left);
                    }
                }
            }
        }
        for scope in scopes {
            let limits = &self.holders[scope].limits;
            let no = |why| Verdict::Refused(scope.clone(), why);
            let (requests, used) = self.rate(scope, now);
            if limits.rpm.is_some_and(|rpm| requests >= rpm) {
                return no("requests");
            }
            if let Some(tpm) = limits.tpm {
                let left = tpm.saturating_sub(used);
                if left == 0 || left < ask.tokens_least {
                    return no("tokens");
                }
                tokens = tokens.min(left);
            }
            if limits.parallel.is_some_and(|most| self.open(scope).count() as u64 >= most) {
                return no("parallel");
            }
        }
        Verdict::Granted(money, tokens)
    }

    /// Ends an open reservation.
    pub(crate) fn end(&mut self, seq: u64, cost: Money, tokens: Option<u64>, now: u64) {
        let at = self.made.iter().position(|made| made.seq == seq && made.open).unwrap();
        let scopes = self.made[at].scopes.clone();
        for scope in &scopes {
            self.roll(scope, now);
        }
        self.made[at].open = false;
        self.made[at].tokens = tokens.unwrap_or(self.made[at].tokens);
        for scope in scopes {
            self.charges.entry(scope).or_default().push(cost);
        }
    }
}
