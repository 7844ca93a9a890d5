//! [`Host`] on Workers: fetch, the clock, randomness, variables and the log of the platform.

use std::time::Duration;

use serde_json::Value;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::{Promise, Uint8Array};
use worker::{Env, web_sys};

use super::stream::{AbortOnDrop, UpstreamBody};
use super::{CONFIG_CACHE_SECONDS, CONFIG_KEY, KV, PRICES_KEY, objects};
use crate::error::{Error, Kind, Result};
use crate::gateway::{Host, Upstream};
use crate::http::{Headers, HttpHead, HttpRequest};
use crate::keys::directory::{self, RecordKind};
use crate::keys::ledger::{self, ScopeId};

/// How long KV's own cache may answer for the copy of a record, in seconds: its least. What costs money passes the ledger,
/// which knows at once.
const COPY_CACHE_SECONDS: u64 = 30;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_name = fetch)]
    fn global_fetch(url: &str, init: &web_sys::RequestInit) -> Promise;
}

/// The host of one request.
pub(super) struct Worker {
    env: Env,
    /// Aborted when the client leaves (compatibility flag `enable_request_signal`).
    signal: web_sys::AbortSignal,
}

impl Worker {
    pub(super) fn new(env: Env, signal: web_sys::AbortSignal) -> Self {
        Self { env, signal }
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
        let init = init(&request, &controller).map_err(|_| unreachable())?;
        let abort = AbortOnDrop(Some(controller));
        let response = JsFuture::from(global_fetch(&request.url, &init)).await.map_err(|_| unreachable())?;
        let response: web_sys::Response = response.unchecked_into();
        let headers: Headers = worker::Headers(response.headers()).entries().collect();
        let head = HttpHead { status: response.status(), headers };
        Ok(Upstream { head, body: UpstreamBody::of_response(&response, abort) })
    }

    async fn client_gone(&self) {
        if self.signal.aborted() {
            return;
        }
        let left = Promise::new(&mut |resolve, _| self.signal.set_onabort(Some(&resolve)));
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

    fn secret_bytes(&self) -> Result<[u8; 24]> {
        let mut bytes = [0; 24];
        #[expect(clippy::disallowed_methods, reason = "this is the host")]
        match getrandom::fill(&mut bytes) {
            Ok(()) => Ok(bytes),
            Err(_) => Err(Error::new(Kind::InternalServer, "the platform has no random numbers")),
        }
    }
}

fn init(request: &HttpRequest, controller: &web_sys::AbortController) -> Result<web_sys::RequestInit, JsValue> {
    let headers = web_sys::Headers::new()?;
    for (name, value) in request.headers.iter() {
        headers.append(name, value)?;
    }
    // A compressed stream would be held back until a block of it is full.
    headers.set("accept-encoding", "identity")?;
    let init = web_sys::RequestInit::new();
    init.set_method(&request.method);
    init.set_headers(&headers);
    init.set_signal(Some(&controller.signal()));
    // A redirect would carry the credential to wherever it points.
    init.set_redirect(web_sys::RequestRedirect::Manual);
    if !request.body.is_empty() {
        init.set_body(&Uint8Array::from(request.body.as_slice()));
    }
    Ok(init)
}
