//! One error for everything: a kind, whose fault it is, and the words that the client gets.

use std::fmt;

use serde_json::{Value, json};

use crate::http::Headers;

/// What every fallible function of the crate returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, in LiteLLM's and OpenAI's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request itself is wrong.
    BadRequest,
    /// A field that the provider's dialect cannot express.
    UnsupportedParams,
    /// More tokens than the model takes.
    ContextWindowExceeded,
    /// Refused for its content.
    ContentPolicyViolation,
    /// No key, or a wrong one.
    Authentication,
    /// The account behind a key has no money left.
    PaymentRequired,
    /// A good key that may not do this.
    PermissionDenied,
    /// Unknown model, route or object.
    NotFound,
    /// The route exists, but not with this method.
    MethodNotAllowed,
    /// Took longer than it may.
    Timeout,
    /// Clashes with something that exists.
    Conflict,
    /// Body over the bound.
    PayloadTooLarge,
    /// Not JSON.
    UnsupportedMediaType,
    /// Understood and refused.
    UnprocessableEntity,
    /// The client left before it had its answer.
    ClientClosedRequest,
    /// A key, team, user, customer or tag has spent what it may.
    BudgetExceeded,
    /// Too many requests or tokens for now.
    RateLimit,
    /// The other side failed.
    InternalServer,
    /// A gateway behind us failed, or an answer that is no answer.
    BadGateway,
    /// Not now.
    ServiceUnavailable,
    /// Not reachable, or the connection broke.
    ApiConnection,
}

/// Who has to mend it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The caller of this gateway.
    Client,
    /// This gateway, its configuration or its provider credentials.
    Gateway,
    /// The provider.
    Upstream,
}

/// A row of [`TABLE`]: everything that follows from a kind.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// The kind.
    pub kind: Kind,
    /// LiteLLM's class name.
    pub name: &'static str,
    /// HTTP status that the client gets, where the upstream gave none of its own.
    pub status: u16,
    /// `error.type` of the body, where the upstream gave none.
    pub error_type: &'static str,
    /// `error.code` of the body, where the upstream gave none; empty: the status as text, as LiteLLM does.
    pub code: &'static str,
    /// Whose fault it is when it came from upstream.
    pub upstream_blame: Blame,
    /// Whether the same request may be sent again.
    pub retryable: bool,
    /// Whether another model group may be tried.
    pub falls_back: bool,
    /// Whether the deployment should rest.
    pub cools: bool,
}

const fn row(
    kind: Kind,
    name: &'static str,
    status: u16,
    error_type: &'static str,
    code: &'static str,
    upstream_blame: Blame,
    [retryable, falls_back, cools]: [bool; 3],
) -> Row {
    Row { kind, name, status, error_type, code, upstream_blame, retryable, falls_back, cools }
}

const YES: bool = true;
const NO: bool = false;

