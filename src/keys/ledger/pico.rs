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

/// The same for an amount that may be absent.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, Money, Serializer};

    /// Writes an amount or `null`.
    #[expect(clippy::ref_option, reason = "serde's `with` passes a reference to the field")]
    pub(crate) fn serialize<S: Serializer>(amount: &Option<Money>, serializer: S) -> Result<S::Ok, S::Error> {
        match amount {
            Some(amount) => super::serialize(amount, serializer),
            None => serializer.serialize_none(),
        }
    }

    /// Reads an amount or `null`.
    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Money>, D::Error> {
        let text = Option::<String>::deserialize(deserializer)?;
        let Some(text) = text else { return Ok(None) };
        let amount = text.parse().map(Money::from_pico);
        amount.map(Some).map_err(|_| serde::de::Error::custom("not a whole number of pico-dollars"))
    }
}
