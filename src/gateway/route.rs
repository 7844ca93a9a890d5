//! Method and path to what is asked for.

use super::admin::{ACTIONS, Action};
use super::money::Question;
use crate::error::{Error, Kind, Result};
use crate::http::percent_decode;

/// What a request asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `GET /`
    Home,
    /// `GET /health`
    Health,
    /// `GET /health/liveliness`
    Liveliness,
    /// `GET /health/readiness`
    Readiness,
    /// `GET /v1/models`
    Models,
    /// `GET /v1/models/{id}`
    Model(String),
    /// `POST /v1/chat/completions`; the model where the path names it.
    Chat(Option<String>),
    /// `POST /v1/embeddings`; the model where the path names it.
    Embeddings(Option<String>),
    /// `POST /utils/route`
    Explain,
    /// `POST /v1/rerank`
    Rerank,
    /// Management and spend; what the path names.
    Admin(Action, String),
    /// A question about money: quotes, tokens, models with their prices.
    Money(Question),
}

impl Route {
    /// Whether it needs no key.
    pub fn is_public(&self) -> bool {
        match self {
            Self::Home | Self::Liveliness | Self::Readiness => true,
            Self::Money(question) => question.is_public(),
            _ => false,
        }
    }
}

/// Method, pattern, and the route that it leads to: `*` stands for the rest of the path, which must not be empty.
type Entry = (&'static str, &'static str, fn(String) -> Route);

const ROUTES: &[Entry] = &[
    ("GET", "/", |_| Route::Home),
    ("GET", "/health", |_| Route::Health),
    ("GET", "/health/liveliness", |_| Route::Liveliness),
    ("GET", "/health/liveness", |_| Route::Liveliness),
    ("GET", "/health/readiness", |_| Route::Readiness),
    ("GET", "/v1/models", |_| Route::Models),
    ("GET", "/models", |_| Route::Models),
    ("GET", "/v1/models/*", Route::Model),
    ("GET", "/models/*", Route::Model),
    ("POST", "/v1/chat/completions", |_| Route::Chat(None)),
    ("POST", "/chat/completions", |_| Route::Chat(None)),
    ("POST", "/openai/deployments/*/chat/completions", |model| Route::Chat(Some(model))),
    ("POST", "/engines/*/chat/completions", |model| Route::Chat(Some(model))),
    ("POST", "/v1/embeddings", |_| Route::Embeddings(None)),
    ("POST", "/embeddings", |_| Route::Embeddings(None)),
    ("POST", "/openai/deployments/*/embeddings", |model| Route::Embeddings(Some(model))),
    ("POST", "/engines/*/embeddings", |model| Route::Embeddings(Some(model))),
    ("POST", "/rerank", |_| Route::Rerank),
    ("POST", "/v1/rerank", |_| Route::Rerank),
    ("POST", "/v2/rerank", |_| Route::Rerank),
    ("POST", "/cost/estimate", |_| Route::Money(Question::Estimate)),
    ("POST", "/spend/calculate", |_| Route::Money(Question::Calculate)),
    ("POST", "/utils/token_counter", |_| Route::Money(Question::TokenCounter)),
    ("POST", "/utils/transform_request", |_| Route::Money(Question::TransformRequest)),
    ("POST", "/utils/route", |_| Route::Explain),
    ("GET", "/router/settings", |_| Route::Money(Question::RouterSettings)),
    ("GET", "/utils/supported_openai_params", |_| Route::Money(Question::SupportedParams)),
    ("GET", "/model/info", |_| Route::Money(Question::ModelInfo)),
    ("GET", "/v1/model/info", |_| Route::Money(Question::ModelInfo)),
    ("GET", "/v2/model/info", |_| Route::Money(Question::ModelInfoPaged)),
    ("GET", "/model_group/info", |_| Route::Money(Question::ModelGroupInfo)),
    ("GET", "/public/litellm_model_cost_map", |_| Route::Money(Question::CostMap)),
];

/// Finds the route.
///
/// # Errors
///
/// [`Kind::NotFound`] for an unknown path; [`Kind::MethodNotAllowed`] with `allow` for another method.
pub(super) fn find(method: &str, path: &str) -> Result<Route> {
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path };
    // HEAD is GET without a body, which the shell leaves out.
    let method = if method == "HEAD" { "GET" } else { method };
    let mut allow: Vec<&str> = Vec::new();
    for (allowed, pattern, route) in ROUTES {
        let Some(rest) = capture(pattern, path) else { continue };
        if *allowed == method {
            return Ok(route(percent_decode(rest)));
        }
        allow.push(allowed);
    }
    for (allowed, pattern, action) in ACTIONS {
        let Some(part) = capture(pattern, path) else { continue };
        if *allowed == method {
            return Ok(Route::Admin(*action, percent_decode(part)));
        }
        allow.push(allowed);
    }
    if allow.is_empty() {
        let message = format!("unknown route: {method} {path}; chat completions are at POST /v1/chat/completions");
        return Err(Error::new(Kind::NotFound, message).with_code("unknown_url"));
    }
    allow.dedup();
    let allow = allow.join(", ");
    let message = format!("method {method} is not allowed for {path}: use {allow}");
    Err(Error::new(Kind::MethodNotAllowed, message).with_header("allow", allow))
}

/// What the `*` of a pattern stands for in `path`; empty where the pattern has none; `None` where it does not fit.
fn capture<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    match pattern.split_once('*') {
        None => (pattern == path).then_some(""),
        Some((before, after)) => path.strip_prefix(before)?.strip_suffix(after).filter(|rest| !rest.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_found_with_their_model() {
        assert_eq!(find("POST", "/v1/chat/completions").unwrap(), Route::Chat(None));
        assert_eq!(find("POST", "/chat/completions/").unwrap(), Route::Chat(None));
        let azure = find("POST", "/openai/deployments/gpt-4o/chat/completions").unwrap();
        assert_eq!(azure, Route::Chat(Some("gpt-4o".to_owned())));
        assert_eq!(find("GET", "/v1/models/openai%2Fgpt-4o").unwrap(), Route::Model("openai/gpt-4o".to_owned()));
        assert_eq!(find("GET", "/v1/models/openai/gpt-4o").unwrap(), Route::Model("openai/gpt-4o".to_owned()));
        assert_eq!(find("HEAD", "/").unwrap(), Route::Home);
    }

    #[test]
    fn unknown_paths_and_methods_are_told_apart() {
        assert_eq!(find("GET", "/v2/x").unwrap_err().status(), 404);
        let error = find("GET", "/v1/chat/completions").unwrap_err();
        assert_eq!((error.status(), error.headers().get("allow")), (405, Some("POST")));
    }
}
