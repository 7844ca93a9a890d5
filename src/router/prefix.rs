//! The part of a prompt that a provider may have cached: all of it up to the last `cache_control` mark, as digests.

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use crate::openai::{ChatRequest, Fields};

/// How many blocks providers look back from a mark for a prefix that is cached: Anthropic's number, and LiteLLM's.
const LOOK_BACK: usize = 20;

/// The digest of tools and messages up to some block.
#[derive(Clone, Copy)]
struct Place {
    digest: [u8; 32],
    /// Its number; a run of tool calls, or of their results, is one.
    number: usize,
}

/// Digests of the prefix of `request`: of all of it up to the last mark, then of what ends up to 20 blocks before. None where
/// no message has a mark of the type `ephemeral`, or what messages are cannot be read.
///
/// Marks themselves do not count, and a text is one block `{"type": "text", "text": …}`: a conversation whose mark has moved on finds the
/// place where it was.
pub fn prefix(request: &ChatRequest) -> Vec<u128> {
    let Some(mut messages) = request.get::<Vec<Box<RawValue>>>("messages").ok().flatten() else { return Vec::new() };
    let last = messages.iter().rposition(|message| message.get().contains("\"cache_control\""));
    messages.truncate(last.map_or(0, |last| last + 1));
    let tools = request.raw("tools").map_or("", RawValue::get);
    let mut chain = Chain { digest: Sha256::digest(tools.as_bytes()).into(), run: "", places: Vec::new(), marked: 0 };
    if !messages.iter().all(|message| chain.take(message).is_some()) {
        return Vec::new();
    }
    chain.places.truncate(chain.marked);
    let Some(newest) = chain.places.last().map(|place| place.number) else { return Vec::new() };
    let near = chain.places.iter().rev().take_while(|place| place.number + LOOK_BACK > newest);
    near.map(|place| key(&place.digest)).collect()
}

/// A digest of parts, none of which can be taken for another.
pub fn digest(parts: &[&str]) -> u128 {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    key(&hash.finalize().into())
}

fn key(digest: &[u8; 32]) -> u128 {
    let (half, _) = digest.split_at(16);
    half.iter().fold(0, |key, byte| (key << 8) | u128::from(*byte))
}

struct Chain {
    digest: [u8; 32],
    /// What the last block was of: tool calls, their results, or nothing of the kind.
    run: &'static str,
    places: Vec<Place>,
    /// How many places there are up to the last mark.
    marked: usize,
}

impl Chain {
    /// Takes a message; `None` for what is none.
    fn take(&mut self, message: &RawValue) -> Option<()> {
        let fields: Fields = serde_json::from_str(message.get()).ok()?;
        let is_result = fields.raw("role").is_some_and(|role| role.get() == "\"tool\"");
        let around = pairs(&fields, &["cache_control", "content"]);
        let mut marked = None;
        let content = fields.raw("content").map_or("null", RawValue::get);
        if content.starts_with('[') {
            for block in serde_json::from_str::<Vec<Box<RawValue>>>(content).ok()? {
                let Ok(block) = serde_json::from_str::<Fields>(block.get()) else {
                    self.add(&around, block.get(), is_result, "");
                    continue;
                };
                let kind = block.raw("type").map_or("", RawValue::get);
                self.add(&around, &pairs(&block, &["cache_control"]), is_result, kind);
                if is_ephemeral(&block) {
                    marked = Some(self.places.len());
                }
            }
        } else {
            let text = ["type:\"text\",text:", content, ","].concat();
            self.add(&around, &text, is_result, "");
        }
        let marked = marked.or_else(|| is_ephemeral(&fields).then_some(self.places.len()));
        self.marked = marked.unwrap_or(self.marked);
        Some(())
    }

    fn add(&mut self, around: &str, block: &str, is_result: bool, kind: &str) {
        let run = match kind {
            _ if is_result => "tool_result",
            "\"tool_use\"" => "tool_use",
            "\"tool_result\"" => "tool_result",
            _ => "",
        };
        let number = self.places.last().map_or(0, |place| place.number);
        let number = if run.is_empty() || run != self.run { number + 1 } else { number };
        let mut hash = Sha256::new();
        hash.update(self.digest);
        hash.update((around.len() as u64).to_le_bytes());
        hash.update(around.as_bytes());
        hash.update(block.as_bytes());
        (self.digest, self.run) = (hash.finalize().into(), run);
        self.places.push(Place { digest: self.digest, number });
    }
}

