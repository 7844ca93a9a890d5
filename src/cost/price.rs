//! Exact amounts: a price as a fraction of pico-dollars, and sums that are divided once, at their end.

use std::fmt;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::money::Money;

const PICO_DIGITS: i64 = 12;

/// Decimal places that are written of a price.
const PLACES: usize = 24;

/// A price of one unit in pico-dollars, as a fraction in lowest terms: a minute's price over 60 stays exact.
///
/// A factor (a regional surcharge) is one too, in pico: 1.1 is `1_100_000_000_000`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    num: u64,
    den: u64,
}

impl Price {
    /// Free.
    pub const FREE: Self = Self { num: 0, den: 1 };

    /// A price of `num / den` pico-dollars; `None` when `den` is zero.
    pub fn new(num: u64, den: u64) -> Option<Self> {
        let common = gcd(u128::from(num), u128::from(den)) as u64;
        (den > 0).then(|| Self { num: num / common, den: den / common })
    }

    /// Reads a decimal number of dollars with an optional exponent (`1.5e-07`), exactly.
    ///
    /// `None` when it is no number, below zero, above about a million dollars, or finer than 1e-30 dollars.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::Price;
    ///
    /// assert_eq!(Price::parse("2.5e-06"), Price::new(2_500_000, 1));
    /// assert_eq!(Price::parse("1.41953125e-7"), Price::new(1_135_625, 8));
    /// assert_eq!(Price::parse("-1"), None);
    /// ```
    pub fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = match text.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        if whole.is_empty() && part.is_empty() {
            return None;
        }
        let mut digits: u128 = 0;
        for digit in whole.bytes().chain(part.bytes()) {
            if !digit.is_ascii_digit() {
                return None;
            }
            digits = digits.checked_mul(10)?.checked_add(u128::from(digit - b'0'))?;
        }
        let scale = PICO_DIGITS + i64::from(exponent) - i64::try_from(part.len()).ok()?;
        if digits == 0 {
            return Some(Self::FREE);
        }
        let power = 10u128.checked_pow(u32::try_from(scale.unsigned_abs()).ok()?)?;
        let (num, den) = if scale >= 0 { (digits.checked_mul(power)?, 1) } else { (digits, power) };
        let common = gcd(num, den);
        Self::new(u64::try_from(num / common).ok()?, u64::try_from(den / common).ok()?)
    }

    /// The price of one unit, rounded to the nearest pico-dollar, for display.
    pub fn money(self) -> Money {
        Amount::of(1, self).rounded()
    }

    /// The price of a million units (of tokens, as price lists show it), rounded to the nearest pico-dollar.
    pub fn per_million(self) -> Money {
        Amount::of(1_000_000, self).rounded()
    }
}

impl fmt::Display for Price {
    /// Writes the dollars of one unit as a plain decimal with all its digits (`0.00000015`). A fraction without an end is
    /// cut after 24 places.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let den = u128::from(self.den) * Amount::ONE_IN_PICO;
        write!(f, "{}", u128::from(self.num) / den)?;
        let mut rest = u128::from(self.num) % den;
        let mut digits = String::new();
        while rest > 0 && digits.len() < PLACES {
            rest *= 10;
            digits.push_str(&(rest / den).to_string());
            rest %= den;
        }
        let digits = digits.trim_end_matches('0');
        if digits.is_empty() { Ok(()) } else { write!(f, ".{digits}") }
    }
}

impl Serialize for Price {
    /// A JSON number of dollars with all its digits.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = RawValue::from_string(self.to_string()).map_err(serde::ser::Error::custom)?;
        number.serialize(serializer)
    }
}

impl PartialOrd for Price {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Price {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let (left, right) =
            (u128::from(self.num) * u128::from(other.den), u128::from(other.num) * u128::from(self.den));
        left.cmp(&right)
    }
}

const fn gcd(mut a: u128, mut b: u128) -> u128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    if a == 0 { 1 } else { a }
}

