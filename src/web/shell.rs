//! The JavaScript beside this file: whole steps in one crossing, with header fields as one text.

use js_sys::{Promise, Uint8Array};
use wasm_bindgen::prelude::*;

use super::stream::{Message, Reader};
use crate::http::{Headers, HttpRequest};

#[wasm_bindgen(module = "/src/web/shell.js")]
extern "C" {
    #[wasm_bindgen(js_name = fields)]
    fn fields_of(headers: &web_sys::Headers) -> String;

    #[wasm_bindgen(catch, js_name = respond)]
    fn respond_with(body: &JsValue, status: u16, fields: &str) -> Result<web_sys::Response, JsValue>;

    #[wasm_bindgen(js_name = send)]
    fn send_with(
        fetcher: &JsValue,
        url: &str,
        method: &str,
        fields: &str,
        body: &JsValue,
        signal: &web_sys::AbortSignal,
    ) -> Promise;

    /// Reads the body of a request or a response to its end; undefined when it has more bytes than the bound.
    pub(crate) fn whole(message: &Message, bound: usize, told: bool) -> Promise;

    /// A fetcher that asks the AI binding of that name; undefined where the Worker has none.
    pub(crate) fn bound(env: &JsValue, name: &str) -> JsValue;

    /// A gzipped file of the assets, unpacked; undefined where it is missing.
    pub(crate) fn unpacked(assets: &JsValue, path: &str) -> Promise;

    /// The platform's own pipe, whose writer waits for its reader.
    #[cfg(feature = "worker")]
    #[wasm_bindgen(catch)]
    pub(crate) fn pipe() -> Result<super::stream::Pipe, JsValue>;

    /// Signs with a private RSA key (PKCS#8); the promise is of bytes, and fails for what is no such key.
    #[wasm_bindgen(js_name = signRs256)]
    pub(crate) fn sign_rs256(key: &[u8], message: &[u8]) -> Promise;

    /// The bytes that this data centre's cache holds under a URL; undefined where it has none.
    pub(crate) fn cached(url: &str) -> Promise;

    /// Puts bytes into this data centre's cache for so many seconds.
    pub(crate) fn cache(url: &str, bytes: &[u8], seconds: u32) -> Promise;

    /// Calls back when a signal is aborted.
    pub(crate) fn listen(signal: &web_sys::AbortSignal, told: &JsValue);

    /// Does not call that back any more.
    pub(crate) fn unlisten(signal: &web_sys::AbortSignal, told: &JsValue);

    /// Reads the next piece of a stream: one of the callbacks is called.
    pub(crate) fn read(reader: &Reader, ok: &JsValue, failed: &JsValue);
}

/// The fields of the platform's headers.
pub(crate) fn headers(headers: &web_sys::Headers) -> Headers {
    let text = fields_of(headers);
    let mut lines = text.split('\n');
    std::iter::from_fn(|| lines.next().zip(lines.next())).collect()
}

/// Header fields as one text. A value that HTTP cannot carry is left out rather than failing the message.
fn text(headers: &Headers) -> String {
    let mut text = String::new();
    for (name, value) in headers.iter().filter(|(_, value)| !value.contains(['\n', '\r', '\0'])) {
        for part in [name, "\n", value, "\n"] {
            text.push_str(part);
        }
    }
    text
}

/// An answer of bytes; none of them, where the status allows no body.
///
/// # Errors
///
/// What the platform refuses: a status outside 200 to 599.
pub(crate) fn respond(body: &[u8], status: u16, headers: &Headers) -> Result<web_sys::Response, JsValue> {
    let body = if body.is_empty() { JsValue::NULL } else { Uint8Array::from(body).into() };
    respond_with(&body, status, &text(headers))
}

/// An answer that comes as a stream.
///
/// # Errors
///
/// As [`respond`].
pub(crate) fn stream(
    body: &web_sys::ReadableStream,
    status: u16,
    headers: &Headers,
) -> Result<web_sys::Response, JsValue> {
    respond_with(body, status, &text(headers))
}

/// Sends a request by `fetcher` (undefined: the platform's own fetch); the promise is of a response.
pub(crate) fn send(fetcher: &JsValue, mut request: HttpRequest, signal: &web_sys::AbortSignal) -> Promise {
    let body = if request.body.is_empty() { JsValue::NULL } else { Uint8Array::from(request.body.as_slice()).into() };
    // A compressed stream would be held back until a block of it is full.
    request.headers.set("accept-encoding", "identity");
    send_with(fetcher, &request.url, &request.method, &text(&request.headers), &body, signal)
}
