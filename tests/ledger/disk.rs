//! The three tables as a home keeps them: rows cross as JSON, and each change touches what it may touch.

use std::collections::BTreeMap;

use tollgate::keys::ledger::{Change, Entry, Ledger, Mark, ScopeId, ScopeRow, Settings, State};

#[derive(Default)]
pub(crate) struct Disk {
    pub(crate) requests: BTreeMap<u64, Entry>,
    scopes: BTreeMap<ScopeId, String>,
    mark: Mark,
}

impl Disk {
    pub(crate) fn write(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Open(entry) => {
                    assert_eq!(entry.state, State::Open);
                    assert!(self.requests.insert(entry.seq, *entry).is_none(), "a sequence number was used twice");
                }
                Change::Progress(progress) => {
                    let entry = self.requests.get_mut(&progress.seq).expect("progress of a row that is there");
                    assert_eq!(entry.state, State::Open, "progress of what has ended");
                    entry.progress(&progress);
                }
                Change::Close(closing) => {
                    let entry = self.requests.get_mut(&closing.seq).expect("an end of a row that is there");
                    assert_eq!(entry.state, State::Open, "a reservation ended twice");
                    assert_ne!(closing.state, State::Open);
                    entry.close(*closing);
                }
                Change::Scope(row) => {
                    self.scopes.insert(row.scope.clone(), serde_json::to_string(&row).unwrap());
                }
                Change::Mark(mark) => self.mark = mark,
                Change::Forget(before) => {
                    assert!(before <= self.mark.from_seq, "a row that a reload needs");
                    self.requests.retain(|seq, _| *seq >= before);
                }
            }
        }
    }

    pub(crate) fn row(&self, scope: &ScopeId) -> Option<ScopeRow> {
        self.scopes.get(scope).map(|row| serde_json::from_str(row).unwrap())
    }

    /// What a home reads at its start.
    pub(crate) fn load(&self, settings: Settings, now_ms: u64) -> Ledger {
        let scopes = self.scopes.values().map(|row| serde_json::from_str::<ScopeRow>(row).unwrap());
        let entries = self.requests.range(self.mark.from_seq..).map(|(_, entry)| {
            let row = serde_json::to_string(entry).unwrap();
            serde_json::from_str::<Entry>(&row).unwrap()
        });
        Ledger::load(settings, scopes, self.mark, entries, now_ms)
    }
}
