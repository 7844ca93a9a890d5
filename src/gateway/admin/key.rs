//! `/key/generate`, `/key/update`, `/key/regenerate`, `/key/delete`, `/key/block`, `/key/unblock` and
//! `/key/{key}/reset_spend`: what changes keys.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::desk::{Desk, spent};
use super::place::own_scope;
use super::store::{Change, Done, Held};
use crate::error::{Error, Kind, Result};
use crate::keys::calendar::write_time;
use crate::keys::record::spend as spend_field;
use crate::keys::{KeyRecord, TeamRecord, token};
use crate::money::Money;
use crate::secret::{Secret, mask};

/// The error for a key that is not there.
pub(super) fn missing() -> Error {
    Error::new(Kind::NotFound, "Key not found in database").with_type("not_found_error").with_param("key")
}

impl<H: Host> Desk<'_, H> {
    /// A key's record, by the key or by its hash.
    ///
    /// # Errors
    ///
    /// 404 where there is none.
    pub(super) async fn key(&self, key: &str) -> Result<Held<KeyRecord>> {
        let hash = if token::is_hash(key) { key.to_owned() } else { token::hash(key) };
        self.get(&hash).await?.ok_or_else(missing)
    }

    /// Makes a change depend on the team of a key.
    async fn in_team(&self, change: &mut Change, key: &KeyRecord) -> Result<()> {
        let Some(team_id) = &key.team_id else { return Ok(()) };
        let Some(team) = self.get::<TeamRecord>(team_id).await? else {
            let message = format!("Unable to find team object in database. Team ID: {team_id}");
            return Err(Error::bad_request("team_id", message));
        };
        change.builds_on(&team);
        Ok(())
    }

    /// The secret that keys are signed with.
    fn signer(&self) -> Result<&Secret> {
        self.gateway.door.salt().ok_or_else(|| {
            let message = "virtual keys need a master key, and none is set: set `general_settings.master_key`";
            Error::new(Kind::BadRequest, message).with_type("no_db_connection")
        })
    }

    /// A key that the request chose by `field`, or a fresh one.
    fn new_key(&self, body: &Map<String, Value>, field: &str) -> Result<String> {
        let secret = self.signer()?;
        match body.get(field) {
            None | Some(Value::Null) => Ok(token::generate(&self.host.secret_bytes()?, secret)),
            Some(Value::String(key)) => {
                token::check_custom(key, secret).map(|()| key.clone()).map_err(|error| error.with_param(field))
            }
            Some(_) => Err(Error::bad_request(field, format!("`{field}` is a text"))),
        }
    }

    /// The body without empty ids, which stand for none.
    fn key_fields(&self) -> Map<String, Value> {
        let mut body = self.body.clone();
        for name in ["team_id", "user_id", "budget_id", "key_alias"] {
            if body.get(name).and_then(Value::as_str) == Some("") {
                body.insert(name.to_owned(), Value::Null);
            }
        }
        body
    }

    /// `POST /key/generate`
    pub(super) async fn key_generate(&self) -> Done<Value> {
        let mut body = self.key_fields();
        self.bound_new(&mut body).await?;
        let mut change = Change::default();
        let (key, record) = self.generated(&mut change, &body).await?;
        self.commit(change).await?;
        let view = self.view(&record.root(), &own_scope(&record)).await?;
        Ok(self.with_budget(record.response(&key, view.as_ref()), &record).await?)
    }

    /// Adds the key that a `/key/generate` body asks for to a change; answers it with its record.
    pub(super) async fn generated(&self, change: &mut Change, body: &Map<String, Value>) -> Done<(String, KeyRecord)> {
        let key = self.new_key(body, "key")?;
        let record = KeyRecord::generated(body, &key, self.author().as_deref(), self.now_ms)?;
        if self.get::<KeyRecord>(&record.token).await?.is_some() {
            return Err(Error::bad_request("key", "`key` exists already: choose another").into());
        }
        self.in_team(change, &record).await?;
        self.place_new(change, &record, spend_field(body)?).await?;
        Ok((key, record))
    }

    /// Under whose name records change: LiteLLM's `litellm-changed-by` for admins, else the caller's.
    pub(super) fn author(&self) -> Option<String> {
        let told = self.request.headers.get("litellm-changed-by").filter(|_| self.actor.is_all());
        told.or_else(|| self.actor.name()).map(|name| name.chars().take(200).collect())
    }

    /// `POST /key/update`
    pub(super) async fn key_update(&self) -> Done<Value> {
        let key = self.text("key")?;
        let old = self.key(&key).await?;
        let body = self.key_fields();
        self.bound_change(&old.record, &body).await?;
        let new = old.record.patched(&body, self.author().as_deref(), self.now_ms)?;
        let mut change = Change::default();
        self.in_team(&mut change, &new).await?;
        self.replace(&mut change, &old, &new, spend_field(&body)?).await?;
        self.commit(change).await?;
        let mut row = self.key_row(&new).await?;
        row.insert("key".to_owned(), json!(if token::is_hash(&key) { key } else { mask(&key) }));
        Ok(Value::Object(row))
    }

    /// `POST /key/regenerate` and `POST /key/{key}/regenerate`
    pub(super) async fn key_regenerate(&self) -> Done<Value> {
        let mut body = self.key_fields();
        let key = if self.part.is_empty() { self.text("key")? } else { self.part.clone() };
        let old = self.key(&key).await?;
        for (name, mend) in [
            ("grace_period", "the old key ends at once"),
            ("new_master_key", "the master key is set in the configuration"),
        ] {
            if body.shift_remove(name).is_some_and(|value| !value.is_null()) {
                return Err(Error::bad_request(name, format!("`{name}` is not supported: {mend}; leave it out")).into());
            }
        }
        let new_key = self.new_key(&body, "new_key")?;
        body.shift_remove("new_key");
        body.shift_remove("key");
        self.may_manage(&old.record).await?;
        self.may_hold(&old.record)?;
        self.bound_change(&old.record, &body).await?;
        let mut new = old.record.patched(&body, self.author().as_deref(), self.now_ms)?;
        new.token = token::hash(&new_key);
        new.key_name = mask(&new_key);
        if self.get::<KeyRecord>(&new.token).await?.is_some() {
            return Err(Error::bad_request("new_key", "`new_key` exists already: choose another").into());
        }
        let mut change = Change::default();
        self.in_team(&mut change, &new).await?;
        self.replace(&mut change, &old, &new, spend_field(&body)?).await?;
        self.commit(change).await?;
        let view = self.view(&new.root(), &own_scope(&new)).await?;
        Ok(self.with_budget(new.response(&new_key, view.as_ref()), &new).await?)
    }

    /// `POST /key/delete`
    pub(super) async fn key_delete(&self) -> Done<Value> {
        self.only(&["keys", "key_aliases"])?;
        let by_alias = self.body.get("keys").is_none_or(Value::is_null);
        let names = self.texts(if by_alias { "key_aliases" } else { "keys" })?;
        let mut change = Change::default();
        let mut deleted: Vec<String> = Vec::new();
        for name in &names {
            let key = if by_alias {
                self.find::<KeyRecord>("key_alias", name).await?.ok_or_else(missing)?
            } else {
                self.key(name).await?
            };
            self.may_manage(&key.record).await?;
            if !deleted.contains(&key.record.token) {
                self.displace(&mut change, &key).await?;
                deleted.push(key.record.token.clone());
            }
        }
        self.commit(change).await?;
        // As given, but never a key in the clear: answers are logged.
        let shown = |name: &String| if by_alias || token::is_hash(name) { name.clone() } else { token::hash(name) };
        Ok(json!({"deleted_keys": names.iter().map(shown).collect::<Vec<_>>()}))
    }

    /// `POST /key/block` and `POST /key/unblock`
    pub(super) async fn key_block(&self, blocked: bool) -> Done<Value> {
        self.only(&["key"])?;
        let old = self.key(&self.text("key")?).await?;
        self.administers_key(&old.record, if blocked { "/key/block" } else { "/key/unblock" }).await?;
        let new =
            KeyRecord { blocked, updated_at: write_time(self.now_ms), updated_by: self.author(), ..old.record.clone() };
        let mut change = Change::default();
        self.replace(&mut change, &old, &new, None).await?;
        self.commit(change).await?;
        Ok(Value::Object(self.key_row(&new).await?))
    }

    /// `POST /key/{key}/reset_spend`
    pub(super) async fn key_reset_spend(&self) -> Done<Value> {
        self.only(&["reset_to"])?;
        let key = self.key(&self.part).await?;
        self.administers_key(&key.record, "/key/{key}/reset_spend").await?;
        let Some(reset_to) = self.field::<Money>("reset_to")? else {
            return Err(Error::bad_request("reset_to", "`reset_to` is missing: the spend in USD that it gets").into());
        };
        let view = self.view(&key.record.root(), &own_scope(&key.record)).await?;
        let before = spent(view.as_ref());
        let shared = self.shared(key.record.budget_id.as_deref()).await?;
        let most = key.record.allowance.max_budget.or(shared.and_then(|shared| shared.record.allowance.max_budget));
        let bound = |what: &str, amount: Money| {
            Error::bad_request("reset_to", format!("reset_to ({reset_to}) must be <= {what} ({amount})"))
        };
        match most {
            _ if reset_to.is_negative() => return Err(Error::bad_request("reset_to", "reset_to must be >= 0").into()),
            _ if reset_to > before => return Err(bound("current spend", before).into()),
            Some(most) if reset_to > most => return Err(bound("budget", most).into()),
            _ => {}
        }
        let mut change = Change::default();
        change.put(&key.record, key.version);
        change.set_spend(&key.record.root(), &own_scope(&key.record), reset_to);
        self.commit(change).await?;
        let reset_at = view.and_then(|view| view.windows.first().and_then(|window| window.reset_at_ms));
        Ok(json!({
            "key_hash": key.record.token,
            "spend": reset_to,
            "previous_spend": before,
            "max_budget": most,
            "budget_reset_at": reset_at.map(write_time),
        }))
    }
}
