//! Tokens before a call: counted exactly where a vocabulary is at hand, else estimated or bounded.

mod bound;
mod bpe;
mod chat;
mod estimate;
mod fitted;
mod image_size;
mod images;
mod kinds;
mod learn;
mod long_piece;
mod media;
mod merger;
mod models;
mod overhead;
mod pretokenize;
mod sampling;
mod tool_text;
mod unicode;

pub use bound::upper_bound;
pub use bpe::Vocabulary;
pub use chat::{Manner, chat_upper_bound, count_chat};
pub use estimate::estimate;
pub use images::{ImageRule, image_rule};
pub use learn::Factor;
pub use models::{Family, encoding_of, family_of};
pub use sampling::{Counter, MOST_BYTES};

/// A byte-pair encoding that can be counted exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Encoding {
    /// OpenAI's models since GPT-4o; gpt-oss (`o200k_harmony`) has the same tokens but for special ones.
    O200kBase,
    /// GPT-4, GPT-3.5 and OpenAI's embedding models.
    Cl100kBase,
}

impl Encoding {
    /// tiktoken's name, which is the asset's too.
    pub fn name(self) -> &'static str {
        match self {
            Self::O200kBase => "o200k_base",
            Self::Cl100kBase => "cl100k_base",
        }
    }

    /// Of the unpacked merge planes.
    fn checksum(self) -> u64 {
        match self {
            Self::O200kBase => 0x8161_128A_5BE6_BA0B,
            Self::Cl100kBase => 0x30D7_CF56_E257_C293,
        }
    }
}

/// How a number of tokens was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Counted with the model's own vocabulary.
    Exact,
    /// Estimated.
    Estimated,
}

/// A number of tokens and how far it can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenCount {
    /// Tokens.
    pub value: u64,
    /// How they were found.
    pub method: Method,
    /// The error to expect, in percent of the value; 0 where it is exact.
    pub error_percent: u32,
}

impl TokenCount {
    /// A count that is certain.
    pub fn exact(value: u64) -> Self {
        Self { value, method: Method::Exact, error_percent: 0 }
    }

    /// A count that may be off by `error_percent`.
    pub fn estimated(value: u64, error_percent: u32) -> Self {
        Self { value, method: Method::Estimated, error_percent }
    }

    /// The sum of two counts; one estimate makes it an estimate, whose error is the mean weighed by tokens.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        let value = self.value.saturating_add(other.value);
        if self.method == Method::Exact && other.method == Method::Exact {
            return Self::exact(value);
        }
        let weight = |count: Self| u128::from(count.value) * u128::from(count.error_percent);
        let error = (weight(self) + weight(other)).div_ceil(u128::from(value.max(1)));
        Self::estimated(value, error as u32)
    }
}

/// Unpacks an asset of `www/vocab/`.
#[cfg(test)]
fn planes(name: &str) -> Vec<u8> {
    let path = format!("{}/www/vocab/{name}.bin.gz", env!("CARGO_MANIFEST_DIR"));
    let mut planes = Vec::new();
    let file = std::fs::File::open(path).unwrap();
    std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut planes).unwrap();
    planes
}

#[cfg(test)]
fn o200k() -> Vocabulary {
    Vocabulary::load(Encoding::O200kBase, &planes("o200k_base")).unwrap()
}

#[cfg(test)]
fn cl100k() -> Vocabulary {
    Vocabulary::load(Encoding::Cl100kBase, &planes("cl100k_base")).unwrap()
}

/// Steps that counting took, so that tests can prove its bound without a clock.
#[cfg(test)]
mod work {
    use std::cell::Cell;

    thread_local!(static STEPS: Cell<u64> = const { Cell::new(0) });

    pub(super) fn add(steps: u64) {
        STEPS.with(|total| total.set(total.get() + steps));
    }

    pub(super) fn measure<T>(run: impl FnOnce() -> T) -> (T, u64) {
        STEPS.with(|total| total.set(0));
        let result = run();
        (result, STEPS.with(Cell::get))
    }
}
