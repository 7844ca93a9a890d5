//! `/team/new`, `/team/update`, `/team/delete`, `/team/block` and `/team/unblock`: what changes teams.

use serde_json::{Value, json};

use super::super::host::Host;
use super::desk::Desk;
use super::store::{Change, Done, Drafts, Held, with};
use crate::error::{Error, Kind, Result};
use crate::keys::calendar::write_time;
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::keys::{KeyRecord, TeamRecord, UserRecord};
use crate::sorted;

/// The root of a team.
pub(super) fn root(team_id: &str) -> ScopeId {
    ScopeId::new(ScopeKind::Team, team_id)
}

impl<H: Host> Desk<'_, H> {
    /// A team's record.
    ///
    /// # Errors
    ///
    /// 404 where there is none.
    pub(super) async fn team(&self, team_id: &str) -> Result<Held<TeamRecord>> {
        self.get(team_id).await?.ok_or_else(|| {
            let message = format!("Team not found, passed team id: {team_id}.");
            Error::new(Kind::NotFound, message).with_param("team_id")
        })
    }

    /// `POST /team/new`
    pub(super) async fn team_new(&self) -> Done<Value> {
        let team_id = self.new_id("team_id")?;
        if self.get::<TeamRecord>(&team_id).await?.is_some() {
            let message = format!("Team id = {team_id} already exists. Please use a different team id.");
            return Err(Error::bad_request("team_id", message).into());
        }
        let mut body = self.body.clone();
        body.insert("team_id".to_owned(), json!(team_id));
        let read = TeamRecord::default().patched(&body, self.now_ms)?;
        let mut team = TeamRecord { members_with_roles: Vec::new(), ..read.clone() };
        let mut change = Change::default();
        let mut users = Drafts::new();
        for member in read.members_with_roles {
            self.join(&mut users, &mut team, member).await?;
        }
        self.write_users(&mut change, users);
        change.put(&team, 0);
        change.configure(&root(&team_id), &[], &team.scopes());
        self.commit(change).await?;
        Ok(self.team_row(&team).await?.into())
    }

    /// `POST /team/update`
    pub(super) async fn team_update(&self) -> Done<Value> {
        let old = self.team(&self.text("team_id")?).await?;
        if self.body.contains_key("members_with_roles") {
            let message = "`members_with_roles` changes by POST /team/member_add, member_update and member_delete";
            return Err(Error::bad_request("members_with_roles", message).into());
        }
        let new = old.record.patched(&self.body, self.now_ms)?;
        let mut change = Change::default();
        change.put(&new, old.version);
        change.configure(&root(&new.team_id), &old.record.scopes(), &new.scopes());
        self.commit(change).await?;
        Ok(json!({"team_id": new.team_id, "data": self.team_row(&new).await?}))
    }

    /// `POST /team/block` and `POST /team/unblock`
    pub(super) async fn team_block(&self, blocked: bool) -> Done<Value> {
        self.only(&["team_id"])?;
        let old = self.team(&self.text("team_id")?).await?;
        let new = TeamRecord { blocked, updated_at: write_time(self.now_ms), ..old.record.clone() };
        let mut change = Change::default();
        change.put(&new, old.version);
        change.configure(&root(&new.team_id), &old.record.scopes(), &new.scopes());
        self.commit(change).await?;
        Ok(self.team_row(&new).await?.into())
    }

    /// `POST /team/delete`: its keys go with it, and its members leave it.
    pub(super) async fn team_delete(&self) -> Done<Value> {
        self.only(&["team_ids"])?;
        let mut team_ids = self.texts("team_ids")?;
        let asked = team_ids.clone();
        sorted::sort(&mut team_ids);
        team_ids.dedup();
        let mut change = Change::default();
        let mut users = Drafts::new();
        for team_id in &team_ids {
            let team = self.team(team_id).await?;
            let keys: Vec<Held<KeyRecord>> = self.all(vec![with("team_id", team_id)]).await?;
            for key in &keys {
                self.displace(&mut change, key).await?;
            }
            change.builds_on_all(vec![with("team_id", team_id)], &keys);
            let members: Vec<Held<UserRecord>> = self.all(vec![with("team", team_id)]).await?;
            change.builds_on_all(vec![with("team", team_id)], &members);
            for member in members {
                users.of(member).teams.retain(|team| team != team_id);
            }
            change.configure(&root(team_id), &team.record.scopes(), &[]);
            change.delete(&team);
            self.retire(&mut change, &root(team_id)).await?;
        }
        self.write_users(&mut change, users);
        self.commit(change).await?;
        Ok(json!({"deleted_teams": asked}))
    }

    /// Writes users whose teams changed; their limits do not.
    pub(super) fn write_users(&self, change: &mut Change, users: Drafts<UserRecord>) {
        for (before, mut user) in users.into_iter() {
            user.updated_at = write_time(self.now_ms);
            change.put(&user, before.version);
            if before.version == 0 {
                let root = ScopeId::new(ScopeKind::User, &user.user_id);
                change.configure(&root, &[], &user.scopes());
            }
        }
    }

    /// Writes teams whose members changed.
    pub(super) fn write_teams(&self, change: &mut Change, teams: Drafts<TeamRecord>) {
        for (before, mut team) in teams.into_iter() {
            team.updated_at = write_time(self.now_ms);
            change.put(&team, before.version);
            change.configure(&root(&team.team_id), &before.record.scopes(), &team.scopes());
        }
    }
}
