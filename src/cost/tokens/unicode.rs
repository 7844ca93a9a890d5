//! The class of every Unicode character, as far as the patterns of o200k and cl100k tell characters apart.

/// What the patterns distinguish. The numbers are those of the table file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Class {
    /// Punctuation, symbols, controls, unassigned.
    Other = 0,
    /// `\p{Lu}` and `\p{Lt}`.
    Upper = 1,
    /// `\p{Ll}`.
    Lower = 2,
    /// `\p{Lm}` and `\p{Lo}`: letters that count as upper and as lower case.
    Caseless = 3,
    /// `\p{M}`.
    Mark = 4,
    /// `\p{N}`.
    Number = 5,
    /// `\s` but carriage return and line feed.
    Space = 6,
    /// Carriage return and line feed.
    Newline = 7,
}

impl Class {
    /// `\p{L}`.
    pub(super) fn is_letter(self) -> bool {
        matches!(self, Self::Upper | Self::Lower | Self::Caseless)
    }

    /// `\s`.
    pub(super) fn is_space(self) -> bool {
        matches!(self, Self::Space | Self::Newline)
    }

    const fn from_number(number: u8) -> Self {
        match number {
            1 => Self::Upper,
            2 => Self::Lower,
            3 => Self::Caseless,
            4 => Self::Mark,
            5 => Self::Number,
            6 => Self::Space,
            7 => Self::Newline,
            _ => Self::Other,
        }
    }
}

/// Two stages: for each block of 128 characters the number of its pattern, then the patterns, two classes a byte, the
/// lower half first. `tests/tokens/unicode.rs` writes the file from the `regex` crate and compares all characters.
const TABLE: &[u8] = include_bytes!("unicode.bin");

/// Characters above are [`Class::Other`], but for [`SELECTORS`].
const COVERED: u32 = 0x3_3480;

/// Variation selectors, far above everything else: marks.
const SELECTORS: std::ops::RangeInclusive<u32> = 0xE_0100..=0xE_01EF;

/// Bytes of a pattern.
const PATTERN: usize = 64;

/// The class of a character.
#[inline]
pub(super) fn class(character: u32) -> Class {
    if character >= COVERED {
        return if SELECTORS.contains(&character) { Class::Mark } else { Class::Other };
    }
    let Some(&pattern) = TABLE.get(character as usize >> 7) else { return Class::Other };
    let within = character as usize & 127;
    let at = (COVERED as usize >> 7) + usize::from(pattern) * PATTERN + (within >> 1);
    let Some(&pair) = TABLE.get(at) else { return Class::Other };
    Class::from_number(if within & 1 == 0 { pair & 15 } else { pair >> 4 })
}
