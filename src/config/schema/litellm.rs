//! `litellm_settings`: what LiteLLM's module takes as settings. Those that name a provider stand with the providers.

use super::{
    ACTS, BUDGETS, CACHE, DATABASE, ENDPOINTS, GUARDRAILS, Group, KEYS, Kind, LOGGING, NETWORK, OTHER, PROCESS,
    PROVIDERS, group,
};
use crate::provider::litellm;

/// Every known field of `litellm_settings`.
pub(in crate::config) const LITELLM: &[Group] = &[
    group(
        ACTS,
        Kind::Any,
        "content_policy_fallbacks context_window_fallbacks default_fallbacks fallbacks max_fallbacks \
         model_group_alias num_retries num_retries_per_request",
    ),
    group(ACTS, Kind::Flag, "drop_params expose_router_debug_in_errors modify_params"),
    group(ACTS, Kind::Number, "allowed_fails request_timeout"),
    group(
        NETWORK,
        Kind::Any,
        "proxy_auth sse_keepalive_ping_interval_seconds ssl_certificate ssl_ecdh_curve ssl_security_level",
    ),
    group(
        NETWORK,
        Kind::Flag,
        "aiohttp_trust_env disable_aiohttp_transport disable_aiohttp_trust_env force_ipv4 http2 ssl_verify \
         use_aiohttp_transport use_client user_url_validation",
    ),
    group(NETWORK, Kind::List, "provider_url_destination_allowed_hosts user_url_allowed_hosts"),
    group(
        PROCESS,
        Kind::Any,
        "config_path default_key_max_budget_alert_emails disable_hf_tokenizer_download email token",
    ),
    group(
        PROCESS,
        Kind::Flag,
        "json_logs logging network_mock \
         prometheus_user_budget_label_include_email_alias retry safe_memory_mode set_verbose suppress_debug_info",
    ),
    group(PROCESS, Kind::List, "custom_provider_map"),
    group(PROCESS, Kind::Text, "autorouter_presets_url blog_posts_url litellm_mode log_level model_cost_map_url"),
    group(DATABASE, Kind::Any, "default_redis_batch_cache_expiry default_redis_ttl"),
    group(DATABASE, Kind::Flag, "force_redis_hash_tag_grouping"),
    group(CACHE, Kind::Any, "cache cache_params default_in_memory_ttl"),
    group(CACHE, Kind::Flag, "enable_caching_on_provider_specific_optional_params"),
    group(
        LOGGING,
        Kind::Any,
        "argilla_batch_size datadog_llm_observability_params datadog_params \
         disable_end_user_cost_tracking_prometheus_only dynamodb_table_name \
         enable_end_user_cost_tracking_prometheus_only generic_logger_headers langfuse_default_tags \
         langsmith_batch_size newrelic_params otel_tenant_destination_mode pointfive_params prometheus_exclude_labels \
         prometheus_exclude_metrics prometheus_latency_buckets prometheus_metrics_config \
         prometheus_metrics_max_series_per_metric prometheus_metrics_ttl_seconds service_callbacks \
         standard_logging_payload_excluded_fields store_audit_logs zerobus_params",
    ),
    group(
        LOGGING,
        Kind::Flag,
        "allow_dynamic_callback_disabling datadog_use_v1 disable_streaming_logging generic_api_use_v1 \
         global_disable_no_log_param langfuse_enable_update_trace_keys log_auth_failure_key_identity \
         log_client_error_tracebacks log_raw_request_response prometheus_emit_input_sequence_length_label \
         prometheus_emit_rate_limit_labels prometheus_emit_stream_label prometheus_initialize_budget_metrics \
         redact_messages_in_exceptions redact_user_api_key_info request_correlation_in_logs turn_off_message_logging",
    ),
    group(
        LOGGING,
        Kind::List,
        "audit_log_callbacks callbacks custom_prometheus_metadata_labels custom_prometheus_tags failure_callback \
         input_callback service_callback success_callback",
    ),
    group(LOGGING, Kind::Map, "callback_settings"),
    group(
        LOGGING,
        Kind::Number,
        "prometheus_end_user_metrics_cleanup_interval_seconds prometheus_end_user_metrics_max_series_per_metric \
         prometheus_end_user_metrics_ttl_seconds prometheus_metrics_cleanup_interval_seconds",
    ),
    group(LOGGING, Kind::Text, "prometheus_deployment_and_latency_caller_identity"),
    group(
        GUARDRAILS,
        Kind::Any,
        "banned_keywords_list blocked_user_list google_moderation_confidence_threshold guardrails \
         llamaguard_model_name llamaguard_unsafe_content_categories presidio_ad_hoc_recognizers",
    ),
    group(GUARDRAILS, Kind::Flag, "output_parse_pii skip_system_message_in_guardrail skip_tool_message_in_guardrail"),
    group(GUARDRAILS, Kind::List, "post_call_rules pre_call_rules"),
    group(GUARDRAILS, Kind::Map, "guardrail_name_config_map"),
    group(GUARDRAILS, Kind::Text, "llm_guard_mode"),
    group(
        BUDGETS,
        Kind::Any,
        "budget_duration budget_exceeded_throttle_percentage budget_reset_time default_max_internal_user_budget \
         disable_end_user_cost_tracking extra_spend_tag_headers internal_user_budget_duration max_end_user_budget \
         max_end_user_budget_id max_internal_user_budget max_user_budget timezone",
    ),
    group(
        BUDGETS,
        Kind::Flag,
        "block_requests_for_models_without_pricing budget_rollover include_cost_in_streaming_usage",
    ),
    group(BUDGETS, Kind::Map, "cost_discount_config cost_margin_config"),
    group(ACTS, Kind::Number, "budget_exceeded_status_code"),
    group(ACTS, Kind::Map, "tag_budget_config"),
    group(BUDGETS, Kind::Number, "default_soft_budget max_budget max_ui_session_budget"),
    group(
        ENDPOINTS,
        Kind::Any,
        "agent_search_embedding_model enable_loadbalancing_on_batch_endpoints global_prompt_directory mcp_tool_search \
         prompts public_agent_groups public_mcp_servers public_model_groups skill_search_embedding_model \
         vector_store_index_registry vector_store_registry",
    ),
    group(
        ENDPOINTS,
        Kind::Flag,
        "add_function_to_prompt disable_add_prefix_to_prompt disable_add_user_agent_to_request_tags \
         public_mcp_hub_strict_whitelist public_skills_index require_managed_files",
    ),
    group(ENDPOINTS, Kind::Map, "custom_prompt_dict prompt_name_config_map public_model_groups_links"),
    group(ENDPOINTS, Kind::Text, "vector_store_search_failure_mode"),
    group(
        KEYS,
        Kind::Any,
        "add_user_information_to_llm_headers api_key default_internal_user_params default_key_generate_params \
         default_team_params default_team_settings key_alias_pattern key_generation_settings priority_reservation \
         priority_reservation_settings upperbound_key_generate_params",
    ),
    group(
        KEYS,
        Kind::Flag,
        "enable_key_alias_format_validation enable_model_config_credential_overrides overwrite_user_with_key_hash \
         validate_end_user_id_in_db",
    ),
    group(KEYS, Kind::List, "credential_list"),
    group(
        OTHER,
        Kind::Any,
        "api_base api_version default_litellm_params global_bitbucket_config global_gitlab_config headers \
         model_fallbacks model_group_settings organization project",
    ),
    group(
        OTHER,
        Kind::Flag,
        "apply_search_free_tier check_provider_endpoint disable_add_transform_inline_image_block \
         disable_stop_sequence_limit disable_token_counter enable_json_schema_validation enable_preview_features \
         filter_invalid_headers forward_traceparent_to_llm_provider reasoning_auto_summary \
         require_auth_for_metrics_endpoint return_response_headers use_litellm_proxy",
    ),
    group(OTHER, Kind::Map, "common_cloud_provider_auth_params model_alias_map"),
    group(OTHER, Kind::Number, "max_tokens"),
    group(PROVIDERS, Kind::Any, litellm::SETTINGS),
];
