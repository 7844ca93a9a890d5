//! Reads fixtures: `tests/fixtures/<provider>/<case>/`.

mod frames;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tollgate::http::{HttpHead, HttpRequest};
use tollgate::provider::{Facts, Settings};
use tollgate::secret::Secret;

/// One case of one provider.
pub(crate) struct Case {
    pub(crate) provider: String,
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
}

/// Every case, sorted; a case with `skip.txt` is left out.
pub(crate) fn cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut cases = Vec::new();
    for provider in folders(&root) {
        for folder in folders(&provider) {
            if !folder.join("skip.txt").exists() && folder.join("request.json").exists() {
                cases.push(Case { provider: name(&provider), name: name(&folder), folder });
            }
        }
    }
    cases
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> =
        fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    all.sort();
    all
}

fn name(path: &Path) -> String {
    path.file_name().unwrap().to_string_lossy().into_owned()
}

impl Case {
    pub(crate) fn read(&self, file: &str) -> Option<Vec<u8>> {
        fs::read(self.folder.join(file)).ok()
    }

    /// Compares `got` with a file; with `BLESS=1` writes it instead.
    pub(crate) fn expect(&self, file: &str, got: &[u8]) {
        let path = self.folder.join(file);
        if std::env::var_os("BLESS").is_some() {
            fs::write(&path, got).unwrap();
            return;
        }
        let want = fs::read(&path).unwrap_or_else(|_| {
            panic!("{}/{}: no {file}; got:\n{}", self.provider, self.name, String::from_utf8_lossy(got))
        });
        assert!(
            want == got,
            "{}/{}: {file} differs\n--- want\n{}\n--- got\n{}",
            self.provider,
            self.name,
            String::from_utf8_lossy(&want),
            String::from_utf8_lossy(got)
        );
    }

    /// `settings.json`: `{"settings": {"drop_params": true, …}, "facts": {"max_output_tokens": 8192, …}, "api_base": …,
    /// "params": {"vertex_project": …}, "api_key": …}`.
    pub(crate) fn settings(&self) -> (Settings, Facts, Option<String>) {
        let value: Value =
            self.read("settings.json").map_or(Value::Null, |bytes| serde_json::from_slice(&bytes).unwrap());
        let flag = |name: &str| value["settings"][name].as_bool().unwrap_or(false);
        let list = |name: &str| {
            let list = value["settings"][name].as_array().cloned().unwrap_or_default();
            list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
        };
        let param = |(name, value): (&String, &Value)| {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), Secret::new(text))
        };
        let settings = Settings {
            drop_params: flag("drop_params"),
            modify_params: flag("modify_params"),
            allowed_openai_params: list("allowed_openai_params"),
            additional_drop_params: list("additional_drop_params"),
            api_version: value["settings"]["api_version"].as_str().map(str::to_owned),
            organization: value["settings"]["organization"].as_str().map(str::to_owned),
            extra_headers: value["settings"]["extra_headers"]
                .as_object()
                .map(|headers| headers.iter().map(|(name, value)| (name, value.as_str().unwrap())).collect())
                .unwrap_or_default(),
            params: value["params"].as_object().into_iter().flatten().map(param).collect(),
            ..Settings::default()
        };
        let fact = |name: &str| value["facts"][name].as_bool();
        let facts = Facts {
            max_output_tokens: value["facts"]["max_output_tokens"].as_u64(),
            native_json_schema: fact("native_json_schema"),
            adaptive_thinking: fact("adaptive_thinking"),
            reasoning: fact("reasoning"),
            sampling_params: fact("sampling_params"),
            forced_tool_use: fact("forced_tool_use"),
            mid_conversation_system: fact("mid_conversation_system"),
            thinking_always_on: fact("thinking_always_on"),
            minimal_effort: fact("minimal_effort"),
            low_effort: fact("low_effort"),
            none_effort: fact("none_effort"),
            xhigh_effort: fact("xhigh_effort"),
            max_effort: fact("max_effort"),
            system_messages: fact("system_messages"),
        };
        (settings, facts, value["api_base"].as_str().map(str::to_owned))
    }

    /// The credential: `api_key` of `settings.json`, where `null` is none at all.
    pub(crate) fn key(&self) -> Option<Secret> {
        let text = self.read("settings.json").unwrap_or_default();
        let value: Value = serde_json::from_slice(&text).unwrap_or(Value::Null);
        match value.get("api_key") {
            None => Some(Secret::new("sk-test-key")),
            Some(key) => key.as_str().map(Secret::new),
        }
    }

    /// `upstream-response.http`: a status line, headers, a blank line, and the body byte for byte; AWS's binary frames
    /// may stand there as lines of JSON ([`frames`]).
    pub(crate) fn upstream_response(&self) -> Option<(HttpHead, Vec<u8>)> {
        let bytes = self.read("upstream-response.http")?;
        let split = bytes.windows(2).position(|pair| pair == b"\n\n").expect("a blank line after the head");
        let head = std::str::from_utf8(&bytes[..split]).unwrap();
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.map(|line| line.split_once(": ").unwrap()).collect();
        let head = HttpHead { status, headers };
        let body = &bytes[split + 2..];
        let is_frames = head.headers.get("content-type") == Some("application/vnd.amazon.eventstream");
        let body = if is_frames && body.starts_with(b"{") { frames::frames(body) } else { body.to_vec() };
        Some((head, body))
    }
}

/// A request as the fixtures hold it: method and URL, headers, a blank line, and the body as indented JSON.
pub(crate) fn show(request: &HttpRequest) -> Vec<u8> {
    let mut out = format!("{} {}\n", request.method, request.url);
    for (name, value) in request.headers.iter() {
        out.extend([name, ": ", value, "\n"]);
    }
    out.push('\n');
    match serde_json::from_slice::<Value>(&request.body) {
        Ok(body) => out.push_str(&serde_json::to_string_pretty(&body).unwrap()),
        // A form.
        Err(_) => out.push_str(std::str::from_utf8(&request.body).unwrap()),
    }
    out.push('\n');
    out.into_bytes()
}

/// A JSON body as the fixtures hold it: indented.
pub(crate) fn pretty(body: &[u8]) -> Vec<u8> {
    let value: Value = serde_json::from_slice(body).expect("a JSON body");
    let mut out = serde_json::to_vec_pretty(&value).unwrap();
    out.push(b'\n');
    out
}
