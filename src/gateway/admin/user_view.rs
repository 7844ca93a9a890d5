//! `/user/info` and `/user/list`: what shows users.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::{Desk, row};
use super::store::{Done, Held, with};
use super::{team, user};
use crate::error::{Error, Result};
use crate::keys::directory::Filter;
use crate::keys::ledger::ScopeId;
use crate::keys::{KeyRecord, TeamRecord, UserRecord};
use crate::money::Money;

impl<H: Host> Desk<'_, H> {
    /// A user's row: `spend` is what counts against their budget, that of their own keys.
    pub(super) async fn user_row(&self, record: &UserRecord) -> Result<Map<String, Value>> {
        let root = user::root(&record.user_id);
        Ok(row(record, self.view(&root, &root).await?.as_ref()))
    }

    /// `GET /user/info`
    pub(super) async fn user_info(&self) -> Done<Value> {
        self.only_queries(&["user_id"])?;
        let wanted = self.query("user_id").or_else(|| self.actor.user_id().map(str::to_owned));
        let Some(user_id) = wanted else {
            return Err(Error::bad_request("user_id", "`user_id` is missing: add `?user_id=…` to the address").into());
        };
        if !self.actor.is_all() && self.actor.user_id() != Some(user_id.as_str()) {
            let message =
                format!("You are not allowed to access this user's info. Your role={}", self.actor.role_name());
            return Err(forbidden(message).into());
        }
        let user = self.user(&user_id).await?.record;
        let teams: Vec<Held<TeamRecord>> = self.all(vec![with("member", &user_id)]).await?;
        let mut rows = Vec::new();
        let mut in_teams = Money::ZERO;
        for team in &teams {
            let root = team::root(&team.record.team_id);
            let scopes = [root.clone(), ScopeId::member(&team.record.team_id, &user_id)];
            let views = self.views(&root, &scopes).await?;
            rows.push(row(&team.record, views.first().and_then(Option::as_ref)));
            in_teams += views.get(1).and_then(Option::as_ref).map_or(Money::ZERO, |view| view.total);
        }
        let keys: Vec<Held<KeyRecord>> = self.all(vec![with("user_id", &user_id)]).await?;
        let keys: Vec<KeyRecord> = keys.into_iter().map(|held| held.record).collect();
        let root = user::root(&user_id);
        let view = self.view(&root, &root).await?;
        let mut user_info = row(&user, view.as_ref());
        // All that the user ever spent: what they spend in a team counts against the team, and is shown here alone.
        let own = view.map_or(Money::ZERO, |view| view.total);
        user_info.insert("total_spend".to_owned(), json!(own + in_teams));
        Ok(json!({
            "user_id": user_id,
            "user_info": user_info,
            "keys": self.key_rows(&keys).await?,
            "teams": rows,
        }))
    }

    /// `GET /user/list`
    pub(super) async fn user_list(&self) -> Done<Value> {
        self.only_queries(&["role", "user_ids", "user_email", "team", "page", "page_size"])?;
        let page = self.paging("page_size", 25, 100)?;
        let filters = [("role", "user_role"), ("team", "team")];
        let mut filter: Vec<Filter> =
            filters.iter().filter_map(|(query, field)| self.query(query).map(|value| with(field, &value))).collect();
        filter.extend(self.query("user_email").map(|email| with("user_email", &email.to_lowercase())));
        let (users, total) = match self.query("user_ids") {
            None => self.page::<UserRecord>(filter, page.offset(), page.size).await?,
            Some(ids) => {
                let ids: Vec<&str> = ids.split(',').map(str::trim).collect();
                let mut users: Vec<Held<UserRecord>> = self.all(filter).await?;
                users.retain(|user| ids.contains(&user.record.user_id.as_str()));
                let total = users.len() as u64;
                (users.into_iter().skip(page.offset() as usize).take(page.size as usize).collect(), total)
            }
        };
        let mut rows = Vec::new();
        for user in &users {
            let mut row = self.user_row(&user.record).await?;
            let (_, keys) = self.page::<KeyRecord>(vec![with("user_id", &user.record.user_id)], 0, 0).await?;
            row.insert("key_count".to_owned(), json!(keys));
            rows.push(row);
        }
        Ok(json!({
            "users": rows,
            "total": total,
            "page": page.number,
            "page_size": page.size,
            "total_pages": page.pages(total),
        }))
    }
}
