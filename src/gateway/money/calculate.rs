//! `POST /spend/calculate`: the cost of a request that is to be made, or of an answer that came.

use serde_json::{Map, Value};

use super::{Priced, exactness, required, token_counter};
use crate::cost::{Charge, Exactness, canonical_usage};
use crate::error::{Error, Result};
use crate::gateway::Gateway;
use crate::gateway::host::Host;
use crate::openai::{Fields, Usage};

/// Answers `{"cost": …}` in dollars, `null` where the model has no price; `exactness` says how it was found.
///
/// With `completion_response`, the usage of that answer is priced, whatever its dialect, at `model` where the request
/// names one, else at the model of the answer. With `model` and `messages`, the prompt is counted and priced alone, as
/// `LiteLLM` does: what will be answered is not known yet.
///
/// # Errors
///
/// Neither of both, an answer without usage, or a model that nobody knows.
pub(super) async fn answer<H: Host>(gateway: &Gateway, host: &H, fields: &Fields) -> Result<Fields> {
    let charge = match fields.get::<Map<String, Value>>("completion_response")? {
        Some(response) => of_answer(gateway, host, fields, &response)?,
        None => of_prompt(gateway, host, fields).await?,
    };
    let mut out = Fields::default();
    out.set("cost", &charge.as_ref().map(|charge| charge.total));
    out.set("exactness", &exactness(charge.as_ref()));
    Ok(out)
}

fn of_answer<H: Host>(
    gateway: &Gateway,
    host: &H,
    fields: &Fields,
    response: &Map<String, Value>,
) -> Result<Option<Charge>> {
    let usage = response.get("usage").and_then(Value::as_object).ok_or_else(|| {
        let message = "`completion_response.usage` is missing: give the answer whole, or `model` and `messages`";
        Error::bad_request("completion_response.usage", message)
    })?;
    let served = response.get("model").and_then(Value::as_str);
    let asked = fields.get::<String>("model")?;
    let Some(model) = asked.as_deref().or(served) else {
        let message = "`completion_response.model` is missing: name the model there, or in `model`";
        return Err(Error::bad_request("completion_response.model", message));
    };
    Ok(Priced::find(gateway, host, model)?.charge(&canonical_usage(usage), served))
}

async fn of_prompt<H: Host>(gateway: &Gateway, host: &H, fields: &Fields) -> Result<Option<Charge>> {
    let model = required(fields, "model", "give `model` and `messages`, or `completion_response`")?;
    let priced = Priced::find(gateway, host, &model)?;
    let tokens = token_counter::count(gateway, host, fields, &model).await?.value;
    let usage = Usage { prompt_tokens: tokens, total_tokens: tokens, ..Usage::default() };
    // Tokens that were counted before a call are an estimate, however exact their price is.
    Ok(priced.charge(&usage, None).map(|charge| Charge { exactness: Exactness::Estimated, ..charge }))
}
