//! `custom_providers`: providers of the user's own, without a build.

use std::rc::Rc;

use super::section::Section;
use super::{CustomProvider, Setting, deployment, providers, suggest};
use crate::provider::openai::quirks;
use crate::provider::{Dialect, Own, PLAIN};

/// Fields of an entry.
const FIELDS: &[&str] = &[
    "api_base",
    "api_key",
    "api_key_env",
    "base_url",
    "dialect",
    "extra_headers",
    "headers",
    "param_mappings",
    "quirks",
    "temperature_max",
    "unsupported_params",
];

/// Reads every entry; one with an error that leaves nothing to act on is left out.
pub(super) fn read(root: &Section<'_>) -> Vec<CustomProvider> {
    let Some(section) = root.section("custom_providers") else { return Vec::new() };
    let names: Vec<&String> = section.map.keys().collect();
    names.into_iter().filter_map(|name| provider(&section, name)).collect()
}

fn provider(section: &Section<'_>, name: &str) -> Option<CustomProvider> {
    let entry = section.section(name)?;
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(c);
    if name.is_empty() || !name.chars().all(word) {
        section.error(name, "a provider's name has small letters, digits, `_` and `-`: it stands before `/model`");
        return None;
    }
    if providers::names().any(|known| known == name) {
        section.error(
            name,
            format!("`{name}` is a provider already: choose another name, or set `api_base` in its models"),
        );
        return None;
    }
    for field in entry.map.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let hint = suggest::hint(field, FIELDS.iter().copied());
        entry.error(field, format!("unknown field \"{field}\" in custom_providers{hint}"));
    }
    let api_base = deployment::api_base(&entry);
    if api_base.is_none() && entry.raw("api_base").or_else(|| entry.raw("base_url")).is_none() {
        entry.error("api_base", "`api_base` is missing: give the provider's base URL");
    }
    let dialect = dialect(&entry)?;
    Some(CustomProvider {
        own: Rc::new(Own {
            name: name.to_owned(),
            dialect,
            refused: entry.strings("unsupported_params"),
            renames: renames(&entry),
            extra_headers: deployment::headers(&entry),
        }),
        api_base: api_base?,
        api_key: entry.setting("api_key").or_else(|| entry.string("api_key_env").map(Setting::Variable)),
    })
}

fn dialect(entry: &Section<'_>) -> Option<Dialect> {
    let name = entry.string("dialect").unwrap_or_else(|| PLAIN.to_owned());
    let Some(mut dialect) = Dialect::named(&name) else {
        let hint = suggest::hint(&name, providers::names());
        entry.error("dialect", format!("no dialect or provider is called \"{name}\"{hint}"));
        return None;
    };
    let Dialect::Quirky(openai) = &mut dialect else {
        for field in ["quirks", "unsupported_params", "param_mappings", "temperature_max"] {
            if entry.raw(field).is_some() {
                entry.error(field, format!("`{field}` is for providers that speak OpenAI's dialect, not \"{name}\""));
            }
        }
        return Some(dialect);
    };
    for (i, quirk) in entry.strings("quirks").iter().enumerate() {
        if let Some((_, set)) = quirks::BY_NAME.iter().find(|(known, _)| known == quirk) {
            set(openai);
        } else {
            let known: Vec<&str> = quirks::BY_NAME.iter().map(|(known, _)| *known).collect();
            entry.error(
                &format!("quirks[{i}]"),
                format!("no quirk is called \"{quirk}\": there are {}", known.join(", ")),
            );
        }
    }
    openai.temperature_max = entry.number("temperature_max", "a number, 0 or more").or(openai.temperature_max);
    Some(dialect)
}

