//! Usage as disjoint buckets: every token is counted in exactly one, so none is paid twice.

use serde_json::{Map, Value};

use super::unit::Unit;
use crate::openai::Usage;

/// Counts of what was used, each token in one bucket.
///
/// # Examples
///
/// ```
/// use tollgate::cost::{Buckets, Unit};
/// use tollgate::openai::Usage;
///
/// let usage: Usage = serde_json::from_str(
///     r#"{"prompt_tokens":2000,"completion_tokens":300,"total_tokens":2300,
///         "prompt_tokens_details":{"cached_tokens":1536},"completion_tokens_details":{"reasoning_tokens":100}}"#,
/// ).unwrap();
/// let buckets = Buckets::from(&usage);
/// assert_eq!(buckets.get(Unit::Input), 464);
/// assert_eq!(buckets.get(Unit::CacheRead), 1536);
/// assert_eq!(buckets.get(Unit::Output) + buckets.get(Unit::Reasoning), 300);
/// assert_eq!(buckets.tokens(), 2300);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Buckets([u64; Unit::COUNT]);

impl Default for Buckets {
    fn default() -> Self {
        Self([0; Unit::COUNT])
    }
}

impl Buckets {
    /// Prompt tokens and answer tokens of text.
    pub fn of_text(input: u64, output: u64) -> Self {
        Self::default().with(Unit::Input, input).with(Unit::Output, output)
    }

    /// This with a count set: seconds, pages, characters, searches and whatever else the usage does not hold.
    #[must_use]
    pub fn with(mut self, unit: Unit, count: u64) -> Self {
        self.set(unit, count);
        self
    }

    /// Sets a count. A factor is none and stays 0.
    pub fn set(&mut self, unit: Unit, count: u64) {
        if let Some(own) = self.0.get_mut(unit as usize).filter(|_| !unit.is_factor()) {
            *own = count;
        }
    }

    /// The count of a unit.
    pub fn get(&self, unit: Unit) -> u64 {
        self.0.get(unit as usize).copied().unwrap_or(0)
    }

    /// The units that were used, with their counts.
    pub fn used(&self) -> impl Iterator<Item = (Unit, u64)> {
        Unit::ALL.iter().copied().zip(self.0).filter(|(_, count)| *count > 0)
    }

    fn sum(&self, of: impl Fn(Unit) -> bool) -> u64 {
        self.used().filter(|(unit, _)| of(*unit)).fold(0, |sum, (_, count)| sum.saturating_add(count))
    }

    /// All tokens of the prompt, cache included: what context brackets are told by.
    pub fn prompt_tokens(&self) -> u64 {
        self.sum(Unit::is_prompt_token)
    }

    /// All tokens of the answer, reasoning included, and of citations that are billed.
    pub fn answer_tokens(&self) -> u64 {
        self.sum(Unit::is_answer_token)
    }

    /// All tokens.
    pub fn tokens(&self) -> u64 {
        self.prompt_tokens().saturating_add(self.answer_tokens())
    }
}

/// Takes at most what is left of a total.
struct Rest(u64);

impl Rest {
    fn take(&mut self, wanted: u64) -> u64 {
        let taken = wanted.min(self.0);
        self.0 -= taken;
        taken
    }
}

pub(crate) fn number(map: &Map<String, Value>, name: &str) -> u64 {
    let value = map.get(name);
    // A provider that writes counts as floats means whole ones.
    let float = || value.and_then(Value::as_f64).map_or(0, |float| float.max(0.0) as u64);
    value.and_then(Value::as_u64).unwrap_or_else(float)
}

impl From<&Usage> for Buckets {
    /// From canonical usage: the prompt includes cache reads and writes, the answer includes reasoning.
    ///
    /// The details are taken out of the totals in turn (cache first, then audio, images, video) and never more than is
    /// left, so the buckets sum to the totals whatever a provider writes. Where the total shows that reasoning or
    /// search counts stand beside the answer (xAI, Perplexity), they are added.
    fn from(usage: &Usage) -> Self {
        let mut buckets = Self::default();
        prompt(usage, &mut buckets);
        answer(usage, &mut buckets);
        if let Some(tools) = &usage.server_tool_use {
            buckets.set(Unit::WebSearch, tools.web_search_requests);
        }
        let searches = number(&usage.extra, "num_search_queries");
        if searches > 0 {
            buckets.set(Unit::WebSearch, searches);
        }
        buckets.set(Unit::Citation, number(&usage.extra, "citation_tokens"));
        buckets.set(Unit::Page, number(&usage.extra, "pages_processed"));
        buckets.set(Unit::Query, number(&usage.extra, "search_units"));
        buckets
    }
}

