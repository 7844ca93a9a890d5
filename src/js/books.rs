//! The directory and the ledgers of one process, in a database or in memory.
//!
//! Here they are neighbours, so a change of records and what ledgers are told of it is one step, and the index needs no
//! copies. Correct for as long as one process has the database.

use std::cell::RefCell;
use std::collections::BTreeMap;

use serde_json::Value;

use super::world::{Database, Failure, Storage};
use crate::keys::directory::{self, Call, Delivery, Filter, Index, Listed, RecordKind, Store, Stored};
use crate::keys::ledger::{self, Change, Entry, Event, Home, Loaded, Message, Reply, Rows, ScopeId};
use crate::keys::sql::Sql;

const ALARMS: &str = "CREATE TABLE IF NOT EXISTS alarm (object TEXT PRIMARY KEY, at_ms INTEGER NOT NULL)";

/// The directory and the ledgers.
pub(super) struct Books {
    storage: Option<Storage>,
    records: RefCell<Records>,
    ledgers: RefCell<BTreeMap<String, Home<Log>>>,
    /// When which ledger's alarm comes, in Unix ms.
    alarms: RefCell<BTreeMap<String, u64>>,
}

impl Books {
    /// The books in a database, or new ones in memory. Reservations that are open in the database belong to a process that
    /// is gone: they end here.
    pub(super) fn open(storage: Option<Storage>, now_ms: u64) -> Result<Self, Failure> {
        let records = match &storage {
            Some(storage) => Records::Tables(directory::Tables::new(Database::new(storage.clone(), ""))?),
            None => Records::Memory(directory::Memory::default()),
        };
        let books =
            Self { storage, records: RefCell::new(records), ledgers: RefCell::default(), alarms: RefCell::default() };
        let Some(database) = books.database() else { return Ok(books) };
        books.step(|| {
            database.run(ALARMS, &[])?;
            for mut row in database.run("SELECT object, at_ms FROM alarm", &[])? {
                let (object, at) = (row.text().unwrap_or_default(), row.number());
                books.alarms.borrow_mut().insert(object.clone(), at);
                books.at_home(&object, now_ms, |home| home.abandon(now_ms))?;
            }
            Ok(())
        })?;
        Ok(books)
    }

    /// Tells a ledger something, and writes what follows.
    pub(super) fn tell(&self, root: &ScopeId, message: Message, now_ms: u64) -> Result<(Reply, Vec<Event>), Failure> {
        self.step(|| self.at_home(&root.object_name(), now_ms, |home| home.tell(message, now_ms)))
    }

    /// Tells the directory something, and the ledgers what follows from it.
    pub(super) fn act(&self, call: Call, now_ms: u64) -> Result<directory::Reply, Failure> {
        self.step(|| {
            let reply = directory::act(&mut *self.records.borrow_mut(), call);
            loop {
                let next = self.records.borrow_mut().next_delivery()?;
                match next {
                    None => return Ok(reply),
                    // The copy is the record itself.
                    Some(Delivery::Copy { .. }) => {}
                    Some(Delivery::Ledger { root, message }) => {
                        self.at_home(&root.object_name(), now_ms, |home| home.tell(message, now_ms))?;
                    }
                }
            }
        })
    }

    /// A record as it is now.
    pub(super) fn record(&self, kind: RecordKind, id: &str) -> Option<Value> {
        self.records.borrow().get(kind, id).map(|stored| stored.record)
    }

    /// Does what is due in every ledger.
    pub(super) fn alarm(&self, now_ms: u64) -> Result<(), Failure> {
        let due = |(object, at): (&String, &u64)| (*at <= now_ms).then(|| object.clone());
        let due: Vec<String> = self.alarms.borrow().iter().filter_map(due).collect();
        self.step(|| {
            for object in &due {
                self.at_home(object, now_ms, |_| Ok(()))?;
            }
            Ok(())
        })
    }

    /// When [`Books::alarm`] should be called next, in Unix ms.
    pub(super) fn next_alarm(&self) -> Option<u64> {
        self.alarms.borrow().values().min().copied()
    }

    /// Forgets what is in memory of a database: the next call starts from the rows.
    pub(super) fn forget(&self) {
        if self.storage.is_some() {
            self.ledgers.borrow_mut().clear();
        }
    }

    fn database(&self) -> Option<Database> {
        self.storage.as_ref().map(|storage| Database::new(storage.clone(), ""))
    }

