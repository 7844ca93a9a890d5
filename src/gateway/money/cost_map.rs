//! `GET /public/litellm_model_cost_map`: the price table that is in use, under `LiteLLM`'s names.

use crate::cost::{Entry, PriceTable, Rates, Unit, field_name};
use crate::error::{Error, Kind, Result};
use crate::keys::calendar::{MS_PER_DAY, write_day};
use crate::openai::Fields;

/// The longest map that is written, in bytes: the full table comes to a sixth of it.
const LONGEST: usize = 16 << 20;

/// Writes all models by name, with the prices of `now_ms`.
///
/// # Errors
///
/// A table that is larger than anything that `npm run prices` builds.
pub(super) fn write(table: &PriceTable, now_ms: u64) -> Result<Vec<u8>> {
    let mut out = vec![b'{'];
    for entry in table.entries() {
        if out.len() > 1 {
            out.push(b',');
        }
        // A string always serialises.
        let _ = serde_json::to_writer(&mut out, entry.id());
        out.push(b':');
        out.extend_from_slice(&describe(&entry, now_ms).to_bytes());
        if out.len() > LONGEST {
            let message = format!("the price table comes to more than {LONGEST} bytes: push a smaller one");
            return Err(Error::new(Kind::InternalServer, message));
        }
    }
    out.push(b'}');
    Ok(out)
}

/// What is known of a model, in `LiteLLM`'s fields: provider, mode, limits, the prices of `now_ms`, and what it can do.
///
/// Past and coming prices and hours of the week have no place there; the price that holds now is written plainly.
pub(super) fn describe(entry: &Entry, now_ms: u64) -> Fields {
    let mut out = Fields::default();
    let limits = entry.limits();
    // LiteLLM's `max_tokens` is the answer's bound where there is one.
    let max_input = limits.max_input.or(limits.context);
    for (name, limit) in [
        ("max_tokens", limits.max_output.or(max_input)),
        ("max_input_tokens", max_input),
        ("max_output_tokens", limits.max_output),
        ("output_vector_size", limits.vector),
    ] {
        if let Some(limit) = limit {
            out.set(name, &limit);
        }
    }
    out.set("litellm_provider", entry.provider());
    out.set("mode", entry.mode());
    if let Some(rates) = entry.rates_at(now_ms) {
        prices(rates, &mut out);
    }
    if let Some(day) = entry.deprecation_day() {
        out.set("deprecation_date", &write_day(u64::from(day) * MS_PER_DAY));
    }
    for (name, can) in entry.capabilities() {
        let prefix = if name == "thinking_always_on" { "" } else { "supports_" };
        out.set(&format!("{prefix}{name}"), &can);
    }
    out
}

fn prices(rates: &Rates, out: &mut Fields) {
    for rate in rates.all() {
        if let Some(name) = field_name(rate) {
            out.set(&name, &rate.price);
        }
    }
    searches(rates, out);
    let mut factors = Fields::default();
    for (name, unit) in [("us", Unit::TimesGeoUs), ("fast", Unit::TimesFast)] {
        if let Some(factor) = rates.base(unit) {
            factors.set(name, &factor);
        }
    }
    if !factors.is_empty() {
        out.set("provider_specific_entry", &factors);
    }
}

/// Prices of searches, by the size of their context; one that does not depend on it stands under all three.
fn searches(rates: &Rates, out: &mut Fields) {
    let flat = rates.base(Unit::WebSearch).or(rates.base(Unit::GroundedPrompt));
    let mut sizes = Fields::default();
    for (name, unit) in [
        ("search_context_size_low", Unit::WebSearchLow),
        ("search_context_size_medium", Unit::WebSearchMedium),
        ("search_context_size_high", Unit::WebSearchHigh),
    ] {
        if let Some(price) = rates.base(unit).or(flat) {
            sizes.set(name, &price);
        }
    }
    if !sizes.is_empty() {
        out.set("search_context_cost_per_query", &sizes);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::Value;

    use super::*;
    use crate::cost::{CustomRates, Rate, Tier};

    const NOW_MS: u64 = 1_795_000_000_000;

    fn full() -> PriceTable {
        PriceTable::read(std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/prices/full.mpt")).unwrap()).unwrap()
    }

    #[test]
    fn every_price_of_the_map_is_read_back_as_it_was() {
        let in_objects = [Unit::WebSearch, Unit::GroundedPrompt, Unit::TimesGeoUs, Unit::TimesFast];
        let (mut written, mut unsaid) = (0, BTreeMap::new());
        for entry in full().entries() {
            let Some(rates) = entry.rates_at(NOW_MS) else { continue };
            let fields: serde_json::Map<String, Value> =
                serde_json::from_slice(&describe(&entry, NOW_MS).to_bytes()).unwrap();
            let read = CustomRates::from_fields(&fields).unwrap().map(|custom| custom.entry("x", "y"));
            let read = read.as_ref().and_then(|entry| entry.rates_at(NOW_MS));
            for rate in rates.all() {
                let found = read.and_then(|read| {
                    let same = |other: &&Rate| (other.unit, other.tier) == (rate.unit, rate.tier);
                    read.all().iter().filter(same).find(|other| other.above.abs_diff(rate.above) <= 1)
                });
                match found {
                    // A float of JSON has 15 digits.
                    Some(found) => assert!(near(found, rate), "{}: {rate:?} is read as {found:?}", entry.id()),
                    None if in_objects.contains(&rate.unit) && rate.tier == Tier::Standard => {}
                    None => *unsaid.entry((rate.unit, rate.tier)).or_insert(0) += 1,
                }
                written += 1;
            }
        }
        assert!(written > 10_000, "{written}");
        // What LiteLLM has no name for: `npm run prices` reads it from the other source.
        assert!(unsaid.values().sum::<u32>() * 100 < written, "{unsaid:?}");
    }

    fn near(left: &Rate, right: &Rate) -> bool {
        let million = |rate: &Rate| rate.price.per_million().pico();
        million(left).abs_diff(million(right)) <= 1 + million(right).unsigned_abs() / 1_000_000_000
    }

    #[test]
    fn the_map_of_the_full_table_is_whole_and_bounded() {
        let table = full();
        let bytes = write(&table, NOW_MS).unwrap();
        let map: serde_json::Map<String, Value> = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(map.len(), table.len());
        assert!(bytes.len() < LONGEST / 4, "{} bytes", bytes.len());
        let gpt = &map["gpt-4o"];
        assert_eq!((gpt["max_tokens"].as_u64(), gpt["litellm_provider"].as_str()), (Some(16_384), Some("openai")));
        assert_eq!(gpt["supports_vision"], true);
        assert!(String::from_utf8(bytes).unwrap().contains("\"input_cost_per_token\":0.0000025,"));
    }
}
