//! The home of one budget root's ledger: a Durable Object with SQLite.
//!
//! Correct for as long as these hold:
//!
//! - One object for each root, and one thread in it: the platform's promise.
//! - Nothing is awaited between an operation and the writing of its rows, so the platform commits them together, and its
//!   output gate holds the answer back until they are durable.
//! - Where a row cannot be written, memory is thrown away and rebuilt from the rows: it never knows more than the disk.

use std::cell::{Cell, RefCell};

use serde::Deserialize;
use worker::{DurableObject, Env, Request, Response, Result, SqlStorage, SqlStorageValue, State, durable_object};

use crate::keys::ledger::{Change, Entry, Ledger as Books, Mark, Message, Reply, ScopeRow, Settings};

const TABLES: &str = "
    CREATE TABLE IF NOT EXISTS request (seq INTEGER PRIMARY KEY, start_ms INTEGER NOT NULL, open TEXT NOT NULL, progress TEXT, closing TEXT);
    CREATE TABLE IF NOT EXISTS scope (id TEXT PRIMARY KEY, row TEXT NOT NULL);
    CREATE TABLE IF NOT EXISTS mark (id INTEGER PRIMARY KEY CHECK (id = 0), row TEXT NOT NULL);";

/// How long after a change the sums are written at the latest, in ms: bounds how many rows a reload reads.
const SNAPSHOT_MS: u64 = 60_000;

/// How long past an object's deadline its alarm comes, in ms: an owner that settles in time should win.
const GRACE_MS: u64 = 500;

/// The ledger of one budget root.
#[durable_object]
pub struct Ledger {
    state: State,
    sql: SqlStorage,
    books: RefCell<Option<Books>>,
    /// When the alarm is set to come, in Unix ms; 0 where none is.
    alarm_at: Cell<u64>,
}

#[derive(Deserialize)]
struct RequestRow {
    open: String,
    progress: Option<String>,
    closing: Option<String>,
}

#[derive(Deserialize)]
struct TextRow {
    row: String,
}

