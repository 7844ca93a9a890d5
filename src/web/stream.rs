//! Bodies that are read and streams that are written, over the platform's own: one promise a read, one a write.
//!
//! Measured on workerd: a stream that Rust hands to JavaScript (`from_stream`) costs five times the platform's own pass; an
//! `IdentityTransformStream`, whose readable side is native, costs about three.

use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::task::{Poll, Waker};

use js_sys::{Array, Promise, Uint8Array};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use super::shell;
use crate::error::{Error, Kind, Result};
use crate::gateway::{Body, Gone, Sink};
use crate::http::Headers;

#[wasm_bindgen]
extern "C" {
    pub(crate) type Reader;

    /// A request or a response.
    #[derive(Clone)]
    pub(crate) type Message;
    #[wasm_bindgen(method, getter)]
    fn body(this: &Message) -> Option<Readable>;

    type Readable;
    #[wasm_bindgen(method, catch, js_name = getReader)]
    fn get_reader(this: &Readable) -> Result<Reader, JsValue>;

    type Writer;
    #[wasm_bindgen(method)]
    fn write(this: &Writer, bytes: &Uint8Array) -> Then;
    #[wasm_bindgen(method)]
    fn close(this: &Writer) -> Then;
    #[cfg(feature = "js")]
    #[wasm_bindgen(method)]
    fn abort(this: &Writer) -> Then;
    #[wasm_bindgen(method, getter)]
    fn closed(this: &Writer) -> Then;

    /// A stream, and the writer whose pieces come out of it.
    pub(crate) type Pipe;
    #[wasm_bindgen(method, getter)]
    fn readable(this: &Pipe) -> web_sys::ReadableStream;
    #[wasm_bindgen(method, getter)]
    fn writer(this: &Pipe) -> Writer;

    type Then;
    #[wasm_bindgen(method)]
    fn then(this: &Then, ok: &JsValue, failed: &JsValue) -> Then;
}

type Callback = Closure<dyn FnMut(JsValue)>;

/// What a promise came to, and who waits for it.
#[derive(Default)]
struct Slot {
    settled: Option<Result<JsValue, ()>>,
    waker: Option<Waker>,
    /// Nobody will ask any more.
    left: bool,
    /// They hold this slot and it holds them, so that a promise may settle after its waiter is gone.
    callbacks: Option<(Callback, Callback)>,
}

/// Waits for promises, one after the other, with the same two callbacks: making new ones costs more than the wait.
pub(crate) struct Waiter {
    slot: Rc<RefCell<Slot>>,
    ok: JsValue,
    failed: JsValue,
    /// A promise is under way, or what it came to is not taken yet.
    waiting: bool,
}

impl Waiter {
    pub(crate) fn new() -> Self {
        let slot = Rc::new(RefCell::new(Slot::default()));
        let (ok_slot, failed_slot) = (slot.clone(), slot.clone());
        let ok = Closure::new(move |value| settle(&ok_slot, Ok(value)));
        let failed = Closure::new(move |_| settle(&failed_slot, Err(())));
        let (to_ok, to_failed) = (ok.as_ref().clone(), failed.as_ref().clone());
        slot.borrow_mut().callbacks = Some((ok, failed));
        Self { slot, ok: to_ok, failed: to_failed, waiting: false }
    }

    /// Lets `start` give a promise to the two callbacks. The one before must have been waited for.
    pub(crate) fn begin(&mut self, start: impl FnOnce(&JsValue, &JsValue)) {
        self.waiting = true;
        start(&self.ok, &self.failed);
    }

    /// Waits for the promise that is under way, if there is one. When this is dropped before its end, the next call goes on
    /// with the same promise.
    pub(crate) async fn settled(&mut self) -> Result<JsValue, ()> {
        if !self.waiting {
            return Ok(JsValue::UNDEFINED);
        }
        let result = poll_fn(|context| {
            let mut slot = self.slot.borrow_mut();
            let Some(result) = slot.settled.take() else {
                slot.waker = Some(context.waker().clone());
                return Poll::Pending;
            };
            Poll::Ready(result)
        })
        .await;
        self.waiting = false;
        result
    }
}

impl Waiter {
    /// Says that whoever was given the two callbacks calls neither any more: they are freed with this.
    pub(crate) fn forget(&mut self) {
        self.waiting = false;
    }

    /// What is called when it is over.
    pub(crate) fn ok(&self) -> &JsValue {
        &self.ok
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut slot = self.slot.borrow_mut();
        slot.left = true;
        let callbacks = if self.waiting && slot.settled.is_none() { None } else { slot.callbacks.take() };
        drop(slot);
        drop(callbacks);
    }
}

fn settle(slot: &RefCell<Slot>, result: Result<JsValue, ()>) {
    let mut slot = slot.borrow_mut();
    slot.settled = Some(result);
    let waker = slot.waker.take();
    let callbacks = if slot.left { slot.callbacks.take() } else { None };
    drop(slot);
    waker.into_iter().for_each(Waker::wake);
    drop(callbacks);
}

/// Aborts a fetch when dropped, unless its body was read to the end.
pub(crate) struct AbortOnDrop(pub(crate) Option<web_sys::AbortController>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        if let Some(controller) = self.0.take() {
            controller.abort();
        }
    }
}

