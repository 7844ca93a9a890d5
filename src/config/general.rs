//! `general_settings`, and what is as general in `litellm_settings`.

use super::deployment::is_header_name;
use super::section::Section;
use super::{GeneralSettings, Setting};

/// Largest `max_request_size_mb`: what a Worker may hold in memory, 128 MB.
const LARGEST_REQUEST_MB: u64 = 128;

/// Largest `reservation_hold_seconds`: a day.
const LONGEST_HOLD_SECONDS: u64 = 86_400;

/// Reads both sections.
pub(super) fn read(general: &Section<'_>, litellm: &Section<'_>) -> GeneralSettings {
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
    GeneralSettings {
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
        disable_spend_logs: general.flag("disable_spend_logs").unwrap_or_default(),
    }
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
