//! What is read of a chunk of a stream: measured, not copied, since every event of every stream passes here.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// What is read of a chunk: no text is copied.
#[derive(Deserialize)]
pub(super) struct Chunk<'a> {
    #[serde(borrow, default)]
    pub(super) id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) model: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) choices: Option<Vec<Choice>>,
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) error: Option<&'a RawValue>,
    /// Groq tells its usage here too.
    #[serde(borrow, default)]
    pub(super) x_groq: Option<Groq<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Groq<'a> {
    #[serde(borrow, default)]
    pub(super) usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
pub(super) struct Choice {
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

/// What a chunk's choices say.
#[derive(Default)]
pub(super) struct Heard {
    pub(super) bytes: usize,
    pub(super) news: bool,
    pub(super) finished: bool,
    pub(super) mend: bool,
}

impl Heard {
    pub(super) fn of(choices: &[Choice]) -> Self {
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
