//! What an upstream refusal means: by its structured type and code first, then by words, then by status.

use serde_json::Value;

use super::retry_hint;
use crate::error::{Error, Kind};
use crate::http::HttpHead;

/// Longest upstream message, in bytes, that is handed on.
const LONGEST_MESSAGE: usize = 4096;

/// Words in a message that mean too many tokens, whatever the provider.
const CONTEXT_WORDS: &[&str] = &[
    "maximum context length",
    "maximum context limit",
    "exceed context limit",
    "exceeds the maximum number of tokens",
    "input tokens exceed the configured limit",
    "exceeds the available context size",
    "exceeds the context length",
    "too many tokens",
    "tokens + `max_new_tokens` must be",
    "longer than the model's context length",
    "prompt is too long",
    "prompt: length",
    "input is too long",
    "too many tokens",
    "expected maxlength",
    "too many input tokens",
    "input token count",
    "request payload size exceeds",
    "request_too_large",
];

/// Words in a message that mean a refusal for its content, whatever the provider.
const CONTENT_WORDS: &[&str] = &[
    "content_policy_violation",
    "content_filter_policy",
    "responsibleaipolicyviolation",
    "content filtering policy",
    "triggering azure openai's content management",
    "as a result of our safety system",
    "as a result of the safety system",
    "violating our usage policy",
    "the response was blocked",
];

/// The error that an upstream's refusal means, with its own `type`, `code`, `param` and retry hint kept.
///
/// Understands the error bodies of OpenAI and of those who copy it (`{"error": {…}}`, `{"error": "…"}`,
/// `{"message": …}`, `{"detail": …}`), of Anthropic (`{"type": "error", "error": {…}}`) and of Google
/// (`{"error": {"status": …, "code": 429}}`, bare or in a list).
pub fn read(provider: &str, head: &HttpHead, body: &[u8]) -> Error {
    let value: Value = crate::json::read(body).unwrap_or(Value::Null);
    let mut error = from_value(provider, head.status, &value, body);
    if let Some(ms) = retry_hint::read(head, &value) {
        error = error.with_retry_after_ms(ms);
    }
    error
}

/// The error that an upstream's error object means; `status` is 0 where it came inside of a stream.
pub fn from_value(provider: &str, status: u16, value: &Value, body: &[u8]) -> Error {
    let value = value.get(0).unwrap_or(value);
    let told = |name: &str| value.get(name).filter(|error| !error.is_null());
    let object = told("error").or_else(|| told("errors")).unwrap_or(value);
    // Cloudflare has a list of them.
    let object = object.get(0).unwrap_or(object);
    let text = |name: &str| object.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let message = text("message")
        .or_else(|| object.as_str())
        .or_else(|| value.get("message").and_then(Value::as_str))
        .or_else(|| value.get("detail").and_then(Value::as_str))
        .map_or_else(|| String::from_utf8_lossy(body).trim().to_owned(), str::to_owned);
    let message = if message.is_empty() { "the upstream gave no reason".to_owned() } else { shorten(&message) };
    let error_type = text("type").or_else(|| text("status"));
    let number = object.get("code").and_then(Value::as_u64).and_then(|code| u16::try_from(code).ok());
    let status = match (status, number) {
        // An error inside of a stream, or of a 200, tells its status in its code where it does.
        (0..400, Some(code @ 400..600)) => code,
        (0..400, _) => status_of_type(error_type.unwrap_or_default()).unwrap_or(500),
        (status, _) => status,
    };
    let code = text("code");
    let kind = kind(status, error_type.unwrap_or_default(), code.unwrap_or_default(), &message);
    let mut error = Error::upstream(kind, provider, status, message);
    if let Some(code) = code {
        error = error.with_code(code);
    }
    if let Some(error_type) = error_type {
        error = error.with_type(error_type);
    }
    if let Some(param) = text("param") {
        error = error.with_param(param);
    }
    error
}

