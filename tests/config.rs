//! LiteLLM's configurations, as users write them: they load unchanged, and what is wrong is named with its mend.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tollgate::config::{Config, Finding, Severity, check};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs")
}

/// The configurations of public guides to LiteLLM, by name: `guide-full.json` is `guide-full.yaml`, its values as they
/// are, converted once to JSON.
fn guides() -> Vec<(String, String)> {
    let mut guides: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    guides.sort();
    guides
}

#[test]
fn every_guide_loads_unchanged() {
    let guides = guides();
    assert_eq!(guides.len(), 16);
    for (name, json) in guides {
        Config::read(&json).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"));
    }
}

/// What `check` says of every guide, one line a finding. Which providers wait changes with every provider that comes.
fn findings() -> String {
    let mut out = String::new();
    for (name, json) in guides() {
        for Finding { severity, path, message } in check(&json) {
            if !message.contains("is not spoken by this version yet") {
                writeln!(out, "{name}: {severity:?}: {path}: {message}").unwrap();
            }
        }
    }
    out
}

#[test]
fn the_findings_of_the_guides_are_the_golden_ones() {
    let golden = folder().join("findings.txt");
    let findings = findings();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&golden, &findings).unwrap();
    }
    assert_eq!(findings, fs::read_to_string(golden).unwrap());
    assert!(!findings.contains("Error"));
}

/// The findings of a configuration that is written down as JSON.
fn found(config: &Value) -> Vec<(Severity, String, String)> {
    check(&config.to_string()).into_iter().map(|finding| (finding.severity, finding.path, finding.message)).collect()
}

/// A configuration with one deployment, whose parameters get `params`.
fn one(params: &Value) -> Value {
    let mut all = json!({"model": "openai/gpt-4o"});
    all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
    json!({"model_list": [{"model_name": "gpt-4o", "litellm_params": all}]})
}

