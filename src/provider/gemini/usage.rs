//! Google's `usageMetadata` as usage in OpenAI's fields, each token in one place.

use super::wire::{Modality, Usage as Wire};
use crate::openai::{CompletionDetails, PromptDetails, ServerToolUse, Usage};

/// What the answer tells beside its tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grounding {
    /// Different queries that were searched for.
    pub(super) searches: u64,
    /// Whether Google charges for the searches, and so not for the tokens that they found
    /// (<https://ai.google.dev/gemini-api/docs/pricing>).
    pub(super) is_charged: bool,
}

/// Tokens by modality; documents count as text.
#[derive(Default)]
struct ByModality {
    text: u64,
    audio: u64,
    image: u64,
    video: u64,
}

impl ByModality {
    fn of(details: &[Modality]) -> Self {
        let mut sums = Self::default();
        for detail in details {
            let sum = match detail.modality.to_ascii_uppercase().as_str() {
                "AUDIO" => &mut sums.audio,
                "IMAGE" => &mut sums.image,
                "VIDEO" => &mut sums.video,
                _ => &mut sums.text,
            };
            *sum = sum.saturating_add(detail.token_count);
        }
        sums
    }

    fn not_text(&self) -> u64 {
        self.audio.saturating_add(self.image).saturating_add(self.video)
    }
}

