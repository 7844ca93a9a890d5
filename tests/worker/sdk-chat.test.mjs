// The official SDK for Node talks to four dialects: text, streams, structured output, pictures, embeddings, models.

import assert from "node:assert/strict";
import { test } from "node:test";

import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { MODELS, SPOKEN, says, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const scene = stage({
  model_list: (url) => [
    { model_name: "house", litellm_params: { model: "openai/gpt-4o", api_base: url, api_key: UPSTREAM_KEY } },
  ],
});
const PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function collect(stream) {
  const chunks = [];
  for await (const chunk of stream) chunks.push(chunk);
  const choices = chunks.flatMap((chunk) => chunk.choices);
  const text = choices.map(({ delta }) => delta.content ?? "").join("");
  const finishes = choices.map(({ finish_reason: finish }) => finish).filter(Boolean);
  return { chunks, text, finishes, usages: chunks.map(({ usage }) => usage).filter(Boolean) };
}

for (const [provider, model] of Object.entries(SPOKEN)) {
  test(`${provider}: a whole answer`, async () => {
    const { data: answer, response } = await scene.client.chat.completions
      .create({ model, messages: [{ role: "system", content: "Be brief." }, ...says("Grüezi — 你好 🙂")] })
      .withResponse();
    const [choice] = answer.choices;
    assert.deepEqual([choice.message.role, choice.message.content], ["assistant", "You said: Grüezi — 你好 🙂"]);
    assert.equal(choice.finish_reason, "stop");
    const { prompt_tokens: input, completion_tokens: output, total_tokens: total } = answer.usage;
    assert.deepEqual([input, output, total], [7, 6, 13]);
    assert.equal(answer.object, "chat.completion");
    assert.match(response.headers.get("x-litellm-call-id"), /^[0-9a-f-]{36}$/);
    assert.equal(response.headers.get("x-litellm-model-group"), model);
  });

  test(`${provider}: a conversation keeps its turns`, async () => {
    const label = `${model}--text--turns`;
    const messages = [...says("one"), { role: "assistant", content: "two" }, ...says("three")];
    const answer = await scene.client.chat.completions.create({ model: label, messages });
    assert.equal(answer.choices[0].message.content, "You said: three");
    const [{ json }] = scene.upstream.of(label.split("/")[1]);
    const turns = json.messages ?? json.contents;
    const theirs = provider === "gemini" ? ["user", "model", "user"] : ["user", "assistant", "user"];
    assert.deepEqual(
      turns.map(({ role }) => role),
      theirs,
    );
  });

  test(`${provider}: a stream has the same text, one finish reason and no usage that was not asked for`, async () => {
    const stream = await scene.client.chat.completions.create({ model, messages: says("a b c d — 🙂"), stream: true });
    const { text, finishes, usages, chunks } = await collect(stream);
    assert.equal(text, "You said: a b c d — 🙂");
    assert.deepEqual(finishes, ["stop"]);
    assert.deepEqual(usages, []);
    assert.ok(
      chunks.every((chunk) => chunk.choices.length === 1),
      "a chunk without a choice",
    );
    assert.equal(new Set(chunks.map(({ id }) => id)).size, 1);
  });

  test(`${provider}: a stream ends with usage where include_usage asks for it`, async () => {
    const options = { stream: true, stream_options: { include_usage: true } };
    const stream = await scene.client.chat.completions.create({ model, messages: says("a b"), ...options });
    const { usages, chunks } = await collect(stream);
    assert.equal(usages.length, 1);
    assert.deepEqual([usages[0].prompt_tokens, usages[0].completion_tokens, usages[0].total_tokens], [7, 4, 11]);
    assert.deepEqual(chunks.at(-1).choices, []);
  });

  test(`${provider}: the limit of the output is the finish reason`, async () => {
    const request = { model: `${model}--length`, messages: says("a"), max_tokens: 5 };
    const answer = await scene.client.chat.completions.create(request);
    assert.equal(answer.choices[0].finish_reason, "length");
    const { finishes } = await collect(await scene.client.chat.completions.create({ ...request, stream: true }));
    assert.deepEqual(finishes, ["length"]);
  });

  test(`${provider}: structured output is parsed by its schema`, async () => {
    const City = z.object({ name: z.string(), rank: z.number().int(), tags: z.array(z.string()), big: z.boolean() });
    const answer = await scene.client.chat.completions.parse({
      model,
      messages: says("Name a city."),
      response_format: zodResponseFormat(City, "city"),
    });
    assert.deepEqual(answer.choices[0].message.parsed, { name: "Zürich", rank: 3, tags: ["Zürich"], big: true });
    assert.equal(answer.choices[0].finish_reason, "stop");
  });

  test(`${provider}: a plain json_schema is streamed as JSON text`, async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" } },
      required: ["city"],
      additionalProperties: false,
    };
    const stream = await scene.client.chat.completions.create({
      model,
      messages: says("Name a city."),
      stream: true,
      response_format: { type: "json_schema", json_schema: { name: "city", schema, strict: true } },
    });
    assert.deepEqual(JSON.parse((await collect(stream)).text), { city: "Zürich" });
  });

  test(`${provider}: a picture in a data URL is seen`, async () => {
    const content = [
      { type: "text", text: "What is this?" },
      { type: "image_url", image_url: { url: `data:image/png;base64,${PNG}` } },
    ];
    const answer = await scene.client.chat.completions.create({ model, messages: says(content) });
    assert.equal(answer.choices[0].message.content, `I see image/png of ${Buffer.from(PNG, "base64").length} bytes`);
  });
}

const EMBEDDERS = { openai: "openai/text-embedding-3-small", gemini: "gemini/gemini-embedding-001" };
for (const [provider, model] of Object.entries(EMBEDDERS)) {
  test(`${provider}: embeddings, one and many, in the SDK's own format and in floats`, async () => {
    const one = await scene.client.embeddings.create({ model, input: "hello" });
    assert.deepEqual(
      one.data.map(({ embedding }) => [...embedding]),
      [[6, 12, 18, 24].map((n) => n / 128)],
    );
    const many = await scene.client.embeddings.create({
      model,
      input: ["a", "bc"],
      dimensions: 2,
      encoding_format: "float",
    });
    assert.deepEqual(
      many.data.map(({ embedding }) => [...embedding]),
      [
        [2 / 128, 4 / 128],
        [3 / 128, 6 / 128],
      ],
    );
    assert.deepEqual(
      many.data.map(({ index }) => index),
      [0, 1],
    );
    assert.equal(many.object, "list");
  });
}

test("models are listed, and one is retrieved", async () => {
  const models = [];
  for await (const model of scene.client.models.list()) models.push(model.id);
  assert.deepEqual(models, ["house"]);
  const { id, object } = await scene.client.models.retrieve(MODELS.anthropic);
  assert.deepEqual([id, object], [MODELS.anthropic, "model"]);
});