#[test]
fn every_error_names_its_place_and_its_mend() {
    for (config, path, message) in [
        (
            json!({"router_settings": {"fallback": []}}),
            "router_settings.fallback",
            "unknown field \"fallback\" in router_settings; did you mean \"fallbacks\"?",
        ),
        (
            json!({"model_lst": []}),
            "model_lst",
            "unknown field \"model_lst\" in the configuration; did you mean \"model_list\"?",
        ),
        (
            json!({"general_settings": {"routing_strategy": "simple-shuffle"}}),
            "general_settings.routing_strategy",
            "unknown field \"routing_strategy\" in general_settings; it belongs in router_settings",
        ),
        (
            json!({"model_list": [{"model_name": "m", "rpm": 5, "litellm_params": {"model": "openai/m"}}]}),
            "model_list[0].rpm",
            "unknown field \"rpm\" in model_list; it belongs in litellm_params",
        ),
        (
            one(&json!({"tag_regex": ["ok", "(?=x)"]})),
            "model_list[0].litellm_params.tag_regex[1]",
            "the pattern cannot be read: groups beginning with `(?` are not known, but for `(?:` and a `(?i)` in front",
        ),
        (
            json!({"router_settings": {"task_routing": {"auto": [{"model": "openai/m", "max_word": 3}]}}}),
            "router_settings.task_routing.auto[0].max_word",
            "unknown field \"max_word\"; did you mean \"max_words\"?",
        ),
        (
            json!({"router_settings": {"traffic_split": {"ab": {"variants": [{"model": "openai/m", "weight": 0}]}}}}),
            "router_settings.traffic_split.ab.variants",
            "`variants` must have one with a `weight` above 0",
        ),
        (
            json!({"router_settings": {"hedging": {"percentile": 95}}}),
            "router_settings.hedging.percentile",
            "`percentile` must be a share above 0 and at most 1, such as 0.95",
        ),
        (
            json!({"router_settings": {"hedging": {"max_share": 0}}}),
            "router_settings.hedging.max_share",
            "`max_share` must be a share above 0 and at most 1, such as 0.95",
        ),
        (
            json!({"router_settings": {"hedging": {"min_samples": 0}}}),
            "router_settings.hedging.min_samples",
            "`min_samples` must be 1 or more: without any answer nothing is known",
        ),
        (
            json!({"router_settings": {"hedging": {"minimum": 1}}}),
            "router_settings.hedging.minimum",
            "unknown field \"minimum\"",
        ),
        (
            json!({"router_settings": {"hedging": "yes"}}),
            "router_settings.hedging",
            "`hedging` must be a map, not a string",
        ),
        (
            json!({"router_settings": {"shadow_traffic": {"m": {"to": "n", "percent": 101}}}}),
            "router_settings.shadow_traffic.m.percent",
            "`percent` must be a number from 0 to 100",
        ),
        (
            json!({"router_settings": {"shadow_traffic": {"m": {"to": "m", "percent": 1}}}}),
            "router_settings.shadow_traffic.m.to",
            "\"m\" cannot be its own shadow: give another model group",
        ),
        (
            json!({"router_settings": {"routing_groups": [{"group_name": "g", "models": ["m"]}]}}),
            "router_settings.routing_groups[0].routing_strategy",
            "`routing_strategy` is missing: give \"simple-shuffle\" or another",
        ),
        (
            json!({"model_list": [{"model_name": "m", "litellm_params": {
                "model": "auto_router/complexity_router", "complexity_router_config": {"tiers": {"EASY": "openai/m"}},
            }}]}),
            "model_list[0].litellm_params.complexity_router_config.tiers.EASY",
            "`EASY` is no tier: SIMPLE, MEDIUM, COMPLEX and REASONING are",
        ),
        (json!({"model_list": {}}), "model_list", "`model_list` must be a list, not a map"),
        (json!({"model_list": ["gpt-4o"]}), "model_list[0]", "`model_list` is a list of maps: this is a string"),
        (
            json!({"model_list": [{"litellm_params": {"model": "openai/m"}}]}),
            "model_list[0].model_name",
            "`model_name` is missing: give the name that clients ask for",
        ),
        (
            json!({"model_list": [{"model_name": "m"}]}),
            "model_list[0].litellm_params",
            "`litellm_params` is missing: give at least `model: provider/model`",
        ),
        (
            json!({"model_list": [{"model_name": "m", "litellm_params": {}}]}),
            "model_list[0].litellm_params.model",
            "`model` is missing: give `provider/model`",
        ),
        (
            one(&json!({"model": "opnai/gpt-4o"})),
            "model_list[0].litellm_params.model",
            "unknown provider \"opnai\"; did you mean \"openai\"?",
        ),
        (
            one(&json!({"model": "my-model"})),
            "model_list[0].litellm_params.model",
            "`my-model` names no provider: write `provider/my-model`",
        ),
        (
            one(&json!({"model": "openai/*"})),
            "model_list[0].litellm_params.model",
            "`openai/*` has a `*`, and the model_name \"gpt-4o\" has none that could fill it",
        ),
        (
            one(&json!({"timeout": [30]})),
            "model_list[0].litellm_params.timeout",
            "`timeout` must be a number of seconds such as 30 or 2.5, not a list",
        ),
        (
            one(&json!({"api_base": "my-azure.openai.azure.com"})),
            "model_list[0].litellm_params.api_base",
            "`api_base` must start with http:// or https://",
        ),
        (
            one(&json!({"extra_headers": {"x y": "1"}})),
            "model_list[0].litellm_params.extra_headers.x y",
            "a header's name has letters, digits and dashes, and its value is one line",
        ),
        (
            json!({"general_settings": {"cors_origins": ["https://a.example/path"]}}),
            "general_settings.cors_origins[0]",
            "\"https://a.example/path\" is no origin: write `*`, or scheme and host such as https://app.example.com",
        ),
        (
            one(&json!({"rpm": 1.5})),
            "model_list[0].litellm_params.rpm",
            "`rpm` must be a whole number from 0 to 4294967295",
        ),
        (one(&json!({"rpm": -1})), "model_list[0].litellm_params.rpm", "`rpm` must be a whole number, 0 or more"),
        (
            one(&json!({"drop_params": "yes"})),
            "model_list[0].litellm_params.drop_params",
            "`drop_params` must be true or false, not a string",
        ),
        (
            one(&json!({"budget_duration": "daily"})),
            "model_list[0].litellm_params.budget_duration",
            "`budget_duration` must be a number and a unit: 30s, 15m, 24h, 7d, 4w or 1mo",
        ),
        (
            one(&json!({"max_budget": "ten"})),
            "model_list[0].litellm_params.max_budget",
            "`max_budget` must be a number of US dollars, 0 or more",
        ),
        (
            one(&json!({"api_key": "$OPENAI_API_KEY"})),
            "model_list[0].litellm_params.api_key",
            "`api_key` looks like a reference to the variable OPENAI_API_KEY, and is taken as it stands: write \
             `os.environ/OPENAI_API_KEY`",
        ),
        (
            json!({"general_settings": {"master_key": "os.environ.MASTER_KEY"}}),
            "general_settings.master_key",
            "`master_key` looks like a reference to the variable MASTER_KEY, and is taken as it stands: write \
             `os.environ/MASTER_KEY`",
        ),
        (
            json!({"general_settings": {"master_key": ""}}),
            "general_settings.master_key",
            "`master_key` is empty: give a key, or take the line out to run without one",
        ),
        (
            json!({"general_settings": {"master_key": 1234}}),
            "general_settings.master_key",
            "`master_key` must be a string (put it in quotes), not a number",
        ),
        (
            json!({"general_settings": {"alerting": "slack"}}),
            "general_settings.alerting",
            "`alerting` must be a list, not a string",
        ),
        (
            json!({"router_settings": {"routing_strategy": "latency-based"}}),
            "router_settings.routing_strategy",
            "unknown routing_strategy \"latency-based\"; did you mean \"latency-based-routing\"?",
        ),
        (
            json!({"router_settings": {"retry_policy": {"RateLimitErrorRetries": "many"}}}),
            "router_settings.retry_policy.RateLimitErrorRetries",
            "`RateLimitErrorRetries` must be a whole number, 0 or more",
        ),
        (
            one(&json!({"litellm_credential_name": "azur"})),
            "model_list[0].litellm_params.litellm_credential_name",
            "credential_list has no credential \"azur\"",
        ),
    ] {
        let found = found(&config);
        let errors: Vec<_> = found.iter().filter(|(severity, _, _)| *severity == Severity::Error).collect();
        assert_eq!(errors, [&(Severity::Error, path.to_owned(), message.to_owned())], "{config}");
    }
}

