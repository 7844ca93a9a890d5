//! What hands do to the books in a run: limits, blocks, removals, spends that are set.

use tollgate::keys::duration::Span;
use tollgate::keys::ledger::{Budget, Limits, ScopeId, ScopeKind};
use tollgate::money::Money;

use crate::run::{Run, dollars};

impl Run {
    pub(crate) fn scope(&mut self) -> ScopeId {
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

    pub(crate) fn edit(&mut self) {
        let scope = self.scope();
        self.recall(std::slice::from_ref(&scope));
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
                let since = self.model.charged(&scope).len();
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

    pub(crate) fn configure(&mut self, scope: &ScopeId) {
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

    pub(crate) fn excuse(&mut self, scopes: &[ScopeId], amount: Money) {
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
}
