//! Failures and delays that a client asks for, to test its own fallbacks: LiteLLM's `mock_testing_…`, `mock_timeout` and
//! `mock_delay`. They are refused unless the configuration allows them.

use crate::config::GeneralSettings;
use crate::error::{Error, Kind, Result};
use crate::openai::Fields;

/// The fields, in LiteLLM's order.
const FIELDS: [&str; 6] = [
    "mock_testing_fallbacks",
    "mock_testing_context_fallbacks",
    "mock_testing_content_policy_fallbacks",
    "mock_testing_rate_limit_error",
    "mock_timeout",
    "mock_delay",
];

/// The longest `mock_delay`, in seconds.
const LONGEST_DELAY: f64 = 600.0;

/// What a client wants to fail or to last.
#[derive(Clone, Debug, Default)]
pub(super) struct Mocks {
    /// The fields that the request has, whatever they say.
    named: Vec<&'static str>,
    /// What the first model group fails with, unasked.
    group: Option<Kind>,
    /// Whether the first attempt is refused for its rate.
    rate_limit: bool,
    /// Whether attempts in the first group end with their time.
    pub(super) timeout: bool,
    /// How long a mock answer takes, in ms.
    pub(super) delay_ms: u64,
}

impl Mocks {
    /// Takes the fields out of a body.
    ///
    /// # Errors
    ///
    /// A field of another type.
    pub(super) fn take(fields: &mut Fields) -> Result<Self> {
        let named: Vec<&'static str> = FIELDS.into_iter().filter(|name| fields.raw(name).is_some()).collect();
        if named.is_empty() {
            return Ok(Self::default());
        }
        let flag = |name: &str| fields.get::<bool>(name).map(Option::unwrap_or_default);
        let mut mocks = Self { rate_limit: flag(FIELDS[3])?, timeout: flag(FIELDS[4])?, ..Self::default() };
        let kinds = [Kind::InternalServer, Kind::ContextWindowExceeded, Kind::ContentPolicyViolation];
        for (name, kind) in FIELDS.iter().zip(kinds) {
            if flag(name)? && mocks.group.is_none() {
                mocks.group = Some(kind);
            }
        }
        let delay = fields.get::<f64>(FIELDS[5])?.unwrap_or_default();
        if !(0.0..=LONGEST_DELAY).contains(&delay) {
            let message = format!("`mock_delay` must be from 0 to {LONGEST_DELAY} seconds");
            return Err(Error::bad_request("mock_delay", message));
        }
        mocks.delay_ms = (delay * 1000.0) as u64;
        for name in &named {
            fields.remove(name);
        }
        mocks.named = named;
        Ok(mocks)
    }

    /// Refuses them where the configuration does not allow them: a test that was left out in silence would read as one
    /// that passed.
    ///
    /// # Errors
    ///
    /// 400, with LiteLLM's words.
    pub(super) fn check(&self, general: &GeneralSettings) -> Result<()> {
        let Some(first) = self.named.first().filter(|_| !general.allow_mock_testing) else { return Ok(()) };
        let message = format!(
            "Mock testing request params are disabled on this proxy: {}. An admin can enable them by setting \
             `general_settings.dangerously_allow_mock_testing_request_params: true` in config.yaml",
            self.named.join(", ")
        );
        Err(Error::bad_request(first, message))
    }

    /// The error that the first model group is left with, if any.
    pub(super) fn group_error(&self, group: &str) -> Option<Error> {
        let kind = self.group?;
        Some(mocked(kind, group, "to trigger a fallback"))
    }

    /// The error of the first attempt, if any.
    pub(super) fn attempt_error(&self, group: &str) -> Option<Error> {
        self.rate_limit.then(|| mocked(Kind::RateLimit, group, "to trigger a rate limit error"))
    }
}

fn mocked(kind: Kind, group: &str, why: &str) -> Error {
    Error::upstream(kind, "mock", kind.row().status, format!("This is a mock exception for model={group}, {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(body: &str) -> Result<(Mocks, String)> {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let mocks = Mocks::take(&mut fields)?;
        Ok((mocks, String::from_utf8(fields.to_bytes()).unwrap()))
    }

    #[test]
    fn they_are_refused_by_name_unless_allowed_even_where_they_are_false() {
        let (mocks, rest) = take(r#"{"model":"m","mock_testing_fallbacks":false,"mock_delay":1.5}"#).unwrap();
        assert_eq!(rest, r#"{"model":"m"}"#);
        let error = mocks.check(&GeneralSettings::default()).unwrap_err();
        assert_eq!((error.status(), error.param()), (400, Some("mock_testing_fallbacks")));
        assert!(error.message().contains("mock_testing_fallbacks, mock_delay."), "{error}");
        let allowed = GeneralSettings { allow_mock_testing: true, ..GeneralSettings::default() };
        assert!(mocks.check(&allowed).is_ok() && mocks.group_error("m").is_none());
        assert_eq!(mocks.delay_ms, 1500);
        assert!(take(r#"{"model":"m"}"#).unwrap().0.check(&GeneralSettings::default()).is_ok());
    }

    #[test]
    fn a_wrong_value_is_named() {
        for (body, param) in [(r#"{"mock_delay":-1}"#, "mock_delay"), (r#"{"mock_timeout":"soon"}"#, "mock_timeout")] {
            assert_eq!(take(body).unwrap_err().param(), Some(param), "{body}");
        }
    }
}
