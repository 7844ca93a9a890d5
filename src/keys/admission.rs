//! What a key may do before money is asked: blocked, expired, models and routes, in LiteLLM's order.
//!
//! It works on read copies, which may be some seconds old: the ledger checks blocks and expiry again, on the truth.

use super::customer::CustomerRecord;
use super::ledger::ScopeId;
use super::ledger::ScopeKind;
use super::record::{KeyRecord, KeyType};
use super::routes;
use super::team::TeamRecord;
use super::user::UserRecord;
use crate::error::{Error, Kind, Result};

/// Who asks: the key, and what belongs to it.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// The key.
    pub key: &'a KeyRecord,
    /// Its team.
    pub team: Option<&'a TeamRecord>,
    /// Its user.
    pub user: Option<&'a UserRecord>,
    /// The customer that the request names.
    pub customer: Option<&'a CustomerRecord>,
}

/// The model that a request asks for, after [`Caller::resolve`].
#[derive(Clone, Debug, Default)]
pub struct ModelFacts {
    /// The model group; behind it every other name by which a list may allow it: the target of a router's alias, and the
    /// name with its provider in front (`openai/gpt-4o`), which wildcards need.
    pub names: Vec<String>,
    /// The access groups that it is in (`model_info.access_groups`).
    pub access_groups: Vec<String>,
}

impl Caller<'_> {
    /// The model group that a request means, by the aliases of the key, then of its team.
    pub fn resolve<'m>(&'m self, model: &'m str) -> &'m str {
        let by_key = self.key.aliases.get(model).map_or(model, String::as_str);
        self.team.and_then(|team| team.model_aliases.get(by_key)).map_or(by_key, String::as_str)
    }

    /// Whether the caller may call `route`, and `model` on it. `asked` is the model's name in the request.
    ///
    /// # Errors
    ///
    /// 401 for a blocked or expired key and for what else is blocked, 403 for a model or a route.
    pub fn admit(&self, route: &str, asked: &str, model: Option<&ModelFacts>, now_ms: u64) -> Result<()> {
        self.check_key(now_ms)?;
        if let Some(model) = model {
            // An alias of the key is a model that the key's maker gave it; team and user still have to allow its target.
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

    /// The scopes that a request counts against, in LiteLLM's order of checks. `model` is the model group, `customer` the
    /// id that the request names, `tags` those of the request and of its key and team.
    ///
    /// The user's own budget counts for keys without a team alone: a team's ledger cannot see what a user spends elsewhere.
    pub fn scopes(&self, model: &str, customer: Option<&str>, tags: &[String]) -> Vec<ScopeId> {
        let (key, token) = (self.key, &self.key.token);
        let mut scopes = vec![ScopeId::new(ScopeKind::Key, token)];
        // Always named: the ledger, not this read copy, knows whether the model has a limit of its own.
        scopes.push(ScopeId::key_model(token, model));
        match (&key.team_id, &key.user_id) {
            (Some(team), user) => {
                scopes.push(ScopeId::new(ScopeKind::Team, team));
                scopes.push(ScopeId::team_model(team, model));
                scopes.extend(user.iter().map(|user| ScopeId::member(team, user)));
            }
            (None, Some(user)) => scopes.push(ScopeId::new(ScopeKind::User, user)),
            (None, None) => {}
        }
        scopes.extend(customer.map(|customer| ScopeId::new(ScopeKind::Customer, customer)));
        scopes.extend(tags.iter().map(|tag| ScopeId::new(ScopeKind::Tag, tag)));
        scopes.push(ScopeId::global());
        scopes
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

/// Whether lists of models and access groups allow a model; `above` says whether somebody above (a team) decides about
/// `all-team-models`. Empty lists allow everything.
fn allows((models, groups): (&[String], &[String]), model: &ModelFacts, above: bool) -> bool {
    if models.is_empty() && groups.is_empty() {
        return true;
    }
    let entry_allows = |entry: &String| match entry.as_str() {
        "*" | "all-proxy-models" => true,
        "all-team-models" => above,
        "no-default-models" => false,
        entry => {
            model.names.iter().any(|name| fits(entry, name)) || model.access_groups.iter().any(|group| group == entry)
        }
    };
    models.iter().any(entry_allows) || groups.iter().any(|group| model.access_groups.contains(group))
}

/// Whether a name is `pattern`, in which every `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((front, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(front) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some((_, after)) = name.split_once(part) else { return false };
        name = after;
    }
    true
}

fn model_denied(object: &str, model: &str) -> Error {
    let message = format!(
        "The requested model '{model}' is not available for this API key, or the model name is invalid. Check the models \
         available to you and try again."
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
    fn a_list_of_models_takes_names_wildcards_and_groups() {
        let model = facts(&["gpt-4o", "openai/gpt-4o"], &["beta"]);
        for (models, allowed) in [
            (vec![], true),
            (vec!["gpt-4o"], true),
            (vec!["gpt-4"], false),
            (vec!["openai/*"], true),
            (vec!["open*/gpt*o"], true),
            (vec!["anthropic/*"], false),
            (vec!["*"], true),
            (vec!["all-proxy-models"], true),
            (vec!["all-team-models"], false),
            (vec!["no-default-models"], false),
            (vec!["beta"], true),
        ] {
            let key = KeyRecord { models: strings(&models), ..KeyRecord::default() };
            assert_eq!(caller(&key).admit(CHAT, "gpt-4o", Some(&model), 0).is_ok(), allowed, "{models:?}");
        }
    }

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

    #[test]
    fn scopes_come_in_the_order_of_checks() {
        use ScopeKind::{Customer, Global, Key, KeyModel, Member, Tag, Team, TeamModel};
        let key = KeyRecord {
            token: "h".to_owned(),
            team_id: Some("t".to_owned()),
            user_id: Some("u".to_owned()),
            ..KeyRecord::default()
        };
        let scopes = caller(&key).scopes("gpt-4o", Some("c"), &strings(&["a"]));
        let kinds: Vec<ScopeKind> = scopes.iter().map(|scope| scope.kind).collect();
        assert_eq!(kinds, [Key, KeyModel, Team, TeamModel, Member, Customer, Tag, Global]);
        let alone = KeyRecord { team_id: None, ..key };
        assert_eq!(caller(&alone).scopes("gpt-4o", None, &[])[2], ScopeId::new(ScopeKind::User, "u"));
        assert_eq!(alone.root(), ScopeId::new(ScopeKind::User, "u"));
    }
}
