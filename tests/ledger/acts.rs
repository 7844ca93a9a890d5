//! What happens in a run: reservations, their ends, and crashes.

use tollgate::keys::ledger::{Ask, Closed, Handle, Outcome, RefusalKind, ScopeId, ScopeKind};
use tollgate::money::Money;

use crate::model::{Made, Verdict};
use crate::run::{Run, dollars};

impl Run {
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

    pub(crate) fn reserve(&mut self) {
        let mut ask = self.ask();
        if self.random.chance(6) && !self.model.made.is_empty() {
            let made = self.random.pick(&self.model.made).clone();
            if made.open || self.ended.contains(&made.id) {
                ask.request_id.clone_from(&made.id);
                return self.repeat(ask, &made);
            }
        }
        self.recall(&ask.scopes);
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
                assert!(made.open && grant.repeated && (grant.seq, grant.granted) == (made.seq, made.reserved));
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

    pub(crate) fn settle(&mut self) {
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
        self.ended_as(&made, &answer.value, charged, Some(total_tokens));
        self.tally.settled += u64::from(made.open);
    }

    pub(crate) fn release(&mut self) {
        let Some(made) = self.any() else { return };
        let outcome = Outcome { total_tokens: 77, cost: Some(Money::DOLLAR), ..Outcome::default() };
        let answer = self.ledger.release(Handle::Seq(made.seq), outcome, self.now);
        self.disk.write(answer.changes);
        self.ended_as(&made, &answer.value, Money::ZERO, Some(0));
        self.tally.released += u64::from(made.open);
    }

    fn ended_as(&mut self, made: &Made, closed: &Closed, cost: Money, tokens: Option<u64>) {
        if !made.open {
            assert_eq!(*closed, Closed::Already);
            self.tally.late += 1;
            return;
        }
        let Closed::Done { charged, over_bound, .. } = closed else { panic!("{closed:?}") };
        assert_eq!((*charged, *over_bound), (cost, cost > made.reserved));
        self.tally.over_bound += u64::from(*over_bound);
        if *over_bound {
            self.excuse(&made.scopes, cost - made.reserved);
        }
        self.model.end(made.seq, cost, tokens, self.now);
        self.ended.push(made.id.clone());
    }

    pub(crate) fn progress(&mut self) {
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

    pub(crate) fn expire(&mut self) {
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
    pub(crate) fn crash(&mut self) {
        let before = self.views();
        self.ledger = self.disk.load(self.settings.clone(), self.now);
        self.same(&before, "a reload changed the books");
        self.ended.clear();
        self.tally.crashed += 1;
    }

    /// The home dies between an answer and its rows: the answer never left, so it must never have been.
    pub(crate) fn lose(&mut self) {
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

    pub(crate) fn snapshot(&mut self) {
        let answer = self.ledger.snapshot();
        self.disk.write(answer.changes);
        assert!(self.ledger.snapshot().changes.is_empty(), "a second snapshot has nothing to write");
        if self.random.chance(70) {
            let most = self.random.below(12) as usize;
            self.tally.evicted += self.ledger.evict(most) as u64;
        }
    }

    pub(crate) fn reset_due(&mut self) {
        let answer = self.ledger.reset_due(self.now);
        self.disk.write(answer.changes);
        // What is not in memory starts anew when it comes back.
        let scopes: Vec<ScopeId> = self.model.holders.keys().cloned().collect();
        let absent: Vec<ScopeId> = self.ledger.absent(&scopes).into_iter().cloned().collect();
        for scope in scopes.iter().filter(|scope| !absent.contains(scope)) {
            self.model.roll(scope, self.now);
        }
    }
}
