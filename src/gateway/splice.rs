//! Makes one stream of two: remembers what a client has read of the first, and gives the second the first one's look.

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::frame::Sse;
use crate::openai::Fields;

/// The longest text, in bytes, of a broken answer that is gone on with.
const LONGEST_TEXT: usize = 1 << 20;

/// Fields of a delta that say nothing which another model would have to know of.
const SILENT: &[&str] = &["role", "reasoning_content", "reasoning", "thinking_blocks", "provider_specific_fields"];

/// A client's stream, as far as it was written.
#[derive(Debug, Default)]
pub(super) struct Splice {
    decoder: Sse,
    /// The text so far.
    text: String,
    /// `id` and `created` of the first chunk, as they were written.
    head: Vec<(&'static str, Box<RawValue>)>,
    /// Something came that is more than text, or the answer's end: another model cannot go on with it.
    closed: bool,
    /// What is written now is a second stream's.
    second: bool,
}

impl Splice {
    /// Takes whole events on their way to the client, and answers what it gets of them.
    pub(super) fn pass(&mut self, bytes: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        self.decoder.push(&bytes);
        // What a dialect writes is always UTF-8, and bounded as its upstream's events are.
        while let Ok(Some(event)) = self.decoder.event() {
            let data = event.data.to_owned();
            match Fields::parse(data.as_bytes()) {
                Ok(mut chunk) if chunk.contains("choices") => {
                    let says = self.note(&mut chunk);
                    if self.second && says {
                        write(&mut out, &chunk);
                    }
                }
                _ if self.second && !data.is_empty() => {
                    out.extend_from_slice(format!("data: {data}\n\n").as_bytes());
                }
                _ => {}
            }
        }
        if self.second { out } else { bytes }
    }

    /// The text so far, where another model can go on with it.
    pub(super) fn open(&self) -> Option<&str> {
        (!self.closed && !self.head.is_empty()).then_some(self.text.as_str())
    }

    /// Says that what follows is a second stream's, and answers the chunk that tells the client so.
    pub(super) fn go_on(&mut self, model: &str, note: &Value) -> Vec<u8> {
        self.second = true;
        let mut mark = Fields::default();
        mark.set("object", "chat.completion.chunk");
        self.dress(&mut mark);
        mark.set("model", model);
        mark.set("choices", &json!([{"index": 0, "delta": {}, "finish_reason": null}]));
        mark.set("provider_specific_fields", &json!({"mid_stream_fallback": note}));
        let mut out = Vec::new();
        write(&mut out, &mark);
        out
    }

    /// Gives a chunk the first stream's head.
    fn dress(&self, chunk: &mut Fields) {
        for (name, value) in &self.head {
            chunk.set_raw(name, value.clone());
        }
    }

    /// Learns from a chunk; one of the second stream becomes one of the first. Answers whether it says anything.
    fn note(&mut self, chunk: &mut Fields) -> bool {
        if self.second {
            self.dress(chunk);
        } else if self.head.is_empty() {
            let field = |name: &'static str| Some((name, chunk.raw(name)?.to_owned()));
            self.head = ["id", "created"].into_iter().filter_map(field).collect();
        }
        let Ok(Some(mut choices)) = chunk.get::<Vec<Fields>>("choices") else { return true };
        let mut says = choices.is_empty();
        for choice in &mut choices {
            let is = |name: &str, wanted: &[&str]| choice.raw(name).is_none_or(|raw| wanted.contains(&raw.get()));
            let ends = !is("finish_reason", &["null"]);
            self.closed |= ends || !is("index", &["0"]);
            says |= ends;
            let Ok(Some(mut delta)) = choice.get::<Fields>("delta") else { continue };
            if let Ok(Some(text)) = delta.get::<String>("content") {
                self.text.push_str(&text);
                self.closed |= self.text.len() > LONGEST_TEXT;
            }
            let told = |raw: &RawValue| !["null", "[]", "{}", "\"\""].contains(&raw.get());
            for (name, _) in delta.iter().filter(|(name, raw)| told(raw) && *name != "role") {
                says = true;
                self.closed |= name != "content" && !SILENT.contains(&name);
            }
            if self.second {
                // The client has read it once.
                delta.remove("role");
                choice.set("delta", &delta);
            }
        }
        if self.second {
            chunk.set("choices", &choices);
        }
        says
    }
}

fn write(out: &mut Vec<u8>, chunk: &Fields) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(&chunk.to_bytes());
    out.extend_from_slice(b"\n\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(id: &str, delta: &Value, finish: &Value) -> Vec<u8> {
        let choices = json!([{"index": 0, "delta": delta, "finish_reason": finish}]);
        format!("data: {}\n\n", json!({"id": id, "created": 7, "choices": choices})).into_bytes()
    }

