//! What a model said: parts as words, reasoning, calls and media, and whole answers.

use serde_json::{Map, Value, json};

use super::grounding::{self, Charges};
use super::{signature, usage, wire};
use crate::error::{Error, Kind, Result};
use crate::http::HttpHead;
use crate::openai::{Answer, ChatResponse, Choice, FunctionCall, ResponseMessage, ToolCall};
use crate::provider::{Notes, errors};

/// What Google's speech is kept for, in seconds: OpenAI's shape wants an end, and LiteLLM says a day.
const AUDIO_SECONDS: u64 = 86_400;

/// What parts say, in OpenAI's words.
#[derive(Debug, Default)]
pub(super) struct News {
    pub(super) content: Option<String>,
    pub(super) reasoning: Option<String>,
    pub(super) thinking_blocks: Vec<Value>,
    pub(super) calls: Vec<ToolCall>,
    pub(super) images: Vec<Value>,
    pub(super) audio: Option<Value>,
    /// What OpenAI's shape has no place for.
    pub(super) fields: Map<String, Value>,
}

impl News {
    /// Reads a candidate; `calls` counts the calls of the whole answer, `images` those of this candidate.
    pub(super) fn read(notes: &Notes, candidate: &mut wire::Candidate, calls: &mut u64, images: u64) -> Self {
        let mut news = Self::default();
        for part in candidate.content.take().unwrap_or_default().parts {
            news.part(notes, part, calls, images);
        }
        for (name, value) in [
            ("grounding_metadata", &candidate.grounding_metadata),
            ("url_context_metadata", &candidate.url_context_metadata),
            ("citation_metadata", &candidate.citation_metadata),
            ("safety_ratings", &candidate.safety_ratings),
        ] {
            if let Some(value) = value {
                news.fields.insert(name.to_owned(), value.clone());
            }
        }
        // OpenAI's few words for the end hide what Google's many say.
        let reason =
            candidate.finish_reason.as_ref().filter(|reason| !matches!(reason.as_str(), "STOP" | "MAX_TOKENS"));
        for (name, text) in [("native_finish_reason", reason), ("finish_message", candidate.finish_message.as_ref())] {
            if let Some(text) = text {
                news.fields.insert(name.to_owned(), text.as_str().into());
            }
        }
        news
    }

    fn part(&mut self, notes: &Notes, part: wire::Part, calls: &mut u64, images: u64) {
        let signature = part.thought_signature.filter(|signature| !signature.is_empty());
        // Calls, and tools that Google runs, carry their own.
        let mut is_carried = part.function_call.is_some();
        if let Some(text) = part.text {
            self.text(&text, part.thought, signature.as_deref());
        }
        if let Some(call) = part.function_call {
            self.calls.push(read_call(notes, call, signature.as_deref(), *calls));
            *calls += 1;
        }
        if let Some(blob) = part.inline_data {
            self.blob(notes, &blob, images);
        }
        for (name, value) in part.other {
            let list = match name.as_str() {
                "executableCode" | "executable_code" | "codeExecutionResult" | "code_execution_result" => {
                    "code_execution"
                }
                "toolCall" | "tool_call" | "toolResponse" | "tool_response" => "server_side_tool_invocations",
                "fileData" | "file_data" => "files",
                _ => continue,
            };
            is_carried = true;
            let mut whole = Map::from_iter([(name, value)]);
            if let Some(signature) = &signature {
                whole.insert("thoughtSignature".to_owned(), signature.as_str().into());
            }
            self.list(list, whole.into());
        }
        if let Some(signature) = signature.filter(|_| !is_carried) {
            self.list("thought_signatures", signature.into());
        }
    }

    fn text(&mut self, text: &str, is_thought: bool, signature: Option<&str>) {
        if is_thought && let Some(signature) = signature {
            self.thinking_blocks.push(json!({"type": "thinking", "thinking": text, "signature": signature}));
        }
        if !text.is_empty() {
            let place = if is_thought { &mut self.reasoning } else { &mut self.content };
            place.get_or_insert_default().push_str(text);
        }
    }

