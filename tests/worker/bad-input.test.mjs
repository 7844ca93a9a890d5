// Bad input over a real socket: every answer has OpenAI's error shape and names the field and the mend.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";

import { MASTER_KEY, MODELS, says, stage, within } from "./sdk.mjs";

const scene = stage({
  general_settings: { master_key: MASTER_KEY, max_request_size_mb: 1 },
  model_list: () => [{ model_name: "house-model", litellm_params: { model: "mock/echo" } }],
});

/** An error of OpenAI's shape with this status; answers its `error`. */
async function refused(answer, status) {
  const text = await answer.text();
  assert.equal(answer.status, status, text);
  assert.match(answer.headers.get("content-type"), /^application\/json/);
  const { error } = JSON.parse(text);
  assert.ok(error.message.length > 10 && typeof error.type === "string", text);
  assert.ok("param" in error && "code" in error, text);
  return error;
}

const post = (body, headers) => scene.chat({}, { body, headers });
const body = (fields) => JSON.stringify({ model: "house-model", messages: says("hi"), ...fields });
const deep = (levels) => `${"[".repeat(levels)}${"]".repeat(levels)}`;

/** What is sent, the field that is named, and words of the message. */
const BAD_BODIES = {
  "no body": ["", "request_body", "empty"],
  "no JSON": ["hello", "request_body", "not a JSON object"],
  "truncated JSON": ['{"model":"house-model","messages":[{"role":"us', "request_body", "cut off"],
  "a list": ["[]", "request_body", "not a JSON object"],
  "a text": ['"hi"', "request_body", "not a JSON object"],
  "invalid UTF-8": [
    Buffer.concat([Buffer.from('{"model":"'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
    "request_body",
    "UTF-8",
  ],
  "a lone surrogate": ['{"model":"house-model","messages":[{"role":"user","content":"\\ud800"}]}', "messages", ""],
  "a nesting bomb": [`{"model":"house-model","messages":${deep(5000)}}`, "request_body", "nests deeper"],
  "a nesting bomb without an end": [`{"model":${"[".repeat(200_000)}`, "request_body", "nests deeper"],
  "a duplicate key": ['{"model":"house-model","model":"b","messages":[]}', "model", "twice"],
  NaN: [
    '{"model":"house-model","messages":[{"role":"user","content":"a"}],"temperature":NaN}',
    "request_body",
    "not a JSON object",
  ],
  "a huge number": [body({}).replace("{", '{"temperature":1e999,'), "temperature", "temperature"],
  "a huge integer": [body({}).replace("{", '{"max_tokens":99999999999999999999999,'), "max_tokens", "max_tokens"],
  "a negative count": [body({ max_tokens: -1.5 }), "max_tokens", "max_tokens"],
  "no model": ['{"messages":[{"role":"user","content":"a"}]}', "model", "missing"],
  "an empty model": [body({ model: "" }), "model", "missing"],
  "a model of another type": [body({ model: 7 }), "model", "model"],
  "no messages": ['{"model":"house-model"}', "messages", "missing"],
  "messages of another type": [body({ messages: "hi" }), "messages", "messages"],
  "empty messages": [body({ messages: [] }), "messages", "empty"],
  "a message of another type": [body({ messages: ["hi"] }), "messages[0]", ""],
  "a message without a role": [body({ messages: [{ content: "a" }] }), "messages[0].role", "role"],
  "an unknown role": [body({ messages: [{ role: "robot", content: "a" }] }), "messages[0].role", "robot"],
  "content of another type": [body({ messages: [{ role: "user", content: 5 }] }), "messages[0].content", ""],
  "temperature of another type": [body({ temperature: "hot" }), "temperature", "temperature"],
  "stream of another type": [body({ stream: "yes" }), "stream", "stream"],
  "tools of another type": [body({ tools: {} }), "tools", "tools"],
  "stop of another type": [body({ model: MODELS.anthropic, stop: 5 }), "stop", "stop"],
  "a client's own api_base": [body({ api_base: "http://127.0.0.1:1" }), "api_base", "may not be set"],
};

for (const [what, [sent, param, words]] of Object.entries(BAD_BODIES)) {
  test(`${what} is refused with 400, and ${param} is named`, async () => {
    const error = await refused(await post(sent), 400);
    assert.ok(error.param?.startsWith(param), JSON.stringify(error));
    assert.ok(error.message.includes(words), error.message);
    assert.equal(error.type, "invalid_request_error");
  });
}

/** Requests that OpenAI takes and that a dialect lacks. */
const LACKING = {
  "a role for Anthropic": [MODELS.anthropic, { messages: [{ role: "critic", content: "x" }] }],
  "a role for Gemini": [MODELS.gemini, { messages: [{ role: "critic", content: "x" }] }],
  "sound for Anthropic": [
    MODELS.anthropic,
    { messages: says([{ type: "input_audio", input_audio: { data: "AAAA", format: "wav" } }]) },
  ],
  "an unknown part for Anthropic": [MODELS.anthropic, { messages: says([{ type: "hologram", hologram: {} }]) }],
  "an unknown part for Gemini": [MODELS.gemini, { messages: says([{ type: "hologram", hologram: {} }]) }],
  "logit_bias for Anthropic": [MODELS.anthropic, { logit_bias: { 1: 2 } }],
  "logit_bias for Gemini": [MODELS.gemini, { logit_bias: { 1: 2 } }],
  "n for Anthropic": [MODELS.anthropic, { n: 2 }],
};

for (const [what, [model, fields]] of Object.entries(LACKING)) {
  test(`what a dialect lacks is refused with its name: ${what}`, async () => {
    const error = await refused(await post(body({ model, ...fields })), 400);
    const [name] = Object.keys(fields);
    assert.ok(error.param?.startsWith(name), JSON.stringify(error));
  });
}

test("an unknown model is 404 with the names that are near", async () => {
  const error = await refused(await post(body({ model: "house-modle" })), 404);
  assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
  assert.match(error.message, /did you mean `house-model`\?/);
});

test("an unknown route is 404, a wrong method 405 with allow", async () => {
  await refused(await scene.call("/v1/nothing", { method: "POST", body: "{}" }), 404);
  for (const method of ["GET", "PUT", "DELETE", "PATCH"]) {
    const answer = await scene.call("/v1/chat/completions", { method });
    assert.equal(answer.headers.get("allow"), "POST");
    await refused(answer, 405);
  }
  const answer = await scene.call("/v1/models", { method: "POST", body: "{}" });
  assert.equal(answer.headers.get("allow"), "GET");
  await refused(answer, 405);
});

test("a wrong content type is 415; none, a charset and +json are taken", async () => {
  for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]) {
    await refused(await post(body({}), { "content-type": type }), 415);
  }
  for (const type of ["application/json; charset=utf-8", "APPLICATION/JSON", "application/problem+json"]) {
    const answer = await post(body({}), { "content-type": type });
    assert.equal(answer.status, 200, await answer.text());
  }
});

test("a body over the bound is 413, with its length told or in chunks", async () => {
  const large = body({ messages: says("x".repeat(1 << 20)) });
  await refused(await post(large), 413);
  const chunks = new Blob([large]).stream();
  const answer = await scene.call("/v1/chat/completions", {
    method: "POST",
    duplex: "half",
    body: chunks,
    headers: { "content-type": "application/json" },
  });
  await refused(answer, 413);
});

test("a body just below the bound is taken", async () => {
  const text = "x".repeat((1 << 20) - 200);
  const answer = await post(body({ messages: says(text) }));
  assert.equal((await answer.json()).choices[0].message.content, text);
});

test("a header bomb is refused, and the gateway lives", async () => {
  const many = Object.fromEntries(Array.from({ length: 250 }, (_, index) => [`x-h${index}`, "v"]));
  await refused(await post(body({}), many), 431);
  assert.equal((await post(body({}))).status, 200);
});

/** Sends bytes as they are and answers everything that comes back until the other side closes. */
function raw(bytes) {
  const { hostname, port } = new URL(scene.gateway.url);
  return within(
    5000,
    new Promise((resolve, reject) => {
      let text = "";
      const socket = connect(port, hostname, () => socket.write(bytes));
      socket.setEncoding("utf8").on("data", (part) => (text += part));
      socket.on("close", () => resolve(text)).on("error", reject);
    }),
    "the connection closes",
  );
}

test("what is no HTTP, or promises another length, harms nobody", async () => {
  assert.match(await raw("hello\r\n\r\n"), /^HTTP\/1\.1 [45]/);
  const bomb = `GET /v1/models HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-bomb: ${"b".repeat(300_000)}\r\n\r\n`;
  assert.match(await raw(bomb), /^HTTP\/1\.1 431 /);
  assert.equal((await scene.call("/health/liveliness")).status, 200);
});

test("bad input never reaches an upstream", () => {
  assert.deepEqual(
    scene.upstream.requests.map(({ path }) => path),
    [],
  );
});
