//! A second, slow and plain computation of a cost, straight from `prices/models.jsonl`: names are looked up as text, one
//! after the other, and sums are fractions of whole numbers. It shares no code with the engine.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// A fraction of pico-dollars.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fraction(u128, u128);

impl Fraction {
    fn reduced(self) -> Self {
        let (mut a, mut b) = (self.0, self.1);
        while b > 0 {
            (a, b) = (b, a % b);
        }
        Self(self.0 / a.max(1), self.1 / a.max(1))
    }

    fn add(self, other: Self) -> Self {
        Self(self.0 * other.1 + other.0 * self.1, self.1 * other.1).reduced()
    }

    fn multiply(self, other: Self) -> Self {
        Self(self.0 * other.0, self.1 * other.1).reduced()
    }

    /// The nearest whole number, halves up.
    pub(crate) fn rounded(self) -> u128 {
        (self.0 * 2 + self.1) / (self.1 * 2)
    }
}

/// What is asked of the oracle.
#[derive(Clone, Debug, Default)]
pub(crate) struct Question {
    pub(crate) counts: BTreeMap<&'static str, u64>,
    pub(crate) tier: Option<&'static str>,
    /// Names of factors that the request is under.
    pub(crate) factors: Vec<&'static str>,
    /// Days since 1970 and minutes of that day, UTC.
    pub(crate) day: u64,
    pub(crate) minute: u64,
}

const PROMPT: &[&str] = &[
    "input",
    "cache_read",
    "cache_write",
    "cache_write_1h",
    "cache_write_12h",
    "input_audio",
    "input_image",
    "input_video",
    "cache_read_audio",
    "cache_read_image",
    "cache_write_audio",
];
const ANSWER: &[&str] = &["output", "reasoning", "output_audio", "output_image", "output_video", "citation"];

/// Every model of the source, by id.
pub(crate) fn models() -> BTreeMap<String, Value> {
    let text = std::fs::read_to_string("prices/models.jsonl").unwrap();
    let rows = text.lines().skip(1).map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.map(|row| (row["id"].as_str().unwrap().to_owned(), row)).collect()
}

/// `2026-11-20` as days since 1970, counted one year and one month after the other.
fn days(text: &str) -> u64 {
    let mut parts = text.split('-').map(|part| part.parse::<u64>().unwrap());
    let (year, month, day) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let leap = |year: u64| year.is_multiple_of(4);
    let years: u64 = (1970..year).map(|year| 365 + u64::from(leap(year))).sum();
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    years + lengths.iter().take(month as usize - 1).sum::<u64>() + day - 1
}

/// Rule 2 and 3: the list whose date began last, in its hours where it has such.
fn list_at<'a>(row: &'a Value, question: &Question) -> Option<&'a Map<String, Value>> {
    let lists = row["prices"].as_array().unwrap();
    let from = |list: &Value| list["from"].as_str().map_or(0, days);
    let begun = lists.iter().filter(|list| from(list) <= question.day);
    let latest = begun.clone().map(from).max()?;
    let mut today: Vec<&Value> = begun.filter(|list| from(list) == latest).collect();
    let open = |list: &Value| {
        let zone = list["zone"].as_u64().unwrap_or(0);
        // 1970-01-01 was a Thursday: day 4 of the week that begins with Monday as 1.
        let weekday = ((question.day * 1440 + question.minute + zone) / 1440 + 3) % 7;
        list["windows"].as_array().is_some_and(|windows| {
            windows.iter().any(|window| {
                let minutes = window["minutes"].as_array().unwrap();
                (window["days"].as_u64().unwrap() / 2u64.pow(weekday as u32)) % 2 == 1
                    && minutes.iter().any(|span| {
                        let end = |at: usize| span[at].as_u64().unwrap();
                        end(0) <= question.minute && question.minute < end(1)
                    })
            })
        })
    };
    today.sort_by_key(|list| !open(list));
    let chosen = today.into_iter().find(|list| list.get("windows").is_none() || open(list))?;
    chosen["rates"].as_object()
}

fn value(rates: &Map<String, Value>, name: &str) -> Option<Fraction> {
    match rates.get(name)? {
        Value::Number(number) => Some(Fraction(u128::from(number.as_u64().unwrap()), 1)),
        Value::String(text) => {
            let (num, den) = text.split_once('/').unwrap_or((text, "1"));
            Some(Fraction(num.parse().unwrap(), den.parse().unwrap()))
        }
        other => panic!("{other} is no price"),
    }
}

