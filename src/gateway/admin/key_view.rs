//! `/key/info`, `/key/list`, `/key/aliases` and `/key/health`: what shows keys.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::{Desk, row};
use super::key::missing;
use super::place::own_scope;
use super::store::{Done, Held, with};
use crate::error::{Error, Kind, Result};
use crate::keys::Typed;
use crate::keys::directory::Filter;
use crate::keys::ledger::{ScopeId, ScopeView};
use crate::keys::{BudgetRecord, KeyRecord, token};
use crate::sorted;

impl<H: Host> Desk<'_, H> {
    /// `GET /key/info`
    pub(super) async fn key_info(&self) -> Done<Value> {
        self.only_queries(&["key"])?;
        let (name, held) = match (self.query("key"), &self.actor.key) {
            (Some(key), _) => {
                let held = self.key(&key).await?;
                (if token::is_hash(&key) { key } else { held.record.token.clone() }, held)
            }
            (None, Some(own)) => (own.token.clone(), self.get(&own.token).await?.ok_or_else(missing)?),
            (None, None) => return Err(Error::bad_request("key", "`key` is missing: add `?key=…`").into()),
        };
        self.may_see(&held.record).await?;
        let mut info = self.key_row(&held.record).await?;
        info.shift_remove("token");
        Ok(json!({"key": name, "info": info}))
    }

    /// Refuses to show somebody else's key.
    async fn may_see(&self, key: &KeyRecord) -> Result<()> {
        if self.actor.is_all() || self.actor.owns(key) || self.governs(key.team_id.as_deref()).await? {
            return Ok(());
        }
        let message = format!("You are not allowed to access this key's info. Your role={}", self.actor.role_name());
        Err(forbidden(message))
    }

    /// A key's row with its spend now and its shared budget.
    pub(super) async fn key_row(&self, key: &KeyRecord) -> Result<Map<String, Value>> {
        let view = self.view(&key.root(), &own_scope(key)).await?;
        match self.with_budget(Value::Object(row(key, view.as_ref())), key).await? {
            Value::Object(row) => Ok(row),
            _ => Ok(Map::new()),
        }
    }

    /// Adds the shared budget that a key names to its row.
    pub(super) async fn with_budget(&self, mut row: Value, key: &KeyRecord) -> Result<Value> {
        let budget: Option<Held<BudgetRecord>> = match &key.budget_id {
            Some(budget_id) => self.get(budget_id).await?,
            None => None,
        };
        if let Value::Object(row) = &mut row {
            row.insert("litellm_budget_table".to_owned(), budget.map(|budget| budget.record).write());
        }
        Ok(row)
    }

    /// The rows of several keys, with one question for each ledger.
    pub(super) async fn key_rows(&self, keys: &[KeyRecord]) -> Result<Vec<Value>> {
        let mut roots: Vec<ScopeId> = keys.iter().map(KeyRecord::root).collect();
        sorted::sort(&mut roots);
        roots.dedup();
        let mut views: Vec<ScopeView> = Vec::new();
        for root in &roots {
            let scopes: Vec<ScopeId> = keys.iter().filter(|key| key.root() == *root).map(own_scope).collect();
            views.extend(self.views(root, &scopes).await?.into_iter().flatten());
        }
        let view = |key: &KeyRecord| views.iter().find(|view| view.scope == own_scope(key));
        Ok(keys.iter().map(|key| Value::Object(row(key, view(key)))).collect())
    }

    /// `GET /key/list`
    pub(super) async fn key_list(&self) -> Done<Value> {
        self.only_queries(&[
            "page",
            "size",
            "user_id",
            "team_id",
            "key_alias",
            "key_hash",
            "return_full_object",
            "include_team_keys",
        ])?;
        let page = self.paging("size", 10, 100)?;
        let full = self.switch("return_full_object")?.unwrap_or(false);
        let (keys, total) = match self.query("key_hash") {
            Some(hash) => {
                let held: Held<KeyRecord> = self
                    .get(&hash)
                    .await?
                    .ok_or_else(|| Error::new(Kind::NotFound, "Key Hash not found.").with_param("key_hash"))?;
                self.may_see(&held.record).await?;
                (vec![held.record], 1)
            }
            None => self.listed(page.offset(), page.size).await?,
        };
        let shown = if full { self.key_rows(&keys).await? } else { keys.iter().map(|key| json!(key.token)).collect() };
        Ok(json!({
            "keys": shown,
            "total_count": total,
            "current_page": page.number,
            "total_pages": page.pages(total),
        }))
    }

    /// The keys that the query's filters and the caller's reach leave.
    async fn listed(&self, offset: u64, limit: u64) -> Result<(Vec<KeyRecord>, u64)> {
        let names = ["user_id", "team_id", "key_alias"];
        let mut filter: Vec<Filter> =
            names.iter().filter_map(|name| self.query(name).map(|value| with(name, &value))).collect();
        if !self.actor.is_all() && !self.governs(self.query("team_id").as_deref()).await? {
            let Some(own) = self.actor.user_id() else {
                // A key without a user sees itself alone.
                let own = self.actor.key.iter().map(|key| (**key).clone()).skip(offset as usize).take(limit as usize);
                return Ok((own.collect(), 1));
            };
            if self.query("user_id").is_some_and(|user_id| user_id != own) {
                return Err(forbidden("You are not authorized to check another user's keys"));
            }
            if self.switch("include_team_keys")? == Some(true) {
                return self.own_and_team_keys(own, filter, offset, limit).await;
            }
            filter.retain(|wanted| wanted.field != "user_id");
            filter.push(with("user_id", own));
        }
        let (keys, total) = self.page::<KeyRecord>(filter, offset, limit).await?;
        Ok((keys.into_iter().map(|held| held.record).collect(), total))
    }

    /// The caller's keys, and those of the teams that they administer.
    async fn own_and_team_keys(
        &self,
        own: &str,
        mut filter: Vec<Filter>,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<KeyRecord>, u64)> {
        filter.retain(|wanted| wanted.field != "user_id");
        let mut keys: Vec<KeyRecord> = Vec::new();
        let mine = std::iter::once(with("user_id", own));
        let teams: Vec<Held<crate::keys::TeamRecord>> = self.all(vec![with("member", own)]).await?;
        let theirs = teams.iter().filter(|team| self.actor.administers(&team.record));
        for wanted in mine.chain(theirs.map(|team| with("team_id", &team.record.team_id))) {
            let filter: Vec<Filter> = filter.iter().cloned().chain([wanted]).collect();
            keys.extend(self.all::<KeyRecord>(filter).await?.into_iter().map(|held| held.record));
        }
        sorted::sort_by(&mut keys, |a, b| a.token.cmp(&b.token));
        keys.dedup_by(|a, b| a.token == b.token);
        let total = keys.len() as u64;
        Ok((keys.into_iter().skip(offset as usize).take(limit as usize).collect(), total))
    }

    /// `GET /key/aliases`
    pub(super) async fn key_aliases(&self) -> Done<Value> {
        self.only_queries(&["page", "size", "search", "team_id"])?;
        let page = self.paging("size", 50, 100)?;
        let search = self.query("search").unwrap_or_default().to_lowercase();
        let mut filter: Vec<Filter> =
            self.query("team_id").map(|team_id| with("team_id", &team_id)).into_iter().collect();
        if !self.actor.is_all() && !self.governs(self.query("team_id").as_deref()).await? {
            match self.actor.user_id() {
                Some(own) => filter.push(with("user_id", own)),
                None => return Err(forbidden("No 'user_id' is associated with your API key.").into()),
            }
        }
        let keys: Vec<Held<KeyRecord>> = self.all(filter).await?;
        let aliases = keys.into_iter().filter_map(|held| held.record.key_alias);
        let mut aliases: Vec<String> = aliases.filter(|alias| alias.to_lowercase().contains(&search)).collect();
        sorted::sort(&mut aliases);
        let total = aliases.len() as u64;
        let shown: Vec<String> = aliases.into_iter().skip(page.offset() as usize).take(page.size as usize).collect();
        Ok(json!({
            "aliases": shown,
            "total_count": total,
            "current_page": page.number,
            "total_pages": page.pages(total),
            "size": page.size,
        }))
    }
}

/// `POST /key/health`: the key was found and may call, or the caller would not be here; there are no callbacks of keys.
pub(super) fn health() -> Value {
    json!({"key": "healthy", "logging_callbacks": null})
}
