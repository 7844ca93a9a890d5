//! What a request can cost at most, before it is sent: a budget reserves that, and clamps the answer to what it can pay.

use serde_json::Value;
use serde_json::value::RawValue;

use super::attempt::Request;
use super::tariff::Tariff;
use crate::cost::tokens::{self, Family};
use crate::error::Result;
use crate::money::Money;
use crate::openai::{ChatRequest, Fields, RerankRequest};

/// Tokens of an answer whose bound neither the client nor the price table knows; Anthropic's dialect sends the same.
const DEFAULT_OUTPUT: u64 = 4_096;

/// The largest budget that a dialect gives to a `reasoning_effort`, in tokens.
const MOST_EFFORT: u64 = 16_384;

/// Searches of an answer that may search and is not told how often. A guess: providers state no bound.
const MOST_SEARCHES: u64 = 10;

/// Tokens of prompt that a search adds. A guess, above what pages of results have come to in bills.
const SEARCH_TOKENS: u64 = 10_000;

/// Tokens of prompt that a request can refer to (a cached content, an earlier response) at a model without a known limit.
const MOST_REFERRED: u64 = 2_000_000;

/// Tokens of a document with its query that count as one document of a reranking.
const CHUNK_TOKENS: u64 = 500;

/// Tokens of a document that such a chunk has room for at least, beside a long query. A guess: Cohere cuts queries.
const LEAST_CHUNK: u64 = 100;

/// Documents of one search unit.
const DOCUMENTS_A_UNIT: u64 = 100;

/// Fields of a chat request that are counted elsewhere, or that no model reads.
#[rustfmt::skip]
const NOT_PROMPT: &[&str] = &[
    "audio", "function_call", "functions", "logit_bias", "messages", "metadata", "modalities", "model", "prediction",
    "prompt_cache_key", "prompt_cache_retention", "reasoning_effort", "safety_identifier", "service_tier", "stop",
    "stream_options", "thinking", "tool_choice", "tools", "user", "verbosity",
];

/// Fields by which a prompt refers to tokens that are not in the request.
const REFERENCES: &[&str] = &["cached_content", "cachedContent", "previous_response_id", "conversation"];

/// The most that a request can use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct UsageBound {
    /// Tokens of the prompt.
    pub(super) input_tokens: u64,
    /// Tokens of each answer, reasoning included.
    pub(super) output_tokens: u64,
    /// Answers: `n`.
    pub(super) answers: u64,
    /// Web searches.
    pub(super) searches: u64,
    /// Search units of a reranking.
    pub(super) queries: u64,
}

impl UsageBound {
    /// The most that `request` can use where `tariff` holds. Linear in the request: keep it rather than ask twice.
    ///
    /// Never below what is used by a provider that keeps to the request's own limits, but for documents, whose pages
    /// are guessed generously, and searches, which are guessed where the request does not bound them.
    pub(super) fn of(tariff: &Tariff, request: &Request) -> Self {
        let input_tokens = input_bound(tariff, request);
        let Request::Chat(chat) = request else {
            let queries = if let Request::Rerank(rerank) = request { search_units(tariff, rerank) } else { 0 };
            return Self { input_tokens, output_tokens: 0, answers: 1, searches: 0, queries };
        };
        Self {
            input_tokens,
            output_tokens: output_bound(tariff, chat),
            answers: number(chat.fields(), "n").unwrap_or(1).max(1),
            searches: searches(chat),
            queries: 0,
        }
    }

    /// What that costs at most; `None` where nobody knows a price.
    pub(super) fn cost(&self, tariff: &Tariff) -> Option<Money> {
        let tokens = tariff.bound(self.input_tokens, self.output_tokens, self.answers)?;
        Some(tokens + tariff.search_bound(self.searches) + tariff.query_bound(self.queries))
    }

