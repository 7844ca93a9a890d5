//! `hedging` (Tollgate's own): when a second attempt is sent beside a slow one.

use serde_json::Value;

use super::section::Section;
use super::{Config, Finding, suggest};
use crate::router::HedgeRules;

const FIELDS: [&str; 5] = ["percentile", "min_samples", "min_delay", "max_share", "models"];

/// The most answers that are remembered of a deployment.
const MOST_SAMPLES: u64 = 64;

/// Reads `router_settings.hedging`: `true` for the defaults, or a map.
pub(super) fn read(router: &Section<'_>) -> Option<HedgeRules> {
    let plain = HedgeRules::default();
    match router.raw("hedging")? {
        Value::Null | Value::Bool(false) => return None,
        Value::Bool(true) => return Some(plain),
        _ => {}
    }
    let section = router.section("hedging")?;
    for name in section.map.keys().filter(|name| !FIELDS.contains(&name.as_str())) {
        let hint = suggest::hint(name, FIELDS.into_iter());
        section.error(name, format!("unknown field \"{name}\"{hint}"));
    }
    let share = |name: &str, plain: f64| {
        let wanted = "a share above 0 and at most 1, such as 0.95";
        let share = section.number(name, wanted);
        if share.is_some_and(|share| share <= 0.0 || share > 1.0) {
            section.error(name, format!("`{name}` must be {wanted}"));
        }
        share.unwrap_or(plain)
    };
    let samples = section.count("min_samples", MOST_SAMPLES);
    if samples == Some(0) {
        section.error("min_samples", "`min_samples` must be 1 or more: without any answer nothing is known");
    }
    Some(HedgeRules {
        percentile: share("percentile", plain.percentile),
        least_samples: samples.map_or(plain.least_samples, |count| count as usize),
        least_ms: section.seconds("min_delay").unwrap_or(plain.least_ms),
        share: share("max_share", plain.share),
        models: section.strings("models"),
    })
}

/// Warns of model groups that nobody knows.
pub(super) fn check(config: &Config, findings: &mut Vec<Finding>) {
    let Some(rules) = &config.router.hedging else { return };
    let groups = || config.deployments.iter().map(|deployment| deployment.model_name.as_str());
    for (at, model) in rules.models.iter().enumerate() {
        if !config.deployments.is_empty() && config.deployments_for(model).is_empty() {
            let message = format!("no model group is called \"{model}\"{}", suggest::hint(model, groups()));
            findings.push(Finding::warning(format!("router_settings.hedging.models[{at}]"), message));
        }
    }
}
