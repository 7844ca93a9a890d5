//! What a call costs: counts times prices, summed exactly and rounded once.

use super::context::Context;
use super::entry::Entry;
use super::price::Amount;
use super::rates::{Found, Rates};
use super::unit::{Item, Tier, Unit};
use super::usage::Buckets;
use crate::money::Money;

/// How far a charge can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exactness {
    /// Every count had its own price, or the provider said what it bills.
    Exact,
    /// Some price was another unit's or tier's, the model was found by less than its name, or something had no price.
    Estimated,
}

/// Where a charge comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The price table, or prices of the configuration.
    Prices,
    /// The provider's own words.
    Provider,
}

/// A charge by what it was for. The parts are disjoint and sum to the total.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Items {
    /// What was sent, without the cache's part.
    pub input: Money,
    /// What was answered, without reasoning.
    pub output: Money,
    /// Read from a cache.
    pub cache_read: Money,
    /// Written to a cache.
    pub cache_creation: Money,
    /// Reasoning.
    pub reasoning: Money,
    /// Tools that the provider runs: searches, maps, sessions.
    pub tool_usage: Money,
    /// Everything else: fees by request, page or query, and what a provider reports without saying for what.
    pub other: Money,
}

impl Items {
    fn of(&mut self, item: Item) -> &mut Money {
        match item {
            Item::Input => &mut self.input,
            Item::Output => &mut self.output,
            Item::CacheRead => &mut self.cache_read,
            Item::CacheCreation => &mut self.cache_creation,
            Item::Reasoning => &mut self.reasoning,
            Item::ToolUsage => &mut self.tool_usage,
            Item::Other => &mut self.other,
        }
    }

    /// The sum of all parts.
    pub fn sum(&self) -> Money {
        let Self { input, output, cache_read, cache_creation, reasoning, tool_usage, other } = *self;
        [input, output, cache_read, cache_creation, reasoning, tool_usage, other].into_iter().sum()
    }
}

/// What a call costs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// All of it.
    pub total: Money,
    /// What it was for.
    pub items: Items,
    /// How far it can be relied on.
    pub exactness: Exactness,
    /// Where it comes from.
    pub source: Source,
    /// What was used and has no price: the charge is too low by that.
    pub unpriced: Vec<Unit>,
}

impl Charge {
    /// A charge that the provider itself reported, with the parts of `priced` where both come to the same.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::{Charge, Exactness};
    /// use tollgate::money::Money;
    ///
    /// let charge = Charge::reported(Money::parse("0.0125").unwrap(), None);
    /// assert_eq!((charge.total, charge.exactness), (charge.items.other, Exactness::Exact));
    /// ```
    pub fn reported(total: Money, priced: Option<Self>) -> Self {
        let items = match priced {
            Some(priced) if priced.total == total => priced.items,
            _ => Items { other: total, ..Items::default() },
        };
        Self { total, items, exactness: Exactness::Exact, source: Source::Provider, unpriced: Vec::new() }
    }

    /// Adds what an attempt has cost at an estimate whose answer nobody got.
    pub fn add_estimate(&mut self, cost: Money) {
        self.total += cost;
        self.items.other += cost;
        self.exactness = Exactness::Estimated;
    }
}

