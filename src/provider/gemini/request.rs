//! A chat request as a `GenerateContentRequest` (<https://ai.google.dev/api/generate-content>).

use serde_json::{Map, Value, json};

use super::contents::Conversation;
use super::generation::Generation;
use super::{contents, open_api, schema, thinking, tools};
use crate::error::{Error, Result};
use crate::openai::ChatRequest;
use crate::provider::params::unsupported;
use crate::provider::{Notes, Params, Target};

/// What the dialect takes: OpenAI's fields, LiteLLM's, and Google's own in both spellings.
#[rustfmt::skip]
const PARAMS: Params = Params(&[
    "audio", "cachedContent", "cached_content", "enableEnhancedCivicAnswers", "enable_enhanced_civic_answers",
    "frequency_penalty", "function_call", "functions", "imageConfig", "image_config",
    "include_server_side_tool_invocations", "labels", "logprobs", "max_completion_tokens", "max_tokens",
    "mediaResolution", "media_resolution", "metadata", "modalities", "n", "parallel_tool_calls", "presence_penalty",
    "reasoning_effort", "responseModalities", "response_format", "response_modalities", "safetySettings",
    "safety_settings", "seed", "service_tier", "speechConfig", "speech_config", "stop", "temperature", "thinking",
    "thinkingConfig", "thinking_config", "thinking_level", "tool_choice", "tools", "topK", "top_k", "top_logprobs",
    "top_p", "user", "web_search_options",
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
    ("enableEnhancedCivicAnswers", "enableEnhancedCivicAnswers"),
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
    // Only Vertex AI has labels: the Gemini API refuses them.
    let has_labels = target.provider.starts_with("vertex_ai");
    if !has_labels && chat.raw("labels").is_some() {
        notes.dropped.push("labels".to_owned());
    }
    let rest = without(chat, &notes.dropped)?;
    let chat = rest.as_ref().unwrap_or(chat);
    let tools = tools::write(target, chat, &mut notes)?;
    let conversation = contents::write(target, chat)?;
    let config = generation_config(target, chat, &conversation)?;
    let cached = either(chat, ["cached_content", "cachedContent"])?;
    // What is cached already has instructions and tools: Google refuses them twice.
    let whole = cached.is_none() || !target.settings.modify_params;
    let mut body = Map::from_iter([("contents".to_owned(), Value::Array(conversation.turns))]);
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            body.insert(name.to_owned(), value);
        }
    };
    put("systemInstruction", conversation.system.filter(|_| whole));
    put("tools", (whole && !tools.tools.is_empty()).then(|| tools.tools.into()));
    put("toolConfig", (whole && !tools.config.is_empty()).then(|| tools.config.into()));
    put("safetySettings", either(chat, ["safety_settings", "safetySettings"])?);
    put("generationConfig", (!config.is_empty()).then(|| config.into()));
    put("cachedContent", cached);
    put("serviceTier", service_tier(chat)?);
    put("labels", chat.get("labels")?);
    Ok((body.into(), notes))
}

/// `chat` without the fields to leave out; `None` where there is none.
fn without(chat: &ChatRequest, dropped: &[String]) -> Result<Option<ChatRequest>> {
    if dropped.is_empty() {
        return Ok(None);
    }
    let drop = |name: &&String| !matches!(name.as_str(), "messages" | "model" | "stream");
    chat.with(|fields| dropped.iter().filter(drop).for_each(|name| fields.remove(name))).map(Some)
}

/// A field that is known by two names.
fn either(chat: &ChatRequest, names: [&str; 2]) -> Result<Option<Value>> {
    let [first, second] = names;
    Ok(chat.get(first)?.or(chat.get(second)?))
}

/// Refuses fields that this model, or this combination, cannot express; drops them where the settings say so.
fn refuse_by_model(target: &Target<'_>, chat: &ChatRequest, dropped: &mut Vec<String>) -> Result<()> {
    let mut fields = Vec::new();
    if thinking::is_unsupported(target) {
        fields.extend(thinking::FIELDS);
    }
    if target.facts.sampling_params == Some(false) {
        fields.extend(["temperature", "top_p", "top_k", "topK"]);
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

fn generation_config(
    target: &Target<'_>,
    chat: &ChatRequest,
    conversation: &Conversation,
) -> Result<Map<String, Value>> {
    let mut config = Map::new();
    // The whole request has one level less than its parts.
    if let Some(level) = conversation.resolution {
        config.insert("mediaResolution".to_owned(), level.replace("ULTRA_", "").into());
    }
    for (name, sent) in AS_THEY_ARE {
        if let Some(value) = chat.get(name)? {
            config.insert((*sent).to_owned(), value);
        }
    }
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            config.insert(name.to_owned(), value);
        }
    };
    put("maxOutputTokens", chat.max_output_tokens()?.map(Value::from));
    let stops = chat.stop()?;
    put("stopSequences", (!stops.is_empty()).then(|| stops.into()));
    put("seed", seed(chat)?);
    put("responseLogprobs", chat.get("logprobs")?.filter(|asked: &bool| *asked).map(Value::from));
    put("logprobs", chat.get("top_logprobs")?);
    if let Some(modalities) = chat.get::<Vec<String>>("modalities")? {
        let upper: Vec<String> = modalities.iter().map(|modality| modality.to_ascii_uppercase()).collect();
        put("responseModalities", Some(upper.into()));
    }
    put("speechConfig", speech(chat)?);
    put("thinkingConfig", thinking::config(target, chat)?);
    if let Some(format) = chat.get::<Value>("response_format")? {
        response_format(Generation::of(target.model), &format, &mut config)?;
    }
    Ok(config)
}

