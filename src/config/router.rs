//! `router_settings`, with what LiteLLM also takes from `litellm_settings`.

use std::borrow::Cow;

use serde_json::Value;

use super::deployment::MOST_RETRIES;
use super::section::{Section, type_of};
use super::{
    Alias, BrokenStreams, CustomProvider, RouterSettings, affinity, hedging, limits, routing, routing_group, shadow,
    task,
};
use crate::router::filter::TagRules;

/// Most fallbacks that one request may walk through.
const MOST_FALLBACKS: u64 = 100;

/// Reads both sections; where both say something, `router` wins, and lists of fallbacks are joined.
pub(super) fn read(router: &Section<'_>, litellm: &Section<'_>, custom: &[CustomProvider]) -> RouterSettings {
    let retries = |section: &Section<'_>, name| section.count(name, MOST_RETRIES).map(|n| n as u32);
    let both = [router, litellm];
    let num_retries = both.map(|section| retries(section, "num_retries"));
    let max_fallbacks = both.map(|section| section.count("max_fallbacks", MOST_FALLBACKS).map(|n| n as u32));
    let (strategy, strategy_args) = routing::strategy(router);
    RouterSettings {
        strategy,
        strategy_args,
        weights: routing::weights(router),
        cooldown: routing::cooldown(router, litellm),
        num_retries: num_retries[0].or_else(|| retries(router, "max_retries")).or(num_retries[1]),
        retry_after_ms: router.seconds("retry_after").unwrap_or_default(),
        timeout_ms: router.seconds("timeout"),
        stream_timeout_ms: router.seconds("stream_timeout"),
        request_timeout_ms: litellm.seconds("request_timeout"),
        fallbacks: joined(both.map(|section| fallbacks(section, "fallbacks"))).unwrap_or_default(),
        default_fallbacks: both.into_iter().flat_map(|section| targets_at(section, "default_fallbacks")).collect(),
        context_window_fallbacks: joined(both.map(|section| fallbacks(section, "context_window_fallbacks"))),
        content_policy_fallbacks: joined(both.map(|section| fallbacks(section, "content_policy_fallbacks"))),
        max_fallbacks: max_fallbacks[0].or(max_fallbacks[1]),
        pre_call_checks: router.flag("enable_pre_call_checks").unwrap_or_default(),
        tags: TagRules {
            enabled: router.flag("enable_tag_filtering").unwrap_or_default(),
            match_any: router.flag("tag_filtering_match_any").unwrap_or(true),
            prefix: router.string("tag_routing_prefix").unwrap_or_default(),
        },
        tasks: task::of_router(router),
        shadows: shadow::read(router),
        hedging: hedging::read(router),
        groups: routing_group::read(router),
        aliases: [aliases(router), aliases(litellm)].concat(),
        provider_budgets: limits::providers(router, custom),
        retry_policy: routing::retry_policy(router, "retry_policy"),
        group_policies: routing::group_policies(router),
        retries_per_request: retries(litellm, "num_retries_per_request"),
        broken_streams: match router.flag("mid_stream_fallbacks") {
            Some(true) => BrokenStreams::GoOn,
            _ => BrokenStreams::End,
        },
        affinity: affinity::read(router),
        weighted_failover: router.flag("enable_weighted_failover").unwrap_or_default(),
        hide_debug: litellm.flag("expose_router_debug_in_errors") == Some(false),
    }
}

type Fallbacks = Vec<(String, Vec<String>)>;

/// Both lists, the first before the second; `None` where neither is set.
fn joined(lists: [Option<Fallbacks>; 2]) -> Option<Fallbacks> {
    let set = lists.iter().any(Option::is_some);
    set.then(|| lists.into_iter().flatten().flatten().collect())
}

/// A list of maps from a group to groups.
fn fallbacks(section: &Section<'_>, name: &str) -> Option<Fallbacks> {
    section.raw(name)?;
    let mut fallbacks = Vec::new();
    for entry in section.sections(name) {
        for group in entry.map.keys() {
            fallbacks.push((group.clone(), targets_at(&entry, group)));
        }
    }
    Some(fallbacks)
}

/// Groups: strings, or maps with `model`.
fn targets_at(section: &Section<'_>, name: &str) -> Vec<String> {
    let items = match section.value(name) {
        Some(Value::Array(items)) => items,
        Some(Value::String(group)) => return vec![group],
        Some(other) => {
            section.error(name, format!("the fallbacks of `{name}` must be a list of models, not {}", type_of(&other)));
            return Vec::new();
        }
        None => return Vec::new(),
    };
    let mut targets = Vec::with_capacity(items.len());
    for (i, item) in items.into_iter().enumerate() {
        match target(item) {
            Ok(target) => targets.push(target),
            Err(message) => section.error(&format!("{name}[{i}]"), message),
        }
    }
    targets
}

fn target(item: Value) -> Result<String, String> {
    match item {
        Value::String(group) => Ok(group),
        Value::Object(mut map) => match map.remove("model") {
            Some(Value::String(group)) => Ok(group),
            _ => Err("a fallback as a map must name its `model`".to_owned()),
        },
        other => Err(format!("a fallback must be a model's name or a map with `model`, not {}", type_of(&other))),
    }
}

/// `model_group_alias`.
fn aliases(section: &Section<'_>) -> Vec<Alias> {
    let Some(aliases) = section.section("model_group_alias") else { return Vec::new() };
    let mut out = Vec::new();
    for (name, value) in aliases.map.iter() {
        let (model, hidden) = match value {
            Value::Object(map) => {
                let alias = Section { path: aliases.at(name), map: Cow::Borrowed(map), reading: aliases.reading };
                (alias.string("model"), alias.flag("hidden").unwrap_or_default())
            }
            _ => (aliases.string(name), false),
        };
        match model {
            Some(model) => out.push(Alias { name: name.clone(), model, hidden }),
            None if value.is_string() => {}
            None => aliases.error(name, format!("the alias `{name}` must name its model group")),
        }
    }
    out
}
