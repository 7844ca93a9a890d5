// Doors and paths over raw HTTP: keys in four headers, CORS, health, the other names of the routes, HEAD, the configs.

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";

import { startGateway } from "./gateway.mjs";
import { MASTER_KEY, MODELS, says, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const ORIGIN = "https://app.example.com";
const scene = stage({
  general_settings: { master_key: MASTER_KEY, cors_origins: [ORIGIN] },
  model_list: (url) => [
    { model_name: "gpt-4o", litellm_params: { model: "openai/gpt-4o", api_base: url, api_key: UPSTREAM_KEY } },
    { model_name: "claude-sonnet", litellm_params: { model: MODELS.anthropic, api_base: url, api_key: UPSTREAM_KEY } },
  ],
});

const json = { "content-type": "application/json" };
const question = JSON.stringify({ model: "gpt-4o", messages: says("hi") });
/** Without the key that `scene.call` adds. */
const open = (path, init) => fetch(scene.gateway.url + path, init);
const post = (path, headers, body = question) => open(path, { method: "POST", body, headers: { ...json, ...headers } });

test("the key is taken in each of four headers", async () => {
  for (const [name, value] of [
    ["authorization", `Bearer ${MASTER_KEY}`],
    ["x-api-key", MASTER_KEY],
    ["api-key", MASTER_KEY],
    ["x-litellm-api-key", MASTER_KEY],
    ["x-litellm-api-key", `Bearer ${MASTER_KEY}`],
  ]) {
    const answer = await post("/v1/chat/completions", { [name]: value });
    assert.equal(answer.status, 200, `${name}: ${await answer.text()}`);
  }
});

test("a missing or wrong key is 401 in LiteLLM's words, and is not repeated whole", async () => {
  const before = scene.upstream.requests.length;
  for (const headers of [
    {},
    { authorization: "Bearer sk-wrong-key-12345" },
    { authorization: "Basic abc" },
    { "x-api-key": "sk-x" },
  ]) {
    const answer = await post("/v1/chat/completions", headers);
    const { error } = await answer.json();
    assert.equal(answer.status, 401);
    assert.deepEqual([error.code, error.message.startsWith("Authentication Error")], ["401", true]);
    assert.ok(!error.message.includes("sk-wrong-key"), error.message);
  }
  assert.equal((await open("/v1/models")).status, 401);
  assert.equal(scene.upstream.requests.length, before);
});

test("health and the root need no key", async () => {
  for (const path of ["/health/liveliness", "/health/liveness", "/health/readiness", "/"]) {
    const answer = await open(path);
    assert.equal(answer.status, 200, path);
    await answer.text();
  }
  assert.equal((await (await open("/health/readiness")).json()).status, "healthy");
});

test("chat answers under each of its paths, with and without a slash at the end", async () => {
  const bare = JSON.stringify({ messages: says("hi") });
  const key = { authorization: `Bearer ${MASTER_KEY}` };
  for (const [path, body] of [
    ["/v1/chat/completions", question],
    ["/chat/completions", question],
    ["/v1/chat/completions/", question],
    ["/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21", bare],
    ["/openai/deployments/gpt-4o/chat/completions/", bare],
    ["/openai/deployments/anthropic%2Fclaude-sonnet-4-5/chat/completions", bare],
    ["/openai/deployments/claude-sonnet/chat/completions", question],
  ]) {
    const answer = await post(path, key, body);
    const text = await answer.text();
    assert.equal(answer.status, 200, `${path}: ${text}`);
    assert.equal(JSON.parse(text).choices[0].message.content, "You said: hi");
  }
  assert.match(scene.upstream.requests.at(-1).path, /messages$/, "the path's model counts");
});

test("HEAD answers as GET does, without a body", async () => {
  const key = { authorization: `Bearer ${MASTER_KEY}` };
  for (const path of ["/health/liveliness", "/v1/models", "/v1/models/gpt-4o"]) {
    const [head, get] = await Promise.all(["HEAD", "GET"].map((method) => open(path, { method, headers: key })));
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    assert.equal(head.headers.get("content-type"), get.headers.get("content-type"));
    await get.text();
  }
});

test("models are found with slashes and escapes in their names", async () => {
  for (const path of [
    "/v1/models/gpt-4o",
    "/models/gpt-4o",
    `/v1/models/${MODELS.gemini}`,
    "/v1/models/openai%2Fgpt-4o",
  ]) {
    assert.equal((await (await scene.call(path)).json()).object, "model", path);
  }
  const missing = await scene.call("/v1/models/claude-sonnets/x");
  assert.equal(missing.status, 404);
  assert.match((await missing.json()).error.message, /`claude-sonnet`/);
  const { data } = await (await scene.call("/models")).json();
  assert.deepEqual(
    data.map(({ id }) => id),
    ["gpt-4o", "claude-sonnet"],
  );
});

const preflight = (gateway, path, origin) =>
  fetch(gateway.url + path, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization,content-type,x-stainless-os",
    },
  });

