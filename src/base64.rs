//! Base64 both ways, and its alphabet for URLs (RFC 4648, 4 and 5).

const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Writes bytes as base64, with `=` at the end.
pub fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0_u32, |word, at| word << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4_usize {
            let digit = DIGITS.get((word >> (18 - 6 * at) & 63) as usize).copied().unwrap_or(b'=');
            out.push(char::from(if at <= group.len() { digit } else { b'=' }));
        }
    }
    out
}

/// Writes bytes as base64url, without `=`: what JWTs are made of.
pub fn encode_url(bytes: &[u8]) -> String {
    encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_")
}

/// Reads base64 of either alphabet, padded or not; white space is skipped. `None` for anything else.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut digits) = (0_u32, 0_usize);
    let mut bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    for byte in bytes.by_ref() {
        let digit = match byte {
            b'=' => break,
            b'-' => 62,
            b'_' => 63,
            _ => DIGITS.iter().position(|&digit| digit == byte)? as u32,
        };
        word = word << 6 | digit;
        digits += 1;
        if digits == 4 {
            out.extend_from_slice(word.to_be_bytes().get(1..)?);
            (word, digits) = (0, 0);
        }
    }
    if bytes.any(|byte| byte != b'=') {
        return None;
    }
    match digits {
        0 => {}
        2 => out.push((word >> 4) as u8),
        3 => out.extend_from_slice(&[(word >> 10) as u8, (word >> 2) as u8]),
        _ => return None,
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648, 10.
    #[test]
    fn the_rfcs_own_vectors_hold_both_ways() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
            assert_eq!(decode(coded.trim_end_matches('=')).unwrap(), plain.as_bytes());
        }
    }

    #[test]
    fn every_byte_survives_in_the_alphabet_of_urls() {
        let bytes: Vec<u8> = (0..=255).collect();
        let coded = encode_url(&bytes);
        assert!(!coded.contains(['+', '/', '=']), "{coded}");
        assert_eq!(decode(&coded).unwrap(), bytes);
        assert_eq!(decode("Zm9v\nYmFy\r\n").unwrap(), b"foobar");
        for wrong in ["Z", "Zm9v!", "Zg=a", "Zm9vZ"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }
}
