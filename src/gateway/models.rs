//! `GET /v1/models`: the model groups that clients may name, with what they take and cost.

use super::Gateway;
use super::host::Host;
use super::money::model_info;
use super::sight::Sight;
use crate::config::Config;
use crate::error::{Error, Kind, Result};
use crate::openai::Fields;

/// LiteLLM's constant `created` of every model: its clients see no meaning in it.
const CREATED: u64 = 1_677_610_602;

/// What is told of a model beside OpenAI's fields, where it is known.
const KNOWN: &[&str] = &[
    "mode",
    "max_input_tokens",
    "max_output_tokens",
    "input_cost_per_token",
    "output_cost_per_token",
    "cache_read_input_token_cost",
    "cache_creation_input_token_cost",
];

/// The list of models.
pub(super) fn list<H: Host>(gateway: &Gateway, host: &H, sight: &Sight) -> Fields {
    let ids = gateway.config.model_ids_of(sight.whose()).into_iter().filter(|id| sight.sees(gateway, id));
    let data: Vec<Fields> = ids.map(|id| model(gateway, host, sight, id)).collect();
    let mut out = Fields::default();
    out.set("object", "list");
    out.set("data", &data);
    out
}

/// One model.
///
/// # Errors
///
/// [`Kind::NotFound`] for a name that no request of this caller could use.
pub(super) fn one<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, id: &str) -> Result<Fields> {
    if gateway.config.deployments_of(id, sight.whose()).is_empty() || !sight.sees(gateway, id) {
        return Err(unknown(&gateway.config, id));
    }
    Ok(model(gateway, host, sight, id))
}

/// The model in OpenAI's fields, then the facts of the deployment that comes first.
fn model<H: Host>(gateway: &Gateway, host: &H, sight: &Sight, id: &str) -> Fields {
    let found = gateway.config.deployments_of(id, sight.whose()).into_iter().next();
    let mut out = Fields::default();
    out.set("id", id);
    out.set("object", "model");
    out.set("created", &CREATED);
    out.set("owned_by", found.as_ref().map_or("tollgate", |found| found.provider.name()));
    let Some(found) = found else { return out };
    let facts = model_info::facts(gateway, host, &found);
    for name in KNOWN {
        if let Some(value) = facts.raw(name) {
            out.set_raw(name, value.to_owned());
        }
    }
    out
}

/// The error for a model that nothing answers, with the names that are near.
pub(super) fn unknown(config: &Config, model: &str) -> Error {
    if let Some(provider) = config.waiting_for(model) {
        let message =
            format!("the model `{model}` is served by provider `{provider}`, which this version does not speak yet");
        return Error::new(Kind::NotFound, message).with_code("model_not_found").with_param("model");
    }
    let near = config.near_names(model);
    let mend = match near.as_slice() {
        [] => "GET /v1/models lists those there are; `provider/model` needs a known provider".to_owned(),
        near => {
            format!("did you mean {}?", near.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" or "))
        }
    };
    Error::new(Kind::NotFound, format!("the model `{model}` does not exist: {mend}"))
        .with_code("model_not_found")
        .with_param("model")
}
