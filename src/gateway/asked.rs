//! What a client asks of the gateway itself, taken out of the request before any dialect sees it.

use std::cell::RefCell;

use serde_json::Value;

use super::mocks::Mocks;
use crate::error::{Error, Result};
use crate::http::Headers;
use crate::keys::Routing;
use crate::openai::Fields;
use crate::router::{Hop, Strategy};

/// Fields of a body that are the gateway's, and never the upstream's.
const GATEWAY_FIELDS: &[&str] = &[
    "additional_drop_params",
    "allowed_model_region",
    "allowed_openai_params",
    "cache",
    "context_window_fallback_dict",
    "custom_llm_provider",
    "disable_fallbacks",
    "drop_params",
    "fallbacks",
    "guardrails",
    "include_fallback_errors",
    "litellm_call_id",
    "litellm_metadata",
    "litellm_session_id",
    "litellm_trace_id",
    "max_retries",
    "mock_response",
    "mock_tool_calls",
    "modify_params",
    "no-log",
    "num_retries",
    "routing_strategy",
    "stream_timeout",
    "tags",
    "timeout",
];

/// Fields that would let a client choose where the gateway's credentials go.
const REFUSED_FIELDS: &[&str] = &["api_base", "api_key", "api_version", "base_url", "extra_headers", "headers"];

/// What a client asks of the gateway.
#[derive(Clone, Debug, Default)]
pub(super) struct Asked {
    /// `fallbacks`.
    pub(super) fallbacks: Option<Vec<Hop>>,
    /// `disable_fallbacks`.
    pub(super) disable_fallbacks: bool,
    /// `include_fallback_errors`.
    pub(super) include_fallback_errors: bool,
    /// `routing_strategy`.
    pub(super) strategy: Option<Strategy>,
    /// `service_tier`, which stays in the request.
    pub(super) service_tier: Option<String>,
    /// `num_retries`.
    pub(super) num_retries: Option<u32>,
    /// `timeout` in ms.
    pub(super) timeout_ms: Option<u64>,
    /// `stream_timeout` in ms.
    pub(super) stream_timeout_ms: Option<u64>,
    /// `drop_params`.
    pub(super) drop_params: Option<bool>,
    /// `modify_params`.
    pub(super) modify_params: Option<bool>,
    /// `additional_drop_params`.
    pub(super) additional_drop_params: Vec<String>,
    /// `allowed_openai_params`.
    pub(super) allowed_openai_params: Vec<String>,
    /// `mock_response`.
    pub(super) mock_response: Option<Value>,
    /// `mock_tool_calls`.
    pub(super) mock_tool_calls: Option<Value>,
    /// Tags for the spend log and for tags' budgets: `tags`, `metadata.tags`, `x-litellm-tags`.
    pub(super) tags: Vec<String>,
    /// The customer: `x-litellm-customer-id`, `x-litellm-end-user-id`, else `user`.
    pub(super) customer: Option<String>,
    /// `litellm_session_id`, `metadata.session_id`, `x-litellm-session-id`.
    pub(super) session_id: Option<String>,
    /// `metadata`, as JSON text, for the spend log.
    pub(super) metadata: String,
    /// `allowed_model_region`.
    pub(super) region: Option<String>,
    /// `User-Agent`.
    pub(super) user_agent: String,
    /// Failures and delays that the client asks for.
    pub(super) mocks: Mocks,
    /// What the key, else its team, says where the request is silent: known when their records are.
    pub(super) routing: RefCell<Routing>,
}

