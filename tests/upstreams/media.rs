//! Media behind addresses: fetched for providers that fetch none, within bounds, and never from an inner network.

use serde_json::{Value, json};

use super::host::{Got, Piece, Script, Stage, answer};
use super::{ANSWER, ask};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n123";
const AS_DATA: &str = "data:image/png;base64,iVBORw0KGgoxMjM=";

fn file(kind: &'static str, bytes: &[u8]) -> Script {
    Script { headers: vec![("content-type", kind)], pieces: vec![Piece::Bytes(bytes.to_vec())], ..answer(200, "") }
}

fn redirect(to: &'static str) -> Script {
    Script { headers: vec![("location", to)], ..answer(302, "") }
}

fn stage(general: &Value, scripts: Vec<Script>) -> Stage {
    let config = json!({
        "custom_providers": {
            "blind": {"api_base": "https://api.example", "quirks": ["no_image_urls"]},
            "seeing": {"api_base": "https://api.example"},
        },
        "general_settings": general,
    });
    Stage::new(&config, scripts)
}

fn with_images(model: &str, urls: &[&str]) -> Value {
    let mut body = ask(model);
    let images = urls.iter().map(|url| json!({"type": "image_url", "image_url": {"url": url, "detail": "low"}}));
    body["messages"][0]["content"] = [json!({"type": "text", "text": "what?"})].into_iter().chain(images).collect();
    body["num_retries"] = json!(0);
    body
}

/// Asks with one image; gives the answer and where requests went.
fn fetched(general: &Value, url: &str, mut scripts: Vec<Script>) -> (Got, Vec<String>) {
    scripts.push(answer(200, ANSWER));
    let stage = stage(general, scripts);
    let got = stage.chat(&with_images("blind/m", &[url]));
    let sent = stage.host.sent.borrow().iter().map(|request| request.url.clone()).collect();
    (got, sent)
}

#[test]
fn an_address_becomes_bytes_where_the_provider_fetches_none() {
    let stage =
        stage(&json!({}), vec![file("image/png", PNG), file("image/jpeg", b"\xff\xd8\xff"), answer(200, ANSWER)]);
    let (a, b) = ("https://example.com/a.png", "http://example.com/b");
    let got = stage.chat(&with_images("blind/m", &[a, b, a]));
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = stage.host.sent.borrow();
    let urls: Vec<&str> = sent.iter().map(|request| request.url.as_str()).collect();
    assert_eq!(urls, [a, b, "https://api.example/v1/chat/completions"], "one address is fetched once");
    assert_eq!((sent[0].method.as_str(), sent[0].body.len()), ("GET", 0));
    assert!(sent[0].headers.get("authorization").is_none(), "no credential leaves with it");
    let body: Value = serde_json::from_slice(&sent[2].body).unwrap();
    let parts = &body["messages"][0]["content"];
    assert_eq!(parts[0], json!({"type": "text", "text": "what?"}));
    assert_eq!(parts[1], json!({"type": "image_url", "image_url": {"url": AS_DATA, "detail": "low"}}));
    assert_eq!(parts[2]["image_url"]["url"], "data:image/jpeg;base64,/9j/");
    assert_eq!(parts[3], parts[1]);
}

#[test]
fn other_providers_get_the_address() {
    let stage = stage(&json!({}), vec![answer(200, ANSWER)]);
    stage.chat(&with_images("seeing/m", &["https://example.com/a.png"]));
    assert_eq!(stage.sent()[0]["messages"][0]["content"][1]["image_url"]["url"], "https://example.com/a.png");
}

