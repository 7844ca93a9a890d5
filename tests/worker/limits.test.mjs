// Limits of deployments on workerd: exact under 64 clients at once, counted by a Durable Object; and upstreams that die under load.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startGateway, startUpstream } from "./gateway.mjs";

const MASTER = "sk-master-key-for-tests";
const CLIENTS = 64;
const usage = { prompt_tokens: 10, completion_tokens: 20, total_tokens: 30 };
/** What an answer costs at a milli-dollar a token in and two out. */
const COST = 0.05;

function answer(response) {
  response.writeHead(200, { "content-type": "application/json" });
  const choices = [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }];
  response.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "own", choices, usage }));
}

/** An upstream that counts how many requests it serves, and how many at one time. */
async function counting(t) {
  const seen = { served: 0, now: 0, most: 0 };
  const server = await startUpstream((request, response) => {
    seen.served += 1;
    seen.now += 1;
    seen.most = Math.max(seen.most, seen.now);
    setTimeout(() => {
      seen.now -= 1;
      answer(response);
    }, 20);
  });
  t.after(() => server.stop());
  return Object.assign(seen, { server });
}

function deployment(id, base, more = {}) {
  const prices = { input_cost_per_token: 0.001, output_cost_per_token: 0.002 };
  const params = { model: "openai/own", api_base: base, api_key: "k", ...prices, ...more };
  return { model_name: "m", litellm_params: params, model_info: { id } };
}

async function start(t, deployments, router = {}) {
  const config = {
    model_list: deployments,
    general_settings: { master_key: MASTER, disable_spend_logs: true },
    router_settings: { num_retries: 0, ...router },
  };
  const gateway = await startGateway({ config });
  t.after(() => gateway.stop());
  const headers = { authorization: `Bearer ${MASTER}`, "content-type": "application/json" };
  const chat = async () => {
    const body = JSON.stringify({ model: "m", max_tokens: 20, messages: [{ role: "user", content: "hi" }] });
    const got = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body });
    await got.text();
    return { status: got.status, id: got.headers.get("x-litellm-model-id"), after: got.headers.get("retry-after") };
  };
  return { gateway, chat, headers };
}

const together = (chat) => Promise.all(Array.from({ length: CLIENTS }, chat));
const tally = (got, id) => got.filter((one) => one.id === id && one.status === 200).length;

test("rpm is exact under 64 clients, and the rest goes to the next deployment", async (t) => {
  const [limited, other] = [await counting(t), await counting(t)];
  const router = { optional_pre_call_checks: ["enforce_model_rate_limits"] };
  const list = [deployment("a", limited.server.url, { rpm: 10, weight: 1e6 }), deployment("b", other.server.url, { weight: 1 })];
  const { chat } = await start(t, list, router);
  const got = await together(chat);
  assert.ok(got.every((one) => one.status === 200), `${got.map((one) => one.status)}`);
  assert.deepEqual([tally(got, "a"), tally(got, "b"), limited.served], [10, CLIENTS - 10, 10]);
});

test("a group whose deployments are all full answers 429 with retry-after", async (t) => {
  const limited = await counting(t);
  const router = { optional_pre_call_checks: ["enforce_model_rate_limits"] };
  const { chat } = await start(t, [deployment("a", limited.server.url, { rpm: 7 })], router);
  const got = await together(chat);
  assert.equal(tally(got, "a"), 7);
  const refused = got.filter((one) => one.status === 429);
  assert.equal(refused.length, CLIENTS - 7);
  assert.ok(refused.every((one) => Number(one.after) >= 1 && Number(one.after) <= 60));
});

test("requests at one time never exceed max_parallel_requests, and places come back", async (t) => {
  const [limited, other] = [await counting(t), await counting(t)];
  const list = [
    deployment("a", limited.server.url, { max_parallel_requests: 3, weight: 1e6 }),
    deployment("b", other.server.url, { weight: 1 }),
  ];
  const { chat } = await start(t, list);
  for (let round = 0; round < 3; round += 1) {
    const got = await together(chat);
    assert.ok(got.every((one) => one.status === 200));
    assert.ok(tally(got, "a") >= 3, "places come back");
  }
  assert.equal(limited.most, 3);
});

test("a provider's budget is never exceeded by 64 clients at once", async (t) => {
  const limited = await counting(t);
  const budget = 9 * COST - 0.001;
  const router = { provider_budget_config: { openai: { budget_limit: budget, time_period: "1d" } } };
  const { gateway, chat, headers } = await start(t, [deployment("a", limited.server.url)], router);
  for (let round = 0; round < 10; round += 1) {
    const got = await together(chat);
    assert.ok(got.every((one) => [200, 429].includes(one.status)), `${got.map((one) => one.status)}`);
    assert.ok(limited.served * COST <= budget, `${limited.served} were served`);
    if (tally(got, "a") === 0) break;
  }
  const told = await (await fetch(`${gateway.url}/provider/budgets`, { headers })).json();
  assert.ok(Math.abs(told.providers.openai.spend - limited.served * COST) < 1e-9, JSON.stringify(told));
  assert.ok(limited.served >= 7, `${limited.served} were served`);
});

test("an upstream that dies under 64 clients costs none of them an answer", async (t) => {
  const [dying, other] = [await counting(t), await counting(t)];
  const list = [deployment("a", dying.server.url), deployment("b", other.server.url)];
  const { chat } = await start(t, list, { num_retries: 2 });
  const got = [];
  const client = async () => {
    for (let n = 0; n < 6; n += 1) got.push(await chat());
  };
  const clients = Array.from({ length: CLIENTS }, client);
  // Answers, not requests: those that are under way when it dies are answered by the other one.
  while (tally(got, "a") < 20) await new Promise((done) => setTimeout(done, 5));
  await dying.server.stop();
  await Promise.all(clients);
  const bad = got.filter((one) => one.status !== 200);
  assert.deepEqual([got.length, bad.length], [CLIENTS * 6, 0], `${bad.map((one) => one.status)}`);
  assert.ok(tally(got, "a") > 0 && tally(got, "b") > 0);
});

test("requests are spread by weight", async (t) => {
  const [one, three] = [await counting(t), await counting(t)];
  const list = [deployment("a", one.server.url, { weight: 1 }), deployment("b", three.server.url, { weight: 3 })];
  const { chat } = await start(t, list);
  let of = 0;
  for (let round = 0; round < 8; round += 1) of += tally(await together(chat), "b");
  // 512 draws at 3/4: 384, with a standard deviation of 9.8; six of them are met by chance once in 500 million runs.
  assert.ok(Math.abs(of - 384) <= 59, `${of} of 512`);
});
