//! A chat request as a `GenerateContentRequest` (<https://ai.google.dev/api/generate-content>).

use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

use super::contents::Conversation;
use super::generation::Generation;
use super::{contents, schema, thinking, tools};
use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::params::unsupported;
use crate::provider::{Notes, Params, Target};

/// What the dialect takes: OpenAI's fields, LiteLLM's, and Google's own in both spellings.
#[rustfmt::skip]
const PARAMS: Params = Params(&[
    "audio", "cachedContent", "cached_content", "enable_enhanced_civic_answers", "enhancedCivicAnswers",
    "frequency_penalty", "function_call", "functions", "imageConfig", "image_config",
    "include_server_side_tool_invocations", "labels", "logprobs", "max_completion_tokens", "max_tokens",
    "mediaResolution", "media_resolution", "metadata", "modalities", "n", "parallel_tool_calls", "presence_penalty",
    "reasoning_effort", "responseModalities", "response_format", "response_modalities", "safetySettings",
    "safety_settings", "seed", "service_tier", "speechConfig", "speech_config", "stop", "temperature", "thinking",
    "thinkingConfig", "thinking_config", "thinking_level", "tool_choice", "tools", "topK", "top_k", "top_logprobs", "top_p",
    "user", "web_search_options",
]);

/// Fields that are handed on in `generationConfig` as they are, and what Google calls them.
#[rustfmt::skip]
const AS_THEY_ARE: &[(&str, &str)] = &[
    ("temperature", "temperature"), ("top_p", "topP"), ("top_k", "topK"), ("topK", "topK"), ("n", "candidateCount"),
    ("presence_penalty", "presencePenalty"), ("frequency_penalty", "frequencyPenalty"),
    ("response_modalities", "responseModalities"), ("responseModalities", "responseModalities"),
    ("speech_config", "speechConfig"), ("speechConfig", "speechConfig"),
    ("media_resolution", "mediaResolution"), ("mediaResolution", "mediaResolution"),
    ("image_config", "imageConfig"), ("imageConfig", "imageConfig"),
    ("enable_enhanced_civic_answers", "enableEnhancedCivicAnswers"),
    ("enhancedCivicAnswers", "enableEnhancedCivicAnswers"),
];

/// The body for `chat`, and what its answer's reader must know.
///
/// # Errors
///
/// A field, part or tool that Google cannot express.
pub(super) fn write(target: &Target<'_>, chat: &ChatRequest) -> Result<(Value, Notes)> {
    let mut notes = Notes::new(target);
    notes.dropped = PARAMS.check(target, chat)?;
    refuse_by_model(target, chat, &mut notes.dropped)?;
    let tools = tools::write(target, chat, &mut notes)?;
    let contents = contents::write(target, chat)?;
    let wanted = Wanted { chat, dropped: &notes.dropped };
    let config = generation_config(target, &wanted, &contents)?;
    let cached = wanted.raw("cached_content").or_else(|| wanted.raw("cachedContent"));
    // What is cached already has instructions and tools: Google refuses them twice.
    let whole = cached.is_none() || !target.settings.modify_params;
    let mut body = Map::from_iter([("contents".to_owned(), Value::Array(contents.turns))]);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("systemInstruction", contents.system.filter(|_| whole));
    put("tools", (whole && !tools.tools.is_empty()).then(|| tools.tools.into()));
    put("toolConfig", (whole && !tools.config.is_empty()).then(|| tools.config.into()));
    put("safetySettings", wanted.value("safety_settings")?.or(wanted.value("safetySettings")?));
    put("generationConfig", (!config.is_empty()).then(|| config.into()));
    put("cachedContent", cached.and_then(|cached| serde_json::from_str(cached.get()).ok()));
    put("serviceTier", service_tier(&wanted)?);
    // Only Vertex AI has labels: here they would be refused.
    if wanted.raw("labels").is_some() {
        notes.dropped.push("labels".to_owned());
    }
    Ok((body.into(), notes))
}

/// The fields of a request that are not to be left out.
struct Wanted<'a> {
    chat: &'a ChatRequest,
    dropped: &'a [String],
}

impl Wanted<'_> {
    fn raw(&self, name: &str) -> Option<&RawValue> {
        self.chat.raw(name).filter(|_| !self.dropped.iter().any(|dropped| dropped == name))
    }

    fn value(&self, name: &str) -> Result<Option<Value>> {
        if self.raw(name).is_some() { self.chat.get(name) } else { Ok(None) }
    }
}

/// Refuses fields that this model, or this combination, cannot express; drops them where the settings say so.
fn refuse_by_model(target: &Target<'_>, chat: &ChatRequest, dropped: &mut Vec<String>) -> Result<()> {
    let mut fields = Vec::new();
    if thinking::is_unsupported(target) {
        fields.extend(thinking::FIELDS);
    }
    // Gemini 3 refuses penalties.
    if Generation::of(target.model).is_three() {
        fields.extend(["frequency_penalty", "presence_penalty"]);
    }
    // The model decides how many calls it makes at once.
    if chat.get("parallel_tool_calls")? == Some(false) && tools::functions(chat) > 1 {
        fields.push("parallel_tool_calls");
    }
    let given = |name: &&str| chat.raw(name).is_some() && !dropped.iter().any(|dropped| dropped == name);
    let given: Vec<String> = fields.into_iter().filter(given).map(str::to_owned).collect();
    match given.first() {
        Some(first) if !target.settings.drop_params => Err(unsupported(target.provider, &given, first)),
        _ => {
            dropped.extend(given);
            Ok(())
        }
    }
}

