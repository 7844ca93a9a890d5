//! What the estimator tells pieces apart by: the kind of a piece and its length in characters.

use super::unicode::{Class, class};

/// Kinds of pieces; the numbers are the rows of the fitted table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// ` word`
    SpacedLower,
    /// ` Word`
    SpacedCapital,
    /// ` WORD`
    SpacedUpper,
    /// `word` at the start or after punctuation.
    BareLower,
    /// `Word`, as in `camelCase`.
    BareCapital,
    /// `WORD`
    BareUpper,
    /// `_word`, `(Word`: with a punctuation mark in front.
    Marked,
    /// Latin letters beyond ASCII among others.
    Accented,
    /// Vietnamese: Latin letters with tone marks.
    Vietnamese,
    /// Digits, at most three.
    Digits,
    /// ASCII punctuation.
    Punctuation,
    /// The same mark three times or more.
    Rule,
    /// White space without a line break.
    Spaces,
    /// White space with line breaks.
    Lines,
    /// Chinese and Japanese punctuation and full-width forms.
    WidePunctuation,
    /// Symbols up to U+FFFF.
    Symbols,
    /// Emoji and symbols above U+FFFF.
    Emoji,
    /// Letters of scripts that have no row of their own.
    OtherLetters,
    Greek,
    Cyrillic,
    Armenian,
    Hebrew,
    Arabic,
    Devanagari,
    Bengali,
    Gurmukhi,
    Gujarati,
    Tamil,
    Telugu,
    Kannada,
    Malayalam,
    Thai,
    Myanmar,
    Georgian,
    Ethiopic,
    Khmer,
    Hangul,
    /// Japanese: kana, and Han characters with kana among them.
    Kana,
    Han,
}

/// Number of kinds.
pub(super) const KINDS: usize = Kind::Han as usize + 1;

/// What a factor of a family applies to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Group {
    /// Words of Latin prose.
    Words,
    /// What code is made of: bare words, punctuation, digits, white space.
    Code,
    /// Other scripts and symbols.
    Scripts,
}

/// The group of a row of the fitted table.
pub(super) fn group(kind: usize) -> Group {
    match kind {
        _ if kind <= Kind::SpacedUpper as usize => Group::Words,
        _ if kind == Kind::Accented as usize || kind == Kind::Vietnamese as usize => Group::Words,
        _ if kind < Kind::WidePunctuation as usize => Group::Code,
        _ => Group::Scripts,
    }
}

/// Blocks of scripts, by their first and last character (Unicode `Blocks.txt`).
const SCRIPTS: &[(u32, u32, Kind)] = &[
    (0x0370, 0x03FF, Kind::Greek),
    (0x0400, 0x052F, Kind::Cyrillic),
    (0x0530, 0x058F, Kind::Armenian),
    (0x0590, 0x05FF, Kind::Hebrew),
    (0x0600, 0x077F, Kind::Arabic),
    (0x0900, 0x097F, Kind::Devanagari),
    (0x0980, 0x09FF, Kind::Bengali),
    (0x0A00, 0x0A7F, Kind::Gurmukhi),
    (0x0A80, 0x0AFF, Kind::Gujarati),
    (0x0B80, 0x0BFF, Kind::Tamil),
    (0x0C00, 0x0C7F, Kind::Telugu),
    (0x0C80, 0x0CFF, Kind::Kannada),
    (0x0D00, 0x0D7F, Kind::Malayalam),
    (0x0E00, 0x0E7F, Kind::Thai),
    (0x1000, 0x109F, Kind::Myanmar),
    (0x10A0, 0x10FF, Kind::Georgian),
    (0x1100, 0x11FF, Kind::Hangul),
    (0x1200, 0x139F, Kind::Ethiopic),
    (0x1780, 0x17FF, Kind::Khmer),
    (0x1E00, 0x1E9F, Kind::Accented),
    (0x1EA0, 0x1EFF, Kind::Vietnamese),
    (0x3040, 0x30FF, Kind::Kana),
    (0x3130, 0x318F, Kind::Hangul),
    (0x3400, 0x9FFF, Kind::Han),
    (0xAC00, 0xD7AF, Kind::Hangul),
    (0xF900, 0xFAFF, Kind::Han),
];

fn script(character: char) -> Kind {
    let code = character as u32;
    if code < 0x250 {
        return Kind::Accented;
    }
    let at = SCRIPTS.partition_point(|(_, last, _)| *last < code);
    SCRIPTS.get(at).filter(|(first, ..)| *first <= code).map_or(Kind::OtherLetters, |(.., kind)| *kind)
}

