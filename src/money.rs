//! Money as an integer of pico-dollars (1e-12 USD), so that no sum ever drifts.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// An amount in pico-dollars (1e-12 USD). Holds up to about 1.7e26 USD either side of zero; sums saturate.
///
/// # Examples
///
/// ```
/// use tollgate::money::Money;
///
/// let price = Money::parse("0.00000015").unwrap();
/// assert_eq!(price.pico(), 150_000);
/// assert_eq!((price * 1_000).to_string(), "0.00015");
/// assert!(Money::parse("cheap").is_none());
/// assert!(Money::parse("0.0000000000001").is_none(), "finer than a pico-dollar");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i128);

const PICO_DIGITS: u32 = 12;
const PICO_PER_NANO: i128 = 1_000;

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One dollar.
    pub const DOLLAR: Self = Self(1_000_000_000_000);

    /// Wraps an amount of pico-dollars.
    pub const fn from_pico(pico: i128) -> Self {
        Self(pico)
    }

    /// The amount in pico-dollars.
    pub const fn pico(self) -> i128 {
        self.0
    }

    /// The amount in whole nano-dollars (1e-9 USD), rounded up, saturated to an `i64`: for columns that hold 64 bits.
    pub fn nano_ceil(self) -> i64 {
        let nano = self.0.div_euclid(PICO_PER_NANO) + i128::from(self.0.rem_euclid(PICO_PER_NANO) != 0);
        i64::try_from(nano).unwrap_or(if nano < 0 { i64::MIN } else { i64::MAX })
    }

    /// Reads a decimal number of dollars, with an optional exponent (`12.5`, `1.5e-07`), exactly.
    ///
    /// `None` when the text is no number, is finer than a pico-dollar, or is larger than the type holds.
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (negative, mantissa) = match mantissa.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, mantissa),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut value: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            value = value.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
        }
        let scale = i64::from(PICO_DIGITS) + i64::from(exponent) - i64::try_from(fraction.len()).ok()?;
        if value != 0 {
            for _ in 0..scale.unsigned_abs().min(64) {
                if scale > 0 {
                    value = value.checked_mul(10)?;
                } else if value % 10 == 0 {
                    value /= 10;
                } else {
                    return None;
                }
            }
        }
        Some(Self(if negative { -value } else { value }))
    }

    /// Reads a float of dollars to the nearest pico-dollar, as configurations and clients write amounts (`0.05`).
    ///
    /// `None` when it is not finite or larger than 1e18 USD.
    pub fn from_dollars(dollars: f64) -> Option<Self> {
        // The shortest decimal that reads back as this float is what was written: parse that, not the float's tail.
        if !dollars.is_finite() || dollars.abs() > 1e18 {
            return None;
        }
        let text = format!("{dollars:.12}");
        Self::parse(&text)
    }

    /// The amount as a float of dollars, for display and JSON only: exact to 15 significant digits.
    pub fn dollars(self) -> f64 {
        crate::json::number(&self.to_string()).unwrap_or(0.0)
    }

    /// Whether this is below zero.
    pub const fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl std::ops::Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl std::ops::AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

impl std::ops::SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        *self = *self - other;
    }
}

impl std::ops::Mul<u64> for Money {
    type Output = Self;
    fn mul(self, times: u64) -> Self {
        Self(self.0.saturating_mul(i128::from(times)))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, |total, amount| total + amount)
    }
}

impl fmt::Display for Money {
    /// Writes dollars as a plain decimal without trailing zeros, never in exponent form: `0.00015`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = Self::DOLLAR.0.unsigned_abs();
        let value = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{:012}", value % unit);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            write!(f, "{sign}{}", value / unit)
        } else {
            write!(f, "{sign}{}.{fraction}", value / unit)
        }
    }
}

impl Serialize for Money {
    /// A JSON number of dollars with all its digits, as LiteLLM's clients read it. Only a [`serde_json::Value`] rounds
    /// it, to a float: what shows money to a client is written without one.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut text = self.to_string();
        if !text.contains('.') {
            // LiteLLM's amounts are floats, whole ones too.
            text.push_str(".0");
        }
        let number = RawValue::from_string(text).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Money {
    /// From a JSON number of dollars, to the nearest pico-dollar.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let dollars = f64::deserialize(deserializer)?;
        Self::from_dollars(dollars).ok_or_else(|| serde::de::Error::custom("not an amount of dollars"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_with_exponents_are_read_exactly() {
        assert_eq!(Money::parse("1.5e-07"), Some(Money::from_pico(150_000)));
        assert_eq!(Money::parse("3e-6"), Some(Money::from_pico(3_000_000)));
        assert_eq!(Money::parse("-2.50"), Some(Money::from_pico(-2_500_000_000_000)));
        assert_eq!(Money::parse("0e99"), Some(Money::ZERO));
        for bad in ["", ".", "-", "1e", "1e-13", "1.2.3", "NaN", "1e99"] {
            assert_eq!(Money::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn floats_keep_what_was_written() {
        assert_eq!(Money::from_dollars(0.1 + 0.2), Money::parse("0.3"));
        assert_eq!(Money::from_dollars(f64::NAN), None);
        assert_eq!(Money::from_dollars(-0.0), Some(Money::ZERO));
    }

    #[test]
    fn json_has_every_digit() {
        let amount = Money::parse("123456789.123456789012").unwrap();
        assert_eq!(serde_json::to_string(&amount).unwrap(), "123456789.123456789012");
        assert_eq!(serde_json::to_string(&Money::from_pico(-1)).unwrap(), "-0.000000000001");
        assert_eq!(serde_json::to_value(Money::from_pico(150_000)).unwrap(), serde_json::json!(1.5e-7));
        assert_eq!(serde_json::from_str::<Money>("1.5e-7").unwrap(), Money::from_pico(150_000));
    }

    #[test]
    fn nano_dollars_round_up() {
        assert_eq!(Money::from_pico(1).nano_ceil(), 1);
        assert_eq!(Money::from_pico(1_000).nano_ceil(), 1);
        assert_eq!(Money::from_pico(-1_500).nano_ceil(), -1);
        assert_eq!(Money::from_pico(i128::MAX).nano_ceil(), i64::MAX);
    }
}
