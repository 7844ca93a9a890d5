//! The checker: everything that is wrong with a configuration, or that waits for a later version.

use serde_json::{Map, Value};

use super::finding::{Finding, Severity};
use super::schema::{self, GENERAL, Group, Kind, LITELLM, MODEL_INFO, PARAMS, ROOT, ROUTER, Status};
use super::{read, references, suggest, values};
use crate::sorted;

/// The sections and their names.
const SECTIONS: &[(&str, &[Group])] =
    &[("general_settings", GENERAL), ("router_settings", ROUTER), ("litellm_settings", LITELLM)];

/// Fields of an entry of `model_list`, and of `credential_list`.
const ENTRY: &[&str] = &["model_name", "litellm_params", "model_info"];
const CREDENTIAL: &[&str] = &["credential_name", "credential_values", "credential_info"];

/// Fields of requests: known to be meant, however near they are to a field that steers the gateway.
const REQUEST: &str = "\
audio cache_control_injection_points dimensions encoding_format extra_body extra_query frequency_penalty function_call functions input \
logit_bias logprobs max_completion_tokens max_tokens messages modalities n parallel_tool_calls prediction \
presence_penalty reasoning_effort response_format safety_settings seed service_tier stop store stream \
stream_options temperature thinking tool_choice tools top_k top_logprobs top_p user verbosity \
web_search_options";

/// Checks a configuration.
///
/// Gives every error of [`Config::read`](super::Config::read), unknown fields with near names, fallbacks and aliases to
/// nowhere, values that look like a mistaken `os.environ/NAME`, and one warning for each known setting that this
/// version does not act on. One finding a place, errors first; empty is perfect.
pub fn check(json: &str) -> Vec<Finding> {
    let document = match read::document(json) {
        Ok(document) => document,
        Err(finding) => return vec![finding],
    };
    let (config, mut findings) = read::read(&document, &|_| None);
    values::check(&document, &mut findings);
    fields(&document, &mut findings);
    references::check(&document, &config, &mut findings);
    sorted::sort_by_key(&mut findings, |finding| finding.severity == Severity::Warning);
    let mut once: Vec<Finding> = Vec::with_capacity(findings.len());
    for finding in findings {
        // One line a place: the first says most, and what is wrong need not be told that it also waits.
        if !once.iter().any(|other| other.path == finding.path) {
            once.push(finding);
        }
    }
    once
}

/// The names of [`REQUEST`].
fn request() -> impl Iterator<Item = &'static str> {
    REQUEST.split_ascii_whitespace()
}

/// Every field against the schema.
fn fields(document: &Map<String, Value>, findings: &mut Vec<Finding>) {
    // `x-…` is where people keep what YAML anchors refer to.
    for (name, value) in document.iter().filter(|(name, _)| !name.starts_with("x-")) {
        known("", ROOT, name, value, findings);
    }
    for (section, groups) in SECTIONS {
        let Some(Value::Object(map)) = document.get(*section) else { continue };
        for (name, value) in map {
            known(section, groups, name, value, findings);
        }
    }
    for (at, entry) in entries(document, "model_list") {
        only(&at, "model_list", ENTRY, entry, findings);
        if let Some(Value::Object(params)) = entry.get("litellm_params") {
            self::params(&format!("{at}.litellm_params"), params, findings);
        }
        if let Some(Value::Object(info)) = entry.get("model_info") {
            let at = format!("{at}.model_info");
            for (name, value) in info {
                steering(&at, MODEL_INFO, name, value, findings);
            }
        }
    }
    for (at, entry) in entries(document, "credential_list") {
        only(&at, "credential_list", CREDENTIAL, entry, findings);
    }
    if let Some(Value::Object(defaults)) = document.get("router_settings").and_then(|s| s.get("default_litellm_params"))
    {
        params("router_settings.default_litellm_params", defaults, findings);
    }
}

/// The maps of a list, each with its path.
fn entries<'d>(document: &'d Map<String, Value>, list: &str) -> Vec<(String, &'d Map<String, Value>)> {
    let items = document.get(list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let maps = items.iter().enumerate().filter_map(|(i, item)| Some((format!("{list}[{i}]"), item.as_object()?)));
    maps.collect()
}

/// A field of a section that has a schema.
fn known(section: &str, groups: &'static [Group], name: &str, value: &Value, findings: &mut Vec<Finding>) {
    if schema::find(groups, name).is_some() {
        return steering(section, groups, name, value, findings);
    }
    let place = if section.is_empty() { "the configuration" } else { section };
    let mend = match home(name) {
        Some(home) => format!("; it belongs in {home}"),
        None => suggest::hint(name, schema::names(groups)),
    };
    findings.push(Finding::error(join(section, name), format!("unknown field \"{name}\" in {place}{mend}")));
}

/// The section that a name belongs in.
fn home(name: &str) -> Option<&'static str> {
    let known = |(_, groups): &&(&str, &[Group])| schema::find(groups, name).is_some();
    SECTIONS
        .iter()
        .find(known)
        .map(|(section, _)| *section)
        .or_else(|| schema::find(ROOT, name).map(|_| "the top level"))
}

