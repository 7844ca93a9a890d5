//! A gateway with a master key, and a way to spend on its ledgers without an upstream.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use serde_json::{Value, json};
use tollgate::gateway::Host;
use tollgate::keys::Typed;
use tollgate::keys::directory::{Index, RecordKind, Write};
use tollgate::keys::ledger::{Ask, Message, Outcome, Refusal, Reply, ScopeId, ScopeKind, ScopeView, Subject};
use tollgate::keys::{KeyRecord, token};
use tollgate::money::Money;

use crate::host::{Got, Script, Stage};

pub(crate) const MASTER: &str = "sk-master-key-1234";

pub(crate) struct Office {
    pub(crate) stage: Stage,
}

impl Office {
    pub(crate) fn new() -> Self {
        Self::with(vec![])
    }

    /// An office whose upstream answers by these scripts; a token in costs a milli-dollar, one out two.
    pub(crate) fn with(scripts: Vec<Script>) -> Self {
        let models = ["gpt-4o", "gpt-4o-mini", "claude-sonnet"];
        let params = json!({"model": "openai/own", "input_cost_per_token": 0.001, "output_cost_per_token": 0.002});
        let list = models.map(|name| json!({"model_name": name, "litellm_params": params}));
        let config = json!({"model_list": list, "general_settings": {"master_key": MASTER}});
        Self { stage: Stage::new(&config, scripts) }
    }

    pub(crate) fn ask(&self, key: &str, method: &str, path: &str, body: &str) -> Got {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        self.stage.ask(method, path, &headers, body.as_bytes())
    }

    /// Posts as the admin and wants success.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        self.post_as(MASTER, path, body)
    }

    pub(crate) fn post_as(&self, key: &str, path: &str, body: &Value) -> Value {
        let got = self.ask(key, "POST", path, &body.to_string());
        assert_eq!(got.status, 200, "{path} {body}: {}", got.text());
        got.json()
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        self.get_as(MASTER, path)
    }

    pub(crate) fn get_as(&self, key: &str, path: &str) -> Value {
        let got = self.ask(key, "GET", path, "");
        assert_eq!(got.status, 200, "{path}: {}", got.text());
        got.json()
    }

    /// Wants a refusal: its status and its `error`.
    pub(crate) fn refused(&self, key: &str, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let body = if method == "GET" { String::new() } else { body.to_string() };
        let got = self.ask(key, method, path, &body);
        assert!(got.status >= 400, "{path}: {}", got.text());
        (got.status, got.json()["error"].clone())
    }

    /// Makes a key, and answers it.
    pub(crate) fn key(&self, body: &Value) -> String {
        self.post("/key/generate", body)["key"].as_str().unwrap().to_owned()
    }

    /// Lets somebody else write a key just before each of the next `times` changes.
    pub(crate) fn overtake(&self, times: usize, record: &KeyRecord) {
        let entry = |field: &str, value: &Option<String>| {
            value.clone().map(|value| Index { field: field.to_owned(), value, unique: false })
        };
        let index = [entry("team_id", &record.team_id), entry("user_id", &record.user_id)];
        let write = Write {
            kind: RecordKind::Key,
            id: record.token.clone(),
            version: 0,
            record: Some(record.write()),
            index: index.into_iter().flatten().collect(),
        };
        self.stage.host.books.borrow_mut().overtakers.extend(vec![write; times]);
    }

    /// Lets somebody else delete a record just before the next change.
    pub(crate) fn overtake_by_deletion(&self, kind: RecordKind, id: &str) {
        let write = Write { kind, id: id.to_owned(), version: 0, record: None, index: Vec::new() };
        self.stage.host.books.borrow_mut().overtakers.push_back(write);
    }

    pub(crate) fn tell(&self, root: &ScopeId, message: &Message) -> Reply {
        ready(self.stage.host.ledger(root, message)).unwrap()
    }

    pub(crate) fn view(&self, root: &ScopeId, scope: &ScopeId) -> Option<ScopeView> {
        match self.tell(root, &Message::View { scopes: vec![scope.clone()] }) {
            Reply::Views(views) => views.into_iter().next(),
            other => panic!("{other:?}"),
        }
    }

    /// Reserves and settles a request.
    pub(crate) fn spend(&self, root: &ScopeId, scopes: &[ScopeId], dollars: &str) -> Result<(), Refusal> {
        self.spend_as(root, scopes, dollars, Subject::default())
    }

    pub(crate) fn spend_as(
        &self,
        root: &ScopeId,
        scopes: &[ScopeId],
        dollars: &str,
        subject: Subject,
    ) -> Result<(), Refusal> {
        let cost = Money::parse(dollars);
        let request_id = format!("r{}", self.stage.host.random());
        let ask =
            Ask { request_id, scopes: scopes.to_vec(), bound: cost, least: cost.unwrap(), subject, ..Ask::default() };
        let seq = match self.tell(root, &Message::Reserve { ask: Box::new(ask), shared: Vec::new() }) {
            Reply::Granted(grant) => grant.seq,
            Reply::Refused(refusal) => return Err(*refusal),
            other => panic!("{other:?}"),
        };
        let outcome = Outcome {
            model: "gpt-4o-2024-08-06".to_owned(),
            provider: "openai".to_owned(),
            prompt_tokens: 10,
            completion_tokens: 5,
            total_tokens: 15,
            cost,
            status: "success".to_owned(),
            ..Outcome::default()
        };
        self.tell(root, &Message::Settle { seq, outcome });
        Ok(())
    }
}

/// The scope of a key.
pub(crate) fn key_scope(key: &str) -> ScopeId {
    ScopeId::new(ScopeKind::Key, token::hash(key))
}

pub(crate) fn team_scope(team_id: &str) -> ScopeId {
    ScopeId::new(ScopeKind::Team, team_id)
}

pub(crate) fn user_scope(user_id: &str) -> ScopeId {
    ScopeId::new(ScopeKind::User, user_id)
}

/// The value of a future that never waits.
pub(crate) fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("it waits"),
    }
}
