//! Prices of a configuration: `LiteLLM`'s fields in `litellm_params` and `model_info`, which win over the table's.

use serde_json::{Map, Value};

use super::entry::{Capabilities, Entry, Limits, PriceList};
use super::names::split;
use super::price::Price;
use super::rates::{Rate, Rates};
use super::table::PriceTable;
use super::unit::{Tier, Unit};
use crate::error::{Error, Result};

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
