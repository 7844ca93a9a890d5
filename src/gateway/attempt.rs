//! One attempt: write for the provider, send, and read the answer up to where it can still fall back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use serde_json::Value;

use super::host::{Body, Host, Upstream};
use super::race::{First, race};
use super::tokens::Tokens;
use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest, Fields, RerankRequest};
use crate::provider::job::Job;
use crate::provider::{Call, Facts, Notes, Provider, Settings, StreamReader, Target, Vendor, mock};
use crate::secret::{Secret, redact};

/// The longest whole answer, in bytes, that is taken from an upstream: generated images and embeddings of a batch fit.
const LONGEST_ANSWER: usize = 64 << 20;

/// How long the end of a job may take that nobody waits for any more, in ms.
const CANCEL_MS: u64 = 2_000;

/// How often a question about a job is sent again that was not answered.
const MOST_UNANSWERED: u32 = 3;

/// What ends the job that an upstream works on, while it does.
pub(super) type Running = RefCell<Option<HttpRequest>>;

/// How far an attempt has come.
#[derive(Default)]
pub(super) struct Progress {
    /// What ends the job that its upstream works on.
    pub(super) running: Running,
    /// The head of an answer has come.
    pub(super) answered: Cell<bool>,
}

/// The longest refusal, in bytes, that is read.
const LONGEST_REFUSAL: usize = 1 << 20;

/// A request of a client, without what it asks of the gateway itself.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Chat(ChatRequest),
    Embeddings(EmbeddingRequest),
    Rerank(RerankRequest),
}

impl Request {
    pub(super) fn fields(&self) -> &Fields {
        match self {
            Self::Chat(chat) => chat.fields(),
            Self::Embeddings(embeddings) => embeddings.fields(),
            Self::Rerank(rerank) => rerank.fields(),
        }
    }

    pub(super) fn model(&self) -> &str {
        match self {
            Self::Chat(chat) => chat.model(),
            Self::Embeddings(embeddings) => embeddings.model(),
            Self::Rerank(rerank) => rerank.model(),
        }
    }

    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Chat(_) => "chat",
            Self::Embeddings(_) => "embeddings",
            Self::Rerank(_) => "rerank",
        }
    }

    pub(super) fn stream(&self) -> bool {
        matches!(self, Self::Chat(chat) if chat.stream())
    }

    /// This request for another model.
    pub(super) fn with_model(&self, model: &str) -> Result<Self> {
        let mut overrides = Fields::default();
        overrides.set("model", model);
        self.with(&Fields::default(), &overrides)
    }

    /// This request with the fields that a deployment adds, and those that a fallback of the client's own changes.
    pub(super) fn with(&self, defaults: &Fields, overrides: &Fields) -> Result<Self> {
        if defaults.is_empty() && overrides.is_empty() {
            return Ok(self.clone());
        }
        let edit = |fields: &mut Fields| {
            for (name, value) in defaults.iter().filter(|(name, _)| self.fields().raw(name).is_none()) {
                fields.set_raw(name, value.to_owned());
            }
            for (name, value) in overrides.iter() {
                fields.set_raw(name, value.to_owned());
            }
        };
        Ok(match self {
            Self::Chat(chat) => Self::Chat(chat.with(edit)?),
            Self::Embeddings(embeddings) => Self::Embeddings(embeddings.with(edit)?),
            Self::Rerank(rerank) => Self::Rerank(rerank.with(edit)?),
        })
    }
}

/// A deployment with everything resolved that an attempt needs.
#[derive(Clone, Debug)]
pub(super) struct Resolved {
    pub(super) provider: Vendor,
    pub(super) model: String,
    pub(super) api_base: Option<String>,
    pub(super) key: Option<Secret>,
    /// What the credential was exchanged for.
    pub(super) token: Option<Secret>,
    /// Everything that is cut out of what an upstream says.
    pub(super) secrets: Vec<Secret>,
    pub(super) settings: Rc<Settings>,
    pub(super) facts: Facts,
    pub(super) mock_response: Option<Value>,
    pub(super) mock_tool_calls: Option<Value>,
    /// How long a mock answer takes, in ms.
    pub(super) mock_delay_ms: u64,
    /// Bounds the whole answer, or the first event of a stream, in ms.
    pub(super) timeout_ms: u64,
    /// Its client gives it less time than the configuration would: that it takes longer says nothing of the deployment.
    pub(super) hurried: bool,
}

impl Resolved {
    fn target<'a>(&'a self, call_id: &'a str, now_ms: u64) -> Target<'a> {
        Target {
            provider: self.provider.name(),
            api_base: self.api_base.as_deref(),
            default_base: self.provider.base(),
            model: &self.model,
            key: self.key.as_ref(),
            token: self.token.as_ref(),
            settings: &self.settings,
            facts: self.facts,
            call_id,
            now: now_ms / 1000,
        }
    }
}

