//! Names of tools and ids of calls: what Anthropic takes, and the way back to the client's own names.

use crate::sorted::{SortedMap, SortedSet};

/// The longest name of a tool, in characters: `^[a-zA-Z0-9_-]{1,128}$`.
pub(super) const LONGEST: usize = 128;

/// The names that one request sends, and what its client calls them.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Names {
    /// The client's name to the sent one, only where they differ.
    sent: SortedMap<String, String>,
    /// Pairs of sent and client's names in the order of the tools.
    pairs: Vec<(String, String)>,
}

impl Names {
    /// Chooses what to send for each name. Names that are right keep theirs; the others never take one of those, nor
    /// each other's.
    pub(super) fn new<'a>(originals: impl Iterator<Item = &'a str> + Clone, longest: usize) -> Self {
        let clean = |name: &str| clean(name, longest);
        let mut used: SortedSet<String> =
            originals.clone().filter(|name| clean(name) == **name).map(str::to_owned).collect();
        let mut names = Self::default();
        // Where the search for a free number goes on: a thousand look-alikes must not cost a million tries.
        let mut next: SortedMap<String, usize> = SortedMap::new();
        for original in originals {
            let candidate = clean(original);
            if candidate == original || names.sent.contains_key(original) {
                continue;
            }
            let number = next.value_or(candidate.clone(), || 1);
            let mut name = candidate.clone();
            while used.contains(&name) {
                *number += 1;
                let suffix = format!("_{number}");
                let head: String = candidate.chars().take(longest - suffix.len()).collect();
                name = head + &suffix;
            }
            used.insert(name.clone());
            names.sent.insert(original.to_owned(), name.clone());
            names.pairs.push((name, original.to_owned()));
        }
        names
    }

    /// What is sent for the client's name.
    pub(in crate::provider) fn sent<'a>(&'a self, original: &'a str) -> &'a str {
        self.sent.get(original).map_or(original, String::as_str)
    }

    /// Pairs of sent and client's names, for the reader of the answer.
    pub(in crate::provider) fn into_pairs(self) -> Vec<(String, String)> {
        self.pairs
    }
}

fn clean(name: &str, longest: usize) -> String {
    if name.is_empty() {
        return "_".to_owned();
    }
    name.chars().take(longest).map(wire_character).collect()
}

/// Ids of calls as Anthropic takes them: `^[a-zA-Z0-9_-]+$`, and each once in a conversation. Models of others begin
/// to count anew in every turn, and OpenAI's older functions have no id but their name.
#[derive(Clone, Debug, Default)]
pub(super) struct CallIds(SortedMap<String, u64>);

impl CallIds {
    /// The id to send for a call.
    pub(super) fn of_call(&mut self, id: &str) -> String {
        let id = clean_id(id);
        let times = self.0.or_default(id.clone());
        *times += 1;
        numbered(id, *times)
    }

    /// The id to send for a result: that of the latest call by this id.
    pub(super) fn of_result(&self, id: &str) -> String {
        let id = clean_id(id);
        let times = self.0.get(&id).copied().unwrap_or(1);
        numbered(id, times)
    }
}

fn numbered(id: String, times: u64) -> String {
    if times > 1 { format!("{id}_{times}") } else { id }
}

fn clean_id(id: &str) -> String {
    if id.is_empty() { "_".to_owned() } else { id.chars().map(wire_character).collect() }
}

fn wire_character(character: char) -> char {
    if character.is_ascii_alphanumeric() || matches!(character, '_' | '-') { character } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_right_keeps_its_name_and_others_go_around_it() {
        let names = Names::new(["a.b", "a_b", "a/b", "a.b", "ok"].into_iter(), LONGEST);
        assert_eq!(["a.b", "a_b", "a/b", "ok"].map(|name| names.sent(name)), ["a_b_2", "a_b", "a_b_3", "ok"]);
        let pairs = names.into_pairs();
        assert_eq!(pairs, [("a_b_2".to_owned(), "a.b".to_owned()), ("a_b_3".to_owned(), "a/b".to_owned())]);
    }

    #[test]
    fn long_names_are_cut_and_stay_apart() {
        let (a, b) = (format!("{}a", "x".repeat(130)), format!("{}b", "x".repeat(130)));
        let names = Names::new([a.as_str(), b.as_str()].into_iter(), LONGEST);
        assert_eq!((names.sent(&a).len(), names.sent(&b).len()), (128, 128));
        assert_ne!(names.sent(&a), names.sent(&b));
    }

    #[test]
    fn many_look_alikes_are_named_in_reasonable_time() {
        let originals: Vec<String> =
            (0..5000_u32).map(|n| format!("f{}", char::from_u32(0x4E00 + n).unwrap())).collect();
        let names = Names::new(originals.iter().map(String::as_str), LONGEST);
        let sent: SortedSet<&str> = originals.iter().map(|name| names.sent(name)).collect();
        assert_eq!(sent.len(), originals.len());
    }

    #[test]
    fn ids_of_calls_are_the_same_on_both_sides_and_never_come_twice() {
        let mut ids = CallIds::default();
        assert_eq!(
            (ids.of_call("call|1:é"), ids.of_result("call|1:é")),
            ("call_1__".to_owned(), "call_1__".to_owned())
        );
        assert_eq!(
            (ids.of_call("call|1:é"), ids.of_result("call|1:é")),
            ("call_1___2".to_owned(), "call_1___2".to_owned())
        );
        assert_eq!((ids.of_call(""), ids.of_result("alone")), ("_".to_owned(), "alone".to_owned()));
    }
}
