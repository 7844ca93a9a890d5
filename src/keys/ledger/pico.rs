//! Money as a decimal string of pico-dollars, the exact form in which rows hold it.

use serde::{Deserialize, Deserializer, Serializer};

use crate::money::Money;

/// Writes an amount.
pub(crate) fn serialize<S: Serializer>(amount: &Money, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&amount.pico())
}

/// Reads an amount.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map(Money::from_pico).map_err(|_| serde::de::Error::custom("not a whole number of pico-dollars"))
}
