//! Where a request to Vertex AI goes: region, project, publisher and model
//! (<https://cloud.google.com/vertex-ai/generative-ai/docs/learn/locations>).

use super::super::google::{Credentials, refused};
use super::super::{Target, is_safe_segment};
use super::is_number;
use crate::error::{Error, Result};

/// LiteLLM's location where none is set.
const LOCATION: &str = "us-central1";

/// The location without a region, where the newest models are served first, and some of them alone.
const GLOBAL: &str = "global";

/// The URL of a method (`generateContent`) of the target's model.
///
/// # Errors
///
/// A location, project or model that would change the URL; no project where one is needed.
pub(super) fn method(target: &Target<'_>, publisher: &str, method: &str) -> Result<String> {
    let (base, query) = given(target);
    if let Some(base) = base.filter(|base| base.contains("/models/") || base.contains("/endpoints/")) {
        // It names the model already, and perhaps a method.
        let model = base.rsplit('/').next().unwrap_or_default();
        let whole = model.split_once(':').and_then(|(_, method)| base.strip_suffix(method)?.strip_suffix(':'));
        return Ok(join(format!("{}:{method}", whole.unwrap_or(base)), query));
    }
    let model = target.model_segment()?;
    if is_number(model) {
        return Ok(join(format!("{}/endpoints/{model}:{method}", place(target, "v1")?), query));
    }
    let place = match project(target)? {
        None if super::express_key(target).is_some() => {
            format!("{}/v1", base.unwrap_or("https://aiplatform.googleapis.com"))
        }
        _ => place(target, if publisher == "ai21" { "v1beta1" } else { "v1" })?,
    };
    Ok(join(format!("{place}/publishers/{publisher}/models/{model}:{method}"), query))
}

/// The URL of chat completions in OpenAI's protocol: of the models that are served to all, or of an endpoint of one's own.
///
/// # Errors
///
/// As [`method`].
pub(super) fn chat_completions(target: &Target<'_>, own_endpoint: bool) -> Result<String> {
    let (base, query) = given(target);
    if let Some(base) = base.filter(|base| base.contains("/endpoints/")) {
        let base = base.strip_suffix("/chat/completions").unwrap_or(base);
        return Ok(join(format!("{base}/chat/completions"), query));
    }
    let id = target.model.rsplit('/').next().unwrap_or_default();
    let place = if own_endpoint {
        format!("{}/endpoints/{id}", place(target, "v1beta1")?)
    } else {
        format!("{}/endpoints/openapi", place(target, "v1")?)
    };
    Ok(join(format!("{place}/chat/completions"), query))
}

/// `api_base` without its query and a slash at its end, and the query.
fn given<'a>(target: &Target<'a>) -> (Option<&'a str>, Option<&'a str>) {
    let base = target.api_base.map(str::trim).filter(|base| !base.is_empty());
    let (base, query) = base.map_or((None, None), |base| match base.split_once('?') {
        Some((base, query)) => (Some(base), Some(query)),
        None => (Some(base), None),
    });
    (base.map(|base| base.trim_end_matches('/')), query)
}

fn join(url: String, query: Option<&str>) -> String {
    match query {
        Some(query) => format!("{url}?{query}"),
        None => url,
    }
}

/// `https://{host}/{version}/projects/{project}/locations/{location}`.
fn place(target: &Target<'_>, version: &str) -> Result<String> {
    let (base, _) = given(target);
    if let Some(base) = base.filter(|base| base.contains("/projects/")) {
        return Ok(base.to_owned());
    }
    let location = location(target)?;
    let Some(project) = project(target)? else {
        return Err(refused(target, "no project: set `vertex_project`, or give `vertex_credentials` that name one"));
    };
    if !is_safe_segment(&project) {
        let message = "`vertex_project` must consist of letters, digits and - : .";
        return Err(Error::bad_request("vertex_project", message));
    }
    let host = match base {
        Some(base) => base.strip_suffix("/v1").or_else(|| base.strip_suffix("/v1beta1")).unwrap_or(base).to_owned(),
        None => host(location),
    };
    Ok(format!("{host}/{version}/projects/{project}/locations/{location}"))
}

/// The host of a location: a region's own, a continent's, or the one of all.
fn host(location: &str) -> String {
    match location {
        GLOBAL => "https://aiplatform.googleapis.com".to_owned(),
        _ if !location.contains('-') => format!("https://aiplatform.{location}.rep.googleapis.com"),
        _ => format!("https://{location}-aiplatform.googleapis.com"),
    }
}

