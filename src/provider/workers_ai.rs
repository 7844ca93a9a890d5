//! Cloudflare's Workers AI: OpenAI's protocol over HTTP; without a key, the binding of the Worker that this gateway is
//! (<https://developers.cloudflare.com/workers-ai/configuration/bindings/>).

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::openai::OpenAi;
use super::openai::quirks::CLOUDFLARE;
use super::{Call, ChatStream, Notes, Provider, Target, params, vectors};
use crate::error::{Error, Result};
use crate::frame::Event;
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{
    Answer, ChatChunk, ChatRequest, ChatResponse, Choice, ChunkWriter, Delta, EmbeddingRequest, Fields, FunctionCall,
    ResponseMessage, ToolCall, ToolCallDelta, Usage,
};
use crate::secret::Secret;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct WorkersAi;

/// The binding, in an address that a host on Cloudflare alone understands; the model follows.
const BINDING: &str = "binding:AI/";

impl Provider for WorkersAi {
    fn as_openai(&self) -> Option<OpenAi> {
        Some(CLOUDFLARE)
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        if !is_bound(target) {
            return CLOUDFLARE.chat(&Target { api_base: base(target)?.as_deref(), ..*target }, chat);
        }
        let own = Target { api_base: Some("https://host/chat/completions"), ..*target };
        let mut call = CLOUDFLARE.chat(&own, chat)?;
        let mut fields = Fields::parse(&call.http.body)?;
        // The address says the model; usage comes unasked; the models' own schemas know `max_tokens`.
        fields.remove("model");
        fields.remove("stream_options");
        if fields.raw("max_tokens").is_none() {
            fields.rename("max_completion_tokens", "max_tokens");
        }
        call.http = HttpRequest::post_json(format!("{BINDING}{}", target.model), fields.to_bytes());
        Ok(call)
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        match own_form(body) {
            Some(value) => Ok(whole(notes, &value)),
            None => CLOUDFLARE.chat_answer(notes, head, body),
        }
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        let stream = Stream { openai: CLOUDFLARE.chat_stream(notes), notes: notes.clone(), own: false, calls: 0 };
        Box::new(stream)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        if !is_bound(target) {
            return CLOUDFLARE.embeddings(&Target { api_base: base(target)?.as_deref(), ..*target }, request);
        }
        let notes = params::of_plain_embeddings(target, request)?;
        let body = json!({"text": request.texts()?}).to_string();
        Ok(Call { http: HttpRequest::post_json(format!("{BINDING}{}", target.model), body.into_bytes()), notes })
    }

    fn embeddings_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        let fields = Fields::parse(body).unwrap_or_default();
        if fields.raw("shape").is_none() {
            return CLOUDFLARE.embeddings_answer(notes, head, body);
        }
        let data: Vec<Box<RawValue>> = fields.get("data").ok().flatten().unwrap_or_default();
        let data: Vec<_> = data.into_iter().map(|vector| ("float", vector)).collect();
        vectors::answer(notes, &data, None)
    }
}

/// Whether the Worker's binding is asked: nothing says where else to go, and nothing would let us in there.
fn is_bound(target: &Target<'_>) -> bool {
    target.key.map(Secret::expose).unwrap_or_default().is_empty() && is_homeless(target)
}

fn is_homeless(target: &Target<'_>) -> bool {
    target.api_base.is_none_or(|base| base.trim().is_empty())
}

/// The account's address, where `api_base` does not say another (LiteLLM's rule).
fn base(target: &Target<'_>) -> Result<Option<String>> {
    if !is_homeless(target) {
        return Ok(target.api_base.map(str::to_owned));
    }
    if let Some(id) = target.param("account_id").filter(|id| super::is_safe_segment(id)) {
        Ok(Some(format!("https://api.cloudflare.com/client/v4/accounts/{id}/ai/v1")))
    } else {
        let message = "no account: set `account_id` in litellm_params or CLOUDFLARE_ACCOUNT_ID, or `api_base`";
        Err(Error::bad_request("account_id", message))
    }
}

