//! Writes a request: the client's own fields in their order, and only what a provider refuses changed.

use std::borrow::Cow;

use serde_json::value::RawValue;

use super::super::params::unsupported;
use super::super::{Call, Notes, Target};
use super::{OpenAi, effort, messages};
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::openai::{ChatRequest, EmbeddingRequest, Fields};

pub(super) fn chat(dialect: &OpenAi, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
    let mut notes = Notes::new(target);
    let mut fields = chat.fields().clone();
    drop_refused(dialect, target, &mut fields, &mut notes)?;
    effort::apply(dialect, target, &mut fields, &mut notes)?;
    effort::trim_switch(dialect, &mut fields);
    if dialect.openai_models {
        effort::reasoning_model(target, &mut fields, &mut notes)?;
    }
    // Both at once: the newer one is what the gateway counted on when it reserved money for the answer.
    if fields.raw("max_completion_tokens").is_some() {
        fields.remove("max_tokens");
    }
    for (from, to) in dialect.renames {
        fields.rename(from, to);
    }
    for (from, to) in &target.settings.renames {
        fields.rename(from, to);
    }
    // OpenAI refuses `metadata` unless the answer is stored, and LiteLLM's clients send it to the gateway.
    if fields.raw("store").map(RawValue::get) != Some("true") {
        fields.remove("metadata");
    }
    limit_temperature(dialect, &mut fields)?;
    messages::adapt(dialect, target.facts, &mut fields)?;
    fields.lay_extra_body()?;
    let understood = dialect.stream_options && dialect.address.takes_stream_options(target);
    ask_for_usage(understood, chat, &mut fields)?;
    fields.set("model", &*model_of(dialect, target));
    Ok(Call { http: http(dialect, target, "chat/completions", &fields)?, notes })
}

pub(super) fn embeddings(dialect: &OpenAi, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
    let mut notes = Notes::new(target);
    let mut fields = request.fields().clone();
    drop_refused(dialect, target, &mut fields, &mut notes)?;
    let format: Option<String> = fields.get("encoding_format").ok().flatten();
    if dialect.embedding.unsaid_float && format.as_deref() == Some("float") {
        fields.remove("encoding_format");
    }
    for (from, to) in dialect.embedding.renames {
        fields.rename(from, to);
    }
    if dialect.embedding.only_float {
        notes.base64_embeddings = request.wants_base64()?;
        fields.set("encoding_format", "float");
    }
    fields.lay_extra_body()?;
    fields.set("model", target.model);
    Ok(Call { http: http(dialect, target, "embeddings", &fields)?, notes })
}

/// The model as the upstream names it: the router of Hugging Face has the provider behind a colon
/// (<https://huggingface.co/docs/inference-providers/index>), where LiteLLM's users write it in front.
fn model_of<'a>(dialect: &OpenAi, target: &Target<'a>) -> Cow<'a, str> {
    let is_router = dialect.hub_models && target.api_base.is_none_or(|base| base.contains("://router.huggingface.co"));
    match target.model.split_once('/') {
        Some((provider, model)) if is_router && model.contains('/') => format!("{model}:{provider}").into(),
        _ => target.model.into(),
    }
}

fn http(dialect: &OpenAi, target: &Target<'_>, endpoint: &str, fields: &Fields) -> Result<HttpRequest> {
    http_to(dialect, target, dialect.address.url(target, endpoint)?, fields.to_bytes())
}

/// A request with the provider's key and the headers of the configuration.
pub(super) fn http_to(dialect: &OpenAi, target: &Target<'_>, url: String, body: Vec<u8>) -> Result<HttpRequest> {
    let mut http = HttpRequest::post_json(url, body);
    let bearer = dialect.login.bearer(target);
    if let Some(token) = bearer {
        http.headers.push("authorization", format!("Bearer {token}"));
    }
    match target.key.filter(|key| !key.is_empty()) {
        _ if bearer.is_some() => {}
        Some(key) if dialect.key_header == "authorization" || dialect.address.is_serverless(target) => {
            http.headers.push("authorization", format!("Bearer {}", key.expose()));
        }
        Some(key) => http.headers.push(dialect.key_header, key.expose()),
        // A server of the user's own may be open.
        None if dialect.keyless || target.api_base.is_some() => {}
        None => {
            let message = "no API key: set `api_key` in litellm_params, or the provider's key variable";
            return Err(Error::upstream(Kind::Authentication, target.provider, 401, message));
        }
    }
    if let Some(organization) = &target.settings.organization {
        http.headers.push("openai-organization", organization);
    }
    for (name, value) in target.settings.extra_headers.iter() {
        http.headers.set(name, value);
    }
    Ok(http)
}

/// Takes out what the configuration leaves out, and what the provider refuses where that is allowed.
fn drop_refused(dialect: &OpenAi, target: &Target<'_>, fields: &mut Fields, notes: &mut Notes) -> Result<()> {
    let settings = target.settings;
    for name in &settings.additional_drop_params {
        if fields.contains(name) {
            fields.remove(name);
            notes.dropped.push(name.clone());
        }
    }
    let mut refused = Vec::new();
    let thinkers = if target.facts.reasoning == Some(true) { dialect.thinkers_drop } else { &[] };
    let refusable = dialect.drops.iter().chain(thinkers).copied().chain(settings.refused.iter().map(String::as_str));
    for name in refusable {
        if !fields.contains(name) || settings.allowed_openai_params.iter().any(|allowed| allowed == name) {
            continue;
        }
        if let Some(value) = fields.raw(name) {
            // As in LiteLLM: these say nothing that an answer would show.
            let idle = name == "user" || (name == "n" && value.get() == "1");
            let list = if settings.drop_params || idle { &mut notes.dropped } else { &mut refused };
            list.push(name.to_owned());
        }
        fields.remove(name);
    }
    match refused.first() {
        Some(first) => Err(unsupported(target.provider, &refused, first)),
        None => Ok(()),
    }
}

fn limit_temperature(dialect: &OpenAi, fields: &mut Fields) -> Result<()> {
    let Some(highest) = dialect.temperature_max else { return Ok(()) };
    if fields.get::<f64>("temperature")?.is_some_and(|temperature| temperature > highest) {
        fields.set("temperature", &highest);
    }
    Ok(())
}

/// Asks for usage in every stream: who is not told it cannot charge for it.
fn ask_for_usage(understood: bool, chat: &ChatRequest, fields: &mut Fields) -> Result<()> {
    if !chat.stream() || !understood {
        // OpenAI refuses `stream_options` without `stream`.
        fields.remove("stream_options");
    } else if !chat.include_usage() {
        let mut options: Fields = fields.get("stream_options")?.unwrap_or_default();
        options.set("include_usage", &true);
        if let Ok(raw) = RawValue::from_string(String::from_utf8(options.to_bytes()).unwrap_or_default()) {
            fields.set_raw("stream_options", raw);
        }
    }
    Ok(())
}
