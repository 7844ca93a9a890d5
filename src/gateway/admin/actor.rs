//! Who manages: what a caller's role lets them do, and which records are their own.

use std::rc::Rc;

use super::super::Gateway;
use super::super::caller::Caller;
use super::super::host::Host;
use super::super::records::From;
use super::store::{Held, read};
use crate::error::{Error, Kind, Result};
use crate::keys::directory::RecordKind;
use crate::keys::routes::{self, Reach};
use crate::keys::{KeyRecord, Role, TeamRecord, TeamRole, UserRecord, admission};

/// LiteLLM's name for whoever has the master key.
const MASTER: &str = "default_user_id";

/// Who manages.
#[derive(Debug)]
pub(super) struct Actor {
    /// How far they reach on this route.
    pub(super) reach: Reach,
    /// Their role; `None` for a key without a user.
    pub(super) role: Option<Role>,
    /// Their key; `None` for the master key.
    pub(super) key: Option<Rc<KeyRecord>>,
}

impl Actor {
    /// Finds out what a caller may do on a route. The records are read anew: a copy that is some seconds old would
    /// let a key that was blocked meanwhile manage others.
    ///
    /// # Errors
    ///
    /// 401 for a key that is gone, blocked or expired, 403 for a route that is not theirs.
    pub(super) async fn find<H: Host>(
        gateway: &Gateway,
        host: &H,
        caller: &Caller,
        route: &str,
        now_ms: u64,
    ) -> Result<Self> {
        let Caller::Key(known) = caller else {
            return Ok(Self { reach: Reach::All, role: Some(Role::ProxyAdmin), key: None });
        };
        let Some(key) = gateway.records.keys.find(host, RecordKind::Key, &known.token, From::Directory).await? else {
            let message = "Authentication Error, Invalid proxy server token passed: the key was deleted";
            return Err(Error::new(Kind::Authentication, message).with_type("token_not_found_in_db"));
        };
        let user: Option<Held<UserRecord>> = match &key.user_id {
            Some(user_id) => read(host, user_id).await?,
            None => None,
        };
        let team: Option<Held<TeamRecord>> = match &key.team_id {
            Some(team_id) => read(host, team_id).await?,
            None => None,
        };
        let (user, team) = (user.map(|held| held.record), team.map(|held| held.record));
        let admitted = admission::Caller { key: &key, team: team.as_ref(), user: user.as_ref(), customer: None };
        admitted.admit(route, "", None, now_ms)?;
        let role = user.as_ref().map(UserRecord::role);
        let sees_spend = key.permissions.get("get_spend_routes").and_then(serde_json::Value::as_bool) == Some(true);
        let reach = routes::reach(role, route, sees_spend, key.user_id.as_deref())?;
        Ok(Self { reach, role, key: Some(key) })
    }

    /// Whether everything is theirs.
    pub(super) fn is_all(&self) -> bool {
        self.reach == Reach::All
    }

    /// Their user.
    pub(super) fn user_id(&self) -> Option<&str> {
        self.key.as_ref().and_then(|key| key.user_id.as_deref())
    }

    /// The name under which they change records.
    pub(super) fn name(&self) -> Option<&str> {
        if self.key.is_some() { self.user_id() } else { Some(MASTER) }
    }

    /// Whether a key is the one they call with, or their user's.
    pub(super) fn owns(&self, key: &KeyRecord) -> bool {
        let same_user = self.user_id().is_some_and(|user_id| key.user_id.as_deref() == Some(user_id));
        same_user || self.key.as_ref().is_some_and(|own| own.token == key.token)
    }

    /// Whether they are an admin of a team.
    pub(super) fn administers(&self, team: &TeamRecord) -> bool {
        let member = self.user_id().and_then(|user_id| team.member(user_id));
        member.is_some_and(|member| member.role == TeamRole::Admin)
    }

    /// Whether they are in a team.
    pub(super) fn is_in(&self, team: &TeamRecord) -> bool {
        let own_key = self.key.as_ref().is_some_and(|key| key.team_id.as_deref() == Some(&team.team_id));
        own_key || self.user_id().is_some_and(|user_id| team.member(user_id).is_some())
    }

    /// The role's name, for messages.
    pub(super) fn role_name(&self) -> &'static str {
        self.role.map_or("unknown", Role::name)
    }
}

/// A refusal of what is not the caller's own.
pub(super) fn forbidden(message: impl Into<String>) -> Error {
    Error::new(Kind::PermissionDenied, message).with_type("auth_error")
}
