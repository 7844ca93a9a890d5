//! Prices of a configuration: `LiteLLM`'s fields in `litellm_params` and `model_info`, which win over the table's.

use serde_json::{Map, Value};

use super::entry::{Capabilities, Entry, Limits, PriceList};
use super::price::Price;
use super::rates::{Rate, Rates};
use super::table::PriceTable;
use super::unit::{Tier, Unit};
use crate::error::{Error, Result};

/// `LiteLLM`'s names of prices, without bracket and tier.
const FIELDS: &[(&str, Unit)] = &[
    ("input_cost_per_token", Unit::Input),
    ("output_cost_per_token", Unit::Output),
    ("cache_read_input_token_cost", Unit::CacheRead),
    ("input_cost_per_token_cache_hit", Unit::CacheRead),
    ("cache_creation_input_token_cost", Unit::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Unit::CacheWrite1h),
    ("cache_creation_input_token_cost_above_12hr", Unit::CacheWrite12h),
    ("cache_read_input_audio_token_cost", Unit::CacheReadAudio),
    ("cache_read_input_image_token_cost", Unit::CacheReadImage),
    ("cache_creation_input_audio_token_cost", Unit::CacheWriteAudio),
    ("output_cost_per_reasoning_token", Unit::Reasoning),
    ("input_cost_per_audio_token", Unit::InputAudio),
    ("output_cost_per_audio_token", Unit::OutputAudio),
    ("input_cost_per_image_token", Unit::InputImage),
    ("output_cost_per_image_token", Unit::OutputImage),
    ("input_cost_per_video_token", Unit::InputVideo),
    ("output_cost_per_video_token", Unit::OutputVideo),
    ("citation_cost_per_token", Unit::Citation),
    ("input_cost_per_request", Unit::Request),
    ("input_cost_per_query", Unit::Query),
    ("input_cost_per_image", Unit::ImageIn),
    ("output_cost_per_image", Unit::ImageOut),
    ("input_cost_per_pixel", Unit::PixelIn),
    ("output_cost_per_pixel", Unit::PixelOut),
    ("input_cost_per_character", Unit::CharacterIn),
    ("output_cost_per_character", Unit::CharacterOut),
    ("input_cost_per_second", Unit::SecondIn),
    ("output_cost_per_second", Unit::SecondOut),
    ("output_cost_per_second_480p", Unit::SecondOut480p),
    ("output_cost_per_second_720p", Unit::SecondOut720p),
    ("output_cost_per_second_1080p", Unit::SecondOut1080p),
    ("output_cost_per_second_4k", Unit::SecondOut4k),
    ("output_cost_per_image_1K", Unit::ImageOut1K),
    ("output_cost_per_image_2K", Unit::ImageOut2K),
    ("output_cost_per_image_4K", Unit::ImageOut4K),
    ("output_cost_per_video_per_second", Unit::SecondOut),
    ("input_cost_per_audio_per_second", Unit::AudioSecondIn),
    ("input_cost_per_video_per_second", Unit::VideoSecondIn),
    ("ocr_cost_per_page", Unit::Page),
    ("annotation_cost_per_page", Unit::AnnotatedPage),
    ("google_maps_grounding_cost_per_query", Unit::MapsQuery),
    ("code_interpreter_cost_per_session", Unit::CodeSession),
];
const TIERS: &[(&str, Tier)] = &[
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
];

/// Prices of a deployment that its configuration states.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomRates(Vec<Rate>);

impl CustomRates {
    /// Reads the prices among the fields of `litellm_params` or `model_info`: dollars as numbers or text, with
    /// `_above_200k_tokens` and tier suffixes, `tiered_pricing` and `search_context_cost_per_query`. `None`: there are
    /// none.
    ///
    /// # Errors
    ///
    /// A price that is no number, or is below zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::{Buckets, Context, CustomRates, charge};
    ///
    /// let fields = serde_json::json!({"model": "openai/my-own", "input_cost_per_token": 0.00000015,
    ///     "output_cost_per_token": "6e-7"});
    /// let custom = CustomRates::from_fields(fields.as_object().unwrap()).unwrap().unwrap();
    /// let entry = custom.entry("openai", "my-own");
    /// let cost = charge(&entry, &Buckets::of_text(1000, 1000), &Context::default()).unwrap();
    /// assert_eq!(cost.total.to_string(), "0.00075");
    ///
    /// let wrong = serde_json::json!({"input_cost_per_token": "cheap"});
    /// let error = CustomRates::from_fields(wrong.as_object().unwrap()).unwrap_err();
    /// assert_eq!(error.param(), Some("input_cost_per_token"));
    /// ```
    pub fn from_fields(fields: &Map<String, Value>) -> Result<Option<Self>> {
        let mut rates = Vec::new();
        for (name, value) in fields {
            if let Some((unit, above, tier)) = split(name) {
                rates.extend(price(name, value)?.map(|price| Rate { unit, tier, above, price }));
            }
        }
        for row in fields.get("tiered_pricing").and_then(Value::as_array).into_iter().flatten() {
            tiered(row, &mut rates)?;
        }
        if let Some(sizes) = fields.get("search_context_cost_per_query").and_then(Value::as_object) {
            let units = [Unit::WebSearchLow, Unit::WebSearchMedium, Unit::WebSearchHigh];
            for (size, unit) in ["low", "medium", "high"].into_iter().zip(units) {
                let name = format!("search_context_size_{size}");
                let found = sizes.get(&name).map_or(Ok(None), |value| price(&name, value))?;
                rates.extend(found.map(|price| Rate { unit, tier: Tier::Standard, above: 0, price }));
            }
        }
        Ok((!rates.is_empty()).then_some(Self(rates)))
    }