/// Rules 4 and 5: the longest bracket that the prompt exceeds; in it the tier, else the standard price.
fn named(rates: &Map<String, Value>, unit: &str, prompt: u64, tiers: &[&str]) -> Option<Fraction> {
    let bracket = |name: &String| {
        let (own, rest) = name.split_once('>')?;
        let above: u64 = rest.split('@').next()?.parse().ok()?;
        (own == unit && prompt > above).then_some(above)
    };
    let mut brackets: Vec<u64> = rates.keys().filter_map(bracket).collect();
    brackets.sort_unstable();
    let stems = brackets.iter().rev().map(|above| format!("{unit}>{above}")).chain([unit.to_owned()]);
    for stem in stems {
        for tier in tiers {
            if let Some(found) = value(rates, &format!("{stem}@{tier}")) {
                return Some(found);
            }
        }
        if let Some(found) = value(rates, &stem) {
            return Some(found);
        }
    }
    None
}

/// Rule 7: what a dimension without a price inherits from, nearest first.
fn inherits(unit: &str) -> Vec<&str> {
    match unit {
        "cache_write_1h" | "cache_write_12h" | "cache_write_audio" => vec!["cache_write", "input"],
        "cache_read" | "cache_write" | "input_audio" | "input_image" | "input_video" => vec!["input"],
        "cache_read_audio" | "cache_read_image" => vec!["cache_read", "input"],
        "reasoning" | "output_audio" | "output_image" | "output_video" => vec!["output"],
        "annotated_page" => vec!["page"],
        "audio_second_in" => vec!["second_in"],
        _ => vec![],
    }
}

fn price(rates: &Map<String, Value>, unit: &str, prompt: u64, tiers: &[&str]) -> Option<Fraction> {
    let mut names = vec![unit];
    names.extend(inherits(unit));
    // A model of speech or images has no price for text; what it makes or hears is what there is.
    match unit {
        "citation" => {}
        unit if PROMPT.contains(&unit) => names.extend(["input_audio", "input_image", "input_video"]),
        unit if ANSWER.contains(&unit) => names.extend(["output_audio", "output_image", "output_video"]),
        _ => {}
    }
    names.into_iter().find_map(|name| named(rates, name, prompt, tiers))
}

/// The cost in pico-dollars; `None` where a price is missing.
pub(crate) fn cost(row: &Value, question: &Question) -> Option<u128> {
    let rates = list_at(row, question).filter(|rates| !rates.is_empty())?;
    let tiers: &[&str] = match question.tier {
        Some("fast") => &["fast", "priority"],
        Some(ref tier) => std::slice::from_ref(tier),
        None => &[],
    };
    let prompt: u64 = PROMPT.iter().filter_map(|unit| question.counts.get(unit)).sum();
    let has = |unit: &str| rates.keys().any(|name| name.split(['>', '@']).next() == Some(unit));
    let mut total = Fraction(0, 1);
    let mut priced = 0;
    let mut missing = (0, 0);
    let token_model = PROMPT.iter().chain(ANSWER).any(|unit| has(unit));
    for (unit, count) in &question.counts {
        let token = PROMPT.contains(unit) || ANSWER.contains(unit);
        let (unit, count) = match *unit {
            "citation" if !has("citation") => continue,
            // Paid by the grounded prompt, by the request, by the size of the search, or by the search.
            "web_search" if has("grounded_prompt") => ("grounded_prompt", 1),
            "web_search" if has("request_low") => continue,
            "web_search" if has("web_search_medium") => ("web_search_medium", *count),
            other => (other, *count),
        };
        let measure = if unit == "query" { 0 } else { prompt };
        let Some(price) = price(rates, unit, measure, tiers) else {
            if token {
                missing.0 += 1;
            } else {
                missing.1 += 1;
            }
            continue;
        };
        priced += 1;
        let mut line = price.multiply(Fraction(u128::from(count), 1));
        if token {
            for factor in question.factors.iter().filter_map(|factor| value(rates, factor)) {
                line = line.multiply(Fraction(factor.0, factor.1 * 1_000_000_000_000));
            }
        }
        total = total.add(line);
    }
    for fee in ["request", "request_low"] {
        if let Some(fee) = named(rates, fee, prompt, tiers) {
            total = total.add(fee);
            priced += 1;
        }
    }
    let unknown = token_model && missing.0 > 0 || priced == 0 && missing.0 + missing.1 > 0;
    (!unknown).then(|| total.rounded())
}
