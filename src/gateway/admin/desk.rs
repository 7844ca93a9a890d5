//! What a handler has before it: the request, who asks, and where records and ledgers are.

use serde_json::{Map, Value, json};

use super::super::Gateway;
use super::super::host::Host;
use super::actor::Actor;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::keys::Typed;
use crate::keys::calendar::write_time;
use crate::keys::fields::field;
use crate::keys::ledger::{Message, Reply, ScopeId, ScopeView};
use crate::money::Money;

/// Longest id or name that a request may give a record, in bytes: it is part of storage keys.
const LONGEST_ID: usize = 256;

/// A request of management.
pub(super) struct Desk<'a, H> {
    pub(super) gateway: &'a Gateway,
    pub(super) host: &'a H,
    pub(super) request: &'a HttpRequest,
    /// The fields of the body; none for `GET`.
    pub(super) body: Map<String, Value>,
    /// What the `*` of the route stands for.
    pub(super) part: String,
    pub(super) actor: Actor,
    pub(super) now_ms: u64,
}

/// Which part of a list is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page {
    /// From 1.
    pub(super) number: u64,
    /// Records on a page.
    pub(super) size: u64,
}

impl Page {
    /// How many records stand before it.
    pub(super) fn offset(self) -> u64 {
        (self.number - 1).saturating_mul(self.size)
    }

    /// How many pages `total` records fill.
    pub(super) fn pages(self, total: u64) -> u64 {
        total.div_ceil(self.size)
    }
}

