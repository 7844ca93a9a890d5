//! Snapshots of the sums, and the way back from the rows after a crash.

use super::change::{Answer, Change, Mark, ScopeRow};
use super::entry::{Entry, State};
use super::hold::Hold;
use super::scope::ScopeId;
use super::{Ledger, Settings};

impl Ledger {
    /// Writes the sums of every scope that changed, and how far they reach, so that a reload reads few rows. For an
    /// alarm, about once a minute while there is traffic. Writes one `scope` row for each changed scope and one
    /// `mark` row, or nothing where nothing changed. In the ledger of a deployment or provider it also deletes the rows of
    /// `request` that a reload does not need.
    ///
    /// A reload is exact with any snapshot or none: snapshots only bound its length.
    pub fn snapshot(&mut self) -> Answer<()> {
        let mut answer = Answer::new(());
        if !self.dirty {
            return answer;
        }
        for account in self.accounts.values_mut().filter(|account| account.dirty) {
            answer.changes.push(Change::Scope(Box::new(account.row(self.closings, self.next_seq))));
        }
        let from_seq = self.holds.keys().next().copied().unwrap_or(self.next_seq);
        answer.changes.push(Change::Mark(Mark { from_seq, next_seq: self.next_seq, closings: self.closings }));
        // The calls are in the logs of those who made them: a deployment's ledger is for its limits alone.
        if self.accounts.values().any(|account| account.scope.kind.is_upstream()) {
            answer.changes.push(Change::Forget(from_seq));
        }
        self.dirty = false;
        answer
    }

    /// Whether [`Ledger::snapshot`] has anything to write.
    pub fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Rebuilds a ledger from its rows: all of `scope`, the one of `mark` (the default where there is none), and
    /// those of `request` with `seq >= mark.from_seq`, by `seq`.
    ///
    /// Scopes without a record take the settings' present limits; reservations past their deadline wait for
    /// [`Ledger::expire`].
    pub fn load(
        settings: Settings,
        scopes: impl IntoIterator<Item = ScopeRow>,
        mark: Mark,
        entries: impl IntoIterator<Item = Entry>,
        now_ms: u64,
    ) -> Self {
        let mut ledger = Self::new(settings);
        ledger.next_seq = mark.next_seq.max(1);
        ledger.closings = mark.closings;
        let mut reach = Vec::new();
        for row in scopes {
            ledger.closings = ledger.closings.max(row.through_closing);
            ledger.next_seq = ledger.next_seq.max(row.before_seq);
            reach.push(Reach { closing: row.through_closing, seq: row.before_seq });
            ledger.restore(row, now_ms);
        }
        let mut corrections = Vec::new();
        for entry in entries {
            ledger.next_seq = ledger.next_seq.max(entry.seq + 1);
            ledger.closings = ledger.closings.max(entry.closing);
            ledger.replay(entry, &mut reach, &mut corrections, now_ms);
        }
        for (slot, seq, reserved, used) in corrections {
            if let Some(account) = ledger.accounts.get_mut(&slot) {
                account.rate.correct(seq, reserved, used);
            }
        }
        ledger.dirty = true;
        ledger
    }

    pub(super) fn restore(&mut self, row: ScopeRow, now_ms: u64) {
        let slot = self.slot(&row.scope, now_ms);
        let calendar = self.settings.calendar;
        let default = self.default_limits(row.scope.kind);
        let Some(account) = self.accounts.get_mut(&slot) else { return };
        account.configure(row.limits, now_ms, calendar);
        for (window, saved) in account.windows.iter_mut().zip(row.windows) {
            window.spent = saved.spent;
            window.reset_at_ms = saved.reset_at_ms;
        }
        account.known = row.known;
        account.total = row.total;
        account.rate = row.rate;
        account.dirty = false;
        if !row.known && !account.limits.blocked && account.limits != default {
            account.configure(default, now_ms, calendar);
        }
    }

    fn replay(&mut self, entry: Entry, reach: &mut Vec<Reach>, corrections: &mut Vec<Correction>, now_ms: u64) {
        let mut slots = Vec::with_capacity(entry.scopes.len());
        for scope in &entry.scopes {
            slots.push(self.slot(scope, now_ms));
        }
        reach.resize(self.next_slot, Reach::default());
        for slot in &slots {
            let (Some(account), Some(reach)) = (self.accounts.get_mut(slot), reach.get(*slot)) else { continue };
            account.dirty = true;
            if entry.seq >= reach.seq {
                account.rate.hit(entry.seq, entry.tokens_reserved, entry.start_ms);
            }
            if entry.state == State::Open {
                account.reserved += entry.reserved;
                account.open += 1;
            } else if entry.closing > reach.closing {
                account.charge(entry.charged, &mut |_, _| {});
                if entry.state != State::Expired {
                    corrections.push((*slot, entry.seq, entry.tokens_reserved, entry.outcome.total_tokens));
                }
            }
        }
        self.requests.insert(entry.request_id.clone(), entry.seq);
        if entry.state == State::Open {
            let (request_id, deadline_ms) = (entry.request_id, entry.deadline_ms);
            let (reserved, progress, tokens) = (entry.reserved, entry.progress, entry.tokens_reserved);
            self.holds.insert(entry.seq, Hold { request_id, slots, reserved, progress, tokens, deadline_ms });
        } else {
            self.remember(entry.request_id, entry.seq);
        }
    }
}

/// How far the row of a scope reaches: closings after it and reservations from it on are replayed.
#[derive(Clone, Copy, Default)]
struct Reach {
    closing: u64,
    seq: u64,
}

/// A slot, a reservation, the tokens that it reserved and those that it used.
type Correction = (usize, u64, u64, u64);

impl Ledger {
    /// The scopes whose sums are newer than their rows: how many rows a snapshot would write.
    pub fn unsaved(&self) -> usize {
        self.accounts.values().filter(|account| account.dirty).count()
    }

    /// Whether a scope is configured here.
    pub fn knows(&self, scope: &ScopeId) -> bool {
        self.account(scope).is_some_and(|account| account.known)
    }
}
