//! Limits of deployments and providers: `rpm`, `tpm`, `max_parallel_requests`, `max_budget`, `provider_budget_config`.

use super::section::Section;
use super::{CustomProvider, providers, suggest};
use crate::keys::duration::Span;
use crate::keys::ledger::Limits;
use crate::money::Money;

/// The entry of `optional_pre_call_checks` that makes `rpm` and `tpm` limits, whatever the strategy.
const ENFORCED: &str = "enforce_model_rate_limits";

/// Strategies of LiteLLM that pass over deployments beyond their `rpm` or `tpm`; for the others these are weights.
const LIMITING: &[&str] =
    &["usage-based-routing", "usage-based-routing-v2", "latency-based-routing", "cost-based-routing"];

/// What `router_settings` say of the limits of all deployments.
#[derive(Clone, Copy, Default)]
pub(super) struct Rules {
    /// Whether `rpm` limits.
    rpm: bool,
    /// Whether `tpm` limits.
    tpm: bool,
    /// `default_max_parallel_requests`.
    parallel: Option<u64>,
}

impl Rules {
    /// Reads `router_settings`.
    pub(super) fn read(router: &Section<'_>) -> Self {
        let text = |name: &str| router.raw(name).and_then(serde_json::Value::as_str);
        let checks = router.raw("optional_pre_call_checks").and_then(serde_json::Value::as_array);
        let enforced = checks.into_iter().flatten().any(|check| check.as_str() == Some(ENFORCED));
        let both = enforced || text("routing_strategy").is_some_and(|strategy| LIMITING.contains(&strategy));
        Self {
            // LiteLLM's own pre-call check looks at requests alone.
            rpm: both || router.raw("enable_pre_call_checks").and_then(serde_json::Value::as_bool) == Some(true),
            tpm: both,
            parallel: parallel(router, "default_max_parallel_requests"),
        }
    }

    /// The limits of a deployment; `rpm` and `tpm` are its own.
    pub(super) fn deployment(&self, params: &Section<'_>, rpm: Option<u64>, tpm: Option<u64>) -> Limits {
        let budget = budget(params, &["max_budget"], &["budget_duration"]).unwrap_or_default();
        if params.raw("budget_duration").is_some() && params.raw("max_budget").is_none() {
            params.warning("budget_duration", "`budget_duration` without `max_budget` bounds nothing: give both");
        }
        Limits {
            rpm: rpm.filter(|_| self.rpm),
            tpm: tpm.filter(|_| self.tpm),
            parallel: parallel(params, "max_parallel_requests").or(self.parallel),
            ..budget
        }
    }
}

fn parallel(section: &Section<'_>, name: &str) -> Option<u64> {
    let most = section.count(name, u64::from(u32::MAX));
    // LiteLLM takes 0 as not set.
    most.filter(|most| *most > 0)
}

/// Reads `provider_budget_config`: provider to `budget_limit` and `time_period`, or their other names `max_budget` and
/// `budget_duration`.
pub(super) fn providers(router: &Section<'_>, custom: &[CustomProvider]) -> Vec<(String, Limits)> {
    let Some(config) = router.section("provider_budget_config") else { return Vec::new() };
    let mut budgets = Vec::new();
    for name in config.map.keys() {
        let known = || providers::names().chain(custom.iter().map(|custom| custom.own.name.as_str()));
        if !known().any(|known| known == name) {
            let hint = suggest::hint(name, known());
            config.error(name, format!("unknown provider \"{name}\"{hint}"));
            continue;
        }
        let Some(entry) = config.section(name) else { continue };
        match budget(&entry, &["budget_limit", "max_budget"], &["time_period", "budget_duration"]) {
            Some(limits) => budgets.push((name.clone(), limits)),
            None if entry.raw("budget_limit").or(entry.raw("max_budget")).is_some() => {}
            None => entry.error("budget_limit", "`budget_limit` is missing: give a number of US dollars, 0 or more"),
        }
    }
    budgets
}

