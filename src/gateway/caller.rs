//! Who calls: the master key, everyone on loopback, or a virtual key with its record.

use std::rc::Rc;

use super::Gateway;
use super::auth::{Pass, unknown_key};
use super::host::Host;
use crate::error::Result;
use crate::http::Headers;
use crate::keys::directory::{Call, RecordKind, Reply};
use crate::keys::{KeyRecord, token};

/// How long an isolate acts on a key's record before it asks the index again, in ms. Limits do not wait for it: they pass
/// the ledger.
const FRESH_MS: u64 = 5_000;

/// Most records that an isolate remembers.
const MOST_REMEMBERED: usize = 1_000;

/// Who calls.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// Whoever has the master key, or everyone on loopback where there is none.
    Admin,
    /// The holder of a virtual key.
    Key(Rc<KeyRecord>),
}

impl Caller {
    /// The record of the key, for callers who have one.
    pub(super) fn key(&self) -> Option<&Rc<KeyRecord>> {
        match self {
            Self::Admin => None,
            Self::Key(record) => Some(record),
        }
    }
}

/// Finds out who calls.
///
/// # Errors
///
/// 401 for no key, a wrong one, or one that nobody knows.
pub(super) async fn find<H: Host>(gateway: &Gateway, host: &H, headers: &Headers) -> Result<Caller> {
    let key = match gateway.door.admit(headers, gateway.config.general.key_header.as_deref())? {
        Pass::Open | Pass::Master => return Ok(Caller::Admin),
        Pass::Virtual(key) => key,
    };
    let hash = token::hash(key);
    match record(gateway, host, &hash, false).await? {
        Some(record) => Ok(Caller::Key(record)),
        None => Err(unknown_key(key)),
    }
}

/// The record of a key by its hash: from the isolate, else from the index, else (a key that the index does not show yet)
/// from the directory; with `fresh`, from the directory alone.
///
/// # Errors
///
/// The directory cannot be reached.
pub(super) async fn record<H: Host>(
    gateway: &Gateway,
    host: &H,
    hash: &str,
    fresh: bool,
) -> Result<Option<Rc<KeyRecord>>> {
    let now = host.now_ms();
    if !fresh
        && let Some((record, read_at)) = gateway.records.borrow().get(hash)
        && now.saturating_sub(*read_at) < FRESH_MS
    {
        return Ok(Some(record.clone()));
    }
    let copy = if fresh { None } else { host.copy(RecordKind::Key, hash).await };
    let value = match copy {
        Some(value) => Some(value),
        None => match host.directory(&Call::Get { kind: RecordKind::Key, id: hash.to_owned() }).await? {
            Reply::Record(stored) => stored.map(|stored| stored.record),
            _ => None,
        },
    };
    let record = value.and_then(|value| serde_json::from_value::<KeyRecord>(value).ok()).map(Rc::new);
    let mut records = gateway.records.borrow_mut();
    if records.len() >= MOST_REMEMBERED {
        records.clear();
    }
    match &record {
        Some(record) => drop(records.insert(hash.to_owned(), (record.clone(), now))),
        None => drop(records.remove(hash)),
    }
    Ok(record)
}