/// `seed`, which has 32 bits at Google.
fn seed(chat: &ChatRequest) -> Result<Option<Value>> {
    let Some(seed) = chat.get::<Value>("seed")? else { return Ok(None) };
    if seed.as_i64().is_none_or(|seed| i32::try_from(seed).is_err()) {
        let message = format!("`seed` must be from {} to {} for this provider: {seed}", i32::MIN, i32::MAX);
        return Err(Error::bad_request("seed", message));
    }
    Ok(Some(seed))
}

/// `audio`: the voice; Google's speech is always 16-bit PCM.
fn speech(chat: &ChatRequest) -> Result<Option<Value>> {
    let Some(audio) = chat.get::<Value>("audio")? else { return Ok(None) };
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
fn service_tier(chat: &ChatRequest) -> Result<Option<Value>> {
    let tier: Option<String> = chat.get("service_tier")?;
    Ok(tier.and_then(|tier| match tier.to_ascii_lowercase().as_str() {
        "auto" => None,
        "default" => Some("standard".into()),
        other => Some(other.into()),
    }))
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
            if let Some(schema) = open_api::write(schema, "response_format.json_schema.schema")? {
                config.insert("responseSchema".to_owned(), schema);
            }
        }
        None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;
    use crate::provider::gemini::target_for;

    fn written(model: &str, settings: &Settings, rest: &Value) -> Result<(Value, Notes)> {
        let mut body = json!({"model": model, "messages": [{"role": "system", "content": "s"}]});
        body.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        write(&target_for(model, settings), &ChatRequest::parse(body.to_string().as_bytes()).unwrap())
    }

    #[test]
    fn wrong_values_are_named() {
        for (rest, param) in [
            (json!({"seed": 1_u64 << 31}), "seed"),
            (json!({"audio": {"voice": "Kore", "format": "mp3"}}), "audio.format"),
            (json!({"response_format": {"type": "yaml"}}), "response_format.type"),
            (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema.schema"),
            (json!({"modalities": [1]}), "modalities"),
            (json!({"reasoning_effort": "low", "thinking": {"type": "enabled"}}), "thinking"),
        ] {
            let error = written("gemini-2.5-flash", &Settings::default(), &rest).unwrap_err();
            assert_eq!(error.param(), Some(param), "{rest}");
        }
    }

    #[test]
    fn a_model_without_sampling_takes_no_temperature() {
        let settings = Settings::default();
        let mut target = target_for("gemini-4-pro", &settings);
        target.facts.sampling_params = Some(false);
        let body = br#"{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":0}"#;
        let error = write(&target, &ChatRequest::parse(body).unwrap()).unwrap_err();
        assert_eq!((error.param(), error.kind()), (Some("temperature"), crate::error::Kind::UnsupportedParams));
    }

    #[test]
    fn tiers_have_googles_names() {
        for (given, sent) in [("auto", None), ("default", Some("standard")), ("Priority", Some("priority"))] {
            let (body, _) = written("gemini-2.5-flash", &Settings::default(), &json!({"service_tier": given})).unwrap();
            assert_eq!(body.get("serviceTier").and_then(Value::as_str), sent, "{given}");
        }
    }

    #[test]
    fn what_is_cached_is_sent_twice_only_to_those_who_insist() {
        let tool = json!({"type": "function", "function": {"name": "f"}});
        let rest = json!({"cached_content": "cachedContents/a", "tools": [tool], "tool_choice": "auto"});
        let (body, _) = written("gemini-2.5-flash", &Settings::default(), &rest).unwrap();
        for name in ["systemInstruction", "tools", "toolConfig", "cachedContent"] {
            assert!(body.get(name).is_some(), "{name}");
        }
        let settings = Settings { modify_params: true, ..Settings::default() };
        let (body, _) = written("gemini-2.5-flash", &settings, &rest).unwrap();
        let names: Vec<&String> = body.as_object().unwrap().keys().collect();
        assert_eq!(names, ["contents", "cachedContent"]);
    }

    #[test]
    fn dropped_fields_leave_no_trace_and_are_told() {
        let additional_drop_params = ["tools", "tool_choice", "stop"].map(str::to_owned).to_vec();
        let settings = Settings { drop_params: true, additional_drop_params, ..Settings::default() };
        let tools = [json!({"type": "function", "function": {"name": "f"}})];
        let rest = json!({"tools": tools, "tool_choice": "required", "stop": "x", "logit_bias": {}, "n": 1,
            "presence_penalty": 1, "labels": {"a": "b"}});
        let (body, notes) = written("gemini-3-pro-preview", &settings, &rest).unwrap();
        assert_eq!(body["generationConfig"], json!({"candidateCount": 1}));
        assert!(body.get("tools").is_none() && body.get("toolConfig").is_none());
        assert_eq!(notes.dropped, ["tools", "tool_choice", "stop", "logit_bias", "presence_penalty", "labels"]);
    }
}
