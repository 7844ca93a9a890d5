//! JSON text into a type: one reader for the whole program, since every other one costs each type's code once more.

mod record;

use serde::de::{DeserializeOwned, Error as _};

pub(crate) use record::{Record, put, record, tag, take, through_record, untag, variants};

/// Reads JSON text. `serde_json::from_slice` would do the same with a second copy of each type's reader in the wasm.
///
/// # Errors
///
/// Not UTF-8, not JSON, or not a `T`.
pub(crate) fn read<T: DeserializeOwned>(text: &[u8]) -> serde_json::Result<T> {
    serde_json::from_str(std::str::from_utf8(text).map_err(serde_json::Error::custom)?)
}

/// Reads a number as people write it in a header or a configuration: JSON's, and `.5` and `+1` too.
///
/// `str::parse` would bring tables of 12 KB, beside those that JSON's reader has already.
pub(crate) fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let text = text.strip_prefix('+').unwrap_or(text);
    if text.starts_with('.') { serde_json::from_str(&format!("0{text}")).ok() } else { serde_json::from_str(text).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_an_error() {
        assert_eq!(read::<String>(br#""a""#).unwrap(), "a");
        assert!(read::<String>(b"\"\xff\"").unwrap_err().to_string().contains("utf-8"));
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        for (text, number) in [("1", 1.0), (" 2.5 ", 2.5), (".5", 0.5), ("+1e3", 1000.0), ("-0.25", -0.25)] {
            assert_eq!(super::number(text), Some(number), "{text}");
        }
        for text in ["", "one", "nan", "inf", "1s", "."] {
            assert_eq!(number(text), None, "{text}");
        }
    }
}
