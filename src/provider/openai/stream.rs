//! Reads a streamed answer: events are handed on as they came, and a copy is scanned for news, usage and errors.

use std::borrow::Cow;

use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{ChatStream, Notes, errors};
use super::OpenAi;
use super::chunk::{Chunk, Heard};
use super::{reasoning, usage};
use crate::error::{Error, Result};
use crate::frame::Event;
use crate::openai::ChunkWriter;

/// A streamed answer.
pub(super) struct Stream {
    notes: Notes,
    dialect: OpenAi,
    finished: bool,
    counted: bool,
    identified: bool,
}

impl Stream {
    pub(super) fn new(notes: &Notes, dialect: &OpenAi) -> Self {
        Self { notes: notes.clone(), dialect: *dialect, finished: false, counted: false, identified: false }
    }

    /// An event that holds an error, in one of the shapes that copies of OpenAI give it.
    fn error(&self, data: &str) -> Error {
        let value: Value = serde_json::from_str(data).unwrap_or(Value::Null);
        errors::from_value(&self.notes.provider, 0, &value, data.as_bytes())
    }

    /// An event that is no chunk: an error without the word `error` around it, or something new that passes.
    fn odd(&self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let value: Value = serde_json::from_str(event.data).unwrap_or(Value::Null);
        // vLLM and FastAPI servers: {"object":"error","message":…}, {"detail":…}.
        let is_text = |name: &str| value.get(name).is_some_and(Value::is_string);
        if value.get("object").is_some_and(|object| object == "error") || is_text("message") || is_text("detail") {
            return Err(self.error(event.data));
        }
        out.raw(event.raw);
        Ok(())
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if event.data.trim_ascii() == "[DONE]" {
            out.end();
            return Ok(());
        }
        if event.name == "error" {
            return Err(self.error(event.data));
        }
        let chunk: Chunk<'_> = serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        if chunk.error.is_some() {
            return Err(self.error(event.data));
        }
        if !self.identified {
            let text = |raw: Option<&RawValue>| raw.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok());
            out.identify(text(chunk.id).as_deref(), text(chunk.model).as_deref());
            self.identified = true;
        }
        let told = chunk.usage.or(chunk.x_groq.and_then(|groq| groq.usage));
        let usage = told.and_then(usage::read);
        let has_usage = usage.is_some();
        self.counted |= has_usage;
        if let Some(usage) = usage {
            out.usage(usage);
        }
        let Some(choices) = chunk.choices else {
            if has_usage {
                out.hold(&plain(event));
                return Ok(());
            }
            return self.odd(event, out);
        };
        if choices.is_empty() && has_usage {
            out.hold(&plain(event));
            return Ok(());
        }
        let heard = Heard::of(&choices);
        out.delivered(heard.bytes as u64);
        if heard.news {
            out.mark_meaningful();
        }
        match heard.mend.then(|| reasoning::mend(event.data)).flatten() {
            Some(mended) => {
                out.raw(b"data: ");
                out.raw(mended.as_bytes());
                out.raw(b"\n\n");
            }
            None => out.raw(&plain(event)),
        }
        self.finished |= heard.finished;
        if heard.finished && self.dialect.ends_at_finish {
            out.end();
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut ChunkWriter) {
        if self.finished && self.counted && self.dialect.ends_at_close {
            out.end();
        }
    }
}

/// The event as it came, but without a name: clients of OpenAI know none.
fn plain<'a>(event: &Event<'a>) -> Cow<'a, [u8]> {
    if event.name.is_empty() {
        return Cow::Borrowed(event.raw);
    }
    Cow::Owned(format!("data: {}\n\n", event.data.replace('\n', "\ndata: ")).into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads events; gives what was delivered, whether it was news, and the bytes of text in it.
    fn read(events: &[&str]) -> Result<(String, bool, u64)> {
        let mut stream = Stream::new(&Notes::default(), &super::super::COMPATIBLE);
        let mut out = ChunkWriter::new("id", 0, "m", false);
        for data in events {
            let raw = format!("data: {data}\n\n");
            stream.event(&Event { name: "", data, raw: raw.as_bytes() }, &mut out)?;
        }
        let (news, bytes) = (out.is_meaningful(), out.text_bytes());
        Ok((String::from_utf8(out.take()).unwrap(), news, bytes))
    }

    #[test]
    fn only_what_a_client_can_use_is_news() {
        for (event, news, bytes) in [
            (r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#, false, 0),
            (r#"{"choices":[{"delta":{"role":"assistant","content":null},"finish_reason":""}]}"#, false, 0),
            (r#"{"choices":[],"prompt_filter_results":[{}]}"#, false, 0),
            (r#"{"choices":[{"delta":{"content":"h\u00e9\n"}}]}"#, true, 4),
            (r#"{"choices":[{"delta":{"refusal":"no"}}]}"#, true, 2),
            (r#"{"choices":[{"delta":{"reasoning":"ab","reasoning_content":"ab"}}]}"#, true, 2),
            (r#"{"choices":[{"delta":{"content":[{"type":"text","text":"abc"}]}}]}"#, true, 3),
            (r#"{"choices":[{"delta":{"tool_calls":[{"function":{"name":"f","arguments":""}}]}}]}"#, true, 0),
            (r#"{"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"{\"a"}}]}}]}"#, true, 3),
            (r#"{"choices":[{"delta":{"function_call":{"name":"f"}}}]}"#, true, 0),
            (r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#, true, 0),
        ] {
            let (_, got, text) = read(&[event]).unwrap();
            assert_eq!((got, text), (news, bytes), "{event}");
        }
    }

    #[test]
    fn a_usage_event_is_held_and_usage_beside_choices_is_passed_on() {
        let usage = r#""usage":{"prompt_tokens":1,"completion_tokens":2,"total_tokens":3}"#;
        for held in [format!(r#"{{"choices":[],{usage}}}"#), format!(r#"{{"choices":null,{usage}}}"#)] {
            assert_eq!(read(&[&held]).unwrap(), (String::new(), false, 0), "{held}");
        }
        let beside = format!(r#"{{"choices":[{{"delta":{{"content":"a"}}}}],{usage}}}"#);
        assert_eq!(read(&[&beside]).unwrap().0, format!("data: {beside}\n\n"));
    }

    #[test]
    fn errors_are_found_however_they_are_told() {
        for event in [
            r#"{"error":{"message":"x","type":"server_error"}}"#,
            r#"{"error":"x"}"#,
            r#"{"choices":[{"delta":{"content":""},"finish_reason":"error"}],"error":{"code":502,"message":"x"}}"#,
            r#"{"object":"error","message":"x","code":400}"#,
            r#"{"detail":"x"}"#,
            "<html>",
        ] {
            assert!(read(&[event]).is_err(), "{event}");
        }
        let odd = r#"{"object":"something.new","n":1}"#;
        assert_eq!(read(&[odd]).unwrap().0, format!("data: {odd}\n\n"));
    }
}
