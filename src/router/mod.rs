//! The router as a state machine: which deployment next, how long to wait before it, when to give up.
//!
//! It takes facts, the time and a random number and answers with a decision. It knows no provider, sends nothing and reads
//! no clock, so that the Worker, Node and the tests decide alike (promise 8 of the design).

mod affinity;
mod candidate;
mod cooldown;
mod exhausted;
mod fallback;
pub mod filter;
mod health;
mod hedge;
mod pace;
mod plan;
mod prefix;
mod retry;
mod strategy;
pub mod task;

pub use affinity::{Pins, Tie};
pub use candidate::{Candidate, Filtered};
pub use cooldown::CooldownRules;
pub use fallback::{FallbackList, Fallbacks, Hop};
pub use health::{Health, Rest, Vitals};
pub use hedge::HedgeRules;
pub use pace::Sample;
pub use plan::{Plan, Step};
pub use prefix::{digest, prefix};
pub use retry::{RetryRules, backoff_ms};
pub use strategy::{Picking, Strategy, StrategyArgs, shuffle};
