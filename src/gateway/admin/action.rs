//! The routes of management and spend.

/// What a request of management asks for, by its route in [`ACTIONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Of keys.
    Key(KeyAction),
    /// Of teams and their members.
    Team(TeamAction),
    /// Of users.
    User(UserAction),
    /// Of customers.
    Customer(CustomerAction),
    /// Of shared budgets.
    Budget(BudgetAction),
    /// Of what was spent.
    Spend(SpendAction),
    /// Of routing.
    Routing(RoutingAction),
}

/// What can be asked of keys; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAction {
    Generate,
    Info,
    Update,
    Delete,
    List,
    Regenerate,
    Block,
    Unblock,
    ResetSpend,
    Health,
    Aliases,
}

/// What can be asked of teams and their members; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TeamAction {
    ListPaged,
    New,
    Info,
    Update,
    Delete,
    List,
    Block,
    Unblock,
    MemberAdd,
    MemberUpdate,
    MemberDelete,
}

/// What can be asked of users; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserAction {
    New,
    Info,
    Update,
    Delete,
    List,
}

/// What can be asked of customers; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CustomerAction {
    New,
    Info,
    Update,
    Delete,
    List,
    Block,
    Unblock,
}

/// What can be asked of shared budgets; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BudgetAction {
    New,
    Info,
    Update,
    Delete,
    List,
}

/// What can be asked of what was spent; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpendAction {
    Logs,
    LogsPaged,
    Tags,
    Global,
    GlobalLogs,
    GlobalTags,
    Report,
    Keys,
    Teams,
    Models,
    UserDays,
    TeamDays,
    TagDays,
    CustomerDays,
    Activity,
    ActivityByModel,
}

/// What can be asked of routing; each is the route of its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoutingAction {
    FallbackSet,
    FallbackGet,
    FallbackDelete,
    ProviderBudgets,
}

