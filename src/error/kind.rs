//! The kinds of errors, and the table of everything that follows from each.

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
