//! JSON into a [`Config`].

use std::borrow::Cow;
use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Map, Value};

use super::deployment::{self, Surroundings};
use super::finding::Finding;
use super::section::{Reading, Section};
use super::{Config, Deployment, GeneralSettings, Setting, router};

/// Largest `max_request_size_mb`: what a Worker may hold in memory, 128 MB.
const LARGEST_REQUEST_MB: u64 = 128;

impl Config {
    /// Reads a configuration: what YAML readers make of LiteLLM's `config.yaml`, as JSON. Every section may be missing.
    ///
    /// A field that says `os.environ/NAME` is a [`Setting`] where it holds a credential or an address; elsewhere the name
    /// is looked up in `environment_variables`, and the field counts as absent where that does not set it.
    ///
    /// # Errors
    ///
    /// Not JSON, a section or field of another type than it must be, a required field that is missing, a provider that
    /// nobody knows, two deployments with one id: all of them at once, each with its path. Warnings are for
    /// [`check`](super::check).
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
    let general = general(&part("general_settings"), &litellm);
    let credentials = credentials(root);
    let defaults = routing.section("default_litellm_params");
    let around = Surroundings {
        credentials: &credentials,
        defaults: defaults.as_ref().map(|section| &*section.map),
        general: &general,
    };
    let deployments = deployments(root, &around);
    Config { deployments, router: router::read(&routing, &litellm), general, ..Config::default() }
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

/// `general_settings`, and what is as general in `litellm_settings`.
fn general(general: &Section<'_>, litellm: &Section<'_>) -> GeneralSettings {
    let master_key = general.setting("master_key");
    if matches!(&master_key, Some(Setting::Literal(key)) if key.trim().is_empty()) {
        general.error("master_key", "`master_key` is empty: give a key, or take the line out to run without one");
    }
    let largest = general.count("max_request_size_mb", LARGEST_REQUEST_MB);
    GeneralSettings {
        master_key,
        cors_origins: general.strings("cors_origins"),
        max_request_bytes: largest.map(|mb| (mb as usize) << 20),
        key_header: general.string("litellm_key_header_name").map(|name| name.to_ascii_lowercase()),
        drop_params: litellm.flag("drop_params").unwrap_or_default(),
        modify_params: litellm.flag("modify_params").unwrap_or_default(),
    }
}

/// `credential_list`: each credential's name and values.
fn credentials(root: &Section<'_>) -> Vec<(String, Map<String, Value>)> {
    let mut credentials = Vec::new();
    for entry in root.sections("credential_list") {
        let Some(name) = entry.string("credential_name") else {
            entry.error("credential_name", "`credential_name` is missing: give the name that deployments refer to");
            continue;
        };
        let values = entry.section("credential_values").map(|values| values.map.into_owned());
        credentials.push((name, values.unwrap_or_default()));
    }
    credentials
}

/// `model_list`. An id is given once; entries that are the same but for a literal credential are numbered.
fn deployments(root: &Section<'_>, around: &Surroundings<'_>) -> Vec<Rc<Deployment>> {
    let mut deployments: Vec<Rc<Deployment>> = Vec::new();
    for entry in root.sections("model_list") {
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
