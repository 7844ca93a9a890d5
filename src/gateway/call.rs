//! The story of one call: parse, choose, write, send, read, reply; with retries and fallbacks in between.

use super::asked::Asked;
use super::attempt::{Answered, Outcome, Request, attempt};
use super::caller::Caller;
use super::host::Host;
use super::record::Record;
use super::relay::Relay;
use super::reply::{Reply, ReplyBody};
use super::tariff::{Tariff, add_cost_headers};
use super::{Gateway, models, resolve};
use crate::config::Match;
use crate::error::Result;
use crate::http::{Headers, HttpRequest};
use crate::openai::{ChatRequest, EmbeddingRequest, Fields};
use crate::router::{Candidate, Fallbacks, Plan, RetryRules, Step};
use crate::secret::Secret;

/// Headers of an upstream's answer that say nothing to a client of ours.
const HOP_HEADERS: &[&str] =
    &["connection", "content-encoding", "content-length", "keep-alive", "set-cookie", "transfer-encoding"];

/// `POST /v1/chat/completions`.
pub(super) async fn chat<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
    model: Option<String>,
) -> Result<Reply<H::Body>> {
    let (fields, asked) = read(http, model)?;
    Call { gateway, host, caller, asked }.run(Request::Chat(ChatRequest::from_fields(fields)?)).await
}

/// `POST /v1/embeddings`.
pub(super) async fn embeddings<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    http: &HttpRequest,
    model: Option<String>,
) -> Result<Reply<H::Body>> {
    let (fields, asked) = read(http, model)?;
    Call { gateway, host, caller, asked }.run(Request::Embeddings(EmbeddingRequest::from_fields(fields)?)).await
}

fn read(http: &HttpRequest, model: Option<String>) -> Result<(Fields, Asked)> {
    let mut fields = Fields::parse(&http.body)?;
    if let Some(model) = model {
        fields.set("model", &model);
    }
    let asked = Asked::take(&mut fields, &http.headers)?;
    Ok((fields, asked))
}

/// An attempt that succeeded, and what its answer is priced and cleaned by.
struct Success<B> {
    outcome: Outcome<B>,
    deployment_id: String,
    secret: Option<Secret>,
    tariff: Tariff,
}

/// One call of a client.
struct Call<'a, H> {
    gateway: &'a Gateway,
    host: &'a H,
    caller: &'a Caller,
    asked: Asked,
}

