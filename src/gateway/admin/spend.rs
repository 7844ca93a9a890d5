//! `/spend/logs`, `/spend/logs/v2`, `/spend/tags` and `/global/spend/tags`.

use serde_json::{Value, json};

use super::super::host::Host;
use super::actor::forbidden;
use super::desk::Desk;
use super::store::Done;
use crate::error::{Error, Result};
use crate::keys::ledger::Entry;
use crate::keys::spend::{Rollup, global_tags, log_row, spend_by_tag, summarize};
use crate::money::Money;

/// Most rows of `/spend/logs`, the newest, as in LiteLLM.
const MOST_SHOWN: usize = 10_000;

impl<H: Host> Desk<'_, H> {
    /// Refuses to show somebody else's spend to callers who see their own alone.
    pub(super) fn own_user_only(&self, user_id: Option<&str>) -> Result<()> {
        match user_id {
            Some(user_id) if !self.actor.is_all() && self.actor.user_id() != Some(user_id) => {
                Err(forbidden("Not authorized to view spend for another user."))
            }
            _ => Ok(()),
        }
    }

    /// `GET /spend/logs`: the newest rows; with both dates a summary by day, unless `summarize=false`.
    pub(super) async fn spend_logs(&self) -> Done<Value> {
        self.only_queries(&["api_key", "user_id", "request_id", "start_date", "end_date", "summarize"])?;
        let filter = self.filter().await?;
        self.own_user_only(filter.user_id.as_deref())?;
        let dated = filter.from_ms.is_some() && filter.before_ms.is_some();
        if dated && self.switch("summarize")?.unwrap_or(true) {
            return Ok(summarize(&self.rollup(&filter).await?));
        }
        let (rows, _) = self.newest(&filter, MOST_SHOWN, |_| true).await?;
        Ok(rows.iter().map(log_row).collect())
    }

    /// `GET /spend/logs/v2`: rows in pages, newest first.
    pub(super) async fn spend_logs_v2(&self) -> Done<Value> {
        self.only_queries(&[
            "api_key",
            "key_alias",
            "user_id",
            "team_id",
            "end_user",
            "request_id",
            "model",
            "tag",
            "status_filter",
            "min_spend",
            "max_spend",
            "start_date",
            "end_date",
            "page",
            "page_size",
        ])?;
        let filter = self.filter().await?;
        self.own_user_only(filter.user_id.as_deref())?;
        let page = self.paging("page_size", 50, 100)?;
        let status = self.query("status_filter");
        if status.as_deref().is_some_and(|status| status != "success" && status != "failure") {
            return Err(Error::bad_request("status_filter", "`status_filter` is `success` or `failure`").into());
        }
        let (least, most) = (self.amount("min_spend")?, self.amount("max_spend")?);
        let keep = |entry: &Entry| {
            status.as_ref().is_none_or(|status| entry.outcome.status == *status)
                && least.is_none_or(|least| entry.charged >= least)
                && most.is_none_or(|most| entry.charged <= most)
        };
        let until = page.offset() + page.size;
        if until > MOST_SHOWN as u64 {
            let message = format!("only the newest {MOST_SHOWN} rows can be paged through: narrow the time");
            return Err(Error::bad_request("page", message).into());
        }
        let (rows, total) = self.newest(&filter, until as usize, keep).await?;
        let data: Vec<Value> = rows.iter().skip(page.offset() as usize).map(log_row).collect();
        Ok(json!({
            "data": data,
            "total": total,
            "page": page.number,
            "page_size": page.size,
            "total_pages": page.pages(total),
        }))
    }

    /// An amount in USD among the query parameters.
    fn amount(&self, name: &str) -> Result<Option<Money>> {
        match self.query(name) {
            None => Ok(None),
            Some(text) => Money::parse(&text)
                .map(Some)
                .ok_or_else(|| Error::bad_request(name, format!("`{name}` is an amount in USD: `0.25`"))),
        }
    }

    /// `GET /spend/tags`
    pub(super) async fn spend_tags(&self) -> Done<Value> {
        self.only_queries(&["start_date", "end_date"])?;
        Ok(spend_by_tag(&self.rollup(&self.filter().await?).await?))
    }

    /// `GET /global/spend/tags`: those of `tags`, or all.
    pub(super) async fn global_spend_tags(&self) -> Done<Value> {
        self.only_queries(&["start_date", "end_date", "tags"])?;
        let wanted = self.list("tags");
        let mut rollup = Rollup::default();
        self.walk(&self.filter().await?, |mut entry| {
            entry.subject.tags.retain(|tag| wanted.is_empty() || wanted.contains(tag));
            rollup.add(&entry);
        })
        .await?;
        Ok(global_tags(&rollup))
    }

    /// A list with commas among the query parameters; absent is empty.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        let text = self.query(name).unwrap_or_default();
        let items = text.split(',').map(str::trim).filter(|item| !item.is_empty() && *item != "all-tags");
        items.map(str::to_owned).collect()
    }
}
