// The official SDK for Node talks to Cohere and to Ollama in their own protocols: text, streams, tools, structured
// output, pictures, thinking, embeddings; and reranking by fetch.

import assert from "node:assert/strict";
import { test } from "node:test";

import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { says, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const NATIVES = { cohere: "cohere/command-a-03-2025", ollama: "ollama/llama3.2" };

const scene = stage({
  model_list: (url) => [
    ...Object.keys(NATIVES).map((provider) => ({
      model_name: `${provider}/*`,
      litellm_params: { model: `${provider}/*`, api_base: url, api_key: UPSTREAM_KEY },
    })),
    { model_name: "big", litellm_params: { model: "ollama/llama3.2", api_base: `${url}/v1`, num_ctx: 8192 } },
    {
      model_name: "spared",
      litellm_params: { model: "ollama/llama3.2--error-0", api_base: url },
    },
  ],
  router_settings: { num_retries: 0, fallbacks: [{ spared: ["cohere/command-a-03-2025"] }] },
});
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

const create = (body) => scene.client.chat.completions.create(body);
const upstreamName = (model) => model.slice(model.indexOf("/") + 1);

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const text = choices.map(({ delta }) => delta.content ?? "").join("");
  const thought = choices.map(({ delta }) => delta.reasoning_content ?? "").join("");
  const finishes = choices.map(({ finish_reason: finish }) => finish).filter(Boolean);
  return { chunks, choices, text, thought, finishes, usages: chunks.map(({ usage }) => usage).filter(Boolean) };
}

const tool = (name, properties) => ({
  type: "function",
  function: { name, parameters: { type: "object", properties, required: Object.keys(properties) } },
});
const WEATHER = tool("get_weather", { city: { type: "string" }, days: { type: "integer" } });
const TIME = tool("get_time", { zone: { type: "string", enum: ["CET", "UTC"] } });

