//! `GET /health`: asks deployments for a short answer, and tells which of them give one.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::Poll;

use serde_json::{Value, json};

use super::asked::Asked;
use super::attempt::{Answered, Progress, Request, attempt, cancel};
use super::call::call_id;
use super::caller::Caller;
use super::host::Host;
use super::money::without_userinfo;
use super::race::{First, race};
use super::record::Record;
use super::reply::Reply;
use super::seat::Seat;
use super::settle::{Books, Ending};
use super::tariff::Tariff;
use super::{Gateway, edits, models, resolve};
use crate::config::{Config, Deployment, Match};
use crate::cost::Entry;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::openai::{ChatRequest, EmbeddingRequest, Fields, RerankRequest};
use crate::sorted;

/// Deployments that are asked at the same time.
const MOST_AT_ONCE: usize = 8;

/// How long a deployment has to answer, in ms, where its `health_check_timeout` says nothing: `LiteLLM`'s minute.
const TIMEOUT_MS: u64 = 60_000;

/// The longest that `health_check_timeout` may be, in ms.
const LONGEST_TIMEOUT_MS: u64 = 600_000;

/// Tokens that an answer may have: `LiteLLM`'s, and the least that some models take.
const MAX_TOKENS: u64 = 16;

/// Longest message of an error that is shown, in characters.
const LONGEST_ERROR: usize = 300;

/// A deployment that is to be asked.
pub(super) struct Target {
    pub(super) deployment: Rc<Deployment>,
    /// Where the request goes; `None` where there is no model to ask for.
    found: Option<Match>,
}

impl Target {
    /// `disable_background_health_check`.
    pub(super) fn is_opted_out(&self) -> bool {
        self.deployment.model_info.get("disable_background_health_check").and_then(Value::as_bool) == Some(true)
    }
}

/// Who is healthy, and what an operator may know of each.
pub(super) struct Told(Vec<(bool, Fields)>);

impl Told {
    /// As LiteLLM answers it.
    pub(super) fn fields(&self) -> Fields {
        let of = |wanted: bool| -> Vec<&Fields> {
            self.0.iter().filter(|(healthy, _)| *healthy == wanted).map(|(_, fields)| fields).collect()
        };
        let mut out = Fields::default();
        out.set("healthy_endpoints", &of(true));
        out.set("unhealthy_endpoints", &of(false));
        out.set("healthy_count", &of(true).len());
        out.set("unhealthy_count", &of(false).len());
        out
    }
}

/// Answers with what `?model_id=`, else `?model=`, names, else with all deployments: as the last background check found
/// them, where there was one. When nothing of what was named is healthy, the status is 503.
///
/// # Errors
///
/// 404 for a name or an id that no deployment has.
pub(super) async fn answer<H: Host>(gateway: &Gateway, host: &H, http: &HttpRequest) -> Result<Reply<H::Body>> {
    let query = |name: &str| http.query(name).filter(|text| !text.is_empty());
    let (model, id) = (query("model"), query("model_id"));
    let named = model.is_some() || id.is_some();
    let config = &gateway.config;
    let mut targets = targets(config, model.as_deref(), id.as_deref())?;
    if config.general.skip_unchecked {
        targets.retain(|target| !target.is_opted_out());
    }
    let ids: Vec<&str> = targets.iter().map(|target| target.deployment.id.as_str()).collect();
    let out = match gateway.last_checks(host, named.then_some(&*ids)).await? {
        Some(found) => found,
        None => match race(asked(gateway, host, &targets, None), host.client_gone()).await {
            First::Left(told) => told.fields(),
            First::Right(()) => {
                return Err(Error::new(Kind::ClientClosedRequest, "the client left before the checks were done"));
            }
        },
    };
    let healthy: Option<u64> = out.get("healthy_count")?;
    let status = if named && healthy == Some(0) { 503 } else { 200 };
    Ok(Reply::json(status, out.to_bytes()))
}

/// Asks them all, so many at the same time, within [`MOST_AT_ONCE`].
pub(super) async fn asked<H: Host>(gateway: &Gateway, host: &H, targets: &[Target], most: Option<usize>) -> Told {
    let checks = targets.iter().map(|target| tell(gateway, host, target));
    Told(all(checks, most.unwrap_or(MOST_AT_ONCE).clamp(1, MOST_AT_ONCE)).await)
}

