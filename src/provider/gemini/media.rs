//! Images, audio, video and documents: bytes as `inlineData`, addresses as `fileData`.
//!
//! Google fetches public `https:` URLs itself, from Gemini 2.5 on; for older models the client has to send the bytes:
//! <https://ai.google.dev/gemini-api/docs/file-input-methods>.

use serde_json::{Map, Value, json};

use super::generation::Generation;
use crate::error::{Error, Result};
use crate::openai::Part;

/// Where Google keeps the files that were uploaded to it.
const FILES: &str = "https://generativelanguage.googleapis.com/v1beta/files/";

/// MIME types by the ending of a name (<https://ai.google.dev/gemini-api/docs/file-input-methods>).
#[rustfmt::skip]
const TYPES: &[(&str, &str)] = &[
    ("png", "image/png"), ("jpg", "image/jpeg"), ("jpeg", "image/jpeg"), ("webp", "image/webp"), ("heic", "image/heic"),
    ("heif", "image/heif"), ("gif", "image/gif"), ("bmp", "image/bmp"), ("pdf", "application/pdf"),
    ("txt", "text/plain"), ("md", "text/markdown"), ("html", "text/html"), ("css", "text/css"), ("csv", "text/csv"),
    ("xml", "text/xml"), ("rtf", "text/rtf"), ("json", "application/json"), ("js", "text/javascript"),
    ("py", "text/x-python"), ("mp4", "video/mp4"), ("mpeg", "video/mpeg"), ("mpg", "video/mpg"), ("mov", "video/mov"),
    ("avi", "video/avi"), ("flv", "video/x-flv"), ("webm", "video/webm"), ("wmv", "video/wmv"), ("3gp", "video/3gpp"),
    ("wav", "audio/wav"), ("mp3", "audio/mp3"), ("aiff", "audio/aiff"), ("aac", "audio/aac"), ("ogg", "audio/ogg"),
    ("flac", "audio/flac"), ("m4a", "audio/m4a"), ("opus", "audio/opus"),
];

/// A part that a client sent, as one that Google takes; `at` names it. `None` is a text without a letter.
///
/// # Errors
///
/// A part or an address that Google does not take.
pub(super) fn part(generation: Generation, part: Part, at: &str) -> Result<Option<Value>> {
    let reader = Reader { generation, at };
    Ok(Some(match part {
        Part::Text { text, .. } if text.is_empty() => return Ok(None),
        Part::Text { text, .. } => json!({"text": text}),
        Part::Image { url, detail, format, .. } => {
            let part = reader.media(&url, format.as_deref(), None)?;
            reader.with_resolution(part, detail.as_deref())
        }
        Part::Audio { data, format } => {
            let mime_type = if format.contains('/') { format } else { format!("audio/{format}") };
            reader.media(&data, Some(&mime_type), None)?
        }
        Part::File { file_id, file_data, filename, format, extra, .. } => {
            let format = format.or_else(|| text_of(&extra, "mime_type"));
            let part = match (file_data, file_id) {
                (Some(data), _) => reader.media(&data, format.as_deref(), filename.as_deref())?,
                (None, Some(id)) if id.contains("://") || id.starts_with("files/") || id.starts_with("data:") => {
                    reader.media(&id, format.as_deref(), filename.as_deref())?
                }
                (None, Some(_)) => {
                    return reader
                        .refuse("has a `file_id` of another provider: give `files/…`, an address or `file_data`");
                }
                (None, None) => return reader.refuse("is empty: give `file_data` (a data: URL) or `file_id`"),
            };
            reader.with_resolution(with_video(part, &extra), text_of(&extra, "detail").as_deref())
        }
        Part::Other { kind, value } => reader.other(&kind, &value)?,
    }))
}

/// Whether the bytes of an address have to be sent: Google fetches its own files and videos of its own site for every model,
/// and `https:` alone for some.
pub(super) fn needs_bytes(model: &str, url: &str) -> bool {
    let fetched = url.starts_with("https://") && Generation::of(model).fetches_urls();
    !(fetched || url.starts_with(FILES) || is_youtube(url))
}

struct Reader<'a> {
    generation: Generation,
    at: &'a str,
}

