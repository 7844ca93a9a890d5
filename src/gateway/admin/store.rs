//! Records out of the directory, and changes into it.

use super::super::host::Host;
use super::desk::Desk;
use super::record::{Gone, Record};
use crate::error::{Error, Kind, Result};
use crate::keys::directory::{Call, Commit, Conflict, Delivery, Filter, Premise, RecordKind, Reply, Write};
use crate::keys::ledger::{Limits, Message, ScopeId};
use crate::money::Money;
use crate::sorted::SortedMap;

/// Records that are read at one time.
const PAGE: u64 = 500;

/// Most records of a list that is read whole, such as the keys of a team.
const MOST: u64 = 10_000;

/// A record with the version that was read.
#[derive(Clone, Debug)]
pub(super) struct Held<R> {
    pub(super) record: R,
    pub(super) version: u64,
}

/// Why a change did not come about.
#[derive(Debug)]
pub(super) enum Stop {
    /// Somebody else changed what it was made from: read again and make it anew.
    Clash,
    /// It is refused.
    Refused(Error),
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Refused(error)
    }
}

/// What a handler comes to.
pub(super) type Done<T> = Result<T, Stop>;

/// A condition of a list.
pub(super) fn with(field: &str, value: &str) -> Filter {
    Filter { field: field.to_owned(), value: value.to_owned() }
}

/// Reads a record by its id.
///
/// # Errors
///
/// The directory cannot be reached, or the record cannot be read.
pub(super) async fn read<R: Record>(host: &impl Host, id: &str) -> Result<Option<Held<R>>> {
    match host.directory(&Call::Get { kind: R::KIND, id: id.to_owned() }).await? {
        Reply::Record(stored) => stored.map(|stored| held(stored.record, stored.version)).transpose(),
        _ => Err(confused()),
    }
}

fn held<R: Record>(record: serde_json::Value, version: u64) -> Result<Held<R>> {
    let unreadable = |error: String| {
        let message = format!("a {} record cannot be read: {error}", R::KIND.name());
        Error::new(Kind::InternalServer, message)
    };
    Ok(Held { record: R::read(record).map_err(unreadable)?, version })
}

fn confused() -> Error {
    Error::new(Kind::InternalServer, "the directory answered something else than it was asked")
}

/// A change of records in the making, with what ledgers must be told.
#[derive(Debug, Default)]
pub(super) struct Change {
    commit: Commit,
}

impl Change {
    /// Writes a record; `version` is what was read, 0 for a new one.
    pub(super) fn put<R: Record>(&mut self, record: &R, version: u64) {
        let (id, index) = (record.id().to_owned(), record.index());
        self.commit.writes.push(Write { kind: R::KIND, id, version, record: Some(record.write()), index });
    }

    /// Deletes a record.
    pub(super) fn delete<R: Record>(&mut self, held: &Held<R>) {
        let id = held.record.id().to_owned();
        let write = Write { kind: R::KIND, id, version: held.version, record: None, index: Vec::new() };
        self.commit.writes.push(write);
    }

    /// Says that the change was made from a record as it was read.
    pub(super) fn builds_on<R: Record>(&mut self, held: &Held<R>) {
        let (kind, id) = (R::KIND, held.record.id().to_owned());
        self.commit.premises.push(Premise::Version { kind, id, version: held.version });
    }

    /// Says that the change was made from a whole list.
    pub(super) fn builds_on_all<R: Record>(&mut self, filter: Vec<Filter>, all: &[Held<R>]) {
        let premise = Premise::Total { kind: R::KIND, filter, total: all.len() as u64 };
        self.commit.premises.push(premise);
    }

    /// Sets the limits of an object and of what belongs to it, and takes away those of before that are not named any
    /// more.
    pub(super) fn configure(&mut self, root: &ScopeId, before: &[(ScopeId, Limits)], scopes: &[(ScopeId, Limits)]) {
        for (scope, _) in before {
            if !scopes.iter().any(|(other, _)| other == scope) {
                self.tell(root, Message::Remove { scope: scope.clone() });
            }
        }
        for (scope, limits) in scopes {
            self.tell(root, Message::Configure { scope: scope.clone(), limits: limits.clone() });
        }
    }

    /// Sets the spend of a scope.
    pub(super) fn set_spend(&mut self, root: &ScopeId, scope: &ScopeId, spend: Money) {
        self.tell(root, Message::SetSpend { scope: scope.clone(), spend });
    }

    fn tell(&mut self, root: &ScopeId, message: Message) {
        self.commit.deliveries.push(Delivery::Ledger { root: root.clone(), message });
    }
}

