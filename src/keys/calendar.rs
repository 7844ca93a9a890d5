//! Days, months and clock times of the Gregorian calendar, as far as budgets need them, without a time library.

/// Milliseconds of a day.
pub const MS_PER_DAY: u64 = 86_400_000;

const MS_PER_MINUTE: i64 = 60_000;
const DAY: i64 = MS_PER_DAY.cast_signed();

/// Where and when a budget's day starts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Calendar {
    /// Minutes that the local clock is ahead of UTC (`litellm_settings.timezone`, resolved by the caller).
    pub offset_minutes: i32,
    /// Minutes after local midnight at which days, weeks and months start (`budget_reset_time`).
    pub at_minutes: u32,
}

impl Calendar {
    /// UTC, midnight.
    pub const UTC: Self = Self { offset_minutes: 0, at_minutes: 0 };

    /// The start of the budget day that lies `days` after the one that holds `now_ms`.
    pub fn midnight(self, now_ms: u64, days: u64) -> u64 {
        let day = self.local(now_ms).div_euclid(DAY);
        self.instant(day.saturating_add_unsigned(days).saturating_mul(DAY))
    }

    /// The next start of a Monday.
    pub fn next_monday(self, now_ms: u64) -> u64 {
        // Day 0 (1970-01-01) was a Thursday, so day 4 was a Monday.
        let weekday = (self.local(now_ms).div_euclid(DAY) + 3).rem_euclid(7);
        self.midnight(now_ms, (7 - weekday).unsigned_abs())
    }

    /// The start of the first day of the month that lies `months` after the present one.
    pub fn first_of_month_after(self, now_ms: u64, months: u64) -> u64 {
        let (year, month, _) = date(self.local(now_ms).div_euclid(DAY));
        let (year, month) = later_month(year, month, months);
        self.instant(day_number(year, month, 1) * DAY)
    }

    /// The next multiple of `step_ms` counted from the start of the present `period_ms` (a day, an hour or a minute).
    ///
    /// The time of day does not move these: an hourly budget starts on the hour whatever `budget_reset_time` says.
    pub fn next_multiple(self, now_ms: u64, period_ms: u64, step_ms: u64) -> u64 {
        let plain = Self { at_minutes: 0, ..self };
        let local = plain.local(now_ms);
        let (period, step) = (period_ms.cast_signed().max(1), step_ms.cast_signed().max(1));
        let since = local.rem_euclid(period);
        plain.instant(local - since + (since / step + 1) * step)
    }

    /// The same day and time of day, `months` later; a day that the month lacks becomes its last.
    pub fn add_months(self, now_ms: u64, months: u64) -> u64 {
        let local = self.local(now_ms);
        let (year, month, day) = date(local.div_euclid(DAY));
        let (year, month) = later_month(year, month, months);
        let day = day.min(days_in_month(year, month));
        self.instant(day_number(year, month, day) * DAY + local.rem_euclid(DAY))
    }

    fn local(self, now_ms: u64) -> i64 {
        // Times beyond the year 292 million have no calendar; clamping keeps the arithmetic in range.
        let now = i64::try_from(now_ms).unwrap_or(i64::MAX).min(i64::MAX / 4);
        now + (i64::from(self.offset_minutes) - i64::from(self.at_minutes)) * MS_PER_MINUTE
    }

    fn instant(self, local_ms: i64) -> u64 {
        let shift = (i64::from(self.offset_minutes) - i64::from(self.at_minutes)) * MS_PER_MINUTE;
        u64::try_from(local_ms.saturating_sub(shift)).unwrap_or(0)
    }
}

/// Writes an instant (ms since 1970) as `2026-11-21T10:30:15Z`.
pub fn write_time(ms: u64) -> String {
    let (hour, minute, second) = (ms / 3_600_000 % 24, ms / 60_000 % 60, ms / 1_000 % 60);
    format!("{}T{hour:02}:{minute:02}:{second:02}Z", write_day(ms))
}

/// Writes the UTC day of an instant (ms since 1970) as `2026-11-21`.
pub fn write_day(ms: u64) -> String {
    let (year, month, day) = date((ms / MS_PER_DAY).cast_signed());
    format!("{year:04}-{month:02}-{day:02}")
}

