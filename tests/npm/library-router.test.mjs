// Router: model groups, fallbacks between them, callbacks, and its end.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { listener, says, staged, textOf, thrown, tollgate, until } from "./library.mjs";

const { Router } = tollgate;
const { providers, own } = await staged();

const entry = (model_name, model, rest) => ({ model_name, litellm_params: { model, ...own(model), ...rest } });

function routed(t, options) {
  const router = new Router({ num_retries: 0, ...options });
  t.after(() => router.dispose());
  return router;
}

test("a model group is served by its deployments, whole and streamed", async (t) => {
  const router = routed(t, { model_list: [entry("chat", "openai/gpt-4o--text-1--left"), entry("chat", "openai/gpt-4o--text-1--right")] });
  const ids = new Set();
  for (let turn = 0; turn < 30; turn += 1) ids.add((await router.completion({ model: "chat", messages: says("a") }))._hidden_params.model_id);
  assert.equal(ids.size, 2);
  assert.equal(providers.of("gpt-4o--text-1--left").length + providers.of("gpt-4o--text-1--right").length, 30);
  const stream = await router.acompletion({ model: "chat", messages: says("a b"), stream: true });
  assert.ok((await textOf(stream)).length);
});

test("embeddings go by groups too", async (t) => {
  const router = routed(t, { model_list: [entry("vectors", "openai/text-embedding-3-small")] });
  assert.equal((await router.embedding({ model: "vectors", input: "a" })).data.length, 1);
});

test("groups fall back as they are told: for failures, and for prompts that are too long", async (t) => {
  const router = routed(t, {
    model_list: [
      entry("first", "openai/gpt-4o--down"),
      entry("long", "openai/gpt-4o--context"),
      entry("spare", "anthropic/claude-haiku-4-5"),
      entry("wide", "gemini/gemini-2.5-flash"),
    ],
    fallbacks: [{ first: ["spare"] }],
    context_window_fallbacks: [{ long: ["wide"] }],
  });
  const answer = await router.completion({ model: "first", messages: says("a") });
  assert.deepEqual([answer._hidden_params.model_group, answer._hidden_params.attempted_fallbacks], ["spare", 1]);
  const wide = await router.completion({ model: "long", messages: says("a") });
  assert.equal(wide._hidden_params.model_group, "wide");
  const error = await thrown(router.completion({ model: "first", messages: says("a"), fallbacks: [] }));
  assert.ok(error instanceof tollgate.InternalServerError);
});

test("callbacks are the router's, beside a call's own", async (t) => {
  const { heard, ...callbacks } = listener();
  const router = routed(t, { model_list: [entry("a", "openai/gpt-4o"), entry("b", "openai/gpt-4o--limited-1")], ...callbacks });
  await router.completion({ model: "a", messages: says("a") });
  const { heard: own, ...theirs } = listener();
  await thrown(router.completion({ model: "b", messages: says("a"), ...theirs }));
  await until(() => heard.length === 4 && own.length === 2);
  assert.deepEqual(heard.map(([name]) => name), ["success", "event", "failure", "event"]);
  assert.equal(own[0][0], "failure");
});

test("credentials are a router's own: a call may not bring others", async (t) => {
  const router = routed(t, { model_list: [entry("a", "openai/gpt-4o")] });
  const error = await thrown(router.completion({ model: "a", messages: says("a"), api_key: "sk-other" }));
  assert.deepEqual([error.name, error.param], ["BadRequestError", "api_key"]);
});

test("SDKs run on its gateway by the same rules", async (t) => {
  const router = routed(t, { model_list: [entry("first", "openai/gpt-4o--down"), entry("spare", "openai/gpt-4o")], fallbacks: [{ first: ["spare"] }] });
  const client = new OpenAI({ fetch: router.gateway.fetch, baseURL: "http://tollgate/v1", apiKey: "none", maxRetries: 0 });
  const answer = await client.chat.completions.create({ model: "first", messages: says("a") });
  assert.equal(answer.object, "chat.completion");
});

test("a wrong setting is an error that names it, and one without effect a warning", () => {
  assert.throws(
    () => new Router({ model_list: [], num_retries: "many" }),
    (error) => error instanceof tollgate.ConfigError && error.findings[0].path === "router_settings.num_retries",
  );
  assert.throws(() => new Router({ modellist: [] }), /modellist/);
  const { warnings } = new Router({ model_list: [], redis_host: "localhost" });
  assert.deepEqual(warnings.map(({ path, severity }) => [path, severity]), [["router_settings.redis_host", "warning"]]);
  assert.deepEqual(new Router().warnings, []);
});

test("dispose takes no more calls; `using` and `await using` do it", async () => {
  const model_list = [{ model_name: "m", litellm_params: { model: "mock/echo" } }];
  const ask = (router) => router.completion({ model: "m", messages: says("a") });
  for (const end of [
    (router) => router.dispose(),
    (router) => router[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")](),
    (router) => router[Symbol.dispose ?? Symbol.for("Symbol.dispose")](),
  ]) {
    const router = new Router({ model_list });
    await ask(router);
    await end(router);
    const error = await thrown(ask(router));
    assert.ok(error instanceof tollgate.ServiceUnavailableError, error.message);
  }
});
