//! One error for everything: a kind, whose fault it is, and the words that the client gets.

mod kind;

use std::fmt;

use serde_json::{Value, json};

use crate::http::Headers;

pub use kind::{Blame, Kind, Row, TABLE};

/// What every fallible function of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, for whom, and what the client is told.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: Kind,
    message: String,
    param: Option<String>,
    error_type: Option<String>,
    code: Option<String>,
    status: Option<u16>,
    provider: Option<String>,
    retry_after_ms: Option<u64>,
    headers: Headers,
    for_another_group: bool,
}

impl Error {
    /// An error of this gateway's own.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            param: None,
            error_type: None,
            code: None,
            status: None,
            provider: None,
            retry_after_ms: None,
            headers: Headers::new(),
            for_another_group: false,
        }))
    }

    /// A request that is wrong in `param` (`messages[2].role`).
    pub fn bad_request(param: &str, message: impl Into<String>) -> Self {
        Self::new(Kind::BadRequest, message).with_param(param)
    }

    /// An error that `provider` answered, with the status that it gave.
    pub fn upstream(kind: Kind, provider: &str, status: u16, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.0.provider = Some(provider.to_owned());
        error.0.status = Some(status);
        error
    }

    /// Names the field of the request that is at fault.
    #[must_use]
    pub fn with_param(mut self, param: impl Into<String>) -> Self {
        self.0.param = Some(param.into());
        self
    }

    /// Keeps the upstream's own `code`.
    #[must_use]
    pub fn with_code(mut self, code: impl Into<String>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Keeps the upstream's own `type`.
    #[must_use]
    pub fn with_type(mut self, error_type: impl Into<String>) -> Self {
        self.0.error_type = Some(error_type.into());
        self
    }

    /// Answers with another status than the kind's own.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.0.status = Some(status);
        self
    }

    /// Says after how many ms a further try makes sense.
    #[must_use]
    pub fn with_retry_after_ms(mut self, ms: u64) -> Self {
        self.0.retry_after_ms = Some(ms);
        self
    }

    /// Adds a header for the client's answer.
    #[must_use]
    pub fn with_header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.headers.push(name, value);
        self
    }

    /// Says that another model group may do what this one cannot.
    #[must_use]
    pub fn for_another_group(mut self) -> Self {
        self.0.for_another_group = true;
        self
    }

    /// Replaces the message by `write(message)`.
    #[must_use]
    pub fn map_message(mut self, write: impl FnOnce(&str) -> String) -> Self {
        self.0.message = write(&self.0.message);
        self
    }

    /// The kind.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The message without the class name in front.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The field at fault, if one is.
    pub fn param(&self) -> Option<&str> {
        self.0.param.as_deref()
    }

    /// The provider that answered it, if one did.
    pub fn provider(&self) -> Option<&str> {
        self.0.provider.as_deref()
    }

    /// Headers for the client's answer.
    pub fn headers(&self) -> &Headers {
        &self.0.headers
    }

    /// After how many ms a further try makes sense, if the upstream or a limit said so.
    pub fn retry_after_ms(&self) -> Option<u64> {
        self.0.retry_after_ms
    }

    /// Whose fault it is.
    pub fn blame(&self) -> Blame {
        let row = self.0.kind.row();
        match self.0.kind {
            _ if self.0.provider.is_some() => row.upstream_blame,
            Kind::Timeout | Kind::ApiConnection => Blame::Upstream,
            _ if row.status < 500 => Blame::Client,
            _ => Blame::Gateway,
        }
    }

    fn came_from_upstream(&self) -> bool {
        self.0.provider.is_some() || matches!(self.0.kind, Kind::Timeout | Kind::ApiConnection)
    }

    /// Whether the same request may be sent again.
    pub fn is_retryable(&self) -> bool {
        self.came_from_upstream() && self.0.kind.row().retryable
    }

    /// Whether another model group may be tried.
    pub fn falls_back(&self) -> bool {
        self.0.for_another_group || (self.came_from_upstream() && self.0.kind.row().falls_back)
    }

    /// Whether the deployment that answered it should rest.
    pub fn cools(&self) -> bool {
        self.came_from_upstream() && self.0.kind.row().cools
    }

    /// HTTP status for the client: the upstream's own where it is an error, else the kind's.
    pub fn status(&self) -> u16 {
        match self.0.status {
            Some(status) if (400..600).contains(&status) => status,
            _ => self.0.kind.row().status,
        }
    }

    /// The body in OpenAI's error shape.
    pub fn to_json(&self) -> Value {
        let row = self.0.kind.row();
        let message = match &self.0.provider {
            Some(provider) => format!("litellm.{}: {provider} - {}", row.name, self.0.message),
            None => self.0.message.clone(),
        };
        let code = match &self.0.code {
            Some(code) => code.clone(),
            None if row.code.is_empty() => self.status().to_string(),
            None => row.code.to_owned(),
        };
        let error_type = self.0.error_type.as_deref().unwrap_or(row.error_type);
        json!({"error": {"message": message, "type": error_type, "param": self.0.param, "code": code}})
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind.row().name, self.0.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clients_mistake_never_retries_falls_back_or_cools() {
        for row in TABLE {
            let own = Error::new(row.kind, "x");
            let upstream = Error::upstream(row.kind, "acme", row.status, "x");
            if own.blame() == Blame::Client {
                assert!(!own.is_retryable() && !own.falls_back() && !own.cools(), "{}", row.name);
            }
            if upstream.blame() == Blame::Client {
                assert!(!upstream.is_retryable() && !upstream.cools(), "{}", row.name);
            }
        }
    }

    #[test]
    fn the_body_keeps_what_upstream_said() {
        let error = Error::upstream(Kind::ContextWindowExceeded, "openai", 400, "too long")
            .with_code("context_length_exceeded")
            .with_param("messages");
        assert_eq!(
            error.to_json(),
            json!({"error": {
                "message": "litellm.ContextWindowExceededError: openai - too long",
                "type": "invalid_request_error", "param": "messages", "code": "context_length_exceeded",
            }})
        );
        assert_eq!(Error::new(Kind::NotFound, "no").to_json()["error"]["code"], "404");
    }
}
