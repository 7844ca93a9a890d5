//! A scripted host: upstreams that do what a test says, a clock that the test's own waits move, a client that may leave.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use serde_json::Value;
use tollgate::config::Config;
use tollgate::cost::tokens::Encoding;
use tollgate::error::{Error, Kind, Result};
use tollgate::gateway::{Body, Gateway, Gone, Host, Reply, ReplyBody, Sink, Upstream};
use tollgate::http::{Headers, HttpHead, HttpRequest};
use tollgate::keys::Typed;
use tollgate::keys::directory::{self, Commit, Delivery, Memory, RecordKind, Store, Write};
use tollgate::keys::ledger::{self, Change, Entry, Ledger, ScopeId, Settings};
use tollgate::keys::{KeyRecord, token};
use tollgate::money::Money;
use tollgate::secret::Secret;

/// What an upstream does with one request.
#[derive(Clone)]
pub(crate) struct Script {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    /// Before the head comes, in ms; `None`: never.
    pub(crate) delay_ms: Option<u64>,
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of an answer's body.
#[derive(Clone)]
pub(crate) enum Piece {
    Bytes(Vec<u8>),
    Wait(u64),
    Break,
    Forever,
}

pub(crate) fn answer(status: u16, body: &str) -> Script {
    Script { status, headers: vec![], delay_ms: Some(10), pieces: vec![Piece::Bytes(body.as_bytes().to_vec())] }
}

pub(crate) fn unreachable_upstream() -> Script {
    Script { status: 0, headers: vec![], delay_ms: Some(1), pieces: vec![] }
}

/// The clock and the log of what happened, shared by everything that waits.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) now: Cell<u64>,
    alarms: RefCell<Vec<u64>>,
    pub(crate) open_bodies: Cell<u32>,
}

impl World {
    /// Returns when the clock has come to `at`.
    async fn until(&self, at: u64) {
        poll_fn(|_| {
            if self.now.get() >= at {
                return Poll::Ready(());
            }
            self.alarms.borrow_mut().push(at);
            Poll::Pending
        })
        .await;
    }
}

/// Bytes that isolates share, and until when.
pub(crate) type Board = Option<(Vec<u8>, u64)>;

/// What upstreams do with a request at a time, in ms.
pub(crate) type Play = Box<dyn Fn(&HttpRequest, u64) -> Script>;

pub(crate) struct Scripted {
    pub(crate) world: Rc<World>,
    scripts: RefCell<VecDeque<Script>>,
    /// What upstreams do instead: by request and time.
    pub(crate) play: RefCell<Option<Play>>,
    pub(crate) sent: RefCell<Vec<HttpRequest>>,
    pub(crate) lines: RefCell<Vec<String>>,
    /// What was signed: keys and messages.
    pub(crate) signed: RefCell<Vec<(Vec<u8>, String)>>,
    pub(crate) variables: Vec<(String, String)>,
    pub(crate) draws: Cell<u64>,
    /// When the client leaves that waits for a whole answer, in ms of the world.
    pub(crate) client_leaves_at: Cell<Option<u64>>,
    pub(crate) books: RefCell<Books>,
    /// What isolates tell each other, and until when, in Unix ms.
    pub(crate) board: Rc<RefCell<Board>>,
}

pub(crate) struct ScriptedBody {
    world: Rc<World>,
    pieces: VecDeque<Piece>,
}

impl Drop for ScriptedBody {
    fn drop(&mut self) {
        self.world.open_bodies.set(self.world.open_bodies.get() - 1);
    }
}

impl Body for ScriptedBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        loop {
            match self.pieces.pop_front() {
                None => return Ok(None),
                Some(Piece::Bytes(bytes)) => return Ok(Some(bytes)),
                Some(Piece::Wait(ms)) => self.world.until(self.world.now.get() + ms).await,
                Some(Piece::Break) => return Err(Error::new(Kind::ApiConnection, "reset")),
                Some(Piece::Forever) => std::future::pending().await,
            }
        }
    }
}