impl<H: Host> Call<'_, H> {
    async fn run(self, request: Request) -> Result<Reply<H::Body>> {
        let mut record = Record {
            id: call_id(self.host.random(), self.host.random()),
            call: request.name(),
            asked_model: request.model().to_owned(),
            stream: request.stream(),
            started: self.host.now_ms(),
            ..Record::default()
        };
        let result = self.attempts(&request, &mut record).await;
        match result {
            Ok(success) => Ok(self.reply(success, record)),
            Err(error) => {
                record.write(self.host, error.status(), "error", None, Some(&error));
                let mut reply = Reply::error(&error);
                self.add_headers(&mut reply.headers, &record);
                Ok(reply)
            }
        }
    }

    /// Attempts until one succeeds or the plan gives up.
    async fn attempts(&self, request: &Request, record: &mut Record) -> Result<Success<H::Body>> {
        let config = &self.gateway.config;
        let model = request.model();
        let mut matches = config.deployments_for(model);
        if matches.is_empty() {
            return Err(models::unknown(config, model));
        }
        let mut overrides = Fields::default();
        let mut plan = Plan::new(model, candidates(&matches), self.retry_rules(), self.fallbacks());
        loop {
            let step = plan.next(self.host.random());
            (record.retries, record.fallbacks) = (plan.attempted_retries(), plan.attempted_fallbacks());
            match step {
                Step::Attempt(index) => {
                    let Some(found) = matches.get(index) else { continue };
                    note_target(record, plan.group(), found);
                    match self.attempt(request, &overrides, found, record).await {
                        Ok(success) => return Ok(success),
                        Err(error) => plan.failed(error),
                    }
                }
                Step::Wait(ms) => {
                    self.host.sleep(ms).await;
                    record.upstream_ms += ms;
                }
                Step::Enter(hop) => {
                    matches = config.deployments_for(&hop.model);
                    if matches.is_empty() {
                        plan.no_such_group(&hop.model);
                    } else {
                        plan.enter(&hop.model, candidates(&matches));
                    }
                    overrides = hop.overrides;
                }
                Step::GiveUp(error) => return Err(error),
            }
        }
    }

    async fn attempt(
        &self,
        request: &Request,
        overrides: &Fields,
        found: &Match,
        record: &mut Record,
    ) -> Result<Success<H::Body>> {
        record.attempts += 1;
        let config = &self.gateway.config;
        let mut deployment = resolve::deployment(config, self.host, found, &self.asked, request.stream())?;
        // Always from the original: no attempt sees what another provider's translation left behind.
        let request = request.with(&found.deployment.defaults, overrides)?;
        let before = self.host.now_ms();
        let tariff = Tariff::new(&self.gateway.prices, found, &request, deployment.api_base.as_deref(), before);
        deployment.facts = tariff.facts();
        let outcome = attempt(self.host, &deployment, &request, &record.id).await;
        record.upstream_ms += self.host.now_ms().saturating_sub(before);
        let id = found.deployment.id.clone();
        Ok(Success { outcome: outcome?, deployment_id: id, secret: deployment.key, tariff })
    }

    fn retry_rules(&self) -> RetryRules {
        let router = &self.gateway.config.router;
        RetryRules {
            request: self.asked.num_retries,
            policy: router.retry_policy.clone(),
            router: router.num_retries,
            retry_after_ms: router.retry_after_ms,
        }
    }

    fn fallbacks(&self) -> Fallbacks {
        let router = &self.gateway.config.router;
        Fallbacks {
            disabled: self.asked.disable_fallbacks,
            client: self.asked.fallbacks.clone(),
            groups: router.fallbacks.clone(),
            default: router.default_fallbacks.clone(),
            context_window: router.context_window_fallbacks.clone(),
            content_policy: router.content_policy_fallbacks.clone(),
            most: router.max_fallbacks,
        }
    }

    fn reply(&self, success: Success<H::Body>, mut record: Record) -> Reply<H::Body> {
        let Success { outcome, deployment_id, secret, tariff } = success;
        record.headers = Some(outcome.headers_at);
        let mut headers = Headers::new();
        headers.push("x-litellm-model-id", deployment_id);
        if !outcome.url.is_empty() {
            headers.push("x-litellm-model-api-base", outcome.url);
        }
        for (name, value) in outcome.head.headers.iter().filter(|(name, _)| !HOP_HEADERS.contains(name)) {
            headers.push(&format!("llm_provider-{name}"), value);
            if name.starts_with("x-ratelimit-") {
                headers.push(name, value);
            }
        }
        match outcome.answer {
            Answered::Whole(answer) => {
                record.charge = answer.usage.as_ref().and_then(|usage| tariff.charge(usage, answer.model.as_deref()));
                if let Some(charge) = &record.charge {
                    add_cost_headers(&mut headers, charge);
                }
                record.write(self.host, 200, "ok", answer.usage.as_ref(), None);
                headers.push("content-type", "application/json");
                self.add_headers(&mut headers, &record);
                Reply { status: 200, headers, body: ReplyBody::Whole(answer.body) }
            }
            Answered::Stream(reader, body) => {
                record.first = Some(self.host.now_ms());
                headers.push("content-type", "text/event-stream; charset=utf-8");
                headers.push("cache-control", "no-cache, no-transform");
                headers.push("x-accel-buffering", "no");
                self.add_headers(&mut headers, &record);
                let longest_ms = resolve::longest_stream_ms(&self.gateway.config);
                let relay = Relay { reader: *reader, body, record, tariff, secret, longest_ms };
                Reply { status: 200, headers, body: ReplyBody::Stream(Box::new(relay)) }
            }
        }
    }

    /// The headers that every answer has, errors among them.
    fn add_headers(&self, headers: &mut Headers, record: &Record) {
        let now = self.host.now_ms();
        let whole = now.saturating_sub(record.started);
        headers.push("x-litellm-call-id", record.id.clone());
        if !record.group.is_empty() {
            headers.push("x-litellm-model-group", record.group.clone());
        }
        headers.push("x-litellm-version", env!("CARGO_PKG_VERSION"));
        headers.push("x-litellm-attempted-retries", record.retries.to_string());
        headers.push("x-litellm-attempted-fallbacks", record.fallbacks.to_string());
        headers.push("x-litellm-response-duration-ms", whole.to_string());
        headers.push("x-litellm-overhead-duration-ms", whole.saturating_sub(record.upstream_ms).to_string());
    }
}

fn candidates(matches: &[Match]) -> Vec<Candidate> {
    let candidate = |found: &Match| {
        let deployment = &found.deployment;
        Candidate {
            weight: deployment.weight,
            rpm: deployment.rpm,
            tpm: deployment.tpm,
            num_retries: deployment.num_retries,
        }
    };
    matches.iter().map(candidate).collect()
}

fn note_target(record: &mut Record, group: &str, found: &Match) {
    group.clone_into(&mut record.group);
    record.deployment.clone_from(&found.deployment.id);
    found.provider.name.clone_into(&mut record.provider);
    record.model.clone_from(&found.model);
}

/// A random UUID (version 4): LiteLLM's form of a call id.
fn call_id(high: u64, low: u64) -> String {
    let high = (high & !0xf000) | 0x4000;
    let low = (low & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
