//! The life of a key.

use serde_json::{Value, json};
use tollgate::keys::ledger::{RefusalKind, ScopeId};
use tollgate::keys::{Allowance, KeyRecord, token};

use crate::office::{MASTER, Office, key_scope};

#[test]
fn a_key_is_made_shown_once_changed_and_deleted() {
    let office = Office::new();
    let made = office.post("/key/generate", &json!({"key_alias": "ci", "max_budget": 5, "models": ["gpt-4o"]}));
    let key = made["key"].as_str().unwrap();
    assert_eq!(made["key_name"], token::mask(key));
    assert_eq!((&made["token"], &made["token_id"]), (&json!(token::hash(key)), &json!(token::hash(key))));
    assert_eq!((&made["created_by"], &made["spend"]), (&json!("default_user_id"), &json!(0.0)));

    let scope = key_scope(key);
    office.spend(&scope, std::slice::from_ref(&scope), "1.5").unwrap();
    for name in [key.to_owned(), token::hash(key)] {
        let info = office.get(&format!("/key/info?key={name}"));
        assert_eq!(info["key"], token::hash(key));
        assert_eq!((&info["info"]["spend"], &info["info"]["key_alias"]), (&json!(1.5), &json!("ci")));
        assert!(!info.to_string().contains(key) && info["info"].get("token").is_none());
    }
    assert_eq!(office.get_as(key, "/key/info")["info"]["key_alias"], "ci");

    let changed = office.post("/key/update", &json!({"key": key, "max_budget": 1, "spend": 0.25, "rpm_limit": 1}));
    assert_eq!((&changed["max_budget"], &changed["spend"]), (&json!(1.0), &json!(0.25)));
    let refusal = office.spend(&scope, std::slice::from_ref(&scope), "0.9").unwrap_err();
    assert!(matches!(refusal.kind, RefusalKind::Budget(_)), "{refusal:?}");

    assert_eq!(office.post("/key/delete", &json!({"keys": [key]})), json!({"deleted_keys": [token::hash(key)]}));
    assert_eq!(office.refused(MASTER, "GET", &format!("/key/info?key={key}"), &Value::Null).0, 404);
    assert_eq!(office.refused(key, "GET", "/key/info", &Value::Null).0, 401);
    assert!(office.spend(&scope, std::slice::from_ref(&scope), "0.1").is_err());
    office.key(&json!({"key_alias": "ci"}));
}

#[test]
fn blocking_acts_at_once_in_the_ledger_and_at_the_desk() {
    let office = Office::new();
    let key = office.key(&json!({}));
    let scope = key_scope(&key);
    assert_eq!(office.post("/key/block", &json!({"key": key}))["blocked"], true);
    assert!(office.spend(&scope, std::slice::from_ref(&scope), "0.1").is_err());
    let (status, error) = office.refused(&key, "GET", "/key/info", &Value::Null);
    assert_eq!(status, 401);
    assert!(error["message"].as_str().unwrap().starts_with("Authentication Error, Key is blocked."));
    assert_eq!(office.post("/key/unblock", &json!({"key": token::hash(&key)}))["blocked"], false);
    office.spend(&scope, std::slice::from_ref(&scope), "0.1").unwrap();
}

#[test]
fn an_expired_key_is_refused_in_litellms_words() {
    let office = Office::new();
    let key = office.key(&json!({"duration": "1s"}));
    office.get_as(&key, "/key/info");
    let now = &office.stage.host.world.now;
    now.set(now.get() + 2_000);
    let (status, error) = office.refused(&key, "GET", "/key/info", &Value::Null);
    assert_eq!((status, error["type"].as_str()), (401, Some("expired_key")));
}

#[test]
fn a_regenerated_key_keeps_its_record_and_its_spend() {
    let office = Office::new();
    let body = json!({"key_alias": "a", "max_budget": 2, "model_max_budget": {"gpt-4o": 1}, "metadata": {"x": 1}});
    let old = office.key(&body);
    let (from, model) = (key_scope(&old), ScopeId::key_model(&token::hash(&old), "gpt-4o"));
    office.spend(&from, &[from.clone(), model], "0.75").unwrap();
    let new = office.post(&format!("/key/{}/regenerate", token::hash(&old)), &json!({"max_budget": 3}));
    let key = new["key"].as_str().unwrap();
    assert_ne!(key, old);
    assert_eq!((&new["spend"], &new["max_budget"], &new["key_alias"]), (&json!(0.75), &json!(3.0), &json!("a")));
    let to = key_scope(key);
    let model = ScopeId::key_model(&token::hash(key), "gpt-4o");
    assert!(office.spend(&to, &[to.clone(), model], "0.5").is_err(), "the model's budget moved too");
    assert!(office.spend(&from, std::slice::from_ref(&from), "0.1").is_err(), "the old key is gone");
    let chosen = office.post("/key/regenerate", &json!({"key": key, "new_key": "sk-my-own-key-for-ci"}));
    assert_eq!((&chosen["key"], &chosen["spend"]), (&json!("sk-my-own-key-for-ci"), &json!(0.75)));
    for body in [json!({"key": key}), json!({"key": "sk-my-own-key-for-ci", "grace_period": "1d"}), json!({})] {
        office.refused(MASTER, "POST", "/key/regenerate", &body);
    }
}

