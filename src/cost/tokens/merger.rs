//! Merges the bytes of pieces into tokens, and remembers the pieces that a text repeats.

use super::bpe::{NONE, Vocabulary};
use super::long_piece;

/// Bytes up to which a piece is merged by scanning for the lowest rank; longer ones use a heap. At 64 bytes a scan
/// costs as much as the heap, and bounds the work for a byte of hostile text.
const SCANNED: usize = 64;

/// A piece that was counted: where it is in the text, and its tokens.
#[derive(Clone, Copy, Default)]
struct Seen {
    start: u32,
    length: u16,
    tokens: u16,
}

/// Merges pieces; its buffers and its memory of pieces live as long as one count.
pub(super) struct Merger<'a> {
    vocabulary: &'a Vocabulary,
    ids: Vec<u32>,
    ranks: Vec<u32>,
    /// Direct-mapped; a text repeats its words, and comparing one is cheaper than merging it again.
    seen: Vec<Seen>,
}

impl<'a> Merger<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary, length: usize) -> Self {
        // 32 KB at most, which stays in the processor's first cache.
        let slots = (length / 16).next_power_of_two().clamp(16, 4096);
        Self { vocabulary, ids: Vec::new(), ranks: Vec::new(), seen: vec![Seen::default(); slots] }
    }

    pub(super) fn count(&mut self, text: &str, piece: &str) -> u64 {
        let bytes = piece.as_bytes();
        if bytes.len() <= 1 {
            return bytes.len() as u64;
        }
        if bytes.len() > SCANNED {
            self.start(bytes);
            return long_piece::count(self.vocabulary, &self.ids);
        }
        let at = (piece_hash(bytes) >> 40) as usize & (self.seen.len() - 1);
        if let Some(seen) = self.seen.get(at).copied() {
            let start = seen.start as usize;
            if usize::from(seen.length) == bytes.len() && text.as_bytes().get(start..start + bytes.len()) == Some(bytes)
            {
                return u64::from(seen.tokens);
            }
        }
        let tokens = self.merge_by_scan(bytes);
        let start = piece.as_ptr() as usize - text.as_ptr() as usize;
        if let (Some(slot), Ok(start)) = (self.seen.get_mut(at), u32::try_from(start)) {
            *slot = Seen { start, length: bytes.len() as u16, tokens: tokens as u16 };
        }
        tokens
    }

    fn start(&mut self, bytes: &[u8]) {
        let vocabulary = self.vocabulary;
        self.ids.clear();
        self.ids.extend(bytes.iter().map(|byte| vocabulary.byte(*byte)));
    }

    /// Merges the pair of the lowest rank, the leftmost of equals, until none merges.
    fn merge_by_scan(&mut self, bytes: &[u8]) -> u64 {
        self.start(bytes);
        let (vocabulary, ids, ranks) = (self.vocabulary, &mut self.ids, &mut self.ranks);
        ranks.clear();
        ranks.extend(ids.windows(2).map(|two| match two {
            [left, right] => vocabulary.merge(*left, *right),
            _ => NONE,
        }));
        ranks.push(NONE);
        loop {
            #[cfg(test)]
            super::work::add(ranks.len() as u64);
            let (mut rank, mut at) = (NONE, 0);
            for (index, &candidate) in ranks.iter().enumerate() {
                if candidate < rank {
                    (rank, at) = (candidate, index);
                }
            }
            if rank == NONE {
                return ids.len() as u64;
            }
            ids.remove(at + 1);
            ranks.remove(at + 1);
            if let Some(id) = ids.get_mut(at) {
                *id = rank;
            }
            let right = ids.get(at + 1).map_or(NONE, |right| vocabulary.merge(rank, *right));
            if let Some(slot) = ranks.get_mut(at) {
                *slot = right;
            }
            if let Some(before) = at.checked_sub(1)
                && let (Some(left), Some(slot)) = (ids.get(before), ranks.get_mut(before))
            {
                *slot = vocabulary.merge(*left, rank);
            }
        }
    }
}

fn piece_hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    for chunk in bytes.chunks(8) {
        let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        hash = (hash.rotate_left(23) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
    hash
}