/// The fields but for some, in the order that their client writes them in.
fn pairs(fields: &Fields, but: &[&str]) -> String {
    let mut out = String::new();
    for (name, value) in fields.iter().filter(|(name, _)| !but.contains(name)) {
        for part in [name, ":", value.get(), ","] {
            out.push_str(part);
        }
    }
    out
}

fn is_ephemeral(fields: &Fields) -> bool {
    let mark = fields.raw("cache_control").and_then(|mark| serde_json::from_str::<Value>(mark.get()).ok());
    mark.is_some_and(|mark| mark.get("type").and_then(Value::as_str) == Some("ephemeral"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(body: &Value) -> Vec<u128> {
        let mut body = body.clone();
        body["model"] = json!("m");
        prefix(&ChatRequest::parse(body.to_string().as_bytes()).unwrap())
    }

    fn text(text: &str) -> Value {
        json!({"type": "text", "text": text})
    }

    fn marked(words: &str) -> Value {
        let mut block = text(words);
        block["cache_control"] = json!({"type": "ephemeral"});
        block
    }

    fn user(content: &Value) -> Value {
        json!({"role": "user", "content": content})
    }

    #[test]
    fn the_last_mark_ends_the_prefix() {
        let whole = of(&json!({"messages": [user(&json!([text("a"), marked("b")]))]}));
        assert_eq!(whole.len(), 2);
        let longer = [user(&json!([text("a"), marked("b"), text("c")])), user(&json!("d"))];
        assert_eq!(of(&json!({"messages": longer})), whole, "what comes after it does not count");
        assert_ne!(of(&json!({"messages": [user(&json!([text("x"), marked("b")]))]}))[0], whole[0]);
        let mut assistant = user(&json!([text("a"), marked("b")]));
        assistant["role"] = json!("assistant");
        assert_ne!(of(&json!({"messages": [assistant]}))[0], whole[0]);
        for none in [json!([user(&json!("a"))]), json!([user(&json!("\"cache_control\""))])] {
            assert!(of(&json!({"messages": none})).is_empty(), "{none}");
        }
        let mut other = text("b");
        other["cache_control"] = json!({"type": "persistent"});
        assert!(of(&json!({"messages": [user(&json!([other]))]})).is_empty());
    }

    #[test]
    fn a_mark_that_moves_on_finds_where_it_was() {
        let first = of(&json!({"messages": [user(&json!([marked("a")]))]}));
        let second = of(&json!({"messages": [user(&json!("a")), user(&json!([marked("b")]))]}));
        assert_eq!(second[1..], first[..]);
        let sibling = json!({"role": "user", "content": "a", "cache_control": {"type": "ephemeral"}});
        assert_eq!(of(&json!({"messages": [sibling]})), first, "a mark beside a text marks the whole message");
    }

    #[test]
    fn tools_are_the_start_of_the_prefix() {
        let messages = [user(&json!([marked("a")]))];
        let with = |tools: Value| of(&json!({"messages": messages, "tools": tools}));
        let tool = |name: &str| json!([{"type": "function", "function": {"name": name}}]);
        assert_ne!(with(tool("f")), with(tool("g")));
        assert_eq!(with(tool("f")), with(tool("f")));
    }

    #[test]
    fn it_is_looked_back_for_twenty_blocks_and_a_run_of_tools_is_one() {
        let many: Vec<Value> =
            (0..30).map(|n| user(&json!(n.to_string()))).chain([user(&json!([marked("z")]))]).collect();
        assert_eq!(of(&json!({"messages": many})).len(), LOOK_BACK);
        let results = (0..30).map(|n| json!({"role": "tool", "tool_call_id": n.to_string(), "content": "r"}));
        let many: Vec<Value> =
            [user(&json!("a"))].into_iter().chain(results).chain([user(&json!([marked("z")]))]).collect();
        assert_eq!(of(&json!({"messages": many})).len(), 32);
    }

    #[test]
    fn digests_keep_parts_apart() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_eq!(digest(&["ab", "c"]), digest(&["ab", "c"]));
    }
}
