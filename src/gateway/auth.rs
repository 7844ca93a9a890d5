//! Who calls: the key of a request, and whether it is the master key.

use crate::error::{Error, Kind, Result};
use crate::http::Headers;
use crate::keys::token::{self, Form};
use crate::secret::{Secret, mask};

/// Headers that may carry the key, in order; `authorization` needs `Bearer`.
const KEY_HEADERS: &[&str] = &["authorization", "x-litellm-api-key", "x-api-key", "api-key"];

/// What a request's key opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pass<'a> {
    /// Everything: there is no master key, and the gateway listens on loopback only.
    Open,
    /// Everything: it is the master key.
    Master,
    /// What its record says, if there is one.
    Virtual(&'a str),
}

/// Who may call.
#[derive(Debug)]
pub(super) enum Door {
    /// Whoever has the master key.
    MasterKey {
        /// The master key.
        master: Secret,
        /// What virtual keys are signed with: `LITELLM_SALT_KEY`, which must outlive them, else the master key.
        salt: Secret,
    },
    /// Everyone: no master key is set, and the gateway listens on loopback only.
    Open,
    /// No one: no master key is set, and the gateway may be reached from outside.
    Shut,
}

impl Door {
    /// Looks at the key of a request, without any storage.
    ///
    /// # Errors
    ///
    /// 401 with LiteLLM's bodies: no key, one of another form, or a forged one.
    pub(super) fn admit<'a>(&self, headers: &'a Headers, extra_header: Option<&str>) -> Result<Pass<'a>> {
        let (master, salt) = match self {
            Self::Open => return Ok(Pass::Open),
            Self::Shut => {
                let message =
                    "no master key is set: set `general_settings.master_key`, or the secret it names, and try again";
                return Err(refused("auth_error", message));
            }
            Self::MasterKey { master, salt } => (master, salt),
        };
        let key = key(headers, extra_header)?;
        if master.matches(key) {
            return Ok(Pass::Master);
        }
        if !key.starts_with("sk-") {
            let message =
                format!("LiteLLM Virtual Key expected. Received={}, expected to start with 'sk-'.", mask_plain(key));
            return Err(refused("auth_error", &message));
        }
        match token::form(key, salt) {
            Form::Forged => Err(unknown_key(key)),
            Form::Genuine | Form::Custom => Ok(Pass::Virtual(key)),
        }
    }

    /// The secret that virtual keys are signed with, where there is one.
    pub(super) fn salt(&self) -> Option<&Secret> {
        match self {
            Self::MasterKey { salt, .. } => Some(salt),
            Self::Open | Self::Shut => None,
        }
    }
}

/// The refusal of a key that nobody knows.
pub(super) fn unknown_key(key: &str) -> Error {
    let message = format!(
        "Invalid proxy server token passed. Received API Key = {}, Key Hash (Token) ={}. Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
        mask(key),
        token::hash(key)
    );
    refused("token_not_found_in_db", &message)
}

/// The key that a request carries.
fn key<'a>(headers: &'a Headers, extra_header: Option<&str>) -> Result<&'a str> {
    let extra = extra_header.map(str::to_ascii_lowercase);
    for name in extra.as_deref().into_iter().chain(KEY_HEADERS.iter().copied()) {
        let Some(value) = headers.get(name) else { continue };
        let value = value.trim();
        return match value.split_once(' ') {
            Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim()),
            _ if name == "authorization" => {
                Err(refused("auth_error", "Malformed API Key passed in. Ensure Key has `Bearer ` prefix."))
            }
            _ => Ok(value),
        };
    }
    Err(refused("auth_error", "No api key passed in."))
}

fn mask_plain(key: &str) -> String {
    let head: String = key.chars().take(4).collect();
    format!("{head}****")
}

fn refused(error_type: &str, message: &str) -> Error {
    Error::new(Kind::Authentication, format!("Authentication Error, {message}")).with_type(error_type).with_code("401")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(name: &str, value: &str) -> Result<bool> {
        let headers = [(name, value)].into_iter().collect();
        let door = Door::MasterKey { master: Secret::new("sk-master"), salt: Secret::new("salt") };
        door.admit(&headers, Some("X-Own-Key")).map(|pass| pass == Pass::Master)
    }

    #[test]
    fn the_master_key_opens_in_every_header() {
        let good =
            [("authorization", "Bearer sk-master"), ("authorization", "bearer  sk-master"), ("x-api-key", "sk-master")];
        for (name, value) in good.into_iter().chain([
            ("api-key", "sk-master"),
            ("x-litellm-api-key", "Bearer sk-master"),
            ("x-own-key", "sk-master"),
        ]) {
            assert!(admit(name, value).unwrap(), "{name}: {value}");
        }
    }

    #[test]
    fn refusals_are_litellms() {
        for (name, value, words) in [
            ("x-other", "sk-master", "No api key passed in."),
            ("authorization", "sk-master", "Malformed API Key"),
            ("authorization", "Bearer nonsense", "expected to start with 'sk-'"),
        ] {
            let error = admit(name, value).unwrap_err();
            assert_eq!((error.status(), error.to_json()["error"]["code"].as_str()), (401, Some("401")));
            assert!(error.message().contains(words), "{error}");
            assert!(!error.message().contains("sk-wrong"), "{error}");
        }
    }

    #[test]
    fn a_forged_key_is_refused_and_another_is_looked_up() {
        let genuine = token::generate(&[7; 24], &Secret::new("salt"));
        let forged = token::generate(&[7; 24], &Secret::new("sk-other"));
        assert!(!admit("x-api-key", &genuine).unwrap());
        assert!(!admit("x-api-key", "sk-chosen-by-an-admin").unwrap());
        let error = admit("x-api-key", &forged).unwrap_err();
        assert!(error.message().contains("Received API Key = sk-...") && !error.message().contains(&forged), "{error}");
    }

    #[test]
    fn without_a_master_key_only_loopback_is_open() {
        assert!(Door::Open.admit(&Headers::new(), None).is_ok());
        assert_eq!(Door::Shut.admit(&Headers::new(), None).unwrap_err().status(), 401);
    }
}
