//! `general_settings`: LiteLLM's `ConfigGeneralSettings`, what its proxy reads besides, and Tollgate's own.

use super::{
    ACTS, ALERTING, BUDGETS, DATABASE, ENDPOINTS, Group, HEALTH, KEYS, Kind, LIMITS, LOGGING, NETWORK, OTHER, PROCESS,
    TAGS, group,
};

/// Every known field of `general_settings`.
pub(in crate::config) const GENERAL: &[Group] = &[
    group(ACTS, Kind::Any, "cors_origins litellm_key_header_name"),
    group(ACTS, Kind::Number, "max_request_size_mb reservation_hold_seconds"),
    group(
        ACTS,
        Kind::Flag,
        "allow_private_media allow_remote_media dangerously_allow_mock_testing_request_params disable_spend_logs",
    ),
    group(
        ACTS,
        Kind::Flag,
        "background_health_checks enable_health_check_routing health_check_ignore_transient_errors \
         health_check_skip_disabled_background_models",
    ),
    group(ACTS, Kind::List, "background_health_check_model_groups"),
    group(ACTS, Kind::Number, "health_check_concurrency health_check_interval health_check_staleness_threshold"),
    group(ACTS, Kind::Text, "master_key"),
    group(NETWORK, Kind::Any, "use_x_forwarded_for"),
    group(NETWORK, Kind::Flag, "user_url_validation"),
    group(
        NETWORK,
        Kind::List,
        "mcp_trusted_proxy_ranges provider_url_destination_allowed_hosts trusted_proxy_ranges user_url_allowed_hosts",
    ),
    group(
        PROCESS,
        Kind::Any,
        "drain_endpoint_token enable_drain_endpoint key_management_settings litellm_license \
         proxy_batch_polling_interval use_shared_health_check",
    ),
    group(PROCESS, Kind::Flag, "infer_model_from_keys use_azure_key_vault use_google_kms"),
    group(PROCESS, Kind::List, "plugins"),
    group(PROCESS, Kind::Map, "alert_to_webhook_url scheduled_job_stagger"),
    group(
        PROCESS,
        Kind::Number,
        "admission_queue_timeout_seconds max_in_flight_requests_per_worker max_queued_requests_per_worker \
         proxy_config_reload_interval_seconds",
    ),
    group(PROCESS, Kind::Text, "control_plane_url key_management_system"),
    group(
        DATABASE,
        Kind::Any,
        "allow_requests_on_db_unavailable database_connection_pool_timeout disable_prisma_schema_update \
         proxy_batch_write_at proxy_budget_rescheduler_max_time proxy_budget_rescheduler_min_time \
         use_redis_transaction_buffer",
    ),
    group(DATABASE, Kind::Flag, "database_disable_prepared_statements"),
    group(DATABASE, Kind::List, "supported_db_objects"),
    group(DATABASE, Kind::Map, "coordination_redis database_args database_extra_connection_params"),
    group(
        DATABASE,
        Kind::Number,
        "database_connect_timeout database_connection_pool_limit database_connection_timeout \
         database_max_idle_connection_lifetime database_socket_timeout",
    ),
    group(DATABASE, Kind::Text, "database_type database_url"),
    group(LOGGING, Kind::Any, "tracing"),
    group(LOGGING, Kind::Flag, "otel"),
    group(ALERTING, Kind::Any, "alert_type_config spend_report_frequency"),
    group(ALERTING, Kind::List, "alert_types alerting"),
    group(ALERTING, Kind::Map, "alerting_args"),
    group(ALERTING, Kind::Number, "alerting_threshold"),
    group(HEALTH, Kind::Any, "allow_public_health_readiness_details health_check_details"),
    group(HEALTH, Kind::Flag, "model_list_healthy_only"),
    group(HEALTH, Kind::Text, "maximum_health_check_retention_period"),
    group(
        BUDGETS,
        Kind::Any,
        "disable_reset_budget disable_spend_updates fail_closed_budget_enforcement \
         maximum_spend_logs_cleanup_cron maximum_spend_logs_retention_interval track_unmanaged_batch_cost",
    ),
    group(
        BUDGETS,
        Kind::Flag,
        "apply_user_budget_to_team_keys disable_budget_reservation store_prompts_in_spend_logs \
         use_spend_logs_partitioning",
    ),
    group(BUDGETS, Kind::Map, "spend_capture_rate_check spend_logs_metadata_fields"),
    group(BUDGETS, Kind::Number, "maximum_spend_logs_cleanup_batch_size maximum_spend_logs_cleanup_max_batches"),
    group(
        BUDGETS,
        Kind::Text,
        "maximum_daily_tag_spend_retention_period maximum_spend_logs_cleanup_batch_timeout \
         maximum_spend_logs_cleanup_run_budget maximum_spend_logs_retention_period",
    ),
    group(
        ENDPOINTS,
        Kind::Any,
        "disable_batch_input_file_rate_limiting disable_bedrock_agent_runtime_passthrough enable_mcp_registry \
         mcp_allow_all_keys_respects_mcp_scope mcp_client_side_auth_header_name mcp_session_token_signing \
         passthrough_managed_object_ids require_end_user_mcp_access_defined require_key_mcp_access_defined \
         search_tools skip_batch_input_file_rate_limiting_for_models \
         skip_batch_input_file_rate_limiting_for_providers use_team_public_model_name",
    ),
    group(
        ENDPOINTS,
        Kind::Flag,
        "disable_responses_id_security enable_claude_code_gateway enable_openai_websocket_passthrough \
         enable_public_model_hub mcp_prefer_client_id_metadata_document search_tool_deny_by_default \
         vector_store_deny_by_default",
    ),
    group(
        ENDPOINTS,
        Kind::List,
        "allowed_file_extensions blocked_file_extensions mcp_advertised_versions mcp_allowed_clients \
         mcp_internal_ip_ranges mcp_required_fields pass_through_endpoints transcribe_media_buckets",
    ),
    group(ENDPOINTS, Kind::Map, "claude_code_gateway_managed_settings"),
    group(
        ENDPOINTS,
        Kind::Number,
        "max_batch_file_records max_batch_file_size_mb max_batch_file_uploads_per_day max_file_downloads_per_minute \
         max_file_size_mb mcp_xff_num_trusted_hops pass_through_request_timeout \
         responses_websocket_session_limit_seconds",
    ),
    group(ENDPOINTS, Kind::Text, "mcp_client_id_header user_mcp_management_mode"),
    group(
        KEYS,
        Kind::Any,
        "admin_only_routes allow_client_side_credentials allow_user_auth allowed_ips auto_redirect_ui_login_to_sso \
         custom_auth_run_common_checks custom_key_generate custom_key_policy custom_key_update custom_sso \
         custom_team_metadata_validate custom_ui_sso_sign_in_handler default_team_disabled disable_custom_api_keys \
         disable_key_generate_for_org_admin disable_master_key_return enable_jwt_auth enable_oauth enforce_rbac \
         enforce_user_param enforced_params hide_default_credentials_hint litellm_jwtauth oauth \
         password_policy_check_breached_passwords public_routes role_permissions service_account_settings \
         team_metadata_schema team_metadata_validation_error_message team_metadata_validation_timeout \
         user_api_key_cache_ttl",
    ),
    group(
        KEYS,
        Kind::Flag,
        "allow_cli_sso_verification_uri_complete dangerously_permit_weak_or_unset_master_key \
         disable_auto_add_proxy_admin_to_teams disable_env_credential_login disable_password_login_when_sso_enabled \
         password_policy_require_lowercase password_policy_require_numbers password_policy_require_special_characters \
         password_policy_require_uppercase",
    ),
    group(KEYS, Kind::List, "allowed_routes user_header_mappings"),
    group(KEYS, Kind::Map, "max_failed_login_attempts_per_source_overrides"),
    group(
        KEYS,
        Kind::Number,
        "failed_login_block_seconds failed_login_window_seconds max_failed_login_attempts_per_source \
         password_policy_min_length user_api_key_cache_max_size",
    ),
    group(KEYS, Kind::Text, "custom_auth missing_session_id ui_access_mode user_header_name"),
    group(TAGS, Kind::Flag, "reject_clientside_metadata_tags"),
    group(LIMITS, Kind::Any, "disable_retry_on_max_parallel_request_limit_error token_rate_limit_type"),
    group(LIMITS, Kind::Flag, "fail_closed_rate_limit_enforcement"),
    group(LIMITS, Kind::Number, "global_max_parallel_requests max_parallel_requests max_response_size_mb"),
    group(
        OTHER,
        Kind::Any,
        "always_include_stream_usage disable_error_logs \
         disable_model_info_refresh expose_fallback_errors_to_caller forward_llm_provider_auth_headers \
         forward_openai_org_id",
    ),
    group(
        OTHER,
        Kind::Flag,
        "allow_unmanaged_response_ids cancel_on_disconnect enforce_fallback_model_access \
         forward_client_headers_to_llm_api include_call_id_in_error_body store_model_in_db",
    ),
    group(OTHER, Kind::Text, "completion_model maximum_autorouter_session_retention_period"),
];
