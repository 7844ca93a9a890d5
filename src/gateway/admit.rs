//! Admission of a call: may its key make it, and does its budget pay for the most that it can cost.

use std::borrow::Cow;
use std::rc::Rc;

use super::asked::Asked;
use super::attempt::Request;
use super::bound::{UsageBound, with_output_bound};
use super::call::Call;
use super::caller::Caller;
use super::continuation::{self, goes_on};
use super::fit::Fitting;
use super::hold::{Hold, Known, Wanted, is_stale};
use super::host::Host;
use super::models;
use super::record::Record;
use super::tariff::Tariff;
use crate::config::{BrokenStreams, Config, Match, Whose};
use crate::error::{Error, Kind, Result};
use crate::keys::models::ModelFacts;
use crate::openai::Fields;
use crate::router::Fallbacks;

impl<H: Host> Call<'_, H> {
    /// Asks whether the caller may make this call, and reserves what it may cost. Answers the request with the aliases of
    /// its key resolved.
    pub(super) async fn admit(&self, request: &Request, record: &Record) -> Result<(Request, Option<Hold>)> {
        let Caller::Key(key) = self.caller else {
            let (request, _) = self.lead(&self.fitting(None), request)?;
            return Ok((request, None));
        };
        let known = Known::read(self.gateway, self.host, key.clone(), &self.asked).await?;
        let reserved = self.reserve(&known, request, record).await;
        // Who calls is kept, for those who ask later whose deployments there are.
        self.known.replace(Some(Rc::new(known)));
        match reserved {
            // The record may be older than the ledger: once more, with the one that counts.
            Err(error) if is_stale(&error) => {
                let Some(known) = self.known() else { return Err(error) };
                let Some(fresh) = known.refreshed(self.gateway, self.host).await? else { return Err(error) };
                let known = Rc::new(Known::read(self.gateway, self.host, fresh, &self.asked).await?);
                self.known.replace(Some(known.clone()));
                self.reserve(&known, request, record).await
            }
            result => result,
        }
    }

    /// What the filters need to know of the call.
    pub(super) fn fitting<'f>(&'f self, known: Option<&'f Known>) -> Fitting<'f> {
        Fitting { gateway: self.gateway, asked: &self.asked, known }
    }

    /// The request for the model group that it leads to, and the deployments of that: by the aliases of the key, then by
    /// names that stand for several groups. What changes on the way is kept for the first group.
    ///
    /// # Errors
    ///
    /// A model that the key may not call, or that nobody serves.
    pub(super) fn lead(&self, fitting: &Fitting<'_>, request: &Request) -> Result<(Request, Vec<Match>)> {
        let config = &self.gateway.config;
        let asked_model = request.model();
        let identity = fitting.known.map(Known::identity);
        let model = identity.as_ref().map_or(asked_model, |identity| identity.resolve(asked_model)).to_owned();
        let mut matches = config.deployments_of(&model, fitting.whose());
        if let Some(identity) = &identity {
            let facts = facts(config, &model, &matches);
            identity.admit(self.route, asked_model, Some(&facts), self.host.now_ms())?;
        }
        let destination = fitting.destination(&model, request, self.headers, || self.host.random())?;
        if !destination.turns.is_empty() {
            matches = config.deployments_of(&destination.model, fitting.whose());
        }
        let mut model = destination.model.as_str();
        if matches.is_empty() {
            (model, matches) = fitting.served(&destination.model);
        }
        if matches.is_empty() {
            let unknown = if destination.turns.is_empty() { asked_model } else { &destination.model };
            return Err(models::unknown(config, unknown));
        }
        let request = if model == asked_model { request.clone() } else { request.with_model(model)? };
        self.overrides.replace(destination.overrides);
        self.turns.replace(destination.turns);
        Ok((request, matches))
    }

    /// What was asked, with the variant of a traffic split among its tags: as the log has it.
    pub(super) fn logged(&self) -> Cow<'_, Asked> {
        let mut asked = Cow::Borrowed(&self.asked);
        for turn in self.turns.borrow().iter().filter(|turn| turn.chosen.is_variant) {
            asked.to_mut().tags.push(format!("variant:{}/{}", turn.name, turn.chosen.label));
        }
        asked
    }

    /// The records of the key that calls; `None` for the master key.
    pub(super) fn known(&self) -> Option<Rc<Known>> {
        self.known.borrow().clone()
    }

    async fn reserve(&self, known: &Known, request: &Request, record: &Record) -> Result<(Request, Option<Hold>)> {
        self.asked.routing.replace(known.identity().routing().clone());
        let fitting = self.fitting(Some(known));
        let (request, matches) = self.lead(&fitting, request)?;
        let model = request.model();
        let router = &self.gateway.config.router;
        let goes_on = router.broken_streams == BrokenStreams::GoOn && goes_on(&request);
        let (mut wanted, mut onward) = (Wanted::new(model), Wanted::new(model));
        for (found, overrides) in self.reachable(model, &fitting.fit(model, matches, &request), fitting.whose()) {
            let sent = request.with(&found.deployment.defaults, &overrides)?;
            let tariff = Tariff::new(&self.gateway.prices, &found, &sent, None, self.host.now_ms());
            wanted.include(&tariff, &sent);
            if goes_on {
                // Of the answer so far, the request is not yet longer; by so much the answer is shorter.
                onward.include(&tariff, &continuation::told(&sent, " ")?);
            }
        }
        if router.hedging.is_some() {
            wanted.add_second(&wanted.clone());
        }
        if goes_on {
            wanted.add_second(&onward);
        }
        let asked = self.logged();
        let hold = Hold::reserve(self.gateway, self.host, known, &asked, &wanted, (&record.id, record.call)).await;
        match hold {
            // Without limits nothing is at stake but the log: such a key goes on while its ledger is away.
            Err(error) if error.kind() == Kind::ServiceUnavailable && !known.is_limited() => Ok((request, None)),
            hold => Ok((request, Some(hold?))),
        }
    }

    /// The fallbacks of the first group, which is `model`: those of the names that the request came by among them.
    pub(super) fn fallbacks_of(&self, model: &str) -> Fallbacks {
        let mut fallbacks = self.fallbacks();
        let turns = self.turns.borrow();
        let names = turns.iter().rev().map(|turn| turn.name.as_str());
        let names = std::iter::once(self.gateway.config.group_of(model)).chain(names).filter(|name| *name != model);
        fallbacks.known_as = names.map(|name| (model.to_owned(), name.to_owned())).collect();
        fallbacks
    }

    /// Every deployment that the call may come to, through whatever fallbacks, as far as they are priced. One that has no
    /// price counts in the first group alone: a fallback without a price is passed over when its turn comes.
    fn reachable(&self, model: &str, matches: &[Match], whose: Whose<'_>) -> Vec<(Match, Fields)> {
        let config = &self.gateway.config;
        let mut found: Vec<(Match, Fields)> =
            matches.iter().map(|found| (found.clone(), self.overrides.borrow().clone())).collect();
        let behind =
            |name: &str| -> Vec<String> { config.groups_behind(name).into_iter().map(str::to_owned).collect() };
        for hop in self.fallbacks_of(model).reachable(model, &behind) {
            let groups = config.groups_behind(&hop.model).into_iter();
            for other in groups.flat_map(|group| config.deployments_of(group, whose)) {
                let tariff = Tariff::plain(&self.gateway.prices, &other);
                if tariff.entry(None).is_some() {
                    found.push((other, hop.overrides.clone()));
                }
            }
        }
        found
    }
}

