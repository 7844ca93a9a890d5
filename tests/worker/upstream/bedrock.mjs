// AWS's side: Bedrock's Converse in JSON and in binary frames, behind a bearer key or a signature.
// (https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html)

import { createHash, createHmac } from "node:crypto";
import { crc32 } from "node:zlib";

import { UPSTREAM_KEY, fixture, inPieces, picture } from "./answer.mjs";

/** The access key that signatures are checked against. */
export const ACCESS = { id: "AKIDEXAMPLE", secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };

const KNOWN = new Set(
  (
    "messages system inferenceConfig toolConfig guardrailConfig additionalModelRequestFields promptVariables " +
    "additionalModelResponseFieldPaths requestMetadata performanceConfig serviceTier outputConfig"
  ).split(" "),
);

/** `/model/ID/converse` and `/model/ID/converse-stream`. */
export function recognise({ pathname }) {
  const [, id, action] = /^\/model\/([^/]+)\/(converse(?:-stream)?)$/.exec(pathname) ?? [];
  return id && { endpoint: "chat", model: decodeURIComponent(id), streamed: action === "converse-stream" };
}

const refused = (message, status = 400) => ({ status, body: { message } });

/** What AWS would refuse, or `undefined`. */
export function check(seen) {
  const { headers, json } = seen;
  const authorization = headers.authorization ?? "";
  const signed = authorization.startsWith("AWS4-HMAC-SHA256 ");
  if (signed ? authorization !== signature(seen) : authorization !== `Bearer ${UPSTREAM_KEY}`) {
    return refused("The request signature we calculated does not match the signature you provided.", 403);
  }
  if (headers["content-type"] !== "application/json" || !json) return refused("The request body is not valid JSON");
  const odd = Object.keys(json).find((name) => !KNOWN.has(name));
  if (odd) return refused(`${odd} is not permitted`);
  const specs = json.toolConfig?.tools.map(({ toolSpec }) => toolSpec) ?? [];
  if (specs.some(({ name, inputSchema }) => !/^[\w-]{1,64}$/.test(name) || inputSchema.json.type !== "object")) {
    return refused("toolConfig.tools is malformed");
  }
  return checkMessages(json);
}

function checkMessages({ messages, toolConfig }) {
  if (messages[0]?.role !== "user") return refused("A conversation must start with a user message.");
  let open = [];
  let role;
  for (const message of messages) {
    if (message.role === role) return refused("Roles must alternate.");
    role = message.role;
    if (!message.content.length) return refused("The content field is empty.");
    const answered = message.content.flatMap(({ toolResult }) => toolResult?.toolUseId ?? []);
    if (open.some((id) => !answered.includes(id)) || answered.length !== open.length) {
      return refused("Expected toolResult blocks for the toolUse blocks of the previous turn.");
    }
    open = message.content.flatMap(({ toolUse }) => toolUse?.toolUseId ?? []);
    if ((open.length || answered.length) && !toolConfig) return refused("The toolConfig field must be defined.");
  }
  return undefined;
}

/** The `authorization` that a request should have: AWS's rules, written down a second time. */
function signature({ method, path, headers, body }) {
  const [, scope, names] = /Credential=[^/]+\/([^,]+), SignedHeaders=([^,]+),/.exec(headers.authorization) ?? [];
  const hash = (text) => createHash("sha256").update(text).digest("hex");
  const mac = (key, text) => createHmac("sha256", key).update(text).digest();
  const signedHeaders = names.split(";").map((name) => `${name}:${headers[name].trim().replace(/\s+/g, " ")}\n`);
  const uri = path.split("?")[0].split("/").map(encodeURIComponent).join("/");
  const canonical = [method, uri, "", signedHeaders.join(""), names, hash(body)].join("\n");
  const toSign = ["AWS4-HMAC-SHA256", headers["x-amz-date"], scope, hash(canonical)].join("\n");
  const key = scope.split("/").reduce(mac, `AWS4${ACCESS.secret}`);
  const credential = `Credential=${ACCESS.id}/${scope}, SignedHeaders=${names}`;
  return `AWS4-HMAC-SHA256 ${credential}, Signature=${mac(key, toSign).toString("hex")}`;
}

