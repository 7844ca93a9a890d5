//! Speed of the token counter beside tiktoken-rs: `cargo bench --bench tokens [-- FILE…]`.
//!
//! Without files it takes text of the repository: the comments of `src/` for English, the rest of it for code, recorded
//! strings for Chinese and Japanese. `CARGO_PROFILE_BENCH_OPT_LEVEL=3` is the fair comparison: releases are built for size.

#![expect(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a bench prints, times and may fail"
)]

use std::hint::black_box;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

use tollgate::cost::tokens::{Encoding, Family, Vocabulary, estimate, upper_bound};

fn main() {
    let files: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let texts = if files.is_empty() {
        own_texts()
    } else {
        files.into_iter().map(|file| (file.clone(), std::fs::read_to_string(&file).expect("UTF-8"))).collect()
    };
    for (encoding, theirs) in [
        (Encoding::O200kBase, tiktoken_rs::o200k_base_singleton()),
        (Encoding::Cl100kBase, tiktoken_rs::cl100k_base_singleton()),
    ] {
        let planes = unpack(&format!("www/vocab/{}.bin.gz", encoding.name()));
        let load = seconds(|| Vocabulary::load(encoding, black_box(&planes)).is_ok());
        println!("{}: load {:.1} ms", encoding.name(), load * 1e3);
        let ours = Vocabulary::load(encoding, &planes).expect("the vocabulary");
        for (name, text) in &texts {
            assert_eq!(ours.count(text), theirs.encode_ordinary(text).len() as u64, "{name}");
            let speed = |seconds: f64| text.len() as f64 / 1e6 / seconds;
            let count = speed(seconds(|| ours.count(black_box(text))));
            let tiktoken = speed(seconds(|| theirs.encode_ordinary(black_box(text)).len()));
            println!("  {name:<24} {:>8} bytes  ours {count:6.1} MB/s  tiktoken-rs {tiktoken:6.1} MB/s", text.len());
        }
    }
    println!("without a vocabulary:");
    for (name, text) in &texts {
        let speed = |seconds: f64| text.len() as f64 / 1e6 / seconds;
        let estimated = speed(seconds(|| estimate(black_box(text), Family::OpenAi).value));
        let bound = speed(seconds(|| upper_bound(black_box(text), Family::OpenAi)));
        println!("  {name:<24} {:>8} bytes  estimate {estimated:6.1} MB/s  upper bound {bound:6.1} MB/s", text.len());
    }
}

/// The fastest of the runs that fit in a second.
fn seconds<T>(mut run: impl FnMut() -> T) -> f64 {
    let (start, mut best) = (Instant::now(), Duration::MAX);
    while start.elapsed() < Duration::from_secs(1) {
        let run_start = Instant::now();
        black_box(run());
        best = best.min(run_start.elapsed());
    }
    best.as_secs_f64()
}

fn unpack(path: &str) -> Vec<u8> {
    let file = std::fs::File::open(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("the repository's files");
    let mut bytes = Vec::new();
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).expect("gzip");
    bytes
}

fn own_texts() -> Vec<(String, String)> {
    let rows: Vec<serde_json::Value> =
        serde_json::from_slice(&unpack("tests/data/tokenizer_reference.json.gz")).expect("JSON");
    let strings = rows.iter().filter_map(|row| row["s"].as_str()).filter(|text| text.len() > 300);
    let share = |text: &str| {
        let han = text.chars().filter(|character| ('\u{3040}'..'\u{A000}').contains(character)).count();
        han * 100 / text.chars().count()
    };
    let han: Vec<&str> = strings.filter(|text| share(text) > 40).collect();
    let mut source = String::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut source);
    let is_comment = |line: &&str| line.trim_start().starts_with("//");
    let (comments, code): (Vec<&str>, Vec<&str>) = source.lines().partition(is_comment);
    let prose: Vec<&str> = comments.iter().map(|line| line.trim_start().trim_start_matches(['/', '!', ' '])).collect();
    [("English", prose), ("code", code), ("Chinese and Japanese", han)]
        .map(|(name, lines)| (name.to_owned(), lines.join("\n")))
        .into()
}

fn sources(folder: &Path, out: &mut String) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).expect("src").flatten().map(|entry| entry.path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            out.push_str(&std::fs::read_to_string(&path).expect("UTF-8"));
        }
    }
}
