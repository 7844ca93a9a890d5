//! What a directory is told and what it answers, as messages.

use serde_json::Value;

use super::RecordKind;
use crate::keys::ledger::{Message, ScopeId};

/// What a directory is told.
#[derive(Clone, Debug)]
pub enum Call {
    /// A record by its id.
    Get {
        /// What it is about.
        kind: RecordKind,
        /// Its id.
        id: String,
    },
    /// The record that has this value of an indexed field.
    Find {
        /// What it is about.
        kind: RecordKind,
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
    /// Records in order of their ids.
    List {
        /// What they are about.
        kind: RecordKind,
        /// All of these must hold.
        filter: Vec<Filter>,
        /// How many to pass over.
        offset: u64,
        /// Most records.
        limit: u64,
    },
    /// A change.
    Commit(Commit),
}

crate::json::variants!(Call {
    "get" => Get { kind, id },
    "find" => Find { kind, field, value },
    "list" => List { kind, filter, offset, limit },
    "commit" => Commit(held),
});

/// A value that an indexed field must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filter {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
}

crate::json::record!(Filter { field, value });

/// A change of records, whole or not at all, with what others must be told of it.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What else it was made from, and must still be so.
    pub premises: Vec<Premise>,
    /// The records. Their read copies for the index follow by themselves.
    pub writes: Vec<Write>,
    /// What ledgers must be told, in order.
    pub deliveries: Vec<Delivery>,
}

crate::json::record!(default Commit { premises, writes, deliveries });

/// What a change was made from besides the records that it writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Premise {
    /// A record has this version.
    Version {
        /// What it is about.
        kind: RecordKind,
        /// Its id.
        id: String,
        /// The version; 0: there is none.
        version: u64,
    },
    /// So many records have these values.
    Total {
        /// What they are about.
        kind: RecordKind,
        /// All of these hold.
        filter: Vec<Filter>,
        /// How many.
        total: u64,
    },
}

crate::json::variants!(Premise {
    "version" => Version { kind, id, version },
    "total" => Total { kind, filter, total },
});

/// One record of a change.
#[derive(Clone, Debug)]
pub struct Write {
    /// What it is about.
    pub kind: RecordKind,
    /// Its id.
    pub id: String,
    /// The version that it is made from; 0: there must be none yet.
    pub version: u64,
    /// The new record; `None` deletes it.
    pub record: Option<Value>,
    /// Fields that it is found by; they replace those it had.
    pub index: Vec<Index>,
}

crate::json::record!(Write { kind, id, version, record, index });

/// A field that a record is found by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Index {
    /// The field.
    pub field: String,
    /// Its value.
    pub value: String,
    /// Whether no other record of the kind may have it.
    pub unique: bool,
}

crate::json::record!(Index { field, value, unique });

/// What the outbox delivers.
#[derive(Clone, Debug)]
pub enum Delivery {
    /// The read copy of a record, for the index; `None` takes it away.
    Copy {
        /// What it is about.
        kind: RecordKind,
        /// Its id.
        id: String,
        /// The record.
        record: Option<Value>,
    },
    /// A message for a ledger; only ones that may come twice.
    Ledger {
        /// The budget root.
        root: ScopeId,
        /// The message.
        message: Message,
    },
}

crate::json::variants!(Delivery {
    "copy" => Copy { kind, id, record },
    "ledger" => Ledger { root, message },
});

/// A record as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its id.
    pub id: String,
    /// From 1; each change counts it up.
    pub version: u64,
    /// The record.
    pub record: Value,
}

crate::json::record!(Stored { id, version, record });

/// A page of records.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listed {
    /// The page.
    pub records: Vec<Stored>,
    /// How many there are in all.
    pub total: u64,
}

crate::json::record!(Listed { records, total });

/// What a directory answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A record, if there is one.
    Record(Option<Stored>),
    /// A page of records.
    List(Listed),
    /// The change was made, and all of it delivered.
    Done,
    /// The change was not made.
    Conflict(Conflict),
}

crate::json::variants!(Reply {
    "record" => Record(held),
    "list" => List(held),
    "done" => Done,
    "conflict" => Conflict(held),
});

/// What stands against a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// The record has another version: it was changed, made or deleted meanwhile.
    Changed {
        /// What it is about.
        kind: RecordKind,
        /// Its id.
        id: String,
        /// Whether there is one.
        exists: bool,
    },
    /// Another record has this value of a field that must be unique.
    Taken {
        /// The field.
        field: String,
        /// Its value.
        value: String,
    },
}

crate::json::variants!(Conflict {
    "changed" => Changed { kind, id, exists },
    "taken" => Taken { field, value },
});
