//! The request that a dialect sends: JSON by POST, with the key as a bearer token and the configuration's headers.

use super::Target;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;

/// A request with the target's key; `keyless` is whether the provider can be asked without one.
///
/// # Errors
///
/// No key, where the provider wants one and its address is not the user's own.
pub(super) fn post(target: &Target<'_>, url: String, body: Vec<u8>, keyless: bool) -> Result<HttpRequest> {
    let mut http = HttpRequest::post_json(url, body);
    match target.key.filter(|key| !key.is_empty()) {
        Some(key) => http.headers.push("authorization", format!("Bearer {}", key.expose())),
        None if keyless || target.api_base.is_some() => {}
        None => {
            let message = "no API key: set `api_key` in litellm_params, or the provider's key variable";
            return Err(Error::upstream(Kind::Authentication, target.provider, 401, message));
        }
    }
    for (name, value) in target.settings.extra_headers.iter() {
        http.headers.set(name, value);
    }
    Ok(http)
}

/// `api_base` without the first of these endings that it has, so that another endpoint can follow it.
pub(super) fn without_ending<'a>(base: &'a str, endings: &[&str]) -> &'a str {
    let base = base.trim().trim_end_matches('/');
    endings.iter().find_map(|ending| base.strip_suffix(ending)).unwrap_or(base)
}
