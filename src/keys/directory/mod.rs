//! The directory: where the records of keys, teams, users, customers and budgets live, and what follows from a change.
//!
//! One object holds all records, so that a name is unique, a list is whole, and a key that moves from one team to
//! another is never in both. A change is a [`Commit`]: it says which versions of records it was made from, and is
//! refused whole when one of them has changed meanwhile. With the records it writes, in the same step, what other
//! places must be told: the limits for ledgers and the read copies for the index. The home delivers these from its
//! outbox, each at least once and in order; a crash between the two loses neither.

mod memory;
mod tables;
mod wire;

pub use memory::Memory;
pub use tables::Tables;
pub use wire::{Call, Commit, Conflict, Delivery, Filter, Index, Listed, Premise, Reply, Stored, Write};

/// What a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// A virtual key, by its hash.
    Key,
    /// A team, by `team_id`.
    Team,
    /// A user, by `user_id`.
    User,
    /// A customer, by `user_id`.
    Customer,
    /// A budget, by `budget_id`.
    Budget,
    /// A budget root whose team, user or key is gone, while its ledger still holds the log of what they spent.
    Root,
    /// A setting that was changed while the gateway runs, by its name.
    Setting,
}

crate::json::variants!(RecordKind {
    "key" => Key,
    "team" => Team,
    "user" => User,
    "customer" => Customer,
    "budget" => Budget,
    "root" => Root,
    "setting" => Setting,
});

impl RecordKind {
    /// The name, as it stands before the id in the index (`key:<hash>`).
    pub const fn name(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Team => "team",
            Self::User => "user",
            Self::Customer => "customer",
            Self::Budget => "budget",
            Self::Root => "root",
            Self::Setting => "setting",
        }
    }
}

/// Where records are kept: a few tables that a home brings. All calls are synchronous, so that one [`act`] is one step.
pub trait Store {
    /// A record with its version.
    fn get(&self, kind: RecordKind, id: &str) -> Option<Stored>;

    /// Inserts or replaces a record and its index entries; `None` deletes both.
    fn put(&mut self, kind: RecordKind, id: &str, stored: Option<&Stored>, index: &[Index]);

    /// The id of the record that has this value of this field in its index.
    fn holder(&self, kind: RecordKind, field: &str, value: &str) -> Option<String>;

    /// Records in order of their ids, from `offset` on, at most `limit`, and how many there are in all.
    fn list(&self, kind: RecordKind, filter: &[Filter], offset: u64, limit: u64) -> Listed;

    /// Adds something to deliver to the end of the outbox.
    fn post(&mut self, delivery: &Delivery);
}

/// Acts on a call, in one step.
pub fn act(store: &mut impl Store, call: Call) -> Reply {
    match call {
        Call::Get { kind, id } => Reply::Record(store.get(kind, &id)),
        Call::Find { kind, field, value } => {
            let id = store.holder(kind, &field, &value);
            Reply::Record(id.and_then(|id| store.get(kind, &id)))
        }
        Call::List { kind, filter, offset, limit } => Reply::List(store.list(kind, &filter, offset, limit)),
        Call::Commit(commit) => {
            if let Some(conflict) = conflict(store, &commit) {
                return Reply::Conflict(conflict);
            }
            for write in &commit.writes {
                let (id, version) = (write.id.clone(), write.version + 1);
                let stored = write.record.clone().map(|record| Stored { id, version, record });
                store.put(write.kind, &write.id, stored.as_ref(), &write.index);
                let (id, record) = (write.id.clone(), write.record.clone());
                store.post(&Delivery::Copy { kind: write.kind, id, record });
            }
            for delivery in &commit.deliveries {
                store.post(delivery);
            }
            Reply::Done
        }
    }
}