    fn blob(&mut self, notes: &Notes, blob: &wire::Blob, images: u64) {
        let wire::Blob { mime_type, data } = blob;
        if mime_type.starts_with("audio/") {
            let audio = json!({"id": format!("audio_{}", notes.id), "data": data, "transcript": "",
                "expires_at": notes.created.saturating_add(AUDIO_SECONDS), "mime_type": mime_type});
            match self.audio {
                None => self.audio = Some(audio),
                Some(_) => self.list("audio", audio),
            }
        } else {
            let url = format!("data:{mime_type};base64,{data}");
            if mime_type.starts_with("image/") {
                let index = images.saturating_add(self.images.len() as u64);
                self.images.push(json!({"type": "image_url", "index": index, "image_url": {"url": url}}));
            } else {
                self.list("files", json!({"inlineData": {"mimeType": mime_type, "data": data}}));
            }
        }
    }

    /// Adds to a list among the fields.
    fn list(&mut self, name: &str, value: Value) {
        let list = self.fields.entry(name).or_insert_with(|| Value::Array(Vec::new()));
        if let Some(list) = list.as_array_mut() {
            list.push(value);
        }
    }
}

/// Reads a call; `number` tells it from the others of the answer.
fn read_call(notes: &Notes, call: wire::FunctionCall, signature: Option<&str>, number: u64) -> ToolCall {
    let made = call.id.filter(|id| !id.is_empty());
    // The core has no random numbers: the answer's own id makes these unique.
    let id = made.unwrap_or_else(|| format!("call_{}_{number}", notes.id));
    let arguments = call.args.filter(|args| !args.is_null()).map_or_else(|| "{}".to_owned(), |args| args.to_string());
    let name = notes.client_tool_name(&call.name).to_owned();
    let fields =
        signature.map(|signature| ("provider_specific_fields".to_owned(), json!({"thought_signature": signature})));
    ToolCall {
        id: signature::pack(&id, signature),
        kind: "function".to_owned(),
        function: FunctionCall { name, arguments },
        extra: fields.into_iter().collect(),
    }
}

/// Reads a whole answer.
pub(super) fn read(notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
    let mut response: wire::Response = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    refuse(notes, &response, body)?;
    if response.candidates.is_empty() {
        return Err(notes.not_understood(&"it has no candidate"));
    }
    let mut charges = Charges::default();
    for metadata in response.candidates.iter().filter_map(|candidate| candidate.grounding_metadata.as_ref()) {
        charges.add(metadata);
    }
    let mut usage = response.usage_metadata.as_ref().map(|wire| usage::read(wire, charges.total()));
    let mut calls = 0;
    let choices = response.candidates.iter_mut().map(|candidate| choice(notes, candidate, &mut calls)).collect();
    let mut extra = Map::new();
    // The tier that served, which is the one that Google charges: a busy one hands on to `standard`.
    if let Some(tier) = head.headers.get("x-gemini-service-tier") {
        extra.insert("service_tier".to_owned(), tier.into());
        if let Some(usage) = &mut usage {
            usage.extra.insert("service_tier".to_owned(), tier.into());
        }
    }
    let text = |text: Option<String>, or: &str| text.filter(|text| !text.is_empty()).unwrap_or_else(|| or.to_owned());
    let response = ChatResponse {
        id: text(response.id, &notes.id),
        object: "chat.completion",
        created: notes.created,
        model: text(response.model_version, &notes.model),
        choices,
        usage,
        extra,
    };
    Ok(response.into())
}

fn choice(notes: &Notes, candidate: &mut wire::Candidate, calls: &mut u64) -> Choice {
    let news = News::read(notes, candidate, calls, 0);
    let text = news.content.as_deref().unwrap_or_default();
    let annotations = candidate
        .grounding_metadata
        .as_ref()
        .map(|metadata| grounding::annotations(metadata, text))
        .unwrap_or_default();
    let message = ResponseMessage {
        content: news.content,
        reasoning_content: news.reasoning,
        thinking_blocks: news.thinking_blocks,
        annotations,
        images: news.images,
        audio: news.audio,
        provider_specific_fields: news.fields,
        tool_calls: news.calls,
        ..ResponseMessage::default()
    };
    let finish_reason =
        finish_reason(candidate.finish_reason.as_deref().unwrap_or("STOP"), !message.tool_calls.is_empty());
    let logprobs = candidate.logprobs_result.as_ref().map(logprobs);
    Choice { index: candidate.index, message, finish_reason: finish_reason.to_owned(), logprobs }
}

