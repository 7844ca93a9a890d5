//! What a key may do before money is asked: blocked, expired, models and routes, in LiteLLM's order.
//!
//! It works on read copies, which may be some seconds old: the ledger checks blocks and expiry again, on the truth.

use super::customer::CustomerRecord;
use super::models::{ModelFacts, allows};
use super::record::KeyRecord;
use super::routes::{self, KeyType};
use super::routing::Routing;
use super::team::TeamRecord;
use super::user::UserRecord;
use crate::error::{Error, Kind, Result};

/// Who asks: the key, and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// Its team. A read copy may not be there yet: then the team's ledger has to be asked, since a key whose team is
    /// gone may do nothing.
    pub team: Option<&'a TeamRecord>,
    /// Its user.
    pub user: Option<&'a UserRecord>,
    /// The customer that the request names.
    pub customer: Option<&'a CustomerRecord>,
}

impl Caller<'_> {
    /// The model group that a request means, by the aliases of the key, of its team, and of the `router_settings` of these.
    pub fn resolve<'m>(&'m self, model: &'m str) -> &'m str {
        let by_key = self.key.aliases.get(model).map_or(model, String::as_str);
        let by_team = self.team.and_then(|team| team.model_aliases.get(by_key)).map_or(by_key, String::as_str);
        self.routing().alias(by_team).unwrap_or(by_team)
    }

    /// How its requests are routed: as the key says, else as its team does.
    pub fn routing(&self) -> &Routing {
        match self.team {
            Some(team) if self.key.router_settings.is_empty() => &team.router_settings,
            _ => &self.key.router_settings,
        }
    }

    /// Whether the lists of the key, its team and its user allow a model, whatever else may be wrong.
    pub fn may_call(&self, model: &ModelFacts) -> bool {
        let lists = (self.key.models.as_slice(), self.key.access_group_ids.as_slice());
        let of_team = || self.team.is_none_or(|team| allows((&team.models, &team.access_group_ids), model, false));
        allows(lists, model, self.team.is_some()) && of_team() && self.check_user("", Some(model)).is_ok()
    }

    /// Whether the caller may call `route`, and `model` on it. `asked` is the model's name in the request.
    ///
    /// # Errors
    ///
    /// 401 for a blocked or expired key and for what else is blocked, 403 for a model or a route.
    pub fn admit(&self, route: &str, asked: &str, model: Option<&ModelFacts>, now_ms: u64) -> Result<()> {
        self.check_key(now_ms)?;
        if let Some(model) = model {
            // An alias of the key is a model that the key's maker gave it; team and user still have to allow its
            // target.
            let named = self.key.aliases.contains_key(asked);
            let lists = (self.key.models.as_slice(), self.key.access_group_ids.as_slice());
            if !named && !allows(lists, model, self.team.is_some()) {
                return Err(model_denied("key", asked));
            }
        }
        self.check_route(route)?;
        self.check_team(asked, model)?;
        self.check_user(asked, model)?;
        self.check_customer(asked, model)
    }

    /// Whether the key itself may act: for routes without a model too.
    fn check_key(&self, now_ms: u64) -> Result<()> {
        if self.key.blocked {
            return Err(denied("Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin."));
        }
        match self.key.expires_ms() {
            Some(expires_ms) if now_ms >= expires_ms => {
                let [expires, now] = [expires_ms, now_ms].map(super::calendar::write_time);
                let message =
                    format!("Authentication Error - Expired Key. Key Expiry time {expires} and current time {now}");
                Err(denied(message).with_type("expired_key"))
            }
            _ => Ok(()),
        }
    }

    fn check_route(&self, route: &str) -> Result<()> {
        let allowed = effective_routes(self.key);
        let fits = |entry: &str| {
            routes::in_group(entry, route).unwrap_or_else(|| {
                routes::matches(entry, route)
                    || route.strip_prefix(entry).is_some_and(|rest| rest.starts_with('/') && entry.len() > 1)
            })
        };
        if allowed.is_empty() || allowed.iter().any(|entry| fits(entry)) {
            return Ok(());
        }
        let message = format!(
            "Virtual key is not allowed to call this route. Only allowed to call routes: {allowed:?}. Tried to call \
             route: {route}"
        );
        Err(Error::new(Kind::PermissionDenied, message).with_type("auth_error"))
    }

    fn check_team(&self, asked: &str, model: Option<&ModelFacts>) -> Result<()> {
        let Some(team) = self.team else {
            // The team of a key that is gone took its permissions with it.
            return match &self.key.team_id {
                Some(team_id) => Err(denied(format!("Authentication Error, Team={team_id} does not exist."))),
                None => Ok(()),
            };
        };
        if team.blocked {
            let message = format!(
                "Authentication Error, Team={} is blocked. Update via `/team/unblock` if you're an admin.",
                team.team_id
            );
            return Err(denied(message));
        }
        let Some(model) = model else { return Ok(()) };
        let by_key = self.key.aliases.get(asked).map_or(asked, String::as_str);
        let named = team.model_aliases.contains_key(by_key);
        if !named && !allows((&team.models, &team.access_group_ids), model, false) {
            return Err(model_denied("team", asked));
        }
        let member = self.key.user_id.as_deref().and_then(|user_id| team.member(user_id));
        match member {
            Some(member) if !allows((&member.allowed_models, &[]), model, true) => Err(model_denied("team", asked)),
            _ => Ok(()),
        }
    }

    /// A user's models bound only keys of their own: those of a team are the team's.
    fn check_user(&self, asked: &str, model: Option<&ModelFacts>) -> Result<()> {
        match (self.user, model) {
            (Some(user), Some(model)) if self.key.team_id.is_none() && !allows((&user.models, &[]), model, false) => {
                Err(model_denied("user", asked))
            }
            _ => Ok(()),
        }
    }

    fn check_customer(&self, asked: &str, model: Option<&ModelFacts>) -> Result<()> {
        let Some(customer) = self.customer else { return Ok(()) };
        if customer.blocked {
            let message = format!(
                "Authentication Error, End User={} is blocked. Update via `/customer/unblock` if you're an admin.",
                customer.user_id
            );
            return Err(denied(message));
        }
        match model {
            Some(model) if !allows((&customer.models, &[]), model, false) => Err(model_denied("customer", asked)),
            _ => Ok(()),
        }
    }
}

