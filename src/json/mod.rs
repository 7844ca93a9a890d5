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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_not_utf8_are_an_error() {
        assert_eq!(read::<String>(br#""a""#).unwrap(), "a");
        assert!(read::<String>(b"\"\xff\"").unwrap_err().to_string().contains("utf-8"));
    }
}
