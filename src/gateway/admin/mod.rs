//! Management of keys, teams, users, customers and budgets, and what was spent: LiteLLM's paths, fields and answers.
//!
//! Each handler reads records out of the directory, makes one change from the versions that it read, and hands it over
//! whole; where somebody else was faster it starts anew. Limits follow into ledgers from the directory's outbox.

mod action;
mod actor;
mod budget;
mod customer;
mod desk;
mod key;
mod key_rules;
mod key_view;
mod member;
mod place;
mod record;
mod roots;
mod store;
mod team;
mod team_view;
mod user;
mod user_view;

use serde_json::{Map, Value};

pub(super) use action::ACTIONS;
pub use action::Action;

use super::Gateway;
use super::caller::Caller;
use super::host::Host;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use actor::Actor;
use desk::Desk;
use store::{Done, Stop};

/// How often a change is made anew before the caller is asked to try again.
const TRIES: u32 = 3;

/// Answers a request of management; all answers have status 200.
///
/// # Errors
///
/// 400 for wrong fields, 401 and 403 for what the caller may not do, 404 for what is not there, 409 where others kept
/// changing the same records.
pub(super) async fn answer<H: Host>(
    gateway: &Gateway,
    host: &H,
    caller: &Caller,
    request: &HttpRequest,
    action: Action,
    part: String,
) -> Result<Value> {
    let now_ms = host.now_ms();
    let actor = Actor::find(gateway, host, caller, action.route(), now_ms).await?;
    let body = fields(&request.body)?;
    let desk = Desk { gateway, host, request, body, part, actor, now_ms };
    for _ in 0..TRIES {
        match act(&desk, action).await {
            Ok(answer) => return Ok(answer),
            Err(Stop::Refused(error)) => return Err(error),
            Err(Stop::Clash) => {}
        }
    }
    Err(Error::new(Kind::Conflict, "somebody else is changing the same records: try again").with_retry_after_ms(1_000))
}

async fn act<H: Host>(desk: &Desk<'_, H>, action: Action) -> Done<Value> {
    match action {
        Action::KeyGenerate => desk.key_generate().await,
        Action::KeyInfo => desk.key_info().await,
        Action::KeyUpdate => desk.key_update().await,
        Action::KeyDelete => desk.key_delete().await,
        Action::KeyList => desk.key_list().await,
        Action::KeyRegenerate => desk.key_regenerate().await,
        Action::KeyBlock => desk.key_block(true).await,
        Action::KeyUnblock => desk.key_block(false).await,
        Action::KeyResetSpend => desk.key_reset_spend().await,
        Action::KeyHealth => Ok(key_view::health()),
        Action::KeyAliases => desk.key_aliases().await,
        Action::TeamNew => desk.team_new().await,
        Action::TeamInfo => desk.team_info().await,
        Action::TeamUpdate => desk.team_update().await,
        Action::TeamDelete => desk.team_delete().await,
        Action::TeamList => desk.team_list().await,
        Action::TeamBlock => desk.team_block(true).await,
        Action::TeamUnblock => desk.team_block(false).await,
        Action::MemberAdd => desk.member_add().await,
        Action::MemberUpdate => desk.member_update().await,
        Action::MemberDelete => desk.member_delete().await,
        Action::UserNew => desk.user_new().await,
        Action::UserInfo => desk.user_info().await,
        Action::UserUpdate => desk.user_update().await,
        Action::UserDelete => desk.user_delete().await,
        Action::UserList => desk.user_list().await,
        Action::CustomerNew => desk.customer_new().await,
        Action::CustomerInfo => desk.customer_info().await,
        Action::CustomerUpdate => desk.customer_update().await,
        Action::CustomerDelete => desk.customer_delete().await,
        Action::CustomerList => desk.customer_list().await,
        Action::CustomerBlock => desk.customer_block(true).await,
        Action::CustomerUnblock => desk.customer_block(false).await,
        Action::BudgetNew => desk.budget_new().await,
        Action::BudgetInfo => desk.budget_info().await,
        Action::BudgetUpdate => desk.budget_update().await,
        Action::BudgetDelete => desk.budget_delete().await,
        Action::BudgetList => desk.budget_list().await,
    }
}

/// The fields of a body; an empty one has none.
fn fields(body: &[u8]) -> Result<Map<String, Value>> {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(_) => Err(Error::bad_request("request_body", "the body is no JSON object")),
        Err(error) => Err(Error::bad_request("request_body", format!("the body is no JSON: {error}"))),
    }
}
