//! A chat as the input of a prediction: one prompt, and parameters by the names that the model's owner gives them.

use serde_json::{Map, Value, json};

use crate::error::{Error, Result};
use crate::openai::{ChatRequest, Content, Fields, Message, Part, Role, is_openai_param};
use crate::provider::{Notes, Params, Target};

/// The parameters of OpenAI that have a place in an input, or need none.
const PARAMS: Params = Params(&[
    "frequency_penalty",
    "max_completion_tokens",
    "max_tokens",
    "metadata",
    "presence_penalty",
    "reasoning_effort",
    "seed",
    "stop",
    "temperature",
    "top_p",
    "user",
]);

/// Parameters that an input has under the same name.
const AS_THEY_ARE: &[&str] =
    &["frequency_penalty", "presence_penalty", "reasoning_effort", "seed", "temperature", "top_p"];

/// Names of an input's fields.
struct Names {
    /// What bounds the answer.
    bound: &'static str,
    /// The system prompt; `None` where it goes into the prompt.
    system: Option<&'static str>,
    /// Images, and whether there may be several.
    images: Option<(&'static str, bool)>,
}

/// The names of `model`: those of the owner's model pages, else LiteLLM's.
fn names(model: &str) -> Names {
    let (owner, name) = model.split_once('/').unwrap_or(("", model));
    let system = Some("system_prompt");
    match owner {
        // <https://replicate.com/openai/o4-mini/api/schema>
        "openai" => Names { bound: "max_completion_tokens", system, images: Some(("image_input", true)) },
        // <https://replicate.com/anthropic/claude-4-sonnet/api/schema>
        "anthropic" => Names { bound: "max_tokens", system, images: Some(("image", false)) },
        // <https://replicate.com/google/gemini-2.5-flash/api/schema>
        "google" if name.starts_with("gemini") => {
            Names { bound: "max_output_tokens", system: Some("system_instruction"), images: Some(("images", true)) }
        }
        // <https://replicate.com/meta/meta-llama-3.1-405b-instruct/api/schema>
        "meta" if name.starts_with("meta-llama-3") => Names { bound: "max_tokens", system, images: None },
        "meta" if name.starts_with("codellama-13b") => Names { bound: "max_tokens", system: None, images: None },
        _ if model.contains("vicuna") || model.contains("flan") => {
            Names { bound: "max_length", system: None, images: None }
        }
        _ => Names { bound: "max_new_tokens", system: None, images: None },
    }
}

/// The body for `chat`, and what its answer's reader must know.
///
/// # Errors
///
/// A field or part that no input has.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest) -> Result<(Value, Notes)> {
    let mut names = names(target.model);
    let mut notes = Notes::new(target);
    if let Some((name, _)) = target.model.split_once(':') {
        name.clone_into(&mut notes.model);
    }
    let mut fields = chat.fields().clone();
    let dropped = check(target, &fields)?;
    dropped.iter().filter(|name| !matches!(name.as_str(), "model" | "messages")).for_each(|name| fields.remove(name));
    notes.dropped = dropped;
    // LiteLLM's word for a model that has one.
    let told: Option<bool> = fields.get("supports_system_prompt")?;
    fields.remove("supports_system_prompt");
    match told.or(target.facts.system_messages) {
        Some(true) => names.system = names.system.or(Some("system_prompt")),
        Some(false) if told.is_some() => names.system = None,
        _ => {}
    }
    let chat = ChatRequest::from_fields(fields)?;
    let mut input = Map::new();
    converse(chat.messages()?, &names, &mut input)?;
    if let Some(bound) = chat.max_output_tokens()? {
        input.insert(names.bound.to_owned(), bound.into());
    }
    let stops = chat.stop()?;
    if !stops.is_empty() {
        input.insert("stop_sequences".to_owned(), stops.join(",").into());
    }
    for (name, _) in chat.fields().iter() {
        let is_own = !is_openai_param(name);
        if (is_own || AS_THEY_ARE.contains(&name))
            && let Some(value) = chat.get::<Value>(name)?
        {
            input.insert(name.to_owned(), value);
        }
    }
    let mut body = json!({"input": input});
    if let (true, Some(body)) = (chat.stream(), body.as_object_mut()) {
        body.insert("stream".to_owned(), true.into());
    }
    Ok((body, notes))
}

