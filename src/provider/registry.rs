//! The providers: one row each, and how a model's name finds its own.

use super::openai::{COMPATIBLE, OPENAI, quirks};
use super::{
    Provider, anthropic, azure_ai, bedrock, cohere, gemini, ollama, replicate, sagemaker, snowflake, vertex, watsonx,
    workers_ai,
};

/// A provider.
pub struct Row {
    /// What stands before the slash of `provider/model`.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: &'static dyn Provider,
    /// Its base URL; empty where the user must give `api_base`.
    pub base: &'static str,
    /// Variables that may hold its key, in order.
    pub keys: &'static [&'static str],
    /// Variables that may hold its base URL, in order.
    pub bases: &'static [&'static str],
}

const fn row(
    name: &'static str,
    dialect: &'static dyn Provider,
    base: &'static str,
    keys: &'static [&'static str],
    bases: &'static [&'static str],
) -> Row {
    Row { name, dialect, base, keys, bases }
}

/// Every provider, sorted by name. `mock` answers without an upstream (`provider::mock`), in OpenAI's dialect.
#[rustfmt::skip]
pub const PROVIDERS: &[Row] = &[
    row("abliteration", &COMPATIBLE, "https://api.abliteration.ai/v1", &["ABLITERATION_API_KEY"], &[]),
    row("ai21", &quirks::AI21, "https://api.ai21.com/studio/v1", &["AI21_API_KEY"], &["AI21_API_BASE"]),
    row("ai21_chat", &quirks::AI21, "https://api.ai21.com/studio/v1", &["AI21_API_KEY"], &["AI21_API_BASE"]),
    row("aihubmix", &quirks::CACHE_MARKS, "https://aihubmix.com/v1", &["AIHUBMIX_API_KEY"], &["AIHUBMIX_API_BASE"]),
    row("aiml", &COMPATIBLE, "https://api.aimlapi.com/v1", &["AIML_API_KEY"], &["AIML_API_BASE"]),
    row("aiohttp_openai", &OPENAI, "https://api.openai.com/v1",
        &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"]),
    row("amazon_nova", &quirks::AMAZON_NOVA, "https://api.nova.amazon.com/v1",
        &["AMAZON_NOVA_API_KEY"], &["AMAZON_NOVA_API_BASE"]),
    row("anthropic", &anthropic::Anthropic, "https://api.anthropic.com/v1",
        &["ANTHROPIC_API_KEY"], &["ANTHROPIC_API_BASE", "ANTHROPIC_BASE_URL"]),
    row("apertis", &quirks::MAX_TOKENS, "https://api.stima.tech/v1", &["STIMA_API_KEY"], &[]),
    row("assemblyai", &COMPATIBLE, "https://llm-gateway.assemblyai.com/v1", &["ASSEMBLYAI_API_KEY"], &[]),
    row("azure", &quirks::AZURE, "",
        &["AZURE_API_KEY", "AZURE_OPENAI_API_KEY"], &["AZURE_API_BASE", "AZURE_OPENAI_ENDPOINT"]),
    row("azure_ai", &azure_ai::AzureAi, "", &["AZURE_AI_API_KEY"], &["AZURE_AI_API_BASE"]),
    row("baseten", &quirks::BASETEN, "https://inference.baseten.co/v1", &["BASETEN_API_KEY"], &[]),
    row("bedrock", &bedrock::Bedrock, "", &["AWS_BEARER_TOKEN_BEDROCK"], &[]),
    row("bedrock_mantle", &COMPATIBLE, "https://bedrock-mantle.us-east-1.api.aws/v1",
        &["BEDROCK_MANTLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"], &["BEDROCK_MANTLE_API_BASE"]),
    row("cerebras", &quirks::CEREBRAS, "https://api.cerebras.ai/v1", &["CEREBRAS_API_KEY"], &["CEREBRAS_API_BASE"]),
    row("charity_engine", &quirks::MAX_TOKENS, "https://api.charityengine.services/remotejobs/v2/inference",
        &["CHARITY_ENGINE_API_KEY"], &[]),
    row("chutes", &quirks::MAX_TOKENS, "https://llm.chutes.ai/v1", &["CHUTES_API_KEY"], &[]),
    row("clarifai", &quirks::CLARIFAI, "https://api.clarifai.com/v2/ext/openai/v1",
        &["CLARIFAI_API_KEY", "CLARIFAI_PAT"], &[]),
    row("cloudflare", &workers_ai::WorkersAi, "", &["CLOUDFLARE_API_KEY"], &["CLOUDFLARE_API_BASE"]),
    row("codestral", &quirks::MISTRAL, "https://codestral.mistral.ai/v1",
        &["CODESTRAL_API_KEY"], &["CODESTRAL_API_BASE"]),
    row("cognition", &COMPATIBLE, "https://api.cognition.ai/v1", &["COGNITION_API_KEY"], &["COGNITION_API_BASE"]),
    row("cohere", &cohere::Cohere, "https://api.cohere.com/v2", &["COHERE_API_KEY", "CO_API_KEY"], &["COHERE_API_BASE"]),
    row("cohere_chat", &cohere::Cohere, "https://api.cohere.com/v2", &["COHERE_API_KEY", "CO_API_KEY"], &["COHERE_API_BASE"]),
    row("cometapi", &quirks::CACHE_MARKS, "https://api.cometapi.com/v1",
        &["COMETAPI_KEY"], &["COMETAPI_BASE_URL", "COMETAPI_API_BASE"]),
    row("compactifai", &COMPATIBLE, "https://api.compactif.ai/v1", &["COMPACTIFAI_API_KEY"], &[]),
    row("cortecs", &COMPATIBLE, "https://api.cortecs.ai/v1", &["CORTECS_API_KEY"], &["CORTECS_API_BASE"]),
    row("crusoe", &quirks::MAX_TOKENS, "https://managed-inference-api-proxy.crusoecloud.com/v1",
        &["CRUSOE_API_KEY"], &["CRUSOE_API_BASE"]),
    row("custom", &quirks::OWN_SERVER, "", &[], &[]),
    row("custom_openai", &quirks::OWN_SERVER, "", &[], &[]),
    row("darkbloom", &quirks::MAX_TOKENS, "https://api.darkbloom.dev/v1",
        &["DARKBLOOM_API_KEY"], &["DARKBLOOM_API_BASE"]),
    row("dashscope", &quirks::DASHSCOPE, "https://dashscope.aliyuncs.com/compatible-mode/v1",
        &["DASHSCOPE_API_KEY"], &["DASHSCOPE_API_BASE"]),
    row("databricks", &quirks::DATABRICKS, "", &["DATABRICKS_API_KEY"], &["DATABRICKS_API_BASE"]),
    row("datarobot", &quirks::MAX_TOKENS, "https://app.datarobot.com/api/v2/genai/llmgw",
        &["DATAROBOT_API_TOKEN"], &["DATAROBOT_ENDPOINT"]),
    row("deepinfra", &quirks::DEEPINFRA, "https://api.deepinfra.com/v1/openai",
        &["DEEPINFRA_API_KEY"], &["DEEPINFRA_API_BASE"]),
    row("deepseek", &quirks::DEEPSEEK, "https://api.deepseek.com/beta",
        &["DEEPSEEK_API_KEY"], &["DEEPSEEK_API_BASE"]),
    row("docker_model_runner", &quirks::LOCAL, "http://localhost:22088/engines/llama.cpp/v1",
        &["DOCKER_MODEL_RUNNER_API_KEY"], &["DOCKER_MODEL_RUNNER_API_BASE"]),
    row("edenai", &COMPATIBLE, "https://api.edenai.run/v3", &["EDENAI_API_KEY"], &["EDENAI_API_BASE"]),
    row("empiriolabs", &quirks::MAX_TOKENS, "https://api.empiriolabs.ai/v1",
        &["EMPIRIOLABS_API_KEY"], &["EMPIRIOLABS_API_BASE"]),
    row("empower", &COMPATIBLE, "https://app.empower.dev/api/v1", &["EMPOWER_API_KEY"], &["EMPOWER_API_BASE"]),
    row("featherless_ai", &quirks::FEATHERLESS_AI, "https://api.featherless.ai/v1",
        &["FEATHERLESS_AI_API_KEY", "FEATHERLESS_API_KEY"], &["FEATHERLESS_AI_API_BASE", "FEATHERLESS_API_BASE"]),
    row("fireworks_ai", &quirks::FIREWORKS_AI, "https://api.fireworks.ai/inference/v1",
        &["FIREWORKS_API_KEY", "FIREWORKS_AI_API_KEY", "FIREWORKSAI_API_KEY", "FIREWORKS_AI_TOKEN"],
        &["FIREWORKS_API_BASE"]),
    row("friendliai", &COMPATIBLE, "https://api.friendli.ai/serverless/v1",
        &["FRIENDLIAI_API_KEY", "FRIENDLI_TOKEN"], &["FRIENDLI_API_BASE"]),
    row("galadriel", &COMPATIBLE, "https://api.galadriel.com/v1", &["GALADRIEL_API_KEY"], &["GALADRIEL_API_BASE"]),
    row("gemini", &gemini::Gemini, "https://generativelanguage.googleapis.com/v1beta",
        &["GEMINI_API_KEY", "GOOGLE_API_KEY"], &["GEMINI_API_BASE"]),
    row("github", &COMPATIBLE, "https://models.inference.ai.azure.com", &["GITHUB_API_KEY"], &["GITHUB_API_BASE"]),
    row("gmi", &COMPATIBLE, "https://api.gmi-serving.com/v1", &["GMI_API_KEY"], &[]),
    row("gradient_ai", &quirks::GRADIENT_AI, "https://inference.do-ai.run/v1", &["GRADIENT_AI_API_KEY"], &[]),
    row("groq", &quirks::GROQ, "https://api.groq.com/openai/v1", &["GROQ_API_KEY"], &["GROQ_API_BASE"]),
    row("helicone", &quirks::CACHE_MARKS, "https://ai-gateway.helicone.ai", &["HELICONE_API_KEY"], &[]),
    row("heroku", &quirks::MAX_TOKENS_STRING, "", &["HEROKU_API_KEY"], &["HEROKU_API_BASE"]),
    row("hosted_vllm", &quirks::HOSTED_VLLM, "", &["HOSTED_VLLM_API_KEY"], &["HOSTED_VLLM_API_BASE"]),
    row("huggingface", &quirks::HUGGINGFACE, "https://router.huggingface.co/v1",
        &["HF_TOKEN", "HUGGINGFACE_API_KEY"], &["HF_API_BASE", "HUGGINGFACE_API_BASE"]),
    row("hyperbolic", &quirks::HYPERBOLIC, "https://api.hyperbolic.xyz/v1",
        &["HYPERBOLIC_API_KEY"], &["HYPERBOLIC_API_BASE"]),
    row("inception", &quirks::INCEPTION, "https://api.inceptionlabs.ai/v1",
        &["INCEPTION_API_KEY"], &["INCEPTION_API_BASE"]),
    row("infinity", &quirks::INFINITY, "", &["INFINITY_API_KEY"], &["INFINITY_API_BASE"]),
    row("jina_ai", &quirks::JINA_AI, "https://api.jina.ai/v1", &["JINA_AI_API_KEY"], &["JINA_AI_API_BASE"]),
    row("lambda_ai", &COMPATIBLE, "https://api.lambda.ai/v1", &["LAMBDA_API_KEY"], &["LAMBDA_API_BASE"]),
    row("lemonade", &quirks::LOCAL, "http://localhost:8000/api/v1", &["LEMONADE_API_KEY"], &["LEMONADE_API_BASE"]),
    row("libertai", &quirks::MAX_TOKENS, "https://api.libertai.io/v1", &["LIBERTAI_API_KEY"], &["LIBERTAI_API_BASE"]),
    row("litellm_proxy", &quirks::GATEWAY, "", &["LITELLM_PROXY_API_KEY"], &["LITELLM_PROXY_API_BASE"]),
    row("llamafile", &quirks::LOCAL, "http://127.0.0.1:8080/v1", &["LLAMAFILE_API_KEY"], &["LLAMAFILE_API_BASE"]),
    row("llamagate", &quirks::MAX_TOKENS, "https://api.llamagate.dev/v1", &["LLAMAGATE_API_KEY"], &[]),
    row("lm_studio", &quirks::LM_STUDIO, "", &["LM_STUDIO_API_KEY"], &["LM_STUDIO_API_BASE"]),
    row("maritalk", &quirks::MARITALK, "https://chat.maritaca.ai/api", &["MARITALK_API_KEY"], &[]),
    row("meta", &COMPATIBLE, "https://api.meta.ai/v1", &["META_API_KEY"], &["META_API_BASE"]),
    row("meta_llama", &COMPATIBLE, "https://api.llama.com/compat/v1", &["LLAMA_API_KEY"], &["LLAMA_API_BASE"]),
    row("minimax", &COMPATIBLE, "https://api.minimax.io/v1", &["MINIMAX_API_KEY"], &["MINIMAX_API_BASE"]),
    row("mistral", &quirks::MISTRAL, "https://api.mistral.ai/v1",
        &["MISTRAL_AZURE_API_KEY", "MISTRAL_API_KEY"], &["MISTRAL_AZURE_API_BASE", "MISTRAL_API_BASE"]),
    row("mock", &quirks::OWN_SERVER, "", &[], &[]),
    row("modelscope", &quirks::MAX_TOKENS, "https://api-inference.modelscope.cn/v1",
        &["MODELSCOPE_API_KEY"], &["MODELSCOPE_API_BASE"]),
    row("moonshot", &quirks::MOONSHOT, "https://api.moonshot.ai/v1", &["MOONSHOT_API_KEY"], &["MOONSHOT_API_BASE"]),
    row("morph", &quirks::MORPH, "https://api.morphllm.com/v1", &["MORPH_API_KEY"], &["MORPH_API_BASE"]),
    row("nadir", &quirks::NADIR, "https://api.getnadir.com/v1", &["NADIR_API_KEY"], &["NADIR_API_BASE"]),
    row("nano-gpt", &quirks::MAX_TOKENS, "https://nano-gpt.com/api/v1", &["NANOGPT_API_KEY"], &[]),
    row("nebius", &COMPATIBLE, "https://api.studio.nebius.ai/v1", &["NEBIUS_API_KEY"], &["NEBIUS_API_BASE"]),
    row("neosantara", &quirks::MAX_TOKENS, "https://api.neosantara.xyz/v1",
        &["NEOSANTARA_API_KEY"], &["NEOSANTARA_API_BASE"]),
    row("novita", &quirks::MAX_TOKENS, "https://api.novita.ai/v3/openai", &["NOVITA_API_KEY"], &["NOVITA_API_BASE"]),
    row("nscale", &quirks::NSCALE, "https://inference.api.nscale.com/v1", &["NSCALE_API_KEY"], &["NSCALE_API_BASE"]),
    row("nvidia_nim", &quirks::NVIDIA_NIM, "https://integrate.api.nvidia.com/v1",
        &["NVIDIA_NIM_API_KEY"], &["NVIDIA_NIM_API_BASE"]),
    row("ollama", &ollama::Ollama, "http://localhost:11434", &["OLLAMA_API_KEY"], &["OLLAMA_API_BASE"]),
    row("ollama_chat", &ollama::Ollama, "http://localhost:11434", &["OLLAMA_API_KEY"], &["OLLAMA_API_BASE"]),
    row("oobabooga", &quirks::LOCAL, "", &["OOBABOOGA_API_KEY"], &["OOBABOOGA_API_BASE"]),
    row("openai", &OPENAI, "https://api.openai.com/v1", &["OPENAI_API_KEY"], &["OPENAI_BASE_URL", "OPENAI_API_BASE"]),
    row("openai_like", &quirks::OWN_SERVER, "", &["OPENAI_LIKE_API_KEY"], &["OPENAI_LIKE_API_BASE"]),
    row("openrouter", &quirks::OPENROUTER, "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY", "OR_API_KEY"], &["OPENROUTER_API_BASE"]),
    row("ovhcloud", &COMPATIBLE, "https://oai.endpoints.kepler.ai.cloud.ovh.net/v1",
        &["OVHCLOUD_API_KEY"], &["OVHCLOUD_API_BASE"]),
    row("parasail", &COMPATIBLE, "https://api.parasail.io/v1", &["PARASAIL_API_KEY"], &["PARASAIL_API_BASE"]),
    row("perplexity", &quirks::PERPLEXITY, "https://api.perplexity.ai",
        &["PERPLEXITYAI_API_KEY", "PERPLEXITY_API_KEY"], &["PERPLEXITY_API_BASE"]),
    row("pinstripes", &quirks::MAX_TOKENS, "https://pinstripes.io/v1",
        &["PINSTRIPES_API_KEY"], &["PINSTRIPES_API_BASE"]),
    row("poe", &quirks::MAX_TOKENS, "https://api.poe.com/v1", &["POE_API_KEY"], &["POE_API_BASE"]),
    row("prism", &COMPATIBLE, "https://api.prisminference.com/v1", &["PRISM_API_KEY"], &["PRISM_API_BASE"]),
    row("publicai", &quirks::MAX_TOKENS_STRING, "https://api.publicai.co/v1",
        &["PUBLICAI_API_KEY"], &["PUBLICAI_API_BASE"]),
    row("qwen_ai_platform", &quirks::DASHSCOPE, "https://dashscope.aliyuncs.com/compatible-mode/v1",
        &["QWEN_AI_PLATFORM_API_KEY", "DASHSCOPE_API_KEY"], &["QWEN_AI_PLATFORM_API_BASE"]),
    row("qwencloud", &quirks::DASHSCOPE, "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        &["QWENCLOUD_API_KEY", "DASHSCOPE_API_KEY"], &["QWENCLOUD_API_BASE"]),
    row("reka", &COMPATIBLE, "https://api.reka.ai/v1", &["REKA_API_KEY"], &["REKA_API_BASE"]),
    row("replicate", &replicate::Replicate, "https://api.replicate.com/v1",
        &["REPLICATE_API_KEY", "REPLICATE_API_TOKEN"], &["REPLICATE_API_BASE"]),
    row("requesty", &COMPATIBLE, "https://router.requesty.ai/v1", &["REQUESTY_API_KEY"], &[]),
    row("sagemaker_chat", &sagemaker::SageMaker, "", &[], &[]),
    row("sail", &quirks::SAIL, "https://api.sailresearch.com/v1", &["SAIL_API_KEY"], &["SAIL_API_BASE"]),
    row("sambanova", &quirks::SAMBANOVA, "https://api.sambanova.ai/v1",
        &["SAMBANOVA_API_KEY"], &["SAMBANOVA_API_BASE"]),
    row("sarvam", &quirks::SARVAM, "https://api.sarvam.ai/v1", &["SARVAM_API_KEY"], &[]),
    row("scaleway", &COMPATIBLE, "https://api.scaleway.ai/v1", &["SCW_SECRET_KEY"], &[]),
    row("scx-ai", &quirks::SCX_AI, "https://api.scx.ai/v1", &["SCX_API_KEY"], &["SCX_API_BASE"]),
    row("snowflake", &snowflake::Snowflake, "", &["SNOWFLAKE_JWT"], &["SNOWFLAKE_API_BASE"]),
    row("synthetic", &quirks::MAX_TOKENS, "https://api.synthetic.new/openai/v1", &["SYNTHETIC_API_KEY"], &[]),
    row("tencent", &COMPATIBLE, "https://tokenhub-intl.tencentcloudmaas.com/v1",
        &["TENCENT_API_KEY"], &["TENCENT_API_BASE"]),
    row("tensormesh", &quirks::MAX_TOKENS, "https://serverless.tensormesh.ai/v1",
        &["TENSORMESH_INFERENCE_API_KEY"], &["TENSORMESH_SERVERLESS_BASE_URL"]),
    row("together_ai", &quirks::TOGETHER_AI, "https://api.together.ai/v1",
        &["TOGETHER_API_KEY", "TOGETHER_AI_API_KEY", "TOGETHERAI_API_KEY", "TOGETHER_AI_TOKEN"],
        &["TOGETHER_AI_API_BASE"]),
    row("v0", &quirks::V0, "https://api.v0.dev/v1", &["V0_API_KEY"], &["V0_API_BASE"]),
    row("veniceai", &COMPATIBLE, "https://api.venice.ai/api/v1", &["VENICE_AI_API_KEY"], &[]),
    row("vercel_ai_gateway", &quirks::CACHE_MARKS, "https://ai-gateway.vercel.sh/v1",
        &["VERCEL_AI_GATEWAY_API_KEY", "VERCEL_OIDC_TOKEN"], &["VERCEL_AI_GATEWAY_API_BASE"]),
    row("vertex_ai", &vertex::Vertex, "https://aiplatform.googleapis.com/v1",
        &["VERTEXAI_API_KEY", "VERTEX_API_KEY"], &["VERTEXAI_API_BASE", "VERTEX_API_BASE"]),
    row("vertex_ai_beta", &vertex::Vertex, "https://aiplatform.googleapis.com/v1",
        &["VERTEXAI_API_KEY", "VERTEX_API_KEY"], &["VERTEXAI_API_BASE", "VERTEX_API_BASE"]),
    row("vllm", &quirks::HOSTED_VLLM, "", &["VLLM_API_KEY", "HOSTED_VLLM_API_KEY"], &["VLLM_API_BASE"]),
    row("volcengine", &COMPATIBLE, "https://ark.cn-beijing.volces.com/api/v3",
        &["VOLCENGINE_API_KEY"], &["VOLCENGINE_API_BASE"]),
    row("voyage", &quirks::VOYAGE, "https://api.voyageai.com/v1", &["VOYAGE_API_KEY"], &["VOYAGE_API_BASE"]),
    row("wandb", &COMPATIBLE, "https://api.inference.wandb.ai/v1", &["WANDB_API_KEY"], &["WANDB_API_BASE"]),
    row("watsonx", &watsonx::Watsonx, "",
        &["WATSONX_APIKEY", "WATSONX_API_KEY", "WX_API_KEY"],
        &["WATSONX_API_BASE", "WATSONX_URL", "WX_URL", "WML_URL"]),
    row("xai", &quirks::XAI, "https://api.x.ai/v1", &["XAI_API_KEY"], &["XAI_API_BASE"]),
    row("xiaomi_mimo", &quirks::MAX_TOKENS, "https://api.xiaomimimo.com/v1", &["XIAOMI_MIMO_API_KEY"], &[]),
    row("xinference", &quirks::LOCAL, "", &["XINFERENCE_API_KEY"], &["XINFERENCE_API_BASE"]),
    row("zai", &quirks::ZAI, "https://api.z.ai/api/paas/v4", &["ZAI_API_KEY"], &["ZAI_API_BASE"]),
];

/// Providers of models that LiteLLM takes without a provider in front. An entry that ends in a mark is a prefix; any
/// other is the whole name, or a family (`o3`, `o3-mini`).
const BARE: &[(&str, &str)] = &[
    ("chatgpt-", "openai"),
    ("claude-", "anthropic"),
    ("codex-", "openai"),
    ("command", "cohere"),
    ("computer-use-", "openai"),
    ("embed-", "cohere"),
    ("ft:gpt-", "openai"),
    ("ft:o4-", "openai"),
    ("gemini-", "gemini"),
    ("gpt-", "openai"),
    ("o1", "openai"),
    ("o3", "openai"),
    ("o4", "openai"),
    ("text-embedding-3-", "openai"),
    ("text-embedding-ada-", "openai"),
];

/// Providers whose own models carry the provider's name upstream too: `openrouter/auto` is a model's whole name there.
const NAMED_AFTER: &[&str] = &["openrouter"];

/// The provider of that name.
pub fn find(name: &str) -> Option<&'static Row> {
    PROVIDERS.binary_search_by(|row| row.name.cmp(name)).ok().and_then(|at| PROVIDERS.get(at))
}

