//! Which model a name means, which price holds when, and who wins: the provider, the configuration, the table.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::json;
use tollgate::cost::{Buckets, Charge, Context, CustomRates, Exactness, PriceTable, Source, Unit, charge, upper_bound};
use tollgate::money::Money;
use tollgate::openai::Usage;

/// 2026-11-20 12:00 UTC, a Friday.
const NOW_MS: u64 = 1_795_176_000_000;
const DAY_MS: u64 = 86_400_000;

fn full() -> PriceTable {
    PriceTable::read(std::fs::read("prices/full.mpt").unwrap()).unwrap()
}

fn now() -> Context<'static> {
    Context { now_ms: NOW_MS, ..Context::default() }
}

fn money(text: &str) -> Money {
    Money::parse(text).unwrap()
}

fn cost(provider: &str, model: &str, used: &Buckets, context: &Context<'_>) -> Option<Charge> {
    charge(&full().find(provider, model)?, used, context)
}

#[test]
fn names_are_found_in_litellms_order() {
    let table = full();
    for (provider, model, id, inferred) in [
        ("openai", "gpt-4o", "gpt-4o", false),
        ("openai", "openai/gpt-4o", "gpt-4o", false),
        ("openai", "openai/openai/gpt-4o", "gpt-4o", false),
        ("openai", "GPT-4o-2024-08-06", "gpt-4o-2024-08-06", false),
        ("openai", "ft:gpt-4o-2024-08-06:org::abc", "ft:gpt-4o-2024-08-06", false),
        ("groq", "llama-3.3-70b-versatile", "groq/llama-3.3-70b-versatile", false),
        ("azure", "us/gpt-4o-2024-08-06", "azure/us/gpt-4o-2024-08-06", false),
        ("vertex_ai", "claude-sonnet-4-5", "vertex_ai/claude-sonnet-4-5", false),
        ("google", "gemini-2.5-pro", "gemini/gemini-2.5-pro", false),
        ("vertex_ai", "gemini-2.5-pro", "gemini-2.5-pro", false),
        ("cohere", "command-a-03-2025", "command-a-03-2025", false),
        (
            "bedrock",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            false,
        ),
        ("perplexity", "sonar-pro", "perplexity/sonar-pro", false),
        ("anthropic", "claude-3-5-sonnet-20241022", "claude-3-5-sonnet-20241022", false),
        ("anthropic", "claude-opus-4-8-20270101", "claude-opus-4-8", true),
        ("gemini", "gemini-2.5-flash-001", "gemini/gemini-2.5-flash", true),
        ("bedrock", "converse/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", false),
        ("bedrock", "invoke/eu-west-9/amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", true),
        ("bedrock", "sa.amazon.nova-lite-v1:0", "amazon.nova-lite-v1:0", true),
    ] {
        let entry = table.find(provider, model).unwrap_or_else(|| panic!("{provider} {model}"));
        assert_eq!((entry.id(), entry.is_inferred()), (id, inferred), "{provider} {model}");
    }
}

#[test]
fn the_embedded_table_prices_what_most_people_call() {
    let table = PriceTable::embedded();
    for (provider, models) in [
        (
            "openai",
            &["gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-5", "gpt-5-mini", "gpt-6-sol", "o3", "whisper-1", "tts-1"][..],
        ),
        ("openai", &["text-embedding-3-small", "text-embedding-3-large", "gpt-image-1", "omni-moderation-latest"]),
        ("anthropic", &["claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-3-haiku-20240307"]),
        ("gemini", &["gemini-2.5-pro", "gemini-2.5-flash", "gemini-3.8-flash", "gemini-1.5-pro"]),
        ("vertex_ai", &["gemini-2.5-pro", "claude-sonnet-4-5"]),
        ("azure", &["gpt-4o", "gpt-5"]),
        ("bedrock", &["us.anthropic.claude-sonnet-4-5-20250929-v1:0", "amazon.nova-pro-v1:0"]),
        ("groq", &["openai/gpt-oss-120b", "llama-3.3-70b-versatile"]),
        ("mistral", &["mistral-large-latest", "mistral-ocr-latest"]),
        ("deepseek", &["deepseek-chat", "deepseek-v4-pro"]),
        ("xai", &["grok-4.7"]),
        ("cohere", &["command-a-03-2025", "rerank-v3.5", "embed-v4.0"]),
        ("perplexity", &["sonar-pro"]),
    ] {
        for model in models {
            let entry = table.find(provider, model).unwrap_or_else(|| panic!("{provider} {model}"));
            assert!(!entry.is_inferred() && !entry.lists().is_empty(), "{provider} {model}");
        }
    }
}

