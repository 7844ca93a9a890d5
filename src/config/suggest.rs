//! Near names: what a name that nobody knows was probably meant to be.

use crate::sorted;
/// Longest name that suggestions are made for, in bytes.
const LONGEST: usize = 80;

/// Most suggestions for one name.
const MOST: usize = 3;

/// Those of `known` that are spelled nearly like `name`, nearest first.
pub(super) fn near<'k>(name: &str, mut known: impl Iterator<Item = &'k str>) -> Vec<&'k str> {
    nearest(name, &mut known)
}

// One for every kind of iterator: this is for mistakes, and should be small rather than fast.
fn nearest<'k>(name: &str, known: &mut dyn Iterator<Item = &'k str>) -> Vec<&'k str> {
    if name.is_empty() || name.len() > LONGEST {
        return Vec::new();
    }
    let name = name.to_ascii_lowercase();
    let mut found: Vec<(usize, &str)> = Vec::new();
    for candidate in known {
        if let Some(distance) = distance(&name, &candidate.to_ascii_lowercase())
            && !found.iter().any(|(_, other)| *other == candidate)
        {
            found.push((distance, candidate));
        }
    }
    sorted::sort_by_key(&mut found, |(distance, _)| *distance);
    // A slip explains more than a name inside of another.
    if found.first().is_some_and(|(distance, _)| *distance < LONGEST) {
        found.retain(|(distance, _)| *distance < LONGEST);
    }
    found.into_iter().take(MOST).map(|(_, candidate)| candidate).collect()
}

/// `; did you mean "…"?` for the nearest names, or nothing.
pub(super) fn hint<'k>(name: &str, known: impl Iterator<Item = &'k str>) -> String {
    let quoted: Vec<String> = near(name, known).into_iter().map(|name| format!("\"{name}\"")).collect();
    if quoted.is_empty() { String::new() } else { format!("; did you mean {}?", quoted.join(" or ")) }
}

/// The name that `name` is a slip of, where that can hardly be meant otherwise.
pub(super) fn slip<'k>(name: &str, mut known: impl Iterator<Item = &'k str>) -> Option<&'k str> {
    let short = name.len() < 5;
    known.find(|known| {
        let edits = edits(name.as_bytes(), known.as_bytes());
        edits > 0 && edits <= (name.len() / 4).min(2) && !short
    })
}

/// How far two names are apart; `None` where one is no slip of the other: more than a third of it differs, and neither
/// holds the other.
fn distance(a: &str, b: &str) -> Option<usize> {
    /// Shortest name that tells something when it is part of another.
    const TELLING: usize = 4;
    let longest = a.len().max(b.len());
    let edits = if b.len() <= LONGEST { edits(a.as_bytes(), b.as_bytes()) } else { usize::MAX };
    if edits <= (longest / 3).max(1) {
        return Some(edits);
    }
    let part = |whole: &str, part: &str| part.len() >= TELLING && whole.contains(part);
    (part(a, b) || part(b, a)).then_some(LONGEST + longest)
}

/// The number of bytes to insert, remove, replace or swap with the next one.
fn edits(a: &[u8], b: &[u8]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], j: usize| row.get(j).copied().unwrap_or(usize::MAX - 1);
            let mut best = (at(&last, j) + usize::from(x != y)).min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_their_names() {
        let known = ["fallbacks", "default_fallbacks", "timeout", "num_retries"];
        assert_eq!(near("fallback", known.into_iter())[0], "fallbacks");
        assert_eq!(near("tiemout", known.into_iter()), ["timeout"]);
        assert_eq!(near("Num_Retry", known.into_iter()), ["num_retries"]);
        assert_eq!(near("banana", known.into_iter()), [""; 0]);
        assert_eq!(near("claude", ["claude-sonnet-4", "gpt-4o"].into_iter()), ["claude-sonnet-4"]);
        assert_eq!(hint("fallback", known.into_iter()), "; did you mean \"fallbacks\"?");
        assert_eq!(hint("gpt-4", ["gpt-4o", "gpt-5"].into_iter()), "; did you mean \"gpt-4o\" or \"gpt-5\"?");
        assert_eq!(hint("banana", known.into_iter()), "");
    }

    #[test]
    fn a_swap_is_one_edit() {
        assert_eq!(edits(b"api_bsae", b"api_base"), 1);
        assert_eq!(edits(b"", b"abc"), 3);
        assert_eq!(edits(b"kitten", b"sitting"), 3);
    }
}
