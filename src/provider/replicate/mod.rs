//! Replicate: every model is a prediction, which is made, asked about until it is done, and streamed from an address of its
//! own (<https://replicate.com/docs/topics/predictions/create-a-prediction>).

mod answer;
mod follow;
mod request;

use super::job::Job;
use super::post::post;
use super::{Call, ChatStream, Notes, Provider, Target, is_safe_segment};
use crate::error::{Error, Result};
use crate::http::{Headers, HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Replicate;

/// Longest time that Replicate holds a request open for its answer, in seconds.
const LONGEST_WAIT: u64 = 60;

/// A prediction runs for 30 minutes at most (<https://replicate.com/docs/topics/predictions/lifecycle>), in ms.
const LONGEST_RUN_MS: u64 = 30 * 60 * 1000;

/// Shortest deadline of a prediction, in ms.
const SHORTEST_RUN_MS: u64 = 5_000;

impl Provider for Replicate {
    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let (path, version) = place(target.model)?;
        let (mut body, mut notes) = request::write(target, chat)?;
        if let (Some(version), Some(body)) = (version, body.as_object_mut()) {
            body.insert("version".to_owned(), version.into());
        }
        let url = target.url("v1", false, &path)?;
        let mut http = post(target, url, body.to_string().into_bytes(), false)?;
        let mut headers = http.headers.clone();
        headers.remove("content-type");
        notes.follow =
            Some(Box::new(HttpRequest { method: "GET".to_owned(), url: http.url.clone(), headers, body: Vec::new() }));
        notes.stream = chat.stream();
        if !notes.stream {
            hold(&mut http.headers, target.settings.timeout_ms);
        }
        Ok(Call { http, notes })
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        answer::read(notes, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(answer::Stream::new(notes.clone()))
    }

    fn is_job(&self, head: &HttpHead) -> bool {
        !head.headers.get("content-type").is_some_and(|kind| kind.starts_with("text/event-stream"))
    }

    fn job(&self, notes: &Notes, asked: u32, body: &[u8]) -> Result<Job> {
        follow::next(notes, asked, body)
    }
}

/// Asks Replicate to answer with the result, if it has one soon, and to end what takes longer than anybody waits.
fn hold(headers: &mut Headers, timeout_ms: Option<u64>) {
    let seconds = timeout_ms.map_or(LONGEST_WAIT, |ms| (ms / 1000).clamp(1, LONGEST_WAIT));
    if headers.get("prefer").is_none() {
        headers.push("prefer", format!("wait={seconds}"));
    }
    if let Some(ms) = timeout_ms.filter(|ms| *ms < LONGEST_RUN_MS)
        && headers.get("cancel-after").is_none()
    {
        headers.push("cancel-after", format!("{}s", ms.max(SHORTEST_RUN_MS).div_ceil(1000)));
    }
}

/// Where predictions of `model` are made, and the version that the body has to name: `owner/name`, `owner/name:version`,
/// a version alone, `deployments/owner/name`.
///
/// # Errors
///
/// Anything else.
fn place(model: &str) -> Result<(String, Option<&str>)> {
    let (name, version) = model.split_once(':').map_or((model, None), |(name, version)| (name, Some(version)));
    let parts: Vec<&str> = name.split('/').collect();
    if !parts.iter().copied().chain(version).all(|part| is_safe_segment(part) && !part.contains([':', '@'])) {
        return Err(unknown(model));
    }
    match (parts.as_slice(), version) {
        (["deployments", owner, name], None) => Ok((format!("deployments/{owner}/{name}/predictions"), None)),
        ([_, _], Some(version)) => Ok(("predictions".to_owned(), Some(version))),
        ([owner, name], None) => Ok((format!("models/{owner}/{name}/predictions"), None)),
        ([_], None) => Ok(("predictions".to_owned(), Some(model))),
        _ => Err(unknown(model)),
    }
}

fn unknown(model: &str) -> Error {
    let message = format!(
        "`model` must be owner/name, owner/name:version, deployments/owner/name or a version for this provider: {model}"
    );
    Error::bad_request("model", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_found_by_any_of_its_names() {
        for (model, path, version) in [
            ("meta/llama-3-8b", "models/meta/llama-3-8b/predictions", None),
            ("meta/llama-3-8b:0a1b", "predictions", Some("0a1b")),
            ("0a1b", "predictions", Some("0a1b")),
            ("deployments/acme/bot", "deployments/acme/bot/predictions", None),
        ] {
            assert_eq!(place(model).unwrap(), (path.to_owned(), version), "{model}");
        }
        for model in ["a/../b", "a/b/c", "a/b?c", "deployments/a/b:1", "a/b:", "a/b:c:d", "a//b"] {
            assert_eq!(place(model).unwrap_err().param(), Some("model"), "{model}");
        }
    }

    #[test]
    fn nothing_waits_or_runs_longer_than_the_attempt() {
        let of = |timeout_ms| {
            let mut headers = Headers::new();
            hold(&mut headers, timeout_ms);
            let get = |name| headers.get(name).unwrap_or_default().to_owned();
            (get("prefer"), get("cancel-after"))
        };
        let text = |wait: &str, end: &str| (wait.to_owned(), end.to_owned());
        assert_eq!(of(None), text("wait=60", ""));
        assert_eq!(of(Some(6_000_000)), text("wait=60", ""));
        assert_eq!(of(Some(90_500)), text("wait=60", "91s"));
        assert_eq!(of(Some(2_000)), text("wait=2", "5s"));
        assert_eq!(of(Some(20)), text("wait=1", "5s"));
    }

    #[test]
    fn what_the_configuration_asks_for_stays() {
        let mut headers: Headers = [("prefer", "wait=5"), ("cancel-after", "1m")].into_iter().collect();
        hold(&mut headers, Some(10_000));
        assert_eq!((headers.get("prefer"), headers.get("cancel-after")), (Some("wait=5"), Some("1m")));
    }
}
