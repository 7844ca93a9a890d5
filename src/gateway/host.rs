//! What the gateway needs of the world, and nothing more: a shell is one implementation of these traits.

use serde_json::Value;

use crate::cost::tokens::Encoding;
use crate::error::Result;
use crate::http::{HttpHead, HttpRequest};
use crate::keys::directory::{self, RecordKind};
use crate::keys::ledger::{self, ScopeId};

/// The world outside of the core.
///
/// Used by `impl Host`, in one thread; no future of it needs to be `Send`.
#[expect(async_fn_in_trait, reason = "single-threaded by nature: one isolate, one event loop")]
pub trait Host {
    /// The body of an upstream's answer.
    type Body: Body;

    /// Unix time in ms. May stand still between two awaits.
    fn now_ms(&self) -> u64;

    /// A number that is uniform over all of `u64`.
    fn random(&self) -> u64;

    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;

    /// Writes one line to the log.
    fn log(&self, line: &str);

    /// Returns after so many ms.
    async fn sleep(&self, ms: u64);

    /// Sends a request, and returns when the head of the answer is there. When the returned future is dropped, the request
    /// is aborted.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::ApiConnection`] when no answer came; never for an answer, whatever its status.
    async fn send(&self, request: HttpRequest) -> Result<Upstream<Self::Body>>;

    /// Returns when the client of this request has left; for ever pending else.
    async fn client_gone(&self);

    /// Tells the ledger of a budget root something. What it answers is durable.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::ServiceUnavailable`] when the ledger cannot be reached.
    async fn ledger(&self, root: &ScopeId, message: &ledger::Message) -> Result<ledger::Reply>;

    /// Tells the directory something. When it answers, a change is durable and delivered.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::ServiceUnavailable`] when the directory cannot be reached.
    async fn directory(&self, call: &directory::Call) -> Result<directory::Reply>;

    /// The read copy of a record in the index: cheap, near, and up to a minute behind. `None` where the index has none.
    async fn copy(&self, kind: RecordKind, id: &str) -> Option<Value>;

    /// The unpacked merge planes of an encoding (`www/vocab/README.md`), about 1 MB; `None` where they are not to be had.
    async fn vocabulary(&self, encoding: Encoding) -> Option<Vec<u8>>;

    /// Signs with RSASSA-PKCS1-v1_5 over SHA-256 (a JWT's `RS256`); `key` is a private key as PKCS#8 in DER.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::Authentication`] for what is no such key.
    async fn sign_rs256(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>>;

    /// What isolates near by have last written by [`Host::share_rests`]; `None` where there is nothing, or no such place.
    async fn shared_rests(&self) -> Option<Vec<u8>>;

    /// Puts bytes where isolates near by find them for so many seconds. Best effort: nothing hangs on it.
    async fn share_rests(&self, bytes: Vec<u8>, seconds: u64);

    /// Random bytes that nobody can guess.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::InternalServer`] where there are none to be had.
    fn secret_bytes(&self) -> Result<[u8; 24]>;
}

/// An upstream's answer.
pub struct Upstream<B> {
    /// Status and headers.
    pub head: HttpHead,
    /// The body, still to be read.
    pub body: B,
}

/// A body that is read in pieces. When it is dropped before its end, its connection is closed.
#[expect(async_fn_in_trait, reason = "single-threaded by nature: one isolate, one event loop")]
pub trait Body {
    /// The next piece, or `None` at the end.
    ///
    /// # Errors
    ///
    /// [`crate::error::Kind::ApiConnection`] when the connection broke.
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>>;

    /// All of the body that was not read yet, or `None` when that is over `bound` bytes. A host that can read it at once
    /// does.
    ///
    /// # Errors
    ///
    /// As [`Body::chunk`].
    async fn whole(&mut self, bound: usize) -> Result<Option<Vec<u8>>> {
        let mut whole = Vec::new();
        while let Some(bytes) = self.chunk().await? {
            if whole.len() + bytes.len() > bound {
                return Ok(None);
            }
            if whole.is_empty() {
                whole = bytes;
            } else {
                whole.extend_from_slice(&bytes);
            }
        }
        Ok(Some(whole))
    }
}

/// Where a streamed answer goes.
#[expect(async_fn_in_trait, reason = "single-threaded by nature: one isolate, one event loop")]
pub trait Sink {
    /// Hands bytes to the client, and returns when there is room for more.
    ///
    /// # Errors
    ///
    /// [`Gone`] when the client has left.
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Gone>;

    /// Returns when the client has taken what was written; a sink that writes at once has nothing to wait for.
    ///
    /// # Errors
    ///
    /// [`Gone`] when the client has left before.
    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    /// Returns when the client has left; for ever pending else.
    async fn gone(&self);
}

/// The client has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone;
