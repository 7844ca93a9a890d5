//! `optional_pre_call_checks` that send a request to the deployment which answered one like it.

use super::section::Section;
use super::suggest;

/// LiteLLM's default of `deployment_affinity_ttl_seconds`, in ms.
const TTL_MS: u64 = 3_600_000;

/// Checks that act, beside those of [`Affinity`]: one makes limits of `rpm` and `tpm`, and budgets hold whether they are named
/// or not.
const ELSEWHERE: &[&str] = &["enforce_model_rate_limits", "router_budget_limiting"];

/// Checks that are known and do nothing, with why.
const IDLE: &[(&str, &str)] = &[
    ("responses_api_deployment_check", "there is no `/v1/responses` yet"),
    ("encrypted_content_affinity", "there is no `/v1/responses` yet"),
    ("forward_client_headers_by_model_group", "LiteLLM itself does nothing by it"),
];

/// The checks that a group of `model_group_affinity_config` may name.
const OF_GROUPS: &[&str] =
    &["deployment_affinity", "session_affinity", "responses_api_deployment_check", "encrypted_content_affinity"];

/// Which requests are tied to a deployment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Affinity {
    /// `optional_pre_call_checks`, as they are written.
    pub named: Vec<String>,
    /// `prompt_caching`: those with a prefix that providers cache.
    pub prompts: bool,
    /// `session_affinity`: those of one session.
    sessions: bool,
    /// `deployment_affinity`: those of one key.
    keys: bool,
    /// `deployment_affinity_ttl_seconds` in ms: how long a session or a key stays.
    pub ttl_ms: u64,
    /// `model_group_affinity_config`: for these groups sessions and keys count as said here.
    groups: Vec<(String, (bool, bool))>,
}

impl Affinity {
    /// Whether no request is tied to anything.
    pub fn is_off(&self) -> bool {
        !self.prompts && !self.sessions && !self.keys && self.groups.is_empty()
    }

    /// Whether sessions count in `group`, and whether keys do.
    pub fn checks(&self, group: &str) -> (bool, bool) {
        let own = self.groups.iter().find(|(name, _)| name == group);
        own.map_or((self.sessions, self.keys), |(_, own)| *own)
    }
}

/// Reads `router_settings`.
pub(super) fn read(router: &Section<'_>) -> Affinity {
    let checks = router.strings("optional_pre_call_checks");
    let named = |name: &str| checks.iter().any(|check| check == name);
    for (at, check) in checks.iter().enumerate() {
        if check != "prompt_caching" && !ELSEWHERE.contains(&check.as_str()) {
            doubt(router, &format!("optional_pre_call_checks[{at}]"), check, ELSEWHERE);
        }
    }
    Affinity {
        prompts: named("prompt_caching"),
        sessions: named("session_affinity"),
        keys: named("deployment_affinity"),
        ttl_ms: router.seconds("deployment_affinity_ttl_seconds").unwrap_or(TTL_MS),
        groups: groups(router),
        named: checks,
    }
}

fn groups(router: &Section<'_>) -> Vec<(String, (bool, bool))> {
    let Some(config) = router.section("model_group_affinity_config") else { return Vec::new() };
    let read = |group: &String| {
        let checks = config.strings(group);
        for (at, check) in checks.iter().enumerate() {
            doubt(&config, &format!("{group}[{at}]"), check, &[]);
        }
        let named = |name: &str| checks.iter().any(|check| check == name);
        (group.clone(), (named("session_affinity"), named("deployment_affinity")))
    };
    config.map.keys().map(read).collect()
}

/// Warns of a check that does nothing.
fn doubt(section: &Section<'_>, name: &str, check: &str, others: &[&'static str]) {
    if let Some((_, why)) = IDLE.iter().find(|(idle, _)| *idle == check) {
        section.warning(name, format!("the check \"{check}\" has no effect: {why}"));
    } else if !OF_GROUPS.contains(&check) {
        let known = OF_GROUPS.iter().chain(others).copied();
        section.warning(name, format!("unknown check \"{check}\"{}: it has no effect", suggest::hint(check, known)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::config::{Config, check};

    fn read(router: &Value) -> Affinity {
        Config::read(&json!({"router_settings": router}).to_string()).unwrap().router.affinity
    }

    #[test]
    fn checks_are_switched_on_by_name_and_groups_have_their_own() {
        assert!(read(&json!({"optional_pre_call_checks": ["enforce_model_rate_limits"]})).is_off());
        let affinity = read(&json!({
            "optional_pre_call_checks": ["prompt_caching", "session_affinity"],
            "deployment_affinity_ttl_seconds": 60,
            "model_group_affinity_config": {"a": ["deployment_affinity"], "b": []},
        }));
        assert_eq!((affinity.prompts, affinity.ttl_ms), (true, 60_000));
        let checks = ["a", "b", "c"].map(|group| affinity.checks(group));
        assert_eq!(checks, [(false, true), (false, false), (true, false)]);
        let one = read(&json!({"model_group_affinity_config": {"a": ["session_affinity"]}}));
        assert_eq!((one.is_off(), one.checks("z"), one.ttl_ms), (false, (false, false), 3_600_000));
    }

    #[test]
    fn what_does_nothing_is_said() {
        let config = json!({"router_settings": {
            "optional_pre_call_checks": ["responses_api_deployment_check", "deployment_afinity", "prompt_caching"],
            "model_group_affinity_config": {"a": ["prompt_caching", "session_affinity"]},
        }});
        let findings: Vec<(String, String)> =
            check(&config.to_string()).into_iter().map(|finding| (finding.path, finding.message)).collect();
        let says = |path: &str, words: &str| findings.iter().any(|(at, said)| at == path && said.contains(words));
        assert!(says("router_settings.optional_pre_call_checks[0]", "no `/v1/responses` yet"), "{findings:?}");
        assert!(
            says("router_settings.optional_pre_call_checks[1]", "did you mean \"deployment_affinity\""),
            "{findings:?}"
        );
        assert!(
            says("router_settings.model_group_affinity_config.a[0]", "unknown check \"prompt_caching\""),
            "{findings:?}"
        );
        assert_eq!(findings.len(), 3, "{findings:?}");
    }
}
