//! Remote images and documents, fetched and sent as bytes to providers that fetch none themselves.

mod address;

use std::borrow::Cow;

use serde_json::{Map, Value};

use super::attempt::{Request, Resolved};
use super::host::{Body, Host};
use super::race::{First, race};
use crate::base64;
use crate::config::RemoteMedia;
use crate::error::{Error, Kind, Result};
use crate::http::{Headers, HttpRequest};
use crate::openai::ChatRequest;

/// Most addresses of one request that are fetched.
const MOST: usize = 16;

/// Most bytes of one request that are fetched: with their base64 and what is written of it, a Worker's memory holds them.
const MOST_BYTES: usize = 20 << 20;

/// How long the fetches of one request may take, in ms.
const LONGEST_MS: u64 = 20_000;

/// Most redirects that are followed for one address.
const MOST_REDIRECTS: usize = 3;

/// Types that some model reads, and their first bytes where those tell them.
const TYPES: &[(&str, &[u8])] = &[
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("application/pdf", b"%PDF-"),
    ("image/webp", b""),
    ("image/bmp", b""),
    ("image/heic", b""),
    ("image/heif", b""),
    ("audio/wav", b""),
    ("audio/mpeg", b""),
    ("audio/mp3", b""),
    ("audio/ogg", b""),
    ("audio/flac", b""),
    ("video/mp4", b""),
    ("video/webm", b""),
    ("video/quicktime", b""),
];

/// `request` with the bytes of every address that the deployment's provider does not fetch by itself.
///
/// # Errors
///
/// [`Kind::BadRequest`] with the field: an address that is not fetched (see [`address::check`]), too many or too long, not an
/// image or document, or one that could not be had.
pub(super) async fn inlined<'a, H: Host>(
    host: &H,
    deployment: &Resolved,
    request: &'a Request,
    allowed: RemoteMedia,
) -> Result<Cow<'a, Request>> {
    let Request::Chat(chat) = request else { return Ok(Cow::Borrowed(request)) };
    let has_address = chat.fields().raw("messages").is_some_and(|raw| {
        let has = |word: &[u8]| memchr::memmem::find(raw.get().as_bytes(), word).is_some();
        has(b"\"http://") || has(b"\"https://")
    });
    if !has_address || deployment.mock_response.is_some() || deployment.mock_tool_calls.is_some() {
        return Ok(Cow::Borrowed(request));
    }
    let mut messages: Value = chat.fields().get("messages")?.unwrap_or_default();
    let mut places = Vec::new();
    find(&mut messages, &mut places);
    let dialect = deployment.provider.dialect();
    places.retain(|place| dialect.needs_bytes(&deployment.model, place.url));
    if places.is_empty() {
        return Ok(Cow::Borrowed(request));
    }
    if allowed == RemoteMedia::Never {
        let at = places.first().map(|place| place.at.as_str()).unwrap_or_default();
        let message =
            format!("`{at}` is an address, which this provider does not fetch: send the bytes as a data: URL");
        return Err(Error::bad_request(at, message));
    }
    match race(fetch_all(host, &mut places, allowed == RemoteMedia::Anywhere), host.sleep(LONGEST_MS)).await {
        First::Left(fetched) => fetched?,
        First::Right(()) => {
            let message = format!("the media of `messages` did not come within {} s", LONGEST_MS / 1000);
            return Err(Error::bad_request("messages", message));
        }
    }
    Ok(Cow::Owned(Request::Chat(with_messages(chat, &messages)?)))
}

fn with_messages(chat: &ChatRequest, messages: &Value) -> Result<ChatRequest> {
    chat.with(|fields| fields.set("messages", messages))
}

/// An address in a message.
struct Place<'v> {
    /// Its field.
    at: String,
    url: &'v mut String,
}

/// Finds the addresses of images, files, audio and video.
fn find<'v>(messages: &'v mut Value, places: &mut Vec<Place<'v>>) {
    for (i, message) in messages.as_array_mut().into_iter().flatten().enumerate() {
        let parts = message.get_mut("content").and_then(Value::as_array_mut);
        for (j, part) in parts.into_iter().flatten().enumerate() {
            let Some(part) = part.as_object_mut() else { continue };
            let kind = part.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
            let names: &[&str] = match kind.as_str() {
                "image_url" | "video_url" | "audio_url" | "file_url" => &["url"],
                "file" => &["file_id", "file_data"],
                _ => continue,
            };
            let at = format!("messages[{i}].content[{j}].{kind}");
            match part.get_mut(&kind) {
                Some(Value::String(url)) if is_web(url) => places.push(Place { at, url }),
                Some(Value::Object(map)) => places.extend(address_in(map, names, &at)),
                _ => {}
            }
        }
    }
}

