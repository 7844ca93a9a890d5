//! A place within a deployment's own limits: taken before an attempt is sent, and given back or settled at its end.

use super::Gateway;
use super::host::Host;
use super::settle::{Ending, Used};
use crate::config::Match;
use crate::router::Filtered;

/// A place at a deployment; one without limits has room for everybody, and asks nobody.
#[derive(Default)]
pub(super) struct Seat;

impl Seat {
    /// Takes a place for what `ending` may use.
    ///
    /// # Errors
    ///
    /// [`Filtered::Limit`]: the deployment is full, and the next one's turn comes.
    pub(super) async fn take<H: Host>(_: &Gateway, _: &H, _: &Match, _: &Ending) -> Result<Self, Filtered> {
        Ok(Self)
    }

    /// Gives the place back: the attempt has used nothing.
    pub(super) async fn release<H: Host>(self, _: &H) {}

    /// Says what the attempt has used.
    pub(super) async fn settle<H: Host>(self, _: &H, _: &Used) {}
}
