// completion and embedding: credentials, fallbacks, retries, aborts, callbacks, errors.

import assert from "node:assert/strict";
import { test } from "node:test";

import { UPSTREAM_KEY } from "../worker/upstream.mjs";
import { listener, says, staged, thrown, tollgate, until } from "./library.mjs";

const { completion, embedding, rerank, acompletion, configure } = tollgate;
const { providers, to, own } = await staged();

test("an answer is OpenAI's plain object, with what is known of the call beside it", async () => {
  const answer = await completion(to("openai/gpt-4o", { temperature: 0 }));
  assert.equal(answer.object, "chat.completion");
  assert.equal(typeof answer.choices[0].message.content, "string");
  assert.ok(!Object.keys(answer).includes("_hidden_params") && !JSON.stringify(answer).includes("_hidden"));
  const hidden = answer._hidden_params;
  const { prompt_tokens, completion_tokens } = answer.usage;
  const cost = (prompt_tokens * 2.5 + completion_tokens * 10) / 1e6;
  assert.ok(Math.abs(hidden.response_cost - cost) < 1e-12, `${hidden.response_cost} is not ${cost}`);
  assert.equal(hidden.custom_llm_provider, "openai");
  assert.equal(hidden.api_base, `${providers.url}/v1/chat/completions`);
  assert.equal(hidden.additional_headers["llm_provider-x-request-id"], "req_mock");
  assert.equal(hidden.attempted_fallbacks, 0);
  assert.equal(acompletion, completion);
});

test("every dialect is reached with the call's own key", async () => {
  for (const model of ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"]) {
    const answer = await completion(to(model));
    assert.equal(answer._hidden_params.custom_llm_provider, model.split("/")[0]);
    assert.ok(answer._hidden_params.response_cost > 0, model);
  }
});

test("what belongs to the call itself does not go upstream", async () => {
  const { signal } = new AbortController();
  await completion(to("openai/gpt-4o--text-1--bare", { signal, onEvent: () => {}, extra_headers: { "x-team": "blue" } }));
  const [seen] = providers.of("gpt-4o--text-1--bare");
  assert.deepEqual(Object.keys(seen.json).sort(), ["messages", "model"]);
  assert.equal(seen.headers["x-team"], "blue");
  assert.equal(seen.headers.authorization, `Bearer ${UPSTREAM_KEY}`);
});

test("the caller's objects are left as they were", async () => {
  const request = to("gemini/gemini-2.5-flash", {
    tools: [{ type: "function", function: { name: "f", strict: true, parameters: { type: "object", properties: {}, additionalProperties: false } } }],
    fallbacks: [{ model: "openai/gpt-4o", ...own("openai/gpt-4o") }],
  });
  const before = structuredClone(request);
  await completion(request);
  assert.deepEqual(request, before);
});

test("base_url, headers and custom_llm_provider are other ways to say the same", async () => {
  const { api_base: base_url, api_key } = own("openai/gpt-4o");
  const model = "gpt-4o--text-1--other-names";
  const answer = await completion({ model, messages: says("a"), base_url, api_key, custom_llm_provider: "openai", headers: { "x-a": "b" } });
  assert.equal(answer._hidden_params.custom_llm_provider, "openai");
  assert.equal(providers.of(model)[0].headers["x-a"], "b");
});

test("a bare name that is known needs no provider, and keys come from the environment as it is when they are needed", async (t) => {
  const sent = [];
  const env = {};
  t.after(() => configure({ env: undefined, fetch: undefined }));
  configure({
    env,
    fetch: async (url, init) => {
      sent.push([url, new Headers(init.headers).get("authorization")]);
      return Response.json({ error: { message: "no" } }, { status: 400 });
    },
  });
  assert.ok((await thrown(completion({ model: "gpt-4o", messages: says("a") }))) instanceof tollgate.AuthenticationError);
  env.OPENAI_API_KEY = "sk-of-env";
  await thrown(completion({ model: "gpt-4o", messages: says("a") }));
  env.OPENAI_API_KEY = "sk-of-later";
  await thrown(completion({ model: "gpt-4o", messages: says("a") }));
  const url = "https://api.openai.com/v1/chat/completions";
  assert.deepEqual(sent, [[url, "Bearer sk-of-env"], [url, "Bearer sk-of-later"]]);
});

