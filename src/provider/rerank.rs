//! Reranking: the forms that providers have for it, and one reader for all of their answers.

use serde_json::{Map, Value, json};

use super::params::unsupported;
use super::post::without_ending;
use super::{Notes, Target, errors, is_safe_segment};
use crate::error::{Error, Result};
use crate::openai::{Answer, Fields, RerankRequest, Usage};
use crate::sorted;

/// A provider's form of a rerank request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rerank {
    /// Jina's, and of those who copy it: vLLM, Infinity, Together (<https://docs.jina.ai>).
    Plain,
    /// Cohere's version 2 (<https://docs.cohere.com/reference/rerank>): texts alone, and none of them come back.
    Cohere,
    /// Voyage's: `top_k` (<https://docs.voyageai.com/reference/reranker-api>).
    Voyage,
    /// `DeepInfra`'s: scores without places (<https://docs.deepinfra.com/apis/reranker>), and a query for each document, as
    /// LiteLLM sends it.
    DeepInfra,
    /// NVIDIA's: passages (<https://docs.nvidia.com/nim/nemo-retriever/text-reranking/2.3/using-reranking.html>).
    NvidiaNim,
    /// Hugging Face's text-embeddings-inference (<https://huggingface.github.io/text-embeddings-inference>).
    Tei,
}

/// The place of NVIDIA's own reranking models.
const NVIDIA: &str = "https://ai.api.nvidia.com";

/// Fields that every form has its own way for; any other is handed on as it is.
const OWN: &[&str] = &["model", "query", "documents", "top_n", "return_documents", "rank_fields", "metadata", "user"];

impl Rerank {
    /// The body for `request`, and what its answer's reader must know.
    ///
    /// # Errors
    ///
    /// A field that this form does not have, unless the settings say to drop it.
    pub(super) fn write(self, target: &Target<'_>, request: &RerankRequest) -> Result<(Value, Notes)> {
        let mut notes = Notes::new(target);
        notes.top_n = request.top_n();
        if request.wants_documents() {
            let text = |text: String| json!({"text": text});
            notes.documents = request.texts().into_iter().map(text).collect();
        }
        let mut body = Map::new();
        let model = target.model.strip_prefix("ranking/").unwrap_or(target.model);
        if !matches!(self, Self::DeepInfra | Self::Tei) {
            body.insert("model".to_owned(), model.into());
        }
        let passages = |name: &str| -> Vec<Value> {
            request
                .texts()
                .into_iter()
                .map(|text| if name.is_empty() { text.into() } else { json!({name: text}) })
                .collect()
        };
        let (query, documents) = (request.query(), request.documents());
        let mut put = |name: &str, value: Value| body.insert(name.to_owned(), value);
        match self {
            Self::DeepInfra => {
                put("queries", vec![Value::from(query); documents.len()].into());
                put("documents", passages("").into());
            }
            Self::NvidiaNim => {
                put("query", json!({"text": query}));
                put("passages", passages("text").into());
            }
            Self::Tei => {
                put("query", query.into());
                put("texts", passages("").into());
            }
            Self::Plain | Self::Cohere | Self::Voyage => {
                put("query", query.into());
                put("documents", if self == Self::Plain { documents.into() } else { passages("").into() });
                if let Some(most) = notes.top_n {
                    put(if self == Self::Voyage { "top_k" } else { "top_n" }, most.into());
                }
            }
        }
        if self == Self::Plain {
            // Jina sends documents back unless it is told not to.
            put("return_documents", request.wants_documents().into());
            if let Some(names) = request.fields().get("rank_fields")? {
                put("rank_fields", names);
            }
        }
        notes.dropped = self.others(target, request.fields(), &mut body)?;
        Ok((body.into(), notes))
    }

    /// Puts the fields that are handed on into `body`; gives the names of those that are left out.
    fn others(self, target: &Target<'_>, fields: &Fields, body: &mut Map<String, Value>) -> Result<Vec<String>> {
        let settings = target.settings;
        let (mut dropped, mut refused) = (Vec::new(), Vec::new());
        for (name, _) in fields.iter() {
            if settings.additional_drop_params.iter().any(|listed| listed == name) {
                if !matches!(name, "model" | "query" | "documents") {
                    body.shift_remove(name);
                }
                dropped.push(name.to_owned());
                continue;
            }
            let Some(value) = fields.get::<Value>(name)?.filter(|_| !OWN.contains(&name)) else { continue };
            // Chunks were the first version's; only Cohere bounds a document.
            let is_foreign = name == "max_chunks_per_doc" || name == "max_tokens_per_doc" && self != Self::Cohere;
            if !is_foreign && !settings.refused.iter().any(|listed| listed == name) {
                body.insert(name.to_owned(), value);
            } else if settings.drop_params {
                dropped.push(name.to_owned());
            } else {
                refused.push(name.to_owned());
            }
        }
        match refused.first() {
            None => Ok(dropped),
            Some(first) => Err(unsupported(target.provider, &refused, first)),
        }
    }

