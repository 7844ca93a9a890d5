//! Secrets that cannot be printed, compared without telling how much of them was right, and cut out of foreign text.

use std::fmt;

/// A credential. `Debug` prints `***`; there is no `Display` and no `Serialize`.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Wraps a credential.
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The credential itself: for the one header that carries it, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it is empty.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Compares with `other` in time that depends on the lengths alone.
    pub fn matches(&self, other: &str) -> bool {
        let (a, b) = (self.0.as_bytes(), other.as_bytes());
        let mut difference = u8::from(a.len() != b.len());
        for (i, x) in a.iter().enumerate() {
            difference |= x ^ b.get(i).copied().unwrap_or(0);
        }
        std::hint::black_box(difference) == 0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl From<&str> for Secret {
    fn from(value: &str) -> Self {
        Self::new(value)
    }
}

/// Shows a virtual key as LiteLLM does: `sk-...abcd`.
pub fn mask(key: &str) -> String {
    let tail: String = key.chars().rev().take(4).collect::<Vec<_>>().into_iter().rev().collect();
    format!("sk-...{tail}")
}

/// Shortest credential that is cut out of text: shorter ones would cut ordinary words.
const SHORTEST: usize = 6;

/// Words in the name of a field that holds a credential.
const CREDENTIALS: &[&str] = &["key", "secret", "token", "password", "credentials"];

/// Whether a field of that name holds a credential (`aws_secret_access_key`), and not a region or a URL.
pub fn names_credential(name: &str) -> bool {
    CREDENTIALS.iter().any(|word| name.contains(word))
}

/// Cuts `secrets`, everything that looks like an API key (`sk-…`, `AIza…`), and `key=` query values out of upstream text.
pub fn redact(text: &str, secrets: &[Secret]) -> String {
    let mut out = text.to_owned();
    for secret in secrets.iter().filter(|secret| secret.0.len() >= SHORTEST) {
        out = out.replace(secret.expose(), "***");
    }
    for (mark, keep) in [("sk-", 3), ("AIza", 4), ("key=", 4), ("Bearer ", 7)] {
        out = cut(&out, mark, keep);
    }
    out
}

/// Replaces the token after each `mark` by `***` where it is at least 16 characters long.
fn cut(text: &str, mark: &str, keep: usize) -> String {
    const LONGEST_WORD: usize = 16;
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(mark) {
        let (before, after) = rest.split_at(at + keep);
        let end = after.find(|c: char| !(c.is_ascii_alphanumeric() || "-_*.".contains(c))).unwrap_or(after.len());
        let (token, tail) = after.split_at(end);
        out.push_str(before);
        out.push_str(if token.len() >= LONGEST_WORD { "***" } else { token });
        rest = tail;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_cannot_be_printed() {
        assert_eq!(format!("{:?}", Secret::new("sk-live")), "***");
        assert_eq!(mask("sk-1234567890abcd"), "sk-...abcd");
    }

    #[test]
    fn comparison_needs_every_byte() {
        let secret = Secret::new("sk-master");
        assert!(secret.matches("sk-master"));
        for wrong in ["", "sk-maste", "sk-master1", "sk-masteR"] {
            assert!(!secret.matches(wrong), "{wrong}");
        }
    }

    #[test]
    fn upstream_text_loses_its_keys() {
        let key = Secret::new("topsecret-value");
        assert_eq!(redact("no topsecret-value here", &[Secret::new("other-secret"), key]), "no *** here");
        assert_eq!(redact("Incorrect API key: sk-proj-abcdefghijklmnop.", &[]), "Incorrect API key: sk-***");
        assert_eq!(redact("GET /m?key=AIzaSyA1234567890123456789&x=1", &[]), "GET /m?key=AIza***&x=1");
        assert_eq!(redact("a sk-short word", &[]), "a sk-short word");
    }
}