test("a mock response needs neither key nor network", async () => {
  const answer = await completion({ model: "gpt-4o", messages: says("a"), mock_response: "It is a mock." });
  assert.equal(answer.choices[0].message.content, "It is a mock.");
  const error = await thrown(completion({ model: "gpt-4o", messages: says("a"), mock_response: "litellm.ContextWindowExceededError" }));
  assert.ok(error instanceof tollgate.ContextWindowExceededError && error instanceof tollgate.BadRequestError);
});

test("a fallback with credentials of its own gets them, and no other model does", async () => {
  const spare = "gpt-4o--text-2--spare";
  const answer = await completion(
    to("anthropic/claude-haiku-4-5--down", {
      fallbacks: [{ model: `openai/${spare}`, ...own("openai/x"), temperature: 0.5 }],
    }),
  );
  assert.equal(answer._hidden_params.custom_llm_provider, "openai");
  assert.equal(answer._hidden_params.attempted_fallbacks, 1);
  const [seen] = providers.of(spare);
  assert.deepEqual([seen.json.temperature, seen.json.model], [0.5, spare]);
  // The key of the call is the key of its model: a fallback by name has none of it.
  const bare = await thrown(completion(to("anthropic/claude-haiku-4-5--down", { fallbacks: ["openai/gpt-4o"] })));
  assert.ok(bare instanceof tollgate.InternalServerError, bare.message);
  assert.match(bare.message, /Fallbacks failed too: openai\/gpt-4o \(AuthenticationError\)/);
});

test("a fallback without a model is the same one with another key", async () => {
  const model = "openai/gpt-4o--text-1--other-key";
  const answer = await completion(to(model, { api_key: "sk-wrong", fallbacks: [own(model)] }));
  assert.equal(answer._hidden_params.attempted_fallbacks, 1);
  assert.deepEqual(providers.of("gpt-4o--text-1--other-key").map(({ headers }) => headers.authorization), ["Bearer sk-wrong", `Bearer ${UPSTREAM_KEY}`]);
});

test("retries are counted", async () => {
  const { heard, ...callbacks } = listener();
  const answer = await completion(to("openai/gpt-4o--flaky-1--counted", { num_retries: 1, ...callbacks }));
  assert.equal(answer._hidden_params.attempted_retries, 1);
  const [, event] = await until(() => heard.find(([name]) => name === "success"));
  assert.deepEqual([event.attempts, event.retries, event.fallbacks], [2, 1, 0]);
});

test("callbacks hear of success and failure, and cannot end a call", async (t) => {
  const printed = [];
  t.mock.method(console, "error", (...given) => printed.push(given));
  const { heard, ...callbacks } = listener();
  const request = to("openai/gpt-4o", callbacks);
  const answer = await completion(request);
  await until(() => heard.length === 2);
  const [[first, event], [second, same]] = heard;
  assert.deepEqual([first, second, same], ["success", "event", event]);
  assert.equal(event.response, answer);
  assert.equal(event.request, request);
  assert.equal(event.response_cost, answer._hidden_params.response_cost);
  assert.equal(event.usage.total_tokens, answer.usage.total_tokens);
  assert.ok(event.latency.total_ms >= 0);
  heard.length = 0;
  const error = await thrown(completion(to("openai/gpt-4o--limited-7", callbacks)));
  await until(() => heard.length === 2);
  assert.deepEqual(heard.map(([name, told]) => [name, told.status, told.error === error]), [
    ["failure", "failure", true],
    ["event", "failure", true],
  ]);
  const broken = () => {
    throw new Error("mine");
  };
  await completion(to("openai/gpt-4o", { onSuccess: broken }));
  await until(() => printed.length);
  assert.match(String(printed[0]), /onSuccess failed/);
});

test("configure sets callbacks for all calls", async (t) => {
  const { heard, ...callbacks } = listener();
  t.after(() => configure({ onSuccess: undefined, onFailure: undefined, onEvent: undefined }));
  configure(callbacks);
  await completion({ model: "mock/echo", messages: says("a") });
  await until(() => heard.length === 2);
  assert.equal(heard[0][1].custom_llm_provider, "mock");
});

