//! `/budget/new`, `/budget/info`, `/budget/update`, `/budget/list` and `/budget/delete`: limits that keys and customers
//! share by `budget_id`. Each spends on its own; the limits are one.

use serde_json::{Value, json};

use super::super::host::Host;
use super::desk::Desk;
use super::store::{Change, Done, Held, with};
use crate::error::{Error, Kind, Result};
use crate::keys::Typed;
use crate::keys::calendar::write_time;
use crate::keys::{BudgetRecord, CustomerRecord, KeyRecord};

impl<H: Host> Desk<'_, H> {
    async fn budget(&self, budget_id: &str, field: &str) -> Result<Held<BudgetRecord>> {
        self.get(budget_id).await?.ok_or_else(|| {
            Error::new(Kind::NotFound, format!("Budget with id '{budget_id}' does not exist.")).with_param(field)
        })
    }

    /// `POST /budget/new`
    pub(super) async fn budget_new(&self) -> Done<Value> {
        let budget_id = self.new_id("budget_id")?;
        if self.get::<BudgetRecord>(&budget_id).await?.is_some() {
            let message = format!("Budget with id '{budget_id}' already exists.");
            return Err(Error::bad_request("budget_id", message).into());
        }
        let mut body = self.body.clone();
        body.insert("budget_id".to_owned(), json!(budget_id));
        let budget = BudgetRecord::default().patched(&body, &write_time(self.now_ms))?;
        let mut change = Change::default();
        change.put(&budget, 0);
        self.commit(change).await?;
        Ok(budget.write())
    }

    /// `POST /budget/update`: the keys that name it get the new limits in the same change.
    pub(super) async fn budget_update(&self) -> Done<Value> {
        let old = self.budget(&self.text("budget_id")?, "budget_id").await?;
        let new = old.record.patched(&self.body, &write_time(self.now_ms))?;
        let mut change = Change::default();
        change.put(&new, old.version);
        let filter = with("budget_id", &new.budget_id);
        let keys: Vec<Held<KeyRecord>> = self.all(vec![filter.clone()]).await?;
        for key in &keys {
            let before = key.record.scopes(Some(&old.record.allowance));
            let after = key.record.scopes(Some(&new.allowance));
            change.builds_on(key);
            change.configure(&key.record.root(), &before, &after);
        }
        change.builds_on_all(vec![filter], &keys);
        self.commit(change).await?;
        Ok(new.write())
    }

    /// `POST /budget/info`: those that there are.
    pub(super) async fn budget_info(&self) -> Done<Value> {
        self.only(&["budgets"])?;
        let mut found = Vec::new();
        for budget_id in self.texts("budgets")? {
            let budget: Option<Held<BudgetRecord>> = self.get(&budget_id).await?;
            found.extend(budget.map(|held| held.record.write()));
        }
        Ok(Value::Array(found))
    }

    /// `GET /budget/list`
    pub(super) async fn budget_list(&self) -> Done<Value> {
        self.only_queries(&[])?;
        let budgets: Vec<Held<BudgetRecord>> = self.all(Vec::new()).await?;
        Ok(budgets.into_iter().map(|held| held.record.write()).collect())
    }

    /// `POST /budget/delete`: refused while something names it, for its limits would be gone without a word.
    pub(super) async fn budget_delete(&self) -> Done<Value> {
        self.only(&["id"])?;
        let budget = self.budget(&self.text("id")?, "id").await?;
        let filter = with("budget_id", &budget.record.budget_id);
        let (_, keys) = self.page::<KeyRecord>(vec![filter.clone()], 0, 0).await?;
        let (_, customers) = self.page::<CustomerRecord>(vec![filter.clone()], 0, 0).await?;
        if keys + customers > 0 {
            let message = format!(
                "budget {} still bounds {keys} keys and {customers} customers: give them another `budget_id` first",
                budget.record.budget_id
            );
            return Err(Error::bad_request("id", message).into());
        }
        let mut change = Change::default();
        change.builds_on_all::<KeyRecord>(vec![filter.clone()], &[]);
        change.builds_on_all::<CustomerRecord>(vec![filter], &[]);
        change.delete(&budget);
        self.commit(change).await?;
        Ok(budget.record.write())
    }
}
