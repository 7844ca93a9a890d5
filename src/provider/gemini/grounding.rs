//! Grounding: where an answer comes from, as citations in OpenAI's shape.
//!
//! <https://ai.google.dev/api/generate-content#GroundingMetadata>

use serde_json::{Value, json};

use super::usage::Grounding;
use crate::sorted::SortedSet;

/// Citations of `text`: which of its words come from which source.
pub(super) fn annotations(metadata: &Value, text: &str) -> Vec<Value> {
    let list = |names: [&str; 2]| names.iter().find_map(|name| metadata.get(name)?.as_array()).into_iter().flatten();
    let sources: Vec<&Value> = list(["groundingChunks", "grounding_chunks"]).collect();
    let mut out = Vec::new();
    for support in list(["groundingSupports", "grounding_supports"]) {
        let segment = |names: [&str; 2]| {
            let segment = support.get("segment")?;
            names.iter().find_map(|name| segment.get(name)?.as_u64())
        };
        let Some(end) = segment(["endIndex", "end_index"]) else { continue };
        // A zero is left out.
        let start = segment(["startIndex", "start_index"]).unwrap_or(0);
        let indices = support.get("groundingChunkIndices").or_else(|| support.get("grounding_chunk_indices"));
        for index in indices.and_then(Value::as_array).into_iter().flatten() {
            let source = index.as_u64().and_then(|index| sources.get(usize::try_from(index).ok()?));
            let source =
                source.and_then(|source| source.as_object()?.values().find(|value| value.get("uri").is_some()));
            if let Some(source) = source {
                let title = source.get("title").cloned().unwrap_or_else(|| "".into());
                out.push(json!({"type": "url_citation", "url_citation": {
                    "start_index": characters(text, start), "end_index": characters(text, end),
                    "url": source.get("uri"), "title": title}}));
            }
        }
    }
    out
}

/// Google counts bytes, OpenAI characters. An index outside of the text stays as it is.
fn characters(text: &str, bytes: u64) -> u64 {
    let cut = usize::try_from(bytes).ok().and_then(|at| text.get(..at));
    cut.map_or(bytes, |text| text.chars().count() as u64)
}

/// What Google charges of the grounding of all candidates.
#[derive(Debug, Default)]
pub(super) struct Charges {
    queries: SortedSet<String>,
    maps: bool,
}

impl Charges {
    /// Takes what a candidate, or a chunk of one, tells: each query counts once.
    pub(super) fn add(&mut self, metadata: &Value) {
        let list =
            |names: [&str; 2]| names.iter().find_map(|name| metadata.get(name)?.as_array()).into_iter().flatten();
        let queries = list(["webSearchQueries", "web_search_queries"]).filter_map(Value::as_str);
        self.queries.extend(queries.filter(|query| !query.is_empty()).map(str::to_owned));
        self.maps |= list(["groundingChunks", "grounding_chunks"]).any(|chunk| chunk.get("maps").is_some());
    }

    /// What all that was taken comes to.
    pub(super) fn total(&self) -> Grounding {
        let searches = self.queries.len() as u64;
        Grounding { searches, is_charged: searches > 0 || self.maps }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn citations_count_characters_and_name_every_source() {
        let metadata = json!({
            "groundingChunks": [{"web": {"uri": "https://a", "title": "A"}}, {"maps": {"uri": "https://b"}}],
            "groundingSupports": [{"segment": {"endIndex": 6}, "groundingChunkIndices": [0, 1, 9]},
                {"segment": {"startIndex": 7, "endIndex": 999}, "groundingChunkIndices": [0]}, {"segment": {}}]});
        let citations = annotations(&metadata, "größ is big");
        let citation = |start: u64, end: u64, url: &str, title: &str| {
            json!({"type": "url_citation", "url_citation":
                {"start_index": start, "end_index": end, "url": url, "title": title}})
        };
        assert_eq!(
            citations,
            [citation(0, 4, "https://a", "A"), citation(0, 4, "https://b", ""), citation(5, 999, "https://a", "A")]
        );
    }

    fn charged(metadata: &[Value]) -> Grounding {
        let mut charges = Charges::default();
        for metadata in metadata {
            charges.add(metadata);
        }
        charges.total()
    }

    #[test]
    fn each_query_is_charged_once() {
        let first = json!({"webSearchQueries": ["a", "b", "a", ""]});
        let second = json!({"web_search_queries": ["b"]});
        assert_eq!(charged(&[first, second]), Grounding { searches: 2, is_charged: true });
        assert_eq!(charged(&[json!({"groundingChunks": [{"web": {}}]})]), Grounding::default());
        let maps = json!({"groundingChunks": [{"maps": {}}]});
        assert_eq!(charged(&[maps]), Grounding { searches: 0, is_charged: true });
    }
}