impl Scripted {
    /// What upstreams answer next.
    pub(crate) fn give(&self, scripts: Vec<Script>) {
        self.scripts.replace(scripts.into());
    }
}

impl Host for Scripted {
    type Body = ScriptedBody;

    fn now_ms(&self) -> u64 {
        1_700_000_000_000 + self.world.now.get()
    }

    fn random(&self) -> u64 {
        // Any fixed sequence does: what hangs on chance is tested in the router.
        let next = self.draws.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.draws.set(next);
        // 53 bits, as numbers of JavaScript have: tests/parity.rs draws the same there.
        next & !0x7ff
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.iter().find(|(own, _)| own == name).map(|(_, value)| value.clone())
    }

    fn log(&self, line: &str) {
        self.lines.borrow_mut().push(line.to_owned());
    }

    async fn sleep(&self, ms: u64) {
        self.world.until(self.world.now.get() + ms).await;
    }

    async fn send(&self, request: HttpRequest) -> Result<Upstream<ScriptedBody>> {
        let played = self.play.borrow().as_ref().map(|play| play(&request, self.world.now.get()));
        self.sent.borrow_mut().push(request);
        let script = played.or_else(|| self.scripts.borrow_mut().pop_front()).expect("a script for every request");
        match script.delay_ms {
            Some(ms) => self.world.until(self.world.now.get() + ms).await,
            None => std::future::pending().await,
        }
        if script.status == 0 {
            return Err(Error::new(Kind::ApiConnection, "the upstream could not be reached"));
        }
        self.world.open_bodies.set(self.world.open_bodies.get() + 1);
        let headers: Headers = script.headers.into_iter().collect();
        let body = ScriptedBody { world: self.world.clone(), pieces: script.pieces.into() };
        Ok(Upstream { head: HttpHead { status: script.status, headers }, body })
    }

    async fn vocabulary(&self, _: Encoding) -> Option<Vec<u8>> {
        None
    }

    async fn client_gone(&self) {
        match self.client_leaves_at.get() {
            Some(at) => self.world.until(at).await,
            None => std::future::pending().await,
        }
    }

    async fn ledger(&self, root: &ScopeId, message: &ledger::Message) -> Result<ledger::Reply> {
        Ok(self.books.borrow_mut().tell(root, message, self.now_ms()))
    }

    async fn directory(&self, call: &directory::Call) -> Result<directory::Reply> {
        let books = &mut *self.books.borrow_mut();
        if matches!(call, directory::Call::Commit(_)) {
            books.overtake();
        }
        let reply = directory::act(&mut books.directory, call.clone());
        books.deliver(self.now_ms());
        Ok(reply)
    }

    async fn copy(&self, kind: RecordKind, id: &str) -> Option<Value> {
        self.books.borrow().copies.get(&(kind, id.to_owned())).cloned()
    }

    async fn sign_rs256(&self, key: &[u8], message: &[u8]) -> Result<Vec<u8>> {
        self.signed.borrow_mut().push((key.to_vec(), String::from_utf8(message.to_vec()).unwrap()));
        Ok(b"signature".to_vec())
    }

    async fn shared_rests(&self) -> Option<Vec<u8>> {
        self.board.borrow().clone().filter(|(_, until)| *until > self.now_ms()).map(|(bytes, _)| bytes)
    }

    async fn share_rests(&self, bytes: Vec<u8>, seconds: u64) {
        self.board.replace(Some((bytes, self.now_ms() + seconds * 1000)));
    }

    fn secret_bytes(&self) -> Result<[u8; 24]> {
        let mut bytes = [0; 24];
        for piece in bytes.chunks_mut(8) {
            piece.copy_from_slice(&self.random().to_le_bytes());
        }
        Ok(bytes)
    }
}

/// The directory, the ledgers and the index, in memory: what the Worker's objects hold.
#[derive(Default)]
pub(crate) struct Books {
    directory: Memory,
    ledgers: BTreeMap<ScopeId, Home>,
    copies: BTreeMap<(RecordKind, String), Value>,
    /// What somebody else writes just before a change, one before each; its version is the present one.
    pub(crate) overtakers: VecDeque<Write>,
}

