//! The life of users, customers and shared budgets.

use serde_json::{Value, json};
use tollgate::keys::ledger::{ScopeId, ScopeKind};

use crate::office::{MASTER, Office, key_scope, team_scope, user_scope};

#[test]
fn a_user_is_made_with_a_first_key_bounded_and_deleted_with_all_keys() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t"}));
    let made = office.post(
        "/user/new",
        &json!({"user_id": "ann", "user_email": "Ann@x.io", "max_budget": 2, "teams": ["t"], "duration": "1d"}),
    );
    let key = made["key"].as_str().unwrap();
    assert!(key.starts_with("sk-") && made["expires"].is_string());
    assert_eq!((&made["user_id"], &made["max_budget"], &made["teams"]), (&json!("ann"), &json!(2.0), &json!(["t"])));
    let own = [key_scope(key), user_scope("ann")];
    office.spend(&user_scope("ann"), &own, "1.5").unwrap();
    assert!(office.spend(&user_scope("ann"), &own, "1").is_err(), "the user's budget bounds the key");
    let in_team = office.key(&json!({"user_id": "ann", "team_id": "t"}));
    let scopes = [key_scope(&in_team), team_scope("t"), ScopeId::member("t", "ann")];
    office.spend(&team_scope("t"), &scopes, "4").unwrap();

    let info = office.get("/user/info?user_id=ann");
    assert_eq!(
        (&info["user_id"], &info["user_info"]["spend"], &info["user_info"]["total_spend"]),
        (&json!("ann"), &json!(1.5), &json!(5.5))
    );
    assert_eq!((info["keys"].as_array().unwrap().len(), &info["teams"][0]["team_id"]), (2, &json!("t")));
    assert!(!info.to_string().contains(key));

    let changed = office.post("/user/update", &json!({"user_email": "ann@x.io", "max_budget": 3, "spend": 0}));
    assert_eq!(
        (&changed["user_id"], &changed["data"]["max_budget"], &changed["data"]["spend"]),
        (&json!("ann"), &json!(3.0), &json!(0.0))
    );
    office.spend(&user_scope("ann"), &own, "2.5").unwrap();

    assert_eq!(office.post("/user/delete", &json!({"user_ids": ["ann"]})), json!(1));
    assert_eq!(office.get("/key/list")["total_count"], 0);
    assert_eq!(office.get("/team/info?team_id=t")["team_info"]["members_with_roles"], json!([]));
    assert!(office.spend(&user_scope("ann"), &own, "0.1").is_err());
    assert!(office.spend(&team_scope("t"), &scopes, "0.1").is_err());
    assert_eq!(office.refused(MASTER, "GET", "/user/info?user_id=ann", &Value::Null).0, 404);
}

#[test]
fn users_are_listed_and_wrong_requests_named() {
    let office = Office::new();
    for (user_id, role) in [("ann", "proxy_admin"), ("bob", "internal_user"), ("cay", "internal_user")] {
        let body = json!({
            "user_id": user_id, "user_role": role, "user_email": format!("{user_id}@x.io"),
            "auto_create_key": user_id == "bob",
        });
        assert_eq!(office.post("/user/new", &body)["key"].as_str().unwrap().is_empty(), user_id != "bob");
    }
    let listed = office.get("/user/list?role=internal_user&page_size=1&page=2");
    assert_eq!(
        (&listed["total"], &listed["total_pages"], &listed["users"][0]["user_id"]),
        (&json!(2), &json!(2), &json!("cay"))
    );
    assert_eq!(office.get("/user/list?user_ids=ann,bob&page=2&page_size=1")["users"][0]["key_count"], 1);
    assert_eq!(office.get("/user/list?user_email=ANN@x.io")["total"], 1);
    for (path, body, status, param) in [
        ("/user/new", json!({"user_id": "ann"}), 409, "user_id"),
        ("/user/new", json!({"user_email": "ANN@x.io"}), 400, "user_email"),
        ("/user/new", json!({"user_role": "king"}), 400, "user_role"),
        ("/user/new", json!({"teams": ["nobody"]}), 404, "teams"),
        ("/user/new", json!({"password": "x"}), 400, "password"),
        ("/user/update", json!({"max_budget": 1}), 400, "user_id"),
        ("/user/update", json!({"user_id": "nobody"}), 404, "user_id"),
        ("/user/update", json!({"user_id": "ann", "teams": ["t"]}), 400, "teams"),
        ("/user/update", json!({"user_id": "ann", "duration": "1d"}), 400, "duration"),
        ("/user/delete", json!({"user_ids": ["nobody"]}), 404, "user_id"),
    ] {
        let (got, error) = office.refused(MASTER, "POST", path, &body);
        assert_eq!((got, error["param"].as_str()), (status, Some(param)), "{path} {body}");
    }
    assert_eq!(office.refused(MASTER, "GET", "/user/info", &Value::Null).1["param"], "user_id");
}

