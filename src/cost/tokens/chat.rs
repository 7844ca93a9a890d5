//! Tokens of a whole chat request: messages, names, calls, tools, images, sound and documents.

use std::cell::Cell;

use serde_json::{Map, Value};

use super::bound::upper_bound;
use super::images::{ImageRule, image_rule};
use super::models::Family;
use super::overhead::{self, Overhead};
use super::sampling::{Counter, MOST_BYTES};
use super::{TokenCount, image_size, media, tool_text};
use crate::error::Result;
use crate::openai::{ChatRequest, Content, Message, Part, Role, Tool, ToolChoice};

/// Parts within parts (Anthropic's tool results) deeper than this are not looked at.
const DEEPEST: usize = 8;
/// Bytes of each text that are counted even where the request has had its share of [`MOST_BYTES`].
const LEAST_BYTES: usize = 4_096;
/// Error of the overhead of tools, in percent: LiteLLM's own fixtures are off by so much.
const TOOLS_ERROR: u32 = 5;
/// Tokens of a part that nothing is known of; LiteLLM's constant for an image.
const UNKNOWN_PART: u64 = 250;

/// Counts the tokens of a request as `model` would, whatever name the client gave.
///
/// OpenAI's families follow OpenAI's formula, with which LiteLLM's `token_counter` counts every model; but the names of
/// called functions count too, since the model reads them. At most about [`MOST_BYTES`] of text are read.
///
/// # Errors
///
/// What [`ChatRequest::messages`], [`ChatRequest::tools`] and [`ChatRequest::tool_choice`] refuse.
pub fn count_chat(request: &ChatRequest, model: &str, counter: Counter<'_>) -> Result<TokenCount> {
    let means = Means::Count(counter, Cell::new(MOST_BYTES));
    let choice = request.tool_choice()?;
    let overhead = overhead::of(counter.family(), model, choice.as_ref());
    Meter { means, family: counter.family(), model, rule: image_rule(counter.family(), model), overhead }
        .request(request, choice.as_ref())
}

/// A number of tokens that is never below that of a request: [`upper_bound`] for all text, the largest overhead of any
/// family, the largest number of tokens of each image and sound. Only for documents it is a generous guess.
///
/// # Errors
///
/// As [`count_chat`].
pub fn chat_upper_bound(request: &ChatRequest, model: &str, family: Family) -> Result<u64> {
    let meter = Meter { means: Means::Bound, family, model, rule: image_rule(family, model), overhead: overhead::MOST };
    Ok(meter.request(request, request.tool_choice()?.as_ref())?.value)
}

/// What a count depends on beside the request and the vocabulary: models that have it in common count a request alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Manner {
    family: Family,
    rule: ImageRule,
    overhead: Overhead,
    legacy: bool,
}

impl Manner {
    /// The manner of a model, for a request with this choice of tools.
    pub fn of(family: Family, model: &str, choice: Option<&ToolChoice>) -> Self {
        let (rule, overhead) = (image_rule(family, model), overhead::of(family, model, choice));
        Self { family, rule, overhead, legacy: overhead::is_legacy(model) }
    }
}

enum Means<'a> {
    /// With the bytes that may still be read.
    Count(Counter<'a>, Cell<usize>),
    Bound,
}

/// Counts or bounds: one walk for both, so that neither forgets what the other sees.
struct Meter<'a> {
    means: Means<'a>,
    family: Family,
    model: &'a str,
    rule: ImageRule,
    overhead: Overhead,
}

