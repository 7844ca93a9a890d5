//! Chat completions without an upstream: `mock/echo`, `mock/<anything>`, `mock_response` and `mock_tool_calls`.

use serde_json::Value;

use super::super::Notes;
use super::{head, tokens};
use crate::error::{Error, Kind, Result, TABLE};
use crate::http::HttpHead;
use crate::openai::{
    Answer, ChatChunk, ChatRequest, ChatResponse, Choice, ChunkWriter, Content, Delta, ResponseMessage, Role,
    StreamChoice, ToolCall, ToolCallDelta, Usage,
};

/// What `mock/<name>` says.
const WORDS: &str = "This is a mock response";

/// How LiteLLM's users write a refusal of a content filter.
const FILTERED: &str = "Exception: content_filter_policy";

/// The model that repeats the last message of the user.
const ECHO: &str = "echo";

/// Most answers to one request, as OpenAI bounds `n`.
const MOST_ANSWERS: u64 = 128;

/// What a configuration or a request wants answered in place of an upstream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wanted<'a> {
    /// `mock_response`: the text, the name of one of LiteLLM's errors (`litellm.RateLimitError`), or a whole answer.
    pub response: Option<&'a Value>,
    /// `mock_tool_calls`: calls in OpenAI's shape.
    pub tool_calls: Option<&'a Value>,
}

/// What is said: the same for a whole answer and a stream.
struct Said {
    text: String,
    calls: Vec<ToolCall>,
    usage: Usage,
    answers: u64,
}

/// Answers a chat request, whole or as server-sent events with usage and `[DONE]`.
///
/// # Errors
///
/// The error that `mock_response` names; messages or calls that are none.
pub fn chat(notes: &Notes, chat: &ChatRequest, wanted: Wanted<'_>) -> Result<(HttpHead, Vec<u8>)> {
    let response = wanted.response.filter(|value| !value.is_null() && **value != false);
    if let Some(name) = response.and_then(Value::as_str) {
        refuse(notes, name)?;
    }
    if let Some(whole) = response.filter(|value| value.is_object() && !chat.stream()) {
        return Ok((head("application/json"), whole.to_string().into_bytes()));
    }
    let said = say(notes, chat, response, wanted.tool_calls)?;
    if chat.stream() {
        return Ok((head("text/event-stream; charset=utf-8"), stream(notes, &said)));
    }
    Ok((head("application/json"), whole(notes, &said)))
}

/// Fails where `name` is one of LiteLLM's errors.
fn refuse(notes: &Notes, name: &str) -> Result<()> {
    let class = name.strip_prefix("litellm.").unwrap_or_default();
    if name.starts_with(FILTERED) {
        return Err(Error::upstream(Kind::ContentPolicyViolation, &notes.provider, 400, name));
    }
    match TABLE.iter().find(|row| row.name == class) {
        Some(row) => Err(Error::upstream(row.kind, &notes.provider, row.status, "this is a mock error")),
        None => Ok(()),
    }
}

fn say(notes: &Notes, chat: &ChatRequest, response: Option<&Value>, calls: Option<&Value>) -> Result<Said> {
    let messages = chat.messages()?;
    let asked: String = messages.iter().filter_map(|message| message.content.as_ref()).map(Content::text).collect();
    let at = |path: &str| response.and_then(|response| response.pointer(path));
    let text = match (response.and_then(Value::as_str), at("/choices/0/message")) {
        (Some(text), _) => text.to_owned(),
        (None, Some(message)) => message.get("content").and_then(Value::as_str).unwrap_or_default().to_owned(),
        (None, None) if notes.model == ECHO => {
            let last = messages.iter().rev().find(|message| message.role == Role::User);
            last.and_then(|message| message.content.as_ref()).map(Content::text).unwrap_or_default()
        }
        (None, None) => WORDS.to_owned(),
    };
    let calls = match calls.or_else(|| at("/choices/0/message/tool_calls")).filter(|calls| !calls.is_null()) {
        Some(calls) => serde_json::from_value(calls.clone()).map_err(|error| {
            Error::bad_request("mock_tool_calls", format!("`mock_tool_calls` must be a list of calls: {error}"))
        })?,
        None => Vec::new(),
    };
    let answers = chat.get::<f64>("n")?.map_or(1, |n| n as u64).clamp(1, MOST_ANSWERS);
    let spoken: usize = text.len() + calls.iter().map(|call: &ToolCall| call.function.arguments.len()).sum::<usize>();
    let (prompt_tokens, completion_tokens) = (tokens(asked.len()), tokens(spoken) * answers);
    let total_tokens = prompt_tokens + completion_tokens;
    let usage = Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() };
    let usage = at("/usage").and_then(|told| serde_json::from_value(told.clone()).ok()).unwrap_or(usage);
    Ok(Said { text, calls, usage, answers })
}

impl Said {
    fn finish_reason(&self) -> &'static str {
        if self.calls.is_empty() { "stop" } else { "tool_calls" }
    }
}

fn whole(notes: &Notes, said: &Said) -> Vec<u8> {
    let choice = |index| {
        let content = if said.text.is_empty() && !said.calls.is_empty() { None } else { Some(said.text.clone()) };
        let message = ResponseMessage { content, tool_calls: said.calls.clone(), ..ResponseMessage::default() };
        Choice { index, message, finish_reason: said.finish_reason().to_owned(), logprobs: None }
    };
    let response = ChatResponse {
        id: notes.id.clone(),
        object: "chat.completion",
        created: notes.created,
        model: notes.model.clone(),
        choices: (0..said.answers).map(choice).collect(),
        usage: Some(said.usage.clone()),
        ..ChatResponse::default()
    };
    Answer::from(response).body
}