test("litellm_settings hold for all calls", async (t) => {
  t.after(() => configure({ litellm_settings: undefined }));
  const request = to("anthropic/claude-haiku-4-5", { logit_bias: { 1: 1 } });
  const error = await thrown(completion(request));
  assert.ok(error instanceof tollgate.UnsupportedParamsError, error.message);
  configure({ litellm_settings: { drop_params: true } });
  assert.equal((await completion(request)).object, "chat.completion");
});

test("an abort closes the provider's connection, and the call is rejected with its reason", async () => {
  const control = new AbortController();
  const { heard, ...callbacks } = listener();
  const model = "gpt-4o--silent-0--aborted";
  const waiting = thrown(completion(to(`openai/${model}`, { signal: control.signal, ...callbacks })));
  const seen = await providers.arrived(model);
  control.abort();
  assert.equal((await waiting).name, "AbortError");
  assert.equal(await seen.closed, "aborted");
  await until(() => heard.length);
  assert.deepEqual(heard.map(([name, { status }]) => [name, status]), [["event", "cancelled"]]);
  const reason = new Error("too late");
  heard.length = 0;
  assert.equal(await thrown(completion(to("openai/gpt-4o", { signal: AbortSignal.abort(reason), ...callbacks }))), reason);
  await until(() => heard.length);
  assert.deepEqual(heard.map(([name, { status }]) => [name, status]), [["event", "cancelled"]]);
});

test("a time-out is an error of its own", async () => {
  const error = await thrown(completion(to("openai/gpt-4o--silent", { timeout: 0.05 })));
  assert.ok(error instanceof tollgate.Timeout, error.message);
  assert.deepEqual([error.status, error.llm_provider, error.model], [408, "openai", "openai/gpt-4o--silent"]);
});

test("embeddings", async () => {
  const answer = await embedding({ model: "openai/text-embedding-3-small", input: ["a", "b"], ...own("openai/x") });
  assert.equal(answer.data.length, 2);
  assert.ok(answer.data[0].embedding.length > 1);
  assert.ok(answer._hidden_params.response_cost > 0);
});

test("rerank", async () => {
  const documents = ["one", "two", "three"];
  const answer = await rerank({ model: "cohere/rerank-v3.5", query: "one", documents, api_base: providers.url, api_key: UPSTREAM_KEY });
  assert.equal(answer.results.length, 3);
  assert.ok(answer.results.every(({ index, relevance_score }) => documents[index] && relevance_score >= 0));
  assert.equal(answer._hidden_params.custom_llm_provider, "cohere");
  assert.equal((await thrown(rerank({ model: "cohere/rerank-v3.5", documents }))).param, "query");
});

test("calls with the same credentials share a gateway, and many different ones do not pile up", async () => {
  for (let turn = 0; turn < 80; turn += 1) {
    const answer = await completion({ model: "openai/gpt-4o", messages: says("a"), api_key: `sk-${turn}`, mock_response: "m" });
    assert.equal(answer.choices[0].message.content, "m");
  }
});

test("a model that fails leaves all others as they are", async (t) => {
  t.after(() => configure({ env: undefined, fetch: undefined }));
  const whole = { id: "1", object: "chat.completion", created: 1, model: "m", choices: [{ index: 0, message: { role: "assistant", content: "x" }, finish_reason: "stop" }] };
  configure({
    env: { OPENAI_API_KEY: "sk-1", GROQ_API_KEY: "sk-2" },
    fetch: async (url) => (url.includes("openai.com") ? Response.json({ error: { message: "no" } }, { status: 401 }) : Response.json(whole)),
  });
  for (let turn = 0; turn < 10; turn += 1) {
    const error = await thrown(completion({ model: "openai/gpt-4o", messages: says("a"), num_retries: 0 }));
    assert.ok(error instanceof tollgate.AuthenticationError, error.message);
  }
  assert.equal((await completion({ model: "groq/llama-3.3-70b-versatile", messages: says("a") })).choices[0].message.content, "x");
});

test("what is no request is refused by name", async () => {
  assert.match((await thrown(completion())).message, /completion takes one object/);
  const missing = await thrown(completion({ messages: says("a") }));
  assert.deepEqual([missing.name, missing.param], ["BadRequestError", "model"]);
  assert.equal((await thrown(completion({ model: "nobody/knows", messages: says("a") }))).code, "model_not_found");
});
