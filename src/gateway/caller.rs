//! Who calls: the master key, everyone on loopback, or a virtual key with its record.

use std::rc::Rc;

use super::Gateway;
use super::auth::{Pass, unknown_key};
use super::host::Host;
use super::records::From;
use crate::error::Result;
use crate::http::Headers;
use crate::keys::directory::RecordKind;
use crate::keys::{KeyRecord, token};

/// Who calls.
#[derive(Clone, Debug)]
pub(super) enum Caller {
    /// Whoever has the master key, or everyone on loopback where there is none.
    Admin,
    /// The holder of a virtual key.
    Key(Rc<KeyRecord>),
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
    // A key that this gateway signed is worth a question to the directory where the index does not show it yet. One of
    // another form may be anybody's guess: a flood of them reads the index, and no more.
    let genuine = gateway.door.salt().is_some_and(|salt| token::check(key, salt));
    let from = if genuine { From::Anywhere } else { From::Index };
    match gateway.records.keys.find(host, RecordKind::Key, &token::hash(key), from).await? {
        Some(record) => Ok(Caller::Key(record)),
        None => Err(unknown_key(key)),
    }
}
