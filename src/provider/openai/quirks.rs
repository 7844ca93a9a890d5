//! The dialects of providers who depart from OpenAI's, each a few fields away from another.
//!
//! What a row drops is what its provider's documents refuse; where they are silent, it is LiteLLM's list.

use super::super::Rerank;
use super::{Address, COMPATIBLE, EMBEDDING, Effort, Embedding, Login, OpenAi, STRICT};

/// Gives a dialect a quirk.
type Quirk = fn(&mut OpenAi);

/// Quirks that a provider of the user's own may have, by name.
pub const BY_NAME: &[(&str, Quirk)] = &[
    ("developer_role", |dialect| dialect.developer_role = true),
    ("keeps_cache_control", |dialect| dialect.strips = CACHE_MARKS.strips),
    ("max_tokens", |dialect| dialect.renames = MAX_TOKENS.renames),
    ("no_done", |dialect| dialect.ends_at_finish = true),
    ("no_image_urls", |dialect| dialect.fetches_images = false),
    ("no_stream_options", |dialect| dialect.stream_options = false),
    ("no_strict_tools", |dialect| dialect.strict_tools = false),
    ("required_is_any", |dialect| dialect.required_tool = FIREWORKS_AI.required_tool),
    ("short_tool_ids", |dialect| dialect.short_tool_ids = true),
    ("strict_messages", |dialect| dialect.strips = STRICT),
    ("string_content", |dialect| dialect.text_parts = false),
];

/// Knows only the older name of the answer's bound: the newer one would be refused or, worse, ignored.
pub const MAX_TOKENS: OpenAi = OpenAi { renames: &[("max_completion_tokens", "max_tokens")], ..COMPATIBLE };

/// The same, and content is a string: DeepSeek (<https://api-docs.deepseek.com/api/create-chat-completion>) and others.
pub const MAX_TOKENS_STRING: OpenAi = OpenAi { text_parts: false, ..MAX_TOKENS };

/// Gateways that know LiteLLM's marks of prompt caches and reasoning, and hand them on.
pub const GATEWAY: OpenAi = OpenAi { rerank: Some(Rerank::Plain), strips: &[], developer_role: true, ..COMPATIBLE };

/// Takes marks of prompt caches in parts.
pub const CACHE_MARKS: OpenAi = OpenAi { strips: &["thinking_blocks", "provider_specific_fields"], ..COMPATIBLE };

/// Alibaba Cloud: 10 inputs an embedding request, and vectors as numbers alone
/// (<https://www.alibabacloud.com/help/en/model-studio/text-embedding-synchronous-api>).
pub const DASHSCOPE: OpenAi =
    OpenAi { embeddings_batch: Some(10), embedding: Embedding { only_float: true, ..EMBEDDING }, ..CACHE_MARKS };

/// A server of the user's own: no key needed.
pub const OWN_SERVER: OpenAi = OpenAi { rerank: Some(Rerank::Plain), keyless: true, ..COMPATIBLE };

/// The same for servers whose documents know `max_tokens` alone: Ollama, LM Studio, llamafile and others.
pub const LOCAL: OpenAi = OpenAi { keyless: true, ..MAX_TOKENS };

/// LM Studio: images come as bytes (<https://github.com/lmstudio-ai/lmstudio-bug-tracker/issues/1120>).
pub const LM_STUDIO: OpenAi = OpenAi { fetches_images: false, ..LOCAL };

/// Azure OpenAI: every model takes `system`, not every model `developer`.
pub const AZURE: OpenAi = OpenAi {
    address: Address::AzureDeployment,
    login: Login::Entra,
    key_header: "api-key",
    developer_role: false,
    ..super::OPENAI
};

/// Azure AI Foundry.
pub const AZURE_AI: OpenAi = OpenAi {
    address: Address::AzureModels,
    login: Login::Entra,
    key_header: "api-key",
    strips: STRICT,
    text_parts: false,
    ..COMPATIBLE
};

/// AI21 (<https://docs.ai21.com/reference/jamba-1-6-api-ref>).
pub const AI21: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "parallel_tool_calls",
        "presence_penalty",
        "seed",
        "top_logprobs",
    ],
    stream_options: false,
    ..MAX_TOKENS
};

/// Amazon Nova.
pub const AMAZON_NOVA: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "response_format",
        "seed",
        "top_logprobs",
    ],
    ..COMPATIBLE
};

/// Baseten.
pub const BASETEN: OpenAi =
    OpenAi { drops: &["logit_bias", "logprobs", "n", "parallel_tool_calls", "top_logprobs"], ..COMPATIBLE };

/// Cerebras (<https://inference-docs.cerebras.ai/resources/openai>).
pub const CEREBRAS: OpenAi = OpenAi {
    drops: &["frequency_penalty", "logit_bias", "n", "parallel_tool_calls", "presence_penalty", "service_tier"],
    strips: STRICT,
    ..COMPATIBLE
};

