//! Embeddings of more inputs than a provider takes at once: several upstream calls, one answer, charged once.

use serde_json::Value;
use serde_json::value::RawValue;

use super::attempt::Request;
use crate::error::{Error, Kind, Result};
use crate::money::Money;
use crate::openai::{Answer, Fields, Usage};

/// Most upstream calls that one request may become.
const MOST_PARTS: usize = 50;

/// What a deployment has answered of a request in parts. A retry of the same deployment goes on behind them.
#[derive(Debug, Default)]
pub(super) struct Batches {
    /// The deployment's id: vectors of two models have nothing to do with each other.
    deployment: String,
    answers: Vec<Answer>,
    /// What attempts that failed have brought of them cost, as far as it is known.
    pub(super) cost: Money,
}

impl Batches {
    /// These, if they are of `deployment`; else none, and what those that are left have cost.
    pub(super) fn of(self, deployment: &str) -> (Self, Money) {
        if self.deployment == deployment {
            return (self, Money::ZERO);
        }
        (Self { deployment: deployment.to_owned(), ..Self::default() }, self.cost)
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn push(&mut self, answer: Answer) {
        self.answers.push(answer);
    }

    /// What the parts from `first` on have used together, as far as each told it; `None` where there are none.
    pub(super) fn usage_since(&self, first: usize) -> Option<Usage> {
        let parts = self.answers.iter().skip(first);
        let told: Option<Vec<Value>> = parts.map(|answer| serde_json::to_value(answer.usage.as_ref()?).ok()).collect();
        let sum = told?.into_iter().reduce(sum)?;
        serde_json::from_value(sum).ok()
    }

    /// One answer: the vectors in the order of the inputs, numbered through, and usage in all.
    ///
    /// # Errors
    ///
    /// [`Kind::BadGateway`] for a part that is no list of vectors, or not as many as it had inputs.
    pub(super) fn merged(&self, provider: &str, inputs: usize) -> Result<Answer> {
        let odd = |what: &str| Error::upstream(Kind::BadGateway, provider, 502, format!("a part of the answer {what}"));
        let usage = self.usage_since(0);
        let model = self.answers.first().and_then(|answer| answer.model.clone());
        let (mut whole, mut data, mut told) = (Fields::default(), Vec::new(), None);
        for answer in &self.answers {
            let mut part = Fields::parse(&answer.body).map_err(|_| odd("was not understood"))?;
            let vectors: Vec<Fields> = part.get("data").ok().flatten().ok_or_else(|| odd("has no `data`"))?;
            for mut vector in vectors {
                vector.set("index", &data.len());
                data.push(vector);
            }
            let used: Option<Value> = part.get("usage").ok().flatten();
            told = match (told, used) {
                (Some(told), Some(used)) => Some(sum(told, used)),
                (told, used) => told.or(used),
            };
            if whole.is_empty() {
                part.remove("data");
                part.remove("usage");
                whole = part;
            }
        }
        if data.len() != inputs {
            return Err(odd(&format!("is missing: {} vectors came for {inputs} inputs", data.len())));
        }
        whole.set("data", &data);
        if let Some(told) = told {
            whole.set("usage", &told);
        }
        Ok(Answer { body: whole.to_bytes(), usage, model })
    }
}

/// What two attempts have used together.
pub(super) fn together(one: &Usage, other: &Usage) -> Usage {
    let both = serde_json::to_value(one).ok().zip(serde_json::to_value(other).ok());
    let both = both.and_then(|(one, other)| serde_json::from_value(sum(one, other)).ok());
    both.unwrap_or_else(|| other.clone())
}

/// Two usages as one: numbers are added, wherever they stand.
fn sum(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (name, value) in other {
                let before = one.get_mut(&name).map(Value::take);
                one.insert(name, before.map_or(value.clone(), |before| sum(before, value)));
            }
            Value::Object(one)
        }
        (Value::Number(one), Value::Number(other)) => match (one.as_u64(), other.as_u64()) {
            (Some(one), Some(other)) => one.saturating_add(other).into(),
            _ => (one.as_f64().unwrap_or_default() + other.as_f64().unwrap_or_default()).into(),
        },
        (Value::Null, other) => other,
        (one, _) => one,
    }
}

