//! Names that refer to model groups: fallbacks and aliases must lead somewhere.

use serde_json::{Map, Value};

use super::finding::Finding;
use super::{Config, suggest};
use crate::router::task::Task;

/// Sections that may hold fallbacks and aliases.
const SECTIONS: [&str; 2] = ["router_settings", "litellm_settings"];

/// Lists of maps from a group to groups.
const LISTS: [&str; 3] = ["fallbacks", "context_window_fallbacks", "content_policy_fallbacks"];

/// Checks every fallback and alias of a document. Without any `model_list` it is a part of a configuration, and the
/// rest may hold the groups: then it is a warning.
pub(super) fn check(document: &Map<String, Value>, config: &Config, findings: &mut Vec<Finding>) {
    let mut references = References { config, findings };
    for named in &config.router.tasks {
        let place = match named.task {
            Task::Complexity(_) => "model_list",
            Task::Rules(_) => "router_settings.task_routing",
            Task::Split(_) => "router_settings.traffic_split",
        };
        for model in named.task.models() {
            let what = format!("`{}` leads to", named.name);
            references.target(format!("{place}.{}.{model}", named.name), &what, &Value::from(model));
        }
    }
    super::shadow::check(config, references.findings);
    super::hedging::check(config, references.findings);
    for section in SECTIONS {
        let Some(Value::Object(map)) = document.get(section) else { continue };
        for name in LISTS {
            for (i, entry) in list(map.get(name)).iter().enumerate() {
                for (group, targets) in entry.as_object().into_iter().flatten() {
                    let path = format!("{section}.{name}[{i}].{group}");
                    references.source(&path, group);
                    references.targets(&path, targets);
                }
            }
        }
        if let Some(targets) = map.get("default_fallbacks") {
            references.targets(&format!("{section}.default_fallbacks"), targets);
        }
        for (alias, target) in map.get("model_group_alias").and_then(Value::as_object).into_iter().flatten() {
            references.target(format!("{section}.model_group_alias.{alias}"), "the alias stands for", target);
        }
    }
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

struct References<'a> {
    config: &'a Config,
    findings: &'a mut Vec<Finding>,
}

impl References<'_> {
    /// A group that has fallbacks.
    fn source(&mut self, path: &str, group: &str) {
        if group != "*" && !self.config.deployments.is_empty() && !self.leads(group) {
            let message = format!("no model group is called \"{group}\"{}", self.hint(group));
            self.findings.push(Finding::warning(path, message));
        }
    }

    /// The fallbacks of a group.
    fn targets(&mut self, path: &str, targets: &Value) {
        for (i, target) in list(Some(targets)).iter().enumerate() {
            self.target(format!("{path}[{i}]"), "the fallback is", target);
        }
        if targets.is_string() {
            self.target(path.to_owned(), "the fallback is", targets);
        }
    }

    fn target(&mut self, path: String, what: &str, target: &Value) {
        let name = target.as_str().or_else(|| target.get("model")?.as_str());
        let Some(name) = name.filter(|name| !name.starts_with("os.environ/") && !self.leads(name)) else { return };
        let message = format!("{what} \"{name}\", which is no model group{}", self.hint(name));
        self.findings.push(if self.config.deployments.is_empty() {
            Finding::warning(path, format!("{message}: add it to model_list"))
        } else {
            Finding::error(path, message)
        });
    }

    /// Whether anything answers a request for `model`, now or in a later version.
    fn leads(&self, model: &str) -> bool {
        let config = self.config;
        !config.deployments_for(model).is_empty() || config.waiting_for(model).is_some() || config.task(model).is_some()
    }

    fn hint(&self, name: &str) -> String {
        suggest::hint(name, self.config.deployments.iter().map(|deployment| deployment.model_name.as_str()))
    }
}
