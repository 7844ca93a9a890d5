//! Scopes: whose budget and whose rate a request counts against.

use std::fmt;

/// Most scopes of one request: tags are the client's, and each costs a look and a sum.
pub const MOST_SCOPES: usize = 32;

/// What a scope is, in the order in which LiteLLM checks budgets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeKind {
    /// A virtual key, by its hash.
    Key,
    /// One model of a key (`model_max_budget`, `model_rpm_limit`, `model_tpm_limit`).
    KeyModel,
    /// A team.
    Team,
    /// One model of a team.
    TeamModel,
    /// A user in a team.
    Member,
    /// A user with keys of their own.
    User,
    /// A customer: the end user that a request names.
    Customer,
    /// A tag of the request.
    Tag,
    /// Everything that passes through this root.
    Global,
    /// A deployment of the configuration, by its id.
    Deployment,
    /// A provider, by its name (`provider_budget_config`).
    Provider,
}

crate::json::variants!(ScopeKind {
    "key" => Key,
    "key_model" => KeyModel,
    "team" => Team,
    "team_model" => TeamModel,
    "member" => Member,
    "user" => User,
    "customer" => Customer,
    "tag" => Tag,
    "global" => Global,
    "deployment" => Deployment,
    "provider" => Provider,
});

impl ScopeKind {
    /// The name in `x-ratelimit-…` headers and rate limit messages, as LiteLLM's descriptors are called.
    pub const fn descriptor(self) -> &'static str {
        match self {
            Self::Key => "api_key",
            Self::KeyModel => "model_per_key",
            Self::Team => "team",
            Self::TeamModel => "model_per_team",
            Self::Member => "team_member",
            Self::User => "user",
            Self::Customer => "end_user",
            Self::Tag => "tag",
            Self::Global => "global",
            Self::Deployment => "deployment",
            Self::Provider => "provider",
        }
    }

    /// The word for it in budget messages.
    pub(super) const fn noun(self) -> &'static str {
        match self {
            Self::Key => "Key",
            Self::KeyModel => "Key model",
            Self::Team => "Team",
            Self::TeamModel => "Team model",
            Self::Member => "Team member",
            Self::User => "User",
            Self::Customer => "End User",
            Self::Tag => "Tag",
            Self::Global => "Proxy",
            Self::Deployment => "Deployment",
            Self::Provider => "Provider",
        }
    }

    /// Whether it is upstream of the gateway: its root is no client's, and its rows are no log.
    pub(super) const fn is_upstream(self) -> bool {
        matches!(self, Self::Deployment | Self::Provider)
    }

    /// Whether a scope of this kind must have been configured before it is used: what was deleted admits nothing.
    pub(super) const fn must_be_known(self) -> bool {
        matches!(self, Self::Key | Self::Team)
    }
}

/// A scope of a root.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeId {
    /// What it is.
    pub kind: ScopeKind,
    /// Which one: a key's hash, an id, a name; for pairs both, see [`ScopeId::as_pair`].
    pub id: String,
}

crate::json::record!(ScopeId { kind, id });

impl ScopeId {
    /// Names a scope.
    pub fn new(kind: ScopeKind, id: impl Into<String>) -> Self {
        Self { kind, id: id.into() }
    }

    /// The name of the object that holds the ledger of this budget root.
    pub fn object_name(&self) -> String {
        [self.kind.descriptor(), ":", &self.id].concat()
    }

    /// The scope of one model of a key, by the key's hash.
    pub fn key_model(key: &str, model: &str) -> Self {
        Self::pair(ScopeKind::KeyModel, key, model)
    }

    /// The scope of one model of a team.
    pub fn team_model(team_id: &str, model: &str) -> Self {
        Self::pair(ScopeKind::TeamModel, team_id, model)
    }

    /// The scope of a user in a team.
    pub fn member(team_id: &str, user_id: &str) -> Self {
        Self::pair(ScopeKind::Member, team_id, user_id)
    }

    /// The first one's length stands in front, so that no two pairs share an id.
    fn pair(kind: ScopeKind, first: &str, second: &str) -> Self {
        Self { kind, id: format!("{}:{first}/{second}", first.len()) }
    }

    /// Everything that passes through the root.
    pub fn global() -> Self {
        Self { kind: ScopeKind::Global, id: String::new() }
    }

    /// Whether it is a model of `owner` (a key or a team) or a member of it.
    pub(super) fn belongs_to(&self, owner: &Self) -> bool {
        let by_kind = match owner.kind {
            ScopeKind::Key => self.kind == ScopeKind::KeyModel,
            ScopeKind::Team => matches!(self.kind, ScopeKind::TeamModel | ScopeKind::Member),
            _ => false,
        };
        by_kind && self.as_pair().is_some_and(|(first, _)| first == owner.id)
    }

    /// The two names of a pair: a key or team and its model, a team and its user.
    pub fn as_pair(&self) -> Option<(&str, &str)> {
        if !matches!(self.kind, ScopeKind::KeyModel | ScopeKind::TeamModel | ScopeKind::Member) {
            return None;
        }
        let (length, rest) = self.id.split_once(':')?;
        let (first, rest) = rest.split_at_checked(length.parse().ok()?)?;
        rest.strip_prefix('/').map(|second| (first, second))
    }
}

impl ScopeId {
    /// The scope in budget messages: `Key=…`, `User=… in Team=…`.
    pub(super) fn name(&self) -> String {
        match (self.kind, self.as_pair()) {
            (ScopeKind::Member, Some((team, user))) => format!("User={user} in Team={team}"),
            (ScopeKind::KeyModel, Some((key, model))) => format!("Key={key} Model={model}"),
            (ScopeKind::TeamModel, Some((team, model))) => format!("Team={team} Model={model}"),
            (ScopeKind::Global, _) => "LiteLLM Proxy".to_owned(),
            (kind, _) => format!("{}={}", kind.noun(), self.id),
        }
    }

    /// The scope as LiteLLM's rate limit messages name it: pairs joined by a colon.
    pub(super) fn value(&self) -> String {
        self.as_pair().map_or_else(|| self.id.clone(), |(first, second)| format!("{first}:{second}"))
    }
}

impl fmt::Display for ScopeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind.descriptor(), self.id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_with_slashes_in_their_names_do_not_collide() {
        let one = ScopeId::member("a/b", "c");
        let other = ScopeId::member("a", "b/c");
        assert_ne!(one, other);
        assert_eq!(one.as_pair(), Some(("a/b", "c")));
        assert_eq!(other.as_pair(), Some(("a", "b/c")));
        assert_eq!(ScopeId::new(ScopeKind::Tag, "1:a/b").as_pair(), None);
    }
}
