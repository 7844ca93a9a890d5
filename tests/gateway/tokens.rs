//! Credentials that are exchanged for a token: when one is fetched, kept, thrown away, and what is never told.

use serde_json::{Value, json};

use super::ANSWER;
use super::host::{Script, Stage, answer, unreachable_upstream};

const SECRET: &str = "a-client-secret-value";

fn config() -> Value {
    // What one failure does to the next request is the router's to say: tests/router.rs.
    json!({"router_settings": {"disable_cooldowns": true}, "model_list": [{"model_name": "m", "litellm_params": {
        "model": "azure/gpt-4o", "api_base": "https://acme.openai.azure.com", "num_retries": 0,
        "tenant_id": "tenant", "client_id": "client", "client_secret": "os.environ/THE_SECRET"}}]})
}

fn stage(scripts: Vec<Script>) -> Stage {
    let mut stage = Stage::new(&config(), scripts);
    stage.host.variables.push(("THE_SECRET".to_owned(), SECRET.to_owned()));
    stage
}

fn token(token: &str, seconds: u64) -> Script {
    answer(200, &json!({"token_type": "Bearer", "access_token": token, "expires_in": seconds}).to_string())
}

fn chat() -> Value {
    json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]})
}

/// Where each request went, and what it was authorised by.
fn sent(stage: &Stage) -> Vec<String> {
    let requests = stage.host.sent.borrow();
    let shown = requests.iter().map(|request| {
        let place = request.url.split('/').nth(2).unwrap();
        format!("{place} {}", request.headers.get("authorization").unwrap_or("-"))
    });
    shown.collect()
}

const TOKENS: &str = "login.microsoftonline.com -";

#[test]
fn a_token_is_fetched_once_and_kept_until_shortly_before_its_end() {
    let stage = stage(vec![
        token("token-one", 3600),
        answer(200, ANSWER),
        answer(200, ANSWER),
        token("token-two", 3600),
        answer(200, ANSWER),
    ]);
    assert_eq!(stage.chat(&chat()).status, 200);
    // Five minutes before its end it is given up.
    stage.host.world.now.set(3299 * 1000);
    assert_eq!(stage.chat(&chat()).status, 200);
    stage.host.world.now.set(3301 * 1000);
    assert_eq!(stage.chat(&chat()).status, 200);
    let one = "acme.openai.azure.com Bearer token-one";
    assert_eq!(sent(&stage), [TOKENS, one, one, TOKENS, "acme.openai.azure.com Bearer token-two"]);
    let form = stage.host.sent.borrow()[0].body.clone();
    assert!(String::from_utf8(form).unwrap().contains("client_secret=a-client-secret-value"));
}

#[test]
fn requests_at_once_wait_for_one_exchange() {
    let slow = Script { delay_ms: Some(300), ..token("token-one", 3600) };
    let stage = stage(vec![slow, answer(200, ANSWER), answer(200, ANSWER), answer(200, ANSWER)]);
    let got = stage.chats(&[chat(), chat(), chat()]);
    assert!(got.iter().all(|(status, _)| *status == 200), "{got:?}");
    assert_eq!(sent(&stage).iter().filter(|line| *line == TOKENS).count(), 1);
}

#[test]
fn a_failed_exchange_fails_those_who_waited_and_nobody_after() {
    let refused = answer(401, r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid secret"}"#);
    let slow = Script { delay_ms: Some(300), ..refused };
    let stage = stage(vec![slow, token("token-one", 3600), answer(200, ANSWER)]);
    for (status, body) in stage.chats(&[chat(), chat()]) {
        assert_eq!(status, 401);
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("AADSTS7000215") && message.contains("/tenant/oauth2/v2.0/token"), "{message}");
    }
    assert_eq!(sent(&stage), [TOKENS]);
    assert_eq!(stage.chat(&chat()).status, 200);
}

#[test]
fn a_token_that_is_refused_is_thrown_away_once() {
    let no = || answer(401, r#"{"error":{"message":"token-one expired","code":"401"}}"#);
    let stage = stage(vec![
        token("token-one", 3600),
        answer(200, ANSWER),
        no(),
        token("token-two", 3600),
        answer(200, ANSWER),
        no(),
        token("token-three", 3600),
        no(),
    ]);
    assert_eq!(stage.chat(&chat()).status, 200);
    assert_eq!(stage.chat(&chat()).status, 200);
    assert_eq!(stage.chat(&chat()).status, 401, "a new token is no better: the answer is the client's");
    let acme = |token: &str| format!("acme.openai.azure.com Bearer {token}");
    let (one, two, three) = (acme("token-one"), acme("token-two"), acme("token-three"));
    let wanted = [TOKENS, &one, &one, TOKENS, &two, &two, TOKENS, &three];
    assert_eq!(sent(&stage), wanted);
}

#[test]
fn neither_secret_nor_token_is_told_or_logged() {
    let echo = format!("you sent {SECRET} and the-secret-token");
    let stage = stage(vec![
        answer(400, &json!({"error": "x", "error_description": format!("bad {SECRET}")}).to_string()),
        token("the-secret-token", 3600),
        answer(400, &json!({"error": {"message": echo}}).to_string()),
    ]);
    let first = stage.chat(&chat()).text();
    assert!(first.contains("bad ***"), "{first}");
    let second = stage.chat(&chat()).text();
    assert!(second.contains("you sent *** and ***"), "{second}");
    let lines = stage.host.lines.borrow().join("\n");
    for secret in [SECRET, "the-secret-token"] {
        assert!(!first.contains(secret) && !second.contains(secret) && !lines.contains(secret));
    }
}

#[test]
fn an_exchange_that_never_ends_is_over_after_its_time() {
    let never = Script { delay_ms: None, ..unreachable_upstream() };
    let stage = stage(vec![never, token("token-one", 3600), answer(200, ANSWER), unreachable_upstream()]);
    let got = stage.chat(&chat());
    assert_eq!((got.status, got.ms), (408, 15_000));
    assert_eq!(stage.chat(&chat()).status, 200);
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_field() {
    let stage = Stage::new(&config(), vec![]);
    let got = stage.chat(&chat());
    assert_eq!(got.status, 401);
    assert!(got.text().contains("`litellm_params.client_secret` of model group `m` names the variable THE_SECRET"));
}
