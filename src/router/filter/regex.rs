//! Regular expressions for `tag_regex`, run as a set of states: no pattern takes longer than its length times the text's.
//!
//! The syntax is what Python's and Rust's share and tags need: literals, `.`, classes, `\d \w \s \b` and their opposites,
//! groups, `|`, `* + ? {m,n}`, `^`, `$`, and `(?i)` in front. Look-around and back-references are refused.

use std::iter::Peekable;
use std::str::Chars;

/// Most steps of a pattern: `{m,n}` copies what it repeats.
const MOST_STEPS: usize = 2_000;

/// How deep groups may nest.
const DEEPEST: usize = 50;

/// A pattern.
#[derive(Clone, Debug, PartialEq)]
pub struct Regex {
    source: String,
    program: Vec<Step>,
    ignores_case: bool,
}

/// A step of a program; jumps are relative, so that pieces can be joined as they are.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    /// A character within one of the ranges, or within none of them.
    Class(bool, Vec<(char, char)>),
    Start,
    End,
    Boundary(bool),
    Split(isize, isize),
    Jump(isize),
    Match,
}

type Program = Vec<Step>;

impl Regex {
    /// Reads a pattern.
    ///
    /// # Errors
    ///
    /// What is wrong with it, in words.
    pub fn new(source: &str) -> Result<Self, String> {
        let (pattern, ignores_case) = source.strip_prefix("(?i)").map_or((source, false), |rest| (rest, true));
        let mut reader = Reader { chars: pattern.chars().peekable(), depth: 0 };
        let mut program = reader.alternatives()?;
        if reader.chars.next().is_some() {
            return Err("a `)` closes nothing".to_owned());
        }
        program.push(Step::Match);
        Ok(Self { source: source.to_owned(), program, ignores_case })
    }

    /// The pattern as it is written.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it fits some part of `text`.
    pub fn fits(&self, text: &str) -> bool {
        let mut chars = text.chars().peekable();
        let (mut now, mut before) = (Vec::new(), None);
        loop {
            let next = chars.peek().copied();
            let mut seen = vec![false; self.program.len()];
            let mut states = Vec::new();
            now.push(0);
            for state in now.drain(..) {
                if self.enter(state, before, next, &mut seen, &mut states) {
                    return true;
                }
            }
            let Some(char) = chars.next() else { return false };
            for state in states {
                if let Some(Step::Class(within, ranges)) = self.program.get(state)
                    && self.holds(ranges, char) == *within
                {
                    now.push(state + 1);
                }
            }
            before = Some(char);
        }
    }

    /// Follows everything from `state` that takes no character; whether that comes to the end of the pattern.
    fn enter(
        &self,
        state: usize,
        before: Option<char>,
        next: Option<char>,
        seen: &mut [bool],
        out: &mut Vec<usize>,
    ) -> bool {
        let mut left = vec![state];
        while let Some(at) = left.pop() {
            match seen.get_mut(at) {
                Some(seen) if !*seen => *seen = true,
                _ => continue,
            }
            let to = |offset: isize| at.saturating_add_signed(offset);
            let on_boundary = before.is_some_and(is_word) != next.is_some_and(is_word);
            match self.program.get(at) {
                Some(Step::Match) => return true,
                Some(Step::Class(..)) => out.push(at),
                Some(Step::Split(one, other)) => left.extend([to(*one), to(*other)]),
                Some(Step::Jump(offset)) => left.push(to(*offset)),
                Some(Step::Start) if before.is_none() => left.push(at + 1),
                Some(Step::End) if next.is_none() => left.push(at + 1),
                Some(Step::Boundary(wanted)) if on_boundary == *wanted => left.push(at + 1),
                _ => {}
            }
        }
        false
    }

    fn holds(&self, ranges: &[(char, char)], char: char) -> bool {
        let within = |char: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&char));
        within(char) || (self.ignores_case && (within(char.to_ascii_lowercase()) || within(char.to_ascii_uppercase())))
    }
}

/// Whether `\w` fits a character. Beyond ASCII everything is a letter but punctuation: that takes no tables.
pub(in crate::router) fn is_word(char: char) -> bool {
    WORDS.iter().any(|(from, to)| (*from..=*to).contains(&char))
        && !matches!(char, '\u{2000}'..='\u{206f}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff0f}')
}

struct Reader<'p> {
    chars: Peekable<Chars<'p>>,
    depth: usize,
}

