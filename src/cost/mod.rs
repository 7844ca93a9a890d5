//! What a call costs: tokens before it.

pub mod tokens;
