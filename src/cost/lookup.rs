//! Finds a model by the names that configurations, clients and answers give it, without guessing.

use std::borrow::Cow;

use super::decode::ProviderRow;
use super::entry::Entry;
use super::table::PriceTable;
use crate::sorted::SortedSet;

/// Regions that begin a model's id with a dot behind them.
const GEO_PREFIXES: &[&str] =
    &["us", "eu", "apac", "jp", "au", "ca", "global", "us-gov", "regional", "in", "sa", "me", "af"];

impl PriceTable {
    /// The model of a name at a provider, in `LiteLLM`'s order: with the provider in front, as it is, without a region,
    /// without its prefix, without a version, with the provider twice, and last without a date. In each the very name
    /// comes before one that differs in case, and the provider must match. `None` is no price, never a free one.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::PriceTable;
    ///
    /// let table = PriceTable::embedded();
    /// let entry = table.find("openai", "gpt-4o-2024-08-06").unwrap();
    /// assert_eq!((entry.id(), entry.mode()), ("gpt-4o-2024-08-06", "chat"));
    /// assert!(table.find("openai", "gpt-4o-2099-01-01").unwrap().is_inferred());
    /// assert!(table.find("anthropic", "gpt-4o").is_none(), "another provider's model");
    /// assert!(table.find("openai", "gpt-4").unwrap().id() == "gpt-4" && table.find("openai", "gpt-").is_none());
    /// ```
    pub fn find(&self, provider: &str, model: &str) -> Option<Entry> {
        let row = self.provider_named(provider)?;
        let family = self.provider(usize::from(row.family))?.name;
        let mut name = String::with_capacity(family.len() + model.len() + 1);
        let bare = strip_prefix(strip_prefix(model, row.name), family);
        let bare = if row.geo_prefix { without_route(bare) } else { bare };
        let stems = stems(row, bare);
        for (at, (stem, inferred)) in [(model.into(), false)].iter().chain(&stems).enumerate() {
            let seen = |(before, _): &(Cow<'_, str>, bool)| before == stem;
            if stem.is_empty() || at > 0 && (stem == model || stems.iter().take(at - 1).any(seen)) {
                continue;
            }
            for provider in [row.name, family, ""] {
                name.clear();
                name.extend([provider, if provider.is_empty() { "" } else { "/" }, stem]);
                if let Some(index) = self.locate(&name, row.family) {
                    return Some(Entry { inferred: *inferred, ..self.entry(index)? });
                }
            }
        }
        let doubled = self.locate(&format!("{family}/{family}/{bare}"), row.family)?;
        self.entry(doubled)
    }

    /// The model that an answer names, else the one that was asked for: an alias (`…-latest`) costs what it stood for.
    pub fn find_served(&self, provider: &str, asked: &str, served: Option<&str>) -> Option<Entry> {
        let served = served.filter(|served| !served.is_empty()).and_then(|served| self.find(provider, served));
        match served {
            Some(entry) if !entry.inferred => Some(entry),
            other => self.find(provider, asked).filter(|entry| other.is_none() || !entry.inferred).or(other),
        }
    }

    /// The model of this very id, whoever its provider is: what someone means who names a model and no provider.
    ///
    /// # Examples
    ///
    /// ```
    /// use tollgate::cost::PriceTable;
    ///
    /// let table = PriceTable::embedded();
    /// assert_eq!(table.find_id("gpt-4o").unwrap().provider(), "openai");
    /// assert!(table.find_id("gpt-4o-2099-01-01").is_none());
    /// ```
    pub fn find_id(&self, id: &str) -> Option<Entry> {
        let families: SortedSet<u8> = (0..).map_while(|index| self.provider(index)).map(|row| row.family).collect();
        let index = families.iter().find_map(|&family| self.locate(id, family))?;
        self.entry(index)
    }

    /// The model of a name in a region (`us-east-1`), where the table lists regions apart; else as [`Self::find`].
    pub fn find_in(&self, provider: &str, region: &str, model: &str) -> Option<Entry> {
        let row = self.provider_named(provider)?;
        let family = self.provider(usize::from(row.family))?.name;
        let bare = strip_prefix(model, provider);
        let names = [format!("{family}/{region}/{bare}"), format!("{region}/{bare}")];
        let index = names.iter().find_map(|name| self.locate(name, row.family));
        index.and_then(|index| self.entry(index)).or_else(|| self.find(provider, model))
    }

    /// The price of images of a quality and size, where the table lists them apart (`high/1024-x-1024/…`); else as
    /// [`Self::find`].
    pub fn find_image(&self, provider: &str, model: &str, quality: &str, size: &str) -> Option<Entry> {
        let row = self.provider_named(provider)?;
        let family = self.provider(usize::from(row.family))?.name;
        let bare = strip_prefix(model, provider);
        let size = size.replace('x', "-x-");
        let names = [
            format!("{family}/{quality}/{size}/{bare}"),
            format!("{quality}/{size}/{bare}"),
            format!("{family}/{size}/{bare}"),
            format!("{size}/{bare}"),
        ];
        let index = names.iter().find_map(|name| self.locate(name, row.family));
        index.and_then(|index| self.entry(index)).or_else(|| self.find(provider, model))
    }
}

/// What to look for after the name itself, best first, and whether finding it is an inference.
fn stems<'a>(row: ProviderRow<'_>, bare: &'a str) -> [(Cow<'a, str>, bool); 7] {
    let global = if row.geo_prefix { without_geo(bare) } else { bare };
    let (version, global_version) = (without_version(bare), without_version(global));
    [
        (bare.into(), false),
        (fine_tuned(bare).unwrap_or_default().into(), false),
        (global.into(), true),
        (version.into(), true),
        (without_date(version).into(), true),
        (global_version.into(), true),
        (without_date(global_version).into(), true),
    ]
}