/// The kind of a piece that the pre-tokenizer cut, and its length in characters without a leading mark or space.
pub(super) fn of(piece: &str) -> (Kind, usize) {
    let mut characters = piece.chars();
    let Some(first) = characters.next() else { return (Kind::Spaces, 0) };
    let body = match class(first as u32) {
        Class::Number => return (digits(piece), piece.chars().count()),
        Class::Space | Class::Newline if piece.trim_start().is_empty() => {
            let lines = piece.bytes().any(|byte| matches!(byte, b'\n' | b'\r'));
            return (if lines { Kind::Lines } else { Kind::Spaces }, piece.chars().count());
        }
        Class::Upper | Class::Lower | Class::Caseless => piece,
        _ => characters.as_str(),
    };
    let letters = body.chars().next().map(|character| class(character as u32));
    if !letters.is_some_and(|class| class.is_letter() || class == Class::Mark) {
        return symbols(piece.trim_start());
    }
    if !body.is_ascii() {
        return (word_script(body), body.chars().count());
    }
    let mut letters = body.bytes();
    let capital = letters.next().is_some_and(|byte| byte.is_ascii_uppercase());
    let upper = capital && letters.next().is_none_or(|byte| byte.is_ascii_uppercase());
    let kind = match (body.len() == piece.len(), first == ' ') {
        (true, _) if upper => Kind::BareUpper,
        (true, _) if capital => Kind::BareCapital,
        (true, _) => Kind::BareLower,
        (_, false) => Kind::Marked,
        _ if upper => Kind::SpacedUpper,
        _ if capital => Kind::SpacedCapital,
        _ => Kind::SpacedLower,
    };
    (kind, body.len())
}

fn digits(piece: &str) -> Kind {
    if piece.is_ascii() { Kind::Digits } else { piece.chars().next().map_or(Kind::OtherLetters, script) }
}

/// The script of a word: its first character's, but Japanese where one is kana, and ASCII letters follow the rest.
fn word_script(body: &str) -> Kind {
    let mut found = Kind::Accented;
    for character in body.chars().filter(|character| !character.is_ascii()) {
        match script(character) {
            script @ (Kind::Kana | Kind::Vietnamese) => return script,
            Kind::Han if found == Kind::Accented => found = Kind::Han,
            _ if found == Kind::Han => {}
            other if found == Kind::Accented => found = other,
            _ => return found,
        }
    }
    found
}

fn symbols(piece: &str) -> (Kind, usize) {
    let length = piece.chars().count();
    if piece.is_ascii() {
        let mut bytes = piece.trim_end().bytes();
        let first = bytes.next();
        let rule = length > 2 && bytes.all(|byte| Some(byte) == first);
        return (if rule { Kind::Rule } else { Kind::Punctuation }, length);
    }
    let widest = piece.chars().map(|character| character as u32).max().unwrap_or(0);
    let kind = match widest {
        0x3000..=0x303F | 0xFF00..=0xFFEF => Kind::WidePunctuation,
        0x1_0000.. => Kind::Emoji,
        _ => Kind::Symbols,
    };
    (kind, length)
}

/// Whether a piece is one of the words that make up a third of English prose, and none of other languages' words.
pub(super) fn is_english(piece: &str) -> bool {
    matches!(
        piece,
        " the"
            | " and"
            | " to"
            | " for"
            | " that"
            | " with"
            | " this"
            | " be"
            | " are"
            | " from"
            | " you"
            | " not"
            | " by"
            | " if"
            | " it"
            | " as"
            | " of"
            | " is"
            | " have"
            | " was"
            | " can"
            | " will"
            | " or"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_have_the_kind_of_their_letters_and_case() {
        for (piece, kind, length) in [
            (" word", Kind::SpacedLower, 4),
            (" Word", Kind::SpacedCapital, 4),
            (" WORD", Kind::SpacedUpper, 4),
            ("word", Kind::BareLower, 4),
            ("HTTP", Kind::BareUpper, 4),
            ("_word", Kind::Marked, 4),
            (" größe", Kind::Accented, 5),
            (" tiếng", Kind::Vietnamese, 5),
            ("123", Kind::Digits, 3),
            (" {};", Kind::Punctuation, 3),
            ("-----", Kind::Rule, 5),
            ("   ", Kind::Spaces, 3),
            (" \n", Kind::Lines, 2),
            ("。", Kind::WidePunctuation, 1),
            ("→", Kind::Symbols, 1),
            ("😀", Kind::Emoji, 1),
            (" слово", Kind::Cyrillic, 5),
            ("漢字かな", Kind::Kana, 4),
            ("漢字", Kind::Han, 2),
            ("ᚠᚢ", Kind::OtherLetters, 2),
        ] {
            assert_eq!(of(piece), (kind, length), "{piece:?}");
        }
    }

    #[test]
    fn scripts_are_sorted_for_the_search() {
        assert!(SCRIPTS.windows(2).all(|two| two[0].1 < two[1].0));
    }
}
