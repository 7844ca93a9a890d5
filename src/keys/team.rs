//! The record of a team and of its members, in LiteLLM's field names.

use serde_json::{Map, Value};

use super::budget::{self, Allowance};
use super::calendar::write_time;
use super::duration::Span;
use super::fields::{self, Screen};
use super::ledger::{Limits, ScopeId, ScopeKind};
use super::routing::Routing;
use super::typed::{named, typed};
use crate::error::{Error, Kind, Result};
use crate::money::Money;
use crate::sorted::SortedMap;

/// What a member may do in a team.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TeamRole {
    /// Manages the team.
    Admin,
    /// Uses it.
    #[default]
    User,
}

named!(TeamRole { "admin" => Admin, "user" => User });

/// A member of a team, with what bounds them in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub user_id: String,
    /// Their e-mail address.
    pub user_email: Option<String>,
    /// What they may do.
    pub role: TeamRole,
    /// Most that they may spend in the team, in USD.
    pub max_budget_in_team: Option<Money>,
    /// When that starts anew.
    pub budget_duration: Option<Span>,
    /// Tokens a minute in the team.
    pub tpm_limit: Option<u64>,
    /// Requests a minute in the team.
    pub rpm_limit: Option<u64>,
    /// Models that they may call; empty is all of the team's.
    pub allowed_models: Vec<String>,
}

typed!(Member { user_id, user_email, role, max_budget_in_team, budget_duration, tpm_limit, rpm_limit, allowed_models });

/// What is known of a team.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TeamRecord {
    /// Its id.
    pub team_id: String,
    /// A name for people.
    pub team_alias: Option<String>,
    /// Its members.
    pub members_with_roles: Vec<Member>,
    /// Models that it may call; empty is all.
    pub models: Vec<String>,
    /// Other names of models: name to model group.
    pub model_aliases: SortedMap<String, String>,
    /// Anything.
    pub metadata: Map<String, Value>,
    /// Tags that every request of it gets.
    pub tags: Vec<String>,
    /// Whether it is blocked.
    pub blocked: bool,
    /// Access groups whose models it may call.
    pub access_group_ids: Vec<String>,
    /// How the requests of its keys are routed that say nothing of it themselves.
    pub router_settings: Routing,
    /// Its limits.
    pub allowance: Allowance,
    /// What each member may spend in it who has no budget of their own in it, in USD.
    pub team_member_budget: Option<Money>,
    /// When that starts anew.
    pub team_member_budget_duration: Option<Span>,
    /// Requests a minute of each such member.
    pub team_member_rpm_limit: Option<u64>,
    /// Tokens a minute of each such member.
    pub team_member_tpm_limit: Option<u64>,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// When it was last changed (ISO 8601).
    pub updated_at: String,
    /// Stored and shown again, without effect.
    pub inert: Map<String, Value>,
}

typed!(TeamRecord {
    team_id,
    team_alias,
    members_with_roles,
    models,
    model_aliases,
    metadata,
    tags,
    blocked,
    access_group_ids,
    (unless_empty router_settings),
    (flat allowance),
    team_member_budget,
    team_member_budget_duration,
    team_member_rpm_limit,
    team_member_tpm_limit,
    created_at,
    updated_at,
    (rest inert),
});

const FIELDS: &[&str] = &[
    "team_id",
    "team_alias",
    "members_with_roles",
    "models",
    "model_aliases",
    "metadata",
    "tags",
    "blocked",
    "access_group_ids",
    "router_settings",
    "team_member_budget",
    "team_member_budget_duration",
    "team_member_rpm_limit",
    "team_member_tpm_limit",
];

/// `admins` and `members` are LiteLLM's old lists of ids, which it shows and does not act on.
const INERT: &[&str] = &["organization_id", "admins", "members"];

/// Of a team, besides what keys refuse.
const REFUSED: &[&str] = &["team_member_permissions", "team_member_key_duration", "default_team_member_models"];

const SCREEN: Screen = Screen {
    known: &[FIELDS, budget::FIELDS, budget::MODEL_FIELDS],
    inert: INERT,
    refused: &[fields::REFUSED, REFUSED],
};

impl TeamRecord {
    /// Reads a `/team/new` or `/team/update` body onto this record (for a new one: the default with its id set); `null`
    /// takes a field back to its default.
    ///
    /// # Errors
    ///
    /// A field that is unknown, refused or wrong; see [`Screen`].
    pub fn patched(&self, body: &Map<String, Value>, now_ms: u64) -> Result<Self> {
        SCREEN.check(body)?;
        let mut rest = body.clone();
        rest.retain(|name, _| !SCREEN.refuses(name));
        let mut record: Self = fields::patched(self, &rest)?;
        record.allowance.check()?;
        fields::check_tags(&record.tags)?;
        if record.team_member_budget.is_some_and(Money::is_negative) {
            return Err(Error::bad_request("team_member_budget", "`team_member_budget` is negative"));
        }
        record.updated_at = write_time(now_ms);
        if record.created_at.is_empty() {
            record.created_at.clone_from(&record.updated_at);
        }
        Ok(record)
    }

    /// The member with an id.
    pub fn member(&self, user_id: &str) -> Option<&Member> {
        self.members_with_roles.iter().find(|member| member.user_id == user_id)
    }

    /// Adds a member (`/team/member_add`).
    ///
    /// # Errors
    ///
    /// Without an id, in the team already, or with a negative budget.
    pub fn add_member(&mut self, member: Member) -> Result<()> {
        if member.user_id.is_empty() {
            return Err(Error::bad_request("member.user_id", "`member` needs a `user_id`"));
        }
        if self.member(&member.user_id).is_some() {
            let message = format!("user {} is in team {} already", member.user_id, self.team_id);
            return Err(Error::bad_request("member", message).with_type("team_member_already_in_team"));
        }
        if member.max_budget_in_team.is_some_and(Money::is_negative) {
            return Err(Error::bad_request("max_budget_in_team", "`max_budget_in_team` is negative"));
        }
        self.members_with_roles.push(member);
        Ok(())
    }

