// What calls cost, how long prompts are, what models can do, what would be sent, and what the environment lacks.

import assert from "node:assert/strict";
import { test } from "node:test";

import { says, staged, thrown, tollgate } from "./library.mjs";

const { completion, completionCost, costPerToken, tokenCounter, getModelInfo, registerModel, Router } = tollgate;
const { supportedOpenAIParams, transformRequest, validateEnvironment, configure } = tollgate;
const { to } = await staged();

const near = (value, expected) => assert.ok(Math.abs(value - expected) < 1e-12, `${value} is not ${expected}`);

test("the cost of an answer is what the call was charged", async () => {
  for (const model of ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"]) {
    const answer = await completion(to(model));
    const cost = await completionCost({ completion_response: answer });
    assert.equal(cost, answer._hidden_params.response_cost);
    // A copy has lost what is known beside it: the name and the usage price it.
    near(await completionCost({ completion_response: JSON.parse(JSON.stringify(answer)), model }), cost);
  }
});

test("the cost of an answer of another's is found by its model and usage", async () => {
  const usage = { prompt_tokens: 1000, completion_tokens: 100, total_tokens: 1100, prompt_tokens_details: { cached_tokens: 400 } };
  near(await completionCost({ completion_response: { model: "gpt-4o-2024-08-06", usage } }), (600 * 2.5 + 400 * 1.25 + 100 * 10) / 1e6);
  near(await completionCost({ completion_response: { model: "ignored", usage }, model: "openai/gpt-4o" }), 0.003);
});

test("the cost of texts is that of their tokens", async () => {
  const { total_tokens } = await tokenCounter({ model: "gpt-4o", messages: says("hello") });
  const cost = await completionCost({ model: "gpt-4o", messages: says("hello"), completion: "hello" });
  near(cost, (total_tokens * 2.5 + 1 * 10) / 1e6);
  near(await completionCost({ model: "gpt-4o", prompt: "hello" }), 2.5e-6);
  assert.match((await thrown(completionCost({ messages: says("a") }))).message, /completionCost takes/);
});

test("the cost of tokens: prompt and completion", async () => {
  assert.deepEqual(await costPerToken({ model: "gpt-4o", prompt_tokens: 1000, completion_tokens: 500 }), [0.0025, 0.005]);
  const cached = await costPerToken({ model: "gpt-4o", prompt_tokens: 1000, cache_read_input_tokens: 1000 });
  assert.deepEqual(cached, [0.00125, 0]);
  assert.deepEqual(await costPerToken({ model: "gpt-4o", custom_llm_provider: "openai", prompt_tokens: 1 }), [0.0000025, 0]);
  assert.ok((await thrown(costPerToken({ model: "nobody-knows" }))) instanceof tollgate.NotFoundError);
});

test("an unknown price is null, never 0", async () => {
  assert.deepEqual(await costPerToken({ model: "openai/mine-alone", prompt_tokens: 10 }), [null, null]);
  const answer = await completion(to("openai/mine-alone--text-1"));
  assert.equal(answer._hidden_params.response_cost, null);
  assert.equal(await completionCost({ completion_response: answer }), null);
});

test("tokens are exact where the vocabulary is known, and an estimate says so", async (t) => {
  const exact = await tokenCounter({ model: "gpt-4o", messages: says("hello world") });
  assert.deepEqual([exact.total_tokens, exact.exact, exact.error_percent], [9, true, 0]);
  assert.equal((await tokenCounter({ model: "gpt-4o", text: ["hello ", "world"] })).total_tokens, 2);
  const tools = [{ type: "function", function: { name: "f", parameters: { type: "object", properties: {} } } }];
  assert.ok((await tokenCounter({ model: "gpt-4o", messages: says("hello world"), tools })).total_tokens > 9);
  const estimate = await tokenCounter({ model: "anthropic/claude-haiku-4-5", messages: says("hello world") });
  assert.ok(!estimate.exact && estimate.error_percent > 0 && estimate.total_tokens > 2);
  assert.equal((await thrown(tokenCounter({ model: "gpt-4o" }))).param, "messages");
  t.after(() => configure({ vocabulary: undefined }));
  const asked = [];
  configure({ vocabulary: async (name) => void asked.push(name) });
  assert.equal((await tokenCounter({ model: "gpt-4o", text: "hello" })).exact, false);
  assert.deepEqual(asked, ["o200k_base"]);
});

test("what is known of a model", async () => {
  const info = await getModelInfo("gpt-4o");
  assert.deepEqual([info.key, info.litellm_provider, info.mode], ["gpt-4o", "openai", "chat"]);
  assert.deepEqual([info.max_input_tokens, info.input_cost_per_token, info.supports_vision], [128_000, 0.0000025, true]);
  assert.ok(info.supported_openai_params.includes("tools"));
  assert.equal((await getModelInfo("anthropic/claude-haiku-4-5")).litellm_provider, "anthropic");
  assert.equal((await getModelInfo("gpt-4o", "openai")).max_output_tokens, 16_384);
  const error = await thrown(getModelInfo("openai/mine-alone"));
  assert.ok(error instanceof tollgate.NotFoundError && /registerModel/.test(error.message), error.message);
  assert.ok((await thrown(getModelInfo("nobody-knows"))) instanceof tollgate.NotFoundError);
});

test("what a model takes", async () => {
  assert.ok((await supportedOpenAIParams("openai/gpt-4o")).includes("logit_bias"));
  const claude = await supportedOpenAIParams("claude-haiku-4-5", "anthropic");
  assert.ok(claude.includes("tools") && !claude.includes("logit_bias"));
  assert.ok((await thrown(supportedOpenAIParams("nobody/x"))) instanceof tollgate.NotFoundError);
});