/// A ledger with the rows that a home would keep on disk.
pub(crate) struct Home {
    pub(crate) ledger: Ledger,
    pub(crate) rows: BTreeMap<u64, Entry>,
}

impl Default for Home {
    fn default() -> Self {
        Self { ledger: Ledger::new(Settings::default()), rows: BTreeMap::new() }
    }
}

impl Books {
    /// Shows every row of every ledger.
    pub(crate) fn each(&self, mut show: impl FnMut(&Entry)) {
        self.ledgers.values().flat_map(|home| home.rows.values()).for_each(&mut show);
    }

    pub(crate) fn ledger(&mut self, root: &ScopeId) -> &mut Home {
        self.ledgers.entry(root.clone()).or_default()
    }

    fn tell(&mut self, root: &ScopeId, message: &ledger::Message, now_ms: u64) -> ledger::Reply {
        let home = self.ledger(root);
        let Some(answer) = home.ledger.act(message.clone(), now_ms) else {
            let &ledger::Message::Log { from_ms, until_ms, limit } = message else {
                panic!("only the log is the home's")
            };
            let within = |entry: &&Entry| (from_ms..until_ms).contains(&entry.start_ms);
            return ledger::Reply::Entries(home.rows.values().filter(within).take(limit as usize).cloned().collect());
        };
        for change in answer.changes {
            match change {
                Change::Open(entry) => drop(home.rows.insert(entry.seq, *entry)),
                Change::Progress(progress) => home.rows.get_mut(&progress.seq).unwrap().progress(&progress),
                Change::Close(closing) => home.rows.get_mut(&closing.seq).unwrap().close(*closing),
                Change::Scope(_) | Change::Mark(_) => {}
                Change::Forget(before) => home.rows.retain(|seq, _| *seq >= before),
            }
        }
        answer.value
    }

    fn overtake(&mut self) {
        let Some(mut write) = self.overtakers.pop_front() else { return };
        write.version = self.directory.get(write.kind, &write.id).map_or(0, |stored| stored.version);
        let commit = Commit { writes: vec![write], ..Default::default() };
        directory::act(&mut self.directory, directory::Call::Commit(commit));
    }

    fn deliver(&mut self, now_ms: u64) {
        for delivery in self.directory.take_outbox() {
            match delivery {
                Delivery::Copy { kind, id, record: Some(record) } => drop(self.copies.insert((kind, id), record)),
                Delivery::Copy { kind, id, record: None } => drop(self.copies.remove(&(kind, id))),
                Delivery::Ledger { root, message } => drop(self.tell(&root, &message, now_ms)),
            }
        }
    }
}

/// The body of a client's request.
struct ClientBody(Option<Vec<u8>>);

impl Body for ClientBody {
    async fn chunk(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.0.take())
    }
}

/// A client that reads until it has `leaves_after` writes, if ever.
struct Client {
    got: Vec<u8>,
    writes: usize,
    leaves_after: Option<usize>,
}

impl Sink for Client {
    async fn write(&mut self, bytes: Vec<u8>) -> Result<(), Gone> {
        if self.leaves_after.is_some_and(|most| self.writes >= most) {
            return Err(Gone);
        }
        self.writes += 1;
        self.got.extend_from_slice(&bytes);
        Ok(())
    }

    async fn gone(&self) {
        if self.leaves_after.is_none_or(|most| self.writes < most) {
            std::future::pending::<()>().await;
        }
    }
}

/// What a client got.
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: Headers,
    pub(crate) body: Vec<u8>,
    pub(crate) ms: u64,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("not JSON: {}", self.text()))
    }
}

/// A gateway over a scripted host.
pub(crate) struct Stage {
    pub(crate) host: Scripted,
    pub(crate) gateway: Gateway,
    pub(crate) leaves_after: Option<usize>,
}

