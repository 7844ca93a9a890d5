//! The limits that keys, teams, users, customers and shared budgets have in common, in LiteLLM's field names.

use serde_json::{Map, Value, json};

use super::duration::Span;
use super::fields::{self, Screen};
use super::ledger::{Budget, Limits};
use super::model_budget::ModelBudget;
use super::typed::{Typed, take, typed};
use crate::error::{Error, Result};
use crate::money::Money;
use crate::sorted::{self, SortedMap};

/// Limits of an object; every field is absent where nothing is bounded.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowance {
    /// Most that may be spent, in USD.
    pub max_budget: Option<Money>,
    /// An event at this spend, in USD; nothing is refused.
    pub soft_budget: Option<Money>,
    /// When the spend starts anew.
    pub budget_duration: Option<Span>,
    /// Further budgets, each with its own window; all must hold.
    pub budget_limits: Vec<BudgetLimit>,
    /// Tokens a minute.
    pub tpm_limit: Option<u64>,
    /// Requests a minute.
    pub rpm_limit: Option<u64>,
    /// Requests at one time.
    pub max_parallel_requests: Option<u64>,
    /// Budgets of single models.
    pub model_max_budget: SortedMap<String, ModelBudget>,
    /// Requests a minute of single models.
    pub model_rpm_limit: SortedMap<String, u64>,
    /// Tokens a minute of single models.
    pub model_tpm_limit: SortedMap<String, u64>,
}

typed!(Allowance {
    max_budget,
    soft_budget,
    budget_duration,
    budget_limits,
    tpm_limit,
    rpm_limit,
    max_parallel_requests,
    model_max_budget,
    model_rpm_limit,
    model_tpm_limit,
});

/// One of `budget_limits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetLimit {
    /// The window.
    pub budget_duration: Span,
    /// Most that may be spent in it, in USD.
    pub max_budget: Money,
}

impl Typed for BudgetLimit {
    fn read(value: Value) -> Result<Self, String> {
        let mut object: Map<String, Value> = Typed::read(value)?;
        let (mut span, mut max) = (None, None);
        take(&mut object, "budget_duration", &mut span)?;
        take(&mut object, "max_budget", &mut max)?;
        match (span, max, object.keys().next()) {
            (_, _, Some(name)) => Err(format!("unknown field `{name}`")),
            (Some(budget_duration), Some(max_budget), None) => Ok(Self { budget_duration, max_budget }),
            _ => Err("a budget has `budget_duration` and `max_budget`".to_owned()),
        }
    }

    fn write(&self) -> Value {
        json!({"budget_duration": self.budget_duration.write(), "max_budget": self.max_budget})
    }
}

/// The fields of [`Allowance`] that bound an object as a whole.
pub(super) const FIELDS: &[&str] = &[
    "max_budget",
    "soft_budget",
    "budget_duration",
    "budget_limits",
    "tpm_limit",
    "rpm_limit",
    "max_parallel_requests",
];

/// Those that bound its single models: keys, teams and shared budgets have them, users and customers do not.
pub(super) const MODEL_FIELDS: &[&str] = &["model_max_budget", "model_rpm_limit", "model_tpm_limit"];

impl Allowance {
    /// Checks what types alone do not.
    ///
    /// # Errors
    ///
    /// A negative amount, two `budget_limits` of the same length, or more than 8 of them.
    pub fn check(&self) -> Result<()> {
        let mut amounts = vec![("max_budget", self.max_budget), ("soft_budget", self.soft_budget)];
        amounts.extend(self.budget_limits.iter().map(|limit| ("budget_limits", Some(limit.max_budget))));
        amounts.extend(self.model_max_budget.values().map(|budget| ("model_max_budget", Some(budget.max))));
        for (field, amount) in amounts {
            if amount.is_some_and(Money::is_negative) {
                return Err(Error::bad_request(
                    field,
                    format!("`{field}` is negative: send an amount of USD from 0 up"),
                ));
            }
        }
        let mut spans: Vec<Span> = self.budget_limits.iter().map(|limit| limit.budget_duration).collect();
        sorted::sort(&mut spans);
        spans.dedup();
        if spans.len() != self.budget_limits.len() || spans.len() > 8 {
            let message = "`budget_limits` may hold at most 8 budgets, each with a `budget_duration` of its own";
            return Err(Error::bad_request("budget_limits", message));
        }
        Ok(())
    }

    /// Fills what is absent from a shared budget (`budget_id`).
    #[must_use]
    pub fn or(&self, shared: &Self) -> Self {
        let own = self.clone();
        // A window without its amount, or an amount with another's window, would be a budget that nobody wrote.
        let (max_budget, budget_duration) = match own.max_budget {
            Some(_) => (own.max_budget, own.budget_duration),
            None => (shared.max_budget, own.budget_duration.or(shared.budget_duration)),
        };
        let map = |own: SortedMap<String, u64>, shared: &SortedMap<String, u64>| {
            if own.is_empty() { shared.clone() } else { own }
        };
        Self {
            max_budget,
            budget_duration,
            soft_budget: own.soft_budget.or(shared.soft_budget),
            budget_limits: if own.budget_limits.is_empty() { shared.budget_limits.clone() } else { own.budget_limits },
            tpm_limit: own.tpm_limit.or(shared.tpm_limit),
            rpm_limit: own.rpm_limit.or(shared.rpm_limit),
            max_parallel_requests: own.max_parallel_requests.or(shared.max_parallel_requests),
            model_max_budget: if own.model_max_budget.is_empty() {
                shared.model_max_budget.clone()
            } else {
                own.model_max_budget
            },
            model_rpm_limit: map(own.model_rpm_limit, &shared.model_rpm_limit),
            model_tpm_limit: map(own.model_tpm_limit, &shared.model_tpm_limit),
        }
    }