/// `allowed_routes`, or what `key_type` stands for.
fn effective_routes(key: &KeyRecord) -> Vec<&str> {
    if !key.allowed_routes.is_empty() {
        return key.allowed_routes.iter().map(String::as_str).collect();
    }
    match key.key_type {
        KeyType::Default => Vec::new(),
        KeyType::LlmApi => vec!["llm_api_routes"],
        KeyType::Management => vec!["management_routes"],
        KeyType::ReadOnly => vec!["info_routes"],
    }
}

fn model_denied(object: &str, model: &str) -> Error {
    let message = format!(
        "The requested model '{model}' is not available for this API key, or the model name is invalid. Check the \
         models available to you and try again."
    );
    Error::new(Kind::PermissionDenied, message).with_type(format!("{object}_model_access_denied")).with_param("model")
}

fn denied(message: impl Into<String>) -> Error {
    Error::new(Kind::Authentication, message).with_type("auth_error")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    fn facts(names: &[&str], groups: &[&str]) -> ModelFacts {
        ModelFacts { names: strings(names), access_groups: strings(groups) }
    }

    fn caller(key: &KeyRecord) -> Caller<'_> {
        Caller { key, team: None, user: None, customer: None }
    }

    const CHAT: &str = "/v1/chat/completions";

    #[test]
    fn checks_come_in_litellms_order() {
        let mut key = KeyRecord {
            blocked: true,
            expires: Some("2020-01-01T00:00:00Z".to_owned()),
            models: strings(&["other"]),
            allowed_routes: strings(&["/embeddings"]),
            team_id: Some("t".to_owned()),
            ..KeyRecord::default()
        };
        let team = TeamRecord { team_id: "t".to_owned(), blocked: true, ..TeamRecord::default() };
        let model = facts(&["gpt-4o"], &[]);
        let next = |key: &KeyRecord, team: &TeamRecord| {
            let caller = Caller { team: Some(team), ..caller(key) };
            let error = caller.admit(CHAT, "gpt-4o", Some(&model), 1_800_000_000_000).unwrap_err();
            (error.status(), error.message().split_inclusive(' ').take(3).collect::<String>())
        };
        assert_eq!(next(&key, &team), (401, "Authentication Error, Key ".to_owned()));
        key.blocked = false;
        assert_eq!(next(&key, &team), (401, "Authentication Error - ".to_owned()));
        key.expires = None;
        assert_eq!(next(&key, &team), (403, "The requested model ".to_owned()));
        key.models.clear();
        assert_eq!(next(&key, &team), (403, "Virtual key is ".to_owned()));
        key.allowed_routes = strings(&["llm_api_routes"]);
        assert_eq!(next(&key, &team), (401, "Authentication Error, Team=t ".to_owned()));
    }

    #[test]
    fn an_alias_of_a_key_does_not_open_a_model_that_its_team_lacks() {
        let mut key = KeyRecord { models: strings(&["cheap"]), team_id: Some("t".to_owned()), ..KeyRecord::default() };
        key.aliases.insert("cheap".to_owned(), "gpt-4o".to_owned());
        let mut team = TeamRecord { models: strings(&["gpt-4o-mini", "cheap"]), ..TeamRecord::default() };
        let asked = |key: &KeyRecord, team: &TeamRecord| {
            let caller = Caller { team: Some(team), ..caller(key) };
            let model = facts(&[caller.resolve("cheap")], &[]);
            caller.admit(CHAT, "cheap", Some(&model), 0).map_err(|error| error.to_json()["error"]["type"].clone())
        };
        assert_eq!(asked(&key, &team), Err("team_model_access_denied".into()));
        team.models.push("gpt-4o".to_owned());
        assert_eq!(asked(&key, &team), Ok(()));
    }

    #[test]
    fn members_users_and_customers_are_asked_too() {
        use crate::keys::team::Member;

        let model = facts(&["gpt-4o"], &[]);
        let kind = |caller: Caller<'_>| {
            caller.admit(CHAT, "gpt-4o", Some(&model), 0).unwrap_err().to_json()["error"]["type"].clone()
        };
        let others = strings(&["other"]);
        let member = Member { user_id: "u".to_owned(), allowed_models: others.clone(), ..Member::default() };
        let team = TeamRecord { members_with_roles: vec![member], ..TeamRecord::default() };
        let user = UserRecord { models: strings(&["no-default-models"]), ..UserRecord::default() };
        let customer = CustomerRecord { models: others, ..CustomerRecord::default() };
        let of_user = KeyRecord { user_id: Some("u".to_owned()), ..KeyRecord::default() };
        let of_team = KeyRecord { team_id: Some("t".to_owned()), ..of_user.clone() };
        assert_eq!(
            kind(Caller { team: Some(&team), user: Some(&user), ..caller(&of_team) }),
            "team_model_access_denied"
        );
        assert_eq!(kind(Caller { user: Some(&user), ..caller(&of_user) }), "user_model_access_denied");
        assert_eq!(kind(Caller { customer: Some(&customer), ..caller(&of_user) }), "customer_model_access_denied");
        assert_eq!(kind(caller(&of_team)), "auth_error", "a team that is gone");
    }

    #[test]
    fn a_key_types_routes_are_its_own() {
        for (key_type, chat, generate, info) in [
            (KeyType::Default, true, true, true),
            (KeyType::LlmApi, true, false, false),
            (KeyType::Management, false, true, true),
            (KeyType::ReadOnly, false, false, true),
        ] {
            let key = KeyRecord { key_type, ..KeyRecord::default() };
            for (route, allowed) in [(CHAT, chat), ("/key/generate", generate), ("/key/info", info)] {
                assert_eq!(caller(&key).admit(route, "", None, 0).is_ok(), allowed, "{key_type:?} {route}");
            }
        }
        let key = KeyRecord { allowed_routes: strings(&["/v1/*", "/spend"]), ..KeyRecord::default() };
        for (route, allowed) in
            [("/v1/embeddings", true), ("/spend/logs", true), ("/spender", false), ("/key/info", false)]
        {
            assert_eq!(caller(&key).admit(route, "", None, 0).is_ok(), allowed, "{route}");
        }
    }
}
