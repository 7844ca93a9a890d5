//! watsonx.ai of IBM: OpenAI's messages on URLs of its own, after an API key was exchanged for a token
//! (<https://cloud.ibm.com/apidocs/watsonx-ai#text-chat>).

use serde_json::Value;

use super::exchange::{Exchange, oauth};
use super::gemini::Embedded;
use super::openai::{COMPATIBLE, OpenAi};
use super::{Call, ChatStream, Notes, Provider, Target, is_safe_segment, params};
use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest, Fields};
use crate::secret::Secret;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Watsonx;

/// What it shares with OpenAI's: LiteLLM's list of what is refused.
const SHARED: OpenAi = OpenAi {
    drops: &[
        "audio",
        "function_call",
        "functions",
        "modalities",
        "parallel_tool_calls",
        "prediction",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
        "verbosity",
        "web_search_options",
    ],
    renames: &[("max_completion_tokens", "max_tokens")],
    strips: super::openai::STRICT,
    strict_tools: false,
    stream_options: false,
    ends_at_close: true,
    ..COMPATIBLE
};

/// The version of the API where none is set (LiteLLM's).
const VERSION: &str = "2024-03-13";

/// Where an API key becomes a token, but for dedicated clouds.
const IAM: &str = "https://iam.cloud.ibm.com/identity/token";

impl Provider for Watsonx {
    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        if target.param("token").is_some() || target.param("zen_api_key").is_some() {
            return Ok(None);
        }
        let Some(key) = target.key.map(Secret::expose).filter(|key| !key.is_empty()) else {
            let message = "no API key: set `api_key` in litellm_params, or WATSONX_API_KEY";
            return Err(Error::upstream(Kind::Authentication, target.provider, 401, message));
        };
        let url = target.param("watsonx_iam_url").unwrap_or(IAM).to_owned();
        let form = [("grant_type", "urn:ibm:params:oauth:grant-type:apikey"), ("apikey", key)];
        Ok(Some(Exchange { read: oauth, ..Exchange::by_form(url, &form) }))
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let own = Target { api_base: Some("https://host/chat/completions"), key: None, ..*target };
        let mut call = SHARED.chat(&own, chat)?;
        let mut fields = Fields::parse(&call.http.body)?;
        fields.remove("model");
        // The URL says it.
        fields.remove("stream");
        if fields.raw("tool_choice").is_some_and(|choice| choice.get().starts_with('"')) {
            fields.rename("tool_choice", "tool_choice_option");
        }
        put_place(target, &mut fields)?;
        call.http.body = fields.to_bytes();
        call.http.url = url(target, if chat.stream() { "text/chat_stream" } else { "text/chat" })?;
        authorise(target, &mut call.http);
        Ok(call)
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        SHARED.chat_answer(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        SHARED.chat_stream(notes)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let notes = params::of_plain_embeddings(target, request)?;
        let mut fields = Fields::default();
        fields.set("inputs", &request.texts()?);
        if let Some(parameters) = request.fields().get::<Value>("parameters")? {
            fields.set("parameters", &parameters);
        }
        put_place(target, &mut fields)?;
        let mut http = HttpRequest::post_json(url(target, "text/embeddings")?, fields.to_bytes());
        for (name, value) in target.settings.extra_headers.iter() {
            http.headers.set(name, value);
        }
        authorise(target, &mut http);
        Ok(Call { http, notes })
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
        let results = value.get("results").and_then(Value::as_array).into_iter().flatten();
        let vectors = results.filter_map(|result| Some(super::gemini::numbers(result.get("embedding")?.as_array()?)));
        let embedded =
            Embedded { vectors: vectors.collect(), tokens: value.get("input_token_count").and_then(Value::as_u64) };
        embedded.answer(notes)
    }
}

/// The id of a deployment of one's own: `deployment/{id}`.
fn deployment<'a>(target: &Target<'a>) -> Option<&'a str> {
    target.model.strip_prefix("deployment/")
}

/// Names the model and the project or space that pays for it; a deployment knows both.
fn put_place(target: &Target<'_>, fields: &mut Fields) -> Result<()> {
    if deployment(target).is_some() {
        return Ok(());
    }
    fields.set("model_id", target.model);
    if fields.contains("project_id") || fields.contains("space_id") {
        return Ok(());
    }
    match (target.param("project_id"), target.param("space_id")) {
        (Some(project), _) => fields.set("project_id", project),
        (None, Some(space)) => fields.set("space_id", space),
        (None, None) => {
            let message = "no project: set `project_id` or `space_id` in litellm_params, or WATSONX_PROJECT_ID";
            return Err(Error::upstream(Kind::Authentication, target.provider, 401, message));
        }
    }
    Ok(())
}

fn url(target: &Target<'_>, method: &str) -> Result<String> {
    let region = || {
        let region = target.param("watsonx_region_name").or_else(|| target.param("region_name"))?;
        is_safe_segment(region).then(|| format!("https://{region}.ml.cloud.ibm.com"))
    };
    let base = target.api_base.map(str::trim).filter(|base| !base.is_empty()).map(str::to_owned).or_else(region);
    let Some(base) = base else {
        let message =
            "set `api_base` (https://us-south.ml.cloud.ibm.com), `watsonx_region_name` or WATSONX_URL to your region";
        return Err(Error::bad_request("api_base", message));
    };
    let base = base.trim_end_matches('/');
    let place = match deployment(target) {
        Some(id) if is_safe_segment(id) => format!("/ml/v1/deployments/{id}/{method}"),
        Some(_) => return Err(Error::bad_request("model", "`model` must be deployment/ and the deployment's id")),
        None => format!("/ml/v1/{method}"),
    };
    let version = target.settings.api_version.as_deref().unwrap_or(VERSION);
    Ok(format!("{}{place}?version={version}", base.strip_suffix("/ml/v1").unwrap_or(base)))
}

fn authorise(target: &Target<'_>, http: &mut HttpRequest) {
    if http.headers.get("authorization").is_some() {
        return;
    }
    let token = target.token.map(Secret::expose).or_else(|| target.param("token"));
    if let Some(token) = token {
        http.headers.push("authorization", format!("Bearer {token}"));
    } else if let Some(key) = target.param("zen_api_key") {
        http.headers.push("authorization", format!("ZenApiKey {key}"));
    }
}
