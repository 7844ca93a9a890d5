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
use super::entry::{Capabilities, Entry, Limits, PriceList, Span, Windows};
use super::price::Price;
use super::rates::{Rate, Rates};
use super::unit::{Tier, Unit};
use crate::error::{Error, Result};

const MAGIC: &[u8] = b"MPT1";
const VERSION: u64 = 1;
const SECTIONS: usize = 19;
const CHECKED_FROM: usize = 14;
const MAX_BYTES: usize = 4 << 20;
const MAX_ID: usize = 512;
const MAX_LISTS: usize = 32;
const MAX_SPANS: usize = 64;
const MAX_RATES: usize = 512;

const PROVIDERS: usize = 0;
const MODES: usize = 1;
const CAPABILITIES: usize = 2;
const BRACKETS: usize = 3;
const VALUES: usize = 4;
const SHAPES: usize = 5;
const SETS: usize = 6;
const WINDOWS: usize = 7;
const SCHEDULES: usize = 8;
const LIMITS: usize = 9;
const MASKS: usize = 10;
const DEPRECATIONS: usize = 11;
const IDS: usize = 12;
const FIRST_COLUMN: usize = 13;
const COLUMN_WIDTHS: [usize; SECTIONS - FIRST_COLUMN] = [1, 1, 2, 2, 2, 2];

const REPORTS_COST: u8 = 1;
const GEO_PREFIX: u8 = 2;

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
    models: usize,
    sections: [(usize, usize); SECTIONS],
}

