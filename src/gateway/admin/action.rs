//! The routes of management and spend.

/// What a request of management asks for, by its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the route of its name in `ACTIONS`")]
pub enum Action {
    KeyGenerate,
    KeyInfo,
    KeyUpdate,
    KeyDelete,
    KeyList,
    KeyRegenerate,
    KeyBlock,
    KeyUnblock,
    KeyResetSpend,
    KeyHealth,
    KeyAliases,
}

/// Method, pattern (`*` stands for one part of the path) and action. The first row of an action is its canonical route,
/// which roles are asked for.
pub(in crate::gateway) const ACTIONS: &[(&str, &str, Action)] = &[
    ("POST", "/key/generate", Action::KeyGenerate),
    ("GET", "/key/info", Action::KeyInfo),
    ("POST", "/key/update", Action::KeyUpdate),
    ("POST", "/key/delete", Action::KeyDelete),
    ("GET", "/key/list", Action::KeyList),
    ("POST", "/key/regenerate", Action::KeyRegenerate),
    ("POST", "/key/*/regenerate", Action::KeyRegenerate),
    ("POST", "/key/block", Action::KeyBlock),
    ("POST", "/key/unblock", Action::KeyUnblock),
    ("POST", "/key/*/reset_spend", Action::KeyResetSpend),
    ("POST", "/key/health", Action::KeyHealth),
    ("GET", "/key/aliases", Action::KeyAliases),
];

impl Action {
    /// Its canonical route, without what a client put into the path.
    pub(super) fn route(self) -> &'static str {
        ACTIONS.iter().find(|(_, _, action)| *action == self).map_or("", |(_, route, _)| route)
    }
}
