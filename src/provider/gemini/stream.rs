//! A streamed answer: each event is a whole `GenerateContentResponse` with what is new.
//!
//! There is no terminal event. A stream is whole when every candidate has told why it ended, and, where usage was told
//! at all, when it was told with the last of these reasons or after it: Google repeats it in every chunk.

use serde_json::Value;

use super::answer::{self, News};
use super::grounding::{self, Charges};
use super::{usage, wire};
use crate::error::Result;
use crate::frame::Event;
use crate::openai::{ChatChunk, ChunkWriter, Delta, StreamChoice, ToolCall, ToolCallDelta};
use crate::provider::{ChatStream, Notes};

/// More candidates than Google ever gives (8): a bound for what is remembered.
const MOST_CANDIDATES: usize = 128;

/// A streamed answer that is being read.
pub(super) struct Stream {
    notes: Notes,
    /// Calls of all candidates so far.
    calls: u64,
    candidates: Vec<Candidate>,
    usage: Option<wire::Usage>,
    charges: Charges,
    /// Whether usage came with the last reason to end, or after it.
    usage_is_final: bool,
}

/// What is remembered of a candidate.
#[derive(Default)]
struct Candidate {
    index: u64,
    has_begun: bool,
    has_ended: bool,
    calls: u64,
    images: u64,
    /// All text so far: citations count its characters.
    text: String,
    /// Citations so far: Google may tell them again.
    annotations: Vec<Value>,
}

impl Stream {
    /// Starts reading.
    pub(super) fn new(notes: Notes) -> Self {
        Self {
            notes,
            calls: 0,
            candidates: Vec::new(),
            usage: None,
            charges: Charges::default(),
            usage_is_final: false,
        }
    }

    /// Reads what is new of a candidate. One that has ended says no more.
    fn candidate(&mut self, mut wire: wire::Candidate, out: &mut ChunkWriter) {
        let Some(candidate) = find(&mut self.candidates, wire.index).filter(|candidate| !candidate.has_ended) else {
            return;
        };
        let news = News::read(&self.notes, &mut wire, &mut self.calls, candidate.images);
        candidate.images += news.images.len() as u64;
        candidate.text.push_str(news.content.as_deref().unwrap_or_default());
        let first = candidate.calls;
        candidate.calls += news.calls.len() as u64;
        let mut annotations = Vec::new();
        if let Some(metadata) = &wire.grounding_metadata {
            self.charges.add(metadata);
            annotations = grounding::annotations(metadata, &candidate.text);
            annotations.retain(|annotation| !candidate.annotations.contains(annotation));
            candidate.annotations.extend(annotations.iter().cloned());
        }
        let delta = Delta {
            role: (!candidate.has_begun).then_some("assistant"),
            content: news.content,
            reasoning_content: news.reasoning,
            thinking_blocks: news.thinking_blocks,
            tool_calls: news.calls.into_iter().zip(first..).map(|(call, index)| delta(call, index)).collect(),
            annotations,
            images: news.images,
            audio: news.audio,
            provider_specific_fields: news.fields,
            ..Delta::default()
        };
        candidate.has_begun = true;
        let ended = wire.finish_reason.as_deref().filter(|reason| !matches!(*reason, "" | "FINISH_REASON_UNSPECIFIED"));
        let finish_reason = ended.map(|reason| answer::finish_reason(reason, candidate.calls > 0).to_owned());
        candidate.has_ended = finish_reason.is_some();
        if candidate.has_ended {
            self.usage_is_final = false;
        }
        let logprobs = wire.logprobs_result.as_ref().map(answer::logprobs);
        let choice = StreamChoice { index: wire.index, delta, finish_reason, logprobs };
        out.chunk(&ChatChunk { choices: vec![choice], ..ChatChunk::default() });
    }

    fn has_ended(&self) -> bool {
        !self.candidates.is_empty() && self.candidates.iter().all(|candidate| candidate.has_ended)
    }
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        let wire: wire::Response =
            serde_json::from_str(event.data).map_err(|error| self.notes.not_understood(&error))?;
        answer::refuse(&self.notes, &wire, event.data.as_bytes())?;
        out.identify(wire.id.as_deref(), wire.model_version.as_deref());
        for candidate in wire.candidates {
            self.candidate(candidate, out);
        }
        if wire.usage_metadata.is_some() {
            self.usage = wire.usage_metadata;
            self.usage_is_final = true;
        }
        if let Some(told) = &self.usage {
            out.usage(usage::read(told, self.charges.total()));
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut ChunkWriter) {
        if self.has_ended() && (self.usage.is_none() || self.usage_is_final) {
            out.end();
        }
    }
}

/// The candidate with that index; a new one where there is none yet, `None` where there are too many.
fn find(candidates: &mut Vec<Candidate>, index: u64) -> Option<&mut Candidate> {
    let place = candidates.iter().position(|candidate| candidate.index == index);
    if place.is_none() && candidates.len() < MOST_CANDIDATES {
        candidates.push(Candidate { index, ..Candidate::default() });
        return candidates.last_mut();
    }
    candidates.get_mut(place?)
}

