//! Streams, whole and cut in two: both must end the same.

#![no_main]

use libfuzzer_sys::fuzz_target;
use tollgate::provider::registry::PROVIDERS;
use tollgate::provider::{Notes, StreamReader};

fuzz_target!(|bytes: &[u8]| {
    let [which, cut, stream @ ..] = bytes else { return };
    let row = &PROVIDERS[usize::from(*which) % PROVIDERS.len()];
    let notes = Notes { provider: row.name.to_owned(), ..Notes::default() };
    let read = |pieces: &[&[u8]]| {
        let mut reader = StreamReader::new(row.dialect, &notes, true);
        let end = pieces.iter().try_for_each(|piece| reader.push(piece)).and_then(|()| reader.finish());
        (reader.out().take(), end.is_ok())
    };
    let (before, after) = stream.split_at(stream.len() * usize::from(*cut) / 256);
    assert!(read(&[stream]) == read(&[before, after]), "cut at {}", before.len());
});
