//! Names that stand for several model groups: `task_routing`, `traffic_split` and `auto_router/complexity_router`.

use serde_json::Value;

use super::section::{Section, type_of};
use crate::openai::Fields;
use crate::router::Hop;
use crate::router::task::{Complexity, DIMENSIONS, Named, Rule, Split, TIERS, Task, Tier, Variant};

/// LiteLLM's router that chooses a model by what is asked. Its others wait, as any provider that is not spoken yet.
const COMPLEXITY: &str = "auto_router/complexity_router";

/// The largest number of words or tokens that a rule may name.
const MOST: u64 = 100_000_000;

/// Settings of a complexity router that do not change where a request goes.
const SILENT: &[&str] = &["tier_labels", "return_raw_model_name"];

/// Settings of a complexity router that are read.
const READ: &[&str] = &[
    "classifier_type",
    "code_keywords",
    "custom_technical_keywords",
    "default_model",
    "dimension_weights",
    "escalation_keywords",
    "keyword_tier_rules",
    "reasoning_keywords",
    "reasoning_override_min_score",
    "simple_keywords",
    "technical_keywords",
    "tier_boundaries",
    "tiers",
    "token_thresholds",
];

/// Reads `router_settings`.
pub(super) fn of_router(router: &Section<'_>) -> Vec<Named> {
    let mut all = Vec::new();
    if let Some(section) = router.section("task_routing") {
        for name in section.map.keys() {
            let rules = section.sections(name).iter().filter_map(rule).collect();
            all.push(Named { name: name.clone(), task: Task::Rules(rules), access_groups: Vec::new() });
        }
    }
    if let Some(section) = router.section("traffic_split") {
        for name in section.map.keys() {
            let Some(split) = section.section(name) else { continue };
            let split = self::split(&split);
            all.push(Named { name: name.clone(), task: Task::Split(split), access_groups: Vec::new() });
        }
    }
    all
}

fn rule(section: &Section<'_>) -> Option<Rule> {
    const FIELDS: [&str; 7] = ["model", "max_words", "max_tokens", "min_tokens", "keywords", "tools", "images"];
    known(section, &FIELDS);
    Some(Rule {
        model: section.required("model", "give the model group of the rule")?,
        max_words: section.count("max_words", MOST),
        max_tokens: section.count("max_tokens", MOST),
        min_tokens: section.count("min_tokens", MOST),
        keywords: section.strings("keywords"),
        tools: section.flag("tools"),
        images: section.flag("images"),
    })
}

fn split(section: &Section<'_>) -> Split {
    known(section, &["sticky", "variants"]);
    let mut variants: Vec<Variant> = Vec::new();
    for entry in section.sections("variants") {
        known(&entry, &["name", "model", "weight"]);
        let Some(model) = entry.required("model", "give the model group of the variant") else { continue };
        let name = entry.string("name").unwrap_or_else(|| model.clone());
        if variants.iter().any(|other| other.name == name) {
            entry.error("name", format!("two variants are called \"{name}\": give each a `name` of its own"));
        }
        let weight = entry.number("weight", "a number, 0 or more").unwrap_or(1.0);
        variants.push(Variant { name, model, weight });
    }
    if !variants.iter().any(|variant| variant.weight > 0.0) {
        section.error("variants", "`variants` must have one with a `weight` above 0");
    }
    Split { sticky: section.string("sticky"), variants }
}

/// Refuses fields that do not exist: a slip would change where requests go.
fn known(section: &Section<'_>, names: &[&'static str]) {
    for name in section.map.keys().filter(|name| !names.contains(&name.as_str())) {
        let hint = super::suggest::hint(name, names.iter().copied());
        section.error(name, format!("unknown field \"{name}\"{hint}"));
    }
}

/// Takes an entry of `model_list` that is such a router; whether it was one.
pub(super) fn take_entry(entry: &Section<'_>, tasks: &mut Vec<Named>) -> bool {
    let Some(Value::Object(_)) = entry.raw("litellm_params") else { return false };
    let Some(params) = entry.section("litellm_params") else { return false };
    if params.raw("model").and_then(Value::as_str) != Some(COMPLEXITY) {
        return false;
    }
    if let Some(name) = entry.required("model_name", "give the name that clients ask for") {
        let task = Task::Complexity(Box::new(complexity(&params)));
        let access_groups = entry.section("model_info").map(|info| info.strings("access_groups")).unwrap_or_default();
        tasks.push(Named { name, task, access_groups });
    }
    true
}

