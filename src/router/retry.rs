//! Retries: how often, and after which wait.

use crate::error::{Error, Kind};

/// LiteLLM's `num_retries` where nothing sets it.
const DEFAULT_RETRIES: u32 = 2;

/// More retries than this are never made, whatever asks for them: each is a paid request.
const MOST_RETRIES: u32 = 20;

/// First wait of the exponential back-off, in ms.
const INITIAL_MS: u64 = 500;

/// Longest wait of the exponential back-off, in ms.
const LONGEST_MS: u64 = 8_000;

/// Longest jitter on top of a wait, in ms.
const JITTER_MS: u64 = 750;

/// Longest `retry-after` that is waited for, in ms: an upstream that wants more is not asked again in time.
const LONGEST_HINT_MS: u64 = 60_000;

/// How often to retry, by LiteLLM's precedence: request, policy for the error's class, deployment, router.
#[derive(Clone, Debug, Default)]
pub struct RetryRules {
    /// `num_retries` of the request; 0 turns the policy off too.
    pub request: Option<u32>,
    /// `retry_policy`: error class to retries.
    pub policy: Vec<(String, u32)>,
    /// `num_retries` of the router.
    pub router: Option<u32>,
    /// `retry_after` of the router in ms: the least back-off.
    pub retry_after_ms: u64,
}

impl RetryRules {
    /// How many retries `error` gets, and whether the policy says so (then the error need not be a retryable one).
    pub fn allowed(&self, error: &Error, deployment: Option<u32>) -> (u32, bool) {
        if let Some(retries) = self.request {
            return (retries.min(MOST_RETRIES), false);
        }
        if let Some(retries) = self.policy_for(error.kind()) {
            return (retries.min(MOST_RETRIES), true);
        }
        (deployment.or(self.router).unwrap_or(DEFAULT_RETRIES).min(MOST_RETRIES), false)
    }

    fn policy_for(&self, kind: Kind) -> Option<u32> {
        // LiteLLM's policy names each class as `<class>Retries`; configurations in the wild leave the suffix out.
        let name = kind.row().name;
        let parent =
            matches!(kind, Kind::ContextWindowExceeded | Kind::ContentPolicyViolation | Kind::UnsupportedParams);
        let names = [Some(name), parent.then_some("BadRequestError"), Some("Default")];
        names.into_iter().flatten().find_map(|name| {
            let wanted = name.trim_end_matches("Error");
            self.policy.iter().find_map(|(key, retries)| {
                let key = key.trim_end_matches("Retries").trim_end_matches("Error");
                (key == wanted).then_some(*retries)
            })
        })
    }
}

/// How long to wait before retry number `retry` (from 0) when there is no other deployment to go to, in ms: the upstream's
/// hint where it is above 0 and at most a minute, else exponential from 0.5 s to 8 s; plus up to 0.75 s of jitter.
pub fn backoff_ms(retry: u32, hint_ms: Option<u64>, least_ms: u64, random: u64) -> u64 {
    let jitter = random % (JITTER_MS + 1);
    if let Some(hint @ 1..=LONGEST_HINT_MS) = hint_ms {
        return hint + jitter;
    }
    let wait = INITIAL_MS.saturating_mul(1 << retry.min(16)).max(least_ms);
    wait.min(LONGEST_MS.max(least_ms)) + jitter
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_eight_seconds() {
        let waits: Vec<u64> = (0..6).map(|retry| backoff_ms(retry, None, 0, 0)).collect();
        assert_eq!(waits, [500, 1000, 2000, 4000, 8000, 8000]);
        assert_eq!(backoff_ms(0, None, 3000, 0), 3000);
        assert_eq!(backoff_ms(0, None, 0, 750), 1250);
        assert_eq!(backoff_ms(40, None, 0, 751), 8000);
    }

    #[test]
    fn a_hint_counts_up_to_a_minute() {
        assert_eq!(backoff_ms(3, Some(1500), 0, 0), 1500);
        assert_eq!(backoff_ms(0, Some(60_000), 0, 1), 60_001);
        assert_eq!(backoff_ms(0, Some(60_001), 0, 0), 500);
        assert_eq!(backoff_ms(0, Some(0), 0, 0), 500);
    }

    #[test]
    fn request_beats_policy_beats_deployment_beats_router() {
        let error = Error::upstream(Kind::RateLimit, "p", 429, "x");
        let policy = vec![("RateLimitErrorRetries".to_owned(), 3), ("AuthenticationError".to_owned(), 0)];
        let mut rules = RetryRules { router: Some(1), policy, ..RetryRules::default() };
        assert_eq!(rules.allowed(&error, Some(9)), (3, true));
        assert_eq!(rules.allowed(&Error::upstream(Kind::Authentication, "p", 401, "x"), None), (0, true));
        assert_eq!(rules.allowed(&Error::upstream(Kind::Timeout, "p", 504, "x"), Some(9)), (9, false));
        assert_eq!(rules.allowed(&Error::upstream(Kind::Timeout, "p", 504, "x"), None), (1, false));
        rules.request = Some(0);
        assert_eq!(rules.allowed(&error, Some(9)), (0, false));
        assert_eq!(RetryRules::default().allowed(&error, None), (2, false));
    }

    #[test]
    fn a_subclass_falls_to_its_parent_then_to_the_default() {
        let rules = RetryRules {
            policy: vec![("BadRequestErrorRetries".to_owned(), 4), ("DefaultRetries".to_owned(), 5)],
            ..RetryRules::default()
        };
        assert_eq!(rules.allowed(&Error::upstream(Kind::ContextWindowExceeded, "p", 400, "x"), None), (4, true));
        assert_eq!(rules.allowed(&Error::upstream(Kind::NotFound, "p", 404, "x"), None), (5, true));
    }
}
