//! `GET /router/settings`: the settings of the router that are in effect.

use serde_json::{Map, Value, json};

use crate::config::{BrokenStreams, RouterSettings};
use crate::gateway::Gateway;
use crate::openai::Fields;

/// Answers with `current_values` and `fields`, as LiteLLM does: every setting that acts, with the value that holds.
pub(super) fn answer(gateway: &Gateway) -> Fields {
    let values = values(&gateway.config.router);
    let field = |(name, value): (&String, &Value)| json!({"field_name": name, "field_value": value});
    let fields: Vec<Value> = values.iter().map(field).collect();
    let mut out = Fields::default();
    out.set("fields", &fields);
    out.set("current_values", &values);
    out
}

fn values(router: &RouterSettings) -> Map<String, Value> {
    let seconds = |ms: Option<u64>| ms.map(|ms| ms as f64 / 1000.0);
    let lists = |lists: &[(String, Vec<String>)]| -> Vec<Value> {
        lists.iter().map(|(group, models)| json!({group.as_str(): models})).collect()
    };
    let aliases: Map<String, Value> = router
        .aliases
        .iter()
        .map(|alias| (alias.name.clone(), json!({"model": alias.model, "hidden": alias.hidden})))
        .collect();
    let groups: Vec<Value> = router
        .groups
        .iter()
        .map(|group| {
            let priorities: Map<String, Value> =
                group.priorities.iter().map(|(model, order)| (model.clone(), json!(order))).collect();
            json!({
                "group_name": group.name, "models": group.models, "routing_strategy": if group.by_priority { "priority" } else { group.strategy.name() },
                "model_priorities": priorities,
            })
        })
        .collect();
    let counts = |list: &[(String, u32)]| -> Map<String, Value> {
        list.iter().map(|(name, count)| (name.clone(), json!(count))).collect()
    };
    let group_policies: Map<String, Value> =
        router.group_policies.iter().map(|(group, policy)| (group.clone(), Value::Object(counts(policy)))).collect();
    let weights: Map<String, Value> = router
        .weights
        .iter()
        .map(|(group, weights)| {
            let weights: Map<String, Value> = weights.iter().map(|(id, weight)| (id.clone(), json!(weight))).collect();
            (group.clone(), Value::Object(weights))
        })
        .collect();
    let (args, cooldown) = (&router.strategy_args, &router.cooldown);
    let names: Vec<&str> = router.tasks.iter().map(|named| named.name.as_str()).collect();
    let values = json!({
        "routing_strategy": router.strategy.name(),
        "num_retries": router.num_retries.unwrap_or(2),
        "retry_after": seconds(Some(router.retry_after_ms)),
        "timeout": seconds(router.timeout_ms),
        "stream_timeout": seconds(router.stream_timeout_ms),
        "fallbacks": lists(&router.fallbacks),
        "default_fallbacks": router.default_fallbacks,
        "context_window_fallbacks": router.context_window_fallbacks.as_deref().map(lists),
        "content_policy_fallbacks": router.content_policy_fallbacks.as_deref().map(lists),
        "max_fallbacks": router.max_fallbacks.unwrap_or(5),
        "model_group_alias": aliases,
        "retry_policy": counts(&router.retry_policy),
        "model_group_retry_policy": group_policies,
        "num_retries_per_request": router.retries_per_request,
        "routing_strategy_args": {
            "ttl": seconds(Some(args.ttl_ms)), "lowest_latency_buffer": args.buffer,
            "max_latency_list_size": args.most_latencies, "ttft_percentile": args.ttft_percentile,
        },
        "weights": weights,
        "enable_weighted_failover": router.weighted_failover,
        "allowed_fails": cooldown.allowed_fails.unwrap_or(3),
        "allowed_fails_policy": cooldown.policy.as_deref().map(counts),
        "cooldown_time": seconds(Some(cooldown.cooldown_ms.unwrap_or(5_000))),
        "disable_cooldowns": cooldown.disabled,
        "expose_router_debug_in_errors": !router.hide_debug,
        "routing_groups": groups,
        "optional_pre_call_checks": router.affinity.named,
        "deployment_affinity_ttl_seconds": seconds(Some(router.affinity.ttl_ms)),
        "enable_pre_call_checks": router.pre_call_checks,
        "enable_tag_filtering": router.tags.enabled,
        "tag_filtering_match_any": router.tags.match_any,
        "tag_routing_prefix": router.tags.prefix,
        "hedging": router.hedging.as_ref().map(|rules| json!({
            "percentile": rules.percentile, "min_samples": rules.least_samples, "min_delay": seconds(Some(rules.least_ms)),
            "max_share": rules.share, "models": rules.models,
        })),
        "mid_stream_fallbacks": router.broken_streams == BrokenStreams::GoOn,
        "routed_names": names,
    });
    match values {
        Value::Object(values) => values,
        _ => Map::new(),
    }
}
