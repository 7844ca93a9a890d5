//! The budget of one model of a key or team, in each of the forms in which LiteLLM's users write it.

use serde_json::{Map, Value, json};

use super::duration::Span;
use super::typed::Typed;
use crate::money::Money;

/// One of `model_max_budget`: `{"budget_limit": 1.5, "time_period": "1d"}`, with `max_budget` and `budget_duration` as
/// other names, amounts as numbers or text; or just an amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelBudget {
    /// Most that may be spent, in USD.
    pub max: Money,
    /// When the spend starts anew.
    pub span: Option<Span>,
    /// Requests a minute.
    pub rpm: Option<u64>,
    /// Tokens a minute.
    pub tpm: Option<u64>,
}

impl Typed for ModelBudget {
    fn read(value: Value) -> Result<Self, String> {
        const FORM: &str = "a model's budget is an amount, or {\"budget_limit\": amount, \"time_period\": duration}";
        if let Some(max) = amount(&value) {
            return Ok(Self { max, span: None, rpm: None, tpm: None });
        }
        let Value::Object(object) = value else { return Err(FORM.to_owned()) };
        let mut budget = Self { max: Money::ZERO, span: None, rpm: None, tpm: None };
        let mut found = false;
        for (name, value) in &object {
            match (name.as_str(), value) {
                ("budget_limit" | "max_budget", value) => {
                    budget.max = amount(value).ok_or(FORM)?;
                    found = true;
                }
                (_, Value::Null) => {}
                ("time_period" | "budget_duration", Value::String(text)) => {
                    budget.span = Some(Span::parse(text, name).map_err(|error| error.message().to_owned())?);
                }
                ("rpm_limit", value) => budget.rpm = Some(value.as_u64().ok_or(FORM)?),
                ("tpm_limit", value) => budget.tpm = Some(value.as_u64().ok_or(FORM)?),
                _ => return Err(format!("`{name}` is not understood: {FORM}")),
            }
        }
        if found { Ok(budget) } else { Err(FORM.to_owned()) }
    }

    fn write(&self) -> Value {
        let Self { max, span, rpm, tpm } = self;
        let mut object = Map::new();
        object.insert("budget_limit".to_owned(), json!(max));
        let others = [
            ("time_period", span.map(|span| span.write())),
            ("rpm_limit", rpm.map(Into::into)),
            ("tpm_limit", tpm.map(Into::into)),
        ];
        for (name, value) in others {
            if let Some(value) = value {
                object.insert(name.to_owned(), value);
            }
        }
        Value::Object(object)
    }
}

fn amount(value: &Value) -> Option<Money> {
    match value {
        Value::Number(number) => Money::from_dollars(number.as_f64()?),
        Value::String(text) => Money::parse(text),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for form in [json!(1.5), json!("0.25"), json!({"max_budget": 3, "budget_duration": "1w", "rpm_limit": 4})] {
            let budget = ModelBudget::read(form).unwrap();
            assert_eq!(ModelBudget::read(budget.write()).unwrap(), budget);
        }
        for wrong in
            [json!(true), json!({}), json!({"max_budget": "lots"}), json!({"budget_limit": 1, "rpm_limit": -1})]
        {
            assert!(ModelBudget::read(wrong.clone()).is_err(), "{wrong}");
        }
    }
}
