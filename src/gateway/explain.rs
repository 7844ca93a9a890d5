//! `POST /utils/route`: what would become of a chat request, without sending it or reserving for it.

use std::rc::Rc;

use serde_json::{Value, json};

use super::Gateway;
use super::bound::UsageBound;
use super::call::Call;
use super::caller::Caller;
use super::hold::Known;
use super::host::Host;
use super::tariff::Tariff;
use crate::config::Match;
use crate::error::{Kind, Result};
use crate::http::HttpRequest;
use crate::money::Money;
use crate::openai::Fields;
use crate::router::filter::Unfit;
use crate::router::{Candidate, Filtered, Plan, Step};

/// Draws of chance by which probabilities are told: each is one in a thousand.
const DRAWS: u64 = 1_000;

/// Answers for the body of a chat call.
///
/// # Errors
///
/// What the call itself would be refused for before any deployment is looked at: a bad body, the key's rights, an unknown
/// model.
pub(super) async fn answer<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
) -> Result<Fields> {
    let (call, request) = Call::chat(gateway, host, caller, http, None)?;
    let known = match caller {
        Caller::Admin => None,
        Caller::Key(key) => Some(Rc::new(Known::read(gateway, host, key.clone(), &call.asked).await?)),
    };
    if let Some(known) = &known {
        call.asked.routing.replace(known.identity().routing().clone());
    }
    let fitting = call.fitting(known.as_deref());
    let asked_model = request.model().to_owned();
    let (request, matches) = call.lead(&fitting, &request)?;
    let overrides = call.overrides.take();
    let model = request.model();
    let (candidates, refusal) = fitting.candidates(model, &matches, &request, &overrides);
    let picking = fitting.picking(model, &matches, &request);
    let strategy = picking.strategy.name();
    let fallbacks = call.fallbacks_of(model);
    let plan = Plan::new(model, candidates, call.retry_rules(), fallbacks.clone()).with(picking, false, true);
    let now_ms = host.now_ms();
    let mut counts = vec![0_u32; matches.len()];
    let mut error = refusal;
    if error.is_none() {
        for draw in 0..DRAWS {
            let mut plan = plan.clone();
            match plan.next(&gateway.health.borrow(), now_ms, random(draw)) {
                Step::Attempt(index) => counts.iter_mut().skip(index).take(1).for_each(|count| *count += 1),
                Step::GiveUp(reason) => error = Some(reason),
                Step::Wait(_) | Step::Enter(_) => {}
            }
        }
    }

    let mut most = Some(Money::ZERO);
    let mut deployments = Vec::with_capacity(matches.len());
    let states = plan.states(&gateway.health.borrow(), now_ms);
    let tied = plan.tied(&gateway.health.borrow(), now_ms);
    for (((found, candidate), state), count) in matches.iter().zip(plan.candidates()).zip(states).zip(counts) {
        let by = tied.filter(|(at, _)| plan.candidates().get(*at).is_some_and(|own| own.id == candidate.id));
        let candidate = &Candidate { filtered: state, ..candidate.clone() };
        let sent = request.with(&found.deployment.defaults, &overrides)?;
        let tariff = Tariff::new(&gateway.prices, found, &sent, None, now_ms);
        let bound = UsageBound::of(&tariff, &sent);
        let cost = bound.cost(&tariff);
        if candidate.filtered.is_none() {
            most = most.zip(cost).map(|(most, cost)| most.max(cost));
        }
        let mut told = deployment(found, candidate, count, &bound, cost);
        told.set("preferred_by", &by.map(|(_, check)| check));
        deployments.push(told);
    }

    let turns = call.turns.take();
    let decision: Vec<Value> = turns
        .iter()
        .map(|turn| {
            let variant = turn.chosen.is_variant.then_some(&turn.chosen.label);
            json!({"name": turn.name, "model": turn.chosen.hop.model, "because": turn.chosen.label, "variant": variant})
        })
        .collect();
    let after = |kind: Kind| -> Vec<String> { fallbacks.after(model, kind).into_iter().map(|hop| hop.model).collect() };
    let mut out = Fields::default();
    out.set("model", &asked_model);
    out.set("model_group", gateway.config.group_of(model));
    out.set("decision", &decision);
    out.set("routing_strategy", strategy);
    out.set("deployments", &deployments);
    out.set("error", &error.map(|error| error.to_json().get("error").cloned()));
    out.set(
        "fallbacks",
        &json!({
            "fallbacks": after(Kind::ServiceUnavailable),
            "context_window_fallbacks": after(Kind::ContextWindowExceeded),
            "content_policy_fallbacks": after(Kind::ContentPolicyViolation),
        }),
    );
    out.set("max_cost", &most);
    Ok(out)
}

/// Evenly spread over all of `u64`, and different in the low bits too.
fn random(draw: u64) -> u64 {
    draw * (u64::MAX / DRAWS) + (draw.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 12)
}

fn deployment(found: &Match, candidate: &Candidate, count: u32, bound: &UsageBound, cost: Option<Money>) -> Fields {
    let mut out = Fields::default();
    out.set("id", &found.deployment.id);
    out.set("model", &format!("{}/{}", found.provider.name(), found.model));
    out.set("probability", &(f64::from(count) / DRAWS as f64));
    out.set("filtered", &candidate.filtered.as_ref().map(reason));
    out.set("max_prompt_tokens", &bound.input_tokens);
    out.set("max_completion_tokens", &bound.output_tokens.saturating_mul(bound.answers));
    out.set("max_cost", &cost);
    out
}

/// Why a deployment is not picked: a word, and a sentence.
fn reason(filtered: &Filtered) -> Value {
    let (name, message) = match filtered {
        Filtered::Cooling(until, _) => ("cooldown", format!("it rests after failures until {until} (Unix ms)")),
        Filtered::Unhealthy => ("unhealthy", "the last health check failed".to_owned()),
        Filtered::Probing => ("cooldown", "one request tests it after its rest".to_owned()),
        Filtered::Limit { limit, .. } => ("limit", format!("its `{limit}` is used up")),
        Filtered::Refused => ("refused", "it refused this request".to_owned()),
        Filtered::Unfit(unfit) => (unfit.name(), Unfit::to_string(unfit)),
    };
    json!({"reason": name, "message": message})
}
