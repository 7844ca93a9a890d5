//! From a deployment of the configuration to all that an attempt needs, with the environment's variables filled in.

use std::rc::Rc;

use super::asked::Asked;
use super::attempt::Resolved;
use super::host::Host;
use crate::config::{Config, Match, Setting};
use crate::error::{Error, Kind, Result};
use crate::provider::{Facts, Settings, credentials};
use crate::secret::{Secret, names_credential};

/// LiteLLM's `request_timeout` where nothing sets one, in ms.
const LONGEST_MS: u64 = 6_000_000;

/// The value of a variable: from `environment_variables` of the configuration, else from the host's environment.
pub(super) fn variable<H: Host>(config: &Config, host: &H, name: &str) -> Option<String> {
    let own = config.environment.iter().find(|(own, _)| own == name).map(|(_, setting)| setting);
    let value = match own {
        Some(Setting::Literal(value)) => Some(value.clone()),
        Some(Setting::Variable(other)) => host.variable(other),
        None => host.variable(name),
    };
    value.filter(|value| !value.is_empty())
}

/// The value of a setting; `None` where its variable is not set.
pub(super) fn setting<H: Host>(config: &Config, host: &H, setting: &Setting) -> Option<String> {
    match setting {
        Setting::Literal(value) => Some(value.clone()),
        Setting::Variable(name) => variable(config, host, name),
    }
}

/// Resolves a deployment for a request.
///
/// # Errors
///
/// A variable that is not set: [`Kind::Authentication`] with the provider's name, so that another deployment or a
/// fallback is tried. A credential that is missing altogether is the dialect's to judge.
pub(super) fn deployment<H: Host>(
    config: &Config,
    host: &H,
    found: &Match,
    asked: &Asked,
    stream: bool,
) -> Result<Resolved> {
    let vendor = &found.provider;
    let own = config.custom_providers.iter().find(|custom| custom.own.name == vendor.name());
    let deployment = &found.deployment;
    let mock_response = asked.mock_response.clone().or_else(|| deployment.mock_response.clone());
    let unset = |field: &str, name: &str| {
        let group = &deployment.model_name;
        let message = format!(
            "`litellm_params.{field}` of model group `{group}` names the variable {name}, which is not set: set it"
        );
        Error::upstream(Kind::Authentication, vendor.name(), 401, message)
    };
    let set = |field: &str, named: &Setting| match (setting(config, host, named), named) {
        (Some(value), _) => Ok(Some(value)),
        (None, Setting::Variable(name)) if mock_response.is_none() => Err(unset(field, name)),
        (None, _) => Ok(None),
    };
    let value = |field: &str, named: Option<&Setting>| named.map_or(Ok(None), |named| set(field, named));
    let first = |names: &[&str]| names.iter().find_map(|name| variable(config, host, name));
    let api_base = value("api_base", deployment.api_base.as_ref().or(own.map(|own| &own.api_base)))?;
    let api_base = api_base.or_else(|| first(vendor.bases()));
    let key = value("api_key", deployment.api_key.as_ref().or(own.and_then(|own| own.api_key.as_ref())))?;
    let key = key.or_else(|| first(vendor.keys()));
    let mut settings = deployment.settings.clone();
    for (name, named) in &deployment.params {
        if let Some(text) = set(name, named)? {
            settings.params.push((name.clone(), Secret::new(text)));
        }
    }
    for (name, variables) in credentials::of(vendor.name()) {
        if !settings.params.iter().any(|(own, _)| own == name)
            && let Some(text) = first(variables)
        {
            settings.params.push(((*name).to_owned(), Secret::new(text)));
        }
    }
    let key = key.map(Secret::new);
    let named = settings.params.iter().filter(|(name, _)| names_credential(name));
    let secrets = key.iter().chain(named.map(|(_, secret)| secret)).cloned().collect();
    let general = &config.general;
    settings.drop_params = asked.drop_params.unwrap_or(settings.drop_params || general.drop_params);
    settings.modify_params = asked.modify_params.unwrap_or(settings.modify_params || general.modify_params);
    settings.additional_drop_params.extend_from_slice(&asked.additional_drop_params);
    settings.allowed_openai_params.extend_from_slice(&asked.allowed_openai_params);
    let timeout_ms = timeout_ms(config, found, asked, stream);
    settings.timeout_ms = Some(timeout_ms);
    vendor.complete(&mut settings);
    let patient = Asked { service_tier: asked.service_tier.clone(), ..Asked::default() };
    Ok(Resolved {
        provider: vendor.clone(),
        model: found.model.clone(),
        api_base,
        key,
        token: None,
        secrets,
        settings: Rc::<Settings>::new(settings),
        facts: Facts::default(),
        mock_response,
        mock_tool_calls: asked.mock_tool_calls.clone(),
        mock_delay_ms: asked.mocks.delay_ms,
        timeout_ms,
        hurried: timeout_ms < self::timeout_ms(config, found, &patient, stream),
    })
}

/// Has a deployment answer nothing for as long as an attempt may take; where nothing bounds that, LiteLLM's mock answer.
pub(super) fn mock_timeout(deployment: &mut Resolved) {
    deployment.mock_response = Some("This is a mock request".into());
    if deployment.timeout_ms < LONGEST_MS {
        deployment.mock_delay_ms = deployment.timeout_ms.saturating_add(1_000);
    }
}

/// How long an attempt may take up to its whole answer, or up to the first event of its stream, in ms: the request's
/// word, then the deployment's (for its service tier, then for all), then the router's; `stream_timeout` before `timeout`
/// for streams (LiteLLM's order).
fn timeout_ms(config: &Config, found: &Match, asked: &Asked, stream: bool) -> u64 {
    let (deployment, router) = (&found.deployment, &config.router);
    let [tier, stream_tier] = &deployment.tier_timeouts;
    let of_tier = |tiers: &[(String, u64)]| {
        let asked = asked.service_tier.as_deref()?;
        tiers.iter().find(|(tier, _)| tier == asked).map(|(_, ms)| *ms)
    };
    let streams = |ms: Option<u64>| ms.filter(|_| stream);
    let inner = [
        streams(asked.stream_timeout_ms),
        asked.timeout_ms(),
        streams(of_tier(stream_tier)),
        streams(deployment.stream_timeout_ms),
        of_tier(tier),
        deployment.timeout_ms,
    ];
    let routers = [streams(router.stream_timeout_ms), router.timeout_ms, router.request_timeout_ms];
    inner.iter().chain(&routers).find_map(|ms| *ms).unwrap_or(LONGEST_MS)
}

/// How long a whole stream may take, in ms.
pub(super) fn longest_stream_ms(config: &Config) -> u64 {
    config.router.request_timeout_ms.unwrap_or(LONGEST_MS)
}
