// config.yaml is read as LiteLLM reads it, and every field knows its line.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { check } from "../../scripts/checker.mjs";
import { readConfig } from "../../scripts/config.mjs";

/** Writes files into a folder that is gone after the test, and answers a function from name to path. */
function folder(t, files) {
  const path = mkdtempSync(join(tmpdir(), "tollgate-config-"));
  t.after(() => rmSync(path, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(path, name), text);
  return (name) => join(path, name);
}

function refuses(t, text, message) {
  const at = folder(t, { "config.yaml": text });
  assert.throws(() => readConfig(at("config.yaml")), { message: `${at("config.yaml")}${message}` });
}

test("a field knows its line, and an unknown field that of its parent", (t) => {
  const text = "# models\nmodel_list:\n  - model_name: a\n    litellm_params:\n      model: m\n";
  const at = folder(t, { "config.yaml": text });
  const { config, place } = readConfig(at("config.yaml"));
  assert.deepEqual(config, { model_list: [{ model_name: "a", litellm_params: { model: "m" } }] });
  const line = (path) => place(path).replace(`${at("config.yaml")}:`, "");
  assert.equal(line("model_list"), "2");
  assert.equal(line("model_list[0].model_name"), "3");
  assert.equal(line("model_list.0.litellm_params.model"), "5");
  assert.equal(line("model_list[0].litellm_params.api_key"), "4");
  assert.equal(place("router_settings"), at("config.yaml"));
});

test("the checker's findings name file, line and field", (t) => {
  const at = folder(t, { "config.yaml": "router_settings:\n  fallback: []\n" });
  const findings = [
    { severity: "error", path: "router_settings.fallback", message: "unknown field" },
    { severity: "warning", path: "", message: "no models" },
  ];
  const seen = [];
  const built = { checkConfig: (json) => seen.push(json) && JSON.stringify(findings) };
  assert.deepEqual(check(built, readConfig(at("config.yaml"))), {
    errors: [`${at("config.yaml")}:2: router_settings.fallback: unknown field`],
    warnings: [`${at("config.yaml")}: no models`],
  });
  assert.deepEqual(seen, ['{"router_settings":{"fallback":[]}}']);
});

test("words of YAML 1.1 mean what they mean to LiteLLM, and a version stays text", (t) => {
  const text = "a: [yes, Off, n]\nb: &b {x: 1}\nc: {<<: *b, y: 2}\nd: 2024-02-01\ne: 2024-02-15-preview\n";
  const at = folder(t, { "config.yaml": text });
  const { config } = readConfig(at("config.yaml"));
  const dates = { d: "2024-02-01", e: "2024-02-15-preview" };
  assert.deepEqual(config, { a: [true, false, "n"], b: { x: 1 }, c: { x: 1, y: 2 }, ...dates });
});

test("an empty file is an empty config", (t) => {
  const at = folder(t, { "config.yaml": "# nothing yet\n" });
  assert.deepEqual(readConfig(at("config.yaml")).config, {});
});

test("a key that stands twice is refused with its line", (t) => {
  refuses(t, "a: 1\nb: 2\na: 3\n", ":3: this key stands twice in the same mapping; keep one");
});

test("a tab is refused with its line", (t) => {
  refuses(t, "a:\n\t- b\n", ":2: a tab cannot indent YAML; use spaces");
});

test("a list is no config", (t) => {
  refuses(t, "- a\n", ":1: the file must hold a mapping such as `model_list:`");
});

test("a missing file is named with the mend", (t) => {
  const at = folder(t, {});
  const message = `${at("none.yaml")}: no such file; name a config by --config FILE`;
  assert.throws(() => readConfig(at("none.yaml")), { message });
});

test("included lists are joined, all else is replaced, and lines are those of the included file", (t) => {
  const at = folder(t, {
    "config.yaml": "include: [more.yaml]\nmodel_list:\n  - model_name: a\nrouter_settings: {num_retries: 1}\n",
    "more.yaml": "# more\nmodel_list:\n  - model_name: b\nrouter_settings:\n  timeout: 5\n",
  });
  const { config, place } = readConfig(at("config.yaml"));
  const models = [{ model_name: "a" }, { model_name: "b" }];
  assert.deepEqual(config, { model_list: models, router_settings: { timeout: 5 } });
  assert.equal(place("model_list[0].model_name"), `${at("config.yaml")}:3`);
  assert.equal(place("model_list[1].model_name"), `${at("more.yaml")}:3`);
  assert.equal(place("router_settings.timeout"), `${at("more.yaml")}:5`);
});

test("an included file that is missing is named where it is asked for", (t) => {
  refuses(t, "a: 1\ninclude: [none.yaml]\n", ":2: include names none.yaml, which does not exist");
});
