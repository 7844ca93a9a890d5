// `api_base` as users write it, for each dialect: the request arrives at the one right path.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MODELS, says, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";

const GEMINI = "/v1beta/models/gemini-2.5-flash:generateContent";

/** What is written after the origin, and the path that it must lead to; a stream of Gemini's has a path of its own. */
const CHAT = {
  openai: {
    "": "/v1/chat/completions",
    "/": "/v1/chat/completions",
    "/v1": "/v1/chat/completions",
    "/v1/": "/v1/chat/completions",
    "/v1/chat/completions": "/v1/chat/completions",
    "/v1/chat/completions/": "/v1/chat/completions",
    "/openai/v1": "/openai/v1/chat/completions",
    "/openai/v1/": "/openai/v1/chat/completions",
    "/v1?team=a": "/v1/chat/completions?team=a",
  },
  anthropic: {
    "": "/v1/messages",
    "/": "/v1/messages",
    "/v1": "/v1/messages",
    "/v1/": "/v1/messages",
    "/v1/messages": "/v1/messages",
    "/v1/messages/": "/v1/messages",
    "/anthropic": "/anthropic/v1/messages",
    "/anthropic/v1": "/anthropic/v1/messages",
  },
  gemini: {
    "": GEMINI,
    "/": GEMINI,
    "/v1beta": GEMINI,
    "/v1beta/": GEMINI,
    "/v1": GEMINI.replace("v1beta", "v1"),
    [GEMINI]: GEMINI,
  },
};
const EMBEDDINGS = {
  openai: { "": "/v1/embeddings", "/v1/": "/v1/embeddings", "/v1/embeddings": "/v1/embeddings" },
  gemini: {
    "": "/v1beta/models/gemini-embedding-001:embedContent",
    "/v1beta/": "/v1beta/models/gemini-embedding-001:embedContent",
  },
};
const EMBEDDERS = { openai: "openai/text-embedding-3-small", gemini: "gemini/gemini-embedding-001" };

const rows = (table) =>
  Object.entries(table).flatMap(([provider, forms]) =>
    Object.entries(forms).map(([written, path]) => ({ provider, written, path })),
  );
const name = ({ provider, written }, call) => `${call} ${provider} ${written || "(origin)"}`;

const scene = stage({
  model_list: (url) => {
    const group = (row, call, model) => ({
      model_name: name(row, call),
      litellm_params: { model, api_base: url + row.written, api_key: UPSTREAM_KEY },
    });
    return [
      ...rows(CHAT).map((row) => group(row, "chat", MODELS[row.provider])),
      ...rows(EMBEDDINGS).map((row) => group(row, "embeddings", EMBEDDERS[row.provider])),
    ];
  },
});

for (const row of rows(CHAT)) {
  test(`${name(row, "chat")} leads to ${row.path}`, async () => {
    const request = { model: name(row, "chat"), messages: says("a b") };
    const { data, response } = await scene.client.chat.completions.create(request).withResponse();
    assert.equal(data.choices[0].message.content, "You said: a b");
    assert.equal(scene.upstream.requests.at(-1).path, row.path);
    const told = response.headers.get("x-litellm-model-api-base");
    assert.equal(told, scene.upstream.url + row.path.split("?")[0]);

    let text = "";
    for await (const chunk of await scene.client.chat.completions.create({ ...request, stream: true })) {
      text += chunk.choices[0].delta.content ?? "";
    }
    assert.equal(text, "You said: a b");
    const streamed = row.path.replace(":generateContent", ":streamGenerateContent?alt=sse");
    assert.equal(scene.upstream.requests.at(-1).path, streamed);
  });
}

for (const row of rows(EMBEDDINGS)) {
  test(`${name(row, "embeddings")} leads to ${row.path}`, async () => {
    const answer = await scene.client.embeddings.create({ model: name(row, "embeddings"), input: "hello" });
    assert.equal(answer.data[0].embedding.length, 4);
    assert.equal(scene.upstream.requests.at(-1).path, row.path);
  });
}

test("an upstream that is not there is an error in a second, and names no address", async () => {
  const { client, gateway, upstream } = scene;
  const closed = "http://127.0.0.1:9";
  await gateway.restart({
    config: {
      model_list: [
        { model_name: "gone", litellm_params: { model: "openai/gpt-4o", api_base: closed, api_key: "sk-x" } },
      ],
      router_settings: { num_retries: 0 },
      general_settings: { master_key: client.apiKey },
    },
  });
  const before = upstream.requests.length;
  const error = await client.chat.completions.create({ model: "gone", messages: says("a") }).catch((error) => error);
  assert.equal(error.status, 500);
  assert.ok(!error.message.includes("127.0.0.1"), error.message);
  assert.equal(upstream.requests.length, before);
});
