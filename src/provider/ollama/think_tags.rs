//! Reasoning that a model writes into its answer between `<think>` and `</think>`: servers and models that know no
//! `thinking` field.

const OPEN: &str = "<think>";
const CLOSE: &str = "</think>";

/// Tells reasoning from words, however the text was cut.
#[derive(Debug, Default)]
pub(super) struct ThinkTags {
    state: State,
    /// Text that may be a part of a tag.
    held: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq)]
enum State {
    /// Nothing but white space came.
    #[default]
    Start,
    /// Between the tags.
    Thinking,
    /// Behind the closing tag, where white space does not count.
    Between,
    /// Words: tags mean nothing any more.
    Words,
}

impl ThinkTags {
    /// Takes the next text; gives the reasoning and the words in it.
    pub(super) fn push(&mut self, text: &str) -> (String, String) {
        if self.state == State::Words {
            return (String::new(), text.to_owned());
        }
        self.held.push_str(text);
        let (mut reasoning, mut words) = (String::new(), String::new());
        if self.state == State::Start {
            let said = self.held.trim_start();
            if let Some(rest) = said.strip_prefix(OPEN) {
                (self.held, self.state) = (rest.to_owned(), State::Thinking);
            } else if !OPEN.starts_with(said) {
                self.state = State::Words;
                words = std::mem::take(&mut self.held);
            }
        }
        if self.state == State::Thinking {
            if let Some((thought, rest)) = self.held.split_once(CLOSE) {
                thought.clone_into(&mut reasoning);
                (self.held, self.state) = (rest.to_owned(), State::Between);
            } else {
                // What may be the start of the closing tag waits for the rest of it.
                let tail = (1..CLOSE.len())
                    .rev()
                    .find(|length| CLOSE.get(..*length).is_some_and(|start| self.held.ends_with(start)));
                let waits = self.held.split_off(self.held.len() - tail.unwrap_or(0));
                reasoning = std::mem::replace(&mut self.held, waits);
            }
        }
        if self.state == State::Between && !self.held.trim_start().is_empty() {
            self.state = State::Words;
            self.held.trim_start().clone_into(&mut words);
            self.held.clear();
        }
        (reasoning, words)
    }

    /// What is left when the text has ended.
    pub(super) fn finish(&mut self) -> (String, String) {
        let held = std::mem::take(&mut self.held);
        match self.state {
            State::Thinking => (held, String::new()),
            State::Between => (String::new(), String::new()),
            State::Start | State::Words => (String::new(), held),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pieces: &[&str]) -> (String, String) {
        let mut tags = ThinkTags::default();
        let (mut reasoning, mut words) = (String::new(), String::new());
        for piece in pieces {
            let (thought, said) = tags.push(piece);
            reasoning += &thought;
            words += &said;
        }
        let (thought, said) = tags.finish();
        (reasoning + &thought, words + &said)
    }

    #[test]
    fn reasoning_is_told_from_words_however_it_is_cut() {
        for (text, reasoning, words) in [
            ("hello <think>no</think>", "", "hello <think>no</think>"),
            ("\n<think>why\u{e9} </thin not</think>\n\nyes </think>", "why\u{e9} </thin not", "yes </think>"),
            ("<think>cut </th", "cut </th", ""),
            ("<thin", "", "<thin"),
            ("  ", "", "  "),
            ("<think></think>", "", ""),
        ] {
            let want = (reasoning.to_owned(), words.to_owned());
            assert_eq!(read(&[text]), want, "{text}");
            for (at, _) in text.char_indices() {
                let (head, tail) = text.split_at(at);
                assert_eq!(read(&[head, tail]), want, "{text} at {at}");
            }
        }
    }
}
