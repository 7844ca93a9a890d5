// Promise 8: the same request, configuration, clock and seed give the same bytes upstream, the same decisions and the same
// cost natively, in the npm package (in Node, Chromium, Bun, Deno and workerd) and in the Worker, over all fixtures.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";

import { npmFolder, root } from "../../scripts/place.mjs";
import { run } from "../../scripts/process.mjs";
import { launch, open, serve } from "../page/page.mjs";
import { ownWorker } from "./own-worker.mjs";
import { Gateway } from "./package.mjs";
import { askAll } from "./parity/ask.js";
import { asked, withoutChance } from "./parity/worker.mjs";
import { runtimes } from "./runtimes.mjs";

const ASK = join(root, "tests", "npm", "parity", "ask.js");
const folder = mkdtempSync(join(tmpdir(), "tollgate-parity-"));
after(() => rmSync(folder, { recursive: true, force: true }));
mkdirSync(join(folder, "node_modules"));
symlinkSync(npmFolder, join(folder, "node_modules", "tollgate"), "junction");
writeFileSync(join(folder, "package.json"), '{"private": true}');

/** What tests/parity.rs saw. */
async function natively(env) {
  const file = join(folder, "parity.jsonl");
  const { code, output } = await run("cargo", ["test", "--locked", "--test", "parity"], {
    cwd: root,
    env: { PARITY_OUT: file, ...env },
  });
  assert.equal(code, 0, output);
  return parsed(readFileSync(file, "utf8").trimEnd());
}

const parsed = (lines) => lines.split("\n").map((line) => JSON.parse(line));
const written = (all) => all.map((one) => JSON.stringify(one)).join("\n");

const native = await natively();
const beside = await runtimes();
// A program has no bindings: there the gateway says what is missing. The Worker has one.
const unbound = native.filter(({ sent }) => sent.every(({ url }) => !url.startsWith("binding:")));

/** Fields as the platform shows them: sorted, those of one name joined. */
function fields(pairs) {
  const headers = new Headers();
  for (const [name, value] of pairs) headers.append(name, value);
  return [...headers];
}

const text = (hex) => Buffer.from(hex, "hex").toString();

/** Fails unless the outcomes are those of the cases, and most of the cases went upstream. */
function same(outcomes, cases) {
  assert.ok(cases.length > 850, `only ${cases.length} cases`);
  assert.equal(outcomes.length, cases.length);
  let went = 0;
  for (const [index, { name, sent, status, headers, body }] of cases.entries()) {
    const got = outcomes[index];
    assert.equal(got.name, name);
    assert.deepEqual(got.sent, sent, `${name}: what goes upstream`);
    assert.equal(got.status, status, `${name}: the status`);
    assert.deepEqual(fields(got.headers), fields(headers), `${name}: the headers, and so the decision and the cost`);
    assert.equal(text(got.body), text(body), `${name}: the body`);
    went += sent.length;
  }
  assert.ok(went > cases.length * 0.9, `only ${went} requests went upstream`);
}

test("the package in Node does what the native core does with every fixture", async () => {
  same(parsed(await askAll(Gateway, written(unbound))), unbound);
});

test("the package in Chromium does it too", async () => {
  const own = {
    "/": { type: "text/html", body: "<!doctype html><title>parity</title><link rel=icon href=data:,>" },
    "/cases": { type: "text/plain", body: written(unbound) },
    "/ask.js": { type: "text/javascript", body: readFileSync(ASK) },
  };
  const host = await serve({ folder: join(npmFolder, "dist"), own });
  const browser = await launch();
  try {
    const { page, wrong } = await open(browser, host.url);
    const outcomes = await page.evaluate(async () => {
      const [{ Gateway }, { askAll }] = await Promise.all(["browser.js", "ask.js"].map((name) => import(new URL(name, location))));
      return askAll(Gateway, await (await fetch("cases")).text());
    });
    assert.deepEqual(wrong, []);
    assert.ok(host.asked.includes("/tollgate.wasm"));
    same(parsed(outcomes), unbound);
  } finally {
    await browser.close();
    await host.stop();
  }
});

for (const [name, { program, args }] of Object.entries(beside)) {
  test(`the package in ${name} does it too`, { skip: program ? false : `there is no ${name} for this machine` }, async () => {
    writeFileSync(join(folder, "cases.jsonl"), written(unbound));
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, `
      import { readFileSync, writeFileSync } from "node:fs";
      import { Gateway } from "tollgate";
      import { askAll } from ${JSON.stringify(pathToFileURL(ASK).href)};
      writeFileSync("${name}.jsonl", await askAll(Gateway, readFileSync("cases.jsonl", "utf8")));`);
    const { code, output } = await run(program, [...args, file], { cwd: folder });
    assert.equal(code, 0, output);
    same(parsed(readFileSync(join(folder, `${name}.jsonl`), "utf8")), unbound);
  });
}

test("the package in a Worker of one's own does it too", async (t) => {
  const program = `
    import { Gateway } from "tollgate";
    import { askAll } from ${JSON.stringify(ASK)};
    export default { fetch: async (request) => new Response(await askAll(Gateway, await request.text())) };`;
  const url = await ownWorker(t, folder, program);
  const answer = await fetch(url, { method: "POST", body: written(unbound) });
  same(parsed(await answer.text()), unbound);
});

test("the Worker does it too, by its own clock and chance", async (t) => {
  // At the same time, or prices that begin on a day would differ.
  const now = Date.now();
  const cases = await natively({ PARITY_NOW: String(now) });
  // What waits (for a prediction, say) takes seconds of the scripted clock.
  const seconds = [now, now + 60_000].map((ms) => Math.floor(ms / 1000));
  const outcomes = (await asked(t, cases)).map(withoutChance);
  same(outcomes, cases.map((one) => withoutChance({ ...one, seconds })));
});