    #[test]
    fn text_and_reasoning_can_be_gone_on_with_and_nothing_else() {
        let mut splice = Splice::default();
        assert_eq!(splice.open(), None, "nothing came yet");
        for (delta, text) in [
            (json!({"role": "assistant", "content": ""}), Some("")),
            (json!({"reasoning_content": "hm", "tool_calls": []}), Some("")),
            (json!({"content": "one", "refusal": null}), Some("one")),
            (json!({"content": " two"}), Some("one two")),
            (json!({"tool_calls": [{"index": 0}]}), None),
            (json!({"content": " three"}), None),
        ] {
            let bytes = chunk("a", &delta, &Value::Null);
            assert_eq!(splice.pass(bytes.clone()), bytes, "the first stream passes as it is");
            assert_eq!(splice.open(), text, "{delta}");
        }
        for (index, finish) in [(0, json!("stop")), (1, Value::Null)] {
            let mut splice = Splice::default();
            let choices = json!([{"index": index, "delta": {"content": "x"}, "finish_reason": finish}]);
            splice.pass(format!("data: {}\n\n", json!({"id": "a", "choices": choices})).into_bytes());
            assert_eq!(splice.open(), None);
        }
        let mut splice = Splice::default();
        splice.pass(chunk("a", &json!({"content": "x".repeat(LONGEST_TEXT + 1)}), &Value::Null));
        assert_eq!(splice.open(), None, "too long");
    }

    #[test]
    fn the_second_stream_gets_the_first_ones_head_and_no_second_role() {
        let mut splice = Splice::default();
        splice.pass(chunk("a", &json!({"role": "assistant", "content": "one"}), &Value::Null));
        let mark = String::from_utf8(splice.go_on("m2", &json!({"model_id": "d"}))).unwrap();
        let mark: Value = serde_json::from_str(mark.strip_prefix("data: ").unwrap()).unwrap();
        assert_eq!((&mark["id"], &mark["model"]), (&json!("a"), &json!("m2")));
        assert_eq!(mark["provider_specific_fields"]["mid_stream_fallback"]["model_id"], "d");
        let mut bytes = chunk("b", &json!({"role": "assistant", "content": ""}), &Value::Null);
        bytes.extend(chunk("b", &json!({"role": "assistant", "content": " two"}), &Value::Null));
        bytes.extend(chunk("b", &json!({}), &json!("stop")));
        bytes.extend(b"data: {\"id\":\"b\",\"choices\":[],\"usage\":{\"a\":1}}\n\ndata: [DONE]\n\n");
        let out = String::from_utf8(splice.pass(bytes)).unwrap();
        let data: Vec<&str> = out.split_terminator("\n\n").map(|event| event.strip_prefix("data: ").unwrap()).collect();
        let [chunks @ .., "[DONE]"] = data.as_slice() else { panic!("no end: {out}") };
        let chunks: Vec<Value> = chunks.iter().map(|data| serde_json::from_str(data).unwrap()).collect();
        let of = |delta: Value, finish: Value| json!({"id": "a", "created": 7, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]});
        let usage = json!({"id": "a", "created": 7, "choices": [], "usage": {"a": 1}});
        assert_eq!(chunks, [of(json!({"content": " two"}), Value::Null), of(json!({}), json!("stop")), usage]);
    }
}
