//! An open reservation as memory keeps it.

use crate::money::Money;

#[derive(Debug)]
pub(super) struct Hold {
    pub(super) request_id: String,
    /// Slots of the accounts that it counts against.
    pub(super) slots: Vec<usize>,
    /// What every one of them holds for it.
    pub(super) reserved: Money,
    /// What its owner last reported.
    pub(super) progress: Option<Money>,
    /// Tokens that every one of them counted for it.
    pub(super) tokens: u64,
    pub(super) deadline_ms: u64,
}
