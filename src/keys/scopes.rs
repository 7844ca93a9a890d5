//! Which scopes a request counts against.

use super::admission::Caller;
use super::ledger::{ScopeId, ScopeKind};

impl Caller<'_> {
    /// The scopes that a request counts against, in LiteLLM's order of checks. `model` is the model group, `customer`
    /// the id that the request names, `tags` those of the request and of its key and team.
    ///
    /// The user's own budget counts for keys without a team alone: a team's ledger cannot see what a user spends
    /// elsewhere.
    pub fn scopes(&self, model: &str, customer: Option<&str>, tags: &[String]) -> Vec<ScopeId> {
        let (key, token) = (self.key, &self.key.token);
        let mut scopes = vec![ScopeId::new(ScopeKind::Key, token)];
        // Always named: the ledger, not this read copy, knows whether the model has a limit of its own.
        scopes.push(ScopeId::key_model(token, model));
        match (&key.team_id, &key.user_id) {
            (Some(team), user) => {
                scopes.push(ScopeId::new(ScopeKind::Team, team));
                scopes.push(ScopeId::team_model(team, model));
                scopes.extend(user.iter().map(|user| ScopeId::member(team, user)));
            }
            (None, Some(user)) => scopes.push(ScopeId::new(ScopeKind::User, user)),
            (None, None) => {}
        }
        scopes.extend(customer.map(|customer| ScopeId::new(ScopeKind::Customer, customer)));
        scopes.extend(tags.iter().map(|tag| ScopeId::new(ScopeKind::Tag, tag)));
        scopes.push(ScopeId::global());
        scopes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyRecord;

    #[test]
    fn scopes_come_in_the_order_of_checks() {
        use ScopeKind::{Customer, Global, Key, KeyModel, Member, Tag, Team, TeamModel};
        let key = KeyRecord {
            token: "h".to_owned(),
            team_id: Some("t".to_owned()),
            user_id: Some("u".to_owned()),
            ..KeyRecord::default()
        };
        let scopes =
            Caller { key: &key, team: None, user: None, customer: None }.scopes("gpt-4o", Some("c"), &["a".to_owned()]);
        let kinds: Vec<ScopeKind> = scopes.iter().map(|scope| scope.kind).collect();
        assert_eq!(kinds, [Key, KeyModel, Team, TeamModel, Member, Customer, Tag, Global]);
        let alone = KeyRecord { team_id: None, ..key };
        assert_eq!(
            Caller { key: &alone, team: None, user: None, customer: None }.scopes("gpt-4o", None, &[])[2],
            ScopeId::new(ScopeKind::User, "u")
        );
        assert_eq!(alone.root(), ScopeId::new(ScopeKind::User, "u"));
    }
}
