//! [`Host`] on Workers: fetch, the clock, randomness, variables and the log of the platform.

use std::time::Duration;

use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::{Promise, Reflect, Uint8Array};
use worker::{Env, web_sys};

use super::stream::{AbortOnDrop, UpstreamBody};
use super::{CONFIG_CACHE_SECONDS, CONFIG_KEY, KV, PRICES_KEY, objects, shell};
use crate::cost::tokens::Encoding;
use crate::error::{Error, Kind, Result};
use crate::gateway::{Host, Upstream};
use crate::http::{HttpHead, HttpRequest};
use crate::keys::directory::{self, RecordKind};
use crate::keys::ledger::{self, ScopeId};

/// How long KV's own cache may answer for the copy of a record, in seconds: its least. What costs money passes the ledger,
/// which knows at once.
const COPY_CACHE_SECONDS: u64 = 30;

/// The binding of the static files in `www/`.
const ASSETS: &str = "ASSETS";

/// The host of one request.
pub(super) struct Worker {
    env: Env,
    /// Its `signal` is aborted when the client leaves (compatibility flag `enable_request_signal`).
    request: web_sys::Request,
}

impl Worker {
    pub(super) fn new(env: Env, request: web_sys::Request) -> Self {
        Self { env, request }
    }

    /// Aborted when the client leaves.
    pub(super) fn signal(&self) -> web_sys::AbortSignal {
        self.request.signal()
    }

    /// The configuration as JSON, from KV; an empty one where there is none.
    pub(super) async fn config_text(&self) -> String {
        let text = match self.env.kv(KV) {
            Ok(kv) => kv.get(CONFIG_KEY).cache_ttl(CONFIG_CACHE_SECONDS).text().await.ok().flatten(),
            Err(_) => None,
        };
        text.unwrap_or_else(|| "{}".to_owned())
    }

    /// The price table in KV; `None` where there is none.
    pub(super) async fn price_table(&self) -> Option<Vec<u8>> {
        self.env.kv(KV).ok()?.get(PRICES_KEY).cache_ttl(CONFIG_CACHE_SECONDS).bytes().await.ok().flatten()
    }
}

impl Host for Worker {
    type Body = UpstreamBody;

    fn now_ms(&self) -> u64 {
        worker::Date::now().as_millis()
    }

    fn random(&self) -> u64 {
        let mut bytes = [0; 8];
        // It fails only where there is no crypto; then a clock has to do, since nothing secret hangs on it.
        #[expect(clippy::disallowed_methods, reason = "this is the host")]
        match getrandom::fill(&mut bytes) {
            Ok(()) => u64::from_le_bytes(bytes),
            Err(_) => self.now_ms().wrapping_mul(0x9e37_79b9_7f4a_7c15),
        }
    }

    async fn vocabulary(&self, encoding: Encoding) -> Option<Vec<u8>> {
        let assets = Reflect::get(&self.env, &ASSETS.into()).ok()?;
        let planes =
            JsFuture::from(shell::unpacked(&assets, &format!("/vocab/{}.bin.gz", encoding.name()))).await.ok()?;
        Some(planes.dyn_into::<Uint8Array>().ok()?.to_vec())
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.env.var(name).ok().map(|value| value.to_string())
    }

    fn log(&self, line: &str) {
        worker::console_log!("{line}");
    }

    async fn sleep(&self, ms: u64) {
        // The platform's timer takes 31 bits.
        worker::Delay::from(Duration::from_millis(ms.min(i32::MAX as u64))).await;
    }

    async fn send(&self, request: HttpRequest) -> Result<Upstream<UpstreamBody>> {
        let unreachable = || Error::new(Kind::ApiConnection, "the upstream could not be reached");
        let controller = web_sys::AbortController::new().map_err(|_| unreachable())?;
        let sent = shell::send(request, &controller.signal());
        let abort = AbortOnDrop(Some(controller));
        let response = JsFuture::from(sent).await.map_err(|_| unreachable())?;
        let response: web_sys::Response = response.unchecked_into();
        let head = HttpHead { status: response.status(), headers: shell::headers(&response.headers()) };
        let body = UpstreamBody::new(response.into(), &head.headers, abort);
        Ok(Upstream { head, body })
    }

    async fn client_gone(&self) {
        let signal = self.request.signal();
        if signal.aborted() {
            return;
        }
        let left = Promise::new(&mut |resolve, _| signal.set_onabort(Some(&resolve)));
        // It never rejects.
        let _ = JsFuture::from(left).await;
    }

    async fn ledger(&self, root: &ScopeId, message: &ledger::Message) -> Result<ledger::Reply> {
        objects::ask(&self.env, objects::LEDGER, &objects::root_name(root), message).await
    }

    async fn directory(&self, call: &directory::Call) -> Result<directory::Reply> {
        objects::ask(&self.env, objects::DIRECTORY, objects::DIRECTORY_NAME, call).await
    }

    async fn copy(&self, kind: RecordKind, id: &str) -> Option<Value> {
        let key = format!("{}:{id}", kind.name());
        let bytes = self.env.kv(KV).ok()?.get(&key).cache_ttl(COPY_CACHE_SECONDS).bytes().await.ok()??;
        crate::json::read(&bytes).ok()
    }

    async fn sign_rs256(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        let refused = || Error::new(Kind::Authentication, "the private key is no RSA key that this platform can read");
        let signed = JsFuture::from(shell::sign_rs256(key, message)).await.map_err(|_| refused())?;
        Ok(signed.dyn_into::<Uint8Array>().map_err(|_| refused())?.to_vec())
    }

    fn secret_bytes(&self) -> Result<[u8; 24]> {
        let mut bytes = [0; 24];
        #[expect(clippy::disallowed_methods, reason = "this is the host")]
        match getrandom::fill(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(Error::new(Kind::InternalServer, "the platform has no random numbers")),
        }
    }
}
