//! What clients ask about money: quotes, costs, tokens, models with their prices, and the request that would be sent.

mod calculate;
mod cost_map;
mod estimate;
pub(super) mod model_info;
mod router_settings;
pub(super) mod supported_params;
mod token_counter;
mod transform_request;

pub(super) use transform_request::without_userinfo;

use std::rc::Rc;

use super::host::Host;
use super::reply::Reply;
use super::sight::Sight;
use super::tariff::Tariff;
use super::{Gateway, models, resolve};
use crate::config::Match;
use crate::cost::{Buckets, Charge, Context, Entry, Exactness, charge};
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::openai::{Fields, Usage};

/// A question about money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// `POST /cost/estimate`
    Estimate,
    /// `POST /spend/calculate`
    Calculate,
    /// `POST /utils/token_counter`
    TokenCounter,
    /// `POST /utils/transform_request`
    TransformRequest,
    /// `GET /utils/supported_openai_params`
    SupportedParams,
    /// `GET /model/info`
    ModelInfo,
    /// `GET /v2/model/info`
    ModelInfoPaged,
    /// `GET /model_group/info`
    ModelGroupInfo,
    /// `GET /public/litellm_model_cost_map`
    CostMap,
    /// `GET /router/settings`
    RouterSettings,
}

impl Question {
    /// Whether it needs no key.
    pub fn is_public(self) -> bool {
        self == Self::CostMap
    }

    /// Whether it is asked in a body.
    pub(super) fn has_body(self) -> bool {
        matches!(self, Self::Estimate | Self::Calculate | Self::TokenCounter | Self::TransformRequest)
    }
}

/// Answers a question; `http` has its body, read.
///
/// # Errors
///
/// A field that is missing or wrong, or a model that nobody knows.
pub(super) async fn answer<H: Host>(
    gateway: &Gateway,
    host: &H,
    sight: &Sight,
    http: &HttpRequest,
    question: Question,
) -> Result<Reply<H::Body>> {
    let body = || Fields::parse(&http.body);
    let bytes = match question {
        Question::Estimate => estimate::answer(gateway, host, &body()?)?.to_bytes(),
        Question::Calculate => calculate::answer(gateway, host, &body()?).await?.to_bytes(),
        Question::TokenCounter => token_counter::answer(gateway, host, &body()?).await?.to_bytes(),
        Question::TransformRequest => transform_request::answer(gateway, host, &body()?, &http.headers)?.to_bytes(),
        Question::SupportedParams => supported_params::answer(gateway, http)?.to_bytes(),
        Question::ModelInfo => model_info::list(gateway, host, sight, http)?.to_bytes(),
        Question::ModelInfoPaged => model_info::paged(gateway, host, sight, http)?.to_bytes(),
        Question::ModelGroupInfo => model_info::groups(gateway, host, sight, http).to_bytes(),
        Question::RouterSettings if !sight.is_all() => {
            let message = "the router's settings are the master key's to see: send it as `Authorization: Bearer`";
            return Err(Error::new(Kind::PermissionDenied, message));
        }
        Question::RouterSettings => router_settings::answer(gateway).to_bytes(),
        Question::CostMap => cost_map::write(&gateway.prices, host.now_ms())?,
    };
    Ok(Reply::json(200, bytes))
}

/// A model whose price is asked for.
enum Priced {
    /// A deployment that would serve it.
    Deployment(Box<Tariff>, String),
    /// A model of the price table that no deployment serves.
    Listed(Rc<Entry>, u64),
}

impl Priced {
    /// Finds a model by the name that a request would use, else by its name in the price table.
    ///
    /// # Errors
    ///
    /// [`Kind::NotFound`], with names that are near.
    fn find<H: Host>(gateway: &Gateway, host: &H, model: &str) -> Result<Self> {
        if let Some(found) = gateway.config.deployments_for(model).first() {
            return Ok(Self::Deployment(Box::new(tariff(gateway, host, found)), found.provider.name().to_owned()));
        }
        match gateway.prices.find_id(model) {
            Some(entry) => Ok(Self::Listed(Rc::new(entry), host.now_ms())),
            None => Err(models::unknown(&gateway.config, model)),
        }
    }

    fn provider(&self) -> &str {
        match self {
            Self::Deployment(_, provider) => provider,
            Self::Listed(entry, _) => entry.provider(),
        }
    }

    fn entry(&self) -> Option<Rc<Entry>> {
        match self {
            Self::Deployment(tariff, _) => tariff.entry(None),
            Self::Listed(entry, _) => Some(entry.clone()),
        }
    }

    fn context(&self) -> Context<'_> {
        match self {
            Self::Deployment(tariff, _) => tariff.context(),
            Self::Listed(_, now_ms) => Context { now_ms: *now_ms, ..Context::default() },
        }
    }

    /// What `usage` costs at this model, or at the one that the answer says has `served` it.
    fn charge(&self, usage: &Usage, served: Option<&str>) -> Option<Charge> {
        match self {
            Self::Deployment(tariff, _) => tariff.charge(usage, served),
            Self::Listed(entry, _) => charge(entry, &Buckets::from(usage), &self.context().served(usage)),
        }
    }
}

/// The prices of a deployment for a request that asks for nothing special.
fn tariff<H: Host>(gateway: &Gateway, host: &H, found: &Match) -> Tariff {
    let setting = found.deployment.api_base.as_ref();
    let api_base = setting.and_then(|setting| resolve::setting(&gateway.config, host, setting));
    Tariff::quoted(&gateway.prices, found, api_base.as_deref(), host.now_ms())
}

/// A text field that must be there.
fn required(fields: &Fields, name: &str, mend: &str) -> Result<String> {
    let text = fields.get::<String>(name)?.filter(|text| !text.is_empty());
    text.ok_or_else(|| Error::bad_request(name, format!("`{name}` is missing: {mend}")))
}

/// How far a charge can be relied on, in a word; `null` where there is none.
fn exactness(charge: Option<&Charge>) -> Option<&'static str> {
    Some(match charge?.exactness {
        Exactness::Exact => "exact",
        Exactness::Estimated => "estimated",
    })
}

/// A query parameter that must be there.
fn required_query(http: &HttpRequest, name: &str, mend: &str) -> Result<String> {
    let text = http.query(name).filter(|text| !text.is_empty());
    text.ok_or_else(|| Error::new(Kind::BadRequest, format!("`{name}` is missing: {mend}")).with_param(name))
}