fn address_in<'v>(map: &'v mut Map<String, Value>, names: &[&str], at: &str) -> Option<Place<'v>> {
    map.iter_mut().find_map(|(name, value)| match value {
        Value::String(url) if names.contains(&name.as_str()) && is_web(url) => {
            Some(Place { at: format!("{at}.{name}"), url })
        }
        _ => None,
    })
}

fn is_web(url: &str) -> bool {
    let starts = |scheme: &str| url.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    starts("http://") || starts("https://")
}

/// Replaces each address by its bytes; one that stands twice is fetched once.
async fn fetch_all<H: Host>(host: &H, places: &mut [Place<'_>], private: bool) -> Result<()> {
    let mut fetched: Vec<(String, String)> = Vec::new();
    let mut left = MOST_BYTES;
    for place in places {
        if let Some((_, data)) = fetched.iter().find(|(url, _)| url == place.url) {
            place.url.clone_from(data);
            continue;
        }
        if fetched.len() == MOST {
            let message =
                format!("`{}` is one address too many: a request may have {MOST} for this provider", place.at);
            return Err(Error::bad_request(&place.at, message));
        }
        let (kind, bytes) = fetch(host, place.url, private, left).await.map_err(|why| {
            let message = format!("`{}` {why}", place.at);
            Error::new(Kind::BadRequest, message).with_param(place.at.clone())
        })?;
        left -= bytes.len();
        let data = format!("data:{kind};base64,{}", base64::encode(&bytes));
        fetched.push((std::mem::replace(place.url, data.clone()), data));
    }
    Ok(())
}

/// Fetches one address: its type and its bytes, at most `bound`. A reason follows the field's name.
async fn fetch<H: Host>(host: &H, url: &str, private: bool, bound: usize) -> Result<(String, Vec<u8>), String> {
    let mut url = url.to_owned();
    for _ in 0..=MOST_REDIRECTS {
        address::check(&url, private)?;
        let mut headers = Headers::new();
        headers.push("accept", "image/*, application/pdf, audio/*, video/*");
        headers.push("user-agent", concat!("tollgate/", env!("CARGO_PKG_VERSION")));
        let get = HttpRequest { method: "GET".to_owned(), url: url.clone(), headers, body: Vec::new() };
        let mut answer = host.send(get).await.map_err(|_| "could not be fetched: no answer came".to_owned())?;
        let header = |name: &str| answer.head.headers.get(name);
        if matches!(answer.head.status, 301 | 302 | 303 | 307 | 308) {
            let to = address::redirected(&url, header("location").unwrap_or_default());
            if is_secure(&url) && !is_secure(&to) {
                return Err("redirects from https: to http:".to_owned());
            }
            url = to;
            continue;
        }
        if !answer.head.is_success() {
            return Err(format!("could not be fetched: its server answers {}", answer.head.status));
        }
        let told = header("content-type").and_then(|kind| kind.split(';').next()).unwrap_or_default();
        let told = told.trim().to_ascii_lowercase();
        let body = answer.body.whole(bound).await.map_err(|_| "broke off while it was fetched".to_owned())?;
        let bytes = body.ok_or_else(|| format!("is too long: a request may have {} MiB of media", MOST_BYTES >> 20))?;
        let kind = type_of(&told, &bytes).ok_or_else(|| {
            let told = told.get(..told.len().min(64)).unwrap_or_default();
            format!("is no image or document that models read: its type is `{told}`")
        })?;
        return Ok((kind.to_owned(), bytes));
    }
    Err(format!("redirects more than {MOST_REDIRECTS} times"))
}

fn is_secure(url: &str) -> bool {
    url.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("https:"))
}

/// The type of what came: by its first bytes where they tell, else as its server says.
fn type_of(told: &str, bytes: &[u8]) -> Option<&'static str> {
    let by_bytes = TYPES.iter().find(|(_, start)| !start.is_empty() && bytes.starts_with(start));
    let webp = bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP");
    let by_word = || TYPES.iter().find(|(kind, _)| *kind == if told == "image/jpg" { "image/jpeg" } else { told });
    if webp { Some("image/webp") } else { by_bytes.or_else(by_word).map(|(kind, _)| *kind) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_the_first_bytes_before_the_servers_word() {
        for (told, bytes, kind) in [
            ("image/png", &b"\xff\xd8\xff\xe0"[..], Some("image/jpeg")),
            ("application/octet-stream", b"\x89PNG\r\n\x1a\nx", Some("image/png")),
            ("", b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            ("image/jpg", b"?", Some("image/jpeg")),
            ("video/mp4", b"?", Some("video/mp4")),
            ("text/html", b"<html>", None),
            ("image/svg+xml", b"<svg>", None),
            ("", b"", None),
        ] {
            assert_eq!(type_of(told, bytes), kind, "{told}");
        }
    }
}
