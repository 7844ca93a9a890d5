//! One entry of `model_list` as a deployment.

use serde_json::{Map, Value};

use super::limits::Rules;
use super::providers::{ANY, Place, place};
use super::section::{Section, type_of};
use super::{CustomProvider, Deployment, GeneralSettings, Setting, gate, id, providers, routing, schema, suggest};
use crate::cost::CustomRates;
use crate::http::Headers;
use crate::openai::Fields;
use crate::provider::{Settings, credentials};

/// Most retries that a setting may ask for.
pub(super) const MOST_RETRIES: u64 = 100;

/// What a deployment takes from outside of its entry.
pub(super) struct Surroundings<'a> {
    /// `credential_list`, by `credential_name`.
    pub credentials: &'a [(String, Map<String, Value>)],
    /// `router_settings.default_litellm_params`.
    pub defaults: Option<&'a Map<String, Value>>,
    /// `custom_providers`.
    pub providers: &'a [CustomProvider],
    /// `litellm_settings`, for `drop_params` and `modify_params`.
    pub general: &'a GeneralSettings,
    /// `router_settings`, for limits.
    pub rules: Rules,
}

/// Reads an entry of `model_list`; `None` where an error leaves nothing to act on.
pub(super) fn read(entry: &Section<'_>, around: &Surroundings<'_>) -> Option<Deployment> {
    let variables = entry.reading.variables.borrow().len();
    let deployment = parsed(entry, around)?;
    if !deployment.is_spoken() {
        // Nobody needs to set the key of a deployment that is never chosen.
        entry.reading.variables.borrow_mut().truncate(variables);
    }
    Some(deployment)
}

fn parsed(entry: &Section<'_>, around: &Surroundings<'_>) -> Option<Deployment> {
    let model_name = entry.required("model_name", "give the name that clients ask for");
    let Some(params) = entry.section("litellm_params") else {
        if entry.raw("litellm_params").is_none() {
            entry.error("litellm_params", "`litellm_params` is missing: give at least `model: provider/model`");
        }
        return None;
    };
    let params = completed(params, around);
    let model = params.required("model", "give `provider/model`")?;
    let model_info = match entry.value("model_info") {
        Some(Value::Object(map)) => map,
        Some(_) => entry.section("model_info").map(|section| section.map.into_owned()).unwrap_or_default(),
        None => Map::new(),
    };
    let named = params.string("custom_llm_provider");
    let (provider, provider_name, upstream) = match place(&model, named.as_deref(), around.providers) {
        Place::Known(vendor, model) => {
            let name = vendor.name().to_owned();
            (Some(vendor), name, model.to_owned())
        }
        Place::Any => (None, ANY.to_owned(), ANY.to_owned()),
        Place::Waiting(provider, rest) => {
            let message =
                format!("provider `{provider}` is not spoken by this version yet: this deployment is never chosen");
            params.warning("model", message);
            (None, provider.to_owned(), rest.to_owned())
        }
        Place::Unknown(provider) => {
            unknown(&params, &model, provider, around.providers);
            return None;
        }
    };
    let model_name = model_name?;
    let info = entry.section("model_info");
    let rate = |name, most| params.count(name, most);
    let (rpm, tpm) = (rate("rpm", u64::from(u32::MAX)), rate("tpm", u64::from(u32::MAX) * 1000));
    if upstream.contains(ANY) && !model_name.contains(ANY) {
        let message = format!("`{model}` has a `*`, and the model_name \"{model_name}\" has none that could fill it");
        params.error("model", message);
    }
    Some(Deployment {
        model_name,
        id: id::of(entry, &model_info),
        provider,
        provider_name,
        model: upstream,
        written: model,
        api_key: params.setting("api_key"),
        api_base: api_base(&params),
        params: cloud_params(&params),
        settings: settings(&params, around.general),
        timeout_ms: params.seconds("timeout"),
        stream_timeout_ms: params.seconds("stream_timeout"),
        tier_timeouts: ["timeout_by_service_tier", "stream_timeout_by_service_tier"].map(|name| tiers(&params, name)),
        order: params.count("order", u64::from(u32::MAX)),
        cooldown_ms: info.as_ref().and_then(routing::time).or_else(|| routing::time(&params)),
        allowed_fails: info.as_ref().and_then(routing::allowed_fails),
        fails_policy: info.as_ref().and_then(routing::fails_policy),
        num_retries: retries(&params),
        weight: params.number("weight", "a number, 0 or more"),
        rpm,
        tpm,
        limits: around.rules.deployment(&params, rpm, tpm),
        mock_response: params.value("mock_response"),
        defaults: defaults(&params),
        gate: gate::read(&params, &model_info),
        custom_rates: custom_rates(&params, &model_info),
        model_info,
    })
}

/// Prices of the entry itself; those of `litellm_params` win over those of `model_info`.
fn custom_rates(params: &Section<'_>, model_info: &Map<String, Value>) -> Option<CustomRates> {
    let mut fields = model_info.clone();
    fields.extend(params.map.iter().map(|(name, value)| (name.clone(), value.clone())));
    CustomRates::from_fields(&fields).unwrap_or_else(|error| {
        params.error(error.param().unwrap_or_default(), error.message());
        None
    })
}

