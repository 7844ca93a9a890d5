//! Images, documents, video and audio as Converse's blocks:
//! <https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_ContentBlock.html>.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::{Content, Message, Part};
use crate::provider::anthropic::content::data_url;
use crate::sorted::SortedSet;

/// The field of a part that holds a finished block: Claude's dialect hands such a part on as it is.
pub(super) const BLOCK: &str = "converse";

/// The block, the format as AWS calls it, and the endings and MIME types that mean it.
const FORMATS: &[(&str, &str, &[&str])] = &[
    ("image", "png", &["image/png"]),
    ("image", "jpeg", &["image/jpeg", "image/jpg", "jpg"]),
    ("image", "gif", &["image/gif"]),
    ("image", "webp", &["image/webp"]),
    ("document", "pdf", &["application/pdf"]),
    ("document", "csv", &["text/csv"]),
    ("document", "doc", &["application/msword"]),
    ("document", "docx", &["application/vnd.openxmlformats-officedocument.wordprocessingml.document"]),
    ("document", "xls", &["application/vnd.ms-excel"]),
    ("document", "xlsx", &["application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"]),
    ("document", "html", &["text/html", "htm"]),
    ("document", "md", &["text/markdown"]),
    ("document", "txt", &["text/plain", "application/json", "json"]),
    ("video", "mp4", &["video/mp4"]),
    ("video", "mov", &["video/quicktime"]),
    ("video", "mkv", &["video/x-matroska"]),
    ("video", "webm", &["video/webm"]),
    ("video", "flv", &["video/x-flv"]),
    ("video", "mpeg", &["video/mpeg"]),
    ("video", "mpg", &["video/mpg"]),
    ("video", "wmv", &["video/x-ms-wmv"]),
    ("video", "three_gp", &["video/3gpp", "3gp"]),
    ("audio", "mp3", &["audio/mpeg", "audio/mp3"]),
    ("audio", "wav", &["audio/wav", "audio/x-wav"]),
    ("audio", "ogg", &["audio/ogg"]),
    ("audio", "opus", &["audio/opus"]),
    ("audio", "flac", &["audio/flac"]),
    ("audio", "aac", &["audio/aac"]),
    ("audio", "m4a", &["audio/mp4", "audio/m4a"]),
];

/// Turns every part that is no text into its block. Names of documents are told apart: AWS wants each once.
///
/// # Errors
///
/// A part that has no block: bytes of another type, an address that is not S3's.
pub(super) fn convert(messages: &mut [Message]) -> Result<()> {
    let mut names = SortedSet::new();
    for (at, message) in messages.iter_mut().enumerate() {
        let Some(Content::Parts(parts)) = &mut message.content else { continue };
        for (index, part) in parts.iter_mut().enumerate() {
            let whole = Part::Text { text: String::new(), cache_control: None, extra: Map::new() };
            let taken = std::mem::replace(part, whole);
            *part = Reader { at: &format!("messages[{at}].content[{index}]"), names: &mut names }.part(taken)?;
        }
    }
    Ok(())
}

struct Reader<'a> {
    at: &'a str,
    names: &'a mut SortedSet<String>,
}

