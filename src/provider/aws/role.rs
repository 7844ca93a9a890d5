//! A role's own key, by STS: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use super::super::Target;
use super::super::exchange::{Exchange, Token};
use super::{Signer, region};
use crate::error::{Error, Result};
use crate::http::HttpRequest;
use crate::keys::calendar::parse_time;
use crate::secret::Secret;

/// How the session is called whose name nobody gives.
const SESSION: &str = "tollgate";

/// The exchange of the target's key for that of its role; `None` where it has no role, or a bearer key.
///
/// # Errors
///
/// A role without a key to assume it by; a web identity, which is not taken yet.
pub(in crate::provider) fn exchange(target: &Target<'_>, bearer: bool) -> Result<Option<Exchange>> {
    let Some(role) = target.param("aws_role_name") else { return Ok(None) };
    if bearer && target.key.is_some_and(|key| !key.is_empty()) {
        return Ok(None);
    }
    if target.param("aws_web_identity_token").is_some() {
        let message = "`aws_web_identity_token` is not taken yet: assume `aws_role_name` by an access key";
        return Err(Error::bad_request("aws_web_identity_token", message));
    }
    let needed = |name: &str| {
        let missing = || Error::bad_request(name, format!("`{name}` is missing: a role is assumed by an access key"));
        target.param(name).ok_or_else(missing)
    };
    let (access_key, secret_key) = (needed("aws_access_key_id")?, needed("aws_secret_access_key")?);
    let session_token = target.param("aws_session_token");
    let region = region(target, None)?;
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    let own = format!("https://sts.{region}.{suffix}/");
    let endpoint = target.param("aws_sts_endpoint").unwrap_or(&own);
    let session = target.param("aws_session_name").unwrap_or(SESSION);
    let external = target.param("aws_external_id").unwrap_or_default();
    let mut pairs =
        vec![("Action", "AssumeRole"), ("Version", "2011-06-15"), ("RoleArn", role), ("RoleSessionName", session)];
    if !external.is_empty() {
        pairs.push(("ExternalId", external));
    }
    let mut http = HttpRequest::post_form(endpoint.to_owned(), &pairs);
    // STS answers in XML, as it documents.
    http.headers.remove("accept");
    Signer { access_key, secret_key, session_token, region, service: "sts" }.sign(&mut http, target.now);
    let identity =
        [access_key, secret_key, session_token.unwrap_or_default(), role, session, external, endpoint].join("\n");
    Ok(Some(Exchange { identity: Secret::new(identity), http, assertion: None, read }))
}

/// Reads the key of the role: its id, its secret and its token, each in a line.
fn read(body: &[u8], now: u64) -> Option<Token> {
    let text = std::str::from_utf8(body).ok()?;
    let element = |name: &str| {
        let (_, rest) = text.split_once(&format!("<{name}>"))?;
        let (value, _) = rest.split_once(&format!("</{name}>"))?;
        Some(value.trim()).filter(|value| !value.is_empty() && !value.contains(['\n', '<', '&']))
    };
    let value = [element("AccessKeyId")?, element("SecretAccessKey")?, element("SessionToken")?].join("\n");
    let ends = parse_time(element("Expiration")?)? / 1000;
    Some(Token { value: Secret::new(value), lifetime: ends.saturating_sub(now) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;

    /// The example of the document, its token shortened.
    const ANSWER: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>
        <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/demo/TestAR</Arn></AssumedRoleUser>
        <Credentials><AccessKeyId>ASIAIOSFODNN7EXAMPLE</AccessKeyId>
        <SecretAccessKey>wJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY</SecretAccessKey>
        <SessionToken>AQoDYXdzEPT//////////wEXAMPLE==</SessionToken>
        <Expiration>2019-11-09T13:34:41Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>";

    fn settings(params: &[(&str, &str)]) -> Settings {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value))).collect();
        Settings { params, ..Settings::default() }
    }

    #[test]
    fn a_role_is_asked_for_with_a_signature_for_sts() {
        let role = ("aws_role_name", "arn:aws:iam::123456789012:role/demo");
        let key = [("aws_access_key_id", "A"), ("aws_secret_access_key", "S"), ("aws_region_name", "eu-west-1")];
        let whole = settings(&[&key[..], &[role, ("aws_external_id", "e 1")]].concat());
        let target = Target::of_test("bedrock", &whole);
        let Exchange { http, .. } = exchange(&target, true).unwrap().unwrap();
        assert_eq!(http.url, "https://sts.eu-west-1.amazonaws.com/");
        let want = "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fdemo&\
            RoleSessionName=tollgate&ExternalId=e%201";
        assert_eq!(String::from_utf8(http.body).unwrap(), want);
        assert!(http.headers.get("authorization").unwrap().contains("/eu-west-1/sts/aws4_request"));
        let bearer = Secret::new("b");
        assert!(exchange(&Target { key: Some(&bearer), ..target }, true).unwrap().is_none());
        let (without_role, without_key) = (settings(&key), settings(&[role]));
        assert!(exchange(&Target::of_test("bedrock", &without_role), true).unwrap().is_none());
        let error = exchange(&Target::of_test("bedrock", &without_key), true).unwrap_err();
        assert_eq!(error.param(), Some("aws_access_key_id"));
    }

    #[test]
    fn a_roles_key_is_read_with_its_lifetime() {
        let token = read(ANSWER.as_bytes(), 1_573_306_000).unwrap();
        let want = "ASIAIOSFODNN7EXAMPLE\nwJalrXUtnFEMI/K7MDENG/bPxRfiCYzEXAMPLEKEY\nAQoDYXdzEPT//////////wEXAMPLE==";
        assert_eq!((token.value.expose(), token.lifetime), (want, 481));
        for cut in (0..ANSWER.len()).filter(|at| *at < ANSWER.find("</Expiration>").unwrap()) {
            assert_eq!(read(&ANSWER.as_bytes()[..cut], 0), None, "{cut}");
        }
    }
}
