//! AWS Bedrock: Converse for every model, Claude's own protocol by `invoke/`, and embeddings.

mod answer;
mod blocks;
mod embeddings;
mod media;
mod model;
mod request;
mod stream;

use serde_json::{Map, Value};

use super::anthropic::{request as claude, response};
use super::exchange::Exchange;
use super::{Call, ChatStream, Notes, Provider, Target, aws};
use crate::error::{Error, Result};
use crate::frame::Framing;
use crate::http::{HttpHead, percent_encode};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};
use model::Model;

/// The runtime of Bedrock.
#[derive(Clone, Copy, Debug)]
pub struct Bedrock;

const SERVICE: aws::Service = aws::Service {
    host: "bedrock-runtime",
    signing: "bedrock",
    bearer: true,
    endpoint: "aws_bedrock_runtime_endpoint",
};

/// The version of Claude's protocol that AWS speaks:
/// <https://docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-anthropic-claude-messages-request-response.html>.
const CLAUDE_VERSION: &str = "bedrock-2023-05-31";

/// The request for `action` of a model.
fn call(target: &Target<'_>, model: Model<'_>, action: &str, body: &Map<String, Value>, notes: Notes) -> Result<Call> {
    let region = aws::region(target, model.region)?;
    let endpoint = ["model/", &percent_encode(model.id), "/", action].concat();
    // A map with string keys always serialises.
    let body = serde_json::to_vec(body).unwrap_or_default();
    let mut http = aws::post(target, SERVICE, region, &endpoint, body)?;
    aws::authorize(target, SERVICE, region, &mut http)?;
    Ok(Call { http, notes })
}

impl Provider for Bedrock {
    /// It takes bytes, and files in S3.
    fn needs_bytes(&self, _model: &str, _url: &str) -> bool {
        true
    }

    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        aws::exchange(target, SERVICE.bearer)
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let model = Model::of(target)?;
        if !model.invoke {
            let (body, notes) = request::write(target, chat, model)?;
            let action = if chat.stream() { "converse-stream" } else { "converse" };
            return call(target, model, action, &body, notes);
        }
        let (mut body, mut betas, mut notes) = claude::write(target, chat)?;
        model.name.clone_into(&mut notes.model);
        body.remove("model");
        body.remove("stream");
        body.insert("anthropic_version".to_owned(), CLAUDE_VERSION.into());
        for (_, list) in target.settings.extra_headers.iter().filter(|(name, _)| *name == "anthropic-beta") {
            betas.add_list(list);
        }
        let betas = betas.names();
        if !betas.is_empty() {
            body.insert("anthropic_beta".to_owned(), betas.into());
        }
        let action = if chat.stream() { "invoke-with-response-stream" } else { "invoke" };
        call(target, model, action, &body, notes)
    }

    fn chat_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
        if value.get("output").is_some() {
            return answer::read(notes, &value, body).map(Answer::from);
        }
        let mut response = response::read_message(notes, &value, body)?;
        // Claude calls itself by a name that AWS's prices do not know.
        notes.model.clone_into(&mut response.model);
        Ok(Answer::from(response))
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        Box::new(stream::Stream::new(notes))
    }

    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn refusal(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Error {
        aws::refusal(notes, head, body)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let model = Model::of(target)?;
        let (body, notes) = embeddings::write(target, request, model)?;
        call(target, model, "invoke", &body, notes)
    }

    fn embeddings_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        embeddings::read(notes, head, body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::StreamReader;

    /// A stream as it comes, with calls, thinking and usage.
    const STREAM: &[u8] = include_bytes!("../../../tests/fixtures/bedrock/stream-binary/upstream-response.http");

    /// A whole answer with a block of each kind.
    const ANSWER: &str = r#"{"output":{"message":{"role":"assistant","content":[{"text":"a"},{"toolUse":{"toolUseId":"t",
        "name":"f","input":{"a":1}}},{"reasoningContent":{"reasoningText":{"text":"t","signature":"s"}}},
        {"reasoningContent":{"redactedContent":"AA=="}},{"citationsContent":{"content":[{"text":"c"}],
        "citations":[{"location":{"web":{"url":"u"}}}]}}]}},"stopReason":"tool_use","usage":{"inputTokens":1,
        "outputTokens":2,"cacheDetails":[{"ttl":"1h","inputTokens":3}]},"serviceTier":{"type":"flex"}}"#;

    #[test]
    fn any_bytes_are_an_answer_or_an_error_and_never_a_panic() {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut random = move |bound: usize| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as usize % bound
        };
        let notes = Notes::default();
        let head = HttpHead::default();
        let (mut read, mut broken) = (0, 0);
        let start = STREAM.windows(2).position(|pair| pair == b"\n\n").unwrap() + 2;
        for round in 0..20_000 {
            let source = if round % 2 == 0 { ANSWER.as_bytes() } else { &STREAM[start..] };
            let mut bytes = source.to_vec();
            for _ in 0..=random(3) {
                let at = random(bytes.len());
                match random(3) {
                    0 => bytes[at] = b"\"{}[],:\\0e-nt"[random(13)],
                    1 => bytes.truncate(at.max(1)),
                    _ => bytes[at] = random(256) as u8,
                }
            }
            if round % 2 == 0 {
                let answer = Bedrock.chat_answer(&notes, &head, &bytes);
                read += usize::from(answer.is_ok());
                let _ = Bedrock.embeddings_answer(&notes, &head, &bytes);
                let _ = Bedrock.refusal(&notes, &head, &bytes);
            } else {
                let mut reader = StreamReader::new(&Bedrock, &notes, true);
                let end = reader.push(&bytes).and_then(|()| reader.finish());
                broken += usize::from(end.is_err());
            }
        }
        assert!(read > 100 && broken > 9000, "{read} read, {broken} broken");
    }

    #[test]
    fn odd_values_in_sound_frames_are_no_panic_either() {
        let odd = ["null", "7", "[]", "{}", "\"x\"", "-1", "1e400", r#"{"a":null}"#];
        let events =
            ["messageStart", "contentBlockStart", "contentBlockDelta", "messageStop", "metadata", "chunk", "!x"];
        let fields = ["delta", "start", "usage", "contentBlockIndex", "stopReason", "bytes", "trace", "message"];
        for (name, field) in events.iter().flat_map(|name| fields.iter().map(move |field| (name, field))) {
            for inner in ["", "text", "toolUse", "reasoningContent", "citation"] {
                for odd in odd {
                    let value = if inner.is_empty() { odd.to_owned() } else { format!("{{\"{inner}\":{odd}}}") };
                    let data = format!("{{\"{field}\":{value}}}");
                    let mut out = crate::openai::ChunkWriter::new("id", 0, "m", true);
                    let mut stream = Bedrock.chat_stream(&Notes::default());
                    let start = crate::frame::Event { name: "messageStart", data: "{}", raw: &[] };
                    assert!(stream.event(&start, &mut out).is_ok());
                    let _ = stream.event(&crate::frame::Event { name, data: &data, raw: &[] }, &mut out);
                }
            }
        }
    }
}
