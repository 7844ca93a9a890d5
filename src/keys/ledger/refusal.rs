//! Why a ledger said no, and LiteLLM's words for it.

use super::scope::{ScopeId, ScopeKind};
use crate::error::{Error, Kind};
use crate::keys::calendar::write_time;
use crate::keys::duration::Span;
use crate::money::Money;

/// After how many ms it makes sense to ask again where only open requests stand in the way.
const HELD_RETRY_MS: u64 = 1_000;

/// Which scope said no, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The scope.
    pub scope: ScopeId,
    /// The reason.
    pub kind: RefusalKind,
}

crate::json::record!(Refusal { scope, kind });

/// Why a scope said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// A key or team that the ledger does not know (any more).
    Unknown,
    /// Blocked by an admin.
    Blocked,
    /// Its time is over.
    Expired {
        /// When it ended, in ms.
        expires_ms: u64,
        /// When it was asked, in ms.
        now_ms: u64,
    },
    /// A budget is spent, or what is left of it is held by open requests.
    Budget(Box<Shortfall>),
    /// The scope has a budget, and nobody knows what the model costs.
    Unpriced,
    /// Too many requests in the window.
    Requests {
        /// `rpm_limit`.
        limit: u64,
        /// When the window ends, in ms.
        reset_at_ms: u64,
    },
    /// Too many tokens in the window.
    Tokens {
        /// `tpm_limit`.
        limit: u64,
        /// What is left of it: less than the request needs.
        left: u64,
        /// When the window ends, in ms.
        reset_at_ms: u64,
    },
    /// Too many requests at one time.
    Parallel {
        /// `max_parallel_requests`.
        limit: u64,
    },
    /// More scopes than a request may have.
    TooManyScopes,
    /// A late duplicate: the request with this id has ended already.
    Ended,
}

crate::json::variants!(RefusalKind {
    "unknown" => Unknown,
    "blocked" => Blocked,
    "expired" => Expired { expires_ms, now_ms },
    "budget" => Budget(held),
    "unpriced" => Unpriced,
    "requests" => Requests { limit, reset_at_ms },
    "tokens" => Tokens { limit, left, reset_at_ms },
    "parallel" => Parallel { limit },
    "too_many_scopes" => TooManyScopes,
    "ended" => Ended,
});

/// The figures of a budget that does not pay for a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// What was spent in the window.
    pub spent: Money,
    /// What open requests hold.
    pub reserved: Money,
    /// The budget.
    pub max: Money,
    /// The least that this request asked for.
    pub wanted: Money,
    /// The window, where it is one of `budget_limits`.
    pub window: Option<Span>,
    /// When the window starts anew, in ms.
    pub reset_at_ms: Option<u64>,
}

crate::json::record!(Shortfall { spent, reserved, max, wanted, window, reset_at_ms });

impl Refusal {
    pub(super) const fn new(scope: ScopeId, kind: RefusalKind) -> Self {
        Self { scope, kind }
    }

    /// The error that the client gets: LiteLLM's message, type and status, `retry-after` and rate limit headers.
    ///
    /// `budget_status` is `budget_exceeded_status_code`: 429 by default here, 422 in LiteLLM's newest versions.
    pub fn to_error(&self, budget_status: u16, now_ms: u64) -> Error {
        match &self.kind {
            RefusalKind::Unknown => unknown(&self.scope),
            RefusalKind::Blocked => denied(blocked(&self.scope)),
            RefusalKind::Expired { expires_ms, now_ms } => denied(format!(
                "Authentication Error - Expired Key. Key Expiry time {} and current time {}",
                write_time(*expires_ms),
                write_time(*now_ms)
            ))
            .with_type("expired_key"),
            RefusalKind::Budget(short) => {
                let retry_ms = match short.reset_at_ms {
                    _ if short.spent < short.max => Some(HELD_RETRY_MS),
                    at => at.map(|at| at.saturating_sub(now_ms)),
                };
                let message = budget_message(&self.scope, short);
                let error = Error::new(Kind::BudgetExceeded, message).with_status(budget_status);
                match retry_ms {
                    Some(ms) => error.with_retry_after_ms(ms),
                    None => error,
                }
            }
            RefusalKind::Unpriced => Error::new(
                Kind::PermissionDenied,
                format!(
                    "the price of this model is not known, and {} has a budget: add a price for it",
                    self.scope.name()
                ),
            )
            .with_type("model_cost_map_missing")
            .with_param("model"),
            RefusalKind::Requests { limit, reset_at_ms } => self.rate("requests", *limit, 0, *reset_at_ms, now_ms),
            RefusalKind::Tokens { limit, left, reset_at_ms } => {
                self.rate("tokens", *limit, *left, *reset_at_ms, now_ms)
            }
            RefusalKind::Parallel { limit } => {
                self.rate("max_parallel_requests", *limit, 0, now_ms + HELD_RETRY_MS, now_ms)
            }
            RefusalKind::TooManyScopes => {
                Error::bad_request("tags", format!("too many tags: send at most {}", super::MOST_SCOPES / 2))
            }
            RefusalKind::Ended => {
                Error::new(Kind::Conflict, "a request with this id has ended already: use a fresh id")
            }
        }
    }