impl<H: Host> Desk<'_, H> {
    /// A text of the body.
    ///
    /// # Errors
    ///
    /// Missing, or no text.
    pub(super) fn text(&self, name: &str) -> Result<String> {
        match self.body.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
            Some(Value::Null) | None => Err(Error::bad_request(name, format!("`{name}` is missing"))),
            Some(_) => Err(Error::bad_request(name, format!("`{name}` is a text that is not empty"))),
        }
    }

    /// A field of the body that may be absent or `null`.
    ///
    /// # Errors
    ///
    /// Another type than `T`.
    pub(super) fn field<T: Typed>(&self, name: &str) -> Result<Option<T>> {
        field(&self.body, name)
    }

    /// A list of texts in the body.
    ///
    /// # Errors
    ///
    /// Missing, empty, longer than 1,000, or not all texts.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>> {
        match self.field::<Vec<String>>(name)? {
            Some(texts) if (1..=1_000).contains(&texts.len()) => Ok(texts),
            _ => Err(Error::bad_request(name, format!("`{name}` is a list of 1 to 1000 texts"))),
        }
    }

    /// Refuses fields of the body that a route does not know.
    ///
    /// # Errors
    ///
    /// The first one.
    pub(super) fn only(&self, known: &[&str]) -> Result<()> {
        match self.body.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Error::bad_request(name, format!("unknown field `{name}`: leave it out"))),
            None => Ok(()),
        }
    }

    /// A query parameter; an empty one counts as absent.
    pub(super) fn query(&self, name: &str) -> Option<String> {
        self.request.query(name).filter(|value| !value.is_empty())
    }

    /// A query parameter that must be there.
    ///
    /// # Errors
    ///
    /// It is not.
    pub(super) fn need(&self, name: &str) -> Result<String> {
        self.query(name)
            .ok_or_else(|| Error::bad_request(name, format!("`{name}` is missing: add `?{name}=…` to the address")))
    }

    /// Refuses query parameters that a route does not know: a filter that is not applied shows what was not asked for.
    ///
    /// # Errors
    ///
    /// The first one.
    pub(super) fn only_queries(&self, known: &[&str]) -> Result<()> {
        let query = self.request.url.split_once('?').map_or("", |(_, query)| query);
        let names = query.split('#').next().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
        for pair in names {
            let name = pair.split_once('=').map_or(pair, |(name, _)| name);
            if !known.contains(&name) {
                let message = match known {
                    [] => format!("unknown query parameter `{name}`: leave it out"),
                    known => format!("unknown query parameter `{name}`: this route knows {}", known.join(", ")),
                };
                return Err(Error::bad_request(name, message));
            }
        }
        Ok(())
    }

    /// A switch among the query parameters.
    ///
    /// # Errors
    ///
    /// Neither `true` nor `false`.
    pub(super) fn switch(&self, name: &str) -> Result<Option<bool>> {
        match self.query(name).as_deref().map(str::to_ascii_lowercase).as_deref() {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(_) => Err(Error::bad_request(name, format!("`{name}` is `true` or `false`"))),
        }
    }

    /// Which page is wanted, by `page` and the parameter named `size`.
    ///
    /// # Errors
    ///
    /// No number, or out of bounds.
    pub(super) fn paging(&self, size: &str, usual: u64, most: u64) -> Result<Page> {
        Ok(Page { number: self.number("page", 1, 1_000_000)?, size: self.number(size, usual, most)? })
    }

    /// A number from 1 among the query parameters.
    ///
    /// # Errors
    ///
    /// No number, or out of bounds.
    pub(super) fn number(&self, name: &str, usual: u64, most: u64) -> Result<u64> {
        match self.query(name) {
            None => Ok(usual),
            Some(text) => match text.parse::<u64>() {
                Ok(number) if (1..=most).contains(&number) => Ok(number),
                _ => Err(Error::bad_request(name, format!("`{name}` is a number from 1 to {most}"))),
            },
        }
    }

    /// An id that a request gives a new record, or a fresh one.
    ///
    /// # Errors
    ///
    /// Too long, or with control characters.
    pub(super) fn new_id(&self, name: &str) -> Result<String> {
        match self.field::<String>(name)?.filter(|id| !id.is_empty()) {
            Some(id) if id.len() > LONGEST_ID || id.chars().any(char::is_control) => {
                let message = format!("`{name}` has over {LONGEST_ID} bytes, or control characters: choose another");
                Err(Error::bad_request(name, message))
            }
            Some(id) => Ok(id),
            None => self.fresh_id(),
        }
    }

    /// A random UUID (version 4).
    pub(super) fn fresh_id(&self) -> Result<String> {
        let bytes = self.host.secret_bytes()?;
        let number = bytes.iter().take(16).fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
        // RFC 9562, 5.4: the version in bits 48 to 51, the variant in bits 64 and 65.
        let number = number & !(0xf << 76) & !(0b11 << 62) | 0x4 << 76 | 0b10 << 62;
        let hex = format!("{number:032x}");
        let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
        Ok(format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32)))
    }

    /// Scopes of a ledger as they stand now, in the order asked; `None` for those that it does not know.
    ///
    /// # Errors
    ///
    /// The ledger cannot be reached.
    pub(super) async fn views(&self, root: &ScopeId, scopes: &[ScopeId]) -> Result<Vec<Option<ScopeView>>> {
        if scopes.is_empty() {
            return Ok(Vec::new());
        }
        match self.host.ledger(root, &Message::View { scopes: scopes.to_vec() }).await? {
            Reply::Views(views) => {
                let find = |scope: &ScopeId| views.iter().find(|view| view.scope == *scope).cloned();
                Ok(scopes.iter().map(find).collect())
            }
            _ => Err(Error::new(Kind::InternalServer, "the ledger answered something else than it was asked")),
        }
    }

    /// One scope as it stands now.
    ///
    /// # Errors
    ///
    /// The ledger cannot be reached.
    pub(super) async fn view(&self, root: &ScopeId, scope: &ScopeId) -> Result<Option<ScopeView>> {
        Ok(self.views(root, std::slice::from_ref(scope)).await?.into_iter().next().flatten())
    }
}

/// What was spent in the first window of a scope.
pub(super) fn spent(view: Option<&ScopeView>) -> Money {
    view.and_then(|view| view.windows.first()).map_or(Money::ZERO, |window| window.spent)
}

/// A record with what the ledger knows of its spend.
pub(super) fn row(record: &impl Typed, view: Option<&ScopeView>) -> Map<String, Value> {
    let Value::Object(mut row) = record.write() else { return Map::new() };
    row.insert("spend".to_owned(), json!(spent(view)));
    row.insert("total_spend".to_owned(), json!(view.map_or(Money::ZERO, |view| view.total)));
    let reset = view.and_then(|view| view.windows.first()).and_then(|window| window.reset_at_ms);
    row.insert("budget_reset_at".to_owned(), json!(reset.map(write_time)));
    row
}
