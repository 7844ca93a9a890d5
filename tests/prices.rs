//! Prices as a user sees them: worked cases, every model against an independent computation, bounds, damaged tables.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test fails by panicking"
)]

mod cost_oracle;

use cost_oracle::Question;
use serde_json::Value;
use tollgate::cost::{Buckets, Charge, Context, Entry, PriceTable, Unit, canonical_usage, charge, upper_bound};
use tollgate::money::Money;

const NOW_MS: u64 = 1_795_176_000_000;

fn full() -> PriceTable {
    PriceTable::read(std::fs::read("prices/full.mpt").unwrap()).unwrap()
}

/// A day and hour of the cases (`2026-11-18T14:00:00+00:00`) in ms.
fn instant(text: &str) -> u64 {
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let (year, month, day) = (number(0, 4), number(5, 7), number(8, 10));
    let leap = |year: u64| year.is_multiple_of(4);
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
        let total = |table| case_charge(table, case).map(|charge| charge.total);
        // The embedded table has the core providers only: the same price, or none.
        if total(&full) != Some(expected) || total(&core).is_some_and(|total| total != expected) {
            wrong.push(format!("{}: {:?} and {:?} instead of {expected:?}", case["id"], total(&full), total(&core)));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const DAY_MS: u64 = 86_400_000;
/// 2026-11-18, a Wednesday; off-peak at 14:00 UTC where a provider has such hours.
const DAY: u64 = 20_775;
const LONG_AGO: u64 = 20_000;

/// The shapes of usage that every model is priced for.
fn shapes() -> Vec<Question> {
    let shape = |counts: &[(&'static str, u64)], tier, factors: &[&'static str], day, minute| Question {
        counts: counts.iter().copied().collect(),
        tier,
        factors: factors.to_vec(),
        day,
        minute,
    };
    let text = [("input", 1_234), ("output", 567)];
    let cached = [
        ("input", 50),
        ("cache_read", 8_000),
        ("cache_write", 1_001),
        ("cache_write_1h", 3_003),
        ("cache_read_audio", 7),
        ("output", 401),
        ("reasoning", 333),
    ];
    let modal = [
        ("input", 11),
        ("input_audio", 1_007),
        ("input_image", 259),
        ("input_video", 263),
        ("output", 3),
        ("output_audio", 601),
        ("output_image", 1_290),
    ];
    let long = [("input", 200_003), ("cache_read", 90_001), ("cache_write", 600_007), ("output", 70_001)];
    let mut shapes = vec![
        shape(&text, None, &[], DAY, 600),
        shape(&text, Some("batch"), &[], DAY, 90),
        shape(&text, None, &[], DAY + 2, 90),
        shape(&cached, None, &[], DAY, 840),
        shape(&cached, Some("priority"), &[], DAY + 3, 90),
        shape(&cached, None, &["times_us", "times_geo_us", "times_fast"], DAY, 90),
        shape(&modal, None, &[], DAY, 90),
        shape(&modal, Some("flex"), &["times_regional", "times_eu"], DAY, 90),
        shape(&long, None, &[], DAY, 90),
        shape(&long, Some("flex"), &[], DAY, 90),
        shape(&long, Some("fast"), &[], DAY, 90),
        shape(&[("input", 199_999), ("cache_read", 1), ("output", 9)], None, &[], LONG_AGO, 0),
        shape(&[("input", 100_000), ("output", 9), ("citation", 12_000)], None, &[], DAY + 100, 0),
    ];
    let others = [
        ("image_in", 2),
        ("image_out", 3),
        ("pixel_out", 1_048_577),
        ("second_in", 61),
        ("second_out", 9),
        ("character_in", 2_501),
        ("page", 7),
        ("annotated_page", 7),
        ("query", 5),
        ("web_search", 4),
        ("maps_query", 4),
        ("video_second_in", 13),
    ];
    shapes.extend(others.map(|used| shape(&[used], None, &[], DAY, 90)));
    shapes
}

fn answer(entry: &Entry, question: &Question) -> Option<Charge> {
    let mut used = Buckets::default();
    for (name, count) in &question.counts {
        used.set(Unit::from_name(name).unwrap(), *count);
    }
    let asked = |factor: &str| question.factors.contains(&factor);
    let context = Context {
        now_ms: question.day * DAY_MS + question.minute * 60_000,
        service_tier: question.tier,
        host: asked("times_us").then_some("us.api").or(asked("times_eu").then_some("eu.api")),
        inference_geo: asked("times_geo_us").then_some("us"),
        location: asked("times_regional").then_some("europe-west4"),
        speed: asked("times_fast").then_some("fast"),
        ..Context::default()
    };
    charge(entry, &used, &context)
}

#[test]
fn every_model_costs_what_an_independent_computation_says() {
    let models = cost_oracle::models();
    let shapes = shapes();
    let table = full();
    assert_eq!(table.len(), models.len());
    let (mut wrong, mut priced) = (Vec::new(), 0);
    for entry in table.entries() {
        let row = &models[entry.id()];
        for question in &shapes {
            let ours = answer(&entry, question);
            let theirs = cost_oracle::cost(row, question);
            priced += usize::from(theirs.is_some());
            if ours.as_ref().map(|charge| charge.total.pico()) != theirs.map(u128::cast_signed) {
                wrong.push(format!("{}: {ours:?} instead of {theirs:?} for {question:?}", entry.id()));
            }
            if let Some(charge) = ours {
                assert_eq!(charge.items.sum(), charge.total, "{}", entry.id());
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(priced > 8 * models.len(), "only {priced} prices compared");
}

/// A small seeded generator (splitmix64): the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len() as u64) as usize]
    }

    /// Splits a count over units in random parts.
    fn spread(&mut self, mut count: u64, units: &[Unit], used: &mut Buckets) {
        while count > 0 {
            let unit = self.pick(units);
            let part = if self.below(3) == 0 { count } else { self.below(count) + 1 };
            used.set(unit, used.get(unit) + part);
            count -= part;
        }
    }
}

fn token_units(of: fn(Unit) -> bool) -> Vec<Unit> {
    Unit::ALL.iter().copied().filter(|unit| of(*unit)).collect()
}

#[test]
fn no_usage_within_its_limits_costs_more_than_the_bound() {
    let entries: Vec<Entry> = full().entries().collect();
    let (prompt, answer) = (token_units(Unit::is_prompt_token), token_units(Unit::is_answer_token));
    let mut random = Random(4);
    let (mut compared, mut tight) = (0, 0);
    for _ in 0..100_000 {
        let entry = &entries[random.below(entries.len() as u64) as usize];
        let input_bound = random.pick(&[0, 1, 900, 60_000, 130_000, 199_999, 200_000, 272_001, 600_000, 1_200_000]);
        let (output_bound, n) = (random.pick(&[1, 300, 65_536]), random.pick(&[1, 1, 1, 4]));
        let mut used = Buckets::default();
        let input = if random.below(2) == 0 { input_bound } else { random.below(input_bound + 1) };
        random.spread(input, &prompt, &mut used);
        let output = random.below(output_bound * n + 1);
        random.spread(output, &answer, &mut used);
        let asked = Context {
            now_ms: (DAY * DAY_MS).saturating_sub(random.below(700) * DAY_MS) + random.below(DAY_MS),
            service_tier: random.pick(&[None, Some("auto"), Some("flex"), Some("priority"), Some("fast"), Some("odd")]),
            batch: random.below(8) == 0,
            inference_geo: random.pick(&[None, Some("us"), Some("global")]),
            host: random.pick(&[None, Some("us.api.example"), Some("eu.api.example")]),
            location: random.pick(&[None, Some("global"), Some("us-east5")]),
            speed: random.pick(&[None, Some("fast")]),
            search_context_size: random.pick(&[None, Some("high")]),
            ..Context::default()
        };
        // What was asked is not always what is served: another hour, the standard tier, an account's own region.
        let served = Context {
            now_ms: asked.now_ms + random.below(DAY_MS),
            service_tier: match asked.service_tier {
                Some("auto") if !asked.batch => random.pick(&[Some("priority"), Some("flex"), Some("default")]),
                other => random.pick(&[other, Some("default")]),
            },
            batch: asked.batch && random.below(2) == 0,
            inference_geo: asked.inference_geo.or(random.pick(&[None, Some("us")])),
            ..asked
        };
        let served = if asked.batch && !served.batch { Context { service_tier: None, ..served } } else { served };
        let bound = upper_bound(entry, input_bound, output_bound, n, &asked);
        let Some(charge) = charge(entry, &used, &served) else { continue };
        let Some(bound) = bound else { continue };
        assert!(charge.total <= bound, "{}: {} over {bound} for {used:?} {served:?}", entry.id(), charge.total);
        compared += 1;
        tight += usize::from(charge.total.pico() * 2 > bound.pico());
    }
    assert!(compared > 80_000 && tight > 1_000, "{compared} compared, {tight} within half of the bound");
}

#[test]
fn more_of_anything_never_costs_less() {
    let entries: Vec<Entry> = full().entries().collect();
    let mut random = Random(5);
    let mut compared = 0;
    for _ in 0..25_000 {
        let entry = &entries[random.below(entries.len() as u64) as usize];
        let context = Context { now_ms: DAY * DAY_MS, ..Context::default() };
        let mut used = Buckets::of_text(random.below(300_000), random.below(5_000));
        let further = random.pick(&[0, 1_000, 99_000]);
        random.spread(further, &token_units(Unit::is_prompt_token), &mut used);
        let rates = entry.rates_at(context.now_ms).map(tollgate::cost::Rates::all).unwrap_or_default();
        if rates.is_empty() {
            continue;
        }
        let unit = rates[random.below(rates.len() as u64) as usize].unit;
        // An image that was counted in tokens is not paid as a piece again, nor a second of sound that is.
        if [Unit::OutputImage, Unit::InputImage].contains(&unit) || !unit.is_token() {
            used = Buckets::default();
        }
        let more = used.with(unit, used.get(unit) + 1 + random.below(100_000));
        if let (Some(less), Some(more)) = (charge(entry, &used, &context), charge(entry, &more, &context)) {
            assert!(less.total <= more.total, "{}: {unit} from {used:?}", entry.id());
            compared += 1;
        }
    }
    assert!(compared > 15_000, "only {compared} compared");
}

#[test]
fn buckets_sum_to_the_reported_total_whatever_the_details_say() {
    let mut random = Random(6);
    for _ in 0..8_000 {
        let (prompt, answer) = (random.below(50_000), random.below(50_000));
        let mut count = || random.below(60_000);
        let usage = serde_json::from_value(serde_json::json!({
            "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
            "cache_read_input_tokens": count(),
            "prompt_tokens_details": {"cached_tokens": count(), "cache_creation_tokens": count(),
                "audio_tokens": count(),
                "image_tokens": count(), "video_tokens": count(),
                "cache_creation_token_details": {"ephemeral_1h_input_tokens": count()},
                "cached_tokens_details": {"audio_tokens": count(), "image_tokens": count()}},
            "completion_tokens_details": {"reasoning_tokens": count() + 1, "audio_tokens": count(),
                "image_tokens": count()},
        }));
        let buckets = Buckets::from(&usage.unwrap());
        assert_eq!((buckets.prompt_tokens(), buckets.answer_tokens()), (prompt, answer), "{buckets:?}");
    }
}

/// FNV-1a over all that follows the checksum, as the format says.
fn sealed(mut table: Vec<u8>) -> Vec<u8> {
    let hash = table[14..]
        .iter()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3));
    table[6..14].copy_from_slice(&hash.to_le_bytes());
    table
}

#[test]
fn a_damaged_table_is_refused() {
    let good = std::fs::read("prices/core.mpt").unwrap();
    assert_eq!(sealed(good.clone()), good);
    let mut random = Random(7);
    for _ in 0..300 {
        let mut bad = good.clone();
        let at = random.below(bad.len() as u64) as usize;
        bad[at] ^= 1 + random.below(255) as u8;
        let error = PriceTable::read(bad).unwrap_err();
        assert!(error.message().starts_with("price table"), "{error}");
    }
    for length in [0, 3, 13, 14, 40, 90, good.len() - 1] {
        assert!(PriceTable::read(good[..length].to_vec()).is_err(), "{length}");
    }
}

#[test]
fn a_forged_table_never_panics() {
    let good = std::fs::read("prices/core.mpt").unwrap();
    let mut random = Random(8);
    let mut refused = 0;
    for round in 0..80 {
        let mut bad = good.clone();
        for _ in 0..=random.below(4) {
            // Half of the damage goes into the directory and the first sections, where the most can go wrong.
            let range = if round % 2 == 0 { 2_000 } else { bad.len() as u64 };
            let at = random.below(range) as usize;
            bad[at] = random.next() as u8;
        }
        match PriceTable::read(sealed(bad)) {
            Err(_) => refused += 1,
            Ok(table) => {
                for model in ["gpt-4o", "GPT-4O", "no-such-model"] {
                    let entry = table.find("openai", model);
                    let used = Buckets::of_text(u64::MAX, u64::MAX).with(Unit::Page, u64::MAX);
                    entry.and_then(|entry| charge(&entry, &used, &Context::default()));
                }
            }
        }
    }
    assert!(refused > 10, "only {refused} were refused");
}

#[test]
fn the_embedded_table_is_whole_and_of_the_same_data() {
    let embedded = PriceTable::embedded();
    let read = PriceTable::read(std::fs::read("prices/core.mpt").unwrap()).unwrap();
    assert_eq!((embedded.hash(), embedded.date(), embedded.len()), (read.hash(), read.date(), read.len()));
    assert_eq!(embedded.hash(), full().hash());
    assert!(embedded.len() > 1_000 && embedded.len() < full().len());
}

#[test]
fn every_model_is_found_by_its_own_name() {
    for table in [full(), PriceTable::embedded()] {
        for entry in table.entries() {
            let found = table.find(entry.provider(), entry.id()).unwrap_or_else(|| panic!("{}", entry.id()));
            let upper = table.find(entry.provider(), &entry.id().to_ascii_uppercase());
            assert!(!found.is_inferred() && upper.is_some(), "{}", entry.id());
        }
    }
}

#[test]
fn the_builder_and_the_reader_name_the_same_units() {
    let script = std::fs::read_to_string("scripts/prices/units.mjs").unwrap();
    let list = |name: &str| {
        let (_, rest) = script.split_once(&format!("export const {name} = [")).unwrap();
        let (list, _) = rest.split_once("];").unwrap();
        let names = list.split(',').map(|name| name.trim().trim_matches('"').to_owned());
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    assert_eq!(list("UNITS"), Unit::ALL.iter().map(|unit| unit.name()).collect::<Vec<_>>());
    assert_eq!(list("TIERS"), tollgate::cost::Tier::ALL.iter().map(|tier| tier.name()).collect::<Vec<_>>());
}
