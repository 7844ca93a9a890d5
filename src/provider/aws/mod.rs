//! What AWS's services share: regions, endpoints, credentials, and how they refuse.

mod errors;
mod role;
mod sigv4;

pub(super) use errors::{of_event, refusal};
pub(super) use role::exchange;
pub(super) use sigv4::Signer;

use super::Target;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;

/// Where requests go whose region nobody names (LiteLLM's).
const DEFAULT_REGION: &str = "us-west-2";

/// One of AWS's services.
#[derive(Clone, Copy, Debug)]
pub(super) struct Service {
    /// What a host's name begins with: `bedrock-runtime`.
    pub(super) host: &'static str,
    /// Its name in signatures.
    pub(super) signing: &'static str,
    /// Whether it takes a key as a bearer token.
    pub(super) bearer: bool,
    /// The parameter that may hold its address, where there is one.
    pub(super) endpoint: &'static str,
}

/// The region of a call: that which the model names, else the configuration's.
///
/// # Errors
///
/// A name that is none: it becomes a part of the host's.
pub(super) fn region<'a>(target: &Target<'a>, of_model: Option<&'a str>) -> Result<&'a str> {
    let told = of_model.or_else(|| target.param("aws_region_name")).or_else(|| target.param("region_name"));
    let region = told.unwrap_or(DEFAULT_REGION);
    if is_region(region) {
        return Ok(region);
    }
    let message = "`aws_region_name` must be the name of a region such as `us-east-1`";
    Err(Error::bad_request("aws_region_name", message))
}

