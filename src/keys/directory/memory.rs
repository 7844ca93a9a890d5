//! A directory in memory: for tests, and for homes that persist elsewhere.

use super::{Delivery, Filter, Index, Listed, RecordKind, Store, Stored};
use crate::sorted::SortedMap;

/// Records, their index, and the outbox, in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    records: SortedMap<(RecordKind, String), (Stored, Vec<Index>)>,
    outbox: Vec<Delivery>,
}

impl Memory {
    /// What waits to be delivered, in order.
    pub fn outbox(&self) -> &[Delivery] {
        &self.outbox
    }

    /// Takes all that waits to be delivered, in order.
    pub fn take_outbox(&mut self) -> Vec<Delivery> {
        std::mem::take(&mut self.outbox)
    }

    /// Takes the first of what waits to be delivered.
    pub fn take_first(&mut self) -> Option<Delivery> {
        if self.outbox.is_empty() { None } else { Some(self.outbox.remove(0)) }
    }

    fn of(&self, kind: RecordKind) -> impl Iterator<Item = &(Stored, Vec<Index>)> {
        self.records.iter().filter(move |((own, _), _)| *own == kind).map(|(_, record)| record)
    }
}

impl Store for Memory {
    fn get(&self, kind: RecordKind, id: &str) -> Option<Stored> {
        self.records.get(&(kind, id.to_owned())).map(|(stored, _)| stored.clone())
    }

    fn put(&mut self, kind: RecordKind, id: &str, stored: Option<&Stored>, index: &[Index]) {
        let key = (kind, id.to_owned());
        match stored {
            Some(stored) => drop(self.records.insert(key, (stored.clone(), index.to_vec()))),
            None => drop(self.records.remove(&key)),
        }
    }

    fn holder(&self, kind: RecordKind, field: &str, value: &str) -> Option<String> {
        let has = |index: &[Index]| index.iter().any(|index| index.field == field && index.value == value);
        self.of(kind).find(|(_, index)| has(index)).map(|(stored, _)| stored.id.clone())
    }

    fn list(&self, kind: RecordKind, filter: &[Filter], offset: u64, limit: u64) -> Listed {
        let has = |index: &[Index], wanted: &Filter| {
            index.iter().any(|index| index.field == wanted.field && index.value == wanted.value)
        };
        let fits = |index: &[Index]| filter.iter().all(|wanted| has(index, wanted));
        let all: Vec<&Stored> = self.of(kind).filter(|(_, index)| fits(index)).map(|(stored, _)| stored).collect();
        let page = all.iter().skip(offset as usize).take(limit as usize).map(|stored| (*stored).clone());
        Listed { records: page.collect(), total: all.len() as u64 }
    }

    fn post(&mut self, delivery: &Delivery) {
        self.outbox.push(delivery.clone());
    }
}