#[test]
fn what_is_not_known_is_not_found() {
    let table = full();
    for (provider, model) in [
        ("openai", "gpt-"),
        ("openai", "gpt-4o-turbo-deluxe"),
        ("openai", ""),
        ("anthropic", "gpt-4o"),
        ("groq", "gpt-4o"),
        ("nobody", "gpt-4o"),
        ("openai", "ft:no-such-base:org::abc"),
        ("openai", "gpt-4o-2024-99"),
        ("azure", "mars/gpt-4o"),
    ] {
        assert!(table.find(provider, model).is_none(), "{provider} {model}");
    }
}

#[test]
fn an_alias_costs_what_the_answer_says_it_stood_for() {
    let table = full();
    let served = |model| table.find_served("openai", "gpt-4o", model).unwrap().id().to_owned();
    assert_eq!(served(Some("gpt-4o-2024-05-13")), "gpt-4o-2024-05-13");
    assert_eq!(served(Some("something-new")), "gpt-4o");
    assert_eq!(served(Some("")), "gpt-4o");
    assert_eq!(served(None), "gpt-4o");
    let unknown_alias = table.find_served("openai", "my-alias", Some("gpt-4o-2099-01-01")).unwrap();
    assert!(unknown_alias.is_inferred() && unknown_alias.id() == "gpt-4o");
}

#[test]
fn images_are_found_by_quality_and_size() {
    let table = full();
    let entry = table.find_image("openai", "gpt-image-1", "high", "1024x1024").unwrap();
    assert_eq!(entry.id(), "high/1024-x-1024/gpt-image-1");
    let used = Buckets::default().with(Unit::ImageOut, 2).with(Unit::PixelOut, 2 * 1024 * 1024);
    assert_eq!(charge(&entry, &used, &now()).unwrap().total, money("0.334"));
    assert_eq!(table.find_image("openai", "gpt-image-1", "odd", "1x1").unwrap().id(), "gpt-image-1");
}

#[test]
fn an_old_call_has_its_old_price() {
    let used = Buckets::of_text(1_000_000, 0);
    let at = |days_ago: u64| {
        let context = Context { now_ms: NOW_MS - days_ago * DAY_MS, ..Context::default() };
        cost("openai", "o3", &used, &context).unwrap().total
    };
    assert_eq!((at(0), at(1_000)), (money("2"), money("10")));
}

#[test]
fn an_announced_price_holds_from_its_day_on() {
    let used = Buckets::of_text(1_000_000, 0);
    let at = |day: u64| {
        cost("gemini", "gemini-4-argon", &used, &Context { now_ms: day * DAY_MS, ..Context::default() }).unwrap().total
    };
    let first_of_december = 20_788;
    assert_eq!(at(first_of_december).pico(), 2 * at(first_of_december - 1).pico());
}

#[test]
fn a_guess_is_called_an_estimate() {
    let text = Buckets::of_text(1_000, 10);
    let exactness =
        |model: &str, used: &Buckets, context: &Context<'_>| cost("openai", model, used, context).unwrap().exactness;
    assert_eq!(exactness("gpt-4o", &text, &now()), Exactness::Exact);
    assert_eq!(exactness("gpt-4o-2099-01-01", &text, &now()), Exactness::Estimated);
    assert_eq!(exactness("gpt-4o", &text.with(Unit::InputAudio, 5), &now()), Exactness::Estimated);
    let odd_tier = Context { service_tier: Some("turbo"), ..now() };
    assert_eq!(exactness("gpt-4o", &text, &odd_tier), Exactness::Estimated);
    let fast = Context { speed: Some("fast"), ..now() };
    assert_eq!(exactness("gpt-4o", &text, &fast), Exactness::Estimated, "no factor for it");
    let default_tier = Context { service_tier: Some("default"), ..now() };
    assert_eq!(exactness("gpt-4o", &text, &default_tier), Exactness::Exact);
    let searched = cost("gemini", "gemini-2.5-pro", &text.with(Unit::WebSearch, 3), &now()).unwrap();
    assert_eq!(
        (searched.exactness, searched.items.tool_usage),
        (Exactness::Estimated, money("0.035")),
        "some are free"
    );
    let pages = cost("openai", "gpt-4o", &text.with(Unit::Page, 3), &now()).unwrap();
    assert_eq!((pages.exactness, pages.unpriced), (Exactness::Estimated, vec![Unit::Page]));
}

