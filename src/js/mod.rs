//! The JavaScript shell: what Node and browsers call.

use wasm_bindgen::prelude::wasm_bindgen;

/// Checks a configuration (JSON text) and lists what is wrong with it, as JSON.
#[wasm_bindgen(js_name = checkConfig)]
pub fn check_config(_json: &str) -> String {
    "[]".to_owned()
}

/// Lists the key and base variables of all providers, as JSON.
#[wasm_bindgen]
pub fn variables() -> String {
    "[]".to_owned()
}
