// Gateway in a Node process, with its data in memory.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { startUpstream } from "../worker/gateway.mjs";
import { CHAT, ConfigError, Gateway, checkConfig, post } from "./package.mjs";

const says = (content) => [{ role: "user", content }];
const MASTER = "sk-master-1";

/** A configuration with one model, at an upstream. */
const configured = (url, rest = {}) => ({
  model_list: [{ model_name: "house", litellm_params: { model: "openai/gpt-4o", api_base: url, api_key: "sk-up" } }],
  router_settings: { num_retries: 0 },
  general_settings: { master_key: MASTER },
  ...rest,
});

const chunk = (text) =>
  `data: ${JSON.stringify({
    id: "c1",
    object: "chat.completion.chunk",
    created: 1,
    model: "gpt-4o",
    choices: [{ index: 0, delta: { content: text }, finish_reason: null }],
  })}\n\n`;

const END =
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta: {}, finish_reason: "stop" }] })}\n\n` +
  `data: ${JSON.stringify({ id: "c1", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [], usage: { prompt_tokens: 10, completion_tokens: 4, total_tokens: 14 } })}\n\n` +
  "data: [DONE]\n\n";

async function staged(t, handler, rest) {
  const upstream = await startUpstream(handler);
  const gateway = new Gateway({ config: configured(`${upstream.url}/v1`, rest) });
  t.after(async () => {
    await gateway.close();
    await upstream.stop();
  });
  const ask = async (path, body, key = MASTER, init) => gateway.fetch(`http://gateway${path}`, post(body, key, init));
  const made = async (limits) => (await (await ask("/key/generate", limits)).json()).key;
  const info = async (key) => {
    const url = `http://gateway/key/info?key=${key}`;
    return (await (await gateway.fetch(url, { headers: { authorization: `Bearer ${MASTER}` } })).json()).info;
  };
  return { upstream, gateway, ask, made, info };
}

/** Waits until nothing is under way. */
async function idle(gateway) {
  for (let turn = 0; gateway.active; turn++) {
    assert.ok(turn < 500, `${gateway.active} calls are still under way`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

test("the OpenAI SDK runs on gateway.fetch, whole and streamed", async (t) => {
  const gateway = new Gateway({ open: true });
  t.after(() => gateway.close());
  const client = new OpenAI({ fetch: gateway.fetch, baseURL: "http://tollgate/v1", apiKey: "none", maxRetries: 0 });
  const whole = await client.chat.completions.create({ model: "mock/echo", messages: says("hello") });
  assert.equal(whole.choices[0].message.content, "hello");
  const stream = await client.chat.completions.create({ model: "mock/echo", messages: says("a b c"), stream: true });
  let text = "";
  for await (const part of stream) text += part.choices[0]?.delta?.content ?? "";
  assert.equal(text, "a b c");
  await assert.rejects(
    client.chat.completions.create({ model: "no/such", messages: says("x") }),
    (error) => error instanceof OpenAI.NotFoundError,
  );
});

test("a configuration is an object, YAML or JSON, and a mistake in it is named", async () => {
  const yaml = "model_list:\n  - model_name: own\n    litellm_params: {model: mock/echo}\n";
  for (const config of [yaml, JSON.stringify({ model_list: [{ model_name: "own", litellm_params: { model: "mock/echo" } }] })]) {
    const gateway = new Gateway({ config, open: true });
    const answer = await gateway.fetch(`http://x${CHAT}`, post({ model: "own", messages: says("hi") }));
    assert.equal((await answer.json()).choices[0].message.content, "hi");
    await gateway.close();
  }
  const wrong = { router_settings: { num_retries: "many" } };
  assert.throws(() => new Gateway({ config: wrong }), (error) => {
    assert.ok(error instanceof ConfigError && /router_settings\.num_retries/.test(error.message), error.message);
    assert.equal(error.findings[0].path, "router_settings.num_retries");
    return true;
  });
  assert.equal(checkConfig(wrong)[0].severity, "error");
  assert.throws(() => new Gateway({ config: "a: [1" }), /config:1/);
  assert.throws(() => new Gateway({ config: 7 }), /config must be an object/);
});

test("without a master key it refuses, unless it is opened", async () => {
  const ask = async (options) => {
    const gateway = new Gateway(options);
    const answer = await gateway.fetch(`http://x${CHAT}`, post({ model: "mock/echo", messages: says("hi") }));
    await gateway.close();
    return answer.status;
  };
  assert.equal(await ask({}), 401);
  assert.equal(await ask({ open: true }), 200);
  // The environment cannot open it.
  assert.equal(await ask({ env: { TOLLGATE_LOOPBACK: "1" } }), 401);
  assert.equal(await ask({ open: true, config: { general_settings: { master_key: "sk-1" } } }), 401);
});

test("variables come from `env`, and requests go by `fetch`", async () => {
  const sent = [];
  const gateway = new Gateway({
    open: true,
    env: { OPENAI_API_KEY: "sk-of-env" },
    fetch: async (url, init) => {
      sent.push([url, new Headers(init.headers).get("authorization")]);
      return Response.json({ error: { message: "no" } }, { status: 400 });
    },
  });
  const answer = await gateway.fetch(`http://x${CHAT}`, post({ model: "openai/gpt-4o", messages: says("hi") }));
  assert.equal(answer.status, 400);
  assert.deepEqual(sent, [["https://api.openai.com/v1/chat/completions", "Bearer sk-of-env"]]);
  await gateway.close();
});

test("a budget holds under 100 calls at once", async (t) => {
  const { made, ask, info, upstream } = await staged(t, (_, response) => {
    response.setHeader("content-type", "application/json");
    const message = { role: "assistant", content: "x" };
    const usage = { prompt_tokens: 100, completion_tokens: 100, total_tokens: 200 };
    const choices = [{ index: 0, message, finish_reason: "stop" }];
    response.end(JSON.stringify({ id: "1", object: "chat.completion", created: 1, model: "gpt-4o", choices, usage }));
  });
  const key = await made({ max_budget: 0.01 });
  const body = { model: "house", messages: says("hello"), max_tokens: 100 };
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask(CHAT, body, key)));
  const served = answers.filter(({ status }) => status === 200).length;
  assert.equal(served, upstream.requests.length);
  assert.ok(served >= 3 && served < 20, `${served} were served`);
  assert.ok(answers.every(({ status }) => status === 200 || status === 429));
  const { spend } = await info(key);
  assert.ok(spend <= 0.01, `${spend} is spent`);
  // 100 tokens in at 2.50 and 100 out at 10 dollars a million, for each that was served.
  assert.equal(spend, Number((served * 0.00125).toFixed(8)));
});

test("a client that leaves closes the upstream, and what was served is charged once", async (t) => {
  const { made, ask, info, gateway, upstream } = await staged(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk("one two three four"));
  });
  const key = await made({ max_budget: 1 });
  const control = new AbortController();
  const body = { model: "house", messages: says("hello"), stream: true };
  const answer = await ask(CHAT, body, key, { signal: control.signal });
  const reader = answer.body.getReader();
  assert.match(new TextDecoder().decode((await reader.read()).value), /one two/);
  control.abort();
  assert.equal(await upstream.requests[0].closed, "aborted");
  await idle(gateway);
  const { spend } = await info(key);
  assert.ok(spend > 0 && spend < 0.001, `${spend} is spent`);
});

