//! One attempt of a call: made ready, sent, and entered in its deployment's books where it fails or comes second.

use std::cell::Cell;
use std::rc::Rc;

use super::admit::clamped;
use super::attempt::{Answered, Outcome, Progress, Request, Resolved, attempt, cancel};
use super::bound::UsageBound;
use super::call::Call;
use super::flight::Flight;
use super::hold::{Hold, tokens};
use super::host::Host;
use super::race::{First, race};
use super::record::Record;
use super::seat::Seat;
use super::settle::Ending;
use super::tariff::Tariff;
use super::{batches, edits, media, resolve};
use crate::config::Match;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::openai::Fields;
use crate::router::{Candidate, Filtered};
use crate::secret::Secret;

/// What the attempts in a model group have in common.
pub(super) struct Round<'r> {
    /// The client's request.
    pub(super) request: &'r Request,
    /// Fields that the way to the group changes.
    pub(super) overrides: &'r Fields,
    /// The deployments of the group.
    pub(super) matches: &'r [Match],
    /// How many latencies of each are remembered.
    pub(super) most: usize,
    /// What the call may spend.
    pub(super) hold: Option<&'r Hold>,
    /// Whether this is the first group of the call.
    pub(super) first: bool,
}

/// An attempt that is ready to be sent, or was.
pub(super) struct Leg<'r> {
    pub(super) found: &'r Match,
    /// What it is priced by.
    pub(super) ending: Ending,
    /// The parts that it is sent in, and how many inputs they have together, where that is more than one.
    pub(super) parts: Option<(Vec<Request>, usize)>,
    /// When it was ready, in Unix ms.
    pub(super) started: u64,
    /// How far it has come.
    pub(super) progress: Progress,
    seat: Rc<Seat>,
    flight: Rc<Flight>,
    /// Deployments of its group.
    peers: usize,
    /// Parts that an earlier attempt has brought.
    skipped: Cell<usize>,
    /// The time that its client gives it, in ms, where the configuration would give it more.
    hurried_ms: Option<u64>,
}

/// An attempt that succeeded, and what its answer is priced and cleaned by.
pub(super) struct Success<B> {
    pub(super) outcome: Outcome<B>,
    pub(super) deployment_id: String,
    pub(super) secrets: Vec<Secret>,
    pub(super) ending: Ending,
    pub(super) flight: Rc<Flight>,
    pub(super) seat: Rc<Seat>,
    /// What ends the job that it has begun.
    pub(super) running: Option<HttpRequest>,
}

