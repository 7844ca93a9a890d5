// Cohere's side: chat, embed and rerank of version 2 (https://docs.cohere.com/reference/chat).

import { UPSTREAM_KEY, fixture, inPieces, picture, vector } from "./answer.mjs";

const KNOWN = {
  chat:
    "model messages stream tools strict_tools documents citation_options response_format safety_mode max_tokens " +
    "stop_sequences temperature seed frequency_penalty presence_penalty k p logprobs tool_choice thinking priority",
  embed: "model texts images inputs input_type embedding_types output_dimension truncate max_tokens priority",
  rerank: "model query documents top_n max_tokens_per_doc priority",
};

/** `/v2/chat`, `/v2/embed` and `/v2/rerank`. */
export function recognise({ pathname }) {
  const [, endpoint] = pathname.match(/^\/v2\/(chat|embed|rerank)$/) ?? [];
  return endpoint && { endpoint };
}

const refused = (message, status = 400) => ({ status, body: { id: "mock", message } });

/** What Cohere would refuse, or `undefined`. */
export function check({ headers, json }, { endpoint }) {
  if (headers.authorization !== `Bearer ${UPSTREAM_KEY}`) return refused("invalid api token", 401);
  if (!json) return refused("invalid json");
  const odd = Object.keys(json).find((name) => !KNOWN[endpoint].split(" ").includes(name));
  if (odd) return refused(`unknown field: parameter '${odd}' is not a valid field`, 422);
  if (endpoint === "embed") {
    if (!json.input_type) return refused("input_type is required");
    return (json.texts?.length ?? 0) > 96 ? refused("at most 96 texts") : undefined;
  }
  if (endpoint === "rerank") {
    return json.documents?.every((text) => typeof text === "string") ? undefined : refused("documents must be strings");
  }
  if (!["REQUIRED", "NONE", undefined].includes(json.tool_choice)) return refused("invalid tool_choice");
  if (json.response_format && json.response_format.type !== "json_object") return refused("invalid response_format");
  let open = [];
  for (const [index, { role, content, tool_calls: calls, tool_call_id: id }] of json.messages.entries()) {
    if (!["system", "user", "assistant", "tool"].includes(role)) return refused(`messages[${index}]: invalid role`);
    if (!content?.length && !calls?.length) return refused(`messages[${index}]: no content`);
    if (role === "tool") {
      if (!open.includes(id)) return refused(`messages[${index}]: tool call id not found in previous tool calls`);
    } else open = (calls ?? []).map((call) => call.id);
  }
  return undefined;
}

const parts = (content) => (typeof content === "string" ? [{ type: "text", text: content }] : (content ?? []));
const textOf = (content) =>
  parts(content)
    .map(({ text }) => text ?? "")
    .join("");

/** What a request asks for. */
export function read(body) {
  const { role, content } = body.messages.at(-1);
  const after = body.messages.findLastIndex((message) => message.role !== "tool");
  const images = parts(content).filter(({ type }) => type === "image_url");
  return {
    text: textOf(content),
    images: images.map(({ image_url: { url } }) => image(url)),
    results: role === "tool" ? body.messages.slice(after + 1).map((message) => textOf(message.content)) : [],
    tools:
      body.tool_choice === "NONE"
        ? []
        : (body.tools ?? []).map(({ function: { name, parameters } }) => ({ name, schema: parameters })),
    schema: body.response_format?.json_schema,
    thinking: body.thinking?.type === "enabled",
  };
}

const image = (url) => {
  const [, type, base64] = url.match(/^data:([^;]+);base64,(.*)$/s) ?? [];
  return type ? picture(type, base64) : { url };
};

const FINISH = { stop: "COMPLETE", length: "MAX_TOKENS", tool: "TOOL_CALL" };
// The model reads more than is billed.
const usage = (input, output) => ({
  billed_units: { input_tokens: input, output_tokens: output },
  tokens: { input_tokens: input + 66, output_tokens: output },
});
const called = ({ name, args }, index) => ({
  id: `${name}_${index}`,
  type: "function",
  function: { name, arguments: JSON.stringify(args) },
});

/** A whole answer. */
export function whole(answer) {
  const content = [{ type: "text", text: answer.words.join("") }];
  if (answer.thinking) content.unshift({ type: "thinking", thinking: answer.thinking });
  const message = { role: "assistant", content };
  if (answer.calls.length) message.tool_calls = answer.calls.map(called);
  return { id: "mock", finish_reason: FINISH[answer.finish], message, usage: usage(answer.input, answer.output) };
}

const event = (type, rest) => `event: ${type}\ndata: ${JSON.stringify({ type, ...rest })}\n\n`;

/** The events of a stream: those before the first word, one for each piece, and those that end it. */
export function events(answer) {
  const message = { role: "assistant", content: [], tool_plan: "", tool_calls: [], citations: [] };
  const first = [event("message-start", { id: "mock", delta: { message } })];
  const pieces = [];
  const block = (index, type, texts) => {
    first.push(event("content-start", { index, delta: { message: { content: { type, [type]: "" } } } }));
    for (const text of texts)
      pieces.push(event("content-delta", { index, delta: { message: { content: { [type]: text } } } }));
    pieces.push(event("content-end", { index }));
  };
  if (answer.thinking) block(0, "thinking", answer.thinking.match(/\s*\S+/g));
  block(answer.thinking ? 1 : 0, "text", answer.words);
  for (const [index, call] of answer.calls.entries()) {
    const start = called(call, index);
    start.function.arguments = "";
    pieces.push(event("tool-call-start", { index, delta: { message: { tool_calls: start } } }));
    for (const text of inPieces(call.args)) {
      const piece = { tool_calls: { function: { arguments: text } } };
      pieces.push(event("tool-call-delta", { index, delta: { message: piece } }));
    }
    pieces.push(event("tool-call-end", { index }));
  }
  const delta = { finish_reason: FINISH[answer.finish], usage: usage(answer.input, answer.output) };
  return { first, pieces, last: [event("message-end", { delta })] };
}

/** An error inside of a stream. */
export const errorEvent = () => event("message-end", { delta: { finish_reason: "ERROR", error: "overloaded" } });

/** Vectors, or the documents ranked by their length. */
export function embeddings(json, { endpoint }) {
  if (endpoint === "rerank") {
    const ranked = json.documents.map((text, index) => ({ index, relevance_score: 1 / (1 + text.length) }));
    ranked.sort((one, other) => other.relevance_score - one.relevance_score);
    const meta = { api_version: { version: "2" }, billed_units: { search_units: 1 } };
    return { id: "mock", results: ranked.slice(0, json.top_n), meta };
  }
  const float = json.texts.map((text) => vector(text, json.output_dimension));
  return { id: "mock", embeddings: { float }, meta: { billed_units: { input_tokens: json.texts.length } } };
}

/** A refusal. */
export function refusal(kind, seconds) {
  const names = {
    limited: "rate-limit",
    unauthorized: "authentication",
    context: "context-window",
    missing: "not-found",
    down: "server",
  };
  const { status, headers, body } = fixture("cohere", `error-${names[kind]}`);
  return { status, headers: kind === "limited" ? { ...headers, "retry-after": String(seconds) } : headers, body };
}
