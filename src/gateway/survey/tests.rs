//! The survey against the engine's own charges, counts and bounds.

use serde_json::json;

use super::*;

const NOW_MS: u64 = 1_795_000_000_000;

fn survey() -> Survey {
    let mut survey = Survey::new(PriceTable::embedded());
    let request =
        json!({"messages": [{"role": "user", "content": "How many tokens has this prompt, and what is it?"}]});
    survey.take_request(request.to_string().as_bytes()).unwrap();
    survey
}

fn expect(survey: &mut Survey, more: &serde_json::Value) {
    let mut fields =
        json!({"now_ms": NOW_MS, "output_low": 100, "output": 300, "output_high": 900, "calls_per_day": 10});
    let more = more.as_object().unwrap().clone();
    fields.as_object_mut().unwrap().extend(more);
    survey.take_expected(fields.to_string().as_bytes()).unwrap();
}

fn number(survey: &mut Survey, id: &str, column: &str) -> f64 {
    let at = survey.entries.iter().position(|entry| entry.id() == id).unwrap();
    let column = COLUMNS.iter().position(|own| *own == column).unwrap();
    survey.numbers().unwrap()[at * COLUMNS.len() + column]
}

#[test]
fn a_row_is_the_charge_of_its_tokens() {
    let mut survey = survey();
    expect(&mut survey, &json!({"cached_percent": 50}));
    let tokens = number(&mut survey, "gpt-4o", "tokens") as u64;
    let entry = survey.table.find_id("gpt-4o").unwrap();
    let used = Buckets::of_text(tokens - tokens / 2, 300).with(Unit::CacheRead, tokens / 2);
    let charge = charge(&entry, &used, &Context { now_ms: NOW_MS, ..Context::default() }).unwrap();
    assert!((number(&mut survey, "gpt-4o", "cost") - charge.total.dollars()).abs() < f64::EPSILON);
    let day = (charge.total * 10).dollars();
    assert!((number(&mut survey, "gpt-4o", "cost_per_day") - day).abs() < f64::EPSILON);
    let month = (charge.total * 300).dollars();
    assert!((number(&mut survey, "gpt-4o", "cost_per_month") - month).abs() < f64::EPSILON);
    let cached = number(&mut survey, "gpt-4o", "cache_read_cost");
    assert!((cached - charge.items.cache_read.dollars()).abs() < f64::EPSILON && cached > 0.0);
}

#[test]
fn every_model_is_in_order_and_no_worst_is_below_its_cost() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    let numbers = survey.numbers().unwrap();
    assert_eq!(numbers.len(), survey.entries.len() * COLUMNS.len());
    let column = |name: &str| COLUMNS.iter().position(|own| *own == name).unwrap();
    let mut priced = 0;
    for (row, entry) in numbers.chunks(COLUMNS.len()).zip(&survey.entries) {
        let [low, cost, high, worst] = ["cost_low", "cost", "cost_high", "cost_worst"].map(|name| row[column(name)]);
        if cost.is_nan() || worst.is_nan() {
            continue;
        }
        priced += 1;
        assert!(low <= cost && cost <= high && high <= worst, "{}: {low} {cost} {high} {worst}", entry.id());
    }
    assert!(priced > 1_000, "{priced}");
    assert!(survey.alike.len() < 40, "{} counts for {} models", survey.alike.len(), survey.entries.len());
}

#[test]
fn counts_that_are_shared_are_those_of_each_model_alone() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    let numbers = survey.numbers().unwrap();
    let request = survey.request.clone().unwrap();
    for (row, entry) in numbers.chunks(COLUMNS.len()).zip(&survey.entries) {
        let counter = Counter::Estimate(tokens::family_of(entry.provider(), entry.id()));
        let alone = tokens::count_chat(&request, entry.id(), counter).unwrap();
        assert_eq!((row[0] as u64, row[1] as u32), (alone.value, alone.error_percent), "{}", entry.id());
    }
}

#[test]
fn a_tier_without_a_price_of_its_own_is_unknown_and_not_the_standard_price() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    let standard = number(&mut survey, "gpt-4o", "cost");
    expect(&mut survey, &json!({"service_tier": "batch"}));
    let batch = number(&mut survey, "gpt-4o", "cost");
    assert!(batch < standard && batch > 0.0, "{batch} {standard}");
    let without = survey.entries.iter().find(|entry| {
        let rates = entry.rates_at(NOW_MS);
        rates.is_some_and(|rates| rates.has(Unit::Input) && rates.all().iter().all(|rate| rate.tier == Tier::Standard))
    });
    let id = without.unwrap().id().to_owned();
    assert!(number(&mut survey, &id, "cost").is_nan(), "{id}");
}

#[test]
fn a_vocabulary_makes_counts_exact() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    assert!(number(&mut survey, "gpt-4o", "tokens_exact") < 0.5);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/www/vocab/o200k_base.bin.gz");
    let mut planes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut planes).unwrap();
    survey.take_vocabulary(Vocabulary::load(Encoding::O200kBase, &planes).unwrap());
    assert!(number(&mut survey, "gpt-4o", "tokens_exact") > 0.5);
    assert!(number(&mut survey, "gpt-4o", "cost_exact") > 0.5);
    assert!(number(&mut survey, "claude-sonnet-4-5", "tokens_exact") < 0.5);
}

#[test]
fn the_curve_goes_through_the_cost() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    let at = survey.entries.iter().position(|entry| entry.id() == "gpt-4o").unwrap();
    let curve = survey.curve(at, &[100.0, 300.0, 900.0]).unwrap();
    for (cost, column) in curve.iter().zip(["cost_low", "cost", "cost_high"]) {
        assert!((cost - number(&mut survey, "gpt-4o", column)).abs() < f64::EPSILON);
    }
}

#[test]
fn what_the_request_does_not_bound_has_no_worst_cost() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    assert!(number(&mut survey, "gpt-4o", "cost_worst") > 0.0);
    let request = json!({"messages": [{"role": "user", "content": "x"}], "web_search_options": {}});
    survey.take_request(request.to_string().as_bytes()).unwrap();
    assert!(number(&mut survey, "gpt-4o", "cost_worst").is_nan());
}

#[test]
fn a_prompt_that_is_too_long_does_not_fit() {
    let mut survey = survey();
    expect(&mut survey, &json!({}));
    assert!(number(&mut survey, "gpt-4", "fits") > 0.9);
    let request = json!({"messages": [{"role": "user", "content": "word ".repeat(40_000)}]});
    survey.take_request(request.to_string().as_bytes()).unwrap();
    assert!(number(&mut survey, "gpt-4", "fits") < 0.1);
    assert!(number(&mut survey, "gpt-4o", "fits") > 0.9);
}

#[test]
fn wrong_settings_are_named() {
    let mut survey = survey();
    for (fields, field) in [
        (json!({"output_low": 5, "output": 3, "output_high": 9}), "output"),
        (json!({"cached_percent": 101}), "cached_percent"),
        (json!({"service_tier": "sometime"}), "service_tier"),
        (json!({"calls_per_day": -1}), "calls_per_day"),
    ] {
        let error = survey.take_expected(fields.to_string().as_bytes()).unwrap_err();
        assert_eq!(error.param(), Some(field));
    }
}
