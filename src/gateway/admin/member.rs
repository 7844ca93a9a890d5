//! `/team/member_add`, `/team/member_update` and `/team/member_delete`: who is in a team.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::{Desk, row};
use super::store::{Change, Done, Drafts, Held, with};
use super::team::root;
use crate::error::{Error, Result};
use crate::keys::Typed;
use crate::keys::{KeyRecord, Member, TeamRecord, UserRecord};

/// Fields of a request that bound the members that it adds.
const BOUNDS: &[&str] = &["max_budget_in_team", "budget_duration", "allowed_models", "tpm_limit", "rpm_limit"];

impl<H: Host> Desk<'_, H> {
    /// The team that a request names, for callers who administer it.
    async fn governed_team(&self, route: &str) -> Result<Held<TeamRecord>> {
        let team = self.team(&self.text("team_id")?).await?;
        if self.actor.is_all() || self.actor.administers(&team.record) {
            return Ok(team);
        }
        Err(forbidden(format!(
            "Call not allowed. User not proxy admin OR team admin. route={route}, team_id={}",
            team.record.team_id
        )))
    }

    /// Adds a member to a team and the team to their user, who is made where there is none.
    pub(super) async fn join(
        &self,
        users: &mut Drafts<UserRecord>,
        team: &mut TeamRecord,
        mut member: Member,
    ) -> Result<()> {
        let same = |own: &Member| own.user_email.is_some() && own.user_email == member.user_email;
        if member.user_id.is_empty() && team.members_with_roles.iter().any(same) {
            let message = format!("user {:?} is in team {} already", member.user_email, team.team_id);
            return Err(Error::bad_request("member", message).with_type("team_member_already_in_team"));
        }
        let by_id: Option<Held<UserRecord>> = match member.user_id.as_str() {
            "" => None,
            user_id => self.get(user_id).await?,
        };
        let held = match (by_id, &member.user_email) {
            (Some(held), _) => Some(held),
            (None, Some(email)) if member.user_id.is_empty() => self.find("user_email", &email.to_lowercase()).await?,
            (None, _) => None,
        };
        let held = match held {
            Some(held) => held,
            None if member.user_id.is_empty() && member.user_email.is_none() => {
                return Err(Error::bad_request("member", "each `member` needs a `user_id` or a `user_email`"));
            }
            None => {
                let user_id = if member.user_id.is_empty() { self.fresh_id()? } else { member.user_id.clone() };
                let fresh = UserRecord { user_id, user_email: member.user_email.clone(), ..UserRecord::default() };
                Held { record: fresh.patched(&Map::new(), self.now_ms)?, version: 0 }
            }
        };
        member.user_id.clone_from(&held.record.user_id);
        member.user_email = member.user_email.or_else(|| held.record.user_email.clone());
        let user = users.of(held);
        if !user.teams.contains(&team.team_id) {
            user.teams.push(team.team_id.clone());
        }
        team.add_member(member)
    }

    /// `POST /team/member_add`
    pub(super) async fn member_add(&self) -> Done<Value> {
        let known: Vec<&str> = ["team_id", "member"].into_iter().chain(BOUNDS.iter().copied()).collect();
        self.only(&known)?;
        let old = self.governed_team("/team/member_add").await?;
        let members = match self.body.get("member") {
            Some(Value::Array(members)) if !members.is_empty() => members.clone(),
            Some(member @ Value::Object(_)) => vec![member.clone()],
            _ => return Err(Error::bad_request("member", "`member` is a member or a list of members").into()),
        };
        let mut team = old.record.clone();
        let (mut change, mut users, mut added) = (Change::default(), Drafts::new(), Vec::new());
        for member in members {
            let member = self.read_member(member)?;
            self.join(&mut users, &mut team, member).await?;
            added.extend(team.members_with_roles.last().map(|member| member.user_id.clone()));
        }
        let rows: Vec<Value> =
            added.iter().filter_map(|id| users.get(id).map(|user| Value::Object(row(user, None)))).collect();
        self.write_users(&mut change, users);
        self.save_team(&mut change, &old, &team);
        self.commit(change).await?;
        let mut memberships = self.memberships(&team).await?;
        memberships.retain(|membership| added.iter().any(|id| membership["user_id"] == **id));
        let mut answer = self.team_row(&team).await?;
        answer.insert("updated_users".to_owned(), json!(rows));
        answer.insert("updated_team_memberships".to_owned(), json!(memberships));
        Ok(Value::Object(answer))
    }

    /// A member of a request, with the bounds that the request sets for all.
    fn read_member(&self, member: Value) -> Result<Member> {
        let Value::Object(mut fields) = member else {
            return Err(Error::bad_request(
                "member",
                "`member` is an object with `user_id` or `user_email`, and `role`",
            ));
        };
        let wrong = |name: &str| {
            let message = format!("unknown field `member.{name}`: leave it out");
            Error::bad_request(&format!("member.{name}"), message)
        };
        let own = ["user_id", "user_email", "role"];
        if let Some(name) = fields.keys().find(|name| !own.contains(&name.as_str()) && !BOUNDS.contains(&name.as_str()))
        {
            return Err(wrong(name));
        }
        for name in BOUNDS {
            if let Some(value) = self.body.get(*name) {
                fields.entry(*name).or_insert_with(|| value.clone());
            }
        }
        fields.retain(|_, value| !value.is_null());
        Typed::read(Value::Object(fields))
            .map_err(|error| Error::bad_request("member", format!("`member` is wrong: {error}")))
    }

    fn save_team(&self, change: &mut Change, old: &Held<TeamRecord>, team: &TeamRecord) {
        let mut teams = Drafts::new();
        *teams.of(old.clone()) = team.clone();
        self.write_teams(change, teams);
    }

    /// The member of a team that a request names by `user_id` or `user_email`.
    fn named_member(&self, team: &TeamRecord) -> Result<Member> {
        let (user_id, email) = (self.field::<String>("user_id")?, self.field::<String>("user_email")?);
        let is = |member: &&Member| match (&user_id, &email) {
            (Some(user_id), _) => member.user_id == *user_id,
            (None, Some(email)) => member.user_email.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(email)),
            (None, None) => false,
        };
        if user_id.is_none() && email.is_none() {
            return Err(Error::bad_request("user_id", "either `user_id` or `user_email` is needed"));
        }
        team.members_with_roles.iter().find(is).cloned().ok_or_else(|| {
            let message = format!("User is not a member of team {}: add them by POST /team/member_add", team.team_id);
            Error::bad_request("user_id", message)
        })
    }

    /// `POST /team/member_update`
    pub(super) async fn member_update(&self) -> Done<Value> {
        let old = self.governed_team("/team/member_update").await?;
        let member = self.named_member(&old.record)?;
        let mut body = self.body.clone();
        if self.field::<String>("user_id")?.is_none() {
            body.shift_remove("user_email");
        }
        let mut team = old.record.clone();
        team.update_member(&member.user_id, &body)?;
        let mut change = Change::default();
        self.save_team(&mut change, &old, &team);
        self.commit(change).await?;
        let mut answer = match team.member(&member.user_id).map(Typed::write) {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        answer.insert("team_id".to_owned(), json!(team.team_id));
        Ok(Value::Object(answer))
    }

    /// `POST /team/member_delete`: their keys in the team go with them.
    pub(super) async fn member_delete(&self) -> Done<Value> {
        self.only(&["team_id", "user_id", "user_email"])?;
        let old = self.governed_team("/team/member_delete").await?;
        let member = self.named_member(&old.record)?;
        let mut team = old.record.clone();
        team.remove_member(&member.user_id)?;
        let mut change = Change::default();
        let filter = vec![with("team_id", &team.team_id), with("user_id", &member.user_id)];
        let keys: Vec<Held<KeyRecord>> = self.all(filter.clone()).await?;
        for key in &keys {
            self.displace(&mut change, key).await?;
        }
        change.builds_on_all(filter, &keys);
        let mut users = Drafts::new();
        if let Some(user) = self.get::<UserRecord>(&member.user_id).await? {
            users.of(user).teams.retain(|id| *id != team.team_id);
        }
        self.write_users(&mut change, users);
        self.save_team(&mut change, &old, &team);
        self.commit(change).await?;
        let root = root(&team.team_id);
        Ok(Value::Object(row(&team, self.view(&root, &root).await?.as_ref())))
    }
}
