//! `LiteLLM`'s names of prices, read and written: `input_cost_per_token_above_200k_tokens_flex`.

use super::rates::Rate;
use super::unit::{Tier, Unit};

/// `LiteLLM`'s names of prices, without bracket and tier; of two for one unit the first is the one that is written.
const FIELDS: &[(&str, Unit)] = &[
    ("input_cost_per_token", Unit::Input),
    ("output_cost_per_token", Unit::Output),
    ("cache_read_input_token_cost", Unit::CacheRead),
    ("input_cost_per_token_cache_hit", Unit::CacheRead),
    ("cache_creation_input_token_cost", Unit::CacheWrite),
    ("cache_creation_input_token_cost_above_1hr", Unit::CacheWrite1h),
    ("cache_creation_input_token_cost_above_12hr", Unit::CacheWrite12h),
    ("cache_read_input_audio_token_cost", Unit::CacheReadAudio),
    ("cache_read_input_image_token_cost", Unit::CacheReadImage),
    ("cache_creation_input_audio_token_cost", Unit::CacheWriteAudio),
    ("output_cost_per_reasoning_token", Unit::Reasoning),
    ("input_cost_per_audio_token", Unit::InputAudio),
    ("output_cost_per_audio_token", Unit::OutputAudio),
    ("input_cost_per_image_token", Unit::InputImage),
    ("output_cost_per_image_token", Unit::OutputImage),
    ("input_cost_per_video_token", Unit::InputVideo),
    ("output_cost_per_video_token", Unit::OutputVideo),
    ("citation_cost_per_token", Unit::Citation),
    ("input_cost_per_request", Unit::Request),
    ("input_cost_per_query", Unit::Query),
    ("input_cost_per_image", Unit::ImageIn),
    ("output_cost_per_image", Unit::ImageOut),
    ("input_cost_per_pixel", Unit::PixelIn),
    ("output_cost_per_pixel", Unit::PixelOut),
    ("input_cost_per_character", Unit::CharacterIn),
    ("output_cost_per_character", Unit::CharacterOut),
    ("input_cost_per_second", Unit::SecondIn),
    ("output_cost_per_second", Unit::SecondOut),
    ("output_cost_per_video_per_second", Unit::SecondOut),
    ("input_cost_per_audio_per_second", Unit::AudioSecondIn),
    ("input_cost_per_video_per_second", Unit::VideoSecondIn),
    ("ocr_cost_per_page", Unit::Page),
    ("annotation_cost_per_page", Unit::AnnotatedPage),
    ("google_maps_grounding_cost_per_query", Unit::MapsQuery),
    ("code_interpreter_cost_per_session", Unit::CodeSession),
    ("input_cost_per_text_message", Unit::TextMessage),
    ("ocr_cost_per_credit", Unit::Credit),
    ("output_cost_per_image_512", Unit::ImageOut512),
    ("output_cost_per_image_1024", Unit::ImageOut1024),
    ("output_cost_per_image_1536", Unit::ImageOut1536),
    ("output_cost_per_image_0.5K", Unit::ImageOutHalfK),
    ("output_cost_per_image_1K", Unit::ImageOut1K),
    ("output_cost_per_image_2K", Unit::ImageOut2K),
    ("output_cost_per_image_4K", Unit::ImageOut4K),
    ("output_cost_per_second_480p", Unit::SecondOut480p),
    ("output_cost_per_second_720p", Unit::SecondOut720p),
    ("output_cost_per_second_768p", Unit::SecondOut768p),
    ("output_cost_per_second_1080p", Unit::SecondOut1080p),
    ("output_cost_per_second_2k", Unit::SecondOut2k),
    ("output_cost_per_second_4k", Unit::SecondOut4k),
    ("cost_per_second", Unit::ProvisionedSecond),
    ("regional_processing_uplift_multiplier_us", Unit::TimesUs),
    ("regional_processing_uplift_multiplier_eu", Unit::TimesEu),
    ("regional_endpoint_uplift_multiplier", Unit::TimesRegional),
];
const TIERS: &[(&str, Tier)] = &[
    ("_batches", Tier::Batch),
    ("_flex", Tier::Flex),
    ("_priority", Tier::Priority),
    ("_ultrafast", Tier::Ultrafast),
    ("_balanced", Tier::Balanced),
    ("_decisions", Tier::Decisions),
];

