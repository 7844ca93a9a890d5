//! What follows a prediction that is not done: its stream where one is wanted, else a question after a while.

use super::answer::{failure, read_value, status};
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::provider::Notes;
use crate::provider::job::Job;

/// The first wait, in ms; each further one is twice as long.
const FIRST_WAIT_MS: u64 = 500;

/// The longest wait, in ms.
const LONGEST_WAIT_MS: u64 = 5_000;

/// Most questions about one prediction: with their waits, somewhat more than the 30 minutes that a prediction may run.
const MOST_ASKED: u32 = 400;

/// What to do about a prediction that `asked` requests were sent for.
///
/// # Errors
///
/// It failed, was ended, or is none.
pub(super) fn next(notes: &Notes, asked: u32, body: &[u8]) -> Result<Job> {
    let value = read_value(notes, body)?;
    match status(&value) {
        "starting" | "processing" | "queued" => {}
        "succeeded" if notes.stream => return Ok(Job::Done(format!("event: prediction\ndata: {value}\n\n").into())),
        "succeeded" => return Ok(Job::Done(body.to_vec())),
        _ => return Err(failure(notes, &value)),
    }
    if asked > MOST_ASKED {
        return Err(Error::upstream(Kind::Timeout, &notes.provider, 408, "the prediction did not come to an end"));
    }
    let url = |name: &str| value.get("urls")?.get(name)?.as_str();
    let cancel = url("cancel").and_then(|url| write(notes, "POST", url));
    if let Some(url) = url("stream").filter(|_| notes.stream && asked == 1)
        && let Some(mut http) = write(notes, "GET", url)
    {
        http.headers.set("accept", "text/event-stream");
        return Ok(Job::Ask { wait_ms: 0, http, cancel });
    }
    let http = url("get").and_then(|url| write(notes, "GET", url));
    let http = http.ok_or_else(|| notes.not_understood(&"it has no `urls.get` that can be asked"))?;
    let doubled = FIRST_WAIT_MS.saturating_mul(1 << asked.saturating_sub(1).min(16));
    Ok(Job::Ask { wait_ms: doubled.min(LONGEST_WAIT_MS), http, cancel })
}

/// A request to an address that an answer names. The key goes to where the prediction was made, and to Replicate's own hosts.
fn write(notes: &Notes, method: &str, url: &str) -> Option<HttpRequest> {
    let first = notes.follow.as_ref()?;
    let (here, there) = (origin(&first.url)?, origin(url)?);
    if here != there && !there.starts_with("https://") {
        return None;
    }
    let mut http = HttpRequest {
        method: method.to_owned(),
        url: url.to_owned(),
        headers: first.headers.clone(),
        body: Vec::new(),
    };
    if here != there && !there.ends_with(".replicate.com") {
        http.headers = crate::http::Headers::default();
    }
    Some(http)
}

/// Scheme, host and port.
fn origin(url: &str) -> Option<&str> {
    let start = url.find("://")? + 3;
    let rest = url.get(start..)?;
    let host = rest.split(['/', '?', '#', '\\']).next().filter(|host| !host.is_empty() && !host.contains('@'))?;
    url.get(..start + host.len())
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn notes(stream: bool) -> Notes {
        let headers = [("authorization", "Bearer k")].into_iter().collect();
        let url = "https://api.replicate.com/v1/models/a/b/predictions".to_owned();
        let follow = HttpRequest { method: "GET".to_owned(), url, headers, body: Vec::new() };
        Notes { follow: Some(Box::new(follow)), stream, ..Notes::default() }
    }

    fn ask(stream: bool, asked: u32, urls: &Value) -> Result<(u64, HttpRequest, Option<HttpRequest>)> {
        let body = serde_json::json!({"status": "processing", "output": ["half"], "urls": urls}).to_string();
        match next(&notes(stream), asked, body.as_bytes())? {
            Job::Ask { wait_ms, http, cancel } => Ok((wait_ms, http, cancel)),
            Job::Done(_) => panic!("half an answer is none"),
        }
    }

    #[test]
    fn waits_grow_and_end() {
        let urls = serde_json::json!({"get": "https://api.replicate.com/v1/predictions/p"});
        let waits: Vec<u64> = [1, 2, 3, 4, 5, 400].map(|asked| ask(false, asked, &urls).unwrap().0).into();
        assert_eq!(waits, [500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(ask(false, 401, &urls).unwrap_err().kind(), Kind::Timeout);
    }

    #[test]
    fn the_key_stays_with_replicate() {
        let to = |url: &str| {
            let (_, http, _) = ask(false, 1, &serde_json::json!({"get": url})).ok()?;
            Some(http.headers.get("authorization").is_some())
        };
        assert_eq!(to("https://api.replicate.com/v1/predictions/p"), Some(true));
        assert_eq!(to("https://stream.replicate.com/v1/files/p"), Some(true));
        for strange in
            ["https://stream-b.c.replicate.net/x", "https://evil.com?.replicate.com", "https://evil.com#.replicate.com"]
        {
            assert_eq!(to(strange), Some(false), "{strange}");
        }
        for refused in [
            "http://api.replicate.com/x",
            "http://169.254.169.254/",
            "file:///x",
            "https://a.replicate.com@evil.com/",
            "",
        ] {
            assert_eq!(to(refused), None, "{refused}");
        }
    }

    #[test]
    fn a_stream_is_followed_once() {
        let urls = serde_json::json!({"get": "https://api.replicate.com/g", "stream": "https://stream.replicate.com/s",
            "cancel": "https://api.replicate.com/c"});
        let (wait, http, cancel) = ask(true, 1, &urls).unwrap();
        assert_eq!(
            (wait, http.url.as_str(), http.headers.get("accept")),
            (0, "https://stream.replicate.com/s", Some("text/event-stream"))
        );
        let cancel = cancel.unwrap();
        assert_eq!((cancel.method.as_str(), cancel.url.as_str()), ("POST", "https://api.replicate.com/c"));
        assert_eq!(ask(true, 2, &urls).unwrap().1.url, "https://api.replicate.com/g");
        assert_eq!(ask(false, 1, &urls).unwrap().1.url, "https://api.replicate.com/g");
    }
}