test("a reader that cancels the body has left too", async (t) => {
  const { ask, gateway, upstream } = await staged(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk("one"));
  });
  const answer = await ask(CHAT, { model: "house", messages: says("hello"), stream: true });
  const reader = answer.body.getReader();
  await reader.read();
  await reader.cancel();
  assert.equal(await upstream.requests[0].closed, "aborted");
  await idle(gateway);
});

test("a slow reader slows the upstream", async (t) => {
  let written = 0;
  const { ask } = await staged(t, async (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const large = chunk("x".repeat(64 << 10));
    for (let sent = 0; sent < 400 && !response.destroyed; sent++) {
      written = sent;
      if (!response.write(large)) await new Promise((resolve) => response.once("drain", resolve));
    }
    response.end(END);
  });
  const answer = await ask(CHAT, { model: "house", messages: says("hello"), stream: true });
  const reader = answer.body.getReader();
  await reader.read();
  let before;
  // Until nothing moves any more: what is in between is buffers of sockets.
  do {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 100));
  } while (written !== before);
  assert.ok(written < 399, "all of the upstream was read for a reader that does not read");
  let last = "";
  for (let part = await reader.read(); !part.done; part = await reader.read()) last = new TextDecoder().decode(part.value);
  assert.match(last, /\[DONE\]/);
});

test("close ends what is under way, and takes no more", async (t) => {
  let finish;
  const { ask, gateway } = await staged(t, (_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(chunk("one"));
    finish = () => response.end(END);
  });
  const answer = await ask(CHAT, { model: "house", messages: says("hello"), stream: true });
  const text = answer.text();
  const closed = gateway.close();
  const refused = await ask(CHAT, { model: "house", messages: says("hello") });
  assert.equal(refused.status, 503);
  assert.match((await refused.json()).error.message, /shutting down/);
  finish();
  assert.match(await text, /\[DONE\]/);
  await closed;
  assert.equal(gateway.active, 0);
});

test("`await using` closes, and work is handed to the runtime's waitUntil", async () => {
  const kept = [];
  const gateway = new Gateway({ open: true });
  const context = { waitUntil: (promise) => kept.push(promise) };
  const body = { model: "mock/echo", messages: says("hi"), stream: true };
  const answer = await gateway.fetch(new Request(`http://x${CHAT}`, post(body)), {}, context);
  await answer.text();
  assert.equal(kept.length, 1);
  await Promise.all(kept);
  await gateway[Symbol.asyncDispose]();
  assert.equal((await gateway.fetch("http://x/")).status, 503);
});
