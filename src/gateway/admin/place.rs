//! Where a key's limits stand: put into the ledger of its root, taken out of it, and moved between two.

use super::super::host::Host;
use super::desk::{Desk, spent};
use super::store::{Change, Held};
use crate::error::{Error, Result};
use crate::keys::ledger::{Limits, ScopeId, ScopeKind};
use crate::keys::{Allowance, BudgetRecord, KeyRecord};
use crate::money::Money;

impl<H: Host> Desk<'_, H> {
    /// The shared budget that a record names.
    ///
    /// # Errors
    ///
    /// There is none of that id.
    pub(super) async fn shared(&self, budget_id: Option<&str>) -> Result<Option<Held<BudgetRecord>>> {
        let Some(budget_id) = budget_id.filter(|id| !id.is_empty()) else { return Ok(None) };
        match self.get(budget_id).await? {
            Some(held) => Ok(Some(held)),
            None => Err(Error::bad_request(
                "budget_id",
                format!("there is no budget {budget_id}: make it with POST /budget/new, or leave `budget_id` out"),
            )),
        }
    }

    /// Adds a new key to a change.
    pub(super) async fn place_new(&self, change: &mut Change, key: &KeyRecord, spend: Option<Money>) -> Result<()> {
        let shared = self.shared(key.budget_id.as_deref()).await?;
        if let Some(shared) = &shared {
            change.builds_on(shared);
        }
        change.put(key, 0);
        change.configure(&key.root(), &[], &key.scopes(allowance(shared.as_ref())));
        if let Some(spend) = spend {
            change.set_spend(&key.root(), &own_scope(key), spend);
        }
        Ok(())
    }

    /// Adds the new state of a key to a change. Where it gets another root or another token, it is taken out of the old
    /// ledger, and what it spent goes with it.
    pub(super) async fn replace(
        &self,
        change: &mut Change,
        old: &Held<KeyRecord>,
        new: &KeyRecord,
        spend: Option<Money>,
    ) -> Result<()> {
        let shared = self.shared(new.budget_id.as_deref()).await?;
        if let Some(shared) = &shared {
            change.builds_on(shared);
        }
        let before = self.scopes_of(&old.record).await?;
        let after = new.scopes(allowance(shared.as_ref()));
        let (from, to) = (old.record.root(), new.root());
        let mut new = new.clone();
        if from != to && !new.former_roots.contains(&from) {
            new.former_roots.push(from.clone());
        }
        let new = &new;
        if old.record.token == new.token {
            change.put(new, old.version);
        } else {
            change.put(new, 0);
            change.delete(old);
        }
        if from == to && old.record.token == new.token {
            change.configure(&to, &before, &after);
        } else {
            let names: Vec<ScopeId> = before.iter().map(|(scope, _)| scope.clone()).collect();
            let views = self.views(&from, &names).await?;
            change.configure(&from, &before, &[]);
            change.configure(&to, &[], &after);
            for (scope, view) in names.iter().zip(&views) {
                let moved = renamed(scope, &old.record.token, &new.token);
                let amount = spent(view.as_ref());
                if amount > Money::ZERO && after.iter().any(|(scope, _)| *scope == moved) {
                    change.set_spend(&to, &moved, amount);
                }
            }
            if from.kind != ScopeKind::Team {
                self.retire(change, &from).await?;
            }
        }
        if let Some(spend) = spend {
            change.set_spend(&to, &own_scope(new), spend);
        }
        Ok(())
    }

    /// Adds the end of a key to a change.
    pub(super) async fn displace(&self, change: &mut Change, key: &Held<KeyRecord>) -> Result<()> {
        let root = key.record.root();
        change.delete(key);
        change.configure(&root, &self.scopes_of(&key.record).await?, &[]);
        if root.kind != ScopeKind::Team {
            self.retire(change, &root).await?;
        }
        Ok(())
    }

    /// The scopes that a key has now. A budget that is gone has no limits to take away.
    async fn scopes_of(&self, key: &KeyRecord) -> Result<Vec<(ScopeId, Limits)>> {
        let shared: Option<Held<BudgetRecord>> = match &key.budget_id {
            Some(budget_id) => self.get(budget_id).await?,
            None => None,
        };
        Ok(key.scopes(allowance(shared.as_ref())))
    }
}

/// The limits of a shared budget.
pub(super) fn allowance(shared: Option<&Held<BudgetRecord>>) -> Option<&Allowance> {
    shared.map(|held| &held.record.allowance)
}

/// The scope of a key itself.
pub(super) fn own_scope(key: &KeyRecord) -> ScopeId {
    ScopeId::new(ScopeKind::Key, &key.token)
}

/// The scope of a key's new token that stands for one of its old.
fn renamed(scope: &ScopeId, old: &str, new: &str) -> ScopeId {
    match scope.as_pair() {
        Some((token, model)) if token == old => ScopeId::key_model(new, model),
        Some(_) => scope.clone(),
        None => ScopeId::new(ScopeKind::Key, new),
    }
}