fn prompt(usage: &Usage, buckets: &mut Buckets) {
    let details = usage.prompt_tokens_details.clone().unwrap_or_default();
    let mut rest = Rest(usage.prompt_tokens);
    let hits = number(&usage.extra, "prompt_cache_hit_tokens");
    let read = rest.take(details.cached_tokens.max(usage.cache_read_input_tokens).max(hits));
    let written = details.cache_creation_tokens.max(details.cache_write_tokens).max(usage.cache_creation_input_tokens);
    let written = rest.take(written);

    let mut left = Rest(read);
    let cached = details.extra.get("cached_tokens_details").and_then(Value::as_object).cloned().unwrap_or_default();
    buckets.set(Unit::CacheReadAudio, left.take(number(&cached, "audio_tokens")));
    buckets.set(Unit::CacheReadImage, left.take(number(&cached, "image_tokens")));
    buckets.set(Unit::CacheRead, left.0);

    let mut left = Rest(written);
    let by_time = details.cache_creation_token_details.unwrap_or_default();
    buckets.set(Unit::CacheWrite1h, left.take(by_time.ephemeral_1h_input_tokens));
    buckets.set(Unit::CacheWrite, left.0);

    // What was read from the cache is in the modality's count as well.
    let fresh = |count: u64, cached: Unit| count.saturating_sub(buckets.get(cached));
    let (audio, image) =
        (fresh(details.audio_tokens, Unit::CacheReadAudio), fresh(details.image_tokens, Unit::CacheReadImage));
    buckets.set(Unit::InputAudio, rest.take(audio));
    buckets.set(Unit::InputImage, rest.take(image));
    buckets.set(Unit::InputVideo, rest.take(details.video_tokens));
    buckets.set(Unit::Input, rest.0);
}

fn answer(usage: &Usage, buckets: &mut Buckets) {
    let details = usage.completion_tokens_details.clone().unwrap_or_default();
    let beside = number(&usage.extra, "reasoning_tokens");
    let sum = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    let outside = details.reasoning_tokens > 0 && usage.total_tokens == sum.saturating_add(details.reasoning_tokens);
    let extra = if outside { details.reasoning_tokens } else { 0 };
    let mut rest = Rest(usage.completion_tokens.saturating_add(extra));
    buckets.set(Unit::OutputAudio, rest.take(details.audio_tokens));
    buckets.set(Unit::OutputImage, rest.take(details.image_tokens));
    buckets.set(Unit::OutputVideo, rest.take(number(&details.extra, "video_tokens")));
    let reasoning = rest.take(details.reasoning_tokens);
    // Perplexity counts reasoning at the top level, beside the answer and not in it.
    let beside = if details.reasoning_tokens == 0 { beside } else { 0 };
    buckets.set(Unit::Reasoning, reasoning.saturating_add(beside));
    buckets.set(Unit::Output, rest.0);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(json: &str) -> Buckets {
        Buckets::from(&serde_json::from_str::<Usage>(json).unwrap())
    }

    #[test]
    fn details_that_exceed_the_total_are_cut_to_it() {
        let buckets = buckets(
            r#"{"prompt_tokens":100,"completion_tokens":10,"total_tokens":110,
                "prompt_tokens_details":{"cached_tokens":90,"audio_tokens":100},
                "completion_tokens_details":{"reasoning_tokens":900}}"#,
        );
        assert_eq!(
            (buckets.get(Unit::CacheRead), buckets.get(Unit::InputAudio), buckets.get(Unit::Input)),
            (90, 10, 0)
        );
        assert_eq!(buckets.tokens(), 110);
    }

    #[test]
    fn cached_audio_is_not_paid_as_audio_again() {
        let buckets = buckets(
            r#"{"prompt_tokens":1000,"prompt_tokens_details":{"cached_tokens":600,"audio_tokens":700,
                "cached_tokens_details":{"audio_tokens":500,"text_tokens":100}}}"#,
        );
        let counts =
            [Unit::CacheReadAudio, Unit::CacheRead, Unit::InputAudio, Unit::Input].map(|unit| buckets.get(unit));
        assert_eq!(counts, [500, 100, 200, 200]);
    }

    #[test]
    fn reasoning_beside_the_answer_is_added() {
        let buckets = buckets(
            r#"{"prompt_tokens":1000,"completion_tokens":200,"total_tokens":1700,
                "completion_tokens_details":{"reasoning_tokens":500}}"#,
        );
        assert_eq!((buckets.get(Unit::Output), buckets.get(Unit::Reasoning), buckets.tokens()), (200, 500, 1700));
    }
}