impl Asked {
    /// Takes the gateway's fields out of a body, and reads them and their headers.
    ///
    /// # Errors
    ///
    /// A field of another type, or one that a client may not set.
    pub(super) fn take(fields: &mut Fields, headers: &Headers) -> Result<Self> {
        for name in REFUSED_FIELDS {
            if fields.raw(name).is_some() {
                let message = format!("`{name}` may not be set by a client: set it in the gateway's configuration");
                return Err(Error::bad_request(name, message));
            }
        }
        let retries = |name: &str| fields.get::<u32>(name);
        let asked = Self {
            fallbacks: fields.get::<Vec<Value>>("fallbacks")?.map(hops).transpose()?,
            disable_fallbacks: fields.get("disable_fallbacks")?.unwrap_or(false),
            include_fallback_errors: fields.get("include_fallback_errors")?.unwrap_or(false),
            strategy: fields.get::<String>("routing_strategy")?.map(|name| strategy(&name)).transpose()?,
            service_tier: fields.get("service_tier").ok().flatten(),
            num_retries: match retries("num_retries")?.or(retries("max_retries")?) {
                None => headers.get("x-litellm-num-retries").and_then(|text| text.parse().ok()),
                some => some,
            },
            timeout_ms: seconds(fields, headers, "timeout", "x-litellm-timeout")?,
            stream_timeout_ms: seconds(fields, headers, "stream_timeout", "x-litellm-stream-timeout")?,
            drop_params: fields.get("drop_params")?,
            modify_params: fields.get("modify_params")?,
            additional_drop_params: fields.get("additional_drop_params")?.unwrap_or_default(),
            allowed_openai_params: fields.get("allowed_openai_params")?.unwrap_or_default(),
            mock_response: fields.get("mock_response")?,
            mock_tool_calls: fields.get("mock_tool_calls")?,
            tags: tags(fields, headers)?,
            customer: customer(fields, headers)?,
            session_id: match fields.get::<String>("litellm_session_id")?.filter(|id| !id.is_empty()) {
                None => session(fields, headers),
                some => some,
            },
            metadata: metadata(fields),
            region: fields.get("allowed_model_region")?,
            user_agent: headers.get("user-agent").unwrap_or_default().to_owned(),
            mocks: Mocks::take(fields)?,
            routing: RefCell::default(),
        };
        for name in GATEWAY_FIELDS {
            fields.remove(name);
        }
        Ok(asked)
    }

    /// How long an attempt may take, in ms: the request's word, else its key's.
    pub(super) fn timeout_ms(&self) -> Option<u64> {
        self.timeout_ms.or_else(|| self.routing.borrow().timeout_ms())
    }
}

fn strategy(name: &str) -> Result<Strategy> {
    Strategy::named(name).ok_or_else(|| {
        let known: Vec<&str> = Strategy::names().collect();
        let message = format!("unknown routing_strategy `{name}`: it is one of {}", known.join(", "));
        Error::bad_request("routing_strategy", message)
    })
}

/// The tags of a request, each once.
fn tags(fields: &Fields, headers: &Headers) -> Result<Vec<String>> {
    let mut tags: Vec<String> = fields.get("tags")?.unwrap_or_default();
    for name in ["metadata", "litellm_metadata"] {
        let listed = fields.get::<Value>(name)?.and_then(|metadata| metadata.get("tags").cloned());
        let listed = listed.as_ref().and_then(Value::as_array).into_iter().flatten();
        tags.extend(listed.filter_map(Value::as_str).map(str::to_owned));
    }
    let header = headers.get("x-litellm-tags").unwrap_or_default();
    tags.extend(header.split(',').map(str::trim).filter(|tag| !tag.is_empty()).map(str::to_owned));
    let mut seen = Vec::new();
    tags.retain(|tag| {
        !seen.contains(tag) && {
            seen.push(tag.clone());
            true
        }
    });
    Ok(tags)
}

fn customer(fields: &Fields, headers: &Headers) -> Result<Option<String>> {
    let header = ["x-litellm-customer-id", "x-litellm-end-user-id"].iter().find_map(|name| headers.get(name));
    let customer = match header {
        Some(customer) => Some(customer.to_owned()),
        None => fields.get::<String>("user")?,
    };
    Ok(customer.filter(|customer| !customer.is_empty()))
}

/// The session that a request is of: `metadata.session_id`, else `x-litellm-session-id`, else another header of that form
/// (`x-claude-code-session-id`) with LiteLLM's rules for its value.
fn session(fields: &Fields, headers: &Headers) -> Option<String> {
    let told = |name: &&str| fields.get::<Fields>(name).ok()??.get::<String>("session_id").ok().flatten();
    let told = ["litellm_metadata", "metadata"].iter().find_map(told).filter(|id| !id.is_empty());
    let plain = |id: &str| id.len() >= 8 && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let named = |name: &str| name.starts_with("x-") && name.ends_with("-session-id");
    let header = || headers.get("x-litellm-session-id");
    let other = || headers.iter().find(|(name, id)| named(name) && plain(id)).map(|(_, id)| id);
    told.or_else(|| header().or_else(other).map(str::to_owned))
}

