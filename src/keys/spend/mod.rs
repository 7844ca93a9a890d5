//! What was spent: roll-ups by day of the ledger's log, and the reports that are read from them.
//!
//! A [`Rollup`] is a sum of closed rows ([`Entry`]) that can be merged: a report adds up those of the roots that it asks.

mod activity;
mod logs;
mod report;

pub use activity::{Page, daily_activity, global_activity};
pub use logs::{Filter, log_row, summarize};
pub use report::{GroupBy, global_tags, report, spend_by_day, spend_by_tag};

use super::calendar::write_day;
use super::ledger::{Entry, State};
use crate::money::Money;
use crate::sorted::SortedMap;

/// What sums are kept apart by; an empty text is "none".
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cell {
    /// The UTC day on which the requests started: `2026-11-21`.
    pub day: String,
    /// The key's hash.
    pub key: String,
    /// `team_id`.
    pub team: String,
    /// `user_id`.
    pub user: String,
    /// `end_user`.
    pub customer: String,
    /// The model that answered.
    pub model: String,
    /// The model group that was asked for.
    pub model_group: String,
    /// The provider.
    pub provider: String,
    /// The call type.
    pub endpoint: String,
}

/// What is summed up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Money, as a whole number of pico-dollars.
    pub spend: Money,
    /// Tokens in.
    pub prompt_tokens: u64,
    /// Tokens out.
    pub completion_tokens: u64,
    /// Both.
    pub total_tokens: u64,
    /// Tokens read from providers' caches.
    pub cache_read_tokens: u64,
    /// Tokens written to providers' caches.
    pub cache_write_tokens: u64,
    /// Requests.
    pub requests: u64,
    /// Of these, the failed ones.
    pub failed: u64,
    /// Of these, the ones whose price is not known: their spend is missing in the sum.
    pub unpriced: u64,
}

impl Sums {
    /// The sums of one request.
    pub fn of(entry: &Entry) -> Self {
        let outcome = &entry.outcome;
        Self {
            spend: entry.charged,
            prompt_tokens: outcome.prompt_tokens,
            completion_tokens: outcome.completion_tokens,
            total_tokens: outcome.total_tokens,
            cache_read_tokens: outcome.cache_read_tokens,
            cache_write_tokens: outcome.cache_write_tokens,
            requests: 1,
            failed: u64::from(outcome.status != "success"),
            unpriced: u64::from(outcome.cost.is_none()),
        }
    }

    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        self.spend += other.spend;
        self.prompt_tokens = self.prompt_tokens.saturating_add(other.prompt_tokens);
        self.completion_tokens = self.completion_tokens.saturating_add(other.completion_tokens);
        self.total_tokens = self.total_tokens.saturating_add(other.total_tokens);
        self.cache_read_tokens = self.cache_read_tokens.saturating_add(other.cache_read_tokens);
        self.cache_write_tokens = self.cache_write_tokens.saturating_add(other.cache_write_tokens);
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.unpriced = self.unpriced.saturating_add(other.unpriced);
    }
}

/// Sums by cell, and by day and tag (a request counts in full for each of its tags).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rollup {
    cells: SortedMap<Cell, Sums>,
    tags: SortedMap<(String, String), Sums>,
}

impl Rollup {
    /// Sums up the closed rows of a log.
    pub fn of<'a>(entries: impl IntoIterator<Item = &'a Entry>) -> Self {
        let mut rollup = Self::default();
        for entry in entries {
            rollup.add(entry);
        }
        rollup
    }

    /// Adds a closed row; an open one is left out.
    pub fn add(&mut self, entry: &Entry) {
        if entry.state == State::Open {
            return;
        }
        let (subject, outcome, sums) = (&entry.subject, &entry.outcome, Sums::of(entry));
        let day = write_day(entry.start_ms);
        for (index, tag) in subject.tags.iter().enumerate() {
            let earlier = subject.tags.get(..index).unwrap_or_default();
            if !earlier.contains(tag) {
                self.tags.or_default((day.clone(), tag.clone())).add(&sums);
            }
        }
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let cell = Cell {
            day,
            key: subject.key.clone(),
            team: text(&subject.team),
            user: text(&subject.user),
            customer: text(&subject.customer),
            model: outcome.model.clone(),
            model_group: subject.model_group.clone(),
            provider: outcome.provider.clone(),
            endpoint: subject.call_type.clone(),
        };
        self.cells.or_default(cell).add(&sums);
    }

    /// Adds another roll-up.
    pub fn merge(&mut self, other: &Self) {
        for (cell, sums) in &other.cells {
            self.cells.or_default(cell.clone()).add(sums);
        }
        for (tag, sums) in &other.tags {
            self.tags.or_default(tag.clone()).add(sums);
        }
    }

    /// The cells that `keep` wants, and no tags: for reports about a part.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&Cell) -> bool) -> Self {
        let cells = self.cells.iter().filter(|(cell, _)| keep(cell));
        Self { cells: cells.map(|(cell, sums)| (cell.clone(), *sums)).collect(), tags: SortedMap::new() }
    }

    /// Everything together.
    pub fn total(&self) -> Sums {
        self.by(|_| Some(())).remove(&()).unwrap_or_default()
    }

    /// The sums by what `name` says of each cell; `None` leaves a cell out.
    pub fn by<K: Ord>(&self, name: impl Fn(&Cell) -> Option<K>) -> SortedMap<K, Sums> {
        let mut sums: SortedMap<K, Sums> = SortedMap::new();
        for (cell, of_cell) in &self.cells {
            if let Some(name) = name(cell) {
                sums.or_default(name).add(of_cell);
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests;
