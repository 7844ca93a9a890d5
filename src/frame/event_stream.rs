//! AWS's binary event stream (`application/vnd.amazon.eventstream`):
//! <https://smithy.io/2.0/aws/amazon-eventstream.html>.
//!
//! A frame is its length, its headers' length and a CRC32 of these two; headers; a payload; and a CRC32 of all before.

use super::buffer::Buffer;
use super::{Event, LONGEST_EVENT, Sse};
use crate::error::{Error, Kind, Result};

/// What stands before the name of an event that is an exception or an error, whatever its type: a dialect ignores
/// events that it does not know, and must not ignore these.
pub const FAILURE: char = '!';

/// The two lengths and their checksum, in bytes.
const PRELUDE: usize = 12;
/// The checksum at the end, in bytes.
const CHECKSUM: usize = 4;

/// A decoder of frames, which may be cut anywhere.
#[derive(Debug, Default)]
pub struct EventStream {
    buffer: Buffer,
    /// The name of the event that is given.
    name: String,
    /// Its data, where the payload has none.
    text: String,
}

/// A whole frame; its places are those in the buffer.
struct Frame {
    start: usize,
    payload: usize,
    end: usize,
}

impl EventStream {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    /// The next whole event, or `None` until more bytes come: its type, and its payload.
    ///
    /// # Errors
    ///
    /// A wrong checksum or length, headers that cannot be read, a payload that is not UTF-8.
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        let Some(frame) = self.frame()? else { return Ok(None) };
        let payload = std::str::from_utf8(self.payload(&frame)).map_err(|_| broken("an event that is not UTF-8"))?;
        let data = if payload.is_empty() { self.text.as_str() } else { payload };
        let raw = self.buffer.bytes.get(frame.start..frame.end).unwrap_or_default();
        Ok(Some(Event { name: &self.name, data, raw }))
    }

    /// Takes the next whole frame, and keeps what its headers say.
    fn frame(&mut self) -> Result<Option<Frame>> {
        let start = self.buffer.start;
        let rest = self.buffer.bytes.get(start..).unwrap_or_default();
        let (Some(length), Some(headers), Some(check)) = (number(rest, 0), number(rest, 4), number(rest, 8)) else {
            return Ok(None);
        };
        // Before a length is believed: a wrong one would wait for bytes that never come.
        if crc32(rest.get(..8).unwrap_or_default()) != check {
            return Err(broken("a frame with a wrong checksum"));
        }
        let (length, headers) = (length as usize, headers as usize);
        let least = PRELUDE.saturating_add(headers).saturating_add(CHECKSUM);
        if length < least || length > LONGEST_EVENT {
            return Err(broken("a frame of a wrong length"));
        }
        let Some(frame) = rest.get(..length) else { return Ok(None) };
        let (checked, check) = frame.split_at_checked(length - CHECKSUM).unwrap_or_default();
        if number(check, 0) != Some(crc32(checked)) {
            return Err(broken("a frame with a wrong checksum"));
        }
        let told = checked.get(PRELUDE..PRELUDE + headers).unwrap_or_default();
        let told = read_headers(told).ok_or_else(|| broken("a frame with headers that cannot be read"))?;
        self.name.clear();
        self.text.clear();
        match told.message_type {
            "exception" => self.name.extend([FAILURE.encode_utf8(&mut [0; 4]), told.exception]),
            "error" => {
                self.name.extend([FAILURE.encode_utf8(&mut [0; 4]), told.code]);
                self.text = serde_json::json!({"message": told.message}).to_string();
            }
            _ => self.name.push_str(told.event),
        }
        self.buffer.give(start + length);
        Ok(Some(Frame { start, payload: start + PRELUDE + headers, end: start + length }))
    }

    fn payload(&self, frame: &Frame) -> &[u8] {
        self.buffer.bytes.get(frame.payload..frame.end - CHECKSUM).unwrap_or_default()
    }
}

/// Server-sent events whose bytes come in the payloads of frames, cut anywhere.
#[derive(Debug, Default)]
pub struct WrappedSse {
    frames: EventStream,
    sse: Sse,
}

impl WrappedSse {
    /// Takes the next bytes. What is wrong with a frame becomes an event, in its place among the others.
    pub fn push(&mut self, bytes: &[u8]) {
        self.frames.push(bytes);
        loop {
            match self.frames.frame() {
                Ok(None) => return,
                Ok(Some(frame)) if !self.frames.name.starts_with(FAILURE) => {
                    self.sse.push(self.frames.payload(&frame));
                }
                Ok(Some(frame)) => {
                    let data = String::from_utf8_lossy(self.frames.payload(&frame)).replace(['\r', '\n'], " ");
                    let data = if data.is_empty() { &self.frames.text } else { &data };
                    let event = ["\n\nevent: ", &self.frames.name, "\ndata: ", data, "\n\n"].concat();
                    self.sse.push(event.as_bytes());
                }
                Err(error) => {
                    let data = serde_json::json!({"message": error.message()});
                    self.sse.push(format!("\n\nevent: {FAILURE}\ndata: {data}\n\n").as_bytes());
                    // Nothing after it can be read.
                    self.frames = EventStream::new();
                    return;
                }
            }
        }
    }

