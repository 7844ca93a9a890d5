//! The documents say what the tree does: the table of errors, the providers, and the files and commands that are named.
//!
//! `BLESS=1 cargo test --test docs` writes the table of fixtures in `docs/providers.md`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use tollgate::error::{Blame, TABLE};
use tollgate::provider::openai::quirks::BY_NAME;
use tollgate::provider::registry::PROVIDERS;

fn read(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The rows of the Markdown table whose first column is headed `first`, cell by cell, without their back-ticks.
fn table(text: &str, first: &str) -> Vec<Vec<String>> {
    let head = format!("| {first} |");
    let lines = text.lines().skip_while(|line| !line.starts_with(&head)).skip(2);
    let cells = |line: &str| -> Vec<String> {
        let inner = line.trim_start_matches('|').trim_end_matches('|');
        inner.split('|').map(|cell| cell.trim().replace('`', "")).collect()
    };
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

/// What stands between back-ticks in a line, outside of code blocks.
fn quoted(text: &str) -> Vec<&str> {
    let blocks = text.split("```").step_by(2);
    blocks.flat_map(str::lines).flat_map(|line| line.split('`').skip(1).step_by(2)).collect()
}

#[test]
fn the_readmes_error_table_is_the_codes_row_by_row() {
    let word = |yes: bool| if yes { "yes" } else { "no" }.to_owned();
    let wanted: Vec<Vec<String>> = TABLE
        .iter()
        .map(|row| {
            let code = if row.code.is_empty() { row.status.to_string() } else { row.code.to_owned() };
            let blame = match row.upstream_blame {
                Blame::Client => "client",
                Blame::Gateway => "gateway",
                Blame::Upstream => "upstream",
            };
            let (status, kind) = (row.status.to_string(), row.name.to_owned());
            let does = [row.retryable, row.falls_back, row.cools].map(word);
            [vec![kind, status, row.error_type.to_owned(), code, blame.to_owned()], does.to_vec()].concat()
        })
        .collect();
    assert_eq!(table(&read("README.md"), "kind"), wanted);
}

#[test]
fn every_provider_stands_in_the_table_with_its_base_and_its_keys() {
    let rows = table(&read("docs/providers.md"), "provider");
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, PROVIDERS.iter().map(|row| row.name).collect::<Vec<_>>());
    for (row, provider) in rows.iter().zip(PROVIDERS).filter(|(row, _)| row[0] != "mock") {
        let base = if provider.base.is_empty() { "yours (api_base)" } else { provider.base };
        let keys = if provider.keys.is_empty() { "none".to_owned() } else { provider.keys.join(" or ") };
        assert_eq!((row[1].as_str(), &row[2]), (base, &keys), "{}", row[0]);
    }
}

#[test]
fn every_quirk_of_a_provider_of_ones_own_is_explained() {
    let rows = table(&read("docs/providers.md"), "quirk");
    let names: Vec<&str> = rows.iter().map(|row| row[0].as_str()).collect();
    assert_eq!(names, BY_NAME.iter().map(|(name, _)| *name).collect::<Vec<_>>());
}

#[test]
fn the_count_of_providers_is_the_registrys() {
    let count = PROVIDERS.len() - 1;
    for (name, words) in
        [("README.md", format!("{count} providers")), ("docs/providers.md", format!("{count} providers"))]
    {
        assert!(read(name).contains(&words), "{name} does not say `{words}`");
    }
}

#[test]
fn every_npm_script_that_is_named_exists() {
    let package: serde_json::Value = serde_json::from_str(&read("package.json")).unwrap();
    let known = |name: &str| name == "ci" || !package["scripts"][name].is_null();
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md", "SECURITY.md", "docs/keys-and-budgets.md", "docs/routing.md"] {
        let text = read(document);
        let words: Vec<&str> =
            text.split([' ', '\n', '`', '(', ')', ',', ';']).filter(|word| !word.is_empty()).collect();
        for (at, _) in words.iter().enumerate().filter(|(_, word)| **word == "npm") {
            let next = words.get(at + 1).copied().unwrap_or_default();
            let script = if next == "run" { words.get(at + 2).copied().unwrap_or_default() } else { next };
            if next == "run" || ["start", "test"].contains(&script) {
                assert!(known(script), "{document} names `npm run {script}`");
                named += 1;
            }
        }
    }
    assert!(named > 10, "only {named} commands found");
}

