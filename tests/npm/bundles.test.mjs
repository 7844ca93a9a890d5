// The package in bundles for browsers, made in an empty project and run by Chromium: Vite's build and its server, esbuild.

import assert from "node:assert/strict";
import { cpSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";

import { createServer } from "vite";

import { packaged } from "../../scripts/place.mjs";
import { launch, open, serve } from "../page/page.mjs";
import { esbuild } from "./own-worker.mjs";
import { newProject } from "./project.mjs";

const { project, installed, must, write } = await newProject();
const browser = await launch();
after(() => browser.close());

const PAGE = '<!doctype html><title>app</title><link rel="icon" href="data:,"><script type="module" src="./main.js"></script>';
write("index.html", PAGE);
write(
  "main.js",
  `import { completion, costPerToken, tokenCounter } from "tollgate";
  const messages = [{ role: "user", content: "one two three" }];
  const answer = await completion({ model: "mock/echo", messages });
  let text = "";
  for await (const chunk of await completion({ model: "mock/echo", messages, stream: true })) text += chunk.choices[0]?.delta?.content ?? "";
  const [cost] = await costPerToken({ model: "gpt-4o", prompt_tokens: 1000 });
  const counts = await Promise.all(["gpt-4o", "gpt-4"].map((model) => tokenCounter({ model, messages })));
  globalThis.told = [answer.choices[0].message.content, text, cost, ...counts.map(({ total_tokens, exact }) => [total_tokens, exact])];`,
);

/** What the program says in a page, without an error of any kind. */
async function works(url) {
  const { page, context, wrong } = await open(browser, url);
  await page.waitForFunction(() => globalThis.told).catch(() => {});
  const told = await page.evaluate(() => globalThis.told);
  assert.deepEqual(wrong, []);
  assert.deepEqual(told, ["one two three", "one two three", 0.0025, [10, true], [10, true]]);
  await context.close();
}

const vite = (folder) => must(process.execPath, [packaged("vite", "bin", "vite.js"), "build"], { cwd: join(project, folder) });

test("vite build", async () => {
  await vite("");
  const host = await serve({ folder: join(project, "dist"), under: "" });
  try {
    await works(host.url);
    assert.ok(host.asked.some((path) => /^\/assets\/tollgate-.*\.wasm$/.test(path)), host.asked.join());
  } finally {
    await host.stop();
  }
});

test("vite build, in a worker of the page", async () => {
  write("worker/index.html", PAGE);
  write("worker/vite.config.js", 'export default { worker: { format: "es" } };');
  write("worker/worker.js", 'import "../main.js";\npostMessage(globalThis.told);');
  const start = 'new Worker(new URL("./worker.js", import.meta.url), { type: "module" })';
  write("worker/main.js", `${start}.onmessage = ({ data }) => (globalThis.told = data);`);
  await vite("worker");
  const host = await serve({ folder: join(project, "worker", "dist"), under: "" });
  try {
    await works(host.url);
  } finally {
    await host.stop();
  }
});

// It bundles packages beforehand, and serves a .gz as an encoding.
test("vite's server", async () => {
  const server = await createServer({ root: project, configFile: false, logLevel: "error", server: { host: "127.0.0.1", port: 0 } });
  await server.listen();
  try {
    await works(server.resolvedUrls.local[0]);
  } finally {
    await server.close();
  }
});

test("esbuild, with the package's files copied beside the bundle", async () => {
  const args = ["--bundle", "--format=esm", "--minify", "--outfile=web/main.js"];
  assert.equal(await esbuild(project, ["main.js", ...args]), "");
  cpSync(join(project, "index.html"), join(project, "web", "index.html"));
  for (const name of ["tollgate.wasm", "vocab"]) cpSync(installed("dist", name), join(project, "web", name), { recursive: true });
  const host = await serve({ folder: join(project, "web") });
  try {
    await works(host.url);
  } finally {
    await host.stop();
  }
});
