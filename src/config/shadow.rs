//! `shadow_traffic` (Tollgate's own): which share of a group's requests is copied to another group.

use super::section::Section;
use super::{Config, Finding, suggest};

/// Where copies of a group's requests go.
#[derive(Clone, Debug, PartialEq)]
pub struct ShadowRule {
    /// The model group whose requests are copied.
    pub from: String,
    /// The model group that the copies go to.
    pub to: String,
    /// How many of a hundred, from 0 to 100.
    pub percent: f64,
}

const FIELDS: [&str; 2] = ["to", "percent"];

/// Reads `router_settings.shadow_traffic`.
pub(super) fn read(router: &Section<'_>) -> Vec<ShadowRule> {
    let Some(section) = router.section("shadow_traffic") else { return Vec::new() };
    section.map.keys().filter_map(|from| rule(&section.section(from)?, from)).collect()
}

fn rule(section: &Section<'_>, from: &str) -> Option<ShadowRule> {
    for name in section.map.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        let hint = suggest::hint(name, FIELDS.into_iter());
        section.error(name, format!("unknown field \"{name}\"{hint}"));
    }
    let to = section.required("to", "give the model group that the copies go to");
    let wanted = "a number from 0 to 100";
    let percent = section.number("percent", wanted);
    if section.raw("percent").is_none() || percent.is_some_and(|percent| percent > 100.0) {
        section.error("percent", format!("`percent` must be {wanted}"));
    }
    let to = to?;
    if to == from {
        section.error("to", format!("\"{to}\" cannot be its own shadow: give another model group"));
    }
    Some(ShadowRule { from: from.to_owned(), to, percent: percent? })
}

/// Checks that rules lead from a model group to a model group. A name that stands for several is none.
pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    let groups = || config.deployments.iter().map(|deployment| deployment.model_name.as_str());
    let known = |name: &str| !config.deployments_for(name).is_empty() || config.waiting_for(name).is_some();
    for rule in &config.router.shadows {
        let path = format!("router_settings.shadow_traffic.{}", rule.from);
        if !config.deployments.is_empty() && !known(&rule.from) {
            let message = format!("no model group is called \"{}\"{}", rule.from, suggest::hint(&rule.from, groups()));
            findings.push(Finding::warning(&path, message));
        }
        if !known(&rule.to) {
            let hint = suggest::hint(&rule.to, groups());
            let (path, message) =
                (format!("{path}.to"), format!("copies go to \"{}\", which is no model group{hint}", rule.to));
            findings.push(if config.deployments.is_empty() {
                Finding::warning(path, format!("{message}: add it to model_list"))
            } else {
                Finding::error(path, message)
            });
        }
    }
}
