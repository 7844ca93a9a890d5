//! A price list: which price a unit has at a tier and a length of prompt.

use super::price::Price;
use super::unit::{Tier, Unit};

/// One price of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// What is paid.
    pub unit: Unit,
    /// How it is served.
    pub tier: Tier,
    /// The price holds for prompts of more tokens than this, cache included; 0 is the price of all others. For
    /// [`Unit::Query`] it counts the results asked for instead.
    pub above: u64,
    /// The price of one.
    pub price: Price,
}

/// The prices of a model at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates(Vec<Rate>);

/// A price that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// The price of one.
    pub price: Price,
    /// Whether it is another unit's price, taken for want of the right one, or another tier's.
    pub guessed: bool,
}

impl Rates {
    /// Wraps prices.
    pub fn new(rates: Vec<Rate>) -> Self {
        Self(rates)
    }

    /// All prices.
    pub fn all(&self) -> &[Rate] {
        &self.0
    }

    /// Whether no price is known.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The standard price of a unit for a short prompt, without falling back to another unit's.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::{PriceTable, Unit};
    ///
    /// let table = PriceTable::embedded();
    /// let entry = table.find("openai", "gpt-4o").unwrap();
    /// let rates = entry.rates_at(1_790_000_000_000).unwrap();
    /// assert_eq!(rates.base(Unit::Input).unwrap().per_million().to_string(), "2.5");
    /// assert_eq!(rates.base(Unit::Page), None);
    /// ```
    pub fn base(&self, unit: Unit) -> Option<Price> {
        let own = self.0.iter().find(|rate| rate.unit == unit && rate.tier == Tier::Standard && rate.above == 0);
        own.map(|rate| rate.price)
    }

    /// The price of exactly this unit: the highest bracket that `measure` exceeds, in it the first of `tiers` that has
    /// a price, else the standard one.
    ///
    /// A bracket reprices the whole request. Where a long prompt has no price at a tier, its standard price holds, not
    /// the short prompt's at the tier: `LiteLLM`'s order.
    fn own(&self, unit: Unit, measure: u64, tiers: &[Tier]) -> Option<Found> {
        let rank = |rate: &Rate| tiers.iter().rev().position(|tier| *tier == rate.tier).map_or(0, |at| at + 1);
        let fits = |rate: &&Rate| {
            rate.unit == unit
                && (rate.above == 0 || measure > rate.above)
                && (rate.tier == Tier::Standard || tiers.contains(&rate.tier))
        };
        let best = self.0.iter().filter(fits).max_by_key(|rate| (rate.above, rank(rate)))?;
        let guessed = unit.is_token() && best.tier == Tier::Standard && !tiers.is_empty();
        Some(Found { price: best.price, guessed })
    }

    /// The price of a unit, or of the one that it is paid as; see [`Unit::paid_as`].
    pub fn price(&self, unit: Unit, measure: u64, tiers: &[Tier]) -> Option<Found> {
        let (mut unit, mut guessed) = (unit, false);
        loop {
            if let Some(found) = self.own(unit, measure, tiers) {
                return Some(Found { guessed: guessed || found.guessed, ..found });
            }
            let (next, guess) = unit.paid_as()?;
            (unit, guessed) = (next, guessed || guess);
        }
    }

    /// The highest price of any of some units up to `measure`, at any of `tiers` or the standard one. What a unit
    /// without a price is paid as is among them, where they are a whole side of the bill.
    pub(crate) fn highest(&self, of: impl Fn(Unit) -> bool, measure: u64, tiers: &[Tier]) -> Option<Price> {
        let fits = |rate: &&Rate| {
            of(rate.unit)
                && (rate.above == 0 || measure > rate.above)
                && (rate.tier == Tier::Standard || tiers.contains(&rate.tier))
        };
        self.0.iter().filter(fits).map(|rate| rate.price).max()
    }

    /// Whether any price of exactly this unit is listed.
    pub fn has(&self, unit: Unit) -> bool {
        self.0.iter().any(|rate| rate.unit == unit)
    }

    /// Takes out the prices that `drop` names and adds `rates`.
    #[must_use]
    pub(crate) fn replaced(&self, drop: impl Fn(Unit) -> bool, rates: &[Rate]) -> Self {
        let kept = self.0.iter().filter(|rate| !drop(rate.unit)).copied();
        Self(kept.chain(rates.iter().copied()).collect())
    }
}