#[test]
fn a_change_that_somebody_overtakes_is_made_anew_from_what_they_left() {
    let office = Office::new();
    let key = office.key(&json!({"max_budget": 1}));
    let left = |rpm_limit| KeyRecord {
        token: token::hash(&key),
        allowance: Allowance { rpm_limit: Some(rpm_limit), ..Allowance::default() },
        ..KeyRecord::default()
    };
    office.overtake(1, &left(7));
    let changed = office.post("/key/update", &json!({"key": key, "max_budget": 2}));
    assert_eq!((&changed["max_budget"], &changed["rpm_limit"]), (&json!(2.0), &json!(7)));
    office.overtake(3, &left(8));
    let (status, error) = office.refused(MASTER, "POST", "/key/update", &json!({"key": key, "max_budget": 3}));
    assert_eq!((status, error["message"].as_str().unwrap().ends_with("try again")), (409, true));
    assert_eq!(office.get(&format!("/key/info?key={key}"))["info"]["rpm_limit"], 8);
}

#[test]
fn a_key_chosen_by_an_admin_is_taken_and_a_bad_one_refused() {
    let office = Office::new();
    assert_eq!(office.key(&json!({"key": "sk-my-own-key-for-ci"})), "sk-my-own-key-for-ci");
    for (body, param) in [
        (json!({"key": "sk-my-own-key-for-ci"}), "key"),
        (json!({"key": "my-own-key-for-the-ci"}), "key"),
        (json!({"max_budgets": 1}), "max_budgets"),
        (json!({"max_budget": -1}), "max_budget"),
        (json!({"duration": "soon"}), "duration"),
        (json!({"team_id": "nobody"}), "team_id"),
        (json!({"budget_id": "nobody"}), "budget_id"),
        (json!({"guardrails": ["pii"]}), "guardrails"),
        (json!({"spend": -1}), "spend"),
    ] {
        let (status, error) = office.refused(MASTER, "POST", "/key/generate", &body);
        assert_eq!((status, error["param"].as_str()), (400, Some(param)), "{body}");
    }
    assert_eq!(office.ask(MASTER, "POST", "/key/generate", "[]").json()["error"]["param"], "request_body");
    assert_eq!(office.ask(MASTER, "POST", "/key/generate", "{").status, 400);
    assert_eq!(office.ask(MASTER, "GET", "/key/generate", "").status, 405);
    assert_eq!(office.ask("sk-nobody-knows-this", "POST", "/key/generate", "{}").status, 401);
}

#[test]
fn an_alias_is_unique_and_free_again_after_deletion() {
    let office = Office::new();
    office.key(&json!({"key_alias": "one"}));
    let (status, error) = office.refused(MASTER, "POST", "/key/generate", &json!({"key_alias": "one"}));
    assert_eq!((status, error["param"].as_str()), (400, Some("key_alias")));
    assert!(error["message"].as_str().unwrap().contains("Unique key aliases across all keys are required"));
    office.post("/key/delete", &json!({"key_aliases": ["one"]}));
    office.key(&json!({"key_alias": "one"}));
}

#[test]
fn keys_are_listed_in_pages_by_their_fields() {
    let office = Office::new();
    for index in 0..12 {
        office.key(&json!({"key_alias": format!("key-{index:02}"), "user_id": if index < 3 { "ann" } else { "bob" }}));
    }
    let page = office.get("/key/list?page=2&size=5");
    assert_eq!((&page["total_count"], &page["total_pages"], &page["current_page"]), (&json!(12), &json!(3), &json!(2)));
    assert!(page["keys"].as_array().unwrap().iter().all(|key| token::is_hash(key.as_str().unwrap())));
    let of_ann = office.get("/key/list?user_id=ann&return_full_object=true");
    let keys = of_ann["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 3);
    assert!(keys.iter().all(|key| key["user_id"] == "ann" && key["spend"] == 0.0));
    let one = office.get("/key/list?key_alias=key-07");
    assert_eq!(one["total_count"], 1);
    let aliases = office.get("/key/aliases?search=KEY-0&size=3&page=2");
    assert_eq!(aliases["aliases"], json!(["key-03", "key-04", "key-05"]));
    assert_eq!(aliases["total_count"], 10);
    for (path, param) in
        [("/key/list?sort_by=spend", "sort_by"), ("/key/list?page=0", "page"), ("/key/list?size=x", "size")]
    {
        assert_eq!(office.refused(MASTER, "GET", path, &Value::Null).1["param"], param, "{path}");
    }
    assert_eq!(office.post("/key/health", &json!({}))["key"], "healthy");
}

#[test]
fn spend_is_reset_downwards_only() {
    let office = Office::new();
    let key = office.key(&json!({"max_budget": 2}));
    let scope = key_scope(&key);
    office.spend(&scope, std::slice::from_ref(&scope), "1.5").unwrap();
    let path = format!("/key/{key}/reset_spend");
    for bad in [json!({}), json!({"reset_to": -1}), json!({"reset_to": 1.75}), json!({"reset": 0})] {
        assert_eq!(office.refused(MASTER, "POST", &path, &bad).0, 400, "{bad}");
    }
    let reset = office.post(&path, &json!({"reset_to": 0.5}));
    assert_eq!(
        (&reset["spend"], &reset["previous_spend"], &reset["max_budget"]),
        (&json!(0.5), &json!(1.5), &json!(2.0))
    );
    office.spend(&scope, std::slice::from_ref(&scope), "1.5").unwrap();
}
