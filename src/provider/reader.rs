//! Reads a streamed answer: bytes in from the upstream, bytes out for the client, whatever the network cut them into.

use super::{ChatStream, Notes, Provider};
use crate::error::{Error, Kind, Result};
use crate::frame::{Decoder, Event};
use crate::openai::ChunkWriter;

/// A streamed answer that is being read.
pub struct StreamReader {
    decoder: Decoder,
    stream: Box<dyn ChatStream>,
    out: ChunkWriter,
    provider: String,
}

impl StreamReader {
    /// Starts reading; `include_usage` is whether the client asked for the usage chunk.
    pub fn new(provider: &dyn Provider, notes: &Notes, include_usage: bool) -> Self {
        Self {
            decoder: Decoder::new(provider.framing()),
            stream: provider.chat_stream(notes),
            out: ChunkWriter::new(&notes.id, notes.created, &notes.model, include_usage),
            provider: notes.provider.clone(),
        }
    }

    /// Takes the next bytes of the upstream. All events in them are written to [`StreamReader::out`].
    ///
    /// # Errors
    ///
    /// An error inside of the stream, or bytes that are not the dialect's.
    pub fn push(&mut self, bytes: &[u8]) -> Result<()> {
        self.decoder.push(bytes);
        while let Some(event) = self.decoder.event()? {
            read(self.stream.as_mut(), &event, &mut self.out)?;
        }
        Ok(())
    }

    /// Says that the upstream has ended its stream.
    ///
    /// # Errors
    ///
    /// [`Kind::ApiConnection`] when its terminal event never came; else as [`StreamReader::push`].
    pub fn finish(&mut self) -> Result<()> {
        if let Some(event) = self.decoder.finish()? {
            // An event without its blank line may have been cut: an error in it is only that cut.
            let _ = read(self.stream.as_mut(), &event, &mut self.out);
        }
        if !self.out.is_ended() {
            self.stream.finish(&mut self.out);
        }
        if self.out.is_ended() { Ok(()) } else { Err(self.broken("the upstream's stream broke off before its end")) }
    }

    /// An error for a stream that broke.
    pub fn broken(&self, message: &str) -> Error {
        Error::upstream(Kind::ApiConnection, &self.provider, 502, message)
    }

    /// What the client gets.
    pub fn out(&mut self) -> &mut ChunkWriter {
        &mut self.out
    }
}

fn read(stream: &mut dyn ChatStream, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
    if event.data.is_empty() || out.is_ended() {
        return Ok(());
    }
    stream.event(event, out)
}
