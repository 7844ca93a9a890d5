//! Tokens before a call: counted exactly where a vocabulary is at hand, else estimated or bounded.

mod bpe;
mod long_piece;
mod pretokenize;
mod unicode;

pub use bpe::Vocabulary;

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

/// Unpacks an asset of `vocab/`.
#[cfg(test)]
fn planes(name: &str) -> Vec<u8> {
    let path = format!("{}/vocab/{name}.bin.gz", env!("CARGO_MANIFEST_DIR"));
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
