//! What a model can do by its generation, which its name tells: Google has no other word on it in the protocol.

/// The generation of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Generation(u32, u32);

impl Generation {
    /// Reads a model's name: `gemini-2.5-flash`, `gemini-3-pro-preview`, `gemini-flash-latest`, `gemma-3-27b-it`.
    ///
    /// The old names without a number are of the first two generations, other Gemini names without one are the newest;
    /// a name that is not Gemini's (`learnlm-…`, a tuned model) counts as 2.5.
    pub(super) fn of(model: &str) -> Self {
        let Some(rest) = model.strip_prefix("gemini-") else { return Self(2, 5) };
        let version = rest.split('-').next().unwrap_or_default();
        let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
        if let (Ok(major), Ok(minor)) = (major.parse(), minor.parse()) {
            return Self(major, minor);
        }
        match rest {
            "pro" | "pro-vision" | "ultra" => Self(1, 0),
            _ if rest.starts_with("exp") => Self(2, 0),
            _ if rest.starts_with("embedding") || rest.starts_with("robotics") => Self(2, 5),
            _ => Self(u32::MAX, 0),
        }
    }

    /// Gemini 3 and newer: levels of thinking, ids of calls, checked signatures, resolutions of single parts.
    pub(super) fn is_three(self) -> bool {
        self >= Self(3, 0)
    }

    /// Whether its Flash models have the thinking level `minimal`: from Gemini 3 to 3.6
    /// (<https://docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking>).
    pub(super) fn has_minimal_flash(self) -> bool {
        self.is_three() && self < Self(3, 7)
    }

    /// Takes JSON Schema as it is (`responseJsonSchema`, `parametersJsonSchema`).
    pub(super) fn takes_json_schema(self) -> bool {
        self >= Self(2, 0)
    }

    /// Fetches public `https:` URLs by itself: not before 2.5
    /// (<https://ai.google.dev/gemini-api/docs/file-input-methods>).
    pub(super) fn fetches_urls(self) -> bool {
        self >= Self(2, 5)
    }

    /// Thinks, as far as the generation tells.
    pub(super) fn thinks(self) -> bool {
        self >= Self(2, 5)
    }
}

/// Whether the model takes a system instruction: the first three generations of Gemma do not.
pub(super) fn takes_system(model: &str) -> bool {
    !["gemma-1", "gemma-2", "gemma-3"].iter().any(|old| model.starts_with(old))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_generations() {
        for (model, three, thinks, json_schema) in [
            ("gemini-1.5-pro", false, false, false),
            ("gemini-pro-vision", false, false, false),
            ("gemini-2.0-flash-001", false, false, true),
            ("gemini-exp-1206", false, false, true),
            ("gemini-2.5-flash-lite", false, true, true),
            ("gemini-robotics-er-1.5-preview", false, true, true),
            ("gemini-3-pro-preview", true, true, true),
            ("gemini-3.5-flash", true, true, true),
            ("gemini-10-pro", true, true, true),
            ("gemini-flash-lite-latest", true, true, true),
            ("learnlm-2.0-flash", false, true, true),
        ] {
            let generation = Generation::of(model);
            let got = (generation.is_three(), generation.thinks(), generation.takes_json_schema());
            assert_eq!(got, (three, thinks, json_schema), "{model}");
        }
        assert!(takes_system("gemini-2.5-pro") && takes_system("gemma-4-31b-it") && !takes_system("gemma-3-27b-it"));
    }
}