    /// The largest bound of each answer, at most this one, with which the request costs no more than `granted`: 0 where
    /// not even one token is left beside the prompt, `None` where nobody knows a price.
    pub(super) fn affordable_output_tokens(&self, tariff: &Tariff, granted: Money) -> Option<u64> {
        let fits = |output_tokens| Some(Self { output_tokens, ..*self }.cost(tariff)? <= granted);
        if fits(self.output_tokens)? {
            return Some(self.output_tokens);
        }
        let (mut most, mut above) = (0, self.output_tokens);
        while above - most > 1 {
            let middle = most + (above - most) / 2;
            if fits(middle)? {
                most = middle;
            } else {
                above = middle;
            }
        }
        Some(most)
    }
}

/// Whether the client has bounded the answer; an embedding has none.
pub(super) fn is_bounded(request: &Request) -> bool {
    match request {
        Request::Chat(chat) => OUTPUT_BOUNDS.iter().any(|name| chat.raw(name).is_some()),
        Request::Embeddings(_) | Request::Rerank(_) => true,
    }
}

/// `request` with the answer bounded to `output_tokens`, in the fields that it bounds it with already, else in
/// `max_tokens`, which every dialect gives its provider's name. An embedding has no such bound.
///
/// # Errors
///
/// What [`ChatRequest::with`] refuses.
pub(super) fn with_output_bound(request: &Request, output_tokens: u64) -> Result<Request> {
    let Request::Chat(chat) = request else { return Ok(request.clone()) };
    let named: Vec<&str> = OUTPUT_BOUNDS.iter().copied().filter(|name| chat.raw(name).is_some()).collect();
    let names = if named.is_empty() { &["max_tokens"][..] } else { &named };
    chat.with(|fields| names.iter().for_each(|name| fields.set(name, &output_tokens))).map(Request::Chat)
}

/// The bounds of an answer. Which of them goes upstream where both are given is the dialect's choice: the larger counts.
const OUTPUT_BOUNDS: &[&str] = &["max_completion_tokens", "max_tokens"];

/// Tokens of the prompt that are never below the real ones. A request that cannot be read counts by its bytes.
pub(super) fn input_bound(tariff: &Tariff, request: &Request) -> u64 {
    let (provider, model) = tariff.tokenized_as();
    let family = family(provider, model);
    match request {
        Request::Chat(chat) => {
            let referred = if refers(chat) { tariff.max_input_tokens().unwrap_or(MOST_REFERRED) } else { 0 };
            written_bound(chat, model, family) + referred + searches(chat).saturating_mul(SEARCH_TOKENS)
        }
        Request::Embeddings(embeddings) => {
            embeddings.fields().get::<Value>("input").ok().flatten().map_or(0, |input| embedded(&input, model, family))
        }
        // A reranker reads the query with each document, and puts marks around both.
        Request::Rerank(rerank) => {
            let query = tokens::upper_bound(rerank.query(), family).saturating_add(8);
            rerank.texts().iter().map(|text| tokens::upper_bound(text, family).saturating_add(query)).sum()
        }
    }
}

/// The most search units of a reranking. One is a query with up to 100 documents, and what is over 500 tokens with its
/// query counts as several: Cohere's words, as Microsoft gives them
/// (<https://learn.microsoft.com/azure/ai-studio/how-to/deploy-models-cohere-rerank>). Its own best practices tell what its
/// models split, which is longer, and not what it bills.
fn search_units(tariff: &Tariff, rerank: &RerankRequest) -> u64 {
    let (provider, model) = tariff.tokenized_as();
    let family = family(provider, model);
    let room = CHUNK_TOKENS.saturating_sub(tokens::upper_bound(rerank.query(), family)).max(LEAST_CHUNK);
    let chunks = |text: &String| tokens::upper_bound(text, family).div_ceil(room).max(1);
    rerank.texts().iter().map(chunks).sum::<u64>().div_ceil(DOCUMENTS_A_UNIT)
}

/// Tokens of what stands in a request, never below the real ones.
pub(super) fn written_bound(chat: &ChatRequest, model: &str, family: Family) -> u64 {
    let told = tokens::chat_upper_bound(chat, model, family);
    let told = told.unwrap_or_else(|_| chat.fields().to_bytes().len() as u64);
    let others = chat.fields().iter().filter(|(name, _)| !NOT_PROMPT.contains(name));
    let others: u64 = others.map(|(_, value)| written(value, family)).sum();
    told + others
}

