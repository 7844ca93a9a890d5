//! `/team/info` and `/team/list`: what shows teams.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::{Desk, row, spent};
use super::store::{Done, Held, with};
use super::team::root;
use crate::error::{Error, Result};
use crate::keys::Typed;
use crate::keys::directory::Filter;
use crate::keys::ledger::{ScopeId, ScopeView};
use crate::keys::{KeyRecord, Member, TeamRecord};

/// Most teams of a list that is not paged.
const MOST_LISTED: u64 = 500;

impl<H: Host> Desk<'_, H> {
    /// A team's row with its spend now.
    pub(super) async fn team_row(&self, team: &TeamRecord) -> Result<Map<String, Value>> {
        let root = root(&team.team_id);
        Ok(row(team, self.view(&root, &root).await?.as_ref()))
    }

    /// What members spent in a team, and may.
    pub(super) async fn memberships(&self, team: &TeamRecord) -> Result<Vec<Value>> {
        let scope = |member: &Member| ScopeId::member(&team.team_id, &member.user_id);
        let scopes: Vec<ScopeId> = team.members_with_roles.iter().map(scope).collect();
        let views = self.views(&root(&team.team_id), &scopes).await?;
        let rows = team.members_with_roles.iter().zip(&views);
        Ok(rows.map(|(member, view)| membership(team, member, view.as_ref())).collect())
    }

    /// `GET /team/info`
    pub(super) async fn team_info(&self) -> Done<Value> {
        self.only_queries(&["team_id", "key_limit"])?;
        let team = self.team(&self.need("team_id")?).await?.record;
        if !self.actor.is_all() && !self.actor.is_in(&team) {
            let message = format!("key not allowed to access this team's info. Key team_id={}", team.team_id);
            return Err(forbidden(message).into());
        }
        let team_info = self.team_row(&team).await?;
        let sees_keys = self.actor.is_all() || self.actor.administers(&team);
        let mut keys: Vec<KeyRecord> = Vec::new();
        if sees_keys {
            let held: Vec<Held<KeyRecord>> = self.all(vec![with("team_id", &team.team_id)]).await?;
            keys.extend(held.into_iter().map(|held| held.record));
        } else if let Some(own) = &self.actor.key {
            // A member sees what the team is, and of its keys the one they hold.
            keys.extend((own.team_id.as_deref() == Some(&team.team_id)).then(|| (**own).clone()));
        }
        let mut memberships = self.memberships(&team).await?;
        if !sees_keys {
            memberships.retain(|membership| membership["user_id"].as_str() == self.actor.user_id());
        }
        Ok(json!({
            "team_id": team.team_id,
            "team_info": team_info,
            "keys": self.key_rows(&keys).await?,
            "team_memberships": memberships,
        }))
    }

    /// `GET /team/list`: all teams, or those of a user.
    ///
    /// # Errors
    ///
    /// Over [`MOST_LISTED`]: each has a ledger of its own to ask.
    pub(super) async fn team_list(&self) -> Done<Value> {
        self.only_queries(&["user_id"])?;
        let filter = self.team_filter()?;
        let (teams, total) = self.page::<TeamRecord>(filter, 0, MOST_LISTED).await?;
        if total > MOST_LISTED {
            let message = format!("there are over {MOST_LISTED} teams: page through them by GET /v2/team/list");
            return Err(Error::bad_request("user_id", message).into());
        }
        Ok(Value::Array(self.team_rows(&teams).await?))
    }

    /// `GET /v2/team/list`
    pub(super) async fn team_list_paged(&self) -> Done<Value> {
        self.only_queries(&["user_id", "team_alias", "page", "page_size"])?;
        let page = self.paging("page_size", 10, 100)?;
        let mut filter = self.team_filter()?;
        filter.extend(self.query("team_alias").map(|alias| with("team_alias", &alias)));
        let (teams, total) = self.page::<TeamRecord>(filter, page.offset(), page.size).await?;
        Ok(json!({
            "teams": self.team_rows(&teams).await?,
            "total": total,
            "page": page.number,
            "page_size": page.size,
            "total_pages": page.pages(total),
        }))
    }

    async fn team_rows(&self, teams: &[Held<TeamRecord>]) -> Result<Vec<Value>> {
        let mut rows = Vec::new();
        for team in teams {
            rows.push(Value::Object(self.team_row(&team.record).await?));
        }
        Ok(rows)
    }

    /// Whose teams are listed: everybody's, or for callers who do not see everything their own.
    fn team_filter(&self) -> Result<Vec<Filter>> {
        let wanted = self.query("user_id");
        let user_id = match (self.actor.is_all(), self.actor.user_id()) {
            (true, _) => wanted,
            (false, Some(own)) if wanted.as_deref().is_none_or(|wanted| wanted == own) => Some(own.to_owned()),
            (false, _) => return Err(forbidden("You are not authorized to list other users' teams")),
        };
        Ok(user_id.map(|user_id| with("member", &user_id)).into_iter().collect())
    }
}

fn membership(team: &TeamRecord, member: &Member, view: Option<&ScopeView>) -> Value {
    json!({
        "user_id": member.user_id,
        "team_id": team.team_id,
        "role": member.role.write(),
        "spend": spent(view),
        "total_spend": view.map(|view| view.total),
        "litellm_budget_table": {
            "max_budget": view.and_then(|view| view.limits.max_budget),
            "budget_duration": view.and_then(|view| view.limits.budget_duration),
            "tpm_limit": view.and_then(|view| view.limits.tpm),
            "rpm_limit": view.and_then(|view| view.limits.rpm),
            "allowed_models": member.allowed_models,
        },
    })
}