impl Reader<'_> {
    fn part(&mut self, part: Part) -> Result<Part> {
        let (block, mark) = match part {
            Part::Image { url, format, cache_control, .. } => {
                (self.media(&url, format.as_deref(), None, &Map::new())?, cache_control)
            }
            Part::Audio { data, format } => (self.block("audio", &format, bytes(data), &Map::new(), None), None),
            Part::File { file_id, file_data, filename, format, cache_control, extra } => {
                let source = file_id.or(file_data).unwrap_or_default();
                (self.media(&source, format.as_deref(), filename.as_deref(), &extra)?, cache_control)
            }
            Part::Other { kind, mut value } => {
                let mark = value.remove("cache_control");
                let Some(block) = self.other(&kind, &value)? else {
                    value.extend(mark.map(|mark| ("cache_control".to_owned(), mark)));
                    return Ok(Part::Other { kind, value });
                };
                (block, mark)
            }
            text @ Part::Text { .. } => return Ok(text),
        };
        let mut value = Map::new();
        // Of what Claude's dialect takes as it comes, the one that stands anywhere.
        value.insert("type".to_owned(), "document".into());
        value.insert(BLOCK.to_owned(), block);
        value.extend(mark.map(|mark| ("cache_control".to_owned(), mark)));
        Ok(Part::Other { kind: "document".to_owned(), value })
    }

    /// The block of a part that OpenAI does not have; `None` for one that holds no media.
    fn other(&mut self, kind: &str, value: &Map<String, Value>) -> Result<Option<Value>> {
        let source = value.get("source");
        let text = |name: &str| source.and_then(|source| source.get(name)).and_then(Value::as_str);
        Ok(Some(match kind {
            "guarded_text" => json!({"guardContent": {"text": {"text": value.get("text")}}}),
            "video_url" => {
                let video = value.get("video_url");
                let url = video.and_then(|video| video.as_str().or_else(|| video.get("url")?.as_str()));
                let format = video.and_then(|video| video.get("format")).and_then(Value::as_str);
                self.media(url.unwrap_or_default(), format, None, &Map::new())?
            }
            // Anthropic's own blocks.
            "image" | "document" => match (text("type"), text("data")) {
                (Some("text"), Some(data)) => self.block(
                    "document",
                    "txt",
                    json!({"text": data}),
                    value,
                    value.get("title").and_then(Value::as_str),
                ),
                (Some("base64"), Some(data)) => {
                    self.media(data, text("media_type"), value.get("title").and_then(Value::as_str), value)?
                }
                _ => self.media(text("url").unwrap_or_default(), None, None, value)?,
            },
            _ => return Ok(None),
        }))
    }

    /// The block of a `data:` URL, of base64, or of a file at S3.
    fn media(
        &mut self,
        source: &str,
        format: Option<&str>,
        filename: Option<&str>,
        extra: &Map<String, Value>,
    ) -> Result<Value> {
        if source.is_empty() {
            return self.refuse("is empty: give a data: URL, base64, or an s3:// address");
        }
        if source.starts_with("http://") || source.starts_with("https://") {
            return self.refuse("is a URL, and Bedrock fetches none but s3:// ones: send the bytes as a data: URL");
        }
        let in_s3 = source.starts_with("s3://");
        let (told, data) = match data_url(source) {
            Some((told, data)) => (Some(told), data),
            None if source.starts_with("data:") => return self.refuse("is a data: URL that is not in base64"),
            None => (None, source),
        };
        let ending = |name: &str| name.rsplit(['/', '\\']).next()?.rsplit_once('.').map(|(_, end)| end.to_owned());
        let of_name = filename.and_then(ending).or_else(|| in_s3.then(|| ending(source)).flatten());
        let told = format.or(told.filter(|told| *told != "application/octet-stream")).map(str::to_owned).or(of_name);
        // Bytes of which nothing is told are a PDF, as for OpenAI.
        let told = told.unwrap_or_else(|| if in_s3 { String::new() } else { "pdf".to_owned() }).to_ascii_lowercase();
        match FORMATS.iter().find(|(_, format, aliases)| *format == told || aliases.contains(&told.as_str())) {
            Some((kind, format, _)) => {
                let source = if in_s3 {
                    let mut place = Map::new();
                    place.insert("uri".to_owned(), source.into());
                    place.extend(extra.get("bucketOwner").map(|owner| ("bucketOwner".to_owned(), owner.clone())));
                    json!({"s3Location": place})
                } else {
                    bytes(data.to_owned())
                };
                Ok(self.block(kind, format, source, extra, filename))
            }
            _ => self.refuse("is of a type that Bedrock does not take: name its MIME type in `format`"),
        }
    }

    fn block(
        &mut self,
        kind: &str,
        format: &str,
        source: Value,
        extra: &Map<String, Value>,
        filename: Option<&str>,
    ) -> Value {
        let mut block = Map::new();
        block.insert("format".to_owned(), format.into());
        if kind == "document" {
            block.insert("name".to_owned(), self.name(filename).into());
        }
        block.insert("source".to_owned(), source);
        if kind == "document" {
            for name in ["citations", "context"] {
                if let Some(value) = extra.get(name).filter(|value| !value.is_null()) {
                    block.insert(name.to_owned(), value.clone());
                }
            }
        }
        // By hand, for `json!` would copy the bytes.
        let mut out = Map::new();
        out.insert(kind.to_owned(), Value::Object(block));
        Value::Object(out)
    }

    /// A document's name as AWS takes it: letters, digits, single spaces, hyphens and brackets, up to 200, each once.
    fn name(&mut self, filename: Option<&str>) -> String {
        let stem = filename.map(|name| name.rsplit_once('.').map_or(name, |(stem, _)| stem)).unwrap_or_default();
        let allowed = |c: char| if c.is_ascii_alphanumeric() || "-()[]".contains(c) { c } else { ' ' };
        let clean: String = stem.chars().map(allowed).collect();
        let clean = clean.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        let clean = if clean.is_empty() { "document".to_owned() } else { clean.chars().take(190).collect() };
        let mut name = clean.clone();
        let mut number = self.names.len();
        while !self.names.insert(name.clone()) {
            number += 1;
            name = format!("{clean} {number}");
        }
        name
    }

    fn refuse<T>(&self, why: &str) -> Result<T> {
        Err(Error::bad_request(self.at, format!("`{}` {why}", self.at)))
    }
}