const DIGITS: &[(char, char)] = &[('0', '9')];
const WORDS: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z'), ('\u{aa}', char::MAX)];
const SPACES: &[(char, char)] = &[('\t', '\r'), (' ', ' ')];

impl Reader<'_> {
    fn alternatives(&mut self) -> Result<Program, String> {
        let mut left = self.sequence()?;
        while self.chars.next_if_eq(&'|').is_some() {
            let right = self.sequence()?;
            let mut both = vec![Step::Split(1, left.len().cast_signed() + 2)];
            both.append(&mut left);
            both.push(Step::Jump(right.len().cast_signed() + 1));
            both.extend(right);
            left = bounded(both)?;
        }
        Ok(left)
    }

    fn sequence(&mut self) -> Result<Program, String> {
        let mut out = Vec::new();
        while self.chars.peek().is_some_and(|next| !matches!(next, '|' | ')')) {
            let atom = self.atom()?;
            out.extend(self.repeated(atom)?);
            out = bounded(out)?;
        }
        Ok(out)
    }

    fn atom(&mut self) -> Result<Program, String> {
        let step = match self.chars.next().unwrap_or_default() {
            '.' => Step::Class(false, vec![('\n', '\n')]),
            '^' => Step::Start,
            '$' => Step::End,
            '[' => self.class()?,
            '(' => return self.group(),
            '*' | '+' | '?' => return Err("a `*`, `+` or `?` repeats nothing".to_owned()),
            '\\' => match self.chars.next() {
                Some(letter @ ('b' | 'B')) => Step::Boundary(letter == 'b'),
                Some(letter) => match named(letter) {
                    Some((within, ranges)) => Step::Class(within, ranges.to_vec()),
                    None => Step::Class(true, one(escaped(letter)?)),
                },
                None => return Err("it ends in a `\\`".to_owned()),
            },
            char => Step::Class(true, one(char)),
        };
        Ok(vec![step])
    }

    fn group(&mut self) -> Result<Program, String> {
        if self.chars.next_if_eq(&'?').is_some() && self.chars.next_if_eq(&':').is_none() {
            return Err("groups beginning with `(?` are not known, but for `(?:` and a `(?i)` in front".to_owned());
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("it nests deeper than {DEEPEST} groups"));
        }
        let inner = self.alternatives()?;
        self.depth -= 1;
        match self.chars.next() {
            Some(')') => Ok(inner),
            _ => Err("a `(` is not closed".to_owned()),
        }
    }

    fn class(&mut self) -> Result<Step, String> {
        let negated = self.chars.next_if_eq(&'^').is_some();
        let mut ranges = Vec::new();
        loop {
            let from = match self.chars.next() {
                None => return Err("a `[` is not closed".to_owned()),
                Some(']') if !ranges.is_empty() => return Ok(Step::Class(!negated, ranges)),
                Some('\\') => match self.chars.next().unwrap_or_default() {
                    letter @ ('d' | 'w' | 's') => {
                        ranges.extend(named(letter).into_iter().flat_map(|(_, ranges)| ranges));
                        continue;
                    }
                    letter => escaped(letter)?,
                },
                Some(char) => char,
            };
            let mut ahead = self.chars.clone();
            if ahead.next() == Some('-')
                && let Some(to) = ahead.next().filter(|to| *to != ']')
            {
                if to == '\\' || to < from {
                    return Err(format!("the range `{from}-{to}` is none"));
                }
                self.chars = ahead;
                ranges.push((from, to));
            } else {
                ranges.push((from, from));
            }
        }
    }

    fn repeated(&mut self, atom: Program) -> Result<Program, String> {
        let (least, most) = match self.chars.peek() {
            Some('*') => (0, None),
            Some('+') => (1, None),
            Some('?') => (0, Some(1)),
            Some('{') => match self.counts() {
                Some(counts) => counts,
                None => return Ok(atom),
            },
            _ => return Ok(atom),
        };
        self.chars.next_if(|char| matches!(char, '*' | '+' | '?'));
        // Greedy or not makes no difference to whether it fits.
        self.chars.next_if_eq(&'?');
        let length = atom.len().cast_signed();
        if atom.len().saturating_mul(most.unwrap_or(least).max(least) + 1) > MOST_STEPS {
            return Err(format!("it is longer than {MOST_STEPS} steps"));
        }
        let mut out = Vec::new();
        for _ in 0..least {
            out.extend(atom.iter().cloned());
        }
        match most {
            None => {
                out.push(Step::Split(1, length + 2));
                out.extend(atom);
                out.push(Step::Jump(-length - 1));
            }
            Some(most) => {
                for _ in least..most {
                    out.push(Step::Split(1, length + 1));
                    out.extend(atom.iter().cloned());
                }
            }
        }
        bounded(out)
    }

    /// `{m}`, `{m,}` or `{m,n}`; `None`, and nothing read, where the brace is a character.
    fn counts(&mut self) -> Option<(usize, Option<usize>)> {
        let mut ahead = self.chars.clone();
        ahead.next();
        let inner: String = ahead.by_ref().take_while(|char| *char != '}').collect();
        let (least, most) = match inner.split_once(',') {
            None => (inner.parse().ok()?, Some(inner.parse().ok()?)),
            Some((least, "")) => (least.parse().ok()?, None),
            Some((least, most)) => (least.parse().ok()?, Some(most.parse().ok()?)),
        };
        self.chars = ahead;
        Some((least, most))
    }
}

