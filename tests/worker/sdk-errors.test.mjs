// What goes wrong, as the official SDK for Node tells it: classes, codes, fields and headers; retries and fallbacks.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { MASTER_KEY, MODELS, says, stage, until } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const scene = stage({
  model_list: (url) => {
    const deployment = (model_name, model, more = {}) => ({
      model_name,
      litellm_params: { model, api_base: url, api_key: UPSTREAM_KEY, ...more },
    });
    return [
      deployment("flaky", "openai/gpt-4o--flaky-2--retries", { num_retries: 2 }),
      deployment("patient", "openai/gpt-4o--patience--retries", { num_retries: 1 }),
      deployment("down", "openai/gpt-4o--down--group"),
      deployment("down-twice", "anthropic/claude-sonnet-4-5--down--group"),
      deployment("early", "gemini/gemini-2.5-flash--error-0--group"),
      deployment("small", "openai/gpt-4o--context--group"),
      deployment("spare", "anthropic/claude-sonnet-4-5--text--spare"),
      deployment("large", "gemini/gemini-2.5-flash--text--large"),
      deployment("pair", "openai/gpt-4o--down--pair", { num_retries: 1 }),
      deployment("pair", "anthropic/claude-sonnet-4-5--text--pair", { num_retries: 1 }),
      deployment("wrong-key", "openai/gpt-4o--text--wrong", { api_key: "sk-wrong-0000" }),
    ];
  },
  router_settings: {
    num_retries: 0,
    fallbacks: [{ down: ["down-twice", "spare"] }, { early: ["spare"] }],
    context_window_fallbacks: [{ small: ["large"] }],
  },
});

const create = (body, options) => scene.client.chat.completions.create({ messages: says("a"), ...body }, options);
const failure = (body) =>
  create(body).then(
    () => assert.fail("it did not fail"),
    (error) => error,
  );
const upstreamName = (model) => model.slice(model.indexOf("/") + 1);

/** Behaviour, class of the SDK, status, and what `code` is. */
const REFUSALS = [
  ["limited-7", OpenAI.RateLimitError, 429],
  ["unauthorized", OpenAI.AuthenticationError, 401],
  ["context", OpenAI.BadRequestError, 400, "context_length_exceeded"],
  ["missing", OpenAI.NotFoundError, 404],
  ["down", OpenAI.InternalServerError, 500],
  ["page", OpenAI.InternalServerError, 502],
  ["odd", OpenAI.InternalServerError, 502],
  ["refuse", OpenAI.InternalServerError, 500],
];

for (const [provider, model] of Object.entries(MODELS)) {
  for (const stream of [false, true]) {
    for (const [behaviour, Kind, status, code] of REFUSALS) {
      test(`${provider}: ${behaviour} is a ${Kind.name}, ${stream ? "streamed" : "whole"}`, async () => {
        const error = await failure({ model: `${model}--${behaviour}`, stream });
        assert.ok(error instanceof Kind, `${error.constructor.name}: ${error}`);
        assert.equal(error.status, status);
        assert.ok(typeof error.type === "string" && error.type && error.error.message, JSON.stringify(error.error));
        if (code) assert.equal(error.code, code);
        assert.ok(!JSON.stringify(error.error).includes(UPSTREAM_KEY));
        assert.match(error.headers.get("x-litellm-call-id"), /^[0-9a-f-]{36}$/);
        if (behaviour === "limited-7") assert.equal(error.headers.get("retry-after"), "7");
      });
    }
  }
}

test("an upstream's code and param reach the client, and its refusal is sent once", async () => {
  const model = `${MODELS.openai}--text--hot`;
  const error = await failure({ model, temperature: 3, num_retries: 3, fallbacks: ["spare"] });
  assert.ok(error instanceof OpenAI.BadRequestError);
  assert.deepEqual([error.code, error.param], ["decimal_above_max_value", "temperature"]);
  assert.equal(scene.upstream.of(upstreamName(model)).length, 1);
});

test("a field of a wrong type is named before anything goes upstream", async () => {
  const model = `${MODELS.anthropic}--text--typed`;
  const error = await failure({ model, top_logprobs: "x" });
  assert.ok(error instanceof OpenAI.BadRequestError, `${error}`);
  assert.equal(error.param, "top_logprobs");
  assert.equal(scene.upstream.of(upstreamName(model)).length, 0);
});

test("the gateway's own refusals have the SDK's classes too", async () => {
  const unknown = await failure({ model: "spar" });
  assert.ok(unknown instanceof OpenAI.NotFoundError);
  assert.deepEqual([unknown.code, unknown.param], ["model_not_found", "model"]);
  assert.match(unknown.message, /`spare`/);
  const stranger = new OpenAI({ apiKey: "sk-wrong-1234", baseURL: `${scene.gateway.url}/v1`, maxRetries: 0 });
  const refused = await stranger.chat.completions
    .create({ model: "spare", messages: says("a") })
    .catch((error) => error);
  assert.ok(refused instanceof OpenAI.AuthenticationError, `${refused}`);
  assert.ok(!refused.message.includes("sk-wrong"), refused.message);
  const wrong = await failure({ model: "wrong-key" });
  assert.ok(wrong instanceof OpenAI.AuthenticationError && !wrong.message.includes("sk-wrong-0000"), wrong.message);
});

