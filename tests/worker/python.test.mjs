// The official SDK for Python, in a virtual environment of this tree's own: each of its tests is one of this file's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { environment, python } from "./python/environment.mjs";
import { MASTER_KEY, MODELS, stage, within } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const program = (name) => fileURLToPath(new URL(`python/${name}`, import.meta.url));

const scene = stage({
  model_list: (url) => [
    { model_name: "house", litellm_params: { model: "openai/gpt-4o", api_base: url, api_key: UPSTREAM_KEY } },
  ],
});

/** Runs the Python tests and answers `[{ name, passed }]` and all that they said. */
async function runPython(interpreter) {
  const env = { TOLLGATE_URL: scene.gateway.url, TOLLGATE_KEY: MASTER_KEY, TOLLGATE_MODELS: JSON.stringify(MODELS) };
  const child = spawn(interpreter, ["-u", program("sdk.py")], { env: { ...process.env, ...env, PYTHONUTF8: "1" } });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
  createInterface({ input: child.stdout }).on("line", async (line) => {
    const [, model] = line.match(/^left \w+\/(.*)$/) ?? [];
    const [seen] = scene.upstream.of(model);
    const end = await within(1000, seen.closed, "the upstream closes").catch(() => "open");
    child.stdin.write(end === "aborted" ? "closed\n" : "open\n");
  });
  const code = await within(50_000, new Promise((resolve) => child.on("close", resolve)), "the Python tests");
  const results = [...output.matchAll(/^test_(\w+) \(.*?\)(?:.*?) \.\.\. (\w+)?/gm)];
  return { code, output, results: results.map(([, name, result]) => ({ name, passed: result === "ok" })) };
}

test("the Python SDK", { skip: python ? false : "python3 is not installed" }, async (t) => {
  const interpreter = await environment();
  const { code, output, results } = await runPython(interpreter);
  for (const { name, passed } of results) {
    await t.test(name.replaceAll("_", " "), () => assert.ok(passed, output));
  }
  assert.equal(code, 0, output);
  assert.ok(results.length >= 12, output);
});