/// The parameters with what `credential_list` and `default_litellm_params` add where the entry says nothing.
fn completed<'a>(mut params: Section<'a>, around: &Surroundings<'_>) -> Section<'a> {
    let mut added: Vec<&Map<String, Value>> = Vec::new();
    if let Some(name) = params.string("litellm_credential_name") {
        let known = around.credentials.iter();
        if let Some((_, values)) = known.clone().find(|(credential, _)| *credential == name) {
            added.push(values);
        } else {
            let hint = suggest::hint(&name, known.map(|(credential, _)| credential.as_str()));
            let message = format!("credential_list has no credential \"{name}\"{hint}");
            params.error("litellm_credential_name", message);
        }
    }
    added.extend(around.defaults);
    for (name, value) in added.into_iter().flatten() {
        if params.raw(name).is_none() {
            params.map.to_mut().insert(name.clone(), value.clone());
        }
    }
    params
}

fn unknown(params: &Section<'_>, model: &str, provider: Option<&str>, own: &[CustomProvider]) {
    match provider {
        Some(provider) => {
            let hint =
                suggest::hint(provider, own.iter().map(|custom| custom.own.name.as_str()).chain(providers::names()));
            params.error("model", format!("unknown provider \"{provider}\"{hint}"));
        }
        None => params.error("model", format!("`{model}` names no provider: write `provider/{model}`")),
    }
}

/// `api_base`, or LiteLLM's other word for it, `base_url`.
pub(super) fn api_base(params: &Section<'_>) -> Option<Setting> {
    let (field, base) = ["api_base", "base_url"].iter().find_map(|field| Some((field, params.setting(field)?)))?;
    if let Setting::Literal(url) = &base
        && !(url.starts_with("http://") || url.starts_with("https://") || url.is_empty())
    {
        params.error(field, format!("`{field}` must start with http:// or https://"));
    }
    Some(base)
}

/// A map of service tiers to seconds, in ms.
fn tiers(params: &Section<'_>, name: &str) -> Vec<(String, u64)> {
    let Some(tiers) = params.section(name) else { return Vec::new() };
    tiers.map.keys().filter_map(|tier| Some((tier.clone(), tiers.seconds(tier)?))).collect()
}

fn retries(params: &Section<'_>) -> Option<u32> {
    params.count("num_retries", MOST_RETRIES).or_else(|| params.count("max_retries", MOST_RETRIES)).map(|n| n as u32)
}

fn settings(params: &Section<'_>, general: &GeneralSettings) -> Settings {
    Settings {
        drop_params: params.flag("drop_params").unwrap_or(general.drop_params),
        modify_params: params.flag("modify_params").unwrap_or(general.modify_params),
        allowed_openai_params: params.strings("allowed_openai_params"),
        additional_drop_params: params.strings("additional_drop_params"),
        api_version: params.string("api_version"),
        organization: params.string("organization"),
        extra_headers: headers(params),
        ..Settings::default()
    }
}

/// Headers to add.
pub(super) fn headers(params: &Section<'_>) -> Headers {
    let mut extra_headers = Headers::new();
    // LiteLLM takes both names.
    for field in ["headers", "extra_headers"] {
        let Some(section) = params.section(field) else { continue };
        for name in section.map.keys() {
            let text = match section.value(name) {
                Some(Value::String(text)) => text,
                Some(Value::Number(number)) => number.to_string(),
                Some(_) => {
                    section.error(name, format!("the header `{name}` must be a string"));
                    continue;
                }
                None => continue,
            };
            if is_header_name(name) && !text.contains(['\r', '\n', '\0']) {
                extra_headers.set(name, text);
            } else {
                section.error(name, "a header's name has letters, digits and dashes, and its value is one line");
            }
        }
    }
    extra_headers
}

/// The parameters of one cloud, which may be left in the environment until they are needed. A map (credentials that were
/// pasted as YAML) is taken as the JSON that it stands for.
fn cloud_params(params: &Section<'_>) -> Vec<(String, Setting)> {
    let names = credentials::PARAMS.split_ascii_whitespace();
    let read = |name: &str| {
        let setting = match params.raw(name)? {
            Value::String(_) => params.setting(name)?,
            Value::Number(number) => Setting::Literal(number.to_string()),
            Value::Object(_) => Setting::Literal(params.value(name)?.to_string()),
            other => {
                let message = format!("`{name}` must be a string (put it in quotes), not {}", type_of(other));
                params.error(name, message);
                return None;
            }
        };
        Some((name.to_owned(), setting))
    };
    names.filter_map(read).collect()
}

/// What is left: fields of the request itself.
fn defaults(params: &Section<'_>) -> Fields {
    let mut defaults = Fields::default();
    for (name, _) in params.map.iter().filter(|(name, _)| !schema::is_param(name)) {
        if let Some(value) = params.value(name) {
            defaults.set(name, &value);
        }
    }
    defaults
}

/// Whether a header can have that name (RFC 9110, 5.6.2: a token).
pub(super) fn is_header_name(name: &str) -> bool {
    let token = |c: u8| c.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&c);
    !name.is_empty() && name.bytes().all(token)
}