/// Longest `metadata`, in bytes, that goes into the spend log.
const LONGEST_METADATA: usize = 8_192;

fn metadata(fields: &Fields) -> String {
    let raw = fields.raw("metadata").or_else(|| fields.raw("litellm_metadata"));
    raw.map(serde_json::value::RawValue::get)
        .filter(|text| text.len() <= LONGEST_METADATA)
        .unwrap_or_default()
        .to_owned()
}

/// A time-out in seconds from the body, else from a header, in ms.
fn seconds(fields: &Fields, headers: &Headers, field: &str, header: &str) -> Result<Option<u64>> {
    let body = fields.get::<f64>(field)?;
    let Some(seconds) = body.or_else(|| headers.get(header).and_then(crate::json::number)) else {
        return Ok(None);
    };
    if seconds.is_finite() && seconds > 0.0 && seconds <= 86_400.0 {
        return Ok(Some((seconds * 1000.0) as u64));
    }
    Err(Error::bad_request(field, format!("`{field}` must be more than 0 and at most 86400 seconds")))
}

/// A client's own fallbacks: names of models, or objects with a `model` and fields that change.
fn hops(list: Vec<Value>) -> Result<Vec<Hop>> {
    list.into_iter().enumerate().map(|(index, item)| hop(index, item)).collect()
}

fn hop(index: usize, item: Value) -> Result<Hop> {
    let mut object = match item {
        Value::String(model) => return Ok(Hop::to(&model)),
        Value::Object(object) => object,
        _ => {
            let param = format!("fallbacks[{index}]");
            let message = format!("`{param}` must be the name of a model, or an object with `model`");
            return Err(Error::bad_request(&param, message));
        }
    };
    let Some(Value::String(model)) = object.remove("model") else {
        let param = format!("fallbacks[{index}].model");
        return Err(Error::bad_request(&param, format!("`{param}` is missing: name a model")));
    };
    let mut overrides = Fields::default();
    for (name, value) in &object {
        overrides.set(name, value);
    }
    Ok(Hop { model, overrides })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(body: &str) -> Result<(Asked, String)> {
        let mut fields = Fields::parse(body.as_bytes()).unwrap();
        let asked = Asked::take(&mut fields, &Headers::new())?;
        Ok((asked, String::from_utf8(fields.to_bytes()).unwrap()))
    }

    #[test]
    fn the_gateways_fields_stay_here() {
        let body =
            r#"{"model":"m","fallbacks":["a",{"model":"b","temperature":0}],"num_retries":3,"timeout":1.5,"user":"u"}"#;
        let (asked, rest) = take(body).unwrap();
        assert_eq!(rest, r#"{"model":"m","user":"u"}"#);
        assert_eq!((asked.num_retries, asked.timeout_ms), (Some(3), Some(1500)));
        let hops = asked.fallbacks.unwrap();
        assert_eq!(hops[1].model, "b");
        assert_eq!(hops[1].overrides.raw("temperature").unwrap().get(), "0");
    }

    #[test]
    fn headers_count_where_the_body_is_silent() {
        let mut fields = Fields::parse(br#"{"timeout":2}"#).unwrap();
        let headers = [("x-litellm-timeout", "9"), ("x-litellm-num-retries", "4")].into_iter().collect();
        let asked = Asked::take(&mut fields, &headers).unwrap();
        assert_eq!((asked.num_retries, asked.timeout_ms), (Some(4), Some(2000)));
    }

    #[test]
    fn what_a_client_may_not_set_is_refused() {
        for (body, param) in [
            (r#"{"api_base":"http://attacker"}"#, "api_base"),
            (r#"{"timeout":-1}"#, "timeout"),
            (r#"{"num_retries":"many"}"#, "num_retries"),
            (r#"{"fallbacks":[{"temperature":1}]}"#, "fallbacks[0].model"),
            (r#"{"fallbacks":[7]}"#, "fallbacks[0]"),
        ] {
            assert_eq!(take(body).unwrap_err().param(), Some(param), "{body}");
        }
    }
}
