//! JSON into a [`Config`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::deployment::{self, Surroundings};
use super::finding::Finding;
use super::limits::Rules;
use super::section::{Reading, Section};
use super::{Config, Deployment, Setting, custom, general, router, task};
use crate::router::task::Named;

impl Config {
    /// Reads a configuration: what YAML readers make of LiteLLM's `config.yaml`, as JSON. Every section may be missing.
    ///
    /// A field that says `os.environ/NAME` is a [`Setting`] where it holds a credential or an address; elsewhere the
    /// name is looked up in `environment_variables`, and the field counts as absent where that does not set it.
    ///
    /// # Errors
    ///
    /// Not JSON, a section or field of another type than it must be, a required field that is missing, a provider that
    /// nobody knows, two deployments with one id: all of them at once, each with its path. Warnings are for
    /// [`check`](super::check).
    ///
    /// ```
    /// use tollgate::config::Config;
    ///
    /// let json = r#"{"model_list": [{"model_name": "fast", "litellm_params": {"model": "openai/gpt-4o-mini"}}]}"#;
    /// let config = Config::read(json).unwrap();
    /// assert_eq!(config.deployments_for("fast")[0].model, "gpt-4o-mini");
    ///
    /// let errors = Config::read(&json.replace("openai/", "opnai/")).unwrap_err();
    /// assert_eq!(errors[0].path, "model_list[0].litellm_params.model");
    /// assert_eq!(errors[0].message, r#"unknown provider "opnai"; did you mean "openai"?"#);
    /// ```
    pub fn read(json: &str) -> Result<Self, Vec<Finding>> {
        Self::read_with(json, &|_| None)
    }

    /// As [`Config::read`], and looks names that `environment_variables` does not set up in `environment`.
    ///
    /// # Errors
    ///
    /// As [`Config::read`].
    pub fn read_with(json: &str, environment: &dyn Fn(&str) -> Option<String>) -> Result<Self, Vec<Finding>> {
        let document = document(json).map_err(|finding| vec![finding])?;
        let (config, mut findings) = read(&document, environment);
        if findings.iter().any(Finding::is_error) {
            findings.retain(Finding::is_error);
            return Err(findings);
        }
        Ok(config)
    }
}

/// The document as a JSON object.
pub(super) fn document(json: &str) -> Result<Map<String, Value>, Finding> {
    let whole = |message: String| Finding::error("", message);
    match serde_json::from_str(json) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(whole("the configuration must be a map with `model_list` and the like".to_owned())),
        Err(error) => Err(whole(format!("the configuration is not JSON: {error}"))),
    }
}

