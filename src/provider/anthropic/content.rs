//! Parts of a message as Anthropic's content blocks: text, images, documents, and its own blocks as they come.

use serde_json::{Map, Value, json};

use super::betas::{self, Betas};
use crate::base64::decode;
use crate::error::{Error, Result};
use crate::openai::Part;

/// Types of images that the API takes (<https://platform.claude.com/docs/en/build-with-claude/vision>).
const IMAGES: &[&str] = &["image/jpeg", "image/png", "image/gif", "image/webp"];

/// Anthropic's own blocks that a client may put among OpenAI's parts.
const OWN: &[&str] = &[
    "document",
    "image",
    "search_result",
    "container_upload",
    "tool_reference",
    "browser_state",
    "thinking",
    "redacted_thinking",
    "tool_use",
    "tool_result",
    "server_tool_use",
    "mcp_tool_use",
    "compaction",
];

/// Writes a part as a block; `None` for empty text, which the API refuses. `at` names the part for errors.
///
/// # Errors
///
/// A part that the API has no block for, or a file of a type that it does not take.
pub(super) fn block(part: Part, at: &str, betas: &mut Betas) -> Result<Option<Value>> {
    let (mut block, mark) = match part {
        Part::Text { text, cache_control, mut extra } => {
            if text.trim().is_empty() {
                return Ok(None);
            }
            let mut block = Map::new();
            block.insert("type".to_owned(), "text".into());
            block.insert("text".to_owned(), text.into());
            if let Some(citations) = extra.remove("citations").filter(Value::is_array) {
                block.insert("citations".to_owned(), citations);
            }
            (block, cache_control)
        }
        Part::Image { url, format, cache_control, .. } => (image(&url, format.as_deref(), at)?, cache_control),
        Part::File { file_id, file_data, filename, format, cache_control, extra } => {
            let mut block = match (file_id, file_data) {
                (Some(id), _) => file_by_id(&id, format.as_deref(), betas),
                (None, Some(data)) => file_by_data(&data, format.as_deref(), at)?,
                (None, None) => {
                    let message = format!("`{at}.file` is empty: give `file_id` or `file_data`");
                    return Err(Error::bad_request(&format!("{at}.file"), message));
                }
            };
            if block.get("type").and_then(Value::as_str) == Some("document") {
                let title = extra.get("title").cloned().or_else(|| filename.map(Value::from));
                let named = [("title", title), ("context", extra.get("context").cloned())];
                for (name, value) in named.into_iter().chain([("citations", extra.get("citations").cloned())]) {
                    if let Some(value) = value.filter(|value| !value.is_null()) {
                        block.insert(name.to_owned(), value);
                    }
                }
            }
            (block, cache_control)
        }
        Part::Audio { .. } => return Err(unknown(at, "input_audio")),
        Part::Other { kind, value } => (own_block(&kind, value, at, betas)?, None),
    };
    if let Some(mark) = mark {
        block.insert("cache_control".to_owned(), mark);
    }
    Ok(Some(Value::Object(block)))
}

fn own_block(kind: &str, value: Map<String, Value>, at: &str, betas: &mut Betas) -> Result<Map<String, Value>> {
    if let ("refusal", Some(text)) = (kind, value.get("refusal")) {
        return Ok(object(json!({"type": "text", "text": text})));
    }
    if !OWN.contains(&kind) && !kind.ends_with("_tool_result") {
        return Err(unknown(at, kind));
    }
    let by_id = value.get("source").and_then(|source| source.get("type")).and_then(Value::as_str) == Some("file");
    if by_id || kind == "container_upload" {
        betas.add(betas::FILES);
    }
    Ok(value)
}

fn unknown(at: &str, kind: &str) -> Error {
    let message =
        format!("`{at}` is of a type that Anthropic does not take: `{kind}`; give text, an image or a document");
    Error::bad_request(at, message)
}

fn image(url: &str, format: Option<&str>, at: &str) -> Result<Map<String, Value>> {
    if let Some((kind, data)) = data_url(url) {
        return by_type(format.unwrap_or(kind), data, at);
    }
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        let message = format!("`{at}.image_url` must be an https: URL, or a data: URL with base64");
        return Err(Error::bad_request(&format!("{at}.image_url"), message));
    }
    let kind = if format == Some("application/pdf") { "document" } else { "image" };
    Ok(object(json!({"type": kind, "source": {"type": "url", "url": url}})))
}

