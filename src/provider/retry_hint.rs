//! After how long to try again: the hints of all providers as one number.

use serde_json::Value;

use crate::http::HttpHead;
use crate::keys::calendar::parse_time;

/// Anthropic's limits: each has `-remaining` and `-reset`, an instant (<https://docs.claude.com/en/api/rate-limits>).
const ANTHROPIC: &[&str] = &["requests", "tokens", "input-tokens", "output-tokens"];

/// OpenAI's limits: each has `x-ratelimit-remaining-` and `x-ratelimit-reset-`, a duration such as `6m0s`
/// (<https://platform.openai.com/docs/guides/rate-limits>).
const OPENAI: &[&str] = &["requests", "tokens"];

/// Longest hint that is believed, in ms: a day.
const LONGEST_MS: f64 = 86_400_000.0;

/// After how many ms to try again, as a refusal tells it: `retry-after-ms`; `retry-after` in seconds or as a date; Google's
/// `RetryInfo`; and where a limit is exhausted, when it starts anew (the last of them, if several are).
///
/// Instants are read against the answer's own `date`: no clock of ours has to agree with theirs.
pub(super) fn read(head: &HttpHead, body: &Value) -> Option<u64> {
    let header = |name: &str| head.headers.get(name);
    let number = |name: &str| header(name).and_then(crate::json::number);
    let now_ms = header("date").and_then(http_date);
    let until = |instant: u64| now_ms.map(|now| instant.saturating_sub(now) as f64);
    let ms = number("retry-after-ms")
        .or_else(|| number("retry-after").map(|seconds| seconds * 1000.0))
        .or_else(|| header("retry-after").and_then(http_date).and_then(until))
        .or_else(|| google(body))
        // Replicate tells it in the body alone.
        .or_else(|| body.get("retry_after").and_then(Value::as_f64).map(|seconds| seconds * 1000.0))
        .or_else(|| {
            let waits = matches!(head.status, 429 | 503 | 529);
            waits.then(|| exhausted(head, &until)).flatten()
        })?;
    (ms.is_finite() && (0.0..=LONGEST_MS).contains(&ms)).then_some(ms.ceil() as u64)
}

/// Google's `google.rpc.RetryInfo`, among the details of an error.
fn google(body: &Value) -> Option<f64> {
    let body = body.get(0).unwrap_or(body);
    let details = body.pointer("/error/details")?.as_array()?;
    details.iter().find_map(|detail| duration(detail.get("retryDelay")?.as_str()?))
}

/// When the last of the exhausted limits starts anew.
fn exhausted(head: &HttpHead, until: &dyn Fn(u64) -> Option<f64>) -> Option<f64> {
    let header = |name: &str| head.headers.get(name).map(str::trim);
    let is_none = |name: &str| header(name).is_none_or(|left| left.starts_with('0') || left.starts_with('-'));
    let anthropic = ANTHROPIC.iter().filter_map(|limit| {
        let at = header(&format!("anthropic-ratelimit-{limit}-reset"))?;
        is_none(&format!("anthropic-ratelimit-{limit}-remaining")).then(|| until(parse_time(at)?)).flatten()
    });
    let openai = OPENAI.iter().filter_map(|limit| {
        let after = header(&format!("x-ratelimit-reset-{limit}"))?;
        is_none(&format!("x-ratelimit-remaining-{limit}")).then(|| duration(after)).flatten()
    });
    // Without a limit's name it is an instant, in ms (OpenRouter) or seconds (GitHub), or so many seconds.
    let plain = header("x-ratelimit-reset").filter(|_| is_none("x-ratelimit-remaining"));
    let plain = plain.and_then(crate::json::number).and_then(|reset| match reset {
        1e12.. => until(reset as u64),
        1e9.. => until((reset * 1000.0) as u64),
        _ => Some(reset * 1000.0),
    });
    anthropic.chain(openai).chain(plain).reduce(f64::max)
}

