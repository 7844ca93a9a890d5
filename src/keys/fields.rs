//! Which fields a management request may have, and how they are laid over a record.

use serde_json::{Map, Value};

use super::typed::Typed;
use crate::error::{Error, Result};

/// The fields of a management request.
///
/// Nothing is dropped in silence: what a record types is acted on; what only describes (`inert`) is stored and shown
/// again; what LiteLLM would act on and this gateway does not (`refused`) is refused unless it asks for nothing
/// (`null`, `false`, empty), for a limit that is accepted and not kept is worse than none; and anything else is
/// refused as unknown.
#[derive(Clone, Copy, Debug)]
pub struct Screen {
    /// Acted on.
    pub known: &'static [&'static [&'static str]],
    /// Stored and shown again, without effect.
    pub inert: &'static [&'static str],
    /// Known to LiteLLM, and not supported.
    pub refused: &'static [&'static [&'static str]],
}

/// Fields of keys that describe and bound nothing here: there are no organizations, projects or agents with limits.
pub(super) const INERT: &[&str] = &["organization_id", "project_id", "agent_id", "config", "send_invite_email"];

/// What LiteLLM acts on and this gateway does not.
pub(super) const REFUSED: &[&str] = &[
    "tpd_limit",
    "tpm_limit_type",
    "rpm_limit_type",
    "budget_fallbacks",
    "mcp_rpm_limit",
    "tag_rpm_limit",
    "allowed_cache_controls",
    "guardrails",
    "policies",
    "prompts",
    "object_permission",
    "enforced_params",
    "allowed_passthrough_routes",
    "allowed_vector_store_indexes",
    "auto_rotate",
    "rotation_interval",
    "throttle_on_budget_exceeded",
    "disable_global_guardrails",
    "enable_prompt_caching",
    "end_user_budget_id",
    "temp_budget_increase",
    "temp_budget_expiry",
    "max_budget_per_session",
    "max_iterations",
];

impl Screen {
    /// Checks the names of a body.
    ///
    /// # Errors
    ///
    /// The first field that is refused or unknown, by name, with the nearest known one.
    pub fn check(&self, body: &Map<String, Value>) -> Result<()> {
        for (name, value) in body {
            let name = name.as_str();
            if self.known().any(|known| known == name) || self.inert.contains(&name) {
                continue;
            }
            if self.refuses(name) {
                if asks_for_nothing(value) {
                    continue;
                }
                return Err(Error::bad_request(name, format!("`{name}` is not supported yet: leave it out")));
            }
            let nearest =
                self.known().chain(self.inert.iter().copied()).map(|known| (distance(name, known), known)).min();
            let hint = match nearest {
                Some((distance, known)) if distance <= 3 => format!("; did you mean `{known}`?"),
                _ => ": leave it out, or put it into `metadata`".to_owned(),
            };
            return Err(Error::bad_request(name, format!("unknown field `{name}`{hint}")));
        }
        Ok(())
    }

    /// Whether a field is one that is not supported.
    pub(super) fn refuses(&self, name: &str) -> bool {
        self.refused.iter().any(|names| names.contains(&name))
    }

    fn known(&self) -> impl Iterator<Item = &'static str> {
        self.known.iter().flat_map(|names| names.iter().copied())
    }
}

fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty() || text == "best_effort_throughput",
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.values().all(asks_for_nothing),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

/// Lays the fields of `body` over `record`: `null` takes a field back to its default.
///
/// # Errors
///
/// The first field whose type is wrong, by name.
pub(super) fn patched<T: Typed>(record: &T, body: &Map<String, Value>) -> Result<T> {
    let Value::Object(base) = record.write() else {
        return Err(Error::bad_request("request_body", "a record is not an object"));
    };
    let lay = |fields: &mut Map<String, Value>, name: &str, value: &Value| match value {
        Value::Null => drop(fields.shift_remove(name)),
        value => drop(fields.insert(name.to_owned(), value.clone())),
    };
    let mut whole = base.clone();
    for (name, value) in body {
        lay(&mut whole, name, value);
    }
    T::read(Value::Object(whole)).map_err(|error| {
        // The field that fails alone is the one.
        for (name, value) in body {
            let mut alone = base.clone();
            lay(&mut alone, name, value);
            if let Err(error) = T::read(Value::Object(alone)) {
                return wrong(name, &error);
            }
        }
        Error::bad_request("request_body", error)
    })
}

/// Reads a field that is not part of a record; absent and `null` are `None`.
///
/// # Errors
///
/// Another type than `T`; the error names the field.
pub fn field<T: Typed>(body: &Map<String, Value>, name: &str) -> Result<Option<T>> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => T::read(value.clone()).map(Some).map_err(|error| wrong(name, &error)),
    }
}

fn wrong(name: &str, error: &str) -> Error {
    Error::bad_request(name, format!("`{name}` is wrong: {error}"))
}

