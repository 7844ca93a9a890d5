//! `litellm_params` and `model_info`: LiteLLM's `LiteLLM_Params` and `ModelInfo`.
//!
//! A parameter that is not here is a field of the request.

use super::{
    ACTS, CACHE, ENDPOINTS, GUARDRAILS, Group, KEYS, Kind, LIMITS, LOGGING, NETWORK, OTHER, PROCESS, PROVIDERS, TAGS,
    group,
};
use crate::provider::{credentials, litellm};

/// Every field of `litellm_params` that steers the gateway, and never goes upstream.
pub(in crate::config) const PARAMS: &[Group] = &[
    group(
        ACTS,
        Kind::Any,
        "allowed_openai_params cooldown_time drop_params headers mock_response num_retries order stream_timeout timeout \
         weight",
    ),
    group(ACTS, Kind::Flag, "modify_params"),
    group(ACTS, Kind::List, "additional_drop_params"),
    group(
        ACTS,
        Kind::Map,
        "complexity_router_config extra_headers stream_timeout_by_service_tier timeout_by_service_tier",
    ),
    group(ACTS, Kind::Text, "complexity_router_default_model"),
    group(ACTS, Kind::Any, "tag_regex tags"),
    group(ACTS, Kind::Number, "max_budget max_parallel_requests max_retries rpm tpm"),
    group(
        ACTS,
        Kind::Text,
        "api_base api_key api_version base_url budget_duration custom_llm_provider litellm_credential_name model organization",
    ),
    group(ACTS, Kind::Any, credentials::PARAMS),
    group(NETWORK, Kind::Any, "client force_timeout shared_session ssl_verify use_client"),
    group(NETWORK, Kind::Flag, "allow_client_keepalive_override"),
    group(NETWORK, Kind::Number, "keepalive_seconds"),
    group(
        PROCESS,
        Kind::Any,
        "acompletion aembedding aimg_generation allm_passthrough_route async_call atext_completion langfuse_secret \
         langfuse_secret_key langsmith_base_url litellm_logging_obj litellm_request_debug logger_fn posthog_api_url \
         rust secret_fields verbose",
    ),
    group(PROCESS, Kind::Text, "auto_router_config_path"),
    group(CACHE, Kind::Any, "cache cache_key caching caching_groups enable_prompt_caching preset_cache_key ttl"),
    group(
        LOGGING,
        Kind::Any,
        "arize_api_key arize_error_sampling_rate arize_otlp_protocol arize_space_id arize_space_key \
         arize_success_sampling_rate dd_agent_host dd_agent_port dd_api_key dd_site humanloop_api_key \
         langfuse_environment langfuse_host langfuse_prompt_version langfuse_public_key langfuse_span_scope \
         langsmith_api_key langsmith_project langsmith_sampling_rate langsmith_tenant_id litellm_disabled_callbacks \
         litellm_trusted_callback_vars log_client_error_tracebacks newrelic_api_key newrelic_region no-log \
         posthog_api_key signoz_ingestion_endpoint signoz_ingestion_key turn_off_message_logging weave_project_id",
    ),
    group(GUARDRAILS, Kind::Any, "guardrails"),
    group(
        ENDPOINTS,
        Kind::Any,
        "custom_prompt_dict final_prompt_value litellm_system_prompt max_agentic_loops model_file_id_mapping \
         prompt_environment prompt_id prompt_label prompt_variables prompt_version search_tool_name",
    ),
    group(ENDPOINTS, Kind::Flag, "use_in_pass_through"),
    group(ENDPOINTS, Kind::Number, "max_file_size_mb"),
    group(ENDPOINTS, Kind::Text, "vector_store_id"),
    group(KEYS, Kind::Any, "litellm_session_id user_continue_message"),
    group(KEYS, Kind::Number, "default_api_key_rpm_limit default_api_key_tpm_limit"),
    group(TAGS, Kind::Any, "enable_tag_filtering"),
    group(LIMITS, Kind::Number, "itpm otpm"),
    group(
        OTHER,
        Kind::Any,
        "allowed_model_region assistant_continue_message attempted_targets base_model bos_token client_side_timeout \
         complete_response completion_call_id context_window_fallback_dict data_residency \
         disable_add_transform_inline_image_block enable_json_schema_validation ensure_alternating_roles eos_token \
         fallback_depth fallbacks fastest_response hf_model_name id litellm_call_id litellm_metadata max_fallbacks \
         metadata mock_timeout model_alias_map model_config model_list provider_specific_header \
         proxy_server_request request_timeout retry_policy retry_strategy roles routing_strategy silent_model \
         stream_chunk_size stream_response supports_system_message text_completion",
    ),
    group(OTHER, Kind::Flag, "merge_reasoning_content_in_choices use_chat_completions_api use_litellm_proxy"),
    group(OTHER, Kind::List, "configurable_clientside_auth_params mock_tool_calls tiered_pricing"),
    group(OTHER, Kind::Map, "adaptive_router_config model_info quality_router_config"),
    group(
        OTHER,
        Kind::Number,
        "auto_router_max_input_chars mock_delay output_vector_size regional_endpoint_uplift_multiplier \
         regional_processing_uplift_multiplier_eu regional_processing_uplift_multiplier_us",
    ),
    group(
        OTHER,
        Kind::Text,
        "adaptive_router_default_model auto_router_config auto_router_default_model auto_router_embedding_model \
         auto_router_model_compression auto_router_routing_compression bucket_name \
         litellm_trace_id provider_affinity_header quality_router_default_model",
    ),
    group(PROVIDERS, Kind::Any, litellm::PARAMS),
];

/// Every field of `model_info` that LiteLLM knows; others are notes of the user.
pub(in crate::config) const MODEL_INFO: &[Group] = &[
    group(ACTS, Kind::Any, "id access_groups team_id team_public_model_name"),
    group(ACTS, Kind::Flag, "allow_fail_open blocked enable_tag_filtering"),
    group(
        ACTS,
        Kind::Any,
        "mode base_model tier description created_at created_by updated_at updated_by db_model max_tokens \
         max_input_tokens max_output_tokens supported_environments",
    ),
    group(ACTS, Kind::Any, "allowed_fails allowed_fails_policy cooldown_time"),
    group(
        ACTS,
        Kind::Any,
        "health_check_model health_check_timeout health_check_max_tokens disable_background_health_check",
    ),
    group(KEYS, Kind::Any, "access_windows member_auto_router"),
    group(
        OTHER,
        Kind::Any,
        "discoverable ptu_count ptu_effective_from ptu_effective_to internal_router_model \
         tiered_pricing",
    ),
];