/// What stands against a commit.
fn conflict(store: &impl Store, commit: &Commit) -> Option<Conflict> {
    for premise in &commit.premises {
        let (kind, id, holds) = match premise {
            Premise::Version { kind, id, version } => {
                (*kind, id.clone(), store.get(*kind, id).map_or(0, |stored| stored.version) == *version)
            }
            Premise::Total { kind, filter, total } => {
                let id = filter.first().map_or_else(String::new, |filter| filter.value.clone());
                (*kind, id, store.list(*kind, filter, 0, 0).total == *total)
            }
        };
        if !holds {
            return Some(Conflict::Changed { kind, id, exists: true });
        }
    }
    for write in &commit.writes {
        let version = store.get(write.kind, &write.id).map_or(0, |stored| stored.version);
        if version != write.version {
            return Some(Conflict::Changed { kind: write.kind, id: write.id.clone(), exists: version > 0 });
        }
        for index in write.index.iter().filter(|index| index.unique) {
            let holder = store.holder(write.kind, &index.field, &index.value);
            // A value that the same change takes from its holder is free: a new key takes the alias of the one it
            // replaces.
            let gives_up = |id: &str| {
                let of_holder = commit.writes.iter().find(|other| other.kind == write.kind && other.id == id);
                of_holder.is_some_and(|other| !other.index.contains(index))
            };
            if holder.is_some_and(|holder| holder != write.id && !gives_up(&holder)) {
                return Some(Conflict::Taken { field: index.field.clone(), value: index.value.clone() });
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn write(id: &str, version: u64, alias: &str) -> Write {
        let index = vec![Index { field: "key_alias".to_owned(), value: alias.to_owned(), unique: true }];
        Write { kind: RecordKind::Key, id: id.to_owned(), version, record: Some(json!({"key_alias": alias})), index }
    }

    fn commit(store: &mut Memory, writes: Vec<Write>) -> Reply {
        act(store, Call::Commit(Commit { writes, ..Commit::default() }))
    }

    #[test]
    fn a_commit_is_whole_or_not_at_all() {
        let mut store = Memory::default();
        assert!(matches!(commit(&mut store, vec![write("a", 0, "one")]), Reply::Done));
        let both = vec![write("b", 0, "two"), write("c", 0, "one")];
        assert!(matches!(commit(&mut store, both), Reply::Conflict(Conflict::Taken { .. })));
        assert!(store.get(RecordKind::Key, "b").is_none());
        assert_eq!(store.outbox().len(), 1);
    }

    #[test]
    fn a_change_from_an_old_version_is_refused() {
        let mut store = Memory::default();
        commit(&mut store, vec![write("a", 0, "one")]);
        assert!(matches!(
            commit(&mut store, vec![write("a", 0, "one")]),
            Reply::Conflict(Conflict::Changed { exists: true, .. })
        ));
        assert!(matches!(commit(&mut store, vec![write("a", 1, "new")]), Reply::Done));
        assert!(store.holder(RecordKind::Key, "key_alias", "one").is_none(), "the old name is free again");
        let gone = Write { record: None, index: Vec::new(), ..write("a", 2, "new") };
        assert!(matches!(commit(&mut store, vec![gone]), Reply::Done));
        assert!(store.holder(RecordKind::Key, "key_alias", "new").is_none());
    }

    #[test]
    fn a_new_record_takes_the_unique_value_of_the_one_that_it_replaces() {
        let mut store = Memory::default();
        commit(&mut store, vec![write("a", 0, "one")]);
        let gone = Write { record: None, index: Vec::new(), ..write("a", 1, "one") };
        assert!(matches!(commit(&mut store, vec![write("b", 0, "one"), gone]), Reply::Done));
        assert_eq!(store.holder(RecordKind::Key, "key_alias", "one").as_deref(), Some("b"));
    }

    #[test]
    fn a_change_is_refused_when_what_it_was_made_from_is_not_so_any_more() {
        let mut store = Memory::default();
        commit(&mut store, vec![write("a", 0, "one")]);
        let total = |total| {
            let filter = vec![Filter { field: "key_alias".to_owned(), value: "one".to_owned() }];
            Premise::Total { kind: RecordKind::Key, filter, total }
        };
        let version = |version| Premise::Version { kind: RecordKind::Key, id: "a".to_owned(), version };
        for (premise, holds) in [(total(1), true), (total(0), false), (version(1), true), (version(0), false)] {
            let commit = Commit { premises: vec![premise.clone()], ..Commit::default() };
            let reply = act(&mut store, Call::Commit(commit));
            assert_eq!(matches!(reply, Reply::Done), holds, "{premise:?}");
        }
    }

    #[test]
    fn lists_are_filtered_and_paged() {
        let mut store = Memory::default();
        for id in ["a", "b", "c"] {
            let mut write = write(id, 0, id);
            let team = if id == "b" { "t2" } else { "t1" };
            write.index.push(Index { field: "team_id".to_owned(), value: team.to_owned(), unique: false });
            commit(&mut store, vec![write]);
        }
        let filter = vec![Filter { field: "team_id".to_owned(), value: "t1".to_owned() }];
        let Reply::List(listed) = act(&mut store, Call::List { kind: RecordKind::Key, filter, offset: 1, limit: 5 })
        else {
            panic!("list")
        };
        assert_eq!((listed.total, listed.records.len(), listed.records[0].id.as_str()), (2, 1, "c"));
    }
}
