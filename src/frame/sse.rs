//! Server-sent events, decoded incrementally: <https://html.spec.whatwg.org/multipage/server-sent-events.html>.

use memchr::memchr2;

use super::buffer::Buffer;
use super::{Event, LONGEST_EVENT};
use crate::error::{Error, Kind, Result};

/// A decoder of server-sent events. Lines may end in LF, CRLF or CR, and may be cut anywhere.
#[derive(Debug, Default)]
pub struct Sse {
    buffer: Buffer,
    /// Joined data of a multi-line event.
    joined: String,
}

impl Sse {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// The next whole event, or `None` until more bytes come. An event that is only comments has no name and no data.
    ///
    /// # Errors
    ///
    /// An event over [`LONGEST_EVENT`], or one that is not UTF-8.
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        let Some(end) = self.find_end() else {
            if self.buffer.left() > LONGEST_EVENT {
                return Err(Error::new(Kind::BadGateway, "an event of the upstream's stream is over 16 MiB"));
            }
            return Ok(None);
        };
        let from = self.buffer.give(end);
        self.read(from, end).map(Some)
    }

    /// The event that the end of the stream cut off before its blank line, if there is one.
    ///
    /// # Errors
    ///
    /// As [`Sse::event`].
    pub fn finish(&mut self) -> Result<Option<Event<'_>>> {
        match self.buffer.give_rest() {
            Some((from, end)) => self.read(from, end).map(Some),
            None => Ok(None),
        }
    }

    /// Finds the end of the blank line that ends the event at `start`.
    fn find_end(&mut self) -> Option<usize> {
        let mut at = self.buffer.searched;
        loop {
            let rest = self.buffer.bytes.get(at..)?;
            let line_end = at + memchr2(b'\n', b'\r', rest)?;
            let (_, next) = self.line_break(line_end)?;
            // A blank line: this break stands where a line would start.
            let blank = line_end == self.buffer.start || self.is_line_start(line_end);
            if blank {
                return Some(next);
            }
            at = next;
            self.buffer.searched = at;
        }
    }

    /// Where the line break at `at` ends; `None` when a CR is the last byte, since an LF may follow.
    fn line_break(&self, at: usize) -> Option<(usize, usize)> {
        match (self.buffer.bytes.get(at)?, self.buffer.bytes.get(at + 1)) {
            (b'\r', Some(b'\n')) => Some((at, at + 2)),
            (b'\r', None) => None,
            _ => Some((at, at + 1)),
        }
    }

    /// Whether the byte before `at` ends a line.
    fn is_line_start(&self, at: usize) -> bool {
        at > self.buffer.start && matches!(self.buffer.bytes.get(at - 1), Some(b'\n' | b'\r'))
    }

    fn read(&mut self, from: usize, end: usize) -> Result<Event<'_>> {
        let text = std::str::from_utf8(self.buffer.bytes.get(from..end).unwrap_or_default())
            .map_err(|_| Error::new(Kind::BadGateway, "an event of the upstream's stream is not UTF-8"))?;
        let (mut name, mut data, mut count) = ("", "", 0_usize);
        for line in lines(text) {
            match field(line) {
                ("event", value) => name = value,
                ("data", value) => {
                    count += 1;
                    if count == 1 {
                        data = value;
                        continue;
                    }
                    if count == 2 {
                        self.joined.clear();
                        self.joined.push_str(data);
                    }
                    self.joined.push('\n');
                    self.joined.push_str(value);
                }
                _ => {}
            }
        }
        let data = if count > 1 { self.joined.as_str() } else { data };
        Ok(Event { name, data, raw: text.as_bytes() })
    }
}

/// The lines of an event's text, without their breaks.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r'])
}

/// Name and value of a line; one leading space of the value does not count.
fn field(line: &str) -> (&str, &str) {
    // A byte order mark may open a stream.
    let line = line.trim_start_matches('\u{feff}');
    match line.split_once(':') {
        Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
        None => (line, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> Vec<(String, String)> {
        let mut sse = Sse::new();
        let mut events = Vec::new();
        for piece in pieces {
            sse.push(piece);
            while let Some(event) = sse.event().unwrap() {
                if !event.data.is_empty() {
                    events.push((event.name.to_owned(), event.data.to_owned()));
                }
            }
        }
        if let Some(event) = sse.finish().unwrap() {
            events.push((event.name.to_owned(), event.data.to_owned()));
        }
        events
    }

    const STREAM: &[u8] =
        "\u{feff}data: first\n\n: ping\n\nevent: delta\r\ndata: {\"a\":1}\r\n\r\ndata:x\ndata: y\n\nid: 3\n\n\
        data: caf\u{e9} \u{1F600}\r\rdata: [DONE]\n\ndata: cut"
            .as_bytes();

    #[test]
    fn every_line_ending_and_field_is_read() {
        let want = [
            ("", "first"),
            ("delta", "{\"a\":1}"),
            ("", "x\ny"),
            ("", "caf\u{e9} \u{1F600}"),
            ("", "[DONE]"),
            ("", "cut"),
        ];
        let want: Vec<_> = want.iter().map(|(name, data)| ((*name).to_owned(), (*data).to_owned())).collect();
        assert_eq!(decode(&[STREAM]), want);
    }

    #[test]
    fn any_cut_gives_the_same_events() {
        let whole = decode(&[STREAM]);
        for at in 0..=STREAM.len() {
            assert_eq!(decode(&[&STREAM[..at], &STREAM[at..]]), whole, "cut at {at}");
        }
        let bytes: Vec<&[u8]> = STREAM.chunks(1).collect();
        assert_eq!(decode(&bytes), whole);
    }

    #[test]
    fn raw_bytes_of_all_events_are_the_stream() {
        let stream = b"event: a\ndata: 1\n\ndata: 2\n\n";
        let mut sse = Sse::new();
        sse.push(stream);
        let mut raw = Vec::new();
        while let Some(event) = sse.event().unwrap() {
            raw.extend_from_slice(event.raw);
        }
        assert_eq!(raw, stream);
    }

    #[test]
    fn what_is_not_utf8_or_too_long_is_an_error() {
        let mut sse = Sse::new();
        sse.push(b"data: \xff\n\n");
        assert!(sse.event().is_err());
        let mut sse = Sse::new();
        sse.push(b"data: ");
        for _ in 0..=(LONGEST_EVENT >> 20) {
            sse.push(&vec![b'x'; 1 << 20]);
        }
        assert!(sse.event().is_err());
    }
}
