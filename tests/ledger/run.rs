//! One seeded run: random operations on the ledger, the disk and the model, all compared after each step.

use std::collections::{BTreeMap, HashMap};

use tollgate::keys::calendar::Calendar;
use tollgate::keys::duration::Span;
use tollgate::keys::ledger::{Ledger, Limits, ScopeId, ScopeKind, ScopeView, Settings, State};
use tollgate::money::Money;

use crate::disk::Disk;
use crate::model::Model;
use crate::random::Random;
use crate::tally::Tally;

pub(crate) struct Run {
    pub(crate) random: Random,
    pub(crate) settings: Settings,
    pub(crate) ledger: Ledger,
    pub(crate) disk: Disk,
    pub(crate) model: Model,
    pub(crate) now: u64,
    pub(crate) next_id: u64,
    /// Requests that ended since the last reload: duplicates of these are recognised for sure.
    pub(crate) ended: Vec<String>,
    /// By how much each window may stand above its maximum, and only for the two reasons that the promise names.
    pub(crate) excess: BTreeMap<(ScopeId, usize), Money>,
    pub(crate) tally: Tally,
}

pub(crate) fn dollars(random: &mut Random, cents: u64) -> Money {
    // Odd pico-dollars: a sum that is rounded anywhere shows.
    Money::from_pico(i128::from(random.below(cents * 10_000_000_000)))
}

impl Run {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let offset_minutes = random.below(1_440) as i32 - 720;
        let calendar = Calendar { offset_minutes, at_minutes: random.below(1_440) as u32 };
        let max_budget = random.chance(50).then(|| dollars(&mut random, 300));
        let budget_duration = random.chance(50).then(|| Span::parse("1h", "d").unwrap());
        let customer = Limits { max_budget, budget_duration, ..Limits::default() };
        let settings = Settings { calendar, customer: customer.clone() };
        Self {
            random,
            ledger: Ledger::new(settings.clone()),
            settings,
            disk: Disk::default(),
            model: Model { calendar, customer, ..Model::default() },
            now: 1_700_000_000_000,
            next_id: 0,
            ended: Vec::new(),
            excess: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    pub(crate) fn steps(mut self, count: u64) -> Tally {
        for id in ["k0", "k1", "k2"] {
            self.configure(&ScopeId::new(ScopeKind::Key, id));
        }
        self.configure(&ScopeId::new(ScopeKind::Team, "t"));
        for _ in 0..count {
            self.step();
            self.check();
            self.tally.steps += 1;
        }
        self.now += 400 * 86_400_000;
        self.expire();
        self.check();
        assert_eq!(self.ledger.open(), 0);
        assert!(self.disk.requests.values().all(|entry| entry.state != State::Open), "a reservation never ended");
        for (scope, view) in self.views() {
            assert_eq!((view.total, view.reserved, view.open), (self.model.total(&scope), Money::ZERO, 0));
        }
        self.tally
    }

    fn step(&mut self) {
        let jump = self.random.below(1_000);
        self.now = match jump {
            0..3 => self.now + self.random.below(40 * 86_400_000),
            3..8 => self.now.saturating_sub(self.random.below(2 * 86_400_000)),
            8..28 => self.now + self.random.below(3_600_000),
            _ => self.now + self.random.below(4_000),
        };
        match self.random.below(100) {
            0..42 => self.reserve(),
            42..66 => self.settle(),
            66..71 => self.release(),
            71..79 => self.progress(),
            79..83 => self.expire(),
            83..86 => self.crash(),
            86..88 => self.lose(),
            88..90 => self.snapshot(),
            90..92 => self.reset_due(),
            _ => self.edit(),
        }
    }

    pub(crate) fn same(&self, before: &BTreeMap<ScopeId, ScopeView>, what: &str) {
        let after = self.views();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{what}");
        for (scope, view) in before {
            assert_eq!(view, &after[scope], "{scope}: {what}");
        }
    }

    /// Takes scopes back into memory that were evicted, as a home does before it asks.
    pub(crate) fn recall(&mut self, scopes: &[ScopeId]) {
        for scope in self.ledger.absent(scopes) {
            if let Some(row) = self.disk.row(scope) {
                self.ledger.recall(row, self.now);
            }
        }
    }

    /// Every scope: those in memory, and the evicted ones as they would come back.
    pub(crate) fn views(&self) -> BTreeMap<ScopeId, ScopeView> {
        let mut views: BTreeMap<ScopeId, ScopeView> =
            self.ledger.views().map(|view| (view.scope.clone(), view)).collect();
        for scope in self.model.holders.keys() {
            if !views.contains_key(scope)
                && let Some(row) = self.disk.row(scope)
            {
                let mut scratch = Ledger::new(self.settings.clone());
                scratch.recall(row, self.now);
                views.extend(scratch.views().map(|view| (view.scope.clone(), view)));
            }
        }
        views
    }

    /// What holds after every step.
    fn check(&mut self) {
        let views = self.views();
        assert_eq!(views.keys().collect::<Vec<_>>(), self.model.holders.keys().collect::<Vec<_>>());
        let mut logged: HashMap<&ScopeId, (Money, Money, u64)> = HashMap::new();
        for entry in self.disk.requests.values() {
            for scope in &entry.scopes {
                let sums = logged.entry(scope).or_default();
                match entry.state {
                    State::Open => (sums.1, sums.2) = (sums.1 + entry.reserved, sums.2 + 1),
                    _ => sums.0 += entry.charged,
                }
            }
        }
        for (scope, view) in &views {
            let holder = &self.model.holders[scope];
            let (total, reserved, open) = logged.get(scope).copied().unwrap_or_default();
            assert_eq!(view.total, total, "{scope}: the log's sum is not the spend");
            assert_eq!(
                (view.reserved, view.open),
                (reserved, open),
                "{scope}: the log's open rows are not what is held"
            );
            assert_eq!((view.known, &view.limits), (holder.known, &holder.limits));
            assert_eq!(view.windows.len(), holder.purses.len());
            for (index, (window, purse)) in view.windows.iter().zip(&holder.purses).enumerate() {
                assert_eq!(window.spent, self.model.spent(scope, purse), "{scope}: window {index}");
                assert_eq!((window.max, window.span, window.reset_at_ms), (purse.max, purse.span, purse.reset));
                let Some(max) = window.max else { continue };
                let held = window.spent + view.reserved;
                let excess = self.excess.entry((scope.clone(), index)).or_default();
                assert!(held <= max + *excess, "{scope}: {held} of {max}, and only {excess} above is excused");
                if held <= max {
                    *excess = Money::ZERO;
                }
            }
        }
    }
}
