// Budgets on workerd: keys made over the management API, money counted by the Durable Object, crashes and all.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startGateway, startUpstream } from "./gateway.mjs";

const MASTER = "sk-master-key-for-tests";
/** What an answer of the upstream costs: 10 tokens in at a milli-dollar, 20 out at two. */
const COST = 0.05;

function deployment(name, model, base) {
  const params = { model, api_base: base, api_key: "k", input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
  return { model_name: name, litellm_params: params };
}

function config(base, more = {}) {
  return {
    model_list: [deployment("m", "openai/own", base), deployment("down", "openai/down", base)],
    general_settings: { master_key: MASTER, reservation_hold_seconds: 1, ...more.general },
    router_settings: { num_retries: 0, fallbacks: [{ down: ["m"] }] },
  };
}

const chunk = (delta, finish = null) =>
  `data: ${JSON.stringify({ id: "1", object: "chat.completion.chunk", created: 1, model: "own", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };

/** An upstream that answers whole or streamed; `down` fails, and a prompt that says "endless" never ends. */
function upstream() {
  return startUpstream((request, response, seen) => {
    const body = JSON.parse(seen.body);
    if (body.model === "down") {
      response.writeHead(500, { "content-type": "application/json" });
      return response.end('{"error":{"message":"down"}}');
    }
    if (!body.stream) {
      response.writeHead(200, { "content-type": "application/json" });
      const choices = [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }];
      return response.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "own", choices, usage }));
    }
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk({ role: "assistant", content: "four bytes a token. " }));
    if (seen.body.includes("endless")) return undefined;
    response.write(chunk({}, "stop"));
    return response.end(`data: ${JSON.stringify({ id: "1", choices: [], usage })}\n\ndata: [DONE]\n\n`);
  });
}

async function start(t, more) {
  const server = await upstream();
  t.after(() => server.stop());
  const gateway = await startGateway({ config: config(server.url, more) });
  t.after(() => gateway.stop());
  const call = async (path, { key = MASTER, body, method = body ? "POST" : "GET", signal } = {}) => {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    return fetch(`${gateway.url}${path}`, { method, headers, body: body && JSON.stringify(body), signal });
  };
  const json = async (path, options) => {
    const answer = await call(path, options);
    return { status: answer.status, headers: answer.headers, body: await answer.json() };
  };
  const chat = (key, model = "m", more = {}) =>
    call("/v1/chat/completions", { key, body: { model, max_tokens: 20, messages: [{ role: "user", content: "hi" }], ...more } });
  const makeKey = async (body) => {
    const made = await json("/key/generate", { body });
    assert.equal(made.status, 200, JSON.stringify(made.body));
    return made.body.key;
  };
  const spend = async (key) => (await json(`/key/info?key=${key}`)).body.info.spend;
  return { gateway, server, call, json, chat, makeKey, spend };
}

const near = (got, want) => assert.ok(Math.abs(got - want) < 1e-9, `${got} is not ${want}`);

/** Waits until `holds` is true of what `read` gives, for at most 20 seconds. */
async function eventually(read, holds, what) {
  for (let round = 0; round < 200; round += 1) {
    const value = await read();
    if (holds(value)) return value;
    await new Promise((done) => setTimeout(done, 100));
  }
  throw new Error(`never happened: ${what}`);
}

async function hundredAtOnce(t, ask) {
  const { chat, makeKey, spend } = await start(t);
  // Not enough for a ninth, and enough to reserve the eighth, whose bound is above what it will cost.
  const budget = 9 * COST - 0.001;
  const key = await makeKey({ max_budget: budget });
  let served = 0;
  // Rounds of 100: what was reserved and not used comes back, until the budget is really spent.
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(Array.from({ length: 100 }, () => ask(chat, key)));
    const good = answers.filter((answer) => answer.status === 200);
    await Promise.all(answers.map((answer) => answer.text()));
    served += good.length;
    assert.ok(answers.every((answer) => [200, 429].includes(answer.status)), `${answers.map((answer) => answer.status)}`);
    assert.ok(served * COST <= budget, `${served} were served on a budget for 8`);
    if (good.length === 0) break;
  }
  assert.equal(served, 8, "what the budget pays is served");
  near(await spend(key), served * COST);
  const ninth = await ask(chat, key);
  assert.equal(ninth.status, 429);
  const error = (await ninth.json()).error;
  assert.equal(error.type, "budget_exceeded");
  assert.match(error.message, /Budget has been exceeded!/);
}

test("100 at once on a budget for 8: no more is admitted than the budget pays", async (t) => {
  await hundredAtOnce(t, (chat, key) => chat(key));
});

test("the same with streams", async (t) => {
  await hundredAtOnce(t, (chat, key) => chat(key, "m", { stream: true }));
});

test("the same with a fallback in every call", async (t) => {
  await hundredAtOnce(t, (chat, key) => chat(key, "down"));
});

test("spend shows at once, and survives a restart", async (t) => {
  const { gateway, chat, makeKey, spend } = await start(t);
  const key = await makeKey({ max_budget: 1, key_alias: "survivor" });
  const answer = await chat(key);
  assert.equal(answer.headers.get("x-litellm-key-spend"), "0.05");
  near(await spend(key), COST);
  await gateway.restart();
  near(await spend(key), COST);
  assert.equal((await chat(key)).status, 200, "a key survives a restart");
  near(await spend(key), 2 * COST);
});

test("a gateway that is killed in mid-stream loses no spend", async (t) => {
  const { gateway, chat, makeKey, spend } = await start(t);
  const key = await makeKey({ max_budget: 1 });
  const answer = await chat(key, "m", { stream: true, messages: [{ role: "user", content: "endless" }] });
  const reader = answer.body.getReader();
  await reader.read();
  await gateway.kill();
  await reader.read().catch(() => {});
  await gateway.restart();
  // The alarm settles what its owner cannot: at what was reserved or last reported, never at nothing.
  const spent = await eventually(() => spend(key), (value) => value > 0, "the reservation was settled");
  assert.ok(spent <= 1, `${spent}`);
  assert.equal((await chat(key)).status, 200);
  near(await spend(key), spent + COST);
});

test("a client that leaves in mid-stream pays for what was delivered", async (t) => {
  const { server, chat, makeKey, spend, call } = await start(t);
  const key = await makeKey({ max_budget: 1 });
  const control = new AbortController();
  const body = { model: "m", max_tokens: 20, stream: true, messages: [{ role: "user", content: "endless" }] };
  const answer = await call("/v1/chat/completions", { key, body, signal: control.signal });
  await answer.body.getReader().read();
  control.abort();
  assert.equal(await server.requests[0].closed, "aborted");
  const spent = await eventually(() => spend(key), (value) => value > 0, "the call was settled");
  // 20 bytes of answer are 5 tokens at two milli-dollars; the short prompt is some tokens at one.
  assert.ok(spent > 0.01 && spent < 0.03, `${spent}`);
  assert.equal((await chat(key)).status, 200);
  near(await spend(key), spent + COST);
});

test("a blocked or deleted key is refused at once", async (t) => {
  const { chat, json, makeKey } = await start(t);
  const key = await makeKey({});
  assert.equal((await chat(key)).status, 200);
  assert.equal((await json("/key/block", { body: { key } })).status, 200);
  assert.equal((await chat(key)).status, 401);
  assert.equal((await json("/key/unblock", { body: { key } })).status, 200);
  assert.equal((await chat(key)).status, 200);
  assert.equal((await json("/key/delete", { body: { keys: [key] } })).status, 200);
  assert.equal((await chat(key)).status, 401);
});

test("a team's budget holds over 20 keys, and shows in every report", async (t) => {
  const { chat, json, makeKey } = await start(t);
  const team = await json("/team/new", { body: { team_alias: "backend-team", team_id: "team-backend", max_budget: 9 * COST - 0.001 } });
  assert.equal(team.status, 200, JSON.stringify(team.body));
  const keys = await Promise.all(Array.from({ length: 20 }, () => makeKey({ team_id: "team-backend" })));
  let served = 0;
  for (let round = 0; round < 10; round += 1) {
    const answers = await Promise.all(keys.flatMap((key) => [chat(key), chat(key), chat(key)]));
    const good = answers.filter((answer) => answer.status === 200).length;
    await Promise.all(answers.map((answer) => answer.text()));
    served += good;
    assert.ok(served <= 8, `${served} were served on a budget for 8`);
    if (good === 0) break;
  }
  assert.equal(served, 8);
  const info = await json("/team/info?team_id=team-backend");
  near(info.body.team_info.spend, 8 * COST);
  assert.equal(info.body.keys.length, 20);
  near((await json("/global/spend")).body.spend, 8 * COST);
  const today = new Date().toISOString().slice(0, 10);
  const report = await json(`/global/spend/report?start_date=${today}&end_date=${today}&group_by=team`);
  assert.equal(report.status, 200);
  assert.match(JSON.stringify(report.body), /backend-team/);
  const logs = await json(`/spend/logs?start_date=${today}&end_date=${today}&summarize=false`);
  assert.equal(logs.body.filter((row) => row.status === "success").length, 8);
});

test("the guides' requests work as they are printed", async (t) => {
  const { chat, json } = await start(t);
  const key = await json("/key/generate", {
    body: {
      models: ["gpt-4o", "claude-sonnet"], max_budget: 100, budget_duration: "monthly",
      metadata: { team: "backend", user: "developer-1" }, tpm_limit: 50000, rpm_limit: 100,
    },
  });
  assert.equal(key.status, 200);
  assert.match(key.body.key, /^sk-/);
  assert.deepEqual([key.body.max_budget, key.body.models], [100, ["gpt-4o", "claude-sonnet"]]);
  assert.equal((await chat(key.body.key)).status, 403, "m is not among its models");
  for (const [path, body] of [
    ["/key/generate", { rpm_limit: 50, tpm_limit: 20000, max_budget: 10, budget_duration: "daily" }],
    ["/team/new", { team_alias: "guide-team", team_id: "team-backend", rpm_limit: 200, tpm_limit: 80000, max_budget: 500, budget_duration: "monthly" }],
    ["/user/new", { user_id: "user-123", max_budget: 50, budget_duration: "monthly", models: ["gpt-4o-mini", "claude-sonnet"] }],
    ["/user/new", { user_id: "jane_smith" }],
    ["/user/info?user_id=user-123"],
    ["/user/info?user_id=jane_smith"],
    ["/user/daily/activity?start_date=2026-02-01&end_date=2026-02-14"],
    ["/global/spend"],
    [`/global/spend?api_key=${key.body.key}`],
    ["/global/spend?model=gpt-4o"],
    ["/team/info?team_id=team-backend"],
    ["/global/spend/logs?start_date=2026-03-01&end_date=2026-03-20"],
    ["/global/spend/report?start_date=2026-01-01&end_date=2026-02-14&group_by=team"],
    ["/model/info"],
    ["/cost/estimate", { model: "m", input_tokens: 10, output_tokens: 20 }],
  ]) {
    const answer = await json(path, { body });
    assert.equal(answer.status, 200, `${path}: ${JSON.stringify(answer.body)}`);
  }
});
