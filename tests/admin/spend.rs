//! What was spent, as every report shows it: the same rows, summed up another way.

use serde_json::{Value, json};
use tollgate::keys::ledger::{ScopeId, ScopeKind, Subject};
use tollgate::keys::token;

use crate::office::{MASTER, Office, key_scope, team_scope, user_scope};

const DAY_MS: u64 = 86_400_000;

/// Two teams' keys, a user's, one of nobody and the master key: 1, 2, 4, 8 and 16 dollars, one on each day from
/// 2023-11-14 on.
struct Town {
    office: Office,
    ann: String,
    of_team: String,
    of_nobody: String,
}

fn town() -> Town {
    let office = Office::new();
    let ann = office.post("/user/new", &json!({"user_id": "ann"}))["key"].as_str().unwrap().to_owned();
    for (team, alias) in [("t1", "backend"), ("t2", "frontend")] {
        office.post("/team/new", &json!({"team_id": team, "team_alias": alias}));
    }
    let of_team = office.key(&json!({"team_id": "t1", "user_id": "ann", "key_alias": "one"}));
    let of_other = office.key(&json!({"team_id": "t2"}));
    let of_nobody = office.key(&json!({}));
    let town = Town { office, ann, of_team, of_nobody };
    let subject = |key: &str, team: Option<&str>, user: Option<&str>, tags: &[&str]| Subject {
        call_type: "acompletion".to_owned(),
        key: if key.is_empty() { String::new() } else { token::hash(key) },
        team: team.map(str::to_owned),
        user: user.map(str::to_owned),
        customer: Some("cay".to_owned()).filter(|_| team.is_some()),
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        model_group: if team.is_some() { "gpt-4o" } else { "claude-sonnet" }.to_owned(),
        ..Subject::default()
    };
    let global = ScopeId::global();
    town.pay(
        &team_scope("t1"),
        &[key_scope(&town.of_team)],
        "1",
        subject(&town.of_team, Some("t1"), Some("ann"), &["a", "b"]),
    );
    town.pay(&team_scope("t2"), &[key_scope(&of_other)], "2", subject(&of_other, Some("t2"), None, &["b"]));
    town.pay(&user_scope("ann"), &[key_scope(&town.ann)], "4", subject(&town.ann, None, Some("ann"), &[]));
    town.pay(
        &key_scope(&town.of_nobody),
        &[key_scope(&town.of_nobody)],
        "8",
        subject(&town.of_nobody, None, None, &[]),
    );
    town.pay(&global, &[], "16", subject("", None, None, &[]));
    town
}

impl Town {
    fn pay(&self, root: &ScopeId, scopes: &[ScopeId], dollars: &str, subject: Subject) {
        let scopes: Vec<ScopeId> = scopes.iter().cloned().chain([ScopeId::global()]).collect();
        self.office.spend_as(root, &scopes, dollars, subject).unwrap();
        let now = &self.office.stage.host.world.now;
        now.set(now.get() + DAY_MS);
    }

    fn spend(&self, query: &str) -> Value {
        self.office.get(&format!("/global/spend{query}"))["spend"].clone()
    }
}

fn sum(rows: &Value, field: &str) -> Value {
    json!(rows.as_array().unwrap().iter().map(|row| row[field].as_f64().unwrap()).sum::<f64>())
}

#[test]
fn the_whole_spend_is_the_sum_of_its_parts() {
    let town = town();
    assert_eq!(town.spend(""), json!(31.0));
    for (query, spend) in [
        (format!("?api_key={}", town.of_team), 1.0),
        (format!("?api_key={}", token::hash(&town.of_nobody)), 8.0),
        ("?api_key=sk-nobody-has-this-key".to_owned(), 0.0),
        ("?model=gpt-4o".to_owned(), 3.0),
        ("?model=gpt-4o-2024-08-06".to_owned(), 31.0),
        ("?team_id=t2".to_owned(), 2.0),
        ("?user_id=ann".to_owned(), 5.0),
        ("?start_date=2023-11-15&end_date=2023-11-16".to_owned(), 6.0),
    ] {
        assert_eq!(town.spend(&query), json!(spend), "{query}");
    }
    let office = &town.office;
    let days = office.get("/global/spend/logs");
    assert_eq!((sum(&days, "spend"), &days[0]), (json!(31.0), &json!({"date": "2023-11-14", "spend": 1.0})));
    assert_eq!(office.get("/global/spend/keys?limit=2")[0]["total_spend"], 16.0);
    assert_eq!(office.get("/global/spend/keys")[4]["key_alias"], "one");
    assert_eq!(office.get("/global/spend/models"), json!([{"model": "gpt-4o-2024-08-06", "total_spend": 31.0}]));
    let teams = office.get("/global/spend/teams");
    assert_eq!(teams["teams"], json!(["Unassigned", "backend", "frontend"]));
    assert_eq!(teams["total_spend_per_team"][0], json!({"team_id": "Unassigned", "total_spend": 28.0}));
    assert_eq!(teams["daily_spend"][0], json!({"date": "2023-11-14", "backend": 1.0}));
}

