//! Tokens of an image by the providers' formulas, with the largest that each can come to.

use super::TokenCount;
use super::models::{Family, claude_version};

/// How a model counts images.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ImageRule {
    /// OpenAI: a base and tiles of 512 pixels.
    Tiles {
        /// Tokens of every image; all of them where detail is low.
        base: u64,
        /// Tokens of a tile.
        tile: u64,
    },
    /// OpenAI: patches of 32 pixels, at most `budget`, each `percent` / 100 of a token.
    Patches {
        /// Longest side after fitting, in pixels.
        edge: u32,
        /// Most patches.
        budget: u64,
        /// Tokens of 100 patches.
        percent: u64,
    },
    /// Anthropic: patches of 28 pixels within a side and a number of tokens.
    Claude {
        /// Longest side after fitting, in pixels.
        edge: u32,
        /// Most tokens.
        most: u64,
    },
    /// Gemini up to 2.5: 258 up to 384 pixels, else for each tile of 768.
    Gemini,
    /// As many for every image; the bound is what the provider takes at most.
    Constant {
        /// Tokens expected.
        usual: u64,
        /// Tokens at most.
        most: u64,
    },
}

/// LiteLLM's count for an image of unknown size.
const UNKNOWN: u64 = 250;
/// Error of a count for an image whose size is not known, in percent.
const UNKNOWN_ERROR: u32 = 100;
/// Error of a formula, in percent: providers change them.
const FORMULA_ERROR: u32 = 10;
/// Longest side that is reckoned with; larger images are refused by all providers.
const LONGEST: u32 = 65_536;

/// Starts of OpenAI's names; the first that fits is it. OpenAI's guide "Images and vision"; LiteLLM for newer models.
/// Where the guide and measured bills differ (`gpt-5-mini`: 1.62 and 1.20), the dearer stands.
const OPENAI: &[(&str, ImageRule)] = &[
    ("gpt-4o-mini", ImageRule::Tiles { base: 2_833, tile: 5_667 }),
    ("gpt-4.1-mini", ImageRule::Patches { edge: 2_048, budget: 1_536, percent: 162 }),
    ("gpt-4.1-nano", ImageRule::Patches { edge: 2_048, budget: 1_536, percent: 246 }),
    ("o4-mini", ImageRule::Patches { edge: 2_048, budget: 1_536, percent: 172 }),
    ("gpt-5-mini", ImageRule::Patches { edge: 2_048, budget: 1_536, percent: 162 }),
    ("gpt-5-nano", ImageRule::Patches { edge: 2_048, budget: 1_536, percent: 246 }),
    ("gpt-5.2", ImageRule::Patches { edge: 2_048, budget: 6_144, percent: 120 }),
    ("gpt-5.4", ImageRule::Patches { edge: 2_048, budget: 2_500, percent: 120 }),
    ("gpt-5.5", ImageRule::Patches { edge: 6_000, budget: 10_000, percent: 120 }),
    ("gpt-5.", ImageRule::Tiles { base: 70, tile: 140 }),
    ("gpt-5", ImageRule::Tiles { base: 70, tile: 140 }),
    ("o1", ImageRule::Tiles { base: 75, tile: 150 }),
    ("o3", ImageRule::Tiles { base: 75, tile: 150 }),
    ("computer-use", ImageRule::Tiles { base: 65, tile: 129 }),
];

/// The rule of a model.
pub fn image_rule(family: Family, model: &str) -> ImageRule {
    let name = model.rsplit('/').next().unwrap_or(model).to_ascii_lowercase();
    match family {
        Family::OpenAi | Family::OpenAiOld => {
            let usual = ImageRule::Tiles { base: 85, tile: 170 };
            // 5.6 and later count all patches of an image.
            let unbounded =
                ["gpt-5.6", "gpt-5.7", "gpt-5.8", "gpt-5.9", "gpt-6"].iter().any(|start| name.starts_with(start));
            if unbounded {
                return ImageRule::Patches { edge: 65_535, budget: 65_535, percent: 120 };
            }
            OPENAI.iter().find(|(start, _)| name.starts_with(start)).map_or(usual, |(_, rule)| *rule)
        }
        Family::Claude if claude_version(&name).is_none_or(|version| version >= (4, 7)) => {
            ImageRule::Claude { edge: 2_576, most: 4_784 }
        }
        Family::Claude | Family::Claude46 => ImageRule::Claude { edge: 1_568, most: 1_568 },
        // `media_resolution` low 280, medium 560, high 1,120
        // (<https://ai.google.dev/gemini-api/docs/media-resolution>).
        Family::Gemini if name.contains("gemini-3") => ImageRule::Constant { usual: 1_120, most: 2_240 },
        Family::Gemini => ImageRule::Gemini,
        // Qwen-VL takes up to 16,384 patches of 28 pixels; no other family of this crate takes more.
        _ => ImageRule::Constant { usual: UNKNOWN, most: 16_384 },
    }
}

impl ImageRule {
    /// The tokens of an image; `size` is `None` where it is not known, as for remote images, which are never fetched.
    pub fn count(self, size: Option<(u32, u32)>, detail: Option<&str>) -> TokenCount {
        match (self, size) {
            (Self::Tiles { base, .. }, _) if detail == Some("low") => TokenCount::estimated(base, FORMULA_ERROR),
            (Self::Constant { usual, .. }, _) => TokenCount::estimated(usual, UNKNOWN_ERROR),
            (_, None) => TokenCount::estimated(UNKNOWN.min(self.most()), UNKNOWN_ERROR),
            (_, Some((width, height))) => {
                let (width, height) = (width.clamp(1, LONGEST), height.clamp(1, LONGEST));
                TokenCount::estimated(self.of_size(width, height, detail).min(self.most()), FORMULA_ERROR)
            }
        }
    }

