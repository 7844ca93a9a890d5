//! The bound is never below a charge, and the clamp is the largest that fits.

use std::rc::Rc;

use serde_json::{Value, json};

use super::*;
use crate::config::Config;
use crate::cost::{Buckets, PriceTable, charge};
use crate::openai::{EmbeddingRequest, Usage};

/// A seeded generator (xorshift64*), so that every run can be replayed.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) % bound.max(1)
    }

    fn up_to(&mut self, most: u64) -> u64 {
        // The ends are where bounds fail.
        match self.below(4) {
            0 => most,
            1 => 0,
            _ => self.below(most.saturating_add(1)),
        }
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
}

const NOW_MS: u64 = 1_795_000_000_000;

fn chat(body: &Value) -> Request {
    Request::Chat(ChatRequest::parse(body.to_string().as_bytes()).unwrap())
}

fn tariff(model: &str, request: &Request) -> Tariff {
    let config = json!({"model_list": [{"model_name": "m", "litellm_params": {"model": model}}]});
    let config = Config::read(&config.to_string()).unwrap();
    let found = config.deployments_for("m").remove(0);
    Tariff::new(&Rc::new(PriceTable::embedded()), &found, request, None, NOW_MS)
}

/// Usage within the limits of a request, of any make-up.
fn usage(random: &mut Random, most: &UsageBound, tier: Option<&str>) -> Usage {
    let prompt = random.up_to(most.input_tokens);
    let answer = random.up_to(most.output_tokens * most.answers);
    let written = random.up_to(prompt);
    let cached = random.up_to(prompt - written);
    let mut usage = json!({
        "prompt_tokens": prompt, "completion_tokens": answer, "total_tokens": prompt + answer,
        "prompt_tokens_details": {
            "cached_tokens": cached, "cache_creation_tokens": written,
            "cache_creation_token_details": {"ephemeral_1h_input_tokens": random.up_to(written)},
            "audio_tokens": random.up_to(prompt), "image_tokens": random.up_to(prompt),
        },
        "completion_tokens_details": {
            "reasoning_tokens": random.up_to(answer), "audio_tokens": random.up_to(answer),
            "image_tokens": random.up_to(answer),
        },
        "server_tool_use": {"web_search_requests": random.up_to(most.searches)},
        "inference_geo": random.pick(&["us", "global"]),
    });
    match tier {
        // `auto` leaves the choice to the provider; any other is served as asked, or as usual.
        Some("auto") => usage["service_tier"] = json!(random.pick(&["flex", "priority", "default", "fast"])),
        Some(tier) => usage["service_tier"] = json!(random.pick(&[tier, "default"])),
        None => {}
    }
    serde_json::from_value(usage).unwrap()
}

/// Models of all dialects, some with brackets, factors, hours of the week, searches or audio.
const MODELS: &[&str] = &[
    "openai/gpt-4o",
    "openai/gpt-4o-audio-preview",
    "openai/gpt-4o-search-preview",
    "openai/gpt-4.1-mini",
    "openai/gpt-5",
    "openai/gpt-5.4",
    "openai/o3",
    "azure/gpt-4o",
    "anthropic/claude-sonnet-4-5",
    "anthropic/claude-opus-4-8",
    "anthropic/claude-haiku-4-5",
    "gemini/gemini-2.5-pro",
    "gemini/gemini-2.5-flash",
    "gemini/gemini-3-pro-preview",
    "deepseek/deepseek-chat",
    "xai/grok-4",
    "groq/llama-3.1-8b-instant",
    "mistral/mistral-large-latest",
    "perplexity/sonar-pro",
];

fn request(random: &mut Random, model: &str, tier: Option<&str>) -> Request {
    let text = "lorem ipsum ".repeat(random.below(30) as usize);
    let mut body = json!({"model": model, "messages": [{"role": "user", "content": text}]});
    if random.below(3) > 0 {
        body[*random.pick(OUTPUT_BOUNDS)] = json!(1 + random.below(20_000));
    }
    if random.below(3) == 0 {
        body["n"] = json!(1 + random.below(5));
    }
    if random.below(4) == 0 {
        body["web_search_options"] = json!({"search_context_size": random.pick(&["low", "medium", "high"])});
    }
    if random.below(40) == 0 {
        // Long prompts, whose bracket is dearer.
        body["messages"][0]["content"] = json!("long ".repeat(60_000));
    }
    if let Some(tier) = tier {
        body["service_tier"] = json!(tier);
    }
    chat(&body)
}

#[test]
fn no_usage_within_the_limits_costs_more_than_the_bound() {
    let mut random = Random(0x0070_6C65_6467_6521);
    let (mut priced, mut tight) = (0, 0);
    for round in 0..510 {
        let model = MODELS[round % MODELS.len()];
        let tier = *random.pick(&[None, None, Some("auto"), Some("flex"), Some("priority"), Some("default")]);
        let request = request(&mut random, model, tier);
        let tariff = tariff(model, &request);
        let most = UsageBound::of(&tariff, &request);
        let bound = most.cost(&tariff).unwrap_or_else(|| panic!("{model} has no price"));
        // What `Tariff::charge` does, without finding the model each time.
        let entry = tariff.entry(None).unwrap();
        for _ in 0..200 {
            let usage = usage(&mut random, &most, tier);
            // Searches alone, at a model that has no price for them.
            let context = tariff.context().served(&usage);
            let Some(charge) = charge(&entry, &Buckets::from(&usage), &context) else { continue };
            assert!(charge.total <= bound, "{model} {tier:?}: {} > {bound}: {most:?} {usage:?}", charge.total);
            priced += 1;
            tight += u64::from(charge.total * 2 > bound);
        }
    }
    assert!(priced >= 100_000, "{priced}");
    // The bound is no arbitrary height.
    assert!(tight > 5_000, "{tight} of {priced} charges are over half of their bound");
}