fn generation_config(target: &Target<'_>, wanted: &Wanted<'_>, contents: &Conversation) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    for (name, sent) in AS_THEY_ARE {
        if let Some(value) = wanted.value(name)? {
            config.insert((*sent).to_owned(), value);
        }
    }
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    let bound = ["max_completion_tokens", "max_tokens"].iter().any(|name| wanted.raw(name).is_some());
    put("maxOutputTokens", wanted.chat.max_output_tokens()?.filter(|_| bound).map(Value::from));
    if wanted.raw("stop").is_some() {
        put("stopSequences", Some(wanted.chat.stop()?.into()).filter(|stops: &Value| *stops != json!([])));
    }
    put("seed", seed(wanted)?);
    put("responseLogprobs", wanted.value("logprobs")?.filter(|asked| *asked == true));
    put("logprobs", wanted.value("top_logprobs")?);
    if let Some(modalities) = wanted.value("modalities")? {
        let upper = |modality: &Value| modality.as_str().unwrap_or_default().to_uppercase().into();
        let all: Vec<Value> = modalities.as_array().map(|all| all.iter().map(upper).collect()).unwrap_or_default();
        put("responseModalities", Some(all.into()));
    }
    put("speechConfig", speech(wanted)?);
    put("thinkingConfig", thinking::config(target, wanted.chat, wanted.dropped)?);
    // The whole request has one level less than its parts.
    let resolution = contents.resolution.map(|level| level.replace("ULTRA_", ""));
    if wanted.raw("media_resolution").or_else(|| wanted.raw("mediaResolution")).is_none() {
        put("mediaResolution", resolution.map(Value::from));
    }
    if let Some(format) = wanted.value("response_format")? {
        response_format(Generation::of(target.model), &format, &mut config)?;
    }
    Ok(config)
}

/// `seed`, which has 32 bits at Google.
fn seed(wanted: &Wanted<'_>) -> Result<Option<Value>> {
    let Some(seed) = wanted.value("seed")? else { return Ok(None) };
    if seed.as_i64().is_none_or(|seed| i32::try_from(seed).is_err()) {
        let message = format!("`seed` must be from {} to {} for this provider: {seed}", i32::MIN, i32::MAX);
        return Err(Error::bad_request("seed", message));
    }
    Ok(Some(seed))
}

/// `audio`: the voice; Google's speech is always 16-bit PCM.
fn speech(wanted: &Wanted<'_>) -> Result<Option<Value>> {
    let Some(audio) = wanted.value("audio")? else { return Ok(None) };
    let text = |name: &str| audio.get(name).and_then(Value::as_str);
    if let Some(format) = text("format").filter(|format| *format != "pcm16") {
        let message = format!("`audio.format` must be \"pcm16\" for this provider: {format}");
        return Err(Error::bad_request("audio.format", message));
    }
    let mut speech = Map::new();
    if let Some(voice) = text("voice") {
        speech.insert("voiceConfig".to_owned(), json!({"prebuiltVoiceConfig": {"voiceName": voice}}));
    }
    if let Some(language) = text("language_code") {
        speech.insert("languageCode".to_owned(), language.into());
    }
    Ok((!speech.is_empty()).then(|| speech.into()))
}

/// `service_tier`: OpenAI's `default` is Google's `standard`, and `auto` is what Google does unasked.
fn service_tier(wanted: &Wanted<'_>) -> Result<Option<Value>> {
    let Some(tier) = wanted.value("service_tier")? else { return Ok(None) };
    Ok(match tier.as_str().unwrap_or_default().to_lowercase().as_str() {
        "auto" => None,
        "default" => Some("standard".into()),
        other => Some(other.into()),
    })
}

/// `response_format`: JSON, with a schema where one is given.
fn response_format(generation: Generation, format: &Value, config: &mut Map<String, Value>) -> Result<()> {
    let given = match format.get("type").and_then(Value::as_str).unwrap_or_default() {
        "text" => return Ok(()),
        // LiteLLM's clients put a schema beside `json_object`.
        "json_object" => format.get("response_schema"),
        "json_schema" => Some(format.pointer("/json_schema/schema").ok_or_else(|| {
            let message = "`response_format.json_schema.schema` is missing: give a JSON schema";
            Error::bad_request("response_format.json_schema.schema", message)
        })?),
        other => {
            let message =
                format!("`response_format.type` must be \"text\", \"json_object\" or \"json_schema\": {other}");
            return Err(Error::bad_request("response_format.type", message));
        }
    };
    config.insert("responseMimeType".to_owned(), "application/json".into());
    match given {
        Some(schema) if generation.takes_json_schema() => {
            config.insert("responseJsonSchema".to_owned(), schema::json_schema(schema.clone()));
        }
        Some(schema) => {
            if let Some(schema) = schema::open_api(schema, "response_format.json_schema.schema")? {
                config.insert("responseSchema".to_owned(), schema);
            }
        }
        None => {}
    }
    Ok(())
}