test("a model that is registered has its prices and facts, in calls, questions and routers", async (t) => {
  registerModel({
    "openai/of-mine": { input_cost_per_token: 1e-6, output_cost_per_token: 2e-6, max_input_tokens: 7, litellm_provider: "openai", supports_vision: true },
    "own-name": { input_cost_per_token: 3e-6, output_cost_per_token: 0, litellm_provider: "openai" },
  });
  assert.deepEqual(await costPerToken({ model: "openai/of-mine", prompt_tokens: 10, completion_tokens: 10 }), [0.00001, 0.00002]);
  assert.deepEqual(await costPerToken({ model: "own-name", prompt_tokens: 10 }), [0.00003, 0]);
  const info = await getModelInfo("openai/of-mine");
  assert.deepEqual([info.key, info.max_input_tokens, info.supports_vision, info.input_cost_per_token], ["openai/of-mine", 7, true, 1e-6]);
  const request = to("openai/of-mine", { mock_response: "m" });
  const answer = await completion(request);
  const { prompt_tokens, completion_tokens } = answer.usage;
  near(answer._hidden_params.response_cost, (prompt_tokens + 2 * completion_tokens) / 1e6);
  const router = new Router({ model_list: [{ model_name: "m", litellm_params: { model: "openai/of-mine", mock_response: "m" } }] });
  t.after(() => router.dispose());
  const routed = await router.completion({ model: "m", messages: request.messages });
  near(routed._hidden_params.response_cost, answer._hidden_params.response_cost);
  // Later facts come to those that are there.
  registerModel({ "openai/of-mine": { max_input_tokens: 8 } });
  assert.deepEqual([(await getModelInfo("openai/of-mine")).max_input_tokens, (await getModelInfo("openai/of-mine")).input_cost_per_token], [8, 1e-6]);
  assert.throws(() => registerModel({ x: 1 }), /x must be an object/);
});

test("prices of a call's own hold for that call", async () => {
  const answer = await completion(to("openai/unpriced", { mock_response: "m", input_cost_per_token: 1, output_cost_per_token: 0 }));
  assert.equal(answer._hidden_params.response_cost, answer.usage.prompt_tokens);
});

test("the request that would be sent, with its credentials masked", async () => {
  const told = await transformRequest({ model: "anthropic/claude-haiku-4-5", messages: says("hi"), max_tokens: 5, api_key: "sk-ant-secret-1" });
  assert.equal(told.raw_request_api_base, "https://api.anthropic.com/v1/messages");
  assert.equal(told.raw_request_body.max_tokens, 5);
  assert.equal(told.raw_request_headers["x-api-key"], "***");
  assert.ok(!JSON.stringify(told).includes("sk-ant-secret"));
  const vectors = await transformRequest({ model: "openai/text-embedding-3-small", input: "a", api_key: "sk-secret-2" });
  assert.equal(vectors.raw_request_api_base, "https://api.openai.com/v1/embeddings");
  assert.ok((await thrown(transformRequest({ model: "openai/gpt-4o", messages: [], api_key: "k" }))) instanceof tollgate.BadRequestError);
});

test("what the environment lacks", async (t) => {
  t.after(() => configure({ env: undefined }));
  const asked = async (env, model) => {
    configure({ env });
    const { keys_in_environment, missing_keys } = await validateEnvironment(model);
    assert.equal(keys_in_environment, missing_keys.length === 0);
    return missing_keys;
  };
  assert.deepEqual(await asked({}, "gpt-4o"), ["OPENAI_API_KEY"]);
  assert.deepEqual(await asked({ OPENAI_API_KEY: "k" }, "gpt-4o"), []);
  assert.deepEqual(await asked({}, { model: "gpt-4o", api_key: "k" }), []);
  assert.deepEqual(await asked({ GOOGLE_API_KEY: "k" }, "gemini/gemini-2.5-flash"), []);
  assert.deepEqual(await asked({}, "azure/mine"), ["AZURE_API_KEY", "AZURE_API_BASE"]);
  assert.deepEqual(await asked({ AZURE_AD_TOKEN: "t" }, "azure/mine"), ["AZURE_API_BASE"]);
  assert.deepEqual(await asked({ AZURE_OPENAI_ENDPOINT: "u", AZURE_AD_TOKEN: "t" }, "azure/mine"), []);
  assert.deepEqual(await asked({ AWS_ACCESS_KEY_ID: "a" }, "bedrock/anthropic.claude-3"), ["AWS_BEARER_TOKEN_BEDROCK"]);
  assert.deepEqual(await asked({ AWS_ACCESS_KEY_ID: "a", AWS_SECRET_ACCESS_KEY: "s" }, "bedrock/anthropic.claude-3"), []);
  assert.deepEqual(await asked({}, "mock/echo"), []);
  assert.ok((await thrown(validateEnvironment("nobody/x"))) instanceof tollgate.NotFoundError);
});

test("LiteLLM's names are the same functions", () => {
  for (const [theirs, ours] of [
    ["completion_cost", "completionCost"], ["cost_per_token", "costPerToken"], ["token_counter", "tokenCounter"],
    ["get_model_info", "getModelInfo"], ["get_supported_openai_params", "supportedOpenAIParams"],
    ["supported_openai_params", "supportedOpenAIParams"], ["validate_environment", "validateEnvironment"],
    ["transform_request", "transformRequest"], ["stream_chunk_builder", "streamChunkBuilder"],
    ["register_model", "registerModel"], ["acompletion", "completion"], ["aembedding", "embedding"],
  ]) assert.ok(tollgate[ours] && tollgate[theirs] === tollgate[ours], theirs);
});
