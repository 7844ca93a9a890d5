//! One seeded run: random operations on the ledger, the disk and the model, all compared after each step.

use std::collections::BTreeMap;

use tollgate::keys::calendar::Calendar;
use tollgate::keys::duration::Span;
use tollgate::keys::ledger::{
    Ask, Budget, Closed, Handle, Ledger, Limits, Outcome, RefusalKind, ScopeId, ScopeKind, ScopeView, Settings, State,
};
use tollgate::money::Money;

use crate::disk::Disk;
use crate::model::{Made, Model, Verdict};
use crate::random::Random;

/// What a run did: each count must be more than a few, or the run proves nothing.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    granted: u64,
    clamped: u64,
    refused: u64,
    repeated: u64,
    settled: u64,
    over_bound: u64,
    late: u64,
    released: u64,
    progressed: u64,
    expired: u64,
    crashed: u64,
    lost: u64,
    edited: u64,
}

impl Tally {
    pub(crate) fn kinds(&self) -> [(&'static str, u64); 13] {
        [
            ("granted", self.granted),
            ("clamped", self.clamped),
            ("refused", self.refused),
            ("repeated", self.repeated),
            ("settled", self.settled),
            ("over bound", self.over_bound),
            ("late", self.late),
            ("released", self.released),
            ("progressed", self.progressed),
            ("expired", self.expired),
            ("crashed", self.crashed),
            ("lost", self.lost),
            ("edited", self.edited),
        ]
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.granted += other.granted;
        self.clamped += other.clamped;
        self.refused += other.refused;
        self.repeated += other.repeated;
        self.settled += other.settled;
        self.over_bound += other.over_bound;
        self.late += other.late;
        self.released += other.released;
        self.progressed += other.progressed;
        self.expired += other.expired;
        self.crashed += other.crashed;
        self.lost += other.lost;
        self.edited += other.edited;
    }
}

pub(crate) struct Run {
    random: Random,
    settings: Settings,
    ledger: Ledger,
    disk: Disk,
    model: Model,
    now: u64,
    next_id: u64,
    /// Requests that ended since the last reload: duplicates of these are recognised for sure.
    ended: Vec<String>,
    /// By how much each window may stand above its maximum, and only for the two reasons that the promise names.
    excess: BTreeMap<(ScopeId, usize), Money>,
    tally: Tally,
}

fn dollars(random: &mut Random, cents: u64) -> Money {
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

    fn scope(&mut self) -> ScopeId {
        let key = *self.random.pick(&["k0", "k1", "k2", "k3"]);
        match self.random.below(10) {
            0..3 => ScopeId::new(ScopeKind::Key, key),
            3 => ScopeId::new(ScopeKind::Team, "t"),
            4 => ScopeId::new(ScopeKind::User, "u"),
            5 => ScopeId::member("t", "u"),
            6 => ScopeId::new(ScopeKind::Customer, *self.random.pick(&["c0", "c1", "c2"])),
            7 => ScopeId::new(ScopeKind::Tag, *self.random.pick(&["a", "b"])),
            8 => ScopeId::key_model(key, "gpt"),
            _ => ScopeId::global(),
        }
    }

    fn ask(&mut self) -> Ask {
        let key = *self.random.pick(&["k0", "k0", "k1", "k1", "k2", "k3"]);
        let mut scopes = vec![ScopeId::new(ScopeKind::Key, key), ScopeId::key_model(key, "gpt")];
        scopes.push(ScopeId::new(ScopeKind::Team, "t"));
        for _ in 0..self.random.below(4) {
            let scope = self.scope();
            // Every request has one key.
            if scope.kind != ScopeKind::Key {
                scopes.push(scope);
            }
        }
        let full = dollars(&mut self.random, 60);
        let bound = match self.random.below(20) {
            0 => Some(Money::ZERO),
            1 => None,
            _ => Some(full),
        };
        let least = match self.random.below(3) {
            0 => full,
            1 => Money::ZERO,
            _ => Money::from_pico(full.pico() / 4),
        };
        self.next_id += 1;
        let tokens = self.random.below(2_000);
        let tokens_least = if self.random.chance(50) { tokens } else { 0 };
        let hold_ms = 1 + self.random.below(300_000);
        let request_id = format!("r{}", self.next_id);
        Ask { request_id, scopes, bound, least, tokens, tokens_least, hold_ms, ..Ask::default() }
    }

    fn reserve(&mut self) {
        let mut ask = self.ask();
        if self.random.chance(6) && !self.model.made.is_empty() {
            let made = self.random.pick(&self.model.made).clone();
            if made.open || self.ended.contains(&made.id) {
                ask.request_id = made.id.clone();
                return self.repeat(ask, &made);
            }
        }
        let verdict = self.model.judge(&ask, self.now);
        let answer = self.ledger.reserve(ask.clone(), self.now);
        self.disk.write(answer.changes);
        match answer.value {
            Ok(grant) => {
                assert_eq!(Verdict::Granted(grant.granted, grant.tokens), verdict);
                assert!(!grant.repeated && grant.granted <= ask.bound.unwrap_or_default());
                self.tally.granted += 1;
                self.tally.clamped += u64::from(Some(grant.granted) < ask.bound);
                let scopes = self.disk.requests[&grant.seq].scopes.clone();
                let deadline = self.now + ask.hold_ms;
                let (reserved, tokens, id) = (grant.granted, grant.tokens, ask.request_id);
                let (seq, at) = (grant.seq, self.now);
                let paid = ask.bound != Some(Money::ZERO);
                self.model.made.push(Made {
                    seq,
                    id,
                    scopes,
                    reserved,
                    progress: None,
                    deadline,
                    at,
                    tokens,
                    open: true,
                });
                if paid {
                    self.promise(grant.seq);
                }
            }
            Err(refusal) => {
                self.tally.refused += 1;
                let why = match refusal.kind {
                    RefusalKind::Unknown => "unknown",
                    RefusalKind::Blocked => "blocked",
                    RefusalKind::Expired { .. } => "expired",
                    RefusalKind::Budget(_) => "budget",
                    RefusalKind::Unpriced => "unpriced",
                    RefusalKind::Requests { .. } => "requests",
                    RefusalKind::Tokens { .. } => "tokens",
                    RefusalKind::Parallel { .. } => "parallel",
                    RefusalKind::TooManyScopes | RefusalKind::Ended => panic!("{refusal:?}"),
                };
                assert_eq!(Verdict::Refused(refusal.scope, why), verdict);
            }
        }
    }

    /// The promise at its plainest: right after an admission, every budget of every scope of the request holds.
    fn promise(&self, seq: u64) {
        for scope in &self.disk.requests[&seq].scopes {
            let view = self.ledger.view(scope).unwrap();
            for window in &view.windows {
                let held = window.spent + view.reserved;
                assert!(window.max.is_none_or(|max| held <= max), "{scope}: {held} of {:?}", window.max);
            }
        }
    }

    fn repeat(&mut self, ask: Ask, made: &Made) {
        let answer = self.ledger.reserve(ask, self.now);
        assert!(answer.changes.is_empty());
        match answer.value {
            Ok(grant) => {
                assert!(made.open && grant.repeated && (grant.seq, grant.granted) == (made.seq, made.reserved))
            }
            Err(refusal) => assert!(!made.open && refusal.kind == RefusalKind::Ended),
        }
        self.tally.repeated += 1;
    }

    /// A reservation, mostly an open one.
    fn any(&mut self) -> Option<Made> {
        let open: Vec<&Made> = self.model.made.iter().filter(|made| made.open).collect();
        if !open.is_empty() && self.random.chance(85) {
            return Some((*self.random.pick(&open)).clone());
        }
        (!self.model.made.is_empty()).then(|| self.random.pick(&self.model.made).clone())
    }

    fn settle(&mut self) {
        let Some(made) = self.any() else { return };
        let share = self.random.below(101);
        let cost = match self.random.below(40) {
            0 => None,
            1 => Some(made.reserved + dollars(&mut self.random, 20)),
            2 => Some(Money::from_pico(-5)),
            _ => Some(Money::from_pico(made.reserved.pico() * i128::from(share) / 100)),
        };
        let total_tokens = self.random.below(made.tokens + 100);
        let outcome = Outcome { cost, total_tokens, status: "success".to_owned(), ..Outcome::default() };
        let id = made.id.clone();
        let handle = if self.random.chance(90) || !made.open { Handle::Seq(made.seq) } else { Handle::Request(&id) };
        let answer = self.ledger.settle(handle, outcome, self.now);
        self.disk.write(answer.changes);
        let charged = cost.unwrap_or_default().max(Money::ZERO);
        self.ended_as(&made, answer.value, charged, Some(total_tokens));
        self.tally.settled += u64::from(made.open);
    }

    fn release(&mut self) {
        let Some(made) = self.any() else { return };
        let outcome = Outcome { total_tokens: 77, cost: Some(Money::DOLLAR), ..Outcome::default() };
        let answer = self.ledger.release(Handle::Seq(made.seq), outcome, self.now);
        self.disk.write(answer.changes);
        self.ended_as(&made, answer.value, Money::ZERO, Some(0));
        self.tally.released += u64::from(made.open);
    }

    fn ended_as(&mut self, made: &Made, closed: Closed, cost: Money, tokens: Option<u64>) {
        if !made.open {
            assert_eq!(closed, Closed::Already);
            self.tally.late += 1;
            return;
        }
        let Closed::Done { charged, over_bound, .. } = closed else { panic!("{closed:?}") };
        assert_eq!((charged, over_bound), (cost, cost > made.reserved));
        self.tally.over_bound += u64::from(over_bound);
        if over_bound {
            self.excuse(&made.scopes, cost - made.reserved);
        }
        self.model.end(made.seq, cost, tokens, self.now);
        self.ended.push(made.id.clone());
    }

    fn progress(&mut self) {
        let Some(made) = self.any() else { return };
        let most = if self.random.chance(4) { made.reserved + made.reserved } else { made.reserved };
        let cost = Money::from_pico(most.pico() * i128::from(self.random.below(101)) / 100);
        let hold_ms = 1 + self.random.below(120_000);
        let answer = self.ledger.checkpoint(Handle::Seq(made.seq), cost, hold_ms, self.now);
        self.disk.write(answer.changes);
        assert_eq!(answer.value, made.open);
        if !made.open {
            return;
        }
        self.tally.progressed += 1;
        let raised = made.reserved.max(cost) - made.reserved;
        self.excuse(&made.scopes, raised);
        let kept = self.model.made.iter_mut().find(|other| other.seq == made.seq).unwrap();
        kept.progress = Some(made.progress.unwrap_or_default().max(cost));
        kept.reserved += raised;
        kept.deadline = self.now + hold_ms;
    }

    fn expire(&mut self) {
        let due: Vec<Made> =
            self.model.made.iter().filter(|made| made.open && made.deadline <= self.now).cloned().collect();
        let answer = self.ledger.expire(self.now);
        self.disk.write(answer.changes);
        assert_eq!(answer.value, due.iter().map(|made| made.seq).collect::<Vec<_>>());
        for made in due {
            self.model.end(made.seq, made.progress.unwrap_or(made.reserved), None, self.now);
            assert!(self.disk.requests[&made.seq].outcome.estimated);
            self.ended.push(made.id);
            self.tally.expired += 1;
        }
    }

    /// The home dies and comes back: everything must be as it was.
    fn crash(&mut self) {
        let before = self.views();
        self.ledger = self.disk.load(self.settings.clone(), self.now);
        self.same(&before, "a reload changed the books");
        self.ended.clear();
        self.tally.crashed += 1;
    }

    /// The home dies between an answer and its rows: the answer never left, so it must never have been.
    fn lose(&mut self) {
        let before = self.views();
        match self.random.below(3) {
            0 => drop(self.ledger.expire(self.now + 1_000_000)),
            1 => {
                let ask = self.ask();
                drop(self.ledger.reserve(ask, self.now));
            }
            _ => {
                let Some(made) = self.any() else { return };
                drop(self.ledger.settle(Handle::Seq(made.seq), Outcome::default(), self.now));
            }
        }
        self.ledger = self.disk.load(self.settings.clone(), self.now);
        self.same(&before, "an unwritten operation left a trace");
        self.ended.clear();
        self.tally.lost += 1;
    }

    fn snapshot(&mut self) {
        let answer = self.ledger.snapshot();
        self.disk.write(answer.changes);
        assert!(self.ledger.snapshot().changes.is_empty(), "a second snapshot has nothing to write");
    }

    fn reset_due(&mut self) {
        let answer = self.ledger.reset_due(self.now);
        self.disk.write(answer.changes);
        let scopes: Vec<ScopeId> = self.model.holders.keys().cloned().collect();
        for scope in scopes {
            self.model.roll(&scope, self.now);
        }
    }

    fn edit(&mut self) {
        let scope = self.scope();
        self.tally.edited += 1;
        match self.random.below(10) {
            0..6 => return self.configure(&scope),
            6 => {
                let blocked = self.random.chance(20);
                self.model.holder(&scope, self.now).limits.blocked = blocked;
                self.model.roll(&scope, self.now);
                let answer = self.ledger.block(&scope, blocked, self.now);
                self.disk.write(answer.changes);
            }
            7 => {
                let answer = self.ledger.remove(&scope, self.now);
                self.disk.write(answer.changes);
                if let Some(holder) = self.model.holders.get_mut(&scope) {
                    holder.known = false;
                    self.model.roll(&scope, self.now);
                    let none = Limits::default();
                    let limits = if scope.kind == ScopeKind::Customer { self.model.customer.clone() } else { none };
                    self.model.limit(&scope, limits, self.now);
                }
            }
            _ => {
                let spend = if self.random.chance(70) { Money::ZERO } else { dollars(&mut self.random, 100) };
                let since = self.model.charges.len();
                self.model.holder(&scope, self.now);
                self.model.roll(&scope, self.now);
                let purse = &mut self.model.holder(&scope, self.now).purses[0];
                (purse.start, purse.since) = (spend, since);
                let answer = self.ledger.set_spend(&scope, spend, self.now);
                self.disk.write(answer.changes);
            }
        }
        self.excuse_edit(&scope);
    }

    fn configure(&mut self, scope: &ScopeId) {
        let limits = self.limits();
        self.model.holder(scope, self.now).known = true;
        self.model.roll(scope, self.now);
        self.model.limit(scope, limits.clone(), self.now);
        let answer = self.ledger.configure(scope, limits, self.now);
        self.disk.write(answer.changes);
        self.excuse_edit(scope);
    }

    fn limits(&mut self) -> Limits {
        let spans = ["30s", "10m", "1h", "1d", "7d", "30d", "1mo"].map(|text| Span::parse(text, "d").unwrap());
        let random = &mut self.random;
        let max_budget = random.chance(70).then(|| dollars(random, 1_000));
        let budget_duration = random.chance(60).then(|| *random.pick(&spans));
        let mut more = Vec::new();
        for _ in 0..random.below(3) {
            let span = *random.pick(&spans);
            if !more.iter().any(|budget: &Budget| budget.span == Some(span)) {
                more.push(Budget { max: dollars(random, 1_500), span: Some(span) });
            }
        }
        Limits {
            max_budget,
            budget_duration,
            soft_budget: random.chance(30).then(|| dollars(random, 200)),
            more,
            rpm: random.chance(25).then(|| 1 + random.below(30)),
            tpm: random.chance(25).then(|| random.below(30_000)),
            parallel: random.chance(20).then(|| 1 + random.below(12)),
            blocked: random.chance(3),
            expires_ms: random.chance(5).then(|| self.now + random.below(900_000)),
        }
    }

    fn excuse(&mut self, scopes: &[ScopeId], amount: Money) {
        for scope in scopes {
            for index in 0..self.model.holders[scope].purses.len() {
                *self.excess.entry((scope.clone(), index)).or_default() += amount;
            }
        }
    }

    /// A hand has changed limits or spend: what stands above them now is no admission's doing.
    fn excuse_edit(&mut self, scope: &ScopeId) {
        let Some(view) = self.ledger.view(scope) else { return };
        self.excess.retain(|(of, _), _| of != scope);
        for (index, window) in view.windows.iter().enumerate() {
            if let Some(max) = window.max {
                let above = window.spent + view.reserved - max;
                self.excess.insert((scope.clone(), index), above.max(Money::ZERO));
            }
        }
    }

    fn same(&self, before: &BTreeMap<ScopeId, ScopeView>, what: &str) {
        let after = self.views();
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{what}");
        for (scope, view) in before {
            assert_eq!(view, &after[scope], "{scope}: {what}");
        }
    }

    fn views(&self) -> BTreeMap<ScopeId, ScopeView> {
        self.ledger.views().map(|view| (view.scope.clone(), view)).collect()
    }

    /// What holds after every step.
    fn check(&mut self) {
        let views = self.views();
        assert_eq!(views.keys().collect::<Vec<_>>(), self.model.holders.keys().collect::<Vec<_>>());
        let mut logged: BTreeMap<&ScopeId, (Money, Money, u64)> = BTreeMap::new();
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
            assert_eq!((view.total, view.reserved), (self.model.total(scope), self.model.reserved(scope)));
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