/// Most tags of a key or team, so that a request's own find room among [`super::ledger::MOST_SCOPES`].
const MOST_TAGS: usize = 8;

/// Checks the tags of a record.
///
/// # Errors
///
/// More than [`MOST_TAGS`].
pub(super) fn check_tags(tags: &[String]) -> Result<()> {
    if tags.len() > MOST_TAGS {
        return Err(Error::bad_request("tags", format!("`tags` has more than {MOST_TAGS} entries")));
    }
    Ok(())
}

/// How many letters have to be changed, added or taken away to get from `a` to `b`; bounded input, so the plain table.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(40).collect(), b.chars().take(40).collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.iter().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            diagonal = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const SCREEN: Screen =
        Screen { known: &[&["max_budget", "models"]], inert: &["config"], refused: &[&["guardrails"]] };

    fn check(body: &Value) -> Result<()> {
        SCREEN.check(body.as_object().unwrap())
    }

    #[test]
    fn an_unknown_field_is_refused_with_the_nearest_known_one() {
        let error = check(&json!({"max_budgets": 1})).unwrap_err();
        assert_eq!(error.message(), "unknown field `max_budgets`; did you mean `max_budget`?");
        let error = check(&json!({"colour": "red"})).unwrap_err();
        assert_eq!(error.message(), "unknown field `colour`: leave it out, or put it into `metadata`");
    }

    #[test]
    fn an_unsupported_field_passes_only_while_it_asks_for_nothing() {
        for nothing in [json!(null), json!([]), json!({}), json!(false)] {
            assert!(check(&json!({"guardrails": nothing, "config": {"a": 1}})).is_ok());
        }
        let error = check(&json!({"guardrails": ["pii"]})).unwrap_err();
        assert_eq!(error.message(), "`guardrails` is not supported yet: leave it out");
    }

    #[test]
    fn distances_are_counted_in_letters() {
        for (a, b, letters) in [("", "abc", 3), ("kitten", "sitting", 3), ("models", "models", 0), ("ab", "ba", 2)] {
            assert_eq!(distance(a, b), letters, "{a} {b}");
        }
    }

    /// Every field that LiteLLM's API takes: a body of it is never answered with "unknown field".
    #[test]
    fn every_field_of_litellm_is_decided_on() {
        use crate::keys::{BudgetRecord, CustomerRecord, KeyRecord, TeamRecord, UserRecord};
        const LIMITS: &str = "max_budget soft_budget budget_duration tpm_limit rpm_limit max_parallel_requests \
                              model_max_budget tpd_limit";
        const KEY: &str = "key_alias duration models spend budget_limits budget_id budget_fallbacks user_id team_id \
            organization_id project_id agent_id metadata tags tpm_limit_type rpm_limit_type model_rpm_limit \
            model_tpm_limit mcp_rpm_limit tag_rpm_limit allowed_cache_controls config permissions aliases guardrails \
            policies prompts blocked object_permission key enforced_params allowed_routes allowed_passthrough_routes \
            allowed_vector_store_indexes router_settings access_group_ids key_type auto_rotate rotation_interval \
            send_invite_email throttle_on_budget_exceeded disable_global_guardrails enable_prompt_caching \
            end_user_budget_id temp_budget_increase temp_budget_expiry";
        const TEAM: &str = "team_alias team_id organization_id admins members members_with_roles metadata budget_limits \
            models blocked router_settings model_aliases tags guardrails object_permission model_rpm_limit \
            model_tpm_limit team_member_budget team_member_budget_duration team_member_rpm_limit team_member_tpm_limit \
            team_member_key_duration access_group_ids default_team_member_models allowed_passthrough_routes prompts \
            team_member_permissions rpm_limit_type tpm_limit_type allowed_vector_store_indexes";
        const USER: &str = "user_id user_email user_alias user_role teams organizations auto_create_key \
            send_invite_email sso_user_id password key_alias duration models spend metadata aliases permissions config \
            guardrails blocked allowed_cache_controls model_rpm_limit model_tpm_limit prompts object_permission team_id";
        const CUSTOMER: &str = "user_id alias blocked budget_id models allowed_model_region default_model spend \
            budget_reset_at";
        let body = |names: &str| -> Map<String, Value> {
            names
                .split_whitespace()
                .chain(LIMITS.split_whitespace())
                .map(|name| (name.to_owned(), Value::Null))
                .collect()
        };
        assert!(KeyRecord::generated(&body(KEY), "sk-1", None, 0).is_ok());
        assert!(TeamRecord::default().patched(&body(TEAM), 0).is_ok());
        assert!(UserRecord::default().patched(&body(USER), 0).is_ok());
        assert!(BudgetRecord::default().patched(&body("budget_id budget_reset_at"), "now").is_ok());
        let known = CustomerRecord { user_id: "c".to_owned(), ..CustomerRecord::default() };
        let mut customer = body(CUSTOMER);
        customer.insert("user_id".to_owned(), json!("c"));
        assert!(known.patched(&customer, 0).is_ok());
    }
}
