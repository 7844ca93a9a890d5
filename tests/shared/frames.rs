//! Lines of JSON as AWS's binary frames, one each, encoded with another checksum than the one under test.
//!
//! `{"event": NAME, "data": …}`, `{"exception": NAME, "data": …}` or `{"error": CODE, "message": …}`. A payload that is no
//! JSON is `"text"`; `"bytes"` is what AWS wraps as `{"bytes": base64}`.

use serde_json::{Value, json};
use tollgate::base64;

/// The frames of all lines. A line that is not JSON goes in as it is, for what no encoder writes.
pub(crate) fn frames(lines: &[u8]) -> Vec<u8> {
    let text = std::str::from_utf8(lines).unwrap();
    let lines = text.lines().filter(|line| !line.is_empty());
    lines
        .flat_map(|line| serde_json::from_str(line).map_or_else(|_| line.as_bytes().to_vec(), |line| frame(&line)))
        .collect()
}

fn frame(line: &Value) -> Vec<u8> {
    let text = |name: &str| line[name].as_str().unwrap_or_default().to_owned();
    let (kind, named) = match line {
        line if line.get("exception").is_some() => ("exception", (":exception-type", text("exception"))),
        line if line.get("error").is_some() => ("error", (":error-code", text("error"))),
        _ => ("event", (":event-type", text("event"))),
    };
    let mut headers = vec![named, (":message-type", kind.to_owned())];
    headers.extend((kind == "error").then(|| (":error-message", text("message"))));
    headers.extend(line.get("data").map(|_| (":content-type", "application/json".to_owned())));
    let payload = match (line.get("bytes"), line.get("data"), line.get("text")) {
        (Some(bytes), ..) => json!({"bytes": base64::encode(bytes.to_string().as_bytes()), "p": "abc"}).to_string(),
        (_, Some(data), _) => data.to_string(),
        (.., Some(text)) => text.as_str().unwrap().to_owned(),
        _ => String::new(),
    };
    let mut told = Vec::new();
    for (name, value) in headers {
        told.push(u8::try_from(name.len()).unwrap());
        told.extend(name.bytes());
        told.push(7);
        told.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        told.extend(value.bytes());
    }
    let number = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let mut out = [number(told.len() + payload.len() + 16), number(told.len())].concat();
    out.extend(crc32(&out));
    out.extend(told);
    out.extend(payload.bytes());
    out.extend(crc32(&out));
    out
}

fn crc32(bytes: &[u8]) -> [u8; 4] {
    let mut crc = flate2::Crc::new();
    crc.update(bytes);
    crc.sum().to_be_bytes()
}
