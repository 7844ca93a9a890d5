//! The error for a group of which no deployment may be used now.

use super::Filtered;
use crate::error::{Error, Kind};

/// What a client gets when no deployment of `group` may be picked, each for its own reason.
///
/// Where time mends it, LiteLLM's rate limit error with the time; its list tells why each one rests, so that a rest never
/// hides what is wrong.
pub(super) fn error(group: &str, states: &[Option<Filtered>], now_ms: u64) -> Error {
    let reasons: Vec<&Filtered> = states.iter().flatten().collect();
    let waits = reasons.iter().filter_map(|reason| reason.wait_ms(now_ms));
    let Some(wait_ms) = waits.min() else {
        let words: Vec<String> = reasons.iter().map(|reason| reason.words(now_ms)).collect();
        let why = if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) };
        let message = format!("model group `{group}` has no deployment that may be used{why}");
        return Error::new(Kind::ServiceUnavailable, message);
    };
    let list: Vec<String> = reasons.iter().map(|reason| reason.words(now_ms)).collect();
    let message = format!(
        "No deployments available for selected model, Try again in {} seconds. Passed model={group}. \
         cooldown_list=[{}]",
        wait_ms.div_ceil(1000),
        list.join(", ")
    );
    Error::new(Kind::RateLimit, message).with_retry_after_ms(wait_ms)
}

impl Filtered {
    /// In how many ms it may be picked again, where time alone mends it.
    pub(super) fn wait_ms(&self, now_ms: u64) -> Option<u64> {
        match self {
            Self::Cooling(until, _) => Some(until.saturating_sub(now_ms)),
            Self::Limit { retry_after_ms, .. } => Some(*retry_after_ms),
            Self::Probing | Self::Unhealthy | Self::Unfit(_) | Self::Refused => None,
        }
    }

    /// The reason for people.
    pub fn words(&self, now_ms: u64) -> String {
        match self {
            Self::Cooling(until, status) => {
                format!("rests for {} ms after status {status}", until.saturating_sub(now_ms))
            }
            Self::Probing => "is tested by another request".to_owned(),
            Self::Unhealthy => "failed its last health check".to_owned(),
            Self::Limit { limit, .. } => format!("its {limit} is used up"),
            Self::Unfit(unfit) => unfit.to_string(),
            Self::Refused => "refused this request".to_owned(),
        }
    }
}
