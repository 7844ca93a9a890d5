//! `GET /model/info`, `/v2/model/info` and `/model_group/info`: deployments and groups with what is known of their models.

use std::rc::Rc;

use super::cost_map::describe;
use super::transform_request::without_userinfo;
use super::{supported_params, tariff};
use crate::config::{Deployment, Match};
use crate::error::{Error, Result};
use crate::gateway::host::Host;
use crate::gateway::sight::Sight;
use crate::gateway::{Gateway, resolve};
use crate::http::HttpRequest;
use crate::openai::Fields;

/// The most deployments of a page.
const LONGEST_PAGE: usize = 500;
/// The deployments of a page where the client says nothing: `LiteLLM`'s.
const PAGE: usize = 50;

/// What a model group can do, told of each.
const GROUP_CAPABILITIES: &[&str] = &[
    "supports_parallel_function_calling",
    "supports_vision",
    "supports_web_search",
    "supports_url_context",
    "supports_reasoning",
    "supports_function_calling",
];

/// `GET /model/info`: all deployments, or the one of `?litellm_model_id=`.
///
/// # Errors
///
/// An id that no deployment has.
pub(super) fn list<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, http: &HttpRequest) -> Result<Fields> {
    let wanted = http.query("litellm_model_id").filter(|id| !id.is_empty());
    let deployments = gateway.config.deployments.iter().filter(|seen| sight.sees(gateway, &seen.model_name));
    let chosen = deployments.filter(|deployment| wanted.as_ref().is_none_or(|id| *id == deployment.id));
    let data: Vec<Fields> = chosen.map(|deployment| info(gateway, host, sight, deployment)).collect();
    if let Some(id) = wanted
        && data.is_empty()
    {
        let message = format!("no deployment has the id `{id}`: `x-litellm-model-id` of an answer names one");
        return Err(Error::bad_request("litellm_model_id", message));
    }
    let mut out = Fields::default();
    out.set("data", &data);
    Ok(out)
}

/// `GET /v2/model/info`: a page of the deployments, filtered by `model`, `modelId` and `search`.
///
/// # Errors
///
/// A page or a size that is no number from 1 on.
pub(super) fn paged<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, http: &HttpRequest) -> Result<Fields> {
    let number = |name: &str, default: usize| match http.query(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|number| *number > 0)
            .ok_or_else(|| Error::bad_request(name, format!("`{name}` must be a number from 1 on"))),
    };
    let (page, size) = (number("page", 1)?, number("size", PAGE)?.min(LONGEST_PAGE));
    let filter = |name: &str| http.query(name).filter(|text| !text.is_empty());
    let (model, id, search) = (filter("model"), filter("modelId"), filter("search").map(|text| text.to_lowercase()));
    let is_wanted = |deployment: &&Rc<Deployment>| {
        model.as_ref().is_none_or(|model| *model == deployment.model_name)
            && id.as_ref().is_none_or(|id| *id == deployment.id)
            && sight.sees(gateway, &deployment.model_name)
            && search.as_ref().is_none_or(|search| deployment.model_name.to_lowercase().contains(search))
    };
    let all: Vec<&Rc<Deployment>> = gateway.config.deployments.iter().filter(is_wanted).collect();
    let skipped = all.iter().skip((page - 1).saturating_mul(size)).take(size);
    let data: Vec<Fields> = skipped.map(|deployment| info(gateway, host, sight, deployment)).collect();
    let mut out = Fields::default();
    out.set("data", &data);
    out.set("total_count", &all.len());
    out.set("current_page", &page);
    out.set("total_pages", &all.len().div_ceil(size));
    out.set("size", &size);
    Ok(out)
}

/// A deployment: what of its parameters is no secret, and what is known of its model.
fn info<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, deployment: &Rc<Deployment>) -> Fields {
    let mut params = Fields::default();
    params.set("model", &deployment.written);
    params.set("custom_llm_provider", &deployment.provider_name);
    let api_base = deployment.api_base.as_ref().and_then(|base| resolve::setting(&gateway.config, host, base));
    // Where a company's own servers stand is no key holder's business.
    if let Some(api_base) = api_base.filter(|_| sight.is_all()) {
        params.set("api_base", &without_userinfo(api_base.split('?').next().unwrap_or_default()));
    }
    let seconds = |ms: Option<u64>| ms.map(|ms| ms as f64 / 1000.0);
    set_some(&mut params, "timeout", seconds(deployment.timeout_ms));
    set_some(&mut params, "stream_timeout", seconds(deployment.stream_timeout_ms));
    set_some(&mut params, "max_retries", deployment.num_retries);
    set_some(&mut params, "weight", deployment.weight);
    set_some(&mut params, "rpm", deployment.rpm);
    set_some(&mut params, "tpm", deployment.tpm);

    let mut model_info = Fields::default();
    model_info.set("id", &deployment.id);
    model_info.set("db_model", &false);
    if let Some(found) = matched(deployment) {
        for (name, value) in facts(gateway, host, &found).iter() {
            model_info.set_raw(name, value.to_owned());
        }
    }
    for (name, value) in &deployment.model_info {
        // Prices are those that hold, with all their digits.
        if !(name.contains("_cost") && model_info.contains(name)) {
            model_info.set(name, value);
        }
    }
    let mut out = Fields::default();
    out.set("model_name", &deployment.model_name);
    out.set("litellm_params", &params);
    out.set("model_info", &model_info);
    out
}