    fn rate(&self, what: &str, limit: u64, left: u64, reset_at_ms: u64, now_ms: u64) -> Error {
        let reset_at = write_time(reset_at_ms).replace('T', " ").replace('Z', " UTC");
        let retry_ms = reset_at_ms.saturating_sub(now_ms).max(1);
        let descriptor = self.scope.kind.descriptor();
        let mut error = Error::new(
            Kind::RateLimit,
            format!(
                "Rate limit exceeded for {descriptor}: {}. Limit type: {what}. Current limit: {limit}, Remaining: \
                 {left}. Limit resets at: {reset_at}",
                self.scope.value()
            ),
        )
        .with_retry_after_ms(retry_ms)
        .with_header("rate_limit_type", what)
        .with_header("reset_at", reset_at);
        if !matches!(self.kind, RefusalKind::Parallel { .. }) {
            let reset = format!("{}s", retry_ms.div_ceil(1_000));
            for (field, text) in [("limit", limit.to_string()), ("remaining", left.to_string())] {
                error = error
                    .with_header(&format!("x-ratelimit-{descriptor}-{field}-{what}"), text.as_str())
                    .with_header(&format!("x-ratelimit-{field}-{what}"), text.as_str());
            }
            error = error.with_header(&format!("x-ratelimit-reset-{what}"), reset);
        }
        error
    }
}

fn budget_message(scope: &ScopeId, short: &Shortfall) -> String {
    let Shortfall { spent, reserved, max, wanted, window, .. } = short;
    let text = match (scope.kind, window) {
        (kind, Some(window)) => {
            format!("ExceededBudget: {} over {window} budget. Spend=${spent}, Limit=${max}", kind.noun())
        }
        (kind @ (ScopeKind::User | ScopeKind::Customer), None) => {
            format!("ExceededBudget: {}={} over budget. Spend={spent}, Budget={max}", kind.noun(), scope.id)
        }
        _ => format!("Budget has been exceeded! {} Current cost: {spent}, Max budget: {max}", scope.name()),
    };
    if spent >= max {
        return text;
    }
    format!("{text}. Open requests hold {reserved} of it, and this one needs at least {wanted}")
}

fn denied(message: String) -> Error {
    Error::new(Kind::Authentication, message).with_type("auth_error")
}

fn unknown(scope: &ScopeId) -> Error {
    let message = match scope.kind {
        ScopeKind::Key => format!(
            "Authentication Error, Invalid proxy server token passed. Key Hash (Token) ={}. Unable to find token in \
             cache or `LiteLLM_VerificationTokenTable`",
            scope.id
        ),
        _ => format!("Authentication Error, {} does not exist", scope.name()),
    };
    denied(message).with_type("token_not_found_in_db")
}

fn blocked(scope: &ScopeId) -> String {
    match scope.kind {
        ScopeKind::Key => {
            "Authentication Error, Key is blocked. Update via `/key/unblock` if you're an admin.".to_owned()
        }
        ScopeKind::Team => {
            format!(
                "Authentication Error, Team={} is blocked. Update via `/team/unblock` if you're an admin.",
                scope.id
            )
        }
        ScopeKind::Customer => format!(
            "Authentication Error, End User={} is blocked. Update via `/customer/unblock` if you're an admin.",
            scope.id
        ),
        _ => format!("Authentication Error, {} is blocked.", scope.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn budget(kind: ScopeKind, spent: &str, window: Option<Span>) -> Refusal {
        let money = |text| Money::parse(text).unwrap();
        let (spent, reserved, max, wanted) = (money(spent), money("0.5"), money("10"), money("0.25"));
        let short = Shortfall { spent, reserved, max, wanted, window, reset_at_ms: Some(90_000) };
        Refusal::new(ScopeId::new(kind, "x"), RefusalKind::Budget(Box::new(short)))
    }

    #[test]
    fn a_spent_budget_is_told_in_litellms_words() {
        let error = budget(ScopeKind::Key, "10", None).to_error(422, 60_000);
        assert_eq!(error.status(), 422);
        assert_eq!(error.retry_after_ms(), Some(30_000));
        assert_eq!(
            error.to_json(),
            serde_json::json!({"error": {
                "message": "Budget has been exceeded! Key=x Current cost: 10, Max budget: 10",
                "type": "budget_exceeded", "param": null, "code": "budget_exceeded",
            }})
        );
        let user = budget(ScopeKind::User, "12.5", None).to_error(429, 0);
        assert_eq!(user.message(), "ExceededBudget: User=x over budget. Spend=12.5, Budget=10");
        let week = budget(ScopeKind::Key, "10", Some(Span::parse("7d", "d").unwrap())).to_error(429, 0);
        assert_eq!(week.message(), "ExceededBudget: Key over 7d budget. Spend=$10, Limit=$10");
    }

    #[test]
    fn a_budget_held_by_open_requests_says_so_and_may_be_asked_again_soon() {
        let error = budget(ScopeKind::Team, "9.75", None).to_error(429, 0);
        assert!(error.message().ends_with("Open requests hold 0.5 of it, and this one needs at least 0.25"));
        assert_eq!((error.status(), error.retry_after_ms()), (429, Some(1_000)));
    }

    #[test]
    fn a_rate_limit_carries_its_headers() {
        let kind = RefusalKind::Requests { limit: 3, reset_at_ms: 1_700_000_060_000 };
        let error = Refusal::new(ScopeId::new(ScopeKind::Key, "abc"), kind).to_error(429, 1_700_000_000_500);
        assert_eq!(error.status(), 429);
        assert_eq!(
            error.message(),
            "Rate limit exceeded for api_key: abc. Limit type: requests. Current limit: 3, Remaining: 0. \
             Limit resets at: 2023-11-14 22:14:20 UTC"
        );
        assert_eq!(error.headers().get("x-ratelimit-api_key-limit-requests"), Some("3"));
        assert_eq!(error.headers().get("x-ratelimit-remaining-requests"), Some("0"));
        assert_eq!(error.headers().get("x-ratelimit-reset-requests"), Some("60s"));
        assert_eq!(error.retry_after_ms(), Some(59_500));
    }
}
