//! The routes of the gateway by what they are for.

/// Calls of models, which every role may make. `{model}` stands for one or more segments, other names for one.
pub(super) const LLM: &[&str] = &[
    "/engines/{model}/chat/completions",
    "/openai/deployments/{model}/chat/completions",
    "/chat/completions",
    "/engines/{model}/completions",
    "/openai/deployments/{model}/completions",
    "/completions",
    "/engines/{model}/embeddings",
    "/openai/deployments/{model}/embeddings",
    "/embeddings",
    "/images/generations",
    "/images/edits",
    "/audio/transcriptions",
    "/audio/speech",
    "/moderations",
    "/rerank",
    "/responses",
    "/responses/{id}",
    "/responses/{id}/input_items",
    "/responses/{id}/cancel",
    "/models",
    "/models/{model}",
    "/utils/token_counter",
    "/utils/transform_request",
    "/utils/route",
    "/messages",
    "/messages/count_tokens",
    "/models/{model}:countTokens",
    "/models/{model}:generateContent",
    "/models/{model}:streamGenerateContent",
];

/// What only reads; the handlers show no more than the caller's reach.
pub(super) const INFO: &[&str] = &[
    "/key/info",
    "/key/list",
    "/key/health",
    "/key/aliases",
    "/team/info",
    "/team/list",
    "/user/info",
    "/model/info",
    "/model_group/info",
    "/models",
    "/models/{model}",
    "/health",
];

pub(super) const KEY_MANAGEMENT: &[&str] = &[
    "/key/generate",
    "/key/update",
    "/key/delete",
    "/key/info",
    "/key/list",
    "/key/aliases",
    "/key/regenerate",
    "/key/{key}/regenerate",
    "/key/block",
    "/key/unblock",
];

/// What changes teams, users and models.
pub(super) const MANAGEMENT: &[&str] = &[
    "/user/new",
    "/user/update",
    "/user/delete",
    "/user/info",
    "/user/list",
    "/team/new",
    "/team/update",
    "/team/delete",
    "/team/list",
    "/team/info",
    "/team/block",
    "/team/unblock",
    "/team/member_add",
    "/team/member_update",
    "/team/member_delete",
    "/customer/new",
    "/customer/update",
    "/customer/delete",
    "/customer/info",
    "/customer/list",
    "/customer/block",
    "/customer/unblock",
    "/budget/new",
    "/budget/update",
    "/budget/delete",
    "/budget/info",
    "/budget/list",
    "/model/info",
    "/key/{key}/reset_spend",
];

/// Spend that can be cut down to the caller's own.
pub(super) const SPEND: &[&str] =
    &["/spend/logs", "/spend/logs/v2", "/spend/tags", "/spend/calculate", "/cost/estimate", "/user/daily/activity"];

/// Spend of everybody.
pub(super) const GLOBAL_SPEND: &[&str] = &[
    "/spend/keys",
    "/spend/users",
    "/global/spend",
    "/global/spend/logs",
    "/global/spend/keys",
    "/global/spend/teams",
    "/global/spend/end_users",
    "/global/spend/models",
    "/global/spend/provider",
    "/global/spend/report",
    "/global/spend/tags",
    "/global/activity",
    "/global/activity/model",
    "/team/daily/activity",
    "/tag/daily/activity",
    "/customer/daily/activity",
];

/// What a viewer of everything may read besides.
pub(super) const VIEWER: &[&str] =
    &["/user/list", "/customer/info", "/customer/list", "/budget/info", "/budget/list", "/budget/settings"];

/// What the admins of a team may do in it; the handlers check that they are.
pub(super) const TEAM_ADMIN: &[&str] =
    &["/team/member_add", "/team/member_update", "/team/member_delete", "/team/daily/activity"];
