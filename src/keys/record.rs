//! The record of a virtual key, in LiteLLM's field names.

use serde_json::{Map, Value, json};

use super::budget::{self, Allowance};
use super::calendar::{parse_time, write_time};
use super::duration::Span;
use super::fields::{self, Screen};
use super::ledger::{Limits, ScopeId, ScopeKind, ScopeView};
use super::routes::KeyType;
use super::routing::Routing;
use super::typed::{Typed, typed};
use crate::error::{Error, Result};
use crate::money::Money;
use crate::secret::mask;
use crate::sorted::SortedMap;

/// What is known of a key; never the key itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRecord {
    /// The key's SHA-256 in hex.
    pub token: String,
    /// The key, masked: `sk-...abcd`.
    pub key_name: String,
    /// A name for people.
    pub key_alias: Option<String>,
    /// Models that it may call; empty is all.
    pub models: Vec<String>,
    /// Other names of models: name to model group.
    pub aliases: SortedMap<String, String>,
    /// Whose it is.
    pub user_id: Option<String>,
    /// Whose team's it is.
    pub team_id: Option<String>,
    /// The shared budget that fills its limits.
    pub budget_id: Option<String>,
    /// Anything.
    pub metadata: Map<String, Value>,
    /// Tags that every request of it gets.
    pub tags: Vec<String>,
    /// Routes that it may call; empty is what `key_type` says.
    pub allowed_routes: Vec<String>,
    /// What it is for.
    pub key_type: KeyType,
    /// Whether it is blocked.
    pub blocked: bool,
    /// LiteLLM's switches; `get_spend_routes` lets a user see global spend.
    pub permissions: Map<String, Value>,
    /// Access groups whose models it may call.
    pub access_group_ids: Vec<String>,
    /// How its requests are routed.
    pub router_settings: Routing,
    /// When it expires (ISO 8601, UTC); `None` never.
    pub expires: Option<String>,
    /// Its limits.
    pub allowance: Allowance,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// Who made it.
    pub created_by: Option<String>,
    /// When it was last changed (ISO 8601).
    pub updated_at: String,
    /// Who changed it last.
    pub updated_by: Option<String>,
    /// Budget roots that it was in before: their logs hold what it spent there.
    pub former_roots: Vec<ScopeId>,
    /// Stored and shown again, without effect.
    pub inert: Map<String, Value>,
}

typed!(KeyRecord {
    token,
    key_name,
    key_alias,
    models,
    aliases,
    user_id,
    team_id,
    budget_id,
    metadata,
    tags,
    allowed_routes,
    key_type,
    blocked,
    permissions,
    access_group_ids,
    (unless_empty router_settings),
    expires,
    (flat allowance),
    created_at,
    created_by,
    updated_at,
    updated_by,
    (unless_empty former_roots),
    (rest inert),
});

const FIELDS: &[&str] = &[
    "key_alias",
    "models",
    "aliases",
    "user_id",
    "team_id",
    "budget_id",
    "metadata",
    "tags",
    "allowed_routes",
    "key_type",
    "blocked",
    "permissions",
    "access_group_ids",
    "router_settings",
    "expires",
];

/// Fields of requests that the gateway takes out itself.
const OF_REQUESTS: &[&str] = &["key", "duration", "spend"];

const SCREEN: Screen = Screen {
    known: &[FIELDS, budget::FIELDS, budget::MODEL_FIELDS, OF_REQUESTS],
    inert: fields::INERT,
    refused: &[fields::REFUSED],
};

impl KeyRecord {
    /// Reads a `/key/generate` body into the record of `key`. `by` is the user who asks.
    ///
    /// # Errors
    ///
    /// A field that is unknown, refused or wrong; see [`Screen`].
    pub fn generated(body: &Map<String, Value>, key: &str, by: Option<&str>, now_ms: u64) -> Result<Self> {
        let now = write_time(now_ms);
        let fresh = Self {
            token: super::token::hash(key),
            key_name: mask(key),
            created_at: now,
            created_by: by.map(str::to_owned),
            ..Self::default()
        };
        fresh.patched(body, by, now_ms)
    }

