//! Anthropic's Messages API: <https://platform.claude.com/docs/en/api/messages>.

pub(super) mod betas;
mod calls;
pub(super) mod content;
mod finish;
pub(super) mod messages;
pub(super) mod names;
pub(super) mod options;
pub(super) mod request;
pub(super) mod response;
pub(super) mod response_format;
mod schema;
pub(super) mod stream;
pub(super) mod thinking;
mod tool_choice;
pub(super) mod tools;
mod usage;

use serde_json::Value;

use super::{Call, ChatStream, Notes, Provider, Target};
use crate::error::{Error, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest};

/// The Messages API as Anthropic itself serves it.
#[derive(Clone, Copy, Debug)]
pub struct Anthropic;

/// The version of the API that the dialect speaks: <https://platform.claude.com/docs/en/api/versioning>.
const VERSION: &str = "2023-06-01";

/// What a token of a signed-in user starts with; it is no API key, and travels as a bearer token.
const OAUTH_TOKEN: &str = "sk-ant-oat";

/// Who serves the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Host {
    /// Anthropic, with its key.
    Anthropic,
    /// A cloud that serves it unchanged, and has a login of its own; whether it fetches addresses.
    Cloud { fetches: bool },
    /// A cloud where the model is in the URL, this is `anthropic_version` in the body, and no address is fetched.
    Predicts(&'static str),
}

/// A request to whoever serves the API at `url`; a cloud's own login is the caller's.
///
/// # Errors
///
/// As [`Provider::chat`]; the address of an image where the host fetches none.
pub(super) fn call(target: &Target<'_>, chat: &ChatRequest, url: String, host: Host) -> Result<Call> {
    let (mut body, mut betas, notes) = request::write(target, chat)?;
    if let Host::Predicts(version) = host {
        body.shift_remove("model");
        body.insert("anthropic_version".to_owned(), version.into());
    }
    let fetches = matches!(host, Host::Anthropic | Host::Cloud { fetches: true });
    if !fetches && body.get("messages").is_some_and(has_address) {
        let message = format!(
            "`messages` have the address of an image or a document, which {} does not fetch: send it as a data: URL",
            target.provider
        );
        return Err(Error::bad_request("messages", message));
    }
    // A map with string keys always serialises.
    let mut http = HttpRequest::post_json(url, serde_json::to_vec(&body).unwrap_or_default());
    let headers = &mut http.headers;
    match target.key.map(crate::secret::Secret::expose).filter(|_| host == Host::Anthropic) {
        Some(token) if token.starts_with(OAUTH_TOKEN) => {
            headers.set("authorization", format!("Bearer {token}"));
            betas.add(betas::OAUTH);
        }
        Some(key) => headers.set("x-api-key", key),
        None => {}
    }
    if !matches!(host, Host::Predicts(_)) {
        headers.set("anthropic-version", VERSION);
    }
    for (name, value) in target.settings.extra_headers.iter() {
        if name == "anthropic-beta" {
            betas.add_list(value);
        } else {
            headers.set(name, value);
        }
    }
    if let Some(list) = betas.header() {
        headers.set("anthropic-beta", list);
    }
    Ok(Call { http, notes })
}

/// Whether a source that is an address stands anywhere in it.
fn has_address(value: &Value) -> bool {
    match value {
        Value::Array(items) => items.iter().any(has_address),
        Value::Object(map) => {
            let is_address = |source: &Value| source.get("type").and_then(Value::as_str) == Some("url");
            map.get("source").is_some_and(is_address) || map.get("content").is_some_and(has_address)
        }
        _ => false,
    }
}

impl Provider for Anthropic {
    /// It fetches `https:` alone (<https://platform.claude.com/docs/en/build-with-claude/vision>).
    fn needs_bytes(&self, _model: &str, url: &str) -> bool {
        !url.starts_with("https://")
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        call(target, chat, target.url("v1", false, "messages")?, Host::Anthropic)
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        response::read(notes, body).map(Answer::from)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Facts, Settings};
    use crate::secret::Secret;

    fn call(key: &str, settings: &Settings) -> Call {
        let key = Secret::new(key);
        let target = Target {
            provider: "anthropic",
            api_base: None,
            default_base: "https://api.anthropic.com/v1",
            model: "claude-sonnet-4-5",
            key: Some(&key),
            token: None,
            settings,
            facts: Facts::default(),
            call_id: "id",
            now: 0,
        };
        let chat = ChatRequest::parse(br#"{"model":"m","messages":[{"role":"user","content":"hi"}]}"#).unwrap();
        Anthropic.chat(&target, &chat).unwrap()
    }

    #[test]
    fn a_signed_in_users_token_is_a_bearer_token() {
        let headers = call("sk-ant-oat01-x", &Settings::default()).http.headers;
        assert_eq!(headers.get("authorization"), Some("Bearer sk-ant-oat01-x"));
        assert_eq!(headers.get("anthropic-beta"), Some("oauth-2025-04-20"));
        assert_eq!(headers.get("x-api-key"), None);
        let headers = call("sk-ant-api03-x", &Settings::default()).http.headers;
        assert_eq!((headers.get("x-api-key"), headers.get("authorization")), (Some("sk-ant-api03-x"), None));
    }

    #[test]
    fn configured_headers_join_the_betas_and_replace_the_rest() {
        let extra_headers = [("anthropic-beta", "b-1, a-1"), ("anthropic-version", "2024-01-01"), ("x-team", "t")];
        let settings = Settings { extra_headers: extra_headers.into_iter().collect(), ..Settings::default() };
        let headers = call("sk-ant-oat01-x", &settings).http.headers;
        assert_eq!(headers.get("anthropic-beta"), Some("a-1,b-1,oauth-2025-04-20"));
        assert_eq!((headers.get("anthropic-version"), headers.get("x-team")), (Some("2024-01-01"), Some("t")));
    }
}
