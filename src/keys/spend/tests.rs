//! Reports against a log of four requests whose sums can be done by hand.

use serde_json::json;

use super::*;
use crate::keys::calendar::parse_time;
use crate::keys::ledger::{Outcome, Subject};

fn entry(seq: u64, start: &str, team: &str, model: &str, dollars: &str, tags: &[&str]) -> Entry {
    let cost = Money::parse(dollars);
    Entry {
        seq,
        request_id: format!("r{seq}"),
        state: State::Settled,
        start_ms: parse_time(start).unwrap(),
        end_ms: parse_time(start).unwrap() + 1_500,
        charged: cost.unwrap_or_default(),
        subject: Subject {
            call_type: "acompletion".to_owned(),
            key: "hash".to_owned(),
            team: Some(team.to_owned()),
            customer: Some("c".to_owned()),
            tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
            model_group: "group".to_owned(),
            metadata: r#"{"run":7}"#.to_owned(),
            ..Subject::default()
        },
        outcome: Outcome {
            model: model.to_owned(),
            provider: "openai".to_owned(),
            prompt_tokens: 10,
            completion_tokens: 5,
            total_tokens: 15,
            cost,
            status: if dollars == "0" { "failure" } else { "success" }.to_owned(),
            ..Outcome::default()
        },
        ..Entry::default()
    }
}

fn log() -> Vec<Entry> {
    vec![
        entry(1, "2026-11-20T23:59:59Z", "a", "gpt", "0.5", &["x", "y", "x"]),
        entry(2, "2026-11-21T00:00:00Z", "a", "gpt", "0.25", &["x"]),
        entry(3, "2026-11-21T12:00:00Z", "b", "claude", "1", &[]),
        entry(4, "2026-11-21T12:00:01Z", "b", "gpt", "0", &[]),
        Entry { state: State::Open, ..entry(5, "2026-11-21T12:00:02Z", "b", "gpt", "9", &["x"]) },
    ]
}

#[test]
fn a_rollup_is_the_sum_of_its_rows_however_it_is_merged() {
    let log = log();
    let whole = Rollup::of(&log);
    assert_eq!(whole.total().spend, log.iter().filter(|row| row.state != State::Open).map(|row| row.charged).sum());
    for cut in 0..=log.len() {
        let (front, back) = log.split_at(cut);
        let mut merged = Rollup::of(back);
        merged.merge(&Rollup::of(front));
        assert_eq!(merged, whole);
    }
}

#[test]
fn spend_is_told_by_day_and_by_tag() {
    let rollup = Rollup::of(&log());
    let days = json!([{"date": "2026-11-20", "spend": 0.5}, {"date": "2026-11-21", "spend": 1.25}]);
    assert_eq!(spend_by_day(&rollup), days);
    let tags = json!([
        {"individual_request_tag": "x", "log_count": 2, "total_spend": 0.75},
        {"individual_request_tag": "y", "log_count": 1, "total_spend": 0.5},
    ]);
    assert_eq!(spend_by_tag(&rollup), tags, "a tag that is given twice counts once");
    assert_eq!(global_tags(&rollup)["spend_per_tag"][0], json!({"name": "x", "spend": 0.75, "log_count": 2}));
}

#[test]
fn the_report_groups_by_team_customer_key_and_model() {
    let rollup = Rollup::of(&log());
    let name = |team: &str| (team == "a").then(|| "alpha".to_owned());
    let teams = report(&rollup, GroupBy::parse(None).unwrap(), name);
    assert_eq!(teams[0]["group_by_day"], "2026-11-20");
    assert_eq!(
        teams[1]["teams"],
        json!([
            {"team_name": "alpha", "total_spend": 0.25,
             "metadata": [{"model": "gpt", "api_key": "hash", "spend": 0.25, "total_tokens": 15}]},
            {"team_name": "b", "total_spend": 1.0, "metadata": [
                {"model": "claude", "api_key": "hash", "spend": 1.0, "total_tokens": 15},
                {"model": "gpt", "api_key": "hash", "spend": 0.0, "total_tokens": 15}]},
        ])
    );
    let customers = report(&rollup, GroupBy::Customer, |_| None);
    assert_eq!(customers[1]["customers"][0]["customer"], "c");
    let keys = report(&rollup, GroupBy::ApiKey, |_| None);
    assert_eq!(keys[0]["total_cost"], 1.75);
    assert_eq!(keys[0]["model_details"][1]["total_input_tokens"], 30);
    let models = report(&rollup, GroupBy::Model, |_| None);
    assert_eq!((&models[0]["model"], &models[0]["total_cost"]), (&json!("claude"), &json!(1.0)));
    assert!(GroupBy::parse(Some("planet")).is_err());
}

#[test]
fn daily_activity_has_litellms_shape() {
    let rollup = Rollup::of(&log());
    let activity = daily_activity(&rollup, Some(|cell| &cell.team), Page { number: 1, size: 1 });
    let day = &activity["results"][0];
    assert_eq!(day["date"], "2026-11-21");
    assert_eq!(day["metrics"]["spend"], 1.25);
    assert_eq!((&day["metrics"]["api_requests"], &day["metrics"]["failed_requests"]), (&json!(3), &json!(1)));
    let gpt = &day["breakdown"]["models"]["gpt"];
    assert_eq!(gpt["api_key_breakdown"]["hash"]["metrics"]["total_tokens"], 30);
    assert_eq!(day["breakdown"]["entities"]["b"]["metrics"]["spend"], 1.0);
    let metadata = &activity["metadata"];
    assert_eq!((&metadata["total_pages"], &metadata["has_more"]), (&json!(2), &json!(true)));
    assert_eq!(metadata["total_spend"], 1.75);
    assert_eq!(global_activity(&rollup)["sum_total_tokens"], 60);
}

#[test]
fn log_rows_are_litellms_and_an_unknown_price_is_null() {
    let row = log_row(&log()[0]);
    for (field, value) in [
        ("request_id", json!("r1")),
        ("spend", json!(0.5)),
        ("startTime", json!("2026-11-20T23:59:59Z")),
        ("request_tags", json!(["x", "y", "x"])),
        ("metadata", json!({"run": 7})),
        ("custom_llm_provider", json!("openai")),
    ] {
        assert_eq!(row[field], value, "{field}");
    }
    assert_eq!(log_row(&entry(9, "2026-11-20", "a", "gpt", "unknown", &[]))["spend"], json!(null));
    let summary = summarize(&Rollup::of(&log()));
    assert_eq!((&summary[1]["models"]["claude"], &summary[1]["hash"]), (&json!(1.0), &json!(1.25)));
}

#[test]
fn a_filter_takes_days_owners_and_tags() {
    let log = log();
    let found = |filter: &Filter| log.iter().filter(|row| filter.wants(row)).map(|row| row.seq).collect::<Vec<_>>();
    assert_eq!(found(&Filter::default()), [1, 2, 3, 4]);
    assert_eq!(found(&Filter { team_id: Some("b".to_owned()), ..Filter::default() }), [3, 4]);
    assert_eq!(found(&Filter { tag: Some("x".to_owned()), ..Filter::default() }), [1, 2]);
    let day = Filter { from_ms: parse_time("2026-11-21"), before_ms: parse_time("2026-11-22"), ..Filter::default() };
    assert_eq!(found(&day), [2, 3, 4]);
    let model = Filter { model: Some("claude".to_owned()), user_id: Some("nobody".to_owned()), ..Filter::default() };
    assert!(found(&model).is_empty());
}