/// Whether a prompt has tokens that do not stand in the request.
pub(super) fn refers(chat: &ChatRequest) -> bool {
    REFERENCES.iter().any(|name| chat.raw(name).is_some())
}

/// The family that a bound may rely on: OpenAI's proof holds for OpenAI's models, not for whatever a server that speaks
/// its dialect has under a name of its own.
pub(super) fn family(provider: &str, model: &str) -> Family {
    match tokens::family_of(provider, model) {
        Family::OpenAi | Family::OpenAiOld if tokens::encoding_of(provider, model).is_none() => Family::Other,
        family => family,
    }
}

/// A field that the provider may write into the prompt: a schema, a system prompt, documents.
fn written(value: &RawValue, family: Family) -> u64 {
    let is_text = value.get().starts_with(['"', '{', '[']);
    if is_text { tokens::upper_bound(value.get(), family) + 16 } else { 0 }
}

/// Tokens of an embedding's input: texts, tokens, lists of either, or parts with images.
fn embedded(input: &Value, model: &str, family: Family) -> u64 {
    match input {
        // Encoders put a token before and one behind.
        Value::String(text) => tokens::upper_bound(text, family) + 2,
        Value::Array(items) => items.iter().map(|item| embedded(item, model, family)).sum(),
        Value::Object(_) => {
            let image = tokens::image_rule(family, model).most();
            tokens::upper_bound(&input.to_string(), family).max(image)
        }
        _ => 1,
    }
}

fn output_bound(tariff: &Tariff, chat: &ChatRequest) -> u64 {
    let fields = chat.fields();
    let told = OUTPUT_BOUNDS.iter().filter_map(|name| number(fields, name)).max();
    let bound = told.map_or_else(|| unbounded_output(tariff, fields), |told| told.max(1));
    // What was predicted wrongly is billed as an answer.
    let predicted = fields.raw("prediction").map_or(0, |prediction| prediction.get().len() as u64);
    bound.saturating_add(predicted)
}

/// The bound of an answer that the client leaves open: the model's, or what its dialect sends.
fn unbounded_output(tariff: &Tariff, fields: &Fields) -> u64 {
    let thinking = fields.get::<Value>("thinking").ok().flatten();
    let budget = thinking.and_then(|thinking| thinking.get("budget_tokens")?.as_u64());
    let effort = fields.raw("reasoning_effort").map(|_| MOST_EFFORT);
    let with_thinking = DEFAULT_OUTPUT.saturating_add(budget.or(effort).unwrap_or(0));
    match tariff.facts().max_output_tokens {
        Some(longest) if budget.is_none_or(|budget| longest > budget) => longest,
        _ => with_thinking,
    }
}

/// The most web searches of an answer: what its tools say, else a guess, for each way to search that is asked for.
pub(super) fn searches(chat: &ChatRequest) -> u64 {
    let tools = chat.get::<Vec<Value>>("tools").ok().flatten().unwrap_or_default();
    let by_tools = tools.iter().filter(|tool| is_search(tool)).fold(0_u64, |sum, tool| {
        sum.saturating_add(tool.get("max_uses").and_then(Value::as_u64).unwrap_or(MOST_SEARCHES))
    });
    let by_options = if chat.raw("web_search_options").is_some() { MOST_SEARCHES } else { 0 };
    by_tools.max(by_options)
}

/// Whether a tool is a provider's own search: by its type (`web_search_20250305`), or Gemini's single key.
fn is_search(tool: &Value) -> bool {
    let is_named = |name: &str| {
        let name = name.to_ascii_lowercase().replace('_', "");
        name.starts_with("websearch") || name.starts_with("googlesearch")
    };
    match tool.get("type").and_then(Value::as_str) {
        Some("function") => false,
        Some(kind) => is_named(kind),
        None => tool.as_object().is_some_and(|tool| tool.keys().any(|key| is_named(key))),
    }
}

/// A count that clients send as a float, too.
fn number(fields: &Fields, name: &str) -> Option<u64> {
    let number = fields.get::<f64>(name).ok().flatten()?;
    Some(number.round().max(0.0) as u64)
}

#[cfg(test)]
mod tests;
