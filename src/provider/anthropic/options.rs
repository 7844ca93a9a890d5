//! Options of a request: sampling, stop sequences, the user, the tier.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::{Target, params};

/// The longest `metadata.user_id` that the API takes, in characters.
const LONGEST_USER_ID: usize = 256;

/// Writes `stop_sequences`.
pub(in crate::provider) fn put_stop(
    body: &mut Map<String, Value>,
    target: &Target<'_>,
    chat: &ChatRequest,
) -> Result<()> {
    let mut stops = chat.stop()?;
    stops.extend(chat.get::<Vec<String>>("stop_sequences")?.unwrap_or_default());
    if target.settings.drop_params {
        // The API refuses a sequence of nothing but white space.
        stops.retain(|stop| !stop.trim().is_empty());
    }
    if !stops.is_empty() {
        body.insert("stop_sequences".to_owned(), stops.into());
    }
    Ok(())
}

/// Sampling parameters: refused where the model has none, and held within what thinking allows
/// (<https://platform.claude.com/docs/en/build-with-claude/extended-thinking#feature-compatibility>).
pub(in crate::provider) fn put_sampling(
    body: &mut Map<String, Value>,
    target: &Target<'_>,
    chat: &ChatRequest,
    thinks: bool,
    dropped: &mut Vec<String>,
) -> Result<()> {
    for name in ["temperature", "top_p", "top_k"] {
        let Some(value) = chat.get::<Value>(name)? else { continue };
        let number = value.as_f64().unwrap_or_default();
        // 1 is what happens anyway; as a number of the wire it is exact.
        let asks = number.to_bits() != 1.0_f64.to_bits() || name == "top_k";
        if target.facts.sampling_params == Some(false) {
            if asks && !target.settings.drop_params {
                return Err(params::unsupported(target.provider, &[name.to_owned()], name));
            }
            if asks {
                dropped.push(name.to_owned());
            }
            continue;
        }
        match name {
            "top_k" | "temperature" if thinks && asks => dropped.push(name.to_owned()),
            "top_p" if thinks && number < 0.95 => drop(body.insert(name.to_owned(), json!(0.95))),
            _ => drop(body.insert(name.to_owned(), value)),
        }
    }
    Ok(())
}

/// `metadata.user_id`, the only field of `metadata` that the API has: the client's own, else `user`.
pub(super) fn metadata(chat: &ChatRequest, dropped: &mut Vec<String>) -> Result<Option<Value>> {
    let metadata = chat.get::<Map<String, Value>>("metadata")?.unwrap_or_default();
    let own = metadata.get("user_id").and_then(Value::as_str).map(str::to_owned);
    let user = match own {
        Some(own) => Some(own),
        None => chat.get::<String>("user")?,
    };
    match user {
        Some(user) if is_opaque(&user) => Ok(Some(json!({"user_id": user}))),
        Some(_) => {
            dropped.push("user".to_owned());
            Ok(None)
        }
        None => Ok(None),
    }
}

/// Whether an id may be sent: the API refuses mail addresses and telephone numbers.
fn is_opaque(user: &str) -> bool {
    let is_address = user.split_once('@').is_some_and(|(name, host)| {
        !name.is_empty() && host.contains('.') && !user.contains(char::is_whitespace) && !host.contains('@')
    });
    let digits = user.strip_prefix('+').unwrap_or(user);
    let is_number = digits.len() >= 7 && digits.chars().all(|c| c.is_ascii_digit() || " \t()-".contains(c));
    !user.is_empty() && user.chars().count() <= LONGEST_USER_ID && !is_address && !is_number
}

/// OpenAI's tiers in Anthropic's words: `auto` uses priority capacity where the account has some
/// (<https://platform.claude.com/docs/en/api/service-tiers>).
pub(super) fn service_tier(
    target: &Target<'_>,
    chat: &ChatRequest,
    dropped: &mut Vec<String>,
) -> Result<Option<Value>> {
    Ok(match chat.get::<String>("service_tier")?.as_deref() {
        None => None,
        Some("auto" | "priority") => Some("auto".into()),
        Some("default" | "standard" | "standard_only") => Some("standard_only".into()),
        Some(_) if target.settings.drop_params => {
            dropped.push("service_tier".to_owned());
            None
        }
        Some(_) => return Err(params::unsupported(target.provider, &["service_tier".to_owned()], "service_tier")),
    })
}

/// `context_management`: Anthropic's as it is; OpenAI's list of compactions as Anthropic's edits.
///
/// # Errors
///
/// An entry of the list that is no compaction.
pub(in crate::provider) fn context_management(chat: &ChatRequest) -> Result<Option<Value>> {
    let entries = match chat.get::<Value>("context_management")? {
        Some(Value::Array(entries)) => entries,
        own => return Ok(own),
    };
    let edits = entries.iter().map(|entry| {
        if entry.get("type").and_then(Value::as_str) != Some("compaction") {
            let message = "`context_management` must be a list of {\"type\": \"compaction\"}, or {\"edits\": […]}";
            return Err(Error::bad_request("context_management", message));
        }
        let mut edit = Map::new();
        edit.insert("type".to_owned(), "compact_20260112".into());
        if let Some(threshold) = entry.get("compact_threshold").filter(|threshold| threshold.is_u64()) {
            edit.insert("trigger".to_owned(), json!({"type": "input_tokens", "value": threshold}));
        }
        Ok(Value::Object(edit))
    });
    Ok(Some(json!({"edits": edits.collect::<Result<Vec<_>>>()?})))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_numbers_of_people_are_not_sent() {
        for good in ["u1", "user@host", "7f3c-1", "123", "team a@b.c d"] {
            assert!(is_opaque(good), "{good}");
        }
        for bad in ["", "ann@example.com", "+1 (555) 010-9999", "5550109999"] {
            assert!(!is_opaque(bad), "{bad}");
        }
        assert!(!is_opaque(&"x".repeat(257)));
    }

    #[test]
    fn openais_compactions_are_edits() {
        let managed = |value: &Value| {
            let body =
                json!({"model": "m", "messages": [{"role": "user", "content": "x"}], "context_management": value});
            context_management(&ChatRequest::parse(body.to_string().as_bytes()).unwrap())
        };
        let edit = json!({"type": "compact_20260112", "trigger": {"type": "input_tokens", "value": 200_000}});
        let openai = json!([{"type": "compaction", "compact_threshold": 200_000}]);
        assert_eq!(managed(&openai).unwrap(), Some(json!({"edits": [edit]})));
        let own = json!({"edits": [{"type": "clear_tool_uses_20250919"}]});
        assert_eq!(managed(&own).unwrap(), Some(own));
        assert_eq!(managed(&json!([{"type": "x"}])).unwrap_err().param(), Some("context_management"));
    }
}