impl Reader<'_> {
    /// A `data:` URL, bare base64 with a known type, or an address that Google can read.
    fn media(&self, source: &str, format: Option<&str>, filename: Option<&str>) -> Result<Value> {
        if let Some(rest) = source.strip_prefix("data:") {
            return self.data_url(rest, format);
        }
        if let Some(id) = source.strip_prefix("files/") {
            return Ok(file(&format!("{FILES}{id}"), format));
        }
        if source.starts_with("gs://") || source.starts_with(FILES) {
            return Ok(file(source, format.or_else(|| type_of(source))));
        }
        if is_youtube(source) {
            return Ok(file(source, format));
        }
        if source.starts_with("https://") {
            if !self.generation.fetches_urls() {
                return self.refuse("is an address, which this model does not fetch: send the bytes as a data: URL");
            }
            return Ok(file(source, format.or_else(|| type_of(source))));
        }
        if source.contains("://") {
            return self.refuse("must be a data:, https: or gs: URL: the provider fetches nothing else");
        }
        match format.or_else(|| type_of(filename.unwrap_or_default())) {
            Some(mime_type) if !source.is_empty() => Ok(inline(mime_type, source)),
            _ => self.refuse("has no MIME type: send a data: URL, or give `format`"),
        }
    }

    fn data_url(&self, rest: &str, format: Option<&str>) -> Result<Value> {
        let Some((head, data)) = rest.split_once(',') else { return self.refuse("is a data: URL without a comma") };
        let Some(mime_type) = head.strip_suffix(";base64") else {
            return self.refuse("is a data: URL that is not in base64: encode it as `data:<type>;base64,…`");
        };
        let mime_type = format.unwrap_or_else(|| mime_type.split(';').next().unwrap_or_default());
        if mime_type.is_empty() {
            return self.refuse("is a data: URL without a MIME type: write it as `data:image/png;base64,…`");
        }
        Ok(inline(mime_type, data))
    }

    /// `video_url` and `audio_url`, which vLLM and others have.
    fn other(&self, kind: &str, value: &Map<String, Value>) -> Result<Value> {
        let source = value.get(kind).filter(|_| matches!(kind, "video_url" | "audio_url" | "file_url"));
        let url = source.and_then(|source| source.as_str().or_else(|| source.get("url")?.as_str()));
        let Some(url) = url else {
            let at = format!("{}.type", self.at);
            let message = format!("`{at}` is not supported by this provider: `{kind}`");
            return Err(Error::bad_request(&at, message));
        };
        let fields = source.and_then(Value::as_object).cloned().unwrap_or_default();
        let part = self.media(url, text_of(&fields, "format").as_deref(), None)?;
        Ok(self.with_resolution(with_video(part, &fields), text_of(&fields, "detail").as_deref()))
    }

    /// Single parts have a resolution from Gemini 3 on; before, the request has one.
    fn with_resolution(&self, mut part: Value, detail: Option<&str>) -> Value {
        if let (Some(level), true) = (detail.and_then(resolution), self.generation.is_three())
            && let Some(object) = part.as_object_mut()
        {
            object.insert("mediaResolution".to_owned(), json!({"level": level}));
        }
        part
    }

    fn refuse<T>(&self, why: &str) -> Result<T> {
        Err(Error::bad_request(self.at, format!("`{}` {why}", self.at)))
    }
}

/// Google's name of a `detail`; `auto` and unknown ones have none.
pub(super) fn resolution(detail: &str) -> Option<&'static str> {
    Some(match detail {
        "low" => "MEDIA_RESOLUTION_LOW",
        "medium" => "MEDIA_RESOLUTION_MEDIUM",
        "high" => "MEDIA_RESOLUTION_HIGH",
        "ultra_high" => "MEDIA_RESOLUTION_ULTRA_HIGH",
        _ => return None,
    })
}

/// The `detail` of a part, where it has one.
pub(super) fn detail(part: &Part) -> Option<String> {
    match part {
        Part::Image { detail, .. } => detail.clone(),
        Part::File { extra, .. } => text_of(extra, "detail"),
        Part::Other { kind, value } => text_of(value.get(kind)?.as_object()?, "detail"),
        Part::Text { .. } | Part::Audio { .. } => None,
    }
}

/// Adds LiteLLM's `video_metadata`: which part of a video is looked at, and how many pictures a second.
fn with_video(mut part: Value, fields: &Map<String, Value>) -> Value {
    let given = fields.get("video_metadata").and_then(Value::as_object);
    let names = [("fps", "fps"), ("start_offset", "startOffset"), ("end_offset", "endOffset")];
    let video: Map<String, Value> = names
        .into_iter()
        .filter_map(|(name, sent)| Some((sent.to_owned(), given?.get(name).or_else(|| given?.get(sent))?.clone())))
        .collect();
    if let (false, Some(object)) = (video.is_empty(), part.as_object_mut()) {
        object.insert("videoMetadata".to_owned(), video.into());
    }
    part
}

fn inline(mime_type: &str, data: &str) -> Value {
    json!({"inlineData": {"mimeType": mime_type, "data": data}})
}

