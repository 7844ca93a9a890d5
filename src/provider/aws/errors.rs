//! How AWS's services refuse: the exception's name in a header or in `__type`, the reason in `message`.

use serde_json::{Value, json};

use super::super::{Notes, errors, retry_hint};
use crate::error::Error;
use crate::http::HttpHead;

/// Reads a refusal: <https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html#operation-error-serialization>.
pub(in crate::provider) fn refusal(notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
    let value: Value = crate::json::read(body).unwrap_or(Value::Null);
    let in_body = ["__type", "code"].iter().find_map(|name| value.get(name)?.as_str());
    let name = head.headers.get("x-amzn-errortype").or(in_body).unwrap_or_default();
    let error = of(notes, head.status, name, &value, body);
    match retry_hint::read(head, &value) {
        Some(ms) => error.with_retry_after_ms(ms),
        None => error,
    }
}

/// Reads an exception inside of a stream: `name` is the event's, `data` its payload.
pub(in crate::provider) fn of_event(notes: &Notes, name: &str, data: &str) -> Error {
    let value = serde_json::from_str(data).unwrap_or(Value::Null);
    of(notes, 0, name, &value, data.as_bytes())
}

fn of(notes: &Notes, status: u16, name: &str, value: &Value, body: &[u8]) -> Error {
    // `com.amazon.coral#ThrottlingException:http://…`; in streams it begins in lower case.
    let name = name.split(':').next().unwrap_or_default();
    let name = name.rsplit('#').next().unwrap_or_default();
    let mut letters = name.chars();
    let name: String = letters.next().into_iter().map(|first| first.to_ascii_uppercase()).chain(letters).collect();
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let message = ["message", "Message", "originalMessage", "OriginalMessage"].iter().find_map(|name| text(name));
    let original = value.get("originalStatusCode").or_else(|| value.get("OriginalStatusCode")).and_then(Value::as_u64);
    let status = match (name.as_str(), original, status) {
        // 424 says that the model has failed: how it did is its own status.
        (
            "ModelErrorException" | "ModelStreamErrorException" | "ModelError" | "ModelStreamError",
            original,
            0 | 424,
        ) => original.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code)).unwrap_or(500),
        (_, _, status) => status,
    };
    let mut error = json!({"message": message, "type": name});
    if name.is_empty() {
        error = json!({"message": message});
    }
    errors::from_value(&notes.provider, status, &json!({"error": error}), body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    #[test]
    fn the_exceptions_name_comes_first_then_words_then_the_status() {
        for (status, header, body, kind) in [
            (429, "ThrottlingException", r#"{"message":"Too many requests"}"#, Kind::RateLimit),
            (400, "ThrottlingException:http://internal.amazon.com/x", "{}", Kind::RateLimit),
            (403, "AccessDeniedException", r#"{"Message":"no"}"#, Kind::PermissionDenied),
            (403, "UnrecognizedClientException", "{}", Kind::Authentication),
            (400, "", r#"{"__type":"com.amazon.coral.service#ExpiredTokenException"}"#, Kind::Authentication),
            (
                400,
                "ValidationException",
                r#"{"message":"Input is too long for requested model."}"#,
                Kind::ContextWindowExceeded,
            ),
            (400, "ValidationException", r#"{"message":"prompt is too long: 2 > 1"}"#, Kind::ContextWindowExceeded),
            (400, "ValidationException", r#"{"message":"Malformed input request"}"#, Kind::BadRequest),
            (400, "ServiceQuotaExceededException", "{}", Kind::RateLimit),
            (404, "ResourceNotFoundException", "{}", Kind::NotFound),
            (408, "ModelTimeoutException", "{}", Kind::Timeout),
            (424, "ModelErrorException", r#"{"message":"x","originalStatusCode":400}"#, Kind::BadRequest),
            (424, "ModelErrorException", r#"{"message":"x"}"#, Kind::InternalServer),
            (429, "ModelNotReadyException", "{}", Kind::RateLimit),
            (503, "ServiceUnavailableException", "{}", Kind::ServiceUnavailable),
            (502, "", "<html>", Kind::BadGateway),
        ] {
            let headers = [("x-amzn-errortype", header)].into_iter().filter(|(_, value)| !value.is_empty()).collect();
            let error = refusal(&Notes::default(), &HttpHead { status, headers }, body.as_bytes());
            assert_eq!(error.kind(), kind, "{status} {header} {body}");
        }
    }

    #[test]
    fn an_exception_in_a_stream_has_its_status() {
        for (name, data, status) in [
            ("throttlingException", r#"{"message":"slow"}"#, 429),
            ("validationException", r#"{"message":"bad"}"#, 400),
            ("serviceUnavailableException", "{}", 503),
            ("internalServerException", "", 500),
            ("modelStreamErrorException", r#"{"originalStatusCode":503,"originalMessage":"m"}"#, 503),
            ("ModelStreamError", r#"{"Message":"m","ErrorCode":"x"}"#, 500),
        ] {
            assert_eq!(of_event(&Notes::default(), name, data).status(), status, "{name}");
        }
    }
}