impl Meter<'_> {
    fn request(&self, request: &ChatRequest, choice: Option<&ToolChoice>) -> Result<TokenCount> {
        let messages = request.messages()?;
        let tools = request.tools()?;
        let mut total = TokenCount::exact(self.overhead.start);
        for message in &messages {
            total = total.plus(self.message(message));
        }
        if !tools.is_empty() {
            let has_system = messages.iter().any(|message| message.role == Role::System);
            total = total.plus(self.tools(&tools, has_system));
        }
        Ok(total.plus(self.choice(choice)))
    }

    fn text(&self, text: &str) -> TokenCount {
        match &self.means {
            Means::Bound => TokenCount::exact(upper_bound(text, self.family)),
            Means::Count(counter, left) => {
                let most = left.get().max(LEAST_BYTES);
                left.set(left.get().saturating_sub(text.len()));
                counter.count_up_to(text, most)
            }
        }
    }

    fn is_bound(&self) -> bool {
        matches!(self.means, Means::Bound)
    }

    fn message(&self, message: &Message) -> TokenCount {
        let role = match message.role {
            Role::System => "system",
            Role::Developer => "developer",
            Role::User => "user",
            Role::Assistant => "assistant",
            Role::Tool => "tool",
            Role::Function => "function",
        };
        let mut total = TokenCount::exact(self.overhead.message).plus(self.text(role));
        if let Some(name) = &message.name {
            total = total.plus(self.text(name));
            if overhead::is_legacy(self.model) && !self.is_bound() {
                total.value = total.value.saturating_sub(1);
            } else {
                total.value += 1;
            }
        }
        total = match &message.content {
            Some(Content::Text(text)) => total.plus(self.text(text)),
            Some(Content::Parts(parts)) => parts.iter().fold(total, |total, part| total.plus(self.part(part))),
            None => total,
        };
        for call in &message.tool_calls {
            total = total.plus(self.text(&call.function.name)).plus(self.text(&call.function.arguments));
            // Bounds leave room for the call's frame and id.
            total.value += if self.is_bound() { 16 + call.id.len() as u64 } else { 0 };
        }
        let strings = message.extra.values().filter_map(Value::as_str);
        let known = message.tool_call_id.iter().chain(&message.reasoning_content).map(String::as_str);
        total = strings.chain(known).fold(total, |total, text| total.plus(self.text(text)));
        // Thinking that has its text in `reasoning_content` too is one thing said twice.
        let thinking =
            if message.reasoning_content.is_none() || self.is_bound() { &message.thinking_blocks[..] } else { &[] };
        let blocks = thinking.iter().filter_map(Value::as_object);
        blocks.fold(total, |total, block| total.plus(self.other_part(block, 0)))
    }

    fn part(&self, part: &Part) -> TokenCount {
        match part {
            Part::Text { text, .. } => self.text(text),
            Part::Image { url, detail, .. } => self.image(|| image_size::of_data_url(url), detail.as_deref()),
            Part::Audio { data, format } if self.is_bound() => {
                TokenCount::exact(media::most_audio(data.len()) + format.len() as u64)
            }
            Part::Audio { data, format } => media::audio(data.len(), format, self.family),
            Part::File { file_data, filename, .. } => {
                let name = filename.as_deref().map_or(TokenCount::exact(0), |name| self.text(name));
                name.plus(self.document(file_data.as_deref().map_or(0, str::len)))
            }
            Part::Other { value, .. } => self.other_part(value, 0),
        }
    }

    fn image(&self, size: impl FnOnce() -> Option<(u32, u32)>, detail: Option<&str>) -> TokenCount {
        if self.is_bound() {
            return TokenCount::exact(self.rule.most());
        }
        self.rule.count(size(), detail)
    }

    fn document(&self, base64: usize) -> TokenCount {
        if self.is_bound() {
            return TokenCount::exact(media::most_document(base64));
        }
        media::document(base64, self.family)
    }

    /// Parts in Anthropic's shape, which pass through; signatures and encrypted thinking are not counted.
    fn other_part(&self, part: &Map<String, Value>, depth: usize) -> TokenCount {
        let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
        let source = |name: &str| part.get("source").and_then(|source| source.get(name)).and_then(Value::as_str);
        match text("type") {
            _ if depth > DEEPEST => self.unknown_part(part),
            "text" => self.text(text("text")),
            "thinking" => self.text(text("thinking")),
            "redacted_thinking" if !self.is_bound() => TokenCount::exact(0),
            "image" => self.image(|| source("data").and_then(image_size::of_base64), None),
            "document" => {
                let title = self.text(text("title")).plus(self.text(text("context")));
                let inner = part.get("source").and_then(|source| source.get("content"));
                title.plus(match source("type") {
                    Some("text") => self.text(source("data").unwrap_or_default()),
                    Some("content") => self.content(inner, depth),
                    _ => self.document(source("data").map_or(0, str::len)),
                })
            }
            "tool_use" => {
                let input = part.get("input").map(Value::to_string).unwrap_or_default();
                self.text(text("name")).plus(self.text(&input))
            }
            "tool_result" => self.content(part.get("content"), depth),
            _ => self.unknown_part(part),
        }
    }

    fn unknown_part(&self, part: &Map<String, Value>) -> TokenCount {
        if !self.is_bound() {
            return TokenCount::estimated(UNKNOWN_PART, 100);
        }
        let json = Value::Object(part.clone()).to_string();
        TokenCount::exact(upper_bound(&json, self.family).max(self.rule.most()).max(UNKNOWN_PART))
    }

    fn content(&self, content: Option<&Value>, depth: usize) -> TokenCount {
        match content {
            Some(Value::String(text)) => self.text(text),
            Some(Value::Array(parts)) => parts
                .iter()
                .filter_map(Value::as_object)
                .fold(TokenCount::exact(0), |total, part| total.plus(self.other_part(part, depth + 1))),
            _ => TokenCount::exact(0),
        }
    }

    fn tools(&self, tools: &[Tool], has_system: bool) -> TokenCount {
        let json = || tools.iter().map(|tool| Value::Object(tool.value.clone()).to_string()).collect::<String>();
        let fixed = TokenCount::estimated(self.overhead.tools, TOOLS_ERROR);
        if self.is_bound() {
            // However a provider writes a tool: at most as long as its JSON or its TypeScript, and a frame for each.
            let written = self.text(&json()).value.max(self.text(&tool_text::render(tools)).value);
            return TokenCount::exact(fixed.value + written + 64 * tools.len() as u64);
        }
        if !self.overhead.typescript {
            return fixed.plus(self.text(&json()));
        }
        let mut total = fixed.plus(self.text(&tool_text::render(tools)));
        if has_system {
            total.value = total.value.saturating_sub(4);
        }
        total
    }

    fn choice(&self, choice: Option<&ToolChoice>) -> TokenCount {
        match choice {
            Some(ToolChoice::None) => TokenCount::exact(1),
            Some(ToolChoice::Function(name)) => TokenCount::exact(7).plus(self.text(name)),
            Some(ToolChoice::Other(value)) if self.is_bound() => self.text(&value.to_string()),
            _ => TokenCount::exact(0),
        }
    }
}
