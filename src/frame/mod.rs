//! Bytes to events and back: how an upstream cuts its stream, whatever the network cut it into.

mod sse;

pub use sse::Sse;

use crate::error::Result;

/// How a dialect cuts a stream into events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events.
    Sse,
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
}

impl Decoder {
    /// An empty decoder.
    pub fn new(framing: Framing) -> Self {
        match framing {
            Framing::Sse => Self::Sse(Sse::new()),
        }
    }

    /// Takes the next bytes of the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        match self {
            Self::Sse(sse) => sse.push(bytes),
        }
    }

    /// The next whole event, or `None` until more bytes come.
    ///
    /// # Errors
    ///
    /// An event over [`LONGEST_EVENT`], or one that is not UTF-8.
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        match self {
            Self::Sse(sse) => sse.event(),
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
        }
    }
}
