//! Requests of clients: the first byte chooses the provider, the rest is the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::openai::ChatRequest;
use tollgate::provider::registry::PROVIDERS;
use tollgate::provider::{Facts, Settings, Target};

fuzz_target!(|bytes: &[u8]| {
    let [which, body @ ..] = bytes else { return };
    let row = &PROVIDERS[usize::from(*which) % PROVIDERS.len()];
    let Ok(chat) = ChatRequest::parse(body) else { return };
    let settings = Settings { drop_params: true, modify_params: true, ..Settings::default() };
    let target = Target {
        provider: row.name,
        api_base: Some("http://h"),
        default_base: row.base,
        model: "m",
        key: None,
        token: None,
        settings: &settings,
        facts: Facts::default(),
        call_id: "id",
        now: 0,
    };
    let _ = row.dialect.chat(&target, &chat);
});
