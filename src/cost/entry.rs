//! A model of the price table: its limits, what it can do, and its price lists over time.

use std::fmt;

use super::rates::Rates;
use super::table::PriceTable;

const MS_PER_DAY: u64 = 86_400_000;
const MS_PER_MINUTE: u64 = 60_000;
const MINUTES_PER_DAY: u64 = 1_440;

/// A part of the week at which a price list holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// Days of the week, Monday in bit 0.
    pub(crate) days: u8,
    /// First minute of the UTC day.
    pub(crate) from: u16,
    /// Minute of the UTC day at which it is over.
    pub(crate) to: u16,
}

/// When in the week a price list holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Windows {
    /// Minutes east of Greenwich by which the days of the week are told.
    pub(crate) zone: u16,
    pub(crate) spans: Vec<Span>,
}

impl Windows {
    /// Whether the windows are open at `now_ms` (Unix time).
    pub(crate) fn contains(&self, now_ms: u64) -> bool {
        let minutes = now_ms / MS_PER_MINUTE;
        let minute = minutes % MINUTES_PER_DAY;
        // 1970-01-01 was a Thursday.
        let weekday = ((minutes + u64::from(self.zone)) / MINUTES_PER_DAY + 3) % 7;
        self.spans
            .iter()
            .any(|span| span.days >> weekday & 1 == 1 && (u64::from(span.from)..u64::from(span.to)).contains(&minute))
    }
}

/// Prices that hold from a day on, or in some hours of the week.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceList {
    /// First day that it holds, in days since 1970-01-01; 0: since ever.
    pub from_day: u32,
    pub(crate) windows: Option<Windows>,
    /// The prices.
    pub rates: Rates,
}

impl PriceList {
    /// Whether it holds in some hours of the week only.
    pub fn is_windowed(&self) -> bool {
        self.windows.is_some()
    }
}

/// How many tokens a model takes and gives; `None`: not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Tokens of a prompt.
    pub max_input: Option<u64>,
    /// Tokens of an answer.
    pub max_output: Option<u64>,
    /// Tokens of both.
    pub context: Option<u64>,
    /// Numbers of an embedding.
    pub vector: Option<u64>,
}

/// What a model can do: what is known of it, and what of that it can. Unknown is not "no".
#[derive(Clone)]
pub(crate) struct Capabilities {
    pub(crate) known: u64,
    pub(crate) value: u64,
    /// Holds the names of the bits.
    pub(crate) table: PriceTable,
}

/// A model of the price table.
#[derive(Clone)]
pub struct Entry {
    pub(crate) id: String,
    pub(crate) provider: String,
    pub(crate) mode: String,
    pub(crate) limits: Limits,
    pub(crate) capabilities: Capabilities,
    pub(crate) deprecation_day: Option<u32>,
    pub(crate) lists: Vec<PriceList>,
    pub(crate) inferred: bool,
}

impl Entry {
    /// The name in the price table (`groq/llama-3.1-8b-instant`).
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The provider in the price table, in `LiteLLM`'s spelling (`vertex_ai-anthropic_models`).
    pub fn provider(&self) -> &str {
        &self.provider
    }

    /// `chat`, `embedding`, `image_generation`, `rerank` and so on, `LiteLLM`'s words.
    pub fn mode(&self) -> &str {
        &self.mode
    }

    /// How many tokens it takes and gives.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Whether the model can do what `name` says (`vision`, or `LiteLLM`'s `supports_vision`); `None`: not known.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::PriceTable;
    ///
    /// let table = PriceTable::embedded();
    /// let entry = table.find("anthropic", "claude-opus-4-8").unwrap();
    /// assert_eq!(entry.supports("vision"), Some(true));
    /// assert_eq!(entry.supports("supports_assistant_prefill"), Some(false));
    /// assert_eq!(entry.supports("time_travel"), None);
    /// ```
    pub fn supports(&self, name: &str) -> Option<bool> {
        let name = name.strip_prefix("supports_").unwrap_or(name);
        let bit = self.capabilities.table.capability_names().position(|known| known == name)?;
        (self.capabilities.known >> bit & 1 == 1).then_some(self.capabilities.value >> bit & 1 == 1)
    }

    /// All that is known of what the model can do.
    pub fn capabilities(&self) -> impl Iterator<Item = (&str, bool)> {
        let Capabilities { known, value, table } = &self.capabilities;
        let bits = table.capability_names().enumerate().filter(move |(bit, _)| known >> bit & 1 == 1);
        bits.map(move |(bit, name)| (name, value >> bit & 1 == 1))
    }

    /// The day from which on the provider no longer serves it, in days since 1970-01-01.
    pub fn deprecation_day(&self) -> Option<u32> {
        self.deprecation_day
    }

    /// Whether the model was found by less than its name: without a date, a version or a region. Its charges are
    /// estimates.
    pub fn is_inferred(&self) -> bool {
        self.inferred
    }

    /// All price lists, the oldest first.
    pub fn lists(&self) -> &[PriceList] {
        &self.lists
    }

    /// The prices at a time (Unix time in ms): of the lists that have begun the latest, in its hours of the week where
    /// it has such.
    pub fn rates_at(&self, now_ms: u64) -> Option<&Rates> {
        let today = self.began(now_ms)?;
        let of_day = || self.lists.iter().filter(|list| list.from_day == today);
        let windowed = of_day().find(|list| list.windows.as_ref().is_some_and(|windows| windows.contains(now_ms)));
        windowed.or_else(|| of_day().find(|list| list.windows.is_none())).map(|list| &list.rates)
    }

    fn began(&self, now_ms: u64) -> Option<u32> {
        let day = now_ms / MS_PER_DAY;
        self.lists.iter().map(|list| list.from_day).filter(|from| u64::from(*from) <= day).max()
    }

    /// All price lists that hold at some time between now and a day later, whatever the hour.
    pub(crate) fn rates_within_a_day(&self, now_ms: u64) -> impl Iterator<Item = &Rates> {
        let days = [self.began(now_ms), self.began(now_ms.saturating_add(MS_PER_DAY))];
        self.lists.iter().filter(move |list| days.contains(&Some(list.from_day))).map(|list| &list.rates)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry").field("id", &self.id).field("provider", &self.provider).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEDNESDAY_14_00: u64 = 1_795_010_400_000;

    #[test]
    fn a_window_knows_its_weekday_and_its_minutes() {
        let weekdays = Windows { zone: 0, spans: vec![Span { days: 0b1_1111, from: 600, to: 1440 }] };
        assert!(weekdays.contains(WEDNESDAY_14_00));
        assert!(!weekdays.contains(WEDNESDAY_14_00 - 5 * 3_600_000), "09:00");
        assert!(!weekdays.contains(WEDNESDAY_14_00 + 3 * MS_PER_DAY), "Saturday");
    }

    #[test]
    fn the_weekday_is_told_in_the_windows_zone() {
        let weekend = Windows { zone: 480, spans: vec![Span { days: 0b110_0000, from: 0, to: 1440 }] };
        let friday_17_00 = WEDNESDAY_14_00 + 2 * MS_PER_DAY + 3 * 3_600_000;
        assert!(weekend.contains(friday_17_00), "Saturday 01:00 in Shanghai");
        assert!(!Windows { zone: 0, ..weekend }.contains(friday_17_00));
    }
}