#[test]
fn every_file_that_is_named_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["src/", "tests/", "scripts/", "docs/", "prices/", "benches/", "www/", "./", ".ci/"];
    let files = ["Cargo.toml", "LICENSE", "config.yaml", "package.json", "size-budget.json", "wrangler.toml"];
    let mut named = 0;
    for document in ["README.md", "ARCHITECTURE.md", "SECURITY.md"] {
        let text = read(document);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next());
        let links = links.filter(|link| !link.is_empty() && !link.contains("://"));
        let named_here = quoted(&text).into_iter().filter(|word| {
            let plain = !word.contains([' ', '*', '{', '<', '…']);
            plain && (folders.iter().any(|folder| word.starts_with(folder)) || files.contains(word))
        });
        for path in named_here.chain(links) {
            assert!(root.join(path).exists(), "{document} names {path}");
            named += 1;
        }
    }
    assert!(named > 10, "only {named} files found");
}

/// The columns of the table of fixtures: a protocol, and the folders of those who speak it; all other folders are the first's.
const PROTOCOLS: &[(&str, &[&str])] = &[
    ("OpenAI", &[]),
    ("Anthropic", &["anthropic"]),
    ("Gemini", &["gemini"]),
    ("Vertex AI", &["vertex_ai", "vertex_ai_beta"]),
    ("Bedrock", &["bedrock"]),
    ("Cohere", &["cohere", "cohere_chat"]),
    ("Ollama", &["ollama", "ollama_chat"]),
];

fn folders(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap());
    let mut names: Vec<String> = entries
        .filter(|entry| entry.file_type().unwrap().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// What the fixtures' listing says: how many there are, and which protocol has a case of which name.
fn listing() -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let (mut count, mut providers) = (0, 0);
    let mut names: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
    for provider in folders(&root) {
        let place = PROTOCOLS.iter().position(|(_, own)| own.contains(&provider.as_str())).unwrap_or_default();
        let cases = folders(&root.join(&provider));
        let cases = cases.iter().filter(|case| root.join(&provider).join(case).join("request.json").exists());
        let before = count;
        for case in cases {
            count += 1;
            // Vertex AI has Claude's cases beside Gemini's.
            let name = case.strip_prefix("claude-").unwrap_or(case);
            names.entry(name.to_owned()).or_default().insert(place);
        }
        providers += usize::from(count > before);
    }
    let mut out =
        format!("{count} fixtures of {providers} providers; here are the cases that two protocols or more have.\n\n");
    let heads: Vec<&str> = PROTOCOLS.iter().map(|(name, _)| *name).collect();
    writeln!(out, "| case | {} |\n|{}", heads.join(" | "), " --- |".repeat(heads.len() + 1)).unwrap();
    for (name, places) in names.iter().filter(|(_, places)| places.len() > 1) {
        let cells: Vec<&str> = (0..heads.len()).map(|place| if places.contains(&place) { "✓" } else { "" }).collect();
        writeln!(out, "| `{name}` | {} |", cells.join(" | ")).unwrap();
    }
    out
}

#[test]
fn the_table_of_fixtures_is_their_listing() {
    let text = read("docs/providers.md");
    let (before, rest) = text.split_once("<!-- fixtures -->\n").unwrap();
    let (own, after) = rest.split_once("<!-- end of fixtures -->").unwrap();
    let wanted = listing();
    if std::env::var_os("BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/providers.md");
        fs::write(path, format!("{before}<!-- fixtures -->\n{wanted}<!-- end of fixtures -->{after}")).unwrap();
        return;
    }
    assert!(own == wanted, "docs/providers.md: the table of fixtures is old; BLESS=1 cargo test --test docs writes it");
}
