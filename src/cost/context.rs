//! What a price depends on beside the model and the counts: time, tier, region, speed.

use serde_json::Value;

use super::unit::{Tier, Unit};
use crate::openai::Usage;

/// What a price depends on beside the model and the counts. Unset fields mean what a plain request means.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'a> {
    /// When the request was sent: Unix time in ms.
    pub now_ms: u64,
    /// The tier that was asked for, or better the one that the answer names.
    pub service_tier: Option<&'a str>,
    /// Whether it went through a batch interface; wins over `service_tier`.
    pub batch: bool,
    /// `fast`: the provider's fast mode, at a factor.
    pub speed: Option<&'a str>,
    /// Where inference was pinned to (`us`).
    pub inference_geo: Option<&'a str>,
    /// The upstream's host name; `us.` and `eu.` in front of it mean data residency.
    pub host: Option<&'a str>,
    /// The location of a regional endpoint; anything but `global` costs its surcharge.
    pub location: Option<&'a str>,
    /// `low`, `medium` or `high`.
    pub search_context_size: Option<&'a str>,
    /// How long written tokens stay in the cache, where the request says so (`24h`).
    pub prompt_cache_retention: Option<&'a str>,
    /// The resolution of what is made (`720p`, `2K`, `1024`).
    pub resolution: Option<&'a str>,
    /// How many results a search asked for.
    pub max_results: u64,
}

impl<'a> Context<'a> {
    /// This with what an answer's usage says of how it was served, which wins over what was asked.
    #[must_use]
    pub fn served(mut self, usage: &'a Usage) -> Self {
        let text = |field: &str| usage.extra.get(field).and_then(Value::as_str);
        self.service_tier = text("service_tier").or(self.service_tier);
        self.speed = text("speed").or(self.speed);
        self.inference_geo = text("inference_geo").or(self.inference_geo);
        self.search_context_size = text("search_context_size").or(self.search_context_size);
        self
    }

    /// The tiers whose prices hold, best first, and whether the tier is one that is known.
    pub(crate) fn tiers(&self) -> (&'static [Tier], bool) {
        if self.batch {
            return (&[Tier::Batch], true);
        }
        match self.service_tier.map_or(Some(Tier::Standard), Tier::from_name) {
            Some(Tier::Standard) => (&[], true),
            Some(Tier::Batch) => (&[Tier::Batch], true),
            Some(Tier::Flex) => (&[Tier::Flex], true),
            Some(Tier::Priority) => (&[Tier::Priority], true),
            // Where no price is listed for it, fast is billed as priority (LiteLLM's rule).
            Some(Tier::Fast) => (&[Tier::Fast, Tier::Priority], true),
            Some(Tier::Ultrafast) => (&[Tier::Ultrafast], true),
            Some(Tier::Balanced) => (&[Tier::Balanced], true),
            Some(Tier::Decisions) => (&[Tier::Decisions], true),
            None => (&[], false),
        }
    }

    /// The factors of the table that apply to the tokens of this request.
    pub(crate) fn factors(&self) -> impl Iterator<Item = Unit> {
        let host = |prefix: &str| self.host.is_some_and(|host| host.starts_with(prefix));
        let regional = self.location.is_some_and(|location| !location.is_empty() && location != "global");
        [
            (Unit::TimesUs, host("us.")),
            (Unit::TimesEu, host("eu.")),
            (Unit::TimesGeoUs, self.inference_geo == Some("us")),
            (Unit::TimesRegional, regional),
            (Unit::TimesFast, self.speed == Some("fast")),
        ]
        .into_iter()
        .filter_map(|(factor, applies)| applies.then_some(factor))
    }

    /// The unit of a search of this context size.
    pub(crate) fn search_unit(&self) -> Unit {
        match self.search_context_size {
            Some("low") => Unit::WebSearchLow,
            Some("high") => Unit::WebSearchHigh,
            _ => Unit::WebSearchMedium,
        }
    }

    /// The unit of the fee of a request that searches with this context size; low is the default of those who bill so.
    pub(crate) fn request_unit(&self) -> Unit {
        match self.search_context_size {
            Some("medium") => Unit::RequestMedium,
            Some("high") => Unit::RequestHigh,
            _ => Unit::RequestLow,
        }
    }

    /// The unit of an image or a second of this resolution.
    pub(crate) fn sized(&self, unit: Unit) -> Unit {
        let Some(resolution) = self.resolution else { return unit };
        let name = format!("{}_{}", unit.name(), resolution.to_ascii_lowercase());
        Unit::from_name(&name).unwrap_or(unit)
    }
}
