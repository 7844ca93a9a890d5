//! The home of one budget root's ledger: a Durable Object with SQLite.
//!
//! The platform promises what [`Home`] asks for: one object for each root, one thread in it; what is written with nothing
//! awaited in between is committed together, and its output gate holds the answer back until that is durable.

use std::cell::RefCell;

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::sql::Object;
use crate::keys::ledger::{Home, Tables};

/// The ledger of one budget root.
#[durable_object]
pub struct Ledger {
    state: State,
    home: RefCell<Home<Tables<Object>>>,
}

impl DurableObject for Ledger {
    fn new(state: State, _: Env) -> Self {
        let tables = Tables::new(Object(state.storage().sql()));
        Self { state, home: RefCell::new(Home::new(tables)) }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let message = crate::json::read(&request.bytes().await?)?;
        let now = worker::Date::now().as_millis();
        let (reply, events) = self.home.borrow_mut().tell(message, now)?;
        for event in &events {
            // Whoever sends alerts reads the log.
            worker::console_log!("{}", serde_json::json!({"event": "budget", "crossing": event}));
        }
        self.set_alarm(now).await?;
        super::objects::json(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        let now = worker::Date::now().as_millis();
        self.home.borrow_mut().alarm(now)?;
        self.set_alarm(now).await?;
        Response::empty()
    }
}

impl Ledger {
    async fn set_alarm(&self, now: u64) -> Result<()> {
        let wanted = self.home.borrow_mut().next_alarm(now);
        let Some(wanted) = wanted else { return Ok(()) };
        let in_ms = i64::try_from(wanted.saturating_sub(now)).unwrap_or(i64::MAX);
        self.state.storage().set_alarm(in_ms).await
    }
}