#[test]
fn what_has_no_price_is_none_and_never_free() {
    assert_eq!(cost("openai", "text-embedding-3-large", &Buckets::default().with(Unit::Page, 3), &now()), None);
    let unpriced =
        full().entries().find(|entry| entry.lists().is_empty() || entry.lists()[0].rates.is_empty()).unwrap();
    assert_eq!(charge(&unpriced, &Buckets::of_text(1, 1), &now()), None);
    assert_eq!(upper_bound(&unpriced, 1, 1, 1, &now()), None);
}

#[test]
fn an_answer_says_how_it_was_served() {
    let usage: Usage = serde_json::from_value(json!({"prompt_tokens": 20_000, "completion_tokens": 1_500,
        "total_tokens": 21_500, "speed": "fast", "inference_geo": "us"}))
    .unwrap();
    let entry = full().find("anthropic", "claude-opus-4-8").unwrap();
    let plain = now();
    let total = charge(&entry, &Buckets::from(&usage), &plain.served(&usage)).unwrap().total;
    assert_eq!(total, money("0.3025"), "5 and 25 a million, times 2, times 1.1");
}

#[test]
fn the_providers_own_cost_wins() {
    let table = full();
    let usage: Usage =
        serde_json::from_value(json!({"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110,
        "cost": 0.000_123_456_789_012}))
        .unwrap();
    assert_eq!(table.reported_cost("openrouter", &usage), Some(money("0.000123456789")), "to the nearest pico-dollar");
    assert_eq!(table.reported_cost("groq", &usage), None, "no one says that this is what groq bills");
    let charge = Charge::reported(money("0.000123456789"), None);
    assert_eq!(
        (charge.source, charge.exactness, charge.items.sum()),
        (Source::Provider, Exactness::Exact, charge.total)
    );
}

#[test]
fn custom_prices_win_over_the_table() {
    let fields = json!({"input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6,
        "input_cost_per_token_above_200k_tokens": "3e-6", "input_cost_per_token_flex": 5e-7,
        "cache_read_input_token_cost": 1e-7, "input_cost_per_second": 0.01});
    let custom = CustomRates::from_fields(fields.as_object().unwrap()).unwrap().unwrap();
    let entry = custom.apply(&full().find("deepseek", "deepseek-v4-pro").unwrap());
    let total = |used: Buckets, context: Context<'_>| charge(&entry, &used, &context).unwrap().total;
    assert_eq!(total(Buckets::of_text(1_000, 1_000), now()), money("0.003"));
    assert_eq!(total(Buckets::of_text(0, 0).with(Unit::CacheRead, 1_000), now()), money("0.0001"));
    assert_eq!(total(Buckets::of_text(200_001, 0), now()), money("0.600003"));
    assert_eq!(total(Buckets::of_text(1_000, 0), Context { service_tier: Some("flex"), ..now() }), money("0.0005"));
    assert_eq!(total(Buckets::default().with(Unit::SecondIn, 3), now()), money("0.03"));
    assert_eq!(entry.limits(), full().find("deepseek", "deepseek-v4-pro").unwrap().limits());
}

#[test]
fn graded_prices_of_a_configuration_are_brackets() {
    let fields = json!({"tiered_pricing": [
        {"range": [0, 32_000], "input_cost_per_token": 1e-6, "output_cost_per_token": 2e-6},
        {"range": [32_000, 128_000], "input_cost_per_token": 2e-6, "output_cost_per_token": 4e-6},
    ]});
    let custom = CustomRates::from_fields(fields.as_object().unwrap()).unwrap().unwrap();
    let entry = custom.entry("my", "own");
    let total = |input| charge(&entry, &Buckets::of_text(input, 1_000), &now()).unwrap().total;
    assert_eq!((total(32_000), total(32_001)), (money("0.034"), money("0.068002")));
    let broken = json!({"tiered_pricing": [{"input_cost_per_token": 1e-6}]});
    assert_eq!(CustomRates::from_fields(broken.as_object().unwrap()).unwrap_err().param(), Some("tiered_pricing"));
}

#[test]
fn limits_and_capabilities_tell_no_from_unknown() {
    let entry = full().find("openai", "gpt-4o").unwrap();
    assert_eq!((entry.limits().max_input, entry.limits().max_output), (Some(128_000), Some(16_384)));
    assert_eq!(entry.supports("vision"), Some(true));
    assert_eq!(entry.supports("computer_use"), None);
    assert_eq!(full().find("anthropic", "claude-opus-4-8").unwrap().supports("sampling_params"), Some(false));
    assert!(entry.capabilities().any(|(name, can)| name == "function_calling" && can));
    let embedding = full().find("openai", "text-embedding-3-large").unwrap();
    assert_eq!((embedding.mode(), embedding.limits().vector), ("embedding", Some(3_072)));
}
