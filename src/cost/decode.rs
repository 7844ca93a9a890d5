//! Reads single models, price lists and names out of a [`PriceTable`] where they lie.

use std::cmp::Ordering;

use super::columns::{Cursor, GROUP, RecordReader, column};
use super::entry::{Capabilities, Entry, Limits, PriceList, Span, Windows};
use super::price::Price;
use super::rates::{Rate, Rates};
use super::table::{
    BRACKETS, CAPABILITIES, DEPRECATIONS, FIRST_COLUMN, IDS, LIMITS, MASKS, MODES, PROVIDERS, PriceTable, SCHEDULES,
    SETS, SHAPES, VALUES, WINDOWS,
};
use super::unit::{Tier, Unit};

const MAX_ID: usize = 512;
const MAX_LISTS: usize = 32;
const MAX_SPANS: usize = 64;
const MAX_RATES: usize = 512;
const REPORTS_COST: u8 = 1;
const GEO_PREFIX: u8 = 2;

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

impl<'a> ProviderRow<'a> {
    fn read(record: &'a [u8]) -> Option<Self> {
        let mut cursor = Cursor(record);
        let (family, flags) = (cursor.byte()?, cursor.byte()?);
        let name = std::str::from_utf8(cursor.0).ok()?;
        Some(Self { name, family, reports_cost: flags & REPORTS_COST != 0, geo_prefix: flags & GEO_PREFIX != 0 })
    }
}

/// Reads ids one after the other into one buffer.
pub(super) struct IdReader<'a> {
    records: RecordReader<'a>,
    id: Vec<u8>,
}

impl IdReader<'_> {
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        let mut cursor = Cursor(self.records.next()?);
        let shared = cursor.size()?;
        if shared > self.id.len() || shared + cursor.0.len() > MAX_ID {
            return None;
        }
        self.id.truncate(shared);
        self.id.extend_from_slice(cursor.0);
        Some(&self.id)
    }
}

impl PriceTable {
    pub(crate) fn provider(&self, index: usize) -> Option<ProviderRow<'_>> {
        ProviderRow::read(self.records(PROVIDERS)?.get(index)?)
    }

    pub(crate) fn provider_named(&self, name: &str) -> Option<ProviderRow<'_>> {
        let named = |record: &&[u8]| record.get(2..) == Some(name.as_bytes());
        ProviderRow::read(self.records(PROVIDERS)?.iter().find(named)?)
    }

    /// The names of the bits of a capability mask.
    pub(crate) fn capability_names(&self) -> impl Iterator<Item = &str> {
        let names = self.records(CAPABILITIES).into_iter().flat_map(|names| names.iter());
        names.filter_map(|name| std::str::from_utf8(name).ok())
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
        let group = low.saturating_sub(1);
        let mut reader = self.ids_from(group)?;
        let mut folded = None;
        for index in group * GROUP..self.models {
            let id = reader.next()?;
            match fold_bytes(id, name.as_bytes()) {
                Ordering::Less => {}
                Ordering::Greater => break,
                Ordering::Equal if self.provider_of(index)?.family != family => {}
                Ordering::Equal if id == name.as_bytes() => return Some(index),
                Ordering::Equal => folded = folded.or(Some(index)),
            }
        }
        folded
    }

    pub(super) fn ids_from(&self, group: usize) -> Option<IdReader<'_>> {
        Some(IdReader { records: self.records(IDS)?.group(group)?, id: Vec::with_capacity(64) })
    }

    fn id(&self, model: usize) -> Option<String> {
        let mut reader = self.ids_from(model / GROUP)?;
        for _ in 0..model % GROUP {
            reader.next()?;
        }
        String::from_utf8(reader.next()?.to_vec()).ok()
    }

    pub(crate) fn entry(&self, model: usize) -> Option<Entry> {
        let column = |section| column(self.section(section)?, self.models, model);
        let (known, value) = self.masks(column(FIRST_COLUMN + 3)?)?;
        Some(Entry {
            id: self.id(model)?,
            provider: self.provider_of(model)?.name.to_owned(),
            mode: self.text(MODES, column(FIRST_COLUMN + 1)?)?.to_owned(),
            limits: self.limits(column(FIRST_COLUMN + 2)?)?,
            capabilities: Capabilities { known, value, table: self.clone() },
            deprecation_day: Some(self.deprecation(column(FIRST_COLUMN + 4)?)?).filter(|day| *day > 0),
            lists: self.schedule(column(FIRST_COLUMN + 5)?)?,
            inferred: false,
        })
    }

    pub(super) fn limits(&self, index: usize) -> Option<Limits> {
        let mut cursor = Cursor(self.records(LIMITS)?.get(index)?);
        let mut limit = || cursor.varint().map(|number| (number > 0).then_some(number));
        Some(Limits { max_input: limit()?, max_output: limit()?, context: limit()?, vector: limit()? })
    }

    pub(super) fn masks(&self, index: usize) -> Option<(u64, u64)> {
        let mut cursor = Cursor(self.records(MASKS)?.get(index)?);
        Some((cursor.little(8)?, cursor.little(8)?))
    }

    /// A day since 1970-01-01; 0: none.
    pub(super) fn deprecation(&self, index: usize) -> Option<u32> {
        u32::try_from(Cursor(self.records(DEPRECATIONS)?.get(index)?).varint()?).ok()
    }

    /// The price lists of a model: one for all time where the index is a price set's, else the schedule behind those.
    pub(super) fn schedule(&self, index: usize) -> Option<Vec<PriceList>> {
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

/// Compares without regard to the case of ASCII letters.
pub(super) fn fold_bytes(left: &[u8], right: &[u8]) -> Ordering {
    left.iter().map(u8::to_ascii_lowercase).cmp(right.iter().map(u8::to_ascii_lowercase))
}