/// The table of errors; the README shows the same rows, and a test compares them.
///
/// `retryable`, `falls_back` and `cools` speak of errors that came from upstream: one that this gateway made itself never
/// does any of them, but for [`Kind::Timeout`] and [`Kind::ApiConnection`], which are upstream's by nature.
#[rustfmt::skip]
pub const TABLE: &[Row] = &[
    //                                                                                                                                                       retry fall cool
    row(Kind::BadRequest,             "BadRequestError",             400, "invalid_request_error", "",                         Blame::Client,   [NO,  NO,  NO]),
    row(Kind::UnsupportedParams,      "UnsupportedParamsError",      400, "invalid_request_error", "unsupported_parameter",    Blame::Client,   [NO,  NO,  NO]),
    row(Kind::ContextWindowExceeded,  "ContextWindowExceededError",  400, "invalid_request_error", "context_length_exceeded",  Blame::Client,   [NO,  YES, NO]),
    row(Kind::ContentPolicyViolation, "ContentPolicyViolationError", 400, "invalid_request_error", "content_policy_violation", Blame::Client,   [NO,  YES, NO]),
    row(Kind::Authentication,         "AuthenticationError",         401, "authentication_error",  "",                         Blame::Gateway,  [YES, YES, YES]),
    row(Kind::PaymentRequired,        "PaymentRequiredError",        402, "invalid_request_error", "",                         Blame::Gateway,  [YES, YES, YES]),
    row(Kind::PermissionDenied,       "PermissionDeniedError",       403, "permission_error",      "",                         Blame::Gateway,  [YES, YES, NO]),
    row(Kind::NotFound,               "NotFoundError",               404, "invalid_request_error", "",                         Blame::Gateway,  [NO,  YES, YES]),
    row(Kind::MethodNotAllowed,       "MethodNotAllowedError",       405, "invalid_request_error", "method_not_allowed",       Blame::Gateway,  [NO,  YES, NO]),
    row(Kind::Timeout,                "Timeout",                     408, "timeout_error",         "",                         Blame::Upstream, [YES, YES, YES]),
    row(Kind::Conflict,               "ConflictError",               409, "invalid_request_error", "",                         Blame::Upstream, [YES, YES, NO]),
    row(Kind::PayloadTooLarge,        "PayloadTooLargeError",        413, "invalid_request_error", "request_too_large",        Blame::Client,   [NO,  NO,  NO]),
    row(Kind::UnsupportedMediaType,   "UnsupportedMediaTypeError",   415, "invalid_request_error", "unsupported_media_type",   Blame::Client,   [NO,  NO,  NO]),
    row(Kind::UnprocessableEntity,    "UnprocessableEntityError",    422, "invalid_request_error", "",                         Blame::Client,   [NO,  NO,  NO]),
    row(Kind::BudgetExceeded,         "BudgetExceededError",         429, "budget_exceeded",       "budget_exceeded",          Blame::Client,   [NO,  NO,  NO]),
    row(Kind::RateLimit,              "RateLimitError",              429, "throttling_error",      "",                         Blame::Upstream, [YES, YES, YES]),
    row(Kind::ClientClosedRequest,    "ClientClosedRequestError",    499, "invalid_request_error", "client_closed_request",    Blame::Client,   [NO,  NO,  NO]),
    row(Kind::InternalServer,         "InternalServerError",         500, "internal_server_error", "",                         Blame::Upstream, [YES, YES, YES]),
    row(Kind::BadGateway,             "BadGatewayError",             502, "internal_server_error", "",                         Blame::Upstream, [YES, YES, YES]),
    row(Kind::ServiceUnavailable,     "ServiceUnavailableError",     503, "internal_server_error", "",                         Blame::Upstream, [YES, YES, YES]),
    row(Kind::ApiConnection,          "APIConnectionError",          500, "internal_server_error", "",                         Blame::Upstream, [YES, YES, NO]),
];

impl Kind {
    /// The kind's row in [`TABLE`].
    pub fn row(self) -> &'static Row {
        const UNKNOWN: &Row = &row(
            Kind::InternalServer,
            "InternalServerError",
            500,
            "internal_server_error",
            "",
            Blame::Upstream,
            [NO; 3],
        );
        TABLE.iter().find(|row| row.kind == self).unwrap_or(UNKNOWN)
    }

    /// The kind that an upstream status means, in the absence of anything more exact.
    pub fn from_status(status: u16) -> Self {
        match status {
            401 => Self::Authentication,
            402 => Self::PaymentRequired,
            403 => Self::PermissionDenied,
            404 => Self::NotFound,
            405 => Self::MethodNotAllowed,
            // 524: Cloudflare's "a time-out occurred" between it and an origin.
            408 | 504 | 524 => Self::Timeout,
            409 => Self::Conflict,
            413 => Self::PayloadTooLarge,
            415 => Self::UnsupportedMediaType,
            422 => Self::UnprocessableEntity,
            429 => Self::RateLimit,
            300..=399 | 502 => Self::BadGateway,
            503 | 529 => Self::ServiceUnavailable,
            500.. => Self::InternalServer,
            _ => Self::BadRequest,
        }
    }
}

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
        self.came_from_upstream() && self.0.kind.row().falls_back
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
    fn every_kind_has_one_row() {
        for row in TABLE {
            assert_eq!(TABLE.iter().filter(|other| other.kind == row.kind).count(), 1, "{}", row.name);
            assert_eq!(row.kind.row().name, row.name);
        }
    }

    #[test]
    fn a_clients_mistake_never_retries_falls_back_or_cools() {
        for row in TABLE {
            let own = Error::new(row.kind, "x");
            let upstream = Error::upstream(row.kind, "groq", row.status, "x");
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

    #[test]
    fn statuses_map_to_kinds() {
        for (status, kind) in [
            (400, Kind::BadRequest),
            (418, Kind::BadRequest),
            (429, Kind::RateLimit),
            (529, Kind::ServiceUnavailable),
            (599, Kind::InternalServer),
        ] {
            assert_eq!(Kind::from_status(status), kind, "{status}");
        }
    }
}
