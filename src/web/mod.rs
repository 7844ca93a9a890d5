//! What both shells do with the platform's fetch, headers, streams and random numbers.

pub(crate) mod shell;
mod stream;

use std::cell::RefCell;

use js_sys::Uint8Array;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use web_sys::{AbortController, AbortSignal, Request, Response};

use crate::error::{Error, Kind, Result};
use crate::gateway::{Reply, ReplyBody, Upstream};
use crate::http::{HttpHead, HttpRequest};
#[cfg(feature = "js")]
pub(crate) use stream::Pipe;
pub(crate) use stream::{AbortOnDrop, UpstreamBody, Waiter, channel};

/// Sends a request by `fetcher` (undefined: the platform's own fetch). When the future is dropped, the request is aborted.
///
/// # Errors
///
/// No answer came.
pub(crate) async fn send(fetcher: &JsValue, request: HttpRequest) -> Result<Upstream<UpstreamBody>> {
    let unreachable = || Error::new(Kind::ApiConnection, "the upstream could not be reached");
    let controller = AbortController::new().map_err(|_| unreachable())?;
    let sent = shell::send(fetcher, request, &controller.signal());
    let abort = AbortOnDrop(Some(controller));
    let response = JsFuture::from(sent).await.map_err(|_| unreachable())?;
    let response: Response = response.unchecked_into();
    let head = HttpHead { status: response.status(), headers: shell::headers(&response.headers()) };
    let body = UpstreamBody::new(response.into(), &head.headers, abort);
    Ok(Upstream { head, body })
}

/// The name of the binding that an address asks (`binding:NAME/…`); `None` for any address of a network.
pub(crate) fn binding(url: &str) -> Option<&str> {
    url.strip_prefix("binding:")?.split('/').next()
}

/// The error where there is no binding of that name.
pub(crate) fn no_binding(name: &str) -> Error {
    let message = format!(
        "no API key, and no binding `{name}` here: set `api_key`, or deploy with [ai] in wrangler.toml (docs/providers.md)"
    );
    Error::new(Kind::Authentication, message)
}

/// Waits for a signal. A promise that is never kept would never be freed, and most clients stay: so it listens, until it is
/// dropped.
struct Listening<'s> {
    signal: &'s AbortSignal,
    waiter: Waiter,
}

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        shell::unlisten(self.signal, self.waiter.ok());
        self.waiter.forget();
    }
}

/// Returns when the client whose request has this signal has left.
pub(crate) async fn left(signal: &AbortSignal) {
    if signal.aborted() {
        return;
    }
    let mut listening = Listening { signal, waiter: Waiter::new() };
    listening.waiter.begin(|ok, _| shell::listen(signal, ok));
    // It never fails.
    let _ = listening.waiter.settled().await;
}

/// Signs with RSASSA-PKCS1-v1_5 over SHA-256.
///
/// # Errors
///
/// The key is no RSA key in PKCS#8.
pub(crate) async fn sign_rs256(key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
    let refused = || Error::new(Kind::Authentication, "the private key is no RSA key that this platform can read");
    let signed = JsFuture::from(shell::sign_rs256(key, message)).await.map_err(|_| refused())?;
    Ok(signed.dyn_into::<Uint8Array>().map_err(|_| refused())?.to_vec())
}

/// A client's request: its head, and its body, still to be read.
pub(crate) fn read_request(request: Request) -> (HttpRequest, UpstreamBody) {
    let headers = shell::headers(&request.headers());
    let head = HttpRequest { method: request.method(), url: request.url(), headers, body: Vec::new() };
    let body = UpstreamBody::new(request.into(), &head.headers, AbortOnDrop(None));
    (head, body)
}

/// A whole answer; the empty body of a stream.
///
/// # Errors
///
/// What the platform refuses: a status outside 200 to 599.
pub(crate) fn whole<B>(reply: &Reply<B>) -> std::result::Result<Response, JsValue> {
    let body: &[u8] = if let ReplyBody::Whole(bytes) = &reply.body { bytes } else { &[] };
    shell::respond(body, reply.status, &reply.headers)
}

/// How many bytes of randomness are drawn together.
const DRAWN: usize = 512;

thread_local! {
    /// Bytes that were drawn, and how many of them are left: a draw is a crossing, and a request needs several numbers.
    static RANDOM: RefCell<([u8; DRAWN], usize)> = const { RefCell::new(([0; DRAWN], 0)) };
}

/// A number that is uniform over all of `u64`; `otherwise` where the platform has no randomness: nothing secret hangs on it.
pub(crate) fn random(otherwise: u64) -> u64 {
    RANDOM.with_borrow_mut(|(bytes, left)| {
        if *left == 0 {
            #[expect(clippy::disallowed_methods, reason = "this is the hosts'")]
            if getrandom::fill(bytes).is_err() {
                return otherwise.wrapping_mul(0x9e37_79b9_7f4a_7c15);
            }
            *left = DRAWN;
        }
        let number = bytes.get(..*left).and_then(|rest| rest.last_chunk());
        *left = left.saturating_sub(8);
        number.map_or(otherwise, |number| u64::from_le_bytes(*number))
    })
}

/// Random bytes that nobody can guess.
///
/// # Errors
///
/// The platform has none.
pub(crate) fn secret_bytes() -> Result<[u8; 24]> {
    let mut bytes = [0; 24];
    #[expect(clippy::disallowed_methods, reason = "this is the hosts'")]
    match getrandom::fill(&mut bytes) {
        Ok(()) => Ok(bytes),
        Err(_) => Err(Error::new(Kind::InternalServer, "the platform has no random numbers")),
    }
}