/// Why an attempt has no answer.
pub(super) enum Failed {
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

/// What an attempt brought, with all that is cut out of what its upstream says.
pub(super) type Sent<B> = Result<(Outcome<B>, Vec<Secret>)>;

impl<H: Host> Call<'_, H> {
    /// Makes an attempt ready: always from the original, so that none sees what another provider's translation left behind.
    pub(super) async fn ready<'r>(
        &self,
        round: &Round<'r>,
        found: &'r Match,
        candidate: Candidate,
    ) -> Result<(Leg<'r>, Resolved), Failed> {
        let config = &self.gateway.config;
        let mut deployment = resolve::deployment(config, self.host, found, &self.asked, round.request.stream())?;
        if self.asked.mocks.timeout && round.first {
            resolve::mock_timeout(&mut deployment);
        }
        let mut request = edits::request_for(round.request, found, &deployment, round.overrides)?;
        let now = self.host.now_ms();
        let tariff = Tariff::new(&self.gateway.prices, found, &request, deployment.api_base.as_deref(), now);
        if let Some(hold) = round.hold {
            request = clamped(request, &tariff, hold)?;
        }
        deployment.facts = tariff.facts();
        let mut ending = Ending::new(tariff, Rc::new(request));
        let parts = batches::split(&ending.request, deployment.provider.dialect().embeddings_batch(&deployment.model))?;
        let seat = Seat::take(config, self.host, found, &ending).await.map_err(Failed::Full)?;
        seat.clamp(self.host, &mut ending).await?;
        let peers = round.matches.len();
        let (rules, health) = (&config.router.cooldown, &self.gateway.health);
        let started = self.host.now_ms();
        let flight = Flight::start(health, rules, candidate, (peers, round.most), started);
        let leg = Leg {
            found,
            ending,
            parts,
            started,
            progress: Progress::default(),
            seat: Rc::new(seat),
            flight: Rc::new(flight),
            peers,
            skipped: Cell::new(0),
            hurried_ms: deployment.hurried.then_some(deployment.timeout_ms),
        };
        Ok((leg, deployment))
    }

    /// Sends an attempt: in parts, where it asks for more embeddings than its provider makes at once.
    pub(super) async fn send(
        &self,
        leg: &Leg<'_>,
        mut deployment: Resolved,
        hold: Option<&Hold>,
        call_id: &str,
    ) -> Sent<H::Body> {
        let holds = [hold, leg.seat.hold()];
        let sent = async {
            let remote = self.gateway.config.general.remote_media;
            let request = media::inlined(self.host, &deployment, &leg.ending.request, remote).await?;
            match &leg.parts {
                None => self.send_while_wanted(&mut deployment, &request, holds, call_id, &leg.progress).await,
                Some((parts, inputs)) => {
                    self.send_in_parts(leg, &mut deployment, (parts, *inputs), holds, call_id).await
                }
            }
        };
        // Beside the attempt, for the next one's sake: it takes no time of this request.
        let outcome = if leg.peers > 1 {
            let listen = async {
                self.gateway.read_board(self.host).await;
                std::future::pending::<()>().await;
            };
            match race(sent, listen).await {
                First::Left(outcome) => outcome,
                First::Right(()) => Err(Error::new(Kind::InternalServer, "nothing ends before it")),
            }
        } else {
            sent.await
        };
        Ok((outcome?, deployment.secrets))
    }

    async fn send_in_parts(
        &self,
        leg: &Leg<'_>,
        deployment: &mut Resolved,
        (parts, inputs): (&[Request], usize),
        holds: [Option<&Hold>; 2],
        call_id: &str,
    ) -> Result<Outcome<H::Body>> {
        let (done, left) = self.batches.take().of(&leg.found.deployment.id);
        self.beside.set(self.beside.get() + left);
        leg.skipped.set(done.len());
        self.batches.replace(done);
        let mut last = None;
        for part in parts.iter().skip(leg.skipped.get()) {
            let mut outcome = self.send_while_wanted(deployment, part, holds, call_id, &leg.progress).await?;
            let empty = Answered::Whole(Box::default());
            if let Answered::Whole(answer) = std::mem::replace(&mut outcome.answer, empty) {
                self.batches.borrow_mut().push(*answer);
            }
            last = Some(outcome);
        }
        let answer = self.batches.borrow().merged(leg.found.provider.name(), inputs)?;
        let outcome =
            last.ok_or_else(|| Error::new(Kind::InternalServer, "no part of the request was left to send"))?;
        Ok(Outcome { answer: Answered::Whole(Box::new(answer)), ..outcome })
    }

    /// Sends an attempt, which ends with its client. While one that money hangs on waits for its upstream, the ledger is told
    /// that it lives; and what it has used when its client leaves is settled. A platform would only end it, and free nothing of it.
    async fn send_while_wanted(
        &self,
        deployment: &mut Resolved,
        request: &Request,
        holds: [Option<&Hold>; 2],
        call_id: &str,
        progress: &Progress,
    ) -> Result<Outcome<H::Body>> {
        let attempt = attempt(self.host, &self.gateway.tokens, deployment, request, call_id, progress);
        let mut attempt = std::pin::pin!(attempt);
        let left = || Error::new(Kind::ClientClosedRequest, "the client left before the answer came");
        let holds = || holds.iter().flatten();
        let Some(checkpoint_ms) = holds().map(|hold| hold.checkpoint_ms()).min() else {
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

    /// What came of an attempt that was sent; its upstream was waited for since `since`, in Unix ms.
    pub(super) async fn ended(
        &self,
        leg: &Leg<'_>,
        sent: Sent<H::Body>,
        since: u64,
        record: &mut Record,
    ) -> Result<Success<H::Body>, Failed> {
        record.upstream_ms += self.host.now_ms().saturating_sub(since);
        match sent {
            Ok((outcome, secrets)) => {
                let mut ending = leg.ending.clone();
                let before = self.batches.take().cost;
                if leg.parts.is_some() {
                    ending.entered = before;
                } else {
                    self.beside.set(self.beside.get() + before);
                }
                ending.beside = self.beside.get();
                let running = leg.progress.running.take();
                let (flight, seat) = (leg.flight.clone(), leg.seat.clone());
                let deployment_id = leg.found.deployment.id.clone();
                Ok(Success { outcome, deployment_id, secrets, ending, flight, seat, running })
            }
            Err(error) => {
                self.last.replace(Some(leg.ending.clone()));
                self.failed(leg, &error).await;
                Err(error.into())
            }
        }
    }

    /// Enters an attempt that has failed, and ends the job that it has begun.
    pub(super) async fn failed(&self, leg: &Leg<'_>, error: &Error) {
        let now = self.host.now_ms();
        let late = |ms: u64| error.kind() == Kind::Timeout && now.saturating_sub(leg.started) >= ms;
        if leg.hurried_ms.is_some_and(late) {
            leg.flight.land(now);
        } else if leg.flight.failed(error, now) {
            self.gateway.write_board(self.host).await;
        }
        cancel(self.host, &leg.progress.running).await;
        let parts = leg.parts.as_ref().and_then(|_| self.batches.borrow().usage_since(leg.skipped.get()));
        if let Some(usage) = parts {
            let used = leg.ending.of_usage(usage);
            self.batches.borrow_mut().cost += used.own;
            leg.seat.settle(self.host, &used).await;
        } else if error.kind() == Kind::ClientClosedRequest {
            leg.seat.settle(self.host, &leg.ending.of_nothing()).await;
        } else {
            leg.seat.release(self.host).await;
        }
    }

    /// Enters an attempt that another one was faster than. How much of it its upstream has done is not known: its prompt is
    /// charged, as for a client that has left.
    pub(super) async fn lost(&self, leg: &Leg<'_>) {
        leg.flight.lost(leg.ending.request.stream(), self.host.now_ms());
        if let Some(job) = leg.progress.running.take() {
            self.jobs.borrow_mut().push(job);
        }
        let used = leg.ending.of_nothing();
        self.beside.set(self.beside.get() + used.own);
        leg.seat.settle(self.host, &used).await;
    }

    /// Gives back what was taken for an attempt that was never sent.
    pub(super) async fn unsent(&self, leg: &Leg<'_>) {
        leg.flight.land(self.host.now_ms());
        leg.seat.release(self.host).await;
    }
}

/// Whether what is granted pays for two attempts as they are.
pub(super) fn covers(hold: &Hold, one: &Ending, other: &Ending) -> bool {
    let grant = hold.granted();
    let bounds = [one, other].map(|ending| (UsageBound::of(&ending.tariff, &ending.request), &ending.tariff));
    let used: u64 = bounds.iter().map(|(bound, _)| tokens(bound)).sum();
    let cost: Option<crate::money::Money> = bounds.iter().map(|(bound, tariff)| bound.cost(tariff)).sum();
    used <= grant.tokens && (!hold.is_bounded() || cost.is_some_and(|cost| cost <= grant.granted))
}
