//! The records that the directory keeps, and the fields that each is found by.

use serde_json::Value;

use crate::json;
use crate::keys::Typed;
use crate::keys::directory::{Index, RecordKind};
use crate::keys::ledger::ScopeId;
use crate::keys::{BudgetRecord, CustomerRecord, KeyRecord, TeamRecord, UserRecord};

/// A record that the directory keeps.
pub(super) trait Record: Typed {
    /// What it is about.
    const KIND: RecordKind;

    /// Its id.
    fn id(&self) -> &str;

    /// Fields that it is found by.
    fn index(&self) -> Vec<Index>;
}

fn entry(field: &str, value: Option<&str>, unique: bool) -> Option<Index> {
    let value = value.filter(|value| !value.is_empty())?;
    Some(Index { field: field.to_owned(), value: value.to_owned(), unique })
}

impl Record for KeyRecord {
    const KIND: RecordKind = RecordKind::Key;

    fn id(&self) -> &str {
        &self.token
    }

    fn index(&self) -> Vec<Index> {
        let fields = [
            entry("key_alias", self.key_alias.as_deref(), true),
            entry("team_id", self.team_id.as_deref(), false),
            entry("user_id", self.user_id.as_deref(), false),
            entry("budget_id", self.budget_id.as_deref(), false),
        ];
        fields.into_iter().flatten().collect()
    }
}

impl Record for TeamRecord {
    const KIND: RecordKind = RecordKind::Team;

    fn id(&self) -> &str {
        &self.team_id
    }

    fn index(&self) -> Vec<Index> {
        let mut fields: Vec<Index> = entry("team_alias", self.team_alias.as_deref(), false).into_iter().collect();
        fields
            .extend(self.members_with_roles.iter().filter_map(|member| entry("member", Some(&member.user_id), false)));
        fields
    }
}

impl Record for UserRecord {
    const KIND: RecordKind = RecordKind::User;

    fn id(&self) -> &str {
        &self.user_id
    }

    fn index(&self) -> Vec<Index> {
        let email = self.user_email.as_deref().map(str::to_lowercase);
        let fields = [entry("user_email", email.as_deref(), true), entry("user_role", Some(self.role().name()), false)];
        let mut fields: Vec<Index> = fields.into_iter().flatten().collect();
        fields.extend(self.teams.iter().filter_map(|team| entry("team", Some(team), false)));
        fields
    }
}

impl Record for CustomerRecord {
    const KIND: RecordKind = RecordKind::Customer;

    fn id(&self) -> &str {
        &self.user_id
    }

    fn index(&self) -> Vec<Index> {
        entry("budget_id", self.budget_id.as_deref(), false).into_iter().collect()
    }
}

impl Record for BudgetRecord {
    const KIND: RecordKind = RecordKind::Budget;

    fn id(&self) -> &str {
        &self.budget_id
    }

    fn index(&self) -> Vec<Index> {
        Vec::new()
    }
}

/// A budget root that lost a record: what was spent in it is still in its log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Gone {
    /// The root, as text.
    pub(super) id: String,
    /// The root.
    pub(super) root: ScopeId,
    /// When it last lost one, in ms.
    pub(super) at_ms: u64,
}

json::record!(Gone { id, root, at_ms });

impl Typed for Gone {
    fn read(value: Value) -> Result<Self, String> {
        json::Record::of_value(value).ok_or_else(|| "expected a budget root that lost a record".to_owned())
    }

    fn write(&self) -> Value {
        json::Record::to_value(self)
    }
}

impl Record for Gone {
    const KIND: RecordKind = RecordKind::Root;

    fn id(&self) -> &str {
        &self.id
    }

    fn index(&self) -> Vec<Index> {
        Vec::new()
    }
}