/// What an attempt came to.
pub(super) struct Outcome<B> {
    pub(super) head: HttpHead,
    /// Where the request went, without its query.
    pub(super) url: String,
    /// When the head came, in Unix ms.
    pub(super) headers_at: u64,
    pub(super) answer: Answered<B>,
}

/// A whole answer, or a stream of which the first meaningful event was read.
pub(super) enum Answered<B> {
    Whole(Box<Answer>),
    Stream(Box<StreamReader>, Source<B>),
}

/// Where the bytes of an answer come from.
pub(super) enum Source<B> {
    /// An upstream.
    Upstream(B),
    /// The gateway itself.
    Local(Option<Vec<u8>>),
}

impl<B: Body> Source<B> {
    pub(super) async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        match self {
            Self::Upstream(body) => body.chunk().await,
            Self::Local(bytes) => Ok(bytes.take()),
        }
    }

    async fn whole(&mut self, bound: usize) -> Result<Vec<u8>> {
        let whole = match self {
            Self::Upstream(body) => body.whole(bound).await?,
            Self::Local(bytes) => bytes.take(),
        };
        let message = || format!("the upstream's answer is over {} MiB", bound >> 20);
        whole.ok_or_else(|| Error::new(Kind::BadGateway, message()))
    }
}

/// Sends `request` to one deployment.
///
/// # Errors
///
/// Everything that went wrong before the client got a byte, with the upstream's own words, and without its credential.
pub(super) async fn attempt<H: Host>(
    host: &H,
    tokens: &Tokens,
    deployment: &mut Resolved,
    request: &Request,
    call_id: &str,
    progress: &Progress,
) -> Result<Outcome<H::Body>> {
    let timeout_ms = deployment.timeout_ms;
    let vendor = deployment.provider.clone();
    let name = vendor.name();
    let outcome = match race(send(host, tokens, deployment, request, call_id, progress), host.sleep(timeout_ms)).await {
        First::Left(outcome) => outcome,
        First::Right(()) => {
            let message = format!("no answer within {timeout_ms} ms: raise `timeout`, or `stream_timeout` for streams");
            Err(Error::upstream(Kind::Timeout, name, 408, message))
        }
    };
    outcome.map_err(|error| error.map_message(|message| redact(message, &deployment.secrets)))
}

/// Ends the job that an upstream still works on, if there is one: it would be paid for, and nobody waits for it.
pub(super) async fn cancel<H: Host>(host: &H, running: &Running) {
    let http = running.take();
    if let Some(http) = http {
        race(host.send(http), host.sleep(CANCEL_MS)).await;
    }
}

/// Writes `request` for a deployment, without sending it.
///
/// # Errors
///
/// What the provider's dialect refuses.
pub(super) fn write(deployment: &Resolved, request: &Request, call_id: &str, now_ms: u64) -> Result<Call> {
    let target = deployment.target(call_id, now_ms);
    let dialect = deployment.provider.dialect();
    match request {
        Request::Chat(chat) if chat.fields().contains("extra_body") && !dialect.lays_extra_body() => {
            let mut fields = chat.fields().clone();
            fields.lay_extra_body()?;
            dialect.chat(&target, &ChatRequest::from_fields(fields)?)
        }
        Request::Chat(chat) => dialect.chat(&target, chat),
        Request::Embeddings(embeddings) => dialect.embeddings(&target, embeddings),
        Request::Rerank(rerank) => dialect.rerank(&target, rerank),
    }
}

async fn send<H: Host>(
    host: &H,
    tokens: &Tokens,
    deployment: &mut Resolved,
    request: &Request,
    call_id: &str,
    progress: &Progress,
) -> Result<Outcome<H::Body>> {
    let vendor = deployment.provider.clone();
    if vendor.name() == mock::NAME || deployment.mock_response.is_some() || deployment.mock_tool_calls.is_some() {
        let notes = Notes::new(&deployment.target(call_id, host.now_ms()));
        return answer_by_mock(host, &notes, deployment, request).await;
    }
    let (call, url, upstream) = loop {
        let exchange = vendor.dialect().exchange(&deployment.target(call_id, host.now_ms()))?;
        let mut kept = None;
        if let Some(exchange) = exchange {
            let granted = tokens.get(host, vendor.name(), &exchange).await?;
            deployment.secrets.push(granted.token.clone());
            deployment.token = Some(granted.token);
            kept = (!granted.fresh).then_some(exchange);
        }
        let mut call = write(deployment, request, call_id, host.now_ms())?;
        let url = call.http.url.split('?').next().unwrap_or_default().to_owned();
        let http = std::mem::take(&mut call.http);
        let upstream = host.send(http).await.map_err(|error| at(vendor.name(), &error))?;
        if upstream.head.status == 401
            && let (Some(exchange), Some(token)) = (kept, &deployment.token)
        {
            // It may have been withdrawn before its time. The next one is fetched for this request, so this ends.
            tokens.refused(&exchange.identity, token);
            continue;
        }
        break (call, url, upstream);
    };
    progress.answered.set(true);
    let (head, body) = follow(host, vendor.dialect(), &call.notes, upstream, &progress.running).await?;
    let headers_at = host.now_ms();
    let answer = read(vendor.dialect(), &call.notes, request, &head, body).await?;
    Ok(Outcome { head, url, headers_at, answer })
}