    /// Reads a `/key/update` body: only the fields that it has change, and `null` takes one back to its default.
    ///
    /// # Errors
    ///
    /// As [`KeyRecord::generated`].
    pub fn patched(&self, body: &Map<String, Value>, by: Option<&str>, now_ms: u64) -> Result<Self> {
        SCREEN.check(body)?;
        let mut stored = body.clone();
        stored.retain(|name, _| !OF_REQUESTS.contains(&name.as_str()) && !SCREEN.refuses(name));
        let mut record: Self = fields::patched(self, &stored)?;
        record.allowance.check()?;
        if let Some(expires) = &record.expires {
            let ms = parse_time(expires).ok_or_else(|| {
                Error::bad_request("expires", "`expires` is no time: write `2026-11-21T00:00:00Z`, or send `duration`")
            })?;
            record.expires = Some(write_time(ms));
        }
        if let Some(duration) = body.get("duration") {
            record.expires = expires(duration, now_ms)?;
        }
        fields::check_tags(&record.tags)?;
        record.updated_at = write_time(now_ms);
        record.updated_by = by.map(str::to_owned);
        Ok(record)
    }

    /// When it expires, in ms. A time that cannot be read counts as long past: a key never lives longer than it should.
    pub fn expires_ms(&self) -> Option<u64> {
        self.expires.as_deref().map(|text| parse_time(text).unwrap_or(0))
    }

    /// The scope whose ledger has its books: its team; else its user; else itself.
    pub fn root(&self) -> ScopeId {
        match (&self.team_id, &self.user_id) {
            (Some(team), _) => ScopeId::new(ScopeKind::Team, team),
            (None, Some(user)) => ScopeId::new(ScopeKind::User, user),
            (None, None) => ScopeId::new(ScopeKind::Key, &self.token),
        }
    }

    /// The limits of its scope and of its models, for [`super::ledger::Ledger::configure`]; `shared` is the budget that
    /// `budget_id` names.
    pub fn scopes(&self, shared: Option<&Allowance>) -> Vec<(ScopeId, Limits)> {
        let allowance = shared.map_or_else(|| self.allowance.clone(), |shared| self.allowance.or(shared));
        let limits = Limits { blocked: self.blocked, expires_ms: self.expires_ms(), ..allowance.limits() };
        let mut scopes = vec![(ScopeId::new(ScopeKind::Key, &self.token), limits)];
        for model in allowance.limited_models() {
            let limits = allowance.model_limits(model).unwrap_or_default();
            scopes.push((ScopeId::key_model(&self.token, model), limits));
        }
        scopes
    }

    /// The `info` of `/key/info`: the record with what the ledger knows of its spend.
    pub fn row(&self, view: Option<&ScopeView>) -> Value {
        let mut row = self.write();
        if let Value::Object(row) = &mut row {
            let first = view.and_then(|view| view.windows.first());
            row.insert("spend".to_owned(), json!(first.map_or(Money::ZERO, |window| window.spent)));
            row.insert("total_spend".to_owned(), json!(view.map_or(Money::ZERO, |view| view.total)));
            let reset = first.and_then(|window| window.reset_at_ms).map(write_time);
            row.insert("budget_reset_at".to_owned(), json!(reset));
            row.insert("litellm_budget_table".to_owned(), Value::Null);
        }
        row
    }

    /// The answer of `/key/generate`: the row, and the key, shown this once.
    pub fn response(&self, key: &str, view: Option<&ScopeView>) -> Value {
        let mut row = self.row(view);
        if let Value::Object(row) = &mut row {
            row.insert("key".to_owned(), json!(key));
            row.insert("token_id".to_owned(), json!(self.token));
        }
        row
    }
}

/// `duration` of a key as an instant: `null`, `"-1"` and the empty text never expire, as in LiteLLM.
fn expires(duration: &Value, now_ms: u64) -> Result<Option<String>> {
    match duration {
        Value::Null => Ok(None),
        Value::String(text) if text.is_empty() || text == "-1" => Ok(None),
        Value::String(text) => Ok(Some(write_time(Span::parse(text, "duration")?.after(now_ms)))),
        _ => Err(Error::bad_request("duration", "`duration` is a text: `30d`")),
    }
}

