//! The Cloudflare Worker: events in, the gateway, answers out.

mod directory;
mod host;
mod ledger;
mod objects;
mod sql;

use std::cell::RefCell;
use std::rc::Rc;

use worker::web_sys::{Request, Response};
use worker::{Context, Env, Result, ScheduleContext, ScheduledEvent, event};

use crate::config::Config;
use crate::gateway::{Gateway, Host as _, Reply, ReplyBody};
use crate::web::{self, UpstreamBody, shell};
use host::Worker;

/// The KV binding that holds the configuration and, as an index, keys and spend.
const KV: &str = "TOLLGATE_KV";

/// The KV key of the configuration as JSON.
const CONFIG_KEY: &str = "config";

/// The KV key of a price table that is newer than the built-in one (`npm run prices:push`).
const PRICES_KEY: &str = "prices";

/// What stands for the address of a request where nobody has made one.
const CRON_URL: &str = "https://cron.tollgate.invalid/";

/// How long an isolate acts on a configuration before it asks KV again, in ms: KV itself is up to 60 s behind.
const CONFIG_FRESH_MS: u64 = 30_000;

/// Bytes of a price table that tell it from another: mark, version and checksum.
const PRICES_START: usize = 14;

/// How long KV's own cache may answer for the configuration, in seconds: its least.
const CONFIG_CACHE_SECONDS: u64 = 30;

/// A gateway, what it was made of, and when that was last read.
struct Cached {
    gateway: Rc<Gateway>,
    text: String,
    /// The start and the length of the price table that was last read: its checksum is in the start.
    prices: Option<(Vec<u8>, usize)>,
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
        Err(error) => return Ok(web::whole(&Reply::<UpstreamBody>::error(&error))?),
    };
    let (head, body) = web::read_request(request);
    let reply = gateway.handle(host.as_ref(), head, body).await;
    let Reply { status, headers, body, after } = reply;
    let relay = match body {
        ReplyBody::Stream(relay) => relay,
        whole_body @ ReplyBody::Whole(_) => {
            if let Some(note) = after {
                context.wait_until(async move { note.write(host.as_ref()).await });
            }
            return Ok(web::whole(&Reply { status, headers, body: whole_body, after: None })?);
        }
    };
    let (mut sink, readable) = web::channel(&shell::pipe()?, &host.signal());
    let response = shell::stream(&readable, status, &headers)?;
    // The owner of the stream: it outlives the client, sees both ends, and settles (design section 7).
    context.wait_until(async move {
        Box::pin(relay.run(host.as_ref(), &mut sink)).await;
        sink.close().await;
        if let Some(note) = after {
            note.write(host.as_ref()).await;
        }
    });
    Ok(response)
}

/// Asks deployments whether they answer, where the configuration wants that in the background: a cron trigger of
/// `wrangler.toml` calls it.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    let Ok(request) = Request::new_with_str(CRON_URL) else { return };
    let host = Worker::new(env, request);
    let checked = match gateway(&host).await {
        Ok(gateway) => gateway.check_deployments(&host).await,
        Err(error) => Err(error),
    };
    if let Err(error) = checked {
        worker::console_error!("health checks: {error}");
    }
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
    let bytes = host.price_table().await;
    let stamp = bytes.as_ref().map(|bytes| (bytes.iter().copied().take(PRICES_START).collect(), bytes.len()));
    let (former, unchanged) = CACHED.with_borrow_mut(|cached| match cached {
        Some(cached) if cached.text == text && (stamp.is_none() || cached.prices == stamp) => {
            cached.read_at = now;
            (Some(cached.gateway.clone()), true)
        }
        cached => (cached.as_ref().map(|cached| cached.gateway.clone()), false),
    });
    if let Some(gateway) = former.as_ref().filter(|_| unchanged) {
        return Ok(gateway.clone());
    }
    let config = Config::read_with(&text, &|name| host.variable(name)).map_err(|findings| {
        let first =
            findings.first().map(|finding| format!("{}: {}", finding.path, finding.message)).unwrap_or_default();
        crate::error::Error::new(crate::error::Kind::InternalServer, format!("the configuration is not valid: {first}"))
    })?;
    let mut gateway = Gateway::new(config, host);
    if let Some(former) = &former {
        gateway.keep_data_of(former);
    }
    if let Some(Err(error)) = bytes.map(|bytes| gateway.take_prices(bytes)) {
        host.log(&format!("the price table in KV is refused, the one before stays: {error}"));
    }
    let gateway = Rc::new(gateway);
    CACHED.set(Some(Cached { gateway: gateway.clone(), text, prices: stamp, read_at: now }));
    Ok(gateway)
}
