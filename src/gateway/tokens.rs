//! Tokens that credentials were exchanged for: kept in the isolate until shortly before they end, and fetched by one
//! request at a time.

use std::cell::RefCell;

use super::host::{Body, Host, Upstream};
use super::race::{First, race};
use crate::base64;
use crate::error::{Error, Kind, Result};
use crate::provider::exchange::{Exchange, Token};
use crate::secret::Secret;

/// Most tokens that an isolate keeps: each is a credential of the configuration.
const MOST: usize = 64;

/// The longest time that a token is given up before its end, in seconds; a short-lived one is for a quarter of its life.
const MARGIN_SECONDS: u64 = 300;

/// How long an exchange may take, in ms. Then another request tries: the platform may end a request without a word.
const LONGEST_MS: u64 = 15_000;

/// How often a request looks whether another one's exchange has come to its end, in ms. It does not wait for the other's
/// future: Workers let no request wake another.
const LOOK_MS: u64 = 20;

/// The longest answer of an identity provider, in bytes, that is read.
const LONGEST_ANSWER: usize = 1 << 20;

/// The tokens of an isolate.
#[derive(Debug, Default)]
pub(super) struct Tokens(RefCell<Vec<Held>>);

#[derive(Debug)]
struct Held {
    identity: Secret,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    /// Being fetched, since then (Unix ms).
    Fetching(u64),
    /// Good until then (Unix ms).
    Good(Secret, u64),
    /// What those who have waited for it are told.
    Failed(Error),
}

/// A token for a request.
pub(super) struct Granted {
    pub(super) token: Secret,
    /// Whether it was fetched for this very request: a new one would be no better.
    pub(super) fresh: bool,
}

impl Tokens {
    /// The token for an exchange, from the cache or by running it.
    ///
    /// # Errors
    ///
    /// What [`Exchange::answer`] says, or the host where nothing came.
    pub(super) async fn get<H: Host>(&self, host: &H, provider: &str, exchange: &Exchange) -> Result<Granted> {
        let mut waited = false;
        loop {
            let now = host.now_ms();
            match self.state(&exchange.identity) {
                Some(State::Good(token, until)) if now < until => return Ok(Granted { token, fresh: false }),
                Some(State::Fetching(since)) if now.saturating_sub(since) < LONGEST_MS => {
                    waited = true;
                    host.sleep(LOOK_MS).await;
                }
                Some(State::Failed(error)) if waited => return Err(error),
                _ => break,
            }
        }
        let since = host.now_ms();
        self.set(&exchange.identity, State::Fetching(since));
        let _flight = Flight(self, &exchange.identity, since);
        let result = match race(fetch(host, provider, exchange), host.sleep(LONGEST_MS)).await {
            First::Left(result) => result,
            First::Right(()) => {
                let message = format!("no token within {LONGEST_MS} ms");
                Err(Error::upstream(Kind::Timeout, provider, 408, message))
            }
        };
        match result {
            Ok(Token { value, lifetime }) => {
                let kept = lifetime - MARGIN_SECONDS.min(lifetime / 4);
                let until = host.now_ms().saturating_add(kept.saturating_mul(1000));
                self.set(&exchange.identity, State::Good(value.clone(), until));
                Ok(Granted { token: value, fresh: true })
            }
            Err(error) => {
                self.set(&exchange.identity, State::Failed(error.clone()));
                Err(error)
            }
        }
    }

    /// Forgets a token that was refused, unless another one has taken its place meanwhile.
    pub(super) fn refused(&self, identity: &Secret, token: &Secret) {
        let is_it =
            |held: &Held| held.identity == *identity && matches!(&held.state, State::Good(own, _) if own == token);
        self.0.borrow_mut().retain(|held| !is_it(held));
    }

    fn state(&self, identity: &Secret) -> Option<State> {
        self.0.borrow().iter().find(|held| held.identity == *identity).map(|held| held.state.clone())
    }

    fn set(&self, identity: &Secret, state: State) {
        let mut all = self.0.borrow_mut();
        all.retain(|held| held.identity != *identity);
        if all.len() >= MOST {
            all.remove(0);
        }
        all.push(Held { identity: identity.clone(), state });
    }
}

/// An exchange on its way: should it be dropped, those who wait do not wait for it.
struct Flight<'a>(&'a Tokens, &'a Secret, u64);

impl Drop for Flight<'_> {
    fn drop(&mut self) {
        let is_it =
            |held: &Held| held.identity == *self.1 && matches!(held.state, State::Fetching(own) if own == self.2);
        self.0.0.borrow_mut().retain(|held| !is_it(held));
    }
}

async fn fetch<H: Host>(host: &H, provider: &str, exchange: &Exchange) -> Result<Token> {
    let mut http = exchange.http.clone();
    if let Some(assertion) = &exchange.assertion {
        let unusable = || {
            let message =
                "the private key of the credentials is no RSA key in PEM (PKCS#8): paste it as it was given out";
            Error::upstream(Kind::Authentication, provider, 401, message)
        };
        let key = assertion.key_der().ok_or_else(unusable)?;
        let signed = host.sign_rs256(&key, assertion.signed.as_bytes()).await;
        let signature = signed.map_err(|_| unusable())?;
        for part in [assertion.signed.as_str(), ".", &base64::encode_url(&signature)] {
            http.body.extend_from_slice(part.as_bytes());
        }
    }
    let place = http.url.split('?').next().unwrap_or_default().to_owned();
    let broken = |error: &Error| {
        let message = format!("{place} gave no token: {}", error.message());
        Error::upstream(error.kind(), provider, error.kind().row().status, message)
    };
    let Upstream { head, mut body } = host.send(http).await.map_err(|error| broken(&error))?;
    let bytes = body.whole(LONGEST_ANSWER).await.map_err(|error| broken(&error))?.unwrap_or_default();
    exchange.answer(provider, &head, &bytes, host.now_ms() / 1000)
}
