//! Virtual keys, teams, users, budgets, rate limits and spend: the rules, without a place to keep them.
//!
//! [`token`] makes and checks keys, the records ([`KeyRecord`], [`TeamRecord`], …) are what is known of them,
//! [`admission`] says what a key may do, the [`ledger`] what it may still spend, and [`spend`] what was spent. The
//! homes (a Durable Object, a SQLite file, memory) keep what these hand out: [`ledger::Home`] and [`directory::Tables`]
//! are theirs, over any [`sql`].

pub mod admission;
pub mod budget;
pub mod calendar;
pub mod customer;
pub mod directory;
pub mod duration;
pub mod fields;
pub mod ledger;
pub mod model_budget;
pub mod models;
pub mod record;
mod route_groups;
pub mod routes;
pub mod routing;
mod scopes;
pub mod spend;
pub mod sql;
pub mod team;
pub mod token;
mod typed;
pub mod user;

pub use budget::{Allowance, BudgetRecord};
pub use customer::CustomerRecord;
pub use record::KeyRecord;
pub use routes::KeyType;
pub use routing::Routing;
pub use team::{Member, TeamRecord, TeamRole};
pub use typed::Typed;
pub use user::{Role, UserRecord};