/// A deployment as it serves its own model; `None` where a request has to name that first.
fn matched(deployment: &Rc<Deployment>) -> Option<Match> {
    let provider = deployment.provider.clone().filter(|_| !deployment.model.contains('*'))?;
    Some(Match { deployment: deployment.clone(), provider, model: deployment.model.clone(), order: None })
}

/// What is known of a deployment's model, in `LiteLLM`'s fields: `key` is its name in the price table. Prices of tokens
/// that nobody knows are `null`.
pub(in crate::gateway) fn facts<H: Host>(gateway: &Gateway, host: &H, found: &Match) -> Fields {
    let entry = tariff(gateway, host, found).entry(None);
    let mut out = Fields::default();
    out.set("key", &entry.as_ref().map(|entry| entry.id().to_owned()));
    if let Some(entry) = &entry {
        for (name, value) in describe(entry, host.now_ms()).iter() {
            out.set_raw(name, value.to_owned());
        }
    }
    // The table's provider may be another spelling of the one that is called.
    out.set("litellm_provider", found.provider.name());
    for name in ["input_cost_per_token", "output_cost_per_token"] {
        if !out.contains(name) {
            out.set(name, &serde_json::Value::Null);
        }
    }
    out
}

/// `GET /model_group/info`: every model group, or the one of `?model_group=`, with the most that one of its deployments
/// takes and costs, and the sum of their limits.
pub(super) fn groups<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, http: &HttpRequest) -> Fields {
    let wanted = http.query("model_group").filter(|group| !group.is_empty());
    let names = match &wanted {
        Some(group) => vec![group.as_str()],
        None => gateway.config.model_ids_of(sight.whose()),
    };
    let data: Vec<Fields> = names
        .iter()
        .filter(|name| sight.sees(gateway, name))
        .filter_map(|name| group(gateway, host, sight, name))
        .collect();
    let mut out = Fields::default();
    out.set("data", &data);
    out
}

fn group<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, name: &str) -> Option<Fields> {
    let matches = gateway.config.deployments_of(name, sight.whose());
    let first = matches.first()?;
    let known: Vec<Fields> = matches.iter().map(|found| facts(gateway, host, found)).collect();
    let mut providers: Vec<&str> = Vec::new();
    for found in &matches {
        if !providers.contains(&found.provider.name()) {
            providers.push(found.provider.name());
        }
    }
    let mut out = Fields::default();
    out.set("model_group", name);
    out.set("providers", &providers);
    for field in [
        "max_input_tokens",
        "max_output_tokens",
        "input_cost_per_token",
        "output_cost_per_token",
        "input_cost_per_pixel",
    ] {
        // The digits stay as they are written; only the comparison is made with floats.
        let number = |fields: &Fields| fields.get::<f64>(field).ok().flatten();
        let most = known.iter().filter(|fields| number(fields).is_some());
        let most = most.max_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
        out.set(field, &most.and_then(|fields| fields.raw(field)));
    }
    out.set("mode", &known.iter().find_map(|fields| fields.raw("mode")));
    let sum = |limit: fn(&Deployment) -> Option<u64>| {
        let limits: Vec<u64> = matches.iter().filter_map(|found| limit(&found.deployment)).collect();
        (!limits.is_empty()).then(|| limits.iter().fold(0_u64, |sum, limit| sum.saturating_add(*limit)))
    };
    out.set("tpm", &sum(|deployment| deployment.tpm));
    out.set("rpm", &sum(|deployment| deployment.rpm));
    for capability in GROUP_CAPABILITIES {
        let can = known.iter().any(|fields| fields.get::<bool>(capability).ok().flatten() == Some(true));
        out.set(capability, &can);
    }
    out.set("supported_openai_params", &supported_params::supported(gateway, first));
    out.set("configurable_clientside_auth_params", &serde_json::Value::Null);
    Some(out)
}

fn set_some<T: serde::Serialize>(fields: &mut Fields, name: &str, value: Option<T>) {
    if let Some(value) = value {
        fields.set(name, &value);
    }
}
