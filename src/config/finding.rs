//! What is wrong with a configuration: where, how bad, and how to mend it.

use serde::Serialize;

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// The configuration is refused.
    Error,
    /// The configuration is taken, but something of it has no effect, or not the one that was meant.
    Warning,
}

/// One thing that is wrong with a configuration. It never holds a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Where: names and indices (`model_list[2].litellm_params.model`); empty for the whole.
    pub path: String,
    /// What is wrong, with the mend.
    pub message: String,
}

impl Finding {
    /// An error at `path`.
    pub(super) fn error(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Error, path: path.into(), message: message.into() }
    }

    /// A warning at `path`.
    pub(super) fn warning(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, path: path.into(), message: message.into() }
    }

    /// Whether the configuration is refused for it.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}