impl Stage {
    pub(crate) fn new(config: &Value, scripts: Vec<Script>) -> Self {
        let variables = [("TOLLGATE_LOOPBACK", "1"), ("OPENAI_API_KEY", "sk-upstream-secret-key")];
        let host = Scripted {
            world: Rc::default(),
            scripts: RefCell::new(scripts.into()),
            play: RefCell::default(),
            sent: RefCell::default(),
            lines: RefCell::default(),
            signed: RefCell::default(),
            variables: variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
            draws: Cell::new(1),
            client_leaves_at: Cell::default(),
            books: RefCell::default(),
            board: Rc::default(),
        };
        let config = Config::read(&config.to_string()).unwrap_or_else(|findings| panic!("{findings:?}"));
        let gateway = Gateway::new(config, &host);
        Self { host, gateway, leaves_after: None }
    }

    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Got {
        let started = self.host.world.now.get();
        self.finish(self.begin(method, path, headers, body), started)
    }

    /// Asks, and leaves the answer unread: a stream stays open.
    pub(crate) fn begin(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Reply<ScriptedBody> {
        let headers = headers.iter().copied().collect();
        let request = HttpRequest {
            method: method.to_owned(),
            url: format!("http://127.0.0.1:4000{path}"),
            headers,
            body: Vec::new(),
        };
        block_on(&self.host.world, self.gateway.handle(&self.host, request, ClientBody(Some(body.to_vec()))))
    }

    /// Reads an answer to its end.
    pub(crate) fn finish(&self, reply: Reply<ScriptedBody>, started: u64) -> Got {
        let body = match reply.body {
            ReplyBody::Whole(bytes) => bytes,
            ReplyBody::Stream(relay) => {
                let mut client = Client { got: Vec::new(), writes: 0, leaves_after: self.leaves_after };
                block_on(&self.host.world, relay.run(&self.host, &mut client));
                client.got
            }
        };
        let ms = self.host.world.now.get() - started;
        if let Some(note) = reply.after {
            block_on(&self.host.world, note.write(&self.host));
        }
        Got { status: reply.status, headers: reply.headers, body, ms }
    }

    /// Chat calls that come at their times, in ms, each with a key or none; what each got.
    pub(crate) fn visits(&self, visits: &[(u64, Option<String>, Value)]) -> Vec<Got> {
        let visit = async |(at, key, body): &(u64, Option<String>, Value)| {
            self.host.world.until(*at).await;
            let bearer = key.as_ref().map(|key| ("authorization", format!("Bearer {key}")));
            let request = HttpRequest {
                method: "POST".to_owned(),
                url: "http://127.0.0.1:4000/v1/chat/completions".to_owned(),
                headers: bearer.iter().map(|(name, value)| (*name, value.as_str())).collect(),
                body: Vec::new(),
            };
            let body = ClientBody(Some(body.to_string().into_bytes()));
            let reply = Box::pin(self.gateway.handle(&self.host, request, body)).await;
            let body = match reply.body {
                ReplyBody::Whole(bytes) => bytes,
                ReplyBody::Stream(relay) => {
                    let mut client = Client { got: Vec::new(), writes: 0, leaves_after: None };
                    Box::pin(relay.run(&self.host, &mut client)).await;
                    client.got
                }
            };
            let ms = self.host.world.now.get() - at;
            if let Some(note) = reply.after {
                note.write(&self.host).await;
            }
            Got { status: reply.status, headers: reply.headers, body, ms }
        };
        let mut calls: Vec<_> = visits.iter().map(|one| Some(Box::pin(visit(one)))).collect();
        let mut got: Vec<Option<Got>> = calls.iter().map(|_| None).collect();
        let all = poll_fn(|context| {
            for (call, got) in calls.iter_mut().zip(&mut got) {
                if let Some(Poll::Ready(value)) = call.as_mut().map(|call| call.as_mut().poll(context)) {
                    (*call, *got) = (None, Some(value));
                }
            }
            if calls.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        });
        block_on(&self.host.world, all);
        got.into_iter().flatten().collect()
    }

    /// Makes a virtual key with these limits, as the management API would; answers the key.
    pub(crate) fn add_key(&self, body: &Value) -> String {
        let key = token::generate(&self.host.secret_bytes().unwrap(), &Secret::new("sk-master"));
        let record = KeyRecord::generated(body.as_object().unwrap(), &key, None, self.host.now_ms()).unwrap();
        let deliveries = record.scopes(None).into_iter();
        let deliveries = deliveries.map(|(scope, limits)| Delivery::Ledger {
            root: record.root(),
            message: ledger::Message::Configure { scope, limits },
        });
        let id = record.token.clone();
        let write = Write { kind: RecordKind::Key, id, version: 0, record: Some(record.write()), index: Vec::new() };
        let commit = Commit { writes: vec![write], deliveries: deliveries.collect(), ..Commit::default() };
        let books = &mut *self.host.books.borrow_mut();
        directory::act(&mut books.directory, directory::Call::Commit(commit));
        books.deliver(self.host.now_ms());
        key
    }

    /// A chat call with a key.
    pub(crate) fn chat_as(&self, key: &str, body: &Value) -> Got {
        let bearer = format!("Bearer {key}");
        self.ask("POST", "/v1/chat/completions", &[("authorization", &bearer)], body.to_string().as_bytes())
    }

    /// The timer of background health checks goes off; whether anybody was asked.
    pub(crate) fn check(&self) -> bool {
        block_on(&self.host.world, self.gateway.check_deployments(&self.host)).unwrap()
    }

    pub(crate) fn chat(&self, body: &Value) -> Got {
        self.ask("POST", "/v1/chat/completions", &[], body.to_string().as_bytes())
    }

    /// Several chat calls at once; their statuses and bodies.
    pub(crate) fn chats(&self, bodies: &[Value]) -> Vec<(u16, Value)> {
        let request = HttpRequest {
            method: "POST".to_owned(),
            url: "http://127.0.0.1:4000/v1/chat/completions".to_owned(),
            ..HttpRequest::default()
        };
        let calls = bodies.iter().map(|body| {
            let body = ClientBody(Some(body.to_string().into_bytes()));
            Box::pin(self.gateway.handle(&self.host, request.clone(), body))
        });
        let mut calls: Vec<_> = calls.map(Some).collect();
        let mut replies: Vec<_> = calls.iter().map(|_| None).collect();
        let all = poll_fn(|context| {
            for (call, reply) in calls.iter_mut().zip(&mut replies) {
                if let Some(Poll::Ready(value)) = call.as_mut().map(|call| call.as_mut().poll(context)) {
                    (*call, *reply) = (None, Some(value));
                }
            }
            if calls.iter().all(Option::is_none) { Poll::Ready(()) } else { Poll::Pending }
        });
        block_on(&self.host.world, all);
        let shown = |reply: Option<Reply<ScriptedBody>>| {
            let reply = reply.unwrap();
            let ReplyBody::Whole(bytes) = reply.body else { panic!("a whole answer") };
            (reply.status, serde_json::from_slice(&bytes).unwrap())
        };
        replies.into_iter().map(shown).collect()
    }

    /// What keys are charged with in the spend log, all of whose rows have to be closed.
    pub(crate) fn charged_to_keys(&self) -> Money {
        let mut sum = Money::ZERO;
        self.host.books.borrow().each(|entry| {
            assert!(entry.closing > 0, "open: {entry:?}");
            if !entry.subject.key.is_empty() {
                sum += entry.charged;
            }
        });
        sum
    }

    /// What the log says of the last call.
    pub(crate) fn last_line(&self) -> Value {
        serde_json::from_str(self.host.lines.borrow().last().unwrap()).unwrap()
    }

    /// The bodies that went upstream.
    pub(crate) fn sent(&self) -> Vec<Value> {
        self.host.sent.borrow().iter().map(|request| serde_json::from_slice(&request.body).unwrap()).collect()
    }
}

/// Runs a future; whenever it waits, the clock goes on to the next alarm.
fn block_on<T>(world: &World, future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        world.alarms.borrow_mut().clear();
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return value;
        }
        let next = world.alarms.borrow().iter().min().copied().expect("something to wait for");
        world.now.set(next);
    }
}