/// Prices what a call used, at the prices of the time that it was sent.
///
/// The bracket is told by all tokens of the prompt, cache included, and reprices the whole request. `None`: no price is
/// known for what was used, which is never the same as free.
///
/// # Examples
///
/// ```
/// use tollgate::cost::{Buckets, Context, Exactness, PriceTable, Unit, charge};
///
/// let table = PriceTable::embedded();
/// let entry = table.find("openai", "gpt-4o").unwrap();
/// let context = Context { now_ms: 1_795_000_000_000, ..Context::default() };
/// let used = Buckets::of_text(464, 300).with(Unit::CacheRead, 1536);
/// let charge = charge(&entry, &used, &context).unwrap();
/// assert_eq!(charge.total.to_string(), "0.00608");
/// assert_eq!(charge.items.cache_read.to_string(), "0.00192");
/// assert_eq!(charge.exactness, Exactness::Exact);
/// ```
pub fn charge(entry: &Entry, used: &Buckets, context: &Context<'_>) -> Option<Charge> {
    let rates = entry.rates_at(context.now_ms).filter(|rates| !rates.is_empty())?;
    let (tiers, known_tier) = context.tiers();
    let (factor_units, factors_known) = factors(rates, context);
    // Some searches of the day are free, but no call knows which: it is charged, and said to be an estimate.
    let free_searches = used.get(Unit::WebSearch) > 0 && entry.supports("free_searches") == Some(true);
    let mut guessed = entry.is_inferred() || !known_tier || !factors_known || free_searches;
    let mut unpriced = Vec::new();
    let mut sum = Amount::ZERO;
    let mut items = Items::default();
    let mut any = false;
    for (unit, count) in billable(rates, used, context) {
        let measure = if unit == Unit::Query { context.max_results } else { used.prompt_tokens() };
        let Some(found) = price(rates, unit, measure, tiers) else {
            unpriced.push(unit);
            continue;
        };
        guessed |= found.guessed;
        any = true;
        let line = Amount::of(count, found.price);
        let line = if unit.is_token() { factor_units.iter().fold(line, |line, by| line.times(*by)) } else { line };
        let before = sum.rounded();
        sum = sum.plus(line);
        // Each part is what it adds to the rounded sum, so that the parts sum to the total.
        *items.of(unit.item()) += sum.rounded() - before;
    }
    let by_token = rates.all().iter().any(|rate| rate.unit.is_token());
    if by_token && unpriced.iter().any(|unit| unit.is_token()) || !any && !unpriced.is_empty() {
        return None;
    }
    // A model that is paid by the image or the second may well report tokens: they are not what it costs.
    unpriced.retain(|unit| !unit.is_token());
    let exactness = if guessed || !unpriced.is_empty() { Exactness::Estimated } else { Exactness::Exact };
    Some(Charge { total: sum.rounded(), items, exactness, source: Source::Prices, unpriced })
}

/// The factors of a request that a price list knows, and whether it knows the one of a speed that was asked for.
fn factors(rates: &Rates, context: &Context<'_>) -> (Vec<super::Price>, bool) {
    let known = |factor: Unit| rates.base(factor);
    let fast = context.factors().any(|factor| factor == Unit::TimesFast);
    (context.factors().filter_map(known).collect(), !fast || known(Unit::TimesFast).is_some())
}

/// The price of a unit; for text, where a model has a price for one other modality only (speech, images), that one.
fn price(rates: &Rates, unit: Unit, measure: u64, tiers: &[Tier]) -> Option<Found> {
    let instead = || {
        let mut others = substitutes(unit).iter();
        let found = others.find_map(|other| rates.price(*other, measure, tiers))?;
        Some(Found { guessed: true, ..found })
    };
    rates.price(unit, measure, tiers).or_else(instead)
}

/// What text is paid as at a model that has no price for text.
fn substitutes(unit: Unit) -> &'static [Unit] {
    if unit == Unit::Citation {
        &[]
    } else if unit.is_prompt_token() {
        &[Unit::InputAudio, Unit::InputImage, Unit::InputVideo]
    } else if unit.is_answer_token() {
        &[Unit::OutputAudio, Unit::OutputImage, Unit::OutputVideo]
    } else {
        &[]
    }
}

/// The units that are billed, with their counts: of two ways to count the same thing the one that has a price.
fn billable(rates: &Rates, used: &Buckets, context: &Context<'_>) -> Vec<(Unit, u64)> {
    let mut lines: Vec<(Unit, u64)> = Vec::with_capacity(8);
    for (unit, count) in used.used() {
        match unit {
            // Billed only where it is listed.
            Unit::Citation if !rates.has(unit) => {}
            Unit::CacheWrite if context.prompt_cache_retention == Some("24h") && rates.has(Unit::CacheWrite12h) => {
                lines.push((Unit::CacheWrite12h, count));
            }
            Unit::WebSearch if rates.has(Unit::GroundedPrompt) => lines.push((Unit::GroundedPrompt, 1)),
            Unit::WebSearch if fee(rates, context).is_some() => {}
            Unit::WebSearch => lines.push((context.search_unit(), count)),
            Unit::ImageOut if used.get(Unit::OutputImage) > 0 && rates.has(Unit::OutputImage) => {}
            Unit::ImageIn if used.get(Unit::InputImage) > 0 && rates.has(Unit::InputImage) => {}
            Unit::PixelOut if used.get(Unit::ImageOut) > 0 && has_image(rates, used) => {}
            Unit::PixelIn if used.get(Unit::ImageIn) > 0 && rates.has(Unit::ImageIn) => {}
            Unit::ImageOut if !has_image(rates, used) && used.get(Unit::PixelOut) > 0 => {}
            Unit::ImageIn if !rates.has(Unit::ImageIn) && used.get(Unit::PixelIn) > 0 => {}
            Unit::SecondIn if used.prompt_tokens() > 0 && rates.has(Unit::Input) => {}
            Unit::Request => {}
            Unit::ImageOut | Unit::SecondOut => lines.push((context.sized(unit), count)),
            _ => lines.push((unit, count)),
        }
    }
    // The call itself is one, said or not.
    lines.extend(rates.has(Unit::Request).then_some((Unit::Request, used.get(Unit::Request).max(1))));
    lines.extend(fee(rates, context).map(|fee| (fee, 1)));
    lines
}

