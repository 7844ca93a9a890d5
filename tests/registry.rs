//! The registry against LiteLLM's list of providers: each is a row, or there is a reason why it is none.

use std::collections::BTreeMap;

use tollgate::provider::registry::{self, PROVIDERS};

/// Ids of LiteLLM 1.106.2, each with `compat` (OpenAI's chat completions, by its class or by its JSON registry), `chat`
/// (another protocol) or `other` (no chat at all).
const IDS: &str = include_str!("data/litellm_ids.txt");

/// Why an id that has chat is no row.
const NO_ROW: &[(&str, &str)] = &[
    ("a2a", "an agent's protocol"),
    ("anthropic_text", "completions of models that are gone"),
    ("azure_text", "plain completions"),
    ("bedrock", "waits"),
    ("bytez", "waits"),
    ("chatgpt", "a person's login on a device"),
    ("fal_ai", "waits"),
    ("gdc", "Google's own cloud on premises: gemini with api_base"),
    ("gigachat", "waits"),
    ("github_copilot", "a person's login on a device"),
    ("langflow", "a flow's protocol"),
    ("langgraph", "an agent's protocol"),
    ("nlp_cloud", "waits"),
    ("oci", "waits"),
    ("petals", "waits"),
    ("predibase", "waits"),
    ("ragflow", "the chat stands in the URL: openai_like with api_base"),
    ("sagemaker", "waits"),
    ("sagemaker_chat", "waits"),
    ("sagemaker_nova", "waits"),
    ("sap", "waits"),
    ("snowflake", "waits"),
    ("text-completion-codestral", "plain completions"),
    ("text-completion-inception", "plain completions"),
    ("text-completion-openai", "plain completions"),
    ("triton", "waits"),
    ("vertex_ai", "waits"),
    ("vertex_ai_beta", "waits"),
    ("watsonx", "waits"),
    ("watsonx_text", "waits"),
];

fn ids() -> impl Iterator<Item = (&'static str, &'static str)> {
    IDS.lines().filter_map(|line| line.split_once(' '))
}

#[test]
fn every_provider_of_litellm_with_chat_is_a_row_or_has_a_reason() {
    let reasons: BTreeMap<&str, &str> = NO_ROW.iter().copied().collect();
    let mut compatible = 0;
    for (id, kind) in ids() {
        let row = registry::find(id).is_some();
        compatible += usize::from(kind == "compat" && row);
        match (row, reasons.get(id)) {
            (true, reason) => assert!(matches!(reason, None | Some(&"waits")), "{id} is a row, and yet {reason:?}"),
            (false, None) => assert_eq!(kind, "other", "{id} is no row, and there is no reason"),
            (false, Some(_)) => {}
        }
    }
    assert!(compatible >= 105, "{compatible} compatible ids are rows");
    for (id, _) in NO_ROW {
        assert!(ids().any(|(known, _)| known == *id), "{id} is none of LiteLLM's");
    }
}

#[test]
fn every_compatible_row_shows_what_it_drops_and_renames() {
    for row in PROVIDERS.iter().filter(|row| row.dialect.as_openai().is_some() && row.name != "mock") {
        let case = format!("{}/tests/fixtures/{}/params", env!("CARGO_MANIFEST_DIR"), row.name);
        let asked = std::fs::read_to_string(format!("{case}/request.json")).unwrap_or_default();
        assert!(asked.contains(&format!("{}/", row.name)), "{}: no case `params`", row.name);
        let sent = std::fs::read_to_string(format!("{case}/upstream-request.http")).unwrap();
        for name in row.dialect.as_openai().unwrap().drops {
            assert!(!sent.contains(&format!("\"{name}\":")), "{} refuses {name}, and gets it", row.name);
        }
    }
}
