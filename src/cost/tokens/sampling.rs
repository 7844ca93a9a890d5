//! Counts text by the best means at hand, and long text by samples.

use super::bpe::Vocabulary;
use super::estimate::estimate;
use super::models::Family;
use super::{Encoding, Method, TokenCount};

/// Bytes up to which text is counted whole, 1 MiB: 250,000 tokens of English, in wasm 25 ms of prose and at most half a
/// second of hostile text. What is longer is counted in 16 evenly spaced samples that have this length together,
/// and the sum is scaled.
pub const MOST_BYTES: usize = 1 << 20;

/// LiteLLM takes as many.
const SAMPLES: usize = 16;

/// Error of a scaled count beside that of the count itself, in percent: text is rarely even.
const SAMPLE_ERROR: u32 = 5;

/// How tokens are counted.
#[derive(Clone, Copy, Debug)]
pub enum Counter<'a> {
    /// With the model's vocabulary.
    Exact(&'a Vocabulary),
    /// By the estimator.
    Estimate(Family),
}

impl Counter<'_> {
    /// Counts a text: whole up to [`MOST_BYTES`], else by samples, which makes it an estimate.
    pub fn count(&self, text: &str) -> TokenCount {
        self.count_up_to(text, MOST_BYTES)
    }

    /// Counts a text: whole up to `most` bytes, else by samples of that length together.
    pub fn count_up_to(&self, text: &str, most: usize) -> TokenCount {
        if text.len() <= most {
            return self.count_whole(text);
        }
        let length = (most / SAMPLES).max(1);
        let last_start = text.len().saturating_sub(length);
        let (mut tokens, mut bytes, mut error_percent) = (0, 0, 0);
        for sample in 0..SAMPLES {
            let from = text.floor_char_boundary(last_start * sample / (SAMPLES - 1));
            let sample = text.get(from..text.ceil_char_boundary(from + length)).unwrap_or_default();
            let count = self.count_whole(sample);
            tokens += u128::from(count.value);
            bytes += sample.len() as u128;
            error_percent = count.error_percent;
        }
        let value = (tokens * text.len() as u128).div_ceil(bytes.max(1)) as u64;
        TokenCount { value, method: Method::Estimated, error_percent: error_percent + SAMPLE_ERROR }
    }

    fn count_whole(self, text: &str) -> TokenCount {
        match self {
            Self::Exact(vocabulary) => TokenCount::exact(vocabulary.count(text)),
            Self::Estimate(family) => estimate(text, family),
        }
    }

    /// The family that it counts for.
    pub fn family(&self) -> Family {
        match self {
            Self::Exact(vocabulary) if vocabulary.encoding() == Encoding::Cl100kBase => Family::OpenAiOld,
            Self::Exact(_) => Family::OpenAi,
            Self::Estimate(family) => *family,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_scaled_from_samples_and_says_so() {
        let vocabulary = super::super::cl100k();
        let counter = Counter::Exact(&vocabulary);
        let text = "Größe und Farbe; 12345 Stück. 価格は変わります。\n".repeat(2_000);
        let whole = counter.count(&text);
        assert_eq!(whole.method, Method::Exact);
        let sampled = counter.count_up_to(&text, text.len() / 10);
        assert_eq!(sampled.method, Method::Estimated);
        assert!(sampled.value.abs_diff(whole.value) * 50 <= whole.value, "{sampled:?} for {whole:?}");
        assert_eq!(counter.count_up_to(&text, text.len()), whole);
    }

    #[test]
    fn the_smallest_bounds_do_not_panic() {
        let counter = Counter::Estimate(Family::Gemini);
        for most in 0..40 {
            assert!(counter.count_up_to("価格は変わります。価格は変わります。", most).value > 0);
        }
    }
}
