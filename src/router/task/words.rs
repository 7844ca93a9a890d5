//! What of a request decides its task: the words of the newest ask, its size, tools and images.

use serde_json::Value;

use crate::openai::ChatRequest;
use crate::router::filter::{self, TOOLS, VISION};

/// What a request asks.
#[derive(Clone, Debug, Default)]
pub struct Ask {
    /// The newest words of the user.
    pub text: String,
    /// The same in lower case (ASCII's letters).
    lower: String,
    /// Tokens of the whole prompt.
    pub tokens: u64,
    /// Whether it has tools.
    pub tools: bool,
    /// Whether it has images.
    pub images: bool,
}

/// Blocks that coding agents put into the user's words.
const REMINDER: (&str, &str) = ("<system-reminder>", "</system-reminder>");

impl Ask {
    /// What `request` asks; `tokens` is its size.
    pub fn of(request: &ChatRequest, tokens: u64) -> Self {
        let needs = filter::needs(request);
        Self {
            tokens,
            tools: needs.contains(&TOOLS),
            images: needs.contains(&VISION),
            ..Self::saying(&newest(request))
        }
    }

    /// An ask of these words alone.
    pub fn saying(text: &str) -> Self {
        Self { text: text.to_owned(), lower: text.to_ascii_lowercase(), ..Self::default() }
    }

    /// The words in lower case.
    pub fn lower(&self) -> &str {
        &self.lower
    }

    /// How many words it has.
    pub fn words(&self) -> u64 {
        self.text.split_whitespace().count() as u64
    }

    /// Whether a keyword stands in it, whatever the case: as a word, or anywhere where it is a phrase or of a script
    /// that has no spaces. LiteLLM's rule.
    pub fn has(&self, keyword: &str) -> bool {
        let keyword = keyword.to_ascii_lowercase();
        let mut found = self.lower.match_indices(&keyword);
        if keyword.contains(' ') || keyword.chars().any(is_unspaced) {
            return found.next().is_some();
        }
        let edge = |at: usize| {
            let before = self.lower.get(..at).and_then(|text| text.chars().next_back());
            let after = self.lower.get(at..).and_then(|text| text.chars().next());
            before.is_some_and(filter::is_word) != after.is_some_and(filter::is_word)
        };
        !keyword.is_empty() && found.any(|(at, word)| edge(at) && edge(at + word.len()))
    }
}

/// Whether a character is of Chinese or Japanese writing.
fn is_unspaced(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30ff}' | '\u{31f0}'..='\u{31ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
        | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9d}' | '\u{20000}'..='\u{3ffff}')
}

/// The text of the newest message of the user that says something.
fn newest(request: &ChatRequest) -> String {
    let messages = request.get::<Vec<Value>>("messages").ok().flatten().unwrap_or_default();
    let of_user = messages.iter().rev().filter(|message| message.get("role").is_some_and(|role| role == "user"));
    let texts = of_user.map(|message| without_reminders(&text(message.get("content"))));
    texts.into_iter().find(|text| !text.trim().is_empty()).unwrap_or_default()
}

fn text(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => {
            let texts: Vec<&str> = parts.iter().filter_map(|part| part.get("text")?.as_str()).collect();
            texts.join("\n")
        }
        _ => String::new(),
    }
}

fn without_reminders(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, inner)) = rest.split_once(REMINDER.0) {
        let Some((_, after)) = inner.split_once(REMINDER.1) else { break };
        out.push_str(before);
        rest = after;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_keyword_is_a_word_or_a_phrase() {
        for (text, keyword, has) in [
            ("call the API now", "api", true),
            ("the capital", "api", false),
            ("terrorism", "error", false),
            ("an error.", "error", true),
            ("error_code", "error", false),
            ("think it through", "think through", false),
            ("let us THINK THROUGH it", "think through", true),
            ("我需要开发票", "发票", true),
            ("ask", "", false),
        ] {
            assert_eq!(Ask::saying(text).has(keyword), has, "{text}: {keyword}");
        }
    }

    #[test]
    fn the_newest_words_of_the_user_count() {
        let request = json!({"model": "m", "tools": [{"type": "function", "function": {"name": "f"}}], "messages": [
            {"role": "system", "content": "system"}, {"role": "user", "content": "first"},
            {"role": "user", "content": [{"type": "text", "text": "a <system-reminder>b</system-reminder>c"}]},
            {"role": "assistant", "content": "answer"},
            {"role": "user", "content": "<system-reminder>only this</system-reminder>"},
        ]});
        let ask = Ask::of(&ChatRequest::parse(request.to_string().as_bytes()).unwrap(), 7);
        assert_eq!((ask.text.as_str(), ask.words(), ask.tokens, ask.tools, ask.images), ("a c", 2, 7, true, false));
    }
}
