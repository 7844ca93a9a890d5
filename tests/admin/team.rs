//! The life of a team and of its members.

use serde_json::{Value, json};
use tollgate::keys::KeyRecord;
use tollgate::keys::directory::RecordKind;
use tollgate::keys::ledger::ScopeId;

use crate::office::{MASTER, Office, key_scope, team_scope, user_scope};

#[test]
fn a_team_is_made_changed_blocked_and_deleted_with_its_keys() {
    let office = Office::new();
    let made = office.post("/team/new", &json!({"team_id": "t", "team_alias": "backend", "max_budget": 5}));
    assert_eq!((&made["team_id"], &made["max_budget"], &made["spend"]), (&json!("t"), &json!(5.0), &json!(0.0)));
    let key = office.key(&json!({"team_id": "t", "key_alias": "a"}));
    let (root, scopes) = (team_scope("t"), [key_scope(&key), team_scope("t")]);
    office.spend(&root, &scopes, "1.5").unwrap();
    let info = office.get("/team/info?team_id=t");
    assert_eq!((&info["team_id"], &info["team_info"]["spend"]), (&json!("t"), &json!(1.5)));
    assert_eq!((&info["keys"][0]["key_alias"], &info["keys"][0]["spend"]), (&json!("a"), &json!(1.5)));

    let changed = office.post("/team/update", &json!({"team_id": "t", "max_budget": 2}));
    assert_eq!((&changed["team_id"], &changed["data"]["max_budget"]), (&json!("t"), &json!(2.0)));
    assert!(office.spend(&root, &scopes, "1").is_err());
    assert_eq!(office.post("/team/block", &json!({"team_id": "t"}))["blocked"], true);
    assert!(office.spend(&root, &scopes, "0.1").is_err());
    assert_eq!(office.refused(&key, "GET", "/key/info", &Value::Null).0, 401);
    office.post("/team/unblock", &json!({"team_id": "t"}));
    office.spend(&root, &scopes, "0.1").unwrap();

    assert_eq!(office.post("/team/delete", &json!({"team_ids": ["t"]})), json!({"deleted_teams": ["t"]}));
    assert!(office.spend(&root, &scopes, "0.1").is_err());
    assert_eq!(office.refused(&key, "GET", "/key/info", &Value::Null).0, 401);
    assert_eq!(office.refused(MASTER, "GET", "/team/info?team_id=t", &Value::Null).0, 404);
    office.post("/team/new", &json!({"team_id": "t"}));
    office.key(&json!({"key_alias": "a"}));
}

#[test]
fn a_key_that_changes_its_team_moves_with_what_it_spent() {
    let office = Office::new();
    for team in ["one", "two"] {
        office.post("/team/new", &json!({"team_id": team}));
    }
    let key = office.key(&json!({"team_id": "one", "max_budget": 2}));
    let scope = key_scope(&key);
    office.spend(&team_scope("one"), &[scope.clone(), team_scope("one")], "1.5").unwrap();
    let moved = office.post("/key/update", &json!({"key": key, "team_id": "two"}));
    assert_eq!((&moved["team_id"], &moved["spend"]), (&json!("two"), &json!(1.5)));
    assert!(office.spend(&team_scope("one"), &[scope.clone(), team_scope("one")], "0.1").is_err());
    assert!(office.spend(&team_scope("two"), &[scope.clone(), team_scope("two")], "1").is_err());
    office.spend(&team_scope("two"), &[scope.clone(), team_scope("two")], "0.5").unwrap();
    let own = office.post("/key/update", &json!({"key": key, "team_id": null, "max_budget": 3}));
    assert_eq!((&own["team_id"], &own["spend"]), (&Value::Null, &json!(2.0)));
    office.spend(&scope, std::slice::from_ref(&scope), "1").unwrap();
}