/// Reads a budget from the first of these fields that is set; `None` where none is, or it is wrong.
pub(super) fn budget(section: &Section<'_>, max: &[&'static str], duration: &[&'static str]) -> Option<Limits> {
    let first = |names: &[&'static str]| names.iter().copied().find(|name| section.raw(name).is_some());
    let name = first(max)?;
    let max_budget = section.number(name, "a number of US dollars, 0 or more")?;
    let Some(max_budget) = Money::from_dollars(max_budget) else {
        section.error(name, format!("`{name}` is more than can be counted"));
        return None;
    };
    let mut limits = Limits { max_budget: Some(max_budget), ..Limits::default() };
    if let Some(name) = first(duration) {
        match section.string(name).map(|text| Span::parse(&text, name)).transpose() {
            Ok(span) => limits.budget_duration = span,
            Err(error) => {
                section.error(name, error.message());
                return None;
            }
        }
    }
    Some(limits)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::Config;
    use crate::keys::ledger::Limits;
    use crate::money::Money;

    fn limits(params: &Value, router: &Value) -> Limits {
        let mut all = json!({"model": "openai/m"});
        all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        let config = json!({"model_list": [{"model_name": "m", "litellm_params": all}], "router_settings": router});
        Config::read(&config.to_string()).unwrap_or_else(|findings| panic!("{findings:?}")).deployments[0]
            .limits
            .clone()
    }

    #[test]
    fn rates_are_weights_unless_the_router_says_that_they_limit() {
        let rates = json!({"rpm": 6, "tpm": 1000});
        let both = |router: &Value| {
            let limits = limits(&rates, router);
            (limits.rpm, limits.tpm)
        };
        for weights in
            [json!({}), json!({"routing_strategy": "simple-shuffle"}), json!({"optional_pre_call_checks": []})]
        {
            assert_eq!(both(&weights), (None, None), "{weights}");
            assert!(!limits(&rates, &weights).is_limited(), "no hop for a weight");
        }
        for limiting in [
            json!({"routing_strategy": "usage-based-routing-v2"}),
            json!({"routing_strategy": "cost-based-routing"}),
            json!({"optional_pre_call_checks": ["enforce_model_rate_limits"]}),
        ] {
            assert_eq!(both(&limiting), (Some(6), Some(1000)), "{limiting}");
        }
        assert_eq!(both(&json!({"enable_pre_call_checks": true})), (Some(6), None));
    }

    #[test]
    fn requests_at_one_time_have_a_default() {
        let router = json!({"default_max_parallel_requests": 9});
        assert_eq!(limits(&json!({}), &router).parallel, Some(9));
        assert_eq!(limits(&json!({"max_parallel_requests": "2"}), &router).parallel, Some(2));
        assert_eq!(limits(&json!({"max_parallel_requests": 0}), &json!({})).parallel, None);
    }

    #[test]
    fn budgets_of_deployments_and_providers_are_read() {
        let own = limits(&json!({"max_budget": 0.5, "budget_duration": "1d"}), &json!({}));
        assert_eq!(own.max_budget, Money::from_dollars(0.5));
        assert!(own.budget_duration.is_some());
        let router = |providers: &Value| {
            Config::read(&json!({"router_settings": {"provider_budget_config": providers}}).to_string())
        };
        let config = router(&json!({
            "openai": {"budget_limit": 0.3, "time_period": "1d"},
            "anthropic": {"max_budget": "100", "budget_duration": "30d"},
        }));
        let budgets = config.unwrap().router.provider_budgets;
        let read: Vec<_> = budgets.iter().map(|(name, limits)| (name.as_str(), limits.max_budget)).collect();
        assert!(read.contains(&("openai", Money::from_dollars(0.3))) && read.len() == 2, "{read:?}");
        assert!(budgets.iter().all(|(_, limits)| limits.budget_duration.is_some()));
        for (wrong, place) in [
            (json!({"opnai": {"budget_limit": 1}}), "opnai"),
            (json!({"openai": {"time_period": "1d"}}), "openai.budget_limit"),
            (json!({"openai": {"budget_limit": -1}}), "openai.budget_limit"),
            (json!({"openai": {"budget_limit": 1, "time_period": "often"}}), "openai.time_period"),
        ] {
            let findings = router(&wrong).unwrap_err();
            assert_eq!(findings[0].path, format!("router_settings.provider_budget_config.{place}"), "{findings:?}");
        }
    }
}