/// Reads usage.
///
/// `promptTokenCount` includes what was cached. `text_tokens` and its sisters count what was not, so that they and
/// `cached_tokens` add up to `prompt_tokens`. Thoughts belong to the completion, and so do results of tools that Google
/// ran to the prompt, unless they came from a search that is charged by itself.
pub(super) fn read(wire: &Wire, grounding: Grounding) -> Usage {
    let tool_use = if grounding.is_charged { 0 } else { wire.tool_use_prompt_token_count };
    let prompt_tokens = wire.prompt_token_count.saturating_add(tool_use);
    let cached = wire.cached_content_token_count.min(wire.prompt_token_count);
    let told = ByModality::of(&wire.prompt_tokens_details);
    // Without details the cache held text: what is cached unasked nearly always is.
    let from_cache = ByModality::of(&wire.cache_tokens_details);
    let audio_tokens = told.audio.saturating_sub(from_cache.audio);
    let image_tokens = told.image.saturating_sub(from_cache.image);
    let video_tokens = told.video.saturating_sub(from_cache.video);
    let not_text = audio_tokens.saturating_add(image_tokens).saturating_add(video_tokens);
    let text_tokens = prompt_tokens.saturating_sub(cached).saturating_sub(not_text);
    let mut prompt_details = PromptDetails {
        cached_tokens: cached,
        audio_tokens,
        text_tokens,
        image_tokens,
        video_tokens,
        ..PromptDetails::default()
    };
    if wire.tool_use_prompt_token_count > 0 {
        // Told, not added: they are in `text_tokens` already where they are charged.
        prompt_details.extra.insert("tool_use_tokens".to_owned(), wire.tool_use_prompt_token_count.into());
    }
    let answered = wire.candidates_token_count;
    let thoughts = wire.thoughts_token_count;
    let without_thoughts =
        wire.prompt_token_count.saturating_add(wire.tool_use_prompt_token_count).saturating_add(answered);
    // Some models count their thoughts among the candidates' tokens: the total tells.
    let includes_thoughts = thoughts <= answered && without_thoughts == wire.total_token_count;
    let completion_tokens = if includes_thoughts { answered } else { answered.saturating_add(thoughts) };
    let said = ByModality::of(&wire.candidates_tokens_details);
    let mut completion_details = CompletionDetails {
        reasoning_tokens: thoughts,
        audio_tokens: said.audio,
        text_tokens: completion_tokens.saturating_sub(thoughts).saturating_sub(said.not_text()),
        image_tokens: said.image,
        ..CompletionDetails::default()
    };
    if said.video > 0 {
        completion_details.extra.insert("video_tokens".to_owned(), said.video.into());
    }
    let searches = ServerToolUse { web_search_requests: grounding.searches, ..ServerToolUse::default() };
    let mut usage = Usage {
        prompt_tokens,
        completion_tokens,
        total_tokens: prompt_tokens.saturating_add(completion_tokens),
        prompt_tokens_details: Some(prompt_details),
        completion_tokens_details: Some(completion_details),
        cache_read_input_tokens: cached,
        server_tool_use: (grounding.searches > 0).then_some(searches),
        ..Usage::default()
    };
    // The tier that served, which is the one that Vertex AI charges.
    let tier = match wire.traffic_type.as_str() {
        "ON_DEMAND" => Some("standard"),
        "ON_DEMAND_FLEX" | "FLEX" => Some("flex"),
        "ON_DEMAND_PRIORITY" => Some("priority"),
        _ => None,
    };
    if let Some(tier) = tier {
        usage.extra.insert("service_tier".to_owned(), tier.into());
    }
    usage
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn usage(wire: Value, is_charged: bool) -> Usage {
        read(&serde_json::from_value(wire).unwrap(), Grounding { searches: u64::from(is_charged), is_charged })
    }

    /// Cached and not cached tokens of all kinds are the prompt; reasoning and the rest are the completion.
    fn assert_whole(usage: &Usage) {
        let prompt = usage.prompt_tokens_details.as_ref().unwrap();
        let not_text = prompt.audio_tokens + prompt.image_tokens + prompt.video_tokens;
        assert_eq!(prompt.cached_tokens + prompt.text_tokens + not_text, usage.prompt_tokens);
        let completion = usage.completion_tokens_details.as_ref().unwrap();
        let said = completion.text_tokens + completion.audio_tokens + completion.image_tokens;
        assert_eq!(said + completion.reasoning_tokens, usage.completion_tokens);
        assert_eq!(usage.prompt_tokens + usage.completion_tokens, usage.total_tokens);
    }

    #[test]
    fn the_traffic_of_vertex_ai_is_a_tier() {
        for (traffic, tier) in [
            ("ON_DEMAND", Some("standard")),
            ("ON_DEMAND_PRIORITY", Some("priority")),
            ("ON_DEMAND_FLEX", Some("flex")),
            ("PROVISIONED_THROUGHPUT", None),
        ] {
            let told = usage(json!({"promptTokenCount": 1, "trafficType": traffic}), false);
            assert_eq!(told.extra.get("service_tier").and_then(Value::as_str), tier, "{traffic}");
        }
    }

    #[test]
    fn cached_tokens_leave_their_modality() {
        let told = usage(
            json!({"promptTokenCount": 1000, "candidatesTokenCount": 10, "totalTokenCount": 1010,
                "cachedContentTokenCount": 700,
                "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 400},
                    {"modality": "AUDIO", "tokenCount": 600}],
                "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 500},
                    {"modality": "TEXT", "tokenCount": 200}]}),
            false,
        );
        assert_whole(&told);
        let details = told.prompt_tokens_details.unwrap();
        assert_eq!((details.cached_tokens, details.text_tokens, details.audio_tokens), (700, 200, 100));
        let untold = usage(
            json!({"prompt_token_count": 1000, "candidates_token_count": 1, "total_token_count": 1001,
                "cached_content_token_count": 700,
                "prompt_tokens_details": [{"modality": "TEXT", "token_count": 1000}]}),
            false,
        );
        assert_whole(&untold);
        assert_eq!(untold.prompt_tokens_details.unwrap().text_tokens, 300);
    }

    #[test]
    fn thoughts_are_added_once() {
        let apart = usage(
            json!({"promptTokenCount": 5, "candidatesTokenCount": 10, "thoughtsTokenCount": 30, "totalTokenCount": 45}),
            false,
        );
        assert_whole(&apart);
        assert_eq!((apart.completion_tokens, apart.total_tokens), (40, 45));
        let inside = usage(
            json!({"promptTokenCount": 5, "candidatesTokenCount": 40, "thoughtsTokenCount": 30, "totalTokenCount": 45}),
            false,
        );
        assert_whole(&inside);
        assert_eq!((inside.completion_tokens, inside.total_tokens), (40, 45));
    }

    #[test]
    fn results_of_tools_are_prompt_unless_the_search_is_charged() {
        let wire = json!({"promptTokenCount": 5, "candidatesTokenCount": 10, "toolUsePromptTokenCount": 100,
            "totalTokenCount": 115});
        let read = usage(wire.clone(), false);
        assert_whole(&read);
        assert_eq!(read.prompt_tokens, 105);
        let charged = usage(wire, true);
        assert_whole(&charged);
        assert_eq!((charged.prompt_tokens, charged.server_tool_use.unwrap().web_search_requests), (5, 1));
    }

    #[test]
    fn odd_counts_never_overflow() {
        let odd = usage(
            json!({"promptTokenCount": u64::MAX, "candidatesTokenCount": u64::MAX, "thoughtsTokenCount": null,
                "toolUsePromptTokenCount": -1, "cachedContentTokenCount": "x", "promptTokensDetails": {},
                "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": u64::MAX}]}),
            false,
        );
        assert_eq!(odd.total_tokens, u64::MAX);
    }
}
