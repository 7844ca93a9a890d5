// A trap of the wasm ends no process: who waits gets an error, and the next call has a new instance.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

import { arm } from "./trap.mjs";
import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { served } from "./command.mjs";
import { CHAT, Gateway, post, sqliteStorage } from "./package.mjs";
import { listener, says, staged, textOf, thrown, tollgate, until } from "./library.mjs";

const { InternalServerError, completion } = tollgate;
const MASTER = "sk-master-1";
const MODELS = (url) => {
  const price = { input_cost_per_token: 0.0000025, output_cost_per_token: 0.00001 };
  return [{ model_name: "*", litellm_params: { model: "openai/*", api_base: url, api_key: UPSTREAM_KEY, ...price } }];
};
const asked = (model, rest) => ({ model, messages: says("one two three"), ...rest });

const { providers, to } = await staged();

/** A gateway before the providers. */
function opened(options) {
  const lines = [];
  const config = {
    model_list: MODELS(providers.url),
    router_settings: { num_retries: 0 },
    general_settings: { master_key: MASTER },
  };
  const gateway = new Gateway({ config, log: (line) => lines.push(JSON.parse(line)), ...options });
  const ask = (path, body, key = MASTER, init) => gateway.fetch(`http://x${path}`, post(body, key, init));
  const info = async (key) => {
    const answer = await gateway.fetch(`http://x/key/info?key=${key}`, { headers: { authorization: `Bearer ${MASTER}` } });
    return (await answer.json()).info;
  };
  const made = async (limits) => (await (await ask("/key/generate", limits)).json()).key;
  return { gateway, lines, ask, info, made };
}

