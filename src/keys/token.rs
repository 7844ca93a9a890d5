//! Virtual keys: made from random bytes, checked without storage, stored as a hash, shown masked.
//!
//! A key is `sk-` + 32 random characters + 12 characters of MAC, all base64url. Whoever guesses keys has to guess the
//! MAC too, so a forged key of this form is refused by arithmetic alone, and a flood of them reads no storage.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::error::{Error, Result};
use crate::secret::Secret;

pub use crate::secret::mask;

/// How many random bytes [`generate`] takes: 192 bits, more than LiteLLM's 128.
pub const RANDOM_BYTES: usize = 24;

/// How many bytes of the MAC a key carries. 72 bits: a forger who may try a billion keys a second needs 75,000 years
/// for one that is looked up at all, and then still faces 192 random bits; more would only make keys longer.
const MAC_BYTES: usize = 9;

const PREFIX: &str = "sk-";
const RANDOM_CHARACTERS: usize = RANDOM_BYTES / 3 * 4;
const MAC_CHARACTERS: usize = MAC_BYTES / 3 * 4;
const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Separates this use of the master secret from every other.
const PURPOSE: &[u8] = b"tollgate virtual key v1\0";

/// What a presented key is, before anything is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Made by this gateway: its MAC is right. Worth a look in storage, and in its Ledger when storage does not know
    /// it.
    Genuine,
    /// Of the form that this gateway makes, with a wrong MAC: refuse it, read nothing.
    Forged,
    /// Of another form, so perhaps one that an admin chose: worth one look in the cached index, and nothing more.
    ///
    /// The trade-off: a flood of keys of other forms costs one (cacheable, negative-cached) index read each. Gateways
    /// that hand out no keys of their own choosing can treat this as [`Form::Forged`].
    Custom,
}

/// Makes a virtual key from fresh random bytes.
///
/// The secret must outlive the keys: `LITELLM_SALT_KEY` where it is set, else the master key, whose change then turns
/// every generated key into a forged one.
pub fn generate(random: &[u8; RANDOM_BYTES], secret: &Secret) -> String {
    let mut key = String::with_capacity(PREFIX.len() + RANDOM_CHARACTERS + MAC_CHARACTERS);
    key.push_str(PREFIX);
    push_base64(&mut key, random);
    let mac = mac(&key, secret);
    key.push_str(&mac);
    key
}

/// Whether `key` carries the MAC of `secret`, so that this gateway made it.
pub fn check(key: &str, secret: &Secret) -> bool {
    form(key, secret) == Form::Genuine
}

/// Tells a key of this gateway from a forged one and from one that an admin chose.
pub fn form(key: &str, secret: &Secret) -> Form {
    let Some(body) = key.strip_prefix(PREFIX) else { return Form::Custom };
    if body.len() != RANDOM_CHARACTERS + MAC_CHARACTERS || !body.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return Form::Custom;
    }
    let (signed, given) = key.split_at(key.len() - MAC_CHARACTERS);
    if Secret::new(mac(signed, secret)).matches(given) { Form::Genuine } else { Form::Forged }
}

/// Checks a key that an admin chose (`key` of `/key/generate`).
///
/// # Errors
///
/// Without `sk-`, shorter than 16 or longer than 256 characters, with characters that a header cannot carry, or of the
/// form that this gateway makes itself (it would be refused as forged).
pub fn check_custom(key: &str, secret: &Secret) -> Result<()> {
    let wrong = |message: &str| Err(Error::bad_request("key", message));
    if !key.starts_with(PREFIX) {
        return wrong("`key` must start with `sk-`");
    }
    if !(16..=256).contains(&key.len()) {
        return wrong("`key` must have 16 to 256 characters");
    }
    if !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return wrong("`key` may hold only printable ASCII without spaces");
    }
    if form(key, secret) == Form::Forged {
        return wrong(
            "`key` looks like a generated key with a wrong signature; choose another length than 47 characters",
        );
    }
    Ok(())
}

/// The SHA-256 of a key in hex: what is stored, and what logs and reports name the key by.
pub fn hash(key: &str) -> String {
    let mut out = String::with_capacity(64);
    for byte in Sha256::digest(key.as_bytes()) {
        for nibble in [byte >> 4, byte & 15] {
            out.push(char::from_digit(u32::from(nibble), 16).unwrap_or('0'));
        }
    }
    out
}

/// Whether `text` is already the hash of a key: management calls take either.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn mac(text: &str, secret: &Secret) -> String {
    let mut out = String::with_capacity(MAC_CHARACTERS);
    // HMAC takes keys of any length: the error arm cannot be reached, and an empty MAC matches nothing.
    if let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(secret.expose().as_bytes()) {
        hmac.update(PURPOSE);
        hmac.update(text.as_bytes());
        let bytes = hmac.finalize().into_bytes();
        push_base64(&mut out, bytes.get(..MAC_BYTES).unwrap_or_default());
    }
    out
}

/// Writes whole groups of three bytes as base64url.
fn push_base64(out: &mut String, bytes: &[u8]) {
    for group in bytes.chunks_exact(3) {
        let word = group.iter().fold(0_u32, |word, byte| word << 8 | u32::from(*byte));
        for shift in [18, 12, 6, 0] {
            let symbol = ALPHABET.get((word >> shift & 63) as usize).copied().unwrap_or(b'A');
            out.push(char::from(symbol));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret::new("sk-master")
    }

    #[test]
    fn a_generated_key_is_genuine_under_its_secret_alone() {
        let key = generate(&[7; RANDOM_BYTES], &secret());
        assert_eq!(key.len(), 47);
        assert!(check(&key, &secret()));
        assert_eq!(form(&key, &Secret::new("sk-other")), Form::Forged);
    }

    #[test]
    fn a_key_with_any_character_changed_is_forged() {
        let key = generate(&[200; RANDOM_BYTES], &secret());
        for at in 3..key.len() {
            let mut bytes = key.clone().into_bytes();
            bytes[at] = if bytes[at] == b'x' { b'y' } else { b'x' };
            let forged = String::from_utf8(bytes).unwrap();
            assert_eq!(form(&forged, &secret()), Form::Forged, "{at}");
        }
    }

    #[test]
    fn a_key_of_another_form_may_be_an_admins() {
        for key in
            ["sk-1234", "sk-my-own-key-for-the-team", "Bearer", "", "sk-ü23456789012345678901234567890123456789012"]
        {
            assert_eq!(form(key, &secret()), Form::Custom, "{key}");
        }
        assert!(check_custom("sk-my-own-key-for-the-team", &secret()).is_ok());
        let generated_form = format!("sk-{}", "a".repeat(44));
        for bad in ["my-own-key-for-the-team", "sk-short", "sk-with a space in it", generated_form.as_str()] {
            assert!(check_custom(bad, &secret()).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_hash_is_sha_256_in_hex() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert!(is_hash(&hash("abc")) && !is_hash("sk-abc"));
    }
}