fn strip_prefix<'a>(model: &'a str, provider: &str) -> &'a str {
    let mut rest = model;
    while let Some(next) = rest.strip_prefix(provider).and_then(|rest| rest.strip_prefix('/')) {
        rest = next;
    }
    rest
}

/// `ft:gpt-4o:org::id` is priced as `ft:gpt-4o`, never as `gpt-4o`.
fn fine_tuned(model: &str) -> Option<String> {
    let base = model.strip_prefix("ft:")?.split(':').next()?;
    Some(format!("ft:{base}"))
}

/// The model behind the route that `LiteLLM` puts before it (`converse/…`), or in an ARN: an inference profile's, not one
/// of the user's own, whose name tells nothing.
fn without_route(model: &str) -> &str {
    let model =
        ["converse/", "converse_like/", "invoke/"].iter().find_map(|route| model.strip_prefix(route)).unwrap_or(model);
    match model.split_once(":inference-profile/").or_else(|| model.split_once("::foundation-model/")) {
        Some((arn, rest)) if arn.starts_with("arn:") => rest,
        _ => model,
    }
}

fn without_geo(model: &str) -> &str {
    let model = match model.split_once('/') {
        Some((region, rest)) if is_region(region) => rest,
        _ => model,
    };
    match model.split_once('.') {
        Some((geo, rest)) if GEO_PREFIXES.contains(&geo) => rest,
        _ => model,
    }
}

/// `us-east-1`, `ap-northeast-2`.
fn is_region(text: &str) -> bool {
    let mut parts = text.split('-');
    let letters = |part: Option<&str>| part.is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_lowercase()));
    letters(parts.next()) && letters(parts.next()) && text.bytes().last().is_some_and(|byte| byte.is_ascii_digit())
}

/// Without `@20250929` and `-001`.
fn without_version(model: &str) -> &str {
    let model = model.split_once('@').map_or(model, |(model, _)| model);
    match model.rsplit_once('-') {
        Some((rest, number)) if number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()) => rest,
        _ => model,
    }
}

/// Without `-20250929` and `-2025-09-29`.
fn without_date(model: &str) -> &str {
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some((rest, last)) = model.rsplit_once('-') else { return model };
    if digits(last, 8) && last.starts_with("20") {
        return rest;
    }
    let dashed = || {
        let (rest, month) = rest.rsplit_once('-')?;
        let (rest, year) = rest.rsplit_once('-')?;
        (digits(last, 2) && digits(month, 2) && digits(year, 4) && year.starts_with("20")).then_some(rest)
    };
    dashed().unwrap_or(model)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_dates_and_versions_are_taken_off() {
        assert_eq!(without_date("claude-3-opus-20240229"), "claude-3-opus");
        assert_eq!(without_date("gpt-4o-2024-08-06"), "gpt-4o");
        for kept in ["gpt-4-0613", "claude-opus-4-1", "mistral-large-2512", "x-99999999", "a-2024-8-6"] {
            assert_eq!(without_date(kept), kept);
        }
        assert_eq!(without_version("gemini-2.0-flash-001"), "gemini-2.0-flash");
        assert_eq!(without_version("claude-sonnet-4-5@20250929"), "claude-sonnet-4-5");
        assert_eq!(without_version("gpt-4"), "gpt-4");
    }

    #[test]
    fn regions_are_taken_off_only_in_front() {
        assert_eq!(without_geo("us.anthropic.claude-x"), "anthropic.claude-x");
        assert_eq!(without_geo("us-east-1/anthropic.claude-x"), "anthropic.claude-x");
        assert_eq!(without_geo("anthropic.us.claude"), "anthropic.us.claude");
    }

    #[test]
    fn routes_and_arns_lead_to_their_model() {
        for (model, want) in [
            ("converse/us.anthropic.claude-x", "us.anthropic.claude-x"),
            ("invoke/us-east-1/anthropic.claude-x", "us-east-1/anthropic.claude-x"),
            ("converse/arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-x", "us.anthropic.claude-x"),
            ("arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"),
            (
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
                "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc",
            ),
        ] {
            assert_eq!(without_route(model), want);
        }
    }

    #[test]
    fn a_fine_tuned_model_is_never_priced_as_its_base() {
        assert_eq!(fine_tuned("ft:gpt-4o-2024-08-06:org::abc").as_deref(), Some("ft:gpt-4o-2024-08-06"));
        assert_eq!(fine_tuned("gpt-4o"), None);
    }
}