/// Clarifai.
pub const CLARIFAI: OpenAi = OpenAi {
    drops: &["logit_bias", "logprobs", "n", "parallel_tool_calls", "seed", "stop", "top_logprobs"],
    ..COMPATIBLE
};

/// Cloudflare's Workers AI, or its AI Gateway at `api_base`.
pub const CLOUDFLARE: OpenAi = OpenAi { address: Address::WorkersAi, ..COMPATIBLE };

/// Databricks' serving endpoints.
pub const DATABRICKS: OpenAi = OpenAi {
    address: Address::Databricks,
    login: Login::Databricks,
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "parallel_tool_calls",
        "presence_penalty",
        "seed",
        "top_logprobs",
    ],
    strips: &["thinking_blocks", "provider_specific_fields", "reasoning_content"],
    stream_options: false,
    ..MAX_TOKENS
};

/// `DeepInfra`.
pub const DEEPINFRA: OpenAi = OpenAi {
    rerank: Some(Rerank::DeepInfra),
    drops: &["logprobs", "parallel_tool_calls", "seed", "top_logprobs"],
    ..MAX_TOKENS
};

/// Featherless.
pub const FEATHERLESS_AI: OpenAi = OpenAi {
    drops: &["logprobs", "parallel_tool_calls", "response_format", "seed", "tool_choice", "tools", "top_logprobs"],
    ..MAX_TOKENS
};

/// DeepSeek: thinking has a switch (<https://api-docs.deepseek.com/guides/thinking_mode>).
pub const DEEPSEEK: OpenAi = OpenAi { effort: Effort::Switch, ..MAX_TOKENS_STRING };

/// Fireworks (<https://docs.fireworks.ai/guides/function-calling>).
pub const FIREWORKS_AI: OpenAi =
    OpenAi { rerank: Some(Rerank::Plain), required_tool: "any", strict_tools: false, ..MAX_TOKENS };

/// `DigitalOcean` Gradient.
pub const GRADIENT_AI: OpenAi = OpenAi {
    drops: &[
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "response_format",
        "seed",
        "tool_choice",
        "tools",
        "top_logprobs",
    ],
    ..COMPATIBLE
};

/// Groq (<https://console.groq.com/docs/openai>): answers 400 to these, and to foreign fields of messages.
pub const GROQ: OpenAi = OpenAi { drops: &["logit_bias", "logprobs", "top_logprobs"], strips: STRICT, ..COMPATIBLE };

/// vLLM of the user's own.
pub const HOSTED_VLLM: OpenAi = OpenAi { strict_tools: false, ..OWN_SERVER };

/// Hugging Face: its router, or a server of text-generation-inference or text-embeddings-inference at `api_base`.
pub const HUGGINGFACE: OpenAi = OpenAi { hub_models: true, rerank: Some(Rerank::Tei), ..MAX_TOKENS };

/// Hyperbolic.
pub const HYPERBOLIC: OpenAi =
    OpenAi { drops: &["logit_bias", "logprobs", "parallel_tool_calls", "top_logprobs"], ..MAX_TOKENS };

/// Inception (<https://docs.inceptionlabs.ai/>).
pub const INCEPTION: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "seed",
        "top_logprobs",
        "top_p",
    ],
    ..MAX_TOKENS
};

/// Infinity, a server of the user's own for embeddings and reranking (<https://github.com/michaelfeil/infinity>).
pub const INFINITY: OpenAi = OpenAi { address: Address::Unversioned, ..OWN_SERVER };

/// Jina (<https://api.jina.ai/redoc>): `task`, `normalized` and `late_chunking` pass.
pub const JINA_AI: OpenAi = OpenAi {
    rerank: Some(Rerank::Plain),
    embedding: Embedding { renames: &[("encoding_format", "embedding_type")], ..EMBEDDING },
    ..COMPATIBLE
};

/// Maritaca.
pub const MARITALK: OpenAi = OpenAi {
    drops: &["logit_bias", "logprobs", "parallel_tool_calls", "response_format", "seed", "top_logprobs"],
    ..MAX_TOKENS
};

/// Mistral (<https://docs.mistral.ai/api/>): answers 422 to every field that it does not know, and takes ids of tool calls of
/// nine letters and digits alone (<https://mistralai.github.io/mistral-common/usage/tools/>).
pub const MISTRAL: OpenAi = OpenAi {
    drops: &[
        "audio",
        "function_call",
        "functions",
        "logit_bias",
        "logprobs",
        "modalities",
        "safety_identifier",
        "service_tier",
        "store",
        "top_logprobs",
        "user",
        "verbosity",
        "web_search_options",
    ],
    renames: &[("max_completion_tokens", "max_tokens"), ("seed", "random_seed")],
    strips: STRICT,
    short_tool_ids: true,
    required_tool: "any",
    stream_options: false,
    temperature_max: Some(1.5),
    ..COMPATIBLE
};