/// The error that stands in place of an answer, if one does.
///
/// A prompt that Google refuses is an error and no empty answer: nothing was generated, and the gateway's fallbacks for
/// refused content start from an error. An answer that Google cut short is one, with the reason `content_filter`.
pub(super) fn refuse(notes: &Notes, response: &wire::Response, body: &[u8]) -> Result<()> {
    if let Some(error) = response.error.as_ref().filter(|error| !error.is_null()) {
        return Err(errors::from_value(&notes.provider, 0, &json!({"error": error}), body));
    }
    let feedback = response.prompt_feedback.as_ref().filter(|_| response.candidates.is_empty());
    let text = |names: [&str; 2]| {
        feedback.and_then(|feedback| names.iter().find_map(|name| feedback.get(name)?.as_str()).map(str::to_owned))
    };
    match text(["blockReason", "block_reason"]) {
        None => Ok(()),
        Some(reason) => {
            let detail = text(["blockReasonMessage", "block_reason_message"]).map(|text| format!(": {text}"));
            let message = format!("the prompt was blocked ({reason}){}", detail.unwrap_or_default());
            Err(Error::upstream(Kind::ContentPolicyViolation, &notes.provider, 400, message))
        }
    }
}

/// OpenAI's word for why an answer ended (<https://ai.google.dev/api/generate-content#FinishReason>); unknown: `stop`.
pub(super) fn finish_reason(reason: &str, has_calls: bool) -> &'static str {
    match reason {
        "MAX_TOKENS" => "length",
        "SAFETY" | "RECITATION" | "LANGUAGE" | "OTHER" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "NO_IMAGE"
        | "ESCALATION" => "content_filter",
        _ if reason.starts_with("IMAGE_") => "content_filter",
        // Google says STOP of calls too.
        _ if has_calls => "tool_calls",
        _ => "stop",
    }
}

/// `logprobsResult` in OpenAI's shape.
pub(super) fn logprobs(result: &Value) -> Value {
    let list = |value: &Value, names: [&str; 2]| -> Vec<Value> {
        names.iter().find_map(|name| value.get(name)?.as_array().cloned()).unwrap_or_default()
    };
    let token = |candidate: &Value| {
        let text = candidate.get("token").and_then(Value::as_str).unwrap_or_default();
        let logprob = candidate.get("logProbability").or_else(|| candidate.get("log_probability"));
        json!({"token": text, "logprob": logprob, "bytes": text.as_bytes()})
    };
    let top = list(result, ["topCandidates", "top_candidates"]);
    let chosen = list(result, ["chosenCandidates", "chosen_candidates"]);
    let content = chosen.iter().enumerate().map(|(index, candidate)| {
        let mut out = token(candidate);
        let others = top.get(index).map(|top| list(top, ["candidates", "candidates"])).unwrap_or_default();
        if let Some(out) = out.as_object_mut() {
            out.insert("top_logprobs".to_owned(), others.iter().map(token).collect());
        }
        out
    });
    json!({"content": content.collect::<Vec<_>>()})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_to_end_are_openais() {
        for (reason, has_calls, want) in [
            ("STOP", false, "stop"),
            ("STOP", true, "tool_calls"),
            ("MAX_TOKENS", true, "length"),
            ("SAFETY", false, "content_filter"),
            ("IMAGE_PROHIBITED_CONTENT", false, "content_filter"),
            ("MALFORMED_FUNCTION_CALL", false, "stop"),
            ("SOMETHING_NEW", false, "stop"),
        ] {
            assert_eq!(finish_reason(reason, has_calls), want, "{reason}");
        }
    }

    #[test]
    fn any_bytes_are_an_answer_or_an_error() {
        let head = HttpHead { status: 200, ..HttpHead::default() };
        for body in [
            "",
            "null",
            "[]",
            "{}",
            r#"{"candidates":null}"#,
            r#"{"candidates":[{}]}"#,
            r#"{"candidates":[{"content":null}]}"#,
            r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":null}}]}}]}"#,
            r#"{"candidates":[{"index":"x","content":{"parts":[{"thought":"yes","text":"a"}]}}],"usageMetadata":{}}"#,
            r#"{"candidates":[{"groundingMetadata":{"groundingSupports":[{"groundingChunkIndices":[-1]}]}}]}"#,
            r#"{"candidates":[{"logprobsResult":{"chosenCandidates":[{}]}}]}"#,
            r#"{"error":{"code":429,"message":"slow","status":"RESOURCE_EXHAUSTED"}}"#,
        ] {
            let answer = read(&Notes::default(), &head, body.as_bytes());
            assert_eq!(answer.is_ok(), body.starts_with(r#"{"candidates":[{"#), "{body}");
        }
    }
}
