//! `GET /utils/supported_openai_params`: which of OpenAI's parameters the dialect of a model takes.

use std::rc::Rc;

use super::required_query;
use crate::config::Match;
use crate::error::{Kind, Result};
use crate::gateway::attempt::{self, Request, Resolved};
use crate::gateway::tariff::Tariff;
use crate::gateway::{Gateway, models};
use crate::http::HttpRequest;
use crate::openai::{ChatRequest, Fields};
use crate::provider::{Facts, Settings, credentials};
use crate::secret::Secret;

/// OpenAI's parameters, each with a value that is right wherever it is taken, and fields that it needs beside it.
#[rustfmt::skip]
const SAMPLES: &[(&str, &str)] = &[
    ("frequency_penalty", "0.5"), ("logit_bias", r#"{"50256":-100}"#), ("logprobs", "true"), ("top_logprobs", "2"),
    ("max_tokens", "2048"), ("max_completion_tokens", "2048"), ("modalities", r#"["text"]"#),
    ("prediction", r#"{"type":"content","content":"x"}"#), ("n", "1"), ("presence_penalty", "0.5"), ("seed", "1"),
    ("stop", r#"["x"]"#), ("stream", "true"), ("stream_options", r#"{"include_usage":true}"#), ("temperature", "0.5"),
    ("top_p", "0.5"), ("tools", TOOLS), ("tool_choice", r#""auto""#), ("functions", r#"[{"name":"f"}]"#),
    ("function_call", r#""auto""#), ("response_format", r#"{"type":"json_object"}"#), ("user", r#""u""#),
    ("parallel_tool_calls", "true"), ("reasoning_effort", r#""low""#), ("thinking", r#"{"type":"enabled","budget_tokens":1024}"#),
    ("web_search_options", "{}"), ("service_tier", r#""auto""#), ("store", "false"), ("verbosity", r#""low""#),
    ("prompt_cache_key", r#""k""#), ("prompt_cache_retention", r#""24h""#), ("safety_identifier", r#""u""#),
    ("audio", r#"{"voice":"alloy","format":"wav"}"#),
];

const TOOLS: &str = r#"[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{}}}}]"#;

/// Answers `{"supported_openai_params": […]}`.
///
/// # Errors
///
/// A model that is missing or that nobody serves.
pub(super) fn answer(gateway: &Gateway, http: &HttpRequest) -> Result<Fields> {
    let model = required_query(http, "model", "?model=… names a model of the configuration, or provider/model")?;
    let matches = gateway.config.deployments_for(&model);
    let found = matches.first().ok_or_else(|| models::unknown(&gateway.config, &model))?;
    let mut out = Fields::default();
    out.set("supported_openai_params", &supported(gateway, found));
    Ok(out)
}

/// Asks the dialect itself, one parameter at a time: so nothing is listed that a call would be refused for.
pub(super) fn supported(gateway: &Gateway, found: &Match) -> Vec<&'static str> {
    let is_taken = |name: &str, value: &str| {
        let mut fields = Fields::default();
        fields.set("model", &found.model);
        fields.set("messages", &serde_json::json!([{"role": "user", "content": "hi"}]));
        let mut set = |name: &str, value: &str| {
            let raw = serde_json::value::RawValue::from_string(value.to_owned());
            raw.map(|raw| fields.set_raw(name, raw)).is_ok()
        };
        let beside = match name {
            "tool_choice" | "parallel_tool_calls" => set("tools", TOOLS),
            "function_call" => set("functions", r#"[{"name":"f"}]"#),
            "top_logprobs" => set("logprobs", "true"),
            "stream_options" => set("stream", "true"),
            _ => true,
        };
        let Ok(chat) = ChatRequest::from_fields({
            let _ = set(name, value) && beside;
            fields
        }) else {
            return false;
        };
        let request = Request::Chat(chat);
        match attempt::write(&probed(gateway, found, &request), &request, "", 0) {
            Ok(call) => !call.notes.dropped.iter().any(|dropped| dropped == name),
            // A value that this model refuses is still a parameter that its dialect takes.
            Err(error) => error.kind() != Kind::UnsupportedParams,
        }
    };
    SAMPLES.iter().filter(|(name, value)| is_taken(name, value)).map(|(name, _)| *name).collect()
}

/// The deployment with whatever a dialect may miss: nothing is sent.
pub(in crate::gateway) fn probed(gateway: &Gateway, found: &Match, request: &Request) -> Resolved {
    let tariff = Tariff::new(&gateway.prices, found, request, None, 0);
    let params = credentials::of(found.provider.name()).iter();
    let params = params.map(|(name, _)| ((*name).to_owned(), Secret::new("none"))).collect();
    let mut settings = Settings { params, drop_params: false, ..found.deployment.settings.clone() };
    found.provider.complete(&mut settings);
    Resolved {
        provider: found.provider.clone(),
        model: found.model.clone(),
        api_base: found.provider.base().is_empty().then(|| "https://localhost/v1".to_owned()),
        key: Some(Secret::new("none")),
        token: None,
        secrets: Vec::new(),
        settings: Rc::new(settings),
        facts: Facts { ..tariff.facts() },
        mock_response: None,
        mock_tool_calls: None,
        mock_delay_ms: 0,
        timeout_ms: 0,
        hurried: false,
    }
}
