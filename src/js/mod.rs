//! The JavaScript shell: what Node and browsers call.

mod books;
mod gateway;
mod host;
mod page;
mod world;

use serde_json::json;
use wasm_bindgen::prelude::wasm_bindgen;

use crate::config;
use crate::cost::tokens::{Encoding, Vocabulary as Merges};
use crate::provider::credentials;
use crate::provider::registry::{PROVIDERS, resolve};

/// Checks a configuration (JSON text) and lists what is wrong with it, as JSON: `[{severity, path, message}]`.
#[wasm_bindgen(js_name = checkConfig)]
pub fn check_config(json: &str) -> String {
    serde_json::to_string(&config::check(json)).unwrap_or_default()
}

/// Lists the variables that the gateway reads by itself, as JSON: its own, and the key, base and credential variables of all providers.
#[wasm_bindgen]
pub fn variables() -> String {
    let of_providers = PROVIDERS.iter().flat_map(|row| row.keys.iter().chain(row.bases)).copied();
    let of_providers = of_providers.chain(credentials::variables());
    let names: Vec<&str> = crate::gateway::OWN_VARIABLES.iter().copied().chain(of_providers).collect();
    serde_json::to_string(&names).unwrap_or_default()
}

/// What the environment must have for a model (`provider/model`, or a bare name that is known), as JSON: `{ways, keys,
/// bases}`. Of `ways` one must be whole, and for each of its steps one of the variables set; `keys` and `bases` are those
/// that an `api_key` and an `api_base` stand in for. `null` for a model of no provider.
#[wasm_bindgen]
pub fn needs(model: &str) -> String {
    let needs =
        resolve(model).map(|(row, _)| json!({"ways": credentials::ways(row), "keys": row.keys, "bases": row.bases}));
    json!(needs).to_string()
}

/// A vocabulary that tokens are counted by.
#[wasm_bindgen]
pub struct Vocabulary(Merges);

#[wasm_bindgen]
impl Vocabulary {
    /// Loads the unpacked merge planes of `o200k_base` or `cl100k_base` (`www/vocab/*.bin.gz`).
    ///
    /// # Errors
    ///
    /// Another encoding, or planes that are not its own.
    #[wasm_bindgen(constructor)]
    pub fn load(encoding: &str, planes: &[u8]) -> Result<Self, String> {
        let encoding = [Encoding::O200kBase, Encoding::Cl100kBase].into_iter().find(|own| own.name() == encoding);
        let encoding = encoding.ok_or("the encoding must be o200k_base or cl100k_base")?;
        Merges::load(encoding, planes).map(Self).map_err(|error| error.to_string())
    }

    /// Counts the tokens of a text, exactly.
    pub fn count(&self, text: &str) -> f64 {
        self.0.count(text) as f64
    }
}
