//! Browsers: which origins may call, by `general_settings.cors_origins`; none is the default, but for `/`.

use super::reply::{Reply, ReplyBody};
use crate::error::{Error, Kind};
use crate::http::{Headers, HttpRequest};

/// How long a browser may keep the answer to a preflight, in seconds.
const MAX_AGE: &str = "86400";

/// Answers a preflight request, if `request` is one.
pub(super) fn preflight<B>(allowed: &[String], request: &HttpRequest) -> Option<Reply<B>> {
    let wanted = request.headers.get("access-control-request-method");
    let (Some(origin), Some(_), "OPTIONS") = (request.headers.get("origin"), wanted, request.method.as_str()) else {
        return None;
    };
    if !is_allowed(allowed, origin, request.path()) {
        let message = "browsers of this origin may not call: add it to `general_settings.cors_origins`";
        return Some(Reply::error(&Error::new(Kind::PermissionDenied, message).with_param("origin")));
    }
    let mut headers = Headers::new();
    allow(allowed, Some(origin), request.path(), &mut headers);
    headers.push("access-control-allow-methods", "GET, POST, PUT, DELETE, OPTIONS");
    let asked = request.headers.get("access-control-request-headers").unwrap_or("authorization, content-type");
    headers.push("access-control-allow-headers", asked);
    headers.push("access-control-max-age", MAX_AGE);
    Some(Reply { status: 204, headers, body: ReplyBody::Whole(Vec::new()), after: None })
}

/// Tells a browser that it may read the answer.
pub(super) fn allow(allowed: &[String], origin: Option<&str>, path: &str, headers: &mut Headers) {
    if let Some(origin) = origin.filter(|origin| is_allowed(allowed, origin, path)) {
        headers.set("access-control-allow-origin", origin);
        headers.push("access-control-expose-headers", "*");
        headers.push("vary", "origin");
    }
}

fn is_allowed(allowed: &[String], origin: &str, path: &str) -> bool {
    path == "/" || allowed.iter().any(|one| one == "*" || one == origin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(allowed: &[&str], path: &str) -> Reply<()> {
        let mut request = HttpRequest::post_json(format!("http://h{path}"), Vec::new());
        request.method = "OPTIONS".to_owned();
        request.headers.push("origin", "https://app.example");
        request.headers.push("access-control-request-method", "POST");
        let allowed: Vec<String> = allowed.iter().map(|origin| (*origin).to_owned()).collect();
        preflight(&allowed, &request).unwrap()
    }

    #[test]
    fn browsers_are_off_but_for_the_page() {
        assert_eq!(ask(&[], "/v1/models").status, 403);
        assert_eq!(ask(&[], "/").status, 204);
        assert_eq!(ask(&["https://other"], "/v1/models").status, 403);
    }

    #[test]
    fn a_listed_origin_may_call() {
        for allowed in ["https://app.example", "*"] {
            let reply = ask(&[allowed], "/v1/models");
            assert_eq!(reply.status, 204);
            assert_eq!(reply.headers.get("access-control-allow-origin"), Some("https://app.example"));
        }
    }

    #[test]
    fn an_options_request_that_is_no_preflight_goes_on() {
        let mut request = HttpRequest::post_json("http://h/".to_owned(), Vec::new());
        request.method = "OPTIONS".to_owned();
        assert!(preflight::<()>(&[], &request).is_none());
    }
}