    /// Changes a member (`/team/member_update`): the fields of `body` that [`Member`] has.
    ///
    /// # Errors
    ///
    /// Not in the team, or a field that is unknown or wrong.
    pub fn update_member(&mut self, user_id: &str, body: &Map<String, Value>) -> Result<()> {
        const SCREEN: Screen = Screen {
            known: &[&[
                "team_id",
                "user_id",
                "user_email",
                "role",
                "max_budget_in_team",
                "budget_duration",
                "tpm_limit",
                "rpm_limit",
                "allowed_models",
            ]],
            inert: &[],
            refused: &[],
        };
        SCREEN.check(body)?;
        let mut fields = body.clone();
        fields.retain(|name, _| name != "team_id" && name != "user_id");
        let team_id = self.team_id.clone();
        let Some(member) = self.members_with_roles.iter_mut().find(|member| member.user_id == user_id) else {
            return Err(missing(user_id, &team_id));
        };
        let changed: Member = fields::patched(member, &fields)?;
        if changed.max_budget_in_team.is_some_and(Money::is_negative) {
            return Err(Error::bad_request("max_budget_in_team", "`max_budget_in_team` is negative"));
        }
        *member = changed;
        Ok(())
    }

    /// Takes a member out (`/team/member_delete`), by id or e-mail address.
    ///
    /// # Errors
    ///
    /// Not in the team.
    pub fn remove_member(&mut self, user: &str) -> Result<Member> {
        let is = |member: &Member| member.user_id == user || member.user_email.as_deref() == Some(user);
        match self.members_with_roles.iter().position(is) {
            Some(index) => Ok(self.members_with_roles.remove(index)),
            None => Err(missing(user, &self.team_id)),
        }
    }

    /// The limits of its scope, of its models and of its members, for [`super::ledger::Ledger::configure`].
    pub fn scopes(&self) -> Vec<(ScopeId, Limits)> {
        let limits = Limits { blocked: self.blocked, ..self.allowance.limits() };
        let mut scopes = vec![(ScopeId::new(ScopeKind::Team, &self.team_id), limits)];
        for model in self.allowance.limited_models() {
            let limits = self.allowance.model_limits(model).unwrap_or_default();
            scopes.push((ScopeId::team_model(&self.team_id, model), limits));
        }
        for member in &self.members_with_roles {
            scopes.push((ScopeId::member(&self.team_id, &member.user_id), self.member_limits(member)));
        }
        scopes
    }

    fn member_limits(&self, member: &Member) -> Limits {
        let (max_budget, budget_duration) = match member.max_budget_in_team {
            Some(_) => (member.max_budget_in_team, member.budget_duration),
            None => (self.team_member_budget, self.team_member_budget_duration),
        };
        Limits {
            max_budget,
            budget_duration,
            rpm: member.rpm_limit.or(self.team_member_rpm_limit),
            tpm: member.tpm_limit.or(self.team_member_tpm_limit),
            ..Limits::default()
        }
    }
}

fn missing(user: &str, team_id: &str) -> Error {
    Error::new(Kind::NotFound, format!("user {user} is not in team {team_id}")).with_param("user_id")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn team(body: &Value) -> Result<TeamRecord> {
        let fresh = TeamRecord { team_id: "t".to_owned(), ..TeamRecord::default() };
        fresh.patched(body.as_object().unwrap(), 0)
    }

    #[test]
    fn a_team_and_its_members_become_scopes() {
        let mut team = team(&json!({
            "team_alias": "backend-team", "rpm_limit": 200, "max_budget": 500.0, "budget_duration": "monthly",
            "members_with_roles": [{"role": "admin", "user_id": "boss"}], "team_member_budget": 5, "blocked": true,
        }))
        .unwrap();
        let ann = Member { user_id: "ann".to_owned(), max_budget_in_team: Money::parse("9"), ..Member::default() };
        team.add_member(ann.clone()).unwrap();
        assert!(team.add_member(ann).is_err());
        let scopes = team.scopes();
        assert_eq!(scopes[0].0, ScopeId::new(ScopeKind::Team, "t"));
        assert!(scopes[0].1.blocked);
        assert_eq!(
            scopes[1],
            (ScopeId::member("t", "boss"), Limits { max_budget: Money::parse("5"), ..Limits::default() })
        );
        assert_eq!(scopes[2].1.max_budget, Money::parse("9"));
        team.update_member("ann", json!({"max_budget_in_team": null, "role": "admin"}).as_object().unwrap()).unwrap();
        assert_eq!(team.scopes()[2].1.max_budget, Money::parse("5"));
        assert_eq!(team.remove_member("ann").unwrap().role, TeamRole::Admin);
        assert_eq!(team.remove_member("ann").unwrap_err().status(), 404);
    }

    #[test]
    fn a_team_refuses_what_it_would_not_keep() {
        for (body, field) in [
            (json!({"team_member_permissions": ["/key/generate"]}), "team_member_permissions"),
            (json!({"guardrails": ["pii"]}), "guardrails"),
            (json!({"max_budgt": 1}), "max_budgt"),
            (json!({"team_member_budget": -1}), "team_member_budget"),
        ] {
            assert_eq!(team(&body).unwrap_err().param(), Some(field), "{body}");
        }
        assert!(team(&json!({"team_member_permissions": [], "guardrails": null})).is_ok());
    }
}
