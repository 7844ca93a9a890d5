//! Health checks in the background: who is asked when, what is kept of it for all instances, and whom routing passes over.
//!
//! What was found is a setting in the directory, so that every instance hears of it as of changed fallbacks.

use serde_json::{Map, Value};

use super::Gateway;
use super::health::{asked, targets};
use super::host::Host;
use super::records::From;
use crate::error::Result;
use crate::keys::calendar::write_time;
use crate::keys::directory::{Call, Commit, RecordKind, Reply, Write};
use crate::openai::Fields;

/// The setting that holds what was found.
const HEALTH: &str = "health";

/// Statuses that pass by themselves.
const TRANSIENT: [u64; 2] = [408, 429];

impl Gateway {
    /// How often [`Gateway::check_deployments`] wants to be called, in ms; `None`: never.
    pub fn check_interval_ms(&self) -> Option<u64> {
        self.config.general.health.interval_ms
    }

    /// Asks all deployments that take part in background checks, unless another instance has done so a moment ago, and
    /// keeps what was found. Answers whether it asked.
    ///
    /// # Errors
    ///
    /// The directory cannot be reached.
    pub async fn check_deployments<H: Host>(&self, host: &H) -> Result<bool> {
        let (rules, now) = (&self.config.general.health, host.now_ms());
        let Some(interval_ms) = rules.interval_ms else { return Ok(false) };
        let (former, version) = stored(host).await?;
        let last = former.as_ref().and_then(checked_at);
        // Timers and cron triggers come early or late; half an interval is nobody's.
        if last.is_some_and(|last| now.saturating_sub(last) < interval_ms / 2) {
            return Ok(false);
        }
        let mut targets = targets(&self.config, None, None)?;
        targets.retain(|target| !target.is_opted_out() && rules.takes_in(&target.deployment.model_name));
        let told = asked(self, host, &targets, rules.at_once).await;
        let mut found: Fields = told.fields();
        found.set("checked_at", &now);
        let record = crate::json::read::<Value>(&found.to_bytes()).ok();
        let write = Write { kind: RecordKind::Setting, id: HEALTH.to_owned(), version, record, index: Vec::new() };
        let commit = Commit { writes: vec![write], ..Commit::default() };
        // Where another instance was faster, what it found is as good.
        host.directory(&Call::Commit(commit)).await?;
        self.records.forget(RecordKind::Setting, HEALTH);
        self.heed(&stored(host).await?.0.unwrap_or_default());
        Ok(true)
    }

    /// Takes over what other instances have found, where routing goes by it.
    pub(super) async fn heed_checks<H: Host>(&self, host: &H) {
        if !self.routes_by_health() {
            return;
        }
        let found = self.records.settings.find(host, RecordKind::Setting, HEALTH, From::Index).await;
        if let Ok(Some(found)) = found {
            self.heed(&found);
        }
    }

    /// What was found last: its lists, narrowed to those `ids`.
    pub(super) async fn last_checks<H: Host>(&self, host: &H, ids: Option<&[&str]>) -> Result<Option<Fields>> {
        if self.config.general.health.interval_ms.is_none() {
            return Ok(None);
        }
        let Some(found) = stored(host).await?.0 else { return Ok(None) };
        let mut out = Fields::default();
        let list = |name: &str| -> Vec<&Value> {
            let all = found.get(name).and_then(Value::as_array).into_iter().flatten();
            all.filter(|told| ids.is_none_or(|ids| id(told).is_some_and(|id| ids.contains(&id)))).collect()
        };
        for (names, count) in [("healthy_endpoints", "healthy_count"), ("unhealthy_endpoints", "unhealthy_count")] {
            let list = list(names);
            out.set(names, &list);
            out.set(count, &list.len());
        }
        out.set("checked_at", &checked_at(&found).map(write_time));
        Ok(Some(out))
    }

    /// As in LiteLLM, `allowed_fails_policy` leaves it to cooldowns who is passed over, unless groups are named.
    fn routes_by_health(&self) -> bool {
        let (rules, router) = (&self.config.general.health, &self.config.router);
        rules.routing && rules.interval_ms.is_some() && (rules.groups.is_some() || router.cooldown.policy.is_none())
    }

    fn heed(&self, found: &Map<String, Value>) {
        let rules = &self.config.general.health;
        let Some(checked_at) = checked_at(found).filter(|_| self.routes_by_health()) else { return };
        let counts = |told: &&Value| {
            let status = told.get("exception_status").and_then(Value::as_u64);
            !(rules.ignores_transient && status.is_some_and(|status| TRANSIENT.contains(&status)))
        };
        let unhealthy = found.get("unhealthy_endpoints").and_then(Value::as_array).into_iter().flatten();
        let ids = unhealthy.filter(counts).filter_map(id).map(str::to_owned).collect();
        self.health.borrow_mut().heed(ids, checked_at.saturating_add(rules.stale_ms));
    }
}

fn id(told: &Value) -> Option<&str> {
    told.get("model_id").and_then(Value::as_str)
}

fn checked_at(found: &Map<String, Value>) -> Option<u64> {
    found.get("checked_at").and_then(Value::as_u64)
}

/// What was found last, with the version of its record.
async fn stored<H: Host>(host: &H) -> Result<(Option<Map<String, Value>>, u64)> {
    let call = Call::Get { kind: RecordKind::Setting, id: HEALTH.to_owned() };
    let Reply::Record(Some(stored)) = host.directory(&call).await? else { return Ok((None, 0)) };
    let found = if let Value::Object(found) = stored.record { Some(found) } else { None };
    Ok((found, stored.version))
}