/// Reads a document, and notes what is wrong with what is read.
pub(super) fn read(
    document: &Map<String, Value>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> (Config, Vec<Finding>) {
    let mut reading =
        Reading { findings: RefCell::default(), variables: RefCell::default(), own: Vec::new(), environment };
    let own = variables(&Section { path: String::new(), map: Cow::Borrowed(document), reading: &reading });
    reading.own = own;
    let mut config = sections(&Section { path: String::new(), map: Cow::Borrowed(document), reading: &reading });
    config.environment = reading.own;
    config.variables = reading.variables.into_inner();
    (config, reading.findings.into_inner())
}

/// Everything but `environment_variables`.
fn sections(root: &Section<'_>) -> Config {
    let part = |name: &str| {
        let missing = || Section { path: name.to_owned(), map: Cow::Owned(Map::new()), reading: root.reading };
        root.section(name).unwrap_or_else(missing)
    };
    let (routing, litellm) = (part("router_settings"), part("litellm_settings"));
    let general = general::read(&part("general_settings"), &litellm, &routing);
    let credentials = credentials(root);
    let custom_providers = custom::read(root);
    let defaults = routing.section("default_litellm_params");
    let around = Surroundings {
        credentials: &credentials,
        defaults: defaults.as_ref().map(|section| &*section.map),
        general: &general,
        providers: &custom_providers,
        rules: Rules::read(&routing),
    };
    let mut tasks = Vec::new();
    let deployments = deployments(root, &around, &mut tasks);
    let mut router = router::read(&routing, &litellm, &custom_providers);
    router.tasks.append(&mut tasks);
    Config { deployments, router, general, custom_providers, ..Config::default() }
}

/// `environment_variables`.
fn variables(root: &Section<'_>) -> Vec<(String, Setting)> {
    let Some(section) = root.section("environment_variables") else { return Vec::new() };
    let read = |(name, value): (&String, &Value)| {
        let setting = match value {
            Value::Null => return None,
            Value::Number(number) => Setting::Literal(number.to_string()),
            Value::Bool(flag) => Setting::Literal(flag.to_string()),
            _ => section.setting(name)?,
        };
        Some((name.clone(), setting))
    };
    section.map.iter().filter_map(read).collect()
}

/// `credential_list`: each credential's name and values.
fn credentials(root: &Section<'_>) -> Vec<(String, Map<String, Value>)> {
    let mut credentials = Vec::new();
    for entry in root.sections("credential_list") {
        let Some(name) = entry.required("credential_name", "give the name that deployments refer to") else { continue };
        let values = entry.section("credential_values").map(|values| values.map.into_owned());
        credentials.push((name, values.unwrap_or_default()));
    }
    credentials
}

/// `model_list`. An id is given once; entries that are the same but for a literal credential are numbered. Entries that
/// choose among other models go to `tasks`.
fn deployments(root: &Section<'_>, around: &Surroundings<'_>, tasks: &mut Vec<Named>) -> Vec<Rc<Deployment>> {
    let mut deployments: Vec<Rc<Deployment>> = Vec::new();
    for entry in root.sections("model_list") {
        if task::take_entry(&entry, tasks) {
            continue;
        }
        let Some(mut deployment) = deployment::read(&entry, around) else { continue };
        let taken = |id: &str| deployments.iter().any(|other| other.id == id);
        if taken(&deployment.id) {
            if deployment.model_info.contains_key("id") {
                let message = format!("two deployments have the id `{}`: each needs its own", deployment.id);
                entry.error("model_info.id", message);
            } else {
                let hash = std::mem::take(&mut deployment.id);
                let mut id = (2_usize..).map(|n| format!("{hash}-{n}"));
                deployment.id = id.find(|id| !taken(id)).unwrap_or(hash);
            }
        }
        deployments.push(Rc::new(deployment));
    }
    deployments
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(config: &Value) -> Config {
        Config::read(&config.to_string()).unwrap_or_else(|findings| panic!("{findings:?}"))
    }

    fn deployment(params: &Value) -> Rc<Deployment> {
        let mut all = json!({"model": "openai/m"});
        all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
        Rc::clone(&read(&json!({"model_list": [{"model_name": "m", "litellm_params": all}]})).deployments[0])
    }

    #[test]
    fn times_are_seconds_and_numbers_may_be_strings() {
        let deployment = deployment(&json!({
            "timeout": "30", "stream_timeout": 2.5, "rpm": "60", "tpm": 1e5, "weight": "0.25", "max_retries": 1,
            "drop_params": "True", "temperature": 0.5, "extra_body": {"k": [1]}, "order": 2, "input_cost_per_token": 1,
        }));
        assert_eq!((deployment.timeout_ms, deployment.stream_timeout_ms), (Some(30_000), Some(2500)));
        assert_eq!((deployment.rpm, deployment.tpm, deployment.weight), (Some(60), Some(100_000), Some(0.25)));
        assert_eq!((deployment.num_retries, deployment.settings.drop_params), (Some(1), true));
        // What steers the gateway is no field of the request.
        let bytes = deployment.defaults.to_bytes();
        assert_eq!(String::from_utf8(bytes).unwrap(), r#"{"temperature":0.5,"extra_body":{"k":[1]}}"#);
    }

    #[test]
    fn the_router_wins_over_the_module_and_fallbacks_are_joined() {
        let config = read(&json!({
            "router_settings": {
                "num_retries": 1, "timeout": 60, "retry_after": 0.5,
                "fallbacks": [{"a": ["b", {"model": "c", "x": 1}]}],
                "model_group_alias": {"g": "a"},
                "retry_policy": {"RateLimitErrorRetries": 3, "TimeoutError": 0, "DefaultRetries": 1},
            },
            "litellm_settings": {
                "num_retries": 5, "request_timeout": 10, "fallbacks": [{"d": "e"}, {"a": ["z"]}], "max_fallbacks": 2,
                "default_fallbacks": ["f"], "context_window_fallbacks": [],
            },
        }));
        let strings = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let router = config.router;
        assert_eq!((router.num_retries, router.max_fallbacks), (Some(1), Some(2)));
        assert_eq!(
            (router.timeout_ms, router.request_timeout_ms, router.retry_after_ms),
            (Some(60_000), Some(10_000), 500)
        );
        let joined = [("a", strings(&["b", "c"])), ("d", strings(&["e"])), ("a", strings(&["z"]))];
        assert_eq!(router.fallbacks, joined.map(|(group, targets)| (group.to_owned(), targets)));
        assert_eq!(router.default_fallbacks, ["f"]);
        // Set and empty is not the same as not set: LiteLLM then does not fall through to `fallbacks`.
        assert_eq!((router.context_window_fallbacks, router.content_policy_fallbacks), (Some(Vec::new()), None));
        let policy = [("RateLimitErrorRetries", 3), ("TimeoutError", 0), ("DefaultRetries", 1)];
        assert_eq!(router.retry_policy, policy.map(|(class, retries)| (class.to_owned(), retries)));
    }

    #[test]
    fn a_model_may_stand_in_a_variable() {
        let config = json!({"model_list": [{"model_name": "m", "litellm_params": {"model": "os.environ/MODEL"}}]});
        let set = |_: &str| Some("openai/gpt-4o".to_owned());
        assert_eq!(Config::read_with(&config.to_string(), &set).unwrap().deployments[0].model, "gpt-4o");
        // Left out, and named: its fallbacks may still answer.
        let config = read(&config);
        assert!(config.deployments.is_empty());
        assert_eq!(config.unset(&|_| None)[0].path, "model_list[0].litellm_params.model");
        assert!(config.unset(&set).is_empty());
    }

    #[test]
    fn a_time_of_nothing_is_no_time() {
        assert_eq!(deployment(&json!({"timeout": 0, "stream_timeout": "0.0"})).timeout_ms, None);
    }

    #[test]
    fn credentials_and_defaults_complete_a_deployment() {
        let config = read(&json!({
            "credential_list": [
                {"credential_name": "c", "credential_values": {"api_key": "os.environ/KEY", "api_base": "http://a"}},
            ],
            "router_settings": {"default_litellm_params": {"temperature": 0, "api_base": "http://d", "timeout": 5}},
            "model_list": [{
                "model_name": "m",
                "litellm_params": {"model": "openai/m", "litellm_credential_name": "c", "timeout": 7},
            }],
        }));
        let deployment = &config.deployments[0];
        assert_eq!(deployment.api_key, Some(Setting::Variable("KEY".to_owned())));
        assert_eq!(deployment.api_base, Some(Setting::Literal("http://a".to_owned())));
        assert_eq!(deployment.timeout_ms, Some(7000));
        assert_eq!(deployment.defaults.get::<f64>("temperature").unwrap(), Some(0.0));
    }

    #[test]
    fn variables_are_named_with_their_places_and_never_sent_as_they_stand() {
        let json = json!({
            "environment_variables": {"VERSION": "2024-06-01", "OTHER": "os.environ/REAL"},
            "general_settings": {"master_key": "os.environ/MASTER"},
            "model_list": [{"model_name": "m", "litellm_params": {
                "model": "azure/m", "api_key": "os.environ/KEY", "api_version": "os.environ/VERSION",
                "organization": "os.environ/OTHER", "rpm": "os.environ/RPM", "user": "os.environ/UNSET",
                "extra_headers": {"X-A": "os.environ/VERSION", "x-b": "os.environ/UNSET"},
                "stop": ["os.environ/UNSET", "x"],
            }}],
        })
        .to_string();
        let environment = |name: &str| match name {
            "REAL" => Some("org".to_owned()),
            "RPM" => Some("60".to_owned()),
            _ => None,
        };
        let config = Config::read_with(&json, &environment).unwrap();
        let deployment = &config.deployments[0];
        assert_eq!(deployment.settings.api_version.as_deref(), Some("2024-06-01"));
        assert_eq!((deployment.settings.organization.as_deref(), deployment.rpm), (Some("org"), Some(60)));
        assert_eq!(deployment.settings.extra_headers.iter().collect::<Vec<_>>(), [("x-a", "2024-06-01")]);
        assert_eq!(deployment.defaults.to_bytes(), br#"{"stop":["x"]}"#);
        assert_eq!(
            config.general.master_key.as_ref().unwrap().resolve(|name| Some(name.to_lowercase())).unwrap(),
            "master"
        );
        let named = |name: &str| config.variables.iter().any(|variable| variable.name == name);
        assert!(["REAL", "MASTER", "KEY", "VERSION", "OTHER", "RPM", "UNSET"].into_iter().all(named));
        let at = config.variables.iter().find(|variable| variable.name == "KEY").unwrap();
        assert_eq!(at.path, "model_list[0].litellm_params.api_key");
        assert_eq!(config.variables.iter().filter(|variable| variable.name == "KEY").count(), 1);
    }
}
