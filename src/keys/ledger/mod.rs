//! The ledger of one budget root: who has spent what, what is reserved, and whether one more request is paid for.
//!
//! A pure state machine. Every operation takes the clock as an argument and returns its answer together with the rows
//! to write ([`Change`]); a home writes them in the same synchronous block, so that memory and disk never disagree,
//! and rebuilds the whole state with [`Ledger::load`] after a crash.
//!
//! The promise: for every scope and each of its budgets, `spent + reserved <= max` after every admission. It can be
//! above only by what settlements and checkpoints exceeded their own reservations, and by what a limit or a spend that
//! was set by hand left above it.
//!
//! Disk holds three tables:
//!
//! ```text
//! request  seq INTEGER PRIMARY KEY and the fields of Entry   the spend log and the open reservations in one
//! scope    kind, id PRIMARY KEY; a ScopeRow as JSON          limits, and sums that reach up to a closing
//! mark     one row: Mark                                     where a reload starts to read `request`
//!
//! reserve              inserts 1 request
//! settle, release      updates 1 request
//! expire               updates 1 request for each reservation that ends
//! checkpoint           updates 1 request
//! configure, remove, block, set_spend   replaces 1 scope;  apply: 1 for each scope that changes
//! snapshot             replaces 1 scope for each that changed since the last, and the mark
//! a budget window that starts anew      replaces 1 scope, in whichever operation meets it
//! ```
//!
//! Amounts cross as decimal strings of pico-dollars: an i64 of nano-dollars would round every request, and a
//! JavaScript number holds only 9,007 dollars of pico-dollars exactly. `CAST(SUM(CAST(charged AS INTEGER)) AS TEXT)`
//! sums up to nine million dollars in SQL without loss.
//!
//! Closings are numbered. A scope's row says through which closing its sums go, so a reload adds exactly the entries
//! closed after it: no clock is asked, and no clock that jumps can count anything twice. A home that feeds roll-ups
//! uses the same numbers to add each entry once.
//!
//! A customer, a tag or the proxy as a whole that spends in several roots has books in each of them: a root sees, and
//! so bounds, only what passes through it.

mod account;
mod change;
mod entry;
mod evict;
mod figures;
mod hold;
mod home;
mod limits;
mod load;
mod memory;
mod rate;
mod refusal;
mod reserve;
mod scope;
mod settle;
mod tables;
mod wire;

use std::collections::VecDeque;

pub use account::{ScopeView, Window};
pub use change::{Answer, Change, Closing, Crossing, Event, Mark, Progress, ScopeRow, WindowRow};
pub use entry::{Entry, Outcome, State, Subject};
pub use figures::{BudgetFigure, RateFigure};
pub use home::{Home, Loaded, Rows};
pub use limits::{Budget, Limits};
pub use memory::Memory;
pub use rate::{RATE_WINDOW_MS, RateWindow};
pub use refusal::{Refusal, RefusalKind, Shortfall};
pub use reserve::{Ask, Grant};
pub use scope::{MOST_SCOPES, ScopeId, ScopeKind};
pub use settle::{Closed, Handle};
pub use tables::Tables;
pub use wire::{Message, Reply};

use self::account::Account;
use self::hold::Hold;
use super::calendar::Calendar;
use crate::sorted::SortedMap;

/// How many closed reservations are remembered by request id, to recognise a late duplicate of `reserve`.
const REMEMBERED: usize = 1_024;

/// What a ledger is told once, from the configuration.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// When budget days start.
    pub calendar: Calendar,
    /// Limits of customers that have no record of their own (`max_end_user_budget`).
    pub customer: Limits,
}

/// The books of one budget root: a team; else a user; else the key itself.
#[derive(Debug, Default)]
pub struct Ledger {
    settings: Settings,
    /// Every scope in memory, by slot. Slots are never used again, so reservations name scopes by them.
    accounts: SortedMap<usize, Account>,
    slots: SortedMap<ScopeId, usize>,
    next_slot: usize,
    /// Open reservations by sequence number.
    holds: SortedMap<u64, Hold>,
    /// Sequence numbers by request id: all open ones, and the last [`REMEMBERED`] closed ones.
    requests: SortedMap<String, u64>,
    closed: VecDeque<(String, u64)>,
    /// The next reservation's sequence number, from 1.
    next_seq: u64,
    /// How many reservations have been closed.
    closings: u64,
    /// Whether [`Ledger::snapshot`] has anything to write.
    dirty: bool,
}

impl Ledger {
    /// An empty ledger.
    pub fn new(settings: Settings) -> Self {
        Self { settings, next_seq: 1, ..Self::default() }
    }

    /// What is known of a scope; `None` where it was never configured or used.
    pub fn view(&self, scope: &ScopeId) -> Option<ScopeView> {
        self.account(scope).map(Account::view)
    }

    /// What is known of every scope, in order of first use.
    pub fn views(&self) -> impl Iterator<Item = ScopeView> {
        self.accounts.values().map(Account::view)
    }

    /// How many reservations are open.
    pub fn open(&self) -> usize {
        self.holds.len()
    }

    /// When the home's alarm should call [`Ledger::expire`]: the earliest deadline of an open reservation, in ms.
    pub fn next_deadline_ms(&self) -> Option<u64> {
        self.holds.values().map(|hold| hold.deadline_ms).min()
    }

    fn account(&self, scope: &ScopeId) -> Option<&Account> {
        self.accounts.get(self.slots.get(scope)?)
    }

    /// The slot of a scope; makes the account where there is none.
    fn slot(&mut self, scope: &ScopeId, now_ms: u64) -> usize {
        if let Some(slot) = self.slots.get(scope) {
            return *slot;
        }
        let limits = self.default_limits(scope.kind);
        let slot = self.next_slot;
        self.next_slot += 1;
        self.accounts.insert(slot, Account::new(scope.clone(), limits, now_ms, self.settings.calendar));
        self.slots.insert(scope.clone(), slot);
        slot
    }

    /// The limits of a scope that has no record.
    fn default_limits(&self, kind: ScopeKind) -> Limits {
        match kind {
            ScopeKind::Customer => self.settings.customer.clone(),
            _ => Limits::default(),
        }
    }

    /// Starts the budget windows of a scope anew that are due, and hands out the row where one was.
    fn roll(&mut self, slot: usize, now_ms: u64, changes: &mut Vec<Change>) {
        let calendar = self.settings.calendar;
        if let Some(account) = self.accounts.get_mut(&slot)
            && account.roll(now_ms, calendar)
        {
            changes.push(Change::Scope(Box::new(account.row(self.closings, self.next_seq))));
        }
    }

    /// Remembers a closed reservation by its request id, and forgets the oldest beyond [`REMEMBERED`].
    fn remember(&mut self, request_id: String, seq: u64) {
        self.closed.push_back((request_id, seq));
        while self.closed.len() > REMEMBERED {
            if let Some((id, seq)) = self.closed.pop_front()
                && self.requests.get(&id) == Some(&seq)
            {
                self.requests.remove(&id);
            }
        }
    }
}