/// What is to be asked: by id; by group or by `litellm_params.model`, else as a request for that name would find it; all.
pub(super) fn targets(config: &Config, model: Option<&str>, id: Option<&str>) -> Result<Vec<Target>> {
    let listed = |wanted: &dyn Fn(&Deployment) -> bool| -> Vec<Target> {
        let deployments = config.deployments.iter().filter(|deployment| wanted(deployment));
        let target = |deployment: &Rc<Deployment>| Target {
            deployment: Rc::clone(deployment),
            found: config.checked_as(deployment, text(deployment, "health_check_model")),
        };
        deployments.map(target).collect()
    };
    let found = match (id, model) {
        (Some(id), _) => {
            let targets = listed(&|deployment| deployment.id == id);
            if targets.is_empty() {
                let message = format!("Model with ID {id} not found");
                return Err(Error::new(Kind::NotFound, message).with_param("model_id"));
            }
            return Ok(targets);
        }
        (None, Some(model)) => {
            let targets = listed(&|deployment| deployment.model_name == model);
            let targets = if targets.is_empty() { listed(&|deployment| deployment.written == model) } else { targets };
            if !targets.is_empty() {
                return Ok(targets);
            }
            let matches = config.deployments_for(model);
            if matches.is_empty() {
                return Err(models::unknown(config, model));
            }
            matches
        }
        (None, None) => return Ok(listed(&|_| true)),
    };
    Ok(found.into_iter().map(|found| Target { deployment: found.deployment.clone(), found: Some(found) }).collect())
}

fn text<'a>(deployment: &'a Deployment, field: &str) -> Option<&'a str> {
    deployment.model_info.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

/// Whether a deployment is healthy, and what an operator may know of it: no credential, and no answer.
async fn tell<H: Host>(gateway: &Gateway, host: &H, target: &Target) -> (bool, Fields) {
    let deployment = &target.deployment;
    let mut told = Fields::default();
    told.set("model", text(deployment, "health_check_model").unwrap_or(&deployment.written));
    told.set("custom_llm_provider", &deployment.provider_name);
    told.set("model_id", &deployment.id);
    let checked = check(gateway, host, target, &mut told).await;
    if let Err(error) = &checked {
        let message: String = error.message().chars().take(LONGEST_ERROR).collect();
        told.set("error", &message);
        told.set("exception_status", &error.status());
    }
    (checked.is_ok(), told)
}

/// Asks a deployment. What that costs is logged as a call of its own type, counts within the deployment's own limits, and is
/// on nobody's key.
async fn check<H: Host>(gateway: &Gateway, host: &H, target: &Target, told: &mut Fields) -> Result<()> {
    let (config, deployment) = (&gateway.config, &target.deployment);
    let found = target.found.as_ref().ok_or_else(|| unasked(deployment))?;
    let asked = Asked::default();
    let mut resolved = resolve::deployment(config, host, found, &asked, false)?;
    if let Some(base) = resolved.api_base.as_deref() {
        told.set("api_base", &without_userinfo(base.split('?').next().unwrap_or_default()));
    }
    let entry = Tariff::plain(&gateway.prices, found).entry(None);
    let mode = text(deployment, "mode").or(entry.as_deref().map(Entry::mode)).unwrap_or("chat");
    told.set("mode", mode);
    let seconds = deployment.model_info.get("health_check_timeout").and_then(Value::as_f64).filter(|s| *s > 0.0);
    resolved.timeout_ms = seconds.map_or(TIMEOUT_MS, |seconds| ((seconds * 1000.0) as u64).min(LONGEST_TIMEOUT_MS));

    let request = edits::edited(request(mode, found)?, &deployment.settings.additional_drop_params)?;
    let before = host.now_ms();
    let tariff = Tariff::new(&gateway.prices, found, &request, resolved.api_base.as_deref(), before);
    resolved.facts = tariff.facts();
    let mut ending = Ending::new(tariff, Rc::new(request));
    let full = |_| Error::new(Kind::RateLimit, "it is at one of its own limits, so that nothing was sent");
    let seat = Seat::take(&gateway.config, host, found, &ending).await.map_err(full)?;
    seat.clamp(host, &mut ending).await?;
    let mut record = Record {
        id: call_id(host.random(), host.random()),
        call: "health_check",
        asked_model: deployment.model_name.clone(),
        group: deployment.model_name.clone(),
        deployment: deployment.id.clone(),
        provider: found.provider.name().to_owned(),
        model: found.model.clone(),
        attempts: 1,
        started: before,
        ..Record::default()
    };
    let progress = Progress::default();
    let outcome = attempt(host, &gateway.tokens, &mut resolved, &ending.request, &record.id, &progress).await;
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => {
            cancel(host, &progress.running).await;
            seat.release(host).await;
            record.write(host, error.status(), "error", None, Some(&error));
            return Err(error);
        }
    };
    for name in ["x-ratelimit-remaining-requests", "x-ratelimit-remaining-tokens", "x-ms-region"] {
        if let Some(value) = outcome.head.headers.get(name) {
            told.set(name, value);
        }
    }
    let used = match &outcome.answer {
        Answered::Whole(answer) => ending.of_answer(answer),
        Answered::Stream(..) => ending.of_nothing(),
    };
    record.headers = Some(outcome.headers_at);
    record.charge.clone_from(&used.charge);
    let mut books = Books::new(&Caller::Admin, &asked, &config.general, None);
    books.sit(Rc::new(seat));
    books.settle(host, &record, &used).await;
    if let Some(note) = books.take_note() {
        note.write(host).await;
    }
    record.write(host, 200, "ok", used.usage.as_ref(), None);
    Ok(())
}