    /// The most tokens that an image can have.
    pub fn most(self) -> u64 {
        match self {
            // 2,048 by 768 pixels.
            Self::Tiles { base, tile } => base + 8 * tile,
            Self::Patches { budget, percent, .. } => (budget * percent).div_ceil(100),
            Self::Claude { most, .. } | Self::Constant { most, .. } => most,
            // Larger images are scaled to 3,072 pixels (<https://ai.google.dev/gemini-api/docs/vision>).
            Self::Gemini => 258 * 16,
        }
    }

    fn of_size(self, width: u32, height: u32, detail: Option<&str>) -> u64 {
        match self {
            Self::Tiles { base, tile } => {
                let (width, height) = fit(width, height, 2_048, u32::max);
                let (width, height) = fit(width, height, 768, u32::min);
                base + tile * u64::from(width.div_ceil(512)) * u64::from(height.div_ceil(512))
            }
            Self::Patches { edge, budget, percent } => {
                // LiteLLM: low detail is 512 pixels.
                let edge = if detail == Some("low") { 512 } else { edge };
                let (width, height) = fit(width, height, edge, u32::max);
                (patches(width, height, budget) * percent).div_ceil(100)
            }
            Self::Claude { edge, most } => {
                let (width, height) = fit(width, height, edge, u32::max);
                (u64::from(width.div_ceil(28)) * u64::from(height.div_ceil(28))).min(most)
            }
            Self::Gemini if width <= 384 && height <= 384 => 258,
            Self::Gemini => 258 * u64::from(width.div_ceil(768)) * u64::from(height.div_ceil(768)),
            Self::Constant { usual, .. } => usual,
        }
    }
}

/// Shrinks both sides alike until the one that `side` picks is at most `bound`; never enlarges.
fn fit(width: u32, height: u32, bound: u32, side: fn(u32, u32) -> u32) -> (u32, u32) {
    let longest = side(width, height);
    if longest <= bound {
        return (width, height);
    }
    let shrink = |side: u32| ((u64::from(side) * u64::from(bound) / u64::from(longest)) as u32).max(1);
    (shrink(width), shrink(height))
}

/// Patches of 32 pixels; above the budget the image shrinks until whole patches fit in one direction (OpenAI's guide).
fn patches(width: u32, height: u32, budget: u64) -> u64 {
    let all = u64::from(width.div_ceil(32)) * u64::from(height.div_ceil(32));
    if all <= budget {
        return all;
    }
    let (across, down) = (f64::from(width) / 32.0, f64::from(height) / 32.0);
    let shrink = (budget as f64 / (across * down)).sqrt();
    let whole = |patches: f64| (patches * shrink).floor() / (patches * shrink);
    let shrink = shrink * whole(across).min(whole(down));
    let fitted = |patches: f64| ((patches * shrink - 1e-6).ceil() as u64).max(1);
    (fitted(across) * fitted(down)).min(budget)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tokens(family: Family, model: &str, size: (u32, u32), detail: &str) -> u64 {
        image_rule(family, model).count(Some(size), Some(detail)).value
    }

    #[test]
    fn documented_images_have_their_documented_tokens() {
        // OpenAI's guide: 1024² is 765, 2048 by 4096 is 1,105, low detail is 85 for GPT-4o.
        assert_eq!(tokens(Family::OpenAi, "gpt-4o", (1024, 1024), "high"), 765);
        assert_eq!(tokens(Family::OpenAi, "gpt-4o", (2048, 4096), "high"), 1_105);
        assert_eq!(tokens(Family::OpenAi, "gpt-4o", (4096, 8192), "low"), 85);
        // The same guide: 1024² is 1,024 patches; 1800 by 2400 is fitted to 1,452.
        assert_eq!(tokens(Family::OpenAi, "gpt-4.1-mini", (1024, 1024), "high"), 1_659);
        assert_eq!(patches(1800, 2400, 1_536), 1_452);
        // Gemini's guide: small images are 258, others by tiles.
        assert_eq!(tokens(Family::Gemini, "gemini-2.5-flash", (384, 384), "auto"), 258);
        assert_eq!(tokens(Family::Gemini, "gemini-2.5-flash", (960, 540), "auto"), 516);
        assert_eq!(tokens(Family::Claude46, "claude-sonnet-4-5", (1000, 1000), "auto"), 1_296);
        assert_eq!(tokens(Family::Claude, "claude-opus-4-7", (8000, 8000), "auto"), 4_784);
    }

    #[test]
    fn no_image_is_above_its_bound() {
        let models =
            ["gpt-4o", "gpt-4o-mini", "o4-mini", "gpt-5.2", "gpt-5.5", "gpt-6", "claude-opus-5", "gemini-2.5-pro", "x"];
        for family in Family::ALL {
            for model in models {
                let rule = image_rule(family, model);
                for size in [
                    None,
                    Some((0, 0)),
                    Some((1, 1)),
                    Some((1, u32::MAX)),
                    Some((u32::MAX, u32::MAX)),
                    Some((2049, 769)),
                ] {
                    for detail in [None, Some("low"), Some("high"), Some("original")] {
                        let value = rule.count(size, detail).value;
                        assert!((1..=rule.most()).contains(&value), "{model} {size:?} {detail:?}: {value}");
                    }
                }
            }
        }
    }
}