/// A duration such as `17.5s`, `6m0s`, `1h2m3s`, `120ms`, or a number of seconds; in ms.
fn duration(text: &str) -> Option<f64> {
    if let Some(seconds) = crate::json::number(text) {
        return Some(seconds * 1000.0);
    }
    let (mut ms, mut rest) = (0.0, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (count, after) = rest.split_at(digits);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let unit_ms = match unit {
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            _ => return None,
        };
        ms += crate::json::number(count)? * unit_ms;
        rest = after;
    }
    (!text.is_empty()).then_some(ms)
}

/// Reads `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7; not its obsolete forms) as ms since 1970.
fn http_date(text: &str) -> Option<u64> {
    let mut words = text.trim().split(' ').skip(1);
    let (day, month, year, time) = (words.next()?, words.next()?, words.next()?, words.next()?);
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let month = months.iter().position(|name| *name == month)? + 1;
    parse_time(&format!("{year}-{month:02}-{day}T{time}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint of a refusal at 2026-11-21T10:00:00Z.
    fn hint(status: u16, headers: &[(&str, &str)]) -> Option<u64> {
        let date = ("date", "Sat, 21 Nov 2026 10:00:00 GMT");
        let headers = headers.iter().copied().chain([date]).collect();
        read(&HttpHead { status, headers }, &Value::Null)
    }

    #[test]
    fn explicit_hints_come_first_in_any_form() {
        for (name, value, ms) in [
            ("retry-after", "2", Some(2000)),
            ("retry-after", "0.5", Some(500)),
            ("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT", Some(30_000)),
            ("retry-after", "Sat, 21 Nov 2026 09:00:00 GMT", Some(0)),
            ("retry-after", "Wed, 21 Oct", None),
            ("retry-after", "soon", None),
            ("retry-after", "-1", None),
            ("retry-after", "1e9", None),
            ("retry-after-ms", "250", Some(250)),
        ] {
            assert_eq!(hint(429, &[(name, value), ("x-ratelimit-limit", "1")]), ms, "{name}: {value}");
        }
        let both = [("retry-after", "2"), ("anthropic-ratelimit-tokens-reset", "2026-11-21T10:05:00Z")];
        assert_eq!(hint(429, &both), Some(2000));
    }

    #[test]
    fn googles_delay_is_found_among_the_details() {
        let body = serde_json::json!([{"error": {"details": [{"@type": "x"}, {"retryDelay": "17.5s"}]}}]);
        assert_eq!(read(&HttpHead { status: 429, ..HttpHead::default() }, &body), Some(17_500));
    }

    #[test]
    fn an_exhausted_limit_tells_when_it_starts_anew() {
        let (left, reset) = ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset");
        let tokens = [
            ("anthropic-ratelimit-input-tokens-remaining", "0"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-11-21T10:00:09Z"),
        ];
        let requests = |value| [(left, value), (reset, "2026-11-21T10:01:00Z")];
        assert_eq!(hint(429, &requests("0")), Some(60_000));
        assert_eq!(hint(429, &[requests("5"), tokens].concat()), Some(9_000), "only the one that is exhausted");
        assert_eq!(hint(429, &[requests("0"), tokens].concat()), Some(60_000), "the last of those");
        assert_eq!(hint(400, &requests("0")), None, "no limit was hit");
        for (value, ms) in [("1s", 1000), ("6m0s", 360_000), ("120ms", 120), ("1h1m1.5s", 3_661_500), ("7.66s", 7660)] {
            let headers = [("x-ratelimit-remaining-tokens", "0"), ("x-ratelimit-reset-tokens", value)];
            assert_eq!(hint(429, &headers), Some(ms), "{value}");
        }
        for (value, ms) in [("1795255260000", 60_000), ("1795255260", 60_000), ("45", 45_000)] {
            assert_eq!(hint(429, &[("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", value)]), Some(ms), "{value}");
        }
        for odd in ["", "s", "5x", "1s2", "...s", "9999d"] {
            assert_eq!(hint(429, &[("x-ratelimit-reset-tokens", odd)]), None, "{odd:?}");
        }
    }

    #[test]
    fn without_a_date_of_its_own_an_instant_says_nothing() {
        let headers = [("retry-after", "Sat, 21 Nov 2026 10:00:30 GMT")].into_iter().collect();
        assert_eq!(read(&HttpHead { status: 429, headers }, &Value::Null), None);
    }
}
