//! The providers that LiteLLM knows, so that a name that waits for a later version is told from a slip.

/// Their names, parted by spaces. Taken from LiteLLM 1.106.2.
pub(crate) const NAMES: &str = "\
a2a a2a_agent abliteration ai21 ai21_chat aihubmix aiml aiohttp_openai amazon_nova anthropic anthropic_text \
apertis assemblyai auto_router aws_polly aws_textract azure azure_ai azure_speech azure_text baseten bedrock \
bedrock_mantle black_forest_labs bytez cerebras charity_engine chatgpt chutes clarifai cloudflare codestral \
cognition cohere cohere_chat cometapi compactifai cortecs crusoe cursor custom custom_openai darkbloom \
dashscope databricks datarobot deepgram deepinfra deepseek docker_model_runner dotprompt edenai elevenlabs \
empiriolabs empower fal_ai featherless_ai fireworks_ai friendliai galadriel gdc gemini gigachat github \
github_copilot gmi gradient_ai groq helicone heroku hosted_vllm huggingface humanloop hyperbolic inception \
infinity jina_ai lambda_ai langflow langfuse langgraph lemonade libertai litellm_agent litellm_proxy llamafile \
llamagate lm_studio manus maritalk meta meta_llama milvus minimax mistral modelscope mongodb moonshot morph \
nadir nano-gpt nebius neosantara nlp_cloud novita nscale nvidia_nim nvidia_riva oci ollama ollama_chat \
oobabooga openai openai_like openrouter ovhcloud parasail perplexity petals pg_vector pinstripes poe predibase \
prism publicai qwen_ai_platform qwencloud ragflow recraft reducto reka replicate runwayml s3_vectors sagemaker \
sagemaker_chat sagemaker_nova sail sambanova sap sarvam scaleway scx-ai snowflake soniox stability \
strands_decider synthetic tencent tensormesh text-completion-codestral text-completion-inception \
text-completion-openai together_ai topaz transcribe triton typesafe v0 valkey veniceai vercel_ai_gateway \
vertex_ai vertex_ai_beta vllm volcengine voyage wandb watsonx watsonx_text xai xiaomi_mimo xinference zai";

/// Fields of `litellm_settings` that belong to one provider.
pub(crate) const SETTINGS: &str = "\
ai21_key aleph_alpha_key amazon_nova_api_key anthropic_beta_headers_url anthropic_key \
anthropic_prompt_caching_ttl anthropic_sse_ping_interval_seconds aws_sqs_callback_params azure_key baseten_key \
bedrock_neutralize_orphaned_tool_blocks bedrock_request_metadata_fields bytez_key clarifai_key \
cloudflare_api_key cohere_key cometapi_key databricks_key datarobot_key \
disable_anthropic_gemini_context_caching_transform disable_copilot_system_to_assistant \
disable_vertex_batch_output_transformation enable_anthropic_prompt_caching enable_azure_ad_token_refresh \
enable_gemini_default_thinking_level_low gcs_pub_sub_use_v1 gdc_api_base gdc_key gemini_live_defer_setup \
gigachat_key gradient_ai_api_key groq_key heroku_key huggingface_key inception_key infinity_key lemonade_key \
llama_api_key maritalk_key nebius_key nlp_cloud_key novita_api_key ollama_key openai_key openai_like_key \
openai_moderations_model_name openai_system_messages_first openrouter_key ovhcloud_key predibase_key \
predibase_tenant_id replicate_key route_all_chat_openai_to_responses s3_audit_callback_params \
s3_callback_params sap_service_key snowflake_key strip_anthropic_total_tokens togetherai_api_key \
use_chat_completions_url_for_anthropic_messages vercel_ai_gateway_key vertex_ai_safety_settings \
vertex_location vertex_project wandb_key xai_key";

/// Fields of `litellm_params` that belong to one provider (credentials, regions, quirks), and to no request.
pub(crate) const PARAMS: &str = "\
anthropic_disable_workload_identity_federation anthropic_federation_rule_id \
anthropic_federation_workspace_id anthropic_identity_source anthropic_identity_token \
anthropic_identity_token_file anthropic_issuer_audience anthropic_issuer_signing_key_ref \
anthropic_issuer_subject anthropic_issuer_ttl_seconds anthropic_issuer_url anthropic_keycloak_auth_method \
anthropic_keycloak_client_id anthropic_keycloak_client_secret_ref anthropic_keycloak_scope \
anthropic_keycloak_token_url anthropic_organization_id anthropic_service_account_id aws_batch_role_arn \
aws_bedrock_project_id aws_profile_name aws_session_tags azure azure_ad_token_provider bedrock_tags \
fireworks_forward_user_id gcs_bucket_name gcs_path_service_account milvus_db_name milvus_partition_names \
milvus_text_field openai_identity_provider_id openai_identity_token_file openai_service_account_id \
s3_access_key_id s3_bucket_name s3_bucket_owner s3_encryption_key_id s3_endpoint_url s3_output_bucket_name \
s3_region_name s3_secret_access_key use_xai_oauth valkey_embedding_field valkey_host valkey_password \
valkey_port valkey_ssl valkey_text_field wandb_api_key";
