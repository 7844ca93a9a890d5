//! Google Cloud's credentials as an exchange for an access token: service accounts by a signed JWT, users by their refresh
//! token (<https://developers.google.com/identity/protocols/oauth2/service-account#httprest>).

use serde_json::{Map, Value, json};

use super::Target;
use super::exchange::{Assertion, Exchange, oauth};
use crate::base64;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::secret::Secret;

/// What a token is for: every API of the cloud, as the account is allowed to.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// Where tokens are given, if the credentials do not say.
const TOKEN_URI: &str = "https://oauth2.googleapis.com/token";

/// How long an assertion holds, in seconds: the most that Google takes.
const LIFETIME: u64 = 3600;

/// The credentials of a file as Google gives it out.
pub(super) struct Credentials(Map<String, Value>);

impl Credentials {
    /// Reads `vertex_credentials`; `None` where the target has none.
    ///
    /// # Errors
    ///
    /// What is no JSON object.
    pub(super) fn of(target: &Target<'_>) -> Result<Option<Self>> {
        let Some(text) = ["vertex_credentials", "vertex_ai_credentials"].iter().find_map(|name| target.param(name))
        else {
            return Ok(None);
        };
        if let Ok(Value::Object(map)) = crate::json::read(text.as_bytes()) {
            return Ok(Some(Self(map)));
        }
        let message = "`vertex_credentials` must be the JSON text of a key file, or os.environ/NAME with that text: \
                       files cannot be read here";
        Err(refused(target, message))
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty())
    }

    fn required(&self, target: &Target<'_>, name: &str) -> Result<&str> {
        self.text(name).ok_or_else(|| refused(target, &format!("`vertex_credentials` lacks `{name}`")))
    }

    /// The project that they belong to.
    pub(super) fn project(&self) -> Option<&str> {
        self.text("project_id").or_else(|| self.text("quota_project_id"))
    }

    /// The exchange for an access token.
    ///
    /// # Errors
    ///
    /// A kind of credentials that needs the machine that it was made for, or one that lacks a field.
    pub(super) fn exchange(&self, target: &Target<'_>) -> Result<Exchange> {
        let uri = self.text("token_uri").unwrap_or(TOKEN_URI);
        match self.text("type") {
            Some("service_account") | None => self.by_assertion(target, uri),
            Some("authorized_user") => {
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", self.required(target, "client_id")?),
                    ("client_secret", self.required(target, "client_secret")?),
                    ("refresh_token", self.required(target, "refresh_token")?),
                ];
                Ok(Exchange::by_form(uri.to_owned(), &form))
            }
            Some(other) => {
                let message = format!(
                    "`vertex_credentials` are of the type `{other}`: give those of a service account, or of an authorized_user"
                );
                Err(refused(target, &message))
            }
        }
    }

    fn by_assertion(&self, target: &Target<'_>, uri: &str) -> Result<Exchange> {
        let email = self.required(target, "client_email")?;
        let key = self.required(target, "private_key")?;
        let mut head = json!({"alg": "RS256", "typ": "JWT"});
        if let (Some(id), Some(head)) = (self.text("private_key_id"), head.as_object_mut()) {
            head.insert("kid".to_owned(), id.into());
        }
        let until = target.now + LIFETIME;
        let claims = json!({"iss": email, "scope": SCOPE, "aud": uri, "iat": target.now, "exp": until});
        let [head, claims] = [head, claims].map(|part| base64::encode_url(part.to_string().as_bytes()));
        let form = [("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"), ("assertion", "")];
        Ok(Exchange {
            identity: Secret::new(format!("{uri} {email} {key}")),
            http: HttpRequest::post_form(uri.to_owned(), &form),
            assertion: Some(Assertion { signed: format!("{head}.{claims}"), key: Secret::new(key) }),
            read: oauth,
        })
    }
}

/// An error for credentials that cannot be used: another deployment may have better ones.
pub(super) fn refused(target: &Target<'_>, message: &str) -> Error {
    Error::upstream(Kind::Authentication, target.provider, 401, message)
}
