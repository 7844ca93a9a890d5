//! The home of the directory: a Durable Object with SQLite, and the outbox that it empties.
//!
//! A change and what follows from it are rows of one step. Deliveries go out one after the other, by whoever finds the
//! outbox not being emptied; an answer waits for them, and an alarm goes on where a delivery failed.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::task::{Poll, Waker};

use worker::{DurableObject, Env, Request, Response, Result, State, durable_object};

use super::KV;
use super::objects::{self, LEDGER};
use super::sql::Object;
use crate::keys::directory::{self, Call, Delivery, RecordKind, Tables};
use crate::keys::ledger;

/// After how many ms a delivery that failed is tried again.
const RETRY_MS: i64 = 5_000;

/// The directory of keys, teams, users, customers and budgets.
#[durable_object]
pub struct Directory {
    state: State,
    env: Env,
    tables: RefCell<Option<Tables<Object>>>,
    emptying: Cell<bool>,
    waiting: RefCell<Vec<Waker>>,
}

impl DurableObject for Directory {
    fn new(state: State, env: Env) -> Self {
        Self { state, env, tables: RefCell::new(None), emptying: Cell::new(false), waiting: RefCell::default() }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let call: Call = crate::json::read(&request.bytes().await?)?;
        let changes = matches!(call, Call::Commit(_));
        // The platform takes back what an operation that fails has written.
        let reply = self.with_tables(|tables| {
            let reply = directory::act(tables, call);
            tables.check().map(|()| reply)
        })?;
        if changes && !self.empty_outbox().await? {
            return Response::error("not delivered yet", 503);
        }
        objects::json(&reply)
    }

    async fn alarm(&self) -> Result<Response> {
        self.empty_outbox().await?;
        Response::empty()
    }
}

impl Directory {
    fn with_tables<T>(&self, work: impl FnOnce(&mut Tables<Object>) -> Result<T>) -> Result<T> {
        let mut tables = self.tables.borrow_mut();
        let mut present = match tables.take() {
            Some(present) => present,
            None => Tables::new(Object(self.state.storage().sql()))?,
        };
        let result = work(&mut present);
        *tables = Some(present);
        result
    }

    /// Delivers all that waits, in order; `false` where something could not be delivered and the alarm goes on with it.
    async fn empty_outbox(&self) -> Result<bool> {
        // One at a time: two could overtake each other, and an old limit would come after a new one.
        poll_fn(|context| {
            if self.emptying.get() {
                self.waiting.borrow_mut().push(context.waker().clone());
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
        self.emptying.set(true);
        let done = self.deliver_all().await;
        self.emptying.set(false);
        for waker in self.waiting.take() {
            waker.wake();
        }
        let done = done?;
        if !done {
            self.state.storage().set_alarm(RETRY_MS).await?;
        }
        Ok(done)
    }

    async fn deliver_all(&self) -> Result<bool> {
        loop {
            let Some((seq, delivery)) = self.with_tables(|tables| tables.next_delivery())? else { return Ok(true) };
            let delivered = match delivery {
                Delivery::Copy { kind, id, record } => self.copy(kind, &id, record.as_ref()).await.is_ok(),
                Delivery::Ledger { root, message } => {
                    let name = root.object_name();
                    objects::ask::<ledger::Reply>(&self.env, LEDGER, &name, &message).await.is_ok()
                }
            };
            if !delivered {
                return Ok(false);
            }
            self.with_tables(|tables| tables.delivered(seq))?;
        }
    }

    async fn copy(&self, kind: RecordKind, id: &str, record: Option<&serde_json::Value>) -> Result<()> {
        let kv = self.env.kv(KV)?;
        let key = format!("{}:{id}", kind.name());
        match record {
            Some(record) => kv.put(&key, record.to_string())?.execute().await?,
            None => kv.delete(&key).await?,
        }
        Ok(())
    }
}