fn has_image(rates: &Rates, used: &Buckets) -> bool {
    let tokens = used.get(Unit::OutputImage) > 0 && rates.has(Unit::OutputImage);
    tokens || rates.all().iter().any(|rate| (Unit::ImageOut..=Unit::ImageOut4K).contains(&rate.unit))
}

/// The fee by request of a model that searches with every call.
fn fee(rates: &Rates, context: &Context<'_>) -> Option<Unit> {
    let fee = context.request_unit();
    rates.has(fee).then_some(fee)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::CustomRates;
    use serde_json::{Value, json};

    fn total(prices: &Value, used: &Buckets, context: &Context<'_>) -> Option<String> {
        let custom = CustomRates::from_fields(prices.as_object().unwrap()).unwrap().unwrap();
        let charge = charge(&custom.entry("my", "own"), used, context)?;
        assert_eq!(charge.items.sum(), charge.total);
        Some(charge.total.to_string())
    }

    #[test]
    fn an_image_is_paid_by_its_tokens_or_by_the_piece_and_never_by_both() {
        let both =
            json!({"output_cost_per_image_token": 0.001, "output_cost_per_image": 5, "output_cost_per_pixel": 1});
        let piece = Buckets::default().with(Unit::ImageOut, 2).with(Unit::PixelOut, 512);
        let plain = Context::default();
        assert_eq!(total(&both, &piece, &plain).as_deref(), Some("10"));
        assert_eq!(total(&both, &piece.with(Unit::OutputImage, 7), &plain).as_deref(), Some("0.007"));
        let pixels = json!({"output_cost_per_pixel": 0.001});
        assert_eq!(total(&pixels, &piece, &plain).as_deref(), Some("0.512"));
    }

    #[test]
    fn sound_is_paid_by_its_tokens_or_by_the_second() {
        let used = Buckets::of_text(100, 0).with(Unit::SecondIn, 60);
        let plain = Context::default();
        assert_eq!(total(&json!({"input_cost_per_second": 0.0001}), &used, &plain).as_deref(), Some("0.006"));
        let both = json!({"input_cost_per_second": 0.0001, "input_cost_per_token": 0.001});
        assert_eq!(total(&both, &used, &plain).as_deref(), Some("0.1"));
    }

    #[test]
    fn a_resolution_has_its_own_price() {
        let prices = json!({"output_cost_per_second": 1, "output_cost_per_second_720p": 2, "output_cost_per_image": 3,
            "output_cost_per_image_2K": 4});
        let at = |resolution, unit| {
            let context = Context { resolution: Some(resolution), ..Context::default() };
            total(&prices, &Buckets::default().with(unit, 10), &context).unwrap()
        };
        assert_eq!((at("720p", Unit::SecondOut), at("9000p", Unit::SecondOut)), ("20".to_owned(), "10".to_owned()));
        assert_eq!((at("2K", Unit::ImageOut), at("1024x1024", Unit::ImageOut)), ("40".to_owned(), "30".to_owned()));
    }

    #[test]
    fn tokens_kept_for_a_day_cost_more_to_write() {
        let prices = json!({"input_cost_per_token": 1, "cache_creation_input_token_cost": 2,
            "cache_creation_input_token_cost_above_12hr": 3});
        let used = Buckets::default().with(Unit::CacheWrite, 10);
        let day = Context { prompt_cache_retention: Some("24h"), ..Context::default() };
        assert_eq!(total(&prices, &used, &day).as_deref(), Some("30"));
        assert_eq!(total(&prices, &used, &Context::default()).as_deref(), Some("20"));
    }

    #[test]
    fn tokens_without_a_price_are_no_charge() {
        let used = Buckets::of_text(10, 10);
        assert_eq!(total(&json!({"input_cost_per_token": 1}), &used, &Context::default()), None);
        assert_eq!(
            total(&json!({"input_cost_per_token": 1}), &Buckets::of_text(10, 0), &Context::default()).as_deref(),
            Some("10")
        );
    }
}
