//! Gives reasoning the name that clients know, `reasoning_content`, where an upstream tells it another way.
//!
//! OpenRouter, Groq, Together, Cerebras and vLLM call it `reasoning`; Mistral writes a list of parts as content, with
//! the reasoning in parts of type `thinking` (<https://docs.mistral.ai/capabilities/reasoning/>), and Databricks the same
//! with summaries in parts of type `reasoning`
//! (<https://docs.databricks.com/aws/en/machine-learning/model-serving/query-reason-models>).

use std::ops::Range;

use crate::sorted;
use memchr::memmem;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
struct Whole<'a> {
    #[serde(borrow)]
    choices: Vec<Choice<'a>>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    delta: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    reasoning: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "even_null")]
    reasoning_content: Option<&'a RawValue>,
}

/// Keeps a `null` apart from an absent field: a second field of that name would hide the first.
fn even_null<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Whether an answer may hold such reasoning: one that does not is never read again.
pub(super) fn may_hold(text: &str) -> bool {
    let bytes = text.as_bytes();
    memmem::find(bytes, b"\"reasoning\"").is_some() || memmem::find(bytes, b"\"thinking\"").is_some()
}

/// The JSON text of an answer or a chunk with `reasoning_content` in every message that lacks it, all other bytes as
/// they were; `None` where there is nothing to mend.
pub(super) fn mend(text: &str) -> Option<String> {
    let whole: Whole<'_> = serde_json::from_str(text).ok()?;
    let mut patches = Vec::new();
    for choice in &whole.choices {
        let Some(raw) = choice.message.or(choice.delta) else { continue };
        let Ok(message) = serde_json::from_str::<Message<'_>>(raw.get()) else { continue };
        patch(text, raw.get(), &message, &mut patches)?;
    }
    if patches.is_empty() {
        return None;
    }
    sorted::sort_by_key(&mut patches, |(place, _)| place.start);
    let mut out = String::with_capacity(text.len() + 64);
    let mut done = 0;
    for (place, with) in patches {
        out.push_str(text.get(done..place.start)?);
        out.push_str(&with);
        done = place.end;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// A place in the text, and what goes there.
type Patch = (Range<usize>, String);

/// Finds what has to change in one message, which stands in `text` as `raw`.
fn patch(text: &str, raw: &str, message: &Message<'_>, patches: &mut Vec<Patch>) -> Option<()> {
    let place = |part: &str| offset(text, part).map(|at| at..at + part.len());
    let mut thought = message.reasoning.map(RawValue::get).filter(|json| json.starts_with('"')).map(str::to_owned);
    if let Some(content) = message.content.map(RawValue::get).filter(|content| content.starts_with('[')) {
        let (spoken, thinking) = split(content)?;
        patches.push((place(content)?, spoken));
        thought = thinking.or(thought);
    }
    match (thought, message.reasoning_content.map(RawValue::get)) {
        (Some(thought), None) => {
            let inside = offset(text, raw)? + 1;
            patches.push((inside..inside, format!("\"reasoning_content\":{thought},")));
        }
        (Some(thought), Some(empty @ ("null" | "\"\""))) => patches.push((place(empty)?, thought)),
        _ => {}
    }
    Some(())
}

/// Where `part`, which was cut out of `whole`, starts in it.
fn offset(whole: &str, part: &str) -> Option<usize> {
    part.as_ptr().addr().checked_sub(whole.as_ptr().addr()).filter(|at| *at <= whole.len())
}

/// The text and the reasoning of a list of parts, each as a JSON string; no reasoning is `None`.
fn split(content: &str) -> Option<(String, Option<String>)> {
    let parts: Vec<Value> = serde_json::from_str(content).ok()?;
    let (mut spoken, mut thought, mut thinks) = (String::new(), String::new(), false);
    for part in &parts {
        match part["type"].as_str() {
            Some("text") => spoken.push_str(part["text"].as_str().unwrap_or_default()),
            Some(kind @ ("thinking" | "reasoning")) => {
                thinks = true;
                match &part[if kind == "thinking" { kind } else { "summary" }] {
                    Value::String(text) => thought.push_str(text),
                    Value::Array(pieces) => {
                        pieces
                            .iter()
                            .filter_map(|piece| piece["text"].as_str())
                            .for_each(|text| thought.push_str(text));
                    }
                    _ => {}
                }
            }
            _ => {}
        }
    }
    let thought = if thinks { Some(serde_json::to_string(&thought).ok()?) } else { None };
    Some((serde_json::to_string(&spoken).ok()?, thought))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasoning_gets_its_second_name_and_no_other_byte_changes() {
        let text =
            r#"{"id":1.0, "choices":[{"delta":{"role":"assistant","reasoning":"a\"b"}},{"message":{"content":"c"}}]}"#;
        let want = text.replace(r#""delta":{"#, r#""delta":{"reasoning_content":"a\"b","#);
        assert_eq!(mend(text).unwrap(), want);
    }

    #[test]
    fn thinking_parts_become_reasoning_and_text() {
        let text = r#"{"choices":[{"message":{"n":1,"content":[{"type":"thinking",
            "thinking":[{"type":"text","text":"hm"}]},{"type":"text","text":"4"}],"tool_calls":null}}]}"#;
        let want = r#"{"choices":[{"message":{"reasoning_content":"hm","n":1,"content":"4","tool_calls":null}}]}"#;
        assert_eq!(mend(text).unwrap(), want);
    }

    #[test]
    fn an_empty_field_of_that_name_is_filled_not_doubled() {
        let text = r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":null}},
            {"delta":{"reasoning_content":"","reasoning":"b"}}]}"#;
        let want = r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}},
            {"delta":{"reasoning_content":"b","reasoning":"b"}}]}"#;
        assert_eq!(mend(text).unwrap(), want);
    }

    #[test]
    fn what_has_the_name_already_stays() {
        for text in [
            r#"{"choices":[{"delta":{"reasoning":"a","reasoning_content":"a"}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":null,"content":"\"thinking\""}}]}"#,
            r#"{"choices":[{"delta":{"reasoning":{"effort":"low"}}}]}"#,
            r#"{"usage":{}}"#,
        ] {
            assert_eq!(mend(text), None, "{text}");
        }
    }
}
