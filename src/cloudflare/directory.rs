//! The home of the directory: a Durable Object with SQLite, and the outbox that it empties.
//!
//! A change and what follows from it are rows of one step. Deliveries go out one after the other, by whoever finds the
//! outbox not being emptied; an answer waits for them, and an alarm goes on where a delivery failed.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use serde::Deserialize;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object};

use super::KV;
use super::objects::{self, LEDGER};
use crate::keys::directory::{self, Call, Delivery, Filter, Index, Listed, RecordKind, Store, Stored};
use crate::keys::ledger;

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS record (kind TEXT, id TEXT, version INTEGER NOT NULL, record TEXT NOT NULL, PRIMARY KEY (kind, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS entry (kind TEXT, field TEXT, value TEXT, id TEXT, PRIMARY KEY (kind, field, value, id)) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outbox (seq INTEGER PRIMARY KEY AUTOINCREMENT, delivery TEXT NOT NULL);";

/// After how many ms a delivery that failed is tried again.
const RETRY_MS: i64 = 5_000;

/// The directory of keys, teams, users, customers and budgets.
#[durable_object]
pub struct Directory {
    state: State,
    env: Env,
    sql: SqlStorage,
    ready: Cell<bool>,
    emptying: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

#[derive(Deserialize)]
struct RecordRow {
    id: String,
    version: u64,
    record: String,
}

#[derive(Deserialize)]
struct IdRow {
    id: String,
}

#[derive(Deserialize)]
struct CountRow {
    count: u64,
}

#[derive(Deserialize)]
struct OutboxRow {
    seq: i64,
    delivery: String,
}

impl DurableObject for Directory {
    fn new(state: State, env: Env) -> Self {
        let sql = state.storage().sql();
        Self { state, env, sql, ready: Cell::new(false), emptying: Cell::new(false), waiting: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call: Call = crate::json::read(&request.bytes().await?)?;
        let changes = matches!(call, Call::Commit(_));
        self.make_tables()?;
        let mut rows = Rows { sql: &self.sql, failure: RefCell::new(None) };
        let reply = directory::act(&mut rows, call);
        if let Some(failure) = rows.failure.into_inner() {
            // The platform takes back what an operation that fails has written.
            return Err(failure);
        }
        if changes && !self.empty_outbox().await? {
            return Response::error("not delivered yet", 503);
        }
        objects::json(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        self.make_tables()?;
        self.empty_outbox().await?;
        Response::empty()
    }
}

impl Directory {
    fn make_tables(&self) -> Result<()> {
        if !self.ready.replace(true) {
            self.sql.exec(TABLES, None)?;
        }
        Ok(())
    }

    /// Delivers all that waits, in order; `false` where something could not be delivered and the alarm goes on with it.
    async fn empty_outbox(&self) -> Result<bool> {
        // One at a time: two could overtake each other, and an old limit would come after a new one.
        poll_fn(|context| {
            if self.emptying.get() {
                self.waiting.borrow_mut().push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        self.emptying.set(true);
        let done = self.deliver_all().await;
        self.emptying.set(false);
        for waker in self.waiting.take() {
            waker.wake();
        }
        let done = done?;
        if !done {
            self.state.storage().set_alarm(RETRY_MS).await?;
        }
        Ok(done)
    }

    async fn deliver_all(&self) -> Result<bool> {
        loop {
            let rows = self.sql.exec("SELECT seq, delivery FROM outbox ORDER BY seq LIMIT 1", None)?;
            let Some(row) = rows.to_array::<OutboxRow>()?.into_iter().next() else { return Ok(true) };
            let delivered = match serde_json::from_str(&row.delivery)? {
                Delivery::Copy { kind, id, record } => self.copy(kind, &id, record.as_ref()).await.is_ok(),
                Delivery::Ledger { root, message } => {
                    let name = objects::root_name(&root);
                    objects::ask::<ledger::Reply>(&self.env, LEDGER, &name, &message).await.is_ok()
                }
            };
            if !delivered {
                return Ok(false);
            }
            let seq: Vec<SqlStorageValue> = vec![SqlStorageValue::try_from_i64(row.seq)?];
            self.sql.exec("DELETE FROM outbox WHERE seq = ?", seq)?;
        }
    }

    async fn copy(&self, kind: RecordKind, id: &str, record: Option<&serde_json::Value>) -> Result<()> {
        let kv = self.env.kv(KV)?;
        let key = format!("{}:{id}", kind.name());
        match record {
            Some(record) => kv.put(&key, record.to_string())?.execute().await?,
            None => kv.delete(&key).await?,
        }
        Ok(())
    }
}

/// The directory's tables. A failure is kept, since a store does not fail in the middle of a step.
struct Rows<'a> {
    sql: &'a SqlStorage,
    failure: RefCell<Option<worker::Error>>,
}

impl Rows<'_> {
    fn rows<T: serde::de::DeserializeOwned>(&self, query: &str, values: Vec<SqlStorageValue>) -> Vec<T> {
        let rows = self.sql.exec(query, values).and_then(|cursor| cursor.to_array());
        rows.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            Vec::new()
        })
    }

    fn write(&self, query: &str, values: Vec<SqlStorageValue>) {
        if let Err(error) = self.sql.exec(query, values) {
            self.failure.borrow_mut().get_or_insert(error);
        }
    }

    fn stored(&self, row: RecordRow) -> Option<Stored> {
        match serde_json::from_str(&row.record) {
            Ok(record) => Some(Stored { id: row.id, version: row.version, record }),
            Err(error) => {
                self.failure.borrow_mut().get_or_insert(error.into());
                None
            }
        }
    }
}

impl Store for Rows<'_> {
    fn get(&self, kind: RecordKind, id: &str) -> Option<Stored> {
        let query = "SELECT id, version, record FROM record WHERE kind = ? AND id = ?";
        let rows: Vec<RecordRow> = self.rows(query, vec![kind.name().into(), id.into()]);
        rows.into_iter().next().and_then(|row| self.stored(row))
    }

    fn put(&mut self, kind: RecordKind, id: &str, stored: Option<&Stored>, index: &[Index]) {
        let kind = kind.name();
        self.write("DELETE FROM entry WHERE kind = ? AND id = ?", vec![kind.into(), id.into()]);
        let Some(stored) = stored else {
            self.write("DELETE FROM record WHERE kind = ? AND id = ?", vec![kind.into(), id.into()]);
            return;
        };
        let version = SqlStorageValue::Float(stored.version as f64);
        let values = vec![kind.into(), id.into(), version, stored.record.to_string().into()];
        self.write("INSERT OR REPLACE INTO record (kind, id, version, record) VALUES (?, ?, ?, ?)", values);
        for index in index {
            let values = vec![kind.into(), index.field.as_str().into(), index.value.as_str().into(), id.into()];
            self.write("INSERT OR REPLACE INTO entry (kind, field, value, id) VALUES (?, ?, ?, ?)", values);
        }
    }

    fn holder(&self, kind: RecordKind, field: &str, value: &str) -> Option<String> {
        let query = "SELECT id FROM entry WHERE kind = ? AND field = ? AND value = ? LIMIT 1";
        let rows: Vec<IdRow> = self.rows(query, vec![kind.name().into(), field.into(), value.into()]);
        rows.into_iter().next().map(|row| row.id)
    }

    fn list(&self, kind: RecordKind, filter: &[Filter], offset: u64, limit: u64) -> Listed {
        let mut condition = "FROM record WHERE kind = ?".to_owned();
        let mut values: Vec<SqlStorageValue> = vec![kind.name().into()];
        for filter in filter {
            condition.push_str(
                " AND EXISTS (SELECT 1 FROM entry WHERE entry.kind = record.kind AND entry.id = record.id AND field = ? AND value = ?)",
            );
            values.push(filter.field.as_str().into());
            values.push(filter.value.as_str().into());
        }
        let counts: Vec<CountRow> = self.rows(&format!("SELECT COUNT(*) AS count {condition}"), values.clone());
        values.push(SqlStorageValue::Float(limit as f64));
        values.push(SqlStorageValue::Float(offset as f64));
        let query = format!("SELECT id, version, record {condition} ORDER BY id LIMIT ? OFFSET ?");
        let rows: Vec<RecordRow> = self.rows(&query, values);
        let records = rows.into_iter().filter_map(|row| self.stored(row)).collect();
        Listed { records, total: counts.first().map_or(0, |row| row.count) }
    }

    fn post(&mut self, delivery: &Delivery) {
        let text = serde_json::to_string(delivery).unwrap_or_default();
        self.write("INSERT INTO outbox (delivery) VALUES (?)", vec![text.into()]);
    }
}
