// Streamed answers: chunks, ends of all kinds, and the whole that they make up.

import assert from "node:assert/strict";
import { test } from "node:test";

import { listener, says, staged, textOf, thrown, tollgate, until } from "./library.mjs";

const { completion, streamChunkBuilder } = tollgate;
const { providers, to } = await staged();

const streamed = (model, rest) => completion(to(model, { stream: true, ...rest }));

test("chunks come as OpenAI's, from every dialect, and their text is that of the whole answer", async () => {
  for (const model of ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"]) {
    const whole = await completion(to(model));
    const stream = await streamed(model);
    assert.equal(await textOf(stream), whole.choices[0].message.content, model);
    assert.ok(stream._hidden_params.response_cost > 0, model);
    assert.equal(stream._hidden_params.custom_llm_provider, model.split("/")[0]);
  }
});

test("a stream's cost is known at its end, and callbacks hear of it", async () => {
  const { heard, ...callbacks } = listener();
  const stream = await streamed("openai/gpt-4o", callbacks);
  assert.equal(stream._hidden_params.response_cost, null);
  await textOf(stream);
  await until(() => heard.length === 2);
  const [[name, event]] = heard;
  assert.deepEqual([name, event.status, event.stream], ["success", "success", true]);
  assert.ok(event.response_cost > 0 && event.response_cost === stream._hidden_params.response_cost);
  assert.ok(event.usage.completion_tokens > 0 && event.latency.first_ms !== null);
});

test("leaving the loop closes the provider's connection", async () => {
  const { heard, ...callbacks } = listener();
  const model = "gpt-4o--hold-2--left";
  const stream = await streamed(`openai/${model}`, callbacks);
  for await (const chunk of stream) if (chunk.choices[0]?.delta?.content) break;
  assert.equal(await providers.of(model)[0].closed, "aborted");
  const [name, event] = await until(() => heard[0]);
  assert.deepEqual([name, event.status], ["event", "cancelled"]);
});

test("an abort from outside ends the loop with its reason", async () => {
  const model = "gpt-4o--hold-1--aborted";
  const stream = await streamed(`openai/${model}`);
  const reading = thrown(textOf(stream));
  await until(() => providers.of(model).length);
  stream.controller.abort();
  assert.equal((await reading).name, "AbortError");
  assert.equal(await providers.of(model)[0].closed, "aborted");
  const control = new AbortController();
  const other = await streamed(`openai/${model}-signal`, { signal: control.signal });
  const late = thrown(textOf(other));
  const reason = new Error("enough");
  control.abort(reason);
  assert.equal(await late, reason);
});

test("a stream that breaks is an error, whatever came before", async () => {
  for (const [behaviour, kind] of [["cut-2", "APIConnectionError"], ["end-2", "APIConnectionError"], ["error-2", undefined]]) {
    for (const model of ["openai/gpt-4o", "anthropic/claude-haiku-4-5"]) {
      const { heard, ...callbacks } = listener();
      // One that breaks at once may be told by the call itself.
      const error = await thrown(streamed(`${model}--${behaviour}`, callbacks).then(textOf));
      assert.ok(error instanceof tollgate.APIError, `${model} ${behaviour}: ${error}`);
      if (kind) assert.equal(error.name, kind, `${model} ${behaviour}: ${error.message}`);
      assert.equal(error.llm_provider, model.split("/")[0]);
      assert.equal((await until(() => heard[0]))[0], "failure");
    }
  }
});

test("an error before the first chunk is the call's", async () => {
  const error = await thrown(streamed("openai/gpt-4o--limited-3"));
  assert.ok(error instanceof tollgate.RateLimitError);
  assert.equal(error.retry_after, 3);
});

test("a stream is read once, or by two with tee", async () => {
  const once = await streamed("openai/gpt-4o--chunks-4");
  await textOf(once);
  assert.match((await thrown(textOf(once))).message, /read once/);
  const [left, right] = (await streamed("openai/gpt-4o--chunks-4")).tee();
  const text = await textOf(left);
  assert.ok(text.length > 4);
  assert.equal(await textOf(right), text);
});

