//! AWS's signature, version 4:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use crate::http::{HttpRequest, percent_decode, percent_encode};
use crate::keys::calendar::write_time;
use crate::sorted::sort;

/// Who signs, and what for.
#[derive(Clone, Copy)]
pub(crate) struct Signer<'a> {
    /// The id of the access key.
    pub(crate) access_key: &'a str,
    /// Its secret.
    pub(crate) secret_key: &'a str,
    /// The token of a temporary key.
    pub(crate) session_token: Option<&'a str>,
    /// Such as `us-east-1`.
    pub(crate) region: &'a str,
    /// AWS's name of the service: `bedrock`, `sagemaker`, `sts`.
    pub(crate) service: &'a str,
}

impl Signer<'_> {
    /// Signs `request` as of `now` (Unix seconds): its method, URL, body, and every header that it has by then.
    ///
    /// Paths are encoded once more, as for every service but S3: `%3A` becomes `%253A`.
    pub(crate) fn sign(&self, request: &mut HttpRequest, now: u64) {
        // `2015-08-30T12:36:00Z` in the basic format.
        let time = write_time(now.saturating_mul(1000)).replace(['-', ':'], "");
        request.headers.set("x-amz-date", time.as_str());
        if let Some(token) = self.session_token {
            request.headers.set("x-amz-security-token", token);
        }
        let (canonical, signed) = canonical(request);
        let day = time.get(..8).unwrap_or_default();
        let scope = [day, self.region, self.service, "aws4_request"];
        let mut key = [b"AWS4", self.secret_key.as_bytes()].concat();
        for part in scope {
            key = mac(&key, part);
        }
        let scope = scope.join("/");
        let to_sign = ["AWS4-HMAC-SHA256", &time, &scope, &hex(&Sha256::digest(canonical.as_bytes()))].join("\n");
        let signature = hex(&mac(&key, &to_sign));
        let authorization = [
            "AWS4-HMAC-SHA256 Credential=",
            self.access_key,
            "/",
            &scope,
            ", SignedHeaders=",
            &signed,
            ", Signature=",
            &signature,
        ];
        request.headers.set("authorization", authorization.concat());
    }
}

/// The canonical request, and the names of its headers.
fn canonical(request: &HttpRequest) -> (String, String) {
    let mut headers: Vec<(&str, String)> = vec![("host", host(&request.url).to_owned())];
    for (name, value) in request.headers.iter() {
        let value = value.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
        match headers.iter_mut().find(|(known, _)| *known == name) {
            Some((_, values)) => values.extend([",", &value]),
            None => headers.push((name, value)),
        }
    }
    sort(&mut headers);
    let signed = headers.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(";");
    let mut out = [&request.method, "\n", &path(request.path()), "\n", &query(&request.url), "\n"].concat();
    for (name, value) in headers {
        out.extend([name, ":", &value, "\n"]);
    }
    out.extend(["\n", &signed, "\n", &hex(&Sha256::digest(&request.body))]);
    (out, signed)
}

/// The host of a URL, with its port where it is not the scheme's own, as an HTTP client writes it.
fn host(url: &str) -> &str {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_suffix(if scheme == "http" { ":80" } else { ":443" }).unwrap_or(host)
}

/// A path without `.`, `..` and empty segments, encoded once more.
fn path(path: &str) -> String {
    let mut segments: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(segments.pop()),
            segment => segments.push(segment),
        }
    }
    let mut out = String::new();
    for segment in &segments {
        out.push('/');
        out.push_str(&percent_encode(segment));
    }
    if out.is_empty() || path.ends_with('/') {
        out.push('/');
    }
    out
}

/// The parameters of a query, encoded in one way and sorted.
fn query(url: &str) -> String {
    let query = url.split('#').next().and_then(|url| url.split_once('?')).map_or("", |(_, query)| query);
    let encode = |text: &str| percent_encode(&percent_decode(text));
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    let mut pairs: Vec<[String; 2]> = pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|pair| [encode(pair.0), encode(pair.1)])
        .collect();
    sort(&mut pairs);
    pairs.iter().map(|pair| pair.join("=")).collect::<Vec<_>>().join("&")
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length: the error arm cannot be reached, and an empty MAC opens nothing.
    let Ok(mut hmac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    hmac.update(text.as_bytes());
    hmac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('0');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// AWS's own vectors: the file names its source.
    const VECTORS: &str = include_str!("../../../tests/data/sigv4.json");

    #[test]
    fn requests_are_signed_as_in_the_published_vectors() {
        let vectors: Value = serde_json::from_str(VECTORS).unwrap();
        let cases = vectors["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 29);
        for case in cases {
            let text = |name: &str| case[name].as_str().unwrap_or_default();
            let pairs = case["headers"].as_array().unwrap().iter();
            let mut request = HttpRequest {
                method: text("method").to_owned(),
                url: format!("https://example.amazonaws.com{}", text("target")),
                headers: pairs.map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap())).collect(),
                body: text("body").as_bytes().to_vec(),
            };
            if case["sign_body"] == true {
                let hash = hex(&Sha256::digest(&request.body));
                request.headers.push("x-amz-content-sha256", hash);
            }
            let signer = Signer {
                access_key: vectors["access_key_id"].as_str().unwrap(),
                secret_key: vectors["secret_access_key"].as_str().unwrap(),
                session_token: case["session_token"].as_str(),
                region: vectors["region"].as_str().unwrap(),
                service: vectors["service"].as_str().unwrap(),
            };
            signer.sign(&mut request, vectors["time"].as_u64().unwrap());
            let authorization = request.headers.get("authorization").unwrap().to_owned();
            request.headers.remove("authorization");
            assert_eq!(canonical(&request).0, text("canonical_request"), "{}", text("name"));
            let (_, signature) = authorization.split_once("Signature=").unwrap();
            assert_eq!(signature, text("signature"), "{}", text("name"));
        }
    }

    #[test]
    fn what_is_encoded_already_is_encoded_once_more() {
        assert_eq!(path("/model/us.a%3A0/converse"), "/model/us.a%253A0/converse");
        assert_eq!(path("/model/arn%3Aaws%3Abedrock%2Fx/invoke"), "/model/arn%253Aaws%253Abedrock%252Fx/invoke");
    }

    #[test]
    fn a_port_belongs_to_the_host_where_it_is_not_the_schemes_own() {
        for (url, want) in [
            ("https://h.aws/x", "h.aws"),
            ("https://h.aws:443/x", "h.aws"),
            ("https://h.aws:8443", "h.aws:8443"),
            ("http://127.0.0.1:80/x", "127.0.0.1"),
            ("http://127.0.0.1:8080?x=1", "127.0.0.1:8080"),
        ] {
            assert_eq!(host(url), want);
        }
    }
}
