//! `/fallback`: fallbacks that are changed while the gateway runs; and `/provider/budgets`.

use serde_json::{Map, Value, json};

use super::super::host::Host;
use super::super::records::FALLBACKS;
use super::desk::Desk;
use super::record::Record;
use super::store::{Change, Done, Held};
use crate::error::{Error, Kind, Result};
use crate::keys::Typed;
use crate::keys::calendar::write_time;
use crate::keys::directory::{Index, RecordKind};
use crate::keys::ledger::{ScopeId, ScopeKind};
use crate::money::Money;
use crate::router::FallbackList;

/// What was changed, by list and group: the models that come after it, or `null` where the configuration's are deleted.
#[derive(Clone, Debug, Default)]
struct Changed(Map<String, Value>);

impl Typed for Changed {
    fn read(value: Value) -> Result<Self, String> {
        Map::read(value).map(Self)
    }

    fn write(&self) -> Value {
        Value::Object(self.0.clone())
    }
}

impl Record for Changed {
    const KIND: RecordKind = RecordKind::Setting;

    fn id(&self) -> &str {
        FALLBACKS
    }

    fn index(&self) -> Vec<Index> {
        Vec::new()
    }
}

impl Changed {
    fn set(&mut self, list: FallbackList, model: &str, models: Value) {
        let entry = self.0.entry(list.field()).or_insert_with(|| json!({}));
        if let Value::Object(groups) = entry {
            groups.insert(model.to_owned(), models);
        }
    }
}

impl<H: Host> Desk<'_, H> {
    /// `POST /fallback`: sets the fallbacks of a model group.
    pub(super) async fn fallback_set(&self) -> Done<Value> {
        self.only(&["model", "fallback_models", "fallback_type"])?;
        let model = self.text("model")?.trim().to_owned();
        let models = self.texts("fallback_models")?;
        let list = list(self.field::<String>("fallback_type")?.as_deref())?;
        let config = &self.gateway.config;
        let known = |name: &str| !config.deployments_for(name).is_empty();
        let available = || format!("available_models={:?}", config.model_ids());
        if !known(&model) {
            let message = format!("Model '{model}' not found in router, {}", available());
            return Err(Error::new(Kind::NotFound, message).with_param("model").into());
        }
        let unknown: Vec<&String> = models.iter().filter(|name| !known(name)).collect();
        let wrong = if !unknown.is_empty() {
            Some(format!("Invalid fallback models: {unknown:?}, {}", available()))
        } else if models.contains(&model) {
            Some(format!("Model '{model}' cannot be its own fallback"))
        } else if models.iter().enumerate().any(|(at, name)| models.iter().take(at).any(|other| other == name)) {
            Some("fallback_models must not contain duplicates".to_owned())
        } else {
            None
        };
        if let Some(message) = wrong {
            return Err(Error::bad_request("fallback_models", message).into());
        }
        let held = self.changed().await?;
        let updated = self.fallbacks(&held).rule(list, &model).is_some();
        self.write_changed(held, list, &model, json!(models)).await?;
        let what = if updated { "updated" } else { "created" };
        Ok(json!({
            "model": model,
            "fallback_models": models,
            "fallback_type": list.name(),
            "message": format!("Fallback configuration {what} successfully"),
        }))
    }

    /// `GET /fallback/{model}`
    pub(super) async fn fallback_get(&self) -> Done<Value> {
        self.only_queries(&["fallback_type"])?;
        let list = list(self.query("fallback_type").as_deref())?;
        match self.fallbacks(&self.changed().await?).listed(list, &self.part) {
            Some(models) if !models.is_empty() => {
                Ok(json!({"model": self.part, "fallback_models": models, "fallback_type": list.name()}))
            }
            _ => Err(none(list, &self.part).into()),
        }
    }

    /// `DELETE /fallback/{model}`
    pub(super) async fn fallback_delete(&self) -> Done<Value> {
        self.only_queries(&["fallback_type"])?;
        let list = list(self.query("fallback_type").as_deref())?;
        let held = self.changed().await?;
        if self.fallbacks(&held).rule(list, &self.part).is_none() {
            return Err(none(list, &self.part).into());
        }
        self.write_changed(held, list, &self.part, Value::Null).await?;
        Ok(json!({
            "model": self.part,
            "fallback_type": list.name(),
            "message": "Fallback configuration deleted successfully",
        }))
    }

    /// What was changed so far.
    async fn changed(&self) -> Result<Held<Changed>> {
        Ok(self.get(FALLBACKS).await?.unwrap_or_else(|| Held { record: Changed::default(), version: 0 }))
    }

    /// The configuration's fallbacks with what was changed.
    fn fallbacks(&self, held: &Held<Changed>) -> crate::router::Fallbacks {
        let mut fallbacks = self.gateway.configured_fallbacks();
        fallbacks.change(&held.record.0);
        fallbacks
    }

    async fn write_changed(&self, held: Held<Changed>, list: FallbackList, model: &str, models: Value) -> Done<()> {
        let mut change = Change::default();
        let Held { mut record, version } = held;
        record.set(list, model, models);
        change.put(&record, version);
        self.commit(change).await
    }

    /// `GET /provider/budgets`
    pub(super) async fn provider_budgets(&self) -> Done<Value> {
        self.only_queries(&[])?;
        let budgets = &self.gateway.config.router.provider_budgets;
        if budgets.is_empty() {
            let message = "No provider budget config found. Please set `provider_budget_config` in `router_settings`";
            return Err(Error::bad_request("provider_budget_config", message).into());
        }
        let mut providers = Map::new();
        for (name, limits) in budgets {
            let scope = ScopeId::new(ScopeKind::Provider, name);
            let view = self.view(&scope, &scope).await?;
            let window = view.and_then(|view| view.windows.into_iter().next());
            // A period that is over has spent nothing since.
            let reset_at_ms = window.as_ref().and_then(|window| window.reset_at_ms);
            let spend = window.map_or(Money::ZERO, |window| window.spent);
            providers.insert(
                name.clone(),
                json!({
                    "budget_limit": limits.max_budget,
                    "time_period": limits.budget_duration,
                    "spend": spend,
                    "budget_reset_at": reset_at_ms.map(write_time),
                }),
            );
        }
        Ok(json!({"providers": providers}))
    }
}

/// LiteLLM's `fallback_type`.
fn list(name: Option<&str>) -> Result<FallbackList> {
    let name = name.unwrap_or("general");
    FallbackList::ALL.into_iter().find(|list| list.name() == name).ok_or_else(|| {
        let message = "`fallback_type` must be general, context_window or content_policy";
        Error::bad_request("fallback_type", message)
    })
}

fn none(list: FallbackList, model: &str) -> Error {
    Error::new(Kind::NotFound, format!("No {} fallbacks configured for model '{model}'", list.name()))
}