#[test]
fn the_clamp_is_the_largest_that_fits() {
    let mut random = Random(7);
    for model in MODELS {
        let request =
            chat(&json!({"model": "m", "messages": [{"role": "user", "content": "hi"}], "max_tokens": 30_000}));
        let tariff = tariff(model, &request);
        let most = UsageBound::of(&tariff, &request);
        let whole = most.cost(&tariff).unwrap();
        assert_eq!(most.cost(&tariff), Some(whole));
        assert_eq!(most.affordable_output_tokens(&tariff, whole), Some(30_000), "{model}");
        assert_eq!(most.affordable_output_tokens(&tariff, Money::ZERO), Some(0), "{model}");
        for _ in 0..20 {
            let granted = Money::from_pico(i128::from(random.below(whole.pico() as u64)));
            let tokens = most.affordable_output_tokens(&tariff, granted).unwrap();
            let cost = |output_tokens| UsageBound { output_tokens, ..most }.cost(&tariff).unwrap();
            assert!(tokens == 0 || cost(tokens) <= granted, "{model}: {tokens} tokens");
            assert!(cost(tokens + 1) > granted, "{model}: {tokens} tokens are not the most");
        }
    }
}

#[test]
fn the_request_bounds_its_answer_by_the_larger_of_its_fields() {
    let bound = |model: &str, extra: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        extra.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let request = chat(&body);
        UsageBound::of(&tariff(model, &request), &request)
    };
    let output = |model: &str, extra: Value| bound(model, extra).output_tokens;
    assert_eq!(output("openai/gpt-4o", json!({"max_tokens": 7})), 7);
    assert_eq!(output("openai/gpt-4o", json!({"max_tokens": 7, "max_completion_tokens": 9})), 9);
    assert_eq!(output("openai/gpt-4o", json!({"max_tokens": 900, "max_completion_tokens": 9})), 900);
    assert_eq!(output("openai/gpt-4o", json!({})), 16_384, "the model's own limit");
    assert_eq!(output("openai/my-own", json!({})), 4_096);
    let thinks = json!({"thinking": {"type": "enabled", "budget_tokens": 9_000}});
    assert_eq!(output("anthropic/my-own", thinks), 13_096);
    assert_eq!(bound("openai/gpt-4o", json!({"n": 3.0})).answers, 3);
    let tools = json!({"tools": [{"type": "web_search_20250305", "name": "web_search", "max_uses": 2}]});
    assert_eq!(bound("anthropic/claude-sonnet-4-5", tools).searches, 2);
}

#[test]
fn everything_that_a_model_may_read_is_bounded() {
    let bound = |model: &str, extra: &Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        extra.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let request = chat(&body);
        input_bound(&tariff(model, &request), &request)
    };
    let plain = bound("openai/gpt-4o", &json!({}));
    let schema =
        json!({"type": "json_schema", "json_schema": {"name": "x", "schema": {"description": "y".repeat(800)}}});
    assert!(bound("openai/gpt-4o", &json!({"response_format": schema})) > plain + 400);
    assert!(bound("anthropic/claude-sonnet-4-5", &json!({"system": "z".repeat(500)})) > plain + 500);
    assert!(bound("gemini/gemini-2.5-pro", &json!({"cachedContent": "cachedContents/1"})) > 1_000_000);
    assert_eq!(bound("openai/gpt-4o", &json!({"user": "u".repeat(500), "temperature": 1})), plain);
    // A server's own model may cut text worse than OpenAI's do.
    assert!(bound("openai/my-own", &json!({})) > plain);
}

#[test]
fn embeddings_are_bounded_by_their_input() {
    let bound = |input: Value| {
        let body = json!({"model": "m", "input": input});
        let request = Request::Embeddings(EmbeddingRequest::parse(body.to_string().as_bytes()).unwrap());
        UsageBound::of(&tariff("openai/text-embedding-3-small", &request), &request)
    };
    let texts = bound(json!(["hello world", "hello world"]));
    assert!((8..=24).contains(&texts.input_tokens) && texts.output_tokens == 0, "{texts:?}");
    assert_eq!(bound(json!([1, 2, 3])).input_tokens, 3);
    assert_eq!(bound(json!([[1, 2], [3]])).input_tokens, 3);
}

#[test]
fn a_clamped_request_keeps_its_own_field() {
    let clamped = |extra: Value| {
        let mut body = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        extra.as_object().unwrap().iter().for_each(|(name, value)| body[name] = value.clone());
        let request = with_output_bound(&chat(&body), 5).unwrap();
        OUTPUT_BOUNDS.iter().map(|name| request.fields().get(name).unwrap()).collect::<Vec<Option<u64>>>()
    };
    assert_eq!(clamped(json!({})), [None, Some(5)]);
    assert_eq!(clamped(json!({"max_completion_tokens": 90})), [Some(5), None]);
    assert_eq!(clamped(json!({"max_completion_tokens": 90, "max_tokens": 8})), [Some(5), Some(5)]);
}