/// Splits `input_cost_per_token_above_200k_tokens_flex` into unit, bracket and tier.
pub(super) fn split(name: &str) -> Option<(Unit, u64, Tier)> {
    let tier = TIERS.iter().find_map(|(suffix, tier)| Some((name.strip_suffix(suffix)?, *tier)));
    let (rest, tier) = tier.unwrap_or((name, Tier::Standard));
    let bracket = || {
        let (field, thousands) = rest.strip_suffix("k_tokens")?.rsplit_once("_above_")?;
        Some((field, thousands.parse::<u64>().ok()?.checked_mul(1_000)?))
    };
    let (field, above) = bracket().unwrap_or((rest, 0));
    let (_, unit) = FIELDS.iter().find(|(known, _)| *known == field)?;
    Some((*unit, above, tier))
}

/// `LiteLLM`'s name of a price; `None` where it has none of its own: searches and the factors of a speed or a place stand
/// in objects of theirs there.
///
/// # Examples
///
/// ```
/// use tollgate::cost::{Price, Rate, Tier, Unit, field_name};
///
/// let rate = Rate { unit: Unit::Input, tier: Tier::Flex, above: 272_000, price: Price::FREE };
/// assert_eq!(field_name(&rate).unwrap(), "input_cost_per_token_above_272k_tokens_flex");
/// assert_eq!(field_name(&Rate { unit: Unit::WebSearch, ..rate }), None);
/// ```
pub fn field_name(rate: &Rate) -> Option<String> {
    let (field, _) = FIELDS.iter().find(|(_, unit)| *unit == rate.unit)?;
    // xAI's long prompts begin at the threshold itself: the table has one token less.
    let thousands =
        [rate.above, rate.above + 1].into_iter().find(|above| above % 1_000 == 0).map(|above| above / 1_000);
    let bracket = match thousands? {
        0 => String::new(),
        thousands => format!("_above_{thousands}k_tokens"),
    };
    let tier = match rate.tier {
        Tier::Standard => "",
        tier => TIERS.iter().find(|(_, known)| *known == tier)?.0,
    };
    Some(format!("{field}{bracket}{tier}"))
}

#[cfg(test)]
mod tests {
    use super::super::price::Price;
    use super::*;

    #[test]
    fn names_are_split_into_unit_bracket_and_tier() {
        assert_eq!(split("input_cost_per_token"), Some((Unit::Input, 0, Tier::Standard)));
        let all = split("cache_creation_input_token_cost_above_1hr_above_200k_tokens_batches");
        assert_eq!(all, Some((Unit::CacheWrite1h, 200_000, Tier::Batch)));
        for other in ["model", "input_cost_per_token_above_k_tokens", "rpm", "input_cost", "above_1k_tokens"] {
            assert_eq!(split(other), None, "{other}");
        }
    }

    #[test]
    fn written_names_are_read_back() {
        for (unit, above, tier) in [
            (Unit::CacheWrite1h, 200_000, Tier::Batch),
            (Unit::CacheRead, 0, Tier::Priority),
            (Unit::Input, 32_000, Tier::Standard),
            (Unit::ImageOut4K, 0, Tier::Standard),
        ] {
            let name = field_name(&Rate { unit, tier, above, price: Price::FREE }).unwrap();
            assert_eq!(split(&name), Some((unit, above, tier)), "{name}");
        }
        let xai = Rate { unit: Unit::Output, tier: Tier::Standard, above: 127_999, price: Price::FREE };
        assert_eq!(field_name(&xai).unwrap(), "output_cost_per_token_above_128k_tokens");
        assert_eq!(field_name(&Rate { above: 1_500, ..xai }), None);
    }
}
