// Variables come from where LiteLLM's users keep them, and one that is missing is named with its field.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { example, masterKey } from "../../scripts/example.mjs";
import { references, resolveVariables } from "../../scripts/variables.mjs";

const model = (key, more = {}) => ({ model_name: "chat", litellm_params: { model: "m", api_key: key, ...more } });

test("each reference is found with its field", () => {
  const config = { model_list: [model("os.environ/A")], general_settings: { master_key: "os.environ/B", other: 1 } };
  assert.deepEqual(references(config), [
    { name: "A", path: "model_list[0].litellm_params.api_key" },
    { name: "B", path: "general_settings.master_key" },
  ]);
});

test("environment_variables win over the shell, the shell over .env, .env over .dev.vars", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-variables-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, ".env"), "A=env\nB=env\nC='of env'\n");
  writeFileSync(join(folder, ".dev.vars"), "A=dev\nB=dev\nC=dev\nD=dev\nE=dev\n");
  const config = {
    environment_variables: { A: "config", F: "os.environ/E" },
    model_list: ["A", "B", "C", "D", "NONE"].map((name) => model(`os.environ/${name}`)),
  };
  const shell = { A: "shell", B: "shell", D: "", PROVIDER_KEY: "shell", UNASKED: "shell" };
  const { found, missing } = resolveVariables(config, ["PROVIDER_KEY"], join(folder, "config.yaml"), shell);
  const files = { C: "of env", D: "dev", E: "dev", F: "dev" };
  assert.deepEqual(found, { A: "config", B: "shell", ...files, PROVIDER_KEY: "shell" });
  assert.deepEqual(missing, [{ name: "NONE", path: "model_list[4].litellm_params.api_key" }]);
});

test("the path of Google's key file becomes its text, and no other path does", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-variables-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "key.json");
  writeFileSync(path, '{"type":"service_account"}');
  const shell = { GOOGLE_APPLICATION_CREDENTIALS: path, VERTEXAI_CREDENTIALS: `${path}.json`, OTHER: path };
  const { found } = resolveVariables({}, Object.keys(shell), join(folder, "config.yaml"), shell);
  assert.deepEqual(found, { ...shell, GOOGLE_APPLICATION_CREDENTIALS: '{"type":"service_account"}' });
});

test("no variable takes the name of the Worker's own bindings", () => {
  const { found, missing } = resolveVariables({ a: "os.environ/LEDGER" }, [], "/nowhere/config.yaml", { LEDGER: "x" });
  assert.deepEqual([found, missing.length], [{}, 1]);
});

test("the example asks the first model whose key is there", () => {
  const config = { model_list: [model("os.environ/NONE"), { ...model("os.environ/KEY"), model_name: "second" }] };
  const line = example("http://127.0.0.1:1", config, { KEY: "x" }, undefined, "linux");
  const body = '{"model":"second","messages":[{"role":"user","content":"hello"}]}';
  const expected = `curl http://127.0.0.1:1/v1/chat/completions -H 'content-type: application/json' -d '${body}'`;
  assert.equal(line, expected);
  assert.match(example("http://127.0.0.1:1", config, {}, undefined, "linux"), /"model":"mock\/echo"/);
});

test("the example sends the master key, by name where the shell has it", () => {
  const key = masterKey({ general_settings: { master_key: "os.environ/PATH" } }, { PATH: process.env.PATH });
  assert.match(example("http://h", {}, {}, key, "linux"), / -H "authorization: Bearer \$PATH" /);
  const literal = masterKey({ general_settings: { master_key: "sk-1" } }, {});
  assert.match(example("http://h", {}, {}, literal, "linux"), / -H "authorization: Bearer sk-1" /);
  assert.match(example("http://h", {}, {}, literal, "win32"), /^curl\.exe .* -d "\{\\"model\\":/);
});
