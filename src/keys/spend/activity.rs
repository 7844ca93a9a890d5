//! `/user/daily/activity` and its like (one shape for users, teams, tags and customers), and `/global/activity`.

use serde_json::{Map, Value, json};

use super::{Cell, Rollup, Sums};
use crate::sorted::SortedMap;

/// Which days of an activity are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: usize,
    /// Days on a page.
    pub size: usize,
}

impl Default for Page {
    fn default() -> Self {
        Self { number: 1, size: 50 }
    }
}

/// `/…/daily/activity`: by day, the newest first, what was used, in all and by model, model group, provider, endpoint
/// and key. `entity` names what the route is about (a team, a customer); for a user's own, `None`.
pub fn daily_activity(rollup: &Rollup, entity: Option<fn(&Cell) -> &String>, page: Page) -> Value {
    let days = rollup.by(|cell| Some(cell.day.clone()));
    let size = page.size.max(1);
    let pages = days.len().div_ceil(size).max(1);
    let skipped = page.number.saturating_sub(1).saturating_mul(size);
    let results = days.iter().rev().skip(skipped).take(size).map(|(day, sums)| {
        let of_day = rollup.filtered(|cell| cell.day == *day);
        json!({
            "date": day,
            "metrics": metrics(sums),
            "breakdown": {
                "models": breakdown(&of_day, |cell| &cell.model),
                "model_groups": breakdown(&of_day, |cell| &cell.model_group),
                "providers": breakdown(&of_day, |cell| &cell.provider),
                "endpoints": breakdown(&of_day, |cell| &cell.endpoint),
                "api_keys": keys(&of_day),
                "mcp_servers": {},
                "entities": entity.map_or_else(|| json!({}), |entity| breakdown(&of_day, entity)),
            },
        })
    });
    let results: Vec<Value> = results.collect();
    let total = rollup.total();
    json!({
        "results": results,
        "metadata": {
            "total_spend": total.spend,
            "total_prompt_tokens": total.prompt_tokens,
            "total_completion_tokens": total.completion_tokens,
            "total_tokens": total.total_tokens,
            "total_api_requests": total.requests,
            "total_successful_requests": total.requests - total.failed.min(total.requests),
            "total_failed_requests": total.failed,
            "total_cache_read_input_tokens": total.cache_read_tokens,
            "total_cache_creation_input_tokens": total.cache_write_tokens,
            "page": page.number,
            "total_pages": pages,
            "has_more": page.number < pages,
        },
    })
}

/// `/global/activity`: requests and tokens of each day.
pub fn global_activity(rollup: &Rollup) -> Value {
    let days = rollup.by(|cell| Some(cell.day.clone()));
    let day = |(day, sums): (&String, &Sums)| {
        let Sums { requests, total_tokens, .. } = sums;
        json!({"date": day, "api_requests": requests, "total_tokens": total_tokens})
    };
    let total = rollup.total();
    json!({
        "daily_data": days.iter().map(day).collect::<Vec<_>>(),
        "sum_api_requests": total.requests,
        "sum_total_tokens": total.total_tokens,
    })
}

fn metrics(sums: &Sums) -> Value {
    json!({
        "spend": sums.spend,
        "prompt_tokens": sums.prompt_tokens,
        "completion_tokens": sums.completion_tokens,
        "cache_read_input_tokens": sums.cache_read_tokens,
        "cache_creation_input_tokens": sums.cache_write_tokens,
        "total_tokens": sums.total_tokens,
        "successful_requests": sums.requests - sums.failed.min(sums.requests),
        "failed_requests": sums.failed,
        "api_requests": sums.requests,
    })
}

/// By name, and under each name by key.
fn breakdown(rollup: &Rollup, name: impl Fn(&Cell) -> &String) -> Value {
    let mut keys: SortedMap<String, Map<String, Value>> = SortedMap::new();
    for ((name, key), sums) in rollup.by(|cell| Some((name(cell).clone(), cell.key.clone()))) {
        keys.or_default(name).insert(key, json!({"metrics": metrics(&sums), "metadata": {}}));
    }
    let mut parts = Map::new();
    for (name, sums) in rollup.by(|cell| Some(name(cell).clone()).filter(|name| !name.is_empty())) {
        let of_name = keys.remove(&name).unwrap_or_default();
        parts.insert(name, json!({"metrics": metrics(&sums), "metadata": {}, "api_key_breakdown": of_name}));
    }
    Value::Object(parts)
}

fn keys(rollup: &Rollup) -> Value {
    let keys = rollup.by(|cell| Some((cell.key.clone(), cell.team.clone())));
    let mut parts = Map::new();
    for ((key, team), sums) in keys {
        let team = Some(team).filter(|team| !team.is_empty());
        parts.insert(key, json!({"metrics": metrics(&sums), "metadata": {"key_alias": null, "team_id": team}}));
    }
    Value::Object(parts)
}
