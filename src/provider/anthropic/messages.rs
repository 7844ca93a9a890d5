//! The conversation: system text hoisted, roles that alternate, calls and their results, thinking replayed.

use serde_json::{Map, Value, json};

use super::betas::Betas;
use super::names::{CallIds, Names};
use super::{calls, content};
use crate::error::{Error, Result};
use crate::openai::{Content, Message, Role};
use crate::provider::Target;
use crate::sorted::SortedSet;

/// What stands where the API wants words and the client has none.
const PLACEHOLDER: &str = ".";

/// A conversation in Anthropic's form.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Conversation {
    /// Blocks of `system`.
    pub(in crate::provider) system: Vec<Value>,
    turns: Vec<Turn>,
}

#[derive(Clone, Debug)]
struct Turn {
    role: &'static str,
    blocks: Vec<Value>,
}

/// Writes the messages of a request.
///
/// # Errors
///
/// A part that the API does not take; a tool's message without the call that it answers; nothing but system messages.
pub(super) fn write(
    target: &Target<'_>,
    messages: Vec<Message>,
    names: &Names,
    betas: &mut Betas,
) -> Result<Conversation> {
    let mut out = Conversation::default();
    let mut ids = CallIds::default();
    let mut leading = true;
    for (index, message) in messages.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        let is_system = matches!(message.role, Role::System | Role::Developer);
        leading &= is_system;
        match message.role {
            // Only the leading run: to hoist a later one would change the prefix that the prompt cache knows.
            Role::System | Role::Developer if leading => out.system.extend(plain(message, &at, betas)?),
            Role::System | Role::Developer if target.facts.mid_conversation_system == Some(true) => {
                let blocks = plain(message, &at, betas)?;
                out.add("system", blocks);
            }
            Role::System | Role::Developer | Role::User => {
                let blocks = plain(message, &at, betas)?;
                out.add_user(blocks);
            }
            Role::Assistant => {
                let blocks = calls::assistant(message, &at, names, &mut ids, betas)?;
                out.add("assistant", blocks);
            }
            Role::Tool | Role::Function => {
                let result = calls::tool_result(message, &at, &ids, betas)?;
                out.add("user", vec![result]);
            }
        }
    }
    out.finish(target)?;
    Ok(out)
}

impl Conversation {
    /// Adds blocks to the last turn, or begins one: roles alternate.
    fn add(&mut self, role: &'static str, blocks: Vec<Value>) {
        if blocks.is_empty() {
            return;
        }
        match self.turns.last_mut() {
            Some(turn) if turn.role == role => turn.blocks.extend(blocks),
            _ => self.turns.push(Turn { role, blocks }),
        }
    }

    /// A user's turn counts even where it is empty: its place between two of the assistant's must not be lost.
    fn add_user(&mut self, blocks: Vec<Value>) {
        let in_turn = self.turns.last().is_some_and(|turn| turn.role == "user");
        let blocks = if blocks.is_empty() && !in_turn { vec![text(PLACEHOLDER)] } else { blocks };
        self.add("user", blocks);
    }

    fn finish(&mut self, target: &Target<'_>) -> Result<()> {
        self.place_system();
        self.trim_prefill();
        for turn in self.turns.iter_mut().filter(|turn| turn.role == "user") {
            order_results(&mut turn.blocks);
        }
        let starts_with_user = self.turns.first().is_some_and(|turn| turn.role == "user");
        if !starts_with_user && target.settings.modify_params {
            self.turns.insert(0, Turn { role: "user", blocks: vec![text(PLACEHOLDER)] });
        }
        if self.turns.is_empty() {
            let message = "`messages` has only system messages: add one of the user, or set `modify_params: true`";
            return Err(Error::bad_request("messages", message));
        }
        Ok(())
    }

    /// Keeps a system turn where the API takes one, after the user's and before the assistant's or the end, and makes
    /// it the user's anywhere else
    /// (<https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages#limitations>).
    fn place_system(&mut self) {
        let mut turns = std::mem::take(&mut self.turns).into_iter().peekable();
        while let Some(turn) = turns.next() {
            let after_user = self.turns.last().is_some_and(|last| last.role == "user");
            let before_assistant = turns.peek().is_none_or(|next| next.role == "assistant");
            let is_misplaced = turn.role == "system" && !(after_user && before_assistant);
            self.add(if is_misplaced { "user" } else { turn.role }, turn.blocks);
        }
    }

