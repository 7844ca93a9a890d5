//! One object of the configuration: typed reads that resolve `os.environ/NAME` and note what is wrong, with its path.

use std::borrow::Cow;
use std::cell::RefCell;

use serde_json::{Map, Value};

use super::finding::Finding;
use super::{Setting, Variable};

/// How LiteLLM refers to a variable of the environment.
pub(super) const ENVIRON: &str = "os.environ/";

/// Longest time that a setting may ask for: a year, in seconds. Longer ones are slips of the unit.
const LONGEST_SECONDS: f64 = 365.0 * 86_400.0;

/// What a whole reading shares: the findings, the variables that were named, and the environment.
pub(super) struct Reading<'a> {
    /// What was found so far.
    pub findings: RefCell<Vec<Finding>>,
    /// Which variables were named so far, and where.
    pub variables: RefCell<Vec<Variable>>,
    /// `environment_variables` of the configuration.
    pub own: Vec<(String, Setting)>,
    /// The environment around.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
}

impl Reading<'_> {
    /// Notes a finding.
    fn note(&self, finding: Finding) {
        self.findings.borrow_mut().push(finding);
    }

    fn named(&self, path: String, name: &str) {
        self.variables.borrow_mut().push(Variable { path, name: name.to_owned() });
    }

    /// `value` with every `os.environ/NAME` in it replaced; `None` where that leaves nothing. A name that is not set
    /// takes its field with it, so that the reference itself never goes upstream.
    pub(super) fn resolved(&self, value: &Value, path: &str) -> Option<Value> {
        match value {
            Value::String(text) => match reference(text) {
                None => Some(value.clone()),
                Some(name) => {
                    self.named(path.to_owned(), name);
                    lookup(&self.own, name, self.environment).map(Value::String)
                }
            },
            Value::Array(items) => {
                let items = items.iter().enumerate();
                Some(Value::Array(items.filter_map(|(i, item)| self.resolved(item, &format!("{path}[{i}]"))).collect()))
            }
            Value::Object(map) => {
                let fields = map
                    .iter()
                    .filter_map(|(name, value)| Some((name.clone(), self.resolved(value, &format!("{path}.{name}"))?)));
                Some(Value::Object(fields.collect()))
            }
            _ => Some(value.clone()),
        }
    }
}

/// The value of a variable: `own`, which is `environment_variables`, wins over the environment around.
pub(super) fn lookup(
    own: &[(String, Setting)],
    name: &str,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    match own.iter().find(|(own, _)| own == name) {
        Some((_, Setting::Literal(value))) => Some(value.clone()),
        Some((_, Setting::Variable(other))) => environment(other),
        None => environment(name),
    }
}

/// The variable that a string refers to.
pub(super) fn reference(text: &str) -> Option<&str> {
    text.strip_prefix(ENVIRON).map(str::trim).filter(|name| !name.is_empty())
}

/// A JSON type in words, with its article.
pub(super) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}

/// An object of the configuration, its path, and the reading that it belongs to.
#[derive(Clone)]
pub(super) struct Section<'a> {
    /// Where it stands.
    pub path: String,
    /// Its fields.
    pub map: Cow<'a, Map<String, Value>>,
    /// What the whole reading shares.
    pub reading: &'a Reading<'a>,
}

impl<'a> Section<'a> {
    /// The path of a field.
    pub(super) fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    /// Notes an error at a field.
    pub(super) fn error(&self, name: &str, message: impl Into<String>) {
        self.reading.note(Finding::error(self.at(name), message));
    }

    /// Notes a warning at a field.
    pub(super) fn warning(&self, name: &str, message: impl Into<String>) {
        self.reading.note(Finding::warning(self.at(name), message));
    }

    /// A field as it stands; `null` counts as absent.
    pub(super) fn raw(&self, name: &str) -> Option<&Value> {
        self.map.get(name).filter(|value| !value.is_null())
    }