    /// The limits of the object itself, for its scope in the ledger.
    pub fn limits(&self) -> Limits {
        let budget = |limit: &BudgetLimit| Budget { max: limit.max_budget, span: Some(limit.budget_duration) };
        Limits {
            max_budget: self.max_budget,
            budget_duration: self.budget_duration,
            soft_budget: self.soft_budget,
            more: self.budget_limits.iter().map(budget).collect(),
            rpm: self.rpm_limit,
            tpm: self.tpm_limit,
            parallel: self.max_parallel_requests,
            blocked: false,
            expires_ms: None,
        }
    }

    /// The limits of one model of the object; `None` where it has none of its own.
    pub fn model_limits(&self, model: &str) -> Option<Limits> {
        let budget = self.model_max_budget.get(model);
        let rpm = self.model_rpm_limit.get(model).copied().or(budget.and_then(|budget| budget.rpm));
        let tpm = self.model_tpm_limit.get(model).copied().or(budget.and_then(|budget| budget.tpm));
        if budget.is_none() && rpm.is_none() && tpm.is_none() {
            return None;
        }
        let (max_budget, budget_duration) = (budget.map(|budget| budget.max), budget.and_then(|budget| budget.span));
        Some(Limits { max_budget, budget_duration, rpm, tpm, ..Limits::default() })
    }

    /// The models that have limits of their own.
    pub fn limited_models(&self) -> Vec<&str> {
        let names = self.model_max_budget.keys().chain(self.model_rpm_limit.keys()).chain(self.model_tpm_limit.keys());
        let mut names: Vec<&str> = names.map(String::as_str).collect();
        sorted::sort(&mut names);
        names.dedup();
        names
    }
}

/// A shared budget (`/budget/new`), which keys and customers name by `budget_id`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BudgetRecord {
    /// Its id.
    pub budget_id: String,
    /// Its limits.
    pub allowance: Allowance,
    /// When it was made and last changed (ISO 8601).
    pub created_at: String,
    /// When it was last changed (ISO 8601).
    pub updated_at: String,
}

typed!(BudgetRecord {
    budget_id,
    (flat allowance),
    created_at,
    updated_at,
});

const SCREEN: Screen = Screen {
    known: &[FIELDS, MODEL_FIELDS, &["budget_id"]],
    inert: &[],
    refused: &[&["tpd_limit", "budget_reset_at"]],
};

impl BudgetRecord {
    /// Reads a `/budget/new` or `/budget/update` body onto `old` (the default for a new one, with its id set).
    ///
    /// # Errors
    ///
    /// A field that is unknown, refused or wrong; see [`Screen`].
    pub fn patched(&self, body: &Map<String, Value>, now: &str) -> Result<Self> {
        SCREEN.check(body)?;
        let mut stored = body.clone();
        stored.retain(|name, _| !SCREEN.refuses(name));
        let mut record: Self = fields::patched(self, &stored)?;
        record.allowance.check()?;
        now.clone_into(&mut record.updated_at);
        if record.created_at.is_empty() {
            now.clone_into(&mut record.created_at);
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn budget(body: &Value) -> Result<BudgetRecord> {
        BudgetRecord::default().patched(body.as_object().unwrap(), "2026-11-21T00:00:00Z")
    }

    #[test]
    fn a_model_budget_is_read_in_every_form_that_litellm_takes() {
        for form in [
            json!({"budget_limit": "0.0000001", "time_period": "1d"}),
            json!({"max_budget": 1e-7, "budget_duration": "daily"}),
        ] {
            let record = budget(&json!({"model_max_budget": {"gpt-4o": form}})).unwrap();
            let limits = record.allowance.model_limits("gpt-4o").unwrap();
            assert_eq!(limits.max_budget, Money::parse("0.0000001"));
            assert_eq!(limits.budget_duration.unwrap().to_string(), "1d");
        }
        let plain = budget(&json!({"model_max_budget": {"gpt-4o": 5}})).unwrap();
        assert_eq!(plain.allowance.model_limits("gpt-4o").unwrap().max_budget, Money::parse("5"));
        assert_eq!(plain.allowance.model_limits("gpt-4"), None);
    }

    #[test]
    fn wrong_limits_are_refused_by_name() {
        let day = |max: u64, span: &str| json!({"max_budget": max, "budget_duration": span});
        for (body, field) in [
            (json!({"max_budget": -1}), "max_budget"),
            (json!({"max_budget": "lots"}), "max_budget"),
            (json!({"budget_duration": "1y"}), "budget_duration"),
            (json!({"rpm_limit": -5}), "rpm_limit"),
            (json!({"model_max_budget": {"a": {"budget": 1}}}), "model_max_budget"),
            (json!({"budget_limits": [{"max_budget": 1}]}), "budget_limits"),
            (json!({"budget_limits": [day(1, "1d"), day(2, "daily")]}), "budget_limits"),
            (json!({"tpd_limit": 10}), "tpd_limit"),
            (json!({"max_budgte": 1}), "max_budgte"),
        ] {
            assert_eq!(budget(&body).unwrap_err().param(), Some(field), "{body}");
        }
    }

    #[test]
    fn a_shared_budget_fills_what_is_absent() {
        let shared = budget(&json!({"max_budget": 10, "budget_duration": "7d", "rpm_limit": 5})).unwrap().allowance;
        let own = Allowance { max_budget: Money::parse("1"), ..Allowance::default() };
        let both = own.or(&shared);
        assert_eq!((both.max_budget, both.budget_duration, both.rpm_limit), (Money::parse("1"), None, Some(5)));
        assert_eq!(Allowance::default().or(&shared), shared);
    }
}