    /// The API refuses a last turn of the assistant that ends in white space.
    fn trim_prefill(&mut self) {
        let Some(turn) = self.turns.last_mut().filter(|turn| turn.role == "assistant") else { return };
        let Some(last) = turn.blocks.last_mut() else { return };
        if kind(last) != Some("text") {
            return;
        }
        if let Some(Value::String(text)) = last.get_mut("text") {
            text.truncate(text.trim_end().len());
        }
    }

    /// Whether a call of a tool, or its result, is in the conversation.
    pub(in crate::provider) fn has_calls(&self) -> bool {
        self.blocks().any(|block| matches!(kind(block), Some("tool_use" | "tool_result")))
    }

    /// Whether a file is put into the container of the tool that runs code.
    pub(super) fn has_upload(&self) -> bool {
        self.blocks().any(|block| kind(block) == Some("container_upload"))
    }

    /// Whether the last call of a tool came without the thinking before it, which the API wants back.
    pub(super) fn lacks_thinking(&self) -> bool {
        let calls = |turn: &&Turn| turn.blocks.iter().any(|block| kind(block) == Some("tool_use"));
        let last = self.turns.iter().rev().find(|turn| turn.role == "assistant").filter(calls);
        last.is_some_and(|turn| !matches!(turn.blocks.first().and_then(kind), Some("thinking" | "redacted_thinking")))
    }

    fn blocks(&self) -> impl Iterator<Item = &Value> {
        self.turns.iter().flat_map(|turn| &turn.blocks)
    }

    /// The turns as `messages`.
    pub(in crate::provider) fn into_messages(self) -> Vec<Value> {
        let message = |turn: Turn| {
            // By hand, for `json!` would copy every image.
            let mut message = Map::new();
            message.insert("role".to_owned(), turn.role.into());
            message.insert("content".to_owned(), Value::Array(turn.blocks));
            Value::Object(message)
        };
        self.turns.into_iter().map(message).collect()
    }
}

/// Results of tools stand before everything else of a turn, each once: the first one counts.
fn order_results(blocks: &mut Vec<Value>) {
    let mut seen = SortedSet::new();
    blocks.retain(|block| {
        let id = (kind(block) == Some("tool_result")).then(|| block.get("tool_use_id").and_then(Value::as_str));
        id.flatten().is_none_or(|id| seen.insert(id.to_owned()))
    });
    let (mut results, others): (Vec<Value>, Vec<Value>) =
        blocks.drain(..).partition(|block| kind(block) == Some("tool_result"));
    results.extend(others);
    *blocks = results;
}

/// The `type` of a block.
pub(in crate::provider) fn kind(block: &Value) -> Option<&str> {
    block.get("type").and_then(Value::as_str)
}

