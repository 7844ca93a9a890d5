// The library beyond Node: a Worker of one's own in workerd, a browser's module, Bun and Deno where they are installed.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { npmFolder } from "../../scripts/place.mjs";
import { run, which } from "../../scripts/process.mjs";
import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { staged } from "./library.mjs";
import { ownWorker } from "./own-worker.mjs";

const { providers } = await staged();
const project = mkdtempSync(join(tmpdir(), "tollgate-platforms-"));
after(() => rmSync(project, { recursive: true, force: true }));
mkdirSync(join(project, "node_modules"));
symlinkSync(npmFolder, join(project, "node_modules", "tollgate"), "junction");

function write(name, text) {
  writeFileSync(join(project, name), text);
  return join(project, name);
}

/** What each platform does: a whole answer, a stream, a stream that is left, a router, an error, a price. */
const DO = `
  const messages = [{ role: "user", content: "one two three" }];
  const own = { api_base: "${providers.url}/v1", api_key: "${UPSTREAM_KEY}", num_retries: 0 };
  async function all(label) {
    const told = [];
    const answer = await completion({ model: "openai/gpt-4o", messages, ...own });
    let text = "";
    for await (const chunk of await completion({ model: "openai/gpt-4o", messages, stream: true, ...own })) text += chunk.choices[0]?.delta?.content ?? "";
    told.push(text === answer.choices[0].message.content, answer._hidden_params.response_cost > 0);
    for await (const chunk of await completion({ model: "openai/gpt-4o--hold-2--" + label, messages, stream: true, ...own })) break;
    const router = new Router({ model_list: [{ model_name: "m", litellm_params: { model: "mock/echo" } }] });
    told.push((await router.completion({ model: "m", messages })).choices[0].message.content === "one two three");
    await router.dispose();
    const error = await completion({ model: "openai/gpt-4o--limited-3", messages, ...own }).catch((error) => error);
    told.push(error instanceof RateLimitError, error.retry_after === 3, error.llm_provider === "openai");
    const [cost] = await costPerToken({ model: "gpt-4o", prompt_tokens: 1000 });
    told.push(cost === 0.0025);
    return told.every(Boolean) ? "ok" : JSON.stringify(told);
  }`;
const NAMES = "RateLimitError, Router, completion, costPerToken";

async function left(label) {
  assert.equal(await providers.of(`gpt-4o--hold-2--${label}`)[0].closed, "aborted");
}

test("the entries for browsers and Workers ask for nothing of Node's", () => {
  for (const name of ["browser.js", "workerd.js"]) {
    const text = readFileSync(join(npmFolder, "dist", name), "utf8");
    assert.doesNotMatch(text, /["']node:|\brequire\(|\bprocess\.|\bBuffer\b|__dirname|import\("openai"\)/, name);
  }
});

test("a Worker of one's own", async (t) => {
  const worker = `
    import { ${NAMES} } from "tollgate";
    ${DO}
    export default { fetch: async () => new Response(await all("workerd")) };`;
  const url = await ownWorker(t, project, worker);
  assert.equal(await (await fetch(url)).text(), "ok");
  await left("workerd");
});

test("a browser's module, with the files beside it fetched from the disk", async () => {
  const entry = pathToFileURL(join(npmFolder, "dist", "browser.js")).href;
  const program = `
    import { readFileSync } from "node:fs";
    const network = globalThis.fetch;
    globalThis.fetch = async (url, init) =>
      String(url).startsWith("file:") ? new Response(readFileSync(new URL(url)), { headers: { "content-type": "application/wasm" } }) : network(url, init);
    const { ${NAMES} } = await import(${JSON.stringify(entry)});
    ${DO}
    console.log(await all("browser"));`;
  const { code, stdout, output } = await run(process.execPath, [write("browser.mjs", program)], { cwd: project });
  assert.equal(code, 0, output);
  assert.equal(stdout.trim(), "ok");
  await left("browser");
});

for (const [name, args] of [
  ["bun", []],
  ["deno", ["run", "-A", "--node-modules-dir=manual"]],
]) {
  const program = which(name);
  test(name, { skip: program ? false : `${name} is not installed` }, async () => {
    const file = write(`${name}.mjs`, `import { ${NAMES} } from "tollgate";\n${DO}\nconsole.log(await all("${name}"));`);
    write("package.json", '{"private": true}');
    const { code, stdout, output } = await run(program, [...args, file], { cwd: project });
    assert.equal(code, 0, output);
    assert.equal(stdout.trim(), "ok");
    await left(name);
  });
}
