// LangChain for Python and the command `llm` against the installed `npx tollgate`.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

import { run } from "../../scripts/process.mjs";
import { environment, python } from "../worker/python/environment.mjs";
import { pythonTests } from "../worker/python/run.mjs";
import { MODELS } from "../worker/sdk.mjs";
import { npxTollgate } from "./installed.mjs";
import { post } from "./package.mjs";

const skip = python ? false : "python3 is not installed";
const serve = await npxTollgate();

test("LangChain for Python", { skip }, async (t) => {
  const program = fileURLToPath(new URL("python/langchain_client.py", import.meta.url));
  await pythonTests(t, program, await serve(t), { name: "clients", least: 9 });
});

test("the command llm", { skip }, async (t) => {
  const { url, key: master, upstream, project } = await serve(t);
  const { key } = await (await fetch(`${url}/key/generate`, post({ max_budget: 10 }, master))).json();
  const interpreter = await environment("clients");
  const folder = join(project, "llm");
  mkdirSync(folder);
  const models = Object.values(MODELS).flatMap((model) => [model, `${model}--missing`]);
  const known = models.map((model) => ({
    model_id: `own/${model}`,
    model_name: model,
    api_base: `${url}/v1`,
    api_key_name: "tollgate",
    supports_schema: true,
    supports_tools: true,
  }));
  // YAML, as JSON is.
  writeFileSync(join(folder, "extra-openai-models.yaml"), JSON.stringify(known));
  writeFileSync(join(folder, "keys.json"), JSON.stringify({ tollgate: key }));
  const env = { LLM_USER_PATH: folder, PYTHONUTF8: "1" };
  const program = join(dirname(interpreter), process.platform === "win32" ? "llm.exe" : "llm");
  const llm = (...args) => run(program, args, { env, cwd: project });

  for (const model of Object.values(MODELS)) {
    await t.test(model, async () => {
      const own = `own/${model}`;
      for (const [flags, streamed] of [[[], true], [["--no-stream"], false]]) {
        const { code, stdout, output } = await llm("-m", own, ...flags, "one two three");
        assert.deepEqual([code, stdout], [0, "You said: one two three\n"], output);
        const { json, path } = upstream.requests.at(-1);
        // Gemini says it in the path.
        assert.equal(json.stream === true || path.includes("streamGenerateContent"), streamed);
      }
      const schema = await llm("-m", own, "--schema", "name, rank int, big bool", "A city.");
      assert.deepEqual(JSON.parse(schema.stdout), { name: "Zürich", rank: 3, big: true }, schema.output);
      const functions = "def weather(city: str, days: int) -> str:\n    return f'rain in {city}'\n";
      const tools = await llm("-m", own, "--functions", functions, "Weather?");
      assert.match(tools.stdout, /The tools said: rain in Zürich\n$/, tools.output);
      // Nobody has a price of it, which a key with a budget needs.
      const missing = await llm("-m", `${own}--missing`, "--key", master, "one");
      assert.equal(missing.code, 1);
      assert.match(missing.output, /Error: .*404/);
    });
  }

  await t.test("a budget that ends", async () => {
    const small = await (await fetch(`${url}/key/generate`, post({ max_budget: 0.000001 }, master))).json();
    const { code, output } = await llm("-m", `own/${MODELS.openai}`, "--key", small.key, "--no-stream", "-o", "max_tokens", "5", "one");
    assert.equal(code, 1);
    assert.match(output, /Error: .*429.*budget/i);
  });
});
