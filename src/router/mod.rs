//! The router as a state machine: which deployment next, how long to wait before it, when to give up.
//!
//! It takes facts and a random number and answers with a decision. It knows no provider, sends nothing and reads no clock,
//! so that the Worker, Node and the tests decide alike (promise 8 of the design).

mod fallback;
mod plan;
mod retry;
mod strategy;

pub use fallback::{Fallbacks, Hop};
pub use plan::{Plan, Step};
pub use retry::{RetryRules, backoff_ms};
pub use strategy::shuffle;

/// A deployment, as the router sees it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// `weight`: how often it is picked, against the others' weights.
    pub weight: Option<f64>,
    /// `rpm`: stands for the weight where no deployment of the group has one.
    pub rpm: Option<u64>,
    /// `tpm`: stands for the weight where no deployment of the group has a weight or rpm.
    pub tpm: Option<u64>,
    /// Retries that the deployment itself asks for.
    pub num_retries: Option<u32>,
}
