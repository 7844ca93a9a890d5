//! A deployment as the router sees it for one request, and why it may be out of the question.

use super::filter::Unfit;

/// A deployment of a model group, for one request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Candidate {
    /// The deployment's id.
    pub id: String,
    /// `weight`: how often it is picked, against the others' weights.
    pub weight: Option<f64>,
    /// `rpm`: stands for the weight where no deployment of the group has one.
    pub rpm: Option<u64>,
    /// `tpm`: stands for the weight where no deployment of the group has a weight or rpm.
    pub tpm: Option<u64>,
    /// Retries that the deployment itself asks for.
    pub num_retries: Option<u32>,
    /// `order`: those of the lowest order are picked from; the others stand in for them.
    pub order: Option<u64>,
    /// `cooldown_time` of the deployment, in ms.
    pub cooldown_ms: Option<u64>,
    /// `model_info.allowed_fails`.
    pub allowed_fails: Option<u32>,
    /// `model_info.allowed_fails_policy`: error class to failures.
    pub fails_policy: Option<Vec<(String, u32)>>,
    /// It never rests: a wildcard stands for many models, and one that fails says little of the others.
    pub exempt: bool,
    /// Dollars for a token in and a token out, where the price is known.
    pub cost: Option<f64>,
    /// Why it is out for this request: set by filters before the group is entered. The router never picks it then.
    pub filtered: Option<Filtered>,
}

/// Why a deployment is not picked.
#[derive(Clone, Debug, PartialEq)]
pub enum Filtered {
    /// It rests until then, in Unix ms, after a failure of this status.
    Cooling(u64, u16),
    /// One request tests it after its rest, and others of its group take the rest.
    Probing,
    /// A health check has found it unhealthy: it is picked where no other one is left.
    Unhealthy,
    /// One of its own limits (`rpm`, `tpm`, `max_parallel_requests`, `max_budget`) is used up.
    Limit {
        /// The setting.
        limit: &'static str,
        /// When there is room again, in ms from now.
        retry_after_ms: u64,
    },
    /// It cannot or must not serve this request.
    Unfit(Unfit),
    /// It answered this request with what no retry mends.
    Refused,
}
