//! The one log line of a request: what happened, without content and without secrets.

use serde::Serialize;

use super::host::Host;
use crate::cost::{Charge, Exactness};
use crate::money::Money;
use crate::openai::Usage;

/// What is known of a request so far. Times are Unix ms.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    /// The call id.
    pub(super) id: String,
    /// The route: `chat`, `embeddings`, `rerank`; or `health_check`.
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
    /// `region_name` of the deployment; empty where it has none.
    pub(super) region: String,
    /// Whether the answer is a stream.
    pub(super) stream: bool,
    /// Attempts in all.
    pub(super) attempts: u32,
    /// Which attempt answered, where a second was sent beside the first: `first` or `second`.
    pub(super) hedged: Option<&'static str>,
    /// How often a stream that broke was gone on with by another deployment.
    pub(super) continued: u32,
    /// Retries in all.
    pub(super) retries: u32,
    /// Groups that were gone to after the first.
    pub(super) fallbacks: u32,
    /// Retries that are made at most, where no policy says otherwise.
    pub(super) max_retries: u32,
    /// The errors that were fallen back from, as JSON, where the client asked for them.
    pub(super) fallback_errors: Option<String>,
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
        let charge = self.charge.as_ref();
        let line = Line {
            id: &self.id,
            call: self.call,
            model: &self.asked_model,
            group: &self.group,
            deployment: &self.deployment,
            provider: &self.provider,
            upstream_model: &self.model,
            stream: self.stream,
            attempts: self.attempts,
            hedged: self.hedged,
            continued: Some(self.continued).filter(|count| *count > 0),
            retries: self.retries,
            fallbacks: self.fallbacks,
            status,
            end,
            ms_headers: since(self.headers),
            ms_first: since(self.first),
            ms: since(Some(host.now_ms())),
            prompt_tokens: usage.map(|usage| usage.prompt_tokens),
            completion_tokens: usage.map(|usage| usage.completion_tokens),
            cost: charge.map(|charge| charge.total),
            estimated: charge.map(|charge| charge.exactness == Exactness::Estimated),
            // The kind alone: a message may quote the prompt.
            error: error.map(|error| error.kind().row().name),
        };
        // Strings and numbers always serialise.
        host.log(&serde_json::to_string(&line).unwrap_or_default());
    }
}

/// The line as it is written; what is not known is left out.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    call: &'static str,
    #[serde(skip_serializing_if = "str::is_empty")]
    model: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    group: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    deployment: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    provider: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    upstream_model: &'a str,
    stream: bool,
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    hedged: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    continued: Option<u32>,
    retries: u32,
    fallbacks: u32,
    status: u16,
    end: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms_headers: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms_first: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cost: Option<Money>,
    #[serde(skip_serializing_if = "Option::is_none")]
    estimated: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
}
