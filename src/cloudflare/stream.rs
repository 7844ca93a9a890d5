//! Bodies that are read and streams that are written, over the platform's own: one promise a read, one a write.
//!
//! Measured on workerd: a stream that Rust hands to JavaScript (`from_stream`) costs five times the platform's own pass; an
//! `IdentityTransformStream`, whose readable side is native, costs about three.

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;

use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;
use worker::js_sys::{Array, Promise, Uint8Array};
use worker::web_sys;

use crate::error::{Error, Kind, Result};
use crate::gateway::{Body, Gone, Sink};

#[wasm_bindgen]
extern "C" {
    type ReadResult;
    #[wasm_bindgen(method, getter)]
    fn done(this: &ReadResult) -> bool;
    #[wasm_bindgen(method, getter)]
    fn value(this: &ReadResult) -> Uint8Array;

    type Reader;
    #[wasm_bindgen(method)]
    fn read(this: &Reader) -> Promise;

    type Readable;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &Readable) -> Result<Reader, JsValue>;

    type Writer;
    #[wasm_bindgen(method)]
    fn write(this: &Writer, bytes: &Uint8Array) -> Promise;
    #[wasm_bindgen(method)]
    fn close(this: &Writer) -> Promise;
    #[wasm_bindgen(method, getter)]
    fn closed(this: &Writer) -> Promise;

    type Writable;
    #[wasm_bindgen(method, catch, js_name = getWriter)]
    fn get_writer(this: &Writable) -> Result<Writer, JsValue>;

    type IdentityTransformStream;
    #[wasm_bindgen(constructor, catch)]
    fn new() -> Result<IdentityTransformStream, JsValue>;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &IdentityTransformStream) -> web_sys::ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writable(this: &IdentityTransformStream) -> Writable;
}

/// Aborts a fetch when dropped, unless its body was read to the end.
pub(super) struct AbortOnDrop(pub(super) Option<web_sys::AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

/// The body of a client's request or of an upstream's answer.
pub(super) struct UpstreamBody {
    reader: Option<Reader>,
    abort: AbortOnDrop,
}

impl UpstreamBody {
    /// The body of a client's request.
    pub(super) fn of_request(request: &web_sys::Request) -> Self {
        Self { reader: reader(request.body()), abort: AbortOnDrop(None) }
    }

    /// The body of an upstream's answer.
    pub(super) fn of_response(response: &web_sys::Response, abort: AbortOnDrop) -> Self {
        Self { reader: reader(response.body()), abort }
    }
}

fn reader(stream: Option<web_sys::ReadableStream>) -> Option<Reader> {
    stream?.unchecked_into::<Readable>().get_reader().ok()
}

impl Body for UpstreamBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        let Some(reader) = &self.reader else {
            self.abort.0 = None;
            return Ok(None);
        };
        match JsFuture::from(reader.read()).await {
            Ok(result) => {
                let result: ReadResult = result.unchecked_into();
                if result.done() {
                    self.reader = None;
                    self.abort.0 = None;
                    return Ok(None);
                }
                Ok(Some(result.value().to_vec()))
            }
            // The platform's words may hold a URL: they are not handed on.
            Err(_) => Err(Error::new(Kind::ApiConnection, "the connection broke")),
        }
    }
}

/// The writing end of a streamed answer.
pub(super) struct ClientSink {
    writer: Writer,
    /// Settles when the client has left. Made once, so that watching it costs nothing for each chunk.
    closed: RefCell<Pin<Box<JsFuture>>>,
}

/// A pipe to the client, who has left when `signal` is aborted: what is written to the sink comes out of the stream.
pub(super) fn channel(signal: &web_sys::AbortSignal) -> worker::Result<(ClientSink, web_sys::ReadableStream)> {
    let pipe = IdentityTransformStream::new()?;
    let writer = pipe.writable().get_writer()?;
    // The writer alone learns of it only when it writes, and an upstream may be silent for long.
    let left = if signal.aborted() {
        Promise::reject(&JsValue::NULL)
    } else {
        Promise::new(&mut |_, reject| signal.set_onabort(Some(&reject)))
    };
    let closed = Promise::race(&Array::of2(&writer.closed(), &left));
    let closed = RefCell::new(Box::pin(JsFuture::from(closed)));
    Ok((ClientSink { writer, closed }, pipe.readable()))
}

impl ClientSink {
    /// Ends the answer.
    pub(super) async fn close(self) {
        // A client that has left needs no end.
        let _ = JsFuture::from(self.writer.close()).await;
    }
}

impl Sink for ClientSink {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        let bytes = Uint8Array::from(bytes.as_slice());
        JsFuture::from(self.writer.write(&bytes)).await.map(|_| ()).map_err(|_| Gone)
    }

    async fn gone(&self) {
        let settled = poll_fn(|context| self.closed.borrow_mut().as_mut().poll(context)).await;
        if settled.is_ok() {
            // Closed by ourselves, not by the client.
            pending::<()>().await;
        }
    }
}