fn complexity(params: &Section<'_>) -> Complexity {
    let mut router = Complexity::default();
    router.default_model = params.string("complexity_router_default_model").map(|model| Hop::to(&model));
    let Some(config) = params.section("complexity_router_config") else {
        params.error("complexity_router_config", "`complexity_router_config` is missing: give at least `tiers`");
        return router;
    };
    if let Some(model) = config.string("default_model") {
        router.default_model = Some(Hop::to(&model));
    }
    if let Some(tiers) = config.section("tiers") {
        for name in tiers.map.keys() {
            if let Some(tier) = tier(&tiers, name, name) {
                router.tiers.push((tier, hops(&tiers, name)));
            }
        }
    }
    let numbers = |section: &str, names: &[&str], into: &mut [f64], missing: Option<f64>| {
        let Some(section) = config.section(section) else { return };
        for (name, number) in names.iter().zip(into) {
            *number = section.number(name, "a number").or(missing).unwrap_or(*number);
        }
    };
    numbers("tier_boundaries", &["simple_medium", "medium_complex", "complex_reasoning"], &mut router.boundaries, None);
    // Where weights are given, those that are not are 0: LiteLLM's rule.
    numbers("dimension_weights", &DIMENSIONS, &mut router.weights, Some(0.0));
    if let Some(section) = config.section("token_thresholds") {
        for (name, number) in ["simple", "complex"].iter().zip(&mut router.thresholds) {
            *number = section.count(name, MOST).unwrap_or(*number);
        }
    }
    router.override_from = config.number("reasoning_override_min_score", "a number, 0 or more");
    let lists = ["code_keywords", "reasoning_keywords", "technical_keywords", "simple_keywords"];
    for (name, words) in lists.iter().zip(&mut router.keywords) {
        if config.raw(name).is_some() {
            *words = config.strings(name);
        }
        if *name == "technical_keywords" {
            words.extend(config.strings("custom_technical_keywords"));
        }
    }
    if config.raw("escalation_keywords").is_some() {
        router.escalation = config.strings("escalation_keywords");
    }
    for rule in config.sections("keyword_tier_rules") {
        let name = rule.string("tier").unwrap_or_default();
        if let Some(tier) = tier(&rule, "tier", &name) {
            router.rules.push((rule.strings("keywords"), tier));
        }
    }
    if let Some(kind) = config.string("classifier_type").filter(|kind| kind != "heuristic") {
        config.warning(
            "classifier_type",
            format!("\"{kind}\" waits for a later version: \"heuristic\" chooses meanwhile"),
        );
    }
    for name in config.map.keys().filter(|name| !READ.contains(&name.as_str()) && !SILENT.contains(&name.as_str())) {
        config.warning(name, format!("`{name}` waits for a later version: it does not change the tier"));
    }
    router
}

fn tier(section: &Section<'_>, at: &str, name: &str) -> Option<Tier> {
    let found = TIERS.into_iter().find(|tier| tier.name() == name);
    if found.is_none() {
        section.error(at, format!("`{name}` is no tier: SIMPLE, MEDIUM, COMPLEX and REASONING are"));
    }
    found
}

/// The model groups of a tier: a name, a map with `model_name` and `litellm_params`, or a list of both.
fn hops(section: &Section<'_>, name: &str) -> Vec<Hop> {
    let items = match section.value(name) {
        Some(Value::Array(items)) => items,
        Some(item) => vec![item],
        None => return Vec::new(),
    };
    let hop = |(i, item): (usize, Value)| match item {
        Value::String(model) => Some(Hop::to(&model)),
        Value::Object(map) if map.get("model_name").is_some_and(Value::is_string) => {
            let mut overrides = Fields::default();
            for (name, value) in map.get("litellm_params").and_then(Value::as_object).into_iter().flatten() {
                overrides.set(name, value);
            }
            let model = map.get("model_name").and_then(Value::as_str).unwrap_or_default().to_owned();
            Some(Hop { model, overrides })
        }
        other => {
            let message = format!("a tier must be a model's name or a map with `model_name`, not {}", type_of(&other));
            section.error(&format!("{name}[{i}]"), message);
            None
        }
    };
    items.into_iter().enumerate().filter_map(hop).collect()
}