/// An answer in the models' own form, which the binding gives for many of them; `None` is OpenAI's.
fn own_form(body: &[u8]) -> Option<Value> {
    let value: Value = crate::json::read(body).ok()?;
    let is_own =
        value.get("choices").is_none() && (value.get("response").is_some() || value.get("tool_calls").is_some());
    is_own.then_some(value)
}

fn whole(notes: &Notes, value: &Value) -> Answer {
    let calls: Vec<ToolCall> = calls(notes, value, 0);
    let text = text(value);
    let finish_reason = if calls.is_empty() { "stop" } else { "tool_calls" };
    let message = ResponseMessage {
        content: Some(text).filter(|text| !text.is_empty() || calls.is_empty()),
        tool_calls: calls,
        ..ResponseMessage::default()
    };
    let response = ChatResponse {
        id: notes.id.clone(),
        object: "chat.completion",
        created: notes.created,
        model: notes.model.clone(),
        choices: vec![Choice { index: 0, message, finish_reason: finish_reason.to_owned(), logprobs: None }],
        usage: usage(value),
        extra: Map::new(),
    };
    response.into()
}

/// Text; an object where a JSON schema was asked for.
fn text(value: &Value) -> String {
    match value.get("response") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    }
}

/// Calls of tools; `before` is how many there were already.
fn calls(notes: &Notes, value: &Value, before: u64) -> Vec<ToolCall> {
    let calls = value.get("tool_calls").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let one = |(number, call): (u64, &Value)| {
        let function = call.get("function").unwrap_or(call);
        let field = |name: &str| function.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let arguments = match function.get("arguments") {
            None | Some(Value::Null) => "{}".to_owned(),
            Some(Value::String(text)) => text.clone(),
            Some(arguments) => arguments.to_string(),
        };
        let id = call.get("id").and_then(Value::as_str).filter(|id| !id.is_empty());
        ToolCall {
            // The core has no random numbers: the answer's own id makes these unique.
            id: id.map_or_else(|| format!("call_{}_{number}", notes.id), str::to_owned),
            kind: "function".to_owned(),
            function: FunctionCall { name: field("name"), arguments },
            extra: Map::new(),
        }
    };
    (before..).zip(calls).map(one).collect()
}

fn usage(value: &Value) -> Option<Usage> {
    let told = value.get("usage")?;
    let count = |name: &str| told.get(name).and_then(Value::as_u64);
    let (prompt_tokens, completion_tokens) = (count("prompt_tokens")?, count("completion_tokens").unwrap_or(0));
    let total_tokens = prompt_tokens.saturating_add(completion_tokens);
    Some(Usage { prompt_tokens, completion_tokens, total_tokens, ..Usage::default() })
}

/// A streamed answer in either form: which one it is, its first event says.
struct Stream {
    openai: Box<dyn ChatStream>,
    notes: Notes,
    own: bool,
    calls: u64,
}

impl ChatStream for Stream {
    fn event(&mut self, event: &Event<'_>, out: &mut ChunkWriter) -> Result<()> {
        if self.own && event.data == "[DONE]" {
            out.chunk(&ChatChunk::finish(if self.calls > 0 { "tool_calls" } else { "stop" }));
            out.end();
            return Ok(());
        }
        let Some(value) = own_form(event.data.as_bytes()) else { return self.openai.event(event, out) };
        let role = (!self.own).then_some("assistant");
        self.own = true;
        let mut tool_calls = Vec::new();
        for call in calls(&self.notes, &value, self.calls) {
            let function = &call.function;
            tool_calls.push(ToolCallDelta::start(self.calls, &call.id, &function.name, &function.arguments));
            self.calls += 1;
        }
        let content = Some(text(&value)).filter(|text| !text.is_empty());
        if role.is_some() || content.is_some() || !tool_calls.is_empty() {
            out.chunk(&ChatChunk::delta(Delta { role, content, tool_calls, ..Delta::default() }));
        }
        if let Some(usage) = usage(&value) {
            out.usage(usage);
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut ChunkWriter) {
        if !self.own {
            self.openai.finish(out);
        }
    }
}