impl DurableObject for Ledger {
    fn new(state: State, _: Env) -> Self {
        let sql = state.storage().sql();
        Self { state, sql, books: RefCell::new(None), alarm_at: Cell::new(0) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let message: Message = crate::json::read(&request.bytes().await?)?;
        let now = worker::Date::now().as_millis();
        if let Message::Log { from_ms, until_ms, limit } = message {
            return super::objects::json(&Reply::Entries(self.log(from_ms, until_ms, limit)?));
        }
        let reply = self.act(message, now)?;
        self.set_alarm(now).await?;
        super::objects::json(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        let now = worker::Date::now().as_millis();
        self.alarm_at.set(0);
        self.with_books(now, |books| {
            let mut changes = books.expire(now).changes;
            changes.extend(books.reset_due(now).changes);
            changes.extend(books.snapshot().changes);
            ((), changes)
        })?;
        self.set_alarm(now).await?;
        Response::empty()
    }
}

impl Ledger {
    fn act(&self, message: Message, now: u64) -> Result<Reply> {
        self.with_books(now, |books| match books.act(message, now) {
            Some(answer) => {
                for event in &answer.events {
                    // Whoever sends alerts reads the log.
                    worker::console_log!("{}", serde_json::json!({"event": "budget", "crossing": event}));
                }
                (answer.value, answer.changes)
            }
            None => (Reply::Done, Vec::new()),
        })
    }

    /// Runs an operation and writes its rows, in one step.
    fn with_books<T>(&self, now: u64, operation: impl FnOnce(&mut Books) -> (T, Vec<Change>)) -> Result<T> {
        let mut books = self.books.borrow_mut();
        let loaded = match books.take() {
            Some(loaded) => loaded,
            None => self.load(now)?,
        };
        let mut present = loaded;
        let (value, changes) = operation(&mut present);
        for change in &changes {
            // On failure `books` stays empty, and the next operation starts from the rows.
            self.write(change)?;
        }
        *books = Some(present);
        Ok(value)
    }

    fn load(&self, now: u64) -> Result<Books> {
        self.sql.exec(TABLES, None)?;
        let text = |row: TextRow| row.row;
        let scopes: Vec<TextRow> = self.sql.exec("SELECT row FROM scope", None)?.to_array()?;
        let scopes = scopes.into_iter().map(text).map(|row| serde_json::from_str::<ScopeRow>(&row));
        let scopes = scopes.collect::<std::result::Result<Vec<_>, _>>()?;
        let marks: Vec<TextRow> = self.sql.exec("SELECT row FROM mark", None)?.to_array()?;
        let mark = marks.into_iter().next().map(text).map(|row| serde_json::from_str::<Mark>(&row)).transpose()?;
        let mark = mark.unwrap_or_default();
        let from = number(mark.from_seq)?;
        let rows =
            self.sql.exec("SELECT open, progress, closing FROM request WHERE seq >= ? ORDER BY seq", vec![from])?;
        let entries = rows.to_array::<RequestRow>()?.iter().map(entry).collect::<Result<Vec<_>>>()?;
        Ok(Books::load(Settings::default(), scopes, mark, entries, now))
    }

    fn write(&self, change: &Change) -> Result<()> {
        match change {
            Change::Open(entry) => {
                let values = vec![number(entry.seq)?, number(entry.start_ms)?, serde_json::to_string(entry)?.into()];
                self.sql.exec("INSERT INTO request (seq, start_ms, open) VALUES (?, ?, ?)", values)?;
            }
            Change::Progress(progress) => {
                let values = vec![serde_json::to_string(progress)?.into(), number(progress.seq)?];
                self.sql.exec("UPDATE request SET progress = ? WHERE seq = ?", values)?;
            }
            Change::Close(closing) => {
                let values = vec![serde_json::to_string(closing)?.into(), number(closing.seq)?];
                self.sql.exec("UPDATE request SET closing = ? WHERE seq = ?", values)?;
            }
            Change::Scope(row) => {
                let values = vec![serde_json::to_string(&row.scope)?.into(), serde_json::to_string(row)?.into()];
                self.sql.exec("INSERT OR REPLACE INTO scope (id, row) VALUES (?, ?)", values)?;
            }
            Change::Mark(mark) => {
                let values: Vec<SqlStorageValue> = vec![serde_json::to_string(mark)?.into()];
                self.sql.exec("INSERT OR REPLACE INTO mark (id, row) VALUES (0, ?)", values)?;
            }
        }
        Ok(())
    }

    fn log(&self, from_ms: u64, until_ms: u64, limit: u64) -> Result<Vec<Entry>> {
        self.sql.exec(TABLES, None)?;
        let values = vec![number(from_ms)?, number(until_ms)?, number(limit)?];
        let query =
            "SELECT open, progress, closing FROM request WHERE start_ms >= ? AND start_ms < ? ORDER BY seq LIMIT ?";
        self.sql.exec(query, values)?.to_array::<RequestRow>()?.iter().map(entry).collect()
    }

    /// Has the alarm come for the first reservation that may be dead, and for a snapshot while there is traffic.
    async fn set_alarm(&self, now: u64) -> Result<()> {
        let (deadline, dirty) = match &*self.books.borrow() {
            Some(books) => (books.next_deadline_ms(), books.is_dirty()),
            None => (None, false),
        };
        let deadline = deadline.map(|deadline| deadline + GRACE_MS);
        let snapshot = dirty.then_some(now + SNAPSHOT_MS);
        let Some(wanted) = deadline.into_iter().chain(snapshot).min() else { return Ok(()) };
        let set = self.alarm_at.get();
        // Each setting is a billed row: an alarm that comes early enough stays.
        if set != 0 && set <= wanted && set > now {
            return Ok(());
        }
        self.alarm_at.set(wanted);
        let in_ms = i64::try_from(wanted.saturating_sub(now)).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(in_ms).await
    }
}

/// A number as SQL takes it. Beyond 2^52, what a JavaScript number holds exactly, it means no bound.
fn number(number: u64) -> Result<SqlStorageValue> {
    SqlStorageValue::try_from_i64(i64::try_from(number.min(1 << 52)).unwrap_or(i64::MAX))
}

fn entry(row: &RequestRow) -> Result<Entry> {
    let mut entry: Entry = serde_json::from_str(&row.open)?;
    if let Some(progress) = &row.progress {
        entry.progress(&serde_json::from_str(progress)?);
    }
    if let Some(closing) = &row.closing {
        entry.close(serde_json::from_str(closing)?);
    }
    Ok(entry)
}
