// What calls are rejected with: kinds, fields, and OpenAI's classes behind them.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import OpenAI from "openai";

import { npmFolder, packaged, root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { says, staged, thrown, tollgate } from "./library.mjs";

const { completion, Router } = tollgate;
const { to } = await staged();

test("every kind of the gateway's table has a class, and its status", async () => {
  const table = readFileSync(join(root, "src", "error", "kind.rs"), "utf8");
  const rows = [...table.matchAll(/^ {4}row\(Kind::\w+, +"(\w+)", +(\d+),/gm)].map(([, name, status]) => [name, Number(status)]);
  assert.ok(rows.length > 15, "the table is read");
  // Of HTTP's door alone: nobody who calls a function meets them.
  const of_http = ["MethodNotAllowedError", "UnsupportedMediaTypeError", "ClientClosedRequestError"];
  for (const [name, status] of rows.filter(([own]) => !of_http.includes(own))) {
    const Kind = tollgate[name];
    assert.ok(Kind, name);
    const error = await thrown(completion({ model: "openai/gpt-4o", messages: says("a"), mock_response: `litellm.${name}`, num_retries: 0 }));
    assert.equal(error.name, name);
    assert.equal(error.status, status, name);
    assert.ok(error instanceof Kind && error instanceof tollgate.APIError && error instanceof Error, name);
  }
});

test("an error says who refused what, and when it may go well", async () => {
  const error = await thrown(completion(to("anthropic/claude-haiku-4-5--limited-9")));
  assert.ok(error instanceof tollgate.RateLimitError);
  const { status, status_code, llm_provider, model, retry_after, num_retries, request_id } = error;
  assert.deepEqual([status, status_code, llm_provider, retry_after, num_retries], [429, 429, "anthropic", 9, 0]);
  assert.equal(model, "anthropic/claude-haiku-4-5--limited-9");
  assert.match(request_id, /^[0-9a-f-]{36}$/);
  assert.equal(error.headers.get("x-litellm-call-id"), request_id);
  assert.equal(error.error.message, error.message);
  const param = await thrown(completion(to("openai/gpt-4o", { temperature: 3 })));
  assert.deepEqual([param.name, param.param], ["BadRequestError", "temperature"]);
  const context = await thrown(completion(to("openai/gpt-4o--context")));
  assert.deepEqual([context.name, context.code], ["ContextWindowExceededError", "context_length_exceeded"]);
});

test("keys are in no error", async () => {
  const error = await thrown(completion(to("openai/gpt-4o--unauthorized", { api_key: "sk-a-secret-of-mine" })));
  assert.ok(error instanceof tollgate.AuthenticationError);
  const { inspect } = await import("node:util");
  assert.ok(!inspect(error, { depth: 9, showHidden: true }).includes("sk-a-secret"));
});

test("kinds stand in the order that LiteLLM's have", () => {
  const made = new tollgate.ContextWindowExceededError("m", { status: 400 });
  assert.ok(made instanceof tollgate.BadRequestError && !(made instanceof tollgate.RateLimitError));
  assert.ok(new tollgate.Timeout("m") instanceof tollgate.APIConnectionError);
  assert.ok(!(new Error("m") instanceof tollgate.APIError) && !(null instanceof tollgate.APIError));
  class Mine extends tollgate.RateLimitError {}
  assert.ok(new Mine("m") instanceof tollgate.RateLimitError && !(new tollgate.RateLimitError("m") instanceof Mine));
  assert.equal(made.name, "ContextWindowExceededError");
  assert.match(made.stack, /^ContextWindowExceededError: m|^Error: m/);
});

test("a spent budget is one that OpenAI's clients know", async (t) => {
  const router = new Router({
    model_list: [{ model_name: "m", litellm_params: { model: "openai/gpt-4o", mock_response: "m" } }],
    general_settings: { master_key: "sk-1" },
  });
  t.after(() => router.dispose());
  const ask = (path, body, key) =>
    router.gateway.fetch(`http://x${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${key}` },
      body: JSON.stringify(body),
    });
  const { key } = await (await ask("/key/generate", { max_budget: 0 }, "sk-1")).json();
  const client = new OpenAI({ fetch: router.gateway.fetch, baseURL: "http://x/v1", apiKey: key, maxRetries: 0 });
  const error = await thrown(client.chat.completions.create({ model: "m", messages: says("a") }));
  assert.ok(error instanceof OpenAI.RateLimitError);
  const made = new tollgate.BudgetExceededError("m", { status: 429 });
  assert.ok(made instanceof OpenAI.RateLimitError && made instanceof tollgate.RateLimitError);
});

