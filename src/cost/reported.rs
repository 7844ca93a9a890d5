//! The cost that a provider reports with its answer.

use serde_json::Value;

use super::price::Price;
use super::table::PriceTable;
use crate::money::Money;
use crate::openai::Usage;

/// Ticks of `cost_in_usd_ticks` are 1e-10 USD.
const PICO_PER_TICK: i128 = 100;

impl PriceTable {
    /// The cost that a provider reports in its usage (`cost`, `cost.total_cost`, `cost_in_usd_ticks`), if it is one
    /// whose report is what it bills. Another one's field of that name may mean anything.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::PriceTable;
    /// use tollgate::openai::Usage;
    ///
    /// let usage: Usage = serde_json::from_str(r#"{"prompt_tokens": 9, "cost": {"total_cost": 0.0125}}"#).unwrap();
    /// let table = PriceTable::embedded();
    /// assert_eq!(table.reported_cost("perplexity", &usage).unwrap().to_string(), "0.0125");
    /// assert_eq!(table.reported_cost("openai", &usage), None);
    /// ```
    pub fn reported_cost(&self, provider: &str, usage: &Usage) -> Option<Money> {
        self.provider_named(provider)?.reports_cost.then(|| reported(usage))?
    }
}

fn reported(usage: &Usage) -> Option<Money> {
    if let Some(ticks) = usage.extra.get("cost_in_usd_ticks").and_then(Value::as_u64) {
        return Some(Money::from_pico(i128::from(ticks) * PICO_PER_TICK));
    }
    let cost = usage.extra.get("cost")?;
    let cost = cost.get("total_cost").unwrap_or(cost);
    // As written, to the nearest pico-dollar.
    Price::parse(&cost.as_number()?.to_string()).map(Price::money)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_and_numbers_are_read_exactly() {
        let cost = |json: &str| reported(&serde_json::from_str(json).unwrap());
        assert_eq!(cost(r#"{"cost_in_usd_ticks": 37756000}"#), Money::parse("0.0037756"));
        assert_eq!(cost(r#"{"cost": 0.00014}"#), Money::parse("0.00014"));
        assert_eq!(cost(r#"{"cost": 0}"#), Some(Money::ZERO));
        for none in [r#"{"cost": null}"#, r#"{"cost": -1}"#, r#"{"cost": "free"}"#, r#"{"cost": {}}"#, "{}"] {
            assert_eq!(cost(none), None, "{none}");
        }
    }
}
