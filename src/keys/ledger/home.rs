//! The home of a ledger: its memory and its rows as one, and when its alarm should come.
//!
//! Correct for as long as these hold:
//!
//! - One home for each root, and one thread in it.
//! - What one call writes is one step of the rows' keeper: all of it or nothing, and nothing is answered before it is
//!   durable.
//! - Where a row cannot be written, memory is thrown away and rebuilt from the rows: it never knows more than the disk.

use super::change::{Change, Event, Mark, ScopeRow};
use super::entry::Entry;
use super::wire::{Message, Reply};
use super::{Ledger, Settings};

/// How long after a change the sums are written at the latest, in ms: bounds how many rows a reload reads.
const SNAPSHOT_MS: u64 = 60_000;

/// How long past a reservation's deadline the alarm comes, in ms: an owner that settles in time should win.
const GRACE_MS: u64 = 500;

/// Where the rows of one ledger are kept. All calls are synchronous, so that one call of the home is one step.
pub trait Rows {
    /// Why it failed.
    type Failure;

    /// What [`Ledger::load`] needs.
    ///
    /// # Errors
    ///
    /// The rows cannot be read.
    fn load(&mut self) -> Result<Loaded, Self::Failure>;

    /// Writes one change.
    ///
    /// # Errors
    ///
    /// It cannot be written.
    fn write(&mut self, change: &Change) -> Result<(), Self::Failure>;

    /// The first rows of the spend log that started within these times, at most `limit`.
    ///
    /// # Errors
    ///
    /// The rows cannot be read.
    fn log(&mut self, from_ms: u64, until_ms: u64, limit: u64) -> Result<Vec<Entry>, Self::Failure>;
}

/// The rows of a ledger.
#[derive(Debug, Default)]
pub struct Loaded {
    /// All of `scope`.
    pub scopes: Vec<ScopeRow>,
    /// The one of `mark`.
    pub mark: Mark,
    /// Those of `request` from the mark on.
    pub entries: Vec<Entry>,
}

/// A ledger with its rows.
#[derive(Debug)]
pub struct Home<R> {
    rows: R,
    books: Option<Ledger>,
    /// When the alarm is set to come, in Unix ms; 0 where none is.
    alarm_at: u64,
}

impl<R: Rows> Home<R> {
    /// A home that reads its rows when it is first asked something.
    pub const fn new(rows: R) -> Self {
        Self { rows, books: None, alarm_at: 0 }
    }

    /// Answers a message, with the budget lines that were crossed.
    ///
    /// # Errors
    ///
    /// The rows could not be read or written; nothing has happened then.
    pub fn tell(&mut self, message: Message, now_ms: u64) -> Result<(Reply, Vec<Event>), R::Failure> {
        if let Message::Log { from_ms, until_ms, limit } = message {
            return Ok((Reply::Entries(self.rows.log(from_ms, until_ms, limit)?), Vec::new()));
        }
        self.step(now_ms, |books| match books.act(message, now_ms) {
            Some(answer) => ((answer.value, answer.events), answer.changes),
            None => ((Reply::Done, Vec::new()), Vec::new()),
        })
    }

    /// Does what is due: ends reservations whose owner is silent, starts windows anew, writes the sums.
    ///
    /// # Errors
    ///
    /// As [`Home::tell`].
    pub fn alarm(&mut self, now_ms: u64) -> Result<(), R::Failure> {
        self.alarm_at = 0;
        self.step(now_ms, |books| {
            let mut changes = books.expire(now_ms).changes;
            changes.extend(books.reset_due(now_ms).changes);
            changes.extend(books.snapshot().changes);
            ((), changes)
        })
    }

    /// Ends every open reservation as [`Home::alarm`] ends one whose owner is silent: for a home that starts, and knows
    /// that whoever made them is gone.
    ///
    /// # Errors
    ///
    /// As [`Home::tell`].
    pub fn abandon(&mut self, now_ms: u64) -> Result<(), R::Failure> {
        self.step(now_ms, |books| ((), books.abandon(now_ms).changes))
    }

    /// The time for which the alarm has to be set, where it is not set already: for the first reservation that may be dead,
    /// and for a snapshot while there is traffic. An alarm that comes early enough stays: each setting may cost a row.
    pub fn next_alarm(&mut self, now_ms: u64) -> Option<u64> {
        let books = self.books.as_ref()?;
        let deadline = books.next_deadline_ms().map(|deadline| deadline + GRACE_MS);
        let snapshot = books.is_dirty().then_some(now_ms + SNAPSHOT_MS);
        let wanted = deadline.into_iter().chain(snapshot).min()?;
        if self.alarm_at != 0 && self.alarm_at <= wanted && self.alarm_at > now_ms {
            return None;
        }
        self.alarm_at = wanted;
        Some(wanted)
    }

    /// Forgets what is in memory: the next call starts from the rows.
    pub fn forget(&mut self) {
        self.books = None;
        self.alarm_at = 0;
    }

    /// Runs an operation and writes its rows, in one step.
    fn step<T>(
        &mut self,
        now_ms: u64,
        operation: impl FnOnce(&mut Ledger) -> (T, Vec<Change>),
    ) -> Result<T, R::Failure> {
        let mut books = if let Some(books) = self.books.take() {
            books
        } else {
            let Loaded { scopes, mark, entries } = self.rows.load()?;
            Ledger::load(Settings::default(), scopes, mark, entries, now_ms)
        };
        let (value, changes) = operation(&mut books);
        for change in &changes {
            // On failure `books` stays empty, and the next operation starts from the rows.
            self.rows.write(change)?;
        }
        self.books = Some(books);
        Ok(value)
    }
}
