//! Through the logs of all ledgers: which rows a request means, asked ledger by ledger, within a bound.

use std::cmp::Reverse;

use super::super::host::Host;
use super::desk::Desk;
use super::roots::roots_of;
use super::store::Held;
use super::team;
use crate::error::{Error, Kind, Result};
use crate::keys::calendar::parse_time;
use crate::keys::ledger::{Entry, Message, Reply, ScopeId, State};
use crate::keys::spend::{Filter, Rollup};
use crate::keys::{KeyRecord, token};
use crate::sorted;

/// Most rows of log that one request reads, over all ledgers.
pub(super) const MOST_ROWS: u64 = 100_000;

/// Rows that a ledger is asked for at one time.
const CHUNK: u64 = 1_000;

const DAY_MS: u64 = 86_400_000;

impl<H: Host> Desk<'_, H> {
    /// The filter that the query asks for by LiteLLM's names; both days count in full.
    ///
    /// # Errors
    ///
    /// A time that cannot be read.
    pub(super) async fn filter(&self) -> Result<Filter> {
        let api_key = match (self.query("api_key"), self.query("key_alias")) {
            (Some(key), _) => Some(if token::is_hash(&key) { key } else { token::hash(&key) }),
            (None, Some(alias)) => {
                let held: Option<Held<KeyRecord>> = self.find("key_alias", &alias).await?;
                // No hash looks like this: an alias that nobody has finds nothing.
                Some(held.map_or_else(|| format!("no key {alias}"), |held| held.record.token))
            }
            (None, None) => None,
        };
        Ok(Filter {
            api_key,
            user_id: self.query("user_id").or_else(|| self.query("internal_user_id")),
            team_id: self.query("team_id"),
            end_user: self.query("end_user").or_else(|| self.query("customer_id")),
            request_id: self.query("request_id"),
            model: self.query("model"),
            tag: self.query("tag"),
            from_ms: self.time("start_date", false)?,
            before_ms: self.time("end_date", true)?,
        })
    }

    /// The filter of a route that needs both dates.
    ///
    /// # Errors
    ///
    /// One of them is missing, or cannot be read.
    pub(super) async fn dated_filter(&self) -> Result<Filter> {
        if self.query("start_date").is_none() || self.query("end_date").is_none() {
            return Err(Error::bad_request("start_date", "Please provide start_date and end_date"));
        }
        self.filter().await
    }

    /// A time among the query parameters; for an end, the first ms that is not part of it any more.
    fn time(&self, name: &str, end: bool) -> Result<Option<u64>> {
        let Some(text) = self.query(name) else { return Ok(None) };
        let Some(ms) = parse_time(&text) else {
            let message = format!("`{name}` is a UTC day or time: `2026-03-01` or `2026-03-01T10:30:00Z`");
            return Err(Error::bad_request(name, message));
        };
        let whole_day = !text.contains(['T', ' ']);
        Ok(Some(match end {
            false => ms,
            true if whole_day => ms.saturating_add(DAY_MS),
            true => ms.saturating_add(1),
        }))
    }

    /// Shows `visit` every closed row that `filter` wants and the caller may see, ledger by ledger, each oldest first.
    ///
    /// # Errors
    ///
    /// Over [`MOST_ROWS`] rows to read, or too many ledgers.
    pub(super) async fn walk(&self, filter: &Filter, mut visit: impl FnMut(Entry)) -> Result<()> {
        let roots = self.roots_for(filter).await?;
        let mut left = MOST_ROWS;
        for root in &roots {
            self.walk_root(root, filter, &mut left, &mut |entry| {
                if filter.wants(&entry) && self.may_see_row(&entry) {
                    visit(entry);
                }
            })
            .await?;
        }
        Ok(())
    }

    /// The ledgers that may hold rows that a filter wants.
    async fn roots_for(&self, filter: &Filter) -> Result<Vec<ScopeId>> {
        if !self.actor.is_all() {
            return self.own_roots().await;
        }
        if let Some(team_id) = &filter.team_id {
            // What counts against a team is in its ledger and nowhere else.
            return Ok(vec![team::root(team_id)]);
        }
        let key: Option<Held<KeyRecord>> = match &filter.api_key {
            Some(hash) => self.get(hash).await?,
            None => None,
        };
        match key {
            Some(key) => Ok(roots_of(&key.record)),
            None => self.roots(filter.from_ms.unwrap_or(0)).await,
        }
    }

    /// Whether a row of log is the caller's to see: their user's, or their key's.
    fn may_see_row(&self, entry: &Entry) -> bool {
        let subject = &entry.subject;
        let same_user = self.actor.user_id().is_some_and(|own| subject.user.as_deref() == Some(own));
        let same_key = self.actor.key.as_ref().is_some_and(|key| key.token == subject.key);
        self.actor.is_all() || same_user || same_key
    }

    /// Reads one ledger's rows in chunks; `left` is what may still be read.
    pub(super) async fn walk_root(
        &self,
        root: &ScopeId,
        filter: &Filter,
        left: &mut u64,
        visit: &mut impl FnMut(Entry),
    ) -> Result<()> {
        let until_ms = filter.before_ms.unwrap_or(self.now_ms + 1);
        let (mut from_ms, mut limit) = (filter.from_ms.unwrap_or(0), CHUNK);
        // Rows that share the last ms of a chunk come again with the next one.
        let mut seen: Vec<u64> = Vec::new();
        loop {
            let reply = self.host.ledger(root, &Message::Log { from_ms, until_ms, limit }).await?;
            let Reply::Entries(entries) = reply else {
                return Err(Error::new(Kind::InternalServer, "the ledger answered something else than it was asked"));
            };
            let Some(last_ms) = entries.last().map(|entry| entry.start_ms) else { return Ok(()) };
            let whole = (entries.len() as u64) < limit;
            let at_end: Vec<u64> =
                entries.iter().filter(|entry| entry.start_ms == last_ms).map(|entry| entry.seq).collect();
            let mut fresh = 0;
            for entry in entries.into_iter().filter(|entry| !seen.contains(&entry.seq)) {
                fresh += 1;
                *left = left.checked_sub(1).ok_or_else(too_many)?;
                if entry.state != State::Open {
                    visit(entry);
                }
            }
            if whole {
                return Ok(());
            }
            // A whole chunk of one ms: only a longer one gets beyond it.
            limit = if fresh == 0 || from_ms == last_ms { limit.saturating_mul(2) } else { CHUNK };
            (from_ms, seen) = (last_ms, at_end);
        }
    }

    /// What the rows that a filter wants sum up to.
    ///
    /// # Errors
    ///
    /// As [`Desk::walk`].
    pub(super) async fn rollup(&self, filter: &Filter) -> Result<Rollup> {
        let mut rollup = Rollup::default();
        self.walk(filter, |entry| rollup.add(&entry)).await?;
        Ok(rollup)
    }

    /// The newest rows that a filter and `keep` want, at most `most`, newest first, and how many there are in all.
    ///
    /// # Errors
    ///
    /// As [`Desk::walk`].
    pub(super) async fn newest(
        &self,
        filter: &Filter,
        most: usize,
        keep: impl Fn(&Entry) -> bool,
    ) -> Result<(Vec<Entry>, u64)> {
        let (mut rows, mut total): (Vec<Entry>, u64) = (Vec::new(), 0);
        let cut = |rows: &mut Vec<Entry>| {
            sorted::sort_by_key(rows, |row| Reverse((row.start_ms, row.seq)));
            rows.truncate(most);
        };
        self.walk(filter, |entry| {
            if keep(&entry) {
                total += 1;
                rows.push(entry);
                if rows.len() >= most.saturating_mul(2).saturating_add(CHUNK as usize) {
                    cut(&mut rows);
                }
            }
        })
        .await?;
        cut(&mut rows);
        Ok((rows, total))
    }
}

fn too_many() -> Error {
    let message =
        format!("there are over {MOST_ROWS} rows of log to read: ask for less time by `start_date` and `end_date`");
    Error::bad_request("start_date", message)
}
