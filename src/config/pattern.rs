//! Wildcards in model names: `openai/*`, `*`, `team/*::fast`.
//!
//! As in LiteLLM, a pattern is held against the start of a name and need not reach its end; each `*` takes as much as
//! it can; and the longest pattern wins.

/// What each `*` of `pattern` stands for in `name`; `None` where the pattern does not fit.
pub(super) fn captures<'n>(pattern: &str, name: &'n str) -> Option<Vec<&'n str>> {
    let mut words = pattern.split('*');
    let mut rest = name.strip_prefix(words.next()?)?;
    let mut captures = Vec::new();
    // From the end, each word at its last place: that leaves the first `*` the most.
    for word in words.rev() {
        let at = if word.is_empty() { rest.len() } else { rest.rfind(word)? };
        captures.push(at);
        rest = rest.get(..at)?;
    }
    let mut start = pattern.find('*').unwrap_or(name.len());
    let offset = start;
    let mut segments = Vec::with_capacity(captures.len());
    for (at, word) in captures.into_iter().rev().zip(pattern.split('*').skip(1)) {
        segments.push(name.get(start..offset + at)?);
        start = offset + at + word.len();
    }
    Some(segments)
}

/// How specific a pattern is: LiteLLM compares the length, then the number of special characters, of the regular
/// expression that it makes of the pattern (`re.escape`, then `(.*)` for each `*`).
pub(super) fn specificity(pattern: &str) -> (usize, usize) {
    let (mut length, mut special) = (0, 0);
    for c in pattern.chars() {
        let (wide, odd) = match c {
            '*' => (4, 3),
            '+' | '?' | '\\' | '^' | '$' | '|' | '(' | ')' => (2, 2),
            '[' | ']' | '{' | '}' | '-' | '.' | '&' | '~' | '#' | ' ' => (2, 1),
            _ => (1, 0),
        };
        length += wide;
        special += odd;
    }
    (length, special)
}

/// The upstream model with each `*` replaced by what it stands for, in order. With more parts than `*`s, the requested
/// model itself.
pub(super) fn filled(model: &str, captures: &[&str], requested: &str) -> String {
    let stars = model.matches('*').count();
    if stars == 0 {
        return model.to_owned();
    }
    if captures.len() > stars {
        return requested.to_owned();
    }
    let mut out = String::with_capacity(model.len() + requested.len());
    let mut captures = captures.iter();
    for (i, word) in model.split('*').enumerate() {
        if i > 0 {
            out.push_str(captures.next().unwrap_or(&"*"));
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_takes_as_much_as_it_can() {
        for (pattern, name, wanted) in [
            ("openai/*", "openai/gpt-4o", Some(vec!["gpt-4o"])),
            ("openai/*", "anthropic/claude", None),
            ("*", "anything/at-all", Some(vec!["anything/at-all"])),
            ("llmengine/fo::*::static::*", "llmengine/fo::bar::static::baz", Some(vec!["bar", "baz"])),
            ("*meta.llama3*", "hello-world-meta.llama3-70b", Some(vec!["hello-world-", "-70b"])),
            ("a*b*", "axbxbx", Some(vec!["xbx", "x"])),
            ("a*b*c", "abcbc", Some(vec!["bc", ""])),
            ("a*b", "ac", None),
            ("é*ü", "éßü", Some(vec!["ß"])),
            // Not held against the end.
            ("*-mini", "gpt-4o-mini-2024", Some(vec!["gpt-4o"])),
            ("a**", "axy", Some(vec!["xy", ""])),
        ] {
            assert_eq!(captures(pattern, name), wanted, "{pattern} {name}");
        }
    }

    #[test]
    fn the_longer_pattern_is_the_more_specific_one() {
        assert!(specificity("openai/gpt-*") > specificity("openai/*"));
        assert!(specificity("openai/*") > specificity("*"));
        // As LiteLLM counts: `gpt\-(.*)` is 9 long, with 4 special characters.
        assert_eq!(specificity("gpt-*"), (9, 4));
    }

    #[test]
    fn stars_are_filled_in_order() {
        assert_eq!(filled("gpt-*", &["4o"], "openai/4o"), "gpt-4o");
        assert_eq!(filled("*::x::*", &["a", "b"], "a-b"), "a::x::b");
        assert_eq!(filled("fixed", &["a"], "a"), "fixed");
        assert_eq!(filled("meta.llama3*", &["hello-", "-70b"], "hello-meta.llama3-70b"), "hello-meta.llama3-70b");
        assert_eq!(filled("*/*", &["a"], "a"), "a/*");
    }
}
