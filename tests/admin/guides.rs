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

#[test]
fn the_guides_make_a_team_and_a_user_and_look_at_them() {
    let office = Office::new();
    let team = json!({"team_alias": "backend-team", "rpm_limit": 200, "tpm_limit": 80000, "max_budget": 500.0,
        "budget_duration": "monthly"});
    let made = office.post("/team/new", &team);
    assert!(made["team_id"].is_string());
    assert_eq!(
        (&made["team_alias"], &made["rpm_limit"], &made["max_budget"]),
        (&json!("backend-team"), &json!(200), &json!(500.0))
    );
    let user = json!({"user_id": "user-123", "max_budget": 50.0, "budget_duration": "monthly",
        "models": ["gpt-4o-mini", "claude-sonnet"]});
    let made = office.post("/user/new", &user);
    assert_eq!(
        (&made["user_id"], &made["max_budget"], &made["models"]),
        (&user["user_id"], &user["max_budget"], &user["models"])
    );
    let info = office.get("/user/info?user_id=user-123");
    assert_eq!(
        (&info["user_id"], &info["user_info"]["max_budget"], &info["user_info"]["spend"]),
        (&json!("user-123"), &json!(50.0), &json!(0.0))
    );
    assert_eq!(info["keys"].as_array().unwrap().len(), 1);
    office.post("/team/new", &json!({"team_id": "team-backend"}));
    assert_eq!(office.get("/team/info?team_id=team-backend")["team_info"]["spend"], 0.0);
}

#[test]
fn the_guides_ask_what_was_spent() {
    let office = Office::new();
    office.post("/user/new", &json!({"user_id": "jane_smith"}));
    assert_eq!(office.get("/user/info?user_id=jane_smith")["user_info"]["spend"], 0.0);
    for path in ["/global/spend", "/global/spend?api_key=sk-key-abc", "/global/spend?model=gpt-4o"] {
        assert_eq!(office.get(path), json!({"spend": 0.0, "max_budget": null}), "{path}");
    }
    assert_eq!(office.get("/global/spend/logs?start_date=2026-03-01&end_date=2026-03-20"), json!([]));
    let days = office.get("/user/daily/activity?start_date=2026-02-01&end_date=2026-02-14");
    assert_eq!((&days["results"], &days["metadata"]["total_spend"]), (&json!([]), &json!(0.0)));
    let report = "/global/spend/report?start_date=2026-01-01&end_date=2026-02-14&group_by=team";
    assert_eq!(office.get(report), json!([]));
}
