//! `/spend/logs`: the rows of the log in LiteLLM's shape, which of them are wanted, and their summary by day.

use serde_json::{Value, json};

use super::super::typed::Typed;
use super::Rollup;
use crate::keys::calendar::write_time;
use crate::keys::ledger::{Entry, State};
use crate::money::Money;
use crate::sorted::SortedMap;

/// Which rows are wanted; absent fields want all.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// A key's hash.
    pub api_key: Option<String>,
    /// `user_id`.
    pub user_id: Option<String>,
    /// `team_id`.
    pub team_id: Option<String>,
    /// `end_user`.
    pub end_user: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The model, as asked for or as answered.
    pub model: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// Started at this ms or later.
    pub from_ms: Option<u64>,
    /// Started before this ms: for a last day, the start of the next.
    pub before_ms: Option<u64>,
}

impl Filter {
    /// Whether a row is wanted; one that is still open is not.
    pub fn wants(&self, entry: &Entry) -> bool {
        let subject = &entry.subject;
        let is = |wanted: &Option<String>, value: Option<&str>| match wanted {
            Some(wanted) => value == Some(wanted.as_str()),
            None => true,
        };
        let model = |wanted: &String| *wanted == subject.model_group || *wanted == entry.outcome.model;
        entry.state != State::Open
            && is(&self.api_key, Some(&subject.key))
            && is(&self.user_id, subject.user.as_deref())
            && is(&self.team_id, subject.team.as_deref())
            && is(&self.end_user, subject.customer.as_deref())
            && is(&self.request_id, Some(&entry.request_id))
            && self.model.as_ref().is_none_or(model)
            && self.tag.as_ref().is_none_or(|tag| subject.tags.contains(tag))
            && self.from_ms.is_none_or(|from| entry.start_ms >= from)
            && self.before_ms.is_none_or(|before| entry.start_ms < before)
    }
}

/// A row as `/spend/logs` shows it. `spend` is `null` where the price is not known; prompts and answers are not kept,
/// so `messages` and `response` are empty.
pub fn log_row(entry: &Entry) -> Value {
    let (subject, outcome) = (&entry.subject, &entry.outcome);
    let metadata: Value = serde_json::from_str(&subject.metadata).unwrap_or_else(|_| json!({}));
    json!({
        "request_id": entry.request_id,
        "litellm_call_id": entry.request_id,
        "call_type": subject.call_type,
        "api_key": subject.key,
        "spend": outcome.cost.map(|_| entry.charged),
        "total_tokens": outcome.total_tokens,
        "prompt_tokens": outcome.prompt_tokens,
        "completion_tokens": outcome.completion_tokens,
        "startTime": write_time(entry.start_ms),
        "endTime": write_time(entry.end_ms),
        "completionStartTime": Value::Null,
        "model": outcome.model,
        "model_id": outcome.model_id,
        "model_group": subject.model_group,
        "custom_llm_provider": outcome.provider,
        "user": subject.user.clone().unwrap_or_default(),
        "metadata": metadata,
        "cache_hit": if outcome.cache_hit { "True" } else { "False" },
        "cache_read_input_tokens": outcome.cache_read_tokens,
        "cache_creation_input_tokens": outcome.cache_write_tokens,
        "request_tags": subject.tags,
        "team_id": subject.team,
        "organization_id": subject.organization,
        "end_user": subject.customer,
        "session_id": subject.session_id,
        "status": outcome.status,
        "estimated": outcome.estimated,
        "messages": {},
        "response": {},
    })
}

/// `/spend/logs` with dates and `summarize`: by day the spend, and of it that of each key, user and model.
pub fn summarize(rollup: &Rollup) -> Value {
    #[derive(Default)]
    struct Day {
        spend: Money,
        keys: SortedMap<String, Money>,
        users: SortedMap<String, Money>,
        models: SortedMap<String, Money>,
    }
    let mut days: SortedMap<&str, Day> = SortedMap::new();
    for (cell, sums) in &rollup.cells {
        let day = days.or_default(&cell.day);
        day.spend += sums.spend;
        *day.keys.or_default(cell.key.clone()) += sums.spend;
        *day.users.or_default(cell.user.clone()) += sums.spend;
        *day.models.or_default(cell.model.clone()) += sums.spend;
    }
    let row = |(day, sums): (&str, Day)| {
        // LiteLLM puts each key's hash beside the fields; here they stand under a name of their own as well.
        let mut row =
            json!({"startTime": day, "spend": sums.spend, "users": sums.users.write(), "models": sums.models.write()});
        if let Value::Object(fields) = &mut row {
            fields.extend(
                sums.keys.into_iter().filter(|(key, _)| !key.is_empty()).map(|(key, spend)| (key, json!(spend))),
            );
        }
        row
    };
    Value::Array(days.into_iter().map(row).collect())
}
