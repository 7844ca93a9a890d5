//! `general_settings`, and what is as general in `litellm_settings`.

use super::deployment::is_header_name;
use super::section::Section;
use super::{GeneralSettings, RemoteMedia, Setting, health, limits};
use crate::keys::ledger::Limits;

/// Largest `max_request_size_mb`: what a Worker may hold in memory, 128 MB.
const LARGEST_REQUEST_MB: u64 = 128;

/// Largest `reservation_hold_seconds`: a day.
const LONGEST_HOLD_SECONDS: u64 = 86_400;

/// Reads the sections.
pub(super) fn read(general: &Section<'_>, litellm: &Section<'_>, router: &Section<'_>) -> GeneralSettings {
    let master_key = general.setting("master_key");
    if matches!(&master_key, Some(Setting::Literal(key)) if key.trim().is_empty()) {
        general.error("master_key", "`master_key` is empty: give a key, or take the line out to run without one");
    }
    let cors_origins = general.strings("cors_origins");
    for (i, origin) in cors_origins.iter().enumerate().filter(|(_, origin)| !is_origin(origin)) {
        let message =
            format!("\"{origin}\" is no origin: write `*`, or scheme and host such as https://app.example.com");
        general.error(&format!("cors_origins[{i}]"), message);
    }
    let key_header = general.string("litellm_key_header_name").map(|name| name.to_ascii_lowercase());
    if key_header.as_deref().is_some_and(|name| !is_header_name(name)) {
        general.error("litellm_key_header_name", "`litellm_key_header_name` must be the name of a header");
    }
    let largest = general.count("max_request_size_mb", LARGEST_REQUEST_MB);
    let status = litellm.count("budget_exceeded_status_code", 599).map(|status| status as u16);
    if status.is_some_and(|status| !matches!(status, 400 | 402 | 422 | 429)) {
        litellm.error("budget_exceeded_status_code", "`budget_exceeded_status_code` must be 429, 422, 402 or 400");
    }
    let mocks = "dangerously_allow_mock_testing_request_params";
    let allow_mock_testing = general.flag(mocks).unwrap_or_default();
    if allow_mock_testing {
        general.warning(mocks, "any client may make its own requests fail or last: for tests of fallbacks alone");
    }
    GeneralSettings {
        allow_mock_testing,
        master_key,
        cors_origins,
        max_request_bytes: largest.map(|mb| (mb as usize) << 20),
        key_header,
        drop_params: litellm.flag("drop_params").unwrap_or_default(),
        modify_params: litellm.flag("modify_params").unwrap_or_default(),
        budget_exceeded_status: status,
        reservation_hold_ms: general
            .count("reservation_hold_seconds", LONGEST_HOLD_SECONDS)
            .map(|hold| hold.max(1) * 1000),
        tag_budgets: litellm.section("tag_budget_config").map(|tags| tag_budgets(&tags)).unwrap_or_default(),
        remote_media: match (general.flag("allow_remote_media"), general.flag("allow_private_media")) {
            (Some(false), _) => RemoteMedia::Never,
            (_, Some(true)) => RemoteMedia::Anywhere,
            _ => RemoteMedia::Public,
        },
        health: health::read(general, router),
        skip_unchecked: general.flag("health_check_skip_disabled_background_models").unwrap_or_default(),
        disable_spend_logs: general.flag("disable_spend_logs").unwrap_or_default(),
    }
}

/// Reads `tag_budget_config`: tag to `max_budget` and `budget_duration`.
fn tag_budgets(tags: &Section<'_>) -> Vec<(String, Limits)> {
    let names: Vec<&String> = tags.map.keys().collect();
    names.into_iter().filter_map(|name| Some((name.clone(), tag_budget(&tags.section(name)?)?))).collect()
}

fn tag_budget(tag: &Section<'_>) -> Option<Limits> {
    if tag.raw("max_budget").is_none() {
        tag.error("max_budget", "`max_budget` is missing: give a number of US dollars, 0 or more");
    }
    limits::budget(tag, &["max_budget"], &["budget_duration"])
}

/// Whether a text is what a browser sends as `origin`, or `*`: scheme, host and port, without a path.
fn is_origin(text: &str) -> bool {
    let host = text.split_once("://").map(|(_, host)| host);
    text == "*" || text == "null" || host.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', ' ']))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::{Config, Setting};
    use crate::money::Money;

    #[test]
    fn budgets_of_tags_are_read_and_mistakes_in_them_named() {
        let tags = |tags: &serde_json::Value| {
            Config::read(&json!({"litellm_settings": {"tag_budget_config": tags}}).to_string())
        };
        let config = tags(&json!({"chat": {"max_budget": 0.5, "budget_duration": "1d"}})).unwrap();
        let (name, limits) = &config.general.tag_budgets[0];
        assert_eq!((name.as_str(), limits.max_budget), ("chat", Money::from_dollars(0.5)));
        assert!(limits.budget_duration.is_some());
        for (wrong, place) in [
            (json!({"chat": {"budget_duration": "1d"}}), "max_budget"),
            (json!({"chat": {"max_budget": -1}}), "max_budget"),
            (json!({"chat": {"max_budget": 1, "budget_duration": "often"}}), "budget_duration"),
        ] {
            let findings = tags(&wrong).unwrap_err();
            assert_eq!(findings[0].path, format!("litellm_settings.tag_budget_config.chat.{place}"));
        }
    }

    #[test]
    fn general_settings_are_read() {
        let json = json!({"general_settings": {
            "master_key": "sk-1", "cors_origins": "*", "max_request_size_mb": 10, "litellm_key_header_name": "X-Key",
        }, "litellm_settings": {"drop_params": true, "modify_params": "false"}});
        let general = Config::read(&json.to_string()).unwrap().general;
        assert_eq!(general.master_key, Some(Setting::Literal("sk-1".to_owned())));
        assert_eq!((general.cors_origins, general.max_request_bytes), (vec!["*".to_owned()], Some(10 << 20)));
        assert_eq!(
            (general.key_header.as_deref(), general.drop_params, general.modify_params),
            (Some("x-key"), true, false)
        );
    }
}
