//! LiteLLM's durations: `30s 15m 24h 7d 1w 30d 1mo`, and the words `hourly daily weekly monthly`.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::calendar::{Calendar, MS_PER_DAY};
use crate::error::{Error, Result};

/// The unit of a [`Span`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unit {
    /// `s`.
    Second,
    /// `m`.
    Minute,
    /// `h`.
    Hour,
    /// `d`; a week is seven of them.
    Day,
    /// `mo`: calendar months.
    Month,
}

/// A length of time as LiteLLM writes it, at least one and at most 100 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    count: u64,
    unit: Unit,
}

/// Longest span in days: far beyond any budget, and no sum of times can overflow.
const LONGEST_DAYS: u64 = 36_525;

impl Span {
    /// A span of `count` units; `None` for zero or more than 100 years.
    pub fn new(count: u64, unit: Unit) -> Option<Self> {
        let most = match unit {
            Unit::Second => LONGEST_DAYS * 86_400,
            Unit::Minute => LONGEST_DAYS * 1_440,
            Unit::Hour => LONGEST_DAYS * 24,
            Unit::Day => LONGEST_DAYS,
            Unit::Month => 1_200,
        };
        (1..=most).contains(&count).then_some(Self { count, unit })
    }

    /// Reads a duration; `field` is named in the error.
    ///
    /// LiteLLM reads a prefix and forgives what follows it (`30days` is `30d`); here that is an error, since a budget
    /// that lasts longer than its author thinks costs money.
    ///
    /// # Errors
    ///
    /// Anything but a positive whole number with one of the units `s m h d w mo`, or one of the words.
    pub fn parse(text: &str, field: &str) -> Result<Self> {
        let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (count, unit) = text.split_at(digits);
        let read = |factor: u64, unit| Self::new(count.parse::<u64>().ok()?.checked_mul(factor)?, unit);
        let span = match (digits, unit) {
            (0, "hourly") => Self::new(1, Unit::Hour),
            (0, "daily") => Self::new(1, Unit::Day),
            (0, "weekly") => Self::new(7, Unit::Day),
            (0, "monthly") => Self::new(30, Unit::Day),
            (1.., "s") => read(1, Unit::Second),
            (1.., "m") => read(1, Unit::Minute),
            (1.., "h") => read(1, Unit::Hour),
            (1.., "d") => read(1, Unit::Day),
            (1.., "w") => read(7, Unit::Day),
            (1.., "mo") => read(1, Unit::Month),
            _ => None,
        };
        span.ok_or_else(|| {
            let message = format!(
                "`{field}` is no duration: write a positive number and a unit (`30s`, `15m`, `24h`, `7d`, `1w`, \
                 `1mo`), or `hourly`, `daily`, `weekly`, `monthly`; at most 100 years"
            );
            Error::bad_request(field, message)
        })
    }

    /// The instant one span after `now_ms` (ms since 1970): months keep the day and clamp it (31 January + `1mo` is the
    /// last of February).
    pub fn after(self, now_ms: u64) -> u64 {
        match self.unit {
            Unit::Month => Calendar::UTC.add_months(now_ms, self.count),
            _ => now_ms.saturating_add(self.count.saturating_mul(self.unit_ms())),
        }
    }

    /// The next instant after `now_ms` at which a budget of this span starts anew, aligned as LiteLLM aligns it: `1d`
    /// at midnight, `7d` on Monday, `30d` and months on the 1st, other days counted from today's midnight, and
    /// smaller units on multiples within their day, hour or minute.
    pub fn next_reset(self, now_ms: u64, calendar: Calendar) -> u64 {
        match (self.unit, self.count) {
            (Unit::Month, months) => calendar.first_of_month_after(now_ms, months),
            (Unit::Day, 30) => calendar.first_of_month_after(now_ms, 1),
            (Unit::Day, 7) => calendar.next_monday(now_ms),
            (Unit::Day, days) => calendar.midnight(now_ms, days),
            (Unit::Hour, _) => calendar.next_multiple(now_ms, MS_PER_DAY, self.count * self.unit_ms()),
            (Unit::Minute, _) => calendar.next_multiple(now_ms, 3_600_000, self.count * self.unit_ms()),
            (Unit::Second, _) => calendar.next_multiple(now_ms, 60_000, self.count * self.unit_ms()),
        }
    }

    const fn unit_ms(self) -> u64 {
        match self.unit {
            Unit::Second => 1_000,
            Unit::Minute => 60_000,
            Unit::Hour => 3_600_000,
            Unit::Day => MS_PER_DAY,
            Unit::Month => 30 * MS_PER_DAY,
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Second => "s",
            Unit::Minute => "m",
            Unit::Hour => "h",
            Unit::Day => "d",
            Unit::Month => "mo",
        };
        write!(f, "{}{unit}", self.count)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text, "duration").map_err(|error| serde::de::Error::custom(error.message()))
    }
}

