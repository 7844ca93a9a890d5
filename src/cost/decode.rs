//! Reads single models, price lists and names out of a [`PriceTable`] where they lie.

use std::cmp::Ordering;

use super::columns::{Cursor, GROUP, column};
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

impl PriceTable {
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

    pub(super) fn ids_from(&self, group: usize) -> Option<impl Iterator<Item = (usize, Vec<u8>)>> {
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
        let (known, value) = self.masks(column(FIRST_COLUMN + 3)?)?;
        Some(Entry {
            id: String::from_utf8(id).ok()?,
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
