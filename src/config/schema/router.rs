//! The top level and `router_settings`: LiteLLM's `Router` arguments and `UpdateRouterConfig`.

use super::{
    ACTS, ALERTING, CACHE, DATABASE, ENDPOINTS, GUARDRAILS, Group, Kind, LOGGING, NETWORK, OTHER, PROCESS, group,
};

/// Every known field of the top level.
pub(in crate::config) const ROOT: &[Group] = &[
    group(ACTS, Kind::List, "model_list credential_list"),
    group(ACTS, Kind::Map, "general_settings router_settings litellm_settings environment_variables"),
    group(ACTS, Kind::Map, "custom_providers"),
    group(GUARDRAILS, Kind::Any, "guardrails policies policy_attachments"),
    group(LOGGING, Kind::Any, "callback_settings"),
    group(
        ENDPOINTS,
        Kind::Any,
        "mcp_servers mcp_tools mcp_aliases vector_store_registry search_tools prompts agents agent_list",
    ),
    group(ENDPOINTS, Kind::Any, "files_settings finetune_settings assistant_settings worker_registry skills"),
    group(OTHER, Kind::Any, "include"),
];

/// Every known field of `router_settings`.
pub(in crate::config) const ROUTER: &[Group] = &[
    group(
        ACTS,
        Kind::List,
        "content_policy_fallbacks context_window_fallbacks default_fallbacks fallbacks optional_pre_call_checks",
    ),
    group(
        ACTS,
        Kind::Map,
        "allowed_fails_policy default_litellm_params model_group_affinity_config model_group_alias \
         model_group_retry_policy provider_budget_config retry_policy routing_strategy_args shadow_traffic task_routing \
         traffic_split weights",
    ),
    group(
        ACTS,
        Kind::Number,
        "default_max_parallel_requests max_fallbacks max_retries num_retries retry_after stream_timeout timeout",
    ),
    group(ACTS, Kind::Number, "allowed_fails cooldown_time deployment_affinity_ttl_seconds"),
    group(ACTS, Kind::Text, "routing_strategy tag_routing_prefix"),
    group(
        ACTS,
        Kind::Flag,
        "disable_cooldowns enable_pre_call_checks enable_tag_filtering enable_weighted_failover mid_stream_fallbacks \
         tag_filtering_match_any",
    ),
    group(ACTS, Kind::List, "routing_groups"),
    group(ACTS, Kind::Any, "hedging"),
    group(NETWORK, Kind::Number, "client_ttl"),
    group(PROCESS, Kind::Flag, "set_verbose"),
    group(PROCESS, Kind::List, "plugins"),
    group(PROCESS, Kind::Number, "polling_interval"),
    group(PROCESS, Kind::Text, "debug_level"),
    group(DATABASE, Kind::Number, "redis_db redis_port"),
    group(DATABASE, Kind::Text, "redis_host redis_password redis_url"),
    group(CACHE, Kind::Flag, "cache_responses"),
    group(CACHE, Kind::List, "caching_groups"),
    group(CACHE, Kind::Map, "cache_kwargs"),
    group(ALERTING, Kind::Map, "alerting_config"),
    group(ACTS, Kind::Flag, "enable_health_check_routing health_check_ignore_transient_errors"),
    group(ACTS, Kind::List, "background_health_check_model_groups"),
    group(ACTS, Kind::Number, "health_check_staleness_threshold"),
    group(GUARDRAILS, Kind::List, "guardrail_list"),
    group(ENDPOINTS, Kind::List, "search_tools"),
    group(ENDPOINTS, Kind::Map, "assistants_config"),
    group(OTHER, Kind::Flag, "ignore_invalid_deployments"),
    group(OTHER, Kind::Map, "router_general_settings"),
    group(OTHER, Kind::Number, "default_priority"),
];
