//! What an operation hands back: its answer, the rows to write, and the events to tell.

use super::entry::{Entry, Outcome, State};
use super::limits::Limits;
use super::rate::RateWindow;
use super::scope::ScopeId;
use crate::money::Money;

/// An answer with its consequences.
#[derive(Clone, Debug)]
#[must_use = "the changes must be written"]
pub struct Answer<T> {
    /// The answer.
    pub value: T,
    /// Rows to write, in order, in one synchronous block, before the answer leaves the home.
    pub changes: Vec<Change>,
    /// Budget lines that were crossed, each once in a window.
    pub events: Vec<Event>,
}

impl<T> Answer<T> {
    pub(super) const fn new(value: T) -> Self {
        Self { value, changes: Vec::new(), events: Vec::new() }
    }
}

/// A row to write.
#[derive(Clone, Debug)]
pub enum Change {
    /// Insert a row into `request`.
    Open(Box<Entry>),
    /// Update a row of `request` by its `seq`: an open reservation got on.
    Progress(Progress),
    /// Update a row of `request` by its `seq`: the reservation ended.
    Close(Box<Closing>),
    /// Insert or replace a row of `scope`.
    Scope(Box<ScopeRow>),
    /// Replace the one row of `mark`.
    Mark(Mark),
    /// Delete the rows of `request` before this `seq`: they are in the sums, and nobody reads their log.
    Forget(u64),
}

/// How far an open reservation has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which reservation.
    pub seq: u64,
    /// What it has cost so far.
    pub cost: Money,
    /// What it holds now: more than at first where the cost went above it.
    pub reserved: Money,
    /// When it is taken for dead, in ms.
    pub deadline_ms: u64,
}

crate::json::record!(Progress { seq, cost, reserved, deadline_ms });

/// How a reservation ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Which reservation.
    pub seq: u64,
    /// How.
    pub state: State,
    /// The number of this closing, from 1.
    pub closing: u64,
    /// What every scope was charged.
    pub charged: Money,
    /// Whether that is more than was reserved.
    pub over_bound: bool,
    /// When it ended, in ms.
    pub end_ms: u64,
    /// What came of the request.
    pub outcome: Outcome,
}

crate::json::record!(Closing { seq, state, closing, charged, over_bound, end_ms, outcome });

/// A scope as the disk keeps it; a home may store it as JSON under `scope`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeRow {
    /// The scope: the primary key.
    pub scope: ScopeId,
    /// Whether it is configured.
    pub known: bool,
    /// Its limits.
    pub limits: Limits,
    /// One for each budget: the first, then those of [`Limits::more`].
    pub windows: Vec<WindowRow>,
    /// All that was ever settled.
    pub total: Money,
    /// The rate window.
    pub rate: RateWindow,
    /// The last closing that the sums hold.
    pub through_closing: u64,
    /// The first reservation that the rate window does not hold.
    pub before_seq: u64,
}

crate::json::record!(ScopeRow { scope, known, limits, windows, total, rate, through_closing, before_seq });

/// What was spent in a budget's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WindowRow {
    /// The sum.
    pub spent: Money,
    /// When it starts anew, in ms.
    pub reset_at_ms: Option<u64>,
}

crate::json::record!(WindowRow { spent, reset_at_ms });

/// How far the scope rows reach: written by a snapshot, read at a reload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// A reload needs the rows of `request` from this `seq` on; older ones are log alone, and may be moved away.
    pub from_seq: u64,
    /// The next `seq` at that time.
    pub next_seq: u64,
    /// The closings at that time.
    pub closings: u64,
}

crate::json::record!(Mark { from_seq, next_seq, closings });

/// A budget line that a settlement crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose budget.
    pub scope: ScopeId,
    /// Which line.
    pub crossing: Crossing,
    /// What is now spent in the window.
    pub spent: Money,
    /// The line's budget: `soft_budget` for that one, else the window's maximum.
    pub limit: Money,
}

crate::json::record!(Event { scope, crossing, spent, limit });

/// Which line was crossed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crossing {
    /// `soft_budget`.
    SoftBudget,
    /// 80 % of a maximum.
    EightyPercent,
    /// A maximum.
    Exhausted,
}

crate::json::variants!(Crossing {
    "soft_budget" => SoftBudget,
    "eighty_percent" => EightyPercent,
    "exhausted" => Exhausted,
});
