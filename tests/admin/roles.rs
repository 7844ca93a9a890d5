//! Who may do what: the keys of users reach their own, and no more.

use serde_json::{Value, json};

use crate::office::Office;

#[test]
fn a_key_without_a_user_sees_itself_and_manages_nothing() {
    let office = Office::new();
    let key = office.key(&json!({"key_alias": "own"}));
    let other = office.key(&json!({"key_alias": "other"}));
    assert_eq!(office.get_as(&key, "/key/info")["info"]["key_alias"], "own");
    assert_eq!(office.get_as(&key, "/key/list")["total_count"], 1);
    let (status, error) = office.refused(&key, "GET", &format!("/key/info?key={other}"), &Value::Null);
    assert_eq!(status, 403);
    assert_eq!(error["message"], "You are not allowed to access this key's info. Your role=unknown");
    for (path, body) in [
        ("/key/generate", json!({})),
        ("/key/update", json!({"key": key, "max_budget": 100})),
        ("/key/delete", json!({"keys": [other]})),
        ("/key/block", json!({"key": other})),
    ] {
        let (status, error) = office.refused(&key, "POST", path, &body);
        assert_eq!(status, 403, "{path}");
        assert!(error["message"].as_str().unwrap().starts_with("Only proxy admin can be used"), "{error}");
    }
}
