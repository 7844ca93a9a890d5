//! Which models a list allows: names, wildcards, access groups and LiteLLM's special words.

/// The model that a request asks for, after [`super::admission::Caller::resolve`].
#[derive(Clone, Debug, Default)]
pub struct ModelFacts {
    /// The model group; behind it every other name by which a list may allow it: the target of a router's alias, and
    /// the name with its provider in front (`openai/gpt-4o`), which wildcards need.
    pub names: Vec<String>,
    /// The access groups that it is in (`model_info.access_groups`).
    pub access_groups: Vec<String>,
}

/// Whether lists of models and access groups allow a model; `above` says whether somebody above (a team) decides about
/// `all-team-models`. Empty lists allow everything.
pub(super) fn allows((models, groups): (&[String], &[String]), model: &ModelFacts, above: bool) -> bool {
    if models.is_empty() && groups.is_empty() {
        return true;
    }
    let entry_allows = |entry: &String| match entry.as_str() {
        "*" | "all-proxy-models" => true,
        "all-team-models" => above,
        "no-default-models" => false,
        entry => {
            model.names.iter().any(|name| fits(entry, name)) || model.access_groups.iter().any(|group| group == entry)
        }
    };
    models.iter().any(entry_allows) || groups.iter().any(|group| model.access_groups.contains(group))
}

/// Whether a name is `pattern`, in which every `*` stands for anything.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((front, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(front) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return name.ends_with(part);
        }
        let Some((_, after)) = name.split_once(part) else { return false };
        name = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(items: &[&str]) -> Vec<String> {
        items.iter().map(|item| (*item).to_owned()).collect()
    }

    #[test]
    fn a_list_takes_names_wildcards_and_groups() {
        let model = ModelFacts { names: strings(&["gpt-4o", "openai/gpt-4o"]), access_groups: strings(&["beta"]) };
        for (models, allowed) in [
            (vec![], true),
            (vec!["gpt-4o"], true),
            (vec!["gpt-4"], false),
            (vec!["openai/*"], true),
            (vec!["open*/gpt*o"], true),
            (vec!["open*/gpt*x"], false),
            (vec!["anthropic/*"], false),
            (vec!["*"], true),
            (vec!["all-proxy-models"], true),
            (vec!["all-team-models"], false),
            (vec!["no-default-models"], false),
            (vec!["beta"], true),
        ] {
            assert_eq!(allows((&strings(&models), &[]), &model, false), allowed, "{models:?}");
        }
        assert!(allows((&strings(&["all-team-models"]), &[]), &model, true), "the team decides");
        assert!(allows((&[], &strings(&["beta"])), &model, false));
        assert!(!allows((&[], &strings(&["alpha"])), &model, false), "access groups alone bound too");
    }
}
