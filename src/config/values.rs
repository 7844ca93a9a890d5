//! Values that cannot be meant: mistaken references to variables, durations and budgets that nobody can read.

use serde_json::{Map, Value};

use super::finding::Finding;
use super::section::{ENVIRON, reference};

/// Fields whose text is the user's own, and may look like anything.
const TEXT: &[&str] = &["mock_response", "description", "litellm_system_prompt"];

/// Checks every value of the document, however deep.
pub(super) fn check(document: &Map<String, Value>, findings: &mut Vec<Finding>) {
    for (name, value) in document {
        field(name, name, value, findings);
    }
}

fn field(path: &str, name: &str, value: &Value, findings: &mut Vec<Finding>) {
    match value {
        _ if TEXT.contains(&name) => {}
        Value::Object(map) => {
            for (name, value) in map {
                field(&format!("{path}.{name}"), name, value, findings);
            }
        }
        Value::Array(items) => {
            for (i, item) in items.iter().enumerate() {
                field(&format!("{path}[{i}]"), name, item, findings);
            }
        }
        Value::Null => {}
        value => findings.extend(wrong(name, value).map(|message| Finding::error(path, message))),
    }
}

/// What is wrong with a value that is neither a list nor a map.
fn wrong(name: &str, value: &Value) -> Option<String> {
    let text = value.as_str();
    if let Some(text) = text.filter(|text| text.starts_with(ENVIRON)) {
        let message = "`os.environ/` names no variable: write `os.environ/NAME`";
        return reference(text).is_none().then(|| message.to_owned());
    }
    if let Some(variable) = text.and_then(mistaken) {
        return Some(format!(
            "`{name}` looks like a reference to the variable {variable}, and is taken as it stands: \
             write `{ENVIRON}{variable}`"
        ));
    }
    if name.ends_with("budget_duration") || name == "time_period" {
        let message = format!("`{name}` must be a number and a unit: 30s, 15m, 24h, 7d, 4w or 1mo");
        return (!text.is_some_and(is_duration)).then_some(message);
    }
    if name.ends_with("max_budget") || name == "budget_limit" {
        let good = number(value).is_some_and(|budget| budget >= 0.0 && budget.is_finite());
        return (!good).then(|| format!("`{name}` must be a number of US dollars, 0 or more"));
    }
    None
}

/// The variable that a literal was meant to refer to.
fn mistaken(text: &str) -> Option<&str> {
    const STARTS: &[(&str, &str)] = &[
        ("os.environ.get(", ")"),
        ("os.environ.", ""),
        ("os.environ[", "]"),
        ("os.environ:", ""),
        ("os.environ ", ""),
        ("os.getenv(", ")"),
        ("os.env/", ""),
        ("os.enviro/", ""),
        ("os.environment/", ""),
        ("environ/", ""),
        ("env/", ""),
        ("env:", ""),
        ("process.env.", ""),
        ("${{", "}}"),
        ("${", "}"),
        ("{{", "}}"),
        ("$", ""),
        ("%", "%"),
    ];
    let text = text.trim();
    STARTS.iter().find_map(|(start, end)| {
        let inner = text.strip_prefix(start)?.strip_suffix(end)?;
        let name = inner.trim().trim_matches(['"', '\'']).trim();
        let name = name.rsplit('.').next().unwrap_or(name);
        is_variable(name).then_some(name)
    })
}

/// Whether a text can be the name of a variable as people write them: capitals, digits, underscores.
fn is_variable(name: &str) -> bool {
    name.len() > 1
        && name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_')
        && name.bytes().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == b'_')
}

/// LiteLLM's durations: `30s`, `15m`, `24h`, `7d`, `4w`, `1mo`; without a unit, seconds.
fn is_duration(text: &str) -> bool {
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit());
    unit.len() < text.len() && ["", "s", "m", "h", "d", "w", "mo"].contains(&unit)
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| crate::json::number(value.as_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistaken_references_are_told_from_values() {
        for text in [
            "os.environ.KEY_1",
            "os.environ['KEY_1']",
            "os.environ.get(\"KEY_1\")",
            "$KEY_1",
            "${KEY_1}",
            "env/KEY_1",
            "process.env.KEY_1",
            "{{ env.KEY_1 }}",
            "%KEY_1%",
        ] {
            assert_eq!(mistaken(text), Some("KEY_1"), "{text}");
        }
        for text in ["sk-1234", "$5", "$", "", "%", "100%", "environment", "$lower", "os.environ/KEY_1"] {
            assert_eq!(mistaken(text), None, "{text}");
        }
    }

    #[test]
    fn durations_have_a_number_and_a_unit() {
        for good in ["1d", "30s", "15m", "24h", "4w", "1mo", "60"] {
            assert!(is_duration(good), "{good}");
        }
        for bad in ["", "d", "1 day", "1y", "-1d", "1.5h", "daily"] {
            assert!(!is_duration(bad), "{bad}");
        }
    }
}
