//! Which addresses of media the gateway fetches: no private, loopback, link-local or metadata address, however it is
//! written, and no name that stands for one.
//!
//! An address that is read here one way and by the platform another would be a hole, so whatever is unusual is refused:
//! only visible ASCII, no backslash, no user, no percent sign in the host. Numbers are read as browsers read them
//! (<https://url.spec.whatwg.org/#concept-ipv4-parser>).

use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest address, in bytes.
const LONGEST: usize = 4096;

/// Names that stand for this machine or for what only an inner network knows, and everything below them.
const INNER_NAMES: &[&str] = &[
    "arpa",
    "cluster",
    "corp",
    "home",
    "internal",
    "intranet",
    "invalid",
    "lan",
    "local",
    "localdomain",
    "localhost",
    "private",
    "svc",
    "test",
];

/// Public names that resolve to whatever address stands in them, or to this machine.
const MIRRORS: &[&str] =
    &["lacolhost.com", "localtest.me", "lvh.me", "nip.io", "sslip.io", "traefik.me", "vcap.me", "xip.io"];

/// Public IPv6 addresses lie in `2000::/3`; these parts of it lead elsewhere: Teredo and other protocols, documentation,
/// `6to4`, `SRv6`. Each is a prefix of 16-bit groups with the number of its bits.
const INNER_V6: &[(u32, u32)] = &[(0x2001_0000, 23), (0x2001_0db8, 32), (0x2002_0000, 16), (0x3fff_0000, 20)];

/// Networks of IPv4 that are not public (RFC 6890 and its registry), with the number of their bits.
const INNER_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([127, 0, 0, 0], 8),
    ([169, 254, 0, 0], 16),
    ([172, 16, 0, 0], 12),
    ([192, 0, 0, 0], 24),
    ([192, 0, 2, 0], 24),
    ([192, 88, 99, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
    ([224, 0, 0, 0], 3),
];

/// Whether `url` is an address of the web at all, and one that may be fetched; `private` allows inner networks too.
///
/// # Errors
///
/// Why not, in words that follow the name of the field.
pub(super) fn check(url: &str, private: bool) -> Result<(), &'static str> {
    if url.len() > LONGEST {
        return Err("is longer than 4096 bytes");
    }
    if !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return Err("has characters that an address cannot have: encode them");
    }
    let (scheme, rest) = url.split_once("://").ok_or("is no address")?;
    if !(scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")) {
        return Err("must be an http: or https: address");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err("must not have a user in it");
    }
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (inside, after) = rest.split_once(']').ok_or("has no proper host")?;
        let address: Ipv6Addr = inside.parse().map_err(|_| "has no proper host")?;
        if !private && !is_public_v6(address) {
            return Err(INNER);
        }
        (None, after)
    } else {
        let host = authority.split(':').next().unwrap_or_default();
        (Some(host), authority.get(host.len()..).unwrap_or_default())
    };
    let digits = port.strip_prefix(':').unwrap_or(port);
    if !(port.is_empty() || (port.len() > 1 && digits.len() <= 5 && digits.bytes().all(|byte| byte.is_ascii_digit()))) {
        return Err("has no proper port");
    }
    host.map_or(Ok(()), |host| check_host(&host.to_ascii_lowercase(), private))
}

const INNER: &str = "leads into an inner network, which this gateway does not fetch from";

/// Checks a host that stands without brackets, in small letters.
fn check_host(host: &str, private: bool) -> Result<(), &'static str> {
    let host = host.strip_suffix('.').unwrap_or(host);
    let label = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    if !host.split('.').all(label) {
        return Err("has no proper host");
    }
    if is_number(host.rsplit('.').next().unwrap_or_default()) {
        let address = v4(host).ok_or("has no proper host")?;
        return if private || is_public_v4(address) { Ok(()) } else { Err(INNER) };
    }
    // A name without a dot is known to an inner network alone.
    let within = |zone: &&str| host.strip_suffix(*zone).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
    if !private && (!host.contains('.') || INNER_NAMES.iter().chain(MIRRORS).any(within)) {
        return Err(INNER);
    }
    Ok(())
}

/// Whether a label makes its host an IPv4 address: digits, or `0x` and hexadecimal ones.
fn is_number(label: &str) -> bool {
    let hexadecimal = label.strip_prefix("0x").is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    hexadecimal || (!label.is_empty() && label.bytes().all(|byte| byte.is_ascii_digit()))
}

/// An IPv4 address of one to four numbers, each decimal, octal or hexadecimal; the last fills the bytes that are left.
fn v4(host: &str) -> Option<Ipv4Addr> {
    let numbers: Vec<u64> = host.split('.').map(v4_number).collect::<Option<_>>()?;
    let (last, first) = numbers.split_last()?;
    if first.len() > 3 || first.iter().any(|number| *number > 255) {
        return None;
    }
    let left = 4 - first.len() as u32;
    if *last >= 1_u64 << (8 * left) {
        return None;
    }
    let start = first.iter().zip([24, 16, 8]).fold(0_u64, |sum, (number, shift)| sum | number << shift);
    u32::try_from(start | last).ok().map(Ipv4Addr::from_bits)
}

fn v4_number(text: &str) -> Option<u64> {
    let (digits, radix) = match (text.strip_prefix("0x"), text.strip_prefix('0')) {
        (Some(digits), _) => (digits, 16),
        (None, Some(digits)) if !digits.is_empty() => (digits, 8),
        _ => (text, 10),
    };
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, radix).ok() }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let bits = address.to_bits();
    !INNER_V4.iter().any(|(network, length)| (bits ^ u32::from_be_bytes(*network)) >> (32 - length) == 0)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let top = (address.to_bits() >> 96) as u32;
    top >> 29 == 0b001 && !INNER_V6.iter().any(|(network, length)| (top ^ network) >> (32 - length) == 0)
}

