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

/// Whether a role may call a route at all; what it may see or change there is its own.
#[test]
fn roles_may_call_what_they_should_and_nothing_else() {
    let office = Office::new();
    let roles = ["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer", "customer"];
    let keys: Vec<String> = roles
        .iter()
        .map(|role| {
            let made = office.post("/user/new", &json!({"user_id": format!("user-{role}"), "user_role": role}));
            made["key"].as_str().unwrap().to_owned()
        })
        .collect();
    #[rustfmt::skip]
    let table = [
        //                                 admin  viewer internal int.viewer customer
        ("POST", "/key/generate",         [true,  false, true,  false, false]),
        ("GET",  "/key/info",             [true,  true,  true,  true,  false]),
        ("GET",  "/key/list",             [true,  true,  true,  true,  false]),
        ("POST", "/key/update",           [true,  false, true,  false, false]),
        ("POST", "/key/x/regenerate",     [true,  false, true,  false, false]),
        ("POST", "/key/x/reset_spend",    [true,  false, false, false, false]),
        ("POST", "/team/new",             [true,  false, false, false, false]),
        ("POST", "/team/delete",          [true,  false, false, false, false]),
        ("GET",  "/team/list",            [true,  true,  true,  true,  false]),
        ("POST", "/team/member_add",      [true,  false, true,  false, false]),
        ("POST", "/user/new",             [true,  false, false, false, false]),
        ("GET",  "/user/info",            [true,  true,  true,  true,  false]),
        ("GET",  "/user/list",            [true,  true,  false, false, false]),
        ("POST", "/customer/block",       [true,  false, false, false, false]),
        ("POST", "/end_user/block",       [true,  false, false, false, false]),
        ("GET",  "/customer/list",        [true,  true,  false, false, false]),
        ("POST", "/budget/new",           [true,  false, false, false, false]),
        ("GET",  "/budget/list",          [true,  true,  false, false, false]),
    ];
    for (method, path, allowed) in table {
        for ((role, key), allowed) in roles.iter().zip(&keys).zip(allowed) {
            let got = office.ask(key, method, path, "{}");
            let denied = got.status == 403 && got.text().contains("Only proxy admin can be used");
            assert_eq!(!denied, allowed, "{role} {method} {path}: {}", got.text());
        }
    }
}

#[test]
fn an_internal_user_manages_own_keys_within_their_bounds() {
    let office = Office::new();
    let made = office.post("/user/new", &json!({"user_id": "ann", "user_role": "internal_user"}));
    let ann = made["key"].as_str().unwrap();
    let other = office.key(&json!({"user_id": "bob"}));
    let own = office.post_as(ann, "/key/generate", &json!({"key_alias": "mine"}));
    assert_eq!((&own["user_id"], &own["created_by"]), (&json!("ann"), &json!("ann")));
    let own = own["key"].as_str().unwrap();
    office.post_as(ann, "/key/update", &json!({"key": own, "key_alias": "renamed"}));
    let renewed = office.post_as(ann, "/key/regenerate", &json!({"key": own}));
    let own = renewed["key"].as_str().unwrap();
    assert_eq!(office.get_as(ann, "/key/list")["total_count"], 2);
    assert_eq!(office.get_as(ann, "/user/info")["user_id"], "ann");
    for (path, body) in [
        ("/key/generate", json!({"user_id": "bob"})),
        ("/key/generate", json!({"permissions": {"get_spend_routes": true}})),
        ("/key/generate", json!({"allowed_routes": ["/*"]})),
        ("/key/generate", json!({"team_id": "t"})),
        ("/key/update", json!({"key": other, "key_alias": "stolen"})),
        ("/key/update", json!({"key": own, "max_budget": 1000})),
        ("/key/update", json!({"key": own, "user_id": "bob"})),
        ("/key/update", json!({"key": own, "user_id": null})),
        ("/key/update", json!({"key": own, "team_id": "t"})),
        ("/key/regenerate", json!({"key": other})),
        ("/key/regenerate", json!({"key": own, "spend": 0})),
        ("/key/delete", json!({"keys": [own, other]})),
        ("/key/unblock", json!({"key": own})),
    ] {
        assert_eq!(office.refused(ann, "POST", path, &body).0, 403, "{path} {body}");
    }
    for path in ["/key/list?user_id=bob", "/user/info?user_id=bob", "/team/list?user_id=bob"] {
        assert_eq!(office.refused(ann, "GET", path, &Value::Null).0, 403, "{path}");
    }
    office.post_as(ann, "/key/delete", &json!({"keys": [own]}));
}

