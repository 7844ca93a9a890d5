// The library beyond Node: a Worker of one's own in workerd, a page in Chromium, Bun and Deno.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { npmFolder } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { launch, open, serve } from "../page/page.mjs";
import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { staged } from "./library.mjs";
import { ownWorker } from "./own-worker.mjs";
import { runtimes } from "./runtimes.mjs";

const { providers } = await staged();
const beside = await runtimes();
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

test("a page in Chromium, with the package's own files", async (t) => {
  const module = `import { ${NAMES} } from "./browser.js";\n${DO}\nglobalThis.told = await all("browser");`;
  const page = '<!doctype html><title>page</title><link rel="icon" href="data:,"><script type="module" src="main.js"></script>';
  const own = { "/": { type: "text/html", body: page }, "/main.js": { type: "text/javascript", body: module } };
  const host = await serve({ folder: join(npmFolder, "dist"), own });
  t.after(() => host.stop());
  const browser = await launch();
  t.after(() => browser.close());
  const opened = await open(browser, host.url);
  await opened.page.waitForFunction(() => globalThis.told).catch(() => {});
  assert.equal(await opened.page.evaluate(() => globalThis.told), "ok", opened.wrong.join("\n"));
  // The browser itself prints each answer of 429.
  assert.deepEqual(opened.wrong.filter((line) => !line.includes("status of 429")), []);
  await left("browser");
});

/** How each serves what `gateway.fetch` answers. */
const SERVE = {
  bun: `
    const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: gateway.fetch });
    const [url, stop] = [server.url, () => server.stop(true)];`,
  deno: `
    const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, gateway.fetch);
    const [url, stop] = ["http://127.0.0.1:" + server.addr.port, () => server.shutdown()];`,
};
const ASK = `
  const messages = [{ role: "user", content: "one two three" }];
  for (const stream of [false, true]) {
    const body = JSON.stringify({ model: "mock/echo", messages, stream });
    const headers = { "content-type": "application/json" };
    const answer = await fetch(new URL("/v1/chat/completions", url), { method: "POST", headers, body });
    const text = await answer.text();
    console.log(answer.status, stream ? text.endsWith("data: [DONE]\\n\\n") : JSON.parse(text).choices[0].message.content);
  }`;

for (const [name, { program, args }] of Object.entries(beside)) {
  const skip = program ? false : `there is no ${name} for this machine`;
  const runs = async (text) => {
    write("package.json", '{"private": true}');
    const { code, stdout, output } = await run(program, [...args, write(`${name}.mjs`, text)], { cwd: project });
    assert.equal(code, 0, output);
    return stdout;
  };

  test(name, { skip }, async () => {
    assert.equal(await runs(`import { ${NAMES} } from "tollgate";\n${DO}\nconsole.log(await all("${name}"));`), "ok\n");
    await left(name);
  });

  test(`a server of ${name}'s`, { skip }, async () => {
    const gateway = 'import { Gateway } from "tollgate"; const gateway = new Gateway({ open: true });';
    assert.equal(await runs(`${gateway}${SERVE[name]}${ASK}\nawait stop();\nawait gateway.close();`), "200 one two three\n200 true\n");
  });
}
