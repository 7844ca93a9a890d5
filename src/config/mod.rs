//! The configuration: LiteLLM's `config.yaml` as JSON, read once into types that the gateway acts on.

mod affinity;
mod check;
mod custom;
mod deployment;
mod finding;
mod gate;
mod general;
mod groups;
mod health;
mod hedging;
mod id;
mod limits;
mod pattern;
mod providers;
mod read;
mod references;
mod router;
mod routing;
mod routing_group;
mod schema;
mod section;
mod shadow;
mod suggest;
mod task;
mod values;

use std::fmt;
use std::rc::Rc;

pub use affinity::Affinity;
pub use check::check;
pub use finding::{Finding, Severity};
pub use gate::{Gate, Whose};
pub use groups::Match;
pub use health::Background;
pub use routing_group::RoutingGroup;
pub use shadow::ShadowRule;

use serde_json::{Map, Value};

use crate::cost::CustomRates;
use crate::keys::ledger::Limits;
use crate::openai::Fields;
use crate::provider::{Own, Settings, Vendor};
use crate::router::filter::TagRules;
use crate::router::task::Named;
use crate::router::{CooldownRules, HedgeRules, Strategy, StrategyArgs};

/// A value that may stand in the configuration or in the environment (`os.environ/NAME`).
///
/// `Debug` prints a variable's name, and never a literal value.
#[derive(Clone, PartialEq, Eq)]
pub enum Setting {
    /// The value itself.
    Literal(String),
    /// The name of a variable that holds it.
    Variable(String),
}

impl Setting {
    /// The value; `variable` looks a name up. `None` where the variable is not set.
    pub fn resolve(&self, variable: impl FnOnce(&str) -> Option<String>) -> Option<String> {
        match self {
            Self::Literal(value) => Some(value.clone()),
            Self::Variable(name) => variable(name),
        }
    }
}

impl From<&str> for Setting {
    /// Reads `os.environ/NAME` as a variable, and all else as itself.
    fn from(text: &str) -> Self {
        match section::reference(text) {
            Some(name) => Self::Variable(name.to_owned()),
            None => Self::Literal(text.to_owned()),
        }
    }
}

impl fmt::Debug for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(_) => f.write_str("***"),
            Self::Variable(name) => write!(f, "os.environ/{name}"),
        }
    }
}

/// A place of the configuration that names a variable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variable {
    /// Where (`model_list[0].litellm_params.api_key`).
    pub path: String,
    /// The variable.
    pub name: String,
}

/// A whole configuration. Only what the configuration says: defaults of the environment are resolved by the gateway.
#[derive(Debug, Default)]
pub struct Config {
    /// `model_list`, in order.
    pub deployments: Vec<Rc<Deployment>>,
    /// `router_settings`, with what LiteLLM also takes from `litellm_settings`.
    pub router: RouterSettings,
    /// `general_settings`.
    pub general: GeneralSettings,
    /// `custom_providers` (Tollgate's own), in order.
    pub custom_providers: Vec<CustomProvider>,
    /// `environment_variables`, in order.
    pub environment: Vec<(String, Setting)>,
    /// Every place that says `os.environ/NAME`, so that a variable which is not set can be named at start.
    pub variables: Vec<Variable>,
}

impl Config {
    /// The value of a variable: `environment_variables` wins over `environment`, the environment around.
    pub fn variable(&self, name: &str, environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
        section::lookup(&self.environment, name, environment)
    }

    /// The places that name a variable which is not set.
    pub fn unset(&self, environment: &dyn Fn(&str) -> Option<String>) -> Vec<&Variable> {
        self.variables.iter().filter(|variable| self.variable(&variable.name, environment).is_none()).collect()
    }
}

/// One entry of `custom_providers`: a provider that no build knows.
#[derive(Debug)]
pub struct CustomProvider {
    /// Its name and what it speaks.
    pub own: Rc<Own>,
    /// `api_base`.
    pub api_base: Setting,
    /// `api_key`, or the variable of `api_key_env`; `None` where it asks for none.
    pub api_key: Option<Setting>,
}

