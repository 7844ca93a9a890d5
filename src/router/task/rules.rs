//! `task_routing`: rules in order, of which the first that holds names the model group.

use super::words::Ask;

/// A rule: all that it names has to hold; one that names nothing always does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// The model group.
    pub model: String,
    /// At most so many words in the newest ask.
    pub max_words: Option<u64>,
    /// At most so many tokens in the whole prompt.
    pub max_tokens: Option<u64>,
    /// At least so many tokens in the whole prompt.
    pub min_tokens: Option<u64>,
    /// One of these in the newest ask.
    pub keywords: Vec<String>,
    /// With tools, or without.
    pub tools: Option<bool>,
    /// With images, or without.
    pub images: Option<bool>,
}

impl Rule {
    /// Whether it holds.
    pub fn holds(&self, ask: &Ask) -> bool {
        self.max_words.is_none_or(|most| ask.words() <= most)
            && self.max_tokens.is_none_or(|most| ask.tokens <= most)
            && self.min_tokens.is_none_or(|least| ask.tokens >= least)
            && self.tools.is_none_or(|wanted| ask.tools == wanted)
            && self.images.is_none_or(|wanted| ask.images == wanted)
            && (self.keywords.is_empty() || self.keywords.iter().any(|keyword| ask.has(keyword)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_a_rule_names_has_to_hold() {
        let mut ask = Ask::saying("please compare these two");
        (ask.tokens, ask.tools) = (100, true);
        let rule = Rule::default;
        let keywords = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        for (name, rule, holds) in [
            ("nothing", rule(), true),
            ("as many words", Rule { max_words: Some(4), ..rule() }, true),
            ("too many words", Rule { max_words: Some(3), ..rule() }, false),
            ("as many tokens", Rule { max_tokens: Some(100), min_tokens: Some(100), ..rule() }, true),
            ("too many tokens", Rule { max_tokens: Some(99), ..rule() }, false),
            ("too few tokens", Rule { min_tokens: Some(101), ..rule() }, false),
            ("tools", Rule { tools: Some(true), ..rule() }, true),
            ("no tools", Rule { tools: Some(false), ..rule() }, false),
            ("images", Rule { images: Some(true), ..rule() }, false),
            ("no images", Rule { images: Some(false), ..rule() }, true),
            ("a keyword", Rule { keywords: keywords(&["analyze", "compare"]), ..rule() }, true),
            ("no keyword", Rule { keywords: keywords(&["analyze"]), ..rule() }, false),
            ("one of two", Rule { tools: Some(true), max_words: Some(1), ..rule() }, false),
        ] {
            assert_eq!(rule.holds(&ask), holds, "{name}");
        }
    }
}
