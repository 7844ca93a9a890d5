//! Health checks in the background: `general_settings`, and what LiteLLM takes from `router_settings` too.

use super::section::Section;

/// `health_check_interval` where nothing sets it, in ms: LiteLLM's five minutes.
const INTERVAL_MS: u64 = 300_000;

/// The shortest interval, in ms: each check is a paid request.
const SHORTEST_MS: u64 = 10_000;

/// When and how deployments are asked without anybody's wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// `health_check_interval` where `background_health_checks` is on, in ms; `None`: nobody is asked.
    pub interval_ms: Option<u64>,
    /// `enable_health_check_routing`: unhealthy ones are passed over.
    pub routing: bool,
    /// `health_check_staleness_threshold` in ms: what is older says nothing.
    pub stale_ms: u64,
    /// `health_check_ignore_transient_errors`: 408 and 429 make nobody unhealthy.
    pub ignores_transient: bool,
    /// `background_health_check_model_groups`; `None`: all.
    pub groups: Option<Vec<String>>,
    /// `health_check_concurrency`: the most that are asked at the same time.
    pub at_once: Option<usize>,
}

impl Background {
    /// Whether the deployments of a model group are asked.
    pub fn takes_in(&self, group: &str) -> bool {
        self.groups.as_ref().is_none_or(|groups| groups.iter().any(|own| own == group))
    }
}

/// Reads both sections; where both say something, `general` wins.
pub(super) fn read(general: &Section<'_>, router: &Section<'_>) -> Background {
    let both = [general, router];
    let flag = |name: &str| both.iter().find_map(|section| section.flag(name)).unwrap_or_default();
    let mut interval = general.seconds("health_check_interval").unwrap_or(INTERVAL_MS);
    if interval < SHORTEST_MS {
        general
            .error("health_check_interval", "`health_check_interval` must be 10 seconds or more: each check is paid");
        interval = SHORTEST_MS;
    }
    let stale = both.iter().find_map(|section| section.seconds("health_check_staleness_threshold"));
    let listed = both.iter().find(|section| section.raw("background_health_check_model_groups").is_some());
    Background {
        interval_ms: general.flag("background_health_checks").unwrap_or_default().then_some(interval),
        routing: flag("enable_health_check_routing"),
        stale_ms: stale.unwrap_or(interval * 2),
        ignores_transient: flag("health_check_ignore_transient_errors"),
        groups: listed.map(|section| section.strings("background_health_check_model_groups")),
        at_once: general.count("health_check_concurrency", 1_000).map(|most| most.max(1) as usize),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::{Background, Config};

    fn read(general: &Value, router: &Value) -> Background {
        Config::read(&json!({"general_settings": general, "router_settings": router}).to_string())
            .unwrap()
            .general
            .health
    }

    #[test]
    fn checks_are_off_and_have_litellms_defaults() {
        let off = read(&json!({"health_check_interval": 60}), &json!({}));
        assert_eq!((off.interval_ms, off.routing, off.groups), (None, false, None));
        let on = read(&json!({"background_health_checks": true}), &json!({}));
        assert_eq!((on.interval_ms, on.stale_ms, on.at_once), (Some(300_000), 600_000, None));
    }

    #[test]
    fn both_sections_are_read_and_general_wins() {
        let health = read(
            &json!({"background_health_checks": true, "health_check_interval": 60, "health_check_concurrency": 2,
                "enable_health_check_routing": true, "health_check_staleness_threshold": 90}),
            &json!({"enable_health_check_routing": false, "health_check_staleness_threshold": 10,
                "health_check_ignore_transient_errors": true, "background_health_check_model_groups": ["m"]}),
        );
        let groups = Some(vec!["m".to_owned()]);
        let (interval_ms, at_once) = (Some(60_000), Some(2));
        let want =
            Background { interval_ms, routing: true, stale_ms: 90_000, ignores_transient: true, groups, at_once };
        assert_eq!(health, want);
    }

    #[test]
    fn an_interval_that_costs_too_much_is_refused() {
        let errors = Config::read(&json!({"general_settings": {"health_check_interval": 1}}).to_string()).unwrap_err();
        assert_eq!(errors[0].path, "general_settings.health_check_interval");
    }
}
