//! The books of one scope: budget windows, what is reserved, and the rate window.

use super::change::{Crossing, ScopeRow, WindowRow};
use super::limits::Limits;
use super::rate::RateWindow;
use super::scope::ScopeId;
use crate::keys::calendar::Calendar;
use crate::keys::duration::Span;
use crate::money::Money;

/// One budget of a scope and what was spent in its present window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Window {
    /// Most that may be spent; `None` bounds nothing.
    pub max: Option<Money>,
    /// The window's length; `None` never starts anew.
    pub span: Option<Span>,
    /// What was settled in it.
    pub spent: Money,
    /// When it starts anew, in ms.
    pub reset_at_ms: Option<u64>,
}

crate::json::record!(Window { max, span, spent, reset_at_ms });

/// What is known of a scope, for `/key/info` and its like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeView {
    /// The scope.
    pub scope: ScopeId,
    /// Whether it was configured (and not removed).
    pub known: bool,
    /// Its limits.
    pub limits: Limits,
    /// Its budgets; the first is that of `max_budget`, whose `spent` is LiteLLM's `spend`.
    pub windows: Vec<Window>,
    /// All that was ever settled (`total_spend`).
    pub total: Money,
    /// Held by open reservations.
    pub reserved: Money,
    /// Open reservations.
    pub open: u64,
    /// The rate window.
    pub rate: RateWindow,
}

crate::json::record!(ScopeView { scope, known, limits, windows, total, reserved, open, rate });

#[derive(Debug)]
pub(super) struct Account {
    pub(super) scope: ScopeId,
    pub(super) limits: Limits,
    pub(super) known: bool,
    pub(super) windows: Vec<Window>,
    pub(super) total: Money,
    pub(super) reserved: Money,
    pub(super) open: u64,
    pub(super) rate: RateWindow,
    /// Whether the row on disk says less than this.
    pub(super) dirty: bool,
}

impl Account {
    pub(super) fn new(scope: ScopeId, limits: Limits, now_ms: u64, calendar: Calendar) -> Self {
        let mut account = Self {
            scope,
            limits: Limits::default(),
            known: false,
            windows: Vec::new(),
            total: Money::ZERO,
            reserved: Money::ZERO,
            open: 0,
            rate: RateWindow::default(),
            dirty: true,
        };
        account.configure(limits, now_ms, calendar);
        account
    }

    /// Takes new limits; see [`super::Ledger::configure`] for what stays.
    pub(super) fn configure(&mut self, limits: Limits, now_ms: u64, calendar: Calendar) {
        let old = std::mem::take(&mut self.windows);
        let first = (limits.max_budget, limits.budget_duration);
        let rest = limits.more.iter().map(|budget| (Some(budget.max), budget.span));
        for (index, (max, span)) in std::iter::once(first).chain(rest).enumerate() {
            let before = match index {
                0 => old.first(),
                _ => old.get(1..).and_then(|more| more.iter().find(|window| window.span == span)),
            };
            let reset_at_ms = match before {
                Some(window) if window.span == span => window.reset_at_ms,
                _ => span.map(|span| span.next_reset(now_ms, calendar)),
            };
            let spent = before.map_or(Money::ZERO, |window| window.spent);
            self.windows.push(Window { max, span, spent, reset_at_ms });
        }
        self.limits = limits;
    }

    /// Starts the windows anew that are due; whether any was.
    pub(super) fn roll(&mut self, now_ms: u64, calendar: Calendar) -> bool {
        let mut rolled = false;
        for window in &mut self.windows {
            if let (Some(span), Some(at)) = (window.span, window.reset_at_ms)
                && now_ms >= at
            {
                window.spent = Money::ZERO;
                window.reset_at_ms = Some(span.next_reset(now_ms, calendar));
                rolled = true;
            }
        }
        rolled
    }

    /// Adds a settled charge, and says which lines it crossed.
    pub(super) fn charge(&mut self, cost: Money, crossed: &mut impl FnMut(Crossing, &Window)) {
        let soft = self.limits.soft_budget;
        self.total += cost;
        for (index, window) in self.windows.iter_mut().enumerate() {
            let before = window.spent;
            window.spent += cost;
            let crosses = |line: Money| before < line && window.spent >= line;
            if index == 0 && soft.is_some_and(crosses) {
                crossed(Crossing::SoftBudget, window);
            }
            if let Some(max) = window.max {
                // Four fifths, rounded up to a pico-dollar.
                let most = Money::from_pico(max.pico() - max.pico() / 5);
                if crosses(max) {
                    crossed(Crossing::Exhausted, window);
                } else if crosses(most) {
                    crossed(Crossing::EightyPercent, window);
                }
            }
        }
        self.dirty = true;
    }

    /// The row for the disk, with sums through closing `closings` and hits before reservation `next_seq`.
    pub(super) fn row(&mut self, closings: u64, next_seq: u64) -> ScopeRow {
        self.dirty = false;
        let windows = self.windows.iter();
        ScopeRow {
            scope: self.scope.clone(),
            known: self.known,
            limits: self.limits.clone(),
            windows: windows.map(|window| WindowRow { spent: window.spent, reset_at_ms: window.reset_at_ms }).collect(),
            total: self.total,
            rate: self.rate,
            through_closing: closings,
            before_seq: next_seq,
        }
    }

    pub(super) fn view(&self) -> ScopeView {
        ScopeView {
            scope: self.scope.clone(),
            known: self.known,
            limits: self.limits.clone(),
            windows: self.windows.clone(),
            total: self.total,
            reserved: self.reserved,
            open: self.open,
            rate: self.rate,
        }
    }
}
