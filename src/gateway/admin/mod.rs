//! Management of keys, teams, users, customers and budgets, and what was spent: LiteLLM's paths, fields and answers.
//!
//! Each handler reads records out of the directory, makes one change from the versions that it read, and hands it over
//! whole; where somebody else was faster it starts anew. Limits follow into ledgers from the directory's outbox.

mod action;
mod activity;
mod actor;
mod budget;
mod customer;
mod desk;
mod global;
mod key;
mod key_rules;
mod key_view;
mod member;
mod place;
mod record;
mod roots;
mod routing;
mod spend;
mod store;
mod team;
mod team_view;
mod user;
mod user_view;
mod walk;

use serde_json::{Map, Value};

pub(super) use action::ACTIONS;
pub use action::Action;

use super::Gateway;
use super::caller::Caller;
use super::host::Host;
use crate::error::{Error, Kind, Result};
use crate::http::HttpRequest;
use crate::keys::Role;
use action::{BudgetAction, CustomerAction, KeyAction, RoutingAction, SpendAction, TeamAction, UserAction};
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

/// Lets only a proxy admin pass: the master key, or a key of a user with that role.
///
/// # Errors
///
/// 401 for a key that is gone, blocked or expired, 403 for everybody else's.
pub(super) async fn only_admin<H: Host>(gateway: &Gateway, host: &H, caller: &Caller, route: &str) -> Result<()> {
    let actor = Actor::find(gateway, host, caller, route, host.now_ms()).await?;
    if actor.role == Some(Role::ProxyAdmin) {
        return Ok(());
    }
    let message = format!("{route} is for the proxy admin: use the master key");
    Err(Error::new(Kind::PermissionDenied, message).with_type("auth_error"))
}

async fn act<H: Host>(desk: &Desk<'_, H>, action: Action) -> Done<Value> {
    match action {
        Action::Key(action) => keys(desk, action).await,
        Action::Team(action) => teams(desk, action).await,
        Action::User(action) => users(desk, action).await,
        Action::Customer(action) => customers(desk, action).await,
        Action::Budget(action) => budgets(desk, action).await,
        Action::Spend(action) => spending(desk, action).await,
        Action::Routing(action) => routing(desk, action).await,
    }
}

async fn keys<H: Host>(desk: &Desk<'_, H>, action: KeyAction) -> Done<Value> {
    match action {
        KeyAction::Generate => desk.key_generate().await,
        KeyAction::Info => desk.key_info().await,
        KeyAction::Update => desk.key_update().await,
        KeyAction::Delete => desk.key_delete().await,
        KeyAction::List => desk.key_list().await,
        KeyAction::Regenerate => desk.key_regenerate().await,
        KeyAction::Block => desk.key_block(true).await,
        KeyAction::Unblock => desk.key_block(false).await,
        KeyAction::ResetSpend => desk.key_reset_spend().await,
        KeyAction::Health => Ok(key_view::health()),
        KeyAction::Aliases => desk.key_aliases().await,
    }
}

async fn teams<H: Host>(desk: &Desk<'_, H>, action: TeamAction) -> Done<Value> {
    match action {
        TeamAction::New => desk.team_new().await,
        TeamAction::Info => desk.team_info().await,
        TeamAction::Update => desk.team_update().await,
        TeamAction::Delete => desk.team_delete().await,
        TeamAction::List => desk.team_list().await,
        TeamAction::ListPaged => desk.team_list_paged().await,
        TeamAction::Block => desk.team_block(true).await,
        TeamAction::Unblock => desk.team_block(false).await,
        TeamAction::MemberAdd => desk.member_add().await,
        TeamAction::MemberUpdate => desk.member_update().await,
        TeamAction::MemberDelete => desk.member_delete().await,
    }
}

async fn users<H: Host>(desk: &Desk<'_, H>, action: UserAction) -> Done<Value> {
    match action {
        UserAction::New => desk.user_new().await,
        UserAction::Info => desk.user_info().await,
        UserAction::Update => desk.user_update().await,
        UserAction::Delete => desk.user_delete().await,
        UserAction::List => desk.user_list().await,
    }
}

async fn customers<H: Host>(desk: &Desk<'_, H>, action: CustomerAction) -> Done<Value> {
    match action {
        CustomerAction::New => desk.customer_new().await,
        CustomerAction::Info => desk.customer_info().await,
        CustomerAction::Update => desk.customer_update().await,
        CustomerAction::Delete => desk.customer_delete().await,
        CustomerAction::List => desk.customer_list().await,
        CustomerAction::Block => desk.customer_block(true).await,
        CustomerAction::Unblock => desk.customer_block(false).await,
    }
}

async fn budgets<H: Host>(desk: &Desk<'_, H>, action: BudgetAction) -> Done<Value> {
    match action {
        BudgetAction::New => desk.budget_new().await,
        BudgetAction::Info => desk.budget_info().await,
        BudgetAction::Update => desk.budget_update().await,
        BudgetAction::Delete => desk.budget_delete().await,
        BudgetAction::List => desk.budget_list().await,
    }
}

async fn spending<H: Host>(desk: &Desk<'_, H>, action: SpendAction) -> Done<Value> {
    match action {
        SpendAction::Logs => desk.spend_logs().await,
        SpendAction::LogsPaged => desk.spend_logs_v2().await,
        SpendAction::Tags => desk.spend_tags().await,
        SpendAction::Global => desk.global_spend().await,
        SpendAction::GlobalLogs => desk.global_spend_logs().await,
        SpendAction::GlobalTags => desk.global_spend_tags().await,
        SpendAction::Report => desk.global_spend_report().await,
        SpendAction::Keys => desk.global_spend_keys().await,
        SpendAction::Teams => desk.global_spend_teams().await,
        SpendAction::Models => desk.global_spend_models().await,
        SpendAction::UserDays => desk.user_activity().await,
        SpendAction::TeamDays => desk.team_activity().await,
        SpendAction::TagDays => desk.tag_activity().await,
        SpendAction::CustomerDays => desk.customer_activity().await,
        SpendAction::Activity => desk.global_activity().await,
        SpendAction::ActivityByModel => desk.global_activity_model().await,
    }
}

async fn routing<H: Host>(desk: &Desk<'_, H>, action: RoutingAction) -> Done<Value> {
    match action {
        RoutingAction::FallbackSet => desk.fallback_set().await,
        RoutingAction::FallbackGet => desk.fallback_get().await,
        RoutingAction::FallbackDelete => desk.fallback_delete().await,
        RoutingAction::ProviderBudgets => desk.provider_budgets().await,
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