    /// The next whole event.
    ///
    /// # Errors
    ///
    /// As [`Sse::event`].
    pub fn event(&mut self) -> Result<Option<Event<'_>>> {
        self.sse.event()
    }

    /// The event that the end of the stream cut off.
    ///
    /// # Errors
    ///
    /// As [`Sse::event`].
    pub fn finish(&mut self) -> Result<Option<Event<'_>>> {
        self.sse.finish()
    }
}

fn broken(what: &str) -> Error {
    Error::new(Kind::BadGateway, format!("the upstream's event stream has {what}"))
}

/// The big-endian number at `at`.
fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let four = bytes.get(at..)?.first_chunk::<4>()?;
    Some(u32::from_be_bytes(*four))
}

/// The headers that tell what a frame is; empty where one is not there.
#[derive(Default)]
struct Told<'a> {
    message_type: &'a str,
    event: &'a str,
    exception: &'a str,
    code: &'a str,
    message: &'a str,
}

/// Reads headers: the length of a name, the name, the kind of a value, the value.
fn read_headers(mut bytes: &[u8]) -> Option<Told<'_>> {
    let mut told = Told::default();
    while let Some((length, rest)) = bytes.split_first() {
        let (name, rest) = rest.split_at_checked(usize::from(*length))?;
        let (kind, rest) = rest.split_first()?;
        let (length, rest) = match kind {
            0 | 1 => (0, rest),
            2 => (1, rest),
            3 => (2, rest),
            4 => (4, rest),
            5 | 8 => (8, rest),
            9 => (16, rest),
            6 | 7 => {
                let (length, rest) = rest.split_first_chunk::<2>()?;
                (usize::from(u16::from_be_bytes(*length)), rest)
            }
            _ => return None,
        };
        let (value, rest) = rest.split_at_checked(length)?;
        bytes = rest;
        if *kind != 7 {
            continue;
        }
        let value = std::str::from_utf8(value).ok()?;
        match name {
            b":message-type" => told.message_type = value,
            b":event-type" => told.event = value,
            b":exception-type" => told.exception = value,
            b":error-code" => told.code = value,
            b":error-message" => told.message = value,
            _ => {}
        }
    }
    Some(told)
}

