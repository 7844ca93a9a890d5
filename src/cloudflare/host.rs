//! [`Host`] on Workers: fetch, the clock, randomness, variables and the log of the platform.

use std::time::Duration;

use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::{Reflect, Uint8Array};
use worker::{Env, web_sys};

use super::{CONFIG_CACHE_SECONDS, CONFIG_KEY, KV, PRICES_KEY, objects};
use crate::cost::tokens::Encoding;
use crate::error::Result;
use crate::gateway::{Host, Upstream};
use crate::http::HttpRequest;
use crate::keys::directory::{self, RecordKind};
use crate::keys::ledger::{self, ScopeId};
use crate::web::{self, UpstreamBody, shell};

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

    /// The name of the rests in the cache: a zone may serve several gateways.
    fn rests_url(&self) -> String {
        let url = self.request.url();
        let host = url.split('/').nth(2).unwrap_or_default();
        format!("https://rests.tollgate.invalid/{host}")
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
        web::random(self.now_ms())
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
        let Some(name) = web::binding(&request.url) else {
            return web::send(&JsValue::UNDEFINED, request).await;
        };
        let fetcher = shell::bound(&self.env, name);
        if fetcher.is_undefined() {
            return Err(web::no_binding(name));
        }
        web::send(&fetcher, request).await
    }

    async fn client_gone(&self) {
        web::left(&self.request.signal()).await;
    }

    async fn ledger(&self, root: &ScopeId, message: &ledger::Message) -> Result<ledger::Reply> {
        objects::ask(&self.env, objects::LEDGER, &root.object_name(), message).await
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
        web::sign_rs256(key, message).await
    }

    async fn shared_rests(&self) -> Option<Vec<u8>> {
        let bytes = JsFuture::from(shell::cached(&self.rests_url())).await.ok()?;
        Some(bytes.dyn_into::<Uint8Array>().ok()?.to_vec())
    }

    async fn share_rests(&self, bytes: Vec<u8>, seconds: u64) {
        // What cannot be told is found out by each isolate.
        let _ = JsFuture::from(shell::cache(&self.rests_url(), &bytes, seconds as u32)).await;
    }

    fn secret_bytes(&self) -> Result<[u8; 24]> {
        web::secret_bytes()
    }
}
