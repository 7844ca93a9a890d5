//! The rows of a ledger in three tables of SQL.

use serde::de::DeserializeOwned;
use serde_json::to_string;

use super::change::{Change, Mark};
use super::entry::Entry;
use super::home::{Loaded, Rows};
use crate::keys::sql::{Cell, Row, Sql};

/// A ledger's tables.
#[derive(Debug)]
pub struct Tables<S> {
    sql: S,
    made: bool,
}

impl<S: Sql> Tables<S> {
    /// The tables in a database; they are made when they are first used.
    pub const fn new(sql: S) -> Self {
        Self { sql, made: false }
    }

    /// Runs a statement in which `$name"` stands for each table: tables of several homes may be in one database.
    fn run(&mut self, query: &str, values: &[Cell]) -> Result<Vec<Row>, S::Failure> {
        if !self.made {
            for table in [
                "$request\" (seq INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, open TEXT NOT NULL, progress TEXT, closing TEXT)",
                "$scope\" (id TEXT PRIMARY KEY, row TEXT NOT NULL)",
                "$mark\" (id INTEGER PRIMARY KEY CHECK (id = 0), row TEXT NOT NULL)",
            ] {
                self.sql.run(&self.named(&["CREATE TABLE IF NOT EXISTS ", table].concat()), &[])?;
            }
            self.made = true;
        }
        self.sql.run(&self.named(query), values)
    }

    fn named(&self, query: &str) -> String {
        query.replace('$', &["\"", self.sql.tables()].concat())
    }

    fn read<T: DeserializeOwned>(&mut self, query: &str) -> Result<Vec<T>, S::Failure> {
        let rows = self.run(query, &[])?;
        let rows = rows.into_iter().filter_map(|mut row| row.text()).map(|text| serde_json::from_str(&text));
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn entries(&mut self, query: &str, values: &[Cell]) -> Result<Vec<Entry>, S::Failure> {
        let rows = self.run(query, values)?;
        rows.into_iter()
            .map(|mut row| {
                let mut entry: Entry = serde_json::from_str(&row.text().unwrap_or_default())?;
                if let Some(progress) = row.text() {
                    entry.progress(&serde_json::from_str(&progress)?);
                }
                if let Some(closing) = row.text() {
                    entry.close(serde_json::from_str(&closing)?);
                }
                Ok(entry)
            })
            .collect()
    }
}

impl<S: Sql> Rows for Tables<S> {
    type Failure = S::Failure;

    fn load(&mut self) -> Result<Loaded, S::Failure> {
        let scopes = self.read("SELECT row FROM $scope\"")?;
        let marks: Vec<Mark> = self.read("SELECT row FROM $mark\"")?;
        let mark = marks.into_iter().next().unwrap_or_default();
        let query = "SELECT open, progress, closing FROM $request\" WHERE seq >= ? ORDER BY seq";
        let entries = self.entries(query, &[mark.from_seq.into()])?;
        Ok(Loaded { scopes, mark, entries })
    }

    fn write(&mut self, change: &Change) -> Result<(), S::Failure> {
        let (query, values) = match change {
            Change::Open(entry) => (
                "INSERT INTO $request\" (seq, start_ms, open) VALUES (?, ?, ?)",
                vec![entry.seq.into(), entry.start_ms.into(), to_string(entry)?.into()],
            ),
            Change::Progress(progress) => (
                "UPDATE $request\" SET progress = ? WHERE seq = ?",
                vec![to_string(progress)?.into(), progress.seq.into()],
            ),
            Change::Close(closing) => (
                "UPDATE $request\" SET closing = ? WHERE seq = ?",
                vec![to_string(closing)?.into(), closing.seq.into()],
            ),
            Change::Scope(row) => (
                "INSERT OR REPLACE INTO $scope\" (id, row) VALUES (?, ?)",
                vec![to_string(&row.scope)?.into(), to_string(row)?.into()],
            ),
            Change::Mark(mark) => {
                ("INSERT OR REPLACE INTO $mark\" (id, row) VALUES (0, ?)", vec![to_string(mark)?.into()])
            }
            Change::Forget(before) => ("DELETE FROM $request\" WHERE seq < ?", vec![(*before).into()]),
        };
        self.run(query, &values).map(|_| ())
    }

    fn log(&mut self, from_ms: u64, until_ms: u64, limit: u64) -> Result<Vec<Entry>, S::Failure> {
        let query = "SELECT open, progress, closing FROM $request\" \
            WHERE start_ms >= ? AND start_ms < ? ORDER BY seq LIMIT ?";
        self.entries(query, &[from_ms.into(), until_ms.into(), limit.into()])
    }
}
