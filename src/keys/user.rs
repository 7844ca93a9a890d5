//! The record of a user, in LiteLLM's field names, and the roles.

use serde_json::{Map, Value};

use super::budget::{self, Allowance};
use super::calendar::write_time;
use super::fields::{self, Screen};
use super::ledger::{Limits, ScopeId, ScopeKind};
use super::typed::{named, typed};
use crate::error::Result;

/// What a user may do with the gateway.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    ProxyAdmin,
    /// Sees everything, changes nothing.
    ProxyAdminViewer,
    /// Manages an organization; organizations do not exist here, so no more than an internal user.
    OrgAdmin,
    /// Makes and manages own keys, sees own spend.
    #[default]
    InternalUser,
    /// Sees own keys and spend.
    InternalUserViewer,
    /// A team's token.
    Team,
    /// A customer: calls models and nothing else.
    Customer,
}

named!(Role {
    "proxy_admin" => ProxyAdmin,
    "proxy_admin_viewer" => ProxyAdminViewer,
    "org_admin" => OrgAdmin,
    "internal_user" => InternalUser,
    "internal_user_viewer" => InternalUserViewer,
    "team" => Team,
    "customer" => Customer,
});

impl Role {
    /// The role as LiteLLM writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ProxyAdmin => "proxy_admin",
            Self::ProxyAdminViewer => "proxy_admin_viewer",
            Self::OrgAdmin => "org_admin",
            Self::InternalUser => "internal_user",
            Self::InternalUserViewer => "internal_user_viewer",
            Self::Team => "team",
            Self::Customer => "customer",
        }
    }
}

/// What is known of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UserRecord {
    /// Their id.
    pub user_id: String,
    /// Their e-mail address.
    pub user_email: Option<String>,
    /// A name for people.
    pub user_alias: Option<String>,
    /// What they may do; absent is an internal user.
    pub user_role: Option<Role>,
    /// Teams that they are in.
    pub teams: Vec<String>,
    /// Models that they may call with keys of their own; empty is all, `no-default-models` none.
    pub models: Vec<String>,
    /// Anything.
    pub metadata: Map<String, Value>,
    /// Limits of their own keys together; the keys of a team count against the team.
    pub allowance: Allowance,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// When it was last changed (ISO 8601).
    pub updated_at: String,
    /// Stored and shown again, without effect.
    pub inert: Map<String, Value>,
}

typed!(UserRecord {
    user_id,
    user_email,
    user_alias,
    user_role,
    teams,
    models,
    metadata,
    (flat allowance),
    created_at,
    updated_at,
    (rest inert),
});

const FIELDS: &[&str] = &["user_id", "user_email", "user_alias", "user_role", "teams", "models", "metadata"];

/// The fields of a `/user/new` body that are those of the user's first key.
const OF_FIRST_KEY: &[&str] = &[
    "key_alias",
    "duration",
    "aliases",
    "permissions",
    "team_id",
    "tags",
    "blocked",
    "key_type",
    "allowed_routes",
    "budget_id",
];

const INERT: &[&str] = &["organizations", "organization_id", "sso_user_id", "send_invite_email", "config"];

/// Nobody can log in here, so a password that is taken would be a promise.
const REFUSED: &[&[&str]] = &[fields::REFUSED, budget::MODEL_FIELDS, &["password"]];

const NEW: Screen = Screen {
    known: &[FIELDS, budget::FIELDS, OF_FIRST_KEY, &["auto_create_key", "spend"]],
    inert: INERT,
    refused: REFUSED,
};

const UPDATE: Screen = Screen { known: &[FIELDS, budget::FIELDS, &["spend"]], inert: INERT, refused: REFUSED };

impl UserRecord {
    /// Reads a `/user/new` or `/user/update` body onto this record (for a new one: the default with its id set); `null`
    /// takes a field back to its default.
    ///
    /// # Errors
    ///
    /// A field that is unknown, refused or wrong; see [`Screen`]. The fields of the first key are known to a new user
    /// alone.
    pub fn patched(&self, body: &Map<String, Value>, now_ms: u64) -> Result<Self> {
        let screen = if self.created_at.is_empty() { NEW } else { UPDATE };
        screen.check(body)?;
        let mut stored = body.clone();
        let of_record = |name: &str| FIELDS.contains(&name) || budget::FIELDS.contains(&name) || INERT.contains(&name);
        stored.retain(|name, _| of_record(name));
        let mut record: Self = fields::patched(self, &stored)?;
        record.allowance.check()?;
        record.updated_at = write_time(now_ms);
        if record.created_at.is_empty() {
            record.created_at.clone_from(&record.updated_at);
        }
        Ok(record)
    }

    /// The part of a `/user/new` body that is the user's first key (`auto_create_key`), for
    /// [`super::record::KeyRecord::generated`]: without the limits, which bound the user and so this key too.
    pub fn first_key(&self, body: &Map<String, Value>) -> Map<String, Value> {
        let mut key = body.clone();
        key.retain(|name, _| OF_FIRST_KEY.contains(&name.as_str()) || name == "models");
        key.insert("user_id".to_owned(), self.user_id.clone().into());
        key
    }

    /// The role that counts.
    pub fn role(&self) -> Role {
        self.user_role.unwrap_or_default()
    }

    /// The limits of the user's scope and of its models.
    pub fn scopes(&self) -> Vec<(ScopeId, Limits)> {
        vec![(ScopeId::new(ScopeKind::User, &self.user_id), self.allowance.limits())]
    }
}

#[cfg(test)]
mod tests {
    use super::super::typed::Typed;
    use super::*;
    use serde_json::json;

    #[test]
    fn a_guides_user_is_read_and_gets_a_first_key() {
        let body = json!({
            "user_id": "user-123", "max_budget": 50.0, "budget_duration": "monthly", "key_alias": "first",
            "models": ["gpt-4o-mini", "claude-sonnet"], "user_role": "proxy_admin_viewer",
        });
        let body = body.as_object().unwrap();
        let user = UserRecord::default().patched(body, 0).unwrap();
        assert_eq!((user.user_id.as_str(), user.role()), ("user-123", Role::ProxyAdminViewer));
        assert_eq!(user.write()["max_budget"], 50.0);
        let key = user.first_key(body);
        assert_eq!(Value::Object(key), json!({"user_id": "user-123", "key_alias": "first", "models": user.models}));
    }

    #[test]
    fn the_fields_of_a_first_key_are_not_those_of_an_update() {
        let body = json!({"user_id": "u", "blocked": true, "spend": 3});
        let user = UserRecord::default().patched(body.as_object().unwrap(), 0).unwrap();
        assert_eq!(user.first_key(body.as_object().unwrap())["blocked"], true);
        assert!(user.patched(json!({"blocked": true}).as_object().unwrap(), 0).is_err());
    }

    #[test]
    fn an_unknown_role_or_a_password_is_refused() {
        for body in [json!({"user_role": "root"}), json!({"password": "secret"}), json!({"model_rpm_limit": {"a": 1}})]
        {
            assert!(UserRecord::default().patched(body.as_object().unwrap(), 0).is_err(), "{body}");
        }
    }
}
