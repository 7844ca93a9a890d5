// Routing on workerd under 64 clients: an upstream that dies, shares by weight, and a limit that is never passed.

import assert from "node:assert/strict";
import { test } from "node:test";

import { startGateway, startUpstream } from "./gateway.mjs";

const MASTER = "sk-master-key-for-tests";
const CLIENTS = 64;

const choices = [{ index: 0, message: { role: "assistant", content: "hello" }, finish_reason: "stop" }];
const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
const ANSWER = JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "own", choices, usage });

/** An upstream that answers every call after `latency` ms; its `stop` breaks what is under way. */
async function upstream(t, latency = 0) {
  const server = await startUpstream((request, response) => {
    const answer = () => response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
    if (latency) setTimeout(answer, latency);
    else answer();
  });
  t.after(() => server.stop());
  return server;
}

function entry(id, base, params = {}) {
  return {
    model_name: "m",
    litellm_params: { model: `openai/${id}`, api_base: base, api_key: "k", ...params },
    model_info: { id },
  };
}

async function start(t, model_list, router_settings, more = {}) {
  const config = { model_list, router_settings, general_settings: { master_key: MASTER } };
  const gateway = await startGateway({ config });
  t.after(() => gateway.stop());
  const headers = { authorization: `Bearer ${MASTER}`, "content-type": "application/json" };
  const body = JSON.stringify({ model: "m", messages: [{ role: "user", content: "hi" }], ...more });
  return async () => {
    const answer = await fetch(`${gateway.url}/v1/chat/completions`, { method: "POST", headers, body });
    const text = await answer.text();
    return { status: answer.status, id: answer.headers.get("x-litellm-model-id"), headers: answer.headers, text };
  };
}