test("it can be handed on as server-sent events", async () => {
  const stream = await streamed("openai/gpt-4o--chunks-3");
  const text = await new Response(stream.toReadableStream()).text();
  assert.match(text, /^data: \{"id"[\s\S]*\n\ndata: \[DONE\]\n\n$/);
});

test("`await using` closes a stream that nobody reads", async () => {
  const model = "gpt-4o--hold-1--unread";
  const stream = await streamed(`openai/${model}`);
  await stream[Symbol.asyncDispose ?? Symbol.for("Symbol.asyncDispose")]();
  assert.equal(await providers.of(model)[0].closed, "aborted");
});

test("a whole answer is built of the chunks of any dialect", async () => {
  for (const model of ["openai/gpt-4o", "anthropic/claude-haiku-4-5", "gemini/gemini-2.5-flash"]) {
    const whole = await completion(to(model));
    const chunks = [];
    for await (const chunk of await streamed(model, { stream_options: { include_usage: true } })) chunks.push(chunk);
    const built = await streamChunkBuilder(chunks);
    assert.equal(built.object, "chat.completion");
    assert.deepEqual(built.choices[0].message.content, whole.choices[0].message.content, model);
    assert.equal(built.choices[0].finish_reason, whole.choices[0].finish_reason);
    assert.equal(built.usage.total_tokens, whole.usage.total_tokens);
  }
});

const chunk = (delta, rest = {}) => ({ id: "c", object: "chat.completion.chunk", created: 1, model: "gpt-4o", choices: [{ index: 0, delta, finish_reason: null, ...rest }] });

test("calls of tools are put together by index, though pieces mix", async () => {
  const piece = (index, rest) => chunk({ tool_calls: [{ index, ...rest }] });
  const built = await streamChunkBuilder([
    chunk({ role: "assistant", content: null }),
    piece(0, { id: "a", type: "function", function: { name: "f", arguments: "" } }),
    piece(1, { id: "b", type: "function", function: { name: "g", arguments: '{"x"' } }),
    piece(0, { function: { arguments: '{"y":' } }),
    piece(1, { function: { arguments: ":1}" } }),
    piece(0, { function: { arguments: "2}" } }),
    // A provider that numbers all calls 0 tells them apart by id.
    piece(0, { id: "c", type: "function", function: { name: "h", arguments: "{}" } }),
    chunk({}, { finish_reason: "tool_calls" }),
  ]);
  const { message, finish_reason } = built.choices[0];
  assert.equal(finish_reason, "tool_calls");
  assert.equal(message.content, null);
  assert.deepEqual(message.tool_calls.map((call) => [call.id, call.function.name, call.function.arguments]), [
    ["a", "f", '{"y":2}'],
    ["b", "g", '{"x":1}'],
    ["c", "h", "{}"],
  ]);
});

test("reasoning, several choices and unknown fields are kept; chunks are not changed", async () => {
  const chunks = [
    chunk({ role: "assistant", reasoning_content: "I ", provider_specific_fields: { a: 1 } }),
    chunk({ reasoning_content: "think" }),
    { ...chunk({ content: "x" }), choices: [{ index: 1, delta: { content: "other" }, finish_reason: "length" }] },
    { ...chunk({ content: "so" }, { finish_reason: "stop" }), system_fingerprint: "fp" },
  ];
  const before = structuredClone(chunks);
  const built = await streamChunkBuilder(chunks);
  assert.deepEqual(chunks, before);
  assert.equal(built.choices[0].message.reasoning_content, "I think");
  assert.equal(built.choices[0].message.content, "so");
  assert.deepEqual(built.choices[0].message.provider_specific_fields, { a: 1 });
  assert.deepEqual([built.choices[1].message.content, built.choices[1].finish_reason], ["other", "length"]);
  assert.equal(built.system_fingerprint, "fp");
  assert.equal(await streamChunkBuilder([]), null);
});

test("where no chunk has usage, tokens are counted", async () => {
  const built = await streamChunkBuilder([chunk({ content: "hello" }, { finish_reason: "stop" })], { messages: says("hello") });
  assert.deepEqual(built.usage, { prompt_tokens: 8, completion_tokens: 1, total_tokens: 9, estimated: false });
});
