//! `/global/spend/report`, `/global/spend/logs`, `/spend/tags` and `/global/spend/tags`.

use serde_json::{Value, json};

use super::{Cell, Rollup, Sums};
use crate::error::{Error, Result};
use crate::sorted::{self, SortedMap};

/// What `/global/spend/report` groups by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupBy {
    /// By day and team.
    Team,
    /// By day and customer.
    Customer,
    /// By key.
    ApiKey,
    /// By model.
    Model,
}

impl GroupBy {
    /// Reads `group_by`; absent is `team`, as in LiteLLM.
    ///
    /// # Errors
    ///
    /// Another value.
    pub fn parse(text: Option<&str>) -> Result<Self> {
        match text {
            None | Some("team") => Ok(Self::Team),
            Some("customer") => Ok(Self::Customer),
            Some("api_key") => Ok(Self::ApiKey),
            Some("model") => Ok(Self::Model),
            Some(_) => {
                let message = "`group_by` is one of `team`, `customer`, `api_key`, `model`";
                Err(Error::bad_request("group_by", message))
            }
        }
    }
}

/// `/global/spend/report`. `alias` names a team for people.
pub fn report(rollup: &Rollup, group_by: GroupBy, alias: impl Fn(&str) -> Option<String>) -> Value {
    match group_by {
        GroupBy::Team => by_day(rollup, "teams", "team_name", |cell| &cell.team, alias),
        GroupBy::Customer => by_day(rollup, "customers", "customer", |cell| &cell.customer, |_| None),
        GroupBy::ApiKey => totals(rollup, "api_key", |cell| &cell.key, "model", |cell| &cell.model),
        GroupBy::Model => totals(rollup, "model", |cell| &cell.model, "api_key", |cell| &cell.key),
    }
}

/// By day and owner, with what each model and key of the owner cost.
fn by_day(
    rollup: &Rollup,
    list: &str,
    field: &str,
    owner: impl Fn(&Cell) -> &String,
    alias: impl Fn(&str) -> Option<String>,
) -> Value {
    type Parts<'a> = SortedMap<(&'a str, &'a str), Sums>;
    let mut days: SortedMap<&str, SortedMap<&str, Parts<'_>>> = SortedMap::new();
    for (cell, sums) in &rollup.cells {
        let owners = days.or_default(&cell.day);
        let parts = owners.or_default(owner(cell));
        parts.or_default((&cell.model, &cell.key)).add(sums);
    }
    let part = |((model, key), sums): (&(&str, &str), &Sums)| {
        let Sums { spend, total_tokens, .. } = sums;
        json!({"model": model, "api_key": key, "spend": spend, "total_tokens": total_tokens})
    };
    let days = days.into_iter().map(|(day, owners)| {
        let owners = owners.into_iter().map(|(owner, parts)| {
            let total = parts.values().fold(Sums::default(), |mut total, sums| {
                total.add(sums);
                total
            });
            let name = alias(owner).unwrap_or_else(|| owner.to_owned());
            let metadata: Vec<Value> = parts.iter().map(part).collect();
            json!({field: name, "total_spend": total.spend, "metadata": metadata})
        });
        json!({"group_by_day": day, list: owners.collect::<Vec<_>>()})
    });
    Value::Array(days.collect())
}

/// By owner over all days, with a detail of each.
fn totals(
    rollup: &Rollup,
    field: &str,
    owner: impl Fn(&Cell) -> &String,
    detail_field: &str,
    detail: impl Fn(&Cell) -> &String,
) -> Value {
    let details = format!("{}_details", if detail_field == "model" { "model" } else { "key" });
    let cost = |name: &str, value: &str, sums: &Sums| {
        json!({
            name: value,
            "total_cost": sums.spend,
            "total_input_tokens": sums.prompt_tokens,
            "total_output_tokens": sums.completion_tokens,
        })
    };
    let parts = rollup.by(|cell| Some((owner(cell).clone(), detail(cell).clone())));
    let rows = rollup.by(|cell| Some(owner(cell).clone())).into_iter().map(|(name, sums)| {
        let mut row = cost(field, &name, &sums);
        let of_owner = parts.iter().filter(|((owner, _), _)| *owner == name);
        let parts: Vec<Value> = of_owner.map(|((_, part), sums)| cost(detail_field, part, sums)).collect();
        if let Value::Object(row) = &mut row {
            row.insert(details.clone(), Value::Array(parts));
        }
        row
    });
    Value::Array(rows.collect())
}

/// `/global/spend/logs`: the spend of each day.
pub fn spend_by_day(rollup: &Rollup) -> Value {
    let days = rollup.by(|cell| Some(cell.day.clone()));
    Value::Array(days.into_iter().map(|(day, sums)| json!({"date": day, "spend": sums.spend})).collect())
}

/// `/spend/tags`: the spend of each tag over all days.
pub fn spend_by_tag(rollup: &Rollup) -> Value {
    let row = |(tag, sums): (String, Sums)| {
        let Sums { requests, spend, .. } = sums;
        json!({"individual_request_tag": tag, "log_count": requests, "total_spend": spend})
    };
    Value::Array(tags(rollup).into_iter().map(row).collect())
}

/// `/global/spend/tags`: the same in its own shape, the dearest first.
pub fn global_tags(rollup: &Rollup) -> Value {
    let mut tags: Vec<(String, Sums)> = tags(rollup).into_iter().collect();
    sorted::sort_by(&mut tags, |(a, x), (b, y)| y.spend.cmp(&x.spend).then_with(|| a.cmp(b)));
    let row = |(tag, sums): (String, Sums)| json!({"name": tag, "spend": sums.spend, "log_count": sums.requests});
    json!({"spend_per_tag": tags.into_iter().map(row).collect::<Vec<_>>()})
}

fn tags(rollup: &Rollup) -> SortedMap<String, Sums> {
    let mut tags: SortedMap<String, Sums> = SortedMap::new();
    for ((_, tag), sums) in &rollup.tags {
        tags.or_default(tag.clone()).add(sums);
    }
    tags
}
