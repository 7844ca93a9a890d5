//! The spine: one story for each kind of call, told over [`Host`].

mod admin;
mod admit;
mod affinity;
mod asked;
mod attempt;
mod attempts;
mod auth;
mod batches;
mod board;
mod bound;
mod call;
mod caller;
mod checks;
mod choose;
mod continuation;
mod cors;
mod destination;
mod edits;
mod explain;
mod fit;
mod flight;
mod health;
mod hedge;
mod hold;
mod host;
mod leg;
mod media;
mod mocks;
mod models;
mod money;
mod race;
mod record;
mod records;
mod relay;
mod reply;
mod resolve;
mod route;
mod seat;
mod settle;
mod shadow;
mod sight;
mod splice;
mod survey;
mod tariff;
mod tokens;

pub use admin::Action;
pub use host::{Body, Gone, Host, Sink, Upstream};
pub use money::Question;
pub use relay::Relay;
pub use reply::{Reply, ReplyBody};
pub use route::Route;
pub use settle::Note;
pub use survey::{COLUMNS, Survey};

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::json;

use crate::config::Config;
use crate::cost::PriceTable;
use crate::cost::tokens::Vocabulary;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::router::{Fallbacks, Health};
use crate::secret::Secret;
use auth::Door;
use caller::Caller;
use records::Records;
use sight::Sight;
use tokens::Tokens;

/// The longest request body, in bytes, where the configuration sets none: a conversation with several images fits, and
/// an isolate of 128 MB holds a few at once.
const LONGEST_REQUEST: usize = 32 << 20;

/// The most header fields of a request, and the most bytes in them.
const MOST_HEADERS: usize = 200;
const MOST_HEADER_BYTES: usize = 64 << 10;

/// The variable by which a shell says that it listens on loopback only: a gateway without a master key is open then.
pub const LOOPBACK_VARIABLE: &str = "TOLLGATE_LOOPBACK";

/// The variables that a gateway reads by itself.
pub const OWN_VARIABLES: &[&str] = &[MASTER_VARIABLE, SALT_VARIABLE];

/// LiteLLM's variable for the master key, where the configuration names none.
const MASTER_VARIABLE: &str = "LITELLM_MASTER_KEY";

/// LiteLLM's variable for a secret that outlives the master key: with it, a new master key leaves virtual keys valid.
const SALT_VARIABLE: &str = "LITELLM_SALT_KEY";

/// A gateway with its configuration.
#[derive(Debug)]
pub struct Gateway {
    config: Rc<Config>,
    door: Door,
    prices: Rc<PriceTable>,
    /// The vocabularies that are loaded: tokens of their models are counted, those of all others estimated.
    vocabularies: RefCell<Vec<Rc<Vocabulary>>>,
    records: Records,
    /// What the isolate knows of its deployments.
    health: Rc<RefCell<Health>>,
    /// What credentials were exchanged for.
    tokens: Rc<Tokens>,
    /// How many copies are under way.
    shadows: shadow::Running,
    /// When it last heard of what other isolates know, in Unix ms.
    board_read_at: Cell<u64>,
}

impl Gateway {
    /// A gateway that acts on `config`, with the master key resolved in the host's environment.
    pub fn new<H: Host>(config: Config, host: &H) -> Self {
        let setting = config.general.master_key.as_ref();
        let named = setting.and_then(|setting| resolve::setting(&config, host, setting));
        let master = match setting {
            Some(_) => named,
            None => resolve::variable(&config, host, MASTER_VARIABLE),
        };
        let master = master.filter(|key| !key.is_empty());
        let door = match master {
            Some(key) => {
                let salt = resolve::variable(&config, host, SALT_VARIABLE).unwrap_or_else(|| key.clone());
                Door::MasterKey { master: Secret::new(key), salt: Secret::new(salt) }
            }
            // A master key that is named but not set must not open the door.
            None if setting.is_none() && host.variable(LOOPBACK_VARIABLE).is_some() => Door::Open,
            None => Door::Shut,
        };
        Self {
            config: Rc::new(config),
            door,
            prices: Rc::new(PriceTable::embedded()),
            vocabularies: RefCell::default(),
            records: Records::default(),
            health: Rc::default(),
            tokens: Rc::default(),
            shadows: Rc::default(),
            board_read_at: Cell::default(),
        }
    }

    /// Takes newer prices: the bytes of a table that `npm run prices` built.
    ///
    /// # Errors
    ///
    /// A table that [`PriceTable::read`] refuses, or one that is older than the built-in one. The prices stay as they were:
    /// the shell says so in its log.
    pub fn take_prices(&mut self, bytes: Vec<u8>) -> Result<()> {
        let table = PriceTable::read(bytes)?;
        if table.date() < PriceTable::embedded().date() {
            let message = "the price table is older than the built-in one: push today's by `npm run prices:push`";
            return Err(Error::bad_request("prices", message));
        }
        self.prices = Rc::new(table);
        Ok(())
    }

    /// Takes over what the gateway that this one replaces has learnt: prices, vocabularies, and how its deployments do.
    pub fn keep_data_of(&mut self, former: &Self) {
        self.health = former.health.clone();
        self.prices = former.prices.clone();
        self.vocabularies.clone_from(&former.vocabularies);
        self.tokens = Rc::clone(&former.tokens);
        self.shadows = Rc::clone(&former.shadows);
    }