/// Goes after a job until its answer is there; any other answer is left as it came.
async fn follow<H: Host>(
    host: &H,
    dialect: &dyn Provider,
    notes: &Notes,
    upstream: Upstream<H::Body>,
    running: &Running,
) -> Result<(HttpHead, Source<H::Body>)> {
    let name = &notes.provider;
    let Upstream { mut head, mut body } = upstream;
    let mut asked = 1;
    while head.is_success() && dialect.is_job(&head) {
        let bytes = Source::Upstream(body).whole(LONGEST_ANSWER).await.map_err(|error| at(name, &error))?;
        // A job that failed needs no end.
        let before = running.take();
        match dialect.job(notes, asked, &bytes)? {
            Job::Done(bytes) => return Ok((head, Source::Local(Some(bytes)))),
            Job::Ask { wait_ms, http, cancel } => {
                running.replace(cancel.or(before));
                Upstream { head, body } = ask(host, wait_ms, http).await.map_err(|error| at(name, &error))?;
                asked += 1;
            }
        }
    }
    Ok((head, Source::Upstream(body)))
}

/// Asks about a job. A question that fails is sent again: what it asks about is still worked on, and paid for.
async fn ask<H: Host>(host: &H, wait_ms: u64, http: HttpRequest) -> Result<Upstream<H::Body>> {
    let mut unanswered = 0;
    loop {
        if wait_ms > 0 {
            host.sleep(wait_ms << unanswered).await;
        }
        let answer = host.send(http.clone()).await;
        let failed = match &answer {
            Ok(upstream) => matches!(upstream.head.status, 429 | 500..),
            Err(_) => true,
        };
        unanswered += 1;
        if !failed || unanswered > MOST_UNANSWERED {
            return answer;
        }
    }
}

/// Answers without an upstream: `mock/…` and `mock_response`, which speak OpenAI's dialect whatever the provider.
async fn answer_by_mock<H: Host>(
    host: &H,
    notes: &Notes,
    deployment: &Resolved,
    request: &Request,
) -> Result<Outcome<H::Body>> {
    let wanted =
        mock::Wanted { response: deployment.mock_response.as_ref(), tool_calls: deployment.mock_tool_calls.as_ref() };
    if deployment.mock_delay_ms > 0 {
        host.sleep(deployment.mock_delay_ms).await;
    }
    let (head, bytes) = match request {
        Request::Chat(chat) => mock::chat(notes, chat, wanted)?,
        Request::Embeddings(embeddings) => mock::embeddings(notes, embeddings)?,
        Request::Rerank(rerank) => mock::rerank(notes, rerank),
    };
    let answer = read(mock::DIALECT, notes, request, &head, Source::Local(Some(bytes))).await?;
    Ok(Outcome { head, url: String::new(), headers_at: host.now_ms(), answer })
}

/// Reads an answer: whole, or up to the first event of a stream that a client can use. From there on nothing falls back.
async fn read<B: Body>(
    dialect: &dyn Provider,
    notes: &Notes,
    request: &Request,
    head: &HttpHead,
    mut body: Source<B>,
) -> Result<Answered<B>> {
    let name = &notes.provider;
    if !head.is_success() {
        let bytes = body.whole(LONGEST_REFUSAL).await.unwrap_or_default();
        return Err(dialect.refusal(notes, head, &bytes));
    }
    let chat = match request {
        Request::Embeddings(_) => {
            let bytes = body.whole(LONGEST_ANSWER).await.map_err(|error| at(name, &error))?;
            return Ok(Answered::Whole(Box::new(dialect.embeddings_answer(notes, head, &bytes)?)));
        }
        Request::Rerank(_) => {
            let bytes = body.whole(LONGEST_ANSWER).await.map_err(|error| at(name, &error))?;
            return Ok(Answered::Whole(Box::new(dialect.rerank_answer(notes, head, &bytes)?)));
        }
        Request::Chat(chat) => chat,
    };
    if !chat.stream() {
        let bytes = body.whole(LONGEST_ANSWER).await.map_err(|error| at(name, &error))?;
        return Ok(Answered::Whole(Box::new(dialect.chat_answer(notes, head, &bytes)?)));
    }
    let mut reader = Box::new(StreamReader::new(dialect, notes, chat.include_usage()));
    while !reader.out().is_meaningful() {
        let Some(bytes) = body.chunk().await.map_err(|error| at(name, &error))? else {
            reader.finish()?;
            break;
        };
        reader.push(&bytes)?;
    }
    Ok(Answered::Stream(reader, body))
}

/// Says which provider a broken connection belongs to.
fn at(provider: &str, error: &Error) -> Error {
    Error::upstream(error.kind(), provider, error.kind().row().status, error.message())
}
