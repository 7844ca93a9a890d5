//! Attempts of a call: choose, write, send, read; with retries and fallbacks in between, until one succeeds or none is left.

use std::pin::pin;
use std::rc::Rc;

use serde_json::{Value, json};

use super::admit::{clamped, facts};
use super::attempt::{Answered, Outcome, Request, Resolved, attempt, cancel};
use super::batches;
use super::call::{Call, note_target};
use super::fit::Fitting;
use super::flight::Flight;
use super::hold::Hold;
use super::host::Host;
use super::race::{First, race};
use super::record::Record;
use super::records::FALLBACKS;
use super::seat::Seat;
use super::settle::Ending;
use super::tariff::Tariff;
use super::{edits, media, models, resolve};
use crate::config::Match;
use crate::error::{Error, Kind, Result};
use crate::openai::Fields;
use crate::router::{Candidate, Fallbacks, Filtered, Hop, Plan, RetryRules, Step};
use crate::secret::Secret;

/// Longest message, in characters, of an error that was fallen back from: headers have bounds.
const LONGEST_FALLBACK_ERROR: usize = 300;

/// An attempt that succeeded, and what its answer is priced and cleaned by.
pub(super) struct Success<B> {
    pub(super) outcome: Outcome<B>,
    pub(super) deployment_id: String,
    pub(super) secrets: Vec<Secret>,
    pub(super) ending: Ending,
    pub(super) flight: Flight,
    pub(super) seat: Seat,
}

/// Why an attempt has no answer.
enum Failed {
    /// It failed, or could not be written.
    Upstream(Error),
    /// The deployment had no room, and nothing was sent.
    Full(Filtered),
}

impl From<Error> for Failed {
    fn from(error: Error) -> Self {
        Self::Upstream(error)
    }
}

/// The deployment that is attempted.
struct Choice<'m> {
    found: &'m Match,
    candidate: Candidate,
    /// Deployments of its group.
    peers: usize,
    /// How many latencies of each are remembered.
    most: usize,
}

