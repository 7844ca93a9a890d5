//! What the router's filters look at: facts of deployments and of a request, from the configuration, prices and records.

use std::rc::Rc;

use super::Gateway;
use super::asked::Asked;
use super::attempt::{self, Request};
use super::bound;
use super::hold::Known;
use super::money::supported_params::probed;
use super::tariff::Tariff;
use crate::config::{Match, Whose};
use crate::cost::tokens::{Counter, count_chat, encoding_of, estimate, family_of};
use crate::error::Kind;
use crate::openai::{ChatRequest, Fields};
use crate::router::filter::{self, Facts, Need, RequestTags, Unfit, WEB_SEARCH};

/// Fields that every dialect takes, so that a request with no others need not be tried.
const EVERYWHERE: &[&str] =
    &["max_completion_tokens", "max_tokens", "messages", "model", "stream", "stream_options", "temperature", "user"];

/// Who asks for what: all that the filters need beside the deployments.
pub(super) struct Fitting<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) asked: &'a Asked,
    /// The records of the key; `None` for the master key.
    pub(super) known: Option<&'a Known>,
}

impl Fitting<'_> {
    /// Whose deployments the request may come to.
    pub(super) fn whose(&self) -> Whose<'_> {
        self.known.map_or(Whose::Everybodys, |known| Whose::Key(known.team_id()))
    }

    /// The tags of the request, its key and its team.
    pub(super) fn tags(&self) -> RequestTags {
        let (user_agent, forced) = (self.asked.user_agent.clone(), self.asked.routing.borrow().filters_tags());
        match self.known {
            None => RequestTags { all: self.asked.tags.clone(), inherited: Vec::new(), user_agent, forced },
            Some(known) => {
                let inherited = known.tags(&Asked::default());
                RequestTags { all: known.tags(self.asked), inherited, user_agent, forced }
            }
        }
    }

    /// Why each of `matches`, which are the deployments of `group`, may not serve `request`; `None` where it may.
    pub(super) fn unfit(&self, group: &str, matches: &[Match], request: &Request) -> Vec<Option<Unfit>> {
        let router = &self.gateway.config.router;
        let mut needs = Vec::new();
        if let Request::Chat(chat) = request {
            if router.pre_call_checks {
                needs = filter::needs(chat);
            } else if filter::searches(chat) {
                needs.push(WEB_SEARCH);
            }
        }
        let by_group = self.restricts(group, matches);
        let mut counted = Vec::new();
        let facts: Vec<Facts<'_>> = matches
            .iter()
            .map(|found| {
                let gate = &found.deployment.gate;
                let mut facts = Facts {
                    blocked: gate.blocked,
                    outside: by_group && !self.holds(group, found),
                    lacks: needs.iter().copied().find(|need| self.lacks(found, *need)),
                    tagged: Some(&gate.tagged),
                    ..Facts::default()
                };
                if router.pre_call_checks {
                    facts.region = gate.region.as_deref();
                    facts.prompt = self.prompt(found, request, &mut counted);
                    facts.unsupported = self.unsupported(found, request);
                }
                facts
            })
            .collect();
        let region = self.asked.region.as_deref().filter(|_| router.pre_call_checks);
        let forced = self.asked.routing.borrow().filters_tags();
        let by_tags =
            forced || router.tags.enabled || matches.iter().any(|it| it.deployment.gate.tagged.enabled.is_some());
        let tags = if by_tags { self.tags() } else { RequestTags::default() };
        filter::filter(&router.tags, &facts, &filter::Asked { region, tags })
    }

    /// Those of `matches` that may serve `request`; all of them where none may.
    pub(super) fn fit(&self, group: &str, matches: Vec<Match>, request: &Request) -> Vec<Match> {
        let verdicts = self.unfit(group, &matches, request);
        if verdicts.iter().all(Option::is_some) {
            return matches;
        }
        matches.into_iter().zip(verdicts).filter(|(_, verdict)| verdict.is_none()).map(|(found, _)| found).collect()
    }

    /// Whether the caller may call the group through access groups alone, so that it may call what is in them alone.
    fn restricts(&self, group: &str, matches: &[Match]) -> bool {
        let Some(known) = self.known else { return false };
        if !matches.iter().any(|found| found.deployment.model_info.contains_key("access_groups")) {
            return false;
        }
        let mut facts = super::admit::facts(&self.gateway.config, group, matches);
        if facts.access_groups.is_empty() || !known.identity().may_call(&facts) {
            // None to restrict to; or an alias of the key, which is allowed whatever its lists say.
            return false;
        }
        facts.access_groups.clear();
        !known.identity().may_call(&facts)
    }

    /// Whether the caller may call one deployment of a group.
    fn holds(&self, group: &str, found: &Match) -> bool {
        let facts = super::admit::facts(&self.gateway.config, group, std::slice::from_ref(found));
        self.known.is_none_or(|known| known.identity().may_call(&facts))
    }

    /// Whether what is known of a deployment says that it cannot do something: `model_info` first, then the price data.
    fn lacks(&self, found: &Match, need: Need) -> bool {
        let told = found.deployment.model_info.get(&format!("supports_{}", need.name));
        let told = told.and_then(serde_json::Value::as_bool);
        // LiteLLM asks model_info alone where pre-call checks are off.
        let by_table = || Tariff::plain(&self.gateway.prices, found).entry(None)?.supports(need.name);
        let table = self.gateway.config.router.pre_call_checks.then(by_table).flatten();
        told.or(table) == Some(false)
    }

    /// The tokens of the prompt and the most that the deployment takes, where that is known. What the bound says to fit
    /// is not counted; `counted` remembers what was, by provider and model.
    fn prompt(
        &self,
        found: &Match,
        request: &Request,
        counted: &mut Vec<((String, String), u64)>,
    ) -> Option<(u64, u64)> {
        let tariff = Tariff::plain(&self.gateway.prices, found);
        let told = found.deployment.model_info.get("max_input_tokens").and_then(serde_json::Value::as_u64);
        let most = told.or_else(|| tariff.max_input_tokens())?;
        let bound = bound::input_bound(&tariff, request);
        if bound <= most {
            return Some((bound, most));
        }
        let (provider, model) = tariff.tokenized_as();
        let name = (provider.to_owned(), model.to_owned());
        let tokens = match counted.iter().find(|(own, _)| *own == name) {
            Some((_, tokens)) => *tokens,
            None => self.count(provider, model, request),
        };
        counted.push((name, tokens));
        Some((tokens, most))
    }

    /// The tokens of a prompt: counted where the vocabulary is loaded, else estimated. A list of texts to embed has a
    /// window for each.
    pub(super) fn count(&self, provider: &str, model: &str, request: &Request) -> u64 {
        let family = family_of(provider, model);
        let chat = match request {
            Request::Chat(chat) => chat,
            Request::Embeddings(embeddings) => {
                let texts = embeddings.texts().unwrap_or_default();
                return texts.iter().map(|text| estimate(text, family).value).max().unwrap_or_default();
            }
            // Rerankers cut what is too long for them.
            Request::Rerank(_) => return 0,
        };
        let encoding = encoding_of(provider, model);
        let vocabularies = self.gateway.vocabularies.borrow();
        let vocabulary = vocabularies.iter().find(|own| Some(own.encoding()) == encoding);
        let counter = vocabulary.map_or(Counter::Estimate(family), |own| Counter::Exact(own));
        count_chat(chat, model, counter).map_or(0, |count| count.value)
    }

    /// The field of the request that the deployment's dialect does not take, unless it is to be dropped: the dialect is
    /// asked, with a short prompt.
    fn unsupported(&self, found: &Match, request: &Request) -> Option<String> {
        let Request::Chat(chat) = request else { return None };
        let deployment = &found.deployment;
        let general = &self.gateway.config.general;
        let drops = deployment.settings.drop_params || general.drop_params;
        if self.asked.drop_params.unwrap_or(drops) || chat.fields().iter().all(|(name, _)| EVERYWHERE.contains(&name)) {
            return None;
        }
        let mut fields: Fields = chat.fields().clone();
        fields.set("messages", &serde_json::json!([{"role": "user", "content": "hi"}]));
        let request = Request::Chat(ChatRequest::from_fields(fields).ok()?);
        let mut resolved = probed(self.gateway, found, &request);
        let mut settings = (*resolved.settings).clone();
        settings.additional_drop_params.extend_from_slice(&self.asked.additional_drop_params);
        settings.allowed_openai_params.extend_from_slice(&self.asked.allowed_openai_params);
        resolved.settings = Rc::new(settings);
        let error = attempt::write(&resolved, &request, "", 0).err()?;
        (error.kind() == Kind::UnsupportedParams).then(|| error.param().unwrap_or("a field").to_owned())
    }
}
