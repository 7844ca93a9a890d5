//! Who may make and change which keys.

use serde_json::{Map, Value};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::Desk;
use super::store::Held;
use crate::error::Result;
use crate::keys::{KeyRecord, KeyType, TeamRecord};

/// What only an admin of everything may set: they would open what is closed to the role.
const FOR_ADMINS: &[&str] = &["permissions", "allowed_routes"];

/// What the owner of a key may change of it who is no admin of its team: all else bounds the key, or who pays for it.
const OF_OWNERS: &[&str] = &["key", "key_alias", "metadata", "user_id", "team_id"];

impl<H: Host> Desk<'_, H> {
    /// Whether the caller is an admin of the key's team.
    pub(super) async fn governs(&self, team_id: Option<&str>) -> Result<bool> {
        let Some(team_id) = team_id else { return Ok(false) };
        let team: Option<Held<TeamRecord>> = self.get(team_id).await?;
        Ok(team.is_some_and(|team| self.actor.administers(&team.record)))
    }

    /// Refuses what somebody else's key is: the keys of a team are its admins', others their user's.
    pub(super) async fn may_manage(&self, key: &KeyRecord) -> Result<()> {
        let own = key.team_id.is_none() && self.actor.user_id().is_some() && self.actor.owns(key);
        if self.actor.is_all() || own || self.governs(key.team_id.as_deref()).await? {
            return Ok(());
        }
        Err(forbidden(format!(
            "You are not allowed to change this key: it is not yours, and you are no admin of its team. Your role={}",
            self.actor.role_name()
        )))
    }

    /// Refuses callers who are admins neither of everything nor of the key's team.
    pub(super) async fn administers_key(&self, key: &KeyRecord, route: &str) -> Result<()> {
        if self.actor.is_all() || self.governs(key.team_id.as_deref()).await? {
            return Ok(());
        }
        Err(forbidden(format!("Only proxy admins, team admins, or org admins can call {route}.")))
    }

    /// Refuses what a caller may not set in a new key, and sets its user where it needs one.
    pub(super) async fn bound_new(&self, body: &mut Map<String, Value>) -> Result<()> {
        if self.actor.is_all() {
            return Ok(());
        }
        only_admins(body)?;
        let Some(own) = self.actor.user_id() else {
            return Err(forbidden("a key without a user cannot make keys: ask an admin"));
        };
        let wanted = body.get("user_id").and_then(Value::as_str).filter(|user_id| !user_id.is_empty());
        let team_id = body.get("team_id").and_then(Value::as_str).filter(|team_id| !team_id.is_empty());
        if let Some(team_id) = team_id {
            let team: Option<Held<TeamRecord>> = self.get(team_id).await?;
            let Some(team) = team.filter(|team| self.actor.administers(&team.record)) else {
                return Err(forbidden(format!("User={own} not assigned to team={team_id} as an admin")));
            };
            let other = wanted.filter(|user_id| *user_id != own).map(str::to_owned);
            if let Some(user_id) = other {
                if team.record.member(&user_id).is_none() {
                    return Err(forbidden(format!("User={user_id} not assigned to team={team_id}")));
                }
                // Who holds a key has its user's role: one for somebody else must not manage in their name.
                match body.get("key_type").and_then(Value::as_str) {
                    None | Some("llm_api") => drop(body.insert("key_type".to_owned(), "llm_api".into())),
                    Some(_) => return Err(forbidden("a key for another user must be of `key_type` `llm_api`")),
                }
            }
            return Ok(());
        }
        match wanted {
            Some(user_id) if user_id != own => Err(forbidden(format!(
                "User can only create keys for themselves. Got user_id={user_id}, Your ID={own}"
            ))),
            _ => {
                body.insert("user_id".to_owned(), own.into());
                Ok(())
            }
        }
    }

    /// Whether a key has a user, and that is not the caller.
    fn is_anothers(&self, key: &KeyRecord) -> bool {
        key.user_id.is_some() && key.user_id.as_deref() != self.actor.user_id()
    }

    /// Refuses to show a caller a new token of another user's key, by which they could manage in that user's name.
    pub(super) fn may_hold(&self, key: &KeyRecord) -> Result<()> {
        let calls_models_alone = key.key_type == KeyType::LlmApi && key.allowed_routes.is_empty();
        if self.actor.is_all() || !self.is_anothers(key) || calls_models_alone {
            return Ok(());
        }
        Err(forbidden("only a proxy admin may regenerate another user's key that is not of `key_type` `llm_api`"))
    }

    /// Refuses what a caller may not change of a key.
    pub(super) async fn bound_change(&self, key: &KeyRecord, body: &Map<String, Value>) -> Result<()> {
        if self.actor.is_all() {
            return Ok(());
        }
        self.may_manage(key).await?;
        only_admins(body)?;
        let governs = self.governs(key.team_id.as_deref()).await?;
        for (name, value) in body {
            let same = |own: Option<&str>| value.as_str() == own;
            match name.as_str() {
                name if !governs && !OF_OWNERS.contains(&name) => {
                    return Err(forbidden(format!(
                        "Only proxy admins, team admins, or org admins can change `{name}` of a key"
                    )));
                }
                "key_type" if self.is_anothers(key) => {
                    return Err(forbidden("only a proxy admin may change the `key_type` of another user's key"));
                }
                "user_id" if !same(key.user_id.as_deref()) => {
                    return Err(forbidden("Non-admin caller is not allowed to rebind the key to another user"));
                }
                "team_id" if !same(key.team_id.as_deref()) && !self.governs(value.as_str()).await? => {
                    return Err(forbidden("only an admin of both teams may move a key between them"));
                }
                "team_id" if value.is_null() && key.team_id.is_some() => {
                    return Err(forbidden("only a proxy admin may take a key out of its team"));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn only_admins(body: &Map<String, Value>) -> Result<()> {
    match FOR_ADMINS.iter().find(|name| body.get(**name).is_some_and(|value| !value.is_null())) {
        Some(name) => Err(forbidden(format!("Only proxy admins can set `{name}`."))),
        None => Ok(()),
    }
}
