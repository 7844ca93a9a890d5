//! The directory in three tables of SQL: records, their index, and the outbox.

use std::cell::RefCell;

use super::{Delivery, Filter, Index, Listed, RecordKind, Store, Stored};
use crate::keys::sql::{Cell, Row, Sql};

/// The directory's tables. A failure is kept, since a store does not fail in the middle of a step: whoever began the step
/// asks for it, and takes back the step.
#[derive(Debug)]
pub struct Tables<S: Sql> {
    sql: S,
    failure: RefCell<Option<S::Failure>>,
}

impl<S: Sql> Tables<S> {
    /// The tables in a database.
    ///
    /// # Errors
    ///
    /// They cannot be made.
    pub fn new(sql: S) -> Result<Self, S::Failure> {
        for table in [
            "record (kind TEXT, id TEXT, version INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID",
            "entry (kind TEXT, field TEXT, value TEXT, id TEXT, PRIMARY KEY (kind, field, value, id)) WITHOUT ROWID",
            "outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL)",
        ] {
            sql.run(&["CREATE TABLE IF NOT EXISTS ", table].concat(), &[])?;
        }
        Ok(Self { sql, failure: RefCell::new(None) })
    }

    /// What went wrong since this was last asked.
    ///
    /// # Errors
    ///
    /// The first failure.
    pub fn check(&self) -> Result<(), S::Failure> {
        self.failure.take().map_or(Ok(()), Err)
    }

    /// The first delivery of the outbox.
    ///
    /// # Errors
    ///
    /// The outbox cannot be read.
    pub fn next_delivery(&self) -> Result<Option<(u64, Delivery)>, S::Failure> {
        let rows = self.sql.run("SELECT seq, delivery FROM outbox ORDER BY seq LIMIT 1", &[])?;
        let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
        Ok(Some((row.number(), serde_json::from_str(&row.text().unwrap_or_default())?)))
    }

    /// Takes a delivery out of the outbox.
    ///
    /// # Errors
    ///
    /// The outbox cannot be written.
    pub fn delivered(&self, seq: u64) -> Result<(), S::Failure> {
        self.sql.run("DELETE FROM outbox WHERE seq = ?", &[seq.into()]).map(|_| ())
    }

    fn run(&self, query: &str, values: &[Cell]) -> Vec<Row> {
        self.sql.run(query, values).unwrap_or_else(|failure| {
            self.failure.borrow_mut().get_or_insert(failure);
            Vec::new()
        })
    }

    fn stored(&self, mut row: Row) -> Option<Stored> {
        let (id, version) = (row.text()?, row.number());
        match serde_json::from_str(&row.text()?) {
            Ok(record) => Some(Stored { id, version, record }),
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error.into());
                None
            }
        }
    }
}

impl<S: Sql> Store for Tables<S> {
    fn get(&self, kind: RecordKind, id: &str) -> Option<Stored> {
        let query = "SELECT id, version, record FROM record WHERE kind = ? AND id = ?";
        let rows = self.run(query, &[kind.name().into(), id.into()]);
        rows.into_iter().next().and_then(|row| self.stored(row))
    }

    fn put(&mut self, kind: RecordKind, id: &str, stored: Option<&Stored>, index: &[Index]) {
        let kind = kind.name();
        self.run("DELETE FROM entry WHERE kind = ? AND id = ?", &[kind.into(), id.into()]);
        let Some(stored) = stored else {
            self.run("DELETE FROM record WHERE kind = ? AND id = ?", &[kind.into(), id.into()]);
            return;
        };
        let values = [kind.into(), id.into(), stored.version.into(), stored.record.to_string().into()];
        self.run("INSERT OR REPLACE INTO record (kind, id, version, record) VALUES (?, ?, ?, ?)", &values);
        for index in index {
            let values = [kind.into(), index.field.as_str().into(), index.value.as_str().into(), id.into()];
            self.run("INSERT OR REPLACE INTO entry (kind, field, value, id) VALUES (?, ?, ?, ?)", &values);
        }
    }

    fn holder(&self, kind: RecordKind, field: &str, value: &str) -> Option<String> {
        let query = "SELECT id FROM entry WHERE kind = ? AND field = ? AND value = ? LIMIT 1";
        let rows = self.run(query, &[kind.name().into(), field.into(), value.into()]);
        rows.into_iter().next()?.text()
    }

    fn list(&self, kind: RecordKind, filter: &[Filter], offset: u64, limit: u64) -> Listed {
        let mut condition = "FROM record WHERE kind = ?".to_owned();
        let mut values: Vec<Cell> = vec![kind.name().into()];
        for filter in filter {
            condition.push_str(
                " AND EXISTS (SELECT 1 FROM entry WHERE entry.kind = record.kind AND entry.id = record.id AND field = ? AND value = ?)",
            );
            values.push(filter.field.as_str().into());
            values.push(filter.value.as_str().into());
        }
        let mut counts = self.run(&["SELECT COUNT(*) ", &condition].concat(), &values);
        let total = counts.first_mut().map_or(0, Row::number);
        values.push(limit.into());
        values.push(offset.into());
        let rows =
            self.run(&["SELECT id, version, record ", &condition, " ORDER BY id LIMIT ? OFFSET ?"].concat(), &values);
        Listed { records: rows.into_iter().filter_map(|row| self.stored(row)).collect(), total }
    }

    fn post(&mut self, delivery: &Delivery) {
        let text = serde_json::to_string(delivery).unwrap_or_default();
        self.run("INSERT INTO outbox (delivery) VALUES (?)", &[text.into()]);
    }
}
