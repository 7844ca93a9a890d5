//! Virtual keys, teams, users, budgets, rate limits and spend: the rules, without a place to keep them.
//!
//! [`token`] makes and checks keys, the records ([`KeyRecord`], [`TeamRecord`], …) are what is known of them, [`admission`]
//! says what a key may do, the [`ledger`] what it may still spend, and [`spend`] what was spent. The homes (a Durable
//! Object, a SQLite file, memory in tests) keep what these hand out.

pub mod calendar;
pub mod duration;
pub mod ledger;
pub mod token;
