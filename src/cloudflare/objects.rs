//! Messages to Durable Objects: JSON over the platform's own fetch, which never leaves it.

use serde::Serialize;
use serde::de::DeserializeOwned;
use worker::js_sys::Uint8Array;
use worker::{Env, Response, web_sys};

use crate::error::{Error, Kind, Result};

/// The binding of the ledgers, and that of the directory.
pub(super) const LEDGER: &str = "LEDGER";
pub(super) const DIRECTORY: &str = "DIRECTORY";

/// The name of the one directory.
pub(super) const DIRECTORY_NAME: &str = "directory";

/// Asks the object `name` of a binding.
///
/// # Errors
///
/// [`Kind::ServiceUnavailable`] when it cannot be reached, or fails.
pub(super) async fn ask<T: DeserializeOwned>(
    env: &Env,
    binding: &str,
    name: &str,
    message: &impl Serialize,
) -> Result<T> {
    match try_ask(env, binding, name, message).await {
        Ok(bytes) => crate::json::read(&bytes).map_err(|error| unreachable(binding, &error)),
        Err(error) => Err(unreachable(binding, &error)),
    }
}

async fn try_ask(env: &Env, binding: &str, name: &str, message: &impl Serialize) -> worker::Result<Vec<u8>> {
    let stub = env.durable_object(binding)?.get_by_name(name)?;
    // The platform's own types: those of `worker` bring what they know of images and caches into the wasm.
    let init = web_sys::RequestInit::new();
    init.set_method("POST");
    init.set_body(&Uint8Array::from(serde_json::to_vec(message)?.as_slice()));
    let request = web_sys::Request::new_with_str_and_init("http://object/", &init)?;
    let mut response = stub.fetch_with_request(request.into()).await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError(format!("status {}", response.status_code())));
    }
    response.bytes().await
}

fn unreachable(binding: &str, error: &impl std::fmt::Display) -> Error {
    // The reason is the operator's: it goes to the log, not to the client.
    worker::console_error!("{}", serde_json::json!({"object": binding, "error": error.to_string()}));
    let what = if binding == LEDGER { "the ledger of this key's budget" } else { "the directory of keys" };
    Error::new(Kind::ServiceUnavailable, format!("{what} cannot be reached: try again")).with_retry_after_ms(1_000)
}

/// An object's answer.
pub(super) fn json(value: &impl Serialize) -> worker::Result<Response> {
    Response::from_bytes(serde_json::to_vec(value)?)
}