/// `param_mappings`: OpenAI's name to the provider's own.
fn renames(entry: &Section<'_>) -> Vec<(String, String)> {
    let Some(section) = entry.section("param_mappings") else { return Vec::new() };
    let names: Vec<&String> = section.map.keys().collect();
    names.into_iter().filter_map(|name| Some((name.clone(), section.string(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::config::{Config, Setting, check};

    fn read(providers: &Value) -> Result<Config, Vec<String>> {
        let json = json!({"custom_providers": providers}).to_string();
        let told = |findings: Vec<crate::config::Finding>| findings.iter().map(|it| it.path.clone()).collect();
        Config::read(&json).map_err(told)
    }

    #[test]
    fn a_provider_needs_a_base_and_may_name_the_rest() {
        let config = read(&json!({
            "mine": {"api_base": "https://h/v1", "api_key": "os.environ/MINE_KEY", "quirks": ["max_tokens", "string_content"],
                "unsupported_params": ["seed"], "param_mappings": {"top_k": "k"}, "temperature_max": 1,
                "extra_headers": {"x-team": "a"}},
            "litellms-form": {"base_url": "os.environ/BASE", "api_key_env": "OTHER_KEY"},
        }))
        .unwrap();
        let [mine, other] = config.custom_providers.as_slice() else { panic!("two") };
        assert_eq!((mine.own.name.as_str(), mine.own.refused.as_slice()), ("mine", &["seed".to_owned()][..]));
        assert_eq!(mine.own.renames, [("top_k".to_owned(), "k".to_owned())]);
        assert_eq!(mine.own.extra_headers.get("x-team"), Some("a"));
        assert_eq!(other.api_key, Some(Setting::Variable("OTHER_KEY".to_owned())));
        assert_eq!(other.api_base, Setting::Variable("BASE".to_owned()));
        let found = config.deployments_for("mine/org/some-model");
        assert_eq!((found[0].provider.name(), found[0].model.as_str()), ("mine", "org/some-model"));
    }

    #[test]
    fn mistakes_are_named_with_their_place() {
        for (wrong, place) in [
            (json!({"a b": {"api_base": "https://h"}}), "custom_providers.a b"),
            (json!({"groq": {"api_base": "https://h"}}), "custom_providers.groq"),
            (json!({"bedrock": {"api_base": "https://h"}}), "custom_providers.bedrock"),
            (json!({"a": {}}), "custom_providers.a.api_base"),
            (json!({"a": {"api_base": "ftp://h"}}), "custom_providers.a.api_base"),
            (json!({"a": {"api_base": "https://h", "dialect": "klingon"}}), "custom_providers.a.dialect"),
            (json!({"a": {"api_base": "https://h", "quirks": ["odd"]}}), "custom_providers.a.quirks[0]"),
            (json!({"a": {"api_base": "https://h", "api_kee": "x"}}), "custom_providers.a.api_kee"),
            (
                json!({"a": {"api_base": "https://h", "dialect": "anthropic", "quirks": ["max_tokens"]}}),
                "custom_providers.a.quirks",
            ),
            (json!({"a": 1}), "custom_providers.a"),
        ] {
            assert_eq!(read(&wrong).unwrap_err(), [place], "{wrong}");
            let findings = check(&json!({"custom_providers": wrong}).to_string());
            assert!(findings.iter().any(|finding| finding.is_error() && finding.path == place), "{wrong}");
        }
    }

    #[test]
    fn a_model_of_the_list_finds_it_and_a_slip_is_told() {
        let json = json!({
            "custom_providers": {"mine": {"api_base": "https://h"}},
            "model_list": [
                {"model_name": "m", "litellm_params": {"model": "mine/m"}},
                {"model_name": "all/*", "litellm_params": {"model": "mine/*"}},
                {"model_name": "*", "litellm_params": {"model": "*"}},
            ],
        });
        let config = Config::read(&json.to_string()).unwrap();
        for (asked, model) in [("m", "m"), ("all/x", "x"), ("mine/y", "y")] {
            let found = config.deployments_for(asked);
            assert_eq!((found[0].provider.name(), found[0].model.as_str()), ("mine", model), "{asked}");
        }
        let slip = json.to_string().replace("mine/m", "mien/m");
        let findings = Config::read(&slip).unwrap_err();
        assert_eq!(findings[0].message, r#"unknown provider "mien"; did you mean "mine"?"#);
    }
}