#[test]
fn two_deployments_cannot_share_an_id() {
    let entry =
        |id: &str| json!({"model_name": "m", "litellm_params": {"model": "openai/m"}, "model_info": {"id": id}});
    let same = json!({"model_list": [entry("a"), entry("a")]});
    let errors = Config::read(&same.to_string()).unwrap_err();
    assert_eq!(errors[0].path, "model_list[1].model_info.id");
    assert_eq!(errors[0].message, "two deployments have the id `a`: each needs its own");
    assert!(Config::read(&json!({"model_list": [entry("a"), entry("b")]}).to_string()).is_ok());
}

#[test]
fn what_stands_for_several_models_must_lead_somewhere() {
    let mut config = one(&json!({}));
    config["router_settings"] =
        json!({"task_routing": {"auto": [{"model": "gpt-4"}]}, "fallbacks": [{"gpt-4o": ["auto"]}]});
    let message = "`auto` leads to \"gpt-4\", which is no model group; did you mean \"gpt-4o\"?".to_owned();
    assert_eq!(found(&config), [(Severity::Error, "router_settings.task_routing.auto.gpt-4".to_owned(), message)]);
}

#[test]
fn a_shadow_must_be_a_model_group() {
    let mut config = one(&json!({}));
    config["router_settings"] = json!({"shadow_traffic": {"gpt-4o": {"to": "gpt-4", "percent": 5}}});
    let message = "copies go to \"gpt-4\", which is no model group; did you mean \"gpt-4o\"?".to_owned();
    assert_eq!(found(&config), [(Severity::Error, "router_settings.shadow_traffic.gpt-4o.to".to_owned(), message)]);
}

