//! Where a request goes: base URL, model, credential, settings and the model's known facts; and URLs that stay safe.

use crate::error::{Error, Result};
use crate::http::Headers;
use crate::secret::Secret;

/// A resolved deployment, as a dialect sees it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The provider's name in the registry.
    pub provider: &'a str,
    /// `api_base` as the user wrote it.
    pub api_base: Option<&'a str>,
    /// The provider's own base URL; empty where it has none.
    pub default_base: &'a str,
    /// The model as the upstream names it.
    pub model: &'a str,
    /// The credential.
    pub key: Option<&'a Secret>,
    /// What the credential was exchanged for, where [`super::Provider::exchange`] asks for that.
    pub token: Option<&'a Secret>,
    /// How to treat the request.
    pub settings: &'a Settings,
    /// What is known of the model.
    pub facts: Facts,
    /// The id of the answer where the upstream gives none.
    pub call_id: &'a str,
    /// Unix seconds.
    pub now: u64,
}

#[cfg(test)]
impl<'a> Target<'a> {
    /// Model `m` of `provider`, of which nothing else is known.
    pub(super) fn of_test(provider: &'a str, settings: &'a Settings) -> Self {
        Self {
            provider,
            api_base: None,
            default_base: "",
            model: "m",
            key: None,
            token: None,
            settings,
            facts: Facts::default(),
            call_id: "id",
            now: 0,
        }
    }
}

/// How to treat a request, from the configuration and the request itself.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Leave out what a dialect cannot express, instead of refusing it.
    pub drop_params: bool,
    /// Mend what a dialect would refuse: dummy first user message, dummy tool.
    pub modify_params: bool,
    /// Fields that pass although the provider's row drops them.
    pub allowed_openai_params: Vec<String>,
    /// Fields that are always left out.
    pub additional_drop_params: Vec<String>,
    /// `api_version`.
    pub api_version: Option<String>,
    /// `organization`.
    pub organization: Option<String>,
    /// Parameters of one cloud ([`super::credentials`]), by name; each counts as a secret.
    pub params: Vec<(String, Secret)>,
    /// Headers that the configuration adds.
    pub extra_headers: Headers,
    /// Parameters that a provider of `custom_providers` refuses.
    pub refused: Vec<String>,
    /// Parameters that a provider of `custom_providers` calls otherwise: OpenAI's name and its own.
    pub renames: Vec<(String, String)>,
    /// How long the attempt may take, in ms; `None` is not known.
    pub timeout_ms: Option<u64>,
}

/// What is known of a model, from the price data; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Longest answer in tokens.
    pub max_output_tokens: Option<u64>,
    /// Takes a JSON schema for its answer by itself.
    pub native_json_schema: Option<bool>,
    /// Chooses its own thinking budget (Anthropic's `adaptive`).
    pub adaptive_thinking: Option<bool>,
    /// Can think at all.
    pub reasoning: Option<bool>,
    /// Takes `temperature`, `top_p` and `top_k`.
    pub sampling_params: Option<bool>,
    /// Takes a forced choice of tool.
    pub forced_tool_use: Option<bool>,
    /// Takes `system` messages inside of a conversation.
    pub mid_conversation_system: Option<bool>,
    /// Always thinks.
    pub thinking_always_on: Option<bool>,
    /// Takes the effort `minimal`.
    pub minimal_effort: Option<bool>,
    /// Takes the effort `low`.
    pub low_effort: Option<bool>,
    /// Takes the effort `none`.
    pub none_effort: Option<bool>,
    /// Takes the effort `xhigh`.
    pub xhigh_effort: Option<bool>,
    /// Takes the effort `max`.
    pub max_effort: Option<bool>,
    /// Takes system messages.
    pub system_messages: Option<bool>,
}

impl<'a> Target<'a> {
    /// A parameter of the provider's own (`vertex_project`, `aws_region_name`): from the configuration, else from its
    /// variables. Never empty.
    pub fn param(&self, name: &str) -> Option<&'a str> {
        let (_, value) = self.settings.params.iter().find(|(own, _)| own == name)?;
        Some(value.expose()).filter(|value| !value.is_empty())
    }

    /// The URL of `endpoint` (`chat/completions`), however the user wrote `api_base`: the origin alone, with a version
    /// segment (`/v1`, `/v1beta`, `/openai/v1`), with a slash at the end, or with the whole endpoint. A query is kept.
    ///
    /// `version` is the segment that the dialect puts before its endpoints (`v1`, `v1beta`), and `bare` tells where it
    /// goes: with `false` every path but one that ends in a version gets it; with `true` (OpenAI's clients) a path that
    /// the user wrote is taken as it is, and only an origin alone gets the path of the provider's own base.
    ///
    /// # Errors
    ///
    /// No base URL at all, or one that is not `http:` or `https:`.
    pub fn url(&self, version: &str, bare: bool, endpoint: &str) -> Result<String> {
        let base = match self.api_base.map(str::trim).filter(|base| !base.is_empty()) {
            Some(base) => base,
            None if self.default_base.is_empty() => {
                let message =
                    format!("provider `{}` has no address of its own: set `api_base` in litellm_params", self.provider);
                return Err(Error::bad_request("api_base", message));
            }
            None => self.default_base,
        };
        if !(base.starts_with("http://") || base.starts_with("https://")) {
            let message = format!("`api_base` must start with http:// or https://: {base}");
            return Err(Error::bad_request("api_base", message));
        }
        let (base, query) = base.split_once('?').map_or((base, None), |(base, query)| (base, Some(query)));
        let base = base.trim_end_matches('/');
        let mut url = base.to_owned();
        let path = path_of(base);
        let last = path.rsplit('/').next().unwrap_or_default();
        if !path.ends_with(&format!("/{endpoint}")) {
            if path.is_empty() && bare && !self.default_base.is_empty() {
                url.push_str(path_of(self.default_base.trim_end_matches('/')));
            } else if !is_version(last) && (path.is_empty() || !bare) && !version.is_empty() {
                url.push('/');
                url.push_str(version);
            }
            url.push('/');
            url.push_str(endpoint);
        }
        if let Some(query) = query {
            url.push('?');
            url.push_str(query);
        }
        Ok(url)
    }

    /// The model as one segment of a URL's path.
    ///
    /// # Errors
    ///
    /// A name that would leave its segment or change the URL.
    pub fn model_segment(&self) -> Result<&'a str> {
        if is_safe_segment(self.model) {
            return Ok(self.model);
        }
        let message = "`model` must consist of letters, digits and - _ . : @ for this provider";
        Err(Error::bad_request("model", message))
    }
}

