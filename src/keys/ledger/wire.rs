//! What a ledger is told and what it answers, as messages: for homes that live in another object or process.

use super::Ledger;
use super::account::ScopeView;
use super::change::{Answer, Change, Event};
use super::entry::{Entry, Outcome};
use super::limits::Limits;
use super::refusal::Refusal;
use super::reserve::{Ask, Grant};
use super::scope::ScopeId;
use super::settle::{Closed, Handle};
use crate::money::Money;

/// What a ledger is told.
#[derive(Clone, Debug)]
pub enum Message {
    /// [`Ledger::reserve`], after the limits of scopes that have their record elsewhere were set (customers).
    Reserve {
        /// What is wanted.
        ask: Box<Ask>,
        /// Limits of scopes that other roots share.
        shared: Vec<(ScopeId, Limits)>,
    },
    /// [`Ledger::settle`].
    Settle {
        /// Which reservation.
        seq: u64,
        /// What came of the request.
        outcome: Outcome,
    },
    /// [`Ledger::release`].
    Release {
        /// Which reservation.
        seq: u64,
        /// What came of the request.
        outcome: Outcome,
    },
    /// [`Ledger::checkpoint`].
    Checkpoint {
        /// Which reservation.
        seq: u64,
        /// What it has cost so far.
        cost: Money,
        /// How long the owner may be silent from now on, in ms.
        hold_ms: u64,
    },
    /// [`Ledger::configure`].
    Configure {
        /// Whose limits.
        scope: ScopeId,
        /// The limits.
        limits: Limits,
    },
    /// [`Ledger::remove`].
    Remove {
        /// Which scope.
        scope: ScopeId,
    },
    /// [`Ledger::set_spend`].
    SetSpend {
        /// Whose spend.
        scope: ScopeId,
        /// What it is now.
        spend: Money,
    },
    /// [`Ledger::view`] of these scopes; of all where the list is empty.
    View {
        /// The scopes.
        scopes: Vec<ScopeId>,
    },
    /// Rows of the spend log that started within these times, oldest first. The home answers it: the ledger keeps no log.
    Log {
        /// From this time on, in ms.
        from_ms: u64,
        /// Before this time, in ms.
        until_ms: u64,
        /// Most rows.
        limit: u64,
    },
}

crate::json::variants!(Message {
    "reserve" => Reserve { ask, shared },
    "settle" => Settle { seq, outcome },
    "release" => Release { seq, outcome },
    "checkpoint" => Checkpoint { seq, cost, hold_ms },
    "configure" => Configure { scope, limits },
    "remove" => Remove { scope },
    "set_spend" => SetSpend { scope, spend },
    "view" => View { scopes },
    "log" => Log { from_ms, until_ms, limit },
});

/// What a ledger answers.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A reservation was made.
    Granted(Box<Grant>),
    /// It was not.
    Refused(Box<Refusal>),
    /// What became of an attempt to end a reservation.
    Closed(Closed),
    /// Scopes as they stand.
    Views(Vec<ScopeView>),
    /// Rows of the spend log.
    Entries(Vec<Entry>),
    /// Done.
    Done,
}

crate::json::variants!(Reply {
    "granted" => Granted(held),
    "refused" => Refused(held),
    "closed" => Closed(held),
    "views" => Views(held),
    "entries" => Entries(held),
    "done" => Done,
});

impl Ledger {
    /// Acts on a message; `None` for [`Message::Log`], which is the home's to answer.
    pub fn act(&mut self, message: Message, now_ms: u64) -> Option<Answer<Reply>> {
        Some(match message {
            Message::Reserve { ask, shared } => self.reserve_shared(*ask, shared, now_ms),
            Message::Settle { seq, outcome } => answer(self.settle(Handle::Seq(seq), outcome, now_ms), Reply::Closed),
            Message::Release { seq, outcome } => answer(self.release(Handle::Seq(seq), outcome, now_ms), Reply::Closed),
            Message::Checkpoint { seq, cost, hold_ms } => {
                answer(self.checkpoint(Handle::Seq(seq), cost, hold_ms, now_ms), |_| Reply::Done)
            }
            Message::Configure { scope, limits } => answer(self.configure(&scope, limits, now_ms), |()| Reply::Done),
            Message::Remove { scope } => answer(self.remove(&scope, now_ms), |()| Reply::Done),
            Message::SetSpend { scope, spend } => answer(self.set_spend(&scope, spend, now_ms), |()| Reply::Done),
            Message::View { scopes } => {
                let mut views = self.reset_due(now_ms);
                let wanted = |view: &ScopeView| scopes.is_empty() || scopes.contains(&view.scope);
                let found = self.views().filter(wanted).collect();
                views.events.clear();
                answer(views, |()| Reply::Views(found))
            }
            Message::Log { .. } => return None,
        })
    }