/// Where a redirect from `url` leads, as it says in `location`.
pub(super) fn redirected(url: &str, location: &str) -> String {
    let scheme_end = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(scheme_end..).unwrap_or_default();
    let origin_end = scheme_end + rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (scheme, origin) = (url.get(..scheme_end.saturating_sub(2)), url.get(..origin_end));
    let [scheme, origin] = [scheme, origin].map(Option::unwrap_or_default);
    if location.split(['/', '?', '#']).next().is_some_and(|start| start.contains(':')) {
        return location.to_owned();
    }
    if location.starts_with("//") {
        return format!("{scheme}{location}");
    }
    if location.starts_with('/') {
        return format!("{origin}{location}");
    }
    let path = url.get(origin_end..).unwrap_or_default().split(['?', '#']).next().unwrap_or_default();
    let folder = path.rfind('/').map_or("/", |at| path.get(..=at).unwrap_or("/"));
    if location.starts_with('?') { format!("{origin}{path}{location}") } else { format!("{origin}{folder}{location}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_web_is_fetched() {
        for url in [
            "https://example.com/cat.png",
            "HTTP://Example.COM:8080/a?b#c",
            "https://a_b.example.com./x",
            "https://8.8.8.8/x",
            "https://0x08080808/x",
            "https://[2606:4700::1111]:443/x",
            "https://internal.example.com/x",
            "https://localhost.example.com",
            "https://100.128.0.1/",
            "https://172.32.0.1/",
        ] {
            assert_eq!(check(url, false), Ok(()), "{url}");
        }
    }

    #[test]
    fn inner_addresses_are_refused_in_every_notation() {
        for host in [
            "127.0.0.1",
            "127.1",
            "2130706433",
            "0x7f000001",
            "0x7F.1",
            "017700000001",
            "0177.0.0.1",
            "127.0.0.1.",
            "0",
            "0.0.0.0",
            "10.1.2.3",
            "10.66051",
            "100.64.0.1",
            "100.100.100.200",
            "169.254.169.254",
            "2852039166",
            "0xa9fea9fe",
            "0xA9.0xFE.0xA9.0xFE",
            "0251.0376.0251.0376",
            "169.254.43518",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.19.255.255",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "[::127.0.0.1]",
            "[64:ff9b::7f00:1]",
            "[64:ff9b:1::1]",
            "[fe80::1]",
            "[fd00:ec2::254]",
            "[fc00::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[2002:7f00:1::]",
            "[2001::1]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "metadata",
            "metadata.google.internal",
            "METADATA.google.INTERNAL.",
            "instance-data.ec2.internal",
            "printer.local",
            "host.docker.internal",
            "intranet",
            "nas.lan",
            "x.svc",
            "x.cluster.local",
            "1.0.0.127.in-addr.arpa",
            "127.0.0.1.nip.io",
            "10-0-0-1.sslip.io",
            "localtest.me",
            "a.lvh.me",
        ] {
            for url in [format!("http://{host}/x"), format!("https://{host}:8080"), format!("http://{host}?x")] {
                assert_eq!(check(&url, false), Err(INNER), "{url}");
                assert_eq!(check(&url, true), Ok(()), "{url}: allowed for tests");
            }
        }
    }

    #[test]
    fn what_two_readers_could_read_two_ways_is_refused() {
        for url in [
            "ftp://example.com/x",
            "file:///etc/passwd",
            "gopher://example.com",
            "//example.com",
            "example.com",
            "https://",
            "https:///x",
            "https://u@example.com/",
            "https://example.com@10.0.0.1/",
            "https://example.com\\@10.0.0.1/",
            "https://example.com\\.evil/",
            "https://ex ample.com",
            "https://example.com/a b",
            "https://exa\tmple.com",
            "https://example.com/\n",
            "https://ⓛocalhost/",
            "https://１２７.0.0.1/",
            "https://127。0。0。1/",
            "https://127%2e0.0.1/",
            "https://%6cocalhost/",
            "https://[::1",
            "https://[::1%25eth0]/",
            "https://[127.0.0.1]/",
            "https://[v1.x]/",
            "https://1.2.3.4.5/",
            "https://256.1.1.1/",
            "https://1.2.3.999/",
            "https://0x100000000/",
            "https://09.0.0.1/",
            "https://1..2/",
            "https://.example.com/",
            "https://example.com:/x:y",
            "https://example.com:99999999/",
            "https://example.com:80a/",
            "https://a,b.example.com/",
        ] {
            for private in [false, true] {
                assert!(check(url, private).is_err(), "{url}");
            }
        }
        assert!(check(&format!("https://example.com/{}", "x".repeat(LONGEST)), true).is_err());
    }

    #[test]
    fn redirects_are_read_against_where_they_come_from() {
        let from = "https://h:1/a/b?q=1#f";
        for (location, to) in [
            ("http://x/y", "http://x/y"),
            ("//x/y", "https://x/y"),
            ("/c", "https://h:1/c"),
            ("c", "https://h:1/a/c"),
            ("?z", "https://h:1/a/b?z"),
            ("javascript:alert(1)", "javascript:alert(1)"),
        ] {
            assert_eq!(redirected(from, location), to, "{location}");
        }
        assert_eq!(redirected("https://h", "c"), "https://h/c");
    }
}
