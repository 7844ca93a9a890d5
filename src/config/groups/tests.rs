//! Which deployments a model's name leads to, and for whom.

use serde_json::{Value, json};

use super::*;

/// Entries of `model_list` as `model_name`, `model`, `id`.
fn config(entries: &[(&str, &str, &str)], router: &Value) -> Config {
    let list = entries.iter().map(
        |(name, model, id)| json!({"model_name": name, "litellm_params": {"model": model}, "model_info": {"id": id}}),
    );
    let list: Vec<Value> = list.collect();
    Config::read(&json!({"model_list": list, "router_settings": router}).to_string()).unwrap()
}

/// The matches for a model as `id provider model`.
fn matches(config: &Config, model: &str) -> Vec<String> {
    let matches = config.deployments_for(model);
    matches.iter().map(|m| format!("{} {} {}", m.deployment.id, m.provider.name(), m.model)).collect()
}

#[test]
fn the_first_that_knows_the_model_decides() {
    let config = config(
        &[
            ("gpt-4o", "openai/gpt-4o-2024-08-06", "a"),
            ("gpt-4o", "groq/gpt-oss", "b"),
            ("b", "openai/group-named-as-an-id", "c"),
            ("openai/*", "openai/*", "d"),
            ("openai/gpt-4*", "groq/gpt-4*", "e"),
            ("fast", "gpt-4o-mini", "f"),
        ],
        &json!({"model_group_alias": {"gpt-4": "gpt-4o", "a-hidden-one": {"model": "fast", "hidden": true}}}),
    );
    for (model, wanted) in [
        ("a", vec!["a openai gpt-4o-2024-08-06"]),
        ("b", vec!["c openai group-named-as-an-id"]),
        ("gpt-4o", vec!["a openai gpt-4o-2024-08-06", "b groq gpt-oss"]),
        ("gpt-4", vec!["a openai gpt-4o-2024-08-06", "b groq gpt-oss"]),
        ("a-hidden-one", vec!["f openai gpt-4o-mini"]),
        ("openai/o3", vec!["d openai o3"]),
        ("openai/gpt-4.1", vec!["e groq gpt-4.1"]),
        // A bare name is tried with its provider too.
        ("o3-mini", vec!["d openai o3-mini"]),
        ("groq/gpt-oss", vec!["b groq gpt-oss"]),
        ("groq/llama-3.3-70b", vec!["groq/llama-3.3-70b groq llama-3.3-70b"]),
        ("nobody/knows", vec![]),
        ("unknown", vec![]),
        ("openai/*", vec![]),
        ("groq/", vec![]),
        ("", vec![]),
    ] {
        assert_eq!(matches(&config, model), wanted, "{model}");
    }
}

#[test]
fn a_literal_model_is_found_under_another_group() {
    let config = config(&[("fast", "gpt-4o-mini", "a")], &json!({}));
    assert_eq!(matches(&config, "gpt-4o-mini"), ["a openai gpt-4o-mini"]);
}

#[test]
fn a_bare_name_that_nothing_lists_is_unknown_however_familiar() {
    let config = config(&[("gpt-4o-mini", "openai/gpt-4o-mini", "a")], &json!({}));
    assert_eq!(matches(&config, "gpt-4o-minni"), [""; 0]);
    assert_eq!(config.near_names("gpt-4o-minni"), ["gpt-4o-mini"]);
}

#[test]
fn a_star_takes_its_provider_from_the_request() {
    let config = config(&[("*", "*", "any"), ("mine/*", "openrouter/*", "or")], &json!({}));
    assert_eq!(matches(&config, "groq/llama"), ["any groq llama"]);
    assert_eq!(matches(&config, "gpt-4o"), ["any openai gpt-4o"]);
    assert_eq!(matches(&config, "mine/auto"), ["or openrouter openrouter/auto"]);
    assert_eq!(matches(&config, "mine/meta/llama"), ["or openrouter meta/llama"]);
    assert_eq!(matches(&config, "no-provider-at-all"), [""; 0]);
    assert_eq!(config.waiting_for("no-provider-at-all"), None);
}

#[test]
fn a_model_without_a_star_is_the_same_for_every_name() {
    let config = config(&[("*", "openai/gpt-4o", "all"), ("team/*", "openrouter/openai/gpt-4o", "or")], &json!({}));
    assert_eq!(matches(&config, "whatever"), ["all openai gpt-4o"]);
    assert_eq!(matches(&config, "anthropic/claude"), ["all openai gpt-4o"]);
    assert_eq!(matches(&config, "team/a"), ["or openrouter openai/gpt-4o"]);
}

#[test]
fn more_captures_than_stars_send_the_requested_model_to_the_same_provider() {
    let config = config(&[("*llama3*", "groq/llama3*", "a")], &json!({}));
    assert_eq!(matches(&config, "my-llama3-70b"), ["a groq my-llama3-70b"]);
}