/// The provider of a `model` as a configuration or a request names it, and the model as that provider names it:
/// `groq/llama-3.3-70b` and, for the models that LiteLLM knows bare, `gpt-4o-mini`.
pub fn resolve(model: &str) -> Option<(&'static Row, &str)> {
    match model.split_once('/') {
        Some((_, "")) => None,
        Some((provider, rest)) => {
            let row = find(provider)?;
            let own = NAMED_AFTER.contains(&provider) && !rest.contains('/');
            Some((row, if own { model } else { rest }))
        }
        None => Some((find(bare_provider(model)?)?, model)),
    }
}

/// The name of the provider of a bare model.
fn bare_provider(model: &str) -> Option<&'static str> {
    let fits = |known: &str| match model.strip_prefix(known) {
        Some(rest) => known.ends_with(['-', ':']) || rest.is_empty() || rest.starts_with('-'),
        None => false,
    };
    BARE.iter().find(|(known, _)| fits(known)).map(|(_, provider)| *provider)
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Facts, Settings, Target};
    use super::*;
    use crate::openai::ChatRequest;

    #[test]
    fn rows_are_sorted_and_unique_and_found() {
        for pair in PROVIDERS.windows(2) {
            assert!(pair[0].name < pair[1].name, "{:?} stands before {:?}", pair[0], pair[1]);
        }
        for row in PROVIDERS {
            assert_eq!(find(row.name).map(|found| found.name), Some(row.name));
        }
        assert!(find("grok").is_none());
    }

    #[test]
    fn bases_are_https_or_this_machine() {
        for row in PROVIDERS.iter().filter(|row| !row.base.is_empty()) {
            let loopback = ["http://localhost:", "http://127.0.0.1:"];
            let safe = row.base.starts_with("https://") || loopback.iter().any(|start| row.base.starts_with(start));
            assert!(safe && !row.base.ends_with('/'), "{row:?}: {}", row.base);
        }
    }

    #[test]
    fn a_row_names_the_variable_of_its_key_or_needs_none() {
        let chat = ChatRequest::parse(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        let settings = Settings::default();
        for row in PROVIDERS.iter().filter(|row| !row.base.is_empty() && row.keys.is_empty()) {
            let target = Target {
                provider: row.name,
                api_base: None,
                default_base: row.base,
                model: "m",
                key: None,
                token: None,
                settings: &settings,
                facts: Facts::default(),
                call_id: "id",
                now: 0,
            };
            assert!(row.dialect.chat(&target, &chat).is_ok(), "{row:?} has neither key nor quirk");
        }
        for row in PROVIDERS {
            for name in row.keys.iter().chain(row.bases) {
                let shouted = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                assert!(name.chars().all(shouted), "{row:?}: {name}");
            }
        }
    }

    #[test]
    fn a_model_finds_its_provider_and_its_own_name() {
        for (model, provider, name) in [
            ("groq/llama-3.3-70b-versatile", "groq", "llama-3.3-70b-versatile"),
            ("openrouter/openai/gpt-4o", "openrouter", "openai/gpt-4o"),
            ("openrouter/auto", "openrouter", "openrouter/auto"),
            ("mock/echo", "mock", "echo"),
            ("gpt-4o-mini", "openai", "gpt-4o-mini"),
            ("o3", "openai", "o3"),
            ("o4-mini", "openai", "o4-mini"),
            ("ft:gpt-4o-mini:acme::id", "openai", "ft:gpt-4o-mini:acme::id"),
            ("text-embedding-3-small", "openai", "text-embedding-3-small"),
        ] {
            let (row, rest) = resolve(model).unwrap_or_else(|| panic!("{model}"));
            assert_eq!((row.name, rest), (provider, name));
        }
        assert_eq!(bare_provider("claude-sonnet-4-6"), Some("anthropic"));
        assert_eq!(bare_provider("gemini-2.5-flash"), Some("gemini"));
        for model in ["", "llama", "openai/", "nobody/gpt-4o", "o3x", "o10"] {
            assert!(resolve(model).is_none(), "{model}");
        }
    }
}