#[test]
fn reports_group_by_team_customer_key_and_model() {
    let town = town();
    let report = |more: &str| {
        let report = town.office.get(&format!("/global/spend/report?start_date=2023-11-01&end_date=2023-11-30{more}"));
        report.as_array().unwrap().clone()
    };
    let by_team = report("&group_by=team");
    assert_eq!(by_team.len(), 5);
    assert_eq!(
        (&by_team[0]["teams"][0]["team_name"], &by_team[0]["teams"][0]["total_spend"]),
        (&json!("backend"), &json!(1.0))
    );
    assert_eq!(
        report("&group_by=customer")[1]["customers"][0],
        json!({"customer": "cay", "total_spend": 2.0,
        "metadata": by_team[1]["teams"][0]["metadata"]})
    );
    assert_eq!(report("&group_by=model")[0]["total_cost"], 31.0);
    assert_eq!(report("&group_by=api_key").len(), 5);
    let of_ann = report("&internal_user_id=ann");
    assert_eq!(sum(&json!(of_ann), "total_cost"), json!(5.0));
    assert_eq!(report("&team_id=t2")[0]["teams"][0]["team_name"], "frontend");
    for (query, param) in [
        ("?start_date=2023-11-01", "start_date"),
        ("?start_date=2023-11-01&end_date=soon", "end_date"),
        ("?start_date=2023-11-01&end_date=2023-11-30&group_by=colour", "group_by"),
        ("?start_date=2023-11-01&end_date=2023-11-30&colour=red", "colour"),
    ] {
        let (status, error) = town.office.refused(MASTER, "GET", &format!("/global/spend/report{query}"), &Value::Null);
        assert_eq!((status, error["param"].as_str()), (400, Some(param)), "{query}");
    }
}

#[test]
fn logs_are_filtered_summed_up_and_paged() {
    let town = town();
    let office = &town.office;
    let all = office.get("/spend/logs");
    assert_eq!((all.as_array().unwrap().len(), sum(&all, "spend")), (5, json!(31.0)));
    assert_eq!(all[0]["spend"], 16.0, "the newest first");
    assert_eq!((&all[4]["request_tags"], &all[4]["api_key"]), (&json!(["a", "b"]), &json!(token::hash(&town.of_team))));
    let request_id = all[2]["request_id"].as_str().unwrap();
    for (query, spends) in [
        (format!("?request_id={request_id}"), vec![4.0]),
        ("?user_id=ann".to_owned(), vec![4.0, 1.0]),
        (format!("?api_key={}", town.of_nobody), vec![8.0]),
        ("?start_date=2023-11-15&end_date=2023-11-16&summarize=false".to_owned(), vec![4.0, 2.0]),
    ] {
        let rows = office.get(&format!("/spend/logs{query}"));
        let got: Vec<f64> = rows.as_array().unwrap().iter().map(|row| row["spend"].as_f64().unwrap()).collect();
        assert_eq!(got, spends, "{query}");
    }
    let days = office.get("/spend/logs?start_date=2023-11-14&end_date=2023-11-15");
    assert_eq!((days.as_array().unwrap().len(), &days[0]["users"]["ann"]), (2, &json!(1.0)));
    let page = office.get("/spend/logs/v2?page=2&page_size=2");
    assert_eq!((&page["total"], &page["total_pages"], &page["data"][0]["spend"]), (&json!(5), &json!(3), &json!(4.0)));
    for (query, total) in [
        ("team_id=t1", 1),
        ("end_user=cay", 2),
        ("key_alias=one", 1),
        ("key_alias=nobody", 0),
        ("min_spend=2&max_spend=8", 3),
        ("status_filter=failure", 0),
        ("model=claude-sonnet", 3),
        ("tag=b", 2),
    ] {
        assert_eq!(office.get(&format!("/spend/logs/v2?{query}"))["total"], total, "{query}");
    }
    for query in
        ["page=0", "page_size=101", "page=1000&page_size=100", "status_filter=odd", "min_spend=x", "sort_by=spend"]
    {
        assert_eq!(office.refused(MASTER, "GET", &format!("/spend/logs/v2?{query}"), &Value::Null).0, 400, "{query}");
    }
    let tags = office.get("/spend/tags");
    assert_eq!(
        tags,
        json!([
            {"individual_request_tag": "a", "log_count": 1, "total_spend": 1.0},
            {"individual_request_tag": "b", "log_count": 2, "total_spend": 3.0},
        ])
    );
    assert_eq!(
        office.get("/global/spend/tags?tags=b")["spend_per_tag"],
        json!([{"name": "b", "spend": 3.0, "log_count": 2}])
    );
}