/// Moonshot (<https://platform.moonshot.ai/docs/api/chat>): the newer name of the answer's bound is its own, and images come
/// as bytes (<https://platform.moonshot.ai/docs/guide/use-kimi-vision-model>).
pub const MOONSHOT: OpenAi = OpenAi {
    drops: &["function_call", "functions"],
    text_parts: false,
    fetches_images: false,
    temperature_max: Some(1.0),
    ..COMPATIBLE
};

/// Morph: a model that applies edits takes nothing but messages.
pub const MORPH: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "tool_choice",
        "tools",
        "top_logprobs",
        "top_p",
    ],
    stream_options: false,
    ..MAX_TOKENS
};

/// Nadir.
pub const NADIR: OpenAi = OpenAi {
    drops: &[
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "seed",
        "stop",
        "tool_choice",
        "tools",
        "top_logprobs",
    ],
    stream_options: false,
    ..MAX_TOKENS
};

/// Nscale.
pub const NSCALE: OpenAi = OpenAi { drops: &["parallel_tool_calls", "seed", "tool_choice", "tools"], ..MAX_TOKENS };

/// NVIDIA's NIM (<https://docs.nvidia.com/nim/large-language-models/latest/api-reference.html>).
pub const NVIDIA_NIM: OpenAi =
    OpenAi { rerank: Some(Rerank::NvidiaNim), drops: &["logit_bias", "logprobs", "n", "top_logprobs"], ..MAX_TOKENS };

/// `OpenRouter`: its highest effort is `xhigh` (<https://openrouter.ai/docs/use-cases/reasoning-tokens>).
pub const OPENROUTER: OpenAi = OpenAi { effort: Effort::Renamed(&[("max", "xhigh")]), ..CACHE_MARKS };

/// Perplexity (<https://docs.perplexity.ai/api-reference/chat-completions-post>): it tells usage in every chunk and
/// never sends `[DONE]` (<https://github.com/perplexityai/api-discussion/issues/209>).
pub const PERPLEXITY: OpenAi = OpenAi {
    drops: &[
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "seed",
        "stop",
        "tool_choice",
        "tools",
        "top_logprobs",
    ],
    stream_options: false,
    ends_at_finish: true,
    ..MAX_TOKENS
};

/// Sail.
pub const SAIL: OpenAi = OpenAi {
    drops: &["frequency_penalty", "logit_bias", "logprobs", "presence_penalty", "seed", "stop", "top_logprobs"],
    ..COMPATIBLE
};

/// `SambaNova` (<https://docs.sambanova.ai/cloud/docs/get-started/openai>).
pub const SAMBANOVA: OpenAi = OpenAi {
    drops: &["frequency_penalty", "logit_bias", "logprobs", "n", "presence_penalty", "seed", "top_logprobs"],
    ..MAX_TOKENS_STRING
};

/// Sarvam: its own key header.
pub const SARVAM: OpenAi = OpenAi { key_header: "api-subscription-key", ..MAX_TOKENS };

/// SCX.
pub const SCX_AI: OpenAi = OpenAi { temperature_max: Some(1.99), ..MAX_TOKENS };

/// v0 (<https://v0.dev/docs/api/model>).
pub const V0: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "top_logprobs",
        "top_p",
    ],
    stream_options: false,
    ..COMPATIBLE
};

/// Voyage (<https://docs.voyageai.com/reference/embeddings-api>): `input_type`, `truncation` and `output_dtype` pass.
pub const VOYAGE: OpenAi = OpenAi {
    drops: &["user"],
    rerank: Some(Rerank::Voyage),
    embedding: Embedding { renames: &[("dimensions", "output_dimension")], unsaid_float: true, ..EMBEDDING },
    ..COMPATIBLE
};

/// xAI (<https://docs.x.ai/docs/api-reference>).
pub const XAI: OpenAi = OpenAi {
    // https://docs.x.ai/docs/guides/reasoning
    thinkers_drop: &["frequency_penalty", "presence_penalty", "stop"],
    strict_tools: false,
    ..COMPATIBLE
};

/// Together (<https://docs.together.ai/reference/rerank-1>): hybrid models have a switch
/// (<https://docs.together.ai/docs/inference/chat/reasoning>).
pub const TOGETHER_AI: OpenAi = OpenAi { rerank: Some(Rerank::Plain), effort: Effort::Enabled, ..MAX_TOKENS };

/// Z.AI (<https://docs.z.ai/api-reference/llm/chat-completion>).
pub const ZAI: OpenAi = OpenAi {
    drops: &[
        "frequency_penalty",
        "logit_bias",
        "logprobs",
        "n",
        "parallel_tool_calls",
        "presence_penalty",
        "seed",
        "top_logprobs",
    ],
    temperature_max: Some(1.0),
    ..MAX_TOKENS
};
