//! Two futures, and which of them is first.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

/// The future that was first, with what it returned.
pub(super) enum First<A, B> {
    /// The left one.
    Left(A),
    /// The right one.
    Right(B),
}

/// Polls both futures, the left one first, and drops the one that comes second.
pub(super) async fn race<A, B>(left: impl Future<Output = A>, right: impl Future<Output = B>) -> First<A, B> {
    let (mut left, mut right) = (pin!(left), pin!(right));
    poll_fn(|context| {
        if let Poll::Ready(value) = left.as_mut().poll(context) {
            return Poll::Ready(First::Left(value));
        }
        right.as_mut().poll(context).map(First::Right)
    })
    .await
}

/// Returns when both have ended.
pub(super) async fn both<A, B>(left: impl Future<Output = A>, right: impl Future<Output = B>) -> (A, B) {
    let (mut left, mut right) = (pin!(left), pin!(right));
    let (mut got_left, mut got_right) = (None, None);
    poll_fn(|context| {
        if got_left.is_none()
            && let Poll::Ready(value) = left.as_mut().poll(context)
        {
            got_left = Some(value);
        }
        if got_right.is_none()
            && let Poll::Ready(value) = right.as_mut().poll(context)
        {
            got_right = Some(value);
        }
        match (got_left.take(), got_right.take()) {
            (Some(left), Some(right)) => Poll::Ready((left, right)),
            (left, right) => {
                (got_left, got_right) = (left, right);
                Poll::Pending
            }
        }
    })
    .await
}
