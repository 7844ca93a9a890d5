//! The gateway as a class of JavaScript: requests in, answers out, and a clock that others wind.

use std::rc::Rc;

use js_sys::{Function, Promise};
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::future_to_promise;
use web_sys::{AbortSignal, Request, Response};

use super::books::Books;
use super::host::Caller;
use super::world::{Failure, World};
use crate::config::Config;
use crate::gateway::{Gateway as Spine, Reply, ReplyBody};
use crate::web::{self, shell};

/// A gateway: `npm/gateway.js` is the class that people see.
#[wasm_bindgen]
pub struct Gateway {
    spine: Rc<Spine>,
    world: World,
    books: Rc<Books>,
}

#[wasm_bindgen]
impl Gateway {
    /// A gateway with a configuration (JSON text).
    ///
    /// # Errors
    ///
    /// A text: the findings as a JSON list where the configuration is not valid; else why the storage cannot be used.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str, world: World) -> Result<Gateway, String> {
        let findings = |findings: Vec<_>| serde_json::to_string(&findings).unwrap_or_default();
        let config = Config::read_with(config, &|name| world.variable(name)).map_err(findings)?;
        let now = world.now() as u64;
        let books = Books::open(world.storage(), now).map_err(|Failure(reason)| reason)?;
        let books = Rc::new(books);
        let spine = Rc::new(Spine::new(config, &Caller::new(world.clone(), books.clone(), None)));
        world.wake(books.next_alarm().unwrap_or_default() as f64);
        Ok(Self { spine, world, books })
    }

    /// Answers a request: a promise of a response. `left` is aborted when its client has left; `background` is called with the
    /// promise of each piece of work that goes on after it.
    pub fn fetch(&self, request: Request, left: AbortSignal, background: Function) -> Promise {
        let host = Rc::new(Caller::new(self.world.clone(), self.books.clone(), Some(left.clone())));
        let spine = self.spine.clone();
        future_to_promise(async move { Ok(answer(&spine, host, request, left, &background).await?.into()) })
    }

    /// Does what is due in the ledgers: at the time for which `wake` was last called.
    ///
    /// # Errors
    ///
    /// A text: why the storage cannot be written.
    pub fn alarm(&self) -> Result<(), String> {
        let done = self.books.alarm(self.world.now() as u64);
        self.world.wake(self.books.next_alarm().unwrap_or_default() as f64);
        done.map_err(|Failure(reason)| reason)
    }

    /// How often `check` wants to be called, in ms; 0: never.
    #[wasm_bindgen(js_name = checkInterval)]
    pub fn check_interval(&self) -> f64 {
        self.spine.check_interval_ms().unwrap_or_default() as f64
    }

    /// Asks the deployments whether they answer, where that is due: a promise.
    pub fn check(&self) -> Promise {
        let host = Caller::new(self.world.clone(), self.books.clone(), None);
        let spine = self.spine.clone();
        future_to_promise(async move {
            let checked = spine.check_deployments(&host).await;
            checked.map(JsValue::from).map_err(|error| JsValue::from_str(&error.to_string()))
        })
    }

    /// Forgets what is in memory of the storage, which could not be written.
    pub fn forget(&self) {
        self.books.forget();
    }
}

async fn answer(
    spine: &Spine,
    host: Rc<Caller>,
    request: Request,
    left: AbortSignal,
    background: &Function,
) -> Result<Response, JsValue> {
    let (head, body) = web::read_request(request);
    let Reply { status, headers, body, after } = spine.handle(host.as_ref(), head, body).await;
    let go_on = |work: Promise| background.call1(&JsValue::UNDEFINED, &work);
    let relay = match body {
        ReplyBody::Stream(relay) => relay,
        whole @ ReplyBody::Whole(_) => {
            if let Some(note) = after {
                go_on(future_to_promise(async move {
                    note.write(host.as_ref()).await;
                    Ok(JsValue::UNDEFINED)
                }))?;
            }
            return web::whole(&Reply { status, headers, body: whole, after: None });
        }
    };
    let (mut sink, readable) = web::channel(&host.pipe(), &left);
    let response = shell::stream(&readable, status, &headers)?;
    // The owner of the stream: it outlives the client, sees both ends, and settles (design section 7).
    go_on(future_to_promise(async move {
        Box::pin(relay.run(host.as_ref(), &mut sink)).await;
        if left.aborted() {
            sink.abort().await;
        } else {
            sink.close().await;
        }
        if let Some(note) = after {
            note.write(host.as_ref()).await;
        }
        Ok(JsValue::UNDEFINED)
    }))?;
    Ok(response)
}