test("a failing upstream is retried, and the headers tell it", async () => {
  const { data, response } = await create({ model: "flaky" }).withResponse();
  assert.equal(data.choices[0].message.content, "You said: a");
  assert.equal(response.headers.get("x-litellm-attempted-retries"), "2");
  assert.equal(response.headers.get("x-litellm-attempted-fallbacks"), "0");
  const seen = scene.upstream.of("gpt-4o--flaky-2--retries");
  assert.equal(seen.length, 3);
  // From half a second on, doubled each time.
  assert.ok(seen[1].at - seen[0].at >= 450 && seen[2].at - seen[1].at >= 950, `${seen.map(({ at }) => at)}`);
  assert.equal(new Set(seen.map(({ body }) => body)).size, 1);
});

test("retry-after is waited for", async () => {
  await create({ model: "patient" });
  const [first, second] = scene.upstream.of("gpt-4o--patience--retries");
  assert.ok(second.at - first.at >= 950, `${second.at - first.at} ms`);
});

test("num_retries of the request counts before the deployment's", async () => {
  const model = `${MODELS.openai}--down--once`;
  const error = await failure({ model, num_retries: 1 });
  assert.equal(error.headers.get("x-litellm-attempted-retries"), "1");
  assert.equal(scene.upstream.of(upstreamName(model)).length, 2);
});

test("fallbacks go through the groups in order, and each gets the original translated", async () => {
  const { data, response } = await create({ model: "down", max_tokens: 9, stop: ["x"] }).withResponse();
  assert.equal(data.choices[0].message.content, "You said: a");
  assert.equal(response.headers.get("x-litellm-model-group"), "spare");
  assert.equal(response.headers.get("x-litellm-attempted-fallbacks"), "2");
  const [{ json }] = scene.upstream.of("claude-sonnet-4-5--text--spare");
  assert.deepEqual([json.max_tokens, json.stop_sequences, "stop" in json], [9, ["x"], false]);
  assert.equal(scene.upstream.of("gpt-4o--down--group").length, 1);
});

test("an error inside of a stream, before its first word, still falls back", async () => {
  const { data: stream, response } = await create({ model: "early", stream: true }).withResponse();
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0].delta.content ?? "";
  assert.equal(text, "You said: a");
  assert.equal(response.headers.get("x-litellm-attempted-fallbacks"), "1");
  assert.equal(response.headers.get("x-litellm-model-group"), "spare");
});

test("a prompt too long for one model goes to the larger one", async () => {
  const { response } = await create({ model: "small" }).withResponse();
  assert.equal(response.headers.get("x-litellm-model-group"), "large");
});

test("a client names its own fallbacks, or wants none", async () => {
  const model = `${MODELS.openai}--down--own`;
  const { response } = await create({ model, fallbacks: ["large"] }).withResponse();
  assert.equal(response.headers.get("x-litellm-model-group"), "large");
  const none = await failure({ model: "down", disable_fallbacks: true });
  assert.ok(none instanceof OpenAI.InternalServerError);
  assert.equal(none.headers.get("x-litellm-attempted-fallbacks"), "0");
});

test("deployments of one group stand in for each other at once", async () => {
  for (let turn = 0; turn < 40; turn += 1) await create({ model: "pair" });
  const [down, up] = ["gpt-4o--down--pair", "claude-sonnet-4-5--text--pair"].map((model) => scene.upstream.of(model));
  assert.equal(up.length, 40);
  assert.ok(down.length >= 1 && down.length <= 40, `${down.length}`);
});

test("the upstream's headers come under a prefix, and its address without a query", async () => {
  const { response } = await create({ model: MODELS.openai }).withResponse();
  assert.equal(response.headers.get("llm_provider-x-request-id"), "req_mock");
  assert.equal(response.headers.get("x-litellm-model-api-base"), `${scene.upstream.url}/v1/chat/completions`);
  for (const name of ["x-litellm-model-id", "x-litellm-response-duration-ms", "x-litellm-overhead-duration-ms"]) {
    assert.ok(response.headers.get(name), name);
  }
});

test("one log line tells each request, without its words and without keys", async () => {
  const secret = "the words of a client 4711";
  const model = `${MODELS.gemini}--text--logged`;
  await create({ model, messages: says(secret) });
  const mine = () => scene.gateway.logs.filter((line) => line.includes(model));
  await until(() => mine().length, "the log line");
  assert.equal(mine().length, 1);
  const line = JSON.parse(mine()[0]);
  assert.deepEqual([line.provider, line.status, line.prompt_tokens, line.attempts], ["gemini", 200, 7, 1]);
  const lines = scene.gateway.logs.join("\n");
  for (const leak of [secret, UPSTREAM_KEY, MASTER_KEY]) assert.ok(!lines.includes(leak), leak);
});
