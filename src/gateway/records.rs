//! Records of keys, teams, users and customers, as an isolate remembers them for some seconds.
//!
//! Limits do not wait for this: whatever costs money passes the ledger, which knows at once.

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::host::Host;
use crate::error::Result;
use crate::keys::Typed;
use crate::keys::directory::{Call, RecordKind, Reply};
use crate::keys::{CustomerRecord, KeyRecord, TeamRecord, UserRecord};
use crate::sorted::SortedMap;

/// How long an isolate acts on a record before it asks the index again, in ms.
const FRESH_MS: u64 = 5_000;

/// The same for settings, in ms: as for the configuration.
const SETTING_FRESH_MS: u64 = 30_000;

/// Most records of a kind that an isolate remembers.
const MOST_REMEMBERED: usize = 1_000;

/// What an isolate remembers.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) keys: Remembered<KeyRecord>,
    pub(super) teams: Remembered<TeamRecord>,
    pub(super) users: Remembered<UserRecord>,
    pub(super) customers: Remembered<CustomerRecord>,
    /// Settings that were changed while the gateway runs.
    pub(super) settings: Remembered<Map<String, Value>>,
}

/// The setting that holds changed fallbacks.
pub(super) const FALLBACKS: &str = "fallbacks";

/// A record, or that there is none, and when that was read, in Unix ms.
type Reading<T> = (Option<Rc<T>>, u64);

/// Records of one kind by id.
#[derive(Debug)]
pub(super) struct Remembered<T>(RefCell<SortedMap<String, Reading<T>>>);

impl<T> Default for Remembered<T> {
    fn default() -> Self {
        Self(RefCell::default())
    }
}

/// Where a record is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum From {
    /// In the isolate, else the index, else (what the index does not show yet) the directory.
    Anywhere,
    /// In the isolate, else the index alone: for ids that clients invent.
    Index,
    /// In the directory alone.
    Directory,
}

impl Records {
    /// Forgets a record that has changed.
    pub(super) fn forget(&self, kind: RecordKind, id: &str) {
        match kind {
            RecordKind::Key => self.keys.forget(id),
            RecordKind::Team => self.teams.forget(id),
            RecordKind::User => self.users.forget(id),
            RecordKind::Customer => self.customers.forget(id),
            RecordKind::Setting => self.settings.forget(id),
            RecordKind::Budget | RecordKind::Root => {}
        }
    }
}

impl<T> Remembered<T> {
    fn forget(&self, id: &str) {
        self.0.borrow_mut().remove(id);
    }
}

impl<T> Remembered<T> {
    /// What is remembered, however old.
    pub(super) fn present(&self, id: &str) -> Option<Rc<T>> {
        self.0.borrow().get(id).and_then(|(record, _)| record.clone())
    }
}

impl<T: Typed> Remembered<T> {
    /// Finds a record.
    ///
    /// # Errors
    ///
    /// The directory cannot be reached.
    pub(super) async fn find<H: Host>(
        &self,
        host: &H,
        kind: RecordKind,
        id: &str,
        from: From,
    ) -> Result<Option<Rc<T>>> {
        let now = host.now_ms();
        let fresh_ms = if kind == RecordKind::Setting { SETTING_FRESH_MS } else { FRESH_MS };
        if from != From::Directory
            && let Some((record, read_at)) = self.0.borrow().get(id)
            && now.saturating_sub(*read_at) < fresh_ms
        {
            return Ok(record.clone());
        }
        let copy = if from == From::Directory { None } else { host.copy(kind, id).await };
        let value = match copy {
            None if from != From::Index => stored(host, kind, id).await?,
            copy => copy,
        };
        let record = value.and_then(|value| T::read(value).ok()).map(Rc::new);
        let mut remembered = self.0.borrow_mut();
        if remembered.len() >= MOST_REMEMBERED {
            remembered.clear();
        }
        remembered.insert(id.to_owned(), (record.clone(), now));
        Ok(record)
    }
}

async fn stored<H: Host>(host: &H, kind: RecordKind, id: &str) -> Result<Option<Value>> {
    match host.directory(&Call::Get { kind, id: id.to_owned() }).await? {
        Reply::Record(stored) => Ok(stored.map(|stored| stored.record)),
        Reply::List(_) | Reply::Done | Reply::Conflict(_) => Ok(None),
    }
}
