//! Cuts text into the pieces that byte-pair encoding works on, as the patterns of o200k and cl100k do, without a regex.
//!
//! The patterns are those of tiktoken (<https://github.com/openai/tiktoken>, `openai_public.py`). Each branch of them
//! is a run of characters of some classes; the only backtracking that they need is back to the last caseless letter or
//! mark of a run, or to the last line break or character of white space. So a piece is found in a constant number of
//! scans over characters that it or the next piece consumes: cutting is linear.

use super::Encoding;
use super::unicode::{Class, class};

/// The pieces of a text, in order; together they are the text.
#[derive(Clone, Debug)]
pub(super) struct Pieces<'a> {
    text: &'a str,
    at: usize,
    encoding: Encoding,
}

impl<'a> Pieces<'a> {
    pub(super) fn new(text: &'a str, encoding: Encoding) -> Self {
        Self { text, at: 0, encoding }
    }
}

impl<'a> Iterator for Pieces<'a> {
    type Item = &'a str;

    #[inline]
    fn next(&mut self) -> Option<&'a str> {
        let scan = Scan { text: self.text, bytes: self.text.as_bytes() };
        let (first, after) = scan.class_at(self.at)?;
        let end = match self.encoding {
            Encoding::O200kBase => scan.o200k(self.at, first, after),
            Encoding::Cl100kBase => scan.cl100k(self.at, first, after),
        };
        let piece = self.text.get(self.at..end)?;
        self.at = end;
        Some(piece)
    }
}

/// Looks at characters by their byte offset; every offset is on a character boundary.
#[derive(Clone, Copy)]
struct Scan<'a> {
    text: &'a str,
    bytes: &'a [u8],
}

