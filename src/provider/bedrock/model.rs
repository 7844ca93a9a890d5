//! Names of models as LiteLLM's users write them: `converse/…`, `invoke/…`, `us-east-1/…`, profiles and ARNs.

use crate::error::{Error, Result};
use crate::provider::{Target, aws};

/// A model's name, taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Model<'a> {
    /// What goes into the URL.
    pub(super) id: &'a str,
    /// The name without its route: what the price table knows.
    pub(super) name: &'a str,
    /// The region that it names.
    pub(super) region: Option<&'a str>,
    /// Whose model it is.
    pub(super) family: Family,
    /// Whether the model's own protocol is asked for, instead of the common one.
    pub(super) invoke: bool,
}

/// Whose model it is: what is not in the common protocol depends on that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    /// Anthropic's; and a profile of one's own, which does not tell.
    Claude,
    /// Amazon's.
    Nova,
    /// OpenAI's GPT with reasoning.
    Gpt,
    /// gpt-oss and DeepSeek, which take `reasoning_effort` as it is.
    Effort,
    /// Any other.
    Other,
}

/// Routes of LiteLLM's that lead to other services.
const ELSEWHERE: &[&str] =
    &["agent", "agentcore", "async_invoke", "chat_completions", "claude_platform", "mantle", "openai"];

impl<'a> Model<'a> {
    /// Takes the target's model apart.
    ///
    /// # Errors
    ///
    /// A route that is not taken, or a name that none of Bedrock's models can have.
    pub(super) fn of(target: &Target<'a>) -> Result<Self> {
        let mut model =
            Self { id: target.model, name: target.model, region: None, family: Family::Other, invoke: false };
        let mut spec = None;
        while let Some((head, rest)) = model.id.split_once('/') {
            match head {
                "converse" | "converse_like" => model.name = rest,
                "invoke" => (model.name, model.invoke) = (rest, true),
                // Whose model an imported one is.
                "nova" | "nova-2" | "deepseek_r1" | "llama" => spec = Some(head),
                head if ELSEWHERE.contains(&head) => {
                    let message =
                        format!("`model` names the route `{head}/`, which is not spoken: write `bedrock/MODEL`");
                    return Err(Error::bad_request("model", message));
                }
                head if aws::is_region(head) => model.region = Some(head),
                _ => break,
            }
            model.id = rest;
        }
        if let Some(arn) = model.id.strip_prefix("arn:") {
            model.region = arn.split(':').nth(2).filter(|region| !region.is_empty()).or(model.region);
        }
        let is_known = |c: char| c.is_ascii_alphanumeric() || "-_.:/".contains(c);
        // Dots alone would leave their place in the path.
        let is_dots = model.id.chars().all(|c| c == '.');
        if is_dots || model.id.len() > 2048 || !model.id.chars().all(is_known) {
            let message = "`model` must be a model's id, an inference profile's or an ARN";
            return Err(Error::bad_request("model", message));
        }
        model.family = family(spec, model.id);
        model.invoke &= model.family == Family::Claude;
        Ok(model)
    }
}

fn family(spec: Option<&str>, id: &str) -> Family {
    let own = id.rsplit('/').next().unwrap_or_default();
    let has = |maker: &str| own.split('.').any(|part| part == maker);
    match spec {
        Some("nova" | "nova-2") => return Family::Nova,
        Some("deepseek_r1" | "llama") => return Family::Other,
        _ => {}
    }
    if has("anthropic") || id.contains(":application-inference-profile/") {
        Family::Claude
    } else if has("amazon") && own.contains("nova") {
        Family::Nova
    } else if own.contains("gpt-oss") || has("deepseek") && !own.contains("deepseek.r1") {
        Family::Effort
    } else if has("openai") {
        Family::Gpt
    } else {
        Family::Other
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Settings;

    #[test]
    fn names_are_taken_apart() {
        let settings = Settings::default();
        let profile = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-x-v1:0";
        let own = "arn:aws:bedrock:us-east-2:123456789012:application-inference-profile/abc123";
        for (name, id, region, family, invoke) in [
            ("anthropic.claude-x-v1:0", "anthropic.claude-x-v1:0", None, Family::Claude, false),
            ("us.anthropic.claude-x-v1:0", "us.anthropic.claude-x-v1:0", None, Family::Claude, false),
            ("converse/global.amazon.nova-2-lite-v1:0", "global.amazon.nova-2-lite-v1:0", None, Family::Nova, false),
            ("us-gov-west-1/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0", Some("us-gov-west-1"), Family::Nova, false),
            ("invoke/us-east-1/anthropic.claude-x", "anthropic.claude-x", Some("us-east-1"), Family::Claude, true),
            ("invoke/meta.llama3-70b", "meta.llama3-70b", None, Family::Other, false),
            ("openai.gpt-oss-120b-1:0", "openai.gpt-oss-120b-1:0", None, Family::Effort, false),
            ("deepseek.v3-v1:0", "deepseek.v3-v1:0", None, Family::Effort, false),
            ("us.deepseek.r1-v1:0", "us.deepseek.r1-v1:0", None, Family::Other, false),
            ("openai.gpt-5.4", "openai.gpt-5.4", None, Family::Gpt, false),
            (profile, profile, Some("eu-west-1"), Family::Claude, false),
            (own, own, Some("us-east-2"), Family::Claude, false),
            (
                &format!("nova-2/{}", own.replace("application-inference-profile", "custom-model-deployment")),
                "arn:aws:bedrock:us-east-2:123456789012:custom-model-deployment/abc123",
                Some("us-east-2"),
                Family::Nova,
                false,
            ),
        ] {
            let model = Model::of(&Target { model: name, ..Target::of_test("bedrock", &settings) }).unwrap();
            let got = (model.id, model.region, model.family, model.invoke);
            assert_eq!(got, (id, region, family, invoke), "{name}");
        }
        for name in ["", "agent/x", "a b", "a?b", "converse/", "a#b", "é", "..", "converse/.."] {
            assert!(Model::of(&Target { model: name, ..Target::of_test("bedrock", &settings) }).is_err(), "{name}");
        }
    }
}
