//! [`Host`] over the JavaScript around the wasm.

use std::rc::Rc;

use js_sys::Uint8Array;
use serde_json::{Value, json};
use wasm_bindgen::JsCast;
use wasm_bindgen_futures::JsFuture;
use web_sys::AbortSignal;

use super::books::Books;
use super::world::{Failure, Sleep, World};
use crate::cost::tokens::Encoding;
use crate::error::{Error, Kind, Result};
use crate::gateway::{Host, Upstream};
use crate::http::HttpRequest;
use crate::keys::directory::{self, RecordKind};
use crate::keys::ledger::{self, ScopeId};
use crate::web::{self, Pipe, UpstreamBody};

/// The host of one request, or of what belongs to none.
pub(super) struct Caller {
    world: World,
    books: Rc<Books>,
    /// Aborted when the client leaves.
    signal: Option<AbortSignal>,
}

impl Caller {
    pub(super) fn new(world: World, books: Rc<Books>, signal: Option<AbortSignal>) -> Self {
        Self { world, books, signal }
    }

    /// A pipe for a streamed answer.
    pub(super) fn pipe(&self) -> Pipe {
        self.world.pipe()
    }

    /// Answers what the books said, once it is durable, and sees to their alarm.
    async fn written<T>(&self, said: std::result::Result<T, Failure>, what: &str) -> Result<T> {
        self.world.wake(self.books.next_alarm().unwrap_or_default() as f64);
        let said = match (said, self.world.storage()) {
            (Ok(said), Some(storage)) => match JsFuture::from(storage.durable()).await {
                Ok(_) => Ok(said),
                Err(error) => {
                    self.books.forget();
                    Err(Failure::from(error))
                }
            },
            (said, _) => said,
        };
        said.map_err(|Failure(reason)| {
            // The reason is the operator's: it goes to the log, not to the client.
            self.log(&json!({"event": "storage_failed", "error": reason}).to_string());
            let message = format!("{what} cannot be reached: try again");
            Error::new(Kind::ServiceUnavailable, message).with_retry_after_ms(1_000)
        })
    }
}

impl Host for Caller {
    type Body = UpstreamBody;

    fn now_ms(&self) -> u64 {
        self.world.now() as u64
    }

    fn random(&self) -> u64 {
        match self.world.random() {
            Some(fraction) => (fraction * 18_446_744_073_709_551_616.0) as u64,
            None => web::random(self.now_ms()),
        }
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.world.variable(name)
    }

    fn log(&self, line: &str) {
        self.world.log(line);
    }

    async fn sleep(&self, ms: u64) {
        Sleep::new(&self.world, ms).over().await;
    }

    async fn send(&self, request: HttpRequest) -> Result<Upstream<UpstreamBody>> {
        if let Some(name) = web::binding(&request.url) {
            return Err(web::no_binding(name));
        }
        web::send(&self.world.fetch(), request).await
    }

    async fn client_gone(&self) {
        match &self.signal {
            Some(signal) => web::left(signal).await,
            None => std::future::pending().await,
        }
    }

    async fn ledger(&self, root: &ScopeId, message: &ledger::Message) -> Result<ledger::Reply> {
        let said = self.books.tell(root, message.clone(), self.now_ms());
        let (reply, events) = self.written(said, "the ledger of this key's budget").await?;
        for event in &events {
            // Whoever sends alerts reads the log.
            self.log(&json!({"event": "budget", "crossing": event}).to_string());
        }
        Ok(reply)
    }

    async fn directory(&self, call: &directory::Call) -> Result<directory::Reply> {
        let said = self.books.act(call.clone(), self.now_ms());
        self.written(said, "the directory of keys").await
    }

    async fn copy(&self, kind: RecordKind, id: &str) -> Option<Value> {
        self.books.record(kind, id)
    }

    async fn vocabulary(&self, encoding: Encoding) -> Option<Vec<u8>> {
        let planes = JsFuture::from(self.world.vocabulary(encoding.name())).await.ok()?;
        Some(planes.dyn_into::<Uint8Array>().ok()?.to_vec())
    }

    async fn sign_rs256(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        web::sign_rs256(key, message).await
    }

    /// There is one process, which knows what it knows.
    async fn shared_rests(&self) -> Option<Vec<u8>> {
        None
    }

    async fn share_rests(&self, _: Vec<u8>, _: u64) {}

    fn secret_bytes(&self) -> Result<[u8; 24]> {
        web::secret_bytes()
    }
}
