//! One entry of `model_list` as a deployment.

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::providers::{ANY, Place, place};
use super::section::Section;
use super::{Deployment, GeneralSettings, providers, schema, suggest};
use crate::http::Headers;
use crate::openai::Fields;
use crate::provider::Settings;

/// Fields of `litellm_params` whose literal values are credentials: they do not count for a deployment's id.
const CREDENTIALS: &[&str] = &["key", "secret", "token", "password", "credentials", "headers"];

/// Most retries that a setting may ask for.
pub(super) const MOST_RETRIES: u64 = 100;

/// What a deployment takes from outside of its entry.
pub(super) struct Surroundings<'a> {
    /// `credential_list`, by `credential_name`.
    pub credentials: &'a [(String, Map<String, Value>)],
    /// `router_settings.default_litellm_params`.
    pub defaults: Option<&'a Map<String, Value>>,
    /// `litellm_settings`, for `drop_params` and `modify_params`.
    pub general: &'a GeneralSettings,
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
    let model_name = entry.string("model_name");
    if entry.raw("model_name").is_none() {
        entry.error("model_name", "`model_name` is missing: give the name that clients ask for");
    }
    let Some(params) = entry.section("litellm_params") else {
        if entry.raw("litellm_params").is_none() {
            entry.error("litellm_params", "`litellm_params` is missing: give at least `model: provider/model`");
        }
        return None;
    };
    let params = completed(params, around);
    let Some(model) = params.string("model") else {
        if params.raw("model").is_none() {
            params.error("model", "`model` is missing: give `provider/model`");
        }
        return None;
    };
    let model_info = match entry.value("model_info") {
        Some(Value::Object(map)) => map,
        Some(_) => entry.section("model_info").map(|section| section.map.into_owned()).unwrap_or_default(),
        None => Map::new(),
    };
    let named = params.string("custom_llm_provider");
    let (provider, provider_name, upstream) = match place(&model, named.as_deref()) {
        Place::Row(row, model) => (Some(row), row.name.to_owned(), model.to_owned()),
        Place::Any => (None, ANY.to_owned(), ANY.to_owned()),
        Place::Waiting(provider, rest) => {
            let message =
                format!("provider `{provider}` is not spoken by this version yet: this deployment is never chosen");
            params.warning("model", message);
            (None, provider.to_owned(), rest.to_owned())
        }
        Place::Unknown(provider) => {
            unknown(&params, &model, provider);
            return None;
        }
    };
    let model_name = model_name?;
    if upstream.contains(ANY) && !model_name.contains(ANY) {
        let message = format!("`{model}` has a `*`, and the model_name \"{model_name}\" has none that could fill it");
        params.error("model", message);
    }
    Some(Deployment {
        model_name,
        id: id(entry, &model_info),
        provider,
        provider_name,
        model: upstream,
        written: model,
        api_key: params.setting("api_key"),
        api_base: params.setting("api_base").or_else(|| params.setting("base_url")),
        settings: settings(&params, around.general),
        timeout_ms: params.seconds("timeout"),
        stream_timeout_ms: params.seconds("stream_timeout"),
        num_retries: retries(&params),
        weight: params.number("weight", "a number, 0 or more"),
        rpm: params.count("rpm", u64::from(u32::MAX)),
        tpm: params.count("tpm", u64::from(u32::MAX) * 1000),
        mock_response: params.value("mock_response"),
        defaults: defaults(&params),
        model_info,
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

fn unknown(params: &Section<'_>, model: &str, provider: Option<&str>) {
    match provider {
        Some(provider) => {
            let hint = suggest::hint(provider, providers::names());
            params.error("model", format!("unknown provider \"{provider}\"{hint}"));
        }
        None => params.error("model", format!("`{model}` names no provider: write `provider/{model}`")),
    }
}

fn retries(params: &Section<'_>) -> Option<u32> {
    params.count("num_retries", MOST_RETRIES).or_else(|| params.count("max_retries", MOST_RETRIES)).map(|n| n as u32)
}

fn settings(params: &Section<'_>, general: &GeneralSettings) -> Settings {
    let mut extra_headers = Headers::new();
    // LiteLLM takes both names.
    for field in ["headers", "extra_headers"] {
        let Some(section) = params.section(field) else { continue };
        for name in section.map.keys() {
            match section.value(name) {
                Some(Value::String(text)) => extra_headers.set(name, text),
                Some(Value::Number(number)) => extra_headers.set(name, number.to_string()),
                Some(_) => section.error(name, format!("the header `{name}` must be a string")),
                None => {}
            }
        }
    }
    Settings {
        drop_params: params.flag("drop_params").unwrap_or(general.drop_params),
        modify_params: params.flag("modify_params").unwrap_or(general.modify_params),
        allowed_openai_params: params.strings("allowed_openai_params"),
        additional_drop_params: params.strings("additional_drop_params"),
        api_version: params.string("api_version"),
        organization: params.string("organization"),
        extra_headers,
    }
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

/// `model_info.id`, or a hash of the entry without its literal credentials.
fn id(entry: &Section<'_>, model_info: &Map<String, Value>) -> String {
    match model_info.get("id") {
        Some(Value::String(id)) if !id.is_empty() => return id.clone(),
        Some(Value::Number(id)) => return id.to_string(),
        None | Some(Value::Null) => {}
        Some(_) => entry.error("model_info.id", "`id` must be a string that is not empty"),
    }
    let mut hash = Fnv::new();
    for (name, value) in sorted(&entry.map) {
        hash.write(name);
        hash.value(value);
    }
    format!("{:016x}", hash.0)
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_unstable_by_key(|(name, _)| *name);
    fields
}

/// FNV-1a with 64 bits: stable over versions and machines, and nothing that is secret goes in.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, text: &str) {
        // No UTF-8 text holds 0xff: it parts the words.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes a value in, whatever the order of its fields.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                self.write("{");
                for (name, value) in sorted(map) {
                    let secret = CREDENTIALS.iter().any(|word| name.ends_with(word));
                    if secret && !value.as_str().is_some_and(|text| text.starts_with("os.environ/")) {
                        continue;
                    }
                    self.write(name);
                    self.value(value);
                }
                self.write("}");
            }
            Value::Array(items) => {
                self.write("[");
                for item in items {
                    self.value(item);
                }
                self.write("]");
            }
            Value::String(text) => self.write(text),
            other => self.write(&Cow::from(other.to_string())),
        }
    }
}
