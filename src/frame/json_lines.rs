//! JSON objects, one on each line, decoded incrementally: what Ollama calls a stream (<https://github.com/ndjson/ndjson-spec>).

use memchr::memchr;

use super::buffer::Buffer;
use super::{Event, LONGEST_EVENT};
use crate::error::{Error, Kind, Result};

/// A decoder of lines. They end in LF or CRLF, and may be cut anywhere; what is in them is the dialect's to read.
#[derive(Debug, Default)]
pub struct JsonLines {
    buffer: Buffer,
}

impl JsonLines {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// The next whole line, or `None` until more bytes come. A blank line has no data.
    ///
    /// # Errors
    ///
    /// A line over [`LONGEST_EVENT`], or one that is not UTF-8.
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        let Some(at) = self.buffer.bytes.get(self.buffer.searched..).and_then(|rest| memchr(b'\n', rest)) else {
            self.buffer.searched = self.buffer.bytes.len();
            if self.buffer.left() > LONGEST_EVENT {
                return Err(Error::new(Kind::BadGateway, "a line of the upstream's stream is over 16 MiB"));
            }
            return Ok(None);
        };
        let end = self.buffer.searched + at + 1;
        let from = self.buffer.give(end);
        self.read(from, end).map(Some)
    }

    /// The line that the end of the stream left without its break, if there is one.
    ///
    /// # Errors
    ///
    /// As [`JsonLines::event`].
    pub fn finish(&mut self) -> Result<Option<Event<'_>>> {
        match self.buffer.give_rest() {
            Some((from, end)) => self.read(from, end).map(Some),
            None => Ok(None),
        }
    }

    fn read(&self, from: usize, end: usize) -> Result<Event<'_>> {
        let raw = self.buffer.bytes.get(from..end).unwrap_or_default();
        let data = std::str::from_utf8(raw)
            .map_err(|_| Error::new(Kind::BadGateway, "a line of the upstream's stream is not UTF-8"))?;
        Ok(Event { name: "", data: data.trim_matches(['\r', '\n', ' ', '\t', '\u{feff}']), raw })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<String> {
        let mut lines = JsonLines::new();
        let mut all = Vec::new();
        for piece in pieces {
            lines.push(piece);
            while let Some(event) = lines.event().unwrap() {
                all.push(event.data.to_owned());
            }
        }
        if let Some(event) = lines.finish().unwrap() {
            all.push(event.data.to_owned());
        }
        all
    }

    const STREAM: &[u8] =
        "\u{feff}{\"a\":1}\n\n{\"b\":\"caf\u{e9} \u{1F600}\"}\r\n {\"c\":\"\\n\"} \n{\"cut\"".as_bytes();

    #[test]
    fn every_line_is_one_event() {
        let want = ["{\"a\":1}", "", "{\"b\":\"caf\u{e9} \u{1F600}\"}", "{\"c\":\"\\n\"}", "{\"cut\""];
        assert_eq!(decode(&[STREAM]), want);
    }

    #[test]
    fn any_cut_gives_the_same_lines() {
        let whole = decode(&[STREAM]);
        for at in 0..=STREAM.len() {
            assert_eq!(decode(&[&STREAM[..at], &STREAM[at..]]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(decode(&bytes), whole);
    }

    #[test]
    fn what_is_not_utf8_or_too_long_is_an_error() {
        let mut lines = JsonLines::new();
        lines.push(b"\xff\n");
        assert!(lines.event().is_err());
        let mut lines = JsonLines::new();
        for _ in 0..(LONGEST_EVENT >> 20) {
            lines.push(&vec![b'x'; 1 << 20]);
        }
        assert!(lines.event().is_ok_and(|event| event.is_none()), "16 MiB are taken");
        lines.push(b"x");
        assert!(lines.event().is_err());
    }
}