/// One entry of `model_list`: a provider's model with a credential and limits, in a model group.
#[derive(Debug, Default)]
pub struct Deployment {
    /// The model group: the name that clients ask for. May hold `*`.
    pub model_name: String,
    /// `model_info.id`, or a hash of the entry that stays the same while the entry does.
    pub id: String,
    /// The provider; `None` where the requested model names it (`model: "*"`), and where this version does not speak
    /// what [`Deployment::provider_name`] says: such a deployment is never chosen.
    pub provider: Option<Vendor>,
    /// The provider as the entry names it; `*` where the requested model does.
    pub provider_name: String,
    /// The model as the upstream names it. May hold `*` in a wildcard group.
    pub model: String,
    /// `litellm_params.model` as it is written.
    pub written: String,
    /// `api_key`.
    pub api_key: Option<Setting>,
    /// `api_base`.
    pub api_base: Option<Setting>,
    /// Parameters of one cloud (`vertex_project`, `aws_region_name`, …).
    pub params: Vec<(String, Setting)>,
    /// `api_version`, `organization`, `extra_headers`, and how to treat fields that the dialect lacks.
    pub settings: Settings,
    /// `timeout` in ms.
    pub timeout_ms: Option<u64>,
    /// `stream_timeout` in ms: bounds the first event.
    pub stream_timeout_ms: Option<u64>,
    /// `num_retries` (or `max_retries`) of this deployment.
    pub num_retries: Option<u32>,
    /// `timeout_by_service_tier` and `stream_timeout_by_service_tier`: tier to ms.
    pub tier_timeouts: [Vec<(String, u64)>; 2],
    /// `order`: the lowest is picked from, the others stand in.
    pub order: Option<u64>,
    /// `cooldown_time` of `model_info`, else of `litellm_params`, in ms.
    pub cooldown_ms: Option<u64>,
    /// `model_info.allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `model_info.allowed_fails_policy`.
    pub fails_policy: Option<Vec<(String, u32)>>,
    /// `weight`.
    pub weight: Option<f64>,
    /// `rpm`: requests per minute.
    pub rpm: Option<u64>,
    /// `tpm`: tokens per minute.
    pub tpm: Option<u64>,
    /// What bounds it: budget, requests at one time, and its rates where the router makes limits of them.
    pub limits: Limits,
    /// `mock_response`.
    pub mock_response: Option<Value>,
    /// Fields that a request to this deployment gets where it has none of its own: `temperature`, `extra_body`, …
    pub defaults: Fields,
    /// `model_info`, whole.
    pub model_info: Map<String, Value>,
    /// Whom it serves.
    pub gate: Gate,
    /// Prices that `litellm_params` or `model_info` state: they win over the price table.
    pub custom_rates: Option<CustomRates>,
}

