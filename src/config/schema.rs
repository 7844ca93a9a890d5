//! LiteLLM's known settings as data: where each stands, what it holds, and whether this version acts on it.

/// Parameters of `litellm_params` that steer the gateway and never go upstream.
const PARAMS: &str = "\
model api_key api_base base_url api_version organization extra_headers drop_params modify_params \
additional_drop_params allowed_openai_params timeout stream_timeout num_retries max_retries weight rpm tpm \
mock_response litellm_credential_name custom_llm_provider";

/// Whether a field of `litellm_params` steers the gateway, so that it never goes upstream.
pub(super) fn is_param(name: &str) -> bool {
    PARAMS.split_ascii_whitespace().any(|param| param == name)
}