/// Whether a text can be the name of a region: `us-east-1`, `us-gov-west-1`.
pub(super) fn is_region(text: &str) -> bool {
    let ends = text.bytes().last().is_some_and(|byte| byte.is_ascii_digit());
    ends && text.contains('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// A request with the body to `endpoint` of the service, without a credential.
///
/// # Errors
///
/// An address that is none.
pub(super) fn post(
    target: &Target<'_>,
    service: Service,
    region: &str,
    endpoint: &str,
    body: Vec<u8>,
) -> Result<HttpRequest> {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let own = format!("https://{}.{region}.{suffix}", service.host);
    let base = target.api_base.or_else(|| target.param(service.endpoint)).unwrap_or(&own);
    let url = Target { api_base: Some(base), default_base: "", ..*target }.url("", true, endpoint)?;
    Ok(HttpRequest::post_json(url, body))
}

/// Adds the configured headers and the credential: a key as a bearer token where the service takes one, else a
/// signature.
///
/// # Errors
///
/// No credential.
pub(super) fn authorize(target: &Target<'_>, service: Service, region: &str, http: &mut HttpRequest) -> Result<()> {
    let extra = || target.settings.extra_headers.iter();
    // AWS wants its own headers to be signed. Others may be changed on their way, and stay outside.
    for (name, value) in extra().filter(|(name, _)| name.starts_with("x-amz")) {
        http.headers.set(name, value);
    }
    if let Some(key) = target.key.filter(|key| service.bearer && !key.is_empty()) {
        http.headers.set("authorization", format!("Bearer {}", key.expose()));
    } else {
        let missing = || Error::upstream(Kind::Authentication, target.provider, 401, no_credential(service));
        // A role's own key came by an exchange: its id, its secret and its token, each in a line.
        let assumed = target.token.map(|token| token.expose().split('\n').collect::<Vec<_>>());
        let (access_key, secret_key, session_token) = match assumed.as_deref() {
            Some([id, secret, token]) => (*id, *secret, Some(*token)),
            _ => (
                target.param("aws_access_key_id").ok_or_else(missing)?,
                target.param("aws_secret_access_key").ok_or_else(missing)?,
                target.param("aws_session_token"),
            ),
        };
        let signer = Signer { access_key, secret_key, session_token, region, service: service.signing };
        signer.sign(http, target.now);
    }
    for (name, value) in extra().filter(|(name, _)| !name.starts_with("x-amz")) {
        http.headers.set(name, value);
    }
    Ok(())
}

fn no_credential(service: Service) -> &'static str {
    if service.bearer {
        "no credential for AWS: set AWS_BEARER_TOKEN_BEDROCK, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    } else {
        "no credential for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;
    use crate::secret::Secret;

    const SERVICE: Service = Service { host: "h", signing: "bedrock", bearer: true, endpoint: "e" };

    fn settings(params: &[(&str, &str)]) -> Settings {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        let extra_headers = [("x-amz-trace", "t"), ("x-team", "t")].into_iter().collect();
        Settings { params, extra_headers, ..Settings::default() }
    }

    fn sent(target: &Target<'_>) -> Result<HttpRequest> {
        let mut http = post(target, SERVICE, "us-east-1", "model/m/converse", Vec::new())?;
        authorize(target, SERVICE, "us-east-1", &mut http)?;
        Ok(http)
    }

    #[test]
    fn a_bearer_key_goes_before_a_signature_and_nothing_is_refused() {
        let settings = settings(&[("aws_access_key_id", "A"), ("aws_secret_access_key", "S")]);
        let key = Secret::new("b");
        let target = Target::of_test("bedrock", &settings);
        let bearer = sent(&Target { key: Some(&key), ..target }).unwrap();
        assert_eq!(bearer.headers.get("authorization"), Some("Bearer b"));
        let signed = sent(&target).unwrap();
        let authorization = signed.headers.get("authorization").unwrap();
        let start = "AWS4-HMAC-SHA256 Credential=A/19700101/us-east-1/bedrock/aws4_request, \
            SignedHeaders=content-type;host;x-amz-date;x-amz-trace, Signature=";
        assert!(authorization.starts_with(start), "{authorization}");
        assert_eq!(signed.headers.get("x-team"), Some("t"));
        let none = Settings::default();
        let error = sent(&Target::of_test("bedrock", &none)).unwrap_err();
        assert!(error.status() == 401 && error.falls_back(), "{error}");
    }

    #[test]
    fn a_roles_own_key_is_used_where_there_is_one() {
        let settings = settings(&[("aws_access_key_id", "A"), ("aws_secret_access_key", "S")]);
        let token = Secret::new("ASIA\nsecret\nsession");
        let signed = sent(&Target { token: Some(&token), ..Target::of_test("bedrock", &settings) }).unwrap();
        assert!(signed.headers.get("authorization").unwrap().contains("Credential=ASIA/"));
        assert_eq!(signed.headers.get("x-amz-security-token"), Some("session"));
    }

    #[test]
    fn addresses_are_the_users_or_the_regions() {
        let settings = settings(&[("e", "http://proxy/x/"), ("aws_region_name", "eu-west-1")]);
        let target = Target::of_test("bedrock", &settings);
        let url =
            |target: &Target<'_>, region| post(target, SERVICE, region, "model/m/converse", Vec::new()).unwrap().url;
        assert_eq!(url(&target, "eu-west-1"), "http://proxy/x/model/m/converse");
        assert_eq!(url(&Target { api_base: Some("http://own"), ..target }, "x-1"), "http://own/model/m/converse");
        let none = Settings::default();
        let target_of_none = Target::of_test("bedrock", &none);
        assert_eq!(url(&target_of_none, "eu-west-1"), "https://h.eu-west-1.amazonaws.com/model/m/converse");
        assert_eq!(url(&target_of_none, "cn-north-1"), "https://h.cn-north-1.amazonaws.com.cn/model/m/converse");
        assert_eq!(region(&target, None).unwrap(), "eu-west-1");
        assert_eq!(region(&target, Some("us-gov-west-1")).unwrap(), "us-gov-west-1");
        assert_eq!(region(&target_of_none, None).unwrap(), "us-west-2");
        assert!(region(&target, Some("evil.example/-1")).is_err());
    }
}