/// A provider as the table knows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ProviderRow<'a> {
    pub(crate) name: &'a str,
    /// Providers of one family share prices: a name of any of them finds the models of all.
    pub(crate) family: u8,
    /// The cost that it reports is the one that it bills.
    pub(crate) reports_cost: bool,
    /// Its ids may begin with a region (`us.`, `us-east-1/`).
    pub(crate) geo_prefix: bool,
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

    /// Walks the whole table.
    fn check(&self) -> Option<()> {
        for (width, section) in COLUMN_WIDTHS.iter().zip(FIRST_COLUMN..) {
            (self.section(section)?.len() == width * self.models).then_some(())?;
        }
        (self.records(IDS)?.count() == self.models).then_some(())?;
        (self.records(CAPABILITIES)?.count() <= 64 && self.capability_names().count() <= 64).then_some(())?;
        for index in 0..self.records(PROVIDERS)?.count() {
            self.provider(index)?;
        }
        let mut before = String::new();
        for index in 0..self.models {
            let entry = self.entry(index)?;
            (index == 0 || fold_cmp(&before, &entry.id) != Ordering::Greater).then_some(())?;
            before = entry.id;
        }
        Some(())
    }

    fn all(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Embedded => EMBEDDED,
            Bytes::Loaded(bytes) => bytes,
        }
    }

    fn section(&self, index: usize) -> Option<&[u8]> {
        let (from, to) = *self.sections.get(index)?;
        self.all().get(from..to)
    }

    fn records(&self, index: usize) -> Option<Records<'_>> {
        Records::new(self.section(index)?)
    }

    fn text(&self, section: usize, index: usize) -> Option<&str> {
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

    pub(crate) fn provider(&self, index: usize) -> Option<ProviderRow<'_>> {
        let mut cursor = Cursor(self.records(PROVIDERS)?.get(index)?);
        let (family, flags) = (cursor.byte()?, cursor.byte()?);
        let name = std::str::from_utf8(cursor.0).ok()?;
        Some(ProviderRow { name, family, reports_cost: flags & REPORTS_COST != 0, geo_prefix: flags & GEO_PREFIX != 0 })
    }

    pub(crate) fn provider_named(&self, name: &str) -> Option<ProviderRow<'_>> {
        let count = self.records(PROVIDERS)?.count();
        (0..count).filter_map(|index| self.provider(index)).find(|row| row.name == name)
    }

    /// The names of the bits of a capability mask.
    pub(crate) fn capability_names(&self) -> impl Iterator<Item = &str> {
        let count = self.records(CAPABILITIES).map_or(0, |names| names.count());
        (0..count).filter_map(|bit| self.text(CAPABILITIES, bit))
    }

    fn provider_of(&self, model: usize) -> Option<ProviderRow<'_>> {
        self.provider(column(self.section(FIRST_COLUMN)?, self.models, model)?)
    }

    /// The model of this name in a family of providers: the very name, else one that differs in case.
    pub(crate) fn locate(&self, name: &str, family: u8) -> Option<usize> {
        let ids = self.records(IDS)?;
        let (mut low, mut high) = (0, ids.groups());
        while low < high {
            let middle = low.midpoint(high);
            let mut first = Cursor(ids.group(middle)?.next()?);
            first.varint()?;
            if fold_bytes(first.0, name.as_bytes()) == Ordering::Less { low = middle + 1 } else { high = middle }
        }
        let mut folded = None;
        for (index, id) in self.ids_from(low.saturating_sub(1))? {
            match fold_bytes(&id, name.as_bytes()) {
                Ordering::Less => {}
                Ordering::Greater => break,
                Ordering::Equal if self.provider_of(index)?.family != family => {}
                Ordering::Equal if id == name.as_bytes() => return Some(index),
                Ordering::Equal => folded = folded.or(Some(index)),
            }
        }
        folded
    }

    fn ids_from(&self, group: usize) -> Option<impl Iterator<Item = (usize, Vec<u8>)>> {
        let mut reader = self.records(IDS)?.group(group)?;
        let mut id = Vec::new();
        Some((group * GROUP..self.models).map_while(move |index| {
            let mut cursor = Cursor(reader.next()?);
            let shared = cursor.size()?;
            if shared > id.len() || shared + cursor.0.len() > MAX_ID {
                return None;
            }
            id.truncate(shared);
            id.extend_from_slice(cursor.0);
            Some((index, id.clone()))
        }))
    }

    pub(crate) fn entry(&self, model: usize) -> Option<Entry> {
        let column = |section| column(self.section(section)?, self.models, model);
        let (_, id) = self.ids_from(model / GROUP)?.nth(model % GROUP)?;
        let mut limits = Cursor(self.records(LIMITS)?.get(column(FIRST_COLUMN + 2)?)?);
        let mut limit = || limits.varint().map(|number| (number > 0).then_some(number));
        let limits = Limits { max_input: limit()?, max_output: limit()?, context: limit()?, vector: limit()? };
        let mut mask = Cursor(self.records(MASKS)?.get(column(FIRST_COLUMN + 3)?)?);
        let gone = Cursor(self.records(DEPRECATIONS)?.get(column(FIRST_COLUMN + 4)?)?).varint()?;
        Some(Entry {
            id: String::from_utf8(id).ok()?,
            provider: self.provider_of(model)?.name.to_owned(),
            mode: self.text(MODES, column(FIRST_COLUMN + 1)?)?.to_owned(),
            limits,
            capabilities: Capabilities { known: mask.little(8)?, value: mask.little(8)?, table: self.clone() },
            deprecation_day: u32::try_from(gone).ok().filter(|day| *day > 0),
            lists: self.schedule(column(FIRST_COLUMN + 5)?)?,
            inferred: false,
        })
    }

    /// The price lists of a model: one for all time where the index is a price set's, else the schedule behind those.
    fn schedule(&self, index: usize) -> Option<Vec<PriceList>> {
        let Some(index) = index.checked_sub(self.records(SETS)?.count()) else {
            return Some(vec![PriceList { from_day: 0, windows: None, rates: self.set(index)? }]);
        };
        let mut cursor = Cursor(self.records(SCHEDULES)?.get(index)?);
        let mut lists = Vec::new();
        while !cursor.is_empty() {
            let from_day = u32::try_from(cursor.varint()?).ok()?;
            let windows = match cursor.size()? {
                0 => None,
                number => Some(self.windows(number - 1)?),
            };
            (lists.len() < MAX_LISTS).then_some(())?;
            lists.push(PriceList { from_day, windows, rates: self.set(cursor.size()?)? });
        }
        Some(lists)
    }

    fn windows(&self, index: usize) -> Option<Windows> {
        let mut cursor = Cursor(self.records(WINDOWS)?.get(index)?);
        let minute = |cursor: &mut Cursor<'_>| u16::try_from(cursor.varint()?).ok().filter(|minute| *minute <= 1_440);
        let mut windows = Windows { zone: minute(&mut cursor)?, spans: Vec::new() };
        while !cursor.is_empty() {
            let days = cursor.byte()?;
            for _ in 0..cursor.size()? {
                (windows.spans.len() < MAX_SPANS).then_some(())?;
                windows.spans.push(Span { days, from: minute(&mut cursor)?, to: minute(&mut cursor)? });
            }
        }
        Some(windows)
    }

    fn set(&self, index: usize) -> Option<Rates> {
        let mut values = Cursor(self.records(SETS)?.get(index)?);
        let mut shape = Cursor(self.records(SHAPES)?.get(values.size()?)?);
        (shape.0.len() <= 3 * MAX_RATES).then_some(())?;
        let mut rates = Vec::with_capacity(shape.0.len() / 3);
        while !shape.is_empty() {
            let unit = Unit::from_code(shape.byte()?)?;
            let above = Cursor(self.records(BRACKETS)?.get(usize::from(shape.byte()?))?).varint()?;
            let tier = Tier::from_code(shape.byte()?)?;
            let mut value = Cursor(self.records(VALUES)?.get(values.size()?)?);
            let num = value.varint()?;
            let den = if value.is_empty() { 1 } else { value.varint()? };
            rates.push(Rate { unit, tier, above, price: Price::new(num, den)? });
        }
        Some(Rates::new(rates))
    }
}

fn fold_cmp(left: &str, right: &str) -> Ordering {
    fold_bytes(left.as_bytes(), right.as_bytes())
}

fn fold_bytes(left: &[u8], right: &[u8]) -> Ordering {
    left.iter().map(u8::to_ascii_lowercase).cmp(right.iter().map(u8::to_ascii_lowercase))
}

impl fmt::Debug for PriceTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PriceTable({} models, day {}, {})", self.models, self.date_day, self.hash())
    }
}
