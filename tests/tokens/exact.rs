//! Exact counts: the recorded strings, and tiktoken-rs on random Unicode.

use std::io::Read;

use flate2::read::GzDecoder;
use tollgate::cost::tokens::{Encoding, Vocabulary};

pub(crate) fn unpack(path: &str) -> Vec<u8> {
    let file = std::fs::File::open(format!("{}/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut bytes = Vec::new();
    GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    bytes
}

pub(crate) fn vocabulary(encoding: Encoding) -> Vocabulary {
    Vocabulary::load(encoding, &unpack(&format!("www/vocab/{}.bin.gz", encoding.name()))).unwrap()
}

/// The recorded strings and their tokens by Python's tiktoken 0.14.0: text, o200k, cl100k.
pub(crate) fn reference() -> Vec<(String, [u64; 2])> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&unpack("tests/data/tokenizer_reference.json.gz")).unwrap();
    rows.iter()
        .map(|row| {
            let count = |encoding: Encoding| row[encoding.name()].as_array().unwrap().len() as u64;
            (row["s"].as_str().unwrap().to_owned(), [count(Encoding::O200kBase), count(Encoding::Cl100kBase)])
        })
        .collect()
}

#[test]
fn all_recorded_strings_have_their_recorded_counts() {
    let [o200k, cl100k] = [Encoding::O200kBase, Encoding::Cl100kBase].map(vocabulary);
    let rows = reference();
    assert!(rows.len() == 500, "{}", rows.len());
    for (text, counts) in &rows {
        assert_eq!([o200k.count(text), cl100k.count(text)], *counts, "{text:?}");
    }
}

/// Seeded: the same strings in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }

    /// Up to 40 characters: some from all of Unicode, some from one script, many that the patterns treat specially.
    pub(crate) fn text(&mut self) -> String {
        const SPECIAL: [char; 32] = [
            ' ', ' ', ' ', '\n', '\r', '\t', '\'', '\'', 's', 'S', 't', 'l', 'L', 'r', 'e', 'V', 'd', 'ſ', 'a', 'Z',
            '/', '.', '-', '1', '9', '\u{301}', '中', 'ª', 'ǅ', '\u{a0}', '\u{2028}', '½',
        ];
        const SCRIPTS: [u32; 12] =
            [0x20, 0x61, 0xC0, 0x370, 0x400, 0x5D0, 0x620, 0x900, 0xE00, 0x3040, 0x4E00, 0x1F600];
        let script = SCRIPTS[self.below(SCRIPTS.len())];
        let style = self.below(4);
        let repeat = if self.below(20) == 0 { 30 } else { 1 };
        let text: String = (0..self.below(40))
            .filter_map(|_| match (style, self.below(4)) {
                (0, _) | (_, 0) => Some(SPECIAL[self.below(SPECIAL.len())]),
                (1, _) => char::from_u32(self.below(0x11_0000) as u32),
                (2, _) => char::from_u32(self.below(0x3400) as u32),
                _ => char::from_u32(script + self.below(90) as u32),
            })
            .collect();
        text.repeat(repeat)
    }
}

#[test]
fn counts_equal_those_of_tiktoken_rs_on_random_unicode() {
    let mut random = Random(20_261_121);
    let texts: Vec<String> = (0..20_000).map(|_| random.text()).collect();
    for (encoding, theirs) in [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
    ] {
        let ours = vocabulary(encoding);
        for text in &texts {
            assert_eq!(ours.count(text), theirs.encode_ordinary(text).len() as u64, "{encoding:?} {text:?}");
        }
    }
}
