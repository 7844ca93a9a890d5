// Keys, budgets and spend in a SQLite file: they outlive the gateway, and nothing is answered that is not on the disk.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { CHAT, Gateway, post, sqliteStorage } from "./package.mjs";

const MASTER = "sk-master-1";
const CONFIG = {
  model_list: [{ model_name: "gpt", litellm_params: { model: "openai/gpt-4o", mock_response: "hello" } }],
  general_settings: { master_key: MASTER },
};
const BODY = { model: "gpt", messages: [{ role: "user", content: "hello" }] };

function file(t) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-sqlite-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "tollgate.db");
}

function opened(storage, options) {
  const gateway = new Gateway({ config: CONFIG, storage, ...options });
  const ask = (path, body, key = MASTER) => gateway.fetch(`http://x${path}`, post(body, key));
  const info = async (key) => {
    const answer = await gateway.fetch(`http://x/key/info?key=${key}`, { headers: { authorization: `Bearer ${MASTER}` } });
    return (await answer.json()).info;
  };
  return { gateway, ask, info };
}

const made = async (ask, limits) => (await (await ask("/key/generate", limits)).json()).key;

test("keys, limits and spend outlive the gateway", async (t) => {
  const path = file(t);
  const first = opened(sqliteStorage(path));
  const key = await made(first.ask, { max_budget: 1, key_alias: "mine" });
  assert.equal((await first.ask(CHAT, BODY, key)).status, 200);
  const { spend } = await first.info(key);
  assert.ok(spend > 0);
  await first.gateway.close();

  const second = opened(sqliteStorage(path));
  const again = await second.info(key);
  assert.deepEqual([again.spend, again.key_alias, again.max_budget], [spend, "mine", 1]);
  assert.equal((await second.ask("/key/block", { key })).status, 200);
  await second.gateway.close();

  const third = opened(sqliteStorage(path));
  assert.equal((await third.ask(CHAT, BODY, key)).status, 401);
  assert.equal((await third.ask("/key/generate", { key_alias: "mine" })).status, 400, "the alias is taken");
  await third.gateway.close();
});

test("a file belongs to one gateway at a time", async (t) => {
  const path = file(t);
  const storage = sqliteStorage(path);
  assert.throws(() => sqliteStorage(path), /is in use by another gateway: stop it, or name another file/);
  const { gateway } = opened(storage);
  assert.throws(() => opened(storage), /belongs to another gateway/);
  await gateway.close();
  sqliteStorage(path).close();
});

test("what could not be written is no answer, and is not remembered", async (t) => {
  const storage = sqliteStorage(file(t));
  let fail = false;
  const lines = [];
  // A disk that is full when the transaction is to be committed: SQLite has rolled it back.
  const failing = {
    run: (query, values) => storage.run(query, values),
    begin: () => storage.begin(),
    end: () => (fail ? storage.undo() : storage.end()),
    undo: () => storage.undo(),
    durable: async () => {
      await storage.durable();
      if (fail) throw new Error("disk full");
    },
    close: () => storage.close(),
  };
  const { gateway, ask, info } = opened(failing, { log: (line) => lines.push(line) });
  const key = await made(ask, { max_budget: 1 });
  await ask(CHAT, BODY, key);
  const { spend } = await info(key);
  fail = true;
  const refused = await ask(CHAT, BODY, key);
  assert.equal(refused.status, 503);
  assert.ok(!/disk/.test(await refused.text()), "the reason is the operator's");
  assert.ok(lines.some((line) => /storage_failed/.test(line) && /disk full/.test(line)));
  assert.equal((await ask("/key/generate", { key_alias: "lost" })).status, 503);
  fail = false;
  assert.equal((await info(key)).spend, spend, "a reservation that was not written holds nothing");
  assert.equal((await ask(CHAT, BODY, key)).status, 200);
  assert.equal((await info(key)).spend, Number((2 * spend).toFixed(10)));
  assert.equal((await ask("/key/generate", { key_alias: "lost" })).status, 200);
  await gateway.close();
});

test("a statement that fails takes back its whole step", async (t) => {
  const storage = sqliteStorage(file(t));
  let broken = false;
  const run = storage.run.bind(storage);
  storage.run = (query, values) => {
    if (broken && query.startsWith("INSERT INTO outbox")) throw new Error("broken");
    return run(query, values);
  };
  const { gateway, ask } = opened(storage);
  broken = true;
  assert.equal((await ask("/key/generate", { key_alias: "half" })).status, 503);
  broken = false;
  assert.equal((await ask("/key/generate", { key_alias: "half" })).status, 200, "nothing of it was left");
  await gateway.close();
});

test("what is due is done by the alarm, at the time of the gateway's clock", async (t) => {
  let now = 1_700_000_000_000;
  const storage = sqliteStorage(file(t));
  const { gateway, ask } = opened(storage, { now: () => now });
  const key = await made(ask, { max_budget: 1 });
  await ask(CHAT, BODY, key);
  await storage.durable();
  const alarms = () => storage.run("SELECT object, at_ms FROM alarm WHERE object LIKE 'api_key:%'", []);
  const [[object, at]] = alarms();
  assert.equal(at, now + 60_000, "the sums are written a minute after a change");
  assert.deepEqual(storage.run(`SELECT row FROM "${object}/mark"`, []), []);
  // Any call sets the timer anew; the clock has passed the time.
  now += 60_001;
  await ask(CHAT, BODY, key);
  for (let turn = 0; !storage.run(`SELECT row FROM "${object}/mark"`, []).length; turn++) {
    assert.ok(turn < 200, "no snapshot was written");
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await gateway.close();
});

test("close cuts off what does not end, and settles it", async (t) => {
  const path = file(t);
  const config = { ...CONFIG, model_list: [{ model_name: "gpt", litellm_params: { model: "openai/gpt-4o", api_key: "sk-x" } }] };
  let aborted = false;
  // An upstream that never answers.
  const upstream = (_, { signal }) => {
    signal.addEventListener("abort", () => (aborted = true));
    return new Promise(() => {});
  };
  const first = opened(sqliteStorage(path), { config, fetch: upstream });
  const key = await made(first.ask, { max_budget: 1 });
  const asked = first.ask(CHAT, { ...BODY, max_tokens: 1000 }, key);
  while (!first.gateway.active) await new Promise((resolve) => setTimeout(resolve, 1));
  await first.gateway.close({ timeout: 20 });
  assert.ok(aborted);
  assert.equal((await asked).status, 499);
  const storage = sqliteStorage(path);
  const [[object]] = storage.run("SELECT object FROM alarm WHERE object LIKE 'api_key:%'", []);
  assert.deepEqual(storage.run(`SELECT seq FROM "${object}/request" WHERE closing IS NULL`, []), []);
  storage.close();
});