    /// The fallbacks of the configuration.
    fn configured_fallbacks(&self) -> Fallbacks {
        let router = &self.config.router;
        Fallbacks {
            disabled: false,
            client: None,
            groups: router.fallbacks.clone(),
            default: router.default_fallbacks.clone(),
            context_window: router.context_window_fallbacks.clone(),
            content_policy: router.content_policy_fallbacks.clone(),
            most: router.max_fallbacks,
            known_as: Vec::new(),
        }
    }

    /// The price table that is in use.
    pub fn prices(&self) -> &PriceTable {
        &self.prices
    }

    /// Takes a vocabulary, by which tokens of its models are counted exactly from now on.
    pub fn take_vocabulary(&self, vocabulary: Vocabulary) {
        let mut vocabularies = self.vocabularies.borrow_mut();
        vocabularies.retain(|own| own.encoding() != vocabulary.encoding());
        vocabularies.push(Rc::new(vocabulary));
    }

    /// Answers a request. `body` is its body, unread; `request.body` is empty.
    pub async fn handle<H: Host, B: Body>(&self, host: &H, mut request: HttpRequest, body: B) -> Reply<H::Body> {
        let origin = request.headers.get("origin").map(str::to_owned);
        if let Some(preflight) = cors::preflight(&self.config.general.cors_origins, &request) {
            return preflight;
        }
        let mut reply = match self.answer(host, &mut request, body).await {
            Ok(reply) => reply,
            Err(error) => Reply::error(&error),
        };
        cors::allow(&self.config.general.cors_origins, origin.as_deref(), request.path(), &mut reply.headers);
        reply
    }

    async fn answer<H: Host, B: Body>(&self, host: &H, request: &mut HttpRequest, body: B) -> Result<Reply<H::Body>> {
        check_headers(request)?;
        let route = route::find(&request.method, request.path())?;
        let caller = if route.is_public() { Caller::Admin } else { caller::find(self, host, &request.headers).await? };
        match route {
            Route::Home => Ok(Reply::value(200, &home())),
            Route::Liveliness => Ok(Reply::value(200, &json!("I'm alive!"))),
            Route::Readiness => Ok(Reply::value(200, &json!({"status": "healthy", "db": "Not connected"}))),
            Route::Health => {
                admin::only_admin(self, host, &caller, request.path()).await?;
                health::answer(self, host, request).await
            }
            Route::Models => {
                let sight = Sight::of(self, host, &caller, request.path()).await?;
                Ok(Reply::json(200, models::list(self, host, &sight).to_bytes()))
            }
            Route::Model(id) => {
                let sight = Sight::of(self, host, &caller, request.path()).await?;
                models::one(self, host, &sight, &id).map(|model| Reply::json(200, model.to_bytes()))
            }
            Route::Chat(model) => {
                request.body = self.read_body(request, body).await?;
                call::chat(self, host, &caller, request, model).await
            }
            Route::Embeddings(model) => {
                request.body = self.read_body(request, body).await?;
                call::embeddings(self, host, &caller, request, model).await
            }
            Route::Explain => {
                request.body = self.read_body(request, body).await?;
                let answer = explain::answer(self, host, &caller, request).await?;
                Ok(Reply::json(200, answer.to_bytes()))
            }
            Route::Rerank => {
                request.body = self.read_body(request, body).await?;
                call::rerank(self, host, &caller, request).await
            }
            Route::Admin(action, part) => {
                request.body = self.read_body(request, body).await?;
                let answer = admin::answer(self, host, &caller, request, action, part).await?;
                Ok(Reply::value(200, &answer))
            }
            Route::Money(question) => {
                if question.has_body() {
                    request.body = self.read_body(request, body).await?;
                }
                let sight = Sight::of(self, host, &caller, request.path()).await?;
                money::answer(self, host, &sight, request, question).await
            }
        }
    }

    /// Reads a JSON body up to its bound.
    async fn read_body<B: Body>(&self, request: &HttpRequest, mut body: B) -> Result<Vec<u8>> {
        if let Some(content_type) = request.headers.get("content-type") {
            let mime = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
            if !(mime == "application/json" || mime.ends_with("+json")) {
                let message = format!("content type `{mime}` is not supported: send `content-type: application/json`");
                return Err(Error::new(Kind::UnsupportedMediaType, message).with_param("content-type"));
            }
        }
        let bound = self.config.general.max_request_bytes.unwrap_or(LONGEST_REQUEST);
        let too_large = || {
            let message =
                format!("the body is over {bound} bytes: send less, or raise `general_settings.max_request_size_mb`");
            Error::new(Kind::PayloadTooLarge, message).with_param("request_body")
        };
        let told = request.headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
        if told.is_some_and(|length| length > bound) {
            return Err(too_large());
        }
        body.whole(bound).await?.ok_or_else(too_large)
    }
}

fn check_headers(request: &HttpRequest) -> Result<()> {
    let bytes: usize = request.headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if request.headers.len() > MOST_HEADERS || bytes > MOST_HEADER_BYTES {
        let message = format!(
            "the request has over {MOST_HEADERS} header fields or {MOST_HEADER_BYTES} bytes in them: send fewer"
        );
        return Err(Error::new(Kind::BadRequest, message).with_status(431));
    }
    Ok(())
}

fn home() -> serde_json::Value {
    json!({
        "name": "tollgate",
        "version": env!("CARGO_PKG_VERSION"),
        "chat": "POST /v1/chat/completions",
        "models": "GET /v1/models",
    })
}
