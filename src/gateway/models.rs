//! `GET /v1/models`: the model groups that clients may name.

use serde_json::{Value, json};

use crate::config::Config;
use crate::error::{Error, Kind, Result};

/// LiteLLM's constant `created` of every model: its clients see no meaning in it.
const CREATED: u64 = 1_677_610_602;

/// The list of models.
pub(super) fn list(config: &Config) -> Value {
    let data: Vec<Value> = config.model_ids().iter().map(|id| model(id)).collect();
    json!({"object": "list", "data": data})
}

/// One model.
///
/// # Errors
///
/// [`Kind::NotFound`] for a name that no request could use.
pub(super) fn one(config: &Config, id: &str) -> Result<Value> {
    if config.deployments_for(id).is_empty() { Err(unknown(config, id)) } else { Ok(model(id)) }
}

fn model(id: &str) -> Value {
    json!({"id": id, "object": "model", "created": CREATED, "owned_by": "openai"})
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
