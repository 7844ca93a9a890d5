//! `router_settings` of a key or of a team: how its requests are routed, instead of what the configuration says.

use serde_json::{Map, Value};

use super::typed::{Typed, expected};
use crate::router::{FallbackList, Fallbacks, RetryRules, Strategy};

/// Most retries that a setting may ask for, as in the configuration.
const MOST_RETRIES: u64 = 20;

/// The longest time-out, in seconds: a day.
const LONGEST_S: f64 = 86_400.0;

/// The settings that act, checked; all others are refused unless they ask for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing(Map<String, Value>);

impl Routing {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `routing_strategy`.
    pub fn strategy(&self) -> Option<Strategy> {
        Strategy::named(self.0.get("routing_strategy")?.as_str()?)
    }

    /// `num_retries`.
    pub fn num_retries(&self) -> Option<u32> {
        self.0.get("num_retries").and_then(count)
    }

    /// `timeout` in ms.
    pub fn timeout_ms(&self) -> Option<u64> {
        self.0.get("timeout").and_then(seconds).map(|seconds| (seconds * 1000.0) as u64)
    }

    /// Whether `enable_tag_filtering` is on. Off says nothing, as in LiteLLM: a key cannot leave out what the configuration
    /// asks for.
    pub fn filters_tags(&self) -> bool {
        self.0.get("enable_tag_filtering").and_then(Value::as_bool) == Some(true)
    }

    /// What `model_group_alias` makes of a model.
    pub fn alias(&self, model: &str) -> Option<&str> {
        let target = self.0.get("model_group_alias")?.get(model)?;
        target.as_str().or_else(|| target.get("model")?.as_str())
    }

    /// `weights` of a model group: deployment ids to weights.
    pub fn weights(&self, group: &str) -> Option<Vec<(String, f64)>> {
        let weights = self.0.get("weights")?.get(group)?.as_object()?;
        let mut all = Vec::with_capacity(weights.len());
        for (id, weight) in weights {
            all.push((id.clone(), weight.as_f64()?));
        }
        Some(all)
    }

    /// Lays its fallbacks over those of the configuration: a list that it has stands for the whole of the other one.
    pub fn lay_fallbacks(&self, fallbacks: &mut Fallbacks) {
        for list in FallbackList::ALL {
            let Some(own) = self.0.get(list.field()).and_then(groups) else { continue };
            match list {
                // `default_fallbacks` are a rule of this list, for `*`.
                FallbackList::General => (fallbacks.groups, fallbacks.default) = (own, Vec::new()),
                FallbackList::ContextWindow => fallbacks.context_window = Some(own),
                FallbackList::ContentPolicy => fallbacks.content_policy = Some(own),
            }
        }
    }

    /// Lays its retries over those of the configuration. `num_retries` counts as the request's own, as in LiteLLM: no
    /// policy and no deployment has a say then.
    pub fn lay_retries(&self, rules: &mut RetryRules) {
        rules.request = rules.request.or(self.num_retries());
        if let Some(policy) = self.0.get("retry_policy").and_then(policy) {
            rules.policy = policy;
        }
        if let Some(Value::Object(own)) = self.0.get("model_group_retry_policy") {
            rules.group_policies.clear();
            for (group, own) in own {
                rules.group_policies.push((group.clone(), policy(own).unwrap_or_default()));
            }
        }
    }
}

impl Typed for Routing {
    fn read(value: Value) -> Result<Self, String> {
        let Value::Object(mut settings) = value else { return Err(expected("an object", &value)) };
        settings.retain(|_, value| !asks_for_nothing(value));
        for (name, value) in &settings {
            let wanted = match name.as_str() {
                "fallbacks" | "context_window_fallbacks" | "content_policy_fallbacks" => {
                    (groups(value).is_some(), "a list such as [{\"model-group\": [\"another\"]}]")
                }
                "num_retries" => (count(value).is_some(), "a whole number from 0 to 20"),
                "timeout" => (seconds(value).is_some(), "seconds above 0, at most 86400"),
                "retry_policy" => {
                    (policy(value).is_some(), "an object of classes of errors and whole numbers up to 20")
                }
                "model_group_retry_policy" => {
                    (each(value, &|own| policy(own).is_some()), "an object of model groups and their retry policies")
                }
                "routing_strategy" => {
                    (value.as_str().and_then(Strategy::named).is_some(), "the name of a strategy, such as least-busy")
                }
                "enable_tag_filtering" => (value.is_boolean(), "true or false"),
                "model_group_alias" => (each(value, &is_alias), "an object of names and model groups"),
                "weights" => (
                    each(value, &|own| each(own, &|weight| weight.as_f64().is_some_and(|weight| weight >= 0.0))),
                    "an object of model groups, and in each the ids of deployments with numbers from 0 on",
                ),
                _ => return Err(format!("`{name}` has no effect on a key or a team: set it in the configuration")),
            };
            if let (false, wanted) = wanted {
                return Err(format!("`{name}`: {}", expected(wanted, value)));
            }
        }
        Ok(Self(settings))
    }

    fn write(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

/// `null`, and lists and objects without anything in them; `false` too, since nothing that is taken can be switched off.
fn asks_for_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        _ => false,
    }
}

