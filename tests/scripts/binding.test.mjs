// What the Worker does with its AI binding, apart from the platform: the call, the answer, and the end of a stream.

import assert from "node:assert/strict";
import { test } from "node:test";

import { bound } from "../../src/web/shell.js";

// workerd's own, which node does not have.
globalThis.IdentityTransformStream ??= TransformStream;

const input = (value) => new TextEncoder().encode(JSON.stringify(value));
const signal = () => new AbortController().signal;

test("a Worker without the binding has no fetcher", () => {
  assert.equal(bound({}, "AI"), undefined);
});

test("the model stands in the address, the input in the body, and the answer is a raw one", async () => {
  const calls = [];
  const run = (...call) => {
    calls.push(call);
    return Promise.resolve(Response.json({ message: "no such model" }, { status: 400, headers: { "x-a": "b" } }));
  };
  const ask = bound({ AI: { run } }, "AI");
  const answer = await ask("binding:AI/@cf/meta/llama-3", { body: input({ messages: [] }), signal: signal() });
  assert.deepEqual(calls, [["@cf/meta/llama-3", { messages: [] }, { returnRawResponse: true }]]);
  assert.deepEqual([answer.status, answer.headers.get("x-a")], [400, "b"]);
  assert.deepEqual(await answer.json(), { message: "no such model" });
});

test("a stream that is aborted is closed at its source", async () => {
  let cancelled;
  const gone = new Promise((resolve) => (cancelled = resolve));
  const body = new ReadableStream({
    start: (controller) => controller.enqueue(new TextEncoder().encode("data: {}\n\n")),
    cancel: cancelled,
  });
  const ask = bound({ AI: { run: async () => new Response(body) } }, "AI");
  const controller = new AbortController();
  const answer = await ask("binding:AI/m", { body: input({}), signal: controller.signal });
  const reader = answer.body.getReader();
  assert.equal(new TextDecoder().decode((await reader.read()).value), "data: {}\n\n");
  controller.abort();
  await gone;
  await assert.rejects(reader.read());
});
