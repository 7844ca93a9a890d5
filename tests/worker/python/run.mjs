// Runs a program of Python's unittest against a gateway: each of its tests is one of the caller's.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

import { MODELS, within } from "../sdk.mjs";
import { environment } from "./environment.mjs";

/**
 * Runs `program` in an environment, as subtests of `t`; `scene` is `{ url, key, upstream }`, `least` how many tests there
 * are at least. A line `left provider/model` of the program is answered by whether the upstream's connection closed.
 */
export async function pythonTests(t, program, scene, { name, least, env = {} }) {
  const interpreter = await environment(name);
  const own = { TOLLGATE_URL: scene.url, TOLLGATE_KEY: scene.key, TOLLGATE_MODELS: JSON.stringify(MODELS), PYTHONUTF8: "1" };
  const child = spawn(interpreter, ["-u", program], { env: { ...process.env, ...own, ...env } });
  let output = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (output += text));
  createInterface({ input: child.stdout }).on("line", async (line) => {
    const [, model] = line.match(/^left \w+\/(.*)$/) ?? [];
    if (!model) return;
    const [seen] = scene.upstream.of(model);
    const end = await within(1000, seen.closed, "the upstream closes").catch(() => "open");
    child.stdin.write(end === "aborted" ? "closed\n" : "open\n");
  });
  const code = await within(60_000, new Promise((resolve) => child.on("close", resolve)), "the Python tests");
  // What a test's packages print stands between its name and its result.
  const [told] = output.split(/^(?:={20}|-{20})/m);
  const results = told.split(/^test_/m).slice(1);
  for (const result of results) {
    const [title] = result.split(" ");
    await t.test(title.replaceAll("_", " "), () => assert.match(result, /\bok\s*$/, output));
  }
  assert.equal(code, 0, output);
  assert.ok(results.length >= least, output);
}
