//! `/user/daily/activity` and its like for teams, tags and customers, and `/global/activity`.

use serde_json::{Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::Desk;
use super::store::{Done, Held, with};
use super::team;
use crate::error::Result;
use crate::keys::TeamRecord;
use crate::keys::ledger::Entry;
use crate::keys::spend::{self, Cell, Filter, Rollup, daily_activity, global_activity};
use crate::sorted;

/// Query parameters that all of these know.
const COMMON: [&str; 6] = ["start_date", "end_date", "model", "api_key", "page", "page_size"];

impl<H: Host> Desk<'_, H> {
    async fn activity_filter(&self, more: &[&str]) -> Result<(Filter, spend::Page)> {
        let known: Vec<&str> = COMMON.iter().chain(more).copied().collect();
        self.only_queries(&known)?;
        let page = self.paging("page_size", 50, 1_000)?;
        let page = spend::Page { number: page.number as usize, size: page.size as usize };
        Ok((self.dated_filter().await?, page))
    }

    /// `GET /user/daily/activity`
    pub(super) async fn user_activity(&self) -> Done<Value> {
        let (filter, page) = self.activity_filter(&["user_id"]).await?;
        self.own_user_only(filter.user_id.as_deref())?;
        Ok(daily_activity(&self.rollup(&filter).await?, None, page))
    }

    /// `GET /team/daily/activity`: for callers who do not see everything, of the teams that they administer.
    pub(super) async fn team_activity(&self) -> Done<Value> {
        let (filter, page) = self.activity_filter(&["team_ids", "exclude_team_ids"]).await?;
        let (mut wanted, without) = (self.list("team_ids"), self.list("exclude_team_ids"));
        let entity: fn(&Cell) -> &String = |cell| &cell.team;
        let mut rollup = Rollup::default();
        if self.actor.is_all() {
            self.walk(&filter, |entry| {
                let team = entry.subject.team.as_ref();
                if team.is_some_and(|team| chosen(team, &wanted, &without)) {
                    rollup.add(&entry);
                }
            })
            .await?;
            return Ok(daily_activity(&rollup, Some(entity), page));
        }
        let own = self.actor.user_id().unwrap_or_default();
        let teams: Vec<Held<TeamRecord>> = self.all(vec![with("member", own)]).await?;
        let governed = teams.iter().filter(|team| self.actor.administers(&team.record));
        let governed: Vec<&String> = governed.map(|team| &team.record.team_id).collect();
        if let Some(team) = wanted.iter().find(|team| !governed.contains(team)) {
            return Err(forbidden(format!("You are no admin of team {team}: ask for teams that you administer")).into());
        }
        if wanted.is_empty() {
            wanted.extend(governed.into_iter().cloned());
        }
        let mut left = super::walk::MOST_ROWS;
        for team in wanted.iter().filter(|team| !without.contains(team)) {
            self.walk_root(&team::root(team), &filter, &mut left, &mut |entry| {
                if filter.wants(&entry) {
                    rollup.add(&entry);
                }
            })
            .await?;
        }
        Ok(daily_activity(&rollup, Some(entity), page))
    }

    /// `GET /customer/daily/activity`
    pub(super) async fn customer_activity(&self) -> Done<Value> {
        let (filter, page) = self.activity_filter(&["end_user_ids", "exclude_end_user_ids"]).await?;
        let (wanted, without) = (self.list("end_user_ids"), self.list("exclude_end_user_ids"));
        let mut rollup = Rollup::default();
        self.walk(&filter, |entry| {
            let customer = entry.subject.customer.as_ref();
            if customer.is_some_and(|customer| chosen(customer, &wanted, &without)) {
                rollup.add(&entry);
            }
        })
        .await?;
        Ok(daily_activity(&rollup, Some(|cell| &cell.customer), page))
    }

    /// `GET /tag/daily/activity`: a request counts in full for each of its tags.
    pub(super) async fn tag_activity(&self) -> Done<Value> {
        let (filter, page) = self.activity_filter(&["tags"]).await?;
        let wanted = self.list("tags");
        let mut rollup = Rollup::default();
        self.walk(&filter, |mut entry: Entry| {
            let mut tags = std::mem::take(&mut entry.subject.tags);
            sorted::sort(&mut tags);
            tags.dedup();
            for tag in tags.into_iter().filter(|tag| chosen(tag, &wanted, &[])) {
                // A roll-up has no cells by tag; the customer's place is free here, and shown as the entity.
                entry.subject.customer = Some(tag);
                rollup.add(&entry);
            }
        })
        .await?;
        Ok(daily_activity(&rollup, Some(|cell| &cell.customer), page))
    }

    /// `GET /global/activity`
    pub(super) async fn global_activity(&self) -> Done<Value> {
        self.only_queries(&["start_date", "end_date"])?;
        Ok(global_activity(&self.rollup(&self.dated_filter().await?).await?))
    }

    /// `GET /global/activity/model`: the ten model groups with the most requests.
    pub(super) async fn global_activity_model(&self) -> Done<Value> {
        self.only_queries(&["start_date", "end_date"])?;
        let rollup = self.rollup(&self.dated_filter().await?).await?;
        let groups = rollup.by(|cell| Some(cell.model_group.clone()));
        let mut groups: Vec<(String, u64)> = groups.into_iter().map(|(name, sums)| (name, sums.requests)).collect();
        sorted::sort_by(&mut groups, |(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        let rows = groups.into_iter().take(10).map(|(group, _)| {
            let mut row = global_activity(&rollup.filtered(|cell| cell.model_group == group));
            if let Value::Object(row) = &mut row {
                row.insert("model".to_owned(), json!(group));
            }
            row
        });
        Ok(rows.collect())
    }
}

fn chosen(name: &String, wanted: &[String], without: &[String]) -> bool {
    (wanted.is_empty() || wanted.contains(name)) && !without.contains(name)
}