#[test]
fn a_teams_admin_manages_its_keys_and_members_and_no_other_teams() {
    let office = Office::new();
    let ann = office.post("/user/new", &json!({"user_id": "ann"}))["key"].as_str().unwrap().to_owned();
    let bob = office.post("/user/new", &json!({"user_id": "bob"}))["key"].as_str().unwrap().to_owned();
    let members = json!([{"role": "admin", "user_id": "ann"}, {"user_id": "bob"}]);
    office.post("/team/new", &json!({"team_id": "t", "members_with_roles": members}));
    office.post("/team/new", &json!({"team_id": "other"}));
    let of_other = office.key(&json!({"team_id": "other"}));
    let key = office.post_as(&ann, "/key/generate", &json!({"team_id": "t", "user_id": "bob", "max_budget": 1}));
    let key = key["key"].as_str().unwrap();
    office.post_as(&ann, "/key/update", &json!({"key": key, "max_budget": 2}));
    office.post_as(&ann, "/key/block", &json!({"key": key}));
    office.post_as(&ann, "/key/unblock", &json!({"key": key}));
    office.post_as(&ann, "/team/member_add", &json!({"team_id": "t", "member": {"user_id": "cay"}}));
    assert_eq!(office.get_as(&ann, "/key/list?team_id=t")["total_count"], 1);
    assert_eq!(office.get_as(&ann, "/key/list?include_team_keys=true")["total_count"], 2);
    assert_eq!(office.get_as(&ann, "/team/info?team_id=t")["keys"].as_array().unwrap().len(), 1);
    assert_eq!(office.get_as(&bob, "/team/info?team_id=t")["keys"], json!([]));
    for (path, body) in [
        ("/key/update", json!({"key": key, "team_id": "other"})),
        ("/key/update", json!({"key": key, "team_id": null})),
        ("/key/update", json!({"key": of_other, "max_budget": 2})),
        ("/key/generate", json!({"team_id": "t", "user_id": "stranger"})),
        ("/key/generate", json!({"team_id": "other"})),
        ("/team/member_add", json!({"team_id": "other", "member": {"user_id": "ann"}})),
        ("/team/update", json!({"team_id": "t", "max_budget": 1000})),
    ] {
        assert_eq!(office.refused(&ann, "POST", path, &body).0, 403, "{path} {body}");
    }
    for (path, body) in [
        ("/key/update", json!({"key": key, "key_alias": "mine"})),
        ("/key/delete", json!({"keys": [key]})),
        ("/team/member_update", json!({"team_id": "t", "user_id": "bob", "max_budget_in_team": 9})),
    ] {
        assert_eq!(office.refused(&bob, "POST", path, &body).0, 403, "{path} {body}");
    }
    for path in ["/team/info?team_id=other", &format!("/key/info?key={of_other}")] {
        assert_eq!(office.refused(&ann, "GET", path, &Value::Null).0, 403, "{path}");
    }
}

#[test]
fn callers_without_a_good_key_are_refused_in_litellms_words() {
    let office = Office::new();
    let blocked = office.key(&json!({"blocked": true}));
    let of_blocked_team = {
        office.post("/team/new", &json!({"team_id": "t", "blocked": true}));
        office.key(&json!({"team_id": "t"}))
    };
    let narrow = office.key(&json!({"key_type": "llm_api"}));
    for (header, status, kind, words) in [
        (String::new(), 401, "auth_error", "No api key passed in."),
        ("sk-master-key-1234".to_owned(), 401, "auth_error", "Malformed API Key passed in."),
        ("Bearer nonsense".to_owned(), 401, "auth_error", "expected to start with 'sk-'"),
        ("Bearer sk-nobody-knows-this".to_owned(), 401, "token_not_found_in_db", "Invalid proxy server token passed."),
        (format!("Bearer {blocked}"), 401, "auth_error", "Key is blocked. Update via `/key/unblock`"),
        (format!("Bearer {of_blocked_team}"), 401, "auth_error", "Team=t is blocked. Update via `/team/unblock`"),
        (format!("Bearer {narrow}"), 403, "auth_error", "Virtual key is not allowed to call this route."),
    ] {
        let headers = [("authorization", header.as_str())];
        let headers = if header.is_empty() { &headers[..0] } else { &headers[..] };
        let got = office.stage.ask("GET", "/key/info", headers, b"");
        let error = &got.json()["error"];
        assert_eq!((got.status, error["type"].as_str()), (status, Some(kind)), "{header}");
        assert!(error["message"].as_str().unwrap().contains(words), "{error}");
    }
}

#[test]
fn a_teams_admin_gets_no_key_that_manages_in_anothers_name() {
    let office = Office::new();
    let ann = office.post("/user/new", &json!({"user_id": "ann"}))["key"].as_str().unwrap().to_owned();
    office.post("/user/new", &json!({"user_id": "root", "user_role": "proxy_admin"}));
    let members = json!([{"role": "admin", "user_id": "ann"}, {"user_id": "root"}]);
    office.post("/team/new", &json!({"team_id": "t", "members_with_roles": members}));
    let of_root = office.key(&json!({"team_id": "t", "user_id": "root"}));
    let made = office.post_as(&ann, "/key/generate", &json!({"team_id": "t", "user_id": "root"}));
    let made = made["key"].as_str().unwrap();
    assert_eq!(office.refused(made, "GET", "/user/list", &Value::Null).0, 403);
    for (path, body) in [
        ("/key/generate", json!({"team_id": "t", "user_id": "root", "key_type": "default"})),
        ("/key/update", json!({"key": made, "key_type": "default"})),
        ("/key/update", json!({"key": made, "key_type": null})),
        ("/key/regenerate", json!({"key": made, "key_type": "management"})),
        ("/key/regenerate", json!({"key": of_root})),
    ] {
        assert_eq!(office.refused(&ann, "POST", path, &body).0, 403, "{path} {body}");
    }
    office.post_as(&ann, "/key/regenerate", &json!({"key": made}));
}
