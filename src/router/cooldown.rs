//! Cooldowns: which failures make a deployment rest, and for how long (LiteLLM's rules).

use super::Candidate;
use super::health::Vitals;
use crate::error::{Error, Kind};

/// LiteLLM's `cooldown_time` where nothing sets it, in ms.
const DEFAULT_MS: u64 = 5_000;

/// The longest rest, in ms, whatever an upstream asks for.
const LONGEST_MS: u64 = 3_600_000;

/// LiteLLM's `allowed_fails`; a router that says the same acts by the rules of shares.
const DEFAULT_FAILS: u32 = 3;

/// Requests of a minute from which a deployment that fails them all rests, even alone in its group.
const MANY_REQUESTS: u32 = 1_000;

/// Requests of a minute from which the share of failures says something.
const ENOUGH_REQUESTS: u32 = 5;

/// What the router's settings say about cooldowns.
#[derive(Clone, Debug, Default)]
pub struct CooldownRules {
    /// `disable_cooldowns`.
    pub disabled: bool,
    /// `allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `allowed_fails_policy`: error class to failures.
    pub policy: Option<Vec<(String, u32)>>,
    /// `cooldown_time` in ms.
    pub cooldown_ms: Option<u64>,
}

impl CooldownRules {
    /// Counts a failure in, and answers for how many ms the deployment has to rest after it, if at all. `peers` is the
    /// size of its group.
    pub(super) fn judge(
        &self,
        vitals: &mut Vitals,
        candidate: &Candidate,
        error: &Error,
        peers: usize,
        now_ms: u64,
    ) -> Option<u64> {
        let own = named(candidate.fails_policy.as_deref(), error.kind());
        let wait = candidate.cooldown_ms.or(error.retry_after_ms()).or(self.cooldown_ms).unwrap_or(DEFAULT_MS);
        let may = wait > 0 && !self.disabled && !candidate.exempt && (required(error) || own.is_some());
        let tested = vitals.is_on_trial(now_ms);
        // A deployment that fails its test rests again: it takes no share of failures to say that it is still down.
        (may && (tested || self.is_over(vitals, candidate, error, peers, now_ms))).then(|| wait.min(LONGEST_MS))
    }

    fn is_over(&self, vitals: &mut Vitals, candidate: &Candidate, error: &Error, peers: usize, now_ms: u64) -> bool {
        let (alone, status) = (peers <= 1, rule_status(error));
        let kind = error.kind();
        let own = named(candidate.fails_policy.as_deref(), kind);
        let routers = named(self.policy.as_deref(), kind);
        if alone && status == 402 && own.is_none() && routers.is_none() {
            return false;
        }
        let routers_count = routers.or(self.allowed_fails).unwrap_or(DEFAULT_FAILS);
        if candidate.fails_policy.is_some() || candidate.allowed_fails.is_some() {
            if own.is_none() && candidate.allowed_fails.is_some() && alone {
                return false;
            }
            let (class, allowed) = match (own, candidate.allowed_fails) {
                (Some(allowed), _) => (kind.row().name, allowed),
                (None, Some(allowed)) => ("own", allowed),
                (None, None) => ("", routers_count),
            };
            let keep = candidate.cooldown_ms.or(self.cooldown_ms).unwrap_or(DEFAULT_MS);
            return vitals.count(class, keep, now_ms) > allowed;
        }
        if self.policy.is_none() && self.allowed_fails.is_none_or(|fails| fails == DEFAULT_FAILS) {
            let (successes, failures) = vitals.minute(now_ms);
            let all = successes.saturating_add(failures);
            return (status == 429 && !alone)
                || (successes == 0 && all >= MANY_REQUESTS)
                || (failures > successes && all >= ENOUGH_REQUESTS && !alone)
                || !should_retry(status);
        }
        vitals.count("", self.cooldown_ms.unwrap_or(DEFAULT_MS), now_ms) > routers_count
    }
}

/// Whether a failure is the deployment's at all: a rate limit, a wrong credential or model, a time-out, anything of a
/// server's own. Never a connection that did not come about, as in LiteLLM.
fn required(error: &Error) -> bool {
    let status = rule_status(error);
    error.kind() != Kind::ApiConnection
        && (matches!(status, 401 | 402 | 404 | 408 | 429) || !(400..500).contains(&status))
}

/// The status that LiteLLM's rules speak of: that of the class where a provider answers with another one, like 400 for
/// a wrong key.
pub(super) fn rule_status(error: &Error) -> u16 {
    match error.kind() {
        Kind::Authentication => 401,
        Kind::PaymentRequired => 402,
        Kind::PermissionDenied => 403,
        Kind::NotFound => 404,
        Kind::RateLimit => 429,
        _ => error.status(),
    }
}

/// Whether a status can be mended by sending the same again.
pub(super) fn should_retry(status: u16) -> bool {
    matches!(status, 408 | 409 | 429) || status >= 500
}

/// What a policy says of a class of errors: its own entry, else that of the class above it. `RateLimitError`,
/// `RateLimitErrorRetries` and `RateLimitErrorAllowedFails` name the same class.
pub(super) fn named(policy: Option<&[(String, u32)]>, kind: Kind) -> Option<u32> {
    let subclass = matches!(
        kind,
        Kind::ContextWindowExceeded | Kind::ContentPolicyViolation | Kind::UnsupportedParams | Kind::PaymentRequired
    );
    let names = [Some(kind.row().name), subclass.then_some("BadRequestError")];
    names.into_iter().flatten().find_map(|name| entry(policy?, name))
}

/// The entry of a policy for the class `name`.
pub(super) fn entry(policy: &[(String, u32)], name: &str) -> Option<u32> {
    let bare = |name: &'_ str| {
        let name =
            name.strip_suffix("Retries").or_else(|| name.strip_suffix("AllowedFails")).unwrap_or(name).to_owned();
        name.strip_suffix("Error").map(str::to_owned).unwrap_or(name)
    };
    policy.iter().find(|(key, _)| bare(key) == bare(name)).map(|(_, count)| *count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_class_has_several_spellings() {
        let policy = |name: &str| vec![(name.to_owned(), 4)];
        for name in ["RateLimitErrorAllowedFails", "RateLimitErrorRetries", "RateLimitError", "RateLimit"] {
            assert_eq!(named(Some(&policy(name)), Kind::RateLimit), Some(4), "{name}");
            assert_eq!(named(Some(&policy(name)), Kind::Timeout), None, "{name}");
        }
        assert_eq!(named(Some(&policy("TimeoutErrorAllowedFails")), Kind::Timeout), Some(4));
        assert_eq!(named(Some(&policy("BadRequestErrorAllowedFails")), Kind::ContentPolicyViolation), Some(4));
        assert_eq!(named(Some(&policy("BadRequestErrorAllowedFails")), Kind::UnprocessableEntity), None);
        assert_eq!(named(None, Kind::Timeout), None);
    }

    #[test]
    fn a_wrong_key_is_one_whatever_status_its_provider_answers() {
        let google = Error::upstream(Kind::Authentication, "p", 400, "API key not valid");
        assert!(required(&google) && rule_status(&google) == 401);
        assert!(!required(&Error::upstream(Kind::BadRequest, "p", 400, "x")));
        assert!(!required(&Error::upstream(Kind::ApiConnection, "p", 500, "x")));
    }
}