#[test]
fn a_provider_that_waits_is_named_and_never_chosen() {
    let waiting = super::super::providers::names().find(|name| crate::provider::registry::find(name).is_none());
    let waiting = waiting.unwrap();
    let model = format!("{waiting}/m");
    let config = config(&[("mixed", &model, "w"), ("mixed", "openai/m", "s"), ("only", &model, "o")], &json!({}));
    assert_eq!(matches(&config, "mixed"), ["s openai m"]);
    assert_eq!(config.waiting_for("mixed"), None);
    for name in ["only", "o", &model, &format!("{waiting}/other")] {
        assert_eq!(matches(&config, name), [""; 0], "{name}");
        assert_eq!(config.waiting_for(name).as_deref(), Some(waiting), "{name}");
    }
    assert_eq!(config.model_ids(), ["mixed"]);
}

#[test]
fn listed_models_are_groups_once_and_aliases_that_are_not_hidden() {
    let config = config(
        &[("b", "openai/1", "1"), ("a", "openai/2", "2"), ("b", "openai/3", "3"), ("openai/*", "openai/*", "4")],
        &json!({"model_group_alias": {"x": "a", "h": {"model": "a", "hidden": true}, "y": {"model": "b"}}}),
    );
    assert_eq!(config.model_ids(), ["b", "a", "x", "y"]);
}

/// A configuration whose `a` is everybody's and whose `t-a` is team `t`'s, which calls it `a` too, or `own`.
fn with_teams() -> Config {
    let entry = |name: &str, id: &str, info: Value| {
        let mut entry = json!({"model_name": name, "litellm_params": {"model": format!("openai/{id}")}});
        entry["model_info"] = info;
        entry["model_info"]["id"] = json!(id);
        entry
    };
    let list = json!([
        entry("a", "global", json!({})),
        entry("t-a", "team-a", json!({"team_id": "t", "team_public_model_name": "a"})),
        entry("t-own", "team-own", json!({"team_id": "t", "team_public_model_name": "own"})),
        entry("t-*", "team-wild", json!({"team_id": "t"})),
        entry("off", "blocked", json!({"blocked": true})),
    ]);
    Config::read(&json!({"model_list": list}).to_string()).unwrap()
}

#[test]
fn a_teams_deployments_are_its_own_and_the_master_keys() {
    let config = with_teams();
    let ids = |model: &str, whose| -> Vec<String> {
        config.deployments_of(model, whose).iter().map(|found| found.deployment.id.clone()).collect()
    };
    let (own, other, none) = (Whose::Key(Some("t")), Whose::Key(Some("u")), Whose::Key(None));
    for (rule, model, whose, wanted) in [
        ("the team's own name comes before a group of that name", "a", own, &["team-a"][..]),
        ("another team has the group", "a", other, &["global"]),
        ("no team has the group", "a", none, &["global"]),
        ("the master key has the group", "a", Whose::Everybodys, &["global"]),
        ("a team's own name that no group has", "own", own, &["team-own"]),
        ("not for another team", "own", other, &[]),
        ("for the master key", "own", Whose::Everybodys, &["team-own"]),
        ("the name in model_list", "t-a", own, &["team-a"]),
        ("not for a key without a team", "t-a", none, &[]),
        ("nor by its id", "team-a", none, &[]),
        ("nor by a wildcard", "t-x", other, &[]),
        ("a wildcard for the team", "t-x", own, &["team-wild"]),
        ("nor by what is written", "openai/team-own", own, &["team-own"]),
    ] {
        assert_eq!(ids(model, whose), wanted, "{rule}");
    }
    assert_eq!(config.deployments_of("openai/team-own", other)[0].deployment.id, "openai/team-own", "not the team's");
    assert_eq!(config.model_ids_of(own), ["a", "own"]);
    assert_eq!(config.model_ids_of(other), ["a"]);
}

#[test]
fn a_routing_group_is_called_by_its_name_unless_a_model_has_it() {
    let group = |name: &str, models: Value, rest: Value| {
        let mut group = json!({"group_name": name, "models": models, "routing_strategy": "simple-shuffle"});
        group.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        group
    };
    let first = json!({"routing_strategy": "priority", "model_priorities": {"a": 2, "b": 1}});
    let config = config(
        &[("a", "openai/1", "1"), ("b", "openai/2", "2"), ("c", "openai/3", "3"), ("*", "groq/*", "any")],
        &json!({
            "routing_groups": [
                group("both", json!(["a", "b"]), json!({})),
                group("c", json!(["d"]), json!({})),
                group("first", json!(["a", "b"]), first),
            ],
            "model_group_alias": {"x": "both"},
        }),
    );
    assert_eq!(matches(&config, "both"), ["1 openai 1", "2 openai 2"], "a `*` does not hijack it");
    assert_eq!(matches(&config, "x"), ["1 openai 1", "2 openai 2"]);
    let orders: Vec<_> = config.deployments_for("first").iter().map(|found| found.order).collect();
    assert_eq!(orders, [Some(2), Some(1)]);
    let strategy = |model: &str| config.routing_group(model).map(|group| group.name.as_str());
    assert_eq!(
        [strategy("a"), strategy("both"), strategy("c"), strategy("first")],
        [Some("both"), Some("both"), None, Some("first")]
    );
    assert_eq!(matches(&config, "c"), ["3 openai 3"], "the model of that name comes first");
    assert_eq!(config.model_ids(), ["a", "b", "c", "both", "first", "x"]);
}
