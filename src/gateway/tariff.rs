//! What a deployment's calls cost: its place in the price table, or the prices that its configuration states.

use std::cell::OnceCell;
use std::rc::Rc;

use super::attempt::Request;
use crate::config::Match;
use crate::cost::{Buckets, Charge, Context, CustomRates, Entry, Exactness, PriceTable, Unit, charge, upper_bound};
use crate::http::Headers;
use crate::money::Money;
use crate::openai::Usage;
use crate::provider::{Facts, Vendor};

/// The prices of one deployment for one request.
#[derive(Clone, Debug)]
pub(super) struct Tariff {
    table: Rc<PriceTable>,
    provider: Vendor,
    /// The upstream's model, or `model_info.base_model`, which wins over what the answer says (Azure).
    model: String,
    is_base_model: bool,
    custom: Option<CustomRates>,
    host: Option<String>,
    service_tier: Option<String>,
    speed: Option<String>,
    search_context_size: Option<String>,
    sent_ms: u64,
    /// The model in the price table, once it was looked for: a bound asks a dozen times.
    known: OnceCell<Option<Rc<Entry>>>,
}

impl Tariff {
    /// The prices that hold for `request` to `found`, sent at `sent_ms`.
    pub(super) fn new(
        table: &Rc<PriceTable>,
        found: &Match,
        request: &Request,
        api_base: Option<&str>,
        sent_ms: u64,
    ) -> Self {
        let text = |name: &str| request.fields().get::<String>(name).ok().flatten();
        let search = request.fields().get::<serde_json::Value>("web_search_options").ok().flatten();
        let size = search.as_ref().and_then(|options| options.get("search_context_size")?.as_str());
        Self {
            host: api_base.and_then(host).map(str::to_owned),
            service_tier: text("service_tier"),
            speed: text("speed"),
            search_context_size: size.map(str::to_owned),
            sent_ms,
            ..Self::plain(table, found)
        }
    }

    /// The prices that hold for any request to `found`.
    pub(super) fn plain(table: &Rc<PriceTable>, found: &Match) -> Self {
        let base_model = found.deployment.model_info.get("base_model").and_then(serde_json::Value::as_str);
        Self {
            table: table.clone(),
            provider: found.provider.clone(),
            model: base_model.unwrap_or(&found.model).to_owned(),
            is_base_model: base_model.is_some(),
            custom: found.deployment.custom_rates.clone(),
            host: None,
            service_tier: None,
            speed: None,
            search_context_size: None,
            sent_ms: 0,
            known: OnceCell::new(),
        }
    }

    /// The provider and the model, as the prices know them.
    pub(super) fn name(&self) -> (&str, &str) {
        (self.provider.name(), &self.model)
    }

    /// The prices that hold for a request to `found` that asks for nothing special, sent to `api_base` at `sent_ms`.
    pub(super) fn quoted(table: &Rc<PriceTable>, found: &Match, api_base: Option<&str>, sent_ms: u64) -> Self {
        Self { host: api_base.and_then(host).map(str::to_owned), sent_ms, ..Self::plain(table, found) }
    }

