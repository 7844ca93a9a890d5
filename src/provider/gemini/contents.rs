//! Messages as Google's `contents`: two roles, turns that alternate, and instructions apart.

use serde_json::{Map, Value, json};

use super::generation::{Generation, takes_system};
use super::{media, signature, tool_names};
use crate::error::{Error, Result};
use crate::openai::{ChatRequest, Content, Message, Part, Role, ToolCall};
use crate::provider::Target;

/// What Google gets of a conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// `systemInstruction`.
    pub(super) system: Option<Value>,
    /// `contents`: turns, in order.
    pub(super) turns: Vec<Value>,
    /// The highest resolution that a part asks for, where single parts cannot have one.
    pub(super) resolution: Option<&'static str>,
}

/// Writes the messages of `chat`.
///
/// # Errors
///
/// A part that Google does not take, or the result of a call that never was.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest) -> Result<Conversation> {
    let mut writer = Writer::new(Generation::of(target.model));
    for (index, message) in chat.messages()?.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        match message.role {
            Role::System | Role::Developer => writer.system(message, &at)?,
            Role::User => writer.user(message, &at)?,
            Role::Assistant => writer.assistant(&message, &at)?,
            Role::Tool | Role::Function => writer.result(message, &at)?,
        }
    }
    Ok(writer.finish(target.facts.system_messages.unwrap_or_else(|| takes_system(target.model))))
}

/// Whose turn it is. Results stand apart from the user's words: Google wants them right behind their calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    User,
    Model,
    Results,
}

struct Writer {
    generation: Generation,
    system: Vec<Value>,
    turns: Vec<(Speaker, Vec<Value>)>,
    /// Ids and names of the calls so far.
    calls: Vec<(String, String)>,
    resolution: Option<&'static str>,
}

impl Writer {
    fn new(generation: Generation) -> Self {
        Self { generation, system: Vec::new(), turns: Vec::new(), calls: Vec::new(), resolution: None }
    }

    fn system(&mut self, message: Message, at: &str) -> Result<()> {
        for (index, part) in parts(message.content).into_iter().enumerate() {
            match part {
                Part::Text { text, .. } if text.is_empty() => {}
                Part::Text { text, .. } => self.system.push(json!({"text": text})),
                _ => {
                    let at = format!("{at}.content[{index}]");
                    let message = format!("`{at}` must be text: this provider takes no media in instructions");
                    return Err(Error::bad_request(&at, message));
                }
            }
        }
        Ok(())
    }

    fn user(&mut self, message: Message, at: &str) -> Result<()> {
        let parts = self.media(message.content, at)?;
        self.turn(Speaker::User, parts);
        Ok(())
    }

    fn assistant(&mut self, message: &Message, at: &str) -> Result<()> {
        let mut signatures = signature::of_text(message);
        let mut out = signature::thought_parts(message, &signatures);
        signatures.retain(|signature| !out.iter().any(|part| part["thoughtSignature"] == **signature));
        out.extend(signature::hosted_parts(message).cloned());
        let mut text = self.media(message.content.clone(), at)?;
        if let Some(signature) = signatures.first() {
            // The signature of words may come on an empty part of its own.
            if text.is_empty() {
                text.push(json!({"text": ""}));
            }
            if let Some(part) = text.last_mut().and_then(Value::as_object_mut) {
                part.insert("thoughtSignature".to_owned(), (*signature).into());
            }
        }
        out.append(&mut text);
        for image in message.extra.get("images").and_then(Value::as_array).into_iter().flatten() {
            if let Some(url) = image.pointer("/image_url/url").and_then(Value::as_str) {
                let image = Part::Image { url: url.to_owned(), detail: None, format: None, cache_control: None };
                out.extend(media::part(self.generation, image, &format!("{at}.images"))?);
            }
        }
        for (index, call) in message.tool_calls.iter().enumerate() {
            out.push(self.call(call, index == 0));
        }
        self.turn(Speaker::Model, out);
        Ok(())
    }

    fn call(&mut self, call: &ToolCall, is_first: bool) -> Value {
        let (id, _) = signature::unpack(&call.id);
        let name = tool_names::to_send(&call.function.name);
        self.calls.push((id.to_owned(), name.clone()));
        let mut function = Map::from_iter([("name".to_owned(), name.into())]);
        function.insert("args".to_owned(), call.function.arguments_object().into());
        // Older generations refuse ids.
        if self.generation.is_three() && !id.is_empty() {
            function.insert("id".to_owned(), id.into());
        }
        let mut part = Map::from_iter([("functionCall".to_owned(), function.into())]);
        // Of calls made at once only the first is signed, and only Gemini 3 insists.
        let foreign = (is_first && self.generation.is_three()).then_some(signature::FOREIGN);
        if let Some(signature) = signature::of_call(call).or(foreign) {
            part.insert("thoughtSignature".to_owned(), signature.into());
        }
        part.into()
    }

