//! `/user/new`, `/user/update` and `/user/delete`: what changes users.

use serde_json::{Value, json};

use super::super::host::Host;
use super::desk::Desk;
use super::store::{Change, Done, Drafts, Held, with};
use crate::error::{Error, Kind, Result};
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::keys::record::spend as spend_field;
use crate::keys::{KeyRecord, Member, TeamRecord, UserRecord};
use crate::sorted;

/// The root of a user's own keys.
pub(super) fn root(user_id: &str) -> ScopeId {
    ScopeId::new(ScopeKind::User, user_id)
}

impl<H: Host> Desk<'_, H> {
    /// A user's record.
    ///
    /// # Errors
    ///
    /// 404 where there is none.
    pub(super) async fn user(&self, user_id: &str) -> Result<Held<UserRecord>> {
        self.get(user_id)
            .await?
            .ok_or_else(|| Error::new(Kind::NotFound, format!("User {user_id} not found")).with_param("user_id"))
    }

    /// `POST /user/new`
    pub(super) async fn user_new(&self) -> Done<Value> {
        let user_id = self.new_id("user_id")?;
        if self.get::<UserRecord>(&user_id).await?.is_some() {
            let message = format!("User with id {user_id} already exists");
            return Err(Error::new(Kind::Conflict, message).with_param("user_id").into());
        }
        let mut body = self.body.clone();
        body.insert("user_id".to_owned(), json!(user_id));
        body.insert("teams".to_owned(), json!([]));
        let fresh = UserRecord::default().patched(&body, self.now_ms)?;
        let mut change = Change::default();
        let (mut users, mut teams) = (Drafts::new(), Drafts::new());
        users.of(Held { record: fresh, version: 0 });
        for team_id in self.field::<Vec<String>>("teams")?.unwrap_or_default() {
            let held = self.team(&team_id).await.map_err(|error| error.with_param("teams"))?;
            let team: &mut TeamRecord = teams.of(held);
            let email = users.get(&user_id).and_then(|user| user.user_email.clone());
            team.add_member(Member { user_id: user_id.clone(), user_email: email, ..Member::default() })?;
            users.get(&user_id).into_iter().for_each(|user| user.teams.push(team_id.clone()));
        }
        let user = users.get(&user_id).cloned().unwrap_or_default();
        self.write_users(&mut change, users);
        self.write_teams(&mut change, teams);
        if let Some(spend) = spend_field(&self.body)? {
            change.set_spend(&root(&user_id), &root(&user_id), spend);
        }
        let key = match self.field::<bool>("auto_create_key")? {
            Some(false) => None,
            _ => Some(self.generated(&mut change, &user.first_key(&self.body)).await?),
        };
        self.commit(change).await?;
        let mut answer = self.user_row(&user).await?;
        answer.insert("key".to_owned(), json!(""));
        if let Some((key, record)) = key
            && let Value::Object(mut of_key) = record.response(&key, None)
        {
            for name in ["key", "token", "token_id", "key_name", "key_alias", "expires", "team_id", "created_by"] {
                answer.insert(name.to_owned(), of_key.shift_remove(name).unwrap_or_default());
            }
        }
        Ok(Value::Object(answer))
    }

    /// `POST /user/update`
    pub(super) async fn user_update(&self) -> Done<Value> {
        let mut body = self.body.clone();
        if body.get("teams").is_some_and(|teams| !teams.is_null()) {
            let message = "`teams` changes by POST /team/member_add and POST /team/member_delete";
            return Err(Error::bad_request("teams", message).into());
        }
        body.shift_remove("teams");
        let old = match (self.field::<String>("user_id")?, self.field::<String>("user_email")?) {
            (Some(user_id), _) => self.user(&user_id).await?,
            (None, Some(email)) => self.find("user_email", &email.to_lowercase()).await?.ok_or_else(|| {
                Error::new(Kind::NotFound, format!("User {email} not found")).with_param("user_email")
            })?,
            (None, None) => {
                return Err(Error::bad_request("user_id", "either `user_id` or `user_email` is needed").into());
            }
        };
        body.shift_remove("user_id");
        let new = old.record.patched(&body, self.now_ms)?;
        let mut change = Change::default();
        change.put(&new, old.version);
        change.configure(&root(&new.user_id), &old.record.scopes(), &new.scopes());
        if let Some(spend) = spend_field(&body)? {
            change.set_spend(&root(&new.user_id), &root(&new.user_id), spend);
        }
        self.commit(change).await?;
        Ok(json!({"user_id": new.user_id, "data": self.user_row(&new).await?}))
    }

    /// `POST /user/delete`: their keys go with them, those in teams too, and they leave their teams.
    pub(super) async fn user_delete(&self) -> Done<Value> {
        self.only(&["user_ids"])?;
        let mut user_ids = self.texts("user_ids")?;
        sorted::sort(&mut user_ids);
        user_ids.dedup();
        let mut change = Change::default();
        let mut teams = Drafts::new();
        for user_id in &user_ids {
            let user = self.user(user_id).await?;
            let keys: Vec<Held<KeyRecord>> = self.all(vec![with("user_id", user_id)]).await?;
            for key in &keys {
                self.displace(&mut change, key).await?;
            }
            change.builds_on_all(vec![with("user_id", user_id)], &keys);
            let memberships: Vec<Held<TeamRecord>> = self.all(vec![with("member", user_id)]).await?;
            change.builds_on_all(vec![with("member", user_id)], &memberships);
            for team in memberships {
                teams.of(team).remove_member(user_id)?;
            }
            change.configure(&root(user_id), &user.record.scopes(), &[]);
            change.delete(&user);
            self.retire(&mut change, &root(user_id)).await?;
        }
        self.write_teams(&mut change, teams);
        self.commit(change).await?;
        Ok(json!(user_ids.len()))
    }
}
