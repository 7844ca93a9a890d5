// Ollama's side: /api/chat with streams as lines of JSON, and /api/embed (https://docs.ollama.com/api/chat).

import { fixture, picture, vector } from "./answer.mjs";

/** `/api/chat` and `/api/embed`. */
export function recognise({ pathname }) {
  const [, endpoint] = pathname.match(/^\/api\/(chat|embed)$/) ?? [];
  return endpoint && { endpoint };
}

/** How its streams are called. */
export const STREAM = "application/x-ndjson";

const refused = (error, status = 400) => ({ status, body: { error } });

/** What Ollama would refuse, or `undefined`: Go reads types strictly, and skips fields that it does not know. */
export function check({ json }, { endpoint }) {
  if (!json) return refused("invalid character in JSON");
  if (endpoint === "embed") return Array.isArray(json.input) ? undefined : refused("invalid input type");
  // Without it the answer is a stream.
  if (typeof json.stream !== "boolean") return refused("the gateway has to say whether it wants a stream");
  for (const [index, { role, content, images, tool_calls: calls }] of json.messages.entries()) {
    if (!["system", "user", "assistant", "tool"].includes(role)) return refused(`messages[${index}]: invalid role`);
    if (typeof content !== "string") return refused(`json: cannot unmarshal messages.${index}.content`);
    if ((images ?? []).some((image) => /[:,]/.test(image))) return refused("illegal base64 data at input byte 4");
    if ((calls ?? []).some((call) => typeof call.function.arguments !== "object")) {
      return refused("json: cannot unmarshal string into Go struct field tool_calls.function.arguments");
    }
  }
  return undefined;
}

/** What a request asks for. */
export function read(body) {
  const { role, content, images } = body.messages.at(-1);
  const after = body.messages.findLastIndex((message) => message.role !== "tool");
  return {
    text: content,
    images: (images ?? []).map((image) => picture("image/png", image)),
    results: role === "tool" ? body.messages.slice(after + 1).map((message) => message.content) : [],
    tools: (body.tools ?? []).map(({ function: { name, parameters } }) => ({ name, schema: parameters })),
    schema: typeof body.format === "object" ? body.format : undefined,
    thinking: body.think === true || typeof body.think === "string",
  };
}

const FINISH = { stop: "stop", length: "length", tool: "stop" };
const head = (model) => ({ model, created_at: "2025-10-17T23:14:07.414671Z" });
const called = ({ name, args }) => ({ function: { name, arguments: args } });
const counts = (answer) => ({
  done: true,
  done_reason: FINISH[answer.finish],
  total_duration: 4883583458,
  prompt_eval_count: answer.input,
  eval_count: answer.output,
});

/** A whole answer. */
export function whole(answer, { model }) {
  const message = { role: "assistant", content: answer.words.join("") };
  if (answer.thinking) message.thinking = answer.thinking;
  if (answer.calls.length) message.tool_calls = answer.calls.map(called);
  return { ...head(model), message, ...counts(answer) };
}

const line = (value) => `${JSON.stringify(value)}\n`;

/** The lines of a stream: one for each piece, and the one that ends it. */
export function events(answer, { model }) {
  const piece = (message) => line({ ...head(model), message: { role: "assistant", content: "", ...message }, done: false });
  const thoughts = (answer.thinking?.match(/\s*\S+/g) ?? []).map((thinking) => piece({ thinking }));
  const words = answer.words.map((content) => piece({ content }));
  const calls = answer.calls.map((call) => piece({ tool_calls: [called(call)] }));
  const last = line({ ...head(model), message: { role: "assistant", content: "" }, ...counts(answer) });
  return { first: [], pieces: [...thoughts, ...words, ...calls], last: [last] };
}

/** An error inside of a stream. */
export const errorEvent = () => line({ error: "an error was encountered while running the model" });

/** Vectors. */
export const embeddings = ({ input, dimensions }, { model }) => ({
  model,
  embeddings: input.map((text) => vector(text, dimensions)),
  prompt_eval_count: input.length,
});

/** A refusal. */
export function refusal(kind, seconds) {
  const names = { unauthorized: "authentication", context: "context-window", missing: "not-found", down: "server" };
  if (kind === "limited") {
    return { status: 429, headers: { "retry-after": String(seconds) }, body: '{"error":"too many requests"}' };
  }
  return fixture("ollama", `error-${names[kind]}`);
}
