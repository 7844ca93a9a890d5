//! How a provider who speaks OpenAI's language is logged in to: by its key, or by a token that a credential is exchanged for.

use super::super::Target;
use super::super::exchange::Exchange;
use crate::base64;
use crate::error::{Error, Result};
use crate::secret::Secret;

/// How a provider is logged in to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Login {
    /// The key itself.
    Key,
    /// Azure: the key, else a token of Microsoft Entra
    /// (<https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow>).
    Entra,
    /// Databricks: a service principal
    /// (<https://docs.databricks.com/aws/en/dev-tools/auth/oauth-m2m>), else the key, which is a personal access token.
    Databricks,
}

/// What a token of Entra is for where `azure_scope` says nothing: every model of Azure.
const ENTRA_SCOPE: &str = "https://cognitiveservices.azure.com/.default";

/// Where Entra gives tokens, but for sovereign clouds.
const ENTRA: &str = "https://login.microsoftonline.com";

impl Login {
    /// The exchange that the target's credential needs.
    ///
    /// # Errors
    ///
    /// An address that is none.
    pub(super) fn exchange(self, target: &Target<'_>) -> Result<Option<Exchange>> {
        match self {
            Self::Key => Ok(None),
            Self::Entra => Ok(entra(target)),
            Self::Databricks => databricks(target),
        }
    }

    /// What goes into `authorization` in place of a key.
    pub(in crate::provider) fn bearer<'a>(self, target: &Target<'a>) -> Option<&'a str> {
        let token = target.token.map(Secret::expose);
        let own = || target.param("azure_ad_token").filter(|_| self == Self::Entra && !has_key(target));
        token.or_else(own)
    }
}

fn has_key(target: &Target<'_>) -> bool {
    target.key.is_some_and(|key| !key.is_empty())
}

/// Client credentials, or a user's name and password (`azure_username`): LiteLLM's order.
fn entra(target: &Target<'_>) -> Option<Exchange> {
    if has_key(target) || target.param("azure_ad_token").is_some() {
        return None;
    }
    let (tenant, client) = (target.param("tenant_id")?, target.param("client_id")?);
    let host = target.param("azure_authority_host").unwrap_or(ENTRA).trim_end_matches('/');
    let host = if host.contains("://") { host.to_owned() } else { format!("https://{host}") };
    let scope = target.param("azure_scope").unwrap_or(ENTRA_SCOPE);
    let url = format!("{host}/{}/oauth2/v2.0/token", crate::http::percent_encode(tenant));
    let mut form = vec![("client_id", client), ("scope", scope)];
    match (target.param("client_secret"), target.param("azure_username"), target.param("azure_password")) {
        (Some(secret), ..) => form.extend([("client_secret", secret), ("grant_type", "client_credentials")]),
        (None, Some(user), Some(password)) => {
            form.extend([("username", user), ("password", password), ("grant_type", "password")]);
        }
        _ => return None,
    }
    Some(Exchange::by_form(url, &form))
}

fn databricks(target: &Target<'_>) -> Result<Option<Exchange>> {
    let (Some(client), Some(secret)) = (target.param("client_id"), target.param("client_secret")) else {
        return Ok(None);
    };
    let base = target.api_base.unwrap_or_default();
    let origin = base.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.split(['/', '?']).next()?)));
    let Some((scheme, host)) = origin else {
        let message = "set `api_base` to the workspace: https://….cloud.databricks.com/serving-endpoints";
        return Err(Error::bad_request("api_base", message));
    };
    let url = format!("{scheme}://{host}/oidc/v1/token");
    let mut exchange = Exchange::by_form(url, &[("grant_type", "client_credentials"), ("scope", "all-apis")]);
    let pair = format!("{client}:{secret}");
    exchange.http.headers.push("authorization", format!("Basic {}", base64::encode(pair.as_bytes())));
    exchange.identity = Secret::new(format!("{host} {pair}"));
    Ok(Some(exchange))
}

#[cfg(test)]
mod tests {
    use super::super::super::Settings;
    use super::*;

    fn settings(params: &[(&str, &str)]) -> Settings {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        Settings { params: params.collect(), ..Settings::default() }
    }

    fn exchange(login: Login, params: &[(&str, &str)], key: Option<&str>) -> Option<Exchange> {
        let (settings, key) = (settings(params), key.map(Secret::new));
        let base = Some("https://dbc.example/serving-endpoints");
        let target = Target { api_base: base, key: key.as_ref(), ..Target::of_test("p", &settings) };
        login.exchange(&target).unwrap()
    }

    const CLIENT: &[(&str, &str)] = &[("tenant_id", "t"), ("client_id", "c"), ("client_secret", "s p")];

    #[test]
    fn a_key_or_a_token_of_ones_own_needs_no_exchange() {
        assert!(exchange(Login::Entra, CLIENT, Some("k")).is_none());
        assert!(exchange(Login::Entra, &[CLIENT, &[("azure_ad_token", "a")]].concat(), None).is_none());
        assert!(exchange(Login::Entra, CLIENT.get(..2).unwrap(), None).is_none());
        let settings = settings(&[("azure_ad_token", "a")]);
        let key = Secret::new("k");
        let target = Target::of_test("p", &settings);
        assert_eq!(Login::Entra.bearer(&target), Some("a"));
        assert_eq!(Login::Key.bearer(&target), None);
        assert_eq!(Login::Entra.bearer(&Target { key: Some(&key), ..target }), None);
    }

    #[test]
    fn entra_is_asked_for_the_scope_of_the_cloud() {
        let http = exchange(Login::Entra, CLIENT, None).unwrap().http;
        assert_eq!(http.url, "https://login.microsoftonline.com/t/oauth2/v2.0/token");
        let scope = "scope=https%3A%2F%2Fcognitiveservices.azure.com%2F.default";
        let body = format!("client_id=c&{scope}&client_secret=s%20p&grant_type=client_credentials");
        assert_eq!(String::from_utf8(http.body).unwrap(), body);
        let china = [CLIENT, &[("azure_authority_host", "login.chinacloudapi.cn"), ("azure_scope", "x")]].concat();
        let http = exchange(Login::Entra, &china, None).unwrap().http;
        assert!(http.url.starts_with("https://login.chinacloudapi.cn/t/"), "{}", http.url);
        assert!(String::from_utf8(http.body).unwrap().contains("scope=x&"));
    }

    #[test]
    fn a_service_principal_comes_before_a_personal_token() {
        let exchange =
            exchange(Login::Databricks, &[("client_id", "c"), ("client_secret", "s")], Some("dapi")).unwrap();
        assert_eq!(exchange.http.url, "https://dbc.example/oidc/v1/token");
        assert_eq!(exchange.http.headers.get("authorization"), Some("Basic Yzpz"));
        assert_eq!(exchange.http.body, b"grant_type=client_credentials&scope=all-apis");
        assert!(!format!("{exchange:?}").contains("Yzpz"));
    }
}
