//! Groups of routes, and which role may call which: what is not named here is for the proxy admin alone.

use super::route_groups::{GLOBAL_SPEND, INFO, KEY_MANAGEMENT, LLM, MANAGEMENT, SPEND, TEAM_ADMIN, VIEWER};
use super::typed::named;
use super::user::Role;
use crate::error::{Error, Kind, Result};

/// Which routes a key may call when `allowed_routes` does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyType {
    /// What its user's role allows.
    #[default]
    Default,
    /// The routes of LLM calls.
    LlmApi,
    /// The routes of management.
    Management,
    /// The routes that only read.
    ReadOnly,
}

named!(KeyType { "default" => Default, "llm_api" => LlmApi, "management" => Management, "read_only" => ReadOnly });

/// How far a permission goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everybody's objects.
    All,
    /// The caller's own objects and, where they administer one, their team's: the handler has to cut down to these.
    Own,
}

/// Whether a route calls models.
pub fn is_llm(route: &str) -> bool {
    among(LLM, route)
}

/// The routes of a named group (`llm_api_routes`, `management_routes`, `info_routes`, …, as `allowed_routes` may name
/// them); `None` for another name.
pub(super) fn in_group(name: &str, route: &str) -> Option<bool> {
    let groups: &[&[&str]] = match name {
        "llm_api_routes" | "openai_routes" | "anthropic_routes" | "google_routes" => &[LLM],
        "management_routes" => &[MANAGEMENT, KEY_MANAGEMENT],
        "key_management_routes" => &[KEY_MANAGEMENT],
        "info_routes" => &[INFO],
        "spend_tracking_routes" => &[SPEND],
        "global_spend_tracking_routes" => &[GLOBAL_SPEND],
        _ => return None,
    };
    Some(groups.iter().any(|group| among(group, route)))
}

/// Whether a role may call a route, and how far that goes. `role` is `None` for a key without a user; `sees_spend` is
/// the key's permission `get_spend_routes`; `user_id` is named (masked) in the error.
///
/// # Errors
///
/// Everything that is not allowed: `PermissionDenied`, in LiteLLM's words.
pub fn reach(role: Option<Role>, route: &str, sees_spend: bool, user_id: Option<&str>) -> Result<Reach> {
    if role == Some(Role::ProxyAdmin) {
        return Ok(Reach::All);
    }
    let own = |groups: &[&[&str]]| groups.iter().any(|group| among(group, route)).then_some(Reach::Own);
    let all = |groups: &[&[&str]]| groups.iter().any(|group| among(group, route)).then_some(Reach::All);
    let by_role = match role {
        Some(Role::ProxyAdmin | Role::ProxyAdminViewer) => all(&[INFO, SPEND, GLOBAL_SPEND, VIEWER]),
        Some(Role::InternalUser | Role::OrgAdmin) => own(&[INFO, SPEND, KEY_MANAGEMENT, TEAM_ADMIN]),
        Some(Role::InternalUserViewer) => own(&[INFO, SPEND]),
        Some(Role::Team) | None => own(&[INFO]),
        Some(Role::Customer) => None,
    };
    let by_permission = if sees_spend { all(&[SPEND, GLOBAL_SPEND]) } else { None };
    let by_model = if is_llm(route) { Some(Reach::Own) } else { None };
    by_permission.or(by_role).or(by_model).ok_or_else(|| {
        let role = role.map_or("unknown", Role::name);
        let message = format!(
            "Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route={route}. \
             Your role={role}. Your user_id={}",
            masked(user_id.unwrap_or("unknown"))
        );
        Error::new(Kind::PermissionDenied, message).with_type("auth_error")
    })
}

/// The first and last two characters of an id.
fn masked(id: &str) -> String {
    let letters: Vec<char> = id.chars().collect();
    match letters.as_slice() {
        [a, b, middle @ .., y, z] if !middle.is_empty() => format!("{a}{b}****{y}{z}"),
        _ => "***".to_owned(),
    }
}

fn among(group: &[&str], route: &str) -> bool {
    // Every route of models exists with and without a version in front.
    let plain = ["/v1beta", "/v1", "/v2"].iter().find_map(|version| {
        let rest = route.strip_prefix(version)?;
        rest.starts_with('/').then_some(rest)
    });
    group.iter().any(|pattern| matches(pattern, route) || plain.is_some_and(|plain| matches(pattern, plain)))
}

