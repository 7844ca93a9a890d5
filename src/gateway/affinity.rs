//! What a request is tied by: its prompt's cacheable prefix, its session, its key.

use super::attempt::Request;
use super::auth::Door;
use super::bound;
use super::fit::Fitting;
use super::tariff::Tariff;
use crate::config::Match;
use crate::router::{Tie, digest, prefix};

/// The least tokens of a prompt that providers cache.
const LEAST_CACHED: u64 = 1_024;

/// How long providers keep a prefix that is not asked for again, in ms.
const CACHED_MS: u64 = 300_000;

impl Fitting<'_> {
    /// What ties `request` to one of `matches`, which are the deployments of `group`, in the order that LiteLLM goes by. A
    /// routing group that goes by priority has no ties.
    pub(super) fn ties(&self, group: &str, matches: &[Match], request: &Request) -> Vec<Tie> {
        let config = &self.gateway.config;
        let rules = &config.router.affinity;
        let Some((first, others)) = matches.split_first() else { return Vec::new() };
        if rules.is_off() || others.is_empty() || matches.iter().any(|found| found.order.is_some()) {
            return Vec::new();
        }
        let mut ties = Vec::new();
        let name = first.deployment.model_name.as_str();
        // A routing group may hold several models: what knows one of them knows nothing of the next.
        if others.iter().all(|other| other.deployment.model_name == name) {
            let (by_session, by_key) = rules.checks(config.group_of(group));
            let key = self.key();
            let ttl_ms = rules.ttl_ms;
            if let Some(session) = self.asked.session_id.as_deref().filter(|_| by_session) {
                let keys = vec![digest(&["session", name, key.unwrap_or_default(), session])];
                ties.push(Tie { check: "session_affinity", keys, ttl_ms, moves: false });
            }
            if let Some(key) = key.filter(|_| by_key) {
                let keys = vec![digest(&["key", name, key])];
                ties.push(Tie { check: "deployment_affinity", keys, ttl_ms, moves: false });
            }
        }
        if let Request::Chat(chat) = request
            && rules.prompts
        {
            let keys = prefix(chat);
            if !keys.is_empty() && self.is_cached(first, request) {
                ties.push(Tie { check: "prompt_caching", keys, ttl_ms: CACHED_MS, moves: true });
            }
        }
        ties
    }

    /// Who calls: the hash of the key; nobody where everybody may.
    fn key(&self) -> Option<&str> {
        match self.known {
            Some(known) => Some(&known.identity().key.token),
            None => matches!(self.gateway.door, Door::MasterKey { .. }).then_some("master"),
        }
    }

    /// Whether a prompt is long enough to be cached.
    fn is_cached(&self, found: &Match, request: &Request) -> bool {
        let tariff = Tariff::plain(&self.gateway.prices, found);
        let (provider, model) = tariff.tokenized_as();
        bound::input_bound(&tariff, request) >= LEAST_CACHED && self.count(provider, model, request) >= LEAST_CACHED
    }
}