fn kind(status: u16, error_type: &str, code: &str, message: &str) -> Kind {
    match code {
        "context_length_exceeded" => return Kind::ContextWindowExceeded,
        "content_filter" | "content_policy_violation" => return Kind::ContentPolicyViolation,
        "model_not_found" | "model_not_supported" | "DeploymentNotFound" => return Kind::NotFound,
        "invalid_api_key" | "authentication_token_expired" | "authentication_token_not_valid" => {
            return Kind::Authentication;
        }
        "rate_limit_exceeded"
        | "insufficient_quota"
        | "rate_limit_reached_requests"
        | "token_quota_reached"
        | "consumptions_limit_reached" => return Kind::RateLimit,
        _ => {}
    }
    let lowered = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lowered.contains(word));
    // A message may echo the prompt: words count only where the status fits.
    if matches!(status, 400 | 413 | 422) {
        if says(CONTEXT_WORDS) && !lowered.contains("string_above_max_length") {
            return Kind::ContextWindowExceeded;
        }
        if says(CONTENT_WORDS) {
            return Kind::ContentPolicyViolation;
        }
        // Anthropic answers an empty account with 400.
        if lowered.contains("credit balance is too low") {
            return Kind::PaymentRequired;
        }
        // Google and xAI answer a bad key with 400.
        if ["api key not valid", "api key expired", "incorrect api key provided"]
            .iter()
            .any(|word| lowered.contains(word))
        {
            return Kind::Authentication;
        }
    }
    match error_type {
        "overloaded_error" => Kind::InternalServer,
        "rate_limit_error"
        | "RESOURCE_EXHAUSTED"
        | "ThrottlingException"
        | "TooManyRequestsException"
        | "ServiceQuotaExceededException"
        | "ModelNotReadyException" => Kind::RateLimit,
        // AWS answers a wrong signature, and a key that it does not know, with 403 or 400.
        "UnrecognizedClientException"
        | "InvalidSignatureException"
        | "IncompleteSignatureException"
        | "MissingAuthenticationTokenException"
        | "ExpiredTokenException" => Kind::Authentication,
        _ => Kind::from_status(status),
    }
}

/// The status that an error type means, where it came without one.
fn status_of_type(error_type: &str) -> Option<u16> {
    Some(match error_type {
        "invalid_request_error" | "INVALID_ARGUMENT" | "FAILED_PRECONDITION" | "ValidationException" => 400,
        "authentication_error" | "UNAUTHENTICATED" => 401,
        "billing_error" => 402,
        "permission_error" | "PERMISSION_DENIED" | "AccessDeniedException" => 403,
        "not_found_error" | "NOT_FOUND" | "ResourceNotFoundException" => 404,
        "ModelTimeoutException" => 408,
        "request_too_large" => 413,
        "rate_limit_error"
        | "rate_limit_exceeded"
        | "RESOURCE_EXHAUSTED"
        | "tokens"
        | "requests"
        | "ThrottlingException" => 429,
        "timeout_error" | "DEADLINE_EXCEEDED" => 504,
        "overloaded_error" => 529,
        "UNAVAILABLE" | "ServiceUnavailableException" => 503,
        _ => return None,
    })
}

fn shorten(message: &str) -> String {
    if message.len() <= LONGEST_MESSAGE {
        return message.to_owned();
    }
    let cut = (0..=LONGEST_MESSAGE).rev().find(|at| message.is_char_boundary(*at)).unwrap_or(0);
    format!("{}…", message.get(..cut).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, body: &str) -> Error {
        read("p", &HttpHead { status, ..HttpHead::default() }, body.as_bytes())
    }

    #[test]
    fn structured_codes_come_before_words_and_words_before_status() {
        for (status, body, kind) in [
            (400, r#"{"error":{"message":"x","code":"context_length_exceeded"}}"#, Kind::ContextWindowExceeded),
            (
                400,
                r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 2 > 1"}}"#,
                Kind::ContextWindowExceeded,
            ),
            (
                400,
                r#"{"error":{"message":"Invalid prompt: violating our usage policy"}}"#,
                Kind::ContentPolicyViolation,
            ),
            (
                400,
                r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT"}}"#,
                Kind::Authentication,
            ),
            (
                400,
                r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to go on"}}"#,
                Kind::PaymentRequired,
            ),
            (429, r#"[{"error":{"code":429,"message":"q","status":"RESOURCE_EXHAUSTED"}}]"#, Kind::RateLimit),
            (
                529,
                r#"{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}"#,
                Kind::InternalServer,
            ),
            (500, "<html>prompt is too long</html>", Kind::InternalServer),
            (404, "", Kind::NotFound),
            (429, r#"{"detail":"slow"}"#, Kind::RateLimit),
        ] {
            assert_eq!(error(status, body).kind(), kind, "{body}");
            assert_eq!(error(status, body).status(), status, "{body}");
        }
    }

    #[test]
    fn an_error_inside_of_a_stream_finds_its_status() {
        let value =
            serde_json::json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}});
        let error = from_value("p", 0, &value, b"");
        assert_eq!((error.status(), error.kind(), error.message()), (529, Kind::InternalServer, "Overloaded"));
        let value = serde_json::json!({"error": {"code": 429, "message": "x"}});
        assert_eq!(from_value("p", 200, &value, b"").kind(), Kind::RateLimit);
    }
}
