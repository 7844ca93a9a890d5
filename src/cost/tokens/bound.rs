//! A bound on tokens that no count exceeds: reservations rest on it.
//!
//! Proof for o200k and cl100k. Merging ends when no two neighbours merge, so two bytes that are a token together are
//! never left as two tokens beside each other. The bound is the largest number of tokens that a piece can be cut into
//! under this rule alone, found exactly by dynamic programming. Pieces never merge with each other, so bounds add up.

use super::Encoding;
use super::models::Family;
use super::pretokenize::Pieces;

/// The pairs of bytes that are a token in o200k and in cl100k, as bit `left * 256 + right`; a test below writes the
/// file and checks it.
const BYTE_PAIRS: &[u8] = include_bytes!("byte_pairs.bin");

/// Runs of spaces up to here are one token in o200k and in cl100k; a test counts each.
const SPACES: usize = 64;

/// Fewer tokens than any cut has; far from the ends of the type, since ones are added to it.
const IMPOSSIBLE: i64 = i64::MIN / 2;

/// A number of tokens that is never below the real one, for text that is not a special token.
///
/// OpenAI's families have the proof above. Other byte-level vocabularies are not public or may change, and for them
/// only this is certain: a token has at least one byte. One more is for the space that `SentencePiece` puts in front.
pub fn upper_bound(text: &str, family: Family) -> u64 {
    let encoding = match family {
        _ if text.is_empty() => return 0,
        Family::OpenAi => Encoding::O200kBase,
        Family::OpenAiOld => Encoding::Cl100kBase,
        _ => return text.len() as u64 + 1,
    };
    Pieces::new(text, encoding).map(|piece| piece_bound(piece.as_bytes())).sum()
}

fn piece_bound(piece: &[u8]) -> u64 {
    // The pre-tokenizers cut numbers into three digits at most, and each of those 1,110 is a token.
    if piece.len() <= 3 && piece.iter().all(u8::is_ascii_digit) {
        return 1;
    }
    if piece.len() <= SPACES && piece.iter().all(|byte| *byte == b' ') {
        return 1;
    }
    // The most tokens up to a byte, with a last token of one byte and with a longer one. Tokens of more than three
    // bytes are never better: cut into ones of two and three they make no new neighbour of one byte.
    let (mut single, mut longer) = (IMPOSSIBLE, 0_i64);
    let (mut two_before, mut three_before) = (IMPOSSIBLE, IMPOSSIBLE);
    let mut left: Option<u8> = None;
    for &byte in piece {
        let merges = left.is_some_and(|left| are_a_token(left, byte));
        let alone = (longer + 1).max(if merges { IMPOSSIBLE } else { single + 1 });
        let joined = two_before.max(three_before) + 1;
        (three_before, two_before) = (two_before, single.max(longer));
        (single, longer, left) = (alone, joined, Some(byte));
    }
    single.max(longer).unsigned_abs()
}

fn are_a_token(left: u8, right: u8) -> bool {
    let bits = BYTE_PAIRS.get(usize::from(left) * 32 + usize::from(right >> 3));
    bits.is_some_and(|bits| bits >> (right & 7) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_cost_at_most_two_tokens_for_three_bytes() {
        assert_eq!(upper_bound("abcdefghijklmnopqrst", Family::OpenAi), 13);
        assert_eq!(upper_bound("abcdefghijklmnopqrst", Family::Gemini), 21);
        assert_eq!(upper_bound("123", Family::OpenAi), 1);
        assert_eq!(upper_bound("", Family::Claude), 0);
    }

    #[test]
    fn numbers_and_short_runs_of_spaces_are_one_token() {
        for vocabulary in [super::super::o200k(), super::super::cl100k()] {
            for digits in 1..=3 {
                for number in 0..10_usize.pow(digits) {
                    let text = format!("{number:0width$}", width = digits as usize);
                    assert_eq!(vocabulary.count(&text), 1, "{text}");
                }
            }
            for length in 1..=SPACES {
                assert_eq!(vocabulary.count(&" ".repeat(length)), 1, "{length} spaces");
            }
        }
    }

    #[test]
    fn the_pairs_are_those_of_both_vocabularies() {
        let vocabularies = [super::super::o200k(), super::super::cl100k()];
        let mut pairs = vec![0_u8; 8192];
        for (left, right) in (0..=255_u8).flat_map(|left| (0..=255_u8).map(move |right| (left, right))) {
            if vocabularies.iter().all(|vocabulary| vocabulary.merges_bytes(left, right)) {
                pairs[usize::from(left) * 32 + usize::from(right >> 3)] |= 1 << (right & 7);
            }
        }
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(concat!(env!("CARGO_MANIFEST_DIR"), "/src/cost/tokens/byte_pairs.bin"), &pairs).unwrap();
        }
        assert!(BYTE_PAIRS == pairs, "another vocabulary: BLESS=1 cargo test --lib tokens::bound");
    }
}