/// The path of a URL without a slash at its end; empty for an origin alone.
fn path_of(url: &str) -> &str {
    let after_scheme = url.split_once("://").map_or(url, |(_, rest)| rest);
    after_scheme.find('/').and_then(|at| after_scheme.get(at..)).unwrap_or_default().trim_end_matches('/')
}

/// Whether a path segment is a version: `v1`, `v1beta`, `v3`.
fn is_version(segment: &str) -> bool {
    let mut characters = segment.chars();
    characters.next() == Some('v')
        && characters.next().is_some_and(|c| c.is_ascii_digit())
        && characters.all(|c| c.is_ascii_alphanumeric())
}

/// Whether client-chosen text may stand as one segment of an upstream path.
pub fn is_safe_segment(text: &str) -> bool {
    let dots_only = text.chars().all(|c| c == '.');
    !text.is_empty()
        && !dots_only
        && text.len() <= 256
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(base: Option<&str>, default_base: &str, version: &str, bare: bool, endpoint: &str) -> Result<String> {
        let settings = Settings::default();
        let target = Target {
            provider: "p",
            api_base: base,
            default_base,
            model: "m",
            key: None,
            token: None,
            settings: &settings,
            facts: Facts::default(),
            call_id: "id",
            now: 0,
        };
        target.url(version, bare, endpoint)
    }

    #[test]
    fn an_openai_base_is_understood_as_users_write_it() {
        let chat = "chat/completions";
        for (base, want) in [
            (None, "https://api.groq.com/openai/v1/chat/completions"),
            (Some("http://h:1"), "http://h:1/openai/v1/chat/completions"),
            (Some("http://h:1/"), "http://h:1/openai/v1/chat/completions"),
            (Some("http://h:1/v1"), "http://h:1/v1/chat/completions"),
            (Some("http://h:1/v1/"), "http://h:1/v1/chat/completions"),
            (Some("http://h:1/openai/v1"), "http://h:1/openai/v1/chat/completions"),
            (Some("http://h:1/compatible-mode"), "http://h:1/compatible-mode/chat/completions"),
            (Some("http://h:1/v1/chat/completions"), "http://h:1/v1/chat/completions"),
            (Some("http://h:1/v1?key=a"), "http://h:1/v1/chat/completions?key=a"),
        ] {
            assert_eq!(url(base, "https://api.groq.com/openai/v1", "v1", true, chat).unwrap(), want, "{base:?}");
        }
        assert_eq!(url(Some("http://h"), "", "v1", true, chat).unwrap(), "http://h/v1/chat/completions");
        assert_eq!(
            url(None, "https://api.perplexity.ai", "v1", true, chat).unwrap(),
            "https://api.perplexity.ai/chat/completions"
        );
        assert!(url(None, "", "v1", true, chat).is_err());
        assert!(url(Some("ftp://h"), "", "v1", true, chat).is_err());
    }

    #[test]
    fn a_versioned_dialect_puts_its_version_in() {
        for (base, want) in [
            (None, "https://api.anthropic.com/v1/messages"),
            (Some("http://h/"), "http://h/v1/messages"),
            (Some("http://h/v1"), "http://h/v1/messages"),
            (Some("http://h/proxy/anthropic"), "http://h/proxy/anthropic/v1/messages"),
            (Some("http://h/v1/messages"), "http://h/v1/messages"),
        ] {
            assert_eq!(url(base, "https://api.anthropic.com/v1", "v1", false, "messages").unwrap(), want, "{base:?}");
        }
        let gemini = url(Some("http://h/v1alpha"), "x", "v1beta", false, "models/g:generateContent").unwrap();
        assert_eq!(gemini, "http://h/v1alpha/models/g:generateContent");
    }

    #[test]
    fn hostile_models_stay_out_of_paths() {
        for good in ["gemini-2.5-flash", "claude-3@20240229", "us.anthropic.claude-v1:0"] {
            assert!(is_safe_segment(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "../x", "a?b", "a#b", "a%2fb", "a b", "a\\b", "a\nb", "é"] {
            assert!(!is_safe_segment(bad), "{bad}");
        }
    }
}
