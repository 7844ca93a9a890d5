//! Whole answers and refusals: the first byte chooses the provider and the status, the rest is the body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::http::HttpHead;
use tollgate::provider::Notes;
use tollgate::provider::registry::PROVIDERS;

fuzz_target!(|bytes: &[u8]| {
    let [which, body @ ..] = bytes else { return };
    let row = &PROVIDERS[usize::from(*which) % PROVIDERS.len()];
    let notes = Notes { provider: row.name.to_owned(), ..Notes::default() };
    let head = HttpHead { status: 200, ..HttpHead::default() };
    let _ = row.dialect.chat_answer(&notes, &head, body);
    let _ = row.dialect.embeddings_answer(&notes, &head, body);
    let _ = row.dialect.refusal(&notes, &HttpHead { status: 400, ..HttpHead::default() }, body);
});