impl crate::json::Record for Span {
    fn to_value(&self) -> serde_json::Value {
        serde_json::Value::String(self.to_string())
    }
    fn of_value(value: serde_json::Value) -> Option<Self> {
        Self::parse(value.as_str()?, "duration").ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::calendar::{parse_time, write_time};

    fn reset(span: &str, now: &str, calendar: Calendar) -> String {
        let span = Span::parse(span, "budget_duration").unwrap();
        write_time(span.next_reset(parse_time(now).unwrap(), calendar))
    }

    #[test]
    fn every_form_is_read_and_written() {
        for (text, written) in [
            ("30s", "30s"),
            ("15m", "15m"),
            ("24h", "24h"),
            ("7d", "7d"),
            ("1w", "7d"),
            ("30d", "30d"),
            ("1mo", "1mo"),
            ("hourly", "1h"),
            ("daily", "1d"),
            ("weekly", "7d"),
            ("monthly", "30d"),
        ] {
            assert_eq!(Span::parse(text, "duration").unwrap().to_string(), written, "{text}");
        }
    }

    #[test]
    fn a_bad_duration_names_its_field() {
        for bad in ["", "d", "0d", "-1d", "1.5h", "30days", "1 d", "1y", "99999999999999999999s", "9999999d", "yearly"]
        {
            let error = Span::parse(bad, "budget_duration").unwrap_err();
            assert_eq!(error.param(), Some("budget_duration"), "{bad}");
        }
    }

    #[test]
    fn months_keep_the_day_and_clamp_it() {
        let after =
            |span: &str, now: &str| write_time(Span::parse(span, "duration").unwrap().after(parse_time(now).unwrap()));
        assert_eq!(after("1mo", "2026-01-31T10:00:00Z"), "2026-02-28T10:00:00Z");
        assert_eq!(after("1mo", "2028-01-31T10:00:00Z"), "2028-02-29T10:00:00Z");
        assert_eq!(after("13mo", "2026-12-15T00:00:01Z"), "2028-01-15T00:00:01Z");
        assert_eq!(after("1w", "2026-12-30T23:59:59Z"), "2027-01-06T23:59:59Z");
    }

    #[test]
    fn budgets_start_anew_on_the_calendar() {
        let utc = Calendar::UTC;
        // 2026-11-21 is a Saturday.
        for (span, now, next) in [
            ("1d", "2026-11-21T10:30:15Z", "2026-11-22T00:00:00Z"),
            ("daily", "2026-12-31T23:59:59Z", "2027-01-01T00:00:00Z"),
            ("7d", "2026-11-21T10:30:15Z", "2026-11-23T00:00:00Z"),
            ("1w", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"),
            ("30d", "2026-11-21T10:30:15Z", "2026-12-01T00:00:00Z"),
            ("monthly", "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            ("3mo", "2026-11-21T10:30:15Z", "2027-02-01T00:00:00Z"),
            ("10d", "2026-11-21T10:30:15Z", "2026-12-01T00:00:00Z"),
            ("1h", "2026-11-21T10:00:00Z", "2026-11-21T11:00:00Z"),
            ("6h", "2026-11-21T10:30:15Z", "2026-11-21T12:00:00Z"),
            ("24h", "2026-11-21T10:30:15Z", "2026-11-22T00:00:00Z"),
            ("15m", "2026-11-21T10:50:15Z", "2026-11-21T11:00:00Z"),
            ("30s", "2026-11-21T10:50:15Z", "2026-11-21T10:50:30Z"),
        ] {
            assert_eq!(reset(span, now, utc), next, "{span} from {now}");
        }
    }

    #[test]
    fn a_timezone_and_a_time_of_day_move_the_reset() {
        let seoul = Calendar { offset_minutes: 540, at_minutes: 0 };
        assert_eq!(reset("1d", "2026-11-21T16:00:00Z", seoul), "2026-11-22T15:00:00Z");
        assert_eq!(reset("30d", "2026-11-30T15:30:00Z", seoul), "2026-12-31T15:00:00Z");
        let nine_in_new_york = Calendar { offset_minutes: -300, at_minutes: 540 };
        assert_eq!(reset("1d", "2026-11-21T13:59:00Z", nine_in_new_york), "2026-11-21T14:00:00Z");
        assert_eq!(reset("1d", "2026-11-21T14:00:00Z", nine_in_new_york), "2026-11-22T14:00:00Z");
        assert_eq!(reset("7d", "2026-11-23T13:00:00Z", nine_in_new_york), "2026-11-23T14:00:00Z");
    }

    #[test]
    fn a_reset_is_always_ahead() {
        let spans = ["1s", "7s", "90s", "1m", "7m", "90m", "1h", "5h", "48h", "1d", "2d", "7d", "30d", "1mo", "12mo"];
        let mut now = 1_700_000_000_123_u64;
        for step in 0..20_000_u64 {
            now += 7_919 * (step % 3_000);
            let calendar = Calendar { offset_minutes: (step % 1_440) as i32 - 720, at_minutes: (step % 1_440) as u32 };
            let span = Span::parse(spans[(step % 15) as usize], "d").unwrap();
            assert!(span.next_reset(now, calendar) > now, "{span} at {now} {calendar:?}");
        }
    }
}