impl<H: Host> Call<'_, H> {
    /// Attempts until one succeeds or the plan gives up.
    pub(super) async fn attempts(
        &self,
        request: &Request,
        hold: Option<&Hold>,
        record: &mut Record,
    ) -> Result<Success<H::Body>> {
        let config = &self.gateway.config;
        let known = self.known();
        let fitting = self.fitting(known.as_deref());
        let (model, mut matches) = fitting.served(request.model());
        if matches.is_empty() {
            return Err(models::unknown(config, model));
        }
        let mut overrides = self.overrides.take();
        let (candidates, refusal) = fitting.candidates(model, &matches, request, &overrides);
        let picking = fitting.picking(model, &matches, request);
        let router = &config.router;
        let mut plan = Plan::new(model, candidates, self.retry_rules(), self.fallbacks_of(model));
        plan = plan.with(picking, router.weighted_failover, !router.hide_debug);
        if let Some(error) = self.asked.mocks.group_error(model) {
            plan.abandon(error);
        } else if let Some(error) = refusal {
            plan.failed(error);
        }
        loop {
            let step = plan.next(&self.gateway.health.borrow(), self.host.now_ms(), self.host.random());
            (record.retries, record.fallbacks) = (plan.attempted_retries(), plan.attempted_fallbacks());
            record.max_retries = plan.max_retries();
            match step {
                Step::Attempt(index) => {
                    let candidate = plan.candidates().get(index).cloned();
                    let Some((found, candidate)) = matches.get(index).zip(candidate) else { continue };
                    note_target(record, plan.group(), found);
                    let most = fitting.picking_args(plan.group()).1.most_latencies;
                    let choice = Choice { found, candidate, peers: matches.len(), most };
                    match self.attempt(request, &overrides, choice, hold, record).await {
                        Ok(success) => {
                            record.fallback_errors =
                                self.asked.include_fallback_errors.then(|| errors(&plan)).flatten();
                            return Ok(success);
                        }
                        Err(Failed::Upstream(error)) => plan.failed(error),
                        Err(Failed::Full(reason)) => plan.full(reason),
                    }
                }
                Step::Wait(ms) => {
                    self.host.sleep(ms).await;
                    record.upstream_ms += ms;
                }
                Step::Enter(mut hop) => {
                    self.follow(&fitting, request, &mut hop, &mut plan);
                    matches = config.deployments_of(&hop.model, fitting.whose());
                    if hold.is_some_and(Hold::is_bounded) {
                        matches.retain(|found| Tariff::plain(&self.gateway.prices, found).entry(None).is_some());
                    }
                    if let Err(error) = self.may_use(&hop.model, &matches) {
                        plan.pass_over(&hop.model, &error);
                        continue;
                    }
                    let (candidates, refusal) = fitting.candidates(&hop.model, &matches, request, &hop.overrides);
                    plan.enter(&hop.model, candidates, fitting.picking(&hop.model, &matches, request));
                    if let Some(error) = refusal {
                        plan.failed(error);
                    }
                    overrides = hop.overrides;
                }
                Step::GiveUp(error) => return Err(error),
            }
        }
    }

    /// Whether a fallback may be gone to: it exists, and the key may use it.
    fn may_use(&self, model: &str, matches: &[Match]) -> Result<()> {
        let config = &self.gateway.config;
        if matches.is_empty() {
            return Err(models::unknown(config, model));
        }
        let Some(known) = self.known() else { return Ok(()) };
        let facts = facts(config, model, matches);
        known.identity().admit(self.route, model, Some(&facts), self.host.now_ms())
    }

    async fn attempt(
        &self,
        request: &Request,
        overrides: &Fields,
        choice: Choice<'_>,
        hold: Option<&Hold>,
        record: &mut Record,
    ) -> Result<Success<H::Body>, Failed> {
        let config = &self.gateway.config;
        let Choice { found, candidate, peers, most } = choice;
        let (mocks, first) = (&self.asked.mocks, record.fallbacks == 0);
        if let Some(error) = mocks.attempt_error(&record.group).filter(|_| first && record.attempts == 0) {
            record.attempts += 1;
            return Err(error.into());
        }
        let mut deployment = resolve::deployment(config, self.host, found, &self.asked, request.stream())?;
        if mocks.timeout && first {
            resolve::mock_timeout(&mut deployment);
        }
        // Always from the original: no attempt sees what another provider's translation left behind.
        let request = request.with(&found.deployment.defaults, overrides)?;
        let mut request = edits::edited(request, &deployment.settings.additional_drop_params)?;
        let before = self.host.now_ms();
        let tariff = Tariff::new(&self.gateway.prices, found, &request, deployment.api_base.as_deref(), before);
        if let Some(hold) = hold {
            request = clamped(request, &tariff, hold)?;
        }
        deployment.facts = tariff.facts();
        let mut ending = Ending { tariff, request: Rc::new(request) };
        let seat = Seat::take(config, self.host, found, &ending).await.map_err(Failed::Full)?;
        if let Some(request) = seat.clamped(&ending)? {
            ending.request = Rc::new(request);
        }
        record.attempts += 1;
        self.last.replace(Some(ending.clone()));
        let (router, health) = (&config.router, &self.gateway.health);
        let mut flight = Flight::start(health, &router.cooldown, candidate, (peers, most), before);
        let sent = async {
            let request = media::inlined(self.host, &deployment, &ending.request, config.general.remote_media).await?;
            self.send_in_parts(&mut deployment, &request, found, [hold, seat.hold()], &record.id).await
        };
        // Beside the attempt, for the next one's sake: it takes no time of this request.
        let outcome = if peers > 1 {
            let listen = async {
                self.gateway.read_board(self.host).await;
                std::future::pending::<()>().await;
            };
            match race(sent, listen).await {
                First::Left(outcome) => outcome,
                First::Right(()) => return Err(Error::new(Kind::InternalServer, "nothing ends before it").into()),
            }
        } else {
            sent.await
        };
        let now = self.host.now_ms();
        record.upstream_ms += now.saturating_sub(before);
        let deployment_id = found.deployment.id.clone();
        match outcome {
            Ok(outcome) => Ok(Success { outcome, deployment_id, secrets: deployment.secrets, ending, flight, seat }),
            Err(error) => {
                let hurried = deployment.hurried
                    && error.kind() == Kind::Timeout
                    && now.saturating_sub(before) >= deployment.timeout_ms;
                if hurried {
                    flight.land(now);
                } else if flight.failed(&error, now) {
                    self.gateway.write_board(self.host).await;
                }
                if error.kind() == Kind::ClientClosedRequest {
                    seat.settle(self.host, &ending.of_nothing()).await;
                } else {
                    seat.release(self.host).await;
                }
                Err(error.into())
            }
        }
    }

    /// Sends an attempt: in parts, where it asks for more embeddings than its provider makes at once.
    async fn send_in_parts(
        &self,
        deployment: &mut Resolved,
        request: &Request,
        found: &Match,
        holds: [Option<&Hold>; 2],
        call_id: &str,
    ) -> Result<Outcome<H::Body>> {
        let most = deployment.provider.dialect().embeddings_batch(&deployment.model);
        let Some((parts, inputs)) = batches::split(request, most)? else {
            return self.send(deployment, request, holds, call_id).await;
        };
        let done = self.batches.take().of(&found.deployment.id);
        let skip = done.len();
        self.batches.replace(done);
        let mut last = None;
        for part in parts.iter().skip(skip) {
            let mut outcome = self.send(deployment, part, holds, call_id).await?;
            let empty = Answered::Whole(Box::default());
            if let Answered::Whole(answer) = std::mem::replace(&mut outcome.answer, empty) {
                self.batches.borrow_mut().push(*answer);
            }
            last = Some(outcome);
        }
        let answer = self.batches.take().merged(found.provider.name(), inputs)?;
        let outcome =
            last.ok_or_else(|| Error::new(Kind::InternalServer, "no part of the request was left to send"))?;
        Ok(Outcome { answer: Answered::Whole(Box::new(answer)), ..outcome })
    }

    /// Sends an attempt, and ends the job that it has begun where nobody waits for that any more.
    async fn send(
        &self,
        deployment: &mut Resolved,
        request: &Request,
        holds: [Option<&Hold>; 2],
        call_id: &str,
    ) -> Result<Outcome<H::Body>> {
        let outcome = self.send_while_wanted(deployment, request, holds, call_id).await;
        if outcome.is_err() {
            cancel(self.host, &self.running).await;
        }
        outcome
    }

    /// Sends an attempt, which ends with its client. While one that money hangs on waits for its upstream, the ledger is told
    /// that it lives; and what it has used when its client leaves is settled: a platform would only end it.
    async fn send_while_wanted(
        &self,
        deployment: &mut Resolved,
        request: &Request,
        holds: [Option<&Hold>; 2],
        call_id: &str,
    ) -> Result<Outcome<H::Body>> {
        let mut attempt = pin!(attempt(self.host, &self.gateway.tokens, deployment, request, call_id, &self.running));
        let left = || Error::new(Kind::ClientClosedRequest, "the client left before the answer came");
        let holds = || holds.iter().flatten();
        let Some(checkpoint_ms) = holds().map(|hold| hold.checkpoint_ms()).min() else {
            if self.host.ends_with_client() {
                return attempt.await;
            }
            return match race(attempt, self.host.client_gone()).await {
                First::Left(outcome) => outcome,
                First::Right(()) => Err(left()),
            };
        };
        loop {
            let interruption = race(self.host.client_gone(), self.host.sleep(checkpoint_ms));
            match race(attempt.as_mut(), interruption).await {
                First::Left(outcome) => return outcome,
                First::Right(First::Left(())) => return Err(left()),
                // What an upstream has done so far is not known: should this end here, all that is reserved is charged.
                First::Right(First::Right(())) => {
                    for hold in holds() {
                        hold.checkpoint(self.host, &|| hold.granted().granted).await;
                    }
                }
            }
        }
    }

    /// Where a fallback leads that names several model groups; one that leads nowhere is left as it is.
    fn follow(&self, fitting: &Fitting<'_>, request: &Request, hop: &mut Hop, plan: &mut Plan) {
        let Ok(destination) = fitting.destination(&hop.model, request, self.headers, || self.host.random()) else {
            return;
        };
        hop.model = destination.model;
        for (name, value) in destination.overrides.iter() {
            if hop.overrides.raw(name).is_none() {
                hop.overrides.set_raw(name, value.to_owned());
            }
        }
        for turn in destination.turns.iter().rev() {
            plan.came_by(&hop.model, &turn.name);
        }
        self.turns.borrow_mut().extend(destination.turns);
    }

    pub(super) fn retry_rules(&self) -> RetryRules {
        let router = &self.gateway.config.router;
        RetryRules {
            request: self.asked.num_retries,
            policy: router.retry_policy.clone(),
            group_policies: router.group_policies.clone(),
            per_request: router.retries_per_request,
            router: router.num_retries,
            retry_after_ms: router.retry_after_ms,
        }
    }

    pub(super) fn fallbacks(&self) -> Fallbacks {
        let mut fallbacks = self.gateway.configured_fallbacks();
        if let Some(changed) = self.gateway.records.settings.present(FALLBACKS) {
            fallbacks.change(&changed);
        }
        fallbacks.disabled = self.asked.disable_fallbacks;
        fallbacks.client.clone_from(&self.asked.fallbacks);
        fallbacks
    }
}

/// The errors that a request has fallen back from, as a header can carry them.
fn errors(plan: &Plan) -> Option<String> {
    let error = |(message, class, status): (&str, &str, u16)| {
        let message: String = message.chars().take(LONGEST_FALLBACK_ERROR).collect();
        json!({"message": message, "type": class, "param": null, "code": status.to_string()})
    };
    let list: Vec<Value> = plan.fallback_errors().take(10).map(error).collect();
    let plain = |c: char| if c.is_ascii() && !c.is_ascii_control() { c } else { '?' };
    (!list.is_empty()).then(|| Value::from(list).to_string().chars().map(plain).collect())
}