/// Method, pattern (`*` stands for one part of the path) and action. The first row of an action is its canonical route,
/// which roles are asked for.
pub(in crate::gateway) const ACTIONS: &[(&str, &str, Action)] = &[
    ("POST", "/key/generate", Action::Key(KeyAction::Generate)),
    ("GET", "/key/info", Action::Key(KeyAction::Info)),
    ("POST", "/key/update", Action::Key(KeyAction::Update)),
    ("POST", "/key/delete", Action::Key(KeyAction::Delete)),
    ("GET", "/key/list", Action::Key(KeyAction::List)),
    ("POST", "/key/regenerate", Action::Key(KeyAction::Regenerate)),
    ("POST", "/key/*/regenerate", Action::Key(KeyAction::Regenerate)),
    ("POST", "/key/block", Action::Key(KeyAction::Block)),
    ("POST", "/key/unblock", Action::Key(KeyAction::Unblock)),
    ("POST", "/key/*/reset_spend", Action::Key(KeyAction::ResetSpend)),
    ("POST", "/key/health", Action::Key(KeyAction::Health)),
    ("GET", "/key/aliases", Action::Key(KeyAction::Aliases)),
    ("POST", "/team/new", Action::Team(TeamAction::New)),
    ("GET", "/team/info", Action::Team(TeamAction::Info)),
    ("POST", "/team/update", Action::Team(TeamAction::Update)),
    ("POST", "/team/delete", Action::Team(TeamAction::Delete)),
    ("GET", "/team/list", Action::Team(TeamAction::List)),
    ("GET", "/v2/team/list", Action::Team(TeamAction::ListPaged)),
    ("POST", "/team/block", Action::Team(TeamAction::Block)),
    ("POST", "/team/unblock", Action::Team(TeamAction::Unblock)),
    ("POST", "/team/member_add", Action::Team(TeamAction::MemberAdd)),
    ("POST", "/team/member_update", Action::Team(TeamAction::MemberUpdate)),
    ("POST", "/team/member_delete", Action::Team(TeamAction::MemberDelete)),
    ("POST", "/user/new", Action::User(UserAction::New)),
    ("GET", "/user/info", Action::User(UserAction::Info)),
    ("POST", "/user/update", Action::User(UserAction::Update)),
    ("POST", "/user/delete", Action::User(UserAction::Delete)),
    ("GET", "/user/list", Action::User(UserAction::List)),
    ("POST", "/customer/new", Action::Customer(CustomerAction::New)),
    ("GET", "/customer/info", Action::Customer(CustomerAction::Info)),
    ("POST", "/customer/update", Action::Customer(CustomerAction::Update)),
    ("POST", "/customer/delete", Action::Customer(CustomerAction::Delete)),
    ("GET", "/customer/list", Action::Customer(CustomerAction::List)),
    ("POST", "/customer/block", Action::Customer(CustomerAction::Block)),
    ("POST", "/customer/unblock", Action::Customer(CustomerAction::Unblock)),
    ("POST", "/end_user/new", Action::Customer(CustomerAction::New)),
    ("GET", "/end_user/info", Action::Customer(CustomerAction::Info)),
    ("POST", "/end_user/update", Action::Customer(CustomerAction::Update)),
    ("POST", "/end_user/delete", Action::Customer(CustomerAction::Delete)),
    ("GET", "/end_user/list", Action::Customer(CustomerAction::List)),
    ("POST", "/end_user/block", Action::Customer(CustomerAction::Block)),
    ("POST", "/end_user/unblock", Action::Customer(CustomerAction::Unblock)),
    ("POST", "/budget/new", Action::Budget(BudgetAction::New)),
    ("POST", "/budget/info", Action::Budget(BudgetAction::Info)),
    ("POST", "/budget/update", Action::Budget(BudgetAction::Update)),
    ("POST", "/budget/delete", Action::Budget(BudgetAction::Delete)),
    ("GET", "/budget/list", Action::Budget(BudgetAction::List)),
    ("GET", "/spend/logs", Action::Spend(SpendAction::Logs)),
    ("GET", "/spend/logs/v2", Action::Spend(SpendAction::LogsPaged)),
    ("GET", "/spend/tags", Action::Spend(SpendAction::Tags)),
    ("GET", "/global/spend", Action::Spend(SpendAction::Global)),
    ("GET", "/global/spend/logs", Action::Spend(SpendAction::GlobalLogs)),
    ("GET", "/global/spend/tags", Action::Spend(SpendAction::GlobalTags)),
    ("GET", "/global/spend/report", Action::Spend(SpendAction::Report)),
    ("GET", "/global/spend/keys", Action::Spend(SpendAction::Keys)),
    ("GET", "/global/spend/teams", Action::Spend(SpendAction::Teams)),
    ("GET", "/global/spend/models", Action::Spend(SpendAction::Models)),
    ("GET", "/user/daily/activity", Action::Spend(SpendAction::UserDays)),
    ("GET", "/team/daily/activity", Action::Spend(SpendAction::TeamDays)),
    ("GET", "/tag/daily/activity", Action::Spend(SpendAction::TagDays)),
    ("GET", "/customer/daily/activity", Action::Spend(SpendAction::CustomerDays)),
    ("GET", "/global/activity", Action::Spend(SpendAction::Activity)),
    ("GET", "/global/activity/model", Action::Spend(SpendAction::ActivityByModel)),
    ("GET", "/end_user/daily/activity", Action::Spend(SpendAction::CustomerDays)),
    ("POST", "/fallback", Action::Routing(RoutingAction::FallbackSet)),
    ("GET", "/fallback/*", Action::Routing(RoutingAction::FallbackGet)),
    ("DELETE", "/fallback/*", Action::Routing(RoutingAction::FallbackDelete)),
    ("GET", "/provider/budgets", Action::Routing(RoutingAction::ProviderBudgets)),
];

impl Action {
    /// Its canonical route, without what a client put into the path.
    pub(super) fn route(self) -> &'static str {
        ACTIONS.iter().find(|(_, _, action)| *action == self).map_or("", |(_, route, _)| route)
    }
}
