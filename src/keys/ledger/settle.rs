//! The ends of a reservation: settled, released, expired; and the reports on the way.

use super::Ledger;
use super::change::{Answer, Change, Closing, Event, Progress};
use super::entry::{Outcome, State};
use super::hold::Hold;
use crate::money::Money;

/// Names a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handle<'a> {
    /// By the sequence number of its grant.
    Seq(u64),
    /// By the request's id, for an owner whose grant got lost on the way.
    Request(&'a str),
}

/// What became of an attempt to end a reservation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Closed {
    /// It ended now.
    Done {
        /// What every scope was charged.
        charged: Money,
        /// Whether that is more than was reserved.
        over_bound: bool,
        /// What the first scope (the key) has now spent in its first window: LiteLLM's `x-litellm-key-spend`.
        spend: Money,
    },
    /// It had ended before (settled, released or expired): nothing changed.
    Already,
    /// It was never made here, or its id is forgotten: nothing changed.
    Unknown,
}

crate::json::variants!(Closed {
    "done" => Done { charged, over_bound, spend },
    "already" => Already,
    "unknown" => Unknown,
});

impl Ledger {
    /// Settles a reservation with what the request really used. Charged in full, also above the reservation.
    ///
    /// A second settlement changes nothing and says so. Writes one `request` row (and one `scope` row for each budget
    /// window that starts anew).
    pub fn settle(&mut self, handle: Handle<'_>, outcome: Outcome, now_ms: u64) -> Answer<Closed> {
        self.end(handle, State::Settled, outcome, now_ms)
    }

    /// Ends a reservation of which nothing was used: no upstream was reached, or none charged. What `outcome` says of
    /// cost and tokens is set to nothing. Writes one `request` row.
    pub fn release(&mut self, handle: Handle<'_>, outcome: Outcome, now_ms: u64) -> Answer<Closed> {
        let nothing = Outcome {
            prompt_tokens: 0,
            completion_tokens: 0,
            total_tokens: 0,
            cost: Some(Money::ZERO),
            estimated: false,
            ..outcome
        };
        self.end(handle, State::Released, nothing, now_ms)
    }

    /// Notes what an open request has cost so far, and that its owner lives: the deadline moves to `now_ms + hold_ms`.
    ///
    /// A cost above the reservation raises it, so that what is already spent is not promised to others. A report of
    /// less than before changes only the deadline. Writes one `request` row; `false` and nothing where it is not
    /// open.
    pub fn checkpoint(&mut self, handle: Handle<'_>, cost: Money, hold_ms: u64, now_ms: u64) -> Answer<bool> {
        let mut answer = Answer::new(false);
        let Some(seq) = self.seq_of(handle) else { return answer };
        let Some(hold) = self.holds.get_mut(&seq) else { return answer };
        let cost = hold.progress.unwrap_or_default().max(cost);
        let raised = hold.reserved.max(cost) - hold.reserved;
        hold.progress = Some(cost);
        hold.reserved += raised;
        hold.deadline_ms = now_ms.saturating_add(hold_ms);
        for slot in &hold.slots {
            if let Some(account) = self.accounts.get_mut(slot) {
                account.reserved += raised;
            }
        }
        let progress = Progress { seq, cost, reserved: hold.reserved, deadline_ms: hold.deadline_ms };
        answer.changes.push(Change::Progress(progress));
        answer.value = true;
        answer
    }

    /// Ends every reservation whose owner was silent past its deadline: charged what it last reported, else what it
    /// holds, and marked estimated. Answers their sequence numbers. Writes one `request` row for each.
    pub fn expire(&mut self, now_ms: u64) -> Answer<Vec<u64>> {
        self.give_up(now_ms, now_ms)
    }

    /// The same for every open reservation, whatever its deadline: for a home that knows that their owners are gone.
    pub fn abandon(&mut self, now_ms: u64) -> Answer<Vec<u64>> {
        self.give_up(u64::MAX, now_ms)
    }

    fn give_up(&mut self, due_ms: u64, now_ms: u64) -> Answer<Vec<u64>> {
        let mut answer = Answer::new(Vec::new());
        let due = self.holds.iter().filter(|(_, hold)| hold.deadline_ms <= due_ms);
        let due: Vec<(u64, Money)> = due.map(|(seq, hold)| (*seq, hold.progress.unwrap_or(hold.reserved))).collect();
        for (seq, cost) in due {
            let outcome =
                Outcome { cost: Some(cost), estimated: true, status: "failure".to_owned(), ..Outcome::default() };
            let ended = self.end(Handle::Seq(seq), State::Expired, outcome, now_ms);
            answer.value.push(seq);
            answer.changes.extend(ended.changes);
            answer.events.extend(ended.events);
        }
        answer
    }

    fn seq_of(&self, handle: Handle<'_>) -> Option<u64> {
        match handle {
            Handle::Seq(seq) => (1..self.next_seq).contains(&seq).then_some(seq),
            Handle::Request(id) => self.requests.get(id).copied(),
        }
    }

    fn end(&mut self, handle: Handle<'_>, state: State, outcome: Outcome, now_ms: u64) -> Answer<Closed> {
        let mut answer = Answer::new(Closed::Unknown);
        let Some(seq) = self.seq_of(handle) else { return answer };
        let Some(hold) = self.holds.remove(&seq) else {
            answer.value = Closed::Already;
            return answer;
        };
        for slot in &hold.slots {
            self.roll(*slot, now_ms, &mut answer.changes);
        }
        self.closings += 1;
        self.dirty = true;
        // A negative cost is some provider's mistake: it must not pay for other requests.
        let charged = outcome.cost.unwrap_or_default().max(Money::ZERO);
        let over_bound = charged > hold.reserved;
        let tokens = if state == State::Expired { hold.tokens } else { outcome.total_tokens };
        let spend = self.charge(seq, &hold, charged, tokens, &mut answer.events);
        let closing = self.closings;
        answer.changes.push(Change::Close(Box::new(Closing {
            seq,
            state,
            closing,
            charged,
            over_bound,
            end_ms: now_ms,
            outcome,
        })));
        self.remember(hold.request_id, seq);
        answer.value = Closed::Done { charged, over_bound, spend };
        answer
    }

    fn charge(&mut self, seq: u64, hold: &Hold, charged: Money, tokens: u64, events: &mut Vec<Event>) -> Money {
        let mut first = None;
        for slot in &hold.slots {
            let Some(account) = self.accounts.get_mut(slot) else { continue };
            account.reserved -= hold.reserved;
            account.open = account.open.saturating_sub(1);
            account.rate.correct(seq, hold.tokens, tokens);
            let (scope, soft) = (account.scope.clone(), account.limits.soft_budget);
            account.charge(charged, &mut |crossing, window| {
                let limit = match crossing {
                    super::Crossing::SoftBudget => soft,
                    super::Crossing::EightyPercent | super::Crossing::Exhausted => window.max,
                };
                let limit = limit.unwrap_or_default();
                events.push(Event { scope: scope.clone(), crossing, spent: window.spent, limit });
            });
            first.get_or_insert(account.windows.first().map_or(Money::ZERO, |window| window.spent));
        }
        first.unwrap_or_default()
    }
}
