//! The most that a call can cost within its limits: what a budget has to hold before the call is sent.

use super::context::Context;
use super::entry::Entry;
use super::price::{Amount, Price};
use super::rates::Rates;
use super::unit::{Tier, Unit};
use crate::money::Money;

/// Tiers at which `auto` may be served.
const AUTO: &[Tier] = &[Tier::Flex, Tier::Priority, Tier::Fast];

/// The most that a call of at most `input_tokens` of prompt and `n` answers of at most `output_tokens` each can cost.
///
/// Never below the [`charge`](super::charge) of any usage within these limits, sent within a day of `now_ms` and served
/// at the tier of `context` or at the standard one: every token is taken at the highest price that one can have (text,
/// audio, image, cache write, reasoning, every bracket that the prompt can reach, every hour of the week). Searches,
/// images, seconds and pages are not tokens: whoever allows them adds their charge. `None`: the model has no price.
///
/// # Examples
///
/// ```
/// use tollgate::cost::{Context, PriceTable, upper_bound};
///
/// let table = PriceTable::embedded();
/// let entry = table.find("openai", "gpt-4o").unwrap();
/// let context = Context { now_ms: 1_795_000_000_000, ..Context::default() };
/// assert_eq!(upper_bound(&entry, 1000, 500, 2, &context).unwrap().to_string(), "0.0125");
/// ```
pub fn upper_bound(
    entry: &Entry,
    input_tokens: u64,
    output_tokens: u64,
    n: u64,
    context: &Context<'_>,
) -> Option<Money> {
    let output_tokens = output_tokens.saturating_mul(n.max(1));
    let lists = entry.rates_within_a_day(context.now_ms);
    lists.map(|rates| list_bound(rates, input_tokens, output_tokens, context)).try_fold(None, |most, bound| {
        // One list without a price is enough for there to be no bound.
        bound.map(|bound| Some(most.map_or(bound, |most: Money| most.max(bound))))
    })?
}

/// The longest answers, of at most `output_tokens` each, that `money` still pays by [`upper_bound`].
///
/// `None`: not even the prompt is paid, or the model has no price.
///
/// # Examples
///
/// ```
/// use tollgate::cost::{Context, PriceTable, affordable_output};
/// use tollgate::money::Money;
///
/// let table = PriceTable::embedded();
/// let entry = table.find("openai", "gpt-4o").unwrap();
/// let context = Context { now_ms: 1_795_000_000_000, ..Context::default() };
/// let money = |text| Money::parse(text).unwrap();
/// assert_eq!(affordable_output(&entry, 1000, 16_384, 1, &context, money("0.0125")), Some(1000));
/// assert_eq!(affordable_output(&entry, 1000, 16_384, 1, &context, money("9")), Some(16_384));
/// assert_eq!(affordable_output(&entry, 1000, 16_384, 1, &context, money("0.0001")), None);
/// ```
pub fn affordable_output(
    entry: &Entry,
    input_tokens: u64,
    output_tokens: u64,
    n: u64,
    context: &Context<'_>,
    money: Money,
) -> Option<u64> {
    let paid = |output: u64| Some(upper_bound(entry, input_tokens, output, n, context)? <= money);
    if !paid(0)? {
        return None;
    }
    let (mut low, mut high) = (0, output_tokens);
    while low < high {
        // Rounded up, so that the range shrinks in both cases.
        let middle = low + (high - low).div_ceil(2);
        if paid(middle)? { low = middle } else { high = middle - 1 }
    }
    Some(low)
}

fn list_bound(rates: &Rates, input_tokens: u64, output_tokens: u64, context: &Context<'_>) -> Option<Money> {
    let auto = context.service_tier.is_some_and(|tier| tier.eq_ignore_ascii_case("auto"));
    let tiers = if auto && !context.batch { AUTO } else { context.tiers().0 };
    let side = |count: u64, of: fn(Unit) -> bool| {
        if count == 0 {
            return Some(Amount::ZERO);
        }
        rates.highest(of, input_tokens, tiers).map(|price| Amount::of(count, price))
    };
    // A model that is paid by the image or the second only has no price of a token, and needs none.
    let by_token = rates.all().iter().any(|rate| rate.unit.is_token());
    let tokens = if by_token {
        side(input_tokens, Unit::is_prompt_token)?.plus(side(output_tokens, Unit::is_answer_token)?)
    } else {
        (!rates.is_empty()).then_some(Amount::ZERO)?
    };
    let tokens = factors(rates, context).into_iter().fold(tokens, Amount::times);
    let fee = |of: fn(Unit) -> bool| {
        let fee = rates.highest(of, input_tokens, tiers);
        fee.map_or(Amount::ZERO, |fee| Amount::of(1, fee))
    };
    let sized = |unit| (Unit::RequestLow..=Unit::RequestHigh).contains(&unit);
    Some(tokens.plus(fee(|unit| unit == Unit::Request)).plus(fee(sized)).ceil())
}

/// The factors that the request may come to: those of the context, and the region that an account may default to.
fn factors(rates: &Rates, context: &Context<'_>) -> Vec<Price> {
    let default_geo = context.inference_geo.is_none().then_some(Unit::TimesGeoUs);
    let units = context.factors().chain(default_geo);
    let one = Price::new(1_000_000_000_000, 1);
    units.filter_map(|unit| rates.base(unit)).filter(|factor| Some(*factor) > one).collect()
}
