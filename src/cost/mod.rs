//! Money: what every model costs, before a call (a bound) and after it (a charge), exact to the pico-dollar.
//!
//! 1. [`PriceTable::find`] finds the model; no match is no price, never a free one.
//! 2. [`Buckets`] holds what was used, every token in exactly one bucket.
//! 3. [`charge()`] is their product with the prices of the [`Context`]; [`upper_bound`] is the most that it can become.
//!
//! The prices are data: `prices/models.jsonl`, built by `scripts/prices.mjs` into the tables that [`PriceTable`] reads.
//! No float takes part.

mod bound;
mod charge;
mod columns;
mod context;
mod custom;
mod decode;
mod dialects;
mod entry;
mod lookup;
mod names;
mod price;
mod rates;
mod reported;
mod table;
pub mod tokens;
mod unit;
mod usage;

pub use bound::{affordable_output, upper_bound};
pub use charge::{Charge, Exactness, Items, Source, charge};
pub use context::Context;
pub use custom::CustomRates;
pub use dialects::canonical as canonical_usage;
pub use entry::{Entry, Limits, PriceList};
pub use names::field_name;
pub use price::Price;
pub use rates::{Found, Rate, Rates};
pub use table::PriceTable;
pub use unit::{Item, Tier, Unit};
pub use usage::Buckets;
