//! The one log line of a request: what happened, without content and without secrets.

use serde_json::{Value, json};

use super::host::Host;
use crate::cost::{Charge, Exactness};
use crate::openai::Usage;

/// What is known of a request so far. Times are Unix ms.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The call id.
    pub(super) id: String,
    /// The route: `chat`, `embeddings`.
    pub(super) call: &'static str,
    /// The model as the client named it.
    pub(super) asked_model: String,
    /// The model group that answered.
    pub(super) group: String,
    /// The deployment that answered.
    pub(super) deployment: String,
    /// Its provider.
    pub(super) provider: String,
    /// The upstream's model.
    pub(super) model: String,
    /// Whether the answer is a stream.
    pub(super) stream: bool,
    /// Attempts in all.
    pub(super) attempts: u32,
    /// Retries in all.
    pub(super) retries: u32,
    /// Groups that were gone to after the first.
    pub(super) fallbacks: u32,
    /// When the request came.
    pub(super) started: u64,
    /// Time in ms that went to upstreams: waits for them and before retries.
    pub(super) upstream_ms: u64,
    /// When the answering upstream's head came.
    pub(super) headers: Option<u64>,
    /// What it has cost; `None` where nobody knows.
    pub(super) charge: Option<Charge>,
    /// When the first meaningful event came.
    pub(super) first: Option<u64>,
}

impl Record {
    /// Writes the line. `end` is `ok`, `error`, `client_gone` or `upstream_broken`.
    pub(super) fn write<H: Host>(
        &self,
        host: &H,
        status: u16,
        end: &str,
        usage: Option<&Usage>,
        error: Option<&crate::error::Error>,
    ) {
        let since = |moment: Option<u64>| moment.map(|moment| moment.saturating_sub(self.started));
        let mut line = json!({
            "id": self.id, "call": self.call, "model": self.asked_model, "group": self.group,
            "deployment": self.deployment, "provider": self.provider, "upstream_model": self.model,
            "stream": self.stream, "attempts": self.attempts, "retries": self.retries, "fallbacks": self.fallbacks,
            "status": status, "end": end,
            "ms_headers": since(self.headers), "ms_first": since(self.first), "ms": since(Some(host.now_ms())),
        });
        if let (Some(usage), Some(line)) = (usage, line.as_object_mut()) {
            line.insert("prompt_tokens".to_owned(), usage.prompt_tokens.into());
            line.insert("completion_tokens".to_owned(), usage.completion_tokens.into());
        }
        if let (Some(charge), Some(line)) = (&self.charge, line.as_object_mut()) {
            line.insert("cost".to_owned(), json!(charge.total));
            line.insert("estimated".to_owned(), (charge.exactness == Exactness::Estimated).into());
        }
        if let (Some(error), Some(line)) = (error, line.as_object_mut()) {
            // The kind alone: a message may quote the prompt.
            line.insert("error".to_owned(), error.kind().row().name.into());
        }
        line.as_object_mut().into_iter().for_each(drop_empty);
        host.log(&line.to_string());
    }
}

fn drop_empty(line: &mut serde_json::Map<String, Value>) {
    line.retain(|_, value| !value.is_null() && value.as_str() != Some(""));
}