    /// The address, where it is not `rerank` beside the provider's other endpoints; `None` where it is.
    ///
    /// # Errors
    ///
    /// No `api_base` where the provider has no address for reranking; a model that is no path.
    pub(super) fn url(self, target: &Target<'_>) -> Result<Option<String>> {
        let base = target.api_base.map(str::trim).filter(|base| !base.is_empty());
        Ok(Some(match self {
            Self::Plain | Self::Cohere | Self::Voyage => return Ok(None),
            Self::DeepInfra => {
                let base = without_ending(base.unwrap_or(target.default_base), &["/openai"]);
                format!("{base}/inference/{}", model_path(target.model)?)
            }
            Self::Tei => {
                // The router of Hugging Face has no rerankers: they are servers of the user's own.
                let base = base.map(|base| without_ending(base, &["/rerank", "/v1"]));
                Target { api_base: base, default_base: "", ..*target }.url("", true, "rerank")?
            }
            Self::NvidiaNim => match base {
                Some(base) if base.contains("/retrieval/") => base.to_owned(),
                Some(base) => format!("{}/v1/ranking", without_ending(base, &["/v1/ranking", "/v1"])),
                None if target.model.starts_with("ranking/") => format!("{NVIDIA}/v1/ranking"),
                None => {
                    let model = model_path(target.model)?.replace('.', "_");
                    format!("{NVIDIA}/v1/retrieval/{model}/reranking")
                }
            },
        }))
    }
}

/// A model whose name may hold slashes, as a path.
fn model_path(model: &str) -> Result<&str> {
    if model.split('/').all(is_safe_segment) {
        return Ok(model);
    }
    let message = "`model` must consist of letters, digits and - _ . : @ / for this provider";
    Err(Error::bad_request("model", message))
}

/// Reads an answer of any form, as Cohere's.
///
/// # Errors
///
/// No ranking in it, or an error.
pub(super) fn read(notes: &Notes, body: &[u8]) -> Result<Answer> {
    let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
    let list = ["results", "data", "rankings", "scores"].iter().find_map(|name| value.get(*name)?.as_array());
    let Some(list) = list.or_else(|| value.as_array()) else {
        if ["error", "detail", "message"].iter().any(|name| value.get(*name).is_some()) {
            return Err(errors::from_value(&notes.provider, 200, &value, body));
        }
        return Err(notes.not_understood(&"it has no ranking"));
    };
    let mut ranked = Vec::with_capacity(list.len());
    for (place, item) in list.iter().enumerate() {
        let found = result(notes, place, item).ok_or_else(|| notes.not_understood(&"a result has no score"))?;
        ranked.push(found);
    }
    sorted::sort_by(&mut ranked, |(one, _), (other, _)| other.total_cmp(one));
    let most = notes.top_n.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let results: Vec<Value> = ranked.into_iter().take(most).map(|(_, result)| result).collect();
    let usage = usage(&value);
    let id = ["id", "request_id"].iter().find_map(|name| value.get(*name)?.as_str()).unwrap_or(&notes.id);
    let body = json!({"id": id, "results": results, "meta": meta(&value, usage.as_ref())});
    let model = value.get("model").and_then(Value::as_str).unwrap_or(&notes.model).to_owned();
    Ok(Answer { body: body.to_string().into_bytes(), usage, model: Some(model) })
}

/// A result with its score: an object in one of the shapes, or a bare score at its document's place.
fn result(notes: &Notes, place: usize, item: &Value) -> Option<(f64, Value)> {
    let told = |names: &[&str]| names.iter().find_map(|name| item.get(*name)).filter(|value| !value.is_null());
    let score = told(&["relevance_score", "score", "logit"]).unwrap_or(item);
    let index = item.get("index").and_then(Value::as_u64).unwrap_or(place as u64);
    let own = usize::try_from(index).ok().and_then(|index| notes.documents.get(index));
    let document = told(&["document", "text"]).or(own).map(|document| match document {
        Value::String(text) => json!({"text": text}),
        other => other.clone(),
    });
    let mut out = Map::from_iter([("index".to_owned(), index.into()), ("relevance_score".to_owned(), score.clone())]);
    // Together answers an empty one where none was asked for.
    if let Some(document) = document.filter(|document| document.as_object().is_none_or(|fields| !fields.is_empty())) {
        out.insert("document".to_owned(), document);
    }
    Some((score.as_f64()?, out.into()))
}

