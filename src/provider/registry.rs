//! The providers: one row each.

use super::{Provider, gemini};

/// A provider.
pub struct Row {
    /// What stands before the slash of `provider/model`.
    pub name: &'static str,
    /// What it speaks.
    pub dialect: &'static dyn Provider,
    /// Its base URL; empty where the user must give `api_base`.
    pub base: &'static str,
    /// Variables that may hold its key, in order.
    pub keys: &'static [&'static str],
    /// Variables that may hold its base URL, in order.
    pub bases: &'static [&'static str],
}

/// Every provider, sorted by name.
pub const PROVIDERS: &[Row] = &[Row {
    name: "gemini",
    dialect: &gemini::Gemini,
    base: "https://generativelanguage.googleapis.com/v1beta",
    keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
    bases: &["GEMINI_API_BASE"],
}];

/// The provider of that name.
pub fn find(name: &str) -> Option<&'static Row> {
    PROVIDERS.iter().find(|row| row.name == name)
}

impl std::fmt::Debug for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}
