//! Which ledgers there are: the budget roots of all records, and of those that are gone.

use super::super::host::Host;
use super::desk::Desk;
use super::record::Gone;
use super::store::{Held, with};
use crate::error::{Error, Result};
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::keys::{KeyRecord, TeamRecord, UserRecord};
use crate::sorted;

/// Most ledgers that one request asks, one after the other: a Worker may make 1,000 calls for one request, and reading
/// the directory and long logs takes some.
const MOST_ROOTS: usize = 750;

impl<H: Host> Desk<'_, H> {
    /// Every budget root that may hold a row from `from_ms` on: teams, users, keys with neither, those that lost a
    /// record since, and the one of the master key.
    ///
    /// # Errors
    ///
    /// Over [`MOST_ROOTS`].
    pub(super) async fn roots(&self, from_ms: u64) -> Result<Vec<ScopeId>> {
        let mut roots = vec![ScopeId::global()];
        let teams: Vec<Held<TeamRecord>> = self.all(Vec::new()).await?;
        roots.extend(teams.iter().map(|team| super::team::root(&team.record.team_id)));
        let users: Vec<Held<UserRecord>> = self.all(Vec::new()).await?;
        roots.extend(users.iter().map(|user| super::user::root(&user.record.user_id)));
        let keys: Vec<Held<KeyRecord>> = self.all(Vec::new()).await?;
        // A key may name a user of whom there is no record.
        roots.extend(keys.iter().map(|key| key.record.root()).filter(|root| root.kind != ScopeKind::Team));
        let gone: Vec<Held<Gone>> = self.all(Vec::new()).await?;
        roots.extend(gone.into_iter().filter(|held| held.record.at_ms >= from_ms).map(|held| held.record.root));
        bounded(roots)
    }

    /// The budget roots that may hold what a caller spent: those of their keys, their user and their teams.
    ///
    /// # Errors
    ///
    /// Over [`MOST_ROOTS`].
    pub(super) async fn own_roots(&self) -> Result<Vec<ScopeId>> {
        let mut roots: Vec<ScopeId> = self.actor.key.iter().flat_map(|key| roots_of(key)).collect();
        if let Some(own) = self.actor.user_id() {
            roots.push(super::user::root(own));
            let keys: Vec<Held<KeyRecord>> = self.all(vec![with("user_id", own)]).await?;
            roots.extend(keys.iter().flat_map(|key| roots_of(&key.record)));
            let teams: Vec<Held<TeamRecord>> = self.all(vec![with("member", own)]).await?;
            roots.extend(teams.iter().map(|team| super::team::root(&team.record.team_id)));
        }
        bounded(roots)
    }
}

/// The budget roots that a key is in and was in.
pub(super) fn roots_of(key: &KeyRecord) -> Vec<ScopeId> {
    key.former_roots.iter().cloned().chain([key.root()]).collect()
}

fn bounded(mut roots: Vec<ScopeId>) -> Result<Vec<ScopeId>> {
    sorted::sort(&mut roots);
    roots.dedup();
    if roots.len() > MOST_ROOTS {
        let message = format!(
            "there are over {MOST_ROOTS} ledgers to ask: name a `team_id` or an `api_key`, or a later `start_date`"
        );
        return Err(Error::bad_request("team_id", message));
    }
    Ok(roots)
}
