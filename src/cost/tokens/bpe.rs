//! Exact token counts: byte-pair encoding on merge pairs, without the tokens' bytes.
//!
//! Every token but the 256 bytes is the merge of two older tokens, and a token's id is the rank of its merge. So two
//! columns of ids are a whole vocabulary, and counting needs one look-up: (left, right) → id.

use super::Encoding;
use super::merger::Merger;
use super::pretokenize::Pieces;
use crate::error::{Error, Kind, Result};

/// Ids have 18 bits: the largest vocabulary, o200k, has 199,998 tokens.
const ID_BITS: u32 = 18;
const ID_MASK: u64 = (1 << ID_BITS) - 1;
/// No merge; larger than every id.
pub(super) const NONE: u32 = u32::MAX;
/// The right half of a token that is a byte.
const IS_BYTE: u32 = 0xFF_FFFF;
/// A slot of the table that holds nothing; no pair of ids looks so.
const EMPTY: u64 = u64::MAX;

/// A vocabulary that is ready to count with; about 4 MB for o200k, 2 MB for cl100k.
#[derive(Clone)]
pub struct Vocabulary {
    encoding: Encoding,
    /// Open addressing: `left << 36 | right << 18 | id`.
    table: Vec<u64>,
    bytes: [u32; 256],
}

impl std::fmt::Debug for Vocabulary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vocabulary").field("encoding", &self.encoding).finish_non_exhaustive()
    }
}

impl Vocabulary {
    /// Reads unpacked merge planes (`www/vocab/README.md`).
    ///
    /// ```
    /// use tollgate::cost::tokens::{Encoding, Vocabulary};
    ///
    /// # fn unpack(path: &str) -> Vec<u8> {
    /// #     let mut planes = Vec::new();
    /// #     let file = std::fs::File::open(path).unwrap();
    /// #     std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(file), &mut planes).unwrap();
    /// #     planes
    /// # }
    /// let planes = unpack("www/vocab/cl100k_base.bin.gz");
    /// let vocabulary = Vocabulary::load(Encoding::Cl100kBase, &planes)?;
    /// assert_eq!(vocabulary.count("You are a bot."), 5);
    /// assert!(Vocabulary::load(Encoding::O200kBase, &planes).is_err());
    /// # Ok::<(), tollgate::error::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Another length or checksum than the encoding's, an id that is not older than its token, a byte that is missing
    /// or there twice, a pair that is there twice.
    pub fn load(encoding: Encoding, planes: &[u8]) -> Result<Self> {
        let vocabulary = Self::read(encoding, planes)?;
        // A flipped bit can make a vocabulary that is well formed and counts wrongly.
        if checksum(planes) != encoding.checksum() {
            return Err(bad(encoding, "its checksum is another"));
        }
        Ok(vocabulary)
    }

    fn read(encoding: Encoding, planes: &[u8]) -> Result<Self> {
        let (head, planes) = planes.split_first_chunk().ok_or_else(|| bad(encoding, "it is cut off"))?;
        let size = u32::from_le_bytes(*head) as usize;
        if !(256..1 << ID_BITS).contains(&size) || planes.len() != size * 6 {
            return Err(bad(encoding, "its length is not what its head says"));
        }
        let mut columns = planes.chunks_exact(size);
        let mut column = || {
            let mut plane = || columns.next().unwrap_or_default().iter();
            let (low, middle, high) = (plane(), plane(), plane());
            low.zip(middle).zip(high).map(|((&low, &middle), &high)| u32::from_le_bytes([low, middle, high, 0]))
        };
        let (lefts, rights) = (column(), column());
        let mut vocabulary = Self { encoding, table: vec![EMPTY; (size * 2).next_power_of_two()], bytes: [NONE; 256] };
        for (id, (left, right)) in (0_u32..).zip(lefts.zip(rights)) {
            vocabulary.add(id, left, right).ok_or_else(|| bad(encoding, "a token is not a byte or a merge"))?;
        }
        if vocabulary.bytes.contains(&NONE) {
            return Err(bad(encoding, "a byte is missing"));
        }
        Ok(vocabulary)
    }

    fn add(&mut self, id: u32, left: u32, right: u32) -> Option<()> {
        if right == IS_BYTE {
            let byte = self.bytes.get_mut(left as usize).filter(|byte| **byte == NONE)?;
            *byte = id;
            return Some(());
        }
        if left >= id || right >= id {
            return None;
        }
        let pair = pair(left, right);
        let mask = self.table.len() - 1;
        let mut at = slot(pair, mask);
        loop {
            let found = self.table.get_mut(at)?;
            if *found == EMPTY {
                *found = pair << ID_BITS | u64::from(id);
                return Some(());
            }
            if *found >> ID_BITS == pair {
                return None;
            }
            at = (at + 1) & mask;
        }
    }