impl Scan<'_> {
    /// The class of the character at `at` and the offset behind it.
    #[inline]
    fn class_at(self, at: usize) -> Option<(Class, usize)> {
        #[cfg(test)]
        super::work::add(1);
        let byte = *self.bytes.get(at)?;
        if byte < 128 {
            return Some((class(u32::from(byte)), at + 1));
        }
        let character = self.text.get(at..)?.chars().next()?;
        Some((class(character as u32), at + character.len_utf8()))
    }

    /// The end of the longest run from `at` of classes that `takes`.
    #[inline]
    fn run(self, mut at: usize, takes: impl Fn(Class) -> bool) -> usize {
        while let Some((class, after)) = self.class_at(at) {
            if !takes(class) {
                break;
            }
            at = after;
        }
        at
    }

    fn o200k(self, at: usize, first: Class, after: usize) -> usize {
        // `[^\r\n\p{L}\p{N}]?` in front of a word: with it if the rest matches, else without.
        let leads = !(first.is_letter() || matches!(first, Class::Number | Class::Newline));
        let lead = leads.then_some(after);
        let word = lead
            .and_then(|from| self.lower_word(from))
            .or_else(|| self.lower_word(at))
            .or_else(|| lead.and_then(|from| self.upper_word(from)))
            .or_else(|| self.upper_word(at));
        if let Some(end) = word {
            return end + self.contraction(end);
        }
        self.rest(at, first, after, Encoding::O200kBase)
    }

    fn cl100k(self, at: usize, first: Class, after: usize) -> usize {
        let contraction = self.contraction(at);
        if contraction > 0 {
            return at + contraction;
        }
        let leads = !matches!(first, Class::Number | Class::Newline);
        let end = if leads { self.run(after, Class::is_letter) } else { after };
        if end > after || first.is_letter() {
            return end;
        }
        self.rest(at, first, after, Encoding::Cl100kBase)
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+`
    #[inline]
    fn lower_word(self, from: usize) -> Option<usize> {
        let mut at = from;
        // The second set shares caseless letters and marks with the first: a run without lower case ends behind the
        // last of them.
        let mut last_shared = None;
        loop {
            match self.class_at(at) {
                Some((Class::Upper, after)) => at = after,
                Some((Class::Caseless | Class::Mark, after)) => {
                    last_shared = Some(after);
                    at = after;
                }
                Some((Class::Lower, after)) => return Some(self.run(after, is_lower)),
                _ => return last_shared,
            }
        }
    }

    /// `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*`
    #[inline]
    fn upper_word(self, from: usize) -> Option<usize> {
        let upper = self.run(from, |class| matches!(class, Class::Upper | Class::Caseless | Class::Mark));
        (upper > from).then(|| self.run(upper, is_lower))
    }

    /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at `at`, in any case; 0 where there is none.
    #[inline]
    fn contraction(self, at: usize) -> usize {
        if self.bytes.get(at) != Some(&b'\'') {
            return 0;
        }
        let letter = |offset: usize| self.bytes.get(at + offset).map_or(0, u8::to_ascii_lowercase);
        match (letter(1), letter(2)) {
            (b's' | b't' | b'm' | b'd', _) => 2,
            // The last is the long s, which regular expressions hold to be an `s` when case does not matter.
            (b'r' | b'v', b'e') | (b'l', b'l') | (0xC5, 0xBF) => 3,
            _ => 0,
        }
    }

    /// Numbers, punctuation and white space: the branches that both patterns have.
    fn rest(self, at: usize, first: Class, after: usize, encoding: Encoding) -> usize {
        if first == Class::Number {
            let second = self.class_at(after).filter(|(class, _)| *class == Class::Number);
            let third = second.and_then(|(_, end)| self.class_at(end)).filter(|(class, _)| *class == Class::Number);
            return third.or(second).map_or(after, |(_, end)| end);
        }
        // ` ?[^\s\p{L}\p{N}]+[\r\n/]*`; cl100k has no slash.
        let from = if self.bytes.get(at) == Some(&b' ') { after } else { at };
        let end = self.run(from, |class| matches!(class, Class::Other | Class::Mark));
        if end > from {
            let slash = encoding == Encoding::O200kBase;
            let tail = self.bytes.get(end..).unwrap_or_default().iter();
            return end + tail.take_while(|byte| matches!(byte, b'\r' | b'\n') || (slash && **byte == b'/')).count();
        }
        self.white_space(at, encoding)
    }

    /// o200k: `\s*[\r\n]+|\s+(?!\S)|\s+`; cl100k: `\s+$|\s*[\r\n]|\s+(?!\S)|\s`.
    fn white_space(self, from: usize, encoding: Encoding) -> usize {
        let (mut at, mut last, mut behind_newline) = (from, from, None);
        while let Some((class, after)) = self.class_at(at) {
            if !class.is_space() {
                break;
            }
            if class == Class::Newline {
                behind_newline = Some(after);
            }
            last = at;
            at = after;
        }
        let whole = at == self.bytes.len();
        match behind_newline {
            _ if whole && encoding == Encoding::Cl100kBase => at,
            Some(end) => end,
            None if whole || last == from => at,
            None => last,
        }
    }
}

/// `[\p{Ll}\p{Lm}\p{Lo}\p{M}]`
fn is_lower(class: Class) -> bool {
    matches!(class, Class::Lower | Class::Caseless | Class::Mark)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str, encoding: Encoding) -> Vec<&str> {
        Pieces::new(text, encoding).collect()
    }

    #[test]
    fn words_take_the_character_before_them_and_contractions_behind() {
        let text = "Don't say\tHTTPServer's 12345  it.\n\n";
        let o200k = ["Don't", " say", "\tHTTPServer's", " ", "123", "45", " ", " it", ".\n\n"];
        assert_eq!(pieces(text, Encoding::O200kBase), o200k);
        let cl100k = ["Don", "'t", " say", "\tHTTPServer", "'s", " ", "123", "45", " ", " it", ".\n\n"];
        assert_eq!(pieces(text, Encoding::Cl100kBase), cl100k);
    }

    #[test]
    fn case_splits_words_in_o200k_only() {
        assert_eq!(pieces("camelCaseHTTP", Encoding::O200kBase), ["camel", "Case", "HTTP"]);
        assert_eq!(pieces("camelCaseHTTP", Encoding::Cl100kBase), ["camelCaseHTTP"]);
    }

    #[test]
    fn cutting_is_linear_on_hostile_runs() {
        let units =
            ["a", "A", " ", "\n", "\n ", "1", "/", "中A", "A\u{301}", "'", "'S", "\u{301}", "aB", "\t ", " /", "ſ'"];
        for encoding in [Encoding::O200kBase, Encoding::Cl100kBase] {
            for unit in units {
                let work = |times: usize| {
                    let text = unit.repeat(times);
                    super::super::work::measure(|| Pieces::new(&text, encoding).count()).1
                };
                let (once, twice) = (work(20_000), work(40_000));
                assert!(twice <= once * 2 + 64, "{unit:?}: {once} steps, twice the length {twice}");
                assert!(once <= 20_000 * 2 * 8, "{unit:?}: {once} steps for 20,000 times");
            }
        }
    }
}
