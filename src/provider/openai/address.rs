//! Where a request goes: OpenAI's URLs, and those of Azure.

use super::super::Target;
use super::super::post::without_ending;
use crate::error::Result;

/// How a provider makes its URLs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Address {
    /// `{base}/chat/completions`.
    Endpoint,
    /// Databricks: `{workspace}/serving-endpoints/chat/completions`; any other path is taken as it is.
    Databricks,
    /// `{base}/chat/completions` without any version that the user does not write.
    Unversioned,
    /// Workers AI: `{base}/chat/completions`, where an account's `/ai/run`, which LiteLLM's users write, is the place of
    /// another form (<https://developers.cloudflare.com/workers-ai/configuration/open-ai-compatibility/>).
    WorkersAi,
    /// Azure OpenAI: `{base}/openai/deployments/{model}/chat/completions?api-version=…`, or `{base}/openai/v1/…`
    /// (<https://learn.microsoft.com/azure/ai-foundry/openai/reference>).
    AzureDeployment,
    /// Azure AI Foundry's model inference: `{base}/models/chat/completions?api-version=…`
    /// (<https://learn.microsoft.com/rest/api/aifoundry/modelinference/>); any other host is a serverless deployment,
    /// which speaks plain OpenAI.
    AzureModels,
}

/// The last version of Azure OpenAI's dated API; reasoning models need it.
const DEPLOYMENT_VERSION: &str = "2025-04-01-preview";

/// The version of Azure OpenAI's API that brought `stream_options`; earlier ones refuse it.
const STREAM_OPTIONS_SINCE: &str = "2024-09-01";

/// The version of Azure's model inference that is generally available.
const MODELS_VERSION: &str = "2024-05-01-preview";

/// Hosts of Azure's resources, which take `api-key`.
const RESOURCES: &[&str] = &[".services.ai.azure.com", ".openai.azure.com", ".cognitiveservices.azure.com"];

impl Address {
    /// Whether the key goes as a bearer token, whatever the row's header is.
    pub(super) fn is_serverless(self, target: &Target<'_>) -> bool {
        let base = target.api_base.unwrap_or_default();
        let authority = base.split_once("://").map_or(base, |(_, rest)| rest).split(['/', '?', '#']).next();
        let host = authority.and_then(|authority| authority.split(':').next()).unwrap_or_default();
        self == Self::AzureModels && !RESOURCES.iter().any(|resource| host.ends_with(resource))
    }

    /// Whether the version of the API that is asked for knows `stream_options`.
    pub(super) fn takes_stream_options(self, target: &Target<'_>) -> bool {
        let in_base = target.api_base.and_then(|base| base.split_once("api-version=")).map(|(_, version)| version);
        let version = in_base.or(api_version(target));
        // Versions are dates, or words (`preview`) for the newest.
        self != Self::AzureDeployment || version.is_none_or(|version| version >= STREAM_OPTIONS_SINCE)
    }

    /// The URL of `endpoint` (`chat/completions`), however the user wrote `api_base`.
    ///
    /// # Errors
    ///
    /// As [`Target::url`]; for a deployment also a model that is no path segment.
    pub(super) fn url(self, target: &Target<'_>, endpoint: &str) -> Result<String> {
        let base = target.api_base.unwrap_or(target.default_base);
        let path = base.split('?').next().unwrap_or_default().trim_end_matches('/');
        // The newer API has neither deployments in its path nor dated versions.
        let undated = path.ends_with("/v1") || path.contains("/v1/");
        let named = api_version(target);
        let newest = matches!(named, Some("v1" | "latest" | "preview"));
        let (url, version) = match self {
            Self::Databricks if path.split_once("://").is_some_and(|(_, rest)| !rest.contains('/')) => {
                return target.url("", true, &format!("serving-endpoints/{endpoint}"));
            }
            Self::Unversioned => return target.url("", true, endpoint),
            Self::WorkersAi if path.contains("/accounts/") && !path.ends_with(endpoint) => {
                let account = without_ending(path, &["/ai/run", "/ai/v1", "/ai"]);
                let base = format!("{account}/ai/v1");
                return Target { api_base: Some(&base), ..*target }.url("", true, endpoint);
            }
            Self::Endpoint | Self::Databricks | Self::WorkersAi => return target.url("v1", true, endpoint),
            _ if self.is_serverless(target) => return target.url("v1", true, endpoint),
            Self::AzureDeployment if newest && !undated => {
                // LiteLLM's words for the newer API, whatever of the older one stands in the base.
                let origin = base.find("/openai").and_then(|at| base.get(..at)).unwrap_or(path);
                let own = Target { api_base: Some(origin), ..*target };
                (own.url("", true, &format!("openai/v1/{endpoint}"))?, DEPLOYMENT_VERSION)
            }
            _ if undated || path.ends_with(endpoint) => (target.url("", true, endpoint)?, DEPLOYMENT_VERSION),
            Self::AzureDeployment => {
                let model = target.model_segment()?;
                let rest = if path.contains("/openai/deployments/") {
                    endpoint.to_owned()
                } else if path.ends_with("/openai") {
                    format!("deployments/{model}/{endpoint}")
                } else {
                    format!("openai/deployments/{model}/{endpoint}")
                };
                (target.url("", true, &rest)?, DEPLOYMENT_VERSION)
            }
            Self::AzureModels => {
                let rest = if path.ends_with("/models") { endpoint.to_owned() } else { format!("models/{endpoint}") };
                (target.url("", true, &rest)?, MODELS_VERSION)
            }
        };
        // The newer API has one version, and a preview of the next.
        let version = match named {
            Some("v1" | "latest") => None,
            named => named.or((!undated).then_some(version)),
        };
        Ok(match version {
            Some(version) if !url.contains("api-version=") => {
                let mark = if url.contains('?') { '&' } else { '?' };
                format!("{url}{mark}api-version={version}")
            }
            _ => url,
        })
    }
}

