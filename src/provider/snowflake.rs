//! Snowflake Cortex: OpenAI's chat completions, and Anthropic's Messages for Claude, under the address of an account
//! (<https://docs.snowflake.com/user-guide/snowflake-cortex/cortex-rest-api>).

use serde_json::Value;

use super::gemini::{Embedded, numbers};
use super::openai::{COMPATIBLE, OpenAi, STRICT};
use super::{Call, ChatStream, Notes, Provider, Target, anthropic, params};
use crate::error::{Error, Kind, Result};
use crate::http::{HttpHead, HttpRequest};
use crate::openai::{Answer, ChatRequest, EmbeddingRequest, Fields};
use crate::secret::Secret;

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct Snowflake;

/// Chat completions as Cortex has them.
const CORTEX: OpenAi = OpenAi { renames: &[("max_tokens", "max_completion_tokens")], strips: STRICT, ..COMPATIBLE };

/// What LiteLLM has before a programmatic access token; any other key is a key pair's JWT.
const ACCESS_TOKEN: &str = "pat/";

impl Provider for Snowflake {
    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        let mut call = if is_claude(target.model) {
            anthropic::call(
                target,
                chat,
                url(target, "cortex/v1/messages")?,
                anthropic::Host::Cloud { fetches: false },
            )?
        } else {
            let own = Target { api_base: Some("https://host/chat/completions"), key: None, ..*target };
            let mut call = CORTEX.chat(&own, chat)?;
            call.http.url = url(target, "cortex/v1/chat/completions")?;
            call
        };
        authorise(target, &mut call.http)?;
        Ok(call)
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        dialect(notes).chat_answer(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        dialect(notes).chat_stream(notes)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        let notes = params::of_plain_embeddings(target, request)?;
        let mut fields = Fields::default();
        fields.set("text", &request.texts()?);
        fields.set("model", target.model);
        let mut http = HttpRequest::post_json(url(target, "cortex/inference:embed")?, fields.to_bytes());
        for (name, value) in target.settings.extra_headers.iter() {
            http.headers.set(name, value);
        }
        authorise(target, &mut http)?;
        Ok(Call { http, notes })
    }

    fn embeddings_answer(&self, notes: &Notes, _head: &HttpHead, body: &[u8]) -> Result<Answer> {
        let value: Value = crate::json::read(body).map_err(|error| notes.not_understood(&error))?;
        let data = value.get("data").and_then(Value::as_array).into_iter().flatten();
        // Each vector is the only item of a list.
        let vector = |item: &Value| {
            let list = item.get("embedding")?.as_array()?;
            Some(numbers(list.first().and_then(Value::as_array).unwrap_or(list)))
        };
        let tokens = value.pointer("/usage/total_tokens").and_then(Value::as_u64);
        Embedded { vectors: data.filter_map(vector).collect(), tokens }.answer(notes)
    }
}

fn is_claude(model: &str) -> bool {
    model.starts_with("claude-")
}

fn dialect(notes: &Notes) -> &'static dyn Provider {
    if is_claude(&notes.model) { &anthropic::Anthropic } else { &CORTEX }
}

/// `{account}/api/v2/{method}`.
fn url(target: &Target<'_>, method: &str) -> Result<String> {
    let base = match (target.api_base.map(str::trim).filter(|base| !base.is_empty()), target.param("account_id")) {
        (Some(base), _) => base.trim_end_matches('/').to_owned(),
        (None, Some(id)) if id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte)) => {
            format!("https://{id}.snowflakecomputing.com")
        }
        _ => {
            let message = "set `account_id` (or SNOWFLAKE_ACCOUNT_ID) to your account's identifier, or `api_base`";
            return Err(Error::bad_request("account_id", message));
        }
    };
    let base = base.strip_suffix("/cortex/v1").unwrap_or(&base);
    Ok(format!("{}/api/v2/{method}", base.strip_suffix("/api/v2").unwrap_or(base)))
}

fn authorise(target: &Target<'_>, http: &mut HttpRequest) -> Result<()> {
    let Some(key) = target.key.map(Secret::expose).filter(|key| !key.is_empty()) else {
        let message = "no credential: set `api_key` to `pat/` and a programmatic access token, or to a key pair's JWT";
        return Err(Error::upstream(Kind::Authentication, target.provider, 401, message));
    };
    let (token, kind) = match key.strip_prefix(ACCESS_TOKEN) {
        Some(token) => (token, "PROGRAMMATIC_ACCESS_TOKEN"),
        None => (key, "KEYPAIR_JWT"),
    };
    http.headers.set("authorization", format!("Bearer {token}"));
    http.headers.set("x-snowflake-authorization-token-type", kind);
    Ok(())
}
