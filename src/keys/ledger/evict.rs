//! Scopes that leave memory and come back: customers and tags are many, and invented by clients.

use super::Ledger;
use super::change::ScopeRow;
use super::scope::ScopeId;

impl Ledger {
    /// Forgets scopes that are not configured, idle, and as their rows say (so: right after a
    /// [`Ledger::snapshot`] was written), until at most `most` scopes are left; answers how many it forgot.
    ///
    /// A home that evicts must [`Ledger::recall`] before every operation that names a scope; one that never evicts need
    /// not care.
    pub fn evict(&mut self, most: usize) -> usize {
        let surplus = self.accounts.len().saturating_sub(most);
        let idle = self.accounts.iter().filter(|(_, account)| !account.known && !account.dirty && account.open == 0);
        let slots: Vec<usize> = idle.map(|(slot, _)| *slot).take(surplus).collect();
        for slot in &slots {
            if let Some(account) = self.accounts.remove(slot) {
                self.slots.remove(&account.scope);
            }
        }
        slots.len()
    }

    /// The scopes of a question that are not in memory: the home reads their rows, where there are any, for
    /// [`Ledger::recall`].
    pub fn absent<'a>(&self, scopes: &'a [ScopeId]) -> Vec<&'a ScopeId> {
        scopes.iter().filter(|scope| !self.slots.contains_key(scope)).collect()
    }

    /// Takes a scope back into memory from its row; nothing where it is there.
    pub fn recall(&mut self, row: ScopeRow, now_ms: u64) {
        if !self.slots.contains_key(&row.scope) {
            self.restore(row, now_ms);
        }
    }
}
