// tollgate serve: clients that leave and are slow, an end by SIGTERM, and one by SIGKILL under load.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createRequire } from "node:module";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { startProviders } from "../worker/upstream.mjs";
import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { command, served } from "./command.mjs";
import { CHAT, post } from "./package.mjs";

const MASTER = "sk-master-1";
const says = [{ role: "user", content: "one two three four five six" }];

/** A folder with a configuration before the providers. */
async function scene(t) {
  const upstream = await startProviders();
  const folder = mkdtempSync(join(tmpdir(), "tollgate-serve-"));
  // The names of models tell the upstream how to behave: nobody has a price of them.
  const price = { input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001 };
  const params = { model: "openai/*", api_base: upstream.url, api_key: UPSTREAM_KEY, ...price };
  const config = {
    model_list: [{ model_name: "*", litellm_params: params }],
    router_settings: { num_retries: 0 },
    general_settings: { master_key: MASTER },
  };
  writeFileSync(join(folder, "config.yaml"), JSON.stringify(config));
  const running = [];
  const start = async (...args) => {
    const gateway = await served(args, { cwd: folder });
    running.push(gateway);
    const ask = (path, body, key = MASTER, init) => fetch(gateway.url + path, post(body, key, init));
    const made = async (limits) => (await (await ask("/key/generate", limits)).json()).key;
    const info = async (key) => {
      const headers = { authorization: `Bearer ${MASTER}` };
      return (await (await fetch(`${gateway.url}/key/info?key=${key}`, { headers })).json()).info;
    };
    return { ...gateway, ask, made, info };
  };
  t.after(async () => {
    for (const { child, ended } of running) {
      child.kill("SIGKILL");
      await ended;
    }
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  return { upstream, folder, start };
}

test("a client that hangs up closes the upstream", async (t) => {
  const { upstream, start } = await scene(t);
  const { ask } = await start("--data", "memory");
  for (const stream of [true, false]) {
    const model = stream ? "gpt-4o--hold-1--left" : "gpt-4o--silent--left";
    const control = new AbortController();
    const arrived = upstream.arrived(model);
    const asked = ask(CHAT, { model, messages: says, stream }, MASTER, { signal: control.signal });
    asked.catch(() => {});
    const seen = await arrived;
    if (stream) await (await asked).body.getReader().read();
    control.abort();
    // Nothing is reserved for the master key, and still nobody pays for an answer that no one waits for.
    assert.equal(await seen.closed, "aborted");
  }
});

test("SIGTERM: streams end whole, new calls are refused, the exit code is 0", async (t) => {
  const { start } = await scene(t);
  const { ask, child, ended, url } = await start();
  const stream = await ask(CHAT, { model: "gpt-4o--slow-100--term", messages: says, stream: true });
  const text = stream.text();
  child.kill("SIGTERM");
  // The listener is closed at once: from then on there is no connection to be had.
  for (let turn = 0; turn < 200; turn++) {
    const open = await fetch(`${url}/health/liveliness`, { headers: { connection: "close" } }).catch(() => undefined);
    if (!open || open.status === 503) break;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await assert.rejects(ask(CHAT, { model: "gpt-4o", messages: says }));
  assert.match(await text, /\[DONE\]/);
  assert.equal(await ended, 0);
});

test("SIGTERM with a grace of 0 cuts what is open, and settles it", async (t) => {
  const { start, folder } = await scene(t);
  const { ask, made, child, ended } = await start("--grace", "0");
  const key = await made({ max_budget: 1 });
  const stream = await ask(CHAT, { model: "gpt-4o--hold-2--cut", messages: says, stream: true }, key);
  assert.equal(stream.status, 200);
  const reader = stream.body.getReader();
  await reader.read();
  child.kill("SIGTERM");
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
  assert.equal(await ended, 0);
  assert.deepEqual(open(folder), []);
  const again = await start();
  const { spend } = await again.info(key);
  assert.ok(spend > 0 && spend < 0.01, `${spend} is spent`);
});

/** A column of the ledgers' logs in the data of a folder. */
function rows(folder, condition, column) {
  const { DatabaseSync } = createRequire(import.meta.url)("node:sqlite");
  const db = new DatabaseSync(join(folder, ".tollgate", "tollgate.db"));
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name LIKE '%/request'").all();
  const found = tables.flatMap(({ name }) => db.prepare(`SELECT ${column} FROM "${name}" WHERE ${condition}`).all());
  db.close();
  return found;
}

/** Reservations that are open in the data of a folder. */
const open = (folder) => rows(folder, "closing IS NULL", "open");

test("kill -9 under 32 streams loses no settled spend and leaves no reservation open", async (t) => {
  const { start, folder } = await scene(t);
  const first = await start();
  const [settled, streaming] = [await first.made({ max_budget: 100 }), await first.made({ max_budget: 100 })];
  const whole = { model: "gpt-4o", messages: says };
  const one = await first.ask(CHAT, whole, settled);
  const price = Number(one.headers.get("x-litellm-response-cost"));
  assert.ok(price > 0);
  await one.text();
  const readers = await Promise.all(
    Array.from({ length: 32 }, async (_, n) => {
      const body = { model: `gpt-4o--hold-3--kill${n}`, messages: says, stream: true, max_tokens: 50 };
      const answer = await first.ask(CHAT, body, streaming);
      assert.equal(answer.status, 200);
      const reader = answer.body.getReader();
      await reader.read();
      return reader;
    }),
  );
  let seen = 1;
  let alive = true;
  const load = Array.from({ length: 4 }, async () => {
    while (alive) {
      const answer = await first.ask(CHAT, whole, settled).catch(() => undefined);
      if (!answer) return;
      // The head says that it is settled.
      if (answer.status === 200) seen += 1;
      await answer.text().catch(() => {});
    }
  });
  while (seen < 40) await new Promise((resolve) => setTimeout(resolve, 5));
  first.child.kill("SIGKILL");
  alive = false;
  assert.equal(await first.ended, "SIGKILL");
  await Promise.all(load);
  for (const reader of readers) reader.cancel().catch(() => {});
  const left = open(folder);
  assert.ok(left.length >= 32, `${left.length} were open when it died`);

  const second = await start();
  const { spend } = await second.info(settled);
  // What was answered is there to the last digit; a call that died on its way counts as what it had reserved.
  assert.ok(spend >= Number((seen * price).toFixed(10)), `${spend} of ${seen} × ${price}`);
  const streams = (await second.info(streaming)).spend;
  assert.ok(streams > 32 * 50 * 0.00001 * 0.99, `${streams} for what 32 streams had reserved`);
  second.child.kill("SIGTERM");
  assert.equal(await second.ended, 0);
  assert.deepEqual(open(folder), []);

  const third = await start();
  assert.equal((await third.info(settled)).spend, spend, "no restart counts anything twice");
  assert.equal((await third.info(streaming)).spend, streams);
});

/** Reads a stream to its end, and answers its cost; undefined where it broke off. */
async function costOf(answer) {
  let text = "";
  try {
    for await (const piece of answer.body.pipeThrough(new TextDecoderStream())) text += piece;
  } catch {
    return undefined;
  }
  const events = text.split("\n\n");
  return events.at(-2) === "data: [DONE]" ? JSON.parse(events.at(-3).slice(6)).usage.cost : undefined;
}

test("kill -9 again and again while 32 streams come and go: each that ended is counted, none stays open", async (t) => {
  const { start, folder } = await scene(t);
  const seen = { ended: 0, cost: 0, broken: 0 };
  let key;
  for (let round = 1; round <= 3; round++) {
    const gateway = await start();
    key ??= await gateway.made({ max_budget: 100 });
    let alive = true;
    // Streams of many lengths, so that each moment finds some at their beginning, in the middle and while they settle.
    const body = (n) => ({ model: `gpt-4o--chunks-${1 + (n % 40)}--round${round}`, messages: says, stream: true, max_tokens: 50 });
    const load = Array.from({ length: 32 }, async (_, client) => {
      for (let turn = 0; alive; turn++) {
        const asked = { ...body(client + turn), stream_options: { include_usage: true } };
        const answer = await gateway.ask(CHAT, asked, key).catch(() => undefined);
        const cost = answer && (await costOf(answer));
        if (cost === undefined) seen.broken += 1;
        else [seen.ended, seen.cost] = [seen.ended + 1, seen.cost + cost];
      }
    });
    const enough = round * 150;
    while (seen.ended < enough) await new Promise((resolve) => setTimeout(resolve, 1));
    gateway.child.kill("SIGKILL");
    alive = false;
    assert.equal(await gateway.ended, "SIGKILL");
    await Promise.all(load);
    assert.ok(open(folder).length > 0, "it died at work");

    // It is the start that settles, not an orderly end.
    const next = await start();
    const { spend } = await next.info(key);
    next.child.kill("SIGKILL");
    await next.ended;
    assert.deepEqual(open(folder), []);
    // What a stream that broke off had reserved: 50 tokens, and its prompt at the most that its bytes can be.
    const most = seen.broken * (50 * 0.00001 + 80 * 0.0000025);
    assert.ok(spend > seen.cost - 1e-9 && spend < seen.cost + most, `${spend} after ${JSON.stringify(seen)}`);
    const logged = rows(folder, "closing IS NOT NULL", "closing").reduce((sum, { closing }) => sum + Number(JSON.parse(closing).charged), 0);
    assert.ok(Math.abs(logged / 1e12 - spend) < 1e-9, `${logged} in the log, ${spend} in all`);
  }
});

test("a slow client slows the upstream", async (t) => {
  const { upstream, start } = await scene(t);
  const { url } = await start("--data", "memory");
  const model = "gpt-4o--chunks-200000--slow";
  const body = JSON.stringify({ model, messages: says, stream: true });
  const headers = { "content-type": "application/json", authorization: `Bearer ${MASTER}` };
  const response = await new Promise((resolve, reject) => {
    request(`${url}${CHAT}`, { method: "POST", headers }, resolve).on("error", reject).end(body);
  });
  response.pause();
  await new Promise((resolve) => response.once("readable", resolve));
  const [seen] = upstream.of(model);
  const state = await Promise.race([seen.closed, new Promise((resolve) => setTimeout(resolve, 500, "open"))]);
  assert.equal(state, "open", "all was taken from the upstream for a client that does not read");
  response.destroy();
  assert.equal(await seen.closed, "aborted");
});

test("what cannot be served is one line with its mend", async (t) => {
  const { folder, start } = await scene(t);
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => server.close());
  const { port } = server.address();
  const taken = await command(["--data", "memory", "--port", String(port)], { cwd: folder });
  assert.equal(taken.code, 1);
  assert.equal(taken.stderr, `error: port ${port} is in use by another program; try --port ${port + 1}\n`);
  await start();
  const locked = await command(["--port", "0"], { cwd: folder });
  assert.equal(locked.code, 1);
  assert.match(locked.stderr, /^error: \S+tollgate\.db is in use by another gateway: stop it, or name another file\n$/);
});

test("on an address of the network it wants a key", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-serve-"));
  const gateway = await served(["--host", "0.0.0.0", "--data", "memory"], { cwd: folder });
  t.after(async () => {
    gateway.child.kill("SIGKILL");
    await gateway.ended;
    rmSync(folder, { recursive: true });
  });
  assert.match(gateway.said(), /on 0\.0\.0\.0 the gateway refuses every request/);
  const url = gateway.url.replace("0.0.0.0", "127.0.0.1");
  assert.equal((await fetch(`${url}${CHAT}`, post({ model: "mock/echo", messages: says }))).status, 401);
});
