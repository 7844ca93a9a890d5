//! The record of a customer: the end user that a request names, in LiteLLM's field names.

use serde_json::{Map, Value};

use super::budget::{self, Allowance};
use super::calendar::write_time;
use super::fields::{self, Screen};
use super::ledger::{Limits, ScopeId, ScopeKind};
use super::typed::typed;
use crate::error::{Error, Result};

/// What is known of a customer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CustomerRecord {
    /// Their id, as requests name them.
    pub user_id: String,
    /// A name for people.
    pub alias: Option<String>,
    /// Whether they are blocked.
    pub blocked: bool,
    /// The shared budget that fills their limits.
    pub budget_id: Option<String>,
    /// Models that their requests may call; empty is all.
    pub models: Vec<String>,
    /// Anything.
    pub metadata: Map<String, Value>,
    /// Their limits.
    pub allowance: Allowance,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// When it was last changed (ISO 8601).
    pub updated_at: String,
}

typed!(CustomerRecord {
    user_id,
    alias,
    blocked,
    budget_id,
    models,
    metadata,
    (flat allowance),
    created_at,
    updated_at,
});

const FIELDS: &[&str] = &["user_id", "alias", "blocked", "budget_id", "models", "metadata", "spend"];

const SCREEN: Screen = Screen {
    known: &[FIELDS, budget::FIELDS],
    inert: &[],
    // A region or a default that is not kept would send a customer's data elsewhere.
    refused: &[
        &["allowed_model_region", "default_model", "tpd_limit", "budget_reset_at", "object_permission"],
        budget::MODEL_FIELDS,
    ],
};

impl CustomerRecord {
    /// Reads a `/customer/new` or `/customer/update` body onto this record (for a new one: the default); `null` takes a
    /// field back to its default.
    ///
    /// # Errors
    ///
    /// A field that is unknown, refused or wrong (see [`Screen`]), no `user_id`, or `max_budget` together with
    /// `budget_id`.
    pub fn patched(&self, body: &Map<String, Value>, now_ms: u64) -> Result<Self> {
        SCREEN.check(body)?;
        let set = |name: &str| body.get(name).is_some_and(|value| !value.is_null());
        if set("max_budget") && set("budget_id") {
            return Err(Error::bad_request("budget_id", "set either `max_budget` or `budget_id`, not both"));
        }
        let mut stored = body.clone();
        stored.retain(|name, _| name != "spend" && !SCREEN.refuses(name));
        let mut record: Self = fields::patched(self, &stored)?;
        record.allowance.check()?;
        if record.user_id.is_empty() {
            return Err(Error::bad_request(
                "user_id",
                "`user_id` is missing: the id by which requests name the customer",
            ));
        }
        record.updated_at = write_time(now_ms);
        if record.created_at.is_empty() {
            record.created_at.clone_from(&record.updated_at);
        }
        Ok(record)
    }

    /// The limits of the customer's scope; `shared` is the budget that `budget_id` names, of which the limits of single
    /// models bound keys alone.
    pub fn scopes(&self, shared: Option<&Allowance>) -> Vec<(ScopeId, Limits)> {
        let allowance = shared.map_or_else(|| self.allowance.clone(), |shared| self.allowance.or(shared));
        let limits = Limits { blocked: self.blocked, ..allowance.limits() };
        vec![(ScopeId::new(ScopeKind::Customer, &self.user_id), limits)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_customer_has_one_source_of_limits() {
        let read = |body: Value| CustomerRecord::default().patched(body.as_object().unwrap(), 0);
        let both = read(json!({"user_id": "ishaan", "max_budget": 1, "budget_id": "free"})).unwrap_err();
        assert_eq!(both.param(), Some("budget_id"));
        assert_eq!(read(json!({"max_budget": 1})).unwrap_err().param(), Some("user_id"));
        assert_eq!(
            read(json!({"user_id": "x", "allowed_model_region": "eu"})).unwrap_err().param(),
            Some("allowed_model_region")
        );
        let customer = read(json!({"user_id": "ishaan", "budget_id": "free", "blocked": true})).unwrap();
        let shared = Allowance { rpm_limit: Some(3), ..Allowance::default() };
        let (scope, limits) = customer.scopes(Some(&shared)).remove(0);
        assert_eq!((scope.id.as_str(), limits.rpm, limits.blocked), ("ishaan", Some(3), true));
    }
}
