//! `/customer/new`, `/customer/info`, `/customer/update`, `/customer/delete`, `/customer/list`, `/customer/block` and
//! `/customer/unblock`, and the same under `/end_user`.
//!
//! A customer has no ledger of their own: their limits travel with each request to the ledger of its key, and count
//! there.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::desk::{Desk, row, spent};
use super::place::allowance;
use super::store::{Change, Done, Held};
use crate::error::{Error, Kind, Result};
use crate::keys::Typed;
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::keys::record::spend as spend_field;
use crate::keys::{BudgetRecord, CustomerRecord};
use crate::money::Money;
use crate::sorted::{self, SortedMap};

impl<H: Host> Desk<'_, H> {
    async fn customer(&self, user_id: &str, field: &str) -> Result<Held<CustomerRecord>> {
        self.get(user_id).await?.ok_or_else(|| unknown(user_id, field))
    }

    /// What customers spent in the present window of each ledger that knows them, summed up.
    async fn customer_spend(&self, ids: &[&str]) -> Result<SortedMap<String, (Money, Money)>> {
        let scopes: Vec<ScopeId> = ids.iter().map(|id| ScopeId::new(ScopeKind::Customer, *id)).collect();
        let mut sums: SortedMap<String, (Money, Money)> = SortedMap::new();
        for root in self.roots(0).await? {
            for view in self.views(&root, &scopes).await?.into_iter().flatten() {
                let (spend, total) = sums.or_default(view.scope.id.clone());
                *spend += spent(Some(&view));
                *total += view.total;
            }
        }
        Ok(sums)
    }

    async fn customer_rows(&self, customers: &[CustomerRecord]) -> Result<Vec<Value>> {
        let ids: Vec<&str> = customers.iter().map(|customer| customer.user_id.as_str()).collect();
        let sums = if ids.is_empty() { SortedMap::new() } else { self.customer_spend(&ids).await? };
        let mut rows = Vec::new();
        for customer in customers {
            let budget: Option<Held<BudgetRecord>> = match &customer.budget_id {
                Some(budget_id) => self.get(budget_id).await?,
                None => None,
            };
            let (spend, total) = sums.get(&customer.user_id).copied().unwrap_or_default();
            let mut row = row(customer, None);
            row.insert("spend".to_owned(), json!(spend));
            row.insert("total_spend".to_owned(), json!(total));
            let table = match allowance(budget.as_ref()) {
                Some(shared) => customer.allowance.or(shared).write(),
                None => customer.allowance.write(),
            };
            row.insert("litellm_budget_table".to_owned(), table);
            rows.push(Value::Object(row));
        }
        Ok(rows)
    }

    async fn customer_row(&self, customer: CustomerRecord) -> Result<Value> {
        Ok(self.customer_rows(&[customer]).await?.pop().unwrap_or_else(|| Value::Object(Map::new())))
    }

    /// Refuses a `spend` other than none: a customer's is what the ledgers of all keys say.
    fn no_spend(&self) -> Result<()> {
        match spend_field(&self.body)? {
            Some(spend) if spend > Money::ZERO => {
                let message = "`spend` of a customer cannot be set: it is what their requests cost; leave it out";
                Err(Error::bad_request("spend", message))
            }
            _ => Ok(()),
        }
    }

    async fn save_customer(&self, new: &CustomerRecord, version: u64) -> Done<()> {
        let mut change = Change::default();
        if let Some(shared) = self.shared(new.budget_id.as_deref()).await? {
            change.builds_on(&shared);
        }
        change.put(new, version);
        self.commit(change).await
    }

    /// `POST /customer/new`
    pub(super) async fn customer_new(&self) -> Done<Value> {
        self.no_spend()?;
        let user_id = self.text("user_id")?;
        self.new_id("user_id")?;
        if self.get::<CustomerRecord>(&user_id).await?.is_some() {
            let message = format!("Customer already exists, passed user_id={user_id}. Please pass a new user_id.");
            return Err(Error::bad_request("user_id", message).into());
        }
        let customer = CustomerRecord::default().patched(&self.body, self.now_ms)?;
        self.save_customer(&customer, 0).await?;
        Ok(self.customer_row(customer).await?)
    }

    /// `POST /customer/update`
    pub(super) async fn customer_update(&self) -> Done<Value> {
        self.no_spend()?;
        let old = self.customer(&self.text("user_id")?, "user_id").await?;
        let new = old.record.patched(&self.body, self.now_ms)?;
        self.save_customer(&new, old.version).await?;
        Ok(self.customer_row(new).await?)
    }

    /// `GET /customer/info`
    pub(super) async fn customer_info(&self) -> Done<Value> {
        self.only_queries(&["end_user_id"])?;
        let customer = self.customer(&self.need("end_user_id")?, "end_user_id").await?.record;
        Ok(self.customer_row(customer).await?)
    }

    /// `GET /customer/list`
    pub(super) async fn customer_list(&self) -> Done<Value> {
        self.only_queries(&[])?;
        let customers: Vec<Held<CustomerRecord>> = self.all(Vec::new()).await?;
        let customers: Vec<CustomerRecord> = customers.into_iter().map(|held| held.record).collect();
        Ok(Value::Array(self.customer_rows(&customers).await?))
    }

    /// `POST /customer/delete`
    pub(super) async fn customer_delete(&self) -> Done<Value> {
        self.only(&["user_ids"])?;
        let mut user_ids = self.texts("user_ids")?;
        sorted::sort(&mut user_ids);
        user_ids.dedup();
        let mut change = Change::default();
        for user_id in &user_ids {
            change.delete(&self.customer(user_id, "user_ids").await?);
        }
        self.commit(change).await?;
        let message = format!("Successfully deleted customers with ids: {}", user_ids.join(", "));
        Ok(json!({"deleted_customers": user_ids.len(), "message": message}))
    }

    /// `POST /customer/block`, which also makes customers whom nobody has heard of, and `POST /customer/unblock`
    pub(super) async fn customer_block(&self, blocked: bool) -> Done<Value> {
        self.only(&["user_ids"])?;
        let mut user_ids = self.texts("user_ids")?;
        sorted::sort(&mut user_ids);
        user_ids.dedup();
        let mut change = Change::default();
        let mut rows = Vec::new();
        for user_id in &user_ids {
            let held = match self.get::<CustomerRecord>(user_id).await? {
                Some(held) => held,
                None if blocked => Held { record: CustomerRecord::default(), version: 0 },
                None => return Err(unknown(user_id, "user_ids").into()),
            };
            let named: Map<String, Value> = std::iter::once(("user_id".to_owned(), json!(user_id))).collect();
            let mut new = held.record.patched(&named, self.now_ms)?;
            new.blocked = blocked;
            change.put(&new, held.version);
            rows.push(json!({"user_id": user_id, "blocked": blocked}));
        }
        self.commit(change).await?;
        let (blocked_users, unblocked_users) = if blocked { (rows, Vec::new()) } else { (Vec::new(), rows) };
        Ok(json!({"blocked_users": blocked_users, "unblocked_users": unblocked_users}))
    }
}

fn unknown(user_id: &str, field: &str) -> Error {
    Error::new(Kind::NotFound, format!("End User Id={user_id} does not exist in db")).with_param(field)
}