#[test]
fn members_come_are_bounded_and_leave_with_their_keys() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t", "members_with_roles": [{"role": "admin", "user_id": "boss"}]}));
    let body = json!({"team_id": "t", "member": [{"role": "user", "user_id": "ann"}, {"user_email": "Bob@x.io"}],
        "max_budget_in_team": 1, "budget_duration": "1d"});
    let added = office.post("/team/member_add", &body);
    assert_eq!(added["members_with_roles"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&added["updated_users"][0]["user_id"], &added["updated_users"][0]["teams"]),
        (&json!("ann"), &json!(["t"]))
    );
    assert_eq!(added["updated_team_memberships"][0]["litellm_budget_table"]["max_budget"], 1.0);
    let (status, error) = office.refused(MASTER, "POST", "/team/member_add", &body);
    assert_eq!((status, error["type"].as_str()), (400, Some("team_member_already_in_team")));

    let key = office.key(&json!({"team_id": "t", "user_id": "ann"}));
    let member = ScopeId::member("t", "ann");
    let scopes = [key_scope(&key), team_scope("t"), member.clone()];
    office.spend(&team_scope("t"), &scopes, "0.75").unwrap();
    assert!(office.spend(&team_scope("t"), &scopes, "0.5").is_err());
    let changed = office.post(
        "/team/member_update",
        &json!({"team_id": "t", "user_id": "ann", "max_budget_in_team": 2, "role": "admin"}),
    );
    assert_eq!(
        (&changed["user_id"], &changed["max_budget_in_team"], &changed["role"]),
        (&json!("ann"), &json!(2.0), &json!("admin"))
    );
    office.spend(&team_scope("t"), &scopes, "0.5").unwrap();
    let memberships = &office.get("/team/info?team_id=t")["team_memberships"];
    assert_eq!((&memberships[1]["user_id"], &memberships[1]["spend"]), (&json!("ann"), &json!(1.25)));
    assert_eq!(office.get("/user/info?user_id=ann")["user_info"]["total_spend"], 1.25);

    let left = office.post("/team/member_delete", &json!({"team_id": "t", "user_id": "ann"}));
    assert_eq!(left["members_with_roles"].as_array().unwrap().len(), 2);
    assert_eq!(office.refused(MASTER, "GET", &format!("/key/info?key={key}"), &Value::Null).0, 404);
    assert!(!office.view(&team_scope("t"), &member).unwrap().known);
    assert_eq!(office.get("/user/info?user_id=ann")["teams"], json!([]));
    office.post("/team/member_delete", &json!({"team_id": "t", "user_email": "bob@x.io"}));
}

#[test]
fn members_that_are_named_wrongly_are_refused() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t", "members_with_roles": [{"role": "admin", "user_id": "boss"}]}));
    for bad in [
        json!({"team_id": "t", "user_id": "ann"}),
        json!({"team_id": "t"}),
        json!({"team_id": "t", "user_id": "boss", "x": 1}),
    ] {
        assert_eq!(office.refused(MASTER, "POST", "/team/member_delete", &bad).0, 400, "{bad}");
    }
    for bad in [
        json!({"team_id": "t", "member": {}}),
        json!({"team_id": "t", "member": {"user_id": "x", "role": "king"}}),
        json!({"team_id": "t", "member": {"user_id": "x", "colour": 1}}),
        json!({"team_id": "t"}),
    ] {
        assert_eq!(office.refused(MASTER, "POST", "/team/member_add", &bad).0, 400, "{bad}");
    }
}

#[test]
fn a_team_that_is_deleted_takes_the_key_that_was_made_meanwhile() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t"}));
    let made = KeyRecord { token: "f".repeat(64), team_id: Some("t".to_owned()), ..KeyRecord::default() };
    office.overtake(1, &made);
    office.post("/team/delete", &json!({"team_ids": ["t"]}));
    assert!(office.stage.host.books.borrow().overtakers.is_empty());
    assert_eq!(office.get("/key/list")["total_count"], 0);
}

#[test]
fn a_key_is_not_made_in_a_team_that_is_deleted_meanwhile() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t"}));
    office.overtake_by_deletion(RecordKind::Team, "t");
    let (status, error) = office.refused(MASTER, "POST", "/key/generate", &json!({"team_id": "t"}));
    assert_eq!((status, error["param"].as_str()), (400, Some("team_id")));
}

#[test]
fn teams_are_listed_and_wrong_requests_named() {
    let office = Office::new();
    office.post("/team/new", &json!({"team_id": "t1", "members_with_roles": [{"user_id": "ann"}]}));
    office.post("/team/new", &json!({"team_id": "t2"}));
    assert_eq!(office.get("/team/list").as_array().unwrap().len(), 2);
    assert_eq!(office.get("/team/list?user_id=ann")[0]["team_id"], "t1");
    let paged = office.get("/v2/team/list?page=2&page_size=1");
    assert_eq!(
        (&paged["total"], &paged["total_pages"], &paged["teams"][0]["team_id"]),
        (&json!(2), &json!(2), &json!("t2"))
    );
    assert_eq!(office.get("/user/info?user_id=ann")["teams"][0]["team_id"], "t1");
    for (path, body, status, param) in [
        ("/team/new", json!({"team_id": "t1"}), 400, "team_id"),
        ("/team/new", json!({"max_budgt": 1}), 400, "max_budgt"),
        ("/team/update", json!({"team_id": "nobody"}), 404, "team_id"),
        ("/team/update", json!({"max_budget": 1}), 400, "team_id"),
        ("/team/update", json!({"team_id": "t1", "members_with_roles": []}), 400, "members_with_roles"),
        ("/team/delete", json!({"team_ids": []}), 400, "team_ids"),
        ("/team/delete", json!({"team_ids": ["nobody"]}), 404, "team_id"),
        ("/team/block", json!({"team_id": "t1", "why": 1}), 400, "why"),
    ] {
        let (got, error) = office.refused(MASTER, "POST", path, &body);
        assert_eq!((got, error["param"].as_str()), (status, Some(param)), "{path} {body}");
    }
    assert!(office.view(&user_scope("ann"), &user_scope("ann")).unwrap().known, "a member got a user's ledger");
}
