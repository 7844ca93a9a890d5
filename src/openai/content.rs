//! The content of a message: text, or parts in order.

use serde_json::{Map, Value};

use super::object::{Object, wrong};
use crate::error::{Error, Result};

/// The content of a message.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// Plain text.
    Text(String),
    /// Parts in order.
    Parts(Vec<Part>),
}

impl Content {
    /// All text, joined.
    pub fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Parts(parts) => parts
                .iter()
                .filter_map(|part| if let Part::Text { text, .. } = part { Some(text.as_str()) } else { None })
                .collect(),
        }
    }

    /// The parts; plain text is one.
    pub fn into_parts(self) -> Vec<Part> {
        match self {
            Self::Text(text) => vec![Part::Text { text, cache_control: None, extra: Map::new() }],
            Self::Parts(parts) => parts,
        }
    }
}

/// A part of a message's content.
#[derive(Clone, Debug, PartialEq)]
pub enum Part {
    /// Text.
    Text {
        /// The text.
        text: String,
        /// A prompt cache mark.
        cache_control: Option<Value>,
        /// Everything else of the part.
        extra: Map<String, Value>,
    },
    /// An image.
    Image {
        /// `https:` or `data:` URL.
        url: String,
        /// `low`, `high` or `auto`.
        detail: Option<String>,
        /// MIME type that overrides the URL's (LiteLLM's name).
        format: Option<String>,
        /// A prompt cache mark.
        cache_control: Option<Value>,
    },
    /// Audio.
    Audio {
        /// Base64.
        data: String,
        /// `wav`, `mp3`, …
        format: String,
    },
    /// A file, such as a PDF.
    File {
        /// An id or URL of an uploaded file.
        file_id: Option<String>,
        /// A `data:` URL, or base64.
        file_data: Option<String>,
        /// Its name.
        filename: Option<String>,
        /// MIME type (LiteLLM's name).
        format: Option<String>,
        /// A prompt cache mark.
        cache_control: Option<Value>,
        /// Everything else of the part: `title`, `context`, `citations`.
        extra: Map<String, Value>,
    },
    /// A part that OpenAI does not have: the dialect decides whether it knows it.
    Other {
        /// Its `type`.
        kind: String,
        /// The whole part.
        value: Map<String, Value>,
    },
}

pub(super) fn read_content(content: Value, at: &str) -> Result<Content> {
    match content {
        Value::String(text) => Ok(Content::Text(text)),
        Value::Array(items) => {
            let mut parts = Vec::with_capacity(items.len());
            for (index, item) in items.into_iter().enumerate() {
                parts.push(read_part(item, &format!("{at}[{index}]"))?);
            }
            Ok(Content::Parts(parts))
        }
        _ => Err(Error::bad_request(at, format!("`{at}` must be a string or a list of parts"))),
    }
}

fn read_part(value: Value, at: &str) -> Result<Part> {
    if let Value::String(text) = value {
        return Ok(Part::Text { text, cache_control: None, extra: Map::new() });
    }
    let mut part = Object::read(value, at)?;
    let kind = match part.fields.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        None | Some(Value::Null) => {
            return Err(part.missing("type", "\"text\", \"image_url\", \"input_audio\" or \"file\""));
        }
        Some(_) => return Err(wrong(&part.at("type"), "a string")),
    };
    if !matches!(kind.as_str(), "text" | "image_url" | "input_audio" | "file") {
        return Ok(Part::Other { kind, value: part.fields });
    }
    part.take("type");
    let cache_control = part.take("cache_control");
    let text = part.text("text")?;
    let image = part.take("image_url");
    let [audio, file] = ["input_audio", "file"].map(|name| part.take(name));
    match kind.as_str() {
        "text" => {
            let text = text.ok_or_else(|| part.missing("text", "a string"))?;
            Ok(Part::Text { text, cache_control, extra: part.fields })
        }
        "image_url" => match image.ok_or_else(|| part.missing("image_url", "{\"url\": …}"))? {
            Value::String(url) => Ok(Part::Image { url, detail: None, format: None, cache_control }),
            image => {
                let at = part.at("image_url");
                let mut image = Object::read(image, &at)?;
                let url = image.text("url")?.ok_or_else(|| image.missing("url", "an `https:` or `data:` URL"))?;
                Ok(Part::Image { url, detail: image.text("detail")?, format: image.text("format")?, cache_control })
            }
        },
        "input_audio" => {
            let audio = audio.ok_or_else(|| part.missing("input_audio", "{\"data\": …, \"format\": …}"))?;
            let at = part.at("input_audio");
            let mut audio = Object::read(audio, &at)?;
            let data = audio.text("data")?.ok_or_else(|| audio.missing("data", "base64"))?;
            let format = audio.text("format")?.ok_or_else(|| audio.missing("format", "\"wav\" or \"mp3\""))?;
            Ok(Part::Audio { data, format })
        }
        _ => {
            let file = file.ok_or_else(|| part.missing("file", "{\"file_id\": …} or {\"file_data\": …}"))?;
            let at = part.at("file");
            let mut file = Object::read(file, &at)?;
            let [file_id, file_data] = [file.text("file_id")?, file.text("file_data")?];
            let [filename, format] = [file.text("filename")?, file.text("format")?];
            let mut extra = part.fields;
            extra.extend(file.fields);
            Ok(Part::File { file_id, file_data, filename, format, cache_control, extra })
        }
    }
}
impl Part {
    /// The error for a part that a provider has nothing for but text and images; `at` is its place in the request.
    pub(crate) fn unsupported(&self, at: &str) -> Error {
        let kind = match self {
            Self::Text { .. } => "text",
            Self::Image { .. } => "image_url",
            Self::Audio { .. } => "input_audio",
            Self::File { .. } => "file",
            Self::Other { kind, .. } => kind,
        };
        let message = format!("`{at}` is not supported by this provider: `{kind}`; give text or images");
        Error::bad_request(at, message)
    }
}