/// What is billed: searches where the provider counts them, else tokens.
fn usage(value: &Value) -> Option<Usage> {
    let count = |at: &str| value.pointer(at).and_then(Value::as_f64).map(|count| count.max(0.0) as u64);
    let first = |places: &[&str]| places.iter().find_map(|at| count(at));
    let tokens = first(&[
        "/meta/billed_units/input_tokens",
        "/usage/total_tokens",
        "/usage/prompt_tokens",
        "/inference_status/tokens_input",
        "/input_tokens",
    ]);
    let searches = first(&["/meta/billed_units/search_units", "/usage/search_units"]);
    if tokens.is_none() && searches.is_none() {
        return None;
    }
    let mut usage = super::vectors::usage_of(tokens.unwrap_or(0));
    if let Some(searches) = searches {
        usage.extra.insert("search_units".to_owned(), searches.into());
    }
    Some(usage)
}

/// Cohere's `meta` as it came; for all others what LiteLLM makes of their usage.
fn meta(value: &Value, usage: Option<&Usage>) -> Value {
    if let Some(meta) = value.get("meta").filter(|meta| meta.is_object()) {
        return meta.clone();
    }
    let Some(usage) = usage else { return json!({}) };
    let tokens = usage.prompt_tokens;
    json!({"billed_units": {"total_tokens": tokens}, "tokens": {"input_tokens": tokens}})
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn addresses_are_each_providers_own() {
        let settings = Settings::default();
        let url = |form: Rerank, base: Option<&str>, model: &str| {
            let target = Target { api_base: base, model, ..Target::of_test("p", &settings) };
            form.url(&Target { default_base: "https://api.deepinfra.com/v1/openai", ..target })
        };
        for (form, base, model, want) in [
            (Rerank::DeepInfra, None, "Qwen/Qwen3", "https://api.deepinfra.com/v1/inference/Qwen/Qwen3"),
            (Rerank::NvidiaNim, None, "nvidia/a-3.2", "https://ai.api.nvidia.com/v1/retrieval/nvidia/a-3_2/reranking"),
            (Rerank::NvidiaNim, None, "ranking/nvidia/a-3.2", "https://ai.api.nvidia.com/v1/ranking"),
            (Rerank::NvidiaNim, Some("http://h:8000/v1/"), "a", "http://h:8000/v1/ranking"),
            (Rerank::NvidiaNim, Some("http://h/v1/retrieval/x/reranking"), "a", "http://h/v1/retrieval/x/reranking"),
            (Rerank::Tei, Some("http://h:8080"), "a", "http://h:8080/rerank"),
            (Rerank::Tei, Some("http://h:8080/v1"), "a", "http://h:8080/rerank"),
        ] {
            assert_eq!(url(form, base, model).unwrap().as_deref(), Some(want));
        }
        assert_eq!(url(Rerank::Plain, None, "a").unwrap(), None);
        assert!(url(Rerank::Tei, None, "a").is_err(), "no server named");
        assert!(url(Rerank::DeepInfra, None, "../x").is_err());
    }

    #[test]
    fn any_bytes_are_a_ranking_or_an_error() {
        let notes = Notes { top_n: Some(1), ..Notes::default() };
        for (body, whole) in [
            (r#"{"results":[{"index":1,"relevance_score":0.5}]}"#, true),
            (r#"[{"index":1,"score":0.5},{"score":1}]"#, true),
            (r#"{"scores":[0.1,0.9]}"#, true),
            (r#"{"results":[{}]}"#, false),
            (r#"{"results":["x"]}"#, false),
            (r#"{"scores":[null]}"#, false),
            ("[[]]", false),
            ("{}", false),
            ("", false),
            (r#"{"detail":"no"}"#, false),
        ] {
            assert_eq!(read(&notes, body.as_bytes()).is_ok(), whole, "{body}");
        }
        let answer = read(&notes, br#"{"scores":[0.1,0.9]}"#).unwrap();
        let value: Value = serde_json::from_slice(&answer.body).unwrap();
        assert_eq!(value["results"], json!([{"index": 1, "relevance_score": 0.9}]));
    }
}
