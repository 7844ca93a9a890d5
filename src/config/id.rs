//! A deployment's id: the one that the configuration gives, or one that stays the same while the entry does.

use serde_json::{Map, Value};

use super::section::{Section, reference};
use crate::sorted;

/// Fields of `litellm_params` whose literal values are credentials: they do not count for a deployment's id.
const CREDENTIALS: &[&str] = &["key", "secret", "token", "password", "credentials", "headers"];

/// `model_info.id`, or a hash of the entry without its literal credentials.
pub(super) fn of(entry: &Section<'_>, model_info: &Map<String, Value>) -> String {
    match model_info.get("id") {
        Some(Value::String(id)) if !id.is_empty() => return id.clone(),
        Some(Value::Number(id)) => return id.to_string(),
        None | Some(Value::Null) => {}
        Some(_) => entry.error("model_info.id", "`id` must be a string that is not empty"),
    }
    let mut hash = Fnv::new();
    for (name, value) in sorted(&entry.map) {
        hash.write(name);
        hash.value(value);
    }
    format!("{:016x}", hash.0)
}

fn sorted(map: &Map<String, Value>) -> Vec<(&String, &Value)> {
    let mut fields: Vec<_> = map.iter().collect();
    sorted::sort_by_key(&mut fields, |(name, _)| *name);
    fields
}

/// FNV-1a with 64 bits: stable over versions and machines, and nothing that is secret goes in.
/// <http://www.isthe.com/chongo/tech/comp/fnv/>
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn write(&mut self, text: &str) {
        // No UTF-8 text holds 0xff: it parts the words.
        for byte in text.bytes().chain([0xff]) {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
    }

    /// Takes a value in, whatever the order of its fields.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Object(map) => {
                self.write("{");
                for (name, value) in sorted(map) {
                    let secret = CREDENTIALS.iter().any(|word| name.ends_with(word));
                    if secret && value.as_str().is_none_or(|text| reference(text).is_none()) {
                        continue;
                    }
                    self.write(name);
                    self.value(value);
                }
                self.write("}");
            }
            Value::Array(items) => {
                self.write("[");
                for item in items {
                    self.value(item);
                }
                self.write("]");
            }
            Value::String(text) => self.write(text),
            other => self.write(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::config::Config;

    fn ids(entries: &[serde_json::Value]) -> Vec<String> {
        let entry = |params: &serde_json::Value| {
            let mut all = json!({"model": "openai/m"});
            all.as_object_mut().unwrap().extend(params.as_object().unwrap().clone());
            json!({"model_name": "m", "litellm_params": all})
        };
        let list: Vec<_> = entries.iter().map(entry).collect();
        let config = Config::read(&json!({"model_list": list}).to_string()).unwrap();
        config.deployments.iter().map(|deployment| deployment.id.clone()).collect()
    }

    fn id(params: &serde_json::Value) -> String {
        ids(std::slice::from_ref(params)).remove(0)
    }

    #[test]
    fn an_id_stays_while_the_entry_does_and_never_depends_on_a_credential() {
        let plain = id(&json!({}));
        // Worked out apart from this code: a new value would lose what is known of every running deployment.
        assert_eq!(plain, "af9146572f5ab917");
        assert_eq!(id(&json!({"api_key": "sk-1"})), plain);
        assert_eq!(id(&json!({"extra_headers": {"authorization": "Bearer x"}})), plain);
        assert_ne!(id(&json!({"api_key": "os.environ/A"})), id(&json!({"api_key": "os.environ/B"})));
        assert_ne!(id(&json!({"rpm": 1})), plain);
        assert_eq!(id(&json!({"rpm": 1, "tpm": 2})), id(&json!({"tpm": 2, "rpm": 1})));
        let three = ids(&["sk-1", "sk-2", "sk-3"].map(|key| json!({"api_key": key})));
        assert_eq!(three, [plain.clone(), format!("{plain}-2"), format!("{plain}-3")]);
    }
}
