//! A credential that has to be exchanged for a token first: what to send, and how to read what comes. The spine sends it.

use std::fmt;

use serde_json::Value;

use super::errors;
use crate::base64;
use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::secret::{Secret, redact};

/// Longest text of an identity provider, in bytes, that is handed on.
const LONGEST_REASON: usize = 500;

/// How long a token is used that does not say how long it holds, in seconds.
const DEFAULT_LIFETIME: u64 = 3600;

/// The exchange of a credential for a token. `Debug` prints where it goes, and nothing else.
#[derive(Clone)]
pub struct Exchange {
    /// Everything that the token depends on, the credential included: what tells it from all other tokens in the cache.
    pub identity: Secret,
    /// What to send.
    pub http: HttpRequest,
    /// A signature that the host has to make before it is sent.
    pub assertion: Option<Assertion>,
    /// Reads the token from the body of an answer with a 2xx status; the second argument is Unix seconds. `None` where it
    /// is not there.
    pub read: fn(&[u8], u64) -> Option<Token>,
}

/// A JWT to be signed (RS256): `{signed}.{signature}` goes to the end of the request's body.
#[derive(Clone)]
pub struct Assertion {
    /// Head and claims, each in base64url, with a dot between.
    pub signed: String,
    /// The private key: PKCS#8 in PEM.
    pub key: Secret,
}

/// A token, and how long it may be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What the dialect gets as [`super::Target::token`].
    pub value: Secret,
    /// Seconds from now.
    pub lifetime: u64,
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Exchange").field(&self.http.url).finish()
    }
}

impl Assertion {
    /// The private key as PKCS#8 in DER; `None` for what is no PEM of one.
    pub fn key_der(&self) -> Option<Vec<u8>> {
        let (_, rest) = self.key.expose().split_once("-----BEGIN PRIVATE KEY-----")?;
        // Keys that went through an environment often have `\n` in place of line feeds.
        let (inner, _) = rest.split_once("-----END PRIVATE KEY-----")?;
        base64::decode(&inner.replace("\\n", "\n")).filter(|der| !der.is_empty())
    }
}

impl Exchange {
    /// An exchange by a form that holds everything which it depends on, answered as OAuth says.
    pub fn by_form(url: String, form: &[(&str, &str)]) -> Self {
        let http = HttpRequest::post_form(url, form);
        let identity = Secret::new(format!("{} {}", http.url, String::from_utf8_lossy(&http.body)));
        Self { identity, http, assertion: None, read: oauth }
    }

    /// Reads the answer.
    ///
    /// # Errors
    ///
    /// [`Kind::Authentication`] where the credential is refused, with the reason; a status that says so is a rate limit or
    /// the other side's own trouble; a 2xx without a token is not understood.
    pub fn answer(&self, provider: &str, head: &HttpHead, body: &[u8], now: u64) -> Result<Token> {
        let place = self.http.url.split('?').next().unwrap_or_default();
        if head.is_success() {
            return (self.read)(body, now).ok_or_else(|| {
                let message = format!("the answer of {place} has no token that can be read");
                Error::upstream(Kind::BadGateway, provider, 502, message)
            });
        }
        let refusal = errors::read(provider, head, body);
        let value: Value = crate::json::read(body).unwrap_or(Value::Null);
        let reason = ["error_description", "errorMessage"].iter().find_map(|name| value.get(name)?.as_str());
        let reason: String = reason.unwrap_or(refusal.message()).chars().take(LONGEST_REASON).collect();
        let reason = redact(&reason, std::slice::from_ref(&self.identity));
        let message = format!("{place} gave no token: {reason}");
        // What the client asked for is not at fault, whatever the status.
        let (kind, status) = match head.status {
            429 => (Kind::RateLimit, 429),
            500.. => (Kind::from_status(head.status), head.status),
            _ => (Kind::Authentication, 401),
        };
        let error = Error::upstream(kind, provider, status, message);
        Err(match refusal.retry_after_ms() {
            Some(ms) => error.with_retry_after_ms(ms),
            None => error,
        })
    }
}

/// Reads OAuth's answer (RFC 6749, 5.1): `access_token` and `expires_in`, which some send as a string.
pub fn oauth(body: &[u8], _now: u64) -> Option<Token> {
    let value: Value = crate::json::read(body).ok()?;
    let token = value.get("access_token")?.as_str().filter(|token| !token.is_empty())?;
    let lifetime = value.get("expires_in").and_then(|told| told.as_u64().or_else(|| told.as_str()?.parse().ok()));
    Some(Token { value: Secret::new(token), lifetime: lifetime.unwrap_or(DEFAULT_LIFETIME) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn exchange() -> Exchange {
        let http = HttpRequest::post_form("https://id.example/token?x=1".to_owned(), &[]);
        Exchange { identity: Secret::new("the-secret"), http, assertion: None, read: oauth }
    }

    fn answer(status: u16, body: &str) -> Result<Token> {
        exchange().answer("p", &HttpHead { status, ..HttpHead::default() }, body.as_bytes(), 0)
    }

    #[test]
    fn a_key_is_read_from_its_pem() {
        let der = |pem: &str| Assertion { signed: String::new(), key: Secret::new(pem) }.key_der();
        let pem = "-----BEGIN PRIVATE KEY-----\nAQID\nBA==\n-----END PRIVATE KEY-----\n";
        assert_eq!(der(pem).unwrap(), [1, 2, 3, 4]);
        assert_eq!(der(&pem.replace('\n', "\\n")).unwrap(), [1, 2, 3, 4]);
        for wrong in ["", "AQID", &pem.replace("PRIVATE", "RSA PRIVATE"), &pem.replace("AQID", "A*ID")] {
            assert_eq!(der(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_token_is_read_with_its_lifetime() {
        for (body, lifetime) in [
            (r#"{"access_token":"t","expires_in":3599,"token_type":"Bearer"}"#, 3599),
            (r#"{"access_token":"t","expires_in":"60"}"#, 60),
            (r#"{"access_token":"t"}"#, 3600),
        ] {
            assert_eq!(answer(200, body).unwrap(), Token { value: Secret::new("t"), lifetime }, "{body}");
        }
        for body in ["", "{}", r#"{"access_token":""}"#, "[]"] {
            assert_eq!(answer(200, body).unwrap_err().status(), 502, "{body}");
        }
    }

    #[test]
    fn a_refused_credential_is_the_gateways_fault_and_names_no_secret() {
        let body = r#"{"error":"invalid_grant","error_description":"Bad the-secret here"}"#;
        let error = answer(400, body).unwrap_err();
        assert_eq!((error.kind(), error.status()), (Kind::Authentication, 401));
        assert_eq!(error.message(), "https://id.example/token gave no token: Bad *** here");
        assert!(error.falls_back());
        assert_eq!(answer(429, "").unwrap_err().kind(), Kind::RateLimit);
        assert_eq!(answer(503, "").unwrap_err().status(), 503);
        assert!(answer(400, r#"{"error":"invalid_client"}"#).unwrap_err().message().ends_with("invalid_client"));
    }
}
