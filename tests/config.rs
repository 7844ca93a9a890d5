//! LiteLLM's configurations, as users write them: they load unchanged, and what is wrong is named with its mend.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use tollgate::config::{Config, Finding, check};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/configs")
}

/// The configurations of public guides, by name, as JSON. The YAML that they were made of holds the same values.
fn guides() -> Vec<(String, String)> {
    let mut guides: Vec<_> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .map(|path| (path.file_stem().unwrap().to_str().unwrap().to_owned(), fs::read_to_string(&path).unwrap()))
        .collect();
    guides.sort();
    guides
}

#[test]
fn every_guide_loads_unchanged() {
    let guides = guides();
    assert_eq!(guides.len(), 16);
    for (name, json) in guides {
        Config::read(&json).unwrap_or_else(|errors| panic!("{name}: {errors:#?}"));
    }
}

/// What `check` says of every guide, one line a finding. Which providers wait changes with every provider that comes.
fn findings() -> String {
    let mut out = String::new();
    for (name, json) in guides() {
        for Finding { severity, path, message } in check(&json) {
            if !message.contains("is not spoken by this version yet") {
                writeln!(out, "{name}: {severity:?}: {path}: {message}").unwrap();
            }
        }
    }
    out
}

#[test]
fn the_findings_of_the_guides_are_the_golden_ones() {
    let golden = folder().join("findings.txt");
    let findings = findings();
    if std::env::var_os("BLESS").is_some() {
        fs::write(&golden, &findings).unwrap();
    }
    assert_eq!(findings, fs::read_to_string(golden).unwrap());
    assert!(!findings.contains("Error"));
}
