//! Prices as a user sees them: worked cases, every model against an independent computation, bounds, damaged tables.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use serde_json::Value;
use tollgate::cost::{Buckets, Charge, Context, PriceTable, Unit, canonical_usage, charge};
use tollgate::money::Money;

const NOW_MS: u64 = 1_795_176_000_000;

fn full() -> PriceTable {
    PriceTable::read(std::fs::read("prices/full.mpt").unwrap()).unwrap()
}

/// A day and hour of the cases (`2026-11-18T14:00:00+00:00`) in ms.
fn instant(text: &str) -> u64 {
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = |year: u64| year % 4 == 0;
    let days = (1970..year).map(|year| if leap(year) { 366 } else { 365 }).sum::<u64>()
        + [31, if leap(year) { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30][..month as usize - 1]
            .iter()
            .sum::<u64>()
        + day
        - 1;
    ((days * 24 + number(11, 13)) * 60 + number(14, 16)) * 60_000
}

fn case_charge(table: &PriceTable, case: &Value) -> Option<Charge> {
    let text = |name: &str| case["context"][name].as_str();
    let usage = canonical_usage(case["usage"].as_object().unwrap());
    let mut used = Buckets::read(&case["usage"]);
    if let Some(searches) = case["context"]["web_search_calls"].as_u64() {
        used.set(Unit::WebSearch, searches);
    }
    let context = Context {
        now_ms: text("timestamp").map_or(NOW_MS, instant),
        service_tier: text("service_tier"),
        batch: text("processing") == Some("batch"),
        speed: text("speed"),
        inference_geo: text("inference_geo"),
        location: text("location"),
        ..Context::default()
    };
    let entry = table.find(case["provider"].as_str().unwrap(), case["model"].as_str().unwrap())?;
    charge(&entry, &used, &context.served(&usage))
}

#[test]
fn every_worked_case_is_exact_to_the_pico_dollar() {
    let cases: Value = serde_json::from_slice(&std::fs::read("tests/data/cost_cases.json").unwrap()).unwrap();
    let (full, core) = (full(), PriceTable::embedded());
    let mut wrong = Vec::new();
    for case in cases["cases"].as_array().unwrap() {
        let expected = Money::parse(&case["expected_usd"].to_string()).unwrap();
        for table in [&full, &core] {
            let total = case_charge(table, case).map(|charge| charge.total);
            if total != Some(expected) {
                wrong.push(format!("{}: {total:?} instead of {expected:?}", case["id"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
