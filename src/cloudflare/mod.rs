//! The Cloudflare Worker shell.

use worker::{Context, Env, Request, Response, Result, event};

/// Answers a request.
#[event(fetch)]
async fn fetch(request: Request, _env: Env, _context: Context) -> Result<Response> {
    Response::from_json(&serde_json::json!({ "object": "placeholder", "path": request.path() }))
}
