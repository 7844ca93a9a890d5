//! Writes the table of character classes (`BLESS=1`) and compares it with the `regex` crate, which tiktoken-rs uses.

use regex::Regex;

const BLOCK: usize = 128;
const COVERED: usize = 0x3_3480;
const CLASSES: [(u8, &str); 7] = [
    (1, r"^[\p{Lu}\p{Lt}]$"),
    (2, r"^\p{Ll}$"),
    (3, r"^[\p{Lm}\p{Lo}]$"),
    (4, r"^\p{M}$"),
    (5, r"^\p{N}$"),
    (7, r"^[\r\n]$"),
    (6, r"^\s$"),
];

fn classes() -> Vec<u8> {
    let classes = CLASSES.map(|(class, pattern)| (class, Regex::new(pattern).unwrap()));
    let of = |character: char| {
        let mut buffer = [0; 4];
        let text = character.encode_utf8(&mut buffer);
        classes.iter().find(|(_, pattern)| pattern.is_match(text)).map_or(0, |(class, _)| *class)
    };
    (0..0x11_0000).map(|code| char::from_u32(code).map_or(0, of)).collect()
}

fn table(classes: &[u8]) -> Vec<u8> {
    let (mut blocks, mut patterns) = (Vec::new(), Vec::<&[u8]>::new());
    for block in classes[..COVERED].chunks(BLOCK) {
        let at = patterns.iter().position(|pattern| *pattern == block).unwrap_or_else(|| {
            patterns.push(block);
            patterns.len() - 1
        });
        blocks.push(u8::try_from(at).unwrap());
    }
    let pairs = patterns.iter().flat_map(|pattern| pattern.chunks(2)).map(|pair| pair[0] | pair[1] << 4);
    blocks.into_iter().chain(pairs).collect()
}

#[test]
fn the_table_of_classes_is_that_of_the_regex_crate() {
    let classes = classes();
    for (code, &class) in classes.iter().enumerate().skip(COVERED) {
        let selector = (0xE_0100..=0xE_01EF).contains(&code);
        assert_eq!(class, if selector { 4 } else { 0 }, "U+{code:X}");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cost/tokens/unicode.bin");
    let table = table(&classes);
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    assert!(std::fs::read(path).unwrap() == table, "another Unicode version: BLESS=1 cargo test --test tokens");
}