/// Reads `2026-11-21` or `2026-11-21T10:30:15[.123][Z|+00:00]` (a space for the `T` too) as UTC; `None` for anything
/// else, dates before 1970 and after 9999, and other zones.
pub fn parse_time(text: &str) -> Option<u64> {
    let (day, time) = match text.split_once(['T', ' ']) {
        Some((day, time)) => (day, time),
        None => (text, "00:00:00"),
    };
    let mut parts = day.split('-').map(number);
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if parts.next().is_some() || !(1_970..=9_999).contains(&year) || !(1..=12).contains(&month) {
        return None;
    }
    if !(1..=days_in_month(year, month)).contains(&day) {
        return None;
    }
    let time = time.strip_suffix('Z').or_else(|| time.strip_suffix("+00:00")).unwrap_or(time);
    let (time, fraction) = time.split_once('.').unwrap_or((time, ""));
    if !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let mut parts = time.split(':').map(number);
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = parts.next().unwrap_or(Some(0))?;
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let thousandths = fraction.bytes().chain(*b"000").take(3).fold(0_i64, |sum, b| sum * 10 + i64::from(b - b'0'));
    let ms = day_number(year, month, day) * DAY + ((hour * 60 + minute) * 60 + second) * 1_000 + thousandths;
    u64::try_from(ms).ok()
}

fn number(text: &str) -> Option<i64> {
    (!text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

fn later_month(year: i64, month: i64, months: u64) -> (i64, i64) {
    let index = (year * 12 + month - 1).saturating_add_unsigned(months);
    (index.div_euclid(12), index.rem_euclid(12) + 1)
}

const fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 1970-01-01 to a date. Years are counted from March, so that the leap day comes last.
const fn day_number(year: i64, month: i64, day: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let leaps = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
    // 153 days in every five months from March on; 719,468 days lie between 0000-03-01 and 1970-01-01.
    year * 365 + leaps + (month * 153 + 2) / 5 + day - 1 - 719_468
}

/// The date (year, month, day) of a day counted from 1970-01-01.
const fn date(day: i64) -> (i64, i64, i64) {
    // The mean year is 146,097 days in 400 years: a first guess that is at most one year off.
    let since = day + 719_468;
    let mut year = (since * 400).div_euclid(146_097);
    if day < day_number(year, 3, 1) {
        year -= 1;
    } else if day >= day_number(year + 1, 3, 1) {
        year += 1;
    }
    let in_year = day - day_number(year, 3, 1);
    let month = (in_year * 5 + 2) / 153;
    let in_month = in_year - (month * 153 + 2) / 5 + 1;
    if month < 10 { (year, month + 3, in_month) } else { (year + 1, month - 9, in_month) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_day_of_four_centuries_is_its_own_date() {
        let (mut year, mut month, mut day) = (1_970, 1, 1);
        for number in 0..146_097 {
            assert_eq!(date(number), (year, month, day), "{number}");
            assert_eq!(day_number(year, month, day), number);
            day += 1;
            if day > days_in_month(year, month) {
                (day, month) = (1, month + 1);
            }
            if month > 12 {
                (month, year) = (1, year + 1);
            }
        }
    }

    #[test]
    fn times_are_written_and_read() {
        assert_eq!(write_time(0), "1970-01-01T00:00:00Z");
        assert_eq!(write_time(1_582_934_400_000), "2020-02-29T00:00:00Z");
        assert_eq!(parse_time("2020-02-29"), Some(1_582_934_400_000));
        assert_eq!(parse_time("2020-02-29 00:00:01.5"), Some(1_582_934_401_500));
        assert_eq!(parse_time("2020-02-29T00:00:00+00:00"), Some(1_582_934_400_000));
        for bad in ["", "2021-02-29", "2020-13-01", "2020-02-29T25:00:00Z", "2020-2", "x", "2020-02-29T00:00:00+09:00"]
        {
            assert_eq!(parse_time(bad), None, "{bad}");
        }
    }
}
