//! Bytes to events and back: how an upstream cuts its stream, whatever the network cut it into.

mod buffer;
mod event_stream;
mod json_lines;
mod sse;

pub use event_stream::{EventStream, FAILURE, WrappedSse};
pub use json_lines::JsonLines;
pub use sse::Sse;

use crate::error::Result;

/// How a dialect cuts a stream into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
    /// AWS's binary frames.
    EventStream,
    /// Server-sent events in the payloads of AWS's frames.
    WrappedSse,
    /// JSON objects, one on each line.
    JsonLines,
}

/// The longest event, in bytes, that is taken from an upstream: one that carries a generated image fits.
pub const LONGEST_EVENT: usize = 16 << 20;

/// One event of an upstream's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// The event's name; empty where it has none.
    pub name: &'a str,
    /// Its data. Lines of a multi-line event are joined by `\n`.
    pub data: &'a str,
    /// The event as it came, with the blank line that ends it.
    pub raw: &'a [u8],
}

/// Collects bytes and gives events; a part of an event is kept until the rest comes.
#[derive(Debug)]
pub enum Decoder {
    /// Server-sent events.
    Sse(Sse),
    /// AWS's binary frames.
    EventStream(EventStream),
    /// Server-sent events in the payloads of AWS's frames.
    WrappedSse(Box<WrappedSse>),
    /// JSON objects, one on each line.
    JsonLines(JsonLines),
}

impl Decoder {
    /// An empty decoder.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(Sse::new()),
            Framing::EventStream => Self::EventStream(EventStream::new()),
            Framing::WrappedSse => Self::WrappedSse(Box::default()),
            Framing::JsonLines => Self::JsonLines(JsonLines::new()),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(sse) => sse.push(bytes),
            Self::EventStream(frames) => frames.push(bytes),
            Self::WrappedSse(sse) => sse.push(bytes),
            Self::JsonLines(lines) => lines.push(bytes),
        }
    }

    /// The next whole event, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// An event over [`LONGEST_EVENT`], one that is not UTF-8, or a frame that came to harm.
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        match self {
            Self::Sse(sse) => sse.event(),
            Self::EventStream(frames) => frames.event(),
            Self::WrappedSse(sse) => sse.event(),
            Self::JsonLines(lines) => lines.event(),
        }
    }

    /// What is left when the stream has ended: an event whose closing blank line never came.
    ///
    /// # Errors
    ///
    /// As [`Decoder::event`].
    pub fn finish(&mut self) -> Result<Option<Event<'_>>> {
        match self {
            Self::Sse(sse) => sse.finish(),
            // What is left of a frame tells nothing.
            Self::EventStream(_) => Ok(None),
            Self::WrappedSse(sse) => sse.finish(),
            Self::JsonLines(lines) => lines.finish(),
        }
    }
}
