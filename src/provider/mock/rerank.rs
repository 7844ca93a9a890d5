//! Reranking without an upstream: a document's score is the share of the query's words that it has.

use serde_json::{Value, json};

use super::super::Notes;
use super::{head, tokens};
use crate::http::HttpHead;
use crate::openai::RerankRequest;
use crate::sorted;

/// Answers a rerank request.
pub fn rerank(notes: &Notes, request: &RerankRequest) -> (HttpHead, Vec<u8>) {
    let query = request.query().to_lowercase();
    let wanted: Vec<&str> = query.split_whitespace().collect();
    let texts = request.texts();
    let score = |text: &String| {
        let text = text.to_lowercase();
        let found = wanted.iter().filter(|word| text.split_whitespace().any(|own| own == **word)).count();
        found as f64 / wanted.len().max(1) as f64
    };
    let mut ranked: Vec<(f64, usize)> = texts.iter().map(score).zip(0..).collect();
    sorted::sort_by(&mut ranked, |(one, _), (other, _)| other.total_cmp(one));
    let most = request.top_n().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let result = |(score, index): (f64, usize)| match texts.get(index).filter(|_| request.wants_documents()) {
        Some(text) => json!({"index": index, "relevance_score": score, "document": {"text": text}}),
        None => json!({"index": index, "relevance_score": score}),
    };
    let results: Vec<Value> = ranked.into_iter().take(most).map(result).collect();
    let count: u64 = texts.iter().map(|text| tokens(text.len() + query.len())).sum();
    let body = json!({"id": notes.id, "results": results, "model": notes.model, "usage": {"total_tokens": count}});
    (head("application/json"), body.to_string().into_bytes())
}