/// A whole call: Google does not cut them.
fn delta(mut call: ToolCall, index: u64) -> ToolCallDelta {
    let mut out = ToolCallDelta::start(index, &call.id, &call.function.name, &call.function.arguments);
    if let Some(Value::Object(fields)) = call.extra.remove("provider_specific_fields") {
        out.provider_specific_fields = fields;
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::provider::StreamReader;
    use crate::provider::gemini::Gemini;

    /// Whether a stream of these events is whole, and its usage.
    fn read(events: &[&str]) -> (bool, Option<u64>, String) {
        let mut reader = StreamReader::new(&Gemini, &Notes::default(), true);
        for event in events {
            reader.push(format!("data: {event}\n\n").as_bytes()).unwrap();
        }
        let whole = reader.finish().is_ok();
        let usage = reader.out().told_usage().map(|usage| usage.total_tokens);
        (whole, usage, String::from_utf8(reader.out().take()).unwrap())
    }

    #[test]
    fn every_candidate_must_have_ended() {
        let text = |index: u64, end: &str| {
            format!(r#"{{"candidates":[{{"index":{index},"content":{{"parts":[{{"text":"a"}}]}}{end}}}]}}"#)
        };
        let (first, second) = (text(0, r#","finishReason":"STOP""#), text(1, ""));
        let end = text(1, r#","finishReason":"MAX_TOKENS""#);
        assert!(!read(&[]).0);
        assert!(!read(&[&second]).0);
        assert!(read(&[&first]).0);
        assert!(!read(&[&first, &second]).0);
        assert!(!read(&[&text(0, r#","finishReason":"FINISH_REASON_UNSPECIFIED""#)]).0);
        let (whole, _, out) = read(&[&first, &second, &end]);
        assert!(whole && out.contains(r#""finish_reason":"length""#), "{out}");
    }

    #[test]
    fn usage_with_or_after_the_last_reason_is_the_streams() {
        let text = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":3}}"#;
        let end = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
        let trailing = r#"{"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":4}}"#;
        let (whole, usage, _) = read(&[text, end]);
        assert!(!whole, "usage was told, and its last word is missing");
        assert_eq!(usage, Some(3));
        let (whole, usage, _) = read(&[text, end, trailing]);
        assert!(whole);
        assert_eq!(usage, Some(7));
        assert!(read(&[end]).0, "an upstream that never tells usage");
    }

    #[test]
    fn citations_are_delivered_once_and_queries_counted_once() {
        let chunk = |text: &str, queries: &[&str], end: Option<&str>| {
            let grounding = json!({"groundingChunks": [{"web": {"uri": "https://a"}}], "webSearchQueries": queries,
                "groundingSupports": [{"segment": {"endIndex": 1}, "groundingChunkIndices": [0]}]});
            json!({"candidates": [{"content": {"parts": [{"text": text}]}, "groundingMetadata": grounding,
                "finishReason": end}], "usageMetadata": {}})
        };
        let (first, last) = (chunk("a", &["x"], None), chunk("b", &["x", "y"], Some("STOP")));
        let mut reader = StreamReader::new(&Gemini, &Notes::default(), true);
        reader.push(format!("data: {first}\n\ndata: {last}\n\n").as_bytes()).unwrap();
        reader.finish().unwrap();
        let searched = reader.out().told_usage().and_then(|usage| usage.server_tool_use.clone()).unwrap();
        assert_eq!(searched.web_search_requests, 2);
        let out = String::from_utf8(reader.out().take()).unwrap();
        assert_eq!(out.matches("url_citation\":").count(), 1, "{out}");
    }

    #[test]
    fn what_comes_after_the_end_of_a_candidate_is_not_delivered() {
        let end = r#"{"candidates":[{"content":{"parts":[{"text":"a"}]},"finishReason":"STOP"}]}"#;
        let (_, _, out) = read(&[end, end]);
        assert_eq!(out.matches("finish_reason\":\"stop").count(), 1);
    }

    #[test]
    fn any_bytes_are_chunks_or_an_error() {
        let event = json!({"candidates": [{"index": 1, "finishReason": "STOP", "content": {"parts": [
            {"text": "a", "thought": true, "thoughtSignature": "s"},
            {"functionCall": {"name": "f", "args": {"a": [1]}}},
            {"inlineData": {"mimeType": "image/png", "data": "QQ=="}}, {"executableCode": {"code": "x"}}]},
            "groundingMetadata": {"groundingSupports": [{"segment": {"endIndex": 1}, "groundingChunkIndices": [0]}],
                "groundingChunks": [{"web": {"uri": "u"}}]}, "logprobsResult": {"chosenCandidates": [{"token": "a"}]}}],
            "usageMetadata": {"promptTokenCount": 1, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 1}]}});
        let event = format!("data: {event}\n\n").into_bytes();
        let (mut state, mut errors) = (7_u32, 0);
        let mut random = |below: usize| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % below
        };
        for _ in 0..5_000 {
            let mut bytes = event.clone();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                bytes[at] = b"{}[]\",:0-9nul\xff\n"[random(15)];
            }
            let mut reader = StreamReader::new(&Gemini, &Notes::default(), true);
            errors += u32::from(reader.push(&bytes).and_then(|()| reader.finish()).is_err());
        }
        assert!((1_000..5_000).contains(&errors), "{errors} of 5000 were refused");
    }
}