#[test]
fn all_errors_come_at_once() {
    let config = json!({"model_list": [{}, {"model_name": "m", "litellm_params": {"model": "opnai/m", "rpm": []}}]});
    let errors = Config::read(&config.to_string()).unwrap_err();
    let paths: Vec<_> = errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(
        paths,
        ["model_list[0].model_name", "model_list[0].litellm_params", "model_list[1].litellm_params.model"]
    );
}

#[test]
fn what_is_no_configuration_is_one_error() {
    for (text, message) in [
        ("", "the configuration is not JSON: EOF while parsing a value at line 1 column 0"),
        ("[]", "the configuration must be a map with `model_list` and the like"),
        ("{\"model_list\": [", "the configuration is not JSON: EOF while parsing a list at line 1 column 16"),
    ] {
        let findings = check(text);
        assert_eq!(findings.len(), 1);
        assert_eq!((findings[0].path.as_str(), findings[0].message.as_str()), ("", message));
        assert_eq!(Config::read(text).unwrap_err(), findings);
    }
    let bomb = format!("{{\"a\":{}", "[".repeat(100_000));
    assert!(check(&bomb)[0].message.starts_with("the configuration is not JSON: recursion limit"));
    assert!(check("null").is_empty());
}

#[test]
fn a_slip_in_a_parameter_is_a_warning_and_other_fields_pass() {
    let config = one(&json!({"api_bse": "http://x", "temperature": 0.5, "top_k": 3, "my_field": 1, "seed": 1}));
    let (severity, path, message) = found(&config).remove(0);
    assert_eq!((severity, path.as_str()), (Severity::Warning, "model_list[0].litellm_params.api_bse"));
    assert_eq!(message, "\"api_bse\" is sent upstream as a field of the request; did you mean \"api_base\"?");
    assert_eq!(found(&config).len(), 1);
}

#[test]
fn a_fallback_must_lead_somewhere() {
    let config = |target: Value| {
        let mut config = one(&json!({}));
        config["router_settings"] = json!({"fallbacks": [{"gpt-4o": [target]}]});
        config
    };
    let path = "router_settings.fallbacks[0].gpt-4o[0]";
    assert_eq!(
        found(&config(json!("gpt-4"))),
        [(
            Severity::Error,
            path.to_owned(),
            "the fallback is \"gpt-4\", which is no model group; did you mean \"gpt-4o\"?".to_owned()
        )]
    );
    assert_eq!(found(&config(json!({"model": "gpt-4"})))[0].1, path);
    for good in [json!("openai/o3"), json!("gpt-4o"), json!({"model": "groq/llama-3.3-70b"})] {
        assert_eq!(found(&config(good.clone())), [], "{good}");
    }
    let mut wild = config(json!("anything"));
    wild["model_list"] = json!([{"model_name": "*", "litellm_params": {"model": "openai/*"}}]);
    assert_eq!(found(&wild), []);
}

#[test]
fn no_finding_and_no_debug_output_holds_a_credential() {
    let config = json!({
        "model_list": [{"model_name": "m", "litellm_params": {"model": "openai/m", "api_key": "sk-secret-1"}}],
        "credential_list": [{"credential_name": "c", "credential_values": {"api_key": "sk-secret-2"}}],
        "environment_variables": {"KEY": "sk-secret-3"},
        "general_settings": {"master_key": "sk-secret-4", "database_url": "postgres://u:sk-secret-5@h"},
    });
    let findings = format!("{:?}", check(&config.to_string()));
    let debug = format!("{:?}", Config::read(&config.to_string()).unwrap());
    assert!(!findings.contains("sk-secret") && !debug.contains("sk-secret"), "{findings} {debug}");
    let wrong =
        json!({"general_settings": {"master_key": ["sk-secret"]}, "environment_variables": {"A": ["sk-secret"]}});
    assert!(!format!("{:?}", check(&wrong.to_string())).contains("sk-secret"));
}

#[test]
fn a_finding_is_json_for_the_shells() {
    let findings = check(&json!({"general_settings": {"master_key": ""}}).to_string());
    assert_eq!(
        serde_json::to_value(&findings[0]).unwrap(),
        json!({
            "severity": "error",
            "path": "general_settings.master_key",
            "message": "`master_key` is empty: give a key, or take the line out to run without one",
        })
    );
}
