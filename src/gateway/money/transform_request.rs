//! `POST /utils/transform_request`: the upstream request that would be sent, without sending it.

use serde_json::Value;
use serde_json::value::RawValue;

use super::required;
use crate::error::{Error, Result};
use crate::gateway::asked::Asked;
use crate::gateway::attempt::{self, Request};
use crate::gateway::host::Host;
use crate::gateway::tariff::Tariff;
use crate::gateway::{Gateway, models, resolve};
use crate::http::Headers;
use crate::openai::{ChatRequest, EmbeddingRequest, Fields, RerankRequest};
use crate::secret::{Secret, redact};

/// Headers that hold no credential: the value of every other is masked, whatever its name.
const PLAIN_HEADERS: &[&str] = &[
    "accept",
    "anthropic-beta",
    "anthropic-version",
    "content-type",
    "http-referer",
    "openai-beta",
    "openai-organization",
    "user-agent",
    "x-title",
];

/// Query parameters that hold no credential.
const PLAIN_QUERY: &[&str] = &["alt", "api-version", "beta"];

/// Answers with `LiteLLM`'s fields for the first deployment that may serve the model.
///
/// # Errors
///
/// Whatever a call itself would be refused for: the same code reads and writes it.
pub(super) fn answer<H: Host>(gateway: &Gateway, host: &H, fields: &Fields, headers: &Headers) -> Result<Fields> {
    let call_type = required(fields, "call_type", "give \"completion\" or \"embedding\"")?;
    let body: Fields = fields.get("request_body")?.ok_or_else(|| {
        Error::bad_request("request_body", "`request_body` is missing: give the body that the call would have")
    })?;
    let (request, asked) = read(&call_type, body, headers)?;
    let model = request.model();
    let matches = gateway.config.deployments_for(model);
    let found = matches.first().ok_or_else(|| models::unknown(&gateway.config, model))?;
    let mut deployment = resolve::deployment(&gateway.config, host, found, &asked, request.stream())?;
    let request = request.with(&found.deployment.defaults, &Fields::default())?;
    let now_ms = host.now_ms();
    let tariff = Tariff::new(&gateway.prices, found, &request, deployment.api_base.as_deref(), now_ms);
    deployment.facts = tariff.facts();
    let http = attempt::write(&deployment, &request, "transform-request", now_ms)?.http;

    let secrets = &deployment.secrets;
    let mut masked = Fields::default();
    for (name, value) in http.headers.iter() {
        let is_plain = PLAIN_HEADERS.contains(&name);
        masked.set(name, &if is_plain { redact(value, secrets) } else { mask(value) });
    }
    let mut out = Fields::default();
    out.set("raw_request_api_base", &redact(&shown_url(&http.url), secrets));
    out.set("raw_request_body", &body_without(&http.body, secrets));
    out.set("raw_request_headers", &masked);
    out.set("error", &Value::Null);
    Ok(out)
}

fn read(call_type: &str, mut body: Fields, headers: &Headers) -> Result<(Request, Asked)> {
    let asked = Asked::take(&mut body, headers)?;
    let request = match call_type {
        "completion" | "acompletion" => Request::Chat(ChatRequest::from_fields(body)?),
        "embedding" | "aembedding" => Request::Embeddings(EmbeddingRequest::from_fields(body)?),
        "rerank" | "arerank" => Request::Rerank(RerankRequest::from_fields(body)?),
        other => {
            let message = format!(
                "`call_type` is not one of this version: `{other}`; give \"completion\", \"embedding\" or \"rerank\""
            );
            return Err(Error::bad_request("call_type", message));
        }
    };
    Ok((request, asked))
}

/// `***`, behind the scheme where there is one.
fn mask(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, _)) if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("basic") => {
            format!("{scheme} ***")
        }
        _ => "***".to_owned(),
    }
}

/// A URL without `user:password@`, and without the values of its query but for those that dialects write themselves.
fn shown_url(url: &str) -> String {
    let url = without_userinfo(url);
    let Some((place, query)) = url.split_once('?') else { return url };
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if !PLAIN_QUERY.contains(&name) => format!("{name}=***"),
        _ => pair.to_owned(),
    });
    format!("{place}?{}", pairs.collect::<Vec<_>>().join("&"))
}

/// A URL without `user:password@`.
pub(in crate::gateway) fn without_userinfo(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    format!("{scheme}://{host}{path}")
}

/// The body as JSON; without the credentials, should the configuration have put it there.
fn body_without(body: &[u8], secrets: &[Secret]) -> Option<Box<RawValue>> {
    let mut text = String::from_utf8(body.to_vec()).ok()?;
    for secret in secrets.iter().map(Secret::expose).filter(|secret| secret.len() >= 6) {
        text = text.replace(secret, "***");
    }
    RawValue::from_string(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_masked_wherever_they_stand() {
        assert_eq!(mask("Bearer sk-1"), "Bearer ***");
        assert_eq!(mask("sk-1 sk-2"), "***");
        assert_eq!(without_userinfo("https://me:pw@host:8080/v1?x=a@b"), "https://host:8080/v1?x=a@b");
        assert_eq!(without_userinfo("http://host"), "http://host");
        let url = "https://me:pw@host/v1?api-version=1&token=t&alt=sse";
        assert_eq!(shown_url(url), "https://host/v1?api-version=1&token=***&alt=sse");
        assert_eq!(
            body_without(br#"{"a":"secret-key"}"#, &[Secret::new("secret-key")]).unwrap().get(),
            r#"{"a":"***"}"#
        );
    }
}
