//! The price table: a compact columnar file that is read where it lies, with no start-up work.
//!
//! Format `MPT1`, little-endian, varints of 7 bits a byte. Written by `scripts/prices/mpt.mjs`.
//!
//! ```text
//! "MPT1"  version u16  checksum u64 (FNV-1a of all that follows)
//! day u32 (since 1970-01-01)  hash [16] (of prices/models.jsonl)  models u24  sections u8  length u24 of each section
//! records: count u24, start u24 of every 16th, then each with its length in front
//!    0 providers (family u8, flags u8, name)   1 modes   2 capabilities   3 brackets (tokens)
//!    4 values (pico-dollars, denominator if any)   5 shapes (unit u8, bracket u8, tier u8)*
//!    6 price sets (shape, value of each)   7 windows (zone, (days u8, count, (from, to)*)*)
//!    8 schedules ((from day, window + 1 or 0, price set)*)   9 limits (input, output, context, vector)
//!   10 capability masks (known u64, value u64)   11 deprecation days   12 ids (shared length, rest)
//! columns of 13 provider u8, 14 mode u8, 15 limits, 16 capabilities, 17 deprecation, 18 schedule u16, as byte planes
//! (a schedule's number below the count of price sets is that set, for all time; else a schedule's behind them)
//! ```
//!
//! Ids lie in the order of their lower-case form, each after what it shares with the one before, whole every 16.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use super::columns::{Cursor, GROUP, Records, checksum, column};
use super::decode::fold_bytes;
use super::entry::Entry;
use crate::error::{Error, Result};

const MAGIC: &[u8] = b"MPT1";
const VERSION: u64 = 1;
const SECTIONS: usize = 19;
const CHECKED_FROM: usize = 14;
const MAX_BYTES: usize = 4 << 20;

pub(super) const PROVIDERS: usize = 0;
pub(super) const MODES: usize = 1;
pub(super) const CAPABILITIES: usize = 2;
pub(super) const BRACKETS: usize = 3;
pub(super) const VALUES: usize = 4;
pub(super) const SHAPES: usize = 5;
pub(super) const SETS: usize = 6;
pub(super) const WINDOWS: usize = 7;
pub(super) const SCHEDULES: usize = 8;
pub(super) const LIMITS: usize = 9;
pub(super) const MASKS: usize = 10;
pub(super) const DEPRECATIONS: usize = 11;
pub(super) const IDS: usize = 12;
pub(super) const FIRST_COLUMN: usize = 13;
const COLUMN_WIDTHS: [usize; SECTIONS - FIRST_COLUMN] = [1, 1, 2, 2, 2, 2];

/// Prices of the core providers, so that a gateway without any storage can price them.
static EMBEDDED: &[u8] = include_bytes!("../../prices/core.mpt");

#[derive(Clone)]
enum Bytes {
    Embedded,
    Loaded(Arc<[u8]>),
}

/// Prices, limits and capabilities of many models. Cheap to clone.
#[derive(Clone)]
pub struct PriceTable {
    bytes: Bytes,
    date_day: u32,
    hash: [u8; 16],
    pub(super) models: usize,
    sections: [(usize, usize); SECTIONS],
}

impl PriceTable {
    /// The table of the core providers that is part of the program.
    pub fn embedded() -> Self {
        let empty =
            Self { bytes: Bytes::Embedded, date_day: 0, hash: [0; 16], models: 0, sections: [(0, 0); SECTIONS] };
        // The build's own table is whole: a test reads it with every check.
        Self::header(Bytes::Embedded).unwrap_or(empty)
    }

    /// Reads a table from storage, checking all of it.
    ///
    /// # Errors
    ///
    /// When the bytes are no price table, of another version, cut, damaged, or inconsistent in themselves. The caller
    /// keeps the table that it has.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::PriceTable;
    ///
    /// let error = PriceTable::read(b"MPT1 and then nothing".to_vec()).unwrap_err();
    /// assert!(error.message().contains("price table"), "{error}");
    /// ```
    pub fn read(bytes: Vec<u8>) -> Result<Self> {
        let refuse =
            |what: &str| Error::bad_request("prices", format!("price table {what}; build it with `npm run prices`"));
        if bytes.len() > MAX_BYTES {
            return Err(refuse("of more than 4 MiB"));
        }
        let mut cursor = Cursor(&bytes);
        if cursor.take(MAGIC.len()) != Some(MAGIC) {
            return Err(refuse("without its mark `MPT1`"));
        }
        if cursor.little(2) != Some(VERSION) {
            return Err(refuse("of another version than 1"));
        }
        if cursor.little(8) != Some(checksum(cursor.0)) {
            return Err(refuse("that was cut or damaged (its checksum differs)"));
        }
        let table = Self::header(Bytes::Loaded(bytes.into())).ok_or_else(|| refuse("with a broken directory"))?;
        table.check().ok_or_else(|| refuse("with entries that point nowhere"))?;
        Ok(table)
    }

