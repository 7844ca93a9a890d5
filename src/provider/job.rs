//! Answers that are a job at first: what to send until it is done.

use crate::http::HttpRequest;

/// What a job has come to.
#[derive(Clone, Debug)]
pub enum Job {
    /// The answer, as the dialect's readers take it.
    Done(Vec<u8>),
    /// Not yet.
    Ask {
        /// How long to wait first, in ms.
        wait_ms: u64,
        /// What to send then: its answer is the job again, or the answer itself.
        http: HttpRequest,
        /// What ends the job for a client that has left.
        cancel: Option<HttpRequest>,
    },
}