#[test]
fn ollama_gets_the_bytes_beside_the_text() {
    let config = json!({"custom_providers": {"mine": {"api_base": "http://10.0.0.9:11434", "dialect": "ollama_chat"}}});
    let stage =
        Stage::new(&config, vec![file("image/png", PNG), answer(200, r#"{"message":{"content":"a"},"done":true}"#)]);
    let got = stage.chat(&with_images("mine/m", &["https://example.com/a.png"]));
    assert_eq!(got.status, 200, "{}", got.text());
    let sent = stage.host.sent.borrow();
    let body: Value = serde_json::from_slice(&sent[1].body).unwrap();
    assert_eq!(body["messages"][0], json!({"role": "user", "content": "what?", "images": ["iVBORw0KGgoxMjM="]}));
}

#[test]
fn redirects_are_followed_by_hand_and_checked_each_time() {
    let (got, sent) = fetched(
        &json!({}),
        "https://example.com/a/b",
        vec![redirect("c.png"), redirect("//cdn.example.com/c.png"), file("image/png", PNG)],
    );
    assert_eq!(got.status, 200, "{}", got.text());
    assert_eq!(sent[1..3], ["https://example.com/a/c.png", "https://cdn.example.com/c.png"]);
    for (to, words) in [
        ("https://169.254.169.254/latest/meta-data", "inner network"),
        ("https://0x7f.1/", "inner network"),
        ("http://example.com/", "from https: to http:"),
        ("file:///etc/passwd", "from https: to http:"),
    ] {
        let (got, sent) = fetched(&json!({}), "https://example.com/a", vec![redirect(to)]);
        assert_eq!((got.status, sent.len()), (400, 1), "{to}: {}", got.text());
        assert!(got.text().contains(words), "{to}: {}", got.text());
    }
    let (got, sent) = fetched(&json!({}), "https://example.com/a", vec![redirect("/a"); 9]);
    assert_eq!((got.status, sent.len()), (400, 4), "{}", got.text());
}

#[test]
fn inner_networks_are_refused_before_anything_is_sent() {
    for url in ["http://127.0.0.1/x.png", "http://[::ffff:10.0.0.1]/x", "http://metadata.google.internal/x"] {
        let (got, sent) = fetched(&json!({}), url, vec![]);
        assert_eq!((got.status, sent.len()), (400, 0), "{url}");
        assert_eq!(got.json()["error"]["param"], "messages[0].content[1].image_url.url");
        let (got, sent) = fetched(&json!({"allow_private_media": true}), url, vec![file("image/png", PNG)]);
        assert_eq!((got.status, sent.len()), (200, 2), "{url}: allowed");
    }
}

#[test]
fn what_comes_is_bounded_and_of_a_known_type() {
    let web = "https://example.com/x";
    let mut endless = file("image/png", PNG);
    endless.pieces.push(Piece::Forever);
    let big = Script { pieces: vec![Piece::Bytes(vec![0; 11 << 20]); 2], ..file("image/png", b"") };
    for (script, words) in [
        (file("text/html", b"<html>"), "no image or document"),
        (answer(404, "gone"), "its server answers 404"),
        (big, "20 MiB"),
        (endless, "did not come within 20 s"),
        (super::host::unreachable_upstream(), "no answer came"),
    ] {
        let (got, sent) = fetched(&json!({}), web, vec![script]);
        assert_eq!((got.status, sent.len()), (400, 1), "{}", got.text());
        assert!(got.text().contains(words), "{words}: {}", got.text());
    }
    let urls: Vec<String> = (0..17).map(|n| format!("https://example.com/{n}")).collect();
    let urls: Vec<&str> = urls.iter().map(String::as_str).collect();
    let stage = stage(&json!({}), vec![file("image/png", PNG); 17]);
    let got = stage.chat(&with_images("blind/m", &urls));
    assert_eq!((got.status, stage.host.sent.borrow().len()), (400, 16), "{}", got.text());
}

#[test]
fn it_can_be_switched_off() {
    let (got, sent) = fetched(&json!({"allow_remote_media": false}), "https://example.com/x", vec![]);
    assert_eq!((got.status, sent.len()), (400, 0));
    assert!(got.text().contains("send the bytes as a data: URL"), "{}", got.text());
}