    /// What the prices depend on beside the model.
    pub(super) fn context(&self) -> Context<'_> {
        Context {
            now_ms: self.sent_ms,
            service_tier: self.service_tier.as_deref(),
            speed: self.speed.as_deref(),
            host: self.host.as_deref(),
            search_context_size: self.search_context_size.as_deref(),
            ..Context::default()
        }
    }

    /// The model in the price table; `served` is what the answer calls it.
    pub(super) fn entry(&self, served: Option<&str>) -> Option<Rc<Entry>> {
        match served.filter(|served| !self.is_base_model && *served != self.model) {
            None => self.known.get_or_init(|| self.look_up(None).map(Rc::new)).clone(),
            served => self.look_up(served).map(Rc::new),
        }
    }

    fn look_up(&self, served: Option<&str>) -> Option<Entry> {
        // A base model may name another provider's: `azure/gpt-4o` and `openai/gpt-4o` alike.
        let (provider, model) = match self.model.split_once('/') {
            Some((provider, model)) if self.is_base_model => (provider, model),
            _ => (self.provider.name(), self.model.as_str()),
        };
        let listed = self.table.find_served(provider, model, served);
        match (&self.custom, listed) {
            (Some(custom), Some(entry)) => Some(custom.apply(&entry)),
            (Some(custom), None) => Some(custom.entry(self.provider.name(), &self.model)),
            (None, listed) => listed,
        }
    }

    /// What a call has cost; `None` where nobody knows, which is not 0.
    pub(super) fn charge(&self, usage: &Usage, served: Option<&str>) -> Option<Charge> {
        let priced =
            self.entry(served).and_then(|entry| charge(&entry, &Buckets::from(usage), &self.context().served(usage)));
        match self.table.reported_cost(self.provider.name(), usage) {
            Some(total) => Some(Charge::reported(total, priced)),
            None => priced,
        }
    }

    /// The most that a call can cost within these bounds; `None` where nobody knows.
    pub(super) fn bound(&self, input_tokens: u64, output_tokens: u64, n: u64) -> Option<Money> {
        let entry = self.entry(None)?;
        upper_bound(&entry, input_tokens, output_tokens, n, &self.context())
    }

    /// The most that so many web searches can cost, whatever their context's size; nothing where they have no price.
    pub(super) fn search_bound(&self, searches: u64) -> Money {
        let Some(entry) = (searches > 0).then(|| self.entry(None)).flatten() else { return Money::ZERO };
        let cost = |searches, size| {
            let context = Context { search_context_size: Some(size), ..self.context() };
            charge(&entry, &Buckets::default().with(Unit::WebSearch, searches), &context)
                .map_or(Money::ZERO, |it| it.total)
        };
        // The fee of the call itself is in the bound of its tokens.
        ["low", "medium", "high"].map(|size| cost(searches, size) - cost(0, size)).into_iter().max().unwrap_or_default()
    }

    /// The most that so many search units of a reranking can cost; nothing where they have no price.
    pub(super) fn query_bound(&self, queries: u64) -> Money {
        let Some(entry) = (queries > 0).then(|| self.entry(None)).flatten() else { return Money::ZERO };
        let cost = |queries| {
            charge(&entry, &Buckets::default().with(Unit::Query, queries), &self.context())
                .map_or(Money::ZERO, |it| it.total)
        };
        // The fee of the call itself is in the bound of its tokens.
        cost(queries) - cost(0)
    }

    /// Provider and model by which tokens are counted.
    pub(super) fn tokenized_as(&self) -> (&str, &str) {
        (self.provider.name(), &self.model)
    }

    /// Tokens that a prompt may have, where the price table knows.
    pub(super) fn max_input_tokens(&self) -> Option<u64> {
        let limits = self.entry(None)?.limits();
        limits.max_input.or(limits.context)
    }

    /// What a dialect may want to know of the model.
    pub(super) fn facts(&self) -> Facts {
        let Some(entry) = self.entry(None) else { return Facts::default() };
        let supports = |name: &str| entry.supports(name);
        Facts {
            max_output_tokens: entry.limits().max_output,
            native_json_schema: supports("native_structured_output"),
            adaptive_thinking: supports("adaptive_thinking"),
            reasoning: supports("reasoning"),
            sampling_params: supports("sampling_params"),
            forced_tool_use: supports("forced_tool_use"),
            mid_conversation_system: supports("mid_conversation_system"),
            thinking_always_on: supports("thinking_always_on"),
            minimal_effort: supports("minimal_reasoning_effort"),
            low_effort: supports("low_reasoning_effort"),
            none_effort: supports("none_reasoning_effort"),
            xhigh_effort: supports("xhigh_reasoning_effort"),
            max_effort: supports("max_reasoning_effort"),
            system_messages: supports("system_messages"),
        }
    }
}

/// The host of a URL.
fn host(url: &str) -> Option<&str> {
    url.split_once("://")?.1.split(['/', ':', '?']).next()
}

/// Tells a client what its call has cost, item by item, in dollars.
pub(super) fn add_cost_headers(headers: &mut Headers, charge: &Charge) {
    let items = &charge.items;
    headers.push("x-litellm-response-cost", charge.total.to_string());
    for (name, amount) in [
        ("input", items.input),
        ("output", items.output),
        ("cache-read", items.cache_read),
        ("cache-creation", items.cache_creation),
        ("reasoning", items.reasoning),
        ("tool-usage", items.tool_usage),
    ] {
        headers.push(&format!("x-litellm-response-cost-{name}"), amount.to_string());
    }
    headers.push(
        "x-litellm-response-cost-exactness",
        match charge.exactness {
            Exactness::Exact => "exact",
            Exactness::Estimated => "estimated",
        },
    );
}
