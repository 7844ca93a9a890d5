//! What the page in `www/` asks beside the gateway's own routes: a request priced at all models in one call.

use wasm_bindgen::prelude::*;

use super::Vocabulary;
use crate::cost::PriceTable;
use crate::error::Error;
use crate::gateway::{COLUMNS, Survey};
use crate::openai::Fields;

/// A request beside all models of a price table; see [`Survey`].
#[wasm_bindgen]
pub struct Estimator(Survey);

fn message(error: &Error) -> String {
    error.message().to_owned()
}

#[wasm_bindgen]
impl Estimator {
    /// An estimator with the core price table.
    #[wasm_bindgen(constructor)]
    pub fn new() -> Self {
        Self(Survey::new(PriceTable::embedded()))
    }

    /// Takes a price table (`prices/full.mpt`).
    ///
    /// # Errors
    ///
    /// Bytes that are no price table.
    #[wasm_bindgen(js_name = takeTable)]
    pub fn take_table(&mut self, bytes: Vec<u8>) -> Result<(), String> {
        self.0.take_table(PriceTable::read(bytes).map_err(|error| message(&error))?);
        Ok(())
    }

    /// Takes a vocabulary: its models count exactly from now on.
    #[wasm_bindgen(js_name = takeVocabulary)]
    pub fn take_vocabulary(&mut self, vocabulary: Vocabulary) {
        self.0.take_vocabulary(vocabulary.0);
    }

    /// Takes a chat request (JSON text).
    ///
    /// # Errors
    ///
    /// What is no chat request.
    #[wasm_bindgen(js_name = takeRequest)]
    pub fn take_request(&mut self, json: &str) -> Result<(), String> {
        self.0.take_request(json.as_bytes()).map_err(|error| message(&error))
    }

    /// Takes what is expected of the call (JSON text); see [`Survey::take_expected`].
    ///
    /// # Errors
    ///
    /// A field that is wrong.
    #[wasm_bindgen(js_name = takeExpected)]
    pub fn take_expected(&mut self, json: &str) -> Result<(), String> {
        self.0.take_expected(json.as_bytes()).map_err(|error| message(&error))
    }

    /// The models, the names of their numbers, and the day and hash of the prices, as JSON.
    pub fn models(&self) -> String {
        let (date, hash) = self.0.source();
        let mut out = Fields::default();
        out.set("date", &date);
        out.set("hash", &hash);
        out.set("columns", &COLUMNS[..]);
        out.set("models", &self.0.models());
        String::from_utf8(out.to_bytes()).unwrap_or_default()
    }

    /// The numbers of all models.
    ///
    /// # Errors
    ///
    /// A request that cannot be counted.
    pub fn numbers(&mut self) -> Result<Vec<f64>, String> {
        self.0.numbers().map_err(|error| message(&error))
    }

    /// What a model costs for answers of these lengths.
    ///
    /// # Errors
    ///
    /// As `numbers`.
    pub fn curve(&mut self, index: usize, lengths: &[f64]) -> Result<Vec<f64>, String> {
        self.0.curve(index, lengths).map_err(|error| message(&error))
    }
}
