//! What a scope may spend and do, and the operations that change it.

use super::Ledger;
use super::change::{Answer, Change};
use super::scope::ScopeId;
use crate::keys::duration::Span;
use crate::money::Money;

/// A budget: so much in each window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Most that may be spent in a window.
    pub max: Money,
    /// The window; `None` never starts anew.
    pub span: Option<Span>,
}

crate::json::record!(Budget { max, span });

/// Limits of a scope; the default has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// `max_budget`; `None` counts the spend and bounds nothing.
    pub max_budget: Option<Money>,
    /// `budget_duration`: when the spend starts anew.
    pub budget_duration: Option<Span>,
    /// `soft_budget`: an event at this spend, and nothing refused.
    pub soft_budget: Option<Money>,
    /// `budget_limits`: further windows, all of which must hold.
    pub more: Vec<Budget>,
    /// Requests in a window of 60 s.
    pub rpm: Option<u64>,
    /// Tokens in a window of 60 s.
    pub tpm: Option<u64>,
    /// Requests at one time.
    pub parallel: Option<u64>,
    /// Whether nothing is admitted.
    pub blocked: bool,
    /// When the scope stops to admit anything, in ms.
    pub expires_ms: Option<u64>,
}

crate::json::record!(default Limits { max_budget, budget_duration, soft_budget, more, rpm, tpm, parallel, blocked, expires_ms });

impl Limits {
    /// Whether spending is bounded.
    pub fn has_budget(&self) -> bool {
        self.max_budget.is_some() || !self.more.is_empty()
    }

    /// Whether anything is bounded: such a key is refused while its ledger cannot be reached.
    pub fn is_limited(&self) -> bool {
        self.has_budget() || self.rpm.is_some() || self.tpm.is_some() || self.parallel.is_some() || self.blocked
    }
}

impl Ledger {
    /// Sets the limits of a scope, and makes it known. What was spent stays: in the first window always, in further
    /// ones where a window of the same length was there before. Writes one scope row.
    pub fn configure(&mut self, scope: &ScopeId, limits: Limits, now_ms: u64) -> Answer<()> {
        let calendar = self.settings.calendar;
        self.edit(scope, now_ms, |account| {
            account.known = true;
            account.configure(limits, now_ms, calendar);
        })
    }

    /// Takes over a record: sets the limits of an object and of what belongs to it (`scopes` of the record, the object
    /// first), and removes those of its models and members that are not named any more. Writes one scope row
    /// for each that changes.
    pub fn apply(&mut self, scopes: &[(ScopeId, Limits)], now_ms: u64) -> Answer<()> {
        let mut answer = Answer::new(());
        let Some((owner, _)) = scopes.first() else { return answer };
        let named = |scope: &ScopeId| scopes.iter().any(|(other, _)| other == scope);
        let gone =
            |account: &&super::Account| account.known && account.scope.belongs_to(owner) && !named(&account.scope);
        let gone: Vec<ScopeId> = self.accounts.values().filter(gone).map(|account| account.scope.clone()).collect();
        for scope in &gone {
            answer.changes.extend(self.remove(scope, now_ms).changes);
        }
        for (scope, limits) in scopes {
            // A change of a team of a thousand members writes the rows of those that it changes.
            if !self.account(scope).is_some_and(|account| account.known && account.limits == *limits) {
                answer.changes.extend(self.configure(scope, limits.clone(), now_ms).changes);
            }
        }
        answer
    }

    /// Takes a scope away: a key or team so removed admits nothing more. Its spend stays in the books, and open
    /// reservations still settle. Writes one scope row, or none where the scope is not there.
    pub fn remove(&mut self, scope: &ScopeId, now_ms: u64) -> Answer<()> {
        if !self.slots.contains_key(scope) {
            return Answer::new(());
        }
        let (calendar, limits) = (self.settings.calendar, self.default_limits(scope.kind));
        self.edit(scope, now_ms, |account| {
            account.known = false;
            account.configure(limits, now_ms, calendar);
        })
    }

    /// Blocks or unblocks a scope. Writes one scope row.
    pub fn block(&mut self, scope: &ScopeId, blocked: bool, now_ms: u64) -> Answer<()> {
        self.edit(scope, now_ms, |account| account.limits.blocked = blocked)
    }

    /// Sets the spend of a scope's first window by hand (`/key/{key}/reset_spend`, `spend` of `/key/update`); the
    /// lifetime total stays what the log says. Writes one scope row.
    pub fn set_spend(&mut self, scope: &ScopeId, spend: Money, now_ms: u64) -> Answer<()> {
        self.edit(scope, now_ms, |account| {
            if let Some(first) = account.windows.first_mut() {
                first.spent = spend.max(Money::ZERO);
            }
        })
    }

    /// Starts every budget window anew that is due: for an alarm, so that `/key/info` of an idle key shows the reset.
    /// The other operations do it themselves for the scopes that they touch. Writes one row for each scope that
    /// changed.
    pub fn reset_due(&mut self, now_ms: u64) -> Answer<()> {
        let mut answer = Answer::new(());
        for slot in self.accounts.keys().copied().collect::<Vec<_>>() {
            self.roll(slot, now_ms, &mut answer.changes);
        }
        answer
    }

    fn edit(&mut self, scope: &ScopeId, now_ms: u64, change: impl FnOnce(&mut super::Account)) -> Answer<()> {
        let slot = self.slot(scope, now_ms);
        let (closings, next_seq, calendar) = (self.closings, self.next_seq, self.settings.calendar);
        let mut answer = Answer::new(());
        if let Some(account) = self.accounts.get_mut(&slot) {
            account.roll(now_ms, calendar);
            change(account);
            answer.changes.push(Change::Scope(Box::new(account.row(closings, next_seq))));
        }
        answer
    }
}
