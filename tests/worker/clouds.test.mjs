// Clouds that exchange a credential for a token: a token server and an upstream on loopback, OpenAI's SDK before them.

import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { after, before, test } from "node:test";

import OpenAI from "openai";

import { startGateway, startUpstream } from "./gateway.mjs";
import { MASTER_KEY, says } from "./sdk.mjs";

const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = privateKey.export({ type: "pkcs8", format: "pem" });
const PLACE = "/v1/projects/acme-1/locations/us-central1";
const json = (response, status, body) =>
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));

/** The tokens that are good, the forms that came, and how many tokens were given. */
const issued = { good: new Set(), forms: [], count: 0 };

function give(response, form) {
  issued.forms.push(form);
  issued.count += 1;
  const token = `token-${issued.count}-of-the-test`;
  issued.good.add(token);
  // Slow enough that requests at once overlap.
  setTimeout(() => json(response, 200, { access_token: token, expires_in: 3600, token_type: "Bearer" }), 50);
}

/** Whether a JWT is signed by the account's key, and says what Google wants to read. */
function isSigned(jwt, audience) {
  const [head, claims, signature] = jwt.split(".");
  const read = (part) => JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
  const { iss, aud, iat, exp, scope } = read(claims);
  const now = Date.now() / 1000;
  assert.deepEqual(read(head), { alg: "RS256", typ: "JWT", kid: "key-1" });
  const scopes = "https://www.googleapis.com/auth/cloud-platform";
  assert.deepEqual([iss, aud, scope], ["gateway@acme-1.iam.gserviceaccount.com", audience, scopes]);
  assert.ok(Math.abs(iat - now) < 60 && exp - iat === 3600);
  return createVerify("RSA-SHA256").update(`${head}.${claims}`).verify(publicKey, signature, "base64url");
}

const spoken = (text) => ({
  candidates: [{ content: { role: "model", parts: [{ text }] }, finishReason: "STOP" }],
  usageMetadata: { promptTokenCount: 2, candidatesTokenCount: 3, totalTokenCount: 5 },
  modelVersion: "gemini-2.5-flash",
  responseId: "r-1",
});
const called = {
  ...spoken(""),
  candidates: [{ content: { role: "model", parts: [{ functionCall: { name: "add", args: { a: 2 } } }] } }],
};
const choice = (message, finish_reason = "stop") => [{ index: 0, message, finish_reason }];

/** What each cloud answers, by the path. */
const ANSWERS = {
  [`${PLACE}/publishers/google/models/gemini-2.5-flash:generateContent`]: (response, body) => {
    const schema = body.generationConfig?.responseJsonSchema;
    json(response, 200, body.tools ? called : spoken(schema ? '{"a":1}' : "Hello from Vertex."));
  },
  [`${PLACE}/publishers/google/models/gemini-2.5-flash:streamGenerateContent?alt=sse`]: (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const text of ["Hello ", "from ", "Vertex."]) {
      const chunk = spoken(text);
      if (text !== "Vertex.") delete chunk.candidates[0].finishReason;
      response.write(`data: ${JSON.stringify(chunk)}\r\n\r\n`);
    }
    response.end();
  },
  [`${PLACE}/publishers/anthropic/models/claude-sonnet-4-5@20250929:rawPredict`]: (response, body) => {
    assert.equal(body.anthropic_version, "vertex-2023-10-16");
    assert.equal(body.model, undefined);
    const usage = { input_tokens: 2, output_tokens: 3 };
    const content = [{ type: "text", text: "Hello from Claude." }];
    const message = { id: "msg_1", type: "message", role: "assistant", model: "claude-sonnet-4-5", content, usage };
    json(response, 200, { ...message, stop_reason: "end_turn" });
  },
  [`${PLACE}/endpoints/openapi/chat/completions`]: (response, body) => {
    const choices = choice({ role: "assistant", content: `Hello from ${body.model}.` });
    json(response, 200, { id: "c", object: "chat.completion", created: 1, model: body.model, choices });
  },
  "/openai/deployments/gpt-4o/chat/completions?api-version=2025-04-01-preview": (response) => {
    const choices = choice({ role: "assistant", content: "Hello from Azure." });
    json(response, 200, { id: "c", object: "chat.completion", created: 1, model: "gpt-4o", choices });
  },
  "/ml/v1/text/chat?version=2024-03-13": (response, body) => {
    assert.deepEqual([body.model_id, body.project_id], ["ibm/granite", "p-1"]);
    const choices = choice({ role: "assistant", content: "Hello from IBM." });
    json(response, 200, { id: "c", model_id: "ibm/granite", created: 1, choices });
  },
  "/ml/v1/text/chat_stream?version=2024-03-13": (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    const send = (id, chunk) => {
      const data = JSON.stringify({ id: "c", created: 1, model: "ibm/granite", ...chunk });
      response.write(`id: ${id}\nevent: message\ndata: ${data}\n\n`);
    };
    send(1, { choices: [{ index: 0, delta: { role: "assistant", content: "Hello " }, finish_reason: null }] });
    send(2, { choices: [{ index: 0, delta: { content: "from IBM." }, finish_reason: "stop" }] });
    send(3, { choices: [], usage: { prompt_tokens: 2, completion_tokens: 3, total_tokens: 5 } });
    response.end();
  },
};

let cloud;
let gateway;
let client;

