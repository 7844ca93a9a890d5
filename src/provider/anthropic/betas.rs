//! Names of beta features: which ones a request needs, for the `anthropic-beta` header.

use crate::sorted::SortedSet;
use serde_json::{Map, Value};

/// Requests with the token of a signed-in user.
pub(super) const OAUTH: &str = "oauth-2025-04-20";
/// Files by their id.
pub(super) const FILES: &str = "files-api-2025-04-14";

/// Beta features, sorted, so that the same request always has the same header.
#[derive(Clone, Debug, Default)]
pub(in crate::provider) struct Betas(SortedSet<String>);

impl Betas {
    /// Adds a feature.
    pub(in crate::provider) fn add(&mut self, name: &str) {
        self.0.insert(name.to_owned());
    }

    /// Adds the features of a header: names with commas between.
    pub(in crate::provider) fn add_list(&mut self, list: &str) {
        self.0.extend(list.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned));
    }

    /// The features' names.
    pub(in crate::provider) fn names(&self) -> Vec<Value> {
        self.0.iter().map(|name| name.as_str().into()).collect()
    }

    /// The header's value; `None` without a feature.
    pub(super) fn header(&self) -> Option<String> {
        let names: Vec<&str> = self.0.iter().map(String::as_str).collect();
        (!names.is_empty()).then(|| names.join(","))
    }

    /// Adds what a finished body needs. Only features that are still in beta are named: what became general
    /// (structured outputs, effort, web fetch, code execution, memory, tool search) needs no header any more.
    pub(in crate::provider) fn add_for(&mut self, body: &Map<String, Value>) {
        for tool in body.get("tools").and_then(Value::as_array).into_iter().flatten() {
            self.add_for_tool(tool.get("type").and_then(Value::as_str).unwrap_or_default());
        }
        if body.contains_key("mcp_servers") && !self.0.iter().any(|name| name.starts_with("mcp-client-")) {
            // Servers without a toolset beside them are in the older form.
            self.add("mcp-client-2025-04-04");
        }
        if let Some(management) = body.get("context_management") {
            self.add_for_edits(management);
        }
        if body.contains_key("compaction") {
            self.add("compact-2026-09-04");
        }
        if body.contains_key("speed") {
            self.add("fast-mode-2026-02-01");
        }
        if body.get("output_config").is_some_and(|config| config.get("task_budget").is_some()) {
            self.add("task-budgets-2026-03-13");
        }
        if body.get("container").is_some_and(|container| container.get("skills").is_some()) {
            self.add("skills-2025-10-02");
        }
    }

    fn add_for_tool(&mut self, kind: &str) {
        match kind {
            "computer_20241022" => self.add("computer-use-2024-10-22"),
            "computer_20250124" => self.add("computer-use-2025-01-24"),
            "computer_20251124" => self.add("computer-use-2025-11-24"),
            "mcp_toolset" => self.add("mcp-client-2025-11-20"),
            kind if kind.starts_with("advisor_") => self.add("advisor-tool-2026-03-01"),
            _ => {}
        }
    }

    fn add_for_edits(&mut self, management: &Value) {
        let edits = management.get("edits").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let compacts =
            |edit: &Value| edit.get("type").and_then(Value::as_str).is_some_and(|kind| kind.starts_with("compact_"));
        if edits.iter().any(compacts) {
            self.add("compact-2026-01-12");
        }
        if edits.is_empty() || !edits.iter().all(compacts) {
            self.add("context-management-2025-06-27");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn header(body: &Value) -> Option<String> {
        let mut betas = Betas::default();
        betas.add_for(body.as_object().unwrap());
        betas.header()
    }

    #[test]
    fn features_name_their_beta_and_general_ones_none() {
        for (body, want) in [
            (json!({"tools": [{"type": "web_fetch_20250910"}, {"type": "code_execution_20250825"}]}), None),
            (json!({"tools": [{"type": "computer_20250124"}]}), Some("computer-use-2025-01-24")),
            (json!({"mcp_servers": [], "tools": [{"type": "mcp_toolset"}]}), Some("mcp-client-2025-11-20")),
            (json!({"mcp_servers": []}), Some("mcp-client-2025-04-04")),
            (json!({"context_management": {"edits": [{"type": "compact_20260112"}]}}), Some("compact-2026-01-12")),
            (
                json!({"context_management": {"edits": [{"type": "compact_20260112"}, {"type": "clear_thinking_1"}]}}),
                Some("compact-2026-01-12,context-management-2025-06-27"),
            ),
            (json!({"speed": "fast", "container": {"skills": []}}), Some("fast-mode-2026-02-01,skills-2025-10-02")),
        ] {
            assert_eq!(header(&body).as_deref(), want, "{body}");
        }
    }
}
