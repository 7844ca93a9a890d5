//! Azure AI Foundry: its model inference, and Anthropic's Messages for Claude
//! (<https://learn.microsoft.com/azure/ai-foundry/foundry-models/how-to/use-foundry-models-claude>).

use super::exchange::Exchange;
use super::openai::{Login, quirks};
use super::{Call, ChatStream, Notes, Provider, Target, anthropic};
use crate::error::{Error, Result};
use crate::http::HttpHead;
use crate::openai::{Answer, ChatRequest, EmbeddingRequest};

/// The dialect.
#[derive(Clone, Copy, Debug)]
pub struct AzureAi;

impl Provider for AzureAi {
    fn exchange(&self, target: &Target<'_>) -> Result<Option<Exchange>> {
        quirks::AZURE_AI.exchange(target)
    }

    fn chat(&self, target: &Target<'_>, chat: &ChatRequest) -> Result<Call> {
        if !is_claude(target.model) {
            return quirks::AZURE_AI.chat(target, chat);
        }
        let mut call = anthropic::call(target, chat, messages_url(target)?, anthropic::Host::Cloud { fetches: true })?;
        let headers = &mut call.http.headers;
        match (Login::Entra.bearer(target), target.key) {
            (Some(token), _) => headers.set("authorization", format!("Bearer {token}")),
            (None, Some(key)) => headers.set("x-api-key", key.expose()),
            (None, None) => {}
        }
        Ok(call)
    }

    fn chat_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        dialect(notes).chat_answer(notes, head, body)
    }

    fn chat_stream(&self, notes: &Notes) -> Box<dyn ChatStream> {
        dialect(notes).chat_stream(notes)
    }

    fn embeddings(&self, target: &Target<'_>, request: &EmbeddingRequest) -> Result<Call> {
        quirks::AZURE_AI.embeddings(target, request)
    }

    fn embeddings_answer(&self, notes: &Notes, head: &HttpHead, body: &[u8]) -> Result<Answer> {
        quirks::AZURE_AI.embeddings_answer(notes, head, body)
    }
}

/// As LiteLLM tells it.
fn is_claude(model: &str) -> bool {
    model.to_ascii_lowercase().contains("claude")
}

fn dialect(notes: &Notes) -> &'static dyn Provider {
    if is_claude(&notes.model) { &anthropic::Anthropic } else { &quirks::AZURE_AI }
}

/// `{resource}/anthropic/v1/messages`, however the user wrote `api_base`.
fn messages_url(target: &Target<'_>) -> Result<String> {
    let Some(base) = target.api_base.map(str::trim).filter(|base| !base.is_empty()) else {
        let message = "set `api_base` to the resource: https://….services.ai.azure.com";
        return Err(Error::bad_request("api_base", message));
    };
    let base = base.split('?').next().unwrap_or_default().trim_end_matches('/');
    let base = ["/v1/messages", "/v1", "/models"].iter().find_map(|end| base.strip_suffix(end)).unwrap_or(base);
    let base = base.strip_suffix("/anthropic").unwrap_or(base);
    Ok(format!("{base}/anthropic/v1/messages"))
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::*;

    #[test]
    fn claudes_url_is_found_however_the_base_is_written() {
        let settings = Settings::default();
        for end in ["", "/", "/anthropic", "/anthropic/v1/", "/anthropic/v1/messages", "/models?api-version=x"] {
            let base = format!("https://r.services.ai.azure.com{end}");
            let target = Target { api_base: Some(&base), ..Target::of_test("azure_ai", &settings) };
            assert_eq!(messages_url(&target).unwrap(), "https://r.services.ai.azure.com/anthropic/v1/messages");
        }
        assert!(messages_url(&Target::of_test("azure_ai", &settings)).is_err());
    }
}
