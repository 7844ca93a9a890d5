// npm start serves, ends cleanly, and says in one line what is wrong and how to mend it.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Runs a script to its end; `onText` sees all that it printed so far and the child. */
function script(name, args, { onText } = {}) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [join(root, "scripts", name), ...args], { cwd: root });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (text) => {
      stdout += text;
      onText?.(stdout, child);
    });
    child.stderr.on("data", (text) => (stderr += text));
    child.on("close", (code) => resolve({ code, stdout, stderr }));
  });
}

/** A port that another program listens on. */
async function takenPort(t) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  return server.address().port;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function config(t, text) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-start-"));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, "config.yaml"), text);
  return join(folder, "config.yaml");
}

const oneLine = (text) => assert.equal(text.trimEnd().split("\n").length, 1, text);

test("it serves until Ctrl-C, and names a variable that is not set", async (t) => {
  const port = await freePort();
  const text =
    "model_list:\n  - model_name: a\n    litellm_params: {model: openai/m, api_key: os.environ/NOT_SET_HERE}\n" +
    "general_settings: {master_key: sk-test}\n";
  const path = config(t, text);
  let answer;
  const { code, stdout, stderr } = await script("start.mjs", ["--config", path, "--port", String(port)], {
    onText: (text, child) => {
      if (answer || !text.includes("curl ")) return;
      answer = fetch(`http://127.0.0.1:${port}/health/liveliness`).then(({ status }) => status);
      answer.finally(() => child.kill("SIGINT")).catch(() => {});
    },
  });
  assert.equal(await answer, 200, stdout + stderr);
  assert.equal(code, 0, stderr);
  assert.match(stdout, new RegExp(`:${port}/v1/chat/completions -H "authorization: Bearer sk-test"`));
  assert.match(stderr, /config\.yaml:3: model_list\[0\]\.litellm_params\.api_key: NOT_SET_HERE is not set; export it/);
  await assert.rejects(fetch(`http://127.0.0.1:${port}/`), "the port still answers");
});

test("a port in use is one line with the mend", async (t) => {
  const port = await takenPort(t);
  const { code, stderr } = await script("start.mjs", ["--port", String(port)]);
  assert.equal(code, 1);
  assert.equal(stderr, `error: port ${port} is in use by another program; try \`npm start -- --port 4000\`\n`);
});

test("a mistaken option is one line with the usage", async () => {
  for (const args of [["--port", "http"], ["--port", "70000"], ["--prot", "1"], ["stray"]]) {
    const { code, stderr } = await script("start.mjs", args);
    assert.equal(code, 1);
    oneLine(stderr);
    assert.match(stderr, /^error: .*\(npm start -- \[--config FILE\] \[--port N\] \[--check\]\)\n$/);
  }
});

test("a config that is not there or not YAML is one line", async (t) => {
  const missing = await script("start.mjs", ["--check", join(tmpdir(), "no-such-config.yaml")]);
  assert.equal(missing.code, 1);
  assert.match(missing.stderr, /^error: .*no-such-config\.yaml: no such file; name a config by --config FILE\n$/);
  const broken = await script("start.mjs", ["--check", config(t, "model_list:\n  - a: [1\nb: 2\n")]);
  assert.equal(broken.code, 1);
  oneLine(broken.stderr);
  assert.match(broken.stderr, /^error: .*config\.yaml:\d: /);
});

test("a config without errors is said to have none", async (t) => {
  const path = config(t, "model_list: []\n");
  const { code, stdout } = await script("start.mjs", ["--check", path]);
  assert.equal(code, 0);
  assert.match(stdout, /config\.yaml: no errors\n$/);
});

test("a machine without Rust is told where to get it", async () => {
  const program = `
    process.env.PATH = "";
    const { rust } = await import("./scripts/setup.mjs");
    await rust().catch((error) => console.log(error.message));`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], { cwd: root });
  let out = "";
  for await (const text of child.stdout) out += text;
  assert.equal(out, "Rust is missing: install it from https://rustup.rs, open a new terminal and try again\n");
});
