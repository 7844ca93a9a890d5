//! HTTP as plain data: requests and heads that the core writes and reads, and never sends.

use std::fmt;

/// Header fields in order; names are lower-case.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(Vec<(String, String)>);

/// Headers whose values are never printed.
const PRIVATE: &[&str] = &[
    "authorization",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "x-litellm-api-key",
    "x-amz-security-token",
    "cookie",
    "cf-aig-authorization",
];

impl Headers {
    /// No fields.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The first value of `name` (lower-case).
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Adds a field, after those there; the name is lowered.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.0.push((name.to_ascii_lowercase(), value.into()));
    }

    /// Replaces every field `name` by one.
    pub fn set(&mut self, name: &str, value: impl Into<String>) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(field, _)| *field != name);
        self.0.push((name, value.into()));
    }

    /// Removes every field `name` (lower-case).
    pub fn remove(&mut self, name: &str) {
        self.0.retain(|(field, _)| field != name);
    }

    /// The fields in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many fields there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: AsRef<str>, V: Into<String>> FromIterator<(N, V)> for Headers {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut headers = Self::new();
        for (name, value) in fields {
            headers.push(name.as_ref(), value);
        }
        headers
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |name: &str, value: &str| if PRIVATE.contains(&name) { "***".to_owned() } else { value.to_owned() };
        f.debug_map().entries(self.iter().map(|(name, value)| (name.to_owned(), shown(name, value)))).finish()
    }
}

/// A request to send, or one that a client sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpRequest {
    /// `GET`, `POST`, …, upper-case.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// Header fields.
    pub headers: Headers,
    /// Body bytes; empty for none.
    pub body: Vec<u8>,
}

impl HttpRequest {
    /// A `POST` of a JSON body.
    pub fn post_json(url: String, body: Vec<u8>) -> Self {
        let mut headers = Headers::new();
        headers.push("content-type", "application/json");
        Self { method: "POST".to_owned(), url, headers, body }
    }

    /// A `POST` of a form: the pairs of its body are encoded here.
    pub fn post_form(url: String, pairs: &[(&str, &str)]) -> Self {
        let mut body = String::new();
        for (name, value) in pairs {
            if !body.is_empty() {
                body.push('&');
            }
            body.push_str(&percent_encode(name));
            body.push('=');
            body.push_str(&percent_encode(value));
        }
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("accept", "application/json")];
        Self { method: "POST".to_owned(), url, headers: headers.into_iter().collect(), body: body.into_bytes() }
    }

    /// The path of the URL, without query and fragment, at least `/`.
    pub fn path(&self) -> &str {
        let after_scheme = self.url.split_once("://").map_or(self.url.as_str(), |(_, rest)| rest);
        let path = after_scheme.find('/').map_or("/", |at| after_scheme.get(at..).unwrap_or("/"));
        path.split(['?', '#']).next().unwrap_or("/")
    }

    /// The value of a query parameter, percent-decoded; `+` is a space.
    pub fn query(&self, name: &str) -> Option<String> {
        let query = self.url.split_once('?')?.1.split('#').next()?;
        query.split('&').find_map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (percent_decode(key) == name).then(|| percent_decode(value))
        })
    }
}

/// Status and headers of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HttpHead {
    /// 100 to 599.
    pub status: u16,
    /// Header fields.
    pub headers: Headers,
}

impl HttpHead {
    /// Whether the status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Writes a text for a query or a form: all but RFC 3986's unreserved characters as `%41`.
pub fn percent_encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
            continue;
        }
        out.push('%');
        for digit in [byte >> 4, byte & 15] {
            out.push(char::from_digit(digit.into(), 16).unwrap_or_default().to_ascii_uppercase());
        }
    }
    out
}

/// Decodes `%41` and `+` in a query component; what is no valid escape stays as it is, invalid UTF-8 is replaced.
pub fn percent_decode(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'+' => out.push(b' '),
            b'%' => {
                let mut ahead = bytes.clone();
                let digits = (ahead.next().and_then(hex_digit), ahead.next().and_then(hex_digit));
                if let (Some(high), Some(low)) = digits {
                    out.push(high << 4 | low);
                    bytes = ahead;
                } else {
                    out.push(byte);
                }
            }
            other => out.push(other),
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

fn hex_digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).map(|digit| digit as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_headers_are_not_printed() {
        let headers: Headers = [("Authorization", "Bearer sk-1"), ("X-Trace", "t")].into_iter().collect();
        let shown = format!("{headers:?}");
        assert!(!shown.contains("sk-1") && shown.contains("\"x-trace\": \"t\""), "{shown}");
    }

    #[test]
    fn a_form_is_encoded_and_reads_back() {
        let http = HttpRequest::post_form("https://h".to_owned(), &[("grant_type", "urn:a b"), ("x", "é&=~")]);
        assert_eq!(http.body, b"grant_type=urn%3Aa%20b&x=%C3%A9%26%3D~");
        assert_eq!(percent_decode(&percent_encode("a/é +%")), "a/é +%");
    }

    #[test]
    fn path_and_query_are_cut_from_the_url() {
        let request = HttpRequest::post_json("https://h:1/v1/models?user_id=a%20b+c&x=%zz#f".to_owned(), Vec::new());
        assert_eq!(request.path(), "/v1/models");
        assert_eq!(request.query("user_id").as_deref(), Some("a b c"));
        assert_eq!(request.query("x").as_deref(), Some("%zz"));
        assert_eq!(request.query("y"), None);
        assert_eq!(HttpRequest::post_json("https://h".to_owned(), Vec::new()).path(), "/");
    }
}