    fn header(bytes: Bytes) -> Option<Self> {
        let all: &[u8] = match &bytes {
            Bytes::Embedded => EMBEDDED,
            Bytes::Loaded(bytes) => bytes,
        };
        let mut cursor = Cursor(all.get(CHECKED_FROM..)?);
        let date_day = u32::try_from(cursor.little(4)?).ok()?;
        let hash = cursor.take(16)?.try_into().ok()?;
        let models = cursor.little(3)? as usize;
        if usize::from(cursor.byte()?) != SECTIONS {
            return None;
        }
        let mut at = CHECKED_FROM + 4 + 16 + 3 + 1 + 3 * SECTIONS;
        let mut sections = [(0, 0); SECTIONS];
        for section in &mut sections {
            let end = at + cursor.little(3)? as usize;
            *section = (at, end);
            at = end;
        }
        (at == all.len()).then_some(())?;
        Some(Self { bytes, date_day, hash, models, sections })
    }

    /// Walks the whole table: each record once, then the columns that point to them.
    fn check(&self) -> Option<()> {
        let count = |section| self.records(section).map(|records| records.count());
        let schedules = count(SETS)? + count(SCHEDULES)?;
        let targets =
            [count(PROVIDERS)?, count(MODES)?, count(LIMITS)?, count(MASKS)?, count(DEPRECATIONS)?, schedules];
        for ((width, target), section) in COLUMN_WIDTHS.iter().zip(targets).zip(FIRST_COLUMN..) {
            let column_bytes = self.section(section)?;
            (column_bytes.len() == width * self.models).then_some(())?;
            let inside = |model| column(column_bytes, self.models, model).is_some_and(|index| index < target);
            (0..self.models).all(inside).then_some(())?;
        }
        (count(CAPABILITIES)? <= 64 && self.capability_names().count() == count(CAPABILITIES)?).then_some(())?;
        for index in 0..count(PROVIDERS)? {
            self.provider(usize::from(self.provider(index)?.family))?;
        }
        (0..count(MODES)?).try_for_each(|index| self.text(MODES, index).map(drop))?;
        (0..count(LIMITS)?).try_for_each(|index| self.limits(index).map(drop))?;
        (0..count(MASKS)?).try_for_each(|index| self.masks(index).map(drop))?;
        (0..count(DEPRECATIONS)?).try_for_each(|index| self.deprecation(index).map(drop))?;
        (0..schedules).try_for_each(|index| self.schedule(index).map(drop))?;
        self.check_ids()
    }

    /// Each group starts with a whole id, and all are in order.
    fn check_ids(&self) -> Option<()> {
        let ids = self.records(IDS)?;
        (ids.count() == self.models).then_some(())?;
        let (mut before, mut seen) = (Vec::new(), 0);
        for group in 0..ids.groups() {
            (Cursor(ids.group(group)?.next()?).varint()? == 0).then_some(())?;
            let mut reader = self.ids_from(group)?;
            for _ in 0..GROUP.min(self.models - seen) {
                let id = reader.next()?;
                std::str::from_utf8(id).ok()?;
                (fold_bytes(&before, id) != Ordering::Greater).then_some(())?;
                before.clear();
                before.extend_from_slice(id);
                seen += 1;
            }
        }
        (seen == self.models).then_some(())
    }

    fn all(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Embedded => EMBEDDED,
            Bytes::Loaded(bytes) => bytes,
        }
    }

    pub(super) fn section(&self, index: usize) -> Option<&[u8]> {
        let (from, to) = *self.sections.get(index)?;
        self.all().get(from..to)
    }

    pub(super) fn records(&self, index: usize) -> Option<Records<'_>> {
        Records::new(self.section(index)?)
    }

    pub(super) fn text(&self, section: usize, index: usize) -> Option<&str> {
        std::str::from_utf8(self.records(section)?.get(index)?).ok()
    }

    /// The version of the format.
    pub fn version(&self) -> u32 {
        VERSION as u32
    }

    /// The hash of the price data that the table was built from, in hexadecimal digits.
    pub fn hash(&self) -> String {
        self.hash.iter().fold(String::with_capacity(32), |text, byte| text + &format!("{byte:02x}"))
    }

    /// The day of the price data, in days since 1970-01-01. Of two tables, the one with the later day is the newer.
    pub fn date(&self) -> u32 {
        self.date_day
    }

    /// How many names the table knows.
    pub fn len(&self) -> usize {
        self.models
    }

    /// Whether it knows none.
    pub fn is_empty(&self) -> bool {
        self.models == 0
    }

    /// All models, in the order of their names.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        (0..self.models).filter_map(|index| self.entry(index))
    }
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PriceTable({} models, day {}, {})", self.models, self.date_day, self.hash())
    }
}