for (const [provider, model] of Object.entries(NATIVES)) {
  test(`${provider}: a whole answer`, async () => {
    const answer = await create({ model, messages: [{ role: "developer", content: "Be brief." }, ...says("Grüezi 🙂")] });
    const [{ message, finish_reason: finish }] = answer.choices;
    assert.deepEqual([message.role, message.content, finish], ["assistant", "You said: Grüezi 🙂", "stop"]);
    const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = answer.usage;
    assert.deepEqual([input, output, total], [7, 4, 11]);
  });

  test(`${provider}: a stream has the same text, one finish reason, and usage where it was asked for`, async () => {
    const plain = await collect(await create({ model, messages: says("a b — 🙂"), stream: true }));
    assert.deepEqual([plain.text, plain.finishes, plain.usages], ["You said: a b — 🙂", ["stop"], []]);
    const options = { stream: true, stream_options: { include_usage: true } };
    const told = await collect(await create({ model, messages: says("a b"), ...options }));
    assert.equal(told.usages.length, 1);
    assert.deepEqual([told.usages[0].prompt_tokens, told.usages[0].completion_tokens], [7, 4]);
  });

  test(`${provider}: a long stream comes whole`, async () => {
    const { text } = await collect(await create({ model: `${model}--chunks-2000`, messages: says("a"), stream: true }));
    assert.equal(text, Array.from({ length: 2000 }, (_, index) => `w${index} `).join(""));
  });

  test(`${provider}: a stream that breaks ends with an error and never with [DONE]`, async () => {
    for (const kind of ["cut", "end", "error"]) {
      const request = { model: `${model}--${kind}-2`, messages: says("a b c d"), stream: true };
      const text = await (await scene.chat(request)).text();
      assert.match(text, /data: \{"error":/, kind);
      assert.doesNotMatch(text, /\[DONE\]/, kind);
    }
  });

  test(`${provider}: a tool is called, and its result comes back into the conversation`, async () => {
    const messages = says("Weather?");
    const first = await create({ model, messages, tools: [WEATHER] });
    const { message, finish_reason: finish } = first.choices[0];
    assert.equal(finish, "tool_calls");
    const [call] = message.tool_calls;
    assert.deepEqual(JSON.parse(call.function.arguments), { city: "Zürich", days: 3 });
    const result = { role: "tool", tool_call_id: call.id, content: "21 °C" };
    const second = await create({ model, messages: [...messages, message, result], tools: [WEATHER] });
    assert.equal(second.choices[0].message.content, "The tools said: 21 °C");
  });

  test(`${provider}: parallel calls are streamed with an index and an id of their own`, async () => {
    const stream = await create({ model, messages: says("Both?"), tools: [WEATHER, TIME], stream: true });
    const { choices, finishes } = await collect(stream);
    const calls = [];
    for (const { index, id, function: piece } of choices.flatMap(({ delta }) => delta.tool_calls ?? [])) {
      calls[index] ??= { id, name: piece.name, text: "" };
      calls[index].text += piece.arguments ?? "";
    }
    assert.deepEqual(finishes, ["tool_calls"]);
    assert.deepEqual(
      calls.map(({ name, text }) => [name, JSON.parse(text)]),
      [
        ["get_weather", { city: "Zürich", days: 3 }],
        ["get_time", { zone: "CET" }],
      ],
    );
    assert.notEqual(calls[0].id, calls[1].id);
  });

  test(`${provider}: structured output is parsed by the SDK`, async () => {
    const shape = z.object({ city: z.string(), days: z.number().int(), tags: z.array(z.string()) });
    const answer = await scene.client.chat.completions.parse({
      model,
      messages: says("Where?"),
      response_format: zodResponseFormat(shape, "place"),
    });
    assert.deepEqual(answer.choices[0].message.parsed, { city: "Zürich", days: 3, tags: ["Zürich"] });
  });

  test(`${provider}: a picture arrives`, async () => {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
    ];
    const answer = await create({ model, messages: says(content) });
    const bytes = Buffer.from(PNG, "base64").length;
    assert.equal(answer.choices[0].message.content, `I see image/png of ${bytes} bytes`);
  });

  test(`${provider}: reasoning is told apart from words, whole and streamed`, async () => {
    const request = { model: `${model}--text--thinks`, messages: says("a"), reasoning_effort: "high" };
    const { message } = (await create(request)).choices[0];
    assert.deepEqual([message.reasoning_content, message.content], ["Let me think about it.", "You said: a"]);
    const { text, thought } = await collect(await create({ ...request, stream: true }));
    assert.deepEqual([thought, text], ["Let me think about it.", "You said: a"]);
  });

  test(`${provider}: embeddings are numbers, which the SDK asks for in base64`, async () => {
    const answer = await scene.client.embeddings.create({ model, input: ["a", "abc"], dimensions: 3 });
    assert.deepEqual(
      answer.data.map(({ embedding }) => embedding),
      [
        [2 / 128, 4 / 128, 6 / 128],
        [4 / 128, 8 / 128, 12 / 128],
      ],
    );
    assert.equal(answer.usage.prompt_tokens, 2);
  });

  test(`${provider}: refusals keep their meaning`, async () => {
    for (const [kind, status, code] of [
      ["limited", 429, "429"],
      ["missing", 404, "404"],
      ["context", 400, "context_length_exceeded"],
      ["down", 500, "500"],
    ]) {
      const error = await create({ model: `${model}--${kind}`, messages: says("a") }).catch((error) => error);
      assert.deepEqual([error.status, error.code], [status, code], kind);
    }
  });
}

test("an error in the first line of a stream still falls back, to another protocol", async () => {
  const { text } = await collect(await create({ model: "spared", messages: says("a"), stream: true }));
  assert.equal(text, "You said: a");
});

test("ollama: what the configuration adds goes into options, however the server's address is written", async () => {
  await create({ model: "big", messages: says("a"), temperature: 0.5 });
  const { json } = scene.upstream.of("llama3.2").at(-1);
  assert.deepEqual(json.options, { num_ctx: 8192, temperature: 0.5 });
});

test("cohere: documents go up, and what is not Cohere's is refused by name", async () => {
  const model = `${NATIVES.cohere}--text--documents`;
  const documents = [{ id: "1", data: { text: "Penguins are tall." } }];
  await create({ model, messages: says("Tall?"), documents });
  assert.deepEqual(scene.upstream.of(upstreamName(model))[0].json.documents, documents);
  const error = await create({ model, messages: says("a"), logit_bias: { 5: 1 } }).catch((error) => error);
  assert.deepEqual([error.status, error.param], [400, "logit_bias"]);
});

test("cohere: reranking by fetch, on each of its paths", async () => {
  const body = { model: "cohere/rerank-v3.5", query: "q", documents: ["long text", "b", { text: "abc" }], top_n: 2 };
  for (const path of ["/rerank", "/v1/rerank", "/v2/rerank"]) {
    const response = await scene.call(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ ...body, return_documents: path === "/v1/rerank" }),
    });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get("x-litellm-response-cost"), "0.002");
    const { results, meta } = await response.json();
    assert.deepEqual(
      results.map(({ index }) => index),
      [1, 2],
    );
    assert.deepEqual(meta.billed_units, { search_units: 1 });
    assert.deepEqual(results[1].document, path === "/v1/rerank" ? { text: "abc" } : undefined);
  }
});