    /// Which encoding it counts.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Counts the tokens of a text, exactly; marks of special tokens (`<|endoftext|>`) count as the text that they are.
    ///
    /// The work is linear in the text's length but for a logarithm in the length of its longest piece. The caller
    /// bounds the length: `Counter::count`.
    pub fn count(&self, text: &str) -> u64 {
        let mut merger = Merger::new(self, text.len());
        Pieces::new(text, self.encoding).map(|piece| merger.count(text, piece)).sum()
    }

    /// The id of the merge of two tokens, which is its rank; [`NONE`] where they do not merge.
    #[inline]
    pub(super) fn merge(&self, left: u32, right: u32) -> u32 {
        #[cfg(test)]
        super::work::add(1);
        let pair = pair(left, right);
        let mask = self.table.len() - 1;
        let mut at = slot(pair, mask);
        while let Some(&found) = self.table.get(at) {
            if found >> ID_BITS == pair {
                return (found & ID_MASK) as u32;
            }
            if found == EMPTY {
                break;
            }
            at = (at + 1) & mask;
        }
        NONE
    }

    /// The token that a byte is.
    pub(super) fn byte(&self, byte: u8) -> u32 {
        self.bytes.get(usize::from(byte)).copied().unwrap_or(NONE)
    }

    /// Whether two bytes are a token.
    #[cfg(test)]
    pub(super) fn merges_bytes(&self, left: u8, right: u8) -> bool {
        self.merge(self.byte(left), self.byte(right)) != NONE
    }
}

fn pair(left: u32, right: u32) -> u64 {
    u64::from(left) << ID_BITS | u64::from(right)
}

fn slot(pair: u64, mask: usize) -> usize {
    // Fibonacci hashing: the upper bits of the product depend on all bits of the pair.
    (pair.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as usize & mask
}

fn bad(encoding: Encoding, why: &str) -> Error {
    let message = format!("the vocabulary `{}` cannot be read: {why}; install it again", encoding.name());
    Error::new(Kind::InternalServer, message)
}

/// FNV-1a over words of eight bytes.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0xCBF2_9CE4_8422_2325_u64 ^ bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let mut word = [0; 8];
        for (to, from) in word.iter_mut().zip(chunk) {
            *to = *from;
        }
        sum = (sum ^ u64::from_le_bytes(word)).wrapping_mul(0x100_0000_01B3);
        // FNV alone never carries a high bit down.
        sum ^= sum >> 32;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_linear_on_hostile_text() {
        // 1 MB against 2 MB where the build is optimised; steps are the same on every machine.
        let size = if cfg!(debug_assertions) { 1 << 17 } else { 1 << 21 };
        let mut seed = 7_u32;
        let mut random = |alphabet: &[u8]| -> String {
            let mut letter = || {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                alphabet[(seed >> 16) as usize % alphabet.len()] as char
            };
            (0..size).map(|_| letter()).collect()
        };
        let letters = random(b"abcdefghijklmnopqrstuvwxyz");
        let base64 = random(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
        let repeated = |unit: &str| unit.repeat(size / unit.len());
        let texts = [letters, base64, repeated("a"), repeated(" "), repeated("中"), repeated("="), repeated("\n ")];
        for vocabulary in [super::super::o200k(), super::super::cl100k()] {
            for text in &texts {
                let (half, _) = text.split_at(text.floor_char_boundary(text.len() / 2));
                let (start, _) = text.split_at(6);
                let (_, one) = super::super::work::measure(|| vocabulary.count(half));
                let (_, two) = super::super::work::measure(|| vocabulary.count(text));
                // A heap of twice the size is one level deeper: 6 % of 16.
                assert!(two * 100 <= one * 213, "{start:?}: {one} steps for a half, {two} for all");
                // About four times the depth of the heap.
                assert!(one < 80 * half.len() as u64, "{start:?}: {one} steps for a half");
            }
        }
    }

    #[test]
    fn every_changed_vocabulary_is_refused_and_none_panics() {
        let good = super::super::planes("cl100k_base");
        let refused = |planes: &[u8]| Vocabulary::load(Encoding::Cl100kBase, planes).is_err();
        for length in [0, 3, 4, 5, 1000, good.len() - 1] {
            assert!(refused(&good[..length]), "{length} bytes");
        }
        assert!(refused(&[good.as_slice(), &[0]].concat()));
        assert!(Vocabulary::load(Encoding::O200kBase, &good).is_err());
        let mut well_formed = 0;
        for step in 0..60_usize {
            let mut planes = good.clone();
            let at = if step < 4 { step } else { step.wrapping_mul(7_368_787) % good.len() };
            planes[at] ^= 1 << (step % 8);
            assert!(refused(&planes), "byte {at}");
            // Even where the checksum would hold, counting ends and does not panic.
            if let Ok(vocabulary) = Vocabulary::read(Encoding::Cl100kBase, &planes) {
                well_formed += 1;
                assert!(vocabulary.count("The quick brown fox, 12345 日本語") >= 8);
            }
        }
        assert!(well_formed > 10, "the structure alone refuses nearly all");
    }
}