    /// A model that only the configuration knows.
    pub fn entry(&self, provider: &str, model: &str) -> Entry {
        Entry {
            id: model.to_owned(),
            provider: provider.to_owned(),
            mode: "chat".to_owned(),
            limits: Limits::default(),
            capabilities: Capabilities { known: 0, value: 0, table: PriceTable::embedded() },
            deprecation_day: None,
            lists: vec![PriceList { from_day: 0, windows: None, rates: Rates::new(self.0.clone()) }],
            inferred: false,
        }
    }

    /// A model of the table at these prices: a price of any prompt token replaces all of the prompt's, the same for
    /// the answer, and any other price its own unit. Dates and hours no longer matter, nor does how it was found.
    pub fn apply(&self, entry: &Entry) -> Entry {
        let any = |of: fn(Unit) -> bool| self.0.iter().any(|rate| of(rate.unit));
        let (prompt, answer) = (any(Unit::is_prompt_token), any(Unit::is_answer_token));
        let drop = |unit: Unit| {
            prompt && unit.is_prompt_token()
                || answer && unit.is_answer_token()
                || (prompt || answer) && unit.is_factor()
                || self.0.iter().any(|rate| rate.unit == unit)
        };
        let lists = entry.lists.iter();
        let mut lists: Vec<_> = lists
            .filter(|list| !(prompt && answer && list.windows.is_some()))
            .map(|list| PriceList { rates: list.rates.replaced(drop, &self.0), ..list.clone() })
            .collect();
        if lists.is_empty() {
            lists = vec![PriceList { from_day: 0, windows: None, rates: Rates::new(self.0.clone()) }];
        }
        Entry { lists, inferred: entry.inferred && !(prompt && answer), ..entry.clone() }
    }
}

fn tiered(row: &Value, rates: &mut Vec<Rate>) -> Result<()> {
    let low = row.get("range").and_then(|range| range.get(0)).and_then(Value::as_f64);
    let (Some(fields), Some(low)) = (row.as_object(), low) else {
        let message = "a row of tiered_pricing needs a range of two numbers, as in [0, 32000]";
        return Err(Error::bad_request("tiered_pricing", message));
    };
    for (name, value) in fields {
        if let Some((unit, 0, tier)) = split(name) {
            let above = low.max(0.0) as u64;
            rates.extend(price(name, value)?.map(|price| Rate { unit, tier, above, price }));
        }
    }
    Ok(())
}

/// Splits `input_cost_per_token_above_200k_tokens_flex` into unit, bracket and tier.
fn split(name: &str) -> Option<(Unit, u64, Tier)> {
    let tier = TIERS.iter().find_map(|(suffix, tier)| Some((name.strip_suffix(suffix)?, *tier)));
    let (rest, tier) = tier.unwrap_or((name, Tier::Standard));
    let bracket = || {
        let (field, thousands) = rest.strip_suffix("k_tokens")?.rsplit_once("_above_")?;
        Some((field, thousands.parse::<u64>().ok()?.checked_mul(1_000)?))
    };
    let (field, above) = bracket().unwrap_or((rest, 0));
    let (_, unit) = FIELDS.iter().find(|(known, _)| *known == field)?;
    Some((*unit, above, tier))
}

fn price(name: &str, value: &Value) -> Result<Option<Price>> {
    let text = match value {
        Value::Null => return Ok(None),
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.trim().to_owned(),
        _ => String::new(),
    };
    let wrong = || Error::bad_request(name, format!("{name} must be a number of dollars that is not below zero"));
    Price::parse(&text).map(Some).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_into_unit_bracket_and_tier() {
        assert_eq!(split("input_cost_per_token"), Some((Unit::Input, 0, Tier::Standard)));
        let all = split("cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches");
        assert_eq!(all, Some((Unit::CacheWrite1h, 200_000, Tier::Batch)));
        for other in ["model", "input_cost_per_token_above_k_tokens", "rpm", "input_cost", "above_1k_tokens"] {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn custom_prices_replace_a_whole_side() {
        let table = PriceTable::embedded();
        let entry = table.find("openai", "gpt-4o").unwrap();
        let fields = serde_json::json!({"input_cost_per_token": 0.001});
        let custom = CustomRates::from_fields(fields.as_object().unwrap()).unwrap().unwrap();
        let rates = custom.apply(&entry).rates_at(1_795_000_000_000).unwrap().clone();
        assert_eq!(rates.base(Unit::Input), Price::parse("0.001"));
        assert!(!rates.has(Unit::CacheRead), "a cached token costs what the configuration says of the prompt");
        assert_eq!(rates.base(Unit::Output), Price::parse("1e-5"));
    }

    #[test]
    fn no_price_is_no_custom_price() {
        let fields = serde_json::json!({"model": "x", "input_cost_per_token": null});
        assert_eq!(CustomRates::from_fields(fields.as_object().unwrap()).unwrap(), None);
        let negative = serde_json::json!({"output_cost_per_token": -1});
        assert!(CustomRates::from_fields(negative.as_object().unwrap()).is_err());
    }
}
