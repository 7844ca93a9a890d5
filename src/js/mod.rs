//! The JavaScript shell: what Node and browsers call.

use wasm_bindgen::prelude::wasm_bindgen;

use crate::config;
use crate::provider::registry::PROVIDERS;

/// Checks a configuration (JSON text) and lists what is wrong with it, as JSON: `[{severity, path, message}]`.
#[wasm_bindgen(js_name = checkConfig)]
pub fn check_config(json: &str) -> String {
    serde_json::to_string(&config::check(json)).unwrap_or_default()
}

/// Lists the key and base variables of all providers, as JSON.
#[wasm_bindgen]
pub fn variables() -> String {
    let names: Vec<&str> = PROVIDERS.iter().flat_map(|row| row.keys.iter().chain(row.bases)).copied().collect();
    serde_json::to_string(&names).unwrap_or_default()
}
