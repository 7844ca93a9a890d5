//! An attempt under way: the deployment counts as busy while this lives.

use std::cell::RefCell;
use std::rc::Rc;

use crate::router::Health;

/// An attempt under way. Dropped, it is over.
pub(super) struct Flight {
    health: Rc<RefCell<Health>>,
    id: String,
    started_ms: u64,
    landed: bool,
}

impl Flight {
    /// Starts one at the deployment `id`.
    pub(super) fn start(health: &Rc<RefCell<Health>>, id: &str, now_ms: u64) -> Self {
        health.borrow_mut().start(id, now_ms);
        Self { health: health.clone(), id: id.to_owned(), started_ms: now_ms, landed: false }
    }

    /// Says that it is over.
    pub(super) fn land(&mut self, now_ms: u64) {
        if !std::mem::replace(&mut self.landed, true) {
            self.health.borrow_mut().finish(&self.id, self.started_ms, now_ms);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        // When is not known any more, and does not matter: it only ceases to count.
        self.land(self.started_ms);
    }
}