/// Whether `route` is of the form `pattern`.
pub(super) fn matches(pattern: &str, route: &str) -> bool {
    if let Some(front) = pattern.strip_suffix('*') {
        return route.starts_with(front);
    }
    let pattern: Vec<&str> = pattern.split('/').collect();
    let route: Vec<&str> = route.split('/').collect();
    segments(&pattern, &route)
}

fn segments(pattern: &[&str], route: &[&str]) -> bool {
    let (Some((wanted, pattern_rest)), Some((given, route_rest))) = (pattern.split_first(), route.split_first()) else {
        return pattern.is_empty() && route.is_empty();
    };
    let fits = match wanted.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
        Some((_, suffix)) => given.len() > suffix.len() && given.ends_with(suffix),
        None => wanted == given,
    };
    // A model's name may hold slashes: it may go on into the next segment.
    (fits && segments(pattern_rest, route_rest))
        || (wanted.starts_with("{model}")
            && !given.is_empty()
            && !route_rest.is_empty()
            && segments(pattern, route_rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(role: Option<Role>, route: &str) -> Option<Reach> {
        reach(role, route, false, Some("user-123")).ok()
    }

    #[test]
    fn roles_reach_what_they_should_and_nothing_else() {
        use Role::{Customer, InternalUser, InternalUserViewer, ProxyAdmin, ProxyAdminViewer};
        let (all, own, no) = (Some(Reach::All), Some(Reach::Own), None);
        #[rustfmt::skip]
        let table = [
            //                         admin viewer internal int.viewer customer none
            ("/v1/chat/completions",  [all, own, own, own, own, own]),
            ("/key/info",             [all, all, own, own, no, own]),
            ("/key/generate",         [all, no,  own, no,  no, no]),
            ("/key/sk-1/regenerate",  [all, no,  own, no,  no, no]),
            ("/key/sk-1/reset_spend", [all, no,  no,  no,  no, no]),
            ("/team/new",             [all, no,  no,  no,  no, no]),
            ("/team/member_add",      [all, no,  own, no,  no, no]),
            ("/user/list",            [all, all, no,  no,  no, no]),
            ("/spend/logs",           [all, all, own, own, no, no]),
            ("/global/spend/report",  [all, all, no,  no,  no, no]),
            ("/config/update",        [all, no,  no,  no,  no, no]),
            ("/",                     [all, no,  no,  no,  no, no]),
        ];
        let roles = [
            Some(ProxyAdmin),
            Some(ProxyAdminViewer),
            Some(InternalUser),
            Some(InternalUserViewer),
            Some(Customer),
            None,
        ];
        for (route, reaches) in table {
            for (role, expected) in roles.iter().zip(reaches) {
                assert_eq!(may(*role, route), expected, "{role:?} {route}");
            }
        }
    }

    #[test]
    fn the_spend_permission_opens_spend_and_no_more() {
        assert_eq!(reach(Some(Role::InternalUser), "/global/spend", true, None).unwrap(), Reach::All);
        assert!(reach(Some(Role::InternalUser), "/team/new", true, None).is_err());
    }

    #[test]
    fn a_denial_is_litellms_and_hides_the_user() {
        let error = reach(Some(Role::InternalUser), "/team/new", false, Some("user-123")).unwrap_err();
        assert_eq!(error.status(), 403);
        assert_eq!(
            error.message(),
            "Only proxy admin can be used to generate, delete, update info for new keys/users/teams. Route=/team/new. \
             Your role=internal_user. Your user_id=us****23"
        );
    }

    #[test]
    fn routes_with_models_in_them_are_recognised() {
        for route in [
            "/chat/completions",
            "/v1/messages",
            "/openai/deployments/azure/gpt-4o/chat/completions",
            "/engines/gpt-4o/embeddings",
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "/v1/responses/resp_1/input_items",
        ] {
            assert!(is_llm(route), "{route}");
        }
        for route in
            ["/v1", "/v1/chat", "/chat/completions/x", "/openai/deployments//chat/completions", "/key/generate"]
        {
            assert!(!is_llm(route), "{route}");
        }
    }
}