#[test]
fn activity_is_shown_by_day_for_users_teams_tags_and_customers() {
    let town = town();
    let total = |path: &str, more: &str| {
        let got = town.office.get(&format!("{path}?start_date=2023-11-01&end_date=2023-11-30{more}"));
        got["metadata"]["total_spend"].clone()
    };
    for (path, more, spend) in [
        ("/user/daily/activity", "", 31.0),
        ("/user/daily/activity", "&user_id=ann", 5.0),
        ("/team/daily/activity", "", 3.0),
        ("/team/daily/activity", "&team_ids=t1", 1.0),
        ("/team/daily/activity", "&exclude_team_ids=t1", 2.0),
        ("/tag/daily/activity", "", 4.0),
        ("/tag/daily/activity", "&tags=a", 1.0),
        ("/customer/daily/activity", "", 3.0),
        ("/end_user/daily/activity", "&end_user_ids=nobody", 0.0),
    ] {
        assert_eq!(total(path, more), json!(spend), "{path} {more}");
    }
    let tags = town.office.get("/tag/daily/activity?start_date=2023-11-14&end_date=2023-11-14");
    assert_eq!(tags["results"][0]["breakdown"]["entities"]["a"]["metrics"]["spend"], 1.0);
    let activity = town.office.get("/global/activity?start_date=2023-11-01&end_date=2023-11-30");
    assert_eq!((&activity["sum_api_requests"], &activity["sum_total_tokens"]), (&json!(5), &json!(75)));
    let models = town.office.get("/global/activity/model?start_date=2023-11-01&end_date=2023-11-30");
    assert_eq!((&models[0]["model"], &models[0]["sum_api_requests"]), (&json!("claude-sonnet"), &json!(3)));
}

#[test]
fn others_see_their_own_spend_and_no_more() {
    let town = town();
    let office = &town.office;
    assert_eq!(sum(&office.get_as(&town.ann, "/spend/logs"), "spend"), json!(5.0));
    assert_eq!(office.get_as(&town.ann, &format!("/spend/logs?api_key={}", town.of_nobody)), json!([]));
    assert_eq!(office.get_as(&town.ann, "/spend/tags").as_array().unwrap().len(), 2);
    let days = "start_date=2023-11-01&end_date=2023-11-30";
    let own = office.get_as(&town.ann, &format!("/user/daily/activity?{days}"));
    assert_eq!(own["metadata"]["total_spend"], 5.0);
    for path in [
        "/global/spend",
        "/global/spend/report",
        "/spend/logs?user_id=bob",
        "/global/activity",
        &format!("/user/daily/activity?{days}&user_id=bob"),
        &format!("/team/daily/activity?{days}&team_ids=t1"),
    ] {
        assert_eq!(office.refused(&town.ann, "GET", path, &Value::Null).0, 403, "{path}");
    }
    office.post("/team/member_add", &json!({"team_id": "t1", "member": {"user_id": "ann", "role": "admin"}}));
    let of_team = office.get_as(&town.ann, &format!("/team/daily/activity?{days}"));
    assert_eq!(of_team["metadata"]["total_spend"], 1.0);
    let viewer = office.post("/user/new", &json!({"user_id": "v", "user_role": "proxy_admin_viewer"}));
    assert_eq!(office.get_as(viewer["key"].as_str().unwrap(), "/global/spend")["spend"], 31.0);
    let seer = office.key(&json!({"permissions": {"get_spend_routes": true}}));
    assert_eq!(office.get_as(&seer, "/global/spend")["spend"], 31.0);
}

#[test]
fn what_was_spent_is_still_there_when_who_spent_it_is_gone() {
    let town = town();
    let office = &town.office;
    office.post("/team/delete", &json!({"team_ids": ["t1", "t2"]}));
    office.post("/user/delete", &json!({"user_ids": ["ann"]}));
    let renewed = office.post("/key/regenerate", &json!({"key": town.of_nobody}));
    office.post("/key/delete", &json!({"keys": [renewed["key"]]}));
    assert_eq!(town.spend(""), json!(31.0));
    assert_eq!(town.spend("?model=gpt-4o"), json!(3.0));
    assert_eq!(sum(&office.get("/spend/logs"), "spend"), json!(31.0));
}

#[test]
fn a_log_longer_than_one_question_is_read_whole_and_once() {
    let office = Office::new();
    let key = office.key(&json!({}));
    let scope = key_scope(&key);
    let customer = ScopeId::new(ScopeKind::Customer, "c");
    for index in 0..5_200 {
        office.spend(&scope, &[scope.clone(), customer.clone()], "0.001").unwrap();
        // Long runs within one ms, and others.
        if index > 2_500 && index % 7 == 0 {
            let now = &office.stage.host.world.now;
            now.set(now.get() + 1);
        }
    }
    assert_eq!(office.get("/global/spend?model=gpt-4o-2024-08-06")["spend"], 5.2);
    assert_eq!(office.get("/spend/logs/v2")["total"], 5_200);
}