/// What is to be left out. A field that OpenAI does not have belongs to the model.
fn check(target: &Target<'_>, fields: &Fields) -> Result<Vec<String>> {
    let mut known = fields.clone();
    let is_dropped = |name: &str| target.settings.additional_drop_params.iter().any(|dropped| dropped == name);
    for (name, _) in fields.iter().filter(|(name, _)| !is_openai_param(name) && !is_dropped(name)) {
        known.remove(name);
    }
    // One answer is what everybody gets.
    if known.raw("n").is_some_and(|n| n.get() == "1") {
        known.remove("n");
    }
    PARAMS.check_fields(target, &known)
}

/// Writes prompt, system prompt and images. One question is the prompt as it stands; a longer conversation is written out,
/// up to the name of who speaks next.
fn converse(messages: Vec<Message>, names: &Names, input: &mut Map<String, Value>) -> Result<()> {
    let (mut system, mut turns, mut images) = (Vec::new(), Vec::new(), Vec::new());
    for (index, message) in messages.into_iter().enumerate() {
        let at = format!("messages[{index}]");
        let role = message.role;
        if !message.tool_calls.is_empty() || matches!(role, Role::Tool | Role::Function) {
            let message = format!("`{at}` is not supported by this provider: it has no tools");
            return Err(Error::bad_request(&at, message));
        }
        let text = content(message.content, &at, names, &mut images)?;
        match role {
            Role::System | Role::Developer => system.push(text),
            Role::Assistant => turns.push(("Assistant", text)),
            _ => turns.push(("User", text)),
        }
    }
    let mut system = system.join("\n\n");
    let mut prompt = String::new();
    if names.system.is_none() && !system.is_empty() {
        prompt = std::mem::take(&mut system) + "\n\n";
    }
    match turns.as_slice() {
        [("User", only)] => prompt.push_str(only),
        turns => {
            for (who, said) in turns {
                for piece in [who, ": ", said, "\n\n"] {
                    prompt.push_str(piece);
                }
            }
            prompt.push_str("Assistant:");
        }
    }
    input.insert("prompt".to_owned(), prompt.into());
    if let Some(name) = names.system.filter(|_| !system.is_empty()) {
        input.insert(name.to_owned(), system.into());
    }
    match names.images {
        Some((name, true)) if !images.is_empty() => drop(input.insert(name.to_owned(), images.into())),
        Some((name, false)) => images.pop().map(|image| input.insert(name.to_owned(), image)).map_or((), drop),
        _ => {}
    }
    Ok(())
}

/// The text of a message; its images are put aside.
fn content(content: Option<Content>, at: &str, names: &Names, images: &mut Vec<Value>) -> Result<String> {
    let mut text = String::new();
    let parts = content.map(Content::into_parts).unwrap_or_default();
    for (index, part) in parts.into_iter().enumerate() {
        let at = format!("{at}.content[{index}]");
        match (part, names.images) {
            (Part::Text { text: piece, .. }, _) => text.push_str(&piece),
            (Part::Image { url, .. }, Some((_, several))) if several || images.is_empty() => images.push(url.into()),
            (Part::Image { .. }, Some(_)) => {
                let message = format!("`{at}` is one image too many: this model takes one");
                return Err(Error::bad_request(&at, message));
            }
            _ => {
                let message = format!(
                    "`{at}` is not supported for this model: give text, or the model's own input fields beside `messages`"
                );
                return Err(Error::bad_request(&at, message));
            }
        }
    }
    Ok(text)
}
