//! Reads a streamed answer: events are handed on as they came, and a copy is scanned for news, usage and errors.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::{ChatStream, Notes, errors};
use super::{reasoning, usage};
use crate::error::{Error, Result};
use crate::frame::Event;
use crate::openai::ChunkWriter;

/// What is read of a chunk: no text is copied.
#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(default)]
    choices: Option<Vec<Choice>>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<&'a RawValue>,
    /// Groq tells its usage here too.
    #[serde(borrow, default)]
    x_groq: Option<Groq<'a>>,
}

#[derive(Deserialize)]
struct Groq<'a> {
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    delta: Option<Delta>,
    #[serde(default)]
    finish_reason: Said,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Delta {
    content: Said,
    refusal: Said,
    reasoning: Said,
    reasoning_content: Said,
    tool_calls: Option<Vec<Called>>,
    function_call: Option<Function>,
    audio: Option<IgnoredAny>,
    images: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Called {
    function: Option<Function>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Function {
    name: Said,
    arguments: Said,
}

/// How many bytes of text a value holds, whatever its shape; the text itself is not kept.
#[derive(Clone, Copy, Default)]
struct Said {
    bytes: usize,
    /// The value is a list of parts.
    list: bool,
}

impl<'de> Deserialize<'de> for Said {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Measure;
        impl<'de> Visitor<'de> for Measure {
            type Value = Said;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("any value")
            }
            fn visit_str<E>(self, text: &str) -> Result<Said, E> {
                Ok(Said { bytes: text.len(), list: false })
            }
            fn visit_unit<E>(self) -> Result<Said, E> {
                Ok(Said::default())
            }
            fn visit_bool<E>(self, _: bool) -> Result<Said, E> {
                Ok(Said::default())
            }
            fn visit_i64<E>(self, _: i64) -> Result<Said, E> {
                Ok(Said::default())
            }
            fn visit_u64<E>(self, _: u64) -> Result<Said, E> {
                Ok(Said::default())
            }
            fn visit_f64<E>(self, _: f64) -> Result<Said, E> {
                Ok(Said::default())
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Said, A::Error> {
                let mut bytes = 0_usize;
                while let Some(part) = list.next_element::<Said>()? {
                    bytes += part.bytes;
                }
                Ok(Said { bytes, list: true })
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Said, A::Error> {
                let mut bytes = 0_usize;
                while let Some(key) = map.next_key::<&RawValue>()? {
                    if matches!(key.get(), "\"text\"" | "\"thinking\"") {
                        bytes += map.next_value::<Said>()?.bytes;
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Said { bytes, list: false })
            }
        }
        deserializer.deserialize_any(Measure)
    }
}

/// A streamed answer.
pub(super) struct Stream {
    notes: Notes,
    ends_at_finish: bool,
    identified: bool,
}

impl Stream {
    pub(super) fn new(notes: &Notes, ends_at_finish: bool) -> Self {
        Self { notes: notes.clone(), ends_at_finish, identified: false }
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
        if let Some(usage) = usage {
            out.usage(usage);
        }
        let Some(choices) = chunk.choices else {
            if has_usage {
                out.hold(event.raw);
                return Ok(());
            }
            return self.odd(event, out);
        };
        if choices.is_empty() && has_usage {
            out.hold(event.raw);
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
            None => out.raw(event.raw),
        }
        if heard.finished && self.ends_at_finish {
            out.end();
        }
        Ok(())
    }
}

/// What a chunk's choices say.
#[derive(Default)]
struct Heard {
    bytes: usize,
    news: bool,
    finished: bool,
    mend: bool,
}

impl Heard {
    fn of(choices: &[Choice]) -> Self {
        let mut heard = Self::default();
        for choice in choices {
            let finished = choice.finish_reason.bytes > 0;
            heard.finished |= finished;
            heard.news |= finished;
            let Some(delta) = &choice.delta else { continue };
            let calls = delta.tool_calls.as_deref().unwrap_or_default();
            let functions = calls.iter().filter_map(|call| call.function.as_ref()).chain(&delta.function_call);
            let thought = delta.reasoning_content.bytes.max(delta.reasoning.bytes);
            let mut bytes = delta.content.bytes + delta.refusal.bytes + thought;
            for function in functions {
                bytes += function.arguments.bytes;
                heard.news |= function.name.bytes > 0;
            }
            heard.bytes += bytes;
            heard.news |= bytes > 0 || delta.audio.is_some() || delta.images.is_some();
            heard.mend |= delta.content.list || (delta.reasoning.bytes > 0 && delta.reasoning_content.bytes == 0);
        }
        heard
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads events; gives what was delivered, whether it was news, and the bytes of text in it.
    fn read(events: &[&str]) -> Result<(String, bool, u64)> {
        let mut stream = Stream::new(&Notes::default(), false);
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