#[test]
fn a_customer_is_made_counted_over_all_ledgers_blocked_and_deleted() {
    let office = Office::new();
    let made = office.post("/customer/new", &json!({"user_id": "c", "alias": "Cay", "max_budget": 5}));
    assert_eq!(
        (&made["user_id"], &made["blocked"], &made["litellm_budget_table"]["max_budget"]),
        (&json!("c"), &json!(false), &json!(5.0))
    );
    let customer = ScopeId::new(ScopeKind::Customer, "c");
    for key in [office.key(&json!({})), office.key(&json!({}))] {
        office.spend(&key_scope(&key), &[key_scope(&key), customer.clone()], "0.5").unwrap();
    }
    for path in ["/customer/info?end_user_id=c", "/end_user/info?end_user_id=c"] {
        assert_eq!(office.get(path)["spend"], 1.0);
    }
    let changed = office.post("/customer/update", &json!({"user_id": "c", "max_budget": 6}));
    assert_eq!(changed["litellm_budget_table"]["max_budget"], 6.0);
    assert_eq!(
        office.post("/customer/block", &json!({"user_ids": ["c", "new"]}))["blocked_users"].as_array().unwrap().len(),
        2
    );
    assert_eq!(office.get("/customer/info?end_user_id=new")["blocked"], true);
    assert_eq!(office.post("/end_user/unblock", &json!({"user_ids": ["c"]}))["blocked_users"], json!([]));
    let list = office.get("/customer/list");
    assert_eq!(
        (list.as_array().unwrap().len(), &list[0]["blocked"], &list[0]["spend"]),
        (2, &json!(false), &json!(1.0))
    );
    assert_eq!(office.post("/customer/delete", &json!({"user_ids": ["c"]}))["deleted_customers"], 1);
    for (path, body, status) in [
        ("/customer/new", json!({"user_id": "new"}), 400),
        ("/customer/new", json!({}), 400),
        ("/customer/new", json!({"user_id": "x", "max_budget": 1, "budget_id": "b"}), 400),
        ("/customer/new", json!({"user_id": "x", "budget_id": "nobody"}), 400),
        ("/customer/new", json!({"user_id": "x", "spend": 1}), 400),
        ("/customer/new", json!({"user_id": "x", "allowed_model_region": "eu"}), 400),
        ("/customer/update", json!({"user_id": "c"}), 404),
        ("/customer/unblock", json!({"user_ids": ["c"]}), 404),
        ("/customer/delete", json!({"user_ids": ["c"]}), 404),
    ] {
        assert_eq!(office.refused(MASTER, "POST", path, &body).0, status, "{path} {body}");
    }
}

#[test]
fn a_shared_budget_bounds_its_keys_at_once_when_it_changes() {
    let office = Office::new();
    let made =
        office.post("/budget/new", &json!({"budget_id": "free", "max_budget": 1, "model_max_budget": {"gpt-4o": 0.5}}));
    assert_eq!((&made["budget_id"], &made["max_budget"]), (&json!("free"), &json!(1.0)));
    let key = office.key(&json!({"budget_id": "free"}));
    let (scope, model) = (key_scope(&key), ScopeId::key_model(&key_scope(&key).id, "gpt-4o"));
    let info = office.get(&format!("/key/info?key={key}"));
    assert_eq!(info["info"]["litellm_budget_table"]["max_budget"], 1.0);
    assert!(office.spend(&scope, std::slice::from_ref(&scope), "1.5").is_err());
    assert!(office.spend(&scope, &[scope.clone(), model.clone()], "0.75").is_err());
    office.post("/budget/update", &json!({"budget_id": "free", "max_budget": 3, "model_max_budget": null}));
    office.spend(&scope, &[scope.clone(), model], "1.5").unwrap();
    assert!(office.spend(&scope, std::slice::from_ref(&scope), "2").is_err());

    let (status, error) = office.refused(MASTER, "POST", "/budget/delete", &json!({"id": "free"}));
    assert_eq!((status, error["param"].as_str()), (400, Some("id")));
    assert_eq!(office.post("/budget/info", &json!({"budgets": ["free", "nobody"]})).as_array().unwrap().len(), 1);
    office.post("/key/update", &json!({"key": key, "budget_id": null}));
    assert_eq!(office.post("/budget/delete", &json!({"id": "free"}))["budget_id"], "free");
    assert_eq!(office.get("/budget/list"), json!([]));
    for (path, body, status) in [
        ("/budget/new", json!({"max_budget": -1}), 400),
        ("/budget/new", json!({"tpd_limit": 1}), 400),
        ("/budget/update", json!({"budget_id": "free"}), 404),
        ("/budget/update", json!({}), 400),
        ("/budget/delete", json!({"id": "free"}), 404),
        ("/budget/info", json!({}), 400),
    ] {
        assert_eq!(office.refused(MASTER, "POST", path, &body).0, status, "{path} {body}");
    }
    assert_eq!(office.post("/budget/new", &json!({}))["budget_id"].as_str().unwrap().len(), 36);
}