/// Records that one change touches more than once: each is written once, as it was left.
#[derive(Debug)]
pub(super) struct Drafts<R>(SortedMap<String, (Held<R>, R)>);

impl<R: Record + Clone> Drafts<R> {
    pub(super) const fn new() -> Self {
        Self(SortedMap::new())
    }

    /// The draft of a record, begun with what was read.
    pub(super) fn of(&mut self, held: Held<R>) -> &mut R {
        let id = held.record.id().to_owned();
        let (_, draft) = self.0.value_or(id, || {
            let draft = held.record.clone();
            (held, draft)
        });
        draft
    }

    /// The draft of an id, if one was begun.
    pub(super) fn get(&mut self, id: &str) -> Option<&mut R> {
        self.0.get_mut(id).map(|(_, draft)| draft)
    }

    /// What was read, and what it became.
    pub(super) fn into_iter(self) -> impl Iterator<Item = (Held<R>, R)> {
        self.0.into_values()
    }
}

impl<H: Host> Desk<'_, H> {
    /// A record by its id.
    pub(super) async fn get<R: Record>(&self, id: &str) -> Result<Option<Held<R>>> {
        read(self.host, id).await
    }

    /// The record that has this value of an indexed field.
    pub(super) async fn find<R: Record>(&self, field: &str, value: &str) -> Result<Option<Held<R>>> {
        let call = Call::Find { kind: R::KIND, field: field.to_owned(), value: value.to_owned() };
        match self.host.directory(&call).await? {
            Reply::Record(stored) => stored.map(|stored| held(stored.record, stored.version)).transpose(),
            _ => Err(confused()),
        }
    }

    /// A page of records, and how many there are in all.
    pub(super) async fn page<R: Record>(
        &self,
        filter: Vec<Filter>,
        offset: u64,
        limit: u64,
    ) -> Result<(Vec<Held<R>>, u64)> {
        match self.host.directory(&Call::List { kind: R::KIND, filter, offset, limit }).await? {
            Reply::List(listed) => {
                let records = listed.records.into_iter().map(|stored| held(stored.record, stored.version));
                Ok((records.collect::<Result<_>>()?, listed.total))
            }
            _ => Err(confused()),
        }
    }

    /// All records of a list.
    ///
    /// # Errors
    ///
    /// More than [`MOST`].
    pub(super) async fn all<R: Record>(&self, filter: Vec<Filter>) -> Result<Vec<Held<R>>> {
        let mut all = Vec::new();
        loop {
            let (page, total) = self.page(filter.clone(), all.len() as u64, PAGE).await?;
            if total > MOST {
                let message =
                    format!("there are over {MOST} {} records to look through: narrow the request", R::KIND.name());
                return Err(Error::bad_request("page", message));
            }
            let last = page.is_empty();
            all.extend(page);
            if last || all.len() as u64 >= total {
                return Ok(all);
            }
        }
    }

    /// Remembers a budget root that loses a record, so that reports still find its log.
    pub(super) async fn retire(&self, change: &mut Change, root: &ScopeId) -> Result<()> {
        let gone = Gone { id: root.to_string(), root: root.clone(), at_ms: self.now_ms };
        let version = self.get::<Gone>(&gone.id).await?.map_or(0, |held| held.version);
        change.put(&gone, version);
        Ok(())
    }

    /// Makes a change.
    ///
    /// # Errors
    ///
    /// [`Stop::Clash`] where it has to be made anew; 400 for a name that is taken.
    pub(super) async fn commit(&self, change: Change) -> Done<()> {
        let changed: Vec<(RecordKind, String)> =
            change.commit.writes.iter().map(|write| (write.kind, write.id.clone())).collect();
        let reply = self.host.directory(&Call::Commit(change.commit)).await?;
        for (kind, id) in &changed {
            self.gateway.records.forget(*kind, id);
        }
        match reply {
            Reply::Done => Ok(()),
            Reply::Conflict(Conflict::Changed { .. }) => Err(Stop::Clash),
            Reply::Conflict(Conflict::Taken { field, value }) => Err(taken(&field, &value).into()),
            Reply::Record(_) | Reply::List(_) => Err(confused().into()),
        }
    }
}

fn taken(field: &str, value: &str) -> Error {
    let message = match field {
        "key_alias" => {
            format!("Key with alias '{value}' already exists. Unique key aliases across all keys are required.")
        }
        "user_email" => format!("User with email {value} already exists"),
        _ => format!("`{field}` {value} is taken: choose another"),
    };
    Error::bad_request(field, message)
}
