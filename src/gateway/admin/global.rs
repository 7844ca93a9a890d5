//! `/global/spend` and what is below it: spend of everybody.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::desk::Desk;
use super::store::{Done, Held};
use super::walk::MOST_ROWS;
use crate::error::Result;
use crate::keys::ledger::ScopeId;
use crate::keys::spend::{Filter, GroupBy, Rollup, report, spend_by_day};
use crate::keys::{KeyRecord, TeamRecord};
use crate::money::Money;
use crate::sorted::{self, SortedMap};

/// How far the lists of the dearest look back, as in LiteLLM.
const LATELY_MS: u64 = 30 * 86_400_000;

impl<H: Host> Desk<'_, H> {
    /// `GET /global/spend`: what everything cost, or a key, a model, a team, a user, a time of it.
    pub(super) async fn global_spend(&self) -> Done<Value> {
        self.only_queries(&["api_key", "model", "team_id", "user_id", "start_date", "end_date"])?;
        let narrowed = self.request.url.contains('?');
        let spend =
            if narrowed { self.rollup(&self.filter().await?).await?.total().spend } else { self.total().await? };
        Ok(json!({"spend": spend, "max_budget": null}))
    }

    /// All that was ever spent: each ledger knows its sum, whatever the length of its log.
    async fn total(&self) -> Result<Money> {
        let (mut total, mut left) = (Money::ZERO, MOST_ROWS);
        for root in self.roots(0).await? {
            if let Some(view) = self.view(&root, &ScopeId::global()).await? {
                total += view.total;
            } else {
                // What the master key spent has a log, and may have no sum.
                let all = Filter::default();
                self.walk_root(&root, &all, &mut left, &mut |entry| total += entry.charged).await?;
            }
        }
        Ok(total)
    }

    /// `GET /global/spend/logs`: the spend of each day.
    pub(super) async fn global_spend_logs(&self) -> Done<Value> {
        self.only_queries(&["api_key", "start_date", "end_date"])?;
        Ok(spend_by_day(&self.rollup(&self.filter().await?).await?))
    }

    /// `GET /global/spend/report`
    pub(super) async fn global_spend_report(&self) -> Done<Value> {
        self.only_queries(&[
            "start_date",
            "end_date",
            "group_by",
            "api_key",
            "internal_user_id",
            "team_id",
            "customer_id",
        ])?;
        let filter = self.dated_filter().await?;
        let named = match &filter {
            // As in LiteLLM: a report about one key or user is by key, one about a customer by customer.
            Filter { api_key: Some(_), .. } | Filter { user_id: Some(_), .. } => Some("api_key"),
            Filter { end_user: Some(_), .. } => Some("customer"),
            _ => None,
        };
        let group_by = GroupBy::parse(self.query("group_by").as_deref().or(named))?;
        let rollup = self.rollup(&filter).await?;
        let aliases = self.team_aliases().await?;
        Ok(report(&rollup, group_by, |team_id| aliases.get(team_id).cloned()))
    }

    async fn team_aliases(&self) -> Result<SortedMap<String, String>> {
        let teams: Vec<Held<TeamRecord>> = self.all(Vec::new()).await?;
        let alias = |held: Held<TeamRecord>| Some((held.record.team_id, held.record.team_alias?));
        Ok(teams.into_iter().filter_map(alias).collect())
    }

    /// What was spent in the last 30 days.
    async fn lately(&self) -> Result<Rollup> {
        let from_ms = Some(self.now_ms.saturating_sub(LATELY_MS));
        self.rollup(&Filter { from_ms, ..Filter::default() }).await
    }

    /// How many rows a list of the dearest has.
    fn limit(&self, usual: u64) -> Result<usize> {
        self.only_queries(&["limit"])?;
        Ok(self.number("limit", usual, 1_000)? as usize)
    }

    /// `GET /global/spend/keys`: the dearest keys of the last 30 days.
    pub(super) async fn global_spend_keys(&self) -> Done<Value> {
        let limit = self.limit(1_000)?;
        let mut rows = Vec::new();
        let sums = self.lately().await?.by(|cell| Some(cell.key.clone()));
        for (key, spend) in dearest(sums.into_iter().map(|(key, sums)| (key, sums.spend)), limit) {
            let record: Option<Held<KeyRecord>> = self.get(&key).await?;
            let record = record.map(|held| held.record);
            rows.push(json!({
                "api_key": key,
                "key_alias": record.as_ref().and_then(|record| record.key_alias.clone()),
                "key_name": record.as_ref().map(|record| record.key_name.clone()),
                "total_spend": spend,
            }));
        }
        Ok(Value::Array(rows))
    }

    /// `GET /global/spend/models`: the dearest models of the last 30 days.
    pub(super) async fn global_spend_models(&self) -> Done<Value> {
        let limit = self.limit(10)?;
        let sums = self.lately().await?.by(|cell| Some(cell.model.clone()));
        let models = dearest(sums.into_iter().map(|(model, sums)| (model, sums.spend)), limit);
        Ok(models.into_iter().map(|(model, spend)| json!({"model": model, "total_spend": spend})).collect())
    }

    /// `GET /global/spend/teams`: by day and team, the last 30 days.
    pub(super) async fn global_spend_teams(&self) -> Done<Value> {
        self.only_queries(&[])?;
        let aliases = self.team_aliases().await?;
        let name = |team_id: &str| match team_id {
            "" => "Unassigned".to_owned(),
            team_id => aliases.get(team_id).cloned().unwrap_or_else(|| team_id.to_owned()),
        };
        let rollup = self.lately().await?;
        let mut days: SortedMap<String, Map<String, Value>> = SortedMap::new();
        for ((day, team), sums) in rollup.by(|cell| Some((cell.day.clone(), name(&cell.team)))) {
            days.or_default(day).insert(team, json!(sums.spend));
        }
        let daily = days.into_iter().map(|(day, teams)| {
            let mut row: Map<String, Value> = std::iter::once(("date".to_owned(), json!(day))).collect();
            row.extend(teams);
            Value::Object(row)
        });
        let teams: SortedMap<String, _> = rollup.by(|cell| Some(name(&cell.team)));
        let totals = dearest(teams.iter().map(|(team, sums)| (team.clone(), sums.spend)), 10);
        let totals = totals.into_iter().map(|(team, spend)| json!({"team_id": team, "total_spend": spend}));
        Ok(json!({
            "daily_spend": daily.collect::<Vec<_>>(),
            "teams": teams.keys().collect::<Vec<_>>(),
            "total_spend_per_team": totals.collect::<Vec<_>>(),
        }))
    }
}

/// The dearest first; of the same spend by name.
fn dearest(sums: impl Iterator<Item = (String, Money)>, limit: usize) -> Vec<(String, Money)> {
    let mut sums: Vec<(String, Money)> = sums.collect();
    sorted::sort_by(&mut sums, |(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
    sums.truncate(limit);
    sums
}