fn bounded(program: Program) -> Result<Program, String> {
    if program.len() > MOST_STEPS { Err(format!("it is longer than {MOST_STEPS} steps")) } else { Ok(program) }
}

fn one(char: char) -> Vec<(char, char)> {
    vec![(char, char)]
}

/// A class that a letter behind a `\` names: whether a character has to be in it, and its ranges.
fn named(letter: char) -> Option<(bool, &'static [(char, char)])> {
    let ranges = match letter.to_ascii_lowercase() {
        'd' => DIGITS,
        'w' => WORDS,
        's' => SPACES,
        _ => return None,
    };
    Some((letter.is_ascii_lowercase(), ranges))
}

fn escaped(letter: char) -> Result<char, String> {
    match letter {
        'n' => Ok('\n'),
        'r' => Ok('\r'),
        't' => Ok('\t'),
        letter if letter.is_ascii_alphanumeric() || letter == '\0' => Err(format!("`\\{letter}` is not known")),
        letter => Ok(letter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_as_in_python() {
        for (pattern, text, fits) in [
            ("^User-Agent: claude-code/", "User-Agent: claude-code/1.2", true),
            ("^User-Agent: claude-code/", "x User-Agent: claude-code/1.2", false),
            (r"claude-code/\d+\.\d+$", "User-Agent: claude-code/1.25", true),
            (r"claude-code/\d+\.\d+$", "User-Agent: claude-code/1.", false),
            ("cursor|aider", "User-Agent: aider", true),
            ("^(?:a|b)+c?$", "abba", true),
            ("^(?:a|b)+c?$", "abca", false),
            ("(?i)CURSOR", "User-Agent: cursor", true),
            ("CURSOR", "User-Agent: cursor", false),
            ("^a{2,3}$", "aa", true),
            ("^a{2,3}$", "aaaa", false),
            ("^a{2,}$", "aaaaa", true),
            ("^a{2}$", "a", false),
            ("a{x}", "a{x}", true),
            ("[^a-c]", "abc", false),
            ("[^a-c]", "abcd", true),
            (r"[\d.-]+x", "1.2-3x", true),
            (r"\bapi\b", "the api is", true),
            (r"\bapi\b", "capital", false),
            (r"\Bpi", "api", true),
            (r"a\.b", "axb", false),
            ("a.b", "a\nb", false),
            (r"\S\s\W\D", "a  b", true),
            ("", "anything", true),
            ("x*", "", true),
            ("a+?b", "aab", true),
            ("[]a]", "]", true),
            (r"\w+", "é", true),
            ("", "", true),
        ] {
            assert_eq!(Regex::new(pattern).unwrap().fits(text), fits, "{pattern} {text}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused_in_words() {
        for (pattern, words) in [
            ("(", "not closed"),
            ("a)", "closes nothing"),
            ("[a", "not closed"),
            ("*a", "repeats nothing"),
            ("(?=a)", "not known"),
            (r"(a)\1", "not known"),
            ("a\\", "ends in"),
            ("[z-a]", "is none"),
            ("(((a{99}){99}){99})", "longer than"),
            ("a{99999999}", "longer than"),
            (&"(".repeat(60), "nests deeper"),
        ] {
            assert!(Regex::new(pattern).unwrap_err().contains(words), "{pattern}: {:?}", Regex::new(pattern));
        }
    }

    #[test]
    fn no_pattern_runs_away() {
        let hostile = Regex::new("^((a*)*)*b$").unwrap();
        assert!(!hostile.fits(&"a".repeat(20_000)), "exponential where states are tried one by one");
    }
}
