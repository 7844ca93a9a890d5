//! What of `router_settings` steers the choice among deployments: strategies, weights, cooldowns, retries.

use std::rc::Rc;

use super::deployment::MOST_RETRIES;
use super::section::Section;
use super::suggest;
use crate::router::{CooldownRules, Strategy, StrategyArgs};

/// Most failures that a setting may allow, and most latencies that a list may hold.
const MOST_FAILS: u64 = 1_000_000;
const MOST_LATENCIES: u64 = 1_000;

/// LiteLLM's plug-in strategy: nothing here can be plugged in.
const PLUG_IN: &str = "lar1";

/// `routing_strategy` and `routing_strategy_args` of a section.
pub(super) fn strategy(section: &Section<'_>) -> (Strategy, StrategyArgs) {
    (named(section).unwrap_or_default(), args(section))
}

fn named(section: &Section<'_>) -> Option<Strategy> {
    let name = section.string("routing_strategy")?;
    if name == PLUG_IN {
        let message = format!("\"{name}\" is a plug-in of LiteLLM's: deployments are chosen by \"simple-shuffle\"");
        section.warning("routing_strategy", message);
        return None;
    }
    let strategy = Strategy::named(&name);
    if strategy.is_none() {
        let hint = suggest::hint(&name, Strategy::names());
        section.error("routing_strategy", format!("unknown routing_strategy \"{name}\"{hint}"));
    }
    strategy
}

fn args(section: &Section<'_>) -> StrategyArgs {
    let plain = StrategyArgs::default();
    let Some(args) = section.section("routing_strategy_args") else { return plain };
    let share = "a share above 0 and at most 1, such as 0.95";
    let percentile = args.number("ttft_percentile", share);
    if percentile.is_some_and(|share| share <= 0.0 || share > 1.0) {
        args.error("ttft_percentile", format!("`ttft_percentile` must be {share}"));
    }
    StrategyArgs {
        ttl_ms: args.seconds("ttl").unwrap_or(plain.ttl_ms),
        buffer: args.number("lowest_latency_buffer", "a share such as 0.5").unwrap_or(plain.buffer),
        most_latencies: args
            .count("max_latency_list_size", MOST_LATENCIES)
            .map_or(plain.most_latencies, |count| count as usize),
        ttft_percentile: percentile,
    }
}

/// `weights`: model group to deployment ids to weights.
pub(super) fn weights(router: &Section<'_>) -> Vec<(String, Vec<(String, f64)>)> {
    let Some(weights) = router.section("weights") else { return Vec::new() };
    let read = |group: &String| {
        let section = weights.section(group)?;
        let weight = |id: &String| Some((id.clone(), section.number(id, "a number, 0 or more")?));
        Some((group.clone(), section.map.keys().filter_map(weight).collect()))
    };
    weights.map.keys().filter_map(read).collect()
}

/// `disable_cooldowns`, `allowed_fails`, `allowed_fails_policy`, `cooldown_time`.
pub(super) fn cooldown(router: &Section<'_>, litellm: &Section<'_>) -> Rc<CooldownRules> {
    Rc::new(CooldownRules {
        disabled: router.flag("disable_cooldowns").unwrap_or_default(),
        allowed_fails: allowed_fails(router).or_else(|| allowed_fails(litellm)),
        policy: fails_policy(router),
        cooldown_ms: time(router),
    })
}

/// `cooldown_time` in ms; 0 is a time too: no rest at all.
pub(super) fn time(section: &Section<'_>) -> Option<u64> {
    let seconds = section.number("cooldown_time", "a number of seconds such as 30 or 0.5")?;
    Some((seconds.min(86_400.0) * 1000.0) as u64)
}

/// `allowed_fails`.
pub(super) fn allowed_fails(section: &Section<'_>) -> Option<u32> {
    section.count("allowed_fails", MOST_FAILS).map(|count| count as u32)
}

/// `allowed_fails_policy`.
pub(super) fn fails_policy(section: &Section<'_>) -> Option<Vec<(String, u32)>> {
    let policy = section.section("allowed_fails_policy")?;
    let read = |name: &String| Some((name.clone(), policy.count(name, MOST_FAILS)? as u32));
    Some(policy.map.keys().filter_map(read).collect())
}

/// `retry_policy`: both `RateLimitErrorRetries` (LiteLLM's own word) and `RateLimitError` are understood.
pub(super) fn retry_policy(section: &Section<'_>, name: &str) -> Vec<(String, u32)> {
    let Some(policy) = section.section(name) else { return Vec::new() };
    let read = |name: &String| Some((name.clone(), policy.count(name, MOST_RETRIES)? as u32));
    policy.map.keys().filter_map(read).collect()
}

/// `model_group_retry_policy`: model group to its own policy.
pub(super) fn group_policies(router: &Section<'_>) -> Vec<(String, Vec<(String, u32)>)> {
    let Some(groups) = router.section("model_group_retry_policy") else { return Vec::new() };
    groups.map.keys().map(|group| (group.clone(), retry_policy(&groups, group))).collect()
}
