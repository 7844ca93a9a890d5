// Tools by the official SDK for Node: calls, results, streamed arguments, and signatures of thoughts that come back.

import assert from "node:assert/strict";
import { test } from "node:test";

import { MODELS, SPOKEN, says, stage } from "./sdk.mjs";
import { SIGNATURE as THINKING } from "./upstream/anthropic.mjs";
import { SIGNATURE as THOUGHT } from "./upstream/gemini.mjs";

const scene = stage();

const tool = (name, properties) => ({
  type: "function",
  function: {
    name,
    description: `Answers ${name}`,
    parameters: { type: "object", properties, required: Object.keys(properties) },
  },
});
const WEATHER = tool("get_weather", { city: { type: "string" }, days: { type: "integer" } });
const TIME = tool("get_time", { zone: { type: "string", enum: ["CET", "UTC"] } });
const ARGUMENTS = { get_weather: { city: "Zürich", days: 3 }, get_time: { zone: "CET" } };

const create = (body) => scene.client.chat.completions.create(body);
const results = (calls, text) => calls.map(({ id }) => ({ role: "tool", tool_call_id: id, content: text }));
const upstreamName = (model) => model.slice(model.indexOf("/") + 1);

/** A message from the chunks of a stream, as a client puts it together that keeps fields it does not know. */
async function assemble(stream) {
  const message = { role: "assistant", content: "", tool_calls: [], thinking_blocks: [] };
  for await (const { choices } of stream) {
    const delta = choices[0]?.delta ?? {};
    message.content += delta.content ?? "";
    message.thinking_blocks.push(...(delta.thinking_blocks ?? []));
    for (const { index, ...piece } of delta.tool_calls ?? []) {
      const call = (message.tool_calls[index] ??= { ...piece, function: { name: piece.function.name, arguments: "" } });
      call.function.arguments += piece.function.arguments ?? "";
    }
  }
  return message;
}

for (const [provider, model] of Object.entries(SPOKEN)) {
  test(`${provider}: a tool is called, and its result comes back into the conversation`, async () => {
    const messages = says("Weather?");
    const first = await create({ model, messages, tools: [WEATHER] });
    const { message, finish_reason: finish } = first.choices[0];
    assert.deepEqual([finish, message.content, message.tool_calls.length], ["tool_calls", "I look.", 1]);
    const [call] = message.tool_calls;
    assert.deepEqual([call.type, call.function.name], ["function", "get_weather"]);
    assert.deepEqual(JSON.parse(call.function.arguments), ARGUMENTS.get_weather);
    const turns = [...messages, message, ...results([call], "21 °C")];
    const second = await create({ model, messages: turns, tools: [WEATHER] });
    assert.equal(second.choices[0].message.content, "The tools said: 21 °C");
    assert.equal(second.choices[0].finish_reason, "stop");
  });

  test(`${provider}: parallel calls in one turn have ids of their own and all get results`, async () => {
    const messages = says("Weather and time?");
    const { message } = (await create({ model, messages, tools: [WEATHER, TIME] })).choices[0];
    assert.deepEqual(
      message.tool_calls.map((call) => call.function.name),
      ["get_weather", "get_time"],
    );
    assert.equal(new Set(message.tool_calls.map(({ id }) => id)).size, 2);
    const [one, two] = message.tool_calls;
    const turns = [...messages, message, ...results([one], "rain"), ...results([two], "noon")];
    const answer = await create({ model, messages: turns, tools: [WEATHER, TIME] });
    assert.equal(answer.choices[0].message.content, "The tools said: rain and noon");
  });

  test(`${provider}: streamed arguments are whole JSON when put together, and the turn goes back`, async () => {
    const messages = says("Weather and time?");
    const request = { model, tools: [WEATHER, TIME], stream: true };
    const message = await assemble(await create({ ...request, messages }));
    assert.equal(message.content, "I look.");
    for (const call of message.tool_calls) {
      assert.deepEqual(JSON.parse(call.function.arguments), ARGUMENTS[call.function.name]);
    }
    assert.equal(message.tool_calls.length, 2);
    const turns = [...messages, message, ...results(message.tool_calls, "fine")];
    assert.equal(
      (await assemble(await create({ ...request, messages: turns }))).content,
      "The tools said: fine and fine",
    );
  });

  test(`${provider}: the SDK's own tool runner goes through calls and results by itself`, async () => {
    const asked = [];
    const run = (parameters) => {
      asked.push(parameters);
      return "cold";
    };
    const runnable = { type: "function", function: { ...WEATHER.function, function: run, parse: JSON.parse } };
    const runner = scene.client.chat.completions.runTools({
      model,
      messages: says("Weather?"),
      tools: [runnable],
      stream: true,
    });
    assert.equal(await runner.finalContent(), "The tools said: cold");
    assert.deepEqual(asked, [ARGUMENTS.get_weather]);
  });

  test(`${provider}: tool_choice none keeps the tools out, and a name forces its tool`, async () => {
    const request = { model, messages: says("Weather?"), tools: [WEATHER, TIME] };
    const none = await create({ ...request, tool_choice: "none" });
    assert.equal(none.choices[0].message.tool_calls?.length ?? 0, 0);
    const named = `${model}--text--forced`;
    await create({ ...request, model: named, tool_choice: { type: "function", function: { name: "get_time" } } });
    const { json } = scene.upstream.of(upstreamName(named))[0];
    const theirs = {
      openai: () => json.tool_choice.function.name,
      anthropic: () => json.tool_choice.name,
      bedrock: () => json.toolConfig.toolChoice.tool.name,
      gemini: () => json.toolConfig.functionCallingConfig.allowedFunctionNames[0],
    };
    assert.equal(theirs[provider](), "get_time");
  });
}