/** A program's folder with these packages installed. */
function project(t, packages) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-errors-"));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  mkdirSync(join(folder, "node_modules"));
  for (const [name, path] of Object.entries(packages)) symlinkSync(path, join(folder, "node_modules", name), "junction");
  return async (name, text) => {
    writeFileSync(join(folder, name), text);
    // Links stay links: packages are found beside the program, as they are when they are installed.
    const { code, output, stdout } = await run(process.execPath, ["--preserve-symlinks", join(folder, name)], { cwd: folder });
    assert.equal(code, 0, output);
    return stdout.trim();
  };
}

const ASK = `
  const ask = (name) => completion({ model: "openai/gpt-4o", messages: [{ role: "user", content: "a" }], num_retries: 0, mock_response: "litellm." + name })
    .then(() => "no error", (error) => error);`;

const IS = `
  const told = [];
  for (const [name, Theirs] of [
    ["RateLimitError", OpenAI.RateLimitError], ["ServiceUnavailableError", OpenAI.InternalServerError], ["Timeout", OpenAI.APIConnectionTimeoutError],
    ["ContextWindowExceededError", OpenAI.BadRequestError], ["AuthenticationError", OpenAI.AuthenticationError],
    ["APIConnectionError", OpenAI.APIConnectionError], ["PermissionDeniedError", OpenAI.PermissionDeniedError], ["NotFoundError", OpenAI.NotFoundError],
  ]) {
    const error = await ask(name);
    told.push(error instanceof Theirs && error instanceof OpenAI.APIError && error instanceof APIError && error.name === name);
  }
  const error = await ask("RateLimitError");
  told.push(!(error instanceof OpenAI.BadRequestError), error.status === 429);
  console.log(told.every(Boolean) ? "ok" : JSON.stringify(told));`;

test("errors are instances of OpenAI's classes where openai is installed: ES modules and CommonJS", async (t) => {
  const node = project(t, { tollgate: npmFolder, openai: packaged("openai") });
  const esm = `import OpenAI from "openai";\nimport { APIError, completion } from "tollgate";\n${ASK}${IS}`;
  assert.equal(await node("esm.mjs", esm), "ok");
  const cjs = `const OpenAI = require("openai");\nconst { APIError, completion } = require("tollgate");\n${ASK}(async () => {${IS}})();`;
  assert.equal(await node("cjs.cjs", cjs), "ok");
});

test("without openai they stand on Error; a class that is given counts, and two copies of the package know each other's", async (t) => {
  const node = project(t, { tollgate: npmFolder });
  const alone = `import { APIError, completion } from "tollgate";\n${ASK}
    const error = await ask("RateLimitError");
    console.log(error instanceof APIError, error instanceof Error, error.name);`;
  assert.equal(await node("alone.mjs", alone), "true true RateLimitError");
  const given = `import { createRequire } from "node:module";\nimport { APIError, completion, configure } from "tollgate";
    const OpenAI = createRequire(${JSON.stringify(join(root, "package.json"))})("openai");\nconfigure({ openai: OpenAI });\n${ASK}${IS}`;
  assert.equal(await node("given.mjs", given), "ok");
  const copies = `import { createRequire } from "node:module";\nimport { completion } from "tollgate";
    const other = createRequire(import.meta.url)("tollgate");\n${ASK}
    const error = await ask("Timeout");
    console.log(error instanceof other.Timeout, error instanceof other.APIConnectionError, error instanceof other.RateLimitError);`;
  assert.equal(await node("copies.mjs", copies), "true true false");
  assert.throws(() => tollgate.configure({ openai: {} }), /openai has no class APIError/);
});
