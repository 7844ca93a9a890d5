//! Which provider a model of the configuration belongs to: the only place here that asks the registry.

use std::rc::Rc;

use super::CustomProvider;
use crate::provider::registry;
use crate::provider::{Vendor, litellm};

/// What stands for "whatever the requested model names".
pub(super) const ANY: &str = "*";

/// The provider of a model, as far as its name tells.
pub(super) enum Place<'m> {
    /// This version speaks it: who that is, and the model as the upstream names it.
    Known(Vendor, &'m str),
    /// The requested model will tell (`*`).
    Any,
    /// LiteLLM knows it, and this version does not speak it yet: its name, and the rest.
    Waiting(&'m str, &'m str),
    /// Nobody knows it: what stands before the slash, if there is a slash.
    Unknown(Option<&'m str>),
}

/// Finds the provider of `model`; `named` is `custom_llm_provider`, which wins over what the name says, and `own` are the
/// configuration's own providers.
pub(super) fn place<'m>(model: &'m str, named: Option<&'m str>, own: &[CustomProvider]) -> Place<'m> {
    if let Some(provider) = named {
        let rest = model.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')).unwrap_or(model);
        return of(provider, rest, own);
    }
    if model == ANY {
        return Place::Any;
    }
    match (registry::resolve(model), model.split_once('/')) {
        (Some((row, model)), _) => Place::Known(Vendor::Row(row), model),
        (None, Some((provider, rest))) if !rest.is_empty() => of(provider, rest, own),
        (None, _) => Place::Unknown(None),
    }
}

/// The model `rest` of the provider of that name.
fn of<'m>(provider: &'m str, rest: &'m str, own: &[CustomProvider]) -> Place<'m> {
    if let Some(custom) = own.iter().find(|custom| custom.own.name == provider) {
        return Place::Known(Vendor::Own(Rc::clone(&custom.own)), rest);
    }
    match registry::find(provider) {
        Some(row) => Place::Known(Vendor::Row(row), rest),
        None if is_waiting(provider) => Place::Waiting(provider, rest),
        None => Place::Unknown(Some(provider)),
    }
}

/// Every name before a slash that means something.
pub(super) fn names<'a>() -> impl Iterator<Item = &'a str> {
    registry::PROVIDERS.iter().map(|row| row.name).chain(litellm::NAMES.split_ascii_whitespace())
}

/// Whether LiteLLM has a provider of that name.
fn is_waiting(provider: &str) -> bool {
    litellm::NAMES.split_ascii_whitespace().any(|name| name == provider)
}
