//! What is left of limits, for the answer's headers.

use super::account::Account;
use super::reserve::Grant;
use super::scope::{ScopeId, ScopeKind};
use crate::http::Headers;
use crate::money::Money;

/// What is left of a scope's rate limits after a request was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateFigure {
    /// Whose limits.
    pub scope: ScopeId,
    /// Requests: the limit and what is left of it in this window.
    pub requests: Option<(u64, u64)>,
    /// Tokens: the limit and what is left of it in this window.
    pub tokens: Option<(u64, u64)>,
    /// ms until the window ends.
    pub resets_in_ms: u64,
}

crate::json::record!(RateFigure { scope, requests, tokens, resets_in_ms });

impl RateFigure {
    pub(super) fn of(account: &Account, now_ms: u64) -> Option<Self> {
        let (limits, rate) = (&account.limits, account.rate.at(now_ms));
        let requests = limits.rpm.map(|limit| (limit, limit.saturating_sub(rate.requests)));
        let tokens = limits.tpm.map(|limit| (limit, limit.saturating_sub(rate.tokens)));
        (requests.is_some() || tokens.is_some()).then(|| Self {
            scope: account.scope.clone(),
            requests,
            tokens,
            resets_in_ms: rate.ends_ms().saturating_sub(now_ms),
        })
    }
}

/// What is left of a scope's tightest budget after a request was admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetFigure {
    /// Whose budget.
    pub scope: ScopeId,
    /// What was spent in the window.
    pub spent: Money,
    /// What open requests hold, this one included.
    pub reserved: Money,
    /// The budget.
    pub max: Money,
}

crate::json::record!(BudgetFigure { scope, spent, reserved, max });

impl BudgetFigure {
    pub(super) fn of(account: &Account) -> Option<Self> {
        let windows = account.windows.iter().filter_map(|window| Some((window.max?, window.spent)));
        let (max, spent) = windows.min_by_key(|(max, spent)| *max - *spent)?;
        Some(Self { scope: account.scope.clone(), spent, reserved: account.reserved, max })
    }
}

impl Grant {
    /// Adds LiteLLM's `x-ratelimit-<descriptor>-{limit,remaining}-{requests,tokens}` of every limited scope, and
    /// `OpenAI`'s plain ones (`x-ratelimit-limit-requests`, …, `-reset-…`) of the one that has the least left.
    pub fn write_headers(&self, headers: &mut Headers) {
        for figure in &self.rates {
            let name = figure.scope.kind.descriptor();
            for (what, pair) in [("requests", figure.requests), ("tokens", figure.tokens)] {
                if let Some((limit, left)) = pair {
                    headers.set(&format!("x-ratelimit-{name}-limit-{what}"), limit.to_string());
                    headers.set(&format!("x-ratelimit-{name}-remaining-{what}"), left.to_string());
                }
            }
        }
        self.write_tightest(headers, "requests", |figure| figure.requests);
        self.write_tightest(headers, "tokens", |figure| figure.tokens);
    }

    /// What the key has spent and may spend, for `x-litellm-key-spend` and `x-litellm-key-max-budget`; `None` for a key
    /// without a budget.
    pub fn key_budget(&self) -> Option<&BudgetFigure> {
        self.budgets.iter().find(|figure| figure.scope.kind == ScopeKind::Key)
    }

    fn write_tightest(&self, headers: &mut Headers, what: &str, pair: impl Fn(&RateFigure) -> Option<(u64, u64)>) {
        let figures = self.rates.iter().filter_map(|figure| pair(figure).map(|pair| (pair, figure.resets_in_ms)));
        if let Some(((limit, left), resets_in_ms)) = figures.min_by_key(|((_, left), _)| *left) {
            headers.set(&format!("x-ratelimit-limit-{what}"), limit.to_string());
            headers.set(&format!("x-ratelimit-remaining-{what}"), left.to_string());
            headers.set(&format!("x-ratelimit-reset-{what}"), format!("{}s", resets_in_ms.div_ceil(1_000)));
        }
    }
}
