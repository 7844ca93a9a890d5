//! Tokens of sound and documents, reckoned from their size: what they hold is not decoded.

use super::TokenCount;
use super::models::Family;

/// Error of a count from the size alone, in percent.
const ERROR: u32 = 100;

/// Estimates the tokens of base64 audio.
///
/// Gemini counts 32 a second (<https://ai.google.dev/gemini-api/docs/audio>), OpenAI 10
/// (<https://platform.openai.com/docs/guides/realtime-costs>).
pub(super) fn audio(base64: usize, format: &str, family: Family) -> TokenCount {
    let bytes = decoded(base64);
    // PCM of 16 bits at 24 kHz, and 64 kbit/s for compressed speech.
    let a_second = if matches!(format, "wav" | "pcm16" | "audio/wav") { 48_000 } else { 8_000 };
    let tokens = if matches!(family, Family::OpenAi | Family::OpenAiOld) { 10 } else { 32 };
    TokenCount::estimated((bytes * tokens).div_ceil(a_second).max(1), ERROR)
}

/// The most tokens of base64 audio: no codec in use has less than 6 kbit/s of speech, and no provider counts more than
/// 32 a second.
pub(super) fn most_audio(base64: usize) -> u64 {
    (decoded(base64) * 32).div_ceil(750).max(32)
}

/// Bytes of a page of a PDF: text with fonts and some pictures.
const PAGE_BYTES: u64 = 40_000;
/// Pages that a request may have: Anthropic's bound for large contexts, Gemini's is 1,000.
const MOST_PAGES: u64 = 1_000;

/// Estimates the tokens of a base64 PDF.
///
/// Gemini counts a page as an image of 258 tokens (<https://ai.google.dev/gemini-api/docs/document-processing>);
/// Anthropic 1,500 to 3,000 for the text of a page and an image besides
/// (<https://docs.anthropic.com/en/docs/build-with-claude/pdf-support>); OpenAI text and image too.
pub(super) fn document(base64: usize, family: Family) -> TokenCount {
    let pages = decoded(base64).div_ceil(PAGE_BYTES).clamp(1, MOST_PAGES);
    let page = match family {
        Family::Gemini => 258,
        Family::Claude | Family::Claude46 => 2_250 + 1_568,
        _ => 1_000,
    };
    TokenCount::estimated(pages * page, ERROR)
}

/// A generous number of tokens of a base64 PDF. No proof: a page can be compressed to any smallness, so a page of 1 KB
/// with 3,000 tokens of text and the largest image is assumed, up to the pages that providers take.
pub(super) fn most_document(base64: usize) -> u64 {
    decoded(base64).div_ceil(1_000).clamp(1, MOST_PAGES) * (3_000 + 4_784)
}

fn decoded(base64: usize) -> u64 {
    (base64 as u64).div_ceil(4) * 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_give_seconds_and_pages() {
        // A minute of PCM, base64.
        assert_eq!(audio(48_000 * 60 * 4 / 3, "wav", Family::Gemini).value, 32 * 60);
        assert_eq!(audio(48_000 * 60 * 4 / 3, "wav", Family::OpenAi).value, 600);
        assert_eq!(document(400_000 * 4 / 3, Family::Gemini).value, 258 * 11);
    }

    #[test]
    fn bounds_are_above_estimates() {
        for family in Family::ALL {
            for size in [0, 1, 1_000, 1_000_000, 50_000_000] {
                assert!(audio(size, "mp3", family).value <= most_audio(size));
                assert!(document(size, family).value <= most_document(size), "{family:?} {size}");
            }
        }
    }
}