test("anthropic: a thought's signature survives two turns with tools, whole and streamed", async () => {
  for (const stream of [false, true]) {
    const model = `${MODELS.anthropic}--text--thinking${stream}`;
    const request = { model, tools: [WEATHER], reasoning_effort: "low", stream };
    const messages = says("Weather?");
    const answer = await create({ ...request, messages });
    const message = stream ? await assemble(answer) : answer.choices[0].message;
    const said = stream ? message.thinking_blocks.map((block) => block.thinking).join("") : message.reasoning_content;
    assert.equal(said, "Let me think about it.");
    if (stream) {
      // Blocks come in pieces; the last one is signed.
      message.thinking_blocks = [
        { type: "thinking", thinking: said, signature: message.thinking_blocks.at(-1).signature },
      ];
    }
    assert.equal(message.thinking_blocks[0].signature, THINKING);
    await create({ ...request, messages: [...messages, message, ...results(message.tool_calls, "21 °C")] });
    const [, { json }] = scene.upstream.of(upstreamName(model));
    const block = json.messages[1].content[0];
    assert.deepEqual(block, { type: "thinking", thinking: "Let me think about it.", signature: THINKING });
  }
});

test("gemini: a thought signature survives two turns, even where the client keeps no field but OpenAI's", async () => {
  const strip = ({ role, content, tool_calls: calls }) => ({
    role,
    content,
    tool_calls: calls.map(({ id, type, function: { name, arguments: json } }) => ({
      id,
      type,
      function: { name, arguments: json },
    })),
  });
  const base = "gemini/gemini-3-pro-preview";
  for (const [label, stream, keep] of [
    ["whole", false, (message) => message],
    ["bare", false, strip],
    ["streamed", true, strip],
  ]) {
    const model = `${base}--text--${label}`;
    const request = { model, tools: [WEATHER, TIME], stream };
    const messages = says("Weather and time?");
    const answer = await create({ ...request, messages });
    const message = keep(stream ? await assemble(answer) : answer.choices[0].message);
    const turns = [...messages, message, ...results(message.tool_calls, "fine")];
    const second = await create({ ...request, messages: turns });
    const { content } = stream ? await assemble(second) : second.choices[0].message;
    assert.equal(content, "The tools said: fine and fine");
    const [, { json }] = scene.upstream.of(upstreamName(model));
    const calls = json.contents[1].parts.filter((part) => part.functionCall);
    assert.deepEqual(
      calls.map((part) => part.thoughtSignature),
      [THOUGHT, undefined],
      label,
    );
    assert.deepEqual(
      calls.map((part) => part.functionCall.id),
      ["fc_0", "fc_1"],
    );
  }
});