fn location<'a>(target: &Target<'a>) -> Result<&'a str> {
    let set = ["vertex_location", "vertex_ai_location", "region_name"].iter().find_map(|name| target.param(name));
    // Models of the third generation are served without a region alone.
    let default = if target.model.starts_with("gemini-3") { GLOBAL } else { LOCATION };
    let location = set.unwrap_or(default);
    let is_sound = location.starts_with(|c: char| c.is_ascii_lowercase())
        && location.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-');
    if is_sound {
        return Ok(location);
    }
    let message = format!("`vertex_location` must be a region (us-central1), us, eu or global: `{location}`");
    Err(Error::bad_request("vertex_location", message))
}

fn project(target: &Target<'_>) -> Result<Option<String>> {
    let set = ["vertex_project", "vertex_ai_project"].iter().find_map(|name| target.param(name));
    if let Some(project) = set {
        return Ok(Some(project.to_owned()));
    }
    Ok(Credentials::of(target)?.and_then(|credentials| credentials.project().map(str::to_owned)))
}

#[cfg(test)]
mod tests {
    use super::super::super::Settings;
    use super::*;
    use crate::secret::Secret;

    fn settings(params: &[(&str, &str)]) -> Settings {
        let params = params.iter().map(|(name, value)| ((*name).to_owned(), Secret::new(*value)));
        Settings { params: params.collect(), ..Settings::default() }
    }

    fn url(base: Option<&str>, model: &str, params: &[(&str, &str)]) -> Result<String> {
        let settings = settings(params);
        let target = Target { api_base: base, model, ..Target::of_test("vertex_ai", &settings) };
        method(&target, "google", "generateContent")
    }

    #[test]
    fn a_location_has_its_host() {
        for (location, host) in [
            ("us-central1", "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1"),
            ("global", "https://aiplatform.googleapis.com/v1/projects/p/locations/global"),
            ("eu", "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu"),
        ] {
            let got = url(None, "gemini-2.5-pro", &[("vertex_project", "p"), ("vertex_location", location)]).unwrap();
            assert_eq!(got, format!("{host}/publishers/google/models/gemini-2.5-pro:generateContent"));
        }
        let newest = url(None, "gemini-3-pro-preview", &[("vertex_project", "p")]).unwrap();
        assert!(newest.contains("/locations/global/"), "{newest}");
        for (name, value) in [("vertex_location", "evil.example/"), ("vertex_location", ""), ("vertex_project", "a/b")]
        {
            let got = url(None, "gemini-2.5-pro", &[(name, value), ("vertex_project", "p")]);
            assert_eq!(got.is_err(), !value.is_empty(), "{name}={value}");
        }
        assert!(url(None, "../x", &[("vertex_project", "p")]).is_err());
        assert_eq!(url(None, "gemini-2.5-pro", &[]).unwrap_err().status(), 401);
    }

    #[test]
    fn a_base_of_the_users_own_is_understood_as_it_is_written() {
        let whole = "http://h:1/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent";
        for base in [
            "http://h:1",
            "http://h:1/",
            "http://h:1/v1",
            "http://h:1/v1/projects/p/locations/us-central1",
            "http://h:1/v1/projects/p/locations/us-central1/publishers/google/models/m",
            "http://h:1/v1/projects/p/locations/us-central1/publishers/google/models/m:streamGenerateContent",
        ] {
            assert_eq!(url(Some(base), "m", &[("vertex_project", "p")]).unwrap(), whole, "{base}");
        }
        let tuned = url(Some("http://h?k=v"), "123", &[("vertex_project", "p")]).unwrap();
        assert_eq!(tuned, "http://h/v1/projects/p/locations/us-central1/endpoints/123:generateContent?k=v");
    }

    #[test]
    fn partners_have_the_endpoint_of_openais_protocol() {
        let settings = settings(&[("vertex_project", "p"), ("vertex_location", "us-east5")]);
        let target = |model| Target { model, ..Target::of_test("vertex_ai", &settings) };
        let place = "https://us-east5-aiplatform.googleapis.com";
        let shared = chat_completions(&target("meta/llama-3"), false).unwrap();
        assert_eq!(shared, format!("{place}/v1/projects/p/locations/us-east5/endpoints/openapi/chat/completions"));
        let own = chat_completions(&target("openai/42"), true).unwrap();
        assert_eq!(own, format!("{place}/v1beta1/projects/p/locations/us-east5/endpoints/42/chat/completions"));
    }
}