    fn result(&mut self, message: Message, at: &str) -> Result<()> {
        let given = message.tool_call_id.as_deref().unwrap_or_default();
        let (id, _) = signature::unpack(given);
        let called = self.calls.iter().rev().find(|(call, _)| !id.is_empty() && call == id);
        let name = called.map(|(_, name)| name.clone()).or_else(|| message.name.as_deref().map(tool_names::to_send));
        let Some(name) = name else {
            let at = format!("{at}.tool_call_id");
            let message = format!("`{at}` answers no call of an earlier message: `{given}`; send that message too");
            return Err(Error::bad_request(&at, message));
        };
        let text = message.content.as_ref().map(Content::text).unwrap_or_default();
        let media = parts(message.content).into_iter().filter(|part| !matches!(part, Part::Text { .. }));
        let mut shown = Vec::new();
        for part in media {
            shown.extend(media::part(self.generation, part, &format!("{at}.content"))?);
        }
        let mut response = Map::from_iter([("name".to_owned(), name.into())]);
        response.insert("response".to_owned(), response_of(&text));
        let mut turn = Vec::new();
        if self.generation.is_three() {
            if !id.is_empty() {
                response.insert("id".to_owned(), id.into());
            }
            if !shown.is_empty() {
                response.insert("parts".to_owned(), std::mem::take(&mut shown).into());
            }
        }
        turn.push(json!({"functionResponse": response}));
        turn.append(&mut shown);
        self.turn(Speaker::Results, turn);
        Ok(())
    }

    fn media(&mut self, content: Option<Content>, at: &str) -> Result<Vec<Value>> {
        let mut out = Vec::new();
        for (index, part) in parts(content).into_iter().enumerate() {
            let wanted = media::detail(&part).as_deref().and_then(media::resolution);
            self.resolution = self.resolution.into_iter().chain(wanted).max_by_key(|level| rank(level));
            out.extend(media::part(self.generation, part, &format!("{at}.content[{index}]"))?);
        }
        Ok(out)
    }

    /// Adds parts to the conversation: to the last turn where the same speaker goes on.
    fn turn(&mut self, speaker: Speaker, mut parts: Vec<Value>) {
        match self.turns.last_mut() {
            _ if parts.is_empty() => {}
            Some((last, turn)) if *last == speaker => turn.append(&mut parts),
            _ => self.turns.push((speaker, parts)),
        }
    }

    fn finish(mut self, takes_system: bool) -> Conversation {
        let mut system = std::mem::take(&mut self.system);
        if !takes_system && !system.is_empty() {
            match self.turns.first_mut() {
                Some((Speaker::User, turn)) => {
                    system.append(turn);
                    *turn = system;
                }
                _ => self.turns.insert(0, (Speaker::User, system)),
            }
            system = Vec::new();
        }
        // Google wants something to answer.
        if self.turns.is_empty() {
            self.turns.push((Speaker::User, vec![json!({"text": "."})]));
        }
        let turns = self.turns.into_iter().map(|(speaker, parts)| {
            let role = if speaker == Speaker::Model { "model" } else { "user" };
            json!({"role": role, "parts": parts})
        });
        let resolution = self.resolution.filter(|_| !self.generation.is_three());
        Conversation {
            system: (!system.is_empty()).then(|| json!({"parts": system})),
            turns: turns.collect(),
            resolution,
        }
    }
}

fn parts(content: Option<Content>) -> Vec<Part> {
    content.map(Content::into_parts).unwrap_or_default()
}

fn rank(level: &str) -> usize {
    ["LOW", "MEDIUM", "HIGH", "ULTRA_HIGH"].iter().rposition(|end| level.ends_with(end)).unwrap_or_default()
}