fn count(value: &Value) -> Option<u32> {
    value.as_u64().filter(|count| *count <= MOST_RETRIES).map(|count| count as u32)
}

fn seconds(value: &Value) -> Option<f64> {
    value.as_f64().filter(|seconds| *seconds > 0.0 && *seconds <= LONGEST_S)
}

fn policy(value: &Value) -> Option<Vec<(String, u32)>> {
    // LiteLLM writes a whole policy, with `null` for what it says nothing of.
    let mut all = Vec::new();
    for (class, retries) in value.as_object()?.iter().filter(|(_, retries)| !retries.is_null()) {
        all.push((class.clone(), count(retries)?));
    }
    Some(all)
}

fn groups(value: &Value) -> Option<Vec<(String, Vec<String>)>> {
    let mut all = Vec::new();
    for rule in value.as_array()? {
        for (group, models) in rule.as_object()? {
            all.push((group.clone(), Vec::read(models.clone()).ok()?));
        }
    }
    Some(all)
}

fn each(value: &Value, fits: &dyn Fn(&Value) -> bool) -> bool {
    value.as_object().is_some_and(|all| all.values().all(fits))
}

fn is_alias(value: &Value) -> bool {
    value.is_string() || value.get("model").is_some_and(Value::is_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(settings: &Value) -> Routing {
        Routing::read(settings.clone()).unwrap()
    }

    #[test]
    fn what_acts_is_read_and_what_asks_for_nothing_is_left_out() {
        let routing = read(&json!({
            "routing_strategy": "least-busy", "num_retries": 0, "timeout": 1.5, "enable_tag_filtering": true,
            "model_group_alias": {"a": "m", "b": {"model": "n", "hidden": true}}, "weights": {"m": {"x": 1, "y": 0}},
            "cooldown_time": null, "optional_pre_call_checks": [], "retry_policy": {},
        }));
        assert_eq!((routing.strategy(), routing.num_retries()), (Some(Strategy::LeastBusy), Some(0)));
        assert_eq!((routing.timeout_ms(), routing.filters_tags()), (Some(1_500), true));
        assert_eq!(["a", "b", "c"].map(|name| routing.alias(name)), [Some("m"), Some("n"), None]);
        assert_eq!(routing.weights("m"), Some(vec![("x".to_owned(), 1.0), ("y".to_owned(), 0.0)]));
        assert_eq!(routing.weights("n"), None);
        assert!(read(&json!({"enable_tag_filtering": false, "fallbacks": []})).is_empty());
    }

    #[test]
    fn lists_stand_for_the_configurations_and_the_others_stay() {
        let routing = read(&json!({
            "fallbacks": [{"m": ["a", "b"]}], "num_retries": 3,
            "retry_policy": {"RateLimitErrorRetries": 1, "TimeoutErrorRetries": null},
            "model_group_retry_policy": {"m": {"BadRequestErrorRetries": 2}},
        }));
        let rule = |group: &str| vec![(group.to_owned(), vec!["z".to_owned()])];
        let default = vec!["d".to_owned()];
        let configured =
            Fallbacks { groups: rule("m"), default, context_window: Some(rule("m")), ..Fallbacks::default() };
        let mut fallbacks = configured.clone();
        routing.lay_fallbacks(&mut fallbacks);
        assert_eq!(fallbacks.groups, [("m".to_owned(), vec!["a".to_owned(), "b".to_owned()])]);
        assert!(fallbacks.default.is_empty(), "the default is part of the list");
        assert_eq!((fallbacks.context_window, fallbacks.content_policy), (configured.context_window, None));
        let mut rules = RetryRules { request: Some(1), router: Some(9), ..RetryRules::default() };
        routing.lay_retries(&mut rules);
        assert_eq!((rules.request, rules.router), (Some(1), Some(9)), "the request's own word comes first");
        assert_eq!(rules.policy, [("RateLimitErrorRetries".to_owned(), 1)]);
        assert_eq!(rules.group_policies.len(), 1);
        let mut rules = RetryRules::default();
        routing.lay_retries(&mut rules);
        assert_eq!(rules.request, Some(3));
    }

    #[test]
    fn what_is_wrong_or_without_effect_is_named() {
        for (settings, words) in [
            (json!([]), "expected an object, found a list"),
            (json!({"fallbacks": ["a"]}), "`fallbacks`: expected a list such as"),
            (json!({"fallbacks": {"m": ["a"]}}), "found an object"),
            (json!({"num_retries": 21}), "from 0 to 20"),
            (json!({"timeout": 0}), "seconds above 0"),
            (json!({"retry_policy": {"x": "1"}}), "`retry_policy`: expected an object of classes"),
            (json!({"model_group_retry_policy": {"m": 1}}), "`model_group_retry_policy`"),
            (json!({"routing_strategy": "luck"}), "`routing_strategy`: expected the name of a strategy"),
            (json!({"enable_tag_filtering": 1}), "expected true or false, found a number"),
            (json!({"model_group_alias": {"a": 1}}), "`model_group_alias`"),
            (json!({"weights": {"m": {"x": -1}}}), "`weights`"),
            (json!({"allowed_fails": 3}), "`allowed_fails` has no effect on a key or a team"),
        ] {
            let error = Routing::read(settings.clone()).unwrap_err();
            assert!(error.contains(words), "{settings}: {error}");
        }
    }
}
