//! Keys that the API made, used for calls: what it says is what calls meet, and what they cost is what it shows.

use serde_json::{Value, json};

use crate::host::{Script, answer};
use crate::office::{MASTER, Office};

fn answered() -> Script {
    let body = json!({"id": "1", "object": "chat.completion", "created": 1, "model": "own",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 10, "completion_tokens": 20, "total_tokens": 30}});
    answer(200, &body.to_string())
}

fn chat(office: &Office, key: &str) -> (u16, Value) {
    let body = json!({"model": "gpt-4o", "max_tokens": 20, "messages": [{"role": "user", "content": "hi"}]});
    let got = office.ask(key, "POST", "/v1/chat/completions", &body.to_string());
    (got.status, got.json())
}

fn near(value: &Value, dollars: f64) -> bool {
    (value.as_f64().unwrap() - dollars).abs() < 1e-9
}

#[test]
fn what_a_call_costs_shows_at_once_on_key_team_user_and_in_every_report() {
    // 10 tokens in at 0.001, 20 out at 0.002: 5 cents a call.
    let office = Office::with((0..4).map(|_| answered()).collect());
    office.post("/team/new", &json!({"team_id": "t", "members_with_roles": [{"user_id": "ann"}], "tags": ["ab"]}));
    let key = office.key(&json!({"team_id": "t", "user_id": "ann", "tags": ["x"]}));
    for _ in 0..2 {
        assert_eq!(chat(&office, &key).0, 200);
    }
    assert_eq!(chat(&office, MASTER).0, 200);
    assert!(near(&office.get(&format!("/key/info?key={key}"))["info"]["spend"], 0.1));
    let team = office.get("/team/info?team_id=t");
    assert!(near(&team["team_info"]["spend"], 0.1) && near(&team["team_memberships"][0]["spend"], 0.1));
    assert!(near(&office.get("/user/info?user_id=ann")["user_info"]["total_spend"], 0.1));
    assert!(near(&office.get("/global/spend")["spend"], 0.15));
    assert!(near(&office.get(&format!("/global/spend?api_key={key}"))["spend"], 0.1));
    assert!(near(&office.get("/global/spend?model=gpt-4o")["spend"], 0.15));
    assert!(near(&office.get("/spend/tags")[0]["total_spend"], 0.1));
    let rows = office.get("/spend/logs");
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(rows.as_array().unwrap().iter().all(|row| row["status"] == "success" && row["total_tokens"] == 30));

    office.post("/team/new", &json!({"team_id": "t2"}));
    office.post("/key/update", &json!({"key": key, "team_id": "t2"}));
    assert_eq!(chat(&office, &key).0, 200);
    assert!(near(&office.get(&format!("/key/info?key={key}"))["info"]["spend"], 0.15), "it moved with its spend");
    assert!(near(&office.get("/team/info?team_id=t2")["team_info"]["spend"], 0.05));
    assert!(near(&office.get(&format!("/global/spend?api_key={key}"))["spend"], 0.15), "both teams' logs are read");
    assert!(near(&office.get_as(&key, "/spend/logs")[0]["spend"], 0.05));
}

#[test]
fn a_change_of_a_key_acts_on_its_next_call() {
    let office = Office::with((0..3).map(|_| answered()).collect());
    let key = office.key(&json!({"max_budget": 1}));
    assert_eq!(chat(&office, &key).0, 200);
    office.post("/key/update", &json!({"key": key, "spend": 0.999}));
    let (status, body) = chat(&office, &key);
    assert_eq!((status, body["error"]["type"].as_str()), (429, Some("budget_exceeded")));
    office.post(&format!("/key/{key}/reset_spend"), &json!({"reset_to": 0}));
    assert_eq!(chat(&office, &key).0, 200);
    office.post("/key/block", &json!({"key": key}));
    assert_eq!(chat(&office, &key).0, 401);
    office.post("/key/unblock", &json!({"key": key}));
    office.post("/key/update", &json!({"key": key, "max_budget": null, "models": ["claude-sonnet"]}));
    let (status, body) = chat(&office, &key);
    assert_eq!((status, body["error"]["type"].as_str()), (403, Some("key_model_access_denied")));
    let new = office.post("/key/regenerate", &json!({"key": key, "models": []}))["key"].as_str().unwrap().to_owned();
    assert_eq!((chat(&office, &key).0, chat(&office, &new).0), (401, 200));
    office.post("/key/delete", &json!({"keys": [new]}));
    assert_eq!(chat(&office, &new).0, 401);
    assert!(near(&office.get("/global/spend")["spend"], 0.15), "the log, not what was set by hand");
}
