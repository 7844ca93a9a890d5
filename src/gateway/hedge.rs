//! Hedging: a second attempt beside one whose deployment takes longer than it usually does; the faster one answers.

use super::attempt::Resolved;
use super::call::{Call, note_target};
use super::host::Host;
use super::leg::{Failed, Leg, Round, Sent, Success, covers};
use super::race::{First, race};
use super::record::Record;
use crate::error::{Error, Kind};
use crate::router::Plan;

impl<H: Host> Call<'_, H> {
    /// Attempts with the deployment that the plan has picked.
    pub(super) async fn attempt(
        &self,
        round: &Round<'_>,
        index: usize,
        plan: &mut Plan,
        record: &mut Record,
    ) -> Result<Success<H::Body>, Failed> {
        let missing = || Error::new(Kind::InternalServer, "the plan picked what is not there");
        let candidate = plan.candidates().get(index).cloned();
        let (found, candidate) = round.matches.get(index).zip(candidate).ok_or_else(missing)?;
        note_target(record, plan.group(), found);
        let mock = self.asked.mocks.attempt_error(&record.group);
        if let Some(error) = mock.filter(|_| round.first && record.attempts == 0) {
            record.attempts += 1;
            return Err(error.into());
        }
        let (leg, deployment) = self.ready(round, found, candidate).await?;
        record.attempts += 1;
        let Some(after_ms) = self.hedge_after(&leg, plan) else {
            let sent = self.send(&leg, deployment, round.hold, &record.id).await;
            return self.ended(&leg, sent, leg.started, record).await;
        };
        self.hedged(round, leg, deployment, after_ms, plan, record).await
    }

    /// After how many ms a second attempt is worth its price, where the configuration wants any.
    fn hedge_after(&self, leg: &Leg<'_>, plan: &Plan) -> Option<u64> {
        let config = &self.gateway.config;
        let rules = config.router.hedging.as_ref()?;
        let group = config.group_of(plan.group());
        let listed = rules.models.is_empty() || rules.models.iter().any(|model| model == group);
        if !listed || leg.parts.is_some() {
            return None;
        }
        let id = &leg.found.deployment.id;
        let mut health = self.gateway.health.borrow_mut();
        health.earn_hedge(id, rules, leg.started);
        health.hedge_after(id, leg.ending.request.stream(), rules)
    }

    async fn hedged(
        &self,
        round: &Round<'_>,
        first: Leg<'_>,
        deployment: Resolved,
        after_ms: u64,
        plan: &mut Plan,
        record: &mut Record,
    ) -> Result<Success<H::Body>, Failed> {
        let (id, since) = (record.id.clone(), first.started);
        let mut one = Box::pin(self.send(&first, deployment, round.hold, &id));
        if let First::Left(sent) = race(one.as_mut(), self.silence(&first, after_ms)).await {
            return self.ended(&first, sent, since, record).await;
        }
        let now = self.host.now_ms();
        let picked = plan.hedge(&self.gateway.health.borrow(), now, self.host.random());
        let pair = picked.and_then(|index| {
            let (found, candidate) = (round.matches.get(index)?, plan.candidates().get(index)?.clone());
            Some((index, found, candidate))
        });
        let (Some((index, found, candidate)), true) =
            (pair, self.gateway.health.borrow_mut().spend_hedge(&first.found.deployment.id, now))
        else {
            return self.ended(&first, one.await, since, record).await;
        };
        let mut ready = Box::pin(self.ready(round, found, candidate));
        let ready = match race(one.as_mut(), ready.as_mut()).await {
            First::Right(ready) => ready,
            First::Left(sent) => {
                // A place that was asked for is given back.
                if let Ok((leg, _)) = ready.await {
                    self.unsent(&leg).await;
                }
                return self.ended(&first, sent, since, record).await;
            }
        };
        let (second, deployment) = match ready {
            Ok(ready) => ready,
            Err(failed) => {
                if let Failed::Full(reason) = failed {
                    plan.out(index, reason);
                }
                return self.ended(&first, one.await, since, record).await;
            }
        };
        let paid = round.hold.is_none_or(|hold| covers(hold, &first.ending, &second.ending));
        if !paid || second.parts.is_some() {
            self.unsent(&second).await;
            return self.ended(&first, one.await, since, record).await;
        }
        plan.hedged(index);
        record.attempts += 1;
        record.hedged = Some("first");
        let mut two = Box::pin(self.send(&second, deployment, round.hold, &id));
        match race(one.as_mut(), two.as_mut()).await {
            First::Left(Err(error)) if leaves_the_other(&error) => {
                drop(one);
                self.failed(&first, &error).await;
                match two.await {
                    Err(later) if leaves_the_other(&later) => {
                        self.failed(&second, &later).await;
                        record.upstream_ms += self.host.now_ms().saturating_sub(since);
                        plan.hedge_failed(index, &later);
                        Err(error.into())
                    }
                    sent => self.second(&second, sent, since, plan, record).await,
                }
            }
            First::Left(sent) => {
                drop(two);
                self.lost(&second).await;
                self.ended(&first, sent, since, record).await
            }
            First::Right(Err(later)) if leaves_the_other(&later) => {
                drop(two);
                self.failed(&second, &later).await;
                plan.hedge_failed(index, &later);
                self.ended(&first, one.await, since, record).await
            }
            First::Right(sent) => {
                drop(one);
                self.lost(&first).await;
                self.second(&second, sent, since, plan, record).await
            }
        }
    }

    /// What the second attempt came to, where it decides.
    async fn second(
        &self,
        leg: &Leg<'_>,
        sent: Sent<H::Body>,
        since: u64,
        plan: &Plan,
        record: &mut Record,
    ) -> Result<Success<H::Body>, Failed> {
        note_target(record, plan.group(), leg.found);
        record.hedged = Some("second");
        self.ended(leg, sent, since, record).await
    }

    /// Returns when so many ms have passed without a head of the answer.
    async fn silence(&self, leg: &Leg<'_>, ms: u64) {
        self.host.sleep(ms).await;
        if leg.progress.answered.get() {
            std::future::pending::<()>().await;
        }
    }
}

/// Whether the other attempt goes on after this error of one: not where its client has left, or is itself at fault.
fn leaves_the_other(error: &Error) -> bool {
    error.falls_back() && error.kind() != Kind::ClientClosedRequest
}