/// A result as an object: JSON objects as they are, anything else as `output`
/// (<https://ai.google.dev/api/caching#FunctionResponse>).
fn response_of(text: &str) -> Value {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object.into(),
        Ok(value @ Value::Array(_)) => json!({"output": value}),
        _ => json!({"output": text}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;
    use crate::provider::gemini::target_for;

    fn written(model: &str, messages: &Value) -> Result<Conversation> {
        let body = json!({"model": model, "messages": messages}).to_string();
        let settings = Settings::default();
        write(&target_for(model, &settings), &ChatRequest::parse(body.as_bytes()).unwrap())
    }

    fn user(text: &str) -> Value {
        json!({"role": "user", "parts": [{"text": text}]})
    }

    #[test]
    fn turns_of_one_speaker_are_merged_and_results_stand_alone() {
        let call = json!({"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"a\":1}"}});
        let other = json!({"id": "2", "type": "function", "function": {"name": "g", "arguments": ""}});
        let messages = json!([{"role": "user", "content": "a"},
            {"role": "user", "content": [{"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "tool_calls": [call, other]},
            {"role": "tool", "tool_call_id": "2", "content": "[1]"},
            {"role": "tool", "tool_call_id": "1", "content": "x"}, {"role": "user", "content": "c"}]);
        let calls = json!({"role": "model", "parts": [{"functionCall": {"name": "f", "args": {"a": 1}}},
            {"functionCall": {"name": "g", "args": {}}}]});
        let results = json!({"role": "user", "parts": [{"functionResponse": {"name": "g", "response": {"output": [1]}}},
            {"functionResponse": {"name": "f", "response": {"output": "x"}}}]});
        let both = json!({"role": "user", "parts": [{"text": "a"}, {"text": "b"}]});
        assert_eq!(written("gemini-2.5-flash", &messages).unwrap().turns, [both, calls, results, user("c")]);
    }

    #[test]
    fn gemini_3_gets_ids_and_a_signature_on_the_first_call() {
        let call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
        let messages = json!([{"role": "user", "content": "a"},
            {"role": "assistant", "content": null, "tool_calls": [call("1"), call("2")]},
            {"role": "tool", "tool_call_id": "1", "content": "{\"ok\":true}"},
            {"role": "tool", "tool_call_id": "2", "content": ""},
            {"role": "assistant", "content": null, "tool_calls": [call("3__thought__Sig=")]},
            {"role": "tool", "tool_call_id": "3__thought__Sig=", "content": "z"}]);
        let contents = written("gemini-3-pro-preview", &messages).unwrap().turns;
        let first =
            json!({"functionCall": {"name": "f", "args": {}, "id": "1"}, "thoughtSignature": signature::FOREIGN});
        assert_eq!(contents[1]["parts"][0], first);
        assert_eq!(contents[1]["parts"][1], json!({"functionCall": {"name": "f", "args": {}, "id": "2"}}));
        assert_eq!(contents[2]["parts"][0]["functionResponse"]["response"], json!({"ok": true}));
        let signed = json!({"functionCall": {"name": "f", "args": {}, "id": "3"}, "thoughtSignature": "Sig="});
        assert_eq!(contents[3]["parts"][0], signed);
        assert_eq!(contents[4]["parts"][0]["functionResponse"]["id"], "3");
    }

    #[test]
    fn instructions_go_where_the_model_takes_them() {
        let messages = json!([{"role": "system", "content": "s"}, {"role": "user", "content": "u"},
            {"role": "developer", "content": [{"type": "text", "text": "d"}]}]);
        let contents = written("gemini-2.5-flash", &messages).unwrap();
        assert_eq!(contents.system, Some(json!({"parts": [{"text": "s"}, {"text": "d"}]})));
        assert_eq!(contents.turns, [user("u")]);
        let contents = written("gemma-3-27b-it", &messages).unwrap();
        assert_eq!(contents.system, None);
        let parts = json!([{"text": "s"}, {"text": "d"}, {"text": "u"}]);
        assert_eq!(contents.turns, [json!({"role": "user", "parts": parts})]);
        let image =
            json!([{"role": "system", "content": [{"type": "image_url", "image_url": "data:image/png;base64,QQ=="}]}]);
        assert_eq!(written("gemini-3-pro", &image).unwrap_err().param(), Some("messages[0].content[0]"));
    }

    #[test]
    fn a_result_without_its_call_is_refused_unless_it_is_named() {
        let result = |rest: Value| {
            let mut message = json!({"role": "tool", "tool_call_id": "9", "content": "x"});
            message.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
            written("gemini-2.5-flash", &json!([{"role": "user", "content": "a"}, message]))
        };
        assert_eq!(result(json!({})).unwrap_err().param(), Some("messages[1].tool_call_id"));
        let contents = result(json!({"name": "f"})).unwrap().turns;
        assert_eq!(contents[1]["parts"][0]["functionResponse"]["name"], "f");
    }

    #[test]
    fn only_geminis_own_thoughts_are_replayed_and_no_signature_twice() {
        let assistant = json!({"role": "assistant", "content": "words", "reasoning_content": "hm",
            "thinking_blocks": [{"type": "thinking", "thinking": "hm", "signature": "A"},
                {"type": "thinking", "thinking": "other", "signature": "anthropic"}],
            "provider_specific_fields": {"thought_signatures": ["A", "B", "C"]},
            "tool_calls": [{"id": "1__thought__C", "type": "function", "function": {"name": "f", "arguments": "{}"}}]});
        let contents = written("gemini-3-pro", &json!([{"role": "user", "content": "a"}, assistant])).unwrap().turns;
        assert_eq!(
            contents[1]["parts"],
            json!([{"text": "hm", "thought": true, "thoughtSignature": "A"}, {"text": "words", "thoughtSignature": "B"},
                {"functionCall": {"name": "f", "args": {}, "id": "1"}, "thoughtSignature": "C"}])
        );
    }

    #[test]
    fn the_highest_detail_counts_where_parts_have_none() {
        let url = "data:image/png;base64,QQ==";
        let image = |detail: &str| json!({"type": "image_url", "image_url": {"url": url, "detail": detail}});
        let messages = json!([{"role": "user", "content": [image("high"), image("low"), image("auto")]}]);
        assert_eq!(written("gemini-2.5-pro", &messages).unwrap().resolution, Some("MEDIA_RESOLUTION_HIGH"));
        let contents = written("gemini-3-pro", &messages).unwrap();
        assert_eq!(contents.resolution, None);
        assert_eq!(contents.turns[0]["parts"][1]["mediaResolution"]["level"], "MEDIA_RESOLUTION_LOW");
    }
}