/// `router_settings`.
#[derive(Clone, Debug, Default)]
pub struct RouterSettings {
    /// `routing_strategy`.
    pub strategy: Strategy,
    /// `routing_strategy_args`.
    pub strategy_args: StrategyArgs,
    /// `weights`: model group to weights of deployment ids, before their own weights.
    pub weights: Vec<(String, Vec<(String, f64)>)>,
    /// `disable_cooldowns`, `allowed_fails`, `allowed_fails_policy`, `cooldown_time`.
    pub cooldown: Rc<CooldownRules>,
    /// `num_retries`; `None` is LiteLLM's default, 2.
    pub num_retries: Option<u32>,
    /// `retry_after` in ms: the least wait before a retry.
    pub retry_after_ms: u64,
    /// `timeout` in ms.
    pub timeout_ms: Option<u64>,
    /// `stream_timeout` in ms.
    pub stream_timeout_ms: Option<u64>,
    /// `litellm_settings.request_timeout` in ms.
    pub request_timeout_ms: Option<u64>,
    /// `fallbacks`: group (or `*`) to groups.
    pub fallbacks: Vec<(String, Vec<String>)>,
    /// `default_fallbacks`.
    pub default_fallbacks: Vec<String>,
    /// `context_window_fallbacks`; `None` where not set.
    pub context_window_fallbacks: Option<Vec<(String, Vec<String>)>>,
    /// `content_policy_fallbacks`; `None` where not set.
    pub content_policy_fallbacks: Option<Vec<(String, Vec<String>)>>,
    /// `max_fallbacks`; `None` is LiteLLM's default, 5.
    pub max_fallbacks: Option<u32>,
    /// `enable_pre_call_checks`: deployments that cannot serve a request are not asked.
    pub pre_call_checks: bool,
    /// `enable_tag_filtering`, `tag_filtering_match_any`, `tag_routing_prefix`.
    pub tags: TagRules,
    /// Names that stand for several model groups: `traffic_split`, `task_routing` (Tollgate's own), and entries of
    /// `model_list` whose model is `auto_router/complexity_router`.
    pub tasks: Vec<Named>,
    /// `shadow_traffic` (Tollgate's own).
    pub shadows: Vec<ShadowRule>,
    /// `hedging` (Tollgate's own); `None`: off.
    pub hedging: Option<HedgeRules>,
    /// `routing_groups`.
    pub groups: Vec<RoutingGroup>,
    /// `model_group_alias`.
    pub aliases: Vec<Alias>,
    /// `provider_budget_config`: provider to its budget.
    pub provider_budgets: Vec<(String, Limits)>,
    /// `retry_policy`: error class (`RateLimitErrorRetries`, `DefaultRetries`, …) to retries.
    pub retry_policy: Vec<(String, u32)>,
    /// `model_group_retry_policy`: model group to its own policy.
    pub group_policies: Vec<(String, Vec<(String, u32)>)>,
    /// `litellm_settings.num_retries_per_request`: the most attempts of a request in all groups.
    pub retries_per_request: Option<u32>,
    /// `mid_stream_fallbacks` (Tollgate's own).
    pub broken_streams: BrokenStreams,
    /// `optional_pre_call_checks` and `model_group_affinity_config`: requests that go where one like them was answered.
    pub affinity: Affinity,
    /// `enable_weighted_failover`.
    pub weighted_failover: bool,
    /// `litellm_settings.expose_router_debug_in_errors` is false: errors say nothing of what the router did.
    pub hide_debug: bool,
}

/// What becomes of a stream that breaks in its midst.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BrokenStreams {
    /// It ends with an error event.
    #[default]
    End,
    /// Another deployment goes on with it.
    GoOn,
}

/// Another name of a model group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The other name.
    pub name: String,
    /// The model group.
    pub model: String,
    /// Whether `/v1/models` leaves it out.
    pub hidden: bool,
}

/// Which media behind addresses are fetched for providers that fetch none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RemoteMedia {
    /// None.
    Never,
    /// Those of public addresses.
    #[default]
    Public,
    /// Those of inner networks too: for servers of one's own, and tests.
    Anywhere,
}

/// `general_settings`, as far as this version acts on them.
#[derive(Clone, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a setting of its own")]
pub struct GeneralSettings {
    /// `master_key`.
    pub master_key: Option<Setting>,
    /// `cors_origins` (Tollgate's own): origins of browsers that may call, or `*`.
    pub cors_origins: Vec<String>,
    /// `max_request_size_mb`, in bytes; `None` is Tollgate's default.
    pub max_request_bytes: Option<usize>,
    /// `litellm_key_header_name`: one more header that may carry the key.
    pub key_header: Option<String>,
    /// `litellm_settings.drop_params`.
    pub drop_params: bool,
    /// `litellm_settings.modify_params`.
    pub modify_params: bool,
    /// `litellm_settings.budget_exceeded_status_code`: 429 or 422; `None` is Tollgate's default.
    pub budget_exceeded_status: Option<u16>,
    /// `reservation_hold_seconds` (Tollgate's own), in ms: how long a reservation is held after its owner was last heard
    /// of; `None` is Tollgate's default.
    pub reservation_hold_ms: Option<u64>,
    /// `litellm_settings.tag_budget_config`: the budget of each tag. It holds within one budget root.
    pub tag_budgets: Vec<(String, Limits)>,
    /// `allow_remote_media` and `allow_private_media` (Tollgate's own).
    pub remote_media: RemoteMedia,
    /// `dangerously_allow_mock_testing_request_params`: clients may ask for failures and delays.
    pub allow_mock_testing: bool,
    /// `background_health_checks` and what steers them.
    pub health: Background,
    /// `health_check_skip_disabled_background_models`: `GET /health` leaves out deployments that opted out of checks.
    pub skip_unchecked: bool,
    /// `disable_spend_logs`: calls of the master key are not logged. Those of virtual keys always are: budgets rest on it.
    pub disable_spend_logs: bool,
}