fn text(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// The blocks of a message that has nothing but content.
fn plain(message: Message, at: &str, betas: &mut Betas) -> Result<Vec<Value>> {
    let mut blocks = parts(message.content, at, betas)?;
    mark_last(&mut blocks, message.cache_control);
    Ok(blocks)
}

/// The blocks of a message's content; `at` names the message.
pub(super) fn parts(content: Option<Content>, at: &str, betas: &mut Betas) -> Result<Vec<Value>> {
    let parts = content.map(Content::into_parts).unwrap_or_default().into_iter().enumerate();
    let blocks = parts.map(|(index, part)| content::block(part, &format!("{at}.content[{index}]"), betas));
    blocks.filter_map(Result::transpose).collect()
}

/// Puts a message's cache mark on its last block that can bear one.
pub(super) fn mark_last(blocks: &mut [Value], mark: Option<Value>) {
    let can_bear = |block: &&mut Value| !matches!(kind(block), Some("thinking" | "redacted_thinking"));
    if let (Some(mark), Some(Value::Object(block))) = (mark, blocks.iter_mut().rev().find(can_bear)) {
        block.entry("cache_control").or_insert(mark);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::ChatRequest;
    use crate::provider::{Facts, Settings};

    fn conversation(messages: &Value, facts: Facts, modify_params: bool) -> Result<Conversation> {
        let body = json!({"model": "m", "messages": messages});
        let messages = ChatRequest::parse(body.to_string().as_bytes()).unwrap().messages().unwrap();
        let settings = Settings { modify_params, ..Settings::default() };
        let target = Target { facts, ..Target::of_test("anthropic", &settings) };
        write(&target, messages, &Names::default(), &mut Betas::default())
    }

    /// Each turn as its role and the types of its blocks, texts as themselves.
    fn outline(messages: &Value) -> Vec<String> {
        let conversation = conversation(messages, Facts::default(), false).unwrap();
        let word = |block: &Value| match kind(block) {
            Some("text") => block["text"].as_str().unwrap().to_owned(),
            other => other.unwrap().to_owned(),
        };
        let words = |turn: &Turn| turn.blocks.iter().map(word).collect::<Vec<_>>().join(" ");
        conversation.turns.iter().map(|turn| format!("{}: {}", turn.role, words(turn))).collect()
    }

    #[test]
    fn roles_alternate_and_only_the_leading_system_messages_are_hoisted() {
        let messages = json!([
            {"role": "system", "content": "s1"}, {"role": "developer", "content": "s2"},
            {"role": "user", "content": "a"}, {"role": "user", "content": "b"}, {"role": "system", "content": "s3"},
            {"role": "assistant", "content": "c"}, {"role": "assistant", "content": ""},
            {"role": "assistant", "content": "d  "},
        ]);
        assert_eq!(outline(&messages), ["user: a b s3", "assistant: c d"]);
        let facts = Facts { mid_conversation_system: Some(true), ..Facts::default() };
        let conversation = conversation(&messages, facts, false).unwrap();
        assert_eq!(conversation.system.len(), 2);
        let roles: Vec<&str> = conversation.turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, ["user", "system", "assistant"]);
    }

    #[test]
    fn a_system_message_that_the_api_would_refuse_is_the_users() {
        let facts = Facts { mid_conversation_system: Some(true), ..Facts::default() };
        let messages = json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null,
             "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": ""}}]},
            {"role": "system", "content": "between a call and its result"},
            {"role": "tool", "tool_call_id": "c1", "content": "done"},
            {"role": "system", "content": "at its place"},
            {"role": "assistant", "content": "a"},
            {"role": "system", "content": "after the assistant"},
        ]);
        let turns = conversation(&messages, facts, false).unwrap().turns;
        let roles: Vec<&str> = turns.iter().map(|turn| turn.role).collect();
        assert_eq!(roles, ["user", "assistant", "user", "system", "assistant", "user"]);
        assert_eq!(kind(&turns[2].blocks[0]), Some("tool_result"));
    }

    #[test]
    fn empty_text_never_reaches_the_api_and_no_turn_is_lost() {
        let messages = json!([
            {"role": "user", "content": ""}, {"role": "assistant", "content": "a"}, {"role": "user", "content": [
                {"type": "text", "text": " "}, {"type": "image_url", "image_url": {"url": "https://x/y"}}]},
        ]);
        assert_eq!(outline(&messages), ["user: .", "assistant: a", "user: image"]);
    }

    #[test]
    fn results_stand_first_in_their_turn_and_once() {
        let messages = json!([
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": null,
             "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": "not json"}}]},
            {"role": "user", "content": "while it runs"},
            {"role": "tool", "tool_call_id": "c1", "content": "first"},
            {"role": "tool", "tool_call_id": "c1", "content": "second"},
        ]);
        assert_eq!(outline(&messages), ["user: go", "assistant: tool_use", "user: tool_result while it runs"]);
        let turns = conversation(&messages, Facts::default(), false).unwrap().into_messages();
        assert_eq!(turns[1]["content"][0]["input"], json!({}));
        assert_eq!(turns[2]["content"][0]["content"], "first");
    }

    #[test]
    fn a_conversation_that_lacks_its_user_is_mended_only_when_that_is_allowed() {
        let only_system = json!([{"role": "system", "content": "s"}]);
        let error = conversation(&only_system, Facts::default(), false).unwrap_err();
        assert_eq!(error.param(), Some("messages"));
        let mended = conversation(&only_system, Facts::default(), true).unwrap().into_messages();
        assert_eq!(mended, [json!({"role": "user", "content": [{"type": "text", "text": "."}]})]);
        let assistant_first = json!([{"role": "assistant", "content": "a"}, {"role": "user", "content": "b"}]);
        assert_eq!(conversation(&assistant_first, Facts::default(), true).unwrap().turns.len(), 3);
        assert_eq!(outline(&assistant_first), ["assistant: a", "user: b"]);
    }
}