    fn reserve_shared(&mut self, ask: Ask, shared: Vec<(ScopeId, Limits)>, now_ms: u64) -> Answer<Reply> {
        let mut changes = Vec::new();
        for (scope, limits) in shared {
            let known = self.view(&scope).is_some_and(|view| view.known && view.limits == limits);
            if !known {
                changes.extend(self.configure(&scope, limits, now_ms).changes);
            }
        }
        let granted = self.reserve(ask, now_ms);
        changes.extend(granted.changes);
        let value = match granted.value {
            Ok(grant) => Reply::Granted(Box::new(grant)),
            Err(refusal) => Reply::Refused(Box::new(refusal)),
        };
        Answer { value, changes, events: granted.events }
    }
}

fn answer<T>(from: Answer<T>, reply: impl FnOnce(T) -> Reply) -> Answer<Reply> {
    let (changes, events): (Vec<Change>, Vec<Event>) = (from.changes, from.events);
    Answer { value: reply(from.value), changes, events }
}

#[cfg(test)]
mod tests {
    use super::super::{ScopeKind, Settings};
    use super::*;

    fn tell(ledger: &mut Ledger, message: &Message) -> Reply {
        // Through JSON, as it goes to an object elsewhere.
        let text = serde_json::to_string(message).unwrap();
        let reply = ledger.act(serde_json::from_str(&text).unwrap(), 1_000).unwrap().value;
        serde_json::from_str(&serde_json::to_string(&reply).unwrap()).unwrap()
    }

    #[test]
    fn a_reservation_goes_through_json_and_back() {
        let mut ledger = Ledger::new(Settings::default());
        let scope = ScopeId::new(ScopeKind::Key, "k");
        let limits = Limits { max_budget: Some(Money::DOLLAR), ..Limits::default() };
        tell(&mut ledger, &Message::Configure { scope: scope.clone(), limits });
        let ask = |id: &str, cents: i128| {
            let bound = Money::from_pico(cents * 10_000_000_000);
            let scopes = vec![scope.clone()];
            let ask = Ask { request_id: id.to_owned(), scopes, bound: Some(bound), least: bound, ..Ask::default() };
            Message::Reserve { ask: Box::new(ask), shared: Vec::new() }
        };
        let Reply::Granted(grant) = tell(&mut ledger, &ask("a", 60)) else { panic!("granted") };
        assert!(matches!(tell(&mut ledger, &ask("b", 60)), Reply::Refused(_)));
        let outcome = Outcome { cost: Some(Money::from_pico(1)), ..Outcome::default() };
        let settle = Message::Settle { seq: grant.seq, outcome };
        assert!(matches!(tell(&mut ledger, &settle), Reply::Closed(Closed::Done { .. })));
        assert!(matches!(tell(&mut ledger, &settle), Reply::Closed(Closed::Already)));
        let Reply::Views(views) = tell(&mut ledger, &Message::View { scopes: vec![scope] }) else { panic!("views") };
        assert_eq!(views[0].windows[0].spent, Money::from_pico(1));
    }

    #[test]
    fn a_shared_scope_brings_its_limits() {
        let mut ledger = Ledger::new(Settings::default());
        let key = ScopeId::new(ScopeKind::Key, "k");
        tell(&mut ledger, &Message::Configure { scope: key.clone(), limits: Limits::default() });
        let customer = ScopeId::new(ScopeKind::Customer, "c");
        let limits = Limits { blocked: true, ..Limits::default() };
        let ask = Ask { request_id: "r".to_owned(), scopes: vec![key, customer.clone()], ..Ask::default() };
        let message = Message::Reserve { ask: Box::new(ask), shared: vec![(customer, limits)] };
        assert!(matches!(tell(&mut ledger, &message), Reply::Refused(_)));
    }
}
