//! `POST /cost/estimate`: what a request of so many tokens costs, and so many of them a day and a month.

use super::{Priced, exactness, required};
use crate::cost::{Buckets, Charge, Entry, Rates, Unit, charge};
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::host::Host;
use crate::money::Money;
use crate::openai::Fields;

/// What is asked: `LiteLLM`'s fields. Cache tokens are among those of the input, reasoning among those of the output.
struct Asked {
    input: u64,
    output: u64,
    cache_read: u64,
    cache_creation: u64,
    reasoning: u64,
    per_day: Option<u64>,
    per_month: Option<u64>,
}

impl Asked {
    fn read(fields: &Fields) -> Result<Self> {
        let count = |name: &str| fields.get::<u64>(name);
        let tokens = |name: &str| {
            count(name)?
                .ok_or_else(|| Error::bad_request(name, format!("`{name}` is missing: give a number of tokens")))
        };
        let asked = Self {
            input: tokens("input_tokens")?,
            output: tokens("output_tokens")?,
            cache_read: count("cache_read_input_tokens")?.unwrap_or(0),
            cache_creation: count("cache_creation_input_tokens")?.unwrap_or(0),
            reasoning: count("reasoning_tokens")?.unwrap_or(0),
            per_day: count("num_requests_per_day")?,
            per_month: count("num_requests_per_month")?,
        };
        if asked.cache_read.saturating_add(asked.cache_creation) > asked.input {
            let message = "`cache_read_input_tokens` and `cache_creation_input_tokens` are counted within \
                           `input_tokens`: together they cannot exceed it";
            return Err(Error::bad_request("cache_read_input_tokens", message));
        }
        if asked.reasoning > asked.output {
            let message = "`reasoning_tokens` are counted within `output_tokens`: they cannot exceed it";
            return Err(Error::bad_request("reasoning_tokens", message));
        }
        Ok(asked)
    }

    fn buckets(&self) -> Buckets {
        Buckets::of_text(self.input - self.cache_read - self.cache_creation, self.output - self.reasoning)
            .with(Unit::CacheRead, self.cache_read)
            .with(Unit::CacheWrite, self.cache_creation)
            .with(Unit::Reasoning, self.reasoning)
    }
}

/// Answers with `LiteLLM`'s fields; all costs are `null` where the model has no price.
///
/// # Errors
///
/// A field that is missing or wrong, and a model that nobody knows.
pub(super) fn answer<H: Host>(gateway: &Gateway, host: &H, fields: &Fields) -> Result<Fields> {
    let model = required(fields, "model", "name a model of the configuration or of the price table")?;
    let asked = Asked::read(fields)?;
    let priced = Priced::find(gateway, host, &model)?;
    let entry = priced.entry();
    let context = priced.context();
    let charge = entry.as_ref().and_then(|entry| charge(entry, &asked.buckets(), &context));
    let mut out = Fields::default();
    out.set("model", &model);
    out.set("input_tokens", &asked.input);
    out.set("output_tokens", &asked.output);
    out.set("cache_read_input_tokens", &asked.cache_read);
    out.set("cache_creation_input_tokens", &asked.cache_creation);
    out.set("reasoning_tokens", &asked.reasoning);
    out.set("num_requests_per_day", &asked.per_day);
    out.set("num_requests_per_month", &asked.per_month);
    costs(&mut out, ["cost_per_request", "", "_cost_per_request"], charge.as_ref(), Some(1));
    costs(&mut out, ["daily_cost", "daily_", "_cost"], charge.as_ref(), asked.per_day);
    costs(&mut out, ["monthly_cost", "monthly_", "_cost"], charge.as_ref(), asked.per_month);
    prices(&mut out, entry.as_deref().and_then(|entry: &Entry| entry.rates_at(context.now_ms)));
    out.set("provider", priced.provider());
    out.set("exactness", &exactness(charge.as_ref()));
    Ok(out)
}

/// A part of a charge.
type Part = fn(&Charge) -> Money;

/// The costs of `requests` requests, under the name of the total, and a prefix and a suffix for those of its parts. The
/// cache's shares are within the input's cost, reasoning's is within the output's; what is neither is `other`.
fn costs(out: &mut Fields, [total, prefix, suffix]: [&str; 3], charge: Option<&Charge>, requests: Option<u64>) {
    let scaled = |amount: Part| Some(amount(charge?) * requests?);
    out.set(total, &scaled(|charge| charge.total));
    let parts: [(&str, Part); 7] = [
        ("input", |charge| charge.items.input + charge.items.cache_read + charge.items.cache_creation),
        ("output", |charge| charge.items.output + charge.items.reasoning),
        // This gateway adds no margin.
        ("margin", |_| Money::ZERO),
        ("cache_read", |charge| charge.items.cache_read),
        ("cache_creation", |charge| charge.items.cache_creation),
        ("reasoning", |charge| charge.items.reasoning),
        ("other", |charge| charge.items.other + charge.items.tool_usage),
    ];
    for (part, amount) in parts {
        out.set(&format!("{prefix}{part}{suffix}"), &scaled(amount));
    }
}

/// The prices of single tokens.
fn prices(out: &mut Fields, rates: Option<&Rates>) {
    for (name, unit) in [
        ("input_cost_per_token", Unit::Input),
        ("output_cost_per_token", Unit::Output),
        ("cache_read_input_token_cost", Unit::CacheRead),
        ("cache_creation_input_token_cost", Unit::CacheWrite),
        ("output_cost_per_reasoning_token", Unit::Reasoning),
    ] {
        out.set(name, &rates.and_then(|rates| rates.base(unit)));
    }
}