fn file(uri: &str, mime_type: Option<&str>) -> Value {
    match mime_type {
        Some(mime_type) => json!({"fileData": {"mimeType": mime_type, "fileUri": uri}}),
        None => json!({"fileData": {"fileUri": uri}}),
    }
}

fn is_youtube(url: &str) -> bool {
    ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/", "https://m.youtube.com/"]
        .iter()
        .any(|site| url.starts_with(site))
}

/// The MIME type that the ending of a name or of a URL's path tells.
fn type_of(name: &str) -> Option<&'static str> {
    let path = name.split(['?', '#']).next()?;
    let (_, ending) = path.rsplit('/').next()?.rsplit_once('.')?;
    TYPES.iter().find(|(known, _)| ending.eq_ignore_ascii_case(known)).map(|(_, mime_type)| *mime_type)
}

fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(model: &str, source: &str, format: Option<&str>, filename: Option<&str>) -> Result<Value> {
        Reader { generation: Generation::of(model), at: "messages[0].content[1]" }.media(source, format, filename)
    }

    #[test]
    fn bytes_are_inlined_and_addresses_handed_on() {
        let file = |uri: &str, mime_type: &str| json!({"fileData": {"mimeType": mime_type, "fileUri": uri}});
        let inline = |mime_type: &str| json!({"inlineData": {"mimeType": mime_type, "data": "QUJD"}});
        for (source, format, filename, want) in [
            ("data:image/png;base64,QUJD", None, None, inline("image/png")),
            ("data:audio/ogg;codecs=opus;base64,QUJD", None, None, inline("audio/ogg")),
            ("data:image/png;base64,QUJD", Some("image/webp"), None, inline("image/webp")),
            ("QUJD", None, Some("a.PDF"), inline("application/pdf")),
            ("https://h/a.b/cat.JPG?x=1.png", None, None, file("https://h/a.b/cat.JPG?x=1.png", "image/jpeg")),
            ("gs://bucket/a.mp4", None, None, file("gs://bucket/a.mp4", "video/mp4")),
            ("https://h/cat", None, None, json!({"fileData": {"fileUri": "https://h/cat"}})),
            ("https://youtu.be/x", None, None, json!({"fileData": {"fileUri": "https://youtu.be/x"}})),
            ("files/abc", Some("application/pdf"), None, file(&format!("{FILES}abc"), "application/pdf")),
        ] {
            assert_eq!(media("gemini-2.5-flash", source, format, filename).unwrap(), want, "{source}");
        }
    }

    #[test]
    fn what_google_cannot_read_is_refused_by_name() {
        for (model, source, words) in [
            ("gemini-2.0-flash", "https://h/cat.png", "does not fetch"),
            ("gemini-2.5-flash", "http://h/cat.png", "must be a data:, https: or gs: URL"),
            ("gemini-2.5-flash", "QUJD", "no MIME type"),
            ("gemini-2.5-flash", "data:image/png;base64", "without a comma"),
            ("gemini-2.5-flash", "data:text/plain,hello", "not in base64"),
            ("gemini-2.5-flash", "data:;base64,QUJD", "without a MIME type"),
            ("gemini-2.5-flash", "", "no MIME type"),
        ] {
            let error = media(model, source, None, None).unwrap_err();
            assert_eq!(error.param(), Some("messages[0].content[1]"), "{source}");
            assert!(error.message().contains(words), "{error}");
        }
    }

    #[test]
    fn a_detail_is_a_resolution_and_a_video_has_bounds() {
        let value = json!({"type": "video_url", "video_url": {"url": "https://youtu.be/x", "detail": "low",
            "video_metadata": {"fps": 2, "start_offset": "10s"}}});
        let read = |model: &str| {
            let video = Part::Other { kind: "video_url".to_owned(), value: value.as_object().unwrap().clone() };
            part(Generation::of(model), video, "p").unwrap().unwrap()
        };
        let video = json!({"fps": 2, "startOffset": "10s"});
        let file = json!({"fileUri": "https://youtu.be/x"});
        assert_eq!(read("gemini-2.5-pro"), json!({"fileData": file, "videoMetadata": video}));
        let level = json!({"level": "MEDIA_RESOLUTION_LOW"});
        assert_eq!(read("gemini-3-pro"), json!({"fileData": file, "videoMetadata": video, "mediaResolution": level}));
        let odd = Part::Other { kind: "hologram".to_owned(), value: Map::new() };
        assert_eq!(part(Generation::of("gemini-3-pro"), odd, "p").unwrap_err().param(), Some("p.type"));
    }
}