/** Calls until `most` were made, by 64 clients that each make one after the other; what all of them got. */
async function load(ask, most, each = () => {}) {
  const answers = [];
  let asked = 0;
  const client = async () => {
    while (asked < most) {
      asked += 1;
      answers.push(await ask());
      each(answers.length);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return answers;
}

test("an upstream dies under 64 clients, and none of them sees it", async (t) => {
  const [dying, healthy] = [await upstream(t, 50), await upstream(t, 50)];
  const ask = await start(t, [entry("dying", dying.url), entry("healthy", healthy.url)], { num_retries: 1 });
  let killed;
  const answers = await load(ask, 640, (done) => {
    if (done === 200) killed = dying.stop();
  });
  await killed;
  const failed = answers.filter((answer) => answer.status !== 200);
  assert.deepEqual(failed.map((answer) => `${answer.status} ${answer.text}`), []);
  assert.equal(answers.length, 640);
  // It served, it died in the midst of answers, and the other one took over what was under way.
  const by = (id) => answers.filter((answer) => answer.id === id).length;
  assert.ok(by("dying") > 50 && by("healthy") > 300, `${by("dying")} and ${by("healthy")}`);
  const retried = answers.filter((answer) => Number(answer.headers.get("x-litellm-attempted-retries")) > 0);
  assert.ok(retried.length > 0 && retried.every((answer) => answer.id === "healthy"), `${retried.length} were retried`);
});

test("shares follow the weights", async (t) => {
  const server = await upstream(t);
  const weighted = [entry("three", server.url, { weight: 3 }), entry("one", server.url, { weight: 1 })];
  const calls = 400;
  const answers = await load(await start(t, weighted, { num_retries: 0 }), calls);
  assert.ok(answers.every((answer) => answer.status === 200));
  const three = answers.filter((answer) => answer.id === "three").length;
  // Five standard deviations of a binomial distribution: a right router fails once in 1.7 million runs.
  const bound = 5 * Math.sqrt(calls * 0.75 * 0.25);
  assert.ok(Math.abs(three - calls * 0.75) <= bound, `${three} of ${calls} went to three quarters`);
});

for (const [name, settings] of [
  ["usage-based-routing-v2", { routing_strategy: "usage-based-routing-v2" }],
  ["enforce_model_rate_limits", { optional_pre_call_checks: ["enforce_model_rate_limits"] }],
]) {
  test(`no more than rpm come to a deployment from 64 clients at once: ${name}`, async (t) => {
    const rpm = 10;
    const server = await upstream(t);
    const limited = [entry("a", server.url, { rpm }), entry("b", server.url, { rpm: 2 * rpm })];
    const ask = await start(t, limited, { num_retries: 0, ...settings });
    const began = Date.now();
    const answers = await load(ask, 2 * CLIENTS);
    // The window starts with the first request: within a minute, whatever is counted here is of one window.
    assert.ok(Date.now() - began < 60_000, "the load took longer than a window");
    const served = answers.filter((answer) => answer.status === 200);
    const full = answers.filter((answer) => answer.status === 429);
    assert.equal(served.length + full.length, answers.length, answers.map((answer) => answer.status).join(" "));
    const reached = (id) => server.requests.filter((seen) => JSON.parse(seen.body).model === id).length;
    assert.deepEqual([reached("a"), reached("b"), served.length], [rpm, 2 * rpm, 3 * rpm]);
    assert.ok(full.every((answer) => Number(answer.headers.get("retry-after")) >= 1));
  });
}

test("a silent upstream is hedged: the other answers, the connection is closed, and both are paid", async (t) => {
  let silent = false;
  const slow = await startUpstream((request, response) => {
    if (!silent) response.writeHead(200, { "content-type": "application/json" }).end(ANSWER);
  });
  t.after(() => slow.stop());
  const other = await upstream(t);
  const price = { input_cost_per_token: 0.001, output_cost_per_token: 0.001 };
  const deployments = [entry("slow", slow.url, { weight: 1, ...price }), entry("other", other.url, { weight: 0, ...price })];
  // What is known is each isolate's own; workerd runs one.
  const hedging = { min_samples: 1, max_share: 1, min_delay: 0.2 };
  const ask = await start(t, deployments, { num_retries: 0, hedging });
  const usual = await ask();
  assert.deepEqual([usual.id, usual.headers.get("x-litellm-hedged")], ["slow", null]);
  silent = true;
  const hedged = await ask();
  assert.deepEqual([hedged.status, hedged.id, hedged.headers.get("x-litellm-hedged")], [200, "other", "second"]);
  assert.equal(await slow.requests.at(-1).closed, "aborted");
  const cost = (answer) => Number(answer.headers.get("x-litellm-response-cost"));
  assert.ok(cost(usual) === 0.002 && cost(hedged) > 0.002, `${cost(usual)} and ${cost(hedged)}`);
});

test("a stream that breaks is gone on with by the other upstream", async (t) => {
  const event = (id, delta, finish_reason = null) => {
    const choices = [{ index: 0, delta, finish_reason }];
    return `data: ${JSON.stringify({ id, object: "chat.completion.chunk", created: 1, model: "own", choices })}\n\n`;
  };
  const streams = { "content-type": "text/event-stream" };
  const cut = await startUpstream((request, response) => {
    response.writeHead(200, streams);
    response.write(event("a", { role: "assistant", content: "one two" }), () => response.destroy());
  });
  t.after(() => cut.stop());
  const other = await startUpstream((request, response) => {
    response.writeHead(200, streams).end(event("b", { role: "assistant", content: " three" }) + event("b", {}, "stop") + "data: [DONE]\n\n");
  });
  t.after(() => other.stop());
  const deployments = [entry("cut", cut.url, { weight: 1 }), entry("other", other.url, { weight: 0 })];
  const ask = await start(t, deployments, { num_retries: 0, mid_stream_fallbacks: true }, { stream: true });
  const { status, text } = await ask();
  assert.equal(status, 200);
  const events = text.trimEnd().split("\n\n").map((line) => line.slice("data: ".length));
  assert.equal(events.pop(), "[DONE]");
  const chunks = events.map((data) => JSON.parse(data));
  assert.equal(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), "one two three");
  assert.ok(chunks.every((chunk) => chunk.id === "a"), text);
  const marks = chunks.flatMap((chunk) => chunk.provider_specific_fields?.mid_stream_fallback ?? []);
  assert.deepEqual(marks.map((mark) => mark.model_id), ["other"]);
  const { messages } = JSON.parse(other.requests[0].body);
  assert.deepEqual(messages[1], { role: "assistant", content: "one two" });
});
