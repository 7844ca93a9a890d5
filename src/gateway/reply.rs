//! What the client gets.

use serde_json::Value;

use super::relay::Relay;
use super::settle::Note;
use crate::error::Error;
use crate::http::Headers;

/// An answer for the client.
pub struct Reply<B> {
    /// HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
    /// The body.
    pub body: ReplyBody<B>,
    /// What the shell has to do when the client has its answer, all of a stream too: [`Note::write`].
    pub after: Option<Box<Note>>,
}

/// The body of an answer.
pub enum ReplyBody<B> {
    /// All of it.
    Whole(Vec<u8>),
    /// A stream that the shell runs into the client's connection by [`Relay::run`].
    Stream(Box<Relay<B>>),
}

impl<B> Reply<B> {
    /// A whole JSON body.
    pub fn json(status: u16, body: Vec<u8>) -> Self {
        let headers = [("content-type", "application/json")].into_iter().collect();
        Self { status, headers, body: ReplyBody::Whole(body), after: None }
    }

    /// A whole JSON body.
    pub fn value(status: u16, value: &Value) -> Self {
        Self::json(status, value.to_string().into_bytes())
    }

    /// An error in OpenAI's shape, with its own headers.
    pub fn error(error: &Error) -> Self {
        let mut reply = Self::value(error.status(), &error.to_json());
        for (name, value) in error.headers().iter() {
            reply.headers.push(name, value);
        }
        if let Some(ms) = error.retry_after_ms() {
            reply.headers.set("retry-after", ms.div_ceil(1000).to_string());
        }
        reply
    }
}