    /// A field with its variables resolved.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        self.raw(name).and_then(|value| self.reading.resolved(value, &self.at(name)))
    }

    fn wrong<T>(&self, name: &str, wanted: &str, value: &Value) -> Option<T> {
        self.error(name, format!("`{name}` must be {wanted}, not {}", type_of(value)));
        None
    }

    /// A string.
    pub(super) fn string(&self, name: &str) -> Option<String> {
        match self.value(name)? {
            Value::String(text) => Some(text),
            other => self.wrong(name, "a string", &other),
        }
    }

    /// A string without which nothing can be done: `mend` says how to give it.
    pub(super) fn required(&self, name: &str, mend: &str) -> Option<String> {
        let text = self.string(name).filter(|text| !text.trim().is_empty());
        match self.raw(name) {
            _ if text.is_some() => {}
            Some(Value::String(set)) if reference(set).is_some() => {
                self.warning(
                    name,
                    format!("`{name}` is in a variable that is not set here: without it, this entry is left out"),
                );
            }
            None | Some(Value::String(_)) => self.error(name, format!("`{name}` is missing: {mend}")),
            // Of another type: that is said already.
            Some(_) => {}
        }
        text
    }

    /// A string that may be left in the environment until it is needed.
    pub(super) fn setting(&self, name: &str) -> Option<Setting> {
        match self.raw(name)? {
            Value::String(text) => {
                let setting = Setting::from(text.as_str());
                if let Setting::Variable(variable) = &setting {
                    self.reading.named(self.at(name), variable);
                }
                Some(setting)
            }
            other => self.wrong(name, "a string (put it in quotes)", other),
        }
    }

    /// A number that is not negative, as itself or in a string.
    pub(super) fn number(&self, name: &str, wanted: &str) -> Option<f64> {
        let value = self.value(name)?;
        let number = match &value {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => crate::json::number(text),
            other => return self.wrong(name, wanted, other),
        };
        let number = number.filter(|number: &f64| number.is_finite() && *number >= 0.0);
        if number.is_none() {
            self.error(name, format!("`{name}` must be {wanted}"));
        }
        number
    }

    /// A whole number from 0 to `most`.
    pub(super) fn count(&self, name: &str, most: u64) -> Option<u64> {
        let number = self.number(name, "a whole number, 0 or more")?;
        if number.fract() != 0.0 || number > most as f64 {
            self.error(name, format!("`{name}` must be a whole number from 0 to {most}"));
            return None;
        }
        Some(number as u64)
    }

    /// A time in seconds, as milliseconds; never 0.
    pub(super) fn seconds(&self, name: &str) -> Option<u64> {
        let seconds = self.number(name, "a number of seconds such as 30 or 2.5")?;
        if seconds > LONGEST_SECONDS {
            self.error(name, format!("`{name}` is in seconds: more than a year cannot be meant"));
            return None;
        }
        // LiteLLM takes 0 as not set.
        Some((seconds * 1000.0).round() as u64).filter(|&ms| ms > 0)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        match self.value(name)? {
            Value::Bool(flag) => Some(flag),
            Value::String(text) if text.eq_ignore_ascii_case("true") => Some(true),
            Value::String(text) if text.eq_ignore_ascii_case("false") => Some(false),
            other => self.wrong(name, "true or false", &other),
        }
    }

    /// A list of strings; one string alone is a list of one.
    pub(super) fn strings(&self, name: &str) -> Vec<String> {
        match self.value(name) {
            None => Vec::new(),
            Some(Value::String(text)) => vec![text],
            Some(Value::Array(items)) => {
                let mut strings = Vec::with_capacity(items.len());
                for (i, item) in items.into_iter().enumerate() {
                    match item {
                        Value::String(text) => strings.push(text),
                        other => {
                            let message = format!("`{name}` is a list of strings: this is {}", type_of(&other));
                            self.error(&format!("{name}[{i}]"), message);
                        }
                    }
                }
                strings
            }
            Some(other) => self.wrong(name, "a list of strings", &other).unwrap_or_default(),
        }
    }

    /// An object.
    pub(super) fn section<'s>(&'s self, name: &str) -> Option<Section<'s>>
    where
        'a: 's,
    {
        match self.raw(name)? {
            Value::Object(map) => Some(Section { path: self.at(name), map: Cow::Borrowed(map), reading: self.reading }),
            other => self.wrong(name, "a map", other),
        }
    }

    /// A list.
    pub(super) fn list(&self, name: &str) -> &[Value] {
        match self.raw(name) {
            None => &[],
            Some(Value::Array(items)) => items,
            Some(other) => self.wrong(name, "a list", other).unwrap_or_default(),
        }
    }

    /// A list of objects.
    pub(super) fn sections<'s>(&'s self, name: &str) -> Vec<Section<'s>>
    where
        'a: 's,
    {
        let mut sections = Vec::new();
        for (i, item) in self.list(name).iter().enumerate() {
            let at = format!("{name}[{i}]");
            match item {
                Value::Object(map) => {
                    sections.push(Section { path: self.at(&at), map: Cow::Borrowed(map), reading: self.reading });
                }
                other => self.error(&at, format!("`{name}` is a list of maps: this is {}", type_of(other))),
            }
        }
        sections
    }
}