/// Why there is nothing to ask a deployment for.
fn unasked(deployment: &Deployment) -> Error {
    let message = match text(deployment, "health_check_model") {
        Some(model) => {
            format!("`model_info.health_check_model` is `{model}`, which names no model of a known provider")
        }
        None if deployment.written.contains('*') => {
            "which of its models to ask for is not known: set `model_info.health_check_model`".to_owned()
        }
        None => format!("provider `{}` is not spoken by this version yet", deployment.provider_name),
    };
    Error::new(Kind::BadRequest, message)
}

/// A short request for what the model does, with the fields that its deployment adds.
fn request(mode: &str, found: &Match) -> Result<Request> {
    let deployment = &found.deployment;
    let mut fields = Fields::default();
    fields.set("model", &deployment.model_name);
    let request = match mode {
        "chat" | "completion" | "responses" | "anthropic_messages" => {
            fields.set("messages", &json!([{"role": "user", "content": "What's 1 + 1?"}]));
            // Not as a stream, even where that is the deployment's default.
            fields.set("stream", &false);
            if !deployment.defaults.contains("max_completion_tokens") {
                let most = deployment.model_info.get("health_check_max_tokens").and_then(Value::as_u64);
                fields.set("max_tokens", &most.unwrap_or(MAX_TOKENS));
            }
            Request::Chat(ChatRequest::from_fields(fields)?)
        }
        "embedding" => {
            fields.set("input", &["health check"]);
            Request::Embeddings(EmbeddingRequest::from_fields(fields)?)
        }
        "rerank" => {
            fields.set("query", "health");
            fields.set("documents", &["health check"]);
            Request::Rerank(RerankRequest::from_fields(fields)?)
        }
        other => {
            let message = format!("models of the mode `{other}` are neither served nor checked by this version yet");
            return Err(Error::bad_request("mode", message));
        }
    };
    request.with(&deployment.defaults, &Fields::default())
}

/// Runs futures, so many at a time; what they returned, in their order.
async fn all<F: Future>(futures: impl Iterator<Item = F>, most: usize) -> Vec<F::Output> {
    let mut waiting = futures.enumerate();
    let mut running: Vec<(usize, Pin<Box<F>>)> = Vec::with_capacity(most);
    let mut done: Vec<(usize, F::Output)> = Vec::new();
    poll_fn(|context| {
        loop {
            let room = most.saturating_sub(running.len());
            running.extend(waiting.by_ref().take(room).map(|(index, future)| (index, Box::pin(future))));
            if running.is_empty() {
                return Poll::Ready(());
            }
            let before = running.len();
            running.retain_mut(|(index, future)| match future.as_mut().poll(context) {
                Poll::Ready(output) => {
                    done.push((*index, output));
                    false
                }
                Poll::Pending => true,
            });
            if running.len() == before {
                return Poll::Pending;
            }
        }
    })
    .await;
    sorted::sort_by_key(&mut done, |(index, _)| *index);
    done.into_iter().map(|(_, output)| output).collect()
}
