//! Whom a model is asked of: a row of the registry, or a provider that a configuration brings.

use std::rc::Rc;

use super::openai::{OpenAi, quirks};
use super::registry::{self, Row};
use super::{Provider, Settings};
use crate::http::Headers;

/// A provider of the registry, or of the configuration.
#[derive(Clone, Debug)]
pub enum Vendor {
    /// One that every build knows.
    Row(&'static Row),
    /// One of `custom_providers`. It lives as long as its configuration.
    Own(Rc<Own>),
}

/// A provider that a configuration brings, but for its address and credential, which may stand in variables.
#[derive(Debug)]
pub struct Own {
    /// What stands before the slash of `provider/model`; never a name of the registry.
    pub name: String,
    /// What it speaks.
    pub dialect: Dialect,
    /// Parameters that it refuses, beside those of its dialect.
    pub refused: Vec<String>,
    /// Parameters with another name: OpenAI's and its own.
    pub renames: Vec<(String, String)>,
    /// Headers that every request to it gets.
    pub extra_headers: Headers,
}

/// What a provider of a configuration speaks.
#[derive(Clone, Copy)]
pub enum Dialect {
    /// As the provider of that row.
    As(&'static Row),
    /// OpenAI's language, with quirks of its own.
    Quirky(OpenAi),
}

impl Dialect {
    /// The dialect of that name: `openai` is the plain language of everybody who copies it, and any other name is that of a
    /// provider of the registry, whose quirks come along.
    pub fn named(name: &str) -> Option<Self> {
        if name == PLAIN {
            return Some(Self::Quirky(quirks::OWN_SERVER));
        }
        let row = registry::find(name)?;
        Some(row.dialect.as_openai().map_or(Self::As(row), Self::Quirky))
    }
}

/// The dialect of a provider that names none.
pub const PLAIN: &str = "openai";

impl std::fmt::Debug for Dialect {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::As(row) => write!(f, "as {}", row.name),
            Self::Quirky(dialect) => dialect.fmt(f),
        }
    }
}

impl Vendor {
    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Self::Row(row) => row.name,
            Self::Own(own) => &own.name,
        }
    }

    /// What it speaks.
    pub fn dialect(&self) -> &dyn Provider {
        match self {
            Self::Row(row) => row.dialect,
            Self::Own(own) => match &own.dialect {
                Dialect::As(row) => row.dialect,
                Dialect::Quirky(dialect) => dialect,
            },
        }
    }

    /// Its base URL; empty where the configuration gives it.
    pub fn base(&self) -> &'static str {
        self.row().map_or("", |row| row.base)
    }

    /// Variables that may hold its key, in order.
    pub fn keys(&self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.keys)
    }

    /// Variables that may hold its base URL, in order.
    pub fn bases(&self) -> &'static [&'static str] {
        self.row().map_or(&[], |row| row.bases)
    }

    /// Its row in the registry.
    pub fn row(&self) -> Option<&'static Row> {
        match self {
            Self::Row(row) => Some(row),
            Self::Own(_) => None,
        }
    }

    /// Adds to a deployment's settings what holds for every one of this provider's. The deployment's own headers win.
    pub fn complete(&self, settings: &mut Settings) {
        let Self::Own(own) = self else { return };
        settings.refused.clone_from(&own.refused);
        settings.renames.clone_from(&own.renames);
        for (name, value) in own.extra_headers.iter() {
            if settings.extra_headers.get(name).is_none() {
                settings.extra_headers.push(name, value);
            }
        }
    }
}
