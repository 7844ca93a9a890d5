//! What families add to the text of messages and tools.

use super::models::{Family, claude_version};
use crate::openai::ToolChoice;

/// Tokens around messages and tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Overhead {
    /// Of every request.
    pub(super) start: u64,
    /// Of every message.
    pub(super) message: u64,
    /// Of a request that has tools.
    pub(super) tools: u64,
    /// Whether tools are counted as TypeScript; else as JSON.
    pub(super) typescript: bool,
}

/// The overhead of a model.
pub(super) fn of(family: Family, model: &str, choice: Option<&ToolChoice>) -> Overhead {
    let json = |start, message, tools| Overhead { start, message, tools, typescript: false };
    match family {
        // Constants of these five were fitted by others to bills: npm ai-tokenizer 1.0.6, table of models.
        Family::Claude | Family::Claude46 => json(6, 2, claude_tools(model, choice)),
        Family::DeepSeek => json(3, 3, 149),
        Family::Llama => json(34, 4, 173),
        Family::Mistral => json(2, 1, 60),
        Family::Grok => json(5, 3, 240),
        // OpenAI's cookbook, "How to count tokens with tiktoken": an answer is primed with three, a message has three,
        // with the legacy model four. Tools as LiteLLM counts them. For families of which nothing is known too.
        Family::OpenAi | Family::OpenAiOld | Family::Gemini | Family::Qwen | Family::Cohere | Family::Other => {
            Overhead { start: 3, message: if is_legacy(model) { 4 } else { 3 }, tools: 9, typescript: true }
        }
    }
}

/// The one model whose messages cost four, less one with a name.
pub(super) fn is_legacy(model: &str) -> bool {
    model.ends_with("gpt-3.5-turbo-0301")
}

/// The largest overhead of any family, for bounds.
pub(super) const MOST: Overhead = Overhead { start: 40, message: 8, tools: 1_024, typescript: true };

/// Anthropic's system prompt for tools, by choice auto or none, and any or a tool
/// (<https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/overview>, "Pricing").
fn claude_tools(model: &str, choice: Option<&ToolChoice>) -> u64 {
    let name = model.to_ascii_lowercase();
    let (free, forced) = match claude_version(&name) {
        Some((3, 0)) if name.contains("opus") => (530, 281),
        Some((3, 0)) if name.contains("sonnet") => (159, 235),
        Some((3, 0 | 5)) if name.contains("haiku") => (264, 340),
        // No table newer than 4.5 was found.
        _ => (346, 313),
    };
    match choice {
        Some(ToolChoice::Required | ToolChoice::Function(_)) => forced,
        _ => free,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn claudes_prompt_for_tools_depends_on_model_and_choice() {
        let tools = |model, choice: Option<ToolChoice>| of(Family::Claude46, model, choice.as_ref()).tools;
        assert_eq!(tools("claude-3-opus-20240229", None), 530);
        assert_eq!(tools("claude-3-opus-20240229", Some(ToolChoice::Required)), 281);
        assert_eq!(tools("claude-3-5-haiku-20241022", Some(ToolChoice::Auto)), 264);
        assert_eq!(tools("claude-sonnet-4-5", Some(ToolChoice::None)), 346);
        assert_eq!(tools("claude-sonnet-4-5", Some(ToolChoice::Function("f".to_owned()))), 313);
    }

    #[test]
    fn no_family_is_above_the_most() {
        for family in Family::ALL {
            for model in ["claude-3-opus", "gpt-3.5-turbo-0301", "x"] {
                let of = of(family, model, None);
                assert!(of.start <= MOST.start && of.message <= MOST.message && of.tools <= MOST.tools, "{of:?}");
            }
        }
    }
}
