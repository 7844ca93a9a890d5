//! What the JavaScript around the wasm brings: the clock, variables, a log, timers, fetch and, where there is one, a database.

use js_sys::{Array, Promise};
use wasm_bindgen::prelude::*;

use crate::keys::sql::{Cell, Row, Sql};
use crate::web::Pipe;
use crate::web::Waiter;

#[wasm_bindgen]
extern "C" {
    /// The world of one gateway (`npm/gateway.js`).
    #[derive(Clone)]
    pub type World;

    /// The fetch for upstreams; undefined for the platform's own.
    #[wasm_bindgen(method, getter)]
    pub(super) fn fetch(this: &World) -> JsValue;

    /// Unix time in ms.
    #[wasm_bindgen(method)]
    pub(super) fn now(this: &World) -> f64;

    /// A number from 0 up to 1, where the embedder has a source of its own.
    #[wasm_bindgen(method)]
    pub(super) fn random(this: &World) -> Option<f64>;

    #[wasm_bindgen(method)]
    pub(super) fn variable(this: &World, name: &str) -> Option<String>;

    #[wasm_bindgen(method)]
    pub(super) fn log(this: &World, line: &str);

    /// Calls `done` after so many ms; answers what `cancel` takes.
    #[wasm_bindgen(method)]
    fn timer(this: &World, ms: f64, done: &JsValue) -> JsValue;

    #[wasm_bindgen(method)]
    fn cancel(this: &World, timer: &JsValue);

    /// The unpacked merge planes of an encoding; the promise is of bytes, or of undefined.
    #[wasm_bindgen(method)]
    pub(super) fn vocabulary(this: &World, name: &str) -> Promise;

    /// Asks for a call of `alarm` at that Unix time in ms; 0 for none.
    #[wasm_bindgen(method)]
    pub(super) fn wake(this: &World, at_ms: f64);

    /// A pipe whose writer waits for its reader.
    #[wasm_bindgen(method)]
    pub(super) fn pipe(this: &World) -> Pipe;

    /// The database of records and ledgers; undefined for memory.
    #[wasm_bindgen(method, getter)]
    pub(super) fn storage(this: &World) -> Option<Storage>;

    /// A SQLite that is asked synchronously.
    #[derive(Clone, Debug)]
    pub type Storage;

    /// Runs a statement; answers its rows as arrays.
    #[wasm_bindgen(method, catch)]
    fn run(this: &Storage, query: &str, values: &Array) -> Result<Array, JsValue>;

    /// Begins a step.
    #[wasm_bindgen(method, catch)]
    pub(super) fn begin(this: &Storage) -> Result<(), JsValue>;

    /// Ends the step: what it wrote will be durable together.
    #[wasm_bindgen(method, catch)]
    pub(super) fn end(this: &Storage) -> Result<(), JsValue>;

    /// Takes back what the step wrote.
    #[wasm_bindgen(method, catch)]
    pub(super) fn undo(this: &Storage) -> Result<(), JsValue>;

    /// Resolves when all steps that have ended are durable.
    #[wasm_bindgen(method)]
    pub(super) fn durable(this: &Storage) -> Promise;
}

/// A wait that ends with its timer. When it is dropped, the timer is cancelled.
pub(super) struct Sleep {
    world: World,
    timer: JsValue,
    waiter: Waiter,
}

impl Sleep {
    pub(super) fn new(world: &World, ms: u64) -> Self {
        let (mut timer, mut waiter) = (JsValue::UNDEFINED, Waiter::new());
        // Timers of all platforms take 31 bits.
        let ms = ms.min(i32::MAX as u64) as f64;
        waiter.begin(|done, _| timer = world.timer(ms, done));
        Self { world: world.clone(), timer, waiter }
    }

    pub(super) async fn over(mut self) {
        // It never fails.
        let _ = self.waiter.settled().await;
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.world.cancel(&self.timer);
        self.waiter.forget();
    }
}

/// Why the database failed: for the log.
#[derive(Clone, Debug)]
pub(super) struct Failure(pub(super) String);

impl From<JsValue> for Failure {
    fn from(error: JsValue) -> Self {
        let message = error.dyn_ref::<js_sys::Error>().map(js_sys::Error::message);
        Self(message.map_or_else(|| "unknown".to_owned(), String::from))
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

/// The part of the database whose tables have this prefix.
#[derive(Debug)]
pub(super) struct Database {
    storage: Storage,
    prefix: String,
}

impl Database {
    /// The tables of the object `name`; those of the database itself for an empty name.
    pub(super) fn new(storage: Storage, name: &str) -> Self {
        let slash = if name.is_empty() { "" } else { "/" };
        Self { storage, prefix: [&name.replace('"', "\"\""), slash].concat() }
    }
}

impl Sql for Database {
    type Failure = Failure;

    fn run(&self, query: &str, values: &[Cell]) -> Result<Vec<Row>, Failure> {
        let bound: Array = values
            .iter()
            .map(|cell| match cell {
                Cell::Text(text) => JsValue::from_str(text),
                Cell::Number(number) => JsValue::from_f64(*number as f64),
                Cell::Null => JsValue::NULL,
            })
            .collect();
        let rows = self.storage.run(query, &bound)?;
        Ok(rows.iter().map(|row| row.unchecked_into::<Array>().iter().map(|value| cell(&value)).collect()).collect())
    }

    fn tables(&self) -> &str {
        &self.prefix
    }
}

fn cell(value: &JsValue) -> Cell {
    match (value.as_string(), value.as_f64()) {
        (Some(text), _) => Cell::Text(text),
        (None, Some(number)) => Cell::Number(number as u64),
        (None, None) => Cell::Null,
    }
}