/// CRC32 (ISO 3309, as in gzip), four bits at a time: frames are short, and a table of 256 would be a kilobyte.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 16] = {
        let mut table = [0; 16];
        let mut index = 0;
        while index < 16 {
            let (mut value, mut bit) = (index as u32, 0);
            while bit < 4 {
                value = if value & 1 == 1 { value >> 1 ^ 0xEDB8_8320 } else { value >> 1 };
                bit += 1;
            }
            #[expect(clippy::indexing_slicing, reason = "computed by the compiler, within the table")]
            {
                table[index] = value;
            }
            index += 1;
        }
        table
    };
    let step = |crc: u32| crc >> 4 ^ TABLE.get(crc as usize & 15).copied().unwrap_or_default();
    !bytes.iter().fold(!0, |crc, byte| step(step(crc ^ u32::from(*byte))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
        let mut told = Vec::new();
        for (name, value) in headers {
            told.push(name.len() as u8);
            told.extend(name.bytes());
            told.push(7);
            told.extend((value.len() as u16).to_be_bytes());
            told.extend(value.bytes());
        }
        with_headers(&told, payload)
    }

    fn with_headers(told: &[u8], payload: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        out.extend((PRELUDE as u32 + told.len() as u32 + payload.len() as u32 + 4).to_be_bytes());
        out.extend((told.len() as u32).to_be_bytes());
        out.extend(crc32(&out).to_be_bytes());
        out.extend(told);
        out.extend(payload);
        out.extend(crc32(&out).to_be_bytes());
        out
    }

    fn event(name: &str, payload: &str) -> Vec<u8> {
        let json = (":content-type", "application/json");
        frame(&[(":event-type", name), json, (":message-type", "event")], payload.as_bytes())
    }

    fn decode(pieces: &[&[u8]]) -> Result<Vec<(String, String)>> {
        let mut stream = EventStream::new();
        let mut events = Vec::new();
        for piece in pieces {
            stream.push(piece);
            while let Some(event) = stream.event()? {
                events.push((event.name.to_owned(), event.data.to_owned()));
            }
        }
        Ok(events)
    }

    fn sample() -> Vec<u8> {
        let failure = [(":exception-type", "throttlingException"), (":message-type", "exception")];
        let error = [(":message-type", "error"), (":error-code", "Internal"), (":error-message", "a \"b\"")];
        [
            event("messageStart", r#"{"role":"assistant"}"#),
            event("contentBlockDelta", "{\"text\":\"caf\u{e9} \u{1F600}\"}"),
            frame(&failure, br#"{"message":"slow"}"#),
            frame(&error, b""),
        ]
        .concat()
    }

    #[test]
    fn checksums_are_those_of_gzip() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(crc32(b""), 0);
    }

    #[test]
    fn a_frame_of_another_encoder_is_read() {
        // From the test vectors of awslabs/aws-c-event-stream: one header, a payload.
        let bytes = b"\x00\x00\x00\x3d\x00\x00\x00\x20\x07\xfd\x83\x96\x0ccontent-type\x07\x00\x10application/json\
            {'foo':'bar'}\x8d\x9c\x08\xb1";
        assert_eq!(decode(&[bytes]).unwrap(), [(String::new(), "{'foo':'bar'}".to_owned())]);
    }

    #[test]
    fn events_exceptions_and_errors_are_told_apart_however_they_are_cut() {
        let bytes = sample();
        let want: Vec<(String, String)> = [
            ("messageStart", r#"{"role":"assistant"}"#),
            ("contentBlockDelta", "{\"text\":\"caf\u{e9} \u{1F600}\"}"),
            ("!throttlingException", r#"{"message":"slow"}"#),
            ("!Internal", r#"{"message":"a \"b\""}"#),
        ]
        .map(|(name, data)| (name.to_owned(), data.to_owned()))
        .into();
        assert_eq!(decode(&[&bytes]).unwrap(), want);
        for at in 0..=bytes.len() {
            assert_eq!(decode(&[&bytes[..at], &bytes[at..]]).unwrap(), want, "cut at {at}");
        }
        assert_eq!(decode(&bytes.chunks(1).collect::<Vec<_>>()).unwrap(), want);
    }

    #[test]
    fn every_flipped_bit_is_noticed() {
        let bytes = event("metadata", r#"{"usage":{"inputTokens":1}}"#);
        for at in 0..bytes.len() * 8 {
            let mut bytes = bytes.clone();
            bytes[at / 8] ^= 1 << (at % 8);
            assert!(decode(&[&bytes]).is_err(), "bit {at}");
        }
    }

    #[test]
    fn lengths_and_headers_are_bounded() {
        let prelude = |length: u32, headers: u32| {
            let mut out = [length.to_be_bytes(), headers.to_be_bytes()].concat();
            out.extend(crc32(&out).to_be_bytes());
            out
        };
        let longest = LONGEST_EVENT as u32;
        for (length, headers) in [(0, 0), (15, 0), (20, 5), (longest + 1, 0), (u32::MAX, u32::MAX), (32, u32::MAX)] {
            assert!(decode(&[&prelude(length, headers)]).is_err(), "{length} {headers}");
        }
        assert_eq!(decode(&[&prelude(longest, 100)]).unwrap(), []);
        // A name, a string or a number that goes on behind the headers; a kind that is none; text that is none.
        for told in [
            b"\x05ab".as_slice(),
            b"\x01a",
            b"\x01a\x07\x00\x05x",
            b"\x01a\x05abc",
            b"\x01a\x0a",
            b"\x01a\x07\x00\x01\xff",
        ] {
            assert!(decode(&[&with_headers(told, b"")]).is_err(), "{told:?}");
        }
        let kinds = b"\x01a\x00\x01b\x01\x01c\x021\x01d\x0312\x01e\x041234\x01f\x0512345678\x01g\x06\x00\x02xx\
            \x01h\x0812345678\x01i\x091234567812345678\x0b:event-type\x07\x00\x01x";
        assert_eq!(decode(&[&with_headers(kinds, b"1")]).unwrap(), [("x".to_owned(), "1".to_owned())]);
        assert!(decode(&[&event("x", "\u{e9}"), &with_headers(b"", b"\xff")]).is_err());
    }

    #[test]
    fn server_sent_events_are_unwrapped_however_they_are_cut() {
        let text = "data: {\"a\":\"\u{e9}\"}\n\ndata: [DONE]\n\n";
        let cut = |size: usize| -> Vec<u8> {
            let part = |bytes: &[u8]| frame(&[(":event-type", "PayloadPart"), (":message-type", "event")], bytes);
            text.as_bytes().chunks(size).flat_map(part).collect()
        };
        for size in 1..text.len() {
            let mut wrapped = WrappedSse::default();
            let mut events = Vec::new();
            for byte in cut(size).chunks(7) {
                wrapped.push(byte);
                while let Some(event) = wrapped.event().unwrap() {
                    events.push(event.data.to_owned());
                }
            }
            assert_eq!(events, ["{\"a\":\"\u{e9}\"}", "[DONE]"], "parts of {size}");
        }
        let failure = frame(&[(":exception-type", "ModelStreamError"), (":message-type", "exception")], b"{\n}");
        for (bytes, name, data) in [
            (failure.clone(), "!ModelStreamError", "{ }"),
            (vec![1; 16], "!", r#"{"message":"the upstream's event stream has a frame with a wrong checksum"}"#),
        ] {
            let mut wrapped = WrappedSse::default();
            wrapped.push(&cut(5));
            wrapped.push(&bytes);
            let mut last = (String::new(), String::new());
            while let Some(event) = wrapped.event().unwrap() {
                last = (event.name.to_owned(), event.data.to_owned());
            }
            assert_eq!(last, (name.to_owned(), data.to_owned()));
        }
    }
}