/// The request with its answer bounded to what is granted.
pub(super) fn clamped(request: Request, tariff: &Tariff, hold: &Hold) -> Result<Request> {
    let grant = hold.granted();
    let most = UsageBound::of(tariff, &request);
    let by_tokens = grant.tokens.saturating_sub(most.input_tokens) / most.answers.max(1);
    // Without a price there is no budget either: the ledger would have refused it.
    let by_money = most.affordable_output_tokens(tariff, grant.granted).filter(|_| hold.is_bounded());
    let by_money = by_money.unwrap_or(most.output_tokens);
    let affordable = most.output_tokens.min(by_tokens).min(by_money);
    if affordable == most.output_tokens {
        return Ok(request);
    }
    if affordable == 0 {
        let message = format!("the budget does not pay for this model's answer: {} USD are left", grant.granted);
        return Err(Error::new(Kind::BudgetExceeded, message));
    }
    with_output_bound(&request, affordable)
}

/// What the lists of a key may call the model by. A name that stands for several groups is allowed by itself.
pub(super) fn facts(config: &Config, model: &str, matches: &[Match]) -> ModelFacts {
    let mut facts = ModelFacts { names: vec![config.group_of(model).to_owned()], access_groups: Vec::new() };
    if let Some(named) = config.task(model) {
        facts.access_groups.clone_from(&named.access_groups);
        return facts;
    }
    for found in matches {
        let name = format!("{}/{}", found.provider.name(), found.model);
        if !facts.names.contains(&name) {
            facts.names.push(name);
        }
        let groups = found.deployment.model_info.get("access_groups").and_then(serde_json::Value::as_array);
        for name in groups.into_iter().flatten().filter_map(serde_json::Value::as_str) {
            if !facts.access_groups.iter().any(|known| known == name) {
                facts.access_groups.push(name.to_owned());
            }
        }
    }
    facts
}