/// The fields of an entry that has few.
fn only(at: &str, list: &str, names: &[&'static str], entry: &Map<String, Value>, findings: &mut Vec<Finding>) {
    for name in entry.keys().filter(|name| !names.contains(&name.as_str())) {
        let near = suggest::hint(name, names.iter().copied());
        let mend = if near.is_empty() && list == "model_list" && schema::is_param(name) {
            "; it belongs in litellm_params".to_owned()
        } else {
            near
        };
        findings.push(Finding::error(join(at, name), format!("unknown field \"{name}\" in {list}{mend}")));
    }
}

/// The fields of `litellm_params`: what nobody knows is a field of the request, unless it is a slip.
fn params(at: &str, params: &Map<String, Value>, findings: &mut Vec<Finding>) {
    for (name, value) in params {
        if schema::is_param(name) {
            steering(at, PARAMS, name, value, findings);
        } else if !request().any(|field| field == name) {
            let all = schema::names(PARAMS).chain(request());
            if let Some(meant) = suggest::slip(name, all) {
                let message =
                    format!("\"{name}\" is sent upstream as a field of the request; did you mean \"{meant}\"?");
                findings.push(Finding::warning(join(at, name), message));
            }
        }
    }
}

/// One finding for a known setting that does not act, or holds what it cannot hold.
fn steering(at: &str, groups: &[Group], name: &str, value: &Value, findings: &mut Vec<Finding>) {
    let found = match schema::find(groups, name) {
        None if schema::is_price(name) => Some((Kind::Any, schema::PRICE)),
        found => found,
    };
    let Some((kind, status)) = found.filter(|_| !value.is_null()) else { return };
    let message = match status {
        Status::Acts => return,
        Status::Later(meanwhile) => format!("`{name}` waits for a later version: {meanwhile}"),
        Status::Never(reason) => format!("`{name}` has no effect: {reason}"),
    };
    let at = join(at, name);
    if kind.takes(value) {
        findings.push(Finding::warning(at, message));
    } else {
        let is = super::section::type_of(value);
        findings.push(Finding::error(at, format!("`{name}` must be {}, not {is}", kind.name())));
    }
}

fn join(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::config::Config;

    /// Every document that is `value` with one part of it replaced by `other`.
    fn with_a_part_replaced(value: &Value, other: &Value) -> Vec<Value> {
        let mut all = vec![other.clone()];
        let places: Vec<String> = match value {
            Value::Object(map) => map.keys().map(|name| format!("/{}", name.replace('/', "~1"))).collect(),
            Value::Array(items) => (0..items.len()).map(|i| format!("/{i}")).collect(),
            _ => Vec::new(),
        };
        for place in places {
            for part in with_a_part_replaced(value.pointer(&place).unwrap(), other) {
                let mut whole = value.clone();
                *whole.pointer_mut(&place).unwrap() = part;
                all.push(whole);
            }
        }
        all
    }

    #[test]
    fn whatever_stands_where_it_is_findings_and_never_a_panic() {
        let config = json!({
            "model_list": [{
                "model_name": "a/*",
                "litellm_params": {
                    "model": "openai/*", "api_key": "k", "api_base": "http://x", "timeout": 1, "rpm": 1, "weight": 1,
                    "extra_headers": {"a": "b"}, "mock_response": "x", "allowed_openai_params": ["x"], "temperature": 1,
                    "tags": ["t"], "tag_regex": ["^x"], "region_name": "eu", "litellm_credential_name": "c", "custom_llm_provider": "openai", "max_budget": 1,
                    "prompt_id": "p",
                },
                "model_info": {"id": "1"},
            }, {
                "model_name": "smart",
                "litellm_params": {"model": "auto_router/complexity_router", "complexity_router_config": {
                    "tiers": {"SIMPLE": "a/b", "COMPLEX": [{"model_name": "a/c", "litellm_params": {"n": 1}}]},
                    "keyword_tier_rules": [{"keywords": ["k"], "tier": "MEDIUM"}], "token_thresholds": {"simple": 1},
                }},
            }],
            "credential_list": [{"credential_name": "c", "credential_values": {"api_key": "x"}}],
            "router_settings": {
                "routing_strategy": "simple-shuffle", "num_retries": 1,
                "fallbacks": [{"a/b": ["a/c", {"model": "a/d"}]}],
                "default_fallbacks": ["a/b"], "model_group_alias": {"x": "a/b", "y": {"model": "a/c", "hidden": true}},
                "task_routing": {"auto": [{"model": "a/b", "max_words": 1, "keywords": ["x"], "tools": true}]},
                "traffic_split": {"ab": {"sticky": "user", "variants": [{"name": "v", "model": "auto", "weight": 1}]}},
                "shadow_traffic": {"a/b": {"to": "a/c", "percent": 1}},
                "routing_groups": [{"group_name": "g", "models": ["a/b"], "routing_strategy": "simple-shuffle"}],
                "retry_policy": {"DefaultRetries": 1}, "default_litellm_params": {"user": "u"},
            },
            "litellm_settings": {"request_timeout": 1, "drop_params": true},
            "general_settings": {"master_key": "k", "cors_origins": ["*"], "max_request_size_mb": 1},
            "environment_variables": {"A": "b"},
        });
        assert_eq!(check(&config.to_string()).len(), 1);
        let hostile = [
            json!(null),
            json!(false),
            json!(-1),
            json!(1e308),
            json!(u64::MAX),
            json!(""),
            json!("*"),
            json!("/"),
            json!("os.environ/"),
            json!("os.environ/A"),
            json!("é\u{0}\n"),
            json!([]),
            json!([[]]),
            json!({}),
            json!({"": ""}),
        ];
        let mut refused = 0;
        for other in &hostile {
            for document in with_a_part_replaced(&config, other) {
                let json = document.to_string();
                let errors = check(&json).into_iter().filter(Finding::is_error).count();
                if let Ok(config) = Config::read(&json) {
                    for model in ["a/b", "*", "", "x", "y/z", "é/é"] {
                        assert!(config.deployments_for(model).iter().all(|found| !found.model.contains('*')));
                    }
                } else {
                    refused += 1;
                    assert!(errors > 0, "read refuses what check takes: {json}");
                }
            }
        }
        assert!(refused > 100, "{refused}");
    }
}