/// The parts of a request for embeddings that has more than `most` inputs, and how many inputs it has; `None` for any other.
///
/// # Errors
///
/// More than 50 parts.
pub(super) fn split(request: &Request, most: Option<usize>) -> Result<Option<(Vec<Request>, usize)>> {
    let (Request::Embeddings(embeddings), Some(most)) = (request, most.filter(|most| *most > 0)) else {
        return Ok(None);
    };
    let raw = embeddings.fields().raw("input").map(RawValue::get).unwrap_or_default();
    // A list of numbers is one input, in tokens.
    let list = raw.strip_prefix('[').is_some_and(|rest| rest.trim_start().starts_with(['"', '[', '{']));
    if !list {
        return Ok(None);
    }
    let inputs: Vec<Box<RawValue>> = embeddings.fields().get("input")?.unwrap_or_default();
    if inputs.len() <= most {
        return Ok(None);
    }
    if inputs.len().div_ceil(most) > MOST_PARTS {
        let message = format!("`input` has {} inputs: {} are the most for this model", inputs.len(), MOST_PARTS * most);
        return Err(Error::bad_request("input", message));
    }
    let part =
        |inputs: &[Box<RawValue>]| embeddings.with(|fields| fields.set("input", inputs)).map(Request::Embeddings);
    let parts = inputs.chunks(most).map(part).collect::<Result<Vec<_>>>()?;
    Ok(Some((parts, inputs.len())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::openai::EmbeddingRequest;

    fn parts(input: &Value, most: Option<usize>) -> Option<Vec<Value>> {
        let body = json!({"model": "m", "input": input, "dimensions": 3}).to_string();
        let request = Request::Embeddings(EmbeddingRequest::parse(body.as_bytes()).unwrap());
        let (parts, inputs) = split(&request, most).unwrap()?;
        assert_eq!(inputs, input.as_array().unwrap().len());
        let input = |part: &Request| {
            assert_eq!(part.fields().get::<u64>("dimensions").unwrap(), Some(3));
            part.fields().get::<Value>("input").unwrap().unwrap()
        };
        Some(parts.iter().map(input).collect())
    }

    #[test]
    fn only_a_list_that_is_too_long_is_split() {
        assert_eq!(parts(&json!(["a", "b", "c"]), Some(2)), Some(vec![json!(["a", "b"]), json!(["c"])]));
        assert_eq!(parts(&json!([[1, 2], [3]]), Some(1)), Some(vec![json!([[1, 2]]), json!([[3]])]));
        for (whole, most) in [
            (json!(["a", "b"]), Some(2)),
            (json!([1, 2, 3]), Some(2)),
            (json!("abc"), Some(1)),
            (json!(["a", "b"]), None),
        ] {
            assert_eq!(parts(&whole, most), None, "{whole}");
        }
        let many = json!({"model": "m", "input": vec!["x"; 101]}).to_string();
        let many = Request::Embeddings(EmbeddingRequest::parse(many.as_bytes()).unwrap());
        assert_eq!(split(&many, Some(2)).unwrap_err().param(), Some("input"));
    }

    #[test]
    fn numbers_of_usage_are_added_wherever_they_stand() {
        let one = json!({"prompt_tokens": 1, "cost": 0.5, "details": {"a": 1}, "note": "x", "gone": null});
        let other = json!({"prompt_tokens": 2, "cost": 1, "details": {"a": 2, "b": 3}, "note": "y", "gone": 4});
        let both = json!({"prompt_tokens": 3, "cost": 1.5, "details": {"a": 3, "b": 3}, "note": "x", "gone": 4});
        assert_eq!(sum(one, other), both);
    }
}