/// How a body is read: not yet, in pieces, or not any more.
enum Reading {
    Untouched(Message),
    /// The message is held as long as it is read: the shell takes one that is collected for one that nobody reads.
    Pieces {
        _message: Message,
        reader: Reader,
        waiter: Waiter,
    },
    Ended,
}

/// The body of a client's request or of an upstream's answer.
pub(crate) struct UpstreamBody {
    reading: Reading,
    /// The length that the message tells, where that is the length of what is read.
    told: Option<usize>,
    abort: AbortOnDrop,
}

impl UpstreamBody {
    /// The body of a message with such header fields; a client's request has nothing to abort.
    pub(crate) fn new(message: JsValue, headers: &Headers, abort: AbortOnDrop) -> Self {
        // What is unpacked on its way has another length.
        let plain = headers.get("content-encoding").is_none();
        let told = headers.get("content-length").filter(|_| plain).and_then(|length| length.parse().ok());
        Self { reading: Reading::Untouched(message.unchecked_into()), told, abort }
    }

    fn end(&mut self) {
        self.reading = Reading::Ended;
        self.abort.0 = None;
    }
}

/// The platform's words may hold a URL: they are not handed on.
fn broken() -> Error {
    Error::new(Kind::ApiConnection, "the connection broke")
}

impl Body for UpstreamBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        if let Reading::Untouched(message) = &self.reading {
            let (reader, message) = (message.body().and_then(|stream| stream.get_reader().ok()), message.clone());
            let pieces = |reader| Reading::Pieces { _message: message, reader, waiter: Waiter::new() };
            self.reading = reader.map_or(Reading::Ended, pieces);
        }
        let Reading::Pieces { reader, waiter, .. } = &mut self.reading else {
            self.end();
            return Ok(None);
        };
        if !waiter.waiting {
            waiter.begin(|ok, failed| shell::read(reader, ok, failed));
        }
        let piece = waiter.settled().await.map_err(|()| broken())?;
        if piece.is_undefined() {
            self.end();
            return Ok(None);
        }
        Ok(Some(piece.unchecked_into::<Uint8Array>().to_vec()))
    }

    async fn whole(&mut self, bound: usize) -> Result<Option<Vec<u8>>> {
        if self.told.is_some_and(|length| length > bound) {
            return Ok(None);
        }
        let Reading::Untouched(message) = &self.reading else {
            self.end();
            return Ok(Some(Vec::new()));
        };
        let whole = shell::whole(message, bound, self.told.is_some());
        let bytes = JsFuture::from(whole).await.map_err(|_| broken())?;
        if bytes.is_undefined() {
            return Ok(None);
        }
        self.end();
        Ok(Some(bytes.unchecked_into::<Uint8Array>().to_vec()))
    }
}

/// The writing end of a streamed answer.
pub(crate) struct ClientSink {
    writer: Writer,
    writing: Waiter,
    /// Settles when the client has left. Made once, so that watching it costs nothing for each chunk.
    closed: RefCell<Waiter>,
}

/// The two ends of a pipe to the client, who has left when `signal` is aborted: what is written to the sink comes out of the
/// stream.
pub(crate) fn channel(pipe: &Pipe, signal: &web_sys::AbortSignal) -> (ClientSink, web_sys::ReadableStream) {
    let writer = pipe.writer();
    // The writer alone learns of it only when it writes, and an upstream may be silent for long.
    let left = if signal.aborted() {
        Promise::reject(&JsValue::NULL)
    } else {
        Promise::new(&mut |_, reject| signal.set_onabort(Some(&reject)))
    };
    let settled: Then = Promise::race(&Array::of2(&writer.closed(), &left)).unchecked_into();
    let mut closed = Waiter::new();
    closed.begin(|ok, failed| drop(settled.then(ok, failed)));
    (ClientSink { writer, writing: Waiter::new(), closed: RefCell::new(closed) }, pipe.readable())
}

impl ClientSink {
    /// Breaks the answer off: who still reads it does not take it for whole.
    #[cfg(feature = "js")]
    pub(crate) async fn abort(self) {
        let _ = JsFuture::from(self.writer.abort().unchecked_into::<Promise>()).await;
    }

    /// Ends the answer.
    pub(crate) async fn close(mut self) {
        // A client that has left needs no end.
        let _ = self.flush().await;
        let _ = JsFuture::from(self.writer.close().unchecked_into::<Promise>()).await;
    }
}

impl Sink for ClientSink {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        // One piece is under way while the next is read: nobody is woken only to hear that it has arrived.
        self.flush().await?;
        let bytes = Uint8Array::from(bytes.as_slice());
        let writer = &self.writer;
        self.writing.begin(|ok, failed| drop(writer.write(&bytes).then(ok, failed)));
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.writing.settled().await.map(|_| ()).map_err(|()| Gone)
    }

    #[expect(clippy::await_holding_refcell_ref, reason = "nothing else borrows it")]
    async fn gone(&self) {
        if self.closed.borrow_mut().settled().await.is_ok() {
            // Closed by ourselves, not by the client.
            pending::<()>().await;
        }
    }
}