fn stream(notes: &Notes, said: &Said) -> Vec<u8> {
    // Usage is always told: the reader keeps it from clients who did not ask.
    let mut out = ChunkWriter::new(&notes.id, notes.created, &notes.model, true);
    for index in 0..said.answers {
        let mut write = |delta: Delta, finish_reason: Option<String>| {
            let choices = vec![StreamChoice { index, delta, finish_reason, logprobs: None }];
            out.chunk(&ChatChunk { choices, ..ChatChunk::default() });
        };
        write(Delta { role: Some("assistant"), content: Some(String::new()), ..Delta::default() }, None);
        for piece in said.text.split_inclusive(' ') {
            write(Delta { content: Some(piece.to_owned()), ..Delta::default() }, None);
        }
        for (at, call) in (0..).zip(&said.calls) {
            let function = &call.function;
            let calls = [
                ToolCallDelta::start(at, &call.id, &function.name, ""),
                ToolCallDelta::arguments(at, &function.arguments),
            ];
            for call in calls {
                write(Delta { tool_calls: vec![call], ..Delta::default() }, None);
            }
        }
        write(Delta::default(), Some(said.finish_reason().to_owned()));
    }
    out.usage(said.usage.clone());
    out.write_tail(None);
    out.take()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{StreamReader, registry};
    use super::*;

    fn notes(model: &str) -> Notes {
        Notes {
            provider: "mock".to_owned(),
            id: "chatcmpl-1".to_owned(),
            created: 7,
            model: model.to_owned(),
            ..Notes::default()
        }
    }

    fn request(rest: &str) -> ChatRequest {
        let body = format!(
            r#"{{"model":"mock/echo","messages":[{{"role":"system","content":"be brief"}},
                {{"role":"user","content":[{{"type":"text","text":"hello there, world"}}]}}]{rest}}}"#
        );
        ChatRequest::parse(body.as_bytes()).unwrap()
    }

    fn answer(model: &str, rest: &str, wanted: Wanted<'_>) -> Value {
        serde_json::from_slice(&chat(&notes(model), &request(rest), wanted).unwrap().1).unwrap()
    }

    #[test]
    fn echo_repeats_the_user_and_counts_deterministically() {
        let body = answer("echo", "", Wanted::default());
        assert_eq!(body["choices"][0]["message"]["content"], "hello there, world");
        assert_eq!(body["usage"], json!({"prompt_tokens": 6, "completion_tokens": 4, "total_tokens": 10}));
        assert_eq!(answer("other", "", Wanted::default())["choices"][0]["message"]["content"], WORDS);
        assert_eq!(answer("echo", r#","n":3"#, Wanted::default())["choices"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn a_stream_says_what_the_whole_answer_says() {
        let calls = json!([{"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}}]);
        let wanted = Wanted { tool_calls: Some(&calls), ..Wanted::default() };
        let (head, body) = chat(&notes("echo"), &request(r#","stream":true"#), wanted).unwrap();
        assert_eq!(head.headers.get("content-type"), Some("text/event-stream; charset=utf-8"));
        let mut reader = StreamReader::new(registry::find("mock").unwrap().dialect, &notes("echo"), false);
        reader.push(&body).unwrap();
        reader.finish().unwrap();
        let whole = answer("echo", "", wanted);
        assert_eq!(json!(reader.out().told_usage()), whole["usage"]);
        assert_eq!(reader.out().text_bytes(), "hello there, world".len() as u64 + 7);
        assert_eq!(whole["choices"][0]["finish_reason"], "tool_calls");
        assert_eq!(whole["choices"][0]["message"]["tool_calls"], calls);
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(r#""content":"there, ""#) && text.ends_with("data: [DONE]\n\n"), "{text}");
    }

    #[test]
    fn errors_are_given_by_litellms_names() {
        for (name, status, kind) in [
            ("litellm.RateLimitError", 429, Kind::RateLimit),
            ("litellm.InternalServerError", 500, Kind::InternalServer),
            ("litellm.ContextWindowExceededError", 400, Kind::ContextWindowExceeded),
            ("Exception: content_filter_policy: hate", 400, Kind::ContentPolicyViolation),
        ] {
            let wanted = json!(name);
            let wanted = Wanted { response: Some(&wanted), ..Wanted::default() };
            let error = chat(&notes("echo"), &request(""), wanted).unwrap_err();
            assert_eq!((error.status(), error.kind()), (status, kind));
            assert!(error.falls_back(), "{name}");
        }
        let said = json!("litellm.NoSuchError");
        let body = answer("echo", "", Wanted { response: Some(&said), ..Wanted::default() });
        assert_eq!(body["choices"][0]["message"]["content"], said);
    }

    #[test]
    fn a_whole_answer_is_given_back_and_streams_too() {
        let whole = json!({"choices": [{"message": {"content": "from the object"}}], "usage": {"prompt_tokens": 3}});
        let wanted = Wanted { response: Some(&whole), ..Wanted::default() };
        assert_eq!(answer("echo", "", wanted), whole);
        let body = chat(&notes("echo"), &request(r#","stream":true"#), wanted).unwrap().1;
        let text = String::from_utf8(body).unwrap();
        assert!(text.contains(r#""content":"object""#) && text.contains(r#""prompt_tokens":3"#), "{text}");
    }
}