before(async () => {
  cloud = await startUpstream((request, response, seen) => {
    const path = decodeURIComponent(seen.path);
    if (path === "/google/token") {
      const form = new URLSearchParams(seen.body);
      assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
      return isSigned(form.get("assertion"), `${cloud.url}/google/token`)
        ? give(response, "google")
        : json(response, 400, { error: "invalid_grant", error_description: "Invalid JWT Signature." });
    }
    if (path === "/ibm/token") return give(response, `ibm ${new URLSearchParams(seen.body).get("apikey")}`);
    if (path === "/tenant/oauth2/v2.0/token") return give(response, "entra");
    const token = seen.headers.authorization?.replace("Bearer ", "");
    if (!issued.good.has(token)) return json(response, 401, { error: { code: 401, message: "no such token" } });
    const answer = ANSWERS[path];
    return answer ? answer(response, JSON.parse(seen.body)) : json(response, 404, { error: { message: `no ${path}` } });
  });
  const account = {
    type: "service_account",
    project_id: "acme-1",
    private_key_id: "key-1",
    private_key: PEM,
    client_email: "gateway@acme-1.iam.gserviceaccount.com",
    token_uri: `${cloud.url}/google/token`,
  };
  const vertex = { api_base: cloud.url, vertex_credentials: "os.environ/THE_ACCOUNT" };
  const broken = { ...account, client_email: "other@acme-1.iam.gserviceaccount.com", private_key: "no key at all" };
  const group = (model_name, litellm_params) => ({ model_name, litellm_params });
  const config = {
    model_list: [
      group("gemini", { model: "vertex_ai/gemini-2.5-flash", ...vertex }),
      group("claude", { model: "vertex_ai/claude-sonnet-4-5@20250929", ...vertex, vertex_credentials: account }),
      group("llama", { model: "vertex_ai/meta/llama-3.3-70b-instruct-maas", ...vertex }),
      group("broken", { model: "vertex_ai/gemini-2.5-flash", api_base: cloud.url, vertex_credentials: broken }),
      group("azure", {
        model: "azure/gpt-4o",
        api_base: cloud.url,
        tenant_id: "tenant",
        client_id: "c",
        client_secret: "os.environ/THE_SECRET",
      }),
      group("granite", { model: "watsonx/ibm/granite", api_base: cloud.url, api_key: "ibm-key", project_id: "p-1" }),
    ],
    router_settings: { num_retries: 0 },
    general_settings: { master_key: MASTER_KEY },
  };
  const vars = {
    THE_ACCOUNT: JSON.stringify(account),
    THE_SECRET: "entra-secret",
    AZURE_AUTHORITY_HOST: cloud.url,
    WATSONX_IAM_URL: `${cloud.url}/ibm/token`,
  };
  gateway = await startGateway({ config, vars });
  client = new OpenAI({ apiKey: MASTER_KEY, baseURL: `${gateway.url}/v1`, maxRetries: 0 });
});

after(async () => {
  await gateway?.stop();
  await cloud?.stop();
});

const ask = (model, rest = {}) => client.chat.completions.create({ model, messages: says("hi"), ...rest });
const text = async (model, rest) => (await ask(model, rest)).choices[0].message.content;

test("a service account signs for one token, which requests at once share", async () => {
  const answers = await Promise.all(Array.from({ length: 5 }, () => text("gemini")));
  assert.deepEqual(answers, Array(5).fill("Hello from Vertex."));
  assert.deepEqual(issued.forms, ["google"]);
  // The same account, pasted as a map, has the same token.
  assert.equal(await text("claude"), "Hello from Claude.");
  assert.equal(await text("llama"), "Hello from meta/llama-3.3-70b-instruct-maas.");
  assert.deepEqual(issued.forms, ["google"]);
});

test("streams, tools and structured output pass", async () => {
  let streamed = "";
  for await (const chunk of await ask("gemini", { stream: true })) streamed += chunk.choices[0]?.delta?.content ?? "";
  assert.equal(streamed, "Hello from Vertex.");
  const parameters = { type: "object", properties: { a: { type: "number" } } };
  const { choices } = await ask("gemini", { tools: [{ type: "function", function: { name: "add", parameters } }] });
  assert.equal(choices[0].finish_reason, "tool_calls");
  assert.deepEqual(JSON.parse(choices[0].message.tool_calls[0].function.arguments), { a: 2 });
  const response_format = { type: "json_schema", json_schema: { name: "x", schema: parameters } };
  assert.deepEqual(JSON.parse(await text("gemini", { response_format })), { a: 1 });
});

test("a token that was withdrawn is replaced once, unseen", async () => {
  const before = issued.count;
  issued.good.clear();
  assert.equal(await text("gemini"), "Hello from Vertex.");
  assert.equal(await text("gemini"), "Hello from Vertex.");
  assert.equal(issued.count, before + 1);
});

test("Entra and IBM's IAM give tokens too", async () => {
  const before = issued.forms.length;
  assert.equal(await text("azure"), "Hello from Azure.");
  assert.equal(await text("granite"), "Hello from IBM.");
  let streamed = "";
  let usage;
  const stream = await ask("granite", { stream: true, stream_options: { include_usage: true } });
  for await (const chunk of stream) {
    streamed += chunk.choices[0]?.delta?.content ?? "";
    usage = chunk.usage ?? usage;
  }
  assert.equal(streamed, "Hello from IBM.");
  assert.equal(usage.total_tokens, 5);
  assert.deepEqual(issued.forms.slice(before), ["entra", "ibm ibm-key"]);
});

test("a key that is none is named, and neither keys nor tokens are told or logged", async () => {
  const error = await ask("broken").catch((error) => error);
  assert.equal(error.status, 401);
  assert.match(error.message, /private key/);
  const logged = gateway.logs.join("\n");
  for (const secret of [...issued.good, "entra-secret", "ibm-key", PEM.split("\n")[1]]) {
    assert.ok(!logged.includes(secret) && !error.message.includes(secret), secret);
  }
});
