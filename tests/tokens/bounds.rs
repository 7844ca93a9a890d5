//! The bound on tokens is never below a count, and near enough to reserve with.

use tollgate::cost::tokens::{Encoding, Family, Vocabulary, estimate, upper_bound};

use crate::exact::{Random, reference, vocabulary};

const FAMILIES: [(Encoding, Family); 2] =
    [(Encoding::O200kBase, Family::OpenAi), (Encoding::Cl100kBase, Family::OpenAiOld)];

fn check(vocabulary: &Vocabulary, family: Family, text: &str) {
    let (count, bound) = (vocabulary.count(text), upper_bound(text, family));
    assert!(count <= bound, "{family:?}: {count} above {bound}: {text:?}");
    assert!(bound <= text.len() as u64, "{family:?}: {bound} for {} bytes: {text:?}", text.len());
}

#[test]
fn no_recorded_or_random_string_is_above_its_bound() {
    let rows = reference();
    for (encoding, family) in FAMILIES {
        let vocabulary = vocabulary(encoding);
        for (text, _) in &rows {
            check(&vocabulary, family, text);
        }
        let mut random = Random(77);
        (0..10_000).for_each(|_| check(&vocabulary, family, &random.text()));
        // Rare letters merge least: base64 and single scripts come nearest to the bound.
        for alphabet in
            ["QXZJKVWYqxzjkvwy", "abcdefghijklmnopqrstuvwxyz", "ABCDEFabcdef0123456789+/", "!#$%&*+-=?@^~", "éüñßøłż"]
        {
            let letters: Vec<char> = alphabet.chars().collect();
            for _ in 0..1_000 {
                let text: String = (0..random.below(200)).map(|_| letters[random.below(letters.len())]).collect();
                check(&vocabulary, family, &text);
            }
        }
    }
}

#[test]
fn every_character_alone_is_within_its_bound() {
    for (encoding, family) in FAMILIES {
        let vocabulary = vocabulary(encoding);
        ('\0'..=char::MAX)
            .step_by(7)
            .for_each(|character| check(&vocabulary, family, character.encode_utf8(&mut [0; 4])));
    }
}

#[test]
fn other_families_are_bound_by_bytes() {
    let mut random = Random(5);
    for _ in 0..2_000 {
        let text = random.text();
        for family in Family::ALL {
            let (estimated, bound) = (estimate(&text, family).value, upper_bound(&text, family));
            assert!(estimated <= bound && bound <= text.len() as u64 + 1, "{family:?} {text:?}");
        }
    }
}

#[test]
fn prose_is_bound_below_its_bytes() {
    let text = "Reservations hold what a call can cost at most, until the provider says what it did cost. ".repeat(10);
    assert!(upper_bound(&text, Family::OpenAi) * 100 < text.len() as u64 * 72);
}
