//! Which ledgers there are: the budget roots of all records, and of those that are gone.

use super::super::host::Host;
use super::desk::Desk;
use super::store::{Held, with};
use crate::error::{Error, Result};
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::keys::{KeyRecord, TeamRecord, UserRecord};

/// Most ledgers that one request asks, one after the other.
pub(super) const MOST_ROOTS: usize = 1_000;

impl<H: Host> Desk<'_, H> {
    /// Every budget root that may hold a log: teams, users, keys with neither, those whose record is gone, and the one of
    /// the master key.
    ///
    /// # Errors
    ///
    /// Over [`MOST_ROOTS`].
    pub(super) async fn roots(&self) -> Result<Vec<ScopeId>> {
        let mut roots = vec![ScopeId::global()];
        let teams: Vec<Held<TeamRecord>> = self.all(Vec::new()).await?;
        roots.extend(teams.iter().map(|team| super::team::root(&team.record.team_id)));
        let users: Vec<Held<UserRecord>> = self.all(Vec::new()).await?;
        roots.extend(users.iter().map(|user| super::user::root(&user.record.user_id)));
        let keys: Vec<Held<KeyRecord>> = self.all(Vec::new()).await?;
        // A key may name a user of whom there is no record.
        roots.extend(keys.iter().map(|key| key.record.root()).filter(|root| root.kind != ScopeKind::Team));
        let gone: Vec<Held<ScopeId>> = self.all(Vec::new()).await?;
        roots.extend(gone.into_iter().map(|held| held.record));
        bounded(roots)
    }

    /// The budget roots that may hold what a caller spent: those of their keys, their user and their teams.
    ///
    /// # Errors
    ///
    /// Over [`MOST_ROOTS`].
    pub(super) async fn own_roots(&self) -> Result<Vec<ScopeId>> {
        let mut roots: Vec<ScopeId> = self.actor.key.iter().map(|key| key.root()).collect();
        if let Some(own) = self.actor.user_id() {
            roots.push(super::user::root(own));
            let keys: Vec<Held<KeyRecord>> = self.all(vec![with("user_id", own)]).await?;
            roots.extend(keys.iter().map(|key| key.record.root()));
            let teams: Vec<Held<TeamRecord>> = self.all(vec![with("member", own)]).await?;
            roots.extend(teams.iter().map(|team| super::team::root(&team.record.team_id)));
        }
        bounded(roots)
    }
}

fn bounded(mut roots: Vec<ScopeId>) -> Result<Vec<ScopeId>> {
    roots.sort_unstable();
    roots.dedup();
    if roots.len() > MOST_ROOTS {
        let message =
            format!("there are over {MOST_ROOTS} ledgers to ask: name one by `team_id`, `user_id` or `api_key`");
        return Err(Error::bad_request("team_id", message));
    }
    Ok(roots)
}