    /// Runs what is all written, or not at all.
    fn step<T>(&self, work: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
        let Some(storage) = self.storage.as_ref() else { return work() };
        storage.begin()?;
        let result = work().and_then(|value| self.records.borrow().check().map(|()| value));
        match result {
            Ok(value) => {
                storage.end()?;
                Ok(value)
            }
            Err(failure) => {
                // Other ledgers may have gone on in memory before this one failed.
                self.forget();
                storage.undo()?;
                Err(failure)
            }
        }
    }

    /// Does something at the home of a ledger, and sets its alarm.
    fn at_home<T>(
        &self,
        object: &str,
        now_ms: u64,
        work: impl FnOnce(&mut Home<Log>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut ledgers = self.ledgers.borrow_mut();
        let home = ledgers.entry(object.to_owned()).or_insert_with(|| {
            Home::new(match &self.storage {
                Some(storage) => Log::Tables(ledger::Tables::new(Database::new(storage.clone(), object))),
                None => Log::Memory(ledger::Memory::default()),
            })
        });
        // A timer may be late, and a ledger that is asked all the time would set its alarm ever later.
        let due = self.alarms.borrow().get(object).is_some_and(|at| *at <= now_ms);
        if due {
            self.unset_alarm(object)?;
            home.alarm(now_ms)?;
        }
        let value = work(home)?;
        if let Some(at) = home.next_alarm(now_ms) {
            self.alarms.borrow_mut().insert(object.to_owned(), at);
            if let Some(database) = self.database() {
                let query = "INSERT OR REPLACE INTO alarm (object, at_ms) VALUES (?, ?)";
                database.run(query, &[object.into(), at.into()])?;
            }
        }
        Ok(value)
    }

    fn unset_alarm(&self, object: &str) -> Result<(), Failure> {
        self.alarms.borrow_mut().remove(object);
        match self.database() {
            Some(database) => database.run("DELETE FROM alarm WHERE object = ?", &[object.into()]).map(|_| ()),
            None => Ok(()),
        }
    }
}

/// Where records are.
enum Records {
    Memory(directory::Memory),
    Tables(directory::Tables<Database>),
}

impl Records {
    /// Takes the first delivery out of the outbox.
    fn next_delivery(&mut self) -> Result<Option<Delivery>, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.take_first()),
            Self::Tables(tables) => {
                let Some((seq, delivery)) = tables.next_delivery()? else { return Ok(None) };
                tables.delivered(seq)?;
                Ok(Some(delivery))
            }
        }
    }

    fn check(&self) -> Result<(), Failure> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Tables(tables) => tables.check(),
        }
    }
}

impl Store for Records {
    fn get(&self, kind: RecordKind, id: &str) -> Option<Stored> {
        match self {
            Self::Memory(memory) => memory.get(kind, id),
            Self::Tables(tables) => tables.get(kind, id),
        }
    }

    fn put(&mut self, kind: RecordKind, id: &str, stored: Option<&Stored>, index: &[Index]) {
        match self {
            Self::Memory(memory) => memory.put(kind, id, stored, index),
            Self::Tables(tables) => tables.put(kind, id, stored, index),
        }
    }

    fn holder(&self, kind: RecordKind, field: &str, value: &str) -> Option<String> {
        match self {
            Self::Memory(memory) => memory.holder(kind, field, value),
            Self::Tables(tables) => tables.holder(kind, field, value),
        }
    }

    fn list(&self, kind: RecordKind, filter: &[Filter], offset: u64, limit: u64) -> Listed {
        match self {
            Self::Memory(memory) => memory.list(kind, filter, offset, limit),
            Self::Tables(tables) => tables.list(kind, filter, offset, limit),
        }
    }

    fn post(&mut self, delivery: &Delivery) {
        match self {
            Self::Memory(memory) => memory.post(delivery),
            Self::Tables(tables) => tables.post(delivery),
        }
    }
}

/// Where the rows of a ledger are.
enum Log {
    Memory(ledger::Memory),
    Tables(ledger::Tables<Database>),
}

impl Rows for Log {
    type Failure = Failure;

    fn load(&mut self) -> Result<Loaded, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.load().unwrap_or_default()),
            Self::Tables(tables) => tables.load(),
        }
    }

    fn write(&mut self, change: &Change) -> Result<(), Failure> {
        match self {
            Self::Memory(memory) => {
                let Ok(()) = memory.write(change);
                Ok(())
            }
            Self::Tables(tables) => tables.write(change),
        }
    }

    fn log(&mut self, from_ms: u64, until_ms: u64, limit: u64) -> Result<Vec<Entry>, Failure> {
        match self {
            Self::Memory(memory) => Ok(memory.log(from_ms, until_ms, limit).unwrap_or_default()),
            Self::Tables(tables) => tables.log(from_ms, until_ms, limit),
        }
    }
}
