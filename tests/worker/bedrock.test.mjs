// Bedrock by the official SDK for Node: signed and with a bearer key, whole and in binary frames.

import assert from "node:assert/strict";
import { test } from "node:test";

import { says, stage } from "./sdk.mjs";
import { UPSTREAM_KEY } from "./upstream.mjs";
import { ACCESS } from "./upstream/bedrock.mjs";

const ID = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";

const scene = stage({
  model_list: (url) => [
    {
      model_name: "bedrock/*",
      litellm_params: { model: "bedrock/*", api_key: UPSTREAM_KEY, aws_bedrock_runtime_endpoint: url },
    },
    {
      model_name: "signed",
      litellm_params: {
        model: `bedrock/eu-west-1/${ID}--text--signed`,
        aws_access_key_id: ACCESS.id,
        aws_secret_access_key: "os.environ/AWS_SECRET_ACCESS_KEY",
        aws_session_token: "session",
        aws_bedrock_runtime_endpoint: url,
      },
    },
  ],
  environment_variables: { AWS_SECRET_ACCESS_KEY: ACCESS.secret },
});

const MODEL = `bedrock/${ID}`;
const WEATHER = {
  type: "function",
  function: {
    name: "get.weather",
    parameters: { type: "object", properties: { city: { type: "string" } }, required: ["city"] },
  },
};
const create = (body) => scene.client.chat.completions.create(body);

test("a whole answer has its text and its usage", async () => {
  const answer = await create({ model: MODEL, messages: says("Hello you") });
  const [{ message, finish_reason: finish }] = answer.choices;
  assert.deepEqual([message.content, finish, answer.usage.total_tokens], ["You said: Hello you", "stop", 11]);
});

test("a signature is the one that AWS calculates, in the region that the model names", async () => {
  for (const stream of [false, true]) {
    const answer = await create({ model: "signed", messages: says("Grüße"), stream });
    if (stream) for await (const chunk of answer) assert.ok(chunk);
  }
  const seen = scene.upstream.of(`${ID}--text--signed`);
  assert.equal(seen.length, 2);
  for (const { headers, path } of seen) {
    assert.match(headers.authorization, /\/eu-west-1\/bedrock\/aws4_request/);
    assert.equal(headers["x-amz-security-token"], "session");
    assert.ok(path.startsWith("/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0--text--signed/converse"), path);
  }
});

test("frames become chunks, with the usage that was asked for", async () => {
  const request = { model: MODEL, messages: says("one two"), stream: true, stream_options: { include_usage: true } };
  let [text, usage, finish] = ["", undefined, undefined];
  for await (const chunk of await create(request)) {
    text += chunk.choices[0]?.delta.content ?? "";
    finish = chunk.choices[0]?.finish_reason ?? finish;
    usage = chunk.usage ?? usage;
  }
  assert.deepEqual([text, finish, usage.prompt_tokens], ["You said: one two", "stop", 7]);
});

test("a tool is called by its own name, whole and streamed, and its result goes back", async () => {
  const messages = says("Weather?");
  const request = { model: MODEL, messages, tools: [WEATHER] };
  const { message } = (await create(request)).choices[0];
  const [call] = message.tool_calls;
  assert.deepEqual([call.function.name, JSON.parse(call.function.arguments)], ["get.weather", { city: "Zürich" }]);
  const result = { role: "tool", tool_call_id: call.id, content: "21 °C" };
  const second = await create({ ...request, messages: [...messages, message, result] });
  assert.equal(second.choices[0].message.content, "The tools said: 21 °C");
  let text = "";
  for await (const chunk of await create({ ...request, stream: true })) {
    text += chunk.choices[0].delta.tool_calls?.[0].function.arguments ?? "";
  }
  assert.deepEqual(JSON.parse(text), { city: "Zürich" });
});

test("structured output is content, whole and streamed", async () => {
  const schema = { type: "object", properties: { days: { type: "integer" } }, required: ["days"] };
  const format = { type: "json_schema", json_schema: { name: "d", schema } };
  const request = { model: MODEL, messages: says("Days?"), response_format: format };
  const answer = await create(request);
  assert.match(answer.choices[0].message.content, /\{"days":3\}/);
  assert.equal(answer.choices[0].finish_reason, "stop");
  let text = "";
  for await (const chunk of await create({ ...request, stream: true })) text += chunk.choices[0].delta.content ?? "";
  assert.match(text, /\{"days":3\}/);
});

test("a stream that breaks, ends early or fails is an error", async () => {
  for (const behaviour of ["cut-2", "end-2", "error-2"]) {
    const stream = await create({ model: `${MODEL}--${behaviour}`, messages: says("a b c"), stream: true });
    await assert.rejects(async () => {
      for await (const chunk of stream) assert.ok(chunk);
    }, behaviour);
  }
});

test("a refusal has the class that the SDK knows", async () => {
  const refusals = { "limited-1": 429, unauthorized: 403, missing: 404, context: 400 };
  for (const [behaviour, status] of Object.entries(refusals)) {
    const failed = create({ model: `${MODEL}--${behaviour}`, messages: says("a") });
    await assert.rejects(failed, (error) => error.status === status, behaviour);
  }
});