fn bytes(data: String) -> Value {
    Value::Object([("bytes".to_owned(), Value::String(data))].into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;

    fn blocks(parts: &Value) -> Result<Vec<Value>> {
        let body = json!({"model": "m", "messages": [{"role": "user", "content": parts}]});
        let mut messages = ChatRequest::parse(body.to_string().as_bytes()).unwrap().messages().unwrap();
        convert(&mut messages)?;
        let Some(Content::Parts(parts)) = messages.remove(0).content else { panic!("no parts") };
        let block = |part| match part {
            Part::Other { mut value, .. } => value.remove(BLOCK).unwrap_or_default(),
            _ => Value::Null,
        };
        Ok(parts.into_iter().map(block).collect())
    }

    #[test]
    fn bytes_become_the_block_of_their_type() {
        let pdf = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ==", "filename": "a_b.v1.pdf"}});
        for (part, want) in [
            (
                json!({"type": "image_url", "image_url": {"url": "data:image/jpg;base64,QQ=="}}),
                json!({"image": {"format": "jpeg", "source": {"bytes": "QQ=="}}}),
            ),
            (
                json!({"type": "image_url", "image_url": {"url": "s3://b/x.webp"}}),
                json!({"image": {"format": "webp", "source": {"s3Location": {"uri": "s3://b/x.webp"}}}}),
            ),
            (pdf, json!({"document": {"format": "pdf", "name": "a b v1", "source": {"bytes": "QQ=="}}})),
            (
                json!({"type": "file", "file": {"file_data": "QQ==", "filename": "table.XLSX"}}),
                json!({"document": {"format": "xlsx", "name": "table", "source": {"bytes": "QQ=="}}}),
            ),
            (
                json!({"type": "file", "file": {"file_id": "s3://b/clip.mov"}}),
                json!({"video": {"format": "mov", "source": {"s3Location": {"uri": "s3://b/clip.mov"}}}}),
            ),
            (
                json!({"type": "video_url", "video_url": {"url": "data:video/3gpp;base64,QQ=="}}),
                json!({"video": {"format": "three_gp", "source": {"bytes": "QQ=="}}}),
            ),
            (
                json!({"type": "input_audio", "input_audio": {"data": "QQ==", "format": "wav"}}),
                json!({"audio": {"format": "wav", "source": {"bytes": "QQ=="}}}),
            ),
            (
                json!({"type": "document", "title": "t", "citations": {"enabled": true},
                    "source": {"type": "text", "media_type": "text/plain", "data": "words"}}),
                json!({"document": {"format": "txt", "name": "t", "source": {"text": "words"}, "citations": {"enabled": true}}}),
            ),
            (json!({"type": "guarded_text", "text": "x"}), json!({"guardContent": {"text": {"text": "x"}}})),
        ] {
            assert_eq!(blocks(&json!([part])).unwrap(), [want], "{part}");
        }
    }

    #[test]
    fn documents_are_told_apart_by_their_names() {
        let file = json!({"type": "file", "file": {"file_data": "data:application/pdf;base64,QQ=="}});
        let blocks = blocks(&json!([file, file, file])).unwrap();
        let names: Vec<&Value> = blocks.iter().map(|block| &block["document"]["name"]).collect();
        assert_eq!(names, ["document", "document 2", "document 3"]);
    }

    #[test]
    fn what_bedrock_cannot_read_is_refused_by_name() {
        for (part, words) in [
            (json!({"type": "image_url", "image_url": {"url": "https://h/x.png"}}), "send the bytes"),
            (json!({"type": "image_url", "image_url": {"url": "data:image/tiff;base64,QQ=="}}), "type that Bedrock"),
            (json!({"type": "image_url", "image_url": {"url": "data:image/png,abc"}}), "not in base64"),
            (json!({"type": "file", "file": {"file_id": "s3://b/x"}}), "type that Bedrock"),
            (json!({"type": "file", "file": {}}), "is empty"),
        ] {
            let error = blocks(&json!([part])).unwrap_err();
            assert_eq!(error.param(), Some("messages[0].content[0]"));
            assert!(error.message().contains(words), "{error}");
        }
    }
}