/** Returns when what nobody holds is collected, and its finalisers have run. */
async function collected() {
  setFlagsFromString("--expose-gc");
  const gc = runInNewContext("gc");
  for (let turn = 0; turn < 5; turn += 1) {
    gc();
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function isFailure(response) {
  assert.equal(response.status, 500);
  const { error } = await response.json();
  assert.deepEqual([error.type, error.param, error.code], ["internal_server_error", null, "500"]);
  assert.match(error.message, /has restarted, so try again/);
}

// In the call itself, in what its promises come to, and somewhere later.
for (const after of [0, 1, 3, 6]) {
  test(`who waits gets a 500, and the next call is answered: a trap after ${after} steps`, async () => {
    const { gateway, lines, ask } = opened();
    const silent = `gpt-4o--silent--trap${after}`;
    const arrived = [1, 2, 3].map(() => providers.arrived(silent));
    const waiting = [1, 2, 3].map(() => ask(CHAT, asked(silent)));
    await Promise.all(arrived);
    arm(/closures/, after);
    await isFailure(await ask(CHAT, asked("gpt-4o")));
    for (const one of await Promise.all(waiting)) await isFailure(one);
    for (const one of providers.of(silent)) assert.equal(await one.closed, "aborted");
    const failures = lines.filter(({ event }) => event === "core_failed");
    assert.deepEqual(failures.map(({ error }) => error), ["unreachable"]);
    const answer = await ask(CHAT, asked("gpt-4o"));
    assert.equal((await answer.json()).choices[0].message.content, "You said: one two three");
    assert.equal(gateway.active, 0);
    await gateway.close();
  });
}

test("streams break, and their upstreams are closed", async () => {
  const { gateway, ask } = opened();
  const [slow, holding] = ["gpt-4o--slow-20--trap", "gpt-4o--hold-2--trap"];
  const messages = says("word ".repeat(500));
  const streams = [slow, holding].map(async (model) => (await ask(CHAT, asked(model, { messages, stream: true }))).body.getReader());
  const readers = await Promise.all(streams);
  for (const reader of readers) await reader.read();
  // The wasm has no more of an answer than what reads its body: that must be enough to close it.
  await collected();
  arm(/closures/);
  await isFailure(await ask(CHAT, asked("gpt-4o")));
  for (const reader of readers) {
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, /broken off/);
  }
  for (const model of [slow, holding]) assert.equal(await providers.of(model)[0].closed, "aborted");
  assert.equal(gateway.active, 0);
  await gateway.close();
});

test("a function of the embedder's that throws inside of the wasm", async () => {
  let broken = false;
  const now = () => {
    if (broken) throw new Error("no clock");
    return 1_700_000_000_000;
  };
  const { gateway, lines, ask } = opened({ now });
  broken = true;
  await isFailure(await ask(CHAT, asked("gpt-4o")));
  // What the new instance needs is missing too: still an answer.
  await isFailure(await ask(CHAT, asked("gpt-4o")));
  assert.ok(lines.every(({ event, error }) => event === "core_failed" && error === "no clock"));
  broken = false;
  assert.equal((await ask(CHAT, asked("gpt-4o"))).status, 200);
  await gateway.close();
});

test("a log and a fetch that throw are no failure of the core", async (t) => {
  const said = t.mock.method(console, "error", () => {});
  const throws = () => {
    throw new Error("broken");
  };
  const logging = opened({ log: throws });
  assert.equal((await logging.ask(CHAT, asked("gpt-4o"))).status, 200);
  assert.ok(said.mock.callCount() > 0);
  for (const fetch of [throws, () => undefined]) {
    const { gateway, ask } = opened({ fetch });
    const answer = await ask(CHAT, asked("gpt-4o"));
    assert.match((await answer.json()).error.message, /the upstream could not be reached/);
    await gateway.close();
  }
  await logging.gateway.close();
});

function file(t) {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-failure-"));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, "tollgate.db");
}

test("keys and spend outlive it, and what was reserved is settled", async (t) => {
  const storage = sqliteStorage(file(t));
  const { gateway, ask, info, made } = opened({ storage });
  const key = await made({ max_budget: 1 });
  const one = await ask(CHAT, asked("gpt-4o"), key);
  const price = Number(one.headers.get("x-litellm-response-cost"));
  assert.equal((await info(key)).spend, price);
  const reader = (await ask(CHAT, asked("gpt-4o--hold-2--kept", { stream: true, max_tokens: 50 }), key)).body.getReader();
  await reader.read();
  const open = () => {
    const [[object]] = storage.run("SELECT object FROM alarm WHERE object LIKE 'api_key:%'", []);
    return storage.run(`SELECT seq FROM "${object}/request" WHERE closing IS NULL`, []).length;
  };
  assert.equal(open(), 1);
  arm(/closures/);
  await isFailure(await ask(CHAT, asked("gpt-4o"), key));
  await assert.rejects(reader.read());
  const { spend } = await info(key);
  assert.equal(open(), 0);
  // The stream counts as what it had reserved: 50 tokens of output, and its prompt.
  assert.ok(spend > price + 50 * 0.00001 && spend < price + 100 * 0.00001, `${spend} after ${price}`);
  const again = await ask(CHAT, asked("gpt-4o"), key);
  assert.equal(again.status, 200);
  assert.equal((await info(key)).spend, Number((spend + price).toFixed(10)));
  await gateway.close();
});

test("a step that was half written is taken back", async (t) => {
  const storage = sqliteStorage(file(t));
  const run = storage.run.bind(storage);
  let broken = false;
  storage.run = (query, values) => {
    if (!broken || !query.startsWith("INSERT INTO outbox")) return run(query, values);
    broken = false;
    // The glue tells the wasm of the exception by this export: from there the trap goes through the wasm.
    arm(/exn_store/);
    throw new Error("broken");
  };
  const { gateway, ask } = opened({ storage });
  assert.equal((await ask("/key/generate", { key_alias: "whole" })).status, 200);
  broken = true;
  await isFailure(await ask("/key/generate", { key_alias: "half" }));
  assert.equal((await ask("/key/generate", { key_alias: "whole" })).status, 400, "what was whole is there");
  assert.equal((await ask("/key/generate", { key_alias: "half" })).status, 200, "nothing of the other was left");
  await gateway.close();
});

test("what the ledgers have to do at a time is done by the next instance", async (t) => {
  let [time, pace] = [1_700_000_000_000, 0];
  const storage = sqliteStorage(file(t));
  const { gateway, lines, ask, made } = opened({ storage, now: () => (time += pace) });
  const key = await made({ max_budget: 1 });
  await ask(CHAT, asked("gpt-4o"), key);
  await storage.durable();
  const [[object, at]] = storage.run("SELECT object, at_ms FROM alarm WHERE object LIKE 'api_key:%'", []);
  const marks = () => storage.run(`SELECT row FROM "${object}/mark"`, []).length;
  assert.equal(marks(), 0);
  // From here on each look at the clock finds the time past.
  [time, pace] = [at, 6_000];
  arm(/gateway_alarm/);
  // Another key's ledger: the call itself does nothing of this one's, but sets the timer.
  await made({});
  await until(marks);
  assert.deepEqual(lines.filter(({ event }) => event).map(({ event }) => event), ["core_failed"]);
  await gateway.close();
});

test("the library: calls are rejected by its own error, streams break, and the next call is answered", async () => {
  const silent = "openai/gpt-4o--silent--library";
  const arrived = providers.arrived("gpt-4o--silent--library");
  const waiting = thrown(completion(to(silent)));
  await arrived;
  const { heard, ...callbacks } = listener();
  const stream = await completion(to("openai/gpt-4o--hold-2--library", { stream: true, ...callbacks }));
  const text = thrown(textOf(stream));
  await until(() => providers.of("gpt-4o--hold-2--library").length);
  arm(/closures/);
  const error = await thrown(completion(to("openai/gpt-4o")));
  for (const one of [error, await waiting]) {
    assert.ok(one instanceof InternalServerError, one.stack);
    assert.equal(one.status, 500);
  }
  assert.match((await text).message, /broke/);
  await until(() => heard.length === 2);
  assert.deepEqual(heard.map(([name, { status }]) => [name, status]), [["failure", "failure"], ["event", "failure"]]);
  const answer = await completion(to("openai/gpt-4o"));
  assert.equal(answer.choices[0].message.content, "You said: one two three");
  assert.equal((await tollgate.getModelInfo("gpt-4o")).max_input_tokens, 128_000);
});

const windows = process.platform === "win32" && "no signal tells the process";

test("tollgate serve goes on", { skip: windows }, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "tollgate-failure-"));
  const env = { NODE_OPTIONS: `--import ${new URL("trap.mjs", import.meta.url).href}` };
  writeFileSync(join(folder, "config.yaml"), JSON.stringify({ model_list: MODELS(providers.url) }));
  const { url, child, ended, said } = await served([], { cwd: folder, env });
  t.after(async () => {
    child.kill("SIGKILL");
    await ended;
    rmSync(folder, { recursive: true });
  });
  const ask = (model, rest) => fetch(url + CHAT, post(asked(model, rest)));
  const reader = (await ask("gpt-4o--hold-2--served", { stream: true })).body.getReader();
  await reader.read();
  child.kill("SIGUSR2");
  const failed = /"event":"core_failed","error":"unreachable"/;
  // The trap is in one of these calls, or between two of them.
  for (let turn = 0; !failed.test(said()); turn++) {
    assert.ok(turn < 500, "nothing trapped");
    const answer = await ask("gpt-4o");
    if (answer.status === 200) await answer.text();
    else await isFailure(answer);
  }
  await assert.rejects(async () => {
    while (!(await reader.read()).done);
  });
  const answer = await ask("gpt-4o");
  assert.equal(answer.status, 200);
  await answer.text();
  child.kill("SIGTERM");
  assert.equal(await ended, 0);
});