/// A sum of prices times counts, in pico-dollars, exact until it is rounded. What no longer fits saturates.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amount {
    num: u128,
    den: u128,
}

impl Amount {
    pub(crate) const ZERO: Self = Self { num: 0, den: 1 };
    const MOST: Self = Self { num: i128::MAX as u128, den: 1 };
    const ONE_IN_PICO: u128 = 10u128.pow(PICO_DIGITS as u32);

    /// `count` units at `price`.
    pub(crate) fn of(count: u64, price: Price) -> Self {
        Self::reduced(u128::from(count) * u128::from(price.num), u128::from(price.den))
    }

    fn reduced(num: u128, den: u128) -> Self {
        let common = gcd(num, den);
        Self { num: num / common, den: den / common }
    }

    /// The sum of both.
    #[must_use]
    pub(crate) fn plus(self, other: Self) -> Self {
        let common = gcd(self.den, other.den);
        let sum = || {
            let left = self.num.checked_mul(other.den / common)?;
            let right = other.num.checked_mul(self.den / common)?;
            Some(Self::reduced(left.checked_add(right)?, self.den.checked_mul(other.den / common)?))
        };
        sum().unwrap_or(Self::MOST)
    }

    /// This times a factor of the price table.
    #[must_use]
    pub(crate) fn times(self, factor: Price) -> Self {
        let by = Self::reduced(u128::from(factor.num), u128::from(factor.den) * Self::ONE_IN_PICO);
        let product = || Some(Self::reduced(self.num.checked_mul(by.num)?, self.den.checked_mul(by.den)?));
        product().unwrap_or(Self::MOST)
    }

    /// To the nearest pico-dollar, halves up.
    pub(crate) fn rounded(self) -> Money {
        money(self.num / self.den + u128::from(self.num % self.den >= self.den.div_ceil(2)))
    }

    /// Up to the next pico-dollar.
    pub(crate) fn ceil(self) -> Money {
        money(self.num.div_ceil(self.den))
    }
}

fn money(pico: u128) -> Money {
    Money::from_pico(i128::try_from(pico).unwrap_or(i128::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_written_with_all_their_digits() {
        for text in ["0", "0.00000015", "3", "12.5", "0.000000141953125", "0.000000000000001"] {
            assert_eq!(serde_json::to_string(&Price::parse(text).unwrap()).unwrap(), text);
        }
        assert_eq!(Price::new(1_000_000, 3).unwrap().to_string(), "0.000000333333333333333333");
    }

    #[test]
    fn thirds_of_a_pico_dollar_add_up() {
        let third = Price::new(1, 3).unwrap();
        let sum = Amount::of(1, third).plus(Amount::of(1, third)).plus(Amount::of(1, third));
        assert_eq!(sum.rounded(), Money::from_pico(1));
        assert_eq!((Amount::of(1, third).rounded(), Amount::of(1, third).ceil()), (Money::ZERO, Money::from_pico(1)));
    }

    #[test]
    fn a_factor_is_exact() {
        let tenth_more = Price::parse("1.1").unwrap();
        assert_eq!(
            Amount::of(20_000, Price::parse("5e-6").unwrap()).times(tenth_more).rounded(),
            Money::parse("0.11").unwrap()
        );
    }

    #[test]
    fn the_largest_counts_saturate() {
        let dear = Price::new(u64::MAX, 7).unwrap();
        assert_eq!(Amount::of(u64::MAX, dear).times(dear).plus(Amount::of(u64::MAX, dear)).ceil().pico(), i128::MAX);
    }

    #[test]
    fn odd_decimals_are_refused() {
        for bad in ["", ".", "1e", "abc", "1e99", "NaN", "-0.1", "1e-40"] {
            assert_eq!(Price::parse(bad), None, "{bad}");
        }
        assert_eq!(Price::parse("0e-99"), Some(Price::FREE));
    }
}