/// `api_version`, from the configuration or Azure's variable.
fn api_version<'a>(target: &Target<'a>) -> Option<&'a str> {
    target.settings.api_version.as_deref().or_else(|| target.param("azure_api_version"))
}

#[cfg(test)]
mod tests {
    use super::super::super::Settings;
    use super::*;

    fn url(address: Address, base: &str, model: &str, version: Option<&str>) -> Result<String> {
        let settings = Settings { api_version: version.map(str::to_owned), ..Settings::default() };
        let target = Target { api_base: Some(base), model, ..Target::of_test("azure", &settings) };
        address.url(&target, "chat/completions")
    }

    #[test]
    fn a_deployment_is_found_however_its_base_is_written() {
        let dated = "https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01-preview";
        for (base, want) in [
            ("https://r.openai.azure.com", dated),
            ("https://r.openai.azure.com/", dated),
            ("https://r.openai.azure.com/openai", dated),
            ("https://r.openai.azure.com/openai/", dated),
            ("https://r.openai.azure.com/openai/deployments/d", dated),
            ("https://r.openai.azure.com/openai/deployments/d/chat/completions", dated),
            ("https://r.openai.azure.com/openai/deployments/d/chat/completions?api-version=2025-04-01-preview", dated),
            ("https://r.openai.azure.com/openai/v1", "https://r.openai.azure.com/openai/v1/chat/completions"),
            ("https://r.openai.azure.com/openai/v1/", "https://r.openai.azure.com/openai/v1/chat/completions"),
            (
                "https://g.net/team?key=s",
                "https://g.net/team/openai/deployments/d/chat/completions?key=s&api-version=2025-04-01-preview",
            ),
        ] {
            assert_eq!(url(Address::AzureDeployment, base, "d", None).unwrap(), want, "{base}");
        }
        let own = url(Address::AzureDeployment, "https://r.openai.azure.com", "d", Some("2024-10-21")).unwrap();
        assert!(own.ends_with("?api-version=2024-10-21"), "{own}");
        for base in
            ["", "/openai/v1", "/openai/deployments/d", "/openai/deployments/d/chat/completions?api-version=2024-10-21"]
        {
            let base = format!("https://r.openai.azure.com{base}");
            let newest = "https://r.openai.azure.com/openai/v1/chat/completions";
            assert_eq!(url(Address::AzureDeployment, &base, "d", Some("v1")).unwrap(), newest, "{base}");
            let preview = url(Address::AzureDeployment, &base, "d", Some("preview")).unwrap();
            assert_eq!(preview, format!("{newest}?api-version=preview"), "{base}");
        }
        assert!(url(Address::AzureDeployment, "https://r.openai.azure.com", "../d", None).is_err());
    }

    #[test]
    fn an_account_of_workers_ai_is_found_however_it_is_written() {
        let account = "https://api.cloudflare.com/client/v4/accounts/a1";
        let want = format!("{account}/ai/v1/chat/completions");
        for ending in ["", "/ai", "/ai/run", "/ai/run/", "/ai/v1", "/ai/v1/chat/completions"] {
            assert_eq!(
                url(Address::WorkersAi, &format!("{account}{ending}"), "@cf/m", None).unwrap(),
                want,
                "{ending}"
            );
        }
        let gateway = "https://gateway.ai.cloudflare.com/v1/a1/g";
        let want = format!("{gateway}/compat/chat/completions");
        assert_eq!(url(Address::WorkersAi, &format!("{gateway}/compat"), "m", None).unwrap(), want);
    }

    #[test]
    fn azures_other_models_have_their_own_path() {
        let want = "https://r.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview";
        for base in ["https://r.services.ai.azure.com", "https://r.services.ai.azure.com/models/"] {
            assert_eq!(url(Address::AzureModels, base, "Phi-4", None).unwrap(), want, "{base}");
        }
        let serverless = "https://r.eastus.models.ai.azure.com/v1/chat/completions";
        for base in ["https://r.eastus.models.ai.azure.com", "https://r.eastus.models.ai.azure.com/v1/"] {
            assert_eq!(url(Address::AzureModels, base, "m", None).unwrap(), serverless, "{base}");
        }
        let lure = url(Address::AzureModels, "https://evil.example/x.services.ai.azure.com", "m", None).unwrap();
        assert!(!lure.contains("api-version"), "{lure}");
    }
}
