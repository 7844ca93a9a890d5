//! Retries: how often, and after which wait.

use super::cooldown::{entry, named};
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
    /// `model_group_retry_policy`: stands for the policy in the groups that it names.
    pub group_policies: Vec<(String, Vec<(String, u32)>)>,
    /// `num_retries_per_request`: the most attempts of a request in all groups, the first one included.
    pub per_request: Option<u32>,
    /// `num_retries` of the router.
    pub router: Option<u32>,
    /// `retry_after` of the router in ms: the least back-off.
    pub retry_after_ms: u64,
}

impl RetryRules {
    /// How many retries `error` gets in `group`, and whether a policy says so (then the error need not be a retryable one).
    pub fn allowed(&self, group: &str, error: &Error, deployment: Option<u32>) -> (u32, bool) {
        match self.by_policy(group, error.kind()).filter(|_| self.request.is_none()) {
            Some(retries) => (retries.min(MOST_RETRIES), true),
            None => (self.plain(deployment), false),
        }
    }

    /// How many retries an error gets that no policy speaks of.
    pub fn plain(&self, deployment: Option<u32>) -> u32 {
        self.request.or(deployment).or(self.router).unwrap_or(DEFAULT_RETRIES).min(MOST_RETRIES)
    }

    fn by_policy(&self, group: &str, kind: Kind) -> Option<u32> {
        let own = self.group_policies.iter().find(|(name, _)| name == group).map(|(_, policy)| policy);
        let policy = own.unwrap_or(&self.policy);
        named(Some(policy), kind).or_else(|| entry(policy, "Default"))
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
        assert_eq!(rules.allowed("m", &error, Some(9)), (3, true));
        assert_eq!(rules.allowed("m", &Error::upstream(Kind::Authentication, "p", 401, "x"), None), (0, true));
        assert_eq!(rules.allowed("m", &Error::upstream(Kind::Timeout, "p", 504, "x"), Some(9)), (9, false));
        assert_eq!(rules.allowed("m", &Error::upstream(Kind::Timeout, "p", 504, "x"), None), (1, false));
        rules.request = Some(0);
        assert_eq!(rules.allowed("m", &error, Some(9)), (0, false));
        assert_eq!(RetryRules::default().allowed("m", &error, None), (2, false));
    }

    #[test]
    fn a_groups_own_policy_stands_for_the_routers() {
        let limited = Error::upstream(Kind::RateLimit, "p", 429, "x");
        let policy = |count| vec![("RateLimitErrorRetries".to_owned(), count)];
        let rules = RetryRules {
            policy: policy(3),
            group_policies: vec![("big".to_owned(), policy(7)), ("bare".to_owned(), Vec::new())],
            ..RetryRules::default()
        };
        assert_eq!(rules.allowed("big", &limited, None), (7, true));
        assert_eq!(rules.allowed("m", &limited, None), (3, true));
        assert_eq!(rules.allowed("bare", &limited, Some(1)), (1, false), "its own policy says nothing");
    }

    #[test]
    fn a_subclass_falls_to_its_parent_then_to_the_default() {
        let rules = RetryRules {
            policy: vec![("BadRequestErrorRetries".to_owned(), 4), ("DefaultRetries".to_owned(), 5)],
            ..RetryRules::default()
        };
        assert_eq!(rules.allowed("m", &Error::upstream(Kind::ContextWindowExceeded, "p", 400, "x"), None), (4, true));
        assert_eq!(rules.allowed("m", &Error::upstream(Kind::NotFound, "p", 404, "x"), None), (5, true));
    }
}
