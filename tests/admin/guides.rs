//! The curls of the guides, as printed there, and the fields of their answers.

use serde_json::json;

use crate::office::{MASTER, Office};

#[test]
fn the_guides_make_keys() {
    let office = Office::new();
    for (body, fields) in [
        (
            json!({
                "models": ["gpt-4o", "claude-sonnet"], "max_budget": 100.0, "budget_duration": "monthly",
                "metadata": {"team": "backend", "user": "developer-1"}, "tpm_limit": 50000, "rpm_limit": 100,
            }),
            json!({"max_budget": 100.0, "models": ["gpt-4o", "claude-sonnet"], "expires": null, "tpm_limit": 50000}),
        ),
        (
            json!({"rpm_limit": 50, "tpm_limit": 20000, "max_budget": 10.0, "budget_duration": "daily"}),
            json!({"rpm_limit": 50, "max_budget": 10.0, "spend": 0.0}),
        ),
        (
            json!({
                "max_budget": 50.0, "budget_duration": "monthly", "models": ["gpt-4o", "claude-sonnet"],
                "metadata": {"user": "developer-01"},
            }),
            json!({"max_budget": 50.0, "metadata": {"user": "developer-01"}}),
        ),
    ] {
        let made = office.post("/key/generate", &body);
        assert!(made["key"].as_str().unwrap().starts_with("sk-"));
        for (name, value) in fields.as_object().unwrap() {
            assert_eq!(&made[name], value, "{name}");
        }
    }
    assert_eq!(office.ask(MASTER, "POST", "/key/generate", "").status, 200);
}