fn file_by_id(id: &str, format: Option<&str>, betas: &mut Betas) -> Map<String, Value> {
    let is_image = format.is_some_and(|format| format.starts_with("image/"));
    let kind = if is_image { "image" } else { "document" };
    if id.starts_with("https://") || id.starts_with("http://") {
        return object(json!({"type": kind, "source": {"type": "url", "url": id}}));
    }
    betas.add(betas::FILES);
    if format.is_some_and(|format| !is_image && !matches!(format, "application/pdf" | "text/plain")) {
        // What the model cannot read itself, code can: <https://platform.claude.com/docs/en/build-with-claude/files>.
        return object(json!({"type": "container_upload", "file_id": id}));
    }
    object(json!({"type": kind, "source": {"type": "file", "file_id": id}}))
}

fn file_by_data(data: &str, format: Option<&str>, at: &str) -> Result<Map<String, Value>> {
    let (kind, data) = data_url(data).unwrap_or(("application/pdf", data));
    by_type(format.unwrap_or(kind), data, at)
}

/// The block for base64 of a MIME type.
fn by_type(kind: &str, data: &str, at: &str) -> Result<Map<String, Value>> {
    let kind = if kind == "image/jpg" { "image/jpeg" } else { kind };
    if IMAGES.contains(&kind) {
        return Ok(object(json!({"type": "image", "source": {"type": "base64", "media_type": kind, "data": data}})));
    }
    if kind == "application/pdf" {
        return Ok(object(json!({"type": "document", "source": {"type": "base64", "media_type": kind, "data": data}})));
    }
    if kind.starts_with("text/") || kind == "application/json" {
        let text = decode(data).and_then(|bytes| String::from_utf8(bytes).ok());
        let text =
            text.ok_or_else(|| Error::bad_request(at, format!("`{at}` is not UTF-8 in base64: encode it so")))?;
        // Any text is plain to the API.
        let source = json!({"type": "text", "media_type": "text/plain", "data": text});
        return Ok(object(json!({"type": "document", "source": source})));
    }
    let message =
        format!("`{at}` is of a type that Anthropic does not take: `{kind}`; give JPEG, PNG, GIF, WebP, PDF or text");
    Err(Error::bad_request(at, message))
}

/// MIME type and base64 of a `data:` URL; parameters such as `charset` are left out.
pub(in crate::provider) fn data_url(url: &str) -> Option<(&str, &str)> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',')?;
    let (kind, parameters) = head.split_once(';')?;
    parameters.split(';').any(|parameter| parameter == "base64").then_some((kind, data))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(data: Option<&str>, id: Option<&str>, format: Option<&str>) -> Result<Option<Value>> {
        let part = Part::File {
            file_id: id.map(str::to_owned),
            file_data: data.map(str::to_owned),
            filename: Some("f".to_owned()),
            format: format.map(str::to_owned),
            cache_control: None,
            extra: Map::new(),
        };
        block(part, "messages[0].content[0]", &mut Betas::default())
    }

    #[test]
    fn files_become_the_block_of_their_type() {
        let source = |data, id, format| file(data, id, format).unwrap().unwrap()["source"].clone();
        let pdf = json!({"type": "base64", "media_type": "application/pdf", "data": "AA=="});
        assert_eq!(source(Some("AA=="), None, None), pdf);
        assert_eq!(source(Some("data:application/pdf;base64,AA=="), None, None), pdf);
        let text = json!({"type": "text", "media_type": "text/plain", "data": "a,b\n"});
        assert_eq!(source(Some("data:text/csv;charset=utf-8;base64,YSxiCg=="), None, None), text);
        let url = json!({"type": "url", "url": "https://x/y.pdf"});
        assert_eq!(source(None, Some("https://x/y.pdf"), None), url);
        for (format, kind) in
            [("image/png", "image"), ("application/pdf", "document"), ("text/csv", "container_upload")]
        {
            assert_eq!(file(None, Some("file_1"), Some(format)).unwrap().unwrap()["type"], kind);
        }
        let error = file(Some("data:application/zip;base64,AA"), None, None).unwrap_err();
        assert_eq!(error.param(), Some("messages[0].content[0]"));
    }

    #[test]
    fn images_are_urls_or_base64_of_four_types() {
        let image = |url: &str, format| image(url, format, "at").map(|block| block["source"].clone());
        assert_eq!(image("https://x/y", None).unwrap(), json!({"type": "url", "url": "https://x/y"}));
        assert_eq!(image("data:image/jpg;base64,AA", None).unwrap()["media_type"], "image/jpeg");
        assert_eq!(image("data:x;base64,AA", Some("image/webp")).unwrap()["media_type"], "image/webp");
        for bad in ["data:image/tiff;base64,AA", "data:image/png,AA", "gs://x/y", "AAAA"] {
            assert!(image(bad, None).is_err(), "{bad}");
        }
    }
}