/// `spend` of a `/key/generate` or `/key/update` body: what [`super::ledger::Ledger::set_spend`] is told.
///
/// # Errors
///
/// Not a number, or negative.
pub fn spend(body: &Map<String, Value>) -> Result<Option<Money>> {
    match fields::field::<Money>(body, "spend")? {
        Some(spend) if spend.is_negative() => {
            Err(Error::bad_request("spend", "`spend` is negative: send an amount of USD from 0 up"))
        }
        spend => Ok(spend),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_774_000_000_000;

    fn generate(body: &Value) -> Result<KeyRecord> {
        KeyRecord::generated(body.as_object().unwrap(), "sk-1234567890abcd", Some("admin"), NOW)
    }

    #[test]
    fn a_guides_request_becomes_a_record_and_its_answer() {
        let record = generate(&json!({
            "models": ["gpt-4o", "claude-sonnet"], "max_budget": 100.0, "budget_duration": "monthly", "duration": "30d",
            "metadata": {"team": "backend", "user": "developer-1"}, "tpm_limit": 50000, "rpm_limit": 100,
        }))
        .unwrap();
        let answer = record.response("sk-1234567890abcd", None);
        for (field, value) in [
            ("key", json!("sk-1234567890abcd")),
            ("key_name", json!("sk-...abcd")),
            ("expires", json!("2026-04-19T09:46:40Z")),
            ("max_budget", json!(100.0)),
            ("models", json!(["gpt-4o", "claude-sonnet"])),
            ("spend", json!(0.0)),
            ("token", json!(super::super::token::hash("sk-1234567890abcd"))),
        ] {
            assert_eq!(answer[field], value, "{field}");
        }
        assert!(!record.write().to_string().contains("1234567890"), "the key is not in its record");
        assert_eq!(KeyRecord::read(record.write()).unwrap(), record);
    }

    #[test]
    fn an_update_changes_what_it_names_and_null_takes_back() {
        let record = generate(&json!({"max_budget": 5, "rpm_limit": 3, "duration": "1h", "config": {"a": 1}})).unwrap();
        let patch = json!({"max_budget": null, "key_alias": "ci", "duration": "-1", "blocked": true});
        let changed = record.patched(patch.as_object().unwrap(), None, NOW + 1_000).unwrap();
        assert_eq!((changed.allowance.max_budget, changed.allowance.rpm_limit), (None, Some(3)));
        assert_eq!((changed.key_alias.as_deref(), &changed.expires, changed.blocked), (Some("ci"), &None, true));
        assert_eq!(changed.inert, record.inert);
        assert_eq!(changed.created_at, record.created_at);
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, field) in [
            (json!({"key_type": "root"}), "key_type"),
            (json!({"models": "gpt-4o"}), "models"),
            (json!({"duration": "soon"}), "duration"),
            (json!({"expires": "tomorrow"}), "expires"),
            (json!({"max_budget": -3}), "max_budget"),
            (json!({"guardrails": ["pii"]}), "guardrails"),
            (json!({"token": "abc"}), "token"),
            (json!({"max_budjet": 3}), "max_budjet"),
        ] {
            assert_eq!(generate(&body).unwrap_err().param(), Some(field), "{body}");
        }
        assert!(spend(json!({"spend": -1}).as_object().unwrap()).is_err());
    }

    #[test]
    fn limits_of_models_become_scopes_of_their_own() {
        let body =
            json!({"max_budget": 5, "model_max_budget": {"a": 1}, "model_rpm_limit": {"b": 2}, "duration": "1d"});
        let scopes = generate(&body).unwrap().scopes(None);
        let token = super::super::token::hash("sk-1234567890abcd");
        let names: Vec<ScopeId> = scopes.iter().map(|(scope, _)| scope.clone()).collect();
        let key = ScopeId::new(ScopeKind::Key, &token);
        assert_eq!(names, [key, ScopeId::key_model(&token, "a"), ScopeId::key_model(&token, "b")]);
        assert_eq!(scopes[0].1.expires_ms, Some(NOW + 86_400_000));
        assert_eq!(scopes[2].1.rpm, Some(2));
    }
}