test("browsers of a listed origin may call, others may not", async () => {
  const allowed = await preflight(scene.gateway, "/v1/chat/completions", ORIGIN);
  assert.ok([200, 204].includes(allowed.status));
  assert.equal(allowed.headers.get("access-control-allow-origin"), ORIGIN);
  assert.match(allowed.headers.get("access-control-allow-methods"), /POST/);
  assert.match(allowed.headers.get("access-control-allow-headers"), /authorization.*x-stainless-os/);
  const stranger = await preflight(scene.gateway, "/v1/chat/completions", "https://evil.example");
  assert.equal(stranger.headers.get("access-control-allow-origin"), null);
  const key = { authorization: `Bearer ${MASTER_KEY}` };
  for (const [origin, told] of [
    [ORIGIN, ORIGIN],
    ["https://evil.example", null],
  ]) {
    const answer = await post("/v1/chat/completions", { ...key, origin });
    assert.equal(answer.headers.get("access-control-allow-origin"), told);
    await answer.text();
  }
  // A page must be able to read why it was refused.
  const refused = await post("/v1/chat/completions", { origin: ORIGIN });
  assert.deepEqual([refused.status, refused.headers.get("access-control-allow-origin")], [401, ORIGIN]);
});

test("without cors_origins no browser may call", async (t) => {
  const gateway = await startGateway({
    config: { model_list: [{ model_name: "m", litellm_params: { model: "mock/echo" } }] },
  });
  t.after(() => gateway.stop());
  const answer = await preflight(gateway, "/v1/chat/completions", ORIGIN);
  assert.equal(answer.headers.get("access-control-allow-origin"), null);
});

test("mock/echo answers without any key or configuration, whole and streamed", async (t) => {
  const gateway = await startGateway({ config: {} });
  t.after(() => gateway.stop());
  const ask = (rest) =>
    fetch(`${gateway.url}/v1/chat/completions`, {
      method: "POST",
      headers: json,
      body: JSON.stringify({ model: "mock/echo", messages: says("hello"), ...rest }),
    });
  const whole = await (await ask({})).json();
  assert.equal(whole.choices[0].message.content, "hello");
  assert.ok(whole.usage.total_tokens > 0);
  const streamed = await (await ask({ stream: true, stream_options: { include_usage: true } })).text();
  assert.ok(streamed.endsWith("data: [DONE]\n\n") && streamed.includes('"total_tokens"'), streamed);
  const told = await (await ask({ mock_response: "as told" })).json();
  assert.equal(told.choices[0].message.content, "as told");
});

/** The requests of the guides that LiteLLM's users follow, by the path, the key and the model that each prints. */
const GUIDES = [
  ["/v1/chat/completions", "sk-my-master-key", "claude-sonnet", "anthropic/claude-sonnet-4-20250514"],
  ["/chat/completions", "sk-your-proxy-master-key", "gpt-4o", "openai/gpt-4o"],
];

test("the guides' requests work as printed", async (t) => {
  for (const [path, key, name, model] of GUIDES) {
    const params = { model, api_base: scene.upstream.url, api_key: UPSTREAM_KEY };
    const config = {
      model_list: [{ model_name: name, litellm_params: params }],
      general_settings: { master_key: key },
    };
    const gateway = await startGateway({ config });
    t.after(() => gateway.stop());
    const answer = await fetch(gateway.url + path, {
      method: "POST",
      headers: { Authorization: `Bearer ${key}`, "Content-Type": "application/json" },
      body: JSON.stringify({ model: name, messages: says("Hello") }),
    });
    assert.equal((await answer.json()).choices?.[0].message.content, "You said: Hello", path);
  }
});

const CONFIGS = new URL("../configs/", import.meta.url);

test("each of the configurations in the wild starts and is ready", async (t) => {
  const files = readdirSync(CONFIGS).filter((name) => name.endsWith(".json"));
  assert.equal(files.length, 16);
  for (const file of files) {
    const config = JSON.parse(readFileSync(new URL(file, CONFIGS), "utf8"));
    // Each on a port of its own: one that is given back for a moment may be another test's by then.
    const gateway = await startGateway({ config });
    t.after(() => gateway.stop());
    const answer = await fetch(`${gateway.url}/health/readiness`);
    assert.equal(answer.status, 200, `${file}: ${await answer.text()}`);
  }
});

test("tokens of OpenAI's models are counted by the vocabulary among the assets, those of others estimated", async () => {
  const count = async (model, fields) => {
    const key = { authorization: `Bearer ${MASTER_KEY}` };
    const answer = await post("/utils/token_counter", key, JSON.stringify({ model, ...fields }));
    return answer.json();
  };
  // OpenAI's formula: 3 for the answer, 3 for the message, 1 for its role, and 7 of text.
  const exact = await count("gpt-4o", { messages: says("Hey, how's it going?") });
  assert.deepEqual([exact.total_tokens, exact.tokenizer_type, exact.error_percent], [14, "openai_tokenizer", 0]);
  const older = await count("gpt-4", { prompt: "You are a bot." });
  assert.deepEqual([older.total_tokens, older.tokenizer_type], [5, "openai_tokenizer"]);
  const other = await count("claude-sonnet", { messages: says("hi") });
  assert.equal(other.tokenizer_type, "estimate");
});
