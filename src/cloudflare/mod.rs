//! The Cloudflare Worker: events in, the gateway, answers out.

mod directory;
mod host;
mod ledger;
mod objects;
mod shell;
mod stream;

use std::cell::RefCell;
use std::rc::Rc;

use worker::web_sys::{Request, Response};
use worker::{Context, Env, Result, event};

use crate::config::Config;
use crate::gateway::{Gateway, Host as _, Reply, ReplyBody};
use crate::http::HttpRequest;
use host::Worker;
use stream::{AbortOnDrop, UpstreamBody, channel};

/// The KV binding that holds the configuration and, as an index, keys and spend.
const KV: &str = "TOLLGATE_KV";

/// The KV key of the configuration as JSON.
const CONFIG_KEY: &str = "config";

/// How long an isolate acts on a configuration before it asks KV again, in ms: KV itself is up to 60 s behind.
const CONFIG_FRESH_MS: u64 = 30_000;

/// How long KV's own cache may answer for the configuration, in seconds: its least.
const CONFIG_CACHE_SECONDS: u64 = 30;

/// A gateway, the text that it was made of, and when that text was last read.
struct Cached {
    gateway: Rc<Gateway>,
    text: String,
    read_at: u64,
}

thread_local! {
    static CACHED: RefCell<Option<Cached>> = const { RefCell::new(None) };
}

/// Answers a request.
///
/// # Errors
///
/// Only what the platform itself refuses: everything else is an answer.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let host = Rc::new(Worker::new(env, Clone::clone(&request)));
    let gateway = match gateway(&host).await {
        Ok(gateway) => gateway,
        Err(error) => return whole(&Reply::<UpstreamBody>::error(&error)),
    };
    let (head, body) = read_request(request);
    let reply = gateway.handle(host.as_ref(), head, body).await;
    let Reply { status, headers, body, after } = reply;
    let relay = match body {
        ReplyBody::Stream(relay) => relay,
        whole_body @ ReplyBody::Whole(_) => {
            if let Some(note) = after {
                context.wait_until(async move { note.write(host.as_ref()).await });
            }
            return whole(&Reply { status, headers, body: whole_body, after: None });
        }
    };
    let (mut sink, readable) = channel()?;
    let response = shell::stream(&readable, status, &headers)?;
    // The owner of the stream: it outlives the client, sees both ends, and settles (design section 7).
    context.wait_until(async move {
        relay.run(host.as_ref(), &mut sink).await;
        sink.close().await;
    });
    Ok(response)
}

/// The isolate's gateway, made anew when the configuration has changed.
async fn gateway(host: &Worker) -> crate::error::Result<Rc<Gateway>> {
    let now = host.now_ms();
    let fresh = CACHED.with_borrow(|cached| {
        cached
            .as_ref()
            .filter(|cached| now.saturating_sub(cached.read_at) < CONFIG_FRESH_MS)
            .map(|cached| cached.gateway.clone())
    });
    if let Some(gateway) = fresh {
        return Ok(gateway);
    }
    let text = host.config_text().await;
    let unchanged = CACHED.with_borrow_mut(|cached| {
        let cached = cached.as_mut().filter(|cached| cached.text == text)?;
        cached.read_at = now;
        Some(cached.gateway.clone())
    });
    if let Some(gateway) = unchanged {
        return Ok(gateway);
    }
    let config = Config::read_with(&text, &|name| host.variable(name)).map_err(|findings| {
        let first =
            findings.first().map(|finding| format!("{}: {}", finding.path, finding.message)).unwrap_or_default();
        crate::error::Error::new(crate::error::Kind::InternalServer, format!("the configuration is not valid: {first}"))
    })?;
    let gateway = Rc::new(Gateway::new(config, host));
    CACHED.set(Some(Cached { gateway: gateway.clone(), text, read_at: now }));
    Ok(gateway)
}

fn read_request(request: Request) -> (HttpRequest, UpstreamBody) {
    let headers = shell::headers(&request.headers());
    let head = HttpRequest { method: request.method(), url: request.url(), headers, body: Vec::new() };
    let body = UpstreamBody::new(request.into(), &head.headers, AbortOnDrop(None));
    (head, body)
}

fn whole<B>(reply: &Reply<B>) -> Result<Response> {
    let body: &[u8] = if let ReplyBody::Whole(bytes) = &reply.body { bytes } else { &[] };
    Ok(shell::respond(body, reply.status, &reply.headers)?)
}