/** What a request asks for. */
export function read(body) {
  const last = body.messages.at(-1).content;
  const forced = body.toolConfig?.toolChoice?.tool?.name;
  const tools = (body.toolConfig?.tools ?? []).map(({ toolSpec }) => toolSpec);
  const format = body.outputConfig?.textFormat;
  return {
    text: last.map(({ text }) => text ?? "").join(""),
    images: last.flatMap(({ image }) => (image ? [picture(`image/${image.format}`, image.source.bytes)] : [])),
    results: last.flatMap(({ toolResult }) => (toolResult ? [toolResult.content.map(({ text }) => text).join("")] : [])),
    tools: tools
      .filter(({ name }) => !forced || name === forced)
      .map(({ name, inputSchema }) => ({ name, schema: inputSchema.json })),
    schema: format && JSON.parse(format.structure.jsonSchema.schema),
    thinking: body.additionalModelRequestFields?.thinking?.type === "enabled",
  };
}

const FINISH = { stop: "end_turn", length: "max_tokens", tool: "tool_use" };
const usage = ({ input, output }) => ({
  usage: { inputTokens: input, outputTokens: output, totalTokens: input + output },
  metrics: { latencyMs: 12 },
});
const toolUse = ({ name }, index) => ({ toolUseId: `tooluse_${name}_${index}`, name });

/** A whole answer. */
export function whole(answer) {
  const calls = answer.calls.map((call, index) => ({ toolUse: { ...toolUse(call, index), input: call.args } }));
  const content = [{ text: answer.words.join("") }, ...calls];
  return { output: { message: { role: "assistant", content } }, stopReason: FINISH[answer.finish], ...usage(answer) };
}

/** A frame: lengths, headers, payload, and the checksums of both. */
function frame(headers, payload) {
  const told = Object.entries(headers).map(([name, value]) => {
    const head = Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([7, 0, value.length])]);
    return Buffer.concat([head, Buffer.from(value)]);
  });
  const number = (value) => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const head = Buffer.concat(told);
  const body = Buffer.from(JSON.stringify(payload));
  const lengths = Buffer.concat([number(head.length + body.length + 16), number(head.length)]);
  const all = Buffer.concat([lengths, number(crc32(lengths)), head, body]);
  return Buffer.concat([all, number(crc32(all))]);
}

const json = { ":content-type": "application/json" };
const event = (name, payload) => frame({ ":event-type": name, ...json, ":message-type": "event" }, payload);

/** The events of a stream: those before the first word, one for each piece, and those that end it. */
export function events(answer) {
  const delta = (contentBlockIndex, delta) => event("contentBlockDelta", { contentBlockIndex, delta });
  const pieces = answer.words.map((text) => delta(0, { text }));
  pieces.push(event("contentBlockStop", { contentBlockIndex: 0 }));
  for (const [place, call] of answer.calls.entries()) {
    const contentBlockIndex = place + 1;
    pieces.push(event("contentBlockStart", { contentBlockIndex, start: { toolUse: toolUse(call, place) } }));
    for (const input of inPieces(call.args)) pieces.push(delta(contentBlockIndex, { toolUse: { input } }));
    pieces.push(event("contentBlockStop", { contentBlockIndex }));
  }
  const last = [event("messageStop", { stopReason: FINISH[answer.finish] }), event("metadata", usage(answer))];
  return { first: [event("messageStart", { role: "assistant" })], pieces, last };
}

/** An error inside of a stream. */
export const errorEvent = () =>
  frame(
    { ":exception-type": "throttlingException", ...json, ":message-type": "exception" },
    { message: "Too many tokens" },
  );

/** A refusal. */
export function refusal(kind, seconds) {
  const names = {
    limited: "rate-limit",
    unauthorized: "authentication",
    context: "context-window",
    missing: "not-found",
    down: "server",
  };
  const { status, headers, body } = fixture("bedrock", `error-${names[kind]}`);
  return { status, headers: kind === "limited" ? { ...headers, "retry-after": String(seconds) } : headers, body };
}
