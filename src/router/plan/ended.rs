//! What ended the groups of a plan, and what the client is told of it.

use super::Plan;
use crate::error::{Error, Kind};

/// What ended a group.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    group: String,
    kind: Kind,
    message: String,
    status: u16,
}

impl Plan {
    /// The errors that ended groups so far, in LiteLLM's form: message, class and status of each.
    pub fn fallback_errors(&self) -> impl Iterator<Item = (&str, &'static str, u16)> {
        self.ended.iter().map(|ended| (ended.message.as_str(), ended.kind.row().name, ended.status))
    }

    pub(super) fn note_end(&mut self, group: &str, error: &Error) {
        let (kind, message, status) = (error.kind(), error.message().to_owned(), error.status());
        self.ended.push(Ended { group: group.to_owned(), kind, message, status });
    }

    /// The first group's error, with LiteLLM's word on what became of the fallbacks, where there are any.
    pub(super) fn final_error(&mut self) -> Error {
        let error = self.original.take().unwrap_or_else(|| Error::new(Kind::InternalServer, "nothing was attempted"));
        let Some((first, later)) = self.ended.split_first() else { return error };
        if !self.exposed || (later.is_empty() && !self.fallbacks.is_set()) {
            return error;
        }
        let list: Vec<String> =
            later.iter().map(|ended| format!("{} ({})", ended.group, ended.kind.row().name)).collect();
        let outcome = if list.is_empty() {
            "No fallback was attempted.".to_owned()
        } else {
            format!("Fallbacks failed too: {}.", list.join(", "))
        };
        let lead = format!("LiteLLM: model group '{}' failed with the error above.", first.group);
        error.map_message(|message| format!("{message}\n\n{lead} {outcome}"))
    }
}
